//! Invokes a function at a fixed period, as an EventBridge rule does.
//!
//! The first invocation comes one period after the start. An invocation never overlaps the one before it: periods
//! that pass meanwhile are left out. It waits at most one period for a unit of concurrency (AWS retries a throttled
//! one for hours).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::json;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval_at},
};

use crate::{
    clock::{self, Utc},
    function::Function,
    invocation::InvokeError,
};

/// A function and how often it is invoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Name of the rule, unique in the host.
    pub name: String,
    /// Name of the function.
    pub function: String,
    /// The period; not zero.
    pub every: Duration,
}

/// Where to send the result of an invocation out of turn.
pub(crate) type FireReply = oneshot::Sender<Result<Bytes, InvokeError>>;

/// Invokes `function` each period, and at once for everything that comes through `fire`, until `fire` is closed.
pub(crate) async fn run(schedule: Schedule, function: Arc<Function>, mut fire: mpsc::Receiver<FireReply>) {
    let mut ticks = interval_at(Instant::now() + schedule.every, schedule.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let reply = tokio::select! {
            _ = ticks.tick() => None,
            reply = fire.recv() => match reply {
                Some(reply) => Some(reply),
                None => return,
            },
        };
        let result = function.invoke(scheduled_event(&schedule, &function), schedule.every).await;
        if let Err(error) = &result {
            let error: &dyn std::error::Error = error;
            tracing::warn!(schedule.name = schedule.name, error, "scheduled invocation failed");
        }
        if let Some(reply) = reply {
            // Who asked may have stopped waiting.
            let _ = reply.send(result);
        }
    }
}

/// The event of a scheduled rule ([shape]).
///
/// [shape]: https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-scheduled-events.html
fn scheduled_event(schedule: &Schedule, function: &Function) -> Bytes {
    let config = function.config();
    let event = json!({
        "version": "0",
        "id": uuid::Uuid::new_v4().to_string(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": config.account_id,
        "time": Utc::at(clock::epoch_ms()).rfc3339(),
        "region": config.region,
        "resources": [format!("arn:aws:events:{}:{}:rule/{}", config.region, config.account_id, schedule.name)],
        "detail": {},
    });
    event.to_string().into()
}
