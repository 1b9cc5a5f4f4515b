//! Queues that repeat, reorder and lose.

use fanmail_engine::ports::Tasks;
use std::time::Duration;

use crate::harness::{Campaign, PATIENCE, Side, World, ends, eventually, kill, people, task};

/// S6.3.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_task_three_times_and_out_of_order_sends_one_copy_each() {
    let world = World::with(|config| config.concurrency = 4).await;
    let list = world.list_of(&people("triple", 300)).await;
    world.feed("sender", false);
    let id = world.run(&Campaign::to([list]).batches_of(20)).await;
    eventually("all tasks are sent", PATIENCE, async || {
        let count = world.count("batches").await;
        if count == 15 { Ok(()) } else { Err(count) }
    })
    .await;
    let backwards: Vec<_> = (0..15).rev().map(|seq| task(id, 0, seq)).collect();
    let mixed: Vec<_> = (0..15).map(|seq| task(id, 0, seq * 7 % 15)).collect();
    for again in [backwards, mixed] {
        world.stack().queue.send_batches(&again, Duration::ZERO).await.unwrap();
    }
    world.feed("sender", true);
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [300, 0, 0, 0]);
    eventually("the repeats are dealt with", PATIENCE, async || {
        let count = world.count("batches").await;
        if count == 0 { Ok(()) } else { Err(count) }
    })
    .await;
    assert_eq!(world.inbox().accepted(), 300);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_purged_in_mid_campaign_is_filled_again() {
    let world = World::start().await;
    let list = world.list_of(&people("purged", 200)).await;
    let id = world.run(&Campaign::to([list]).batches_of(10).paced(50, 4)).await;
    world.until_ended(id, 20).await;
    world.purge("batches").await;
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [200, 0, 0, 0]);
    let journal = world.stack().store.journal_page(id, None, 100).await.unwrap().entries;
    assert!(journal.iter().any(|entry| entry.key.contains("rewound")), "{journal:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_task_of_a_lane_that_is_lost_is_sent_again() {
    let world = World::start().await;
    let list = world.list_of(&people("lane", 50)).await;
    world.feed("start", false);
    let id = world.run(&Campaign::to([list])).await;
    world.purge("lanes").await;
    world.feed("start", true);
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [50, 0, 0, 0]);
    world.finish().await;
}

/// A queue that always holds something never looks as if it had lost anything: only the lease tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_lost_its_task_and_its_holder_is_taken_back_though_the_queue_is_busy() {
    let world = World::with(|config| config.concurrency = 1).await;
    let list = world.list_of(&people("orphaned", 10)).await;
    let mut held =
        world.proxy.hold(Side::After, 0, |call| call.is_of("sender") && call.is("PutItem", "#L00"));
    let id = world.run(&Campaign::to([list]).batches_of(10).paced(20, 3)).await;
    let sender = held.reached().await.pid;
    world.purge("batches").await;
    world.put_for_later("batches", "in a quarter of an hour").await;
    kill(sender);
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [5, 0, 0, 5]);
    world.finish().await;
}
