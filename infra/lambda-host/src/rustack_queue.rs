//! A queue of the embedded SQS engine, called in process. Whose message comes next is decided there ([`FairSqs`]).

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fanmail_fair_sqs::FairSqs;
use rustack_sqs_model::{
    input::{
        ChangeMessageVisibilityBatchInput, DeleteMessageBatchInput, GetQueueUrlInput, ReceiveMessageInput,
    },
    types::{
        BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
        Message, MessageAttributeValue,
    },
};

use crate::message_queue::{MessageAttribute, MessageQueue, QueueError, ReceivedMessage};

/// Longest long poll ([`ReceiveMessage`]).
///
/// [`ReceiveMessage`]: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
const MAX_WAIT_S: u64 = 20;

/// One queue of a [`FairSqs`], which counts the requests that AWS would bill.
#[derive(Debug)]
pub struct RustackQueue {
    provider: Arc<FairSqs>,
    queue_url: String,
    requests: AtomicU64,
}

impl RustackQueue {
    /// The queue of that name.
    ///
    /// # Errors
    ///
    /// [`QueueError::Find`] if it has not been created.
    pub async fn open(provider: Arc<FairSqs>, name: &str) -> Result<Self, QueueError> {
        let input = GetQueueUrlInput { queue_name: name.to_owned(), ..GetQueueUrlInput::default() };
        let found = provider.get_queue_url(input).await.map_err(|error| QueueError::Find(error.into()))?;
        let queue_url = found.queue_url.ok_or_else(|| QueueError::Find("no address".into()))?;
        Ok(Self { provider, queue_url, requests: AtomicU64::new(0) })
    }

    /// Requests so far that AWS would bill: receives (also empty ones), batch deletes, batch changes of
    /// visibility. AWS polls with at least two pollers where this host has one, so it would bill more when idle.
    pub fn billed_requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    fn bill(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }
}

impl MessageQueue for RustackQueue {
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<ReceivedMessage>, QueueError> {
        self.bill();
        let wait_s = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let input = ReceiveMessageInput {
            queue_url: self.queue_url.clone(),
            max_number_of_messages: i32::try_from(max).ok(),
            wait_time_seconds: i32::try_from(wait_s.min(MAX_WAIT_S)).ok(),
            message_system_attribute_names: vec!["All".to_owned()],
            message_attribute_names: vec!["All".to_owned()],
            ..ReceiveMessageInput::default()
        };
        let received = self.provider.receive_message(input).await;
        let received = received.map_err(|error| QueueError::Receive(error.into()))?;
        Ok(received.messages.into_iter().map(from_rustack).collect())
    }

    async fn delete(&self, receipt_handles: &[String]) -> Result<(), QueueError> {
        self.bill();
        let entry = |(index, receipt_handle): (usize, &String)| DeleteMessageBatchRequestEntry {
            id: index.to_string(),
            receipt_handle: receipt_handle.clone(),
        };
        let entries = receipt_handles.iter().enumerate().map(entry).collect();
        let input = DeleteMessageBatchInput { queue_url: self.queue_url.clone(), entries };
        let deleted = self.provider.delete_message_batch(input).await;
        let failed = deleted.map_err(|error| QueueError::Delete(error.into()))?.failed;
        first_failure(&failed).map_or(Ok(()), |failure| Err(QueueError::Delete(failure.into())))
    }

    async fn change_visibility(
        &self,
        receipt_handles: &[String],
        timeout: Duration,
    ) -> Result<(), QueueError> {
        self.bill();
        let visibility_timeout = i32::try_from(timeout.as_secs()).unwrap_or(i32::MAX);
        let entry = |(index, receipt_handle): (usize, &String)| ChangeMessageVisibilityBatchRequestEntry {
            id: index.to_string(),
            receipt_handle: receipt_handle.clone(),
            visibility_timeout,
        };
        let entries = receipt_handles.iter().enumerate().map(entry).collect();
        let input = ChangeMessageVisibilityBatchInput { queue_url: self.queue_url.clone(), entries };
        let changed = self.provider.change_message_visibility_batch(input).await;
        let failed = changed.map_err(|error| QueueError::ChangeVisibility(error.into()))?.failed;
        first_failure(&failed).map_or(Ok(()), |failure| Err(QueueError::ChangeVisibility(failure.into())))
    }
}

fn first_failure(failed: &[BatchResultErrorEntry]) -> Option<String> {
    let first = failed.first()?;
    Some(format!("{} of the entries failed, the first with {}", failed.len(), first.code))
}

fn from_rustack(message: Message) -> ReceivedMessage {
    let attribute = |(name, value)| (name, attribute_from_rustack(value));
    ReceivedMessage {
        message_id: message.message_id.unwrap_or_default(),
        receipt_handle: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        md5_of_body: message.md5_of_body.unwrap_or_default(),
        attributes: message.attributes.into_iter().collect(),
        message_attributes: message.message_attributes.into_iter().map(attribute).collect(),
    }
}

fn attribute_from_rustack(value: MessageAttributeValue) -> MessageAttribute {
    MessageAttribute {
        data_type: value.data_type,
        string_value: value.string_value,
        binary_value: value.binary_value,
    }
}
