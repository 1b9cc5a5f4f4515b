//! The audit of a ledger that was damaged in the store.

use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use fanmail_domain::{BatchId, Campaign, LaneNo, Phase, RecipientState};
use fanmail_engine::ports::Ledger;
use serde_json::{Value, json};

use super::world::World;

fn first(campaign: &Campaign) -> BatchId {
    BatchId { campaign: campaign.id, lane: LaneNo(0), seq: 0 }
}

fn number(number: u32) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

async fn differences(world: &World) -> Vec<String> {
    let audit = world.get("/api/campaigns/1/audit").await;
    assert_eq!(audit["moving"], json!([]), "{audit}");
    serde_json::from_value(audit["differences"].clone()).unwrap()
}

#[tokio::test]
async fn a_ledger_that_fits_has_no_differences_in_any_phase() {
    let world = World::new().await;
    world.finished(30, 2, 4).await;
    let expected = json!({ "status": "finished", "recipients": 30, "differences": [], "moving": [] });
    assert_eq!(world.get("/api/campaigns/1/audit").await, expected);

    let campaign = world.running(world.list(0).await, 1).await;
    world.plan(&campaign, LaneNo(0), 30, 1, 1).await;
    let running = json!({ "status": "running", "recipients": 10, "differences": [], "moving": [] });
    assert_eq!(world.get("/api/campaigns/2/audit").await, running);
}

#[tokio::test]
async fn a_ledger_that_goes_on_meanwhile_has_no_differences() {
    let world = World::new().await;
    let campaign = world.planned(80, 1, 1).await;
    let sent = AtomicBool::new(false);
    let send = async {
        world.send_all(&campaign).await;
        sent.store(true, Ordering::Relaxed);
    };
    let audit = async {
        let mut moved = false;
        while !sent.load(Ordering::Relaxed) {
            let audit = world.get("/api/campaigns/1/audit").await;
            assert_eq!((&audit["differences"], &audit["recipients"]), (&json!([]), &json!(80)));
            moved |= audit["moving"] == json!([0]);
        }
        moved
    };
    let ((), moved) = tokio::join!(send, audit);
    assert!(moved, "nothing went on: this shows nothing");
    assert_eq!(differences(&world).await, [""; 0]);
}

#[tokio::test]
async fn a_counter_that_is_wrong_is_named_with_both_numbers() {
    let world = World::new().await;
    world.finished(6, 1, 3).await;
    world.set("C#1", "LANE#00", "recipients", number(7)).await;
    let found = differences(&world).await;
    assert_eq!(found, ["lane 0: recipients is 7 by the counter and 6 by the ledger"]);
}

#[tokio::test]
async fn an_open_recipient_of_a_finished_campaign_is_named() {
    let world = World::new().await;
    let campaign = world.finished(6, 1, 3).await;
    let id = first(&campaign);
    world.damage(id, |batch| batch.entries[0].state = RecipientState::Pending).await;
    let who = world.store().batch(id).await.unwrap().unwrap().entries[0].subscriber;
    assert_eq!(
        differences(&world).await,
        [
            format!("batch 1/0/0: recipient {who} is counted and pending"),
            format!("batch 1/0/0: it is done and recipient {who} is pending"),
            "lane 0: pending is 0 by the counter and 1 by the ledger".to_owned(),
            "lane 0: accepted is 4 by the counter and 3 by the ledger".to_owned(),
            "lane 0: the campaign is finished and the lane is not, 1 recipients are open".to_owned(),
        ]
    );
}

#[tokio::test]
async fn a_batch_that_is_not_done_is_named() {
    let world = World::new().await;
    let campaign = world.finished(6, 1, 3).await;
    world.damage(first(&campaign), |batch| batch.phase = Phase::Queued).await;
    let found = differences(&world).await;
    assert_eq!(found, ["lane 0: done batches is 2 by the counter and 1 by the ledger"]);
}

#[tokio::test]
async fn a_recipient_in_two_batches_is_named() {
    let world = World::new().await;
    let campaign = world.finished(6, 1, 3).await;
    let other = BatchId { seq: 1, ..first(&campaign) };
    let twice = world.store().batch(first(&campaign)).await.unwrap().unwrap().entries[1].subscriber;
    world.damage(other, |batch| batch.entries[1].subscriber = twice).await;
    let found = differences(&world).await;
    assert_eq!(found[0], format!("batch 1/0/1: recipient {twice} is in batch 1/0/0 too"));
}

#[tokio::test]
async fn items_that_are_gone_or_cannot_be_read_are_named_and_the_rest_is_counted() {
    let world = World::new().await;
    world.finished(6, 1, 1).await;
    world.remove("campaigns", "C#1#L00", "0000000001").await;
    world.set("C#1#L00", "0000000003", "s", AttributeValue::B(Blob::new([0x7f]))).await;
    let found = differences(&world).await;
    assert_eq!(
        found[..2],
        [
            "lane 0: batch 1 is missing",
            "batch 1/0/3 cannot be read: attribute s of item C#1#L00/0000000003 is no binary of known states",
        ]
    );
    assert!(
        found.contains(&"lane 0: batches is 6 by the counter and 5 by the ledger".to_owned()),
        "{found:?}"
    );
    assert_eq!(world.get("/api/campaigns/1/audit").await["recipients"], 4);

    world.set("C#1", "LANE#00", "recipients", AttributeValue::S("many".into())).await;
    let unreadable = differences(&world).await;
    assert!(
        unreadable.iter().any(|it| it.starts_with("lane 0: its item cannot be read: ")),
        "{unreadable:?}"
    );
    world.remove("campaigns", "C#1", "LANE#00").await;
    assert!(differences(&world).await.contains(&"lane 0: its item is missing".to_owned()));
}

#[tokio::test]
async fn a_campaign_that_is_not_there_cannot_be_audited() {
    let world = World::new().await;
    assert_eq!(world.refusal("/api/campaigns/1/audit").await, (404, "there is no such campaign".to_owned()));
    let draft = world.running(world.list(0).await, 0).await;
    assert_eq!(draft.lanes, 0);
    assert_eq!(world.get("/api/campaigns/1/audit").await["recipients"], Value::from(0));
}
