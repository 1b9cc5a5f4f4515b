//! The HTTP API over plain HTTP, with the real functions behind it.

use fanmail::send::ClientError;
use fanmail_engine::ports::Clock;
use fanmail_runtime::SystemClock;
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::up::{Up, campaign, http};

/// The status and the sentence of a refusal.
#[track_caller]
fn refusal(answer: Result<Value, ClientError>) -> (u16, String) {
    match answer {
        Err(ClientError::Refused { status, message }) => (status, message),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_campaign_from_its_list_to_its_end() {
    let scene = Scene::new(0);
    let up = Up::start(&scene, &[]).await;
    assert_eq!(up.get("/api/health").await, true);

    let path = up.campaign(30, json!({ "message_rate": 500 })).await;
    let draft = up.get(&path).await;
    assert_eq!(
        (&draft["status"], &draft["to_send"], &draft["name"]),
        (&json!("draft"), &json!(0), &json!("News"))
    );
    assert_eq!(up.get("/api/lists").await["results"][0]["subscriber_count"], 30);
    assert_eq!(up.get("/api/campaigns").await["results"][0]["id"], draft["id"]);

    let started = up.set_status(&path, "running").await.unwrap();
    assert_eq!(started["status"], "running");
    let ended = up.wait_for(&path, |campaign| campaign["status"] == "finished").await;

    assert_eq!((&ended["to_send"], &ended["sent"]), (&json!(30), &json!(30)));
    let caught = http("GET", &format!("{}/api/stats", up.inbox_url), "").await.1;
    let caught: Value = serde_json::from_str(&caught).unwrap();
    assert_eq!((&caught["accepted"], &caught["recipients"]), (&json!(30), &json!(30)));
    up.stop(&scene).await;
}

#[tokio::test]
async fn an_unsubscribe_link_works_once_it_is_used_and_not_when_it_is_looked_at() {
    let scene = Scene::new(0);
    let up = Up::start(&scene, &[]).await;
    let path = up.campaign(1, json!({})).await;
    up.set_status(&path, "running").await.unwrap();
    up.wait_for(&path, |campaign| campaign["status"] == "finished").await;
    let link = unsubscribe_link(&up).await;

    // A scanner follows the link: nothing changes, and the next campaign still reaches the person.
    let (status, page) = http("GET", &link, "").await;
    assert!(status == 200 && page.contains("<form method=\"post\">"), "{status} {page}");
    assert_eq!(next_campaign(&up).await, json!({ "accepted": 1, "skipped": 0 }));

    // The mail program's one click (RFC 8058), repeated.
    for _ in 0..2 {
        let (status, page) = http("POST", &link, "List-Unsubscribe=One-Click").await;
        assert!(status == 200 && page.contains("You are unsubscribed"), "{status} {page}");
    }
    assert_eq!(next_campaign(&up).await, json!({ "accepted": 0, "skipped": 0 }));
    let list = up.get("/api/lists").await["results"][0]["id"].clone();
    let imported = up.import(&list, "email\np0@example.org\n").await.unwrap();
    assert_eq!(imported["kept_unsubscribed"], 1, "an import brought back who had unsubscribed");

    let (right, token) = link.rsplit_once('/').unwrap();
    // A digit in capitals is the same digit.
    let other = if token.starts_with('a') { "b" } else { "a" };
    for wrong in [
        format!("{right}/{other}{}", &token[1..]),
        format!("{right}/x"),
        format!("{}/unsubscribe/1/2/3", up.api_url),
    ] {
        for method in ["GET", "POST"] {
            let (status, body) = http(method, &wrong, "").await;
            assert_eq!(
                (status, body.as_str()),
                (404, "{\"message\":\"there is no such link\"}"),
                "{method} {wrong}"
            );
        }
    }
    up.stop(&scene).await;
}

/// The link in the header of the first caught mail.
async fn unsubscribe_link(up: &Up) -> String {
    let (_, mail) = http("GET", &format!("{}/messages/1.eml", up.inbox_url), "").await;
    let unfolded = mail.replace("\r\n ", " ").replace("\r\n\t", " ");
    let header =
        unfolded.lines().find_map(|line| line.strip_prefix("List-Unsubscribe: ")).expect("no header");
    assert!(unfolded.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{unfolded}");
    header.trim().trim_start_matches('<').trim_end_matches('>').to_owned()
}

/// Sends another campaign to the same list, and says what came of it.
async fn next_campaign(up: &Up) -> Value {
    let list = up.get("/api/lists").await["results"][0]["id"].clone();
    let created: Value = up.api.send("POST", "/api/campaigns", &campaign(&list, json!({}))).await.unwrap();
    let path = format!("/api/campaigns/{}", created["id"]);
    up.set_status(&path, "running").await.unwrap();
    let ended = up.wait_for(&path, |campaign| campaign["status"] == "finished").await;
    json!({ "accepted": ended["states"]["accepted"], "skipped": ended["states"]["skipped"] })
}

#[tokio::test]
async fn a_campaign_can_be_paused_and_goes_on() {
    let scene = Scene::new(0);
    let up = Up::start(&scene, &[]).await;
    let path = up.campaign(60, json!({ "message_rate": 10, "batch_size": 10 })).await;
    up.set_status(&path, "running").await.unwrap();
    up.wait_for(&path, |campaign| campaign["sent"].as_u64() > Some(0)).await;

    let paused = up.set_status(&path, "paused").await.unwrap();
    assert_eq!((&paused["status"], &paused["status_reason"]), (&json!("paused"), &json!("user")));
    assert!(paused["sent"].as_u64() < Some(60), "{paused}");
    up.set_status(&path, "paused").await.unwrap();

    up.set_status(&path, "running").await.unwrap();
    let ended = up.wait_for(&path, |campaign| campaign["status"] == "finished").await;
    assert_eq!((&ended["sent"], &ended["states"]["in_doubt"]), (&json!(60), &json!(0)));
    assert_eq!(
        refusal(up.set_status(&path, "running").await),
        (409, "campaign 1 is finished and cannot become running".to_owned())
    );
    up.stop(&scene).await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_a_sentence() {
    let scene = Scene::new(0);
    let up = Up::start(&scene, &[]).await;
    let path = up.campaign(1, json!({})).await;

    let draft = refusal(up.set_status(&path, "paused").await);
    assert_eq!(draft, (409, "campaign 1 is draft and cannot become paused".to_owned()));
    let unknown_status = refusal(up.set_status(&path, "flying").await);
    assert_eq!(
        unknown_status,
        (400, "status can be set to `scheduled`, `running`, `paused`, `cancelled` or `draft`".to_owned())
    );
    assert_eq!(refusal(up.set_status("/api/campaigns/99", "running").await).0, 404);
    assert_eq!(refusal(up.api.get("/api/campaigns/99").await), (404, "there is no such campaign".to_owned()));
    assert_eq!(refusal(up.api.get("/api/lists/x").await), (404, "there is no such list".to_owned()));
    assert_eq!(refusal(up.api.get("/api/nothing").await), (404, "there is no GET api/nothing".to_owned()));

    let no_list = refusal(up.import(&json!(7), "email\nann@example.org\n").await);
    assert_eq!(no_list, (400, "there is no list 7".to_owned()));
    let no_column = refusal(up.import(&json!(1), "name\nAnn\n").await);
    assert!(no_column.0 == 400 && no_column.1.contains("no column `email`"), "{no_column:?}");

    let with = |name: &str, value: Value| {
        let mut body = campaign(&json!(1), json!({}));
        body[name] = value;
        body
    };
    for (name, value, sentence) in [
        ("body", json!("{{ subscriber.nmae }}"), "there is no variable subscriber.nmae"),
        ("body", json!("a\n{{ subscriber"), "line 2"),
        ("from_email", json!("Acme"), "From header"),
        ("from_email", json!("a@b.example\r\nBcc: c@d.example"), "line break"),
        ("lists", json!([]), "at least one list"),
        ("lists", json!([9]), "there is no list 9"),
        ("settings", json!({ "batch_size": 101 }), "batch_size"),
        ("send_at", json!("2090-01-01T00:00:00"), "send_at has no offset"),
        ("send_at", json!("2001-01-01T00:00:00Z"), "send_at is in the past"),
        ("settings", json!({ "message_rate": 1 }), "can be 42 at the most"),
    ] {
        let (status, message) = refusal(up.api.send("POST", "/api/campaigns", &with(name, value)).await);
        assert!(status == 400 && message.contains(sentence), "{name}: {status} {message}");
    }
    let (status, message) = refusal(up.api.send("POST", "/api/lists", &json!({ "optin": "single" })).await);
    assert!(status == 400 && message.contains("name"), "{message}");
    up.stop(&scene).await;
}

#[tokio::test]
async fn settings_change_under_a_running_campaign_and_nobody_is_lost() {
    let scene = Scene::new(0);
    let up = Up::start(&scene, &["--concurrency", "1", "--data-dir", "data"]).await;
    assert_eq!(up.get("/api/settings").await["app.concurrency"], 1);
    let slow = json!({ "app.message_rate": 5, "app.batch_size": 10 });
    let _: Value = up.api.send("PUT", "/api/settings", &slow).await.unwrap();
    let path = up.campaign(400, json!({})).await;
    up.set_status(&path, "running").await.unwrap();
    up.wait_for(&path, |campaign| campaign["sent"].as_u64() > Some(0)).await;

    // At 5 per second this campaign would take longer than a test waits.
    let fast = json!({ "app.message_rate": 500, "app.concurrency": 3 });
    let put: Value = up.api.send("PUT", "/api/settings", &fast).await.unwrap();
    assert_eq!((&put["applied"], &put["settings"]["app.concurrency"]), (&json!(true), &json!(3)));
    let reserved = format!("{}/2019-09-30/functions/sender/concurrency", up.lambda_url);
    assert_eq!(http("GET", &reserved, "").await.1, r#"{"ReservedConcurrentExecutions":3}"#);
    let sources = format!("{}/2015-03-31/event-source-mappings?FunctionName=sender", up.lambda_url);
    assert!(http("GET", &sources, "").await.1.contains(r#""MaximumConcurrency":3"#));
    let edit = refusal(up.api.send("PUT", &path, &json!({ "subject": "Hi" })).await);
    assert_eq!(edit, (409, "campaign 1 is running and cannot be edited".to_owned()));

    let ended = up.wait_for(&path, |campaign| campaign["status"] == "finished").await;
    assert_eq!((&ended["sent"], &ended["states"]["in_doubt"]), (&json!(400), &json!(0)));
    up.stop(&scene).await;

    // Without the flag, what was set stands.
    let up = Up::start(&scene, &["--data-dir", "data"]).await;
    assert_eq!(up.get("/api/settings").await["app.concurrency"], 3);
    let reserved = format!("{}/2019-09-30/functions/sender/concurrency", up.lambda_url);
    assert_eq!(http("GET", &reserved, "").await.1, r#"{"ReservedConcurrentExecutions":3}"#);
    up.stop(&scene).await;
}

#[tokio::test]
async fn a_schedule_that_fires_twice_starts_its_campaign_once() {
    let scene = Scene::new(0);
    let up = Up::start(&scene, &[]).await;
    let path = up.campaign(3, json!({})).await;
    let soon = SystemClock::new().now().after(std::time::Duration::from_secs(2));
    let soon = aws_sdk_sqs::primitives::DateTime::from_millis(i64::try_from(soon.0).unwrap());
    let send_at = soon.fmt(aws_sdk_sqs::primitives::DateTimeFormat::DateTime).unwrap();
    let scheduled = json!({ "status": "scheduled", "send_at": send_at });
    let _: Value = up.api.send("PUT", &format!("{path}/status"), &scheduled).await.unwrap();

    // Whether early, in time or late: who fires it does no harm.
    let fire = format!("{}/2015-03-31/functions/start/invocations", up.lambda_url);
    let ended = loop {
        assert_eq!(http("POST", &fire, r#"{"campaign":1}"#).await.0, 200);
        let campaign = up.get(&path).await;
        if campaign["status"] == "finished" {
            break campaign;
        }
        assert!(campaign["status"] == "scheduled" || campaign["status"] == "running", "{campaign}");
    };
    assert_eq!((&ended["sent"], &ended["epoch"]), (&json!(3), &json!(1)));
    up.stop(&scene).await;
}

#[tokio::test]
async fn a_port_in_use_is_said_and_nothing_is_made() {
    let scene = Scene::new(0);
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = taken.local_addr().unwrap();

    let done = scene.run(&["up", "--port", &addr.port().to_string(), "--data-dir", "data"]).await.exits(2);

    let sentence = format!(
        "fanmail: cannot listen on {addr} for the HTTP API, stop what runs there or choose another port with \
         --port: Address already in use (os error 98)\n"
    );
    assert_eq!(done.stderr, sentence);
    assert_eq!(scene.names(), ["list.csv", "mail.html", "tmp"]);
    scene.is_quiet().await;
}

#[tokio::test]
async fn what_was_made_survives_in_its_folder() {
    let scene = Scene::new(0);
    let up = Up::start(&scene, &["--data-dir", "data"]).await;
    let path = up.campaign(3, json!({})).await;
    up.stop(&scene).await;

    let up = Up::start(&scene, &["--data-dir", "data"]).await;
    assert_eq!(up.get(&path).await["status"], "draft");
    up.set_status(&path, "running").await.unwrap();
    let ended = up.wait_for(&path, |campaign| campaign["status"] == "finished").await;
    assert_eq!(ended["sent"], 3);
    up.stop(&scene).await;
}
