//! The [Lambda Runtime API], served to one process on a port of its own.
//!
//! ```text
//! GET  …/invocation/next             waits, answers with the event and its headers
//! POST …/invocation/{id}/response    the result of the invocation that `next` gave out last
//! POST …/invocation/{id}/error       its failure
//! POST …/init/error                  the process cannot serve at all
//! ```
//!
//! The first `next` says that the process is initialised. A process has at most one invocation: asking for the
//! next one before answering is refused (403), and so is an answer to any other id (400), for instance one that
//! comes after the deadline.
//!
//! [Lambda Runtime API]: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    clock,
    invocation::{FunctionError, Job},
    sync::lock,
};

/// Largest synchronous response: 6 MB ([quotas]), and room for the JSON around it.
///
/// [quotas]: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const MAX_RESPONSE_BYTES: usize = 6 * 1024 * 1024 + 100;

/// How far a process has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Has not asked for an invocation yet.
    Starting,
    /// Has asked at least once.
    Serving,
    /// Has reported that it cannot start.
    InitFailed(FunctionError),
}

/// The host's side of one process's runtime API.
pub(crate) struct RuntimeApi {
    function_arn: String,
    jobs: tokio::sync::Mutex<mpsc::Receiver<Job>>,
    current: Mutex<Option<Current>>,
    phase: watch::Sender<Phase>,
}

/// The invocation that was given out and is not answered yet.
struct Current {
    request_id: String,
    reply: oneshot::Sender<Result<Bytes, FunctionError>>,
}

impl RuntimeApi {
    /// An API that hands out what comes through `jobs`.
    pub(crate) fn new(function_arn: String, jobs: mpsc::Receiver<Job>) -> Self {
        Self {
            function_arn,
            jobs: tokio::sync::Mutex::new(jobs),
            current: Mutex::new(None),
            phase: watch::Sender::new(Phase::Starting),
        }
    }

    /// Follows how far the process has come.
    pub(crate) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// The four routes.
    pub(crate) fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .with_state(self)
    }

    fn is_current(&self, request_id: &str) -> bool {
        lock(&self.current).as_ref().is_some_and(|current| current.request_id == request_id)
    }

    /// Ends the current invocation, if it is `request_id`.
    fn answer(&self, request_id: &str, result: Result<Bytes, FunctionError>) -> StatusCode {
        let current = lock(&self.current).take_if(|current| current.request_id == request_id);
        match current.map(|current| current.reply.send(result)) {
            Some(Ok(())) => StatusCode::ACCEPTED,
            Some(Err(_)) | None => StatusCode::BAD_REQUEST,
        }
    }

    /// Makes `job` the current one and words it as the answer to `next`; `None` if its caller has gone.
    fn hand_out(&self, job: Job) -> Option<Response> {
        let Job { request_id, payload, timeout, taken, reply } = job;
        let headers = self.headers(&request_id, timeout)?;
        taken.send(()).ok()?;
        *lock(&self.current) = Some(Current { request_id, reply });
        Some((headers, payload).into_response())
    }

    /// `None` only if the function's name does not fit into a header, which the host refuses on adding it.
    fn headers(&self, request_id: &str, timeout: Duration) -> Option<HeaderMap> {
        let timeout_ms = u64::try_from(timeout.as_millis()).ok()?;
        let now_ms = clock::epoch_ms();
        let trace_id = format!("Root=1-{:08x}-{}", now_ms / 1000, trace_suffix());
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "application/json"),
            ("lambda-runtime-aws-request-id", request_id),
            ("lambda-runtime-deadline-ms", &(now_ms + timeout_ms).to_string()),
            ("lambda-runtime-invoked-function-arn", &self.function_arn),
            ("lambda-runtime-trace-id", &trace_id),
        ] {
            headers.insert(name, HeaderValue::from_str(value).ok()?);
        }
        Some(headers)
    }
}

/// 24 hexadecimal digits, as X-Ray has them after the time.
fn trace_suffix() -> String {
    let mut id = uuid::Uuid::new_v4().simple().to_string();
    id.truncate(24);
    id
}

async fn next(State(api): State<Arc<RuntimeApi>>) -> Response {
    if lock(&api.current).is_some() {
        return refusal(StatusCode::FORBIDDEN, "InvalidStateTransition");
    }
    api.phase.send_replace(Phase::Serving);
    let mut jobs = api.jobs.lock().await;
    loop {
        let Some(job) = jobs.recv().await else {
            return refusal(StatusCode::GONE, "Runtime.Shutdown");
        };
        if let Some(response) = api.hand_out(job) {
            return response;
        }
    }
}

async fn response(State(api): State<Arc<RuntimeApi>>, Path(id): Path<String>, body: Body) -> Response {
    if !api.is_current(&id) {
        return refusal(StatusCode::BAD_REQUEST, "InvalidRequestID");
    }
    match to_bytes(body, MAX_RESPONSE_BYTES).await {
        Ok(payload) => acknowledge(api.answer(&id, Ok(payload))),
        Err(_) => {
            let error = FunctionError {
                error_type: "Function.ResponseSizeTooLarge".to_owned(),
                message: format!("response exceeded the limit of {MAX_RESPONSE_BYTES} bytes"),
            };
            let _ = api.answer(&id, Err(error));
            refusal(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge")
        }
    }
}

async fn error(
    State(api): State<Arc<RuntimeApi>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    acknowledge(api.answer(&id, Err(parse_error(&headers, &body))))
}

async fn init_error(State(api): State<Arc<RuntimeApi>>, headers: HeaderMap, body: Bytes) -> Response {
    let error = parse_error(&headers, &body);
    let failed = api.phase.send_if_modified(|phase| {
        let starting = *phase == Phase::Starting;
        if starting {
            *phase = Phase::InitFailed(error);
        }
        starting
    });
    acknowledge(if failed { StatusCode::ACCEPTED } else { StatusCode::FORBIDDEN })
}

/// The error in `body`; a body that is not JSON still fails the invocation, by the type in the header.
fn parse_error(headers: &HeaderMap, body: &[u8]) -> FunctionError {
    serde_json::from_slice(body).unwrap_or_else(|_| {
        let header = headers.get("lambda-runtime-function-error-type");
        let error_type = header.and_then(|value| value.to_str().ok()).unwrap_or("Runtime.Unknown");
        FunctionError { error_type: error_type.to_owned(), message: "unreadable error".to_owned() }
    })
}

fn acknowledge(status: StatusCode) -> Response {
    if status == StatusCode::ACCEPTED {
        (status, Json(json!({ "status": "OK" }))).into_response()
    } else {
        refusal(status, "InvalidRequestID")
    }
}

fn refusal(status: StatusCode, error_type: &str) -> Response {
    (status, Json(json!({ "errorType": error_type, "errorMessage": error_type }))).into_response()
}

#[cfg(test)]
mod tests;
