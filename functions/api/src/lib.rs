//! The HTTP API as a Lambda function.
//!
//! listmonk's paths, names and envelope (`{"data": …}`, errors as `{"message": …}`), behind API Gateway's
//! HTTP API (payload format 2.0). [`request`] and [`response`] are the edges, [`routes`] has one module per
//! noun, [`auth`] the door before them, [`view`] is how things look in JSON. The rules are elsewhere: this crate parses,
//! asks and shows.
//! [`import_rows`] is public for who wants to know what an import will make of a file before it is sent.

mod accept;
mod auth;
mod concurrency;
mod config;
pub mod csv_line;
mod handler;
pub mod import_rows;
mod request;
mod response;
mod routes;
mod schedules;
#[cfg(test)]
mod tests;
mod times;
mod view;

use std::time::Duration;

use auth::Auth;
use concurrency::Concurrency;
use fanmail_domain::unsubscribe::UnsubscribeKey;
use fanmail_mailer::Renderer;
use fanmail_queue::Queue;
use fanmail_runtime::metrics::Metrics;
use fanmail_runtime::vars::Vars;
use fanmail_runtime::{Error, LambdaEvent, Secrets, SystemClock, service_fn, telemetry};
use fanmail_store::Store;
use schedules::Schedules;

/// What lives as long as the process.
pub(crate) struct Ports {
    store: Store,
    queue: Queue,
    clock: SystemClock,
    /// Who may ask.
    auth: Auth,
    unsubscribe_key: UnsubscribeKey,
    /// Reads passwords, to try a mail server.
    secrets: Secrets,
    /// Makes messages to look at.
    renderer: Renderer,
    /// How many senders there are, where that can be changed from here.
    concurrency: Option<Concurrency>,
    /// One-time schedules, where there are any.
    schedules: Option<Schedules>,
    /// How long a sender works on a batch at a time.
    sender_works: Duration,
    metrics: Metrics,
}

/// Serves the Lambda Runtime API until the process is ended.
///
/// # Errors
///
/// If the environment does not fit, or the Runtime API is gone.
pub async fn run() -> Result<(), Error> {
    telemetry::init();
    let ports = Ports::from_vars(Vars::from_env(), Secrets::from_env()).await?;
    let ports = &ports;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        // Boxed: the runtime's own layers would nest this large type too deeply for the compiler.
        Ok::<_, Error>(Box::pin(handler::handle(ports, event.payload, &event.context)).await)
    }))
    .await
}
