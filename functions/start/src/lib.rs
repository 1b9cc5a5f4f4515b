//! Fans campaigns out, lane by lane.
//!
//! An SQS event source: each record is one lane task. The protocol is told in
//! [`fanmail_engine::fan_out`]; here are only the wires. A one-time schedule sends `{"campaign": N}` and has
//! that campaign started, if it is due.

mod handler;

use fanmail_engine::watch::Watch;
use fanmail_queue::Queue;
use fanmail_runtime::aws::AwsConfig;
use fanmail_runtime::metrics::Metrics;
use fanmail_runtime::vars::{Vars, VarsError};
use fanmail_runtime::{Error, LambdaEvent, SystemClock, service_fn, telemetry};
use fanmail_store::Store;

/// What lives as long as the process.
pub(crate) struct Ports {
    store: Store,
    queue: Queue,
    clock: SystemClock,
    watch: Watch,
    metrics: Metrics,
}

impl Ports {
    /// Reads the environment.
    ///
    /// # Errors
    ///
    /// [`VarsError`] with everything that is wrong.
    fn from_vars(mut vars: Vars) -> Result<Self, VarsError> {
        let aws = AwsConfig::read(&mut vars);
        let metrics = Metrics::from_vars(&vars, "start");
        vars.finish()?;
        let (store, queue) = (aws.store(), aws.queue());
        Ok(Self { store, queue, clock: SystemClock::new(), watch: Watch::default(), metrics })
    }
}

/// Serves the Lambda Runtime API until the process is ended.
///
/// # Errors
///
/// If the environment does not fit, or the Runtime API is gone.
pub async fn run() -> Result<(), Error> {
    telemetry::init();
    let ports = Ports::from_vars(Vars::from_env())?;
    let ports = &ports;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        // Boxed: the runtime's own layers would nest this large type too deeply for the compiler.
        Box::pin(handler::handle(ports, event.payload, &event.context)).await
    }))
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_environment_names_every_variable_at_once() {
        let error = Ports::from_vars(Vars::new([])).err().expect("it fits").to_string();
        let named: Vec<&str> = error.split([' ', ';']).filter(|word| word.contains('_')).collect();
        assert_eq!(
            named,
            [
                "FANMAIL_LANES_QUEUE_URL",
                "FANMAIL_BATCHES_QUEUE_URL",
                "AWS_REGION",
                "AWS_ACCESS_KEY_ID",
                "AWS_SECRET_ACCESS_KEY",
                "FANMAIL_AUDIENCE_TABLE",
                "FANMAIL_CAMPAIGNS_TABLE",
            ]
        );
    }
}
