//! An HTTP API in front of a function: API Gateway with one `$default` route and payload format 2.0.
//!
//! A request becomes an event (`event.rs`), the function's answer becomes the response (`answer.rs`).
//!
//! | What happens | Client gets |
//! |---|---|
//! | body over 10 MB | 413 |
//! | no answer within 30 s | 503 |
//! | throttled | 503 |
//! | function error, exit, time-out of the function, unreadable answer | 502 |
//!
//! Local convenience: a request waits up to 5 s for a unit of concurrency before it counts as throttled, because
//! the few processes of one machine would otherwise refuse the parallel requests of a single browser page.

mod answer;
mod event;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse, Response},
    serve::ListenerExt,
};
use http::StatusCode;
use serde_json::json;
use tokio::net::TcpListener;

use crate::{function::Function, host::Host, invocation::InvokeError, sync::send_at_once};

/// Largest request body ([quotas]).
///
/// [quotas]: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
/// Longest time until the answer; the maximum and default of an HTTP API's integration ([quotas]).
///
/// [quotas]: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for a unit of concurrency: short for a person, long for a busy handful of processes.
const FREE_UNIT_WAIT: Duration = Duration::from_secs(5);

/// Serves `function` of `host` over HTTP until the future is dropped. It does not keep the host alive.
///
/// # Errors
///
/// [`io::ErrorKind::NotFound`] at once if there is no such function; later, if the listener failed.
pub fn serve(
    listener: TcpListener,
    host: &Host,
    function: &str,
) -> impl Future<Output = io::Result<()>> + Send + 'static {
    let function = host.registry().function(function);
    async move {
        let function = function.map_err(|error| io::Error::new(io::ErrorKind::NotFound, error))?;
        let router = Router::new().fallback(handle).with_state(function);
        axum::serve(listener.tap_io(send_at_once), router.into_make_service_with_connect_info::<SocketAddr>())
            .await
    }
}

async fn handle(
    State(function): State<Arc<Function>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    };
    let event = event::http_event(&parts, &body, client.ip(), function.config());
    let invoked = tokio::time::timeout(INTEGRATION_TIMEOUT, function.invoke(event, FREE_UNIT_WAIT)).await;
    match invoked {
        Ok(Ok(answer)) => answer::http_response(&answer).unwrap_or_else(|error| {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(function.name = function.spec().name, error, "answer is no HTTP response");
            message(StatusCode::BAD_GATEWAY, "Internal Server Error")
        }),
        Ok(Err(InvokeError::Throttled | InvokeError::Stopped)) | Err(_) => {
            message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
        }
        Ok(Err(error)) => {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(function.name = function.spec().name, error, "request failed");
            message(StatusCode::BAD_GATEWAY, "Internal Server Error")
        }
    }
}

fn message(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "message": text }))).into_response()
}
