//! What is done to a queue is done to its groups, and they are not seen.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName;

use crate::stand::{Stand, body};

#[tokio::test]
async fn a_group_that_holds_nothing_is_gone_and_may_come_again() {
    let stand = Stand::new().await;
    let exists = async |name: &str| stand.client.get_queue_url().queue_name(name).send().await.is_ok();
    stand.send("a", 1).await;
    let message = stand.next().await;
    assert!(stand.receive(1).await.is_empty());
    assert!(exists("group.0").await, "its message is still in flight");
    stand.delete(&message).await;
    assert!(stand.receive(1).await.is_empty());

    assert!(!exists("group.0").await);
    stand.send("a", 1).await;
    assert_eq!(body(&stand.next().await), "a0");
}

#[tokio::test]
async fn hidden_queues_are_not_listed() {
    let stand = Stand::new().await;
    stand.send("a", 1).await;
    let listed = stand.client.list_queues().send().await.unwrap();
    assert_eq!(listed.queue_urls(), std::slice::from_ref(&stand.url));
}

#[tokio::test]
async fn purging_a_queue_throws_away_what_its_groups_hold() {
    let stand = Stand::new().await;
    stand.send("a", 3).await;
    stand.send("b", 2).await;
    let _at_work = stand.next().await;
    assert_eq!(stand.counts().await, [4, 1, 0]);

    stand.client.purge_queue().queue_url(&stand.url).send().await.unwrap();

    assert_eq!(stand.counts().await, [0, 0, 0]);
    stand.send("a", 1).await;
    assert_eq!(stand.counts().await, [1, 0, 0]);
}

#[tokio::test]
async fn a_changed_attribute_holds_for_groups_that_are_there() {
    let stand = Stand::new().await;
    stand.send("a", 1).await;
    let change = stand.client.set_queue_attributes().queue_url(&stand.url);
    change.attributes(QueueAttributeName::VisibilityTimeout, "0").send().await.unwrap();

    assert_eq!(body(&stand.next().await), "a0");
    assert_eq!(body(&stand.next().await), "a0", "it was hidden for longer than the queue says");
}

#[tokio::test]
async fn a_deleted_queue_takes_its_groups_with_it() {
    let stand = Stand::new().await;
    stand.send("a", 1).await;
    stand.client.delete_queue().queue_url(&stand.url).send().await.unwrap();
    assert!(stand.client.get_queue_url().queue_name("group.0").send().await.is_err());

    let message = stand.client.send_message().queue_url(&stand.url).message_body("lost");
    assert!(message.message_group_id("a").send().await.is_err());
    stand.queue("work").await;
    assert!(stand.receive(1).await.is_empty());
}

#[tokio::test]
async fn the_queue_says_how_long_a_receive_waits_if_it_does_not() {
    let stand = Stand::with(&[(QueueAttributeName::ReceiveMessageWaitTimeSeconds, "1")]).await;
    let begin = Instant::now();
    assert!(stand.receive(1).await.is_empty());
    assert!(begin.elapsed() >= Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_fifo_queue_still_orders_by_its_groups() {
    let stand = Stand::new().await;
    let url = stand.client.create_queue().queue_name("line.fifo");
    let url = url.attributes(QueueAttributeName::FifoQueue, "true").send().await.unwrap().queue_url.unwrap();
    for number in 0..2 {
        let message = stand.client.send_message().queue_url(&url).message_body(format!("a{number}"));
        let message = message.message_group_id("a").message_deduplication_id(number.to_string());
        message.send().await.unwrap();
    }
    let receive = || stand.client.receive_message().queue_url(&url).max_number_of_messages(10).send();

    let first = receive().await.unwrap().messages.unwrap();
    assert_eq!(first.iter().map(body).collect::<Vec<_>>(), ["a0"]);
    assert!(receive().await.unwrap().messages().is_empty(), "the second overtook the first");
    let handle = first[0].receipt_handle().unwrap();
    stand.client.delete_message().queue_url(&url).receipt_handle(handle).send().await.unwrap();
    assert_eq!(body(&receive().await.unwrap().messages()[0]), "a1");
}
