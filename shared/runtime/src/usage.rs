//! What an invocation cost, as one line of the log.
//!
//! `fanmail` on one machine adds these lines up for its report; on AWS [`crate::metrics`] carries the same numbers. The
//! line's message is [`MESSAGE`], its fields are `function`, `write_units`, `read_units` and `sqs_requests`.

use fanmail_queue::Queue;
use fanmail_store::Store;

/// The message of the line.
pub const MESSAGE: &str = "used";

/// What was used since the last look.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Used {
    /// DynamoDB's write units.
    pub write_units: f64,
    /// DynamoDB's read units.
    pub read_units: f64,
    /// Requests to SQS.
    pub sqs_requests: u64,
}

/// Writes down, and forgets, what was used since the last call. A function that sends no tasks has no queue: `None`.
pub fn report<'a>(function: &str, store: &Store, queue: impl Into<Option<&'a Queue>>) -> Used {
    let units = store.take_usage();
    let sqs_requests = queue.into().map(Queue::take_requests).unwrap_or_default();
    let used = Used { write_units: units.write_units, read_units: units.read_units, sqs_requests };
    if units.requests > 0 || sqs_requests > 0 {
        tracing::info!(
            function,
            write_units = used.write_units,
            read_units = used.read_units,
            sqs_requests,
            "{MESSAGE}"
        );
    }
    used
}
