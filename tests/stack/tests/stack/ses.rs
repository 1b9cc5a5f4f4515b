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

/// S6.21, smaller: two senders, thirty tasks, and a provider that throttles every third message at the beginning.
/// Neither a sender that is not free nor one that is throttled uses a task's receives up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttling_sends_no_task_to_the_dead_letter_queue() {
    let world = World::on_ses_with(|config| {
        config.concurrency = 2;
        config.max_receive_count = 4;
    })
    .await;
    let list = world.list_of(&people("receives", 90)).await;
    let throttled = || Act::Refuse(400, "ThrottlingException", "Maximum sending rate exceeded.");
    let third = |number| if number % 3 == 0 { throttled() } else { Act::Accept };
    world.ses.as_ref().unwrap().script((0..18).map(third));
    let id = world.run(&Campaign::to([list]).batches_of(3)).await;
    assert_eq!(ends(&world.until(id, "finished").await), [90, 0, 0, 0]);
    assert_eq!(world.count("batches-dead").await, 0);
    world.finish().await;
}
