//! Who is let in, how long, and what it costs.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fanmail_domain::{ApiToken, Timestamp};
use fanmail_engine::ports::Conditional;
use fanmail_runtime::vars::Vars;
use fanmail_store::{SCHEMA_VERSION, StoredToken};
use serde_json::{Value, json};

use super::world::World;
use crate::auth::Auth;
use crate::response::ApiError;

const THEN: Timestamp = Timestamp(1_700_000_000_000);
const SECOND: Duration = Duration::from_secs(1);

/// A token that is stored, as whoever has it shows it.
async fn made(world: &World, name: &str, seed: u8) -> String {
    let token = ApiToken::from_bytes([seed; 32]);
    let stored = StoredToken { name: name.parse().unwrap(), hash: token.hash(), created_at: THEN };
    assert_eq!(world.store().create_token(&stored).await.unwrap(), Conditional::Applied);
    format!("token {name}:{}", token.reveal())
}

fn auth(vars: &[(&str, &str)]) -> Auth {
    let mut vars = Vars::new(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let auth = Auth::from_vars(&mut vars);
    vars.finish().unwrap();
    auth
}

/// Who is let in, and how many requests to DynamoDB that took.
async fn ask(world: &World, auth: &Auth, now: Timestamp, header: &str) -> (Option<String>, u64) {
    let _ = world.store().take_usage();
    let caller = match auth.caller(world.store(), now, header).await {
        Ok(caller) => Some(caller),
        Err(ApiError::Refused(403, message)) => {
            assert!(!message.contains("fanmail_"), "{message}");
            None
        }
        Err(other) => panic!("{other:?}"),
    };
    (caller, world.store().take_usage().requests)
}

#[tokio::test]
async fn a_token_that_was_taken_back_opens_nothing_a_minute_later() {
    let (world, auth) = (World::new().await, auth(&[]));
    let header = made(&world, "deploy", 1).await;
    let deploy = || Some("deploy".to_owned());
    assert_eq!(ask(&world, &auth, THEN, &header).await, (deploy(), 1));
    world.store().revoke_token(&"deploy".parse().unwrap()).await.unwrap();
    let last = THEN.after(59 * SECOND);
    assert_eq!(ask(&world, &auth, last, &header).await, (deploy(), 0), "what was read serves for a minute");
    assert_eq!(ask(&world, &auth, THEN.after(60 * SECOND), &header).await, (None, 1));
}

#[tokio::test]
async fn a_new_token_opens_at_once_and_a_flood_of_wrong_ones_costs_a_read_a_second() {
    let (world, auth) = (World::new().await, auth(&[]));
    let first = made(&world, "first", 1).await;
    assert_eq!(ask(&world, &auth, THEN, &first).await, (Some("first".to_owned()), 1));
    let new = made(&world, "second", 2).await;
    let now = THEN.after(SECOND);
    assert_eq!(ask(&world, &auth, now, &new).await, (Some("second".to_owned()), 1));
    let mut reads = 0;
    for n in 0..200_u8 {
        let other = ApiToken::from_bytes([n.wrapping_add(3); 32]);
        let at = now.after(Duration::from_millis(u64::from(n) * 10));
        let (caller, read) = ask(&world, &auth, at, &format!("token flood-{n}:{}", other.reveal())).await;
        assert_eq!(caller, None, "{n}");
        reads += read;
    }
    assert_eq!(reads, 1, "200 wrong tokens in two seconds");
}

#[tokio::test]
async fn a_name_opens_with_its_own_token_only() {
    let (world, auth) = (World::new().await, auth(&[]));
    let (ann, bob) = (made(&world, "ann", 1).await, made(&world, "bob", 2).await);
    let crossed = ann.replace("ann", "bob");
    let almost = format!("{}0", &bob[..bob.len() - 1]);
    for wrong in [&crossed, &almost, &ann.replace("ann", "Ann"), &ann.replace("ann", "eve")] {
        assert_eq!(ask(&world, &auth, THEN.after(5 * SECOND), wrong).await.0, None, "{wrong}");
    }
    assert_eq!(ask(&world, &auth, THEN.after(5 * SECOND), &bob).await.0.as_deref(), Some("bob"));
}

#[tokio::test]
async fn what_is_no_token_is_refused_without_a_read() {
    let (world, auth) = (World::new().await, auth(&[]));
    let short = format!("token deploy:{}", "x".repeat(48));
    let basic = "Basic ZGVwbG95OnNlY3JldA==";
    for header in ["", "Bearer abc", "token deploy:secret", "token deploy:fanmail_00", basic, &short] {
        assert_eq!(ask(&world, &auth, THEN, header).await, (None, 0), "{header}");
    }
}

#[tokio::test]
async fn a_clock_that_is_put_back_makes_no_token_younger() {
    let (world, auth) = (World::new().await, auth(&[]));
    let header = made(&world, "deploy", 1).await;
    assert!(ask(&world, &auth, THEN.after(3_600 * SECOND), &header).await.0.is_some());
    world.store().revoke_token(&"deploy".parse().unwrap()).await.unwrap();
    assert_eq!(ask(&world, &auth, THEN, &header).await.0, None);
}

#[tokio::test]
async fn only_health_and_links_to_unsubscribe_need_no_token() {
    let world = World::with_auth(auth(&[])).await;
    assert_eq!(world.get("/api/health").await, true);
    let refused =
        (403, "this needs an API token: send the header `Authorization: token name:token`".to_owned());
    for (method, url) in [
        ("GET", "/api/lists"),
        ("POST", "/api/lists"),
        ("POST", "/api/health"),
        ("GET", "/api/health/x"),
        ("GET", "/api/campaigns/1/recipients"),
        ("PUT", "/api/settings"),
        ("GET", "/unsubscribe"),
        ("DELETE", "/unsubscribe/1/2/x"),
        ("GET", "/api/unsubscribe/1/2/x"),
        ("GET", "/unsubscribe%2F1%2F2%2Fx"),
        ("GET", "/"),
        ("GET", "/nothing"),
    ] {
        assert_eq!(world.request(method, url, "", "{}").await.refusal(), refused, "{method} {url}");
    }
    let link = (404, "there is no such link".to_owned());
    for method in ["GET", "POST"] {
        assert_eq!(world.request(method, "/unsubscribe/1/2/x", "", "").await.refusal(), link, "{method}");
    }
    assert_eq!(world.store().take_usage().requests, 0, "somebody without a token caused a read");
}

#[tokio::test]
async fn the_journal_names_whose_token_it_was() {
    let world = World::with_auth(auth(&[])).await;
    world.planned(2, 1, 2).await;
    let header = made(&world, "night-shift", 1).await;
    let body = json!({ "status": "paused", "note": "too many bounces" }).to_string();
    let paused = world.authorized("PUT", "/api/campaigns/1/status", &header, &body).await.data();
    assert_eq!(paused["status"], "paused");
    let journal = world.authorized("GET", "/api/campaigns/1/journal", &header, "").await.data();
    let line = journal["results"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&line["by"], line["text"].as_str().unwrap().contains("too many")),
        (&json!("night-shift"), true)
    );
}

#[tokio::test]
async fn an_open_api_asks_nobody_and_knows_nobody() {
    let world = World::with_auth(auth(&[("FANMAIL_API_AUTH", "open")])).await;
    assert_eq!(world.get("/api/profile").await["username"], "user");
}

#[test]
fn a_mode_or_an_age_that_is_none_is_told_at_the_start() {
    for (name, value, sentence) in [
        ("FANMAIL_API_AUTH", "opne", "FANMAIL_API_AUTH: it is neither tokens nor open"),
        ("FANMAIL_TOKEN_CACHE_S", "61", "FANMAIL_TOKEN_CACHE_S: it is no number of seconds from 1 to 60"),
    ] {
        let mut vars = Vars::new([(name.to_owned(), value.to_owned())]);
        let _ = Auth::from_vars(&mut vars);
        assert!(vars.finish().unwrap_err().to_string().ends_with(sentence));
    }
}

#[tokio::test]
async fn tables_of_another_version_are_told_and_not_written_to() {
    let world = World::new_process_on_version(SCHEMA_VERSION + 1).await;
    let answer = world.request("POST", "/api/lists", "", r#"{"name": "News"}"#).await;
    let (status, message) = answer.refusal();
    assert_eq!(status, 503, "{message}");
    let told = format!("table audience is of version {}, and this fanmail reads", SCHEMA_VERSION + 1);
    assert!(message.starts_with(&told), "{message}");
}

/// A recorded event of API Gateway (payload format 2.0), with this header.
fn recorded(text: &str, authorization: &str) -> Value {
    serde_json::from_str(&text.replace("{authorization}", authorization)).unwrap()
}

#[tokio::test]
async fn events_of_api_gateway_are_understood() {
    let world = World::with_auth(auth(&[])).await;
    let token = made(&world, "deploy", 1).await;
    let basic = format!("Basic {}", BASE64_STANDARD.encode(token.trim_start_matches("token ")));
    let get = include_str!("events/get.json");
    for header in [&token, &basic] {
        let answer = world.event(recorded(get, header)).await;
        assert_eq!(answer.data()["username"], "deploy");
    }
    // A header that was sent twice arrives as one, its values joined by commas.
    let twice = world.event(recorded(get, &format!("{token},{token}"))).await;
    assert_eq!(twice.refusal(), (403, "invalid API credentials".to_owned()));
    // Of a stage that has a name, the path begins with it; header names come as they were sent.
    let staged = recorded(include_str!("events/stage.json"), &token);
    assert_eq!(world.event(staged).await.data()["username"], "deploy");
    let posted = world.event(recorded(include_str!("events/post.json"), &token)).await;
    assert_eq!(posted.data()["name"], "News");
}
