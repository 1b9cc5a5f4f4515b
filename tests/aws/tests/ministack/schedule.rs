//! A campaign that starts by itself.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use fanmail_aws_tests::error::Error;
use fanmail_aws_tests::stage::{STACK, Stage};
use serde_json::{Value, json};

use crate::stage;

const PEOPLE: u32 = 40;
/// Seconds from when it is drafted. EventBridge Scheduler is exact to the minute, so nearer times are left to the sweeper.
const AHEAD: i64 = 80;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_one_time_schedule_starts_a_campaign_without_the_sweeper() {
    let Some(stage) = stage(2).await else { return };
    let list = stage.list_of(PEOPLE).await.unwrap();
    let campaign = stage.draft(list, 20).await.unwrap();
    without_the_sweeper(&stage).await;

    let drafted = stage.campaign(campaign).await.unwrap();
    let at = after(drafted["created_at"].as_str().unwrap(), AHEAD);
    let order = json!({ "status": "scheduled", "send_at": at });
    stage.api("PUT", &format!("/api/campaigns/{campaign}/status"), order).await.unwrap();
    let schedule = schedule_of(&stage, campaign).await.unwrap();
    assert_eq!(schedule["ScheduleExpression"], format!("at({})", at.trim_end_matches('Z')));
    assert_eq!(schedule["ActionAfterCompletion"], "DELETE");
    assert_eq!(stage.campaign(campaign).await.unwrap()["status"], "scheduled");

    let finished = stage.until_it_is(campaign, "finished").await.unwrap();
    assert!(finished["started_at"].as_str().unwrap() >= at.as_str(), "{finished}");
    assert_eq!(stage.copies(), (1, PEOPLE as usize));
    assert!(matches!(schedule_of(&stage, campaign).await, Err(Error::Refused { status: 404, .. })));
}

/// Takes the sweeper's minute away: it starts campaigns as well, and the test is about who did.
async fn without_the_sweeper(stage: &Stage) {
    let path = format!("/schedules/{STACK}-sweep?groupName={STACK}");
    stage.aws().rest("scheduler", "DELETE", &path, &Value::Null).await.unwrap();
}

async fn schedule_of(stage: &Stage, campaign: u64) -> Result<Value, Error> {
    let path = format!("/schedules/campaign-{campaign}?groupName={STACK}");
    stage.aws().rest("scheduler", "GET", &path, &Value::Null).await
}

/// The time so many seconds after `time`, as `2026-11-22T12:00:00Z`.
fn after(time: &str, seconds: i64) -> String {
    let time = DateTime::from_str(time, Format::DateTime).unwrap();
    DateTime::from_secs(time.secs() + seconds).fmt(Format::DateTime).unwrap()
}
