//! Pausing and going on: what leaves after the word is given, and who is lost or repeated by it.

use std::time::{Duration, Instant};

use fanmail_domain::{CampaignId, StatusReason};
use fanmail_engine::control::{Controlled, Order, pause};
use fanmail_inbox::{Action, Phase, Rule, Script};
use fanmail_runtime::SystemClock;

use crate::harness::{Campaign, PATIENCE, World, ends, order, people};

/// How long the provider takes for one message.
const CALL: Duration = Duration::from_millis(100);
/// What a busy machine may add.
const LEEWAY: Duration = Duration::from_millis(500);

/// A campaign of 60 whose sender has just begun a window of 34 messages, one after the other: three seconds
/// of intents that are all stored.
async fn in_a_long_window(world: &World) -> CampaignId {
    let call = u64::try_from(CALL.as_millis()).unwrap();
    world.script(Script::of([Rule::new(Action::Accept).delayed(Phase::Dot, call)])).await;
    let list = world.list_of(&people("window", 60)).await;
    let id = world.run(&Campaign::to([list]).batches_of(60).paced(1_000, 1)).await;
    world.inbox().wait_for(|now| now.accepted >= 2, PATIENCE).await.unwrap();
    id
}

/// S2.6.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_and_one_call_after_the_pause_nothing_is_accepted_any_more() {
    let world = World::with(|config| config.concurrency = 1).await;
    let id = in_a_long_window(&world).await;
    world.pause(id).await;
    let acknowledged = Instant::now();
    assert!(world.stack().settle(PATIENCE).await, "the sender goes on after a pause");
    let late = world.inbox().last_accept_at().unwrap().saturating_duration_since(acknowledged);
    assert!(late <= Duration::from_secs(1) + CALL + LEEWAY, "accepted {late:?} after the pause");
    let sent = world.inbox().accepted();
    assert!(sent < 30, "{sent} of 34 were sent although the campaign was paused");
    assert_eq!(ends(&world.view(id).await), [sent, 0, 0, 0], "what was in flight was not recorded");
    world.resume(id).await;
    assert_eq!(ends(&world.until(id, "finished").await), [60, 0, 0, 0]);
    world.finish().await;
}

/// S2.6: the sender that holds the batch learns of the pause when the campaign runs again already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn going_on_at_once_repeats_nobody_and_is_not_stuck() {
    let world = World::with(|config| config.concurrency = 2).await;
    let id = in_a_long_window(&world).await;
    for _ in 0..3 {
        world.pause(id).await;
        world.resume(id).await;
    }
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [60, 0, 0, 0]);
    assert_eq!(world.inbox().accepted(), 60);
    assert_eq!(world.campaign(id).await.state.epoch.0, 4);
    world.finish().await;
}

/// S2.8.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_comes_late_changes_nothing() {
    let world = World::start().await;
    let list = world.list_of(&people("stale", 60)).await;
    world.feed("sender", false);
    let id = world.run(&Campaign::to([list])).await;
    let paused = world.pause(id).await;
    let seen = Order { version: Some(paused.state.version), ..order(id) };
    world.resume(id).await;
    let again = world.pause(id).await;

    let late = world.try_resume(&seen).await;
    assert_eq!(late, Controlled::Stale(again.clone()), "it was paused again since");
    assert_eq!(world.campaign(id).await, again);

    world.resume(id).await;
    world.feed("sender", true);
    assert_eq!(ends(&world.until(id, "finished").await), [60, 0, 0, 0]);
    let finished = world.campaign(id).await;
    let store = &world.stack().store;
    let too_late = pause(store, &SystemClock::new(), &order(id), StatusReason::User, None).await.unwrap();
    for refused in [too_late, world.try_resume(&order(id)).await] {
        assert!(matches!(refused, Controlled::Refused(..)), "{refused:?}");
    }
    assert_eq!(world.campaign(id).await, finished);
    world.finish().await;
}

/// A pause with an end goes on by itself, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_with_an_end_ends_by_itself() {
    let world = World::start().await;
    let list = world.list_of(&people("nap", 60)).await;
    world.feed("sender", false);
    let id = world.run(&Campaign::to([list])).await;
    let clock = SystemClock::new();
    let ends_at = fanmail_engine::ports::Clock::now(&clock).after(Duration::from_millis(1_500));
    let store = &world.stack().store;
    let paused = pause(store, &clock, &order(id), StatusReason::User, Some(ends_at)).await.unwrap();
    assert!(matches!(paused, Controlled::Done(_)), "{paused:?}");
    world.feed("sender", true);
    assert_eq!(ends(&world.until(id, "finished").await), [60, 0, 0, 0]);
    let finished = world.campaign(id).await;
    assert_eq!(finished.state.epoch.0, 2);
    let resumed = world.journal(id).await.into_iter().find(|entry| entry.text.starts_with("resumed"));
    assert!(resumed.is_some_and(|entry| entry.actor == "sweeper" && entry.at >= ends_at));
    world.finish().await;
}
