//! What a campaign would send, seen before it sends.

use std::collections::BTreeSet;

use fanmail_engine::ports::Blocklist;
use serde_json::json;

use super::ledger::id;
use super::world::World;

/// A draft for a list of so many people, with this HTML part; answers its id.
async fn draft(world: &World, people: usize, html: &str) -> u64 {
    let list = world.list(people).await;
    let body = json!({
        "name": "June", "subject": "Hello {{ subscriber.first_name }}", "from_email": "News <news@acme.example>",
        "lists": [list], "body": html,
    });
    world.request("POST", "/api/campaigns", "", &body.to_string()).await.data()["id"].as_u64().unwrap()
}

#[tokio::test]
async fn a_preview_is_what_one_person_would_see() {
    let world = World::new().await;
    let campaign = draft(&world, 3, "<p>Dear {{ subscriber.name }}</p>").await;
    let url = format!("/api/campaigns/{campaign}/preview?subscriber={}", id(1));
    let seen = world.get(&url).await;
    assert_eq!((&seen["subject"], &seen["subscriber"]), (&json!("Hello Person"), &json!(id(1).number())));
    assert!(seen["html"].as_str().unwrap().contains("<p>Dear Person 1</p>"), "{seen}");
    assert!(seen["text"].as_str().unwrap().contains("Dear Person 1"), "{seen}");
    assert!(seen["size"].as_u64().unwrap() > 500);
    let warned = seen["warnings"].as_array().unwrap();
    assert!(warned.iter().any(|warning| warning.as_str().unwrap().contains("unsubscribe")), "{warned:?}");
    // Without a name it is somebody of the audience.
    let first = world.get(&format!("/api/campaigns/{campaign}/preview")).await;
    assert!((0..3).map(|n| json!(id(n).number())).any(|n| n == first["subscriber"]));
    let nobody = world.refusal(&format!("/api/campaigns/{campaign}/preview?subscriber=77")).await;
    assert_eq!(nobody.0, 404);
}

#[tokio::test]
async fn a_preview_of_what_cannot_be_made_says_why() {
    let world = World::new().await;
    let campaign = draft(&world, 1, "<p>{{ subscriber.attribs.city }}</p>").await;
    let (status, sentence) = world.refusal(&format!("/api/campaigns/{campaign}/preview")).await;
    assert_eq!(status, 422);
    assert!(sentence.contains("HTML part, line 1"), "{sentence}");
}

#[tokio::test]
async fn a_dry_render_lists_whom_it_would_fail_for_page_by_page() {
    let world = World::new().await;
    let campaign = draft(&world, 30, "<p>{{ 12 // (subscriber.name|length - 8) }}</p>").await;
    world.store().blocklist(id(20)).await.unwrap();
    let (mut failed, mut rendered, mut skipped, mut at) = (BTreeSet::new(), 0, 0, String::new());
    loop {
        let page = world.get(&format!("/api/campaigns/{campaign}/dry-render?per_page=12{at}")).await;
        failed.extend(page["failed"].as_array().unwrap().iter().map(|who| who["id"].as_u64().unwrap()));
        rendered += page["rendered"].as_u64().unwrap();
        skipped += page["skipped"]["blocklisted"].as_u64().unwrap_or_default();
        match page["next"].as_u64() {
            None => break,
            Some(next) => at = format!("&after={next}"),
        }
    }
    // "Person 0" to "Person 9" have 8 characters, and nothing can be divided by zero.
    assert_eq!(failed, (0..10).map(|n| id(n).number()).collect());
    assert_eq!((rendered, skipped), (19, 1));
    let shown = world.get(&format!("/api/campaigns/{campaign}")).await;
    assert_eq!(shown["status"], "draft");
}
