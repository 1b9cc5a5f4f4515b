//! The queue an event source polls: SQS, seen from its consumer.

use std::{collections::BTreeMap, error::Error, future::Future, time::Duration};

/// Most messages that SQS hands out, deletes or changes in one request.
pub(crate) const MAX_MESSAGES_PER_REQUEST: usize = 10;

/// A message as `ReceiveMessage` returns it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// Id of the message, the same at each receive.
    pub message_id: String,
    /// Handle of this receive.
    pub receipt_handle: String,
    /// The body.
    pub body: String,
    /// MD5 of the body, in hexadecimal.
    pub md5_of_body: String,
    /// System attributes: `ApproximateReceiveCount`, `SentTimestamp`, …
    pub attributes: BTreeMap<String, String>,
    /// The sender's attributes.
    pub message_attributes: BTreeMap<String, MessageAttribute>,
}

/// A sender's attribute of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageAttribute {
    /// `String`, `Number`, `Binary`, or one of these with a suffix.
    pub data_type: String,
    /// The value of a `String` or `Number`.
    pub string_value: Option<String>,
    /// The value of a `Binary`.
    pub binary_value: Option<Vec<u8>>,
}

/// A queue that could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// There is no such queue.
    #[error("the queue could not be found")]
    Find(#[source] Box<dyn Error + Send + Sync>),
    /// Nothing was received.
    #[error("messages could not be received")]
    Receive(#[source] Box<dyn Error + Send + Sync>),
    /// Some or all messages were not deleted and will come again.
    #[error("messages could not be deleted")]
    Delete(#[source] Box<dyn Error + Send + Sync>),
    /// Some or all messages keep their visibility timeout.
    #[error("the visibility of messages could not be changed")]
    ChangeVisibility(#[source] Box<dyn Error + Send + Sync>),
}

/// What an event source needs of a queue. Every call is one request, with at most ten
/// messages.
pub trait MessageQueue: Send + Sync + 'static {
    /// Receives up to `max` messages; with none there, waits for some at most `wait` (rounded up to seconds,
    /// at most 20).
    ///
    /// The future may be dropped. Should messages arrive in that very moment, they come again after their
    /// visibility timeout.
    ///
    /// # Errors
    ///
    /// [`QueueError::Receive`].
    fn receive(
        &self,
        max: usize,
        wait: Duration,
    ) -> impl Future<Output = Result<Vec<ReceivedMessage>, QueueError>> + Send;

    /// Deletes messages by their receipt handles.
    ///
    /// # Errors
    ///
    /// [`QueueError::Delete`] if one of them was not deleted.
    fn delete(&self, receipt_handles: &[String]) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Hides messages for `timeout` from now on (whole seconds); zero makes them visible.
    ///
    /// # Errors
    ///
    /// [`QueueError::ChangeVisibility`] if one of them was not changed.
    fn change_visibility(
        &self,
        receipt_handles: &[String],
        timeout: Duration,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;
}
