//! The Lambda API, used by the real AWS SDK.

use aws_sdk_lambda::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    error::ProvideErrorMetadata,
    primitives::Blob,
    types::{InvocationType, ScalingConfig},
};
use fanmail_lambda_host::{EventSourceSpec, FunctionSpec, lambda_api};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::stage::{QUEUE_ARN, Stage, wait_for};

async fn serve(change: impl FnOnce(&mut FunctionSpec)) -> (Stage, Client) {
    let stage = Stage::with_function(change);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(lambda_api::serve(listener, &stage.host));
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint)
        .build();
    (stage, Client::from_conf(config))
}

#[tokio::test]
async fn reserved_concurrency_is_put_read_and_deleted() {
    let (stage, client) = serve(|_| {}).await;

    let put = client.put_function_concurrency().function_name("f").reserved_concurrent_executions(0);
    assert_eq!(put.send().await.unwrap().reserved_concurrent_executions(), Some(0));
    assert!(stage.invoke(json!({})).await.is_err(), "the change is in force");

    let get = || client.get_function_concurrency().function_name("f").send();
    assert_eq!(get().await.unwrap().reserved_concurrent_executions(), Some(0));

    client.delete_function_concurrency().function_name("f").send().await.unwrap();
    assert_eq!(get().await.unwrap().reserved_concurrent_executions(), None);
    stage.pid().await;
}

#[tokio::test]
async fn functions_are_found_by_name_arn_and_qualifier_and_others_are_not() {
    let (_stage, client) = serve(|_| {}).await;
    let get = |name: &str| client.get_function_concurrency().function_name(name).send();

    for name in
        ["f", "f:$LATEST", "arn:aws:lambda:us-east-1:000000000000:function:f", "000000000000:function:f"]
    {
        get(name).await.unwrap();
    }

    let error = get("g").await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    assert!(error.message().unwrap().contains("not found: g"));
}

#[tokio::test]
async fn an_event_source_mapping_is_read_listed_and_updated() {
    let (stage, client) = serve(|_| {}).await;
    stage.event_source(&[], |_| {}).await;

    let updated = client
        .update_event_source_mapping()
        .uuid("source")
        .batch_size(20)
        .maximum_batching_window_in_seconds(5)
        .enabled(false)
        .scaling_config(ScalingConfig::builder().maximum_concurrency(7).build())
        .send()
        .await
        .unwrap();
    assert_eq!((updated.batch_size(), updated.state()), (Some(20), Some("Disabled")));
    assert!(updated.last_modified().is_some());
    let expected = EventSourceSpec {
        batch_size: 20,
        maximum_concurrency: Some(7),
        batching_window: std::time::Duration::from_secs(5),
        enabled: false,
        ..EventSourceSpec::new("source", "f", QUEUE_ARN)
    };
    assert_eq!(stage.host.event_sources(), [expected]);

    let got = client.get_event_source_mapping().uuid("source").send().await.unwrap();
    assert_eq!(got.scaling_config().unwrap().maximum_concurrency(), Some(7));
    let list = |name: &str| client.list_event_source_mappings().function_name(name).send();
    let listed = list("f").await.unwrap();
    assert_eq!(listed.event_source_mappings()[0].uuid(), Some("source"));
    assert_eq!(listed.event_source_mappings()[0].event_source_arn(), Some(QUEUE_ARN));
    assert!(list("g").await.is_err());
}

#[tokio::test]
async fn an_empty_scaling_config_removes_the_maximum_and_an_absent_one_keeps_it() {
    let (stage, client) = serve(|_| {}).await;
    stage.event_source(&[], |spec| spec.maximum_concurrency = Some(3)).await;
    let maximum = || stage.host.event_sources()[0].maximum_concurrency;
    let update = || client.update_event_source_mapping().uuid("source");

    update().batch_size(5).send().await.unwrap();
    assert_eq!(maximum(), Some(3));

    update().scaling_config(ScalingConfig::builder().build()).send().await.unwrap();
    assert_eq!(maximum(), None);
}

#[tokio::test]
async fn settings_out_of_range_are_refused_and_change_nothing() {
    let (stage, client) = serve(|_| {}).await;
    stage.event_source(&[], |_| {}).await;
    let before = stage.host.event_sources();
    let update = || client.update_event_source_mapping().uuid("source");
    let maximum = |maximum| ScalingConfig::builder().maximum_concurrency(maximum).build();

    for refused in [
        update().scaling_config(maximum(1)),
        update().scaling_config(maximum(1001)),
        update().batch_size(0),
        update().batch_size(11),
        update().batch_size(10_001).maximum_batching_window_in_seconds(1),
        update().maximum_batching_window_in_seconds(301),
    ] {
        let error = refused.send().await.unwrap_err().into_service_error();
        assert!(error.is_invalid_parameter_value_exception(), "{error:?}");
    }

    assert_eq!(stage.host.event_sources(), before);
    let error = client.get_event_source_mapping().uuid("other").send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn a_function_is_invoked_and_its_error_is_marked() {
    let (_stage, client) = serve(|_| {}).await;
    let invoke =
        |payload: Value| client.invoke().function_name("f").payload(Blob::new(payload.to_string())).send();

    let answer = invoke(json!({ "x": 1 })).await.unwrap();
    assert_eq!((answer.status_code(), answer.function_error()), (200, None));
    assert_eq!(answer.payload().unwrap().as_ref(), br#"{"x":1}"#);

    let failed = invoke(json!({ "do": "crash" })).await.unwrap();
    assert_eq!((failed.status_code(), failed.function_error()), (200, Some("Unhandled")));
    let report: Value = serde_json::from_slice(failed.payload().unwrap().as_ref()).unwrap();
    assert_eq!(report["errorType"], "Runtime.ExitError");
}

#[tokio::test]
async fn a_throttled_invocation_is_a_429() {
    let (_stage, client) = serve(|spec| spec.reserved_concurrency = Some(0)).await;

    let error = client.invoke().function_name("f").send().await.unwrap_err().into_service_error();

    assert!(error.is_too_many_requests_exception(), "{error:?}");
}

#[tokio::test]
async fn a_payload_that_is_not_json_is_refused() {
    let (stage, client) = serve(|_| {}).await;

    let error = client.invoke().function_name("f").payload(Blob::new("{")).send().await.unwrap_err();

    assert!(error.into_service_error().is_invalid_request_content_exception());
    assert_eq!(stage.host.stats("f").starts, 0);
}

#[tokio::test]
async fn an_event_is_accepted_at_once_and_runs_when_there_is_room() {
    let (stage, client) = serve(|spec| spec.reserved_concurrency = Some(0)).await;

    let invoke = client.invoke().function_name("f").invocation_type(InvocationType::Event);
    assert_eq!(invoke.send().await.unwrap().status_code(), 202);
    assert_eq!(stage.host.stats("f").invocations, 0);

    stage.host.set_reserved_concurrency("f", Some(1)).unwrap();
    wait_for("asynchronous invocation", async || stage.host.stats("f").invocations == 1).await;
}
