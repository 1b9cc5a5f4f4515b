//! Two groups share a function's units.

use std::time::Duration;

use fanmail_lambda_host::EventSourceSpec;
use serde_json::json;

use crate::stage::{Stage, wait_for};

/// A function with two units, and its event source with one message per invocation.
async fn stage(change: impl FnOnce(&mut EventSourceSpec)) -> Stage {
    let stage = Stage::with_function(|spec| spec.reserved_concurrency = Some(2));
    // The visibility timeout is shorter than the whole work: what is received ahead of its turn comes again.
    let one = |spec: &mut EventSourceSpec| {
        spec.batch_size = 1;
        change(spec);
    };
    stage.event_source(&[("VisibilityTimeout", "2")], one).await;
    stage
}

/// A thousand messages of the group `many`, each 10 ms of work.
async fn backlog(stage: &Stage) {
    for _ in 0..1_000 {
        stage.send_of(Some("many"), json!({ "name": "many", "do": "sleep", "ms": 10 })).await;
    }
}

#[tokio::test]
async fn the_message_of_a_quiet_group_is_next_behind_a_backlog_of_a_thousand() {
    let stage = stage(|spec| spec.maximum_concurrency = Some(2)).await;
    backlog(&stage).await;
    wait_for("begin of the work", async || !stage.witness().is_empty()).await;

    let before = stage.witness().len();
    stage.send_of(Some("few"), json!({ "name": "few" })).await;
    stage.work_is_done().await;

    let witness = stage.witness();
    assert_eq!(witness.len(), 2_002);
    assert!(witness.iter().all(|line| line.ends_with(" 1")), "a message was received twice");
    let few = witness.iter().position(|line| line == "begin few 1").unwrap();
    // Both units are taken by messages of the backlog; some may end while the message is on its way.
    assert!(few <= before + 10, "it was number {few}, {before} were there when it came");
}

#[tokio::test]
async fn a_source_that_stops_has_received_nothing_that_it_does_not_work_on() {
    let stage = stage(|_| {}).await;
    backlog(&stage).await;
    wait_for("begin of the work", async || !stage.witness().is_empty()).await;

    stage.change_event_source(|spec| spec.enabled = false);
    wait_for("end of what was in flight", async || stage.depth("work").await.1 == 0).await;
    let (left, _) = stage.depth("work").await;
    let done = stage.witness().len() / 2;
    assert!(0 < left && 0 < done, "{left} left, {done} done: nothing is shown");
    assert_eq!(usize::try_from(left).unwrap() + done, 1_000);

    stage.change_event_source(|spec| spec.enabled = true);
    stage.work_is_done().await;
    let witness = stage.witness();
    assert_eq!(witness.len(), 2_000);
    assert!(witness.iter().all(|line| line.ends_with(" 1")), "stopping cost a receive");
}

#[tokio::test]
async fn a_host_that_shuts_down_leaves_the_backlog_on_the_queue() {
    let stage = stage(|_| {}).await;
    backlog(&stage).await;
    wait_for("begin of the work", async || !stage.witness().is_empty()).await;

    let stage = stage.shut_down(Duration::from_secs(10)).await;

    let (left, hidden) = stage.depth("work").await;
    let done = stage.witness().len() / 2;
    assert!(0 < left, "nothing is left, nothing is shown");
    assert_eq!((usize::try_from(left).unwrap() + done, hidden), (1_000, 0));
}
