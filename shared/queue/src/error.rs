//! Why a queue could not do what it was asked.

use std::error::Error;

use aws_sdk_sqs::error::{BuildError, ProvideErrorMetadata, SdkError};
use fanmail_engine::ports::BoxError;

/// Why a queue could not do what it was asked. Some of several tasks may have been sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// SQS answered with an error.
    #[error("sqs refused the request: {code}")]
    Refused {
        /// SQS's name of the error.
        code: String,
        /// What the SDK says.
        #[source]
        source: BoxError,
    },
    /// No answer, or one that makes no sense.
    #[error("sqs gave no usable answer")]
    NoAnswer(#[source] BoxError),
    /// SQS will never take this message.
    #[error("sqs refused a message: {code}")]
    MessageRefused {
        /// SQS's name of the error.
        code: String,
    },
    /// SQS failed to take some messages, again and again.
    #[error("sqs left {left} messages unsent: {code}")]
    Unsent {
        /// How many.
        left: usize,
        /// SQS's name of the last error.
        code: String,
    },
    /// SQS did not say how many messages there are.
    #[error("sqs gave no usable count {name}")]
    NoCount {
        /// The count's name.
        name: String,
    },
    /// SQS made a queue and does not say where.
    #[error("sqs gave no {what} of queue {queue}")]
    Nameless {
        /// What was missing.
        what: &'static str,
        /// The queue's name.
        queue: String,
    },
    /// The request lacks something that the SDK demands.
    #[error("the request is incomplete")]
    Build(#[from] BuildError),
}

impl QueueError {
    /// An error of the SDK in our words.
    pub(crate) fn from_sdk<E>(error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        match error.as_service_error().and_then(ProvideErrorMetadata::code).map(str::to_owned) {
            Some(code) => Self::Refused { code, source: error.into() },
            None => Self::NoAnswer(error.into()),
        }
    }
}
