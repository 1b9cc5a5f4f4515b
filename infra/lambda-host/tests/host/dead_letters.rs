//! Which messages end in the dead-letter queue, and which must not.

use std::time::Duration;

use serde_json::json;

use crate::stage::{Stage, most_at_a_time, wait_for};

const REDRIVE: (&str, &str) = (
    "RedrivePolicy",
    r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}"#,
);

#[tokio::test]
async fn a_message_that_always_fails_ends_in_the_dead_letter_queue() {
    let stage = Stage::with_function(|_| {});
    stage.queue("dead", &[]).await;
    stage.event_source(&[("VisibilityTimeout", "1"), REDRIVE], |_| {}).await;
    stage.send(json!({ "name": "a", "do": "fail", "always": true })).await;

    wait_for("dead letter", async || stage.depth("dead").await == (1, 0)).await;

    assert_eq!(stage.witness(), ["begin a 1", "end a 1", "begin a 2", "end a 2"]);
    assert_eq!(stage.depth("work").await, (0, 0));
}

#[tokio::test]
async fn a_backlog_larger_than_the_concurrency_costs_no_receive_count() {
    // The visibility timeout is shorter than the work: a message received ahead of its turn would come again.
    let stage = Stage::with_function(|spec| spec.reserved_concurrency = Some(2));
    stage.queue("dead", &[]).await;
    stage.event_source(&[("VisibilityTimeout", "1"), REDRIVE], |spec| spec.batch_size = 1).await;
    for _ in 0..300 {
        stage.send(json!({ "do": "sleep", "ms": 15 })).await;
    }

    stage.work_is_done().await;

    let witness = stage.witness();
    assert_eq!(witness.len(), 600);
    assert!(witness.iter().all(|line| line.ends_with(" 1")), "a message was received twice");
    assert_eq!(most_at_a_time(&witness), 2);
    assert_eq!(stage.depth("dead").await, (0, 0));
}

#[tokio::test]
async fn throttling_a_function_altogether_costs_no_receive_count() {
    // A short time limit, because that is how long a message would wait for its turn before it is given back.
    let stage = Stage::with_function(|spec| {
        spec.reserved_concurrency = Some(1);
        spec.timeout = Duration::from_millis(300);
    });
    stage.queue("dead", &[]).await;
    let queue = stage.event_source(&[REDRIVE], |_| {}).await;
    wait_for("long poll", async || queue.billed_requests() == 1).await;

    stage.host.set_reserved_concurrency("f", Some(0)).unwrap();
    stage.send(json!({ "name": "a" })).await;
    // Nothing is to happen, so there is nothing to wait for.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.depth("work").await, (1, 0));

    stage.host.set_reserved_concurrency("f", Some(1)).unwrap();
    stage.work_is_done().await;
    assert_eq!(stage.witness(), ["begin a 1", "end a 1"]);
}

#[tokio::test]
async fn a_message_received_while_somebody_else_took_the_unit_waits_for_the_next() {
    let stage = Stage::with_function(|spec| spec.reserved_concurrency = Some(1));
    let queue = stage.event_source(&[], |_| {}).await;
    wait_for("long poll", async || queue.billed_requests() == 1).await;

    let (slow, ()) = tokio::join!(stage.invoke(json!({ "do": "sleep", "ms": 300 })), async {
        stage.busy(1).await;
        stage.send(json!({ "name": "a" })).await;
        wait_for("end of the long poll", async || stage.depth("work").await == (0, 1)).await;
    });

    slow.unwrap();
    stage.work_is_done().await;
    assert_eq!(stage.witness(), ["begin a 1", "end a 1"]);
}
