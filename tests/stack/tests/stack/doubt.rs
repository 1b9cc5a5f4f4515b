//! Doubt: named, settled by the provider's events, and else by a person.

use std::collections::BTreeSet;

use fanmail_domain::{RecipientState, SubscriberId};
use fanmail_engine::ports::Clock;
use fanmail_engine::resolve::{Resolution, assume_accepted};
use fanmail_engine::settle::{EventKind, Settled};
use fanmail_inbox::{Action, Rule, Script};
use fanmail_runtime::SystemClock;

use crate::harness::{Campaign, PATIENCE, World, ends, kill, order, people};

/// Nine messages a second over five connections.
const WINDOW: u32 = 5;
const CHANGED: Settled = Settled::Changed { from: RecipientState::InDoubt, to: RecipientState::Accepted };

/// Kills the sender while the provider has five whole messages, taken or not. Answers whose they are.
async fn kill_one(world: &World, action: Action) -> BTreeSet<SubscriberId> {
    world.script(Script::of([Rule::new(action).times(WINDOW)])).await;
    let held = world.inbox().held(WINDOW as usize, PATIENCE).await.unwrap();
    world.stack().host.processes("sender").iter().for_each(|sender| kill(sender.pid));
    world.inbox().wait_for(|now| now.held == 0, PATIENCE).await.unwrap();
    held.iter().flat_map(|held| &held.recipients).map(|it| world.id_at(it)).collect()
}

/// S4.2: five were taken when their sender died, and five were not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_settle_what_was_taken_and_a_person_decides_on_the_rest() {
    let world = World::with(|config| config.concurrency = 1).await;
    let list = world.list_of(&people("doubt", 30)).await;
    world.feed("sender", false);
    let id = world.run(&Campaign::to([list]).batches_of(10).paced(9, 5)).await;
    world.feed("sender", true);
    let taken = kill_one(&world, Action::AcceptThenHold).await;
    let lost = kill_one(&world, Action::HoldBeforeAccept).await;
    assert_eq!(ends(&world.until(id, "finished").await), [20, 0, 0, 10]);
    let both: BTreeSet<_> = taken.union(&lost).copied().collect();
    assert_eq!(world.ledger(id).await.in_state("in_doubt"), both);

    // Three of the five have events: late, twice, and in any order.
    let taken: Vec<_> = taken.into_iter().collect();
    for (whose, first, second) in [
        (taken[0], EventKind::Send, EventKind::Send),
        (taken[1], EventKind::Send, EventKind::Delivery),
        (taken[2], EventKind::Delivery, EventKind::Send),
    ] {
        let event = world.event(id, whose, first).await;
        assert_eq!(world.deliver(event).await, CHANGED, "{first:?}");
        let event = world.event(id, whose, second).await;
        assert_eq!(world.deliver(event).await, Settled::Unchanged, "{second:?} after {first:?}");
    }
    assert_eq!(ends(&world.view(id).await), [23, 0, 0, 7]);

    // Somebody knows of the other two.
    let (clock, only) = (SystemClock::new(), BTreeSet::from([taken[3], taken[4]]));
    let until = order(id).until;
    let known = Resolution { campaign: id, only: &only, actor: "user", note: "seen at the provider", until };
    let resolved = assume_accepted(&world.stack().store, &clock, &known).await.unwrap();
    assert_eq!((resolved.resolved, resolved.left), (2, 0));
    assert_eq!(ends(&world.view(id).await), [25, 0, 0, 5]);
    assert_eq!(world.ledger(id).await.in_state("in_doubt"), lost);
    assert_eq!(world.inbox().accepted(), 25, "somebody in doubt was sent to again by nobody's order");

    let begun = clock.now();
    world.retry(id, "in_doubt").await;
    assert_eq!(ends(&world.until(id, "finished").await), [30, 0, 0, 0]);
    assert_eq!(world.inbox().accepted(), 30);
    let journal = world.journal(id).await;
    let says = |what: &str| journal.iter().filter(|entry| entry.text.contains(what)).count();
    assert_eq!((says("was in_doubt, and is accepted now"), says("seen at the provider")), (3, 1));
    assert!(journal.iter().any(|entry| entry.at >= begun && entry.text.starts_with("retried")));
    world.finish().await;
}
