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
    usage::report("start", &ports.store, &ports.queue);
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
