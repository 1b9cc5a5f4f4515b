//! What a campaign refers to is gone (S2.9, S4.7): every page of it still comes.

use std::collections::BTreeSet;

use fanmail_domain::{BatchId, LaneNo};
use fanmail_engine::ports::{Campaigns, Ledger};
use serde_json::{Value, json};

use super::ledger::{address, id};
use super::world::World;

const PAGES: [&str; 7] = [
    "/api/campaigns",
    "/api/campaigns/1",
    "/api/campaigns/1/recipients",
    "/api/campaigns/1/recipients?state=failed",
    "/api/campaigns/1/journal",
    "/api/campaigns/1/audit",
    "/api/lists",
];

async fn every_page_comes(world: &World) {
    for page in PAGES {
        for accept in ["", "text/csv", "application/x-ndjson"] {
            let answer = world.request("GET", page, accept, "").await;
            assert_eq!(answer.status, 200, "{page}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_deleted_subscriber_stays_in_the_ledger_without_name_and_address() {
    let world = World::new().await;
    world.finished(6, 1, 3).await;
    let before = world.get(&format!("/api/campaigns/1/recipients/{}", id(2))).await;
    assert!(world.store().delete_subscriber(id(2)).await.unwrap());

    every_page_comes(&world).await;
    let rows = world.get("/api/campaigns/1/recipients").await["results"].clone();
    let row = rows.as_array().unwrap().iter().find(|row| row["id"] == json!(id(2))).unwrap().clone();
    assert_eq!((&row["email"], &row["name"], &row["state"]), (&Value::Null, &Value::Null, &before["state"]));
    assert_eq!(world.get(&format!("/api/campaigns/1/recipients/{}", id(2))).await, row);
    let body = json!({ "email": address(2).expose() }).to_string();
    let found = world.request("POST", "/api/campaigns/1/recipients/lookup", "", &body).await;
    assert_eq!(found.data(), row, "who was deleted is not found by the address");
}

#[tokio::test]
async fn a_list_content_or_words_that_are_gone_break_no_page() {
    let world = World::new().await;
    let campaign = world.finished(6, 1, 3).await;
    let list = campaign.audience[0].list;
    world.remove("audience", "LISTS", &format!("{:012}", list.0)).await;
    world.remove("campaigns", "C#1", "CONTENT#1").await;
    for n in 0..6 {
        world.remove("campaigns", "C#1#F00", &format!("{:016}", id(n).number())).await;
    }
    assert_eq!(world.get("/api/lists").await["results"], json!([]));
    assert_eq!(world.store().content(campaign.id, 1).await.unwrap(), None);

    every_page_comes(&world).await;
    let failed = world.get("/api/campaigns/1/recipients?state=failed").await["results"][0].clone();
    assert_eq!((&failed["reason"], &failed["code"]), (&json!("rejected"), &Value::Null));
}

#[tokio::test]
async fn a_lane_or_a_batch_that_is_gone_breaks_no_page_and_hides_nobody_else() {
    let world = World::new().await;
    let campaign = world.finished(20, 2, 1).await;
    let middle = world.store().batches(campaign.id, LaneNo(0), 0).await.unwrap().len() / 2;
    world.remove("campaigns", "C#1#L00", &format!("{middle:010}")).await;
    every_page_comes(&world).await;
    let mut ids = BTreeSet::new();
    for lane in 0..2 {
        let page = world.get(&format!("/api/campaigns/1/recipients?cursor={lane}.0.0")).await;
        ids.extend(page["results"].as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()));
    }
    assert_eq!(ids.len(), 19);
    for id in ids {
        assert_eq!(world.get(&format!("/api/campaigns/1/recipients/{id}")).await["id"], id);
    }

    world.remove("campaigns", "C#1", "LANE#01").await;
    every_page_comes(&world).await;
}

#[tokio::test]
async fn a_recipient_who_is_in_the_ledger_twice_breaks_no_page() {
    let world = World::new().await;
    let campaign = world.finished(6, 1, 3).await;
    let at = |seq| BatchId { campaign: campaign.id, lane: LaneNo(0), seq };
    let failed = world.store().batch(at(0)).await.unwrap().unwrap().entries[2];
    assert_eq!(failed.state.name(), "failed");
    world.damage(at(1), |batch| batch.entries[2] = failed).await;
    every_page_comes(&world).await;
}
