//! One SQS event of what the provider told.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use fanmail_domain::{Batch, BatchId, Timestamp};
use fanmail_engine::ports::{Blocklist, BoxError, Campaigns, Clock, Ledger};
use fanmail_engine::settle::{Settled, Told, settle_known};
use fanmail_runtime::invocation::{self, RESERVE};
use fanmail_runtime::{sqs_batch, usage};
use lambda_runtime::Context;

use crate::Ports;
use crate::body::{self, Body};
use crate::counts::{Counts, Done};
use crate::ses_event::SesEvent;

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
        counts.log();
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
    let (counts, known) = (Mutex::new(Counts::default()), Known::default());
    let work = async |body: &str, _| {
        let done = match body::read(body)? {
            Body::Event(told) => settle(store, clock, until, &told, &known).await?,
            Body::SetUp(what) => {
                tracing::warn!("{what}");
                Done::SetUp
            }
        };
        unlocked(&counts).add(done);
        Ok(())
    };
    let response = sqs_batch::each_record(event, clock, until, work).await;
    (response, counts.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// The batches that this invocation knows already: events come in crowds, as their messages left.
type Known = Mutex<HashMap<BatchId, Batch>>;

async fn settle(
    store: &(impl Campaigns + Ledger + Blocklist),
    clock: &impl Clock,
    until: Timestamp,
    told: &SesEvent,
    known: &Known,
) -> Result<Done, BoxError> {
    let Ok(event) = told.read() else { return Ok(Done::NotOurs(told.known_type())) };
    let (words, batch) = (told.words(), unlocked(known).remove(&event.batch));
    let told = Told { event, words: &words };
    let (settled, batch) = settle_known(store, clock, until, told, batch).await?;
    unlocked(known).extend(batch.map(|batch| (event.batch, batch)));
    match settled {
        Settled::Later => Err(Held.into()),
        Settled::Changed { .. } | Settled::Unchanged | Settled::Unknown => {
            Ok(Done::Settled(event.kind, settled))
        }
    }
}

fn unlocked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
