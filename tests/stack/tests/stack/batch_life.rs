//! A sender is killed between every two of its steps.
//!
//! What a sender does is told by its requests to the store. Each campaign here is one batch, and its sender
//! is killed at the n-th request on its behalf: before the engine has seen it, or after it was carried out
//! and before the sender was told. All numbers run at once in one stack, until n is larger than a whole life.

use fanmail_domain::{CampaignId, LaneNo, RecipientState};
use fanmail_engine::ports::Ledger;
use futures::future::join_all;

use crate::harness::{Campaign, PATIENCE, Side, World, ends, eventually, kill, people};

/// More than the requests of a life.
const LIVES: u32 = 15;
/// A life is at least: campaign, batch, content, subscribers, two windows, the end, the lane, and the
/// campaign's end with what it reads.
const STEPS: usize = 10;
const RECIPIENTS: usize = 10;
/// 20 messages a second over three connections.
const WINDOW: usize = 5;

/// Sends one batch with a kill at one step. Answers at which operation it was, if life was long enough.
async fn live(world: &World, side: Side, step: u32) -> Option<String> {
    let list = world.list_of(&people(&format!("life{step}"), RECIPIENTS)).await;
    let id = world.draft(&Campaign::to([list]).batches_of(10).paced(20, 3)).await;
    let mut held =
        world.proxy.hold(side, step, move |call| call.is_of("sender") && call.campaign == Some(id.0));
    world.set(id, "running").await.unwrap();
    let killed = tokio::select! {
        call = held.reached() => Some(call),
        _ = world.until(id, "finished") => None,
    };
    let submitting = match &killed {
        Some(call) => {
            kill(call.pid);
            submitting(world, id).await
        }
        None => 0,
    };
    let view = world.until(id, "finished").await;
    let what = format!("killed {side:?} step {step}, {killed:?}");
    assert!(submitting <= WINDOW, "{what}: {submitting} were submitting");
    let doubt = submitting as u64;
    assert_eq!(ends(&view), [RECIPIENTS as u64 - doubt, 0, 0, doubt], "{what}");
    killed.map(|call| call.operation)
}

/// How many are submitting in the ledger that a dead sender left.
async fn submitting(world: &World, id: CampaignId) -> usize {
    // A fan-out whose time was up may have cut the batch in two.
    let batches = world.stack().store.batches(id, LaneNo(0), 0).await.unwrap();
    let entries = batches.iter().flat_map(|batch| &batch.entries);
    entries.filter(|entry| entry.state == RecipientState::Submitting).count()
}

async fn killed_at_every_step(side: Side) {
    let world = World::with(|config| config.concurrency = 4).await;
    let steps = join_all((0..LIVES).map(|step| live(&world, side, step))).await;
    let reached = steps.iter().filter(|step| step.is_some()).count();
    assert!(reached >= STEPS, "a life had only {reached} steps: {steps:?}");
    assert!(steps.last().unwrap().is_none(), "a life has more than {LIVES} steps: {steps:?}");
    eventually("no task is left", PATIENCE, async || match world.count("batches").await {
        0 => Ok(()),
        count => Err(count),
    })
    .await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_any_request_took_place_nobody_is_lost_or_written_to_twice() {
    killed_at_every_step(Side::Before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_request_took_place_nobody_is_lost_or_written_to_twice() {
    killed_at_every_step(Side::After).await;
}
