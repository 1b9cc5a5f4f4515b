//! Mail servers: listmonk's keys, judged with the settings, and never a secret among them.

use fanmail_domain::{SecretRef, servers::Balance};
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
