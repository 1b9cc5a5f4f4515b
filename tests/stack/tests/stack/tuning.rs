//! Settings changed while a campaign runs: heeded within seconds, and nobody is lost.

use std::time::Duration;

use fanmail_lambda_host::EventSourceSpec;

use crate::harness::{Campaign, PATIENCE, Side, World, ends, eventually, people};

/// How long a change may take to be heeded.
const HEEDED: Duration = Duration::from_secs(5);

/// Accepted in the last second.
fn pace(world: &World) -> usize {
    let since = world.inbox().started().elapsed().saturating_sub(Duration::from_secs(1));
    world.inbox().deliveries().iter().rev().take_while(|it| it.elapsed >= since).count()
}

async fn set_rate(world: &World, rate: u32, heeded: impl Fn(usize) -> bool) {
    world.tune(|settings| settings.message_rate = rate).await;
    eventually(&format!("two senders keep to {rate} per second each"), HEEDED, async || {
        let now = pace(world);
        if heeded(now) { Ok(()) } else { Err(now) }
    })
    .await;
}

/// S0.1, with two senders.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_is_heeded_within_seconds_up_and_down_and_the_campaign_runs_on() {
    let world = World::start().await;
    let list = world.list_of(&people("rate", 1_300)).await;
    world.tune(|settings| (settings.message_rate, settings.batch_size) = (20, 50)).await;
    let id = world.run(&Campaign::as_set([list])).await;
    world.inbox().wait_for(|now| now.accepted >= 60, PATIENCE).await.unwrap();
    assert!(pace(&world) <= 50, "{} per second with two senders of 20", pace(&world));
    set_rate(&world, 60, |now| now >= 75).await;
    set_rate(&world, 5, |now| now <= 14).await;
    assert!(world.inbox().accepted() < 1_300, "there was nothing left to slow down");
    world.tune(|settings| settings.message_rate = 1_000).await;
    assert_eq!(ends(&world.until(id, "finished").await), [1_300, 0, 0, 0]);
    assert_eq!(world.campaign(id).await.state.version, 2, "it did more than start and finish");
    world.finish().await;
}

/// S0.2: more senders, and batches smaller than they could send in a second, from the second page of fan-out on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_smaller_than_a_seconds_work_stop_nothing() {
    let world = World::start().await;
    let list = world.list_of(&people("small", 1_200)).await;
    world.tune(|settings| (settings.message_rate, settings.batch_size) = (30, 50)).await;
    let mut page = world
        .proxy
        .hold(Side::Before, 1, |call| call.is_of("start") && call.operation == "TransactWriteItems");
    let id = world.run(&Campaign::as_set([list])).await;
    page.reached().await;
    world.tune(|settings| settings.batch_size = 10).await;
    let host = &world.stack().host;
    host.set_reserved_concurrency("sender", Some(4)).unwrap();
    let source = host.event_sources().into_iter().find(|source| source.function == "sender");
    let source = EventSourceSpec { maximum_concurrency: Some(4), ..source.unwrap() };
    host.update_event_source(source).unwrap();
    // Four senders of 30 take longer for these than a view of the settings may be old.
    world.inbox().wait_for(|now| now.accepted >= 480, PATIENCE).await.unwrap();
    page.release();
    world.tune(|settings| settings.message_rate = 1_000).await;
    assert_eq!(ends(&world.until(id, "finished").await), [1_200, 0, 0, 0]);
    let batches = world.ledger(id).await.batches;
    let of = |size| batches.iter().filter(|batch| batch.entries.len() == size).count();
    assert!(of(50) >= 10 && of(10) >= 10, "{} batches of 50, {} of 10", of(50), of(10));
    assert_eq!(world.stack().host.processes("sender").len(), 4);
    assert_eq!(world.campaign(id).await.state.version, 2, "it did more than start and finish");
    world.finish().await;
}
