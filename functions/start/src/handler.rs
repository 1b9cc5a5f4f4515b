//! One event: lane tasks from SQS, or a one-time schedule that names its campaign.
//!
//! A schedule may fire twice, and the sweeper looks as well: [`start_due`] starts the campaign once. A schedule
//! whose campaign cannot be looked at fails, and is tried again; should it never come through, the sweeper does
//! the same.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use fanmail_domain::CampaignId;
use fanmail_engine::Invocation;
use fanmail_engine::control::{Order, start_due};
use fanmail_engine::fan_out::FanOut;
use fanmail_engine::ports::{BoxError, Clock};
use fanmail_queue::decode_lane_task;
use fanmail_runtime::invocation::{self, RESERVE};
use fanmail_runtime::{sqs_batch, usage};
use lambda_runtime::Context;
use serde::Deserialize;
use serde_json::Value;

use crate::Ports;

/// What a one-time schedule sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeHasCome {
    campaign: CampaignId,
}

pub(crate) async fn handle(
    ports: &Ports,
    event: Value,
    context: &Context,
) -> Result<SqsBatchResponse, BoxError> {
    let invocation = invocation::from_context(context, ports.clock.now(), RESERVE);
    let response = if event.get("campaign").is_some() {
        let TimeHasCome { campaign } = serde_json::from_value(event)?;
        start(ports, campaign, &invocation).await.map(|()| SqsBatchResponse::default())
    } else {
        let event: SqsEvent = serde_json::from_value(event)?;
        let work = async |body: &str, _| fan_out(ports, body, &invocation).await;
        sqs_batch::each_record(event, &ports.clock, invocation.stop_at, work).await
    };
    let used = usage::report("start", &ports.store, &ports.queue);
    ports.metrics.write(ports.clock.now(), &[], &used);
    response
}

async fn start(ports: &Ports, campaign: CampaignId, invocation: &Invocation) -> Result<(), BoxError> {
    let until = invocation.stop_at;
    let order = Order { campaign, actor: "start", note: "", version: None, until };
    let due = start_due(&ports.store, &ports.queue, &ports.clock, &order).await?;
    tracing::info!(campaign.id = %campaign, due = ?due, "looked whether campaign {campaign} is to start");
    Ok(())
}

async fn fan_out(ports: &Ports, body: &str, invocation: &Invocation) -> Result<(), BoxError> {
    let task = decode_lane_task(body)?;
    let fan_out =
        FanOut { store: &ports.store, tasks: &ports.queue, clock: &ports.clock, watch: &ports.watch };
    let outcome = fan_out.fan_out(task, invocation).await?;
    let (campaign, lane) = (task.campaign, task.lane);
    tracing::info!(campaign.id = %campaign, lane = %lane, outcome = ?outcome, "fanned lane {campaign}/{lane} out");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use fanmail_domain::{Epoch, LaneNo, Timestamp};
    use fanmail_engine::ports::LaneTask;
    use fanmail_engine::send_batch::Delivery;
    use fanmail_runtime::SystemClock;

    use super::*;

    /// As Lambda's event source mapping sends it: three messages of a fair queue, one of them for the fourth time.
    const LANES: &str = include_str!("../events/lanes.json");
    /// As a one-time schedule of EventBridge Scheduler sends it: its target's input and nothing else.
    const SCHEDULE: &str = include_str!("../events/schedule.json");

    #[tokio::test]
    async fn a_recorded_event_is_two_tasks_and_the_bad_one_goes_back_alone() {
        let event: SqsEvent = serde_json::from_str(LANES).unwrap();
        let groups: Vec<_> =
            event.records.iter().map(|record| record.attributes["MessageGroupId"].as_str()).collect();
        assert_eq!(groups, ["7", "9", "9"]);
        let seen = Mutex::new(Vec::new());
        let work = async |body: &str, delivery| {
            seen.lock().unwrap().push((decode_lane_task(body)?, delivery));
            Ok(())
        };
        let response = sqs_batch::each_record(event, &SystemClock::new(), Timestamp(u64::MAX), work).await;
        let failures: Vec<_> =
            response.unwrap().batch_item_failures.into_iter().map(|it| it.item_identifier).collect();
        assert_eq!(failures, ["2e1424d4-f796-459a-8184-9c92662be6da"]);
        let task = |campaign, epoch, lane| LaneTask {
            campaign: CampaignId(campaign),
            epoch: Epoch(epoch),
            lane: LaneNo(lane),
        };
        assert_eq!(
            *seen.lock().unwrap(),
            [(task(7, 1, 0), Delivery::First), (task(9, 3, 63), Delivery::Repeated)]
        );
    }

    #[test]
    fn a_schedule_names_its_campaign_and_nothing_else() {
        let TimeHasCome { campaign } = serde_json::from_str(SCHEDULE).unwrap();
        assert_eq!(campaign, CampaignId(7));
        assert!(serde_json::from_str::<TimeHasCome>(r#"{"campaign":7,"force":true}"#).is_err());
    }
}
