//! Mail servers that are settings: several of them, a dead one among them, and others while a campaign runs.

use fanmail::stack::Provider;
use serde_json::{Value, json};

use crate::harness::{Campaign, PATIENCE, World, ends, people};

/// A server of the settings without authentication and encryption.
fn server(host: &str, port: u16) -> Value {
    json!({ "host": host, "port": port, "auth_protocol": "none", "tls_type": "none", "max_conns": 4 })
}

async fn put(world: &World, body: &Value) {
    let _turn = world.calls.acquire().await.unwrap();
    let answer: Value = world.api.send("PUT", "/api/settings", body).await.unwrap();
    assert_eq!(answer["applied"], true, "{answer}");
}

/// A port of this machine on which nothing listens.
fn dead_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_go_through_the_servers_of_the_settings_and_a_dead_one_loses_nobody() {
    let nowhere = format!("smtp://127.0.0.1:{}", dead_port());
    let world = World::lasting(|config| config.provider = Provider::Relay(nowhere)).await;
    let list = world.list_of(&people("servers", 300)).await;
    let port = world.inbox().smtp_addr().port();
    let servers = [server("127.0.0.1", dead_port()), server("127.0.0.1", port), server("localhost", port)];
    put(&world, &json!({ "smtp": servers, "app.smtp_balance": "least_connections", "app.batch_size": 40 }))
        .await;

    let id = world.run(&Campaign::to([list])).await;

    assert_eq!(ends(&world.until(id, "finished").await), [300, 0, 0, 0]);
    assert_eq!(world.inbox().accepted(), 300);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_servers_take_over_while_a_campaign_runs() {
    let world = World::start().await;
    let list = world.list_of(&people("takeover", 400)).await;
    let id = world.run(&Campaign::to([list]).batches_of(20).paced(25, 2)).await;
    world.inbox().wait_for(|now| now.accepted >= 50, PATIENCE).await.unwrap();

    let port = world.inbox().smtp_addr().port();
    put(&world, &json!({ "smtp": [server("localhost", port)], "app.batch_size": 20 })).await;

    assert_eq!(ends(&world.until(id, "finished").await), [400, 0, 0, 0]);
    let log = std::fs::read_to_string(world.stack().log("sender")).unwrap();
    assert!(log.contains("mail servers of revision 1"), "nobody looked at the settings");
    world.finish().await;
}
