//! What an invocation cost, as one line of the log.
//!
//! `fanmail` on one machine adds these lines up for its report; on AWS a metric filter does. The line's
//! message is [`MESSAGE`], its fields are `function`, `write_units`, `read_units` and `sqs_requests`.

use fanmail_queue::Queue;
use fanmail_store::Store;

/// The message of the line.
pub const MESSAGE: &str = "used";

/// Writes down, and forgets, what was used since the last call.
pub fn report(function: &str, store: &Store, queue: &Queue) {
    let used = store.take_usage();
    let sqs_requests = queue.take_requests();
    if used.requests > 0 || sqs_requests > 0 {
        tracing::info!(
            function,
            write_units = used.write_units,
            read_units = used.read_units,
            sqs_requests,
            "{MESSAGE}"
        );
    }
}
