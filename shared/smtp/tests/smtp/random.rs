//! Servers at random: whatever they do, what the client says of a message is true of it.

use std::cell::RefCell;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use fanmail_smtp::{Outcome, Pool, PoolCounts, ServerConfig, Timeouts};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::pipelining::{kept, numbered};
use crate::script::{Act, Delivery, Mode, Said, say};
use crate::server::Server;
use crate::{PATIENT, config};

const MESSAGES: usize = 12;

/// What a server does, and how it is used.
#[derive(Debug, Clone)]
struct World {
    mode: Mode,
    delivery: Delivery,
    seed: u64,
    max_conns: usize,
    max_messages_per_connection: u32,
    /// Each sends its share of the messages one after another.
    senders: usize,
    /// Of ten steps, so many go wrong.
    trouble: u64,
    /// The sender of this message goes after so many milliseconds.
    impatient: Option<(usize, u64)>,
}

fn worlds() -> impl Strategy<Value = World> {
    let delivery = [Delivery::AtOnce, Delivery::Together, Delivery::Octets];
    let impatient = prop::option::of((0..MESSAGES, 0..20_u64));
    (
        prop::sample::select(Mode::ALL.to_vec()),
        prop::sample::select(delivery.to_vec()),
        any::<u64>(),
        1..4_usize,
        1..20_u32,
        1..=MESSAGES,
        0..4_u64,
        impatient,
    )
        .prop_map(
            |(mode, delivery, seed, max_conns, max_messages_per_connection, senders, trouble, impatient)| {
                World {
                    mode,
                    delivery,
                    seed,
                    max_conns,
                    max_messages_per_connection,
                    senders,
                    trouble,
                    impatient,
                }
            },
        )
}

/// One of the things that can go wrong at this step, or nothing.
fn mischief(world: &World, said: &Said) -> Act {
    let mut hasher = DefaultHasher::new();
    (world.seed, said.session, said.message, &said.verb).hash(&mut hasher);
    let dice = hasher.finish();
    if dice % 10 >= world.trouble || matches!(said.verb.as_str(), "EHLO" | "BODY" | "QUIT") {
        return Act::Usual;
    }
    match (dice / 10) % 12 {
        0 => Act::Fin,
        1 => Act::Rst,
        2 => Act::SayAndClose("421 4.3.2 bye".to_owned()),
        3 => say("421 4.3.2 bye"),
        4 => say("450 4.2.0 later"),
        5 => say("550 5.1.1 no"),
        6 => say("503 5.5.1 no"),
        7 => say("nonsense"),
        8 if said.verb == "." => Act::StoreAnd(Box::new(Act::Fin)),
        9 if said.verb == "." => Act::StoreAnd(Box::new(Act::Rst)),
        8 | 9 => Act::SayAndClose("25".to_owned()),
        10 => Act::Silence,
        _ => say("354 go on"),
    }
}

/// What each sender was told, `None` if it went before its answer came, and what the pool counted.
async fn run(world: World) -> (Server, Vec<(usize, Option<Outcome>)>, PoolCounts) {
    let script = {
        let world = world.clone();
        move |said: &Said| mischief(&world, said)
    };
    let server = Server::start_with(world.mode, world.delivery, script).await;
    let step = Duration::from_millis(20);
    let timeouts =
        Timeouts { greeting: step, command: step, data_initiation: step, end_of_data: step, ..PATIENT };
    let World { max_conns, max_messages_per_connection, impatient, .. } = world;
    let pool =
        Pool::new(ServerConfig { max_conns, max_messages_per_connection, timeouts, ..config(&server) });
    let senders: Vec<_> = (0..world.senders)
        .map(|first| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut told = Vec::new();
                for number in (first..MESSAGES).step_by(world.senders) {
                    let patience = impatient.filter(|(who, _)| *who == number).map_or(60_000, |(_, ms)| ms);
                    let answer = pool.send(numbered(number));
                    let answer = tokio::time::timeout(Duration::from_millis(patience), answer).await;
                    told.push((number, answer.ok()));
                }
                told
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for sender in senders {
        outcomes.extend(sender.await.unwrap());
    }
    // Whatever is still under way at the server ends before the truth is looked at.
    pool.close().await;
    let counts = pool.stats().counts();
    server.until(|log| log.open == 0).await;
    (server, outcomes, counts)
}

fn check(server: &Server, outcomes: &[(usize, Option<Outcome>)]) -> Result<(), TestCaseError> {
    for (number, outcome) in outcomes {
        let kept = kept(server, *number);
        let fits = match outcome {
            Some(Outcome::Accepted { .. }) => kept == 1,
            Some(Outcome::Rejected { .. } | Outcome::Deferred { .. } | Outcome::Misconfigured { .. }) => {
                kept == 0
            }
            Some(Outcome::Unknown { .. }) | None => kept <= 1,
        };
        prop_assert!(fits, "message {} is there {} times: {:?}", number, kept, outcome);
    }
    Ok(())
}

#[test]
fn what_is_said_of_a_message_is_true_of_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { failure_persistence: None, cases: 60, ..Config::default() };
    let seen = RefCell::new([0; 5]);
    let result = TestRunner::new(config).run(&worlds(), |world| {
        let (server, outcomes, counts) = runtime.block_on(run(world));
        let PoolCounts { pipelined, moved, retried, accepted, unknown, .. } = counts;
        let now = [pipelined, moved, retried, accepted, unknown];
        seen.borrow_mut().iter_mut().zip(now).for_each(|(seen, now)| *seen += now);
        check(&server, &outcomes)
    });
    result.unwrap();
    assert!(seen.borrow().iter().all(|&seen| seen > 0), "nothing is proved of what did not happen: {seen:?}");
}
