//! Picks up whatever was left behind.
//!
//! A schedule fires it; the event's content does not matter. The protocol is told in
//! [`fanmail_engine::sweep`]; here are only the wires.

mod handler;

use std::time::Duration;

use fanmail_engine::sweep::STALLED_AFTER;
use fanmail_queue::Queue;
use fanmail_runtime::aws::AwsConfig;
use fanmail_runtime::vars::Vars;
use fanmail_runtime::{Error, LambdaEvent, SystemClock, service_fn, telemetry};
use fanmail_store::Store;

/// What lives as long as the process.
pub(crate) struct Ports {
    store: Store,
    queue: Queue,
    clock: SystemClock,
    stalled_after: Duration,
}

/// Serves the Lambda Runtime API until the process is ended.
///
/// # Errors
///
/// If the environment does not fit, or the Runtime API is gone.
pub async fn run() -> Result<(), Error> {
    telemetry::init();
    let aws = AwsConfig::from_env()?;
    let mut vars = Vars::from_env();
    let stalled_after = Duration::from_secs(vars.or("FANMAIL_STALLED_AFTER_S", STALLED_AFTER.as_secs()));
    vars.finish()?;
    let ports = Ports { store: aws.store(), queue: aws.queue(), clock: SystemClock::new(), stalled_after };
    let ports = &ports;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<handler::Tick>| {
        // Boxed: the runtime's own layers would nest this large type too deeply for the compiler.
        Box::pin(handler::handle(ports, &event.context)).await
    }))
    .await
}
