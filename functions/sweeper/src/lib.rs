//! Picks up whatever was left behind.
//!
//! A schedule fires it; the event's content does not matter. The protocol is told in
//! [`fanmail_engine::sweep`]; here are only the wires.

mod gauges;
mod handler;

use std::time::Duration;

use fanmail_engine::sweep::STALLED_AFTER;
use fanmail_queue::Queue;
use fanmail_runtime::aws::AwsConfig;
use fanmail_runtime::metrics::Metrics;
use fanmail_runtime::vars::{Vars, VarsError};
use fanmail_runtime::{Error, LambdaEvent, SystemClock, service_fn, telemetry};
use fanmail_store::Store;

/// Whoever wants to hear of a standstill after more than a day does not want to hear of it.
const A_DAY_S: u64 = 86_400;

/// What lives as long as the process.
pub(crate) struct Ports {
    store: Store,
    queue: Queue,
    clock: SystemClock,
    stalled_after: Duration,
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
        let stalled_after = vars.whole("FANMAIL_STALLED_AFTER_S", STALLED_AFTER.as_secs(), 1..=A_DAY_S);
        let metrics = Metrics::from_vars(&vars, "sweeper");
        vars.finish()?;
        let stalled_after = Duration::from_secs(stalled_after);
        let (store, queue, clock) = (aws.store(), aws.queue(), SystemClock::new());
        Ok(Self { store, queue, clock, stalled_after, metrics })
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
    lambda_runtime::run(service_fn(async |event: LambdaEvent<handler::Tick>| {
        // Boxed: the runtime's own layers would nest this large type too deeply for the compiler.
        Box::pin(handler::handle(ports, &event.context)).await
    }))
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_environment_names_every_variable_at_once() {
        let stalled = ("FANMAIL_STALLED_AFTER_S".to_owned(), "0".to_owned());
        let error = Ports::from_vars(Vars::new([stalled])).err().expect("it fits").to_string();
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
                "FANMAIL_STALLED_AFTER_S",
            ]
        );
        assert!(error.ends_with("is a whole number from 1 to 86400"), "{error}");
    }
}
