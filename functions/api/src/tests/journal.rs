//! The journal, page by page.

use fanmail_domain::Timestamp;
use fanmail_engine::ports::{Campaigns, JournalEntry};
use serde_json::{Value, json};

use super::ledger::{NOW, entry};
use super::world::World;

#[tokio::test]
async fn pages_have_who_when_and_what_and_follow_each_other() {
    let world = World::new().await;
    let campaign = world.finished(1, 1, 1).await;
    for n in 0..5_u64 {
        let at = Timestamp(NOW.0 + 1_000 + n);
        let text = format!("decision {n}");
        let line = JournalEntry { at, actor: "sweeper".into(), ..entry(campaign.id, "lane-0-left-1", &text) };
        world.store().journal(&line).await.unwrap();
    }
    let (mut lines, mut sizes, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = world.get(&format!("/api/campaigns/1/journal?per_page=3{cursor}")).await;
        let results = page["results"].as_array().unwrap();
        sizes.push(results.len());
        lines.extend(results.iter().cloned());
        let Some(next) = page["next"].as_str() else { break };
        assert!(next.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{next}");
        cursor = format!("&cursor={next}");
    }
    assert_eq!(lines.len(), 7, "{lines:?}");
    assert!(sizes.starts_with(&[3, 3]), "{sizes:?}");
    let first = json!({ "at": "2023-11-14T22:13:20Z", "by": "user", "text": "started" });
    assert_eq!((&lines[0], &lines[1]["text"]), (&first, &json!("finished")));
    let rest: Vec<&Value> = lines[2..].iter().map(|line| &line["text"]).collect();
    assert_eq!(rest, ["decision 0", "decision 1", "decision 2", "decision 3", "decision 4"]);
    assert_eq!(lines[6]["by"], "sweeper");
}

#[tokio::test]
async fn what_is_no_cursor_is_refused_and_no_place_leads_out_of_the_journal() {
    let world = World::new().await;
    world.finished(1, 1, 1).await;
    for cursor in ["J%230001", "%C3%A4", "////", "w6Q"] {
        let (status, message) = world.refusal(&format!("/api/campaigns/1/journal?cursor={cursor}")).await;
        assert_eq!((status, message.as_str()), (400, "cursor is the `next` of an earlier page"), "{cursor}");
    }
    // "META" and "A", which are places among the campaign's other items.
    for cursor in ["TUVUQQ", "QQ"] {
        let page = world.get(&format!("/api/campaigns/1/journal?cursor={cursor}")).await;
        assert_eq!(page, json!({ "results": [], "next": null }), "{cursor}");
    }
    assert_eq!(world.refusal("/api/campaigns/2/journal").await.0, 404);
}
