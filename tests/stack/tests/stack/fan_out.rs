//! Starting twice, and losing the process that plans.

use crate::harness::{Campaign, Side, World, ends, kill, people};

/// S6.2.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn starts_at_once_are_one_start() {
    let world = World::start().await;
    let list = world.list_of(&people("once", 300)).await;
    let id = world.draft(&Campaign::to([list]).batches_of(30)).await;
    let start = || world.set(id, "running");
    let starts = tokio::join!(start(), start(), start(), start());
    for start in [starts.0, starts.1, starts.2, starts.3] {
        assert_eq!(start.unwrap()["epoch"], 1);
    }
    let view = world.until(id, "finished").await;
    assert_eq!((ends(&view), view.audience), ([300, 0, 0, 0], 300));
    assert!(world.set(id, "running").await.is_err(), "a finished campaign was started again");
    assert_eq!(world.inbox().accepted(), 300);
    world.finish().await;
}

/// S6.1, K2 and K4: the second page of three is planned when the process dies, before or after it is written.
async fn killed_at_the_second_page(side: Side) {
    let world = World::start().await;
    let list = world.list_of(&people("page", 250)).await;
    let mut page =
        world.proxy.hold(side, 1, |call| call.is_of("start") && call.operation == "TransactWriteItems");
    let id = world.run(&Campaign::to([list]).batches_of(10)).await;
    kill(page.reached().await.pid);
    let view = world.until_ended(id, 100).await;
    assert_eq!((view.status.as_str(), view.audience_sealed), ("running", false), "{view:?}");
    assert_eq!(world.inbox().accepted(), 100, "the tasks of the second page were sent");
    let view = world.until(id, "finished").await;
    assert_eq!((ends(&view), view.audience), ([250, 0, 0, 0], 250));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_before_a_page_is_written_loses_nobody() {
    killed_at_the_second_page(Side::Before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_before_a_written_page_is_enqueued_loses_nobody() {
    killed_at_the_second_page(Side::After).await;
}
