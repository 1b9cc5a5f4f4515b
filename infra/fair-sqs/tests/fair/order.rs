//! Whose message comes next.

use aws_sdk_sqs::types::{MessageSystemAttributeName, SendMessageBatchRequestEntry};

use crate::stand::{Stand, body, receives};

#[tokio::test]
async fn the_message_of_another_group_overtakes_a_backlog_of_a_thousand() {
    let stand = Stand::new().await;
    stand.send("a", 1_000).await;
    let _at_work = (stand.next().await, stand.next().await);
    stand.send("b", 1).await;

    assert_eq!(body(&stand.next().await), "b0");
    assert_eq!(stand.counts().await, [998, 3, 0]);
}

/// One consumer: nothing is in flight when it asks.
#[tokio::test]
async fn two_backlogs_take_turns_and_each_keeps_its_order() {
    let stand = Stand::new().await;
    stand.send("a", 10).await;
    stand.send("b", 3).await;

    let mut order = Vec::new();
    for _ in 0..8 {
        let message = stand.next().await;
        stand.delete(&message).await;
        order.push(body(&message).to_owned());
    }

    assert_eq!(order, ["a0", "b0", "a1", "b1", "a2", "b2", "a3", "a4"]);
}

#[tokio::test]
async fn the_group_with_the_fewest_in_flight_comes_first() {
    let stand = Stand::new().await;
    stand.send("a", 4).await;
    let a = [stand.next().await, stand.next().await, stand.next().await];
    stand.send("b", 10).await;

    let next = [stand.next().await, stand.next().await, stand.next().await];
    assert_eq!(next.each_ref().map(body), ["b0", "b1", "b2"], "until there are as many as of the other");
    stand.delete(&a[0]).await;
    assert_eq!(body(&stand.next().await), "a3");
    let mixed = stand.receive(10).await;
    assert_eq!(mixed.len(), 7, "what is left fills the receive");
}

#[tokio::test]
async fn a_receive_is_filled_from_several_groups() {
    let stand = Stand::new().await;
    for group in ["a", "b", "c"] {
        stand.send(group, 2).await;
    }
    let ungrouped = stand.client.send_message().queue_url(&stand.url).message_body("d0");
    ungrouped.send().await.unwrap();

    let messages = stand.receive(10).await;

    let mut bodies: Vec<&str> = messages.iter().map(body).collect();
    bodies.sort_unstable();
    assert_eq!(bodies, ["a0", "a1", "b0", "b1", "c0", "c1", "d0"]);
    assert!(messages.iter().all(|message| receives(message) == "1"));
}

#[tokio::test]
async fn a_message_names_its_group_if_it_is_asked_for() {
    let stand = Stand::new().await;
    stand.send("a", 2).await;

    let asked = stand.next().await;
    let request = stand.client.receive_message().queue_url(&stand.url);
    let unasked = request.send().await.unwrap().messages.unwrap();

    assert_eq!(asked.attributes().unwrap()[&MessageSystemAttributeName::MessageGroupId], "a");
    assert_eq!(unasked[0].attributes(), None);
}

#[tokio::test]
async fn an_entry_with_an_impossible_group_fails_alone() {
    let stand = Stand::new().await;
    let entry = |id: &str, group: &str| {
        let entry = SendMessageBatchRequestEntry::builder().id(id).message_body(id);
        entry.message_group_id(group).build().unwrap()
    };
    let long = "g".repeat(129);
    let entries = vec![entry("good", &long[1..]), entry("spaced", "a b"), entry("long", &long)];
    let request = stand.client.send_message_batch().queue_url(&stand.url).set_entries(Some(entries));

    let output = request.send().await.unwrap();

    let failed: Vec<(&str, bool)> =
        output.failed().iter().map(|entry| (entry.id(), entry.sender_fault())).collect();
    assert_eq!(failed, [("spaced", true), ("long", true)]);
    assert_eq!(body(&stand.next().await), "good");
}
