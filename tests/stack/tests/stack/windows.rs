//! Sliding windows, as the provider sees them: across restarts, changes and other campaigns.

use std::time::Duration;

use fanmail_domain::SlidingWindow;

use crate::harness::{Call, Campaign, PATIENCE, Side, World, ends, eventually, people};

/// How long a change of the settings takes to be heeded: a sender's view of them may be 3 s old, and a share
/// that was taken before is good for a little longer.
const HEEDED: Duration = Duration::from_secs(5);

fn window(rate: u32, duration_s: u32) -> Option<SlidingWindow> {
    Some(SlidingWindow { rate, duration_s })
}

async fn until_accepted(world: &World, count: u64) {
    let accepted = world.inbox().wait_for(|now| now.accepted >= count, 2 * PATIENCE).await;
    accepted.unwrap_or_else(|now| panic!("waited for {count} accepted: {now:?}"));
}

/// The most that was accepted in any interval, as the inbox saw it from `since` on.
fn most_within(world: &World, interval: Duration, since: Duration) -> usize {
    let deliveries = world.inbox().deliveries();
    let times: Vec<_> = deliveries.iter().map(|it| it.elapsed).filter(|at| *at >= since).collect();
    let within =
        |first: usize| times[first..].iter().take_while(|at| **at <= times[first] + interval).count();
    (0..times.len()).map(within).max().unwrap_or_default()
}

/// S2.1: 94 % of 5,601 have it when the limit is changed, the campaign paused, everything killed, and resumed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_changed_a_pause_and_a_restart_at_94_per_cent_lose_nobody_of_5601() {
    let mut world = World::lasting(|config| {
        config.concurrency = 4;
        config.timeout = Duration::from_secs(4);
    })
    .await;
    let list = world.list_of(&people("many", 5_601)).await;
    world.tune(|settings| settings.sliding_window = window(1_000, 2)).await;
    let id = world.run(&Campaign::to([list]).paced(150, 4)).await;
    until_accepted(&world, 5_258).await;
    world.tune(|settings| settings.sliding_window = window(300, 2)).await;
    let paused = world.pause(id).await;
    world.restart().await;
    assert_eq!(world.campaign(id).await.state, paused.state, "the restart changed the campaign");
    world.resume(id).await;
    let view = world.until(id, "finished").await;
    let [accepted, failed, skipped, in_doubt] = ends(&view);
    assert_eq!((accepted + in_doubt, failed, skipped), (5_601, 0, 0), "finished before its last");
    assert!(world.inbox().accepted() >= accepted);
    // Four senders died with a window of 19 each at the most.
    let killed_with = world.reconcile(id).await;
    assert!(killed_with <= 76, "{killed_with} were in doubt");
    assert_eq!(ends(&world.view(id).await), [5_601, 0, 0, 0]);
    assert_eq!(world.inbox().accepted(), 5_601);
    assert!(most_within(&world, Duration::from_secs(2), Duration::ZERO) <= 1_000);
    world.finish().await;
}

/// S2.5.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_interval_sees_more_than_the_limit_across_a_restart_and_a_change() {
    let (length, mut world) =
        (Duration::from_secs(2), World::lasting(|config| config.timeout = Duration::from_secs(4)).await);
    // So many that some are left when everybody surely heeds the smaller limit.
    let list = world.list_of(&people("limited", 190)).await;
    world.tune(|settings| settings.sliding_window = window(40, 2)).await;
    let id = world.run(&Campaign::to([list]).batches_of(10)).await;
    // In the middle of the second window, when it has shares left.
    until_accepted(&world, 50).await;
    world.restart().await;
    until_accepted(&world, 90).await;
    world.tune(|settings| settings.sliding_window = window(15, 2)).await;
    let heeded = world.inbox().started().elapsed() + HEEDED;
    world.until(id, "finished").await;
    let (before, after) = (most_within(&world, length, Duration::ZERO), most_within(&world, length, heeded));
    assert!((20..=40).contains(&before), "{before} within a window of 40");
    assert!((1..=15).contains(&after), "{after} within a window of 15");
    world.reconcile(id).await;
    assert_eq!(ends(&world.view(id).await), [190, 0, 0, 0]);
    world.finish().await;
}

/// S2.4: with one sender, which would be kept busy by whoever waits inside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_that_waits_for_its_own_window_is_in_nobodys_way() {
    let world = World::with(|config| config.concurrency = 1).await;
    let slow = world.list_of(&people("slow", 40)).await;
    let fast = world.list_of(&people("fast", 300)).await;
    let waiting = world.run(&Campaign::to([slow]).batches_of(10).within(20, 10)).await;
    world.until_ended(waiting, 20).await;
    let other = world.run(&Campaign::to([fast])).await;
    assert_eq!(ends(&world.until(other, "finished").await), [300, 0, 0, 0]);
    let view = world.view(waiting).await;
    assert_eq!((view.status.as_str(), ends(&view)), ("running", [20, 0, 0, 0]), "it did not wait");
    assert_eq!(ends(&world.until(waiting, "finished").await), [40, 0, 0, 0]);
    world.finish().await;
}

/// S6.14.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_windows_store_nothing_is_sent() {
    let world = World::with(|config| config.timeout = Duration::from_secs(3)).await;
    let list = world.list_of(&people("closed", 60)).await;
    world.tune(|settings| settings.sliding_window = window(1_000, 2)).await;
    let of_the_window = |call: &Call| call.is_of("sender") && call.body.contains("\"WINDOW\"");
    world.proxy.fail(Side::Before, 100_000, of_the_window);
    let id = world.run(&Campaign::to([list]).batches_of(20)).await;
    // The third invocation begins when one of the first two has given up.
    eventually("a sender gave up", PATIENCE, async || {
        let begun = world.stack().host.stats("sender").invocations;
        if begun >= 3 { Ok(()) } else { Err(begun) }
    })
    .await;
    assert_eq!(world.inbox().accepted(), 0, "sent without a share of the window");
    world.proxy.clear();
    assert_eq!(ends(&world.until(id, "finished").await), [60, 0, 0, 0]);
    world.finish().await;
}
