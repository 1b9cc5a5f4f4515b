//! How many senders work at once.
//!
//! Each sender has one connection, and the inbox takes its time before it accepts a message. Messages of different
//! connections that are accepted within that time were under way at once, and so were their senders.

use std::collections::HashSet;
use std::time::Duration;

use fanmail_aws_tests::stage::{STACK, Stage};
use fanmail_inbox::{Action, Delivery, Phase, Rule, Script};
use serde_json::{Value, json};

use crate::stage;

const PEOPLE: u32 = 120;
const BATCH: u32 = 10;
/// How long the inbox takes to accept a message.
const TAKES: Duration = Duration::from_millis(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_senders_work_at_once_than_are_reserved() {
    let Some(stage) = stage(4).await else { return };
    let slow = Rule::new(Action::Accept).delayed(Phase::Dot, TAKES.as_millis().try_into().unwrap());
    stage.inbox.set_script(Script::of([slow])).await.unwrap();
    let list = stage.list_of(PEOPLE).await.unwrap();

    change_the_concurrency(&stage, 2).await;
    assert_eq!(senders_at_once(&stage, list).await, 2, "with a maximum and a reserve of two");

    leave_nothing_but_the_reserve(&stage).await;
    assert_eq!(senders_at_once(&stage, list).await, 2, "with a reserve of two alone");

    change_the_concurrency(&stage, 4).await;
    let most = senders_at_once(&stage, list).await;
    assert!((3..=4).contains(&most), "{most} with four");
}

/// The settings change both limits at run time.
async fn change_the_concurrency(stage: &Stage, senders: u32) {
    stage.api("PUT", "/api/settings", json!({ "app.concurrency": senders })).await.unwrap();
    let path = format!("/2019-09-30/functions/{STACK}-sender/concurrency");
    let reserved = stage.aws().rest("lambda", "GET", &path, &Value::Null).await.unwrap();
    assert_eq!(reserved["ReservedConcurrentExecutions"], senders);
    let mapping = mapping(stage).await;
    assert_eq!(mapping["ScalingConfig"]["MaximumConcurrency"], senders);
}

/// Lets the queue ask for as many senders as it likes. The stand-in does not see a function's reserve through an alias, so
/// the queue is led to the function itself.
async fn leave_nothing_but_the_reserve(stage: &Stage) {
    let uuid = mapping(stage).await["UUID"].as_str().unwrap().to_owned();
    let path = format!("/2015-03-31/event-source-mappings/{uuid}");
    let free = json!({ "FunctionName": format!("{STACK}-sender"), "ScalingConfig": {} });
    stage.aws().rest("lambda", "PUT", &path, &free).await.unwrap();
}

/// The event source mapping of the batches' queue.
async fn mapping(stage: &Stage) -> Value {
    let path = "/2015-03-31/event-source-mappings/";
    let mut all = stage.aws().rest("lambda", "GET", path, &Value::Null).await.unwrap();
    let all = all["EventSourceMappings"].as_array_mut().unwrap();
    let found = all.iter_mut().find(|one| one["EventSourceArn"].as_str().unwrap().ends_with("-batches"));
    found.unwrap().take()
}

/// Sends a campaign, and answers how many senders were at work at once.
async fn senders_at_once(stage: &Stage, list: u64) -> usize {
    stage.inbox.clear().unwrap();
    let campaign = stage.draft(list, BATCH).await.unwrap();
    stage.order(campaign, "running").await.unwrap();
    let finished = stage.until_it_is(campaign, "finished").await.unwrap();
    assert_eq!(finished["states"]["accepted"], PEOPLE, "{finished}");
    let taken = stage.inbox.deliveries();
    let at_once = |first: &Delivery| {
        let during = |other: &&Delivery| (first.elapsed..first.elapsed + TAKES).contains(&other.elapsed);
        taken.iter().filter(during).map(|other| other.connection).collect::<HashSet<_>>().len()
    };
    taken.iter().map(at_once).max().unwrap()
}
