//! Orders over HTTP: schedule, edit, pause, cancel, retry, resolve; and what is refused where it stands.

use fanmail_domain::{BatchId, Campaign, LaneNo, RecipientState};
use fanmail_engine::ports::{Campaigns, Ledger};
use serde_json::{Value, json};

use super::world::{Answer, World};

const STATUS: &str = "/api/campaigns/1/status";

impl World {
    async fn order(&self, method: &str, url: &str, body: &Value) -> Answer {
        self.request(method, url, "", &body.to_string()).await
    }

    /// A draft with these fields beside the usual ones.
    async fn draft(&self, more: &Value) -> Answer {
        let list = self.list(1).await;
        let mut body = json!({
            "name": "News", "subject": "Hello", "from_email": "news@acme.example", "lists": [list],
            "body": "<p>News</p>",
        });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.order("POST", "/api/campaigns", &body).await
    }

    async fn stored(&self) -> Campaign {
        self.store().campaign(fanmail_domain::CampaignId(1)).await.unwrap().unwrap()
    }
}

impl Answer {
    /// The status and what stands, of a conflict.
    #[track_caller]
    fn conflict(&self) -> (i64, String, Value) {
        let (status, message) = self.refusal();
        let stands = serde_json::from_str::<Value>(&self.body).unwrap()["data"].take();
        (status, message, stands)
    }
}

#[tokio::test]
async fn a_pause_has_an_end_that_lies_ahead() {
    let world = World::new().await;
    world.planned(2, 1, 2).await;
    for (until, sentence) in [
        ("2001-01-01T00:00:00Z", "until is in the past"),
        ("2090-01-01T00:00:00", "until has no offset from UTC"),
        ("soon", "until is no time"),
    ] {
        let (status, message) =
            world.order("PUT", STATUS, &json!({ "status": "paused", "until": until })).await.refusal();
        assert!(status == 400 && message.starts_with(sentence), "{message}");
    }
    assert_eq!(world.stored().await.state.version, 1, "a refused pause changed something");

    let until = json!({ "status": "paused", "until": "2090-01-01T01:00:00+01:00", "note": "lunch" });
    let paused = world.order("PUT", STATUS, &until).await.data();
    assert_eq!((&paused["status"], &paused["until"]), (&json!("paused"), &json!("2090-01-01T00:00:00Z")));
    let journal = world.get("/api/campaigns/1/journal").await;
    assert!(
        journal["results"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["text"].as_str().unwrap().contains("lunch"))
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_answered_with_what_stands() {
    let world = World::new().await;
    world.finished(2, 1, 2).await;
    for status in ["scheduled", "running", "paused", "cancelled", "draft"] {
        let (code, message, stands) =
            world.order("PUT", STATUS, &json!({ "status": status })).await.conflict();
        assert_eq!(code, 409, "{status}");
        assert_eq!(message, format!("campaign 1 is finished and cannot become {status}"));
        assert_eq!(
            (&stands["status"], &stands["version"], &stands["epoch"]),
            (&json!("finished"), &json!(2), &json!(1))
        );
    }
    assert_eq!(world.order("PUT", STATUS, &json!({ "status": "finished" })).await.status, 400);
    assert_eq!(world.order("PUT", STATUS, &json!({ "status": "running", "untill": 1 })).await.status, 400);
    assert_eq!(
        world.order("PUT", "/api/campaigns/9/status", &json!({ "status": "paused" })).await.status,
        404
    );
}

#[tokio::test]
async fn a_late_order_that_names_its_version_does_nothing() {
    let world = World::new().await;
    world.planned(2, 1, 2).await;
    let late = json!({ "status": "cancelled", "version": 0 });
    let (code, message, stands) = world.order("PUT", STATUS, &late).await.conflict();
    assert_eq!((code, &stands["status"], &stands["version"]), (409, &json!("running"), &json!(1)));
    assert_eq!(message, "campaign 1 changed in the meantime: it is running and of version 1 now");
    let now = json!({ "status": "paused", "version": 1 });
    assert_eq!(world.order("PUT", STATUS, &now).await.data()["version"], 2);
}

#[tokio::test]
async fn a_campaign_is_scheduled_and_made_a_draft_again() {
    let world = World::new().await;
    let made = world.draft(&json!({})).await.data();
    assert_eq!(
        (&made["send_at"], &made["content_version"], &made["retry"]),
        (&Value::Null, &json!(1), &Value::Null)
    );
    let (status, message) = world.order("PUT", STATUS, &json!({ "status": "scheduled" })).await.refusal();
    assert!(status == 400 && message.contains("has no send_at"), "{message}");

    let at = json!({ "status": "scheduled", "send_at": "2090-01-01T00:00:00Z" });
    for _ in 0..2 {
        let scheduled = world.order("PUT", STATUS, &at).await.data();
        assert_eq!((&scheduled["status"], &scheduled["version"]), (&json!("scheduled"), &json!(1)));
        assert_eq!(scheduled["not_after"], "2090-01-02T00:00:00Z");
    }
    assert_eq!(world.order("PUT", STATUS, &json!({ "status": "draft" })).await.data()["status"], "draft");
    assert_eq!(
        world.order("PUT", STATUS, &json!({ "status": "scheduled" })).await.data()["status"],
        "scheduled"
    );
    let past = world.draft(&json!({ "send_at": "2001-01-01T00:00:00Z" })).await.refusal();
    assert!(past.0 == 400 && past.1.contains("in the past"), "{past:?}");
}

#[tokio::test]
async fn an_edit_changes_what_it_names_and_nothing_else() {
    let world = World::new().await;
    world.draft(&json!({ "altbody": "News" })).await.data();
    let url = "/api/campaigns/1";
    let edited = world.order("PUT", url, &json!({ "subject": "Hi" })).await.data();
    assert_eq!(
        (&edited["subject"], &edited["content_version"], &edited["name"]),
        (&json!("Hi"), &json!(2), &json!("News"))
    );
    assert_eq!(world.get(url).await["altbody"], "News");
    let watched = world.get("/api/campaigns/1?no_body=true").await;
    assert_eq!(
        (&watched["subject"], watched.get("body"), watched.get("altbody")),
        (&json!("Hi"), None, None)
    );
    // The same again is no new version.
    assert_eq!(world.order("PUT", url, &json!({ "subject": "Hi" })).await.data()["version"], 1);

    let all =
        json!({ "send_at": "2090-01-01T00:00:00Z", "settings": { "message_rate": 50 }, "altbody": null });
    let edited = world.order("PUT", url, &all).await.data();
    assert_eq!((&edited["version"], &edited["settings"]["message_rate"]), (&json!(2), &json!(50)));
    assert_eq!(
        (&edited["send_at"], &world.get(url).await["altbody"]),
        (&json!("2090-01-01T00:00:00Z"), &Value::Null)
    );
    assert_eq!(world.order("PUT", url, &json!({ "send_at": null })).await.data()["send_at"], Value::Null);
    for wrong in [
        json!({ "name": " " }),
        json!({ "body": "{{ subscriber.nmae }}" }),
        json!({ "lists": [7] }),
        json!({ "settings": { "message_rate": 1 } }),
        json!({ "not_after": "2090-01-01T00:00:00Z" }),
    ] {
        assert_eq!(world.order("PUT", url, &wrong).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn what_runs_is_not_edited_and_who_saw_an_older_one_neither() {
    let world = World::new().await;
    world.planned(2, 1, 2).await;
    let url = "/api/campaigns/1";
    let (code, message, stands) = world.order("PUT", url, &json!({ "subject": "Hi" })).await.conflict();
    assert_eq!((code, message.as_str()), (409, "campaign 1 is running and cannot be edited"));
    assert_eq!(stands["content_version"], 1);
    world.order("PUT", STATUS, &json!({ "status": "paused" })).await.data();
    let stale = world.order("PUT", url, &json!({ "subject": "Hi", "version": 1 })).await;
    assert_eq!(stale.conflict().0, 409);
    assert_eq!(world.order("PUT", url, &json!({ "subject": "Hi" })).await.data()["content_version"], 2);
}

#[tokio::test]
async fn who_is_to_be_tried_again_is_named_by_known_classes() {
    let world = World::new().await;
    world.planned(2, 1, 2).await;
    let url = "/api/campaigns/1/retry";
    let ids: Vec<u64> = (0..101).collect();
    for (body, sentence) in [
        (json!({ "classes": ["failed:mood"] }), "failed:mood is no class that can be tried again"),
        (json!({ "classes": ["accepted"] }), "accepted is no class"),
        (json!({ "classes": [] }), "classes is empty"),
        (json!({ "classes": ["failed:*"], "recipients": [] }), "recipients names 0"),
        (json!({ "classes": ["failed:*"], "recipients": ids }), "recipients names 101"),
        (json!({ "classes": ["failed:*"], "recipients": [1_u64 << 53] }), "53 bits"),
    ] {
        let (status, message) = world.order("POST", url, &body).await.refusal();
        assert!(status == 400 && message.contains(sentence), "{message}");
    }
    let (code, message, stands) =
        world.order("POST", url, &json!({ "classes": ["failed:*"] })).await.conflict();
    assert_eq!((code, message.as_str()), (409, "campaign 1 is running and cannot be retried"));
    assert_eq!(stands["status"], "running");
}

#[tokio::test]
async fn doubt_is_taken_for_accepted_once() {
    let world = World::new().await;
    let campaign = world.finished(4, 1, 4).await;
    let url = "/api/campaigns/1/resolve";
    let id = BatchId { campaign: campaign.id, lane: LaneNo(0), seq: 0 };
    world.doubt(id).await;
    let body = json!({ "action": "assume_accepted", "note": "the provider says so" });
    assert_eq!(world.order("POST", url, &body).await.data(), json!({ "resolved": 1, "left": 0 }));
    assert_eq!(world.order("POST", url, &body).await.data(), json!({ "resolved": 0, "left": 0 }));
    let batch = world.store().batch(id).await.unwrap().unwrap();
    assert!(batch.entries.iter().all(|entry| entry.state != RecipientState::InDoubt));
    assert_eq!(world.order("POST", url, &json!({ "action": "forget" })).await.status, 400);
    assert_eq!(world.order("POST", "/api/campaigns/9/resolve", &body).await.status, 404);
}
