//! Takes down what the provider tells of messages.
//!
//! An SQS event source: each record is one event of Amazon SES, which came by SNS, raw or in SNS's envelope. The
//! protocol is told in [`fanmail_engine::settle`]; here are only the wires.
//!
//! ```text
//! SES ──▶ SNS ──▶ queue ──▶ feedback ──▶ ledger, blocklist
//!                   ▲          │
//!                   └──────────┘  held by a sender: the event comes again
//! ```
//!
//! | What a record says | What becomes of it |
//! |---|---|
//! | an event of one of our messages | settled; done, whether or not it changed anything |
//! | the same, and a sender holds the batch | returned to the queue |
//! | an event that is not ours, or of a place that does not exist | counted; done |
//! | that SNS or SES set something up | said in the log; done |
//! | anything else | returned to the queue, and in the end a dead letter |
//!
//! What goes back comes again when its visibility time-out is over: the function does not change the visibility
//! itself. A batch is held for one invocation of a sender at a time, so a sooner look would mostly be in vain, and the
//! function needs no queue's address and no right to touch one. The queue has to be generous instead: the visibility
//! time-out times the receives before the dead letter must be longer than senders hold a batch.
//!
//! Who may publish is the business of the policies of the topic and the queue: SNS's signature is not checked, and
//! no address in an event is fetched. Nothing of what an event says of people is logged.

mod body;
mod counts;
mod handler;
mod ses_event;
#[cfg(test)]
mod tests;

use fanmail_runtime::aws::AwsConfig;
use fanmail_runtime::metrics::Metrics;
use fanmail_runtime::vars::Vars;
use fanmail_runtime::{Error, LambdaEvent, SystemClock, service_fn, telemetry};
use fanmail_store::Store;

/// What lives as long as the process.
pub(crate) struct Ports {
    store: Store,
    clock: SystemClock,
    metrics: Metrics,
}

/// Serves the Lambda Runtime API until the process is ended.
///
/// # Errors
///
/// If the environment does not fit, or the Runtime API is gone.
pub async fn run() -> Result<(), Error> {
    telemetry::init();
    let vars = Vars::from_env();
    let metrics = Metrics::from_vars(&vars, "feedback");
    let ports = Ports { store: AwsConfig::without_queues(vars)?.store(), clock: SystemClock::new(), metrics };
    let ports = &ports;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        // Boxed: the runtime's own layers would nest this large type too deeply for the compiler.
        Box::pin(handler::handle(ports, event.payload, &event.context)).await
    }))
    .await
}
