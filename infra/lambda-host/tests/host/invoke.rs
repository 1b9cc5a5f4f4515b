//! Invocations that go well, and what a function gets to see.

use std::{collections::BTreeSet, fs, time::Duration};

use fanmail_lambda_host::InvokeError;
use serde_json::json;

use crate::stage::{Stage, wait_for};

#[tokio::test]
async fn a_payload_reaches_the_function_and_its_answer_the_caller() {
    let stage = Stage::with_function(|_| {});
    let payload = json!({ "text": "ä", "list": [1, null] });

    assert_eq!(stage.invoke(payload.clone()).await.unwrap(), payload);
}

#[tokio::test]
async fn a_function_sees_what_aws_shows_and_nothing_of_the_host() {
    let stage = Stage::with_function(|spec| {
        spec.memory_mb = 512;
        spec.env.insert("TABLE".to_owned(), "campaigns".to_owned());
    });

    let context = stage.invoke(json!({ "do": "context" })).await.unwrap();

    assert_eq!(context["arn"], "arn:aws:lambda:us-east-1:000000000000:function:f");
    assert_eq!(context["request_id"].as_str().unwrap().len(), 36);
    assert!(context["trace_id"].as_str().unwrap().starts_with("Root=1-"));
    let env = context["env"].as_object().unwrap();
    for (name, value) in [
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"),
        ("AWS_REGION", "us-east-1"),
        ("_HANDLER", "bootstrap"),
        ("TABLE", "campaigns"),
    ] {
        assert_eq!(env[name], value);
    }
    let ours = ["PATH", "LANG", "TZ", "TABLE", "WITNESS", "_HANDLER", "_X_AMZN_TRACE_ID"];
    let known = |name: &&String| {
        name.starts_with("AWS_") || name.starts_with("LAMBDA_") || ours.contains(&name.as_str())
    };
    let strange: BTreeSet<_> = env.keys().filter(|name| !known(name)).collect();
    assert!(strange.is_empty(), "leaked into the function: {strange:?}");
}

#[tokio::test]
async fn a_warm_process_serves_the_next_invocation() {
    let stage = Stage::with_function(|_| {});

    let pids = [stage.pid().await, stage.pid().await, stage.pid().await];

    assert_eq!(pids, [pids[0]; 3]);
    let processes = stage.host.processes("f");
    assert_eq!((processes.len(), processes[0].pid, processes[0].invocations), (1, pids[0], 3));
    assert_eq!(stage.host.stats("f").starts, 1);
}

#[tokio::test]
async fn an_error_of_the_function_is_told_to_the_caller_and_ends_no_process() {
    let stage = Stage::with_function(|_| {});
    let pid = stage.pid().await;

    let error = stage.invoke(json!({ "do": "fail" })).await.unwrap_err();

    let report = error.report();
    assert!(matches!(error, InvokeError::Function(_)), "{error:?}");
    assert_eq!(report.message, "asked to fail");
    assert_eq!(stage.pid().await, pid);
}

#[tokio::test]
async fn an_answer_over_six_megabytes_is_an_error() {
    let stage = Stage::with_function(|_| {});

    let error = stage.invoke(json!({ "do": "large" })).await.unwrap_err();

    assert_eq!(error.report().error_type, "Function.ResponseSizeTooLarge");
    stage.pid().await;
}

#[tokio::test]
async fn an_invocation_goes_on_when_its_caller_stops_waiting() {
    let stage = Stage::with_function(|_| {});
    let slow = stage.invoke(json!({ "do": "sleep", "ms": 300 }));
    tokio::time::timeout(Duration::from_millis(100), slow).await.unwrap_err();

    wait_for("end of the abandoned invocation", async || stage.host.stats("f").invocations == 1).await;

    assert_eq!(stage.host.stats("f").errors, 0);
    stage.busy(0).await;
}

#[tokio::test]
async fn an_unknown_function_is_an_error() {
    let error = Stage::empty().invoke(json!({})).await.unwrap_err();

    assert!(matches!(error, InvokeError::UnknownFunction(name) if name == "f"));
}

#[tokio::test]
async fn output_of_all_processes_is_appended_to_one_file() {
    let stage = Stage::with_function(|_| {});
    stage.pid().await;
    stage.invoke(json!({ "do": "crash" })).await.unwrap_err();
    stage.pid().await;

    let log = fs::read_to_string(stage.path("logs/f.log")).unwrap();

    assert_eq!(log.matches("function started").count(), 2);
}
