//! A store that fails in the middle of a batch.
//!
//! S6.5, S6.17 and S4.4: what was sent before the failure is not repeated, and nothing is sent without a stored intent.

use crate::harness::{Call, Campaign, Side, World, ends, people};

fn writes_a_batch(call: &Call) -> bool {
    call.is_of("sender") && (call.is("PutItem", "#L00") || call.is("TransactWriteItems", "#L00"))
}

/// Runs a campaign of 100 while `times` writes of batches are answered with 500.
async fn failing(side: Side, times: u32, matches: fn(&Call) -> bool) -> [u64; 4] {
    let world = World::with(|config| config.concurrency = 1).await;
    let list = world.list_of(&people("fault", 100)).await;
    world.proxy.fail(side, times, matches);
    let id = world.run(&Campaign::to([list]).batches_of(10).paced(40, 2)).await;
    let ended = ends(&world.until(id, "finished").await);
    assert!(world.inbox().accepted() <= 100, "somebody got it twice");
    world.finish().await;
    ended
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_fail_for_a_while_cost_nothing() {
    assert_eq!(failing(Side::Before, 10, writes_a_batch).await, [100, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_took_place_and_were_not_answered_cost_nothing() {
    assert_eq!(failing(Side::After, 10, writes_a_batch).await, [100, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_whose_end_cannot_be_stored_is_not_sent_again() {
    // More than one invocation can ask for: it gives up, and its last window is in doubt.
    let ended = failing(Side::Before, 40, |call| {
        call.is_of("sender") && call.is("TransactWriteItems", "\"0000000003\"")
    })
    .await;
    let [accepted, failed, skipped, in_doubt] = ended;
    assert_eq!((accepted + in_doubt, failed, skipped), (100, 0, 0));
    assert!((1..=6).contains(&in_doubt), "{in_doubt} are in doubt");
}

/// S4.4: the store answers nobody's write of an intent for one whole invocation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_stored_intent_nothing_is_sent() {
    let world = World::with(|config| config.concurrency = 1).await;
    let list = world.list_of(&people("intent", 30)).await;
    world.proxy.fail(Side::Before, 1_000, writes_a_batch);
    let mut read = world.proxy.hold(Side::Before, 1, |call| call.is_of("sender") && call.reads_people());
    let id = world.run(&Campaign::to([list]).batches_of(10)).await;
    // The second task begins when the first invocation has given up.
    read.reached().await;
    assert_eq!(world.inbox().accepted(), 0, "sent without a stored intent");
    world.proxy.clear();
    read.release();
    assert_eq!(ends(&world.until(id, "finished").await), [30, 0, 0, 0]);
    world.finish().await;
}
