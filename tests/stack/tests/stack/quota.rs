//! Providers that have no room: too few connections, throttling, a quota of the day.

use fanmail_domain::StatusReason;
use fanmail_inbox::{Action, Phase, Rule, Script};

use crate::harness::{Campaign, PATIENCE, World, ends, people};

/// What the provider takes in a day.
const A_DAY: u64 = 58;

/// S1.4 and S6.20: the quota leaves a remainder twice, and is free again after a day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_of_the_day_pauses_and_what_is_left_is_sent_on_the_next_days() {
    let world = World::start().await;
    let list = world.list_of(&people("quota", 145)).await;
    let id = world.draft(&Campaign::to([list]).batches_of(20)).await;
    for day in 1..=2 {
        let spent =
            Action::reply(Phase::Mail, 454, "4.7.0 Throttling failure: Daily message quota exceeded.");
        world.script(Script::of([Rule::new(spent).messages(A_DAY + 1..u64::MAX)])).await;
        if day == 1 {
            drop(world.set(id, "running").await.unwrap())
        } else {
            world.end_pause(id).await
        }
        world.inbox().wait_for(|now| now.accepted == day * A_DAY, PATIENCE).await.unwrap();
        let view = world.until(id, "paused").await;
        assert_eq!(view.status_reason.as_deref(), Some(StatusReason::DailyQuota.name()));
        assert!(world.stack().settle(PATIENCE).await, "the senders go on after the pause");
        assert_eq!(ends(&world.view(id).await), [day * A_DAY, 0, 0, 0], "day {day}");
    }
    world.script(Script::default()).await;
    world.end_pause(id).await;
    assert_eq!(ends(&world.until(id, "finished").await), [145, 0, 0, 0]);
    assert_eq!(world.inbox().accepted(), 145);
    let resumed = world.journal(id).await.into_iter().filter(|entry| entry.text.starts_with("resumed"));
    assert!(resumed.map(|entry| entry.actor).eq(["sweeper"; 2]), "somebody else resumed it");
    world.finish().await;
}

/// S1.2: the provider has three connections, and two senders want eight each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_few_connections_are_no_failure() {
    let world = World::with(|config| config.concurrency = 2).await;
    let list = world.list_of(&people("starved", 120)).await;
    world.script(Script { max_connections: Some(3), ..Script::default() }).await;
    let id = world.run(&Campaign::to([list]).batches_of(20).paced(300, 8)).await;
    assert_eq!(ends(&world.until(id, "finished").await), [120, 0, 0, 0]);
    assert_eq!(world.campaign(id).await.state.version, 2, "it was paused on the way");
    assert!(world.inbox().snapshot().connections > 6, "nobody was turned away");
    world.finish().await;
}

/// S1.3.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_of_five_calls_throttled_for_a_while_fail_nobody() {
    let world = World::start().await;
    let list = world.list_of(&people("throttled", 145)).await;
    let slower = Action::reply(Phase::Rcpt, 454, "4.7.0 Throttling failure: Maximum sending rate exceeded.");
    world.script(Script { seed: 7, ..Script::of([Rule::new(slower).odds(0.6)]) }).await;
    let id = world.run(&Campaign::to([list]).batches_of(20)).await;
    world.until_ended(id, 40).await;
    world.script(Script::default()).await;
    assert_eq!(ends(&world.until(id, "finished").await), [145, 0, 0, 0]);
    assert_eq!(world.campaign(id).await.state.version, 2, "it was paused on the way");
    world.finish().await;
}
