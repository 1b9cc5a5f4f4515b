//! Hidden, delayed and dead messages of groups are what they are without groups.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName;

use crate::stand::{Stand, body, receives};

/// Longest wait for what takes a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// Receives until a message comes.
async fn eventually(stand: &Stand) -> aws_sdk_sqs::types::Message {
    let begin = Instant::now();
    loop {
        if let Some(message) = stand.receive(1).await.pop() {
            return message;
        }
        assert!(begin.elapsed() < PATIENCE, "no message came");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_message_comes_again_after_its_timeout_and_counts_its_receives_truly() {
    let stand = Stand::with(&[(QueueAttributeName::VisibilityTimeout, "1")]).await;
    stand.send("a", 1).await;
    stand.send("b", 1).await;
    let begin = Instant::now();
    let (a, b) = (stand.next().await, stand.next().await);
    stand.delete(&b).await;

    let again = eventually(&stand).await;

    assert!(begin.elapsed() >= Duration::from_secs(1), "{:?}", begin.elapsed());
    assert_eq!((body(&a), receives(&a), body(&again), receives(&again)), ("a0", "1", "a0", "2"));
    stand.delete(&again).await;
    assert_eq!(stand.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn a_changed_visibility_is_that_of_the_one_message() {
    let stand = Stand::new().await;
    stand.send("a", 2).await;
    let (first, _second) = (stand.next().await, stand.next().await);

    let change = stand.client.change_message_visibility().queue_url(&stand.url);
    let change = change.receipt_handle(first.receipt_handle().unwrap()).visibility_timeout(0);
    change.clone().send().await.unwrap();

    assert_eq!(body(&stand.next().await), "a0");
    assert!(stand.receive(1).await.is_empty());
    assert!(change.send().await.is_err(), "an old handle is no handle");
}

#[tokio::test]
async fn a_delayed_message_is_counted_and_comes_in_time() {
    let stand = Stand::new().await;
    let begin = Instant::now();
    let message = stand.client.send_message().queue_url(&stand.url).message_body("late");
    message.message_group_id("a").delay_seconds(1).send().await.unwrap();

    assert!(stand.receive(1).await.is_empty());
    assert_eq!(stand.counts().await, [0, 0, 1]);
    let long_poll = stand.client.receive_message().queue_url(&stand.url).wait_time_seconds(20);
    let messages = long_poll.send().await.unwrap().messages.unwrap();
    assert_eq!(body(&messages[0]), "late");
    assert!((Duration::from_secs(1)..PATIENCE).contains(&begin.elapsed()), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_long_poll_ends_with_the_first_message_of_any_group() {
    let stand = Stand::new().await;
    stand.send("a", 1).await;
    let _at_work = stand.next().await;
    let begin = Instant::now();
    let long_poll = stand.client.receive_message().queue_url(&stand.url).wait_time_seconds(20);
    let (received, ()) = tokio::join!(long_poll.send(), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stand.send("b", 1).await;
    });

    assert_eq!(body(&received.unwrap().messages.unwrap()[0]), "b0");
    assert!(begin.elapsed() < Duration::from_millis(900), "it was found by chance: {:?}", begin.elapsed());
}

#[tokio::test]
async fn a_message_received_too_often_goes_to_the_dead_letter_queue() {
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}"#;
    let stand = Stand::with(&[
        (QueueAttributeName::VisibilityTimeout, "0"),
        (QueueAttributeName::RedrivePolicy, policy),
    ])
    .await;
    let dead = stand.queue("dead").await;
    stand.send("a", 1).await;

    assert_eq!((receives(&stand.next().await), receives(&stand.next().await)), ("1", "2"));
    assert!(stand.receive(1).await.is_empty());
    let letters = stand.client.receive_message().queue_url(dead).wait_time_seconds(20).send().await.unwrap();
    assert_eq!(body(&letters.messages.unwrap()[0]), "a0");
}
