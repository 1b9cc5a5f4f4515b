//! Senders that are killed: at the points that have names (K5 to K9), and anywhere.
//!
//! The window of intents is five here: nine messages a second over five connections.

use std::time::Duration;

use fanmail_domain::CampaignId;
use fanmail_inbox::{Action, Rule, Script, Who};

use crate::harness::{Call, Campaign, PATIENCE, Side, World, ends, eventually, kill, people};

const WINDOW: u64 = 5;

/// A world with one sender.
async fn world() -> World {
    World::with(|config| config.concurrency = 1).await
}

/// Two batches of ten.
async fn campaign(world: &World, name: &str) -> CampaignId {
    let list = world.list_of(&people(name, 20)).await;
    world.run(&Campaign::to([list]).batches_of(10).paced(9, 5)).await
}

/// Runs a campaign whose sender is killed at the `nth` request that matches. Answers how it ended.
async fn killed_at(side: Side, nth: u32, matches: fn(&Call) -> bool) -> [u64; 4] {
    let world = world().await;
    let mut held = world.proxy.hold(side, nth, move |call| call.is_of("sender") && matches(call));
    let id = campaign(&world, "kill").await;
    kill(held.reached().await.pid);
    let view = world.until(id, "finished").await;
    let ended = ends(&view);
    assert_eq!(world.inbox().accepted(), ended[0]);
    world.finish().await;
    ended
}

fn writes_the_batch(call: &Call) -> bool {
    call.is("PutItem", "#L00")
}

fn ends_the_batch(call: &Call) -> bool {
    call.is("TransactWriteItems", "#L00")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k5_killed_before_the_lease_everybody_gets_it() {
    assert_eq!(killed_at(Side::After, 0, Call::reads_people).await, [20, 0, 0, 0]);
}

/// S4.1.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k6_killed_before_the_intents_are_durable_everybody_gets_it() {
    assert_eq!(killed_at(Side::Before, 0, writes_the_batch).await, [20, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_the_intents_are_durable_one_window_is_in_doubt() {
    let world = world().await;
    let mut held = world.proxy.hold(Side::After, 0, |call| call.is_of("sender") && writes_the_batch(call));
    let id = campaign(&world, "kill").await;
    kill(held.reached().await.pid);
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [20 - WINDOW, 0, 0, WINDOW]);
    assert_eq!(world.inbox().accepted(), 20 - WINDOW, "somebody in doubt got it");
    world.finish().await;
}

/// S4.3.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k9_killed_after_the_end_was_stored_the_redelivery_does_nothing() {
    assert_eq!(killed_at(Side::After, 0, ends_the_batch).await, [20, 0, 0, 0]);
}

/// S4.2 without events: the provider has the whole message, and has or has not taken it, when the sender dies.
async fn killed_while_the_provider_holds(action: Action, taken: u64) {
    let world = world().await;
    let rule = Rule::new(action).to(Who::LocalPrefix("kill-".into())).times(WINDOW as u32);
    world.script(Script::of([rule])).await;
    let id = campaign(&world, "kill").await;
    let held = world.inbox().held(WINDOW as usize, PATIENCE).await.unwrap();
    let senders = world.stack().host.processes("sender");
    senders.iter().for_each(|sender| kill(sender.pid));
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [20 - WINDOW, 0, 0, WINDOW]);
    let in_doubt = world.ledger(id).await.in_state("in_doubt");
    let held = held.iter().flat_map(|held| &held.recipients);
    let held = held.map(|it| world.id_at(it)).collect();
    assert_eq!(in_doubt, held, "others are in doubt than those that the provider held");
    assert_eq!(world.inbox().accepted(), 20 - WINDOW + taken);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k7_killed_before_the_provider_took_it_exactly_those_are_in_doubt() {
    killed_while_the_provider_holds(Action::HoldBeforeAccept, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k8_killed_after_the_provider_took_it_exactly_those_are_in_doubt() {
    killed_while_the_provider_holds(Action::AcceptThenHold, WINDOW).await;
}

/// S0.3: after some more messages each time, a sender is killed wherever it happens to be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_at_random_lose_nobody_and_repeat_nobody() {
    let world = World::with(|config| {
        config.concurrency = 3;
        config.timeout = Duration::from_secs(4);
    })
    .await;
    let list = world.list_of(&people("many", 3_000)).await;
    let id = world.run(&Campaign::to([list]).batches_of(20).paced(200, 4)).await;
    let seed = u64::from(std::process::id());
    for murder in 1..=20 {
        let random = seed.wrapping_mul(murder * 2_654_435_761) >> 3;
        let enough = world.inbox().accepted() + 10 + random % 120;
        let sent = world.inbox().wait_for(|now| now.accepted >= enough, PATIENCE).await;
        sent.unwrap_or_else(|now| panic!("seed {seed}, murder {murder}: {now:?}"));
        let senders = world.stack().host.processes("sender");
        let busy: Vec<_> = senders.iter().filter(|sender| sender.busy).collect();
        if let Some(victim) = busy.get(usize::try_from(random).unwrap() % busy.len().max(1)) {
            kill(victim.pid);
        }
    }
    let view = world.until(id, "finished").await;
    let [accepted, failed, skipped, in_doubt] = ends(&view);
    assert_eq!((accepted + in_doubt, failed, skipped), (3_000, 0, 0), "seed {seed}");
    // At the most one window of 24 per death.
    assert!(in_doubt <= 20 * 24, "seed {seed}: {in_doubt} are in doubt");
    world.reconcile(id).await;
    assert_eq!(ends(&world.view(id).await), [3_000, 0, 0, 0], "seed {seed}");
    assert_eq!(world.inbox().accepted(), 3_000, "seed {seed}");
    eventually("no task is left", PATIENCE, async || match world.count("batches").await {
        0 => Ok(()),
        count => Err(count),
    })
    .await;
    world.finish().await;
}
