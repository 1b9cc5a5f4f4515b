//! Limits: how many invocations run at a time, and how that changes at run time.

use fanmail_lambda_host::InvokeError;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::stage::{Stage, exists, most_at_a_time, signal, wait_for};

/// Invokes `f` `count` times at once, each taking `ms`.
async fn invoke_at_once(stage: &Stage, count: usize, ms: u64) -> Vec<Result<Value, InvokeError>> {
    let invocations = (0..count).map(|_| stage.invoke(json!({ "do": "sleep", "ms": ms })));
    futures::future::join_all(invocations).await
}

fn throttled(results: &[Result<Value, InvokeError>]) -> usize {
    results.iter().filter(|result| matches!(result, Err(InvokeError::Throttled))).count()
}

/// Sends `count` messages that take `ms` each and returns how many ran at a time.
async fn overlap(stage: &Stage, count: usize, ms: u64) -> usize {
    for _ in 0..count {
        stage.send(json!({ "do": "sleep", "ms": ms })).await;
    }
    stage.work_is_done().await;
    let witness = stage.witness();
    assert_eq!(witness.len(), 2 * count);
    stage.forget_witness();
    most_at_a_time(&witness)
}

#[tokio::test]
async fn invocations_over_the_reserved_concurrency_are_throttled() {
    let stage = Stage::with_function(|spec| spec.reserved_concurrency = Some(2));

    let results = invoke_at_once(&stage, 5, 300).await;

    assert_eq!(throttled(&results), 3);
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 2);
    assert_eq!((stage.host.processes("f").len(), stage.host.stats("f").throttles), (2, 3));
}

#[tokio::test]
async fn reserved_concurrency_zero_throttles_everything() {
    let stage = Stage::with_function(|spec| spec.reserved_concurrency = Some(0));

    assert_eq!(throttled(&invoke_at_once(&stage, 2, 0).await), 2);
    assert_eq!(stage.host.stats("f").starts, 0);
}

#[tokio::test]
async fn lowering_the_reserved_concurrency_ends_idle_processes_and_lets_busy_ones_finish() {
    let stage = Stage::with_function(|spec| spec.reserved_concurrency = Some(4));
    let (first, second) = tokio::join!(invoke_at_once(&stage, 4, 200), async {
        stage.busy(4).await;
    });
    assert_eq!((throttled(&first), second), (0, ()));
    assert_eq!(stage.host.processes("f").len(), 4, "four warm processes to begin with");

    let (during, ()) = tokio::join!(invoke_at_once(&stage, 2, 500), async {
        stage.busy(2).await;
        stage.host.set_reserved_concurrency("f", Some(1)).unwrap();
        wait_for("end of the idle processes", async || stage.host.processes("f").len() == 2).await;
        assert!(matches!(stage.invoke(json!({})).await, Err(InvokeError::Throttled)));
    });

    assert!(during.iter().all(Result::is_ok), "{during:?}");
    wait_for("end of the surplus process", async || stage.host.processes("f").len() == 1).await;
    assert_eq!(throttled(&invoke_at_once(&stage, 3, 200).await), 2);
}

#[tokio::test]
async fn an_idle_process_above_the_limit_ends_even_if_it_is_frozen() {
    let stage = Stage::with_function(|_| {});
    let pid = stage.pid().await;
    signal(pid, Signal::STOP);

    stage.host.set_reserved_concurrency("f", Some(0)).unwrap();

    wait_for("end of the process", async || !exists(pid)).await;
}

#[tokio::test]
async fn raising_the_reserved_concurrency_takes_effect_at_once() {
    let stage = Stage::with_function(|spec| spec.reserved_concurrency = Some(1));
    assert_eq!(throttled(&invoke_at_once(&stage, 3, 200).await), 2);

    stage.host.set_reserved_concurrency("f", Some(3)).unwrap();
    assert_eq!(throttled(&invoke_at_once(&stage, 3, 200).await), 0);

    stage.host.set_reserved_concurrency("f", None).unwrap();
    assert_eq!(throttled(&invoke_at_once(&stage, 10, 200).await), 0, "the unreserved ten");
}

#[tokio::test]
async fn batches_in_flight_follow_the_maximum_concurrency_both_ways() {
    let stage = Stage::with_function(|spec| spec.reserved_concurrency = Some(6));
    let queue = |spec: &mut fanmail_lambda_host::EventSourceSpec| {
        spec.batch_size = 1;
        spec.maximum_concurrency = Some(2);
    };
    stage.event_source(&[], queue).await;
    assert_eq!(overlap(&stage, 6, 200).await, 2);

    stage.change_event_source(|spec| spec.maximum_concurrency = Some(4));
    assert_eq!(overlap(&stage, 12, 200).await, 4);

    stage.change_event_source(|spec| spec.maximum_concurrency = None);
    assert_eq!(overlap(&stage, 18, 200).await, 6, "the reserved concurrency remains");

    stage.change_event_source(|spec| spec.maximum_concurrency = Some(2));
    assert_eq!(overlap(&stage, 6, 200).await, 2);
}

#[tokio::test]
async fn batches_in_flight_follow_the_reserved_concurrency_both_ways() {
    let stage = Stage::with_function(|spec| spec.reserved_concurrency = Some(1));
    stage.event_source(&[], |spec| spec.batch_size = 1).await;
    assert_eq!(overlap(&stage, 3, 100).await, 1);

    stage.host.set_reserved_concurrency("f", Some(3)).unwrap();
    assert_eq!(overlap(&stage, 9, 200).await, 3);

    stage.host.set_reserved_concurrency("f", Some(1)).unwrap();
    assert_eq!(overlap(&stage, 3, 100).await, 1);
}
