//! One SQS event of batch tasks.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use fanmail_engine::Invocation;
use fanmail_engine::ports::{BoxError, Clock};
use fanmail_engine::send_batch::{BatchOutcome, Delivery, Sender};
use fanmail_queue::decode_batch_task;
use fanmail_runtime::metrics::Metric;
use fanmail_runtime::{invocation, sqs_batch, usage};
use lambda_runtime::Context;

use crate::Ports;
use crate::counted::{Counted, Counts};

pub(crate) async fn handle(
    ports: &Ports,
    event: SqsEvent,
    context: &Context,
) -> Result<SqsBatchResponse, BoxError> {
    let invocation = invocation::from_context(context, ports.clock.now(), ports.reserve);
    ports.mailer.transport().refresh(&ports.store).await;
    let counts = Counts::default();
    let work = async |body: &str, delivery| send(ports, body, delivery, &invocation, &counts).await;
    let response = sqs_batch::each_record(event, &ports.clock, invocation.stop_at, work).await;
    let used = usage::report("sender", &ports.store, &ports.queue);
    let mut counted = counts.metrics();
    counted.extend(ports.mailer.transport().quota_used().map(|percent| (Metric::QuotaUsed, percent)));
    ports.metrics.write(ports.clock.now(), &counted, &used);
    response
}

async fn send(
    ports: &Ports,
    body: &str,
    delivery: Delivery,
    invocation: &Invocation,
    counts: &Counts,
) -> Result<(), BoxError> {
    let task = decode_batch_task(body)?;
    let (campaign, batch) = (task.batch.campaign, task.batch);
    let sender = Sender {
        store: &ports.store,
        tasks: &ports.queue,
        mailer: &Counted { mailer: &ports.mailer, counts },
        clock: &ports.clock,
        memory: &ports.memory,
    };
    // Boxed: one type for all that happens in a batch would be too deep for the compiler.
    let outcome = Box::pin(sender.send_batch(task, delivery, invocation)).await?;
    match outcome {
        BatchOutcome::Finished(tally) => {
            counts.ended(&tally);
            tracing::info!(
                campaign.id = %campaign,
                batch.id = %batch,
                accepted = tally.named("accepted"),
                failed = tally.named("failed"),
                skipped = tally.named("skipped"),
                in_doubt = tally.named("in_doubt"),
                "finished batch {batch}"
            );
        }
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use fanmail_domain::{BatchId, CampaignId, Epoch, LaneNo, Timestamp};
    use fanmail_engine::ports::BatchTask;
    use fanmail_runtime::SystemClock;

    use super::*;

    /// As Lambda's event source mapping sends it: three messages of a fair queue, one of them for the second time.
    const EVENT: &str = include_str!("../events/batches.json");

    #[tokio::test]
    async fn a_recorded_event_is_three_tasks_and_the_bad_one_goes_back_alone() {
        let event: SqsEvent = serde_json::from_str(EVENT).unwrap();
        let groups: Vec<_> =
            event.records.iter().map(|record| record.attributes["MessageGroupId"].as_str()).collect();
        assert_eq!(groups, ["7", "7", "9"]);
        let seen = Mutex::new(Vec::new());
        let work = async |body: &str, delivery| {
            seen.lock().unwrap().push((decode_batch_task(body)?, delivery));
            Ok(())
        };
        let response = sqs_batch::each_record(event, &SystemClock::new(), Timestamp(u64::MAX), work).await;
        let response = serde_json::to_value(response.unwrap()).unwrap();
        assert_eq!(
            response,
            serde_json::json!({
                "batchItemFailures": [{ "itemIdentifier": "2e1424d4-f796-459a-8184-9c92662be6da" }]
            })
        );
        let task = |campaign, lane, seq| {
            BatchTask::of(Epoch(1), BatchId { campaign: CampaignId(campaign), lane: LaneNo(lane), seq })
        };
        assert_eq!(
            *seen.lock().unwrap(),
            [(task(7, 2, 40), Delivery::First), (task(7, 2, 41), Delivery::Repeated)]
        );
    }
}
