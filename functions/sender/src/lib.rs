//! Sends batches of recipients.
//!
//! An SQS event source: each record is one batch task. The protocol is told in
//! [`fanmail_engine::send_batch`]; here are only the wires. Connections to the relay stay open between
//! batches, as does what is known of the campaign.

mod config;
mod dkim;
mod handler;
mod provider;

use std::time::Duration;

use config::Config;
pub use config::WRITE_RESERVE;
use fanmail_domain::Timestamp;
use fanmail_engine::ports::Clock;
use fanmail_engine::send_batch::Memory;
use fanmail_mailer::{Postman, UnsubscribeLinks};
use fanmail_queue::Queue;
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
}

impl Ports {
    async fn connect(config: Config) -> Result<Self, Error> {
        let clock = SystemClock::new();
        let links = UnsubscribeLinks::new(&config.public_url, config.unsubscribe_key.clone())?;
        let now = move || -> Timestamp { clock.now() };
        let secrets = Secrets::from_env();
        let dkim = config.dkim.read(&secrets).await?;
        let mailer = Postman::new(Provider::new(&config, secrets)?, links, now);
        Ok(Self {
            store: config.aws.store(),
            queue: config.aws.queue(),
            mailer: match dkim {
                Some(dkim) => mailer.with_dkim(dkim),
                None => mailer,
            },
            clock,
            memory: Memory::default(),
            reserve: config.reserve,
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
    let ports = &Ports::connect(Config::from_env()?).await?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        // Boxed: the runtime's own layers would nest this large type too deeply for the compiler.
        Box::pin(handler::handle(ports, event.payload, &event.context)).await
    }))
    .await
}
