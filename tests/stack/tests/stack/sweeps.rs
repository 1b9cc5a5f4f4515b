//! The sweeper: what is left behind is mended in time, and once.

use std::time::{Duration, Instant};

use fanmail_domain::{CampaignId, Phase};
use fanmail_engine::LEASE_MARGIN;
use fanmail_engine::ports::Clock;
use fanmail_runtime::SystemClock;

use crate::harness::{Campaign, PATIENCE, Side, World, ends, eventually, freeze, kill, people, thaw};

/// 20 messages a second over three connections.
const WINDOW: u64 = 5;
const TIMEOUT: Duration = Duration::from_secs(3);

/// Runs a campaign of two batches of ten until a sender has stored the first intents of the first. Answers which process.
async fn at_the_intents(world: &World) -> (CampaignId, u32) {
    let list = world.list_of(&people("swept", 20)).await;
    let mut held = world.proxy.hold(Side::After, 0, |call| {
        call.is_of("sender") && call.is("PutItem", "#L00") && call.body.contains("\"0000000000\"")
    });
    let id = world.run(&Campaign::to([list]).batches_of(10).paced(20, 3)).await;
    (id, held.reached().await.pid)
}

/// S4.6.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_sweeps_at_once_mend_once() {
    let world = World::with(|config| {
        config.timeout = TIMEOUT;
        config.sweep_every = Duration::from_secs(3_600);
        config.concurrency = 1;
    })
    .await;
    let (id, sender) = at_the_intents(&world).await;
    world.feed("sender", false);
    kill(sender);
    eventually("the lease has run out", PATIENCE, async || {
        let (phase, now) = (world.batch(id, 0).await.phase, SystemClock::new().now());
        if matches!(phase, Phase::Leased { until, .. } if until < now) { Ok(()) } else { Err(phase) }
    })
    .await;
    world.stack().host.set_reserved_concurrency("sweeper", Some(3)).unwrap();
    let swept = tokio::join!(world.sweep(), world.sweep(), world.sweep());
    let swept = [swept.0, swept.1, swept.2];
    let sum = |what: &str| swept.iter().map(|report| report[what].as_u64().unwrap()).sum::<u64>();
    // Who writes the very same within one millisecond takes what stands for its own, and says so: the ledger and the
    // journal below say what was mended.
    let said = sum("leases_expired");
    assert!((1..=3).contains(&said) && sum("put_in_doubt") == said * WINDOW, "{swept:?}");
    let journal = world.journal(id).await;
    let said = journal.iter().filter(|entry| entry.text.contains("ran out: 5 submitting are in doubt"));
    assert_eq!(said.count(), 1, "{journal:?}");
    world.feed("sender", true);
    // In the middle of normal sending.
    while world.campaign(id).await.state.status.name() == "running" {
        let swept = tokio::join!(world.sweep(), world.sweep());
        assert_eq!(swept.0["leases_expired"].as_u64().max(swept.1["leases_expired"].as_u64()), Some(0));
    }
    assert_eq!(ends(&world.until(id, "finished").await), [20 - WINDOW, 0, 0, WINDOW]);
    world.finish().await;
}

/// S4.9: a sender stands still until its host kills it at its time-out, and its batch is free soon after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_time_out_leaves_is_resolved_within_the_lease_and_one_sweep() {
    let world = World::with(|config| config.timeout = TIMEOUT).await;
    let (id, sender) = at_the_intents(&world).await;
    freeze(sender);
    let frozen = Instant::now();
    eventually("nobody is submitting any more", PATIENCE, async || {
        let batch = world.batch(id, 0).await;
        let in_doubt = batch.entries.iter().filter(|entry| entry.state.name() == "in_doubt").count();
        if in_doubt as u64 == WINDOW { Ok(()) } else { Err(batch) }
    })
    .await;
    let took = frozen.elapsed();
    // The sweeper looks every 700 ms; two seconds for a busy machine.
    let soon = TIMEOUT + LEASE_MARGIN + Duration::from_millis(2_700);
    assert!(took <= soon, "it took {took:?}");
    thaw(sender);
    assert_eq!(ends(&world.until(id, "finished").await), [20 - WINDOW, 0, 0, WINDOW]);
    assert!(world.stack().host.stats("sender").timeouts >= 1, "nobody timed out");
    world.finish().await;
}
