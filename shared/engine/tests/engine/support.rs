//! What several files of tests need.

use fanmail_domain::{RecipientState, SubscriberId, Timestamp};
use fanmail_testkit::{Answer, Fault, Outcome, Strike, World};

/// Every way in which one call can go wrong and take its process along, or not.
pub(crate) const STRIKES: [Strike; 4] =
    [Strike::ErrorBefore, Strike::ErrorAfter, Strike::DeathBefore, Strike::DeathAfter];

/// Runs the campaign to its end.
pub(crate) async fn run(world: &World) -> Outcome {
    world.start().await;
    world.drive().await;
    world.check()
}

/// A world that ran, and left these people in doubt: the provider took nothing.
pub(crate) async fn left_in_doubt(world: World, who: &[SubscriberId]) -> World {
    for id in who {
        world.answer(*id, &[Answer::FallSilent]);
    }
    let outcome = run(&world).await;
    assert_eq!(outcome.count("in_doubt"), who.len() as u64);
    world
}

/// Everybody that an outcome has in the state of this name.
pub(crate) fn all_in(outcome: &Outcome, name: &str) -> Vec<SubscriberId> {
    let named = outcome.states.iter().filter(|(_, state)| state.name() == name);
    named.map(|(id, _)| *id).collect()
}

/// Whether everybody of an outcome is in one of these states.
pub(crate) fn are_all(outcome: &Outcome, states: &[RecipientState]) -> bool {
    outcome.states.values().all(|state| states.contains(state))
}

/// The number of the `nth` call of an operation, counted from 0.
pub(crate) fn nth_call(world: &World, operation: &str, nth: usize) -> usize {
    let calls = world.calls();
    let places = calls.iter().enumerate().filter(|(_, call)| **call == operation).map(|(at, _)| at);
    places.clone().nth(nth).unwrap_or_else(|| panic!("{} {operation} only", places.count()))
}

/// The most of these times, in order, that lie within any interval of `length_ms`.
pub(crate) fn most_within(times: &[Timestamp], length_ms: u64) -> usize {
    let within = |(at, first): (usize, &Timestamp)| {
        times[at..].iter().take_while(|time| time.0 < first.0 + length_ms).count()
    };
    times.iter().enumerate().map(within).max().unwrap_or_default()
}

/// The same, with one fault still to come.
pub(crate) fn faulty(world: World, at_call: usize, strike: Strike) -> World {
    world.with_fault(Fault { at_call, strike })
}

/// A world whose first sender died while it submitted its first window of four: two batches of six, one held,
/// and the other's task on the queue.
pub(crate) async fn with_a_dead_sender() -> World {
    let probe = World::new(12, 6);
    run(&probe).await;
    let submit = nth_call(&probe, "submit", 0);
    let world = faulty(World::new(12, 6), submit, Strike::DeathBefore);
    world.start().await;
    world.step().await.unwrap();
    assert!(world.step().await.is_err(), "the sender was to die");
    world.drop_delayed_tasks();
    world
}
