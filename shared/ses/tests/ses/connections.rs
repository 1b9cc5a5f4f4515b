//! Connections: how many, how long, and what a frozen process finds.

use std::time::Duration;

use fanmail_ses::stub::{Act, Stub, When};
use fanmail_ses::{Client, Failure, SesConfig};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::{PATIENCE, SHORT, client, config, send, word};

#[tokio::test]
async fn a_connection_is_kept() {
    let stub = Stub::start().unwrap();
    let client = client(&stub);
    for _ in 0..20 {
        assert_eq!(word(&send(&client, 7000).await), "accepted");
    }
    stub.script([Act::Refuse(400, "MessageRejected", ""), Act::Refuse(500, "", "")]);
    for _ in 0..3 {
        let _ = send(&client, 7000).await;
    }
    assert_eq!((stub.opened(), stub.complete()), (1, 23), "a refusal read to its end is no reason to close");
}

/// As a Lambda after a thaw: the runtime has had no turn since the server closed, and does not know.
#[tokio::test(flavor = "current_thread")]
async fn a_connection_that_closed_while_the_process_was_frozen_costs_no_doubt() {
    let stub = Stub::start().unwrap();
    let client = client(&stub);
    for round in 1..=5 {
        stub.script([Act::AcceptThenClose]);
        assert_eq!(word(&send(&client, 7000).await), "accepted");
        assert!(stub.wait_closed(2 * round - 1));

        let answer = send(&client, 7000).await;

        assert_eq!(word(&answer), "accepted", "{round} {answer}");
        stub.script([Act::AcceptThenClose]);
        let _ = send(&client, 7000).await;
        assert!(stub.wait_closed(2 * round));
    }
    assert!(client.counts().found_stale >= 5, "{:?}", client.counts());
    assert_eq!((stub.complete(), client.counts().retried), (15, 0));
}

#[tokio::test]
async fn a_server_that_speaks_unasked_is_not_listened_to() {
    let stub = Stub::start().unwrap();
    let client = client(&stub);
    stub.script([Act::AcceptThenTalk]);
    assert_eq!(word(&send(&client, 7000).await), "accepted");
    // Whether the words came with the answer or later, the connection is not used again.
    assert_eq!(word(&send(&client, 7000).await), "accepted");
    assert_eq!((stub.opened(), stub.complete()), (2, 2));
}

#[tokio::test]
async fn a_server_that_announces_its_end_gets_no_further_request() {
    let stub = Stub::start().unwrap();
    let client = client(&stub);
    stub.script([Act::AcceptAsLast]);
    assert_eq!(word(&send(&client, 7000).await), "accepted");
    assert_eq!(word(&send(&client, 7000).await), "accepted");
    assert_eq!((stub.opened(), stub.complete(), client.counts().reused), (2, 2, 0));
}

#[tokio::test]
async fn there_are_never_more_connections_than_allowed() {
    let stub = Stub::start().unwrap();
    let client = Client::new(SesConfig { max_conns: 3, ..config(stub.url()) }).unwrap();
    let mut calls = JoinSet::new();
    for _ in 0..60 {
        let client = client.clone();
        calls.spawn(async move { word(&send(&client, 7000).await) });
    }
    assert!(calls.join_all().await.into_iter().all(|word| word == "accepted"));
    assert_eq!(stub.complete(), 60);
    assert!((2..=3).contains(&stub.opened()), "{}", stub.opened());
}

#[tokio::test]
async fn who_gets_no_connection_in_time_surely_sent_nothing() {
    let stub = Stub::start().unwrap();
    let client = Client::new(SesConfig { max_conns: 1, timeout: SHORT, ..config(stub.url()) }).unwrap();
    stub.script([Act::Stall(When::After)]);

    let (first, second) = tokio::join!(send(&client, 10), send(&client, 10));

    assert_eq!((word(&first), word(&second)), ("unknown", "provider"));
    assert!(matches!(second.failure(), Some(Failure::Busy(_))), "{second}");
    assert_eq!(stub.complete(), 1);
}

#[tokio::test]
async fn a_call_that_is_dropped_closes_its_connection_and_frees_its_place() {
    let stub = Stub::start().unwrap();
    let client = Client::new(SesConfig { max_conns: 1, ..config(stub.url()) }).unwrap();
    stub.script([Act::Stall(When::After)]);
    assert!(timeout(SHORT, send(&client, 10)).await.is_err(), "it was to be dropped");
    assert!(stub.wait_closed(1));

    assert_eq!(word(&send(&client, 10).await), "accepted");
    assert_eq!((stub.opened(), stub.complete()), (2, 2));
}

#[tokio::test]
async fn idle_connections_are_closed_in_time() {
    let stub = Stub::start().unwrap();
    let idle_timeout = Duration::from_millis(50);
    let client = Client::new(SesConfig { idle_timeout, ..config(stub.url()) }).unwrap();
    assert_eq!(word(&send(&client, 10).await), "accepted");

    let closed = tokio::task::spawn_blocking(move || {
        assert!(stub.wait_closed(1));
        stub
    });

    let stub = timeout(PATIENCE, closed).await.unwrap().unwrap();
    assert_eq!(word(&send(&client, 10).await), "accepted");
    assert_eq!((stub.opened(), client.counts().found_stale), (2, 0));
}

#[tokio::test]
async fn a_closed_client_sends_nothing_more() {
    let stub = Stub::start().unwrap();
    let client = client(&stub);
    assert_eq!(word(&send(&client, 10).await), "accepted");
    client.close();
    assert!(stub.wait_closed(1));

    let answer = send(&client, 10).await;

    assert_eq!(word(&answer), "provider");
    assert!(matches!(answer.failure(), Some(Failure::ClientClosed)), "{answer}");
    assert_eq!(stub.complete(), 1);
}
