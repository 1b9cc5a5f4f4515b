//! Schedules as EventBridge Scheduler is asked for them.

use fanmail_domain::{CampaignState, Schedule, SettingsPatch};
use fanmail_runtime::stub::Stub;
use serde_json::Value;

use super::*;

const NOW: Timestamp = Timestamp(1_795_336_500_000);
const CREATED: &str =
    r#"{"ScheduleArn":"arn:aws:scheduler:eu-west-1:123456789012:schedule/mails/campaign-7"}"#;
const EXISTS: &str = r#"{"Message":"Schedule campaign-7 already exists."}"#;
const GONE: &str = r#"{"Message":"Schedule campaign-7 does not exist."}"#;

fn campaign(status: CampaignStatus, send_at: Option<Timestamp>) -> Campaign {
    Campaign {
        id: CampaignId(7),
        state: CampaignState { status, ..CampaignState::DRAFT },
        schedule: send_at.map(|send_at| Schedule { send_at, not_after: send_at.after(PRECISION) }),
        name: "News".into(),
        subject: "Hello".into(),
        from: "news@acme.example".into(),
        audience: Vec::new(),
        settings: SettingsPatch::default(),
        retry: None,
        failed_before: 0,
        content_version: 1,
        lanes: 0,
        created_at: NOW,
        started_at: None,
        updated_at: NOW,
    }
}

fn schedules(url: &str) -> Schedules {
    let mut vars = Vars::new(
        [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "key"),
            ("AWS_ENDPOINT_URL_SCHEDULER", url),
            ("FANMAIL_SCHEDULE_GROUP", "mails"),
            (
                "FANMAIL_SCHEDULE_TARGET_ARN",
                "arn:aws:lambda:eu-west-1:123456789012:function:mails-start:live",
            ),
            ("FANMAIL_SCHEDULE_ROLE_ARN", "arn:aws:iam::123456789012:role/mails-schedules"),
            ("FANMAIL_SCHEDULE_DEAD_LETTERS_ARN", "arn:aws:sqs:eu-west-1:123456789012:mails-schedules-dead"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let schedules = Schedules::from_vars(&mut vars);
    vars.finish().unwrap();
    schedules.unwrap()
}

async fn scheduler(answers: &[(u16, &'static str, &str)]) -> (Stub, Schedules) {
    let answers = answers.iter().map(|(status, name, body)| (*status, *name, (*body).to_owned()));
    let stub = Stub::answering(answers.collect()).await;
    let schedules = schedules(&stub.url);
    (stub, schedules)
}

#[tokio::test]
async fn a_scheduled_campaign_gets_a_one_time_schedule() {
    let (stub, schedules) = scheduler(&[(200, "", CREATED)]).await;
    let at = Timestamp(NOW.0 + 3_600_001);
    schedules.follow(&campaign(CampaignStatus::Scheduled, Some(at)), NOW).await;
    assert_eq!(schedules.take_failed(), 0);
    let asked = stub.asked().await;
    assert_eq!(asked[0].line, "POST /schedules/campaign-7 HTTP/1.1");
    assert!(asked[0].header("authorization").contains("/eu-west-1/scheduler/aws4_request, SignedHeaders="));
    assert!(!asked[0].header("x-amz-date").is_empty());
    let body: Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!(
        body,
        json!({
            "GroupName": "mails",
            // A millisecond after 9:35:00 has come at 9:35:01.
            "ScheduleExpression": "at(2026-11-22T09:35:01)",
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": { "Mode": "OFF" },
            "ActionAfterCompletion": "DELETE",
            "Target": {
                "Arn": "arn:aws:lambda:eu-west-1:123456789012:function:mails-start:live",
                "RoleArn": "arn:aws:iam::123456789012:role/mails-schedules",
                "Input": "{\"campaign\":7}",
                "DeadLetterConfig": { "Arn": "arn:aws:sqs:eu-west-1:123456789012:mails-schedules-dead" },
                "RetryPolicy": { "MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10 },
            },
        })
    );
}

#[tokio::test]
async fn another_time_changes_the_schedule_that_is_there() {
    let (stub, schedules) = scheduler(&[(409, "ConflictException", EXISTS), (200, "", CREATED)]).await;
    let at = NOW.after(Duration::from_secs(120));
    schedules.follow(&campaign(CampaignStatus::Scheduled, Some(at)), NOW).await;
    assert_eq!(schedules.take_failed(), 0);
    let asked = stub.asked().await;
    assert_eq!(asked[1].line, "PUT /schedules/campaign-7 HTTP/1.1");
    assert_eq!(asked[0].body, asked[1].body);
}

#[tokio::test]
async fn a_campaign_that_waits_no_more_loses_its_schedule() {
    for status in [CampaignStatus::Draft, CampaignStatus::Running, CampaignStatus::Cancelled] {
        let (stub, schedules) = scheduler(&[(404, "ResourceNotFoundException", GONE)]).await;
        schedules.follow(&campaign(status, Some(NOW.after(PRECISION))), NOW).await;
        assert_eq!(schedules.take_failed(), 0, "what is gone already is gone");
        let line = &stub.asked().await[0].line;
        assert_eq!(line, "DELETE /schedules/campaign-7?groupName=mails HTTP/1.1");
    }
}

#[tokio::test]
async fn what_scheduler_refuses_is_counted_and_fails_nothing() {
    let denied = (403, "AccessDeniedException", "{}");
    let (stub, schedules) = scheduler(&[denied]).await;
    schedules.follow(&campaign(CampaignStatus::Scheduled, Some(NOW.after(PRECISION))), NOW).await;
    assert_eq!((schedules.take_failed(), schedules.take_failed()), (1, 0));
    assert_eq!(stub.asked().await.len(), 1);
}

#[test]
fn a_time_that_is_too_near_is_left_to_the_sweeper() {
    use CampaignStatus::{Draft, Scheduled};
    let after = |ms| Some(Timestamp(NOW.0 + ms));
    for (status, send_at, expected) in [
        (Scheduled, after(60_000), Wanted::At(NOW.after(PRECISION))),
        (Scheduled, after(59_999), Wanted::Gone),
        (Scheduled, after(0), Wanted::Whatever),
        (Draft, after(60_000), Wanted::Gone),
        (Draft, None, Wanted::Whatever),
    ] {
        assert_eq!(wanted(&campaign(status, send_at), NOW), expected, "{status} {send_at:?}");
    }
}
