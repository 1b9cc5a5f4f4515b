//! Settings: read, judged, changed whole or not at all.

use fanmail_domain::Settings;
use serde_json::{Value, json};

use super::world::{Answer, World};

const URL: &str = "/api/settings";

async fn put(world: &World, url: &str, body: &Value) -> Answer {
    world.request("PUT", url, "", &body.to_string()).await
}

async fn stored(world: &World) -> (Settings, u32) {
    world.store().settings_with_rev().await.unwrap()
}

#[tokio::test]
async fn settings_have_listmonks_keys() {
    let world = World::new().await;
    assert_eq!(
        world.get(URL).await,
        json!({
            "app.concurrency": 10, "app.message_rate": 10, "app.batch_size": 100, "app.max_conns": 8,
            "app.max_send_errors": 1000, "app.provider_rate": 0, "app.message_sliding_window": false,
            "app.message_sliding_window_duration": "1h", "app.message_sliding_window_rate": 10000,
            "smtp": [], "app.smtp_balance": "round_robin", "app.smtp_domain_conns": 0, "app.smtp_domain_rate": 0,
        })
    );
}

#[tokio::test]
async fn a_change_of_some_leaves_the_others() {
    let world = World::new().await;
    let window = json!({
        "app.message_sliding_window": true, "app.message_sliding_window_duration": "90s",
        "app.message_sliding_window_rate": 500, "app.message_rate": 20,
    });
    let put_ = put(&world, URL, &window).await.data();
    assert_eq!((&put_["applied"], &put_["errors"]), (&json!(true), &json!([])));
    assert_eq!(put_["warnings"][0]["numbers"]["wanted"], 18_000);
    let shown = world.get(URL).await;
    assert_eq!((&shown, &shown["app.message_sliding_window_duration"]), (&put_["settings"], &json!("90s")));
    let (settings, rev) = stored(&world).await;
    assert_eq!((settings.message_rate, settings.max_conns, rev), (20, 8, 1));
    // The same again is no change.
    put(&world, URL, &window).await.data();
    assert_eq!(stored(&world).await.1, 1);
}

#[tokio::test]
async fn a_dry_run_says_all_and_changes_nothing() {
    let world = World::new().await;
    let body = json!({ "app.message_rate": 1, "app.provider_rate": 5 });
    let dry = put(&world, "/api/settings?dry_run=true", &body).await.data();
    assert_eq!((&dry["applied"], &dry["settings"]["app.message_rate"]), (&json!(false), &json!(1)));
    assert_eq!(dry["errors"][0]["passes"], json!({ "app.batch_size": 42 }));
    assert_eq!(dry["errors"][0]["numbers"]["takes_s"], 100);
    assert_eq!(dry["errors"][1]["passes"], json!({ "app.concurrency": 5 }));

    let refused = put(&world, URL, &body).await;
    let same: Value = serde_json::from_str(&refused.body).unwrap();
    assert_eq!((refused.status, &same["data"]), (400, &dry));
    assert!(same["message"].as_str().unwrap().contains("42 at the most"));
    assert_eq!(stored(&world).await, (Settings::default(), 0));

    let fits = json!({ "app.message_rate": 1, "app.batch_size": 42 });
    let fits = put(&world, "/api/settings?dry_run=true", &fits).await.data();
    assert_eq!((&fits["applied"], &fits["errors"]), (&json!(false), &json!([])));
    assert_eq!(stored(&world).await.1, 0);
}

#[tokio::test]
async fn what_is_no_setting_or_no_number_is_refused_whole() {
    let world = World::new().await;
    for body in [
        r#"{ "app.message_rate": -1, "app.max_conns": 4 }"#,
        r#"{ "app.message_rate": 0, "app.max_conns": 4 }"#,
        r#"{ "app.message_rate": NaN }"#,
        r#"{ "app.message_rate": 1.5 }"#,
        r#"{ "app.message_rate": "10" }"#,
        r#"{ "message_rate": 10, "app.max_conns": 4 }"#,
        r#"{ "app.message_sliding_window": true, "app.message_sliding_window_duration": "0s" }"#,
        "[]",
    ] {
        let refused = world.request("PUT", URL, "", body).await.refusal();
        assert!(refused.0 == 400 && !refused.1.is_empty(), "{body}");
    }
    assert_eq!(stored(&world).await.1, 0);
    assert_eq!(put(&world, "/api/settings?dry_run=perhaps", &json!({})).await.status, 400);
}

#[tokio::test]
async fn concurrency_is_not_changed_where_nobody_can_apply_it() {
    let world = World::new().await;
    let (status, message) = put(&world, URL, &json!({ "app.concurrency": 3 })).await.refusal();
    assert!(status == 400 && message.contains("FANMAIL_SENDER_FUNCTION"), "{message}");
    assert_eq!(stored(&world).await.1, 0);
    // What stands can be said again.
    put(&world, URL, &json!({ "app.concurrency": 10 })).await.data();
}

#[tokio::test]
async fn a_concurrency_that_lambda_does_not_take_is_stored_and_said() {
    // Nobody listens there.
    let world = World::with_lambda("http://127.0.0.1:9").await;
    let (status, message) = put(&world, URL, &json!({ "app.concurrency": 3 })).await.refusal();
    assert_eq!(status, 502);
    assert!(message.contains("are stored") && message.contains("send the same request again"), "{message}");
    assert_eq!(stored(&world).await.0.concurrency, 3);
    // What does not name it does not need it.
    put(&world, URL, &json!({ "app.max_conns": 3 })).await.data();
}
