//! One-time schedules follow what is ordered for a campaign, and fail none of it.

use fanmail_runtime::stub::Stub;
use serde_json::{Value, json};

use super::world::{Answer, World};

async fn order(world: &World, url: &str, body: &Value) -> Answer {
    world.request("PUT", url, "", &body.to_string()).await
}

async fn draft(world: &World) {
    let list = world.list(1).await;
    let body = json!({
        "name": "News", "subject": "Hello", "from_email": "news@acme.example", "lists": [list],
        "body": "<p>News</p>",
    });
    world.request("POST", "/api/campaigns", "", &body.to_string()).await.data();
}

#[tokio::test]
async fn a_schedule_follows_its_campaign() {
    let said = |status, name| (status, name, "{}".to_owned());
    let conflict = said(409, "ConflictException");
    let stub = Stub::answering(vec![said(200, ""), conflict, said(200, ""), said(200, "")]).await;
    let world = World::with_scheduler(&stub.url).await;
    draft(&world).await;
    let (campaign, status) = ("/api/campaigns/1", "/api/campaigns/1/status");
    // A draft's time is nobody's business yet.
    order(&world, campaign, &json!({ "send_at": "2089-01-01T00:00:00Z" })).await.data();
    order(&world, status, &json!({ "status": "scheduled" })).await.data();
    order(&world, campaign, &json!({ "send_at": "2090-01-01T01:00:00+01:00" })).await.data();
    order(&world, status, &json!({ "status": "draft" })).await.data();

    let asked = stub.asked().await;
    let lines: Vec<&str> = asked.iter().map(|asked| asked.line.trim_end_matches(" HTTP/1.1")).collect();
    assert_eq!(
        lines,
        [
            "POST /schedules/campaign-1",
            "POST /schedules/campaign-1",
            "PUT /schedules/campaign-1",
            "DELETE /schedules/campaign-1?groupName=mails",
        ]
    );
    assert!(asked[0].body.contains("at(2089-01-01T00:00:00)"), "{}", asked[0].body);
    assert!(asked[2].body.contains("at(2090-01-01T00:00:00)"), "{}", asked[2].body);
}

#[tokio::test]
async fn an_order_is_carried_out_where_scheduler_is_away() {
    // Nobody listens there.
    let world = World::with_scheduler("http://127.0.0.1:9").await;
    draft(&world).await;
    let at = json!({ "status": "scheduled", "send_at": "2090-01-01T00:00:00Z" });
    let scheduled = order(&world, "/api/campaigns/1/status", &at).await.data();
    assert_eq!(scheduled["status"], "scheduled");
}
