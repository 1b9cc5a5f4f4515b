//! Polls an SQS queue for a function, the way an event source mapping does.
//!
//! ```text
//! wait until enabled, below the maximum concurrency and a unit is free
//!   → receive (long poll; a changed setting ends it) → claim the unit
//!     → in the background: invoke, then delete what succeeded → again
//! ```
//!
//! One loop receives; as many batches as the limits allow are in flight. Nothing is received while no unit is
//! free, so throttling costs no receive count. Should the unit be taken by somebody else during the long poll, the
//! batch is first in line for the next one. What a function does not confirm stays hidden until its visibility
//! timeout ends, and comes again.
//!
//! Nothing is received ahead of need either, so the queue decides at the last moment whose message is next: a
//! fair queue's quiet groups wait for one unit, not for a backlog, and who stops a source finds nothing in it.
//!
//! Difference from AWS: with a maximum concurrency below the reserved one AWS still polls ahead a little; here a
//! message never waits outside the queue while the limits are unchanged and nobody else invokes the function.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use crate::{
    function::Function,
    invocation::InvokeError,
    message_queue::{MAX_MESSAGES_PER_REQUEST, MessageQueue, QueueError, ReceivedMessage},
    partial_batch::{Verdict, verdict},
    pool::Unit,
    sqs_event::sqs_event,
};

/// Longest wait of one receive: the longest SQS allows, which makes idle polling cheapest.
const LONG_POLL: Duration = Duration::from_secs(20);
/// Pause after a receive that failed.
const RECEIVE_PAUSE: Duration = Duration::from_secs(1);
/// No further receive adds to a batch of this many body bytes: ten more messages of 256 KiB, the most one receive
/// of the embedded queue can bring, still fit into an event of 6 MB.
const FULL_BATCH_BYTES: usize = 3 * 1024 * 1024;

/// An event source mapping: which queue feeds which function, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSourceSpec {
    /// Id in the Lambda API, unique in the host.
    pub uuid: String,
    /// Name of the function.
    pub function: String,
    /// ARN of the queue, as it appears in events.
    pub queue_arn: String,
    /// Most messages per invocation, 1 to 10,000; above 10 a batching window of at least 1 s is needed.
    pub batch_size: u32,
    /// Most batches in flight, 2 to 1,000 on AWS; `None` leaves the function's own limit.
    pub maximum_concurrency: Option<u32>,
    /// How long to wait for more messages after the first, 0 s to 300 s in whole seconds.
    pub batching_window: Duration,
    /// Whether the queue is polled.
    pub enabled: bool,
}

impl EventSourceSpec {
    /// A mapping with Lambda's defaults: batches of 10, no window, no maximum concurrency, enabled.
    pub fn new(uuid: impl Into<String>, function: impl Into<String>, queue_arn: impl Into<String>) -> Self {
        Self {
            uuid: uuid.into(),
            function: function.into(),
            queue_arn: queue_arn.into(),
            batch_size: 10,
            maximum_concurrency: None,
            batching_window: Duration::ZERO,
            enabled: true,
        }
    }

    /// Checks the ranges above ([`UpdateEventSourceMapping`]); the text names what is wrong.
    ///
    /// [`UpdateEventSourceMapping`]: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if !(1..=10_000).contains(&self.batch_size) {
            return Err("BatchSize must be between 1 and 10000");
        }
        if Duration::from_secs(300) < self.batching_window {
            return Err("MaximumBatchingWindowInSeconds must be between 0 and 300");
        }
        if 10 < self.batch_size && self.batching_window < Duration::from_secs(1) {
            return Err("a BatchSize above 10 needs a MaximumBatchingWindowInSeconds of at least 1");
        }
        if self.maximum_concurrency.is_some_and(|maximum| !(2..=1000).contains(&maximum)) {
            return Err("MaximumConcurrency must be between 2 and 1000");
        }
        Ok(())
    }
}

#[derive(Debug, Clone)]
struct Control {
    spec: EventSourceSpec,
    stopping: bool,
}

/// A mapping at work: its settings, which can change, and the batches in flight.
#[derive(Debug)]
pub(crate) struct EventSource {
    function: Arc<Function>,
    control: watch::Sender<Control>,
    in_flight: watch::Sender<u32>,
}

/// One batch in flight; counts itself out when it ends.
struct InFlight(Arc<EventSource>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.send_modify(|count| *count -= 1);
    }
}

impl EventSource {
    pub(crate) fn new(spec: EventSourceSpec, function: Arc<Function>) -> Arc<Self> {
        let control = watch::Sender::new(Control { spec, stopping: false });
        Arc::new(Self { function, control, in_flight: watch::Sender::new(0) })
    }

    /// The settings in force.
    pub(crate) fn spec(&self) -> EventSourceSpec {
        self.control.borrow().spec.clone()
    }

    /// Puts other settings in force, for the next receive on.
    pub(crate) fn update(&self, spec: EventSourceSpec) {
        self.control.send_modify(|control| control.spec = spec);
    }

    /// Receives nothing more; what is in flight goes on.
    pub(crate) fn stop(&self) {
        self.control.send_modify(|control| control.stopping = true);
    }

    /// Waits until no batch is in flight.
    pub(crate) async fn quiet(&self) {
        // The sender is in `self`, so this cannot fail.
        let _ = self.in_flight.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Polls `queue` until the mapping is stopped.
    pub(crate) async fn poll<Q: MessageQueue>(self: Arc<Self>, queue: Arc<Q>) {
        let mut control = self.control.subscribe();
        while let Some(spec) = self.turn(&mut control).await {
            match self.receive(&*queue, &spec, &mut control).await {
                Ok(messages) if messages.is_empty() => {}
                Ok(messages) => self.dispatch(&queue, spec, messages).await,
                Err(error) => {
                    warn(&spec, &error, "receive failed");
                    tokio::time::sleep(RECEIVE_PAUSE).await;
                }
            }
        }
    }

    /// Waits until a batch may be received, and returns the settings to do it by; `None` when stopped.
    async fn turn(&self, control: &mut watch::Receiver<Control>) -> Option<EventSourceSpec> {
        loop {
            let Control { spec, stopping } = control.borrow_and_update().clone();
            if stopping {
                return None;
            }
            tokio::select! {
                biased;
                _ = control.changed() => {}
                () = self.room(&spec) => return Some(spec),
            }
        }
    }

    async fn room(&self, spec: &EventSourceSpec) {
        if !spec.enabled {
            std::future::pending::<()>().await;
        }
        let maximum = spec.maximum_concurrency.unwrap_or(u32::MAX);
        // The sender is in `self`, so this cannot fail.
        let _ = self.in_flight.subscribe().wait_for(|count| *count < maximum).await;
        self.function.ready().await;
    }

    /// Receives one batch; an empty one if a setting changed meanwhile.
    async fn receive<Q: MessageQueue>(
        &self,
        queue: &Q,
        spec: &EventSourceSpec,
        control: &mut watch::Receiver<Control>,
    ) -> Result<Vec<ReceivedMessage>, QueueError> {
        let batch_size = usize::try_from(spec.batch_size).unwrap_or(usize::MAX);
        let mut limit = self.function.pool().limit();
        let mut messages = tokio::select! {
            biased;
            received = queue.receive(batch_size.min(MAX_MESSAGES_PER_REQUEST), LONG_POLL) => received?,
            _ = control.changed() => Vec::new(),
            _ = limit.changed() => Vec::new(),
        };
        let window_end = Instant::now() + spec.batching_window;
        while !messages.is_empty() && messages.len() < batch_size && body_bytes(&messages) < FULL_BATCH_BYTES
        {
            let left = window_end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let max = (batch_size - messages.len()).min(MAX_MESSAGES_PER_REQUEST);
            match queue.receive(max, left).await {
                Ok(more) => messages.extend(more),
                // What is at hand goes on; the next turn meets the error again.
                Err(_) => break,
            }
        }
        Ok(messages)
    }

    /// Takes a unit for the batch and lets it run; hands the batch back if there is none in time.
    async fn dispatch<Q: MessageQueue>(
        self: &Arc<Self>,
        queue: &Arc<Q>,
        spec: EventSourceSpec,
        messages: Vec<ReceivedMessage>,
    ) {
        self.in_flight.send_modify(|count| *count += 1);
        let in_flight = InFlight(Arc::clone(self));
        match self.function.pool().claimed_unit(self.function.spec().timeout).await {
            Some(unit) => {
                let queue = Arc::clone(queue);
                tokio::spawn(async move { in_flight.0.run(&*queue, &spec, messages, unit).await });
            }
            None => give_back(&**queue, &spec, &messages).await,
        }
    }

    async fn run<Q: MessageQueue>(
        &self,
        queue: &Q,
        spec: &EventSourceSpec,
        messages: Vec<ReceivedMessage>,
        unit: Unit,
    ) {
        let result = match sqs_event(&messages, &spec.queue_arn, &self.function.config().region) {
            Ok(event) => self.function.invoke_with(unit, event).await,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "batch could not be written as an event"
                );
                return;
            }
        };
        delete(queue, spec, &succeeded(spec, &messages, result)).await;
    }
}

fn body_bytes(messages: &[ReceivedMessage]) -> usize {
    messages.iter().map(|message| message.body.len()).sum()
}

/// The receipt handles of the messages that the function has dealt with.
fn succeeded(
    spec: &EventSourceSpec,
    messages: &[ReceivedMessage],
    result: Result<bytes::Bytes, InvokeError>,
) -> Vec<String> {
    let answer = match result {
        Ok(answer) => answer,
        Err(error) => {
            warn(spec, &error, "batch failed");
            return Vec::new();
        }
    };
    let ids: HashSet<&str> = messages.iter().map(|message| message.message_id.as_str()).collect();
    match verdict(&answer, &ids) {
        Verdict::AllBut(failed) => {
            let done = messages.iter().filter(|message| !failed.contains(&message.message_id));
            done.map(|message| message.receipt_handle.clone()).collect()
        }
        Verdict::NoneAtAll => {
            tracing::warn!(event_source.uuid = spec.uuid, "batch failed: invalid partial batch response");
            Vec::new()
        }
    }
}

async fn delete<Q: MessageQueue>(queue: &Q, spec: &EventSourceSpec, receipt_handles: &[String]) {
    for request in receipt_handles.chunks(MAX_MESSAGES_PER_REQUEST) {
        if let Err(error) = queue.delete(request).await {
            warn(spec, &error, "messages will come again");
        }
    }
}

fn warn(spec: &EventSourceSpec, error: &(dyn std::error::Error + 'static), what: &str) {
    tracing::warn!(event_source.uuid = spec.uuid, error, "{what}");
}

/// Makes messages visible again that nobody could be found for; this receive of theirs counts.
async fn give_back<Q: MessageQueue>(queue: &Q, spec: &EventSourceSpec, messages: &[ReceivedMessage]) {
    let handles: Vec<String> = messages.iter().map(|message| message.receipt_handle.clone()).collect();
    for request in handles.chunks(MAX_MESSAGES_PER_REQUEST) {
        if let Err(error) = queue.change_visibility(request, Duration::ZERO).await {
            warn(spec, &error, "messages stay hidden for their timeout");
        }
    }
}
