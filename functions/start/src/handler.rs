//! One SQS event of lane tasks.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use fanmail_engine::Invocation;
use fanmail_engine::fan_out::FanOut;
use fanmail_engine::ports::{BoxError, Clock};
use fanmail_queue::decode_lane_task;
use fanmail_runtime::invocation::{self, RESERVE};
use fanmail_runtime::{sqs_batch, usage};
use lambda_runtime::Context;

use crate::Ports;

pub(crate) async fn handle(
    ports: &Ports,
    event: SqsEvent,
    context: &Context,
) -> Result<SqsBatchResponse, BoxError> {
    let invocation = invocation::from_context(context, ports.clock.now(), RESERVE);
    let work = async |body: &str, _| fan_out(ports, body, &invocation).await;
    let response = sqs_batch::each_record(event, &ports.clock, invocation.stop_at, work).await;
    usage::report("start", &ports.store, &ports.queue);
    response
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
