//! One SQS event of what the provider told.

use std::sync::{Mutex, PoisonError};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use fanmail_domain::Timestamp;
use fanmail_engine::ports::{Blocklist, BoxError, Campaigns, Clock, Ledger};
use fanmail_engine::settle::{Settled, settle_with_words};
use fanmail_runtime::invocation::{self, RESERVE};
use fanmail_runtime::{sqs_batch, usage};
use lambda_runtime::Context;

use crate::Ports;
use crate::body::{self, Body};
use crate::counts::{Counts, Done};

/// A sender holds the batch, and knows more than the ledger.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a sender holds the batch: the event has to come again")]
pub(crate) struct Held;

pub(crate) async fn handle(
    ports: &Ports,
    event: SqsEvent,
    context: &Context,
) -> Result<SqsBatchResponse, BoxError> {
    let until = invocation::from_context(context, ports.clock.now(), RESERVE).stop_at;
    let (response, counts) = take_down(&ports.store, &ports.clock, until, event).await;
    let used = usage::report("feedback", &ports.store, None);
    ports.metrics.write(ports.clock.now(), &counts.metrics(), &used);
    if counts != Counts::default() {
        tracing::info!(counts = ?counts, "took the provider's events down");
    }
    response
}

/// Takes each record down until `until`; answers which have to come again, and what the others were.
pub(crate) async fn take_down(
    store: &(impl Campaigns + Ledger + Blocklist),
    clock: &impl Clock,
    until: Timestamp,
    event: SqsEvent,
) -> (Result<SqsBatchResponse, BoxError>, Counts) {
    let counts = Mutex::new(Counts::default());
    let work = async |body: &str, _| {
        let done = take_one(store, clock, until, body).await?;
        counts.lock().unwrap_or_else(PoisonError::into_inner).add(done);
        Ok(())
    };
    let response = sqs_batch::each_record(event, clock, until, work).await;
    (response, counts.into_inner().unwrap_or_else(PoisonError::into_inner))
}

async fn take_one(
    store: &(impl Campaigns + Ledger + Blocklist),
    clock: &impl Clock,
    until: Timestamp,
    body: &str,
) -> Result<Done, BoxError> {
    let told = match body::read(body)? {
        Body::Event(told) => told,
        Body::SetUp(what) => {
            tracing::warn!("{what}");
            return Ok(Done::SetUp);
        }
    };
    let Ok(event) = told.read() else { return Ok(Done::NotOurs(told.known_type())) };
    match settle_with_words(store, clock, until, event, &told.words()).await? {
        Settled::Later => Err(Held.into()),
        settled @ (Settled::Changed { .. } | Settled::Unchanged | Settled::Unknown) => {
            Ok(Done::Settled(event.kind, settled))
        }
    }
}
