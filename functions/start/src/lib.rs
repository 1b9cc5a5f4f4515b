//! Fans campaigns out, lane by lane.
//!
//! An SQS event source: each record is one lane task. The protocol is told in
//! [`fanmail_engine::fan_out`]; here are only the wires. A one-time schedule sends `{"campaign": N}` and has
//! that campaign started, if it is due.

mod handler;

use fanmail_engine::watch::Watch;
use fanmail_queue::Queue;
use fanmail_runtime::aws::AwsConfig;
use fanmail_runtime::{Error, LambdaEvent, SystemClock, service_fn, telemetry};
use fanmail_store::Store;

/// What lives as long as the process.
pub(crate) struct Ports {
    store: Store,
    queue: Queue,
    clock: SystemClock,
    watch: Watch,
}

/// Serves the Lambda Runtime API until the process is ended.
///
/// # Errors
///
/// If the environment does not fit, or the Runtime API is gone.
pub async fn run() -> Result<(), Error> {
    telemetry::init();
    let aws = AwsConfig::from_env()?;
    let ports =
        Ports { store: aws.store(), queue: aws.queue(), clock: SystemClock::new(), watch: Watch::default() };
    let ports = &ports;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        // Boxed: the runtime's own layers would nest this large type too deeply for the compiler.
        Box::pin(handler::handle(ports, event.payload, &event.context)).await
    }))
    .await
}
