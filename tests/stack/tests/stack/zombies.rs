//! Senders that everybody takes for dead, and that still work.

use std::time::Duration;

use fanmail_engine::ports::Tasks;

use crate::harness::{
    Campaign, PATIENCE, Side, World, ends, eventually, freeze, is_alive, people, task, thaw,
};

/// A sender reads the people of a batch, and before it writes anything another one sends it all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_knew_the_batch_before_somebody_else_sent_it_sends_nothing() {
    let world = World::start().await;
    let list = world.list_of(&people("raced", 10)).await;
    let mut held = world.proxy.hold(Side::After, 0, |call| call.is_of("sender") && call.reads_people());
    let id = world.run(&Campaign::to([list]).batches_of(10)).await;
    let slow = held.reached().await;
    // Frozen, so that its patience does not end before the other one is ready.
    freeze(slow.pid);
    world.stack().queue.send_batches(&[task(id, 0, 0)], Duration::ZERO).await.unwrap();
    let sent = world.inbox().wait_for(|now| now.accepted == 10, PATIENCE).await;
    sent.unwrap();
    held.release();
    thaw(slow.pid);
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [10, 0, 0, 0]);
    eventually("both tasks are dealt with", PATIENCE, async || match world.count("batches").await {
        0 => Ok(()),
        count => Err(count),
    })
    .await;
    assert_eq!(world.inbox().accepted(), 10);
    world.finish().await;
}

/// A sender stops in the middle of its batch, outlives its host's kill and its lease, and wakes when others
/// have sent the rest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_wakes_after_its_lease_repeats_nothing() {
    let world = World::with(|config| {
        config.program.args = vec!["--orphan".to_owned()];
        config.timeout = Duration::from_secs(3);
        config.submit_timeout = Duration::from_secs(30);
    })
    .await;
    let list = world.list_of(&people("woken", 20)).await;
    let mut held =
        world.proxy.hold(Side::After, 0, |call| call.is_of("sender") && call.is("PutItem", "#L00"));
    let id = world.run(&Campaign::to([list]).batches_of(10).paced(20, 3)).await;
    let zombie = held.reached().await;
    freeze(zombie.pid);
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [15, 0, 0, 5]);
    assert!(is_alive(zombie.pid), "it was to outlive its host's kill");
    let before = world.ledger(id).await;
    held.release();
    thaw(zombie.pid);
    eventually("the zombie has ended", PATIENCE, async || {
        if is_alive(zombie.pid) { Err(zombie.clone()) } else { Ok(()) }
    })
    .await;
    assert_eq!(world.ledger(id).await, before, "the zombie wrote into the ledger");
    world.finish().await;
}
