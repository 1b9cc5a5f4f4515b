//! What arrives is what was given, with the line ends SMTP wants.

use fanmail_smtp::{Connection, Envelope, Message};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::script::{Act, say};
use crate::server::Server;
use crate::{MESSAGE, config, envelope, is_accepted, pool};

/// Every line end CRLF, the last line ended; written differently from the client on purpose.
fn normalised(message: &[u8]) -> Vec<u8> {
    let one_char_per_byte: String = message.iter().map(|&b| char::from(b)).collect();
    let text = one_char_per_byte.replace("\r\n", "\n").replace('\r', "\n");
    let lines = text.strip_suffix('\n').unwrap_or(&text);
    if text.is_empty() {
        return Vec::new();
    }
    let text: String = lines.split('\n').map(|line| format!("{line}\r\n")).collect();
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

#[test]
fn what_the_server_unstuffs_is_the_normalised_message() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::friendly());
    let connection = runtime.block_on(Connection::connect(&config(&server))).unwrap();
    let connection = std::cell::RefCell::new(connection);

    let byte = prop::sample::select(b"\r\n\r\n..ab\xc3\0".to_vec());
    let message = prop::collection::vec(byte, 0..60);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let result = runner.run(&message, |message| {
        let outcome = runtime.block_on(connection.borrow_mut().send(&crate::message(&message)));
        prop_assert!(is_accepted(&outcome), "{}", outcome);
        let body = server.read(|log| log.stored.last().map(|stored| stored.body.clone()));
        prop_assert_eq!(body, Some(normalised(&message)));
        Ok(())
    });
    result.unwrap();
    assert_eq!(
        server.heard(""),
        server.heard("EHLO") + 3 * server.stored(),
        "nothing was smuggled in as a command"
    );
}

async fn mail_line(extensions: &'static str, envelope: &Envelope, message: &[u8]) -> Result<String, String> {
    let server =
        Server::start(move |said| if said.verb == "EHLO" { say(extensions) } else { Act::Usual }).await;
    let outcome = pool(&server).send(Message::new(envelope.clone(), message.into()).into()).await;
    match server.read(|log| log.stored.first().map(|stored| stored.mail.clone())) {
        Some(mail) => Ok(mail),
        None if server.heard("MAIL") == 0 => Err(outcome.to_string()),
        None => panic!("refused after MAIL: {outcome}"),
    }
}

#[tokio::test]
async fn the_size_is_announced_where_the_server_wants_it() {
    let plain = Ok("MAIL FROM:<shop@sender.test>".to_owned());
    let sized = Ok("MAIL FROM:<shop@sender.test> SIZE=7".to_owned());
    assert_eq!(mail_line("250-mx\r\n250 HELP", &envelope(), b".a\nbc").await, plain);
    assert_eq!(mail_line("250-mx\r\n250 SIZE", &envelope(), b".a\nb").await, sized);
    assert_eq!(mail_line("250-mx\r\n250 SIZE 7", &envelope(), b".a\nb").await, sized);
}

#[tokio::test]
async fn a_message_too_large_is_rejected_before_anything_is_said() {
    let refused = "rejected at preparation: the message has 8 octets and the server takes 7";
    assert_eq!(mail_line("250-mx\r\n250 SIZE 7", &envelope(), b"ab\ncd").await, Err(refused.to_owned()));
}

#[tokio::test]
async fn eight_bit_content_is_announced_or_refused() {
    let announced = Ok("MAIL FROM:<shop@sender.test> BODY=8BITMIME".to_owned());
    let seven = Ok("MAIL FROM:<shop@sender.test>".to_owned());
    let refused = Err(
        "rejected at preparation: the message needs 8BITMIME, which the server does not offer".to_owned()
    );
    assert_eq!(mail_line("250-mx\r\n250 8BITMIME", &envelope(), "ä".as_bytes()).await, announced);
    assert_eq!(mail_line("250-mx\r\n250 8BITMIME", &envelope(), b"a").await, seven);
    assert_eq!(mail_line("250 mx", &envelope(), "ä".as_bytes()).await, refused);
}

#[tokio::test]
async fn an_international_address_is_announced_or_refused() {
    let envelope = Envelope::new("", "jörg@rcpt.test").unwrap();
    let refused = Err(
        "rejected at preparation: the message needs SMTPUTF8, which the server does not offer".to_owned()
    );
    assert_eq!(
        mail_line("250-mx\r\n250 SMTPUTF8", &envelope, b"a").await,
        Ok("MAIL FROM:<> SMTPUTF8".to_owned())
    );
    assert_eq!(mail_line("250 mx", &envelope, b"a").await, refused);
}

#[tokio::test]
async fn the_envelope_travels_as_given() {
    let server = Server::friendly().await;
    let pool = pool(&server);
    for to in ["fan@rcpt.test", "other@rcpt.test"] {
        assert!(is_accepted(
            &pool.send(Message::new(Envelope::new("<>", to).unwrap(), MESSAGE.into()).into()).await
        ));
    }
    let lines = server.read(|log| log.stored.iter().map(|s| s.rcpt.clone()).collect::<Vec<_>>());
    assert_eq!(lines, ["RCPT TO:<fan@rcpt.test>", "RCPT TO:<other@rcpt.test>"]);
    assert_eq!(server.heard("MAIL FROM:<> "), 2);
}
