//! Amazon SQS fair queues over the embedded engine, which knows none.
//!
//! What AWS does ([fair queues]): a message on a *standard* queue may carry a `MessageGroupId`, which says whom it
//! is for and orders nothing. A group that has more than a tenth of the messages in flight (and at least thirty),
//! or that took more than a tenth of the consumers' recent time, is noisy: messages of quiet groups are handed out
//! before its own, and of several noisy groups the one with the fewest in flight comes first. Nothing is dropped
//! or slowed down, and what each group sent goes on being handed out when nobody else has anything.
//!
//! What this does: the group with the fewest messages in flight always comes first, and among equals the one
//! that was served longest ago. No thresholds, no memory of five minutes: with the two consumers of one machine
//! they would show nothing.
//!
//! ```text
//! send(work, group a) ──▶ engine's queue group.0 ─┐  fewest in flight,
//! send(work, group b) ──▶ engine's queue group.1 ─┼─ then served longest ago ──▶ receive(work)
//! send(work)          ──▶ engine's queue work ────┘
//! ```
//!
//! The engine refuses `MessageGroupId` on a standard queue and hands out in the order of arrival. So each group of
//! a queue is a hidden queue of the engine with the same attributes, made when its first message comes and
//! deleted when it holds nothing, hidden and delayed messages included. Nothing is received ahead of a receive:
//! visibility timeouts, receive counts, delays and dead letters stay the engine's own, and whoever stops polling
//! holds nothing. A receipt handle names its hidden queue; counts are sums.
//!
//! Differences from AWS: messages without a group are one group together, not each its own; a message that moved
//! to a dead-letter queue has no group any more; FIFO queues are handed through to the engine as they are.
//!
//! [fair queues]: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html

mod batches;
mod groups;
mod handler;
mod messages;
mod queues;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use rustack_sqs_core::{config::SqsConfig, provider::RustackSqs, queue::extract_queue_name};
use rustack_sqs_model::error::SqsError;

use groups::Queue;
pub use handler::FairSqsHandler;

/// The engine, with fair standard queues. Takes and answers what the engine does.
#[derive(Debug)]
pub struct FairSqs {
    engine: Arc<RustackSqs>,
    /// The queues that were used, by name.
    queues: Mutex<HashMap<String, Arc<Queue>>>,
    /// The number of the next hidden queue.
    next: AtomicU64,
}

impl FairSqs {
    /// An engine without queues.
    #[must_use]
    pub fn new(config: SqsConfig) -> Self {
        Self { engine: Arc::new(RustackSqs::new(config)), queues: Mutex::default(), next: AtomicU64::new(0) }
    }

    /// The queue that a URL names, whether it exists or not: the engine tells.
    fn queue(&self, url: &str) -> Arc<Queue> {
        let name = extract_queue_name(url).unwrap_or(url);
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(name) {
            return Arc::clone(queue);
        }
        let queue = Arc::new(Queue::new(url));
        queues.insert(name.to_owned(), Arc::clone(&queue));
        queue
    }

    /// A name that no client can give to a queue: AWS allows no full stop in it.
    fn hidden_name(&self) -> String {
        format!("{HIDDEN}{}", self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// What the names of hidden queues begin with.
const HIDDEN: &str = "group.";

/// Whether a URL is that of a hidden queue.
fn is_hidden(url: &str) -> bool {
    extract_queue_name(url).is_some_and(|name| name.starts_with(HIDDEN))
}

/// The result of an operation of the engine.
type Answer<T> = Result<T, SqsError>;
