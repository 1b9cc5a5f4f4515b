//! Two messages on one connection: each keeps its own answer, whatever happens to the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use fanmail_smtp::{Envelope, Message, Outcome, Pool, ServerConfig};
use tokio::sync::Barrier;

use crate::script::{Act, Delivery, Mode, Said, say};
use crate::server::Server;
use crate::{MESSAGE, SHORT, config, is_accepted, send};

const PIPELINED: [Mode; 3] = [Mode::Pipelined, Mode::Lenient, Mode::Chunked];

pub(crate) fn numbered(number: usize) -> Arc<Message> {
    let address = |name: &str| format!("{name}{number}@mail.test");
    Arc::new(Message::new(Envelope::new(address("from"), address("to")).unwrap(), MESSAGE.into()))
}

/// How often the server has that message.
pub(crate) fn kept(server: &Server, number: usize) -> usize {
    let rcpt = format!("RCPT TO:<to{number}@mail.test>");
    server.read(|log| log.stored.iter().filter(|stored| stored.rcpt == rcpt).count())
}

pub(crate) fn narrow(server: &Server) -> ServerConfig {
    ServerConfig { max_conns: 1, ..config(server) }
}

/// The first message meets `script` with a second one behind it. Returns what became of the first.
pub(crate) async fn first_of_two(
    mode: Mode,
    kept_of_first: usize,
    connections: usize,
    script: impl Fn(&Said) -> Act + Send + Sync + 'static,
) -> String {
    let server = Server::start_in(mode, script).await;
    let mut config = narrow(&server);
    config.timeouts.end_of_data = 5 * SHORT;
    let pool = Pool::new(config);

    let (first, second) = tokio::join!(pool.send(numbered(0)), pool.send(numbered(1)));

    assert!(is_accepted(&second), "{mode:?}: {second} after {first}");
    assert_eq!((kept(&server, 0), kept(&server, 1)), (kept_of_first, 1), "{mode:?}: {first}");
    assert_eq!(server.sessions(), connections, "{mode:?}: {first}");
    let counts = pool.stats().counts();
    assert_eq!(counts.moved, connections as u64 - 1, "{mode:?}: {first}");
    assert_eq!(counts.retried, 0);
    first.to_string()
}

fn first_dot(act: impl Fn() -> Act + Send + Sync + 'static) -> impl Fn(&Said) -> Act + Send + Sync + 'static {
    move |said| {
        if said.first(".") {
            assert!(said.more, "the second message's commands are behind the first one's text");
            return act();
        }
        Act::Usual
    }
}

#[tokio::test]
async fn both_are_accepted_and_the_second_ones_commands_travel_with_the_firsts_text() {
    for mode in PIPELINED {
        assert_eq!(first_of_two(mode, 1, 1, first_dot(|| Act::Usual)).await, "accepted: 250 2.0.0");
    }
}

#[tokio::test]
async fn a_connection_lost_after_the_first_dot_leaves_one_in_doubt_and_moves_the_other() {
    for mode in PIPELINED {
        for act in [|| Act::Fin, || Act::Rst, || Act::SayAndClose("25".to_owned())] {
            assert!(first_of_two(mode, 0, 2, first_dot(act)).await.starts_with("unknown: "));
            let stored = first_dot(move || Act::StoreAnd(Box::new(act())));
            assert!(first_of_two(mode, 1, 2, stored).await.starts_with("unknown: "));
        }
    }
}

#[tokio::test]
async fn a_dot_without_a_reply_leaves_one_in_doubt_and_moves_the_other() {
    for mode in PIPELINED {
        let silent = first_dot(|| Act::StoreAnd(Box::new(Act::Silence)));
        assert_eq!(first_of_two(mode, 1, 2, silent).await, "unknown: time ran out after 1000 ms");
    }
}

#[tokio::test]
async fn a_421_to_the_first_dot_moves_the_other() {
    for mode in PIPELINED {
        let closing = first_dot(|| Act::SayAndClose("421 4.3.2 bye".to_owned()));
        let outcome = first_of_two(mode, 0, 2, closing).await;
        assert_eq!(outcome, "deferred by server at end of data: the server answered 421 4.3.2");
    }
}

#[tokio::test]
async fn a_refused_text_costs_the_other_nothing() {
    for mode in PIPELINED {
        let outcome = first_of_two(mode, 0, 1, first_dot(|| say("550 5.7.1 spam"))).await;
        assert_eq!(outcome, "rejected at end of data: the server answered 550 5.7.1");
    }
}

#[tokio::test]
async fn what_a_refusal_leaves_open_goes_with_the_next_commands() {
    for (mode, debt) in [(Mode::Pipelined, "RSET"), (Mode::Lenient, "LONE")] {
        let together = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&together);
        let outcome = first_of_two(mode, 0, 1, move |said| {
            if said.verb == debt && said.more {
                seen.fetch_add(1, SeqCst);
            }
            if said.first("RCPT") { say("550 5.1.1 who?") } else { Act::Usual }
        });
        assert_eq!(outcome.await, "rejected at RCPT: the server answered 550 5.1.1");
        assert_eq!(together.load(SeqCst), 1, "{mode:?}: one write");
    }
}

#[tokio::test]
async fn a_lone_dot_is_sent_soon_although_no_message_comes() {
    let server = Server::start_in(Mode::Lenient, |said| match said.first("RCPT") {
        true => say("550 5.1.1 who?"),
        false => Act::Usual,
    })
    .await;
    let pool = Pool::new(narrow(&server));
    assert!(!is_accepted(&send(&pool).await));
    server.until(|log| log.lone == 1).await;
    assert!(is_accepted(&send(&pool).await));
    assert_eq!(server.sessions(), 1);
}

#[tokio::test]
async fn a_strange_answer_to_a_lone_dot_never_counts_for_a_message() {
    for (reply, connections) in [("250 2.0.0 queued", 1), ("421 bye", 2), ("354 again", 2), ("nonsense", 2)] {
        let server = Server::start_in(Mode::Lenient, move |said| match said.verb.as_str() {
            "RCPT" if said.message == 0 => say("550 5.1.1 who?"),
            "LONE" => say(reply),
            _ => Act::Usual,
        })
        .await;
        let pool = Pool::new(narrow(&server));
        let (first, second) = tokio::join!(pool.send(numbered(0)), pool.send(numbered(1)));
        assert!(matches!(first, Outcome::Rejected { .. }), "{reply}: {first}");
        assert!(is_accepted(&second), "{reply}: {second}");
        assert_eq!((kept(&server, 0), kept(&server, 1), server.sessions()), (0, 1, connections), "{reply}");
    }
}

#[tokio::test]
async fn a_message_without_replies_to_its_commands_is_begun_again_elsewhere() {
    for mode in PIPELINED {
        let server = Server::start_in(mode, |said| match (said.session, said.message) {
            (0, 1) if said.verb == "MAIL" => Act::Fin,
            _ => Act::Usual,
        })
        .await;
        let pool = Pool::new(narrow(&server));
        let (first, second) = tokio::join!(pool.send(numbered(0)), pool.send(numbered(1)));
        assert!(is_accepted(&first) && is_accepted(&second), "{mode:?}: {first}, {second}");
        assert_eq!((server.stored(), server.sessions(), pool.stats().counts().retried), (2, 2, 1));
    }
}

#[tokio::test]
async fn a_message_is_moved_at_most_once() {
    for mode in PIPELINED {
        // Each connection dies under what it hears first after its first MAIL.
        let server = Server::start_in(mode, |said| match said.verb.as_str() {
            "." if said.message == 0 => Act::Fin,
            "MAIL" if said.session > 0 => Act::SayAndClose("421 no".to_owned()),
            _ => Act::Usual,
        })
        .await;
        let pool = Pool::new(narrow(&server));
        let (first, second) = tokio::join!(pool.send(numbered(0)), pool.send(numbered(1)));
        assert!(matches!(first, Outcome::Unknown { .. }), "{first}");
        assert_eq!(second.to_string(), "deferred by server at MAIL: the server answered 421");
        assert_eq!(server.sessions(), 2);
    }
}

#[tokio::test]
async fn a_cancelled_message_takes_its_connection_and_not_its_successor() {
    for mode in PIPELINED {
        let server = Server::start_in(mode, first_dot(|| Act::StoreAnd(Box::new(Act::Silence)))).await;
        let pool = Pool::new(narrow(&server));
        let mut first = Box::pin(pool.send(numbered(0)));
        let second = tokio::select! {
            biased;
            _ = &mut first => panic!("nothing answers"),
            _ = pool.send(numbered(1)) => panic!("it waits behind the first"),
            () = server.until(|log| log.stored.len() == 1) => pool.send(numbered(2)),
        };
        drop(first);
        assert!(is_accepted(&second.await), "{mode:?}");
        server.until(|log| log.closed == [0]).await;
        assert_eq!([0, 1, 2].map(|number| kept(&server, number)), [1, 0, 1], "{mode:?}");
    }
}

#[tokio::test]
async fn a_message_cancelled_behind_another_leaves_that_one_alone() {
    for mode in PIPELINED {
        let barrier = Arc::new(Barrier::new(2));
        let there = Arc::clone(&barrier);
        let server = Server::start_in(mode, first_dot(move || Act::Together(Arc::clone(&there)))).await;
        let pool = Pool::new(narrow(&server));
        let mut first = Box::pin(pool.send(numbered(0)));
        tokio::select! {
            biased;
            _ = &mut first => panic!("nothing answers yet"),
            _ = pool.send(numbered(1)) => panic!("it waits behind the first"),
            () = server.until(|log| log.stored.len() == 1) => {}
        }
        barrier.wait().await;

        assert!(is_accepted(&first.await), "{mode:?}");
        server.until(|log| log.closed == [0]).await;
        assert!(is_accepted(&pool.send(numbered(2)).await));
        assert_eq!([0, 1, 2].map(|number| kept(&server, number)), [1, 0, 1], "{mode:?}");
    }
}

#[tokio::test]
async fn a_message_behind_a_slow_one_waits_no_longer_than_in_the_queue() {
    for mode in PIPELINED {
        let barrier = Arc::new(Barrier::new(2));
        let there = Arc::clone(&barrier);
        let server = Server::start_in(mode, first_dot(move || Act::Together(Arc::clone(&there)))).await;
        let mut config = narrow(&server);
        config.timeouts.wait = SHORT;
        let pool = Pool::new(config);
        let mut first = Box::pin(pool.send(numbered(0)));
        let second = tokio::select! {
            biased;
            _ = &mut first => panic!("nothing answers yet"),
            second = pool.send(numbered(1)) => second,
        };
        assert!(second.to_string().ends_with("became free within 200 ms"), "{mode:?}: {second}");
        barrier.wait().await;

        assert!(is_accepted(&first.await));
        assert!(is_accepted(&pool.send(numbered(2)).await), "on a connection that is in step");
        assert_eq!((kept(&server, 1), server.sessions()), (0, 2), "{mode:?}");
    }
}

#[tokio::test]
async fn replies_arrive_in_any_pieces() {
    for mode in Mode::ALL {
        for delivery in [Delivery::Octets, Delivery::Together] {
            let server = Server::start_with(mode, delivery, |said| match said.verb.as_str() {
                "RCPT" if said.line.contains("to1@") => say("550-5.1.1 who\r\n550 5.1.1 is that?"),
                "." => say("250-2.0.0 queued\r\n250 2.0.0 as 1"),
                _ => Act::Usual,
            })
            .await;
            let pool = Pool::new(narrow(&server));
            let send = |number| pool.send(numbered(number));
            let (a, b, c, d) = tokio::join!(send(0), send(1), send(2), send(3));
            assert_eq!(b.to_string(), "rejected at RCPT: the server answered 550 5.1.1", "{mode:?}");
            assert!([&a, &c, &d].into_iter().all(is_accepted), "{mode:?} {delivery:?}: {a}, {c}, {d}");
            assert_eq!((server.sessions(), server.stored()), (1, 3), "{mode:?} {delivery:?}");
        }
    }
}

#[tokio::test]
async fn a_large_text_takes_the_next_commands_along() {
    for mode in PIPELINED {
        let server = Server::start_in(mode, |_| Act::Usual).await;
        let pool = Pool::new(narrow(&server));
        let text = MESSAGE.repeat(20_000);
        let large = || Arc::new(crate::message(&text));
        let (a, b, c) = tokio::join!(pool.send(large()), pool.send(large()), pool.send(numbered(0)));
        assert!([&a, &b, &c].into_iter().all(is_accepted), "{mode:?}: {a}, {b}, {c}");
        let sizes = server.read(|log| log.stored.iter().map(|stored| stored.body.len()).collect::<Vec<_>>());
        assert_eq!(sizes, [text.len(), text.len(), MESSAGE.len()], "{mode:?}");
        assert_eq!(server.sessions(), 1);
    }
}

#[tokio::test]
async fn a_connection_takes_no_message_along_that_it_may_not_carry() {
    for mode in PIPELINED {
        let server = Server::start_in(mode, |_| Act::Usual).await;
        let pool = Pool::new(ServerConfig { max_messages_per_connection: 1, ..narrow(&server) });
        let (a, b) = tokio::join!(pool.send(numbered(0)), pool.send(numbered(1)));
        assert!(is_accepted(&a) && is_accepted(&b), "{mode:?}: {a}, {b}");
        assert_eq!((server.sessions(), pool.stats().counts().pipelined), (2, 0), "{mode:?}");
    }
}

#[tokio::test]
async fn a_message_the_server_does_not_take_is_refused_and_not_put_behind_another() {
    for mode in PIPELINED {
        let server = Server::start_in(mode, |_| Act::Usual).await;
        let pool = Pool::new(narrow(&server));
        let large = Message::new(crate::envelope(), vec![b'a'; 50_000_000]);
        let (a, b, c) = tokio::join!(pool.send(numbered(0)), pool.send(large.into()), pool.send(numbered(1)));
        assert!(is_accepted(&a) && is_accepted(&c), "{mode:?}: {a}, {c}");
        assert!(b.to_string().starts_with("rejected at preparation: "), "{mode:?}: {b}");
        assert_eq!((server.sessions(), server.heard("MAIL")), (1, 2), "{mode:?}");
    }
}
