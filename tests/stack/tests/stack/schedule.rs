//! Campaigns that start by themselves: once, or not at all if it is too late.

use std::time::Duration;

use fanmail_domain::{CampaignId, Schedule, StatusReason, Timestamp};
use fanmail_engine::control::{Due, schedule, start_due};
use fanmail_engine::ports::Clock;
use fanmail_runtime::SystemClock;

use crate::harness::{Campaign, PATIENCE, World, done, ends, eventually, order, people};

/// Schedules a campaign of 120.
async fn scheduled(world: &World, send_at: Timestamp, not_after: Timestamp) -> CampaignId {
    let list = world.list_of(&people("scheduled", 120)).await;
    let id = world.draft(&Campaign::to([list]).batches_of(20)).await;
    let at = Schedule { send_at, not_after };
    done(schedule(&world.stack().store, &SystemClock::new(), &order(id), at).await.unwrap());
    id
}

/// A one-time schedule, which comes at its time, and asks again until the campaign is somebody's.
async fn one_time(world: &World, id: CampaignId) -> bool {
    let (stack, clock) = (world.stack(), SystemClock::new());
    let mut started = false;
    while world.campaign(id).await.state.status.name() == "scheduled" {
        let due = start_due(&stack.store, &stack.queue, &clock, &order(id)).await.unwrap();
        started |= due == Due::Started;
    }
    started
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sweeper_and_two_one_time_schedules_at_once_start_it_once_and_not_before_its_time() {
    let world = World::with(|config| config.sweep_every = Duration::from_millis(100)).await;
    let send_at = SystemClock::new().now().after(Duration::from_secs(3));
    let id = scheduled(&world, send_at, send_at.after(Duration::from_secs(3_600))).await;
    assert_eq!(world.view(id).await.status, "scheduled");
    tokio::join!(one_time(&world, id), one_time(&world, id));
    assert_eq!(ends(&world.until(id, "finished").await), [120, 0, 0, 0]);
    let campaign = world.campaign(id).await;
    assert_eq!(campaign.state.epoch.0, 1, "it was started more than once");
    assert!(campaign.started_at.is_some_and(|at| at >= send_at), "it was started before its time");
    assert_eq!(world.inbox().accepted(), 120);
    world.finish().await;
}

/// S6.9.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_was_missed_is_not_made_up_for_before_somebody_says_so() {
    let world = World::start().await;
    let now = SystemClock::new().now();
    let (yesterday, an_hour_ago) = (Duration::from_secs(86_400), Duration::from_secs(3_600));
    let id = scheduled(&world, now.before(yesterday), now.before(an_hour_ago)).await;
    let view = world.until(id, "paused").await;
    assert_eq!(view.status_reason.as_deref(), Some(StatusReason::MissedSchedule.name()));
    // Nothing else happens to it, however often somebody looks.
    let (missed, ticks) = (world.campaign(id).await, world.stack().host.stats("sweeper").invocations);
    eventually("three more sweeps looked", PATIENCE, async || {
        let now = world.stack().host.stats("sweeper").invocations;
        if now >= ticks + 3 { Ok(()) } else { Err(now) }
    })
    .await;
    assert_eq!((world.campaign(id).await, world.inbox().accepted()), (missed, 0));
    world.resume(id).await;
    assert_eq!(ends(&world.until(id, "finished").await), [120, 0, 0, 0]);
    world.finish().await;
}
