//! A campaign through Amazon SES, as played by a server on this machine.

use std::time::{Duration, Instant};

use fanmail_ses::stub::Act;
use serde_json::{Value, json};

use crate::harness::{Campaign, World, ends, people, sent};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_gets_it_once_and_each_message_carries_its_place() {
    let world = World::on_ses().await;
    let list = world.list_of(&people("ses", 120)).await;
    let begun = Instant::now();
    let id = world.run(&Campaign::to([list]).batches_of(40)).await;
    assert_eq!(ends(&world.until(id, "finished").await), [120, 0, 0, 0]);
    // The account may send 14 per second, the settings' rate is far above.
    assert!(begun.elapsed() >= Duration::from_secs(7), "faster than SES allows: {:?}", begun.elapsed());

    let bodies = sent(world.ses.as_ref().unwrap());
    assert_eq!(bodies.len(), 120);
    for body in &bodies {
        let tag = |name: &str| -> Value {
            let tags = body["EmailTags"].as_array().unwrap();
            tags.iter().find(|tag| tag["Name"] == name).map_or(Value::Null, |tag| tag["Value"].clone())
        };
        assert_eq!(
            (tag("campaign"), &body["ConfigurationSetName"]),
            (json!(id.0.to_string()), &json!("campaigns"))
        );
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_throttles_costs_nobody_their_message() {
    let world = World::on_ses().await;
    let list = world.list_of(&people("slower", 60)).await;
    let slower = || Act::Refuse(429, "TooManyRequestsException", "Maximum sending rate exceeded.");
    // The first request may be the one for the account's quota.
    world.ses.as_ref().unwrap().script((0..4).map(|_| slower()));
    let id = world.run(&Campaign::to([list]).batches_of(20)).await;
    assert_eq!(ends(&world.until(id, "finished").await), [60, 0, 0, 0]);
    assert_eq!(sent(world.ses.as_ref().unwrap()).len(), 60);
    world.finish().await;
}
