//! Processes that crash, hang, are killed or never start.

use std::time::Duration;

use fanmail_lambda_host::InvokeError;
use rustix::process::Signal;
use serde_json::json;

use crate::stage::{Stage, exists, signal, wait_for};

#[tokio::test]
async fn a_crash_fails_its_invocation_and_the_next_gets_a_new_process() {
    let stage = Stage::with_function(|_| {});
    let first = stage.pid().await;

    let error = stage.invoke(json!({ "do": "crash" })).await.unwrap_err();

    assert!(matches!(error, InvokeError::Exited(_)), "{error:?}");
    assert_eq!(error.report().error_type, "Runtime.ExitError");
    assert!(!exists(first), "the crashed process is still there");
    assert_ne!(stage.pid().await, first);
    assert_eq!(stage.host.stats("f").exits, 1);
}

#[tokio::test]
async fn a_timed_out_process_is_killed_and_replaced() {
    let stage = Stage::with_function(|spec| spec.timeout = Duration::from_millis(500));
    let first = stage.pid().await;

    let error = stage.invoke(json!({ "do": "sleep", "ms": 60_000 })).await.unwrap_err();

    assert!(matches!(error, InvokeError::TimedOut(_)), "{error:?}");
    assert_eq!(error.report().error_type, "Sandbox.Timedout");
    assert!(!exists(first), "the process outlived its deadline");
    assert_ne!(stage.pid().await, first);
}

#[tokio::test]
async fn a_frozen_process_times_out_too() {
    let stage = Stage::with_function(|spec| spec.timeout = Duration::from_millis(500));
    let first = stage.pid().await;
    signal(first, Signal::STOP);

    let error = stage.invoke(json!({})).await.unwrap_err();

    assert!(matches!(error, InvokeError::TimedOut(_)), "{error:?}");
    assert!(!exists(first));
}

#[tokio::test]
async fn a_process_killed_at_work_fails_its_invocation() {
    let stage = Stage::with_function(|_| {});
    let pid = stage.pid().await;

    let (result, ()) = tokio::join!(stage.invoke(json!({ "do": "sleep", "ms": 60_000 })), async {
        stage.busy(1).await;
        signal(pid, Signal::KILL);
    });

    assert!(matches!(result, Err(InvokeError::Exited(_))), "{result:?}");
}

#[tokio::test]
async fn a_process_killed_while_idle_costs_nobody_an_invocation() {
    let stage = Stage::with_function(|_| {});
    let first = stage.pid().await;

    signal(first, Signal::KILL);
    wait_for("end of the idle process", async || !exists(first)).await;

    assert!(stage.host.processes("f").is_empty());
    assert_ne!(stage.pid().await, first);
    assert_eq!(stage.host.stats("f").errors, 0);
}

#[tokio::test]
async fn a_function_that_ends_at_its_start_is_not_started_in_a_loop() {
    let stage = Stage::with_function(|spec| {
        spec.env.insert("AT_START".to_owned(), "exit".to_owned());
    });

    for _ in 0..200 {
        let error = stage.invoke(json!({})).await.unwrap_err();
        assert!(matches!(&error, InvokeError::Exited(how) if how.contains('7')), "{error:?}");
    }

    let stats = stage.host.stats("f");
    assert!((1..10).contains(&stats.starts), "{} starts", stats.starts);
    assert_eq!(u64::from(stats.init_failures_in_a_row), stats.starts);
}

#[tokio::test]
async fn messages_wait_in_the_queue_while_a_function_does_not_start() {
    let stage = Stage::with_function(|spec| {
        spec.env.insert("AT_START".to_owned(), "exit".to_owned());
    });
    stage.event_source(&[("VisibilityTimeout", "60")], |spec| spec.batch_size = 1).await;
    for _ in 0..50 {
        stage.send(json!({})).await;
    }

    wait_for("failed starts", async || 3 <= stage.host.stats("f").init_failures_in_a_row).await;

    // Ten start side by side at first, then one at a time.
    let (visible, _) = stage.depth("work").await;
    assert!(30 < visible, "only {visible} messages left of 50 after three rounds of starts");
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_an_error() {
    let stage = Stage::with_function(|spec| spec.command = "/no/such/program".into());

    let error = stage.invoke(json!({})).await.unwrap_err();

    assert!(matches!(error, InvokeError::Start(_)), "{error:?}");
    assert_eq!(error.report().error_type, "Runtime.InvalidEntrypoint");
}
