//! The senders' concurrency, as the Lambda API is asked for it.

use fanmail_runtime::stub::Stub;
use serde_json::{Value, json};

use super::world::{Answer, World};

const UUID: &str = "a1b2c3d4-5678-90ab-cdef-11111EXAMPLE";

/// A mapping whose maximum is `maximum` (Lambda API reference, `GetEventSourceMapping`).
fn mapping(maximum: u32) -> (u16, &'static str, String) {
    let mapping = json!({
        "UUID": UUID, "BatchSize": 1, "State": "Enabled", "ScalingConfig": { "MaximumConcurrency": maximum },
        "EventSourceArn": "arn:aws:sqs:eu-west-1:123456789012:mails-batches",
        "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:mails-sender:live",
    });
    (200, "", mapping.to_string())
}

fn reserved(senders: u32) -> (u16, &'static str, String) {
    (200, "", json!({ "ReservedConcurrentExecutions": senders }).to_string())
}

async fn put(world: &World, senders: u32) -> Answer {
    let body = json!({ "app.concurrency": senders }).to_string();
    world.request("PUT", "/api/settings", "", &body).await
}

/// What was asked, as method and end of the path, and with which number.
async fn asked(stub: Stub) -> Vec<(String, Value)> {
    let asked = stub.asked().await.into_iter().map(|asked| {
        let mut words = asked.line.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let end = path.trim_end_matches('/').rsplit('/').next().unwrap();
        let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        let numbers = [&body["ReservedConcurrentExecutions"], &body["ScalingConfig"]["MaximumConcurrency"]];
        let number = numbers.into_iter().find(|number| !number.is_null()).cloned();
        (format!("{method} {end}"), number.unwrap_or_default())
    });
    asked.collect()
}

#[tokio::test]
async fn more_are_reserved_first_and_fewer_first_taken_from_the_pollers() {
    for (stands, order) in [(2, ["concurrency", UUID]), (5, [UUID, "concurrency"])] {
        let changed = if stands == 2 { [reserved(3), mapping(3)] } else { [mapping(3), reserved(3)] };
        let stub = Stub::answering([vec![mapping(stands)], changed.to_vec()].concat()).await;
        let world = World::with_sender(&stub.url, &[("FANMAIL_SENDER_MAPPING", UUID)]).await;
        put(&world, 3).await.data();
        let expected = [
            (format!("GET {UUID}"), Value::Null),
            (format!("PUT {}", order[0]), json!(3)),
            (format!("PUT {}", order[1]), json!(3)),
        ];
        assert_eq!(asked(stub).await, expected);
    }
}

#[tokio::test]
async fn where_nothing_is_reserved_the_event_source_is_the_limit() {
    let stub = Stub::answering(vec![mapping(5), mapping(3)]).await;
    let off = [("FANMAIL_SENDER_MAPPING", UUID), ("FANMAIL_SENDER_RESERVED", "off")];
    let world = World::with_sender(&stub.url, &off).await;
    let (status, message) = put(&world, 1).await.refusal();
    assert!(status == 400 && message.contains("is at least 2"), "{message}");
    put(&world, 3).await.data();
    assert_eq!(asked(stub).await[1], (format!("PUT {UUID}"), json!(3)));
}

#[tokio::test]
async fn a_change_that_another_one_is_in_the_way_of_is_asked_for_again() {
    let busy = (409, "ResourceConflictException", r#"{"Type":"User","Message":"an update is in progress"}"#);
    let in_use = (400, "ResourceInUseException", r#"{"Type":"User","Message":"it is being updated"}"#);
    let said = |(status, name, body): (u16, &'static str, &str)| (status, name, body.to_owned());
    let answers = vec![mapping(2), said(busy), reserved(3), said(in_use), mapping(3)];
    let stub = Stub::answering(answers).await;
    let world = World::with_sender(&stub.url, &[("FANMAIL_SENDER_MAPPING", UUID)]).await;
    put(&world, 3).await.data();
    let asked: Vec<String> = asked(stub).await.into_iter().map(|(asked, _)| asked).collect();
    let (get, put) = (format!("GET {UUID}"), format!("PUT {UUID}"));
    assert_eq!(asked, [get.as_str(), "PUT concurrency", "PUT concurrency", &put, &put]);
}
