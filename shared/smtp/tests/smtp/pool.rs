//! The pool: how many connections, which, and for how long.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fanmail_smtp::{Outcome, Pool, PoolCounts, ServerConfig};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::pipelining::{kept, numbered};
use crate::script::{Act, Mode, Said};
use crate::server::Server;
use crate::{PATIENT, SHORT, config, is_accepted, pool, send};

#[tokio::test]
async fn messages_one_after_another_share_a_connection() {
    for mode in Mode::ALL {
        let server = Server::start_in(mode, |_| Act::Usual).await;
        let pool = pool(&server);
        for _ in 0..10 {
            assert!(is_accepted(&send(&pool).await));
        }
        assert_eq!((server.sessions(), server.stored(), server.heard("RSET")), (1, 10, 0));
        let expected = PoolCounts { opened: 1, reused: 9, accepted: 10, ..PoolCounts::default() };
        assert_eq!(pool.stats().counts(), expected, "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_senders_never_have_more_than_four_connections() {
    for mode in Mode::ALL {
        // The first four messages are answered only when four connections have one each.
        let barrier = Arc::new(Barrier::new(4));
        let begun = Arc::new(Mutex::new(HashSet::new()));
        let server = Server::start_in(mode, move |said| {
            let first_here = said.verb == "." && begun.lock().unwrap().insert(said.session);
            if first_here { Act::Together(Arc::clone(&barrier)) } else { Act::Usual }
        })
        .await;
        let pool = Pool::new(ServerConfig { max_conns: 4, ..config(&server) });

        let mut senders = JoinSet::new();
        for number in 0..64 {
            let pool = pool.clone();
            senders.spawn(async move { pool.send(numbered(number)).await });
        }
        let outcomes = senders.join_all().await;

        assert!(outcomes.iter().all(is_accepted));
        assert!((0..64).all(|number| kept(&server, number) == 1), "{mode:?}");
        assert_eq!((server.stored(), server.sessions(), server.read(|log| log.most_open)), (64, 4, 4));
        let pipelined = pool.stats().counts().pipelined;
        assert_eq!(pipelined > 30, mode != Mode::Lockstep, "{mode:?}: {pipelined}");
    }
}

#[tokio::test]
async fn all_who_wait_for_a_server_that_is_down_hear_of_it_soon() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    let config = ServerConfig { max_conns: 2, timeouts: PATIENT, ..ServerConfig::new("127.0.0.1", port) };
    let pool = Pool::new(config);

    let senders: JoinSet<_> = (0..100).map(|number| one_of_many(&pool, number)).collect();
    let outcomes = tokio::time::timeout(PATIENT.wait / 2, senders.join_all()).await.expect("endless waiting");

    for outcome in outcomes {
        assert_eq!(outcome.to_string(), "deferred by server at connect: the server could not be reached");
    }
}

fn one_of_many(pool: &Pool, number: usize) -> impl Future<Output = Outcome> + use<> {
    let pool = pool.clone();
    async move { pool.send(numbered(number)).await }
}

#[tokio::test]
async fn one_connection_that_does_not_come_about_fails_one_message() {
    let server = Server::start(|said| match said.session {
        0 if said.verb == "CONNECT" => Act::SayAndClose("421 busy".to_owned()),
        _ => Act::Usual,
    })
    .await;
    let pool = Pool::new(ServerConfig { max_conns: 1, ..config(&server) });
    let senders: JoinSet<_> = (0..5).map(|number| one_of_many(&pool, number)).collect();
    let outcomes = senders.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| is_accepted(outcome)).count(), 4);
    assert_eq!((server.stored(), server.sessions()), (4, 2));
}

#[tokio::test]
async fn a_message_dropped_in_the_queue_is_never_sent() {
    for mode in Mode::ALL {
        let barrier = Arc::new(Barrier::new(2));
        let there = Arc::clone(&barrier);
        let server = Server::start_in(mode, move |said| match said.first("RCPT") {
            true => Act::Together(Arc::clone(&there)),
            false => Act::Usual,
        })
        .await;
        let pool = Pool::new(ServerConfig { max_conns: 1, ..config(&server) });
        let mut first = Box::pin(pool.send(numbered(0)));
        tokio::select! {
            biased;
            _ = &mut first => panic!("nothing answers yet"),
            () = server.until(|log| log.heard.len() >= 2) => {}
        }
        let behind = pool.send(numbered(1));
        let third = tokio::select! {
            biased;
            _ = &mut first => panic!("nothing answers yet"),
            _ = behind => panic!("it waits"),
            () = tokio::task::yield_now() => pool.send(numbered(2)),
        };
        barrier.wait().await;
        let (first, third) = tokio::join!(first, third);
        assert!(is_accepted(&first) && is_accepted(&third), "{mode:?}: {first}, {third}");
        assert_eq!([0, 1, 2].map(|number| kept(&server, number)), [1, 0, 1], "{mode:?}");
        assert_eq!((server.heard("MAIL"), server.sessions()), (2, 1), "{mode:?}: not a word of it");
    }
}

#[tokio::test]
async fn a_pool_that_is_dropped_ends_its_connections() {
    let server = Server::friendly().await;
    let pool = pool(&server);
    assert!(is_accepted(&send(&pool).await));
    drop(pool);
    server.until(|log| log.closed == [0]).await;
}

#[tokio::test]
async fn a_closed_pool_refuses_those_who_wait() {
    let server = Server::start(|said| if said.first("RCPT") { Act::Silence } else { Act::Usual }).await;
    let pool = Pool::new(ServerConfig { max_conns: 1, ..config(&server) });
    let mut first = Box::pin(pool.send(numbered(0)));
    let second = tokio::select! {
        biased;
        _ = &mut first => panic!("nothing answers"),
        (second, ()) = async { tokio::join!(pool.send(numbered(1)), pool.close()) } => second,
    };
    assert_eq!(second.to_string(), "deferred by server at waiting for a connection: the pool is closed");
}

#[test]
fn a_message_whose_runtime_ends_is_answered() {
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (servers, senders, watcher) = (runtime(), runtime(), runtime());
    let silent =
        |said: &Said| if said.verb == "." { Act::StoreAnd(Box::new(Act::Silence)) } else { Act::Usual };
    let server = servers.block_on(Server::start(silent));
    let pool = Pool::new(ServerConfig { max_conns: 1, ..config(&server) });
    // The driver lives where the first message was sent from.
    let first = senders.spawn(one_of_many(&pool, 0));
    let outcome = watcher.block_on(async {
        server.until(|log| log.stored.len() == 1).await;
        let mut second = Box::pin(pool.send(numbered(1)));
        tokio::select! {
            biased;
            _ = &mut second => panic!("nothing answers"),
            () = tokio::task::yield_now() => {}
        }
        senders.shutdown_background();
        assert!(first.await.is_err(), "its task is gone");
        second.await
    });
    let expected = "deferred by server at waiting for a connection: the server closed the connection";
    assert_eq!(outcome.to_string(), expected, "at once, not when its patience ended");
}

#[tokio::test]
async fn an_idle_connection_the_server_ended_costs_nothing() {
    let last_lines = [None, Some("421 4.4.2 you were idle")];
    for (last_line, mode) in last_lines.into_iter().flat_map(|line| Mode::ALL.map(|mode| (line, mode))) {
        let server = Server::start_in(mode, |_| Act::Usual).await;
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
        for mode in Mode::WITH_DATA {
            let server = Server::start_in(mode, move |said| match said.message {
                1 if said.verb == "MAIL" => act(),
                _ => Act::Usual,
            })
            .await;
            let pool = pool(&server);
            assert!(is_accepted(&send(&pool).await));

            let outcome = send(&pool).await;

            assert!(is_accepted(&outcome), "{mode:?}, case {case}: {outcome}");
            assert_eq!((server.stored(), server.sessions(), pool.stats().counts().retried), (2, 2, 1));
        }
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
    for mode in Mode::ALL {
        let server = Server::start_in(mode, |_| Act::Usual).await;
        let config = ServerConfig { max_messages_per_connection: 2, max_conns: 1, ..config(&server) };
        let pool = Pool::new(config);
        let senders: JoinSet<_> = (0..5).map(|number| one_of_many(&pool, number)).collect();
        assert!(senders.join_all().await.iter().all(is_accepted));
        let sessions = server.read(|log| log.stored.iter().map(|stored| stored.session).collect::<Vec<_>>());
        assert_eq!(sessions, [0, 0, 1, 1, 2], "{mode:?}");
        server.until(|log| log.closed.len() == 2).await;
        assert_eq!(server.heard("QUIT"), 2);
    }
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
