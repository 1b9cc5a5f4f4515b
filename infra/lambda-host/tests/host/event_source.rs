//! What an event source delivers, deletes and leaves alone.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use crate::stage::{Stage, wait_for};

/// How often each message was begun.
fn deliveries(witness: &[String]) -> BTreeMap<&str, usize> {
    let mut deliveries = BTreeMap::new();
    for line in witness {
        if let ["begin", name, _] = line.split(' ').collect::<Vec<_>>()[..] {
            *deliveries.entry(name).or_default() += 1;
        }
    }
    deliveries
}

#[tokio::test]
async fn only_the_failed_messages_of_a_batch_come_again() {
    let stage = Stage::with_function(|_| {});
    stage.event_source(&[("VisibilityTimeout", "1")], |spec| spec.enabled = false).await;
    for (name, what) in [("a", "ok"), ("b", "fail"), ("c", "ok")] {
        stage.send(json!({ "name": name, "do": what })).await;
    }

    stage.change_event_source(|spec| spec.enabled = true);
    stage.work_is_done().await;

    assert_eq!(deliveries(&stage.witness()), BTreeMap::from([("a", 1), ("b", 2), ("c", 1)]));
    assert_eq!(stage.host.stats("f").invocations, 2, "the three were one batch");
}

#[tokio::test]
async fn an_answer_that_names_an_unknown_message_fails_the_whole_batch() {
    let stage = Stage::with_function(|_| {});
    stage.event_source(&[("VisibilityTimeout", "1")], |spec| spec.enabled = false).await;
    for (name, what) in [("a", "ok"), ("b", "bad_answer")] {
        stage.send(json!({ "name": name, "do": what })).await;
    }

    stage.change_event_source(|spec| spec.enabled = true);
    stage.work_is_done().await;

    assert_eq!(deliveries(&stage.witness()), BTreeMap::from([("a", 2), ("b", 2)]));
}

#[tokio::test]
async fn a_message_whose_process_crashed_comes_again_after_its_visibility_timeout() {
    let stage = Stage::with_function(|_| {});
    stage.event_source(&[("VisibilityTimeout", "1")], |_| {}).await;
    stage.send(json!({ "name": "a", "do": "crash" })).await;

    stage.work_is_done().await;

    assert_eq!(stage.witness(), ["begin a 1", "begin a 2", "end a 2"]);
    assert_eq!(stage.host.stats("f").exits, 1);
}

#[tokio::test]
async fn a_message_whose_process_timed_out_comes_again_after_its_visibility_timeout() {
    let stage = Stage::with_function(|spec| spec.timeout = Duration::from_millis(500));
    stage.event_source(&[("VisibilityTimeout", "2")], |_| {}).await;
    stage.send(json!({ "name": "a", "do": "sleep", "ms": 60_000 })).await;

    stage.work_is_done().await;

    assert_eq!(stage.witness(), ["begin a 1", "begin a 2", "end a 2"]);
    assert_eq!(stage.host.stats("f").timeouts, 1);
}

#[tokio::test]
async fn a_batching_window_fills_a_batch_over_several_receives() {
    let stage = Stage::with_function(|_| {});
    let wide = |spec: &mut fanmail_lambda_host::EventSourceSpec| {
        spec.enabled = false;
        spec.batch_size = 25;
        spec.batching_window = Duration::from_secs(20);
    };
    let queue = stage.event_source(&[], wide).await;
    for _ in 0..25 {
        stage.send(json!({})).await;
    }

    stage.change_event_source(|spec| spec.enabled = true);
    stage.work_is_done().await;

    assert_eq!(stage.host.stats("f").invocations, 1);
    assert!(
        (6..=7).contains(&queue.billed_requests()),
        "three receives, three deletes, perhaps the next receive"
    );
}

#[tokio::test]
async fn an_idle_event_source_polls_long() {
    let stage = Stage::with_function(|_| {});
    let queue = stage.event_source(&[], |_| {}).await;
    wait_for("first receive", async || queue.billed_requests() == 1).await;

    // Nothing is to happen, so there is nothing to wait for.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(queue.billed_requests(), 1);

    stage.send(json!({ "name": "a" })).await;
    stage.work_is_done().await;
    assert_eq!(stage.witness(), ["begin a 1", "end a 1"]);
}

#[tokio::test]
async fn a_disabled_event_source_leaves_messages_alone_even_if_it_was_polling() {
    let stage = Stage::with_function(|_| {});
    let queue = stage.event_source(&[], |_| {}).await;
    wait_for("long poll", async || queue.billed_requests() == 1).await;

    stage.change_event_source(|spec| spec.enabled = false);
    stage.send(json!({ "name": "a" })).await;
    // Nothing is to happen, so there is nothing to wait for.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(stage.depth("work").await, (1, 0));

    stage.change_event_source(|spec| spec.enabled = true);
    stage.work_is_done().await;
    assert_eq!(stage.witness(), ["begin a 1", "end a 1"]);
}
