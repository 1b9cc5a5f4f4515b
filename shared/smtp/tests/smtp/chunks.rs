//! CHUNKING: where a message travels by BDAT, and what that makes of failures.

use fanmail_smtp::{Pool, ServerConfig};

use crate::failures::case;
use crate::pipelining::{first_of_two, narrow};
use crate::script::{Act, Mode, Said, say};
use crate::server::Server;
use crate::{config, is_accepted, pool, send};

#[tokio::test]
async fn a_connection_lost_after_a_chunk_is_unknown_whichever_reply_is_missing() {
    for verb in ["MAIL", "RCPT", "BODY"] {
        case(
            &[Mode::Chunked],
            "unknown: ",
            0,
            2,
            move |said| {
                if said.first(verb) { Act::Fin } else { Act::Usual }
            },
        )
        .await;
    }
}

#[tokio::test]
async fn a_chunk_taken_for_nobody_is_in_doubt() {
    let confused = |said: &Said| match said.verb.as_str() {
        "RCPT" if said.message == 0 => say("550 5.1.1 who?"),
        "LONE" => say("250 2.0.0 queued"),
        _ => Act::Usual,
    };
    case(&[Mode::Chunked], "unknown: the server answered 550 5.1.1", 0, 2, confused).await;
}

#[tokio::test]
async fn a_server_that_does_not_know_bdat_gets_data_from_then_on() {
    for reply in ["500 what?", "502 5.5.1 not here", "503 5.5.1 no"] {
        let server = Server::start_in(Mode::Chunked, move |said| match said.verb.as_str() {
            "." if said.message == 0 => say(reply),
            _ => Act::Usual,
        })
        .await;
        let pool = pool(&server);
        let outcome = send(&pool).await;
        assert!(outcome.to_string().starts_with("deferred by server at DATA: "), "{reply}: {outcome}");
        assert!(is_accepted(&send(&pool).await));
        assert_eq!((server.heard("BDAT"), server.heard("DATA"), server.stored()), (1, 1, 1));
    }
}

#[tokio::test]
async fn dots_travel_in_chunks_as_they_are() {
    let server = Server::start_in(Mode::Chunked, |_| Act::Usual).await;
    let pool = Pool::new(narrow(&server));
    assert!(is_accepted(&pool.send(crate::message(b".a\n..\n.\nb").into()).await));
    let body = server.read(|log| log.stored[0].body.clone());
    assert_eq!((body.as_slice(), server.heard("BDAT 14 LAST")), (&b".a\r\n..\r\n.\r\nb\r\n"[..], 1));
}

#[tokio::test]
async fn chunking_can_be_switched_off() {
    let server = Server::start_in(Mode::Chunked, |_| Act::Usual).await;
    let pool = Pool::new(ServerConfig { chunking: false, ..config(&server) });
    assert!(is_accepted(&send(&pool).await));
    assert_eq!((server.heard("BDAT"), server.heard("DATA")), (0, 1));
}

#[tokio::test]
async fn a_refused_chunk_costs_the_message_behind_it_nothing() {
    let outcome = first_of_two(Mode::Chunked, 0, 1, |said| match said.first("RCPT") {
        true => say("550 5.1.1 who?"),
        false => Act::Usual,
    });
    assert_eq!(outcome.await, "rejected at RCPT: the server answered 550 5.1.1");
}

#[tokio::test]
async fn no_chunk_is_sent_on_a_connection_that_was_idle_for_long() {
    let server = Server::start_in(Mode::Chunked, |_| Act::Usual).await;
    let pool = Pool::new(narrow(&server));
    assert!(is_accepted(&send(&pool).await) && is_accepted(&send(&pool).await));
    assert_eq!((server.heard("BDAT"), server.heard("DATA")), (2, 0));
    // The passing of time is what this is about.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert!(is_accepted(&send(&pool).await));
    assert_eq!((server.heard("BDAT"), server.heard("DATA"), server.sessions()), (2, 1, 1));
}
