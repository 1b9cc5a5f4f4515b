//! The pool: how many connections, which, and for how long.

use std::sync::Arc;
use std::time::Duration;

use fanmail_smtp::{Pool, PoolCounts, ServerConfig};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::script::Act;
use crate::server::Server;
use crate::{SHORT, config, is_accepted, pool, send};

#[tokio::test]
async fn messages_one_after_another_share_a_connection() {
    let server = Server::friendly().await;
    let pool = pool(&server);
    for _ in 0..10 {
        assert!(is_accepted(&send(&pool).await));
    }
    assert_eq!((server.sessions(), server.stored(), server.heard("RSET")), (1, 10, 0));
    let expected = PoolCounts { opened: 1, reused: 9, accepted: 10, ..PoolCounts::default() };
    assert_eq!(pool.stats().counts(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_senders_never_have_more_than_four_connections() {
    // The first messages are answered only when four connections have one each.
    let barrier = Arc::new(Barrier::new(4));
    let server = Server::start(move |said| match said.message {
        0..4 if said.verb == "." => Act::Together(Arc::clone(&barrier)),
        _ => Act::Usual,
    })
    .await;
    let pool = Pool::new(ServerConfig { max_conns: 4, ..config(&server) });

    let mut senders = JoinSet::new();
    for _ in 0..64 {
        let pool = pool.clone();
        senders.spawn(async move { send(&pool).await });
    }
    let outcomes = senders.join_all().await;

    assert!(outcomes.iter().all(is_accepted));
    assert_eq!((server.stored(), server.sessions(), server.read(|log| log.most_open)), (64, 4, 4));
}

#[tokio::test]
async fn an_idle_connection_the_server_ended_costs_nothing() {
    for last_line in [None, Some("421 4.4.2 you were idle")] {
        let server = Server::friendly().await;
        let pool = pool(&server);
        assert!(is_accepted(&send(&pool).await));

        server.hang_up(0, last_line).await;
        let outcome = send(&pool).await;

        assert!(is_accepted(&outcome), "{last_line:?}: {outcome}");
        assert_eq!((server.stored(), server.sessions()), (2, 2));
        let counts = pool.stats().counts();
        assert_eq!(
            (counts.found_stale, counts.retried, counts.deferred),
            (1, 0, 0),
            "seen without a round trip"
        );
    }
}

#[tokio::test]
async fn an_idle_connection_that_dies_under_the_first_command_costs_nothing() {
    let table: [fn() -> Act; 4] = [
        || Act::Rst,
        || Act::Fin,
        || Act::SayAndClose("421 4.4.2 you were idle".to_owned()),
        || Act::SayAndClose("garbage".to_owned()),
    ];
    for (case, act) in table.into_iter().enumerate() {
        let server = Server::start(
            move |said| if said.message == 1 && said.verb == "MAIL" { act() } else { Act::Usual },
        )
        .await;
        let pool = pool(&server);
        assert!(is_accepted(&send(&pool).await));

        let outcome = send(&pool).await;

        assert!(is_accepted(&outcome), "case {case}: {outcome}");
        assert_eq!((server.stored(), server.sessions(), pool.stats().counts().retried), (2, 2, 1));
    }
}

#[tokio::test]
async fn a_fresh_connection_that_dies_is_not_replaced() {
    let server = Server::start(|said| if said.verb == "MAIL" { Act::Fin } else { Act::Usual }).await;
    let pool = pool(&server);
    for sessions in [1, 2] {
        let outcome = send(&pool).await;
        assert_eq!(outcome.to_string(), "deferred by server at MAIL: the server closed the connection");
        assert_eq!(server.sessions(), sessions);
    }
}

#[tokio::test]
async fn a_message_is_begun_again_at_most_once() {
    let server = Server::start(|said| match said.message {
        1.. if said.verb == "MAIL" => Act::Fin,
        _ => Act::Usual,
    })
    .await;
    let pool = pool(&server);
    assert!(is_accepted(&send(&pool).await));
    assert!(!is_accepted(&send(&pool).await));
    assert_eq!(server.sessions(), 2);
}

#[tokio::test]
async fn a_connection_lost_after_the_first_command_is_not_begun_again() {
    let server = Server::start(|said| match said.message {
        1 if said.verb == "RCPT" => Act::Fin,
        _ => Act::Usual,
    })
    .await;
    let pool = pool(&server);
    assert!(is_accepted(&send(&pool).await));
    assert!(!is_accepted(&send(&pool).await));
    assert_eq!((server.sessions(), pool.stats().counts().retried), (1, 0));
}

#[tokio::test]
async fn an_idle_connection_is_closed_when_its_time_is_over() {
    let server = Server::friendly().await;
    let pool = Pool::new(ServerConfig { idle_timeout: SHORT, ..config(&server) });
    assert!(is_accepted(&send(&pool).await));

    // Nobody touches the pool meanwhile.
    server.until(|log| log.closed == [0]).await;
    assert_eq!(server.heard("QUIT"), 1);

    assert!(is_accepted(&send(&pool).await));
    server.until(|log| log.closed == [0, 1]).await;
}

#[tokio::test]
async fn a_connection_is_replaced_after_its_share_of_messages() {
    let server = Server::friendly().await;
    let pool = Pool::new(ServerConfig { max_messages_per_connection: 2, ..config(&server) });
    for _ in 0..5 {
        assert!(is_accepted(&send(&pool).await));
    }
    let sessions = server.read(|log| log.stored.iter().map(|stored| stored.session).collect::<Vec<_>>());
    assert_eq!(sessions, [0, 0, 1, 1, 2]);
    server.until(|log| log.closed.len() == 2).await;
    assert_eq!(server.heard("QUIT"), 2);
}

#[tokio::test]
async fn a_closed_pool_says_quit_and_sends_no_more() {
    let server = Server::friendly().await;
    let pool = pool(&server);
    assert!(is_accepted(&send(&pool).await));

    pool.close().await;

    assert_eq!(server.heard("QUIT"), 1);
    server.until(|log| log.open == 0).await;
    let outcome = send(&pool).await;
    assert_eq!(outcome.to_string(), "deferred by server at waiting for a connection: the pool is closed");
}

#[tokio::test]
async fn closing_lets_a_message_under_way_end() {
    let barrier = Arc::new(Barrier::new(2));
    let server = Server::start({
        let barrier = Arc::clone(&barrier);
        move |said| if said.verb == "." { Act::Together(Arc::clone(&barrier)) } else { Act::Usual }
    })
    .await;
    let pool = pool(&server);
    let under_way = tokio::spawn({
        let pool = pool.clone();
        async move { send(&pool).await }
    });
    server.until(|log| log.stored.len() == 1).await;

    pool.close().await;
    barrier.wait().await;

    assert!(is_accepted(&under_way.await.unwrap()));
    server.until(|log| log.open == 0).await;
}

#[tokio::test]
async fn no_message_waits_for_a_delayed_acknowledgement() {
    let server = Server::friendly().await;
    let pool = pool(&server);
    assert!(is_accepted(&send(&pool).await));

    let start = std::time::Instant::now();
    for _ in 0..50 {
        assert!(is_accepted(&send(&pool).await));
    }
    // Delayed acknowledgements would make 50 times 40 ms of it, whatever the machine.
    assert!(start.elapsed() < Duration::from_millis(50 * 30), "{:?}", start.elapsed());
}
