//! One invocation, how it can end, and what AWS tells the caller then.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// What a function said went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionError {
    /// Class of the error, chosen by the function.
    #[serde(default = "unknown_error_type")]
    pub error_type: String,
    /// Text of the error, chosen by the function.
    #[serde(default, rename = "errorMessage")]
    pub message: String,
}

/// The type AWS reports for an error without one.
fn unknown_error_type() -> String {
    "Runtime.Unknown".to_owned()
}

/// Why an invocation has no result.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// The host has no function of that name.
    #[error("there is no function {0}")]
    UnknownFunction(String),
    /// Every unit of the function's concurrency is in use (429 on AWS). Nothing was started.
    #[error("every unit of concurrency is in use")]
    Throttled,
    /// The function ran and reported an error.
    #[error("the function failed with {}", .0.error_type)]
    Function(FunctionError),
    /// The function reported an error before it took its first invocation.
    #[error("the function could not be initialised: {}", .0.error_type)]
    Init(FunctionError),
    /// The time limit passed; the process was killed.
    #[error("the function timed out after {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The process ended without an answer; the text says how.
    #[error("the function's process ended: {0}")]
    Exited(Arc<str>),
    /// The program could not be started.
    #[error("the function's process could not be started")]
    Start(#[source] Arc<io::Error>),
    /// The host is shutting down.
    #[error("the host is shutting down")]
    Stopped,
}

impl InvokeError {
    /// The error as AWS puts it into an invocation's payload (`errorType`, `errorMessage`).
    #[must_use]
    pub fn report(&self) -> FunctionError {
        let error_type = match self {
            Self::Function(error) | Self::Init(error) => return error.clone(),
            Self::TimedOut(_) => "Sandbox.Timedout",
            Self::Exited(_) => "Runtime.ExitError",
            Self::Start(_) => "Runtime.InvalidEntrypoint",
            Self::UnknownFunction(_) => "ResourceNotFoundException",
            Self::Throttled => "TooManyRequestsException",
            Self::Stopped => "ServiceException",
        };
        FunctionError { error_type: error_type.to_owned(), message: self.to_string() }
    }
}

/// An invocation on its way to a process.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) request_id: String,
    pub(crate) payload: Bytes,
    /// Time the function has from the moment it takes the invocation.
    pub(crate) timeout: Duration,
    /// Told when a process has taken the invocation.
    pub(crate) taken: oneshot::Sender<()>,
    /// Told what the process answered.
    pub(crate) reply: oneshot::Sender<Result<Bytes, FunctionError>>,
}

/// The invoking side of a [`Job`].
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) taken: oneshot::Receiver<()>,
    pub(crate) reply: oneshot::Receiver<Result<Bytes, FunctionError>>,
}

impl Job {
    /// An invocation with a new request id, and what its caller waits for.
    pub(crate) fn new(payload: Bytes, timeout: Duration) -> (Self, Waiting) {
        let (taken, taken_receiver) = oneshot::channel();
        let (reply, reply_receiver) = oneshot::channel();
        let request_id = uuid::Uuid::new_v4().to_string();
        let job = Self { request_id, payload, timeout, taken, reply };
        (job, Waiting { taken: taken_receiver, reply: reply_receiver })
    }
}
