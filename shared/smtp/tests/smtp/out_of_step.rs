//! Replies that nobody asked for: never taken for the answer to something else.

use crate::failures::case;
use crate::script::{Act, Mode, say};
use crate::server::Server;
use crate::{PATIENT, is_accepted, pool, send};

/// The first RCPT gets two replies in one go.
async fn two_replies_to_rcpt(second: &'static str) -> String {
    let replies = format!("250 ok\r\n{second}\r\n").into_bytes();
    let server = Server::start(move |said| match said.first("RCPT") {
        true => Act::Pieces(vec![replies.clone()]),
        false => Act::Usual,
    })
    .await;
    let pool = pool(&server);
    let outcome = send(&pool).await;
    assert_eq!(server.heard("DATA"), 0, "the second reply would be taken for the answer to DATA");
    assert!(is_accepted(&send(&pool).await));
    assert_eq!(server.sessions(), 2);
    outcome.to_string()
}

#[tokio::test]
async fn a_reply_nobody_asked_for_ends_the_connection() {
    let out_of_step = "deferred by server at DATA: the server did not keep to SMTP";
    for second in ["250 ok", "354 go on", "550 no"] {
        assert_eq!(two_replies_to_rcpt(second).await, out_of_step, "{second}");
    }
    let closing = "deferred by server at DATA: the server answered 421";
    assert_eq!(two_replies_to_rcpt("421 closing").await, closing);
}

#[tokio::test]
async fn a_reply_too_many_to_pipelined_commands_never_sends_the_body() {
    for second in ["250 ok", "354 go on"] {
        for mode in [Mode::Pipelined, Mode::Lenient] {
            let replies = format!("250 ok\r\n{second}\r\n").into_bytes();
            let server = Server::start_in(mode, move |said| match said.first("RCPT") {
                true => Act::Pieces(vec![replies.clone()]),
                false => Act::Usual,
            })
            .await;
            let pool = pool(&server);
            let outcome = send(&pool).await.to_string();
            assert!(outcome.starts_with("deferred by server at DATA: the server "), "{second}: {outcome}");
            assert!(is_accepted(&send(&pool).await));
            assert_eq!((server.sessions(), server.stored()), (2, 1), "{second}");
        }
    }
}

#[tokio::test]
async fn a_success_that_is_there_before_the_body_is_never_taken_for_acceptance() {
    case(&Mode::WITH_DATA, "deferred by server at DATA: the server did not keep to SMTP", 0, 2, |said| {
        match said.first("DATA") {
            true => say("354 go on\r\n250 2.0.0 queued"),
            false => Act::Usual,
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_is_waited_for_after_a_421() {
    let server = Server::start_in(Mode::Lenient, |said| match said.verb.as_str() {
        "RCPT" => say("421 4.3.2 bye"),
        "DATA" => Act::Silence,
        _ => Act::Usual,
    })
    .await;
    let pool = pool(&server);
    let outcome = tokio::time::timeout(PATIENT.command / 2, send(&pool)).await.expect("it was waited for");
    assert_eq!(outcome.to_string(), "deferred by server at RCPT: the server answered 421 4.3.2");
}
