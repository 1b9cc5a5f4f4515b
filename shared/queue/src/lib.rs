//! The SQS adapter and the versioned message bodies.
//!
//! A task on a queue is a hint: it may come never, once or several times, early or late, and whoever receives
//! it looks at the ledger, or is refused by it. So sending is simple: ten tasks in a request, those that SQS could
//! not take are sent again, and a repeat that duplicates a task does no harm. Bodies hold ids and nothing about people.
//!
//! Every task carries its campaign as the `MessageGroupId`, which on these standard queues orders nothing: it
//! tells SQS whom a message is for, so that a small campaign does not wait behind a large one ([fair queues]).
//!
//! [fair queues]: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html

mod bodies;
mod create;
mod error;
mod send;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use fanmail_engine::ports::{BatchTask, LaneTask, PortError, Tasks};

pub use bodies::{BodyError, decode_batch_task, decode_lane_task, encode_batch_task, encode_lane_task};
pub use create::{QueueNames, QueueSettings, create_queue, create_queues};
pub use error::QueueError;
use send::Outgoing;

/// The longest delay that SQS takes for a message (`DelaySeconds`, AWS API reference).
pub const MAX_DELAY: Duration = Duration::from_secs(900);

/// Addresses of the two queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueUrls {
    /// Tasks to fan lanes out.
    pub lanes: String,
    /// Tasks to send batches.
    pub batches: String,
}

/// Both queues of tasks. Clones share their connections and their counter.
#[derive(Clone)]
pub struct Queue {
    client: Client,
    urls: QueueUrls,
    requests: Arc<AtomicU64>,
}

impl Queue {
    /// Queues at these addresses. Nothing is sent yet.
    #[must_use]
    pub fn new(client: Client, urls: QueueUrls) -> Self {
        Self { client, urls, requests: Arc::default() }
    }

    /// How many requests this queue and its clones sent, repeats by the SDK not counted.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The same, and forgets them.
    #[must_use]
    pub fn take_requests(&self) -> u64 {
        self.requests.swap(0, Ordering::Relaxed)
    }

    fn asked(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether one queue seems to hold nothing.
    async fn is_idle(&self, url: &str) -> Result<bool, QueueError> {
        self.asked();
        let request = self.client.get_queue_attributes().queue_url(url);
        let request = request.set_attribute_names(Some(COUNTS.into()));
        let output = request.send().await.map_err(QueueError::from_sdk)?;
        let attributes = output.attributes.unwrap_or_default();
        let mut messages = 0;
        for name in &COUNTS {
            let count = attributes.get(name).and_then(|count| count.parse::<u64>().ok());
            messages += count.ok_or_else(|| QueueError::NoCount { name: name.as_str().to_owned() })?;
        }
        Ok(messages == 0)
    }
}

/// Every place where a message can be in a queue: waiting, being worked on, delayed.
const COUNTS: [QueueAttributeName; 3] = [
    QueueAttributeName::ApproximateNumberOfMessages,
    QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    QueueAttributeName::ApproximateNumberOfMessagesDelayed,
];

impl Tasks for Queue {
    async fn send_lanes(&self, tasks: &[LaneTask], delay: Duration) -> Result<(), PortError> {
        let message = |task: &LaneTask| Outgoing::new(task.campaign, encode_lane_task(task));
        let messages = tasks.iter().map(message).collect();
        let sent = self.send(&self.urls.lanes, messages, delay).await;
        sent.map_err(|error| PortError::new("send tasks of lanes", error))
    }

    async fn send_batches(&self, tasks: &[BatchTask], delay: Duration) -> Result<(), PortError> {
        let message = |task: &BatchTask| Outgoing::new(task.batch.campaign, encode_batch_task(task));
        let messages = tasks.iter().map(message).collect();
        let sent = self.send(&self.urls.batches, messages, delay).await;
        sent.map_err(|error| PortError::new("send tasks of batches", error))
    }

    async fn are_idle(&self) -> Result<bool, PortError> {
        for url in [&self.urls.lanes, &self.urls.batches] {
            let idle = self.is_idle(url).await;
            if !idle.map_err(|error| PortError::new("count the messages of a queue", error))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("urls", &self.urls).finish_non_exhaustive()
    }
}
