//! The protocol, spoken by hand.

use axum::body::to_bytes;
use http::Request;
use lambda_runtime::tower::ServiceExt;

use super::*;
use crate::invocation::Waiting;

const ROOT: &str = "/2018-06-01/runtime";

/// A runtime API, with the sender of its invocations.
fn api() -> (Arc<RuntimeApi>, mpsc::Sender<Job>) {
    let (jobs, receiver) = mpsc::channel(4);
    (Arc::new(RuntimeApi::new("arn:aws:lambda:us-east-1:1:function:f".to_owned(), receiver)), jobs)
}

async fn call(
    api: &Arc<RuntimeApi>,
    method: &str,
    path: &str,
    body: impl Into<Body>,
) -> (u16, HeaderMap, Bytes) {
    let request = Request::builder().method(method).uri(format!("{ROOT}{path}")).body(body.into()).unwrap();
    let response = Arc::clone(api).router().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.status.as_u16(), parts.headers, to_bytes(body, 1000).await.unwrap())
}

/// Sends one invocation in and has it taken; returns its id.
async fn taken(api: &Arc<RuntimeApi>, jobs: &mpsc::Sender<Job>) -> (String, Waiting) {
    let (job, waiting) = Job::new(Bytes::from_static(b"{}"), Duration::from_secs(9));
    jobs.send(job).await.unwrap();
    let (status, headers, body) = call(api, "GET", "/invocation/next", "").await;
    assert_eq!((status, body.as_ref()), (200, b"{}".as_slice()));
    (headers["lambda-runtime-aws-request-id"].to_str().unwrap().to_owned(), waiting)
}

#[tokio::test]
async fn an_answer_reaches_the_caller_of_its_invocation() {
    let (api, jobs) = api();
    let (id, waiting) = taken(&api, &jobs).await;

    let (status, ..) = call(&api, "POST", &format!("/invocation/{id}/response"), "42").await;

    assert_eq!(status, 202);
    assert_eq!(waiting.reply.await.unwrap().unwrap(), "42");
}

#[tokio::test]
async fn an_answer_to_another_id_is_refused_and_changes_nothing() {
    let (api, jobs) = api();
    let (id, mut waiting) = taken(&api, &jobs).await;

    for kind in ["response", "error"] {
        let (status, ..) = call(&api, "POST", &format!("/invocation/other/{kind}"), "42").await;
        assert_eq!(status, 400);
    }

    assert!(waiting.reply.try_recv().is_err());
    call(&api, "POST", &format!("/invocation/{id}/response"), "1").await;
    let (status, ..) = call(&api, "POST", &format!("/invocation/{id}/response"), "2").await;
    assert_eq!(status, 400, "a second answer");
    assert_eq!(waiting.reply.await.unwrap().unwrap(), "1");
}

#[tokio::test]
async fn asking_for_the_next_invocation_before_answering_is_refused() {
    let (api, jobs) = api();
    let (_id, _waiting) = taken(&api, &jobs).await;

    let (status, ..) = call(&api, "GET", "/invocation/next", "").await;

    assert_eq!(status, 403);
}

#[tokio::test]
async fn an_invocation_whose_caller_has_gone_is_not_handed_out() {
    let (api, jobs) = api();
    let (abandoned, waiting) = Job::new(Bytes::from_static(b"old"), Duration::from_secs(9));
    drop(waiting);
    jobs.send(abandoned).await.unwrap();

    let (id, _waiting) = taken(&api, &jobs).await;

    assert!(api.is_current(&id));
}

#[tokio::test]
async fn a_response_over_six_megabytes_fails_the_invocation() {
    let (api, jobs) = api();
    let (id, waiting) = taken(&api, &jobs).await;
    let large = vec![b'1'; MAX_RESPONSE_BYTES + 1];

    let (status, ..) = call(&api, "POST", &format!("/invocation/{id}/response"), large).await;

    assert_eq!(status, 413);
    let error = waiting.reply.await.unwrap().unwrap_err();
    assert_eq!(error.error_type, "Function.ResponseSizeTooLarge");
}

#[tokio::test]
async fn an_init_error_counts_only_before_the_first_invocation() {
    let (api, jobs) = api();
    let body = r#"{"errorType":"Boom","errorMessage":"no configuration"}"#;
    let (status, ..) = call(&api, "POST", "/init/error", body).await;
    assert_eq!(status, 202);
    let expected = FunctionError { error_type: "Boom".to_owned(), message: "no configuration".to_owned() };
    assert_eq!(*api.phase().borrow(), Phase::InitFailed(expected));

    taken(&api, &jobs).await;
    let (status, ..) = call(&api, "POST", "/init/error", body).await;
    assert_eq!(status, 403);
}
