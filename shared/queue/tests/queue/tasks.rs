//! Tasks arrive as they were sent, when they were meant to.

use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use fanmail_domain::{BatchId, CampaignId, Epoch, LaneNo};
use fanmail_engine::ports::{BatchTask, LaneTask, Tasks};
use fanmail_queue::{QueueSettings, create_queues, decode_batch_task, decode_lane_task};

use crate::harness::{SETTINGS, World, names};

fn lane(no: u8) -> LaneTask {
    LaneTask { campaign: CampaignId(7), epoch: Epoch(2), lane: LaneNo(no) }
}

fn batch(seq: u32) -> BatchTask {
    BatchTask::of(Epoch(2), BatchId { campaign: CampaignId(7), lane: LaneNo(1), seq })
}

#[tokio::test]
async fn every_task_arrives_once_and_ten_share_a_request() {
    let world = World::new().await;
    let lanes: Vec<LaneTask> = (0..64).map(lane).collect();
    let batches: Vec<BatchTask> = (0..25).map(batch).collect();
    world.queue.send_lanes(&lanes, Duration::ZERO).await.unwrap();
    assert_eq!(world.queue.requests(), 7);
    world.queue.send_batches(&batches, Duration::ZERO).await.unwrap();
    assert_eq!(world.queue.requests(), 10);

    let bodies = world.receive(&world.urls.lanes, true).await;
    let mut received: Vec<LaneTask> = bodies.iter().map(|body| decode_lane_task(body).unwrap()).collect();
    received.sort_unstable();
    assert_eq!(received, lanes);
    let bodies = world.receive(&world.urls.batches, true).await;
    let mut received: Vec<BatchTask> = bodies.iter().map(|body| decode_batch_task(body).unwrap()).collect();
    received.sort_unstable();
    assert_eq!(received, batches);
}

/// The campaigns of the messages on a queue, as SQS knows them.
async fn groups(world: &World, url: &str) -> Vec<String> {
    let request = world.client.receive_message().queue_url(url).max_number_of_messages(10);
    let request = request.message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
    let messages = request.send().await.unwrap().messages.unwrap_or_default();
    let group = |message: &Message| {
        message.attributes().unwrap()[&MessageSystemAttributeName::MessageGroupId].clone()
    };
    let mut groups: Vec<String> = messages.iter().map(group).collect();
    groups.sort_unstable();
    groups
}

#[tokio::test]
async fn every_task_tells_whose_it_is() {
    let world = World::new().await;
    let lane_of = |campaign| LaneTask { campaign: CampaignId(campaign), ..lane(1) };
    let batch_of = |campaign, seq| BatchTask {
        batch: BatchId { campaign: CampaignId(campaign), ..batch(seq).batch },
        ..batch(seq)
    };
    world.queue.send_lanes(&[lane_of(7), lane_of(8)], Duration::ZERO).await.unwrap();
    world
        .queue
        .send_batches(&[batch_of(7, 0), batch_of(8, 0), batch_of(7, 1)], Duration::ZERO)
        .await
        .unwrap();

    assert_eq!(groups(&world, &world.urls.lanes).await, ["c7", "c8"]);
    assert_eq!(groups(&world, &world.urls.batches).await, ["c7", "c7", "c8"]);
}

#[tokio::test]
async fn no_task_is_no_request() {
    let world = World::new().await;
    world.queue.send_lanes(&[], Duration::ZERO).await.unwrap();
    world.queue.send_batches(&[], Duration::ZERO).await.unwrap();
    assert_eq!(world.queue.requests(), 0);
}

#[tokio::test]
async fn a_delayed_task_is_hidden_at_first_and_keeps_the_queue_from_being_idle() {
    let world = World::new().await;
    assert!(world.queue.are_idle().await.unwrap());
    let sent_at = std::time::Instant::now();
    world.queue.send_batches(&[batch(0)], Duration::from_millis(1_001)).await.unwrap();
    assert!(!world.queue.are_idle().await.unwrap());
    let mut early = 0;
    while world.receive(&world.urls.batches, true).await.is_empty() {
        early += 1;
        assert!(sent_at.elapsed() < Duration::from_secs(30), "the task never came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(early > 0 && sent_at.elapsed() >= Duration::from_millis(1_900), "{:?}", sent_at.elapsed());
    assert!(world.queue.are_idle().await.unwrap());
}

#[tokio::test]
async fn a_task_being_worked_on_keeps_the_queue_from_being_idle() {
    let world = World::new().await;
    world.queue.send_lanes(&[lane(1)], Duration::ZERO).await.unwrap();
    assert!(!world.queue.are_idle().await.unwrap(), "it waits");
    assert_eq!(world.receive(&world.urls.lanes, false).await.len(), 1);
    assert!(!world.queue.are_idle().await.unwrap(), "it is being worked on");
}

#[tokio::test]
async fn a_task_received_too_often_goes_to_the_dead_letter_queue() {
    let hasty = QueueSettings { visibility_timeout: Duration::ZERO, max_receive_count: 2, ..SETTINGS };
    let world = World::with(&hasty).await;
    world.queue.send_lanes(&[lane(1)], Duration::ZERO).await.unwrap();
    let bodies = world.receive(&world.urls.lanes, false).await;
    assert_eq!(bodies.len(), 2, "it is received twice, and not a third time");
    let dead = world.client.get_queue_url().queue_name("lanes-dead").send().await.unwrap();
    assert_eq!(world.receive(&dead.queue_url.unwrap(), true).await, [bodies[0].clone()]);
}

#[tokio::test]
async fn queues_are_created_once_with_their_settings() {
    let world = World::new().await;
    assert_eq!(create_queues(&world.client, &names(), &SETTINGS).await.unwrap(), world.urls);
    let other = QueueSettings { visibility_timeout: Duration::from_secs(7), ..SETTINGS };
    assert_eq!(create_queues(&world.client, &names(), &other).await.unwrap(), world.urls);

    let request = world.client.get_queue_attributes().queue_url(&world.urls.batches);
    let output = request.attribute_names(QueueAttributeName::All).send().await.unwrap();
    let attributes = output.attributes.unwrap();
    assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], "60");
    assert_eq!(attributes[&QueueAttributeName::MessageRetentionPeriod], "345600");
    let redrive: serde_json::Value =
        serde_json::from_str(&attributes[&QueueAttributeName::RedrivePolicy]).unwrap();
    assert_eq!(redrive["maxReceiveCount"], 5);
    assert!(redrive["deadLetterTargetArn"].as_str().unwrap().ends_with(":batches-dead"));
}
