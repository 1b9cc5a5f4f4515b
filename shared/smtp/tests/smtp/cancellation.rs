//! A dropped future takes its connection with it: replies are never read out of step.

use fanmail_smtp::{Connection, Outcome, ServerConfig};

use crate::script::{Act, Mode, say};
use crate::server::Server;
use crate::{MESSAGE, SHORT, config, is_accepted, message, pool, send};

#[tokio::test]
async fn the_message_after_a_cancelled_one_gets_its_own_answer() {
    let verbs = ["MAIL", "RCPT", "DATA"];
    for (verb, mode) in verbs.into_iter().flat_map(|verb| Mode::WITH_DATA.map(|mode| (verb, mode))) {
        let server = Server::start_in(mode, move |said| match (said.message, said.verb.as_str()) {
            (1, heard) if heard == verb => Act::Silence,
            (2, "RCPT") => say("550 5.1.1 who?"),
            _ => Act::Usual,
        })
        .await;
        let pool = pool(&server);
        assert!(is_accepted(&send(&pool).await), "so that the next one meets an idle connection");

        tokio::select! {
            _ = send(&pool) => panic!("nothing answers"),
            () = server.until(|log| log.messages == 2 && log.heard.last().is_some_and(|(_, l)| l.starts_with(verb))) => {}
        }
        server.until(|log| log.closed == [0]).await;
        let next = send(&pool).await;

        assert_eq!(
            next.to_string(),
            "rejected at RCPT: the server answered 550 5.1.1",
            "cancelled at {verb}"
        );
        assert!(is_accepted(&send(&pool).await));
        assert_eq!(server.stored(), 2);
    }
}

#[tokio::test]
async fn a_message_cancelled_after_its_end_is_not_sent_again() {
    let server = Server::start(|said| match said.first(".") {
        true => Act::StoreAnd(Box::new(Act::Silence)),
        false => Act::Usual,
    })
    .await;
    let pool = pool(&server);

    tokio::select! {
        _ = send(&pool) => panic!("nothing answers"),
        () = server.until(|log| log.stored.len() == 1) => {}
    }
    server.until(|log| log.closed == [0]).await;

    assert!(is_accepted(&send(&pool).await));
    assert_eq!(server.stored(), 2);
}

#[tokio::test]
async fn a_cancelled_message_gives_its_slot_back() {
    let server = Server::start(|said| if said.first("RCPT") { Act::Silence } else { Act::Usual }).await;
    let pool = fanmail_smtp::Pool::new(ServerConfig { max_conns: 1, ..config(&server) });
    assert!(tokio::time::timeout(SHORT, send(&pool)).await.is_err());
    assert!(is_accepted(&send(&pool).await));
}

#[tokio::test]
async fn a_connection_is_closed_and_useless_after_its_message_was_cancelled() {
    let server = Server::start(|said| if said.first("RCPT") { Act::Silence } else { Act::Usual }).await;
    let mut connection = Connection::connect(&config(&server)).await.unwrap();
    let message = message(MESSAGE);

    tokio::select! {
        _ = connection.send(&message) => panic!("nothing answers"),
        () = server.until(|log| log.heard.len() == 3) => {}
    }

    server.until(|log| log.closed == [0]).await;
    assert!(!connection.is_usable());
    let outcome = connection.send(&message).await;
    assert!(matches!(outcome, Outcome::Deferred { .. }), "{outcome}");
}
