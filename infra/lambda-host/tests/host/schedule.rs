//! Schedules.

use std::time::{Duration, Instant};

use fanmail_lambda_host::Schedule;
use serde_json::Value;

use crate::stage::{Stage, most_at_a_time, wait_for};

fn every(period: Duration) -> Schedule {
    Schedule { name: "sweep".to_owned(), function: "f".to_owned(), every: period }
}

#[tokio::test]
async fn a_schedule_fires_each_period_and_never_beside_itself() {
    let stage = Stage::with_function(|_| {});
    // The function takes 50 ms, so most periods pass while it runs.
    stage.host.add_schedule(every(Duration::from_millis(20))).unwrap();

    wait_for("several firings", async || 10 <= stage.witness().len()).await;

    assert_eq!(most_at_a_time(&stage.witness()), 1);
}

#[tokio::test]
async fn a_schedule_fires_first_after_one_period() {
    let stage = Stage::with_function(|_| {});
    let start = Instant::now();
    stage.host.add_schedule(every(Duration::from_millis(400))).unwrap();

    wait_for("first firing", async || !stage.witness().is_empty()).await;

    assert!(Duration::from_millis(400) <= start.elapsed());
}

#[tokio::test]
async fn a_schedule_fires_out_of_turn_when_asked() {
    let stage = Stage::with_function(|_| {});
    stage.host.add_schedule(every(Duration::from_secs(3600))).unwrap();

    let event: Value = serde_json::from_slice(&stage.host.fire("sweep").await.unwrap()).unwrap();

    assert_eq!(stage.witness(), ["begin scheduled", "end scheduled"]);
    assert_eq!(event["source"], "aws.events");
    assert_eq!(event["resources"][0], "arn:aws:events:us-east-1:000000000000:rule/sweep");
    assert_eq!(event["time"].as_str().unwrap().len(), "2026-10-09T13:55:36Z".len());
}

#[tokio::test]
async fn firing_twice_at_once_runs_one_after_the_other() {
    let stage = Stage::with_function(|_| {});
    stage.host.add_schedule(every(Duration::from_secs(3600))).unwrap();

    let (a, b) = tokio::join!(stage.host.fire("sweep"), stage.host.fire("sweep"));

    assert!(a.is_ok() && b.is_ok(), "{a:?} {b:?}");
    assert_eq!((stage.witness().len(), most_at_a_time(&stage.witness())), (4, 1));
}
