//! The list in its three forms, and one person of it.

use fanmail_domain::{LaneNo, SubscriberId};
use serde_json::{Value, json};

use super::ledger::{address, id};
use super::world::{Answer, World};

/// All pages of a form, by the cursor in the header.
async fn pages(world: &World, url: &str, accept: &str) -> Vec<Answer> {
    let mut pages = Vec::new();
    let mut at = url.to_owned();
    loop {
        let page = world.request("GET", &at, accept, "").await;
        assert_eq!(page.status, 200, "{}", page.body);
        let next = page.header("x-fanmail-next").map(|next| format!("{url}&cursor={next}"));
        pages.push(page);
        match next {
            Some(next) => at = next,
            None => return pages,
        }
    }
}

#[tokio::test]
async fn the_three_forms_have_the_same_rows() {
    let world = World::new().await;
    world.finished(40, 2, 7).await;
    let url = "/api/campaigns/1/recipients?per_page=15";

    let json_pages = pages(&world, url, "application/json").await;
    let rows: Vec<Value> =
        json_pages.iter().flat_map(|page| page.data()["results"].as_array().unwrap().clone()).collect();
    let ids: std::collections::BTreeSet<u64> = rows.iter().map(|row| row["id"].as_u64().unwrap()).collect();
    assert_eq!((ids.len(), ids), (40, (0..40).map(|n| id(n).number()).collect()));

    let lines = pages(&world, url, "application/x-ndjson").await;
    assert!(lines.iter().all(|page| page.header("content-type") == Some("application/x-ndjson")));
    let from_lines = lines.iter().flat_map(|page| page.body.lines());
    assert!(from_lines.map(|line| serde_json::from_str::<Value>(line).unwrap()).eq(rows.clone()));

    let csv_pages = pages(&world, url, "text/csv").await;
    let mut records = Vec::new();
    for page in &csv_pages {
        assert_eq!(page.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
        let mut reader = csv::Reader::from_reader(page.body.as_bytes());
        records
            .extend(reader.deserialize::<std::collections::BTreeMap<String, String>>().map(Result::unwrap));
    }
    assert_eq!(records.len(), 40);
    for (record, row) in records.iter().zip(&rows) {
        assert_eq!(record["id"], row["id"].to_string());
        assert_eq!(record["email"], row["email"].as_str().unwrap());
        assert_eq!((&record["state"], &record["batch"]), (&text(&row["state"]), &text(&row["batch"])));
        assert_eq!(record["text"].trim_start_matches('\''), row["text"].as_str().unwrap_or_default());
    }
    let failed = records.iter().find(|record| record["state"] == "failed").unwrap();
    assert_eq!((failed["code"].as_str(), failed["text"].as_str()), ("550", "'=no, such \"mailbox\""));
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_next_page_is_named_by_headers() {
    let world = World::new().await;
    world.finished(9, 1, 5).await;
    let url = "/api/campaigns/1/recipients?state=failed&reason=rejected&per_page=1";
    let page = world.request("GET", url, "text/csv", "").await;
    let next = page.header("x-fanmail-next").unwrap();
    let link = format!("<?state=failed&reason=rejected&per_page=1&cursor={next}>; rel=\"next\"");
    assert_eq!(page.header("link"), Some(link.as_str()));

    let (reference, _) = link.trim_start_matches('<').split_once('>').unwrap();
    let followed = format!("/api/campaigns/1/recipients{reference}");
    let pages = pages(&world, &followed, "application/json").await;
    let last = pages.last().unwrap();
    assert_eq!((last.header("link"), &last.data()["next"]), (None, &Value::Null));
}

#[tokio::test]
async fn a_form_that_is_not_offered_is_refused() {
    let world = World::new().await;
    world.planned(1, 1, 5).await;
    let answer = world.request("GET", "/api/campaigns/1/recipients", "text/html", "").await;
    let sentence = "recipients come as application/json, text/csv or application/x-ndjson";
    assert_eq!(answer.refusal(), (406, sentence.to_owned()));
}

#[tokio::test]
async fn names_that_no_recipient_can_have_are_refused() {
    let world = World::new().await;
    world.planned(1, 1, 5).await;
    let (status, message) = world.refusal("/api/campaigns/1/recipients?state=flying").await;
    assert_eq!(status, 400);
    assert!(
        message.starts_with("state is one of pending, ") && message.contains("in_doubt, failed, skipped")
    );
    let (status, message) = world.refusal("/api/campaigns/1/recipients?reason=mood").await;
    assert_eq!(status, 400);
    assert!(message.starts_with("reason is one of rejected, ") && message.contains(", gone, "), "{message}");
    assert_eq!(world.refusal("/api/campaigns/1/recipients?cursor=x").await.0, 400);
    assert_eq!(world.refusal("/api/campaigns/2/recipients").await.0, 404);
    let behind = world.get("/api/campaigns/1/recipients?cursor=255.0.0").await;
    assert_eq!(behind, json!({ "results": [], "next": null }));
}

#[tokio::test]
async fn one_recipient_is_the_row_of_the_list() {
    let world = World::new().await;
    world.finished(60, 4, 3).await;
    let list = world.get("/api/campaigns/1/recipients?per_page=1000").await;
    for row in list["results"].as_array().unwrap() {
        assert_eq!(&world.get(&format!("/api/campaigns/1/recipients/{}", row["id"])).await, row);
    }
    let failed = world.get("/api/campaigns/1/recipients?state=failed").await["results"][0].clone();
    assert_eq!((&failed["code"], &failed["reason"]), (&json!(550), &json!("rejected")));
}

#[tokio::test]
async fn an_address_is_looked_up_in_any_spelling_and_never_in_a_url() {
    let world = World::new().await;
    world.finished(5, 1, 3).await;
    let lookup = "/api/campaigns/1/recipients/lookup";
    let found = world.request("POST", lookup, "", r#"{ "email": " P3@Example.ORG " }"#).await.data();
    assert_eq!((&found["email"], &found["id"]), (&json!("p3@example.org"), &json!(id(3))));
    assert_eq!(found, world.get(&format!("/api/campaigns/1/recipients/{}", id(3))).await);

    let stranger = world.request("POST", lookup, "", r#"{ "email": "x@example.org" }"#).await;
    assert_eq!(stranger.refusal(), (404, "this person is no recipient of campaign 1".to_owned()));
    for body in ["{}", r#"{ "email": "nobody" }"#, ""] {
        assert_eq!(world.request("POST", lookup, "", body).await.status, 400, "{body}");
    }
    assert_eq!(world.refusal(&format!("/api/campaigns/1/recipients/{}", address(3).expose())).await.0, 400);
}

#[tokio::test]
async fn who_is_not_planned_yet_is_told_from_who_is_no_recipient() {
    let world = World::new().await;
    let list = world.list(30).await;
    let campaign = world.running(list, 1).await;
    let mut ids: Vec<SubscriberId> = (0..30).map(id).collect();
    ids.sort_unstable();
    let url = |id: SubscriberId| format!("/api/campaigns/1/recipients/{id}");
    let not_yet = "this person is not planned yet: campaign 1 has not planned all of its audience";
    assert_eq!(world.refusal(&url(ids[0])).await, (404, not_yet.to_owned()));

    // One page: the first ten of thirty batches.
    world.plan(&campaign, LaneNo(0), 30, 1, 1).await;
    assert_eq!(world.get(&url(ids[0])).await["state"], "pending");
    assert_eq!(world.refusal(&url(ids[10])).await, (404, not_yet.to_owned()));
    let between = SubscriberId::from_number(ids[0].number() + 1).unwrap();
    let nowhere = "this person is no recipient of campaign 1";
    assert_eq!(world.refusal(&url(between)).await, (404, nowhere.to_owned()));
}
