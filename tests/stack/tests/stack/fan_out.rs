//! Starting twice, and losing the process that plans.

use crate::harness::{Campaign, PATIENCE, Side, World, ends, eventually, kill, people};

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

/// S6.2: a start that is asked for again arrives at the store when the one before has long been fanned out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_comes_late_is_the_start_before() {
    let world = World::start().await;
    let list = world.list_of(&people("late", 100)).await;
    let id = world.draft(&Campaign::to([list]).batches_of(10)).await;
    world.feed("sender", false);
    let mut begin =
        world.proxy.hold(Side::Before, 0, |call| call.is_of("api") && call.is("TransactWriteItems", "LANE#"));
    let (late, ()) = tokio::join!(world.set(id, "running"), async {
        begin.reached().await;
        world.set(id, "running").await.unwrap();
        eventually("all tasks are sent", PATIENCE, async || match world.count("batches").await {
            10 => Ok(()),
            count => Err(count),
        })
        .await;
        begin.release();
    });
    assert_eq!(late.unwrap()["epoch"], 1);
    world.feed("sender", true);
    let view = world.until(id, "finished").await;
    assert_eq!((ends(&view), view.audience), ([100, 0, 0, 0], 100));
    assert_eq!(world.inbox().accepted(), 100);
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

/// K1 and K2: the process that starts the campaign dies before, and then after, it is stored as running.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_dies_has_taken_place_or_not() {
    let world = World::start().await;
    let list = world.list_of(&people("start", 50)).await;
    let id = world.draft(&Campaign::to([list])).await;
    for (side, status) in [(Side::Before, "draft"), (Side::After, "running")] {
        let mut begin =
            world.proxy.hold(side, 0, |call| call.is_of("api") && call.is("TransactWriteItems", "LANE#"));
        let (start, ()) = tokio::join!(world.set(id, "running"), async {
            kill(begin.reached().await.pid);
        });
        assert!(start.is_err(), "a dead process answered");
        assert_eq!(world.view(id).await.status, status, "killed {side:?}");
    }
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [50, 0, 0, 0]);
    world.finish().await;
}
