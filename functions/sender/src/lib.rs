//! Sends batches of recipients.
//!
//! An SQS event source: each record is one batch task. The protocol is told in
//! [`fanmail_engine::send_batch`]; here are only the wires. Connections to the relay stay open between
//! batches, as does what is known of the campaign.

mod config;
mod counted;
mod dkim;
mod handler;
mod provider;

use std::time::Duration;

use config::Config;
pub use config::WRITE_RESERVE;
use fanmail_domain::Timestamp;
use fanmail_engine::ports::Clock;
use fanmail_engine::send_batch::Memory;
use fanmail_mailer::Postman;
use fanmail_queue::Queue;
use fanmail_runtime::metrics::Metrics;
use fanmail_runtime::vars::Vars;
use fanmail_runtime::{Error, LambdaEvent, Secrets, SystemClock, service_fn, telemetry};
use fanmail_store::Store;
use provider::Provider;

/// What lives as long as the process.
pub(crate) struct Ports {
    store: Store,
    queue: Queue,
    mailer: Postman<Provider>,
    clock: SystemClock,
    memory: Memory,
    reserve: Duration,
    metrics: Metrics,
}

impl Ports {
    fn connect(config: Config, secrets: Secrets) -> Result<Self, Error> {
        let clock = SystemClock::new();
        let now = move || -> Timestamp { clock.now() };
        let mailer = Postman::new(Provider::new(&config, secrets)?, config.links.clone(), now);
        Ok(Self {
            store: config.aws.store(),
            queue: config.aws.queue(),
            mailer: match config.dkim {
                Some(dkim) => mailer.with_dkim(dkim),
                None => mailer,
            },
            clock,
            memory: Memory::default(),
            reserve: config.reserve,
            metrics: config.metrics,
        })
    }
}

/// Serves the Lambda Runtime API until the process is ended.
///
/// # Errors
///
/// If the environment does not fit, or the Runtime API is gone.
pub async fn run() -> Result<(), Error> {
    telemetry::init();
    let secrets = Secrets::from_env();
    let config = Config::from_vars(Vars::from_env(), &secrets).await?;
    let ports = &Ports::connect(config, secrets)?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        // Boxed: the runtime's own layers would nest this large type too deeply for the compiler.
        Box::pin(handler::handle(ports, event.payload, &event.context)).await
    }))
    .await
}
