//! Requests through the gateway to a function and back.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use fanmail_lambda_host::{FunctionSpec, gateway};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::stage::Stage;

struct Served {
    stage: Stage,
    address: SocketAddr,
}

async fn serve(change: impl FnOnce(&mut FunctionSpec)) -> Served {
    let stage = Stage::with_function(change);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(gateway::serve(listener, &stage.host, "f"));
    Served { stage, address }
}

impl Served {
    async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> (u16, HeaderMap, Bytes) {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let (parts, body) = client.request(request).await.unwrap().into_parts();
        (parts.status.as_u16(), parts.headers, body.collect().await.unwrap().to_bytes())
    }
}

#[tokio::test]
async fn a_request_with_a_binary_body_a_query_and_cookies_goes_there_and_back() {
    let served = serve(|_| {}).await;
    let body: Vec<u8> = (0..=255).collect();
    let headers = [("content-type", "application/octet-stream"), ("cookie", "a=1; b=2")];

    let (status, headers, answer) = served.call("POST", "/echo?x=1&y=%20z", &headers, &body).await;

    assert_eq!((status, answer.as_ref()), (201, body.as_slice()));
    assert_eq!(headers["content-type"], "application/octet-stream");
    assert_eq!(headers["x-query"], "x=1&y=%20z");
    assert_eq!(headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
}

#[tokio::test]
async fn the_function_sees_an_event_of_payload_format_2_0() {
    let served = serve(|_| {}).await;

    let (status, headers, event) = served.call("PUT", "/event?tag=a&tag=b", &[("X-Test", "1")], b"{}").await;

    assert_eq!((status, headers["content-type"].as_bytes()), (200, b"application/json".as_slice()));
    let event: Value = serde_json::from_slice(&event).unwrap();
    assert_eq!(event["requestContext"]["http"]["method"], "PUT");
    assert_eq!(event["requestContext"]["http"]["sourceIp"], "127.0.0.1");
    assert_eq!(event["queryStringParameters"], json!({ "tag": "a,b" }));
    assert_eq!((&event["body"], &event["headers"]["x-test"]), (&json!("{}"), &json!("1")));
}

#[tokio::test]
async fn a_failing_function_is_a_502() {
    let served = serve(|_| {}).await;

    for path in ["/fail", "/crash"] {
        let (status, _, body) = served.call("GET", path, &[], b"").await;
        assert_eq!(
            (status, body.as_ref()),
            (502, br#"{"message":"Internal Server Error"}"#.as_slice()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_body_over_ten_megabytes_is_a_413() {
    let served = serve(|_| {}).await;

    let (status, ..) = served.call("POST", "/echo", &[], &vec![b'x'; 10 * 1024 * 1024 + 1]).await;

    assert_eq!(status, 413);
    assert_eq!(served.stage.host.stats("f").invocations, 0);
}

#[tokio::test]
async fn parallel_requests_wait_a_moment_for_a_free_process() {
    let served = serve(|spec| spec.reserved_concurrency = Some(1)).await;

    let requests = (0..8).map(|_| served.call("GET", "/event", &[], b""));
    let answers = futures::future::join_all(requests).await;

    assert!(answers.iter().all(|(status, ..)| *status == 200));
    assert_eq!(served.stage.host.stats("f").starts, 1);
}

#[tokio::test]
async fn a_request_that_gets_no_process_in_time_is_a_503() {
    let served = serve(|spec| spec.reserved_concurrency = Some(0)).await;
    let start = std::time::Instant::now();

    let (status, _, body) = served.call("GET", "/event", &[], b"").await;

    assert_eq!((status, body.as_ref()), (503, br#"{"message":"Service Unavailable"}"#.as_slice()));
    assert!(Duration::from_secs(4) < start.elapsed());
}
