//! One campaign, from the first request to what comes back after it.

use std::fs;
use std::time::Duration;

use fanmail_aws_tests::client::ACCOUNT;
use fanmail_aws_tests::left_out::{LEFT_OUT, LeftOut, resources};
use fanmail_aws_tests::stage::Stage;
use fanmail_aws_tests::tools;
use serde_json::{Value, json};

use crate::stage;

const PEOPLE: u32 = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_goes_from_post_to_finished_with_everybody_once_in_the_inbox() {
    let Some(stage) = stage(3).await else { return };
    assert_everything_is_deployed_but_what_is_named(&stage);

    let list = stage.list_of(PEOPLE).await.unwrap();
    let campaign = stage.draft(list, 50).await.unwrap();
    stage.order(campaign, "running").await.unwrap();
    let finished = stage.until_it_is(campaign, "finished").await.unwrap();
    assert_eq!(finished["states"]["accepted"], PEOPLE, "{finished}");
    assert_eq!(stage.copies(), (1, PEOPLE as usize));

    a_bounce_settles_its_recipient(&stage, campaign).await;
    whoever_bounced_gets_no_second_campaign(&stage, list).await;
}

/// The template's resources are those of the stack, apart from [`LEFT_OUT`] and from SES, which is not the provider here.
fn assert_everything_is_deployed_but_what_is_named(stage: &Stage) {
    let template = fs::read_to_string(tools::root().join("infra/template.yaml")).unwrap();
    let named: Vec<&str> = LEFT_OUT.iter().filter_map(LeftOut::resource).collect();
    let missing: Vec<&str> = resources(&template, &["IsSes", "HasAlarmEmail"])
        .into_iter()
        .filter(|id| !stage.deployment.resources.iter().any(|deployed| deployed == id))
        .collect();
    let sorted = |mut ids: Vec<&str>| {
        ids.sort_unstable();
        ids.join(" ")
    };
    assert_eq!(sorted(missing), sorted(named), "what the stack lacks, and what is named");
}

/// SES's event, as recorded, reaches `feedback` over its queue. The stand-in publishes none itself.
async fn a_bounce_settles_its_recipient(stage: &Stage, campaign: u64) {
    let event = include_str!("../../../../functions/feedback/tests/events/bounce-permanent-general.json");
    let queue = format!("{}/{ACCOUNT}/{}-feedback", stage.ministack.url(), stage.deployment.stack);
    let message = json!({ "QueueUrl": queue, "MessageBody": event });
    stage.aws().call("sqs", "AmazonSQS.SendMessage", &message).await.unwrap();
    let bounced = |view: &Value| view["reasons"]["failed:bounced"] == 1;
    stage.until(campaign, "a recipient bounced", bounced).await.unwrap();
}

async fn whoever_bounced_gets_no_second_campaign(stage: &Stage, list: u64) {
    let second = stage.draft(list, 100).await.unwrap();
    stage.order(second, "running").await.unwrap();
    let finished = stage.until_it_is(second, "finished").await.unwrap();
    assert_eq!(finished["states"]["accepted"], PEOPLE - 1, "{finished}");
    let both = |now: &fanmail_inbox::Snapshot| now.accepted == u64::from(2 * PEOPLE - 1);
    stage.inbox.wait_for(both, Duration::from_secs(1)).await.unwrap();
}
