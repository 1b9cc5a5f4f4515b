//! One SQS event of batch tasks.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use fanmail_engine::Invocation;
use fanmail_engine::ports::{BoxError, Clock};
use fanmail_engine::send_batch::{BatchOutcome, Delivery, Sender};
use fanmail_queue::decode_batch_task;
use fanmail_runtime::{invocation, sqs_batch, usage};
use lambda_runtime::Context;

use crate::Ports;

pub(crate) async fn handle(
    ports: &Ports,
    event: SqsEvent,
    context: &Context,
) -> Result<SqsBatchResponse, BoxError> {
    let invocation = invocation::from_context(context, ports.clock.now(), ports.reserve);
    ports.mailer.transport().refresh(&ports.store).await;
    let work = async |body: &str, delivery| send(ports, body, delivery, &invocation).await;
    let response = sqs_batch::each_record(event, &ports.clock, invocation.stop_at, work).await;
    usage::report("sender", &ports.store, &ports.queue);
    response
}

async fn send(
    ports: &Ports,
    body: &str,
    delivery: Delivery,
    invocation: &Invocation,
) -> Result<(), BoxError> {
    let task = decode_batch_task(body)?;
    let sender = Sender {
        store: &ports.store,
        tasks: &ports.queue,
        mailer: &ports.mailer,
        clock: &ports.clock,
        memory: &ports.memory,
    };
    // Boxed: one type for all that happens in a batch would be too deep for the compiler.
    let outcome = Box::pin(sender.send_batch(task, delivery, invocation)).await?;
    let (campaign, batch) = (task.batch.campaign, task.batch);
    match outcome {
        BatchOutcome::Finished(tally) => tracing::info!(
            campaign.id = %campaign,
            batch.id = %batch,
            accepted = tally.named("accepted"),
            failed = tally.named("failed"),
            skipped = tally.named("skipped"),
            in_doubt = tally.named("in_doubt"),
            "finished batch {batch}"
        ),
        BatchOutcome::HandedOn(delay) => tracing::info!(
            campaign.id = %campaign,
            batch.id = %batch,
            delay_s = delay.as_secs(),
            "handed batch {batch} on"
        ),
        BatchOutcome::Stopped | BatchOutcome::Held(_) | BatchOutcome::Dropped => {
            tracing::debug!(campaign.id = %campaign, batch.id = %batch, outcome = ?outcome, "left batch {batch}");
        }
    }
    Ok(())
}
