//! Why the store could not do what it was asked.

use std::error::Error;
use std::num::ParseIntError;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use fanmail_engine::ports::{BoxError, PortError};

/// Why the store could not do what it was asked. Whether a write took place is not known then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// DynamoDB answered with an error.
    #[error("dynamodb refused the request: {code}")]
    Refused {
        /// DynamoDB's name of the error.
        code: String,
        /// What the SDK says.
        #[source]
        source: BoxError,
    },
    /// No answer, or one that makes no sense.
    #[error("dynamodb gave no usable answer")]
    NoAnswer(#[source] BoxError),
    /// The transaction met another one, or too many requests; it changed nothing.
    #[error("dynamodb cancelled the transaction: {codes}")]
    Cancelled {
        /// The reasons of its actions, in order, without those that had none.
        codes: String,
    },
    /// What is stored cannot be read.
    #[error("a stored item cannot be read")]
    Decode(#[from] DecodeError),
    /// The request lacks something that the SDK demands.
    #[error("the request is incomplete")]
    Build(#[from] BuildError),
    /// DynamoDB left part of a request undone, again and again.
    #[error("dynamodb left {left} items of a request undone")]
    Unprocessed {
        /// How many.
        left: usize,
    },
    /// The table was written by another version of fanmail; nothing is written to it.
    #[error(
        "table {table} is of version {found}, and this fanmail reads and writes version {expected}: deploy the fanmail that fits it"
    )]
    Version {
        /// The table's name.
        table: String,
        /// The version that it names.
        found: u32,
        /// The version that is needed.
        expected: u32,
    },
    /// Others changed the item again and again between its read and its write.
    #[error("gave up on an item that others kept changing")]
    Contended,
}

/// Why a stored item cannot be read: damage, or the work of another version. Names the item by its key, which
/// holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The attribute is not there.
    #[error("item {item} has no attribute {attribute}")]
    Missing {
        /// Partition and sort key.
        item: String,
        /// The attribute's name.
        attribute: String,
    },
    /// The attribute has another type or a form that it cannot have.
    #[error("attribute {attribute} of item {item} is no {expected}")]
    Malformed {
        /// Partition and sort key.
        item: String,
        /// The attribute's name.
        attribute: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The attribute is a number, but not one that fits.
    #[error("attribute {attribute} of item {item} is out of range")]
    Number {
        /// Partition and sort key.
        item: String,
        /// The attribute's name.
        attribute: String,
        /// What is wrong with it.
        #[source]
        source: ParseIntError,
    },
}

/// Codes of refusals that pass by themselves.
const TRANSIENT: [&str; 8] = [
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
    "ThrottlingError",
    "ThrottlingException",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
];

impl StoreError {
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

    /// Whether the same request may well succeed a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused { code, .. } => TRANSIENT.contains(&code.as_str()),
            Self::Cancelled { codes } => codes.split(", ").all(|code| TRANSIENT.contains(&code)),
            Self::Unprocessed { .. } => true,
            Self::NoAnswer(_) | Self::Decode(_) | Self::Build(_) | Self::Version { .. } | Self::Contended => {
                false
            }
        }
    }
}

/// Turns errors of the store into those of the engine's ports.
pub(crate) trait InOperation<T> {
    /// Names what was asked, as a verb and an object.
    fn during(self, operation: &'static str) -> Result<T, PortError>;
}

impl<T, E: Into<StoreError>> InOperation<T> for Result<T, E> {
    fn during(self, operation: &'static str) -> Result<T, PortError> {
        self.map_err(|error| PortError::new(operation, error.into()))
    }
}
