//! Over a socket: a message arrives as it was made, and what the server says comes back as what it means.

use fanmail_engine::ports::{Mailer, Refusal, Scope, Submission};
use fanmail_mailer::SmtpTransport;
use fanmail_smtp::{ServerConfig, Servers};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::support::{ann, content, postman, render_with};

/// Answers `special` to the commands that begin with its first word, else with what lets the client go on. Sends
/// on each body, dots still doubled.
async fn serve(
    stream: TcpStream,
    special: (&'static str, &'static str),
    bodies: mpsc::UnboundedSender<String>,
) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let (mut command, mut body) = (String::new(), None::<String>);
    loop {
        let reply = match (command.as_str(), &body) {
            (command, None) if command.starts_with(special.0) => special.1,
            ("", None) => "220 hello",
            ("DATA", None) => {
                body = Some(String::new());
                "354 go on"
            }
            (".", Some(text)) if special.0 != "." => {
                let _ = bodies.send(text.clone());
                body = None;
                "250 2.0.0 queued"
            }
            (".", Some(_)) if special.1.is_empty() => return,
            (".", Some(_)) => special.1,
            (line, Some(text)) => {
                body = Some(format!("{text}{line}\r\n"));
                ""
            }
            (command, None) if command.starts_with("EHLO") => "250-hello\r\n250 AUTH PLAIN",
            (command, None) if command.starts_with("AUTH") => "235 welcome",
            _ => "250 OK",
        };
        if !reply.is_empty() && write.write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
            return;
        }
        let Ok(Some(line)) = lines.next_line().await else { return };
        command = line;
    }
}

async fn send(special: (&'static str, &'static str)) -> (Submission, Option<String>, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (bodies, mut arrived) = mpsc::unbounded_channel();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream, special, bodies).await;
    });
    let servers = Servers::one(ServerConfig::from_url(&format!("smtp://fan:pass@{address}")).unwrap());
    let postman = postman(SmtpTransport::new(servers.clone()));
    let message = render_with(&postman, &content("Hi", ".<br>..dots"), &ann()).unwrap();
    let sent = message.message.text().into_owned();
    let submission = postman.submit(message).await;
    servers.close().await;
    server.await.unwrap();
    (submission, arrived.try_recv().ok(), sent)
}

#[tokio::test]
async fn a_message_arrives_as_it_was_made() {
    let (submission, arrived, sent) = send(("none", "")).await;
    assert_eq!(submission, Submission::Accepted);
    let arrived: String =
        arrived.unwrap().split_inclusive("\r\n").map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
    assert_eq!(arrived.as_bytes(), sent);
}

#[tokio::test]
async fn what_the_server_says_comes_back_as_what_it_means() {
    let refusal = |code, text: &str| Refusal { code: Some(code), text: text.into() };
    for (special, expected) in [
        (("RCPT", "550 5.1.1 unknown"), Submission::Rejected(refusal(550, "5.1.1 unknown"))),
        (("RCPT", "451 4.7.1 later"), Submission::Deferred(Scope::Recipient, refusal(451, "4.7.1 later"))),
        (("MAIL", "421 4.3.2 closing"), Submission::Deferred(Scope::Provider, refusal(421, "4.3.2 closing"))),
        (("AUTH", "535 5.7.8 who?"), Submission::Deferred(Scope::Credentials, refusal(535, "5.7.8 who?"))),
        ((".", "554 5.6.0 spam"), Submission::Rejected(refusal(554, "5.6.0 spam"))),
        ((".", ""), Submission::Unknown),
    ] {
        let (submission, arrived, _) = send(special).await;
        assert_eq!(submission, expected, "{special:?}");
        assert_eq!(arrived, None);
    }
}

#[tokio::test]
async fn a_quota_of_the_day_is_everybodys_and_a_full_mailbox_its_owners() {
    let said = |reply: &str| {
        let (code, text) = reply.split_once(' ').unwrap();
        Refusal { code: Some(code.parse().unwrap()), text: text.into() }
    };
    for (step, reply) in [
        ("MAIL", "454 4.7.0 Throttling failure: Daily message quota exceeded."),
        ("RCPT", "454 4.7.0 Throttling failure: Daily message quota exceeded."),
        ("MAIL", "550 5.4.5 Daily user sending limit exceeded."),
        (".", "550 5.4.5 Daily SMTP relay sending limit exceeded for customer."),
        (".", "452 daily quota used up"),
    ] {
        let (submission, ..) = send((step, reply)).await;
        assert_eq!(submission, Submission::Deferred(Scope::Quota, said(reply)), "{step}");
    }
    let full = "550 5.2.1 the mailbox is over its daily limit";
    assert_eq!(send(("RCPT", full)).await.0, Submission::Rejected(said(full)));
    let slower = "454 4.7.0 Throttling failure: Maximum sending rate exceeded.";
    assert_eq!(send(("MAIL", slower)).await.0, Submission::Deferred(Scope::Provider, said(slower)));
}
