//! Mail servers: listmonk's keys, judged with the settings, and never a secret among them.

use fanmail_domain::{SecretRef, servers::Balance};
use fanmail_inbox::{Auth, Credentials, Inbox, InboxConfig};
use serde_json::{Value, json};

use super::world::{Answer, World};

async fn put(world: &World, url: &str, body: &Value) -> Answer {
    world.request("PUT", url, "", &body.to_string()).await
}

fn server(password: &str) -> Value {
    json!({
        "enabled": true, "host": "mx.test", "port": 465, "auth_protocol": "login", "username": "fan",
        "password": password, "tls_type": "TLS", "max_conns": 4, "idle_timeout": "15s", "wait_timeout": "5s",
        "max_msg_retries": 2, "tls_skip_verify": false, "email_headers": [], "hello_hostname": "",
    })
}

#[tokio::test]
async fn servers_are_stored_under_listmonks_keys() {
    let world = World::new().await;
    let body = json!({ "smtp": [server("ssm:/fanmail/relay")], "app.smtp_balance": "least_connections" });
    let answer = put(&world, "/api/settings", &body).await.data();
    assert_eq!((&answer["applied"], &answer["warnings"]), (&json!(true), &json!([])));

    let shown = world.get("/api/settings").await;
    assert_eq!((&shown, &shown["smtp"][0]["tls_type"]), (&answer["settings"], &json!("TLS")));
    let (servers, rev) = world.store().servers_with_rev().await.unwrap();
    let password = servers.smtp[0].password.clone();
    assert_eq!((servers.balance, rev), (Balance::LeastConnections, 1));
    assert_eq!(password, Some(SecretRef::Ssm("/fanmail/relay".into())));

    put(&world, "/api/settings", &json!({ "app.smtp_domain_conns": 2 })).await.data();
    let (servers, rev) = world.store().servers_with_rev().await.unwrap();
    assert_eq!((servers.smtp.len(), servers.domain_conns, rev), (1, 2, 2), "what is left out stays");
}

#[tokio::test]
async fn a_password_is_refused_and_not_repeated() {
    let world = World::new().await;
    let answer = put(&world, "/api/settings", &json!({ "smtp": [server("geheim")] })).await;
    let (status, sentence) = answer.refusal();
    assert!(status == 400 && sentence.contains("a secret is named and never given"), "{sentence}");
    assert!(!sentence.contains("geheim"));
    assert_eq!(world.store().servers_with_rev().await.unwrap().1, 0);
}

#[tokio::test]
async fn one_wrong_server_refuses_the_whole_change() {
    let world = World::new().await;
    let mut wrong = server("env:PASSWORD");
    wrong["host"] = "".into();
    let body = json!({ "smtp": [wrong], "app.message_rate": 20 });
    let dry = put(&world, "/api/settings?dry_run=true", &body).await.data();
    assert_eq!((&dry["applied"], &dry["errors"][0]["key"]), (&json!(false), &json!("smtp")));

    let (status, sentence) = put(&world, "/api/settings", &body).await.refusal();
    assert_eq!((status, sentence.as_str()), (400, "smtp[0]: host is a name or an address"));
    assert_eq!(world.store().settings_with_rev().await.unwrap().1, 0);
    for (body, words) in [
        (json!({ "smtp": {} }), "smtp: "),
        (json!({ "app.smtp_balance": "best" }), "app.smtp_balance: unknown variant"),
        (json!({ "smtp": [{ "hots": "x" }] }), "unknown field `hots`"),
    ] {
        let (status, sentence) = put(&world, "/api/settings", &body).await.refusal();
        assert!(status == 400 && sentence.contains(words), "{sentence}");
    }
}

/// A trial of a server on this machine, as listmonk asks for it.
fn trial(port: u16, password: &str) -> Value {
    json!({
        "host": "127.0.0.1", "port": port, "auth_protocol": "plain", "username": "fan", "password": password,
        "tls_type": "none", "email": "ann@example.org", "from_email": "News <news@acme.example>",
    })
}

async fn try_server(world: &World, body: &Value) -> Answer {
    world.request("POST", "/api/settings/smtp/test", "", &body.to_string()).await
}

#[tokio::test]
async fn a_trial_sends_one_mail_and_shows_the_dialogue_without_the_secret() {
    let world = World::new().await;
    let credentials = Credentials { user: "fan".to_owned(), password: "geheim".to_owned() };
    let config = InboxConfig { auth: Auth::Only(vec![credentials]), ..InboxConfig::default() };
    let inbox = Inbox::start(config).await.unwrap();
    let port = inbox.smtp_addr().port();

    let shown = try_server(&world, &trial(port, "env:FANMAIL_SECRET_RELAY")).await.data();
    assert_eq!((&shown["sent"], inbox.accepted()), (&json!(true), 1));
    let dialogue = shown["dialogue"].to_string();
    for words in ["C: AUTH PLAIN ***", "C: RCPT TO:<ann@example.org>", "S: 250"] {
        assert!(dialogue.contains(words), "{dialogue}");
    }
    assert!(!dialogue.contains("geheim") && !dialogue.contains("AGZhbg"), "{dialogue}");

    let (status, sentence) = try_server(&world, &trial(port, "env:OTHER")).await.refusal();
    assert_eq!((status, sentence.as_str()), (400, "the environment has no variable OTHER"));
    inbox.shutdown().await;
    let unreachable = try_server(&world, &trial(port, "env:FANMAIL_SECRET_RELAY")).await;
    let (status, sentence) = unreachable.refusal();
    assert!(status == 502 && sentence.contains("refuses connections"), "{sentence}");
}

#[tokio::test]
async fn a_trial_needs_two_addresses_and_a_server() {
    let world = World::new().await;
    for (body, words) in [
        (json!([]), "a server is an object of keys"),
        (json!({ "host": "mx.test" }), "email is missing"),
        (json!({ "host": "mx.test", "email": "ann@example.org" }), "from_email is missing"),
        (json!({ "host": "mx.test", "email": "ann", "from_email": "a@b.example" }), "a username is missing"),
        (
            json!({ "host": "m", "auth_protocol": "none", "email": "ann", "from_email": "a@b.example" }),
            "email: ",
        ),
    ] {
        let (status, sentence) = try_server(&world, &body).await.refusal();
        assert!(status == 400 && sentence.contains(words), "{sentence}");
    }
}
