//! A queue that takes some messages and fails others, as SQS does on a bad day.

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use fanmail_domain::{BatchId, CampaignId, Epoch, LaneNo};
use fanmail_engine::ports::{BatchTask, Tasks};
use fanmail_queue::{Queue, QueueError, QueueUrls};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::client;

/// Decides for the request of this number whether the entry with this id fails, and with which code and fault.
type Verdict = fn(usize, &str) -> Option<(&'static str, bool)>;

struct Stub {
    queue: Queue,
    requests: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Stub {
    async fn new(verdict: Verdict) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::default();
        tokio::spawn(serve(listener, verdict, Arc::clone(&requests)));
        let urls = QueueUrls {
            lanes: format!("http://{address}/0/lanes"),
            batches: format!("http://{address}/0/batches"),
        };
        Self { queue: Queue::new(client(address), urls), requests }
    }

    /// Sends three tasks.
    async fn send(&self) -> Result<(), String> {
        let task = |seq| BatchTask::of(Epoch(1), BatchId { campaign: CampaignId(1), lane: LaneNo(0), seq });
        let tasks: Vec<BatchTask> = (0..3).map(task).collect();
        self.queue.send_batches(&tasks, Duration::ZERO).await.map_err(|error| {
            let cause: &QueueError = error.source().unwrap().downcast_ref().unwrap();
            format!("{error}: {cause}")
        })
    }

    /// The ids of the entries of each request.
    fn requests(&self) -> Vec<Vec<String>> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(listener: TcpListener, verdict: Verdict, requests: Arc<Mutex<Vec<Vec<String>>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let requests = Arc::clone(&requests);
        let service = hyper::service::service_fn(move |request| {
            let requests = Arc::clone(&requests);
            async move { Ok::<_, hyper::Error>(answer(request, verdict, &requests).await) }
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
        );
    }
}

async fn answer(
    request: http::Request<Incoming>,
    verdict: Verdict,
    requests: &Mutex<Vec<Vec<String>>>,
) -> http::Response<Full<Bytes>> {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let ids: Vec<String> = body["Entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["Id"].as_str().unwrap().into())
        .collect();
    let number = requests.lock().unwrap().len();
    requests.lock().unwrap().push(ids.clone());
    let (mut failed, mut taken) = (Vec::new(), Vec::new());
    for id in ids {
        match verdict(number, &id) {
            Some((code, fault)) => failed.push(json!({"Id": id, "Code": code, "SenderFault": fault})),
            None => taken.push(json!({"Id": id, "MessageId": "m", "MD5OfMessageBody": "x"})),
        }
    }
    let answer = json!({"Successful": taken, "Failed": failed}).to_string();
    http::Response::builder()
        .header("content-type", "application/x-amz-json-1.0")
        .body(Full::new(Bytes::from(answer)))
        .unwrap()
}

#[tokio::test]
async fn only_the_failed_messages_are_sent_again() {
    let stub = Stub::new(|request, id| {
        ((request == 0 && id != "1") || (request == 1 && id == "2")).then_some(("InternalError", false))
    })
    .await;
    stub.send().await.unwrap();
    assert_eq!(stub.requests(), [vec!["0", "1", "2"], vec!["0", "2"], vec!["2"]]);
    assert_eq!(stub.queue.requests(), 3);
}

#[tokio::test]
async fn a_message_that_is_our_fault_is_an_error_at_once() {
    let stub = Stub::new(|_, id| (id == "1").then_some(("InvalidMessageContents", true))).await;
    let error = stub.send().await.unwrap_err();
    assert_eq!(error, "could not send tasks of batches: sqs refused a message: InvalidMessageContents");
    assert_eq!(stub.requests().len(), 1);
}

#[tokio::test]
async fn a_message_that_always_fails_is_given_up() {
    let stub = Stub::new(|_, id| (id == "0").then_some(("InternalError", false))).await;
    let error = stub.send().await.unwrap_err();
    assert_eq!(error, "could not send tasks of batches: sqs left 1 messages unsent: InternalError");
    assert_eq!(stub.requests().len(), 6);
}
