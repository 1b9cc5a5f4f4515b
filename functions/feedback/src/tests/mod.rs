//! The function over simulated ports: recorded events, and what becomes of them.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy's own exception does not cover")]
#![allow(clippy::allow_attributes, reason = "see above")]

mod contract;
mod life;
mod log;

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use fanmail_domain::{BatchId, LaneNo, RecipientState, SubscriberId};
use fanmail_engine::ports::{Clock, Ledger};
use fanmail_testkit::{Answer, CAMPAIGN, World};
use serde_json::json;

use crate::counts::Counts;
use crate::handler;

/// The recorded body of that name: the forms are those of the SES and SNS developer guides, the tags are ours.
fn recorded(name: &str) -> String {
    let path = format!("{}/tests/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// What SNS makes of a body where its subscription does not deliver raw.
fn enveloped(body: &str) -> String {
    let mut envelope: serde_json::Value =
        serde_json::from_str(&recorded("sns-notification-of-set-up")).unwrap();
    envelope["Message"] = json!(body);
    envelope.to_string()
}

/// An event of SQS with these bodies: messages `0`, `1` and so on.
fn sqs(bodies: &[&str]) -> SqsEvent {
    let record = |(number, body): (usize, &&str)| {
        json!({
            "messageId": number.to_string(),
            "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "1795338767402",
                "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                "ApproximateFirstReceiveTimestamp": "1795338767409",
            },
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:mails-feedback",
            "awsRegion": "eu-west-1",
        })
    };
    let records: Vec<_> = bodies.iter().enumerate().map(record).collect();
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

/// Invokes the function: which messages go back, and what the others were.
async fn invoke(world: &World, bodies: &[&str]) -> (Vec<String>, Counts) {
    let until = world.now().after(Duration::from_secs(20));
    let (response, counts) = handler::take_down(world, world, until, sqs(bodies)).await;
    let failures = response.unwrap().batch_item_failures;
    (failures.into_iter().map(|failure| failure.item_identifier).collect(), counts)
}

/// A finished campaign whose second recipient is in doubt: the provider took the message, its answer was lost.
async fn one_in_doubt() -> (World, SubscriberId) {
    let world = World::new(4, 4);
    let id = world.subscriber_ids()[1];
    world.answer(id, &[Answer::TakeAndFallSilent]);
    world.start().await;
    world.drive().await;
    assert_eq!(state(&world).await, RecipientState::InDoubt);
    (world, id)
}

/// Where the recorded events say that their recipient is.
async fn state(world: &World) -> RecipientState {
    let batch = BatchId { campaign: CAMPAIGN, lane: LaneNo(0), seq: 0 };
    world.batch(batch).await.unwrap().unwrap().entries[1].state
}
