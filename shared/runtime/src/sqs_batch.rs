//! The loop over the records of an SQS event, with its partial batch response.
//!
//! Each record is worked on by itself: what fails goes back to the queue, what succeeded does not. Records
//! that no time is left for go back too. A record without an id cannot be reported alone and fails them all.

use std::error::Error;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use fanmail_domain::Timestamp;
use fanmail_engine::ports::{BoxError, Clock};
use fanmail_engine::send_batch::Delivery;

use crate::Chain;

/// Works on each record of `event` until `stop_at`.
///
/// # Errors
///
/// If a record has no id.
pub async fn each_record<W>(
    event: SqsEvent,
    clock: &impl Clock,
    stop_at: Timestamp,
    work: W,
) -> Result<SqsBatchResponse, BoxError>
where
    W: AsyncFn(&str, Delivery) -> Result<(), BoxError>,
{
    let mut response = SqsBatchResponse::default();
    for record in event.records {
        let id = record.message_id.as_deref().ok_or("an SQS record without a messageId")?;
        let outcome = if clock.now() >= stop_at {
            Err("no time is left in this invocation".into())
        } else {
            work(record.body.as_deref().unwrap_or_default(), delivery(&record)).await
        };
        if let Err(error) = outcome {
            let error: &dyn Error = &*error;
            tracing::warn!(sqs.message_id = id, error = %Chain(error), "returned message {id} to the queue");
            response.add_failure(id);
        }
    }
    Ok(response)
}

fn delivery(record: &SqsMessage) -> Delivery {
    let count = record.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse::<u32>().ok());
    if count.unwrap_or(1) > 1 { Delivery::Repeated } else { Delivery::First }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::SystemClock;

    /// Runs the loop over `records` until `stop_at`.
    async fn run(
        records: serde_json::Value,
        stop_at: Timestamp,
        work: impl AsyncFn(&str, Delivery) -> Result<(), BoxError>,
    ) -> Result<Vec<String>, BoxError> {
        let response = each_record(event(records), &SystemClock::new(), stop_at, work).await?;
        Ok(response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect())
    }

    fn event(records: serde_json::Value) -> SqsEvent {
        serde_json::from_value(serde_json::json!({ "Records": records })).unwrap()
    }

    #[tokio::test]
    async fn only_what_failed_goes_back() {
        let records = serde_json::json!([
            { "messageId": "a", "body": "good" },
            { "messageId": "b", "body": "bad", "attributes": { "ApproximateReceiveCount": "2" } },
            { "messageId": "c", "body": "good" },
        ]);
        let seen = Mutex::new(Vec::new());
        let work = async |body: &str, delivery| {
            seen.lock().unwrap().push(delivery);
            if body == "bad" { Err("bad".into()) } else { Ok(()) }
        };
        assert_eq!(run(records, Timestamp(u64::MAX), work).await.unwrap(), ["b"]);
        assert_eq!(*seen.lock().unwrap(), [Delivery::First, Delivery::Repeated, Delivery::First]);
    }

    #[tokio::test]
    async fn what_no_time_is_left_for_goes_back_untouched() {
        let records = serde_json::json!([{ "messageId": "a", "body": "good" }]);
        let work = async |_: &str, _| panic!("worked on after the time was up");
        assert_eq!(run(records, Timestamp(0), work).await.unwrap(), ["a"]);
    }

    #[tokio::test]
    async fn a_record_without_an_id_fails_the_invocation() {
        let records = serde_json::json!([{ "body": "good" }]);
        assert!(run(records, Timestamp(u64::MAX), async |_: &str, _| Ok(())).await.is_err());
    }
}
