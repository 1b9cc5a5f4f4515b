//! What the body of a record is: an event of SES, raw or in SNS's envelope, or word of something that was set up.
//!
//! A topic delivers raw (the body is what SES published) or enveloped (a notification of SNS with it as text in
//! `Message`; "Amazon SNS message delivery to Amazon SQS", "raw message delivery"), as its subscription says. Both
//! are understood at any time, so a subscription can change while events wait.
//!
//! When an event destination is made, SES publishes a sentence that is no JSON; when an identity's notifications are
//! turned on, a notification of a type of its own; and SNS asks for a confirmation where a subscription was made
//! by hand. None of these is a fault, and none may end as a dead letter.

use serde::Deserialize;

use crate::ses_event::SesEvent;

/// What SES publishes to a topic that became an event destination.
const VALIDATED: &str = "Successfully validated SNS topic for Amazon SES event publishing.";
/// The type of what SES publishes to a topic that gets an identity's notifications.
const IDENTITY_SET_UP: &str = "AmazonSnsSubscriptionSucceeded";

/// A body, understood.
pub(crate) enum Body {
    /// An event of SES.
    Event(SesEvent),
    /// Somebody set something up, and this is what.
    SetUp(&'static str),
}

/// Why a body is not understood. Repeats nothing of it: an event that is cut off is as personal as a whole one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    /// No JSON, or not in the form of an event.
    #[error("the body is no event of SES (line {line}, column {column})")]
    NoEvent {
        /// Where the reading ended.
        line: usize,
        /// The same.
        column: usize,
    },
    /// Something of SNS that this function does not know.
    #[error("the body is a message of SNS of a type that is not known here")]
    SnsType,
}

impl From<serde_json::Error> for BodyError {
    /// Keeps the place alone: the error's text and source repeat values.
    fn from(error: serde_json::Error) -> Self {
        Self::NoEvent { line: error.line(), column: error.column() }
    }
}

/// What is around a message of SNS. Members that are not read: the signature, and addresses to confirm or leave by.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    r#type: Option<String>,
    #[serde(default)]
    message: String,
}

/// Reads the body of a record.
///
/// # Errors
///
/// [`BodyError`]: this record alone is not understood.
pub(crate) fn read(body: &str) -> Result<Body, BodyError> {
    if body.trim() == VALIDATED {
        return read_message(body);
    }
    let Envelope { r#type, message } = serde_json::from_str(body)?;
    match r#type.as_deref() {
        None => read_message(body),
        Some("Notification") => read_message(&message),
        Some("SubscriptionConfirmation") => {
            Ok(Body::SetUp("SNS waits until a subscription of the queue is confirmed"))
        }
        Some("UnsubscribeConfirmation") => Ok(Body::SetUp("SNS ended a subscription of the queue")),
        Some(_) => Err(BodyError::SnsType),
    }
}

/// Reads what SES published.
fn read_message(message: &str) -> Result<Body, BodyError> {
    if message.trim() == VALIDATED {
        return Ok(Body::SetUp("SES publishes events to the topic now"));
    }
    let event: SesEvent = serde_json::from_str(message)?;
    if event.known_type() == Some(IDENTITY_SET_UP) {
        return Ok(Body::SetUp("SES sends an identity's notifications to the topic now"));
    }
    Ok(Body::Event(event))
}
