//! Invokes a function: `RequestResponse`, `Event` and `DryRun`.
//!
//! An `Event` waits up to six hours for a unit of concurrency, as on AWS, and is tried once; AWS's two retries
//! after a function's error are left out. Who needs more certainty uses a queue.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::{error::ApiError, function};
use crate::{function::Function, invocation::InvokeError, registry::Registry};

/// Longest time an asynchronous event waits for its turn ([asynchronous invocation]).
///
/// [asynchronous invocation]: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
const EVENT_WAIT: Duration = Duration::from_secs(6 * 60 * 60);

pub(super) async fn invoke(
    State(registry): State<Arc<Registry>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let function = function(&registry, &name)?;
    let payload = json_payload(body)?;
    let kind = headers.get("x-amz-invocation-type").and_then(|value| value.to_str().ok());
    match kind.unwrap_or("RequestResponse") {
        "RequestResponse" => synchronous(&function, payload).await,
        "Event" => {
            tokio::spawn(asynchronous(function, payload));
            Ok(StatusCode::ACCEPTED.into_response())
        }
        "DryRun" => Ok(StatusCode::NO_CONTENT.into_response()),
        other => Err(ApiError::invalid_parameter(format!("unknown invocation type {other}"))),
    }
}

/// The payload; none at all is an empty object.
fn json_payload(body: Bytes) -> Result<Bytes, ApiError> {
    if body.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    match serde_json::from_slice::<serde::de::IgnoredAny>(&body) {
        Ok(_) => Ok(body),
        Err(error) => {
            Err(ApiError::invalid_content(format!("Could not parse request body into json: {error}")))
        }
    }
}

async fn synchronous(function: &Arc<Function>, payload: Bytes) -> Result<Response, ApiError> {
    let version = [("x-amz-executed-version", "$LATEST")];
    match function.invoke(payload, Duration::ZERO).await {
        Ok(answer) => Ok((version, answer).into_response()),
        Err(InvokeError::Throttled) => Err(ApiError::throttled()),
        Err(error @ (InvokeError::Stopped | InvokeError::UnknownFunction(_))) => {
            Err(ApiError::service(error.to_string()))
        }
        Err(error) => {
            Ok((version, [("x-amz-function-error", "Unhandled")], Json(error.report())).into_response())
        }
    }
}

async fn asynchronous(function: Arc<Function>, payload: Bytes) {
    if let Err(error) = function.invoke(payload, EVENT_WAIT).await {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(function.name = function.spec().name, error, "asynchronous invocation failed");
    }
}
