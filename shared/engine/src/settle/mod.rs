//! Settling: what a provider's event says of one message goes into the ledger.
//!
//! Events carry the message's place in the ledger as tags, so each finds its recipient without a search. They
//! come late, twice, in any order, and before our own record: the worse outcome wins whatever the order
//! ([`fanmail_domain::recipient`]), and an event for a batch that somebody holds is put off, to be delivered
//! again when the holder has written down what it knows. A hard bounce and a complaint blocklist.

mod event;

use fanmail_domain::{
    Batch, BatchEvent, BatchId, FailReason, Failure, LaneCount, RecipientState, SubscriberId, Timestamp,
};

pub use event::{EventKind, NotOurs, ProviderEvent, TAGS, Told};

use crate::commit::{Committed, commit, retry};
use crate::ports::{Blocklist, Campaigns, Clock, JournalEntry, Ledger, PortError};

/// What an event came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The ledger says something else now.
    Changed {
        /// What it said.
        from: RecipientState,
        /// What it says.
        to: RecipientState,
    },
    /// The ledger said so already, or the event says nothing about an outcome.
    Unchanged,
    /// Somebody holds the batch: the event has to come again.
    Later,
    /// There is no such place.
    Unknown,
}

/// Takes one event down.
///
/// # Errors
///
/// [`PortError`] if a port stays silent until `until`: the event has to come again.
pub async fn settle(
    store: &(impl Campaigns + Ledger + Blocklist),
    clock: &impl Clock,
    until: Timestamp,
    event: ProviderEvent,
) -> Result<Settled, PortError> {
    Ok(settle_known(store, clock, until, Told { event, words: "" }, None).await?.0)
}

/// Takes one of several events down that came together. `known` is the event's batch, if an event before it left
/// one; answers what is known now.
///
/// A batch that was read after all of them came is fresh enough for all of them: what is written is conditional on it,
/// and what is not written might as well have been told a moment earlier. So a hundred deliveries of one batch cost
/// one read.
///
/// # Errors
///
/// As for [`settle`]. Nothing is known then.
pub async fn settle_known(
    store: &(impl Campaigns + Ledger + Blocklist),
    clock: &impl Clock,
    until: Timestamp,
    told: Told<'_>,
    known: Option<Batch>,
) -> Result<(Settled, Option<Batch>), PortError> {
    let event = told.event;
    let batch = match known.filter(|batch| batch.id == event.batch) {
        Some(batch) => Some(batch),
        None => retry(clock, until, || store.batch(event.batch)).await?,
    };
    let Some(batch) = batch else { return Ok((Settled::Unknown, None)) };
    let Some(entry) = batch.entries.get(event.position) else { return Ok((Settled::Unknown, Some(batch))) };
    if event.kind.blocklists() {
        let subscriber = entry.subscriber;
        retry(clock, until, || store.blocklist(subscriber)).await?;
    }
    record(store, clock, until, told, batch).await
}

async fn record(
    store: &(impl Campaigns + Ledger),
    clock: &impl Clock,
    until: Timestamp,
    told: Told<'_>,
    mut before: Batch,
) -> Result<(Settled, Option<Batch>), PortError> {
    let event = told.event;
    let settled = BatchEvent::Settled { position: event.position, evidence: event.kind.evidence() };
    loop {
        let entry = before.entries[event.position];
        if already_says(&before, event) {
            return Ok((Settled::Unchanged, Some(before)));
        }
        let Ok(after) = before.clone().apply(&settled) else { return Ok((Settled::Later, Some(before))) };
        let (from, to) = (entry.state, after.entries[event.position].state);
        let now = clock.now();
        let (count, after) = (LaneCount::between(&before, &after, now), after.revised(now));
        if let RecipientState::Failed(reason) = to {
            // Before the state: whoever dies in between is asked again, and finds something to do.
            keep_words(store, clock, until, told, (entry.subscriber, reason)).await?;
        }
        match commit(clock, until, &after, || store.count_batch(&after, &count)).await? {
            Committed::Stands => {
                tell(store, clock, until, event, (entry.subscriber, from, to)).await?;
                return Ok((Settled::Changed { from, to }, Some(after)));
            }
            Committed::Refused(Some(current)) => before = current,
            Committed::Refused(None) => return Ok((Settled::Unknown, None)),
        }
    }
}

/// Whether nothing is to be written: not even the holder of the batch could come to another end.
fn already_says(batch: &Batch, event: ProviderEvent) -> bool {
    let entry = &batch.entries[event.position];
    let settle = fanmail_domain::RecipientEvent::Settle(event.kind.evidence());
    entry.state.is_terminal() && entry.state.apply(settle) == Ok(entry.state)
}

/// Keeps the words of a failure.
async fn keep_words(
    store: &impl Ledger,
    clock: &impl Clock,
    until: Timestamp,
    Told { event, words: said }: Told<'_>,
    (subscriber, reason): (SubscriberId, FailReason),
) -> Result<(), PortError> {
    let BatchId { campaign, lane, .. } = event.batch;
    let (at, mut text) = (clock.now(), words(event));
    if !said.is_empty() {
        text = format!("{text}: {said}");
    }
    let failure = Failure { campaign, lane, subscriber, reason, code: None, text, at };
    retry(clock, until, || store.record_failures(std::slice::from_ref(&failure))).await
}

fn words(event: ProviderEvent) -> String {
    format!("the provider's event: {}", event.kind.name())
}

/// Says in the journal that a doubt is settled.
async fn tell(
    store: &impl Campaigns,
    clock: &impl Clock,
    until: Timestamp,
    event: ProviderEvent,
    (subscriber, from, to): (SubscriberId, RecipientState, RecipientState),
) -> Result<(), PortError> {
    if from == RecipientState::Accepted {
        return Ok(());
    }
    let kind = event.kind.name().replace(' ', "-");
    let key = format!("batch-{}-position-{}-{kind}", event.batch, event.position);
    let text =
        format!("recipient {subscriber} was {}, and is {} now: {}", from.name(), to.name(), words(event));
    let entry =
        JournalEntry { campaign: event.batch.campaign, at: clock.now(), key, actor: "provider".into(), text };
    retry(clock, until, || store.journal(&entry)).await
}
