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
pub mod csv_line;
mod handler;
pub mod import_rows;
mod request;
mod response;
mod routes;
#[cfg(test)]
mod tests;
mod times;
mod view;

use std::time::Duration;

use auth::Auth;
use concurrency::Concurrency;
use fanmail_domain::unsubscribe::UnsubscribeKey;
use fanmail_engine::ports::Clock;
use fanmail_mailer::{Renderer, UnsubscribeLinks};
use fanmail_queue::Queue;
use fanmail_runtime::aws::AwsConfig;
use fanmail_runtime::vars::Vars;
use fanmail_runtime::{Error, LambdaEvent, Secrets, SystemClock, service_fn, telemetry};
use fanmail_store::Store;

/// How long a sender works on a batch at a time, unless the environment says otherwise: its time-out of 60 s
/// without what it keeps in reserve.
const SENDER_WORKS_S: u64 = 42;

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
    /// How long a sender works on a batch at a time.
    sender_works: Duration,
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
    let key = vars.required_with("FANMAIL_UNSUBSCRIBE_KEY", UnsubscribeKey::parse);
    let public_url = vars.required("FANMAIL_PUBLIC_URL");
    let auth = Auth::from_vars(&mut vars);
    let concurrency = Concurrency::from_vars(&vars, &aws);
    let sender_works = Duration::from_secs(vars.or("FANMAIL_SENDER_WORKS_S", SENDER_WORKS_S));
    let unsubscribe_key = vars.finish_with(key)?;
    let links = UnsubscribeLinks::new(&public_url, unsubscribe_key.clone())?;
    let ports = Ports {
        secrets: Secrets::from_env(),
        renderer: Renderer::new(links, || SystemClock::new().now()),
        store: aws.store(),
        queue: aws.queue(),
        clock: SystemClock::new(),
        auth,
        unsubscribe_key,
        concurrency,
        sender_works,
    };
    let ports = &ports;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        // Boxed: the runtime's own layers would nest this large type too deeply for the compiler.
        Ok::<_, Error>(Box::pin(handler::handle(ports, event.payload, &event.context)).await)
    }))
    .await
}
