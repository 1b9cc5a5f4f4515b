//! The part of the [Lambda API] that tunes a running system, for the AWS SDKs.
//!
//! ```text
//! PUT, DELETE      /2017-10-31/functions/{name}/concurrency     PutFunctionConcurrency, Delete…
//! GET              /2019-09-30/functions/{name}/concurrency     GetFunctionConcurrency
//! GET, PUT         /2015-03-31/event-source-mappings/{uuid}     Get…, UpdateEventSourceMapping
//! GET              /2015-03-31/event-source-mappings            ListEventSourceMappings
//! POST             /2015-03-31/functions/{name}/invocations     Invoke
//! ```
//!
//! A change is in force when its answer is sent; AWS takes seconds to a minute and says `Updating` meanwhile.
//! Signatures are not checked.
//!
//! [Lambda API]: https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html

mod concurrency;
mod error;
mod event_source_mappings;
mod invocations;

use std::{io, sync::Arc};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post, put},
    serve::ListenerExt,
};
use tokio::net::TcpListener;

use crate::{function::Function, host::Host, registry::Registry, sync::send_at_once};
use error::ApiError;

/// Largest payload of a synchronous invocation: 6 MB ([quotas]).
///
/// [quotas]: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

/// The routes above, for the functions and event sources of `host`, also for those added later.
pub fn router(host: &Host) -> Router {
    let mappings = "/2015-03-31/event-source-mappings";
    Router::new()
        .route("/2017-10-31/functions/{name}/concurrency", put(concurrency::put).delete(concurrency::delete))
        .route("/2019-09-30/functions/{name}/concurrency", get(concurrency::get))
        .route(mappings, get(event_source_mappings::list))
        .route(&format!("{mappings}/"), get(event_source_mappings::list))
        .route(
            &format!("{mappings}/{{uuid}}"),
            get(event_source_mappings::get).put(event_source_mappings::update),
        )
        .route("/2015-03-31/functions/{name}/invocations", post(invocations::invoke))
        .layer(DefaultBodyLimit::max(MAX_PAYLOAD_BYTES))
        .with_state(Arc::clone(host.registry()))
}

/// Serves the routes above until the future is dropped. It does not keep the host alive.
///
/// # Errors
///
/// The listener failed.
pub fn serve(listener: TcpListener, host: &Host) -> impl Future<Output = io::Result<()>> + Send + 'static {
    let router = router(host);
    async move { axum::serve(listener.tap_io(send_at_once), router).await }
}

/// Finds a function by its name, its ARN, or either with a qualifier.
fn function(registry: &Registry, name: &str) -> Result<Arc<Function>, ApiError> {
    let name = name.rsplit_once("function:").map_or(name, |(_, name)| name);
    let name = name.split_once(':').map_or(name, |(name, _qualifier)| name);
    registry.function(name).map_err(|_| ApiError::not_found(format!("Function not found: {name}")))
}
