//! One session on request, and what its operator reads.

use fanmail_smtp::{Credentials, Mechanism, Outcome, ServerConfig, Tls, try_send};

use crate::script::{Act, Said, say};
use crate::server::Server;
use crate::tls_front::{Front, Manner};
use crate::{MESSAGE, config, message};

fn with_login(config: ServerConfig, mechanism: Mechanism) -> ServerConfig {
    let (user, password) = ("fan".to_owned(), "geheim".to_owned());
    ServerConfig { credentials: Some(Credentials { user, password, mechanism }), ..config }
}

/// Without the first line, which has the port.
async fn dialogue(config: &ServerConfig, text: Option<&[u8]>) -> Vec<String> {
    let message = text.map(message);
    let (transcript, _) = try_send(config, message.as_ref()).await;
    let (first, rest) = transcript.lines().split_first().unwrap();
    assert_eq!(*first, format!("-- connected to 127.0.0.1:{}", config.port));
    rest.to_vec()
}

#[tokio::test]
async fn the_dialogue_of_one_message_is_told_and_the_secret_is_not() {
    let server = Server::friendly().await;
    let config = with_login(config(&server), Mechanism::Any);

    let lines = dialogue(&config, Some(MESSAGE)).await;

    let expected = [
        "S: 220 mx.test ready",
        "C: EHLO localhost",
        "S: 250-mx.test",
        "S: 250-SIZE 50000000",
        "S: 250-8BITMIME",
        "S: 250-SMTPUTF8",
        "S: 250 AUTH PLAIN LOGIN",
        "C: AUTH PLAIN ***",
        "S: 235 2.7.0 welcome",
        "C: MAIL FROM:<shop@sender.test> SIZE=25",
        "S: 250 2.1.0 ok",
        "C: RCPT TO:<fan@rcpt.test>",
        "S: 250 2.1.0 ok",
        "C: DATA",
        "S: 354 go on",
        "C: (28 octets)",
        "S: 250 2.0.0 queued",
        "C: QUIT",
        "S: 221 2.0.0 bye",
    ];
    assert_eq!(lines, expected);
    assert_eq!(server.stored(), 1);
}

#[tokio::test]
async fn what_was_said_in_tls_is_told_too() {
    let server = Server::friendly().await;
    let front = Front::start(&server, Manner::StartTls { answer: "220 2.0.0 go\r\n" }).await;

    let lines = dialogue(&front.config(Tls::Required), None).await;

    let expected = [
        "S: 220 mx.test ready",
        "C: EHLO localhost",
        "S: 250-mx.test",
        "S: 250-SIZE 1",
        "S: 250 STARTTLS",
        "C: STARTTLS",
        "S: 220 2.0.0 go",
        "-- TLSv1_3 with TLS13_AES_256_GCM_SHA384",
        "C: EHLO localhost",
    ];
    assert_eq!(lines[..expected.len()], expected);
    assert_eq!(lines[lines.len() - 2..], ["C: QUIT", "S: 221 2.0.0 bye"]);
}

#[tokio::test]
async fn no_mechanism_shows_its_secret() {
    let script = |said: &Said| match (said.verb.as_str(), said.line.as_str()) {
        ("EHLO", _) => say("250-mx.test\r\n250 AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2"),
        ("AUTH", "AUTH LOGIN") => say("334 VXNlcm5hbWU6"),
        ("AUTH", "AUTH CRAM-MD5") => say("334 PDFAbXgudGVzdD4="),
        ("TEXT", "ZmFu") => say("334 UGFzc3dvcmQ6"),
        ("AUTH" | "TEXT", line) => say(&format!("535 5.7.8 who would believe {line} or geheim")),
        _ => Act::Usual,
    };
    for mechanism in [Mechanism::Plain, Mechanism::Login, Mechanism::CramMd5, Mechanism::XOAuth2] {
        let server = Server::start(script).await;
        let config = with_login(config(&server), mechanism);

        let (transcript, result) = try_send(&config, None).await;

        let error = result.unwrap_err().to_string();
        assert!(error.ends_with("refused the credentials: 535 5.7.8"), "{error}");
        let told = transcript.to_string();
        assert!(told.contains(&format!("C: AUTH {mechanism}")) && told.contains("***"), "{told}");
        let said = server.read(|log| log.heard.clone());
        for (_, line) in &said[1..said.len() - 1] {
            let secret = line.rsplit(' ').next().unwrap();
            let named = secret == mechanism.to_string();
            assert!(named || !told.contains(secret), "{secret} in {told}");
        }
        assert!(!told.contains("geheim") && !format!("{transcript:?}").contains("220"), "{told}");
    }
}

#[tokio::test]
async fn a_refusal_is_the_outcome_and_its_words_are_told() {
    let script = |said: &Said| {
        if said.verb == "RCPT" { say("550 5.1.1 <fan@rcpt.test> is nobody") } else { Act::Usual }
    };
    let server = Server::start(script).await;
    let (transcript, result) = try_send(&config(&server), Some(&message(MESSAGE))).await;
    assert!(matches!(result, Ok(Some(Outcome::Rejected { .. }))));
    let last: Vec<_> = transcript.lines().iter().rev().take(3).rev().collect();
    assert_eq!(last, ["S: 550 5.1.1 <fan@rcpt.test> is nobody", "C: QUIT", "S: 221 2.0.0 bye"]);
}

#[tokio::test]
async fn a_server_that_pipelines_is_spoken_to_in_lockstep() {
    let ehlo = "250-mx.test\r\n250-PIPELINING\r\n250 CHUNKING";
    let server = Server::start(move |said| if said.verb == "EHLO" { say(ehlo) } else { Act::Usual }).await;
    let lines = dialogue(&config(&server), Some(MESSAGE)).await;
    let speakers: String =
        lines.iter().filter(|line| !line.starts_with("S: 250-")).map(|line| &line[..1]).collect();
    assert_eq!(speakers, "SCSCSCSCSCSCS");
}
