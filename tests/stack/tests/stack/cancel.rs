//! Cancelling: whoever still waits is skipped, planned or not, and nothing that comes late is sent.

use std::time::{Duration, Instant};

use fanmail_domain::{RecipientState, SkipReason};
use fanmail_engine::ports::Tasks;

use crate::harness::{Campaign, PATIENCE, Side, World, ends, eventually, people, task};

/// What may pass between the word and the last accept.
const SOON: Duration = Duration::from_millis(1_600);

/// S2.7: the second page of three is being planned, and the first one's batches are being sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_in_the_middle_of_fan_out_whoever_waits_is_skipped() {
    let world = World::with(|config| config.concurrency = 1).await;
    let list = world.list_of(&people("cancel", 250)).await;
    let mut page = world
        .proxy
        .hold(Side::Before, 1, |call| call.is_of("start") && call.operation == "TransactWriteItems");
    let id = world.run(&Campaign::to([list]).batches_of(10).paced(20, 2)).await;
    page.reached().await;
    world.inbox().wait_for(|now| now.accepted >= 25, PATIENCE).await.unwrap();
    world.cancel(id).await;
    let acknowledged = Instant::now();
    page.release();
    world.until_closed(id).await;
    let late = world.inbox().last_accept_at().unwrap().saturating_duration_since(acknowledged);
    assert!(late <= SOON, "accepted {late:?} after it was cancelled");

    let (view, sent) = (world.view(id).await, world.inbox().accepted());
    assert!((25..100).contains(&sent), "{sent} of the first hundred were sent");
    assert_eq!((view.status.as_str(), view.audience), ("cancelled", 250));
    assert_eq!((ends(&view), view.reasons["skipped:cancelled"]), ([sent, 0, 250 - sent, 0], 250 - sent));
    let states = world.ledger(id).await.states;
    let skipped = RecipientState::Skipped(SkipReason::Cancelled);
    assert!(states.values().all(|state| *state == RecipientState::Accepted || *state == skipped));

    // Tasks of the run that was cancelled, late.
    let before = world.ledger(id).await;
    let tasks: Vec<_> = (0..25).map(|seq| task(id, 0, seq)).collect();
    world.stack().queue.send_batches(&tasks, Duration::ZERO).await.unwrap();
    eventually("the late tasks are dealt with", PATIENCE, async || match world.count("batches").await {
        0 => Ok(()),
        count => Err(count),
    })
    .await;
    assert_eq!((world.ledger(id).await, world.inbox().accepted()), (before, sent));
    world.finish().await;
}

/// Who was skipped can be taken back, and nobody gets it twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_campaign_can_be_taken_up_again() {
    let world = World::start().await;
    let list = world.list_of(&people("again", 120)).await;
    let id = world.run(&Campaign::to([list]).batches_of(10).paced(40, 2)).await;
    world.inbox().wait_for(|now| now.accepted >= 20, PATIENCE).await.unwrap();
    world.cancel(id).await;
    world.until_closed(id).await;
    assert!(world.inbox().accepted() < 120, "there was nothing left to cancel");
    world.retry(id, "skipped:cancelled").await;
    assert_eq!(ends(&world.until(id, "finished").await), [120, 0, 0, 0]);
    assert_eq!(world.inbox().accepted(), 120);
    world.finish().await;
}
