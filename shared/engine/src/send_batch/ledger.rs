//! What a run writes into the ledger.
//!
//! The run changes its own copy of the batch; a write makes the ledger equal to it. Each write names the
//! revision it follows, so a run whose lease was taken over writes nothing any more, and stops.

use std::time::Duration;

use fanmail_domain::{
    Batch, BatchEvent, FailReason, Failure, IllegalTransition, LaneCount, Phase, RecipientState,
};

use super::run::Run;
use crate::commit::{Committed, commit, retry};
use crate::ports::{Audience, Campaigns, Clock, JournalEntry, Ledger, Mailer, PortError, Tasks, Windows};

/// What became of a batch's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It stands, and others of the lane are left.
    OthersAreLeft,
    /// It stands, and the lane may be complete with it.
    MayBeTheLast,
    /// The batch is not ours any more.
    Lost,
}

/// A batch that takes longer than this carries its counters forward on the way.
const COUNT_EVERY: Duration = Duration::from_secs(3);

impl<S, Q, M, C> Run<'_, '_, S, Q, M, C>
where
    S: Campaigns + Ledger + Audience + Windows,
    Q: Tasks,
    M: Mailer,
    C: Clock,
{
    /// Writes everything decided so far: results, and the intents of the next window. Answers whether the
    /// batch is still ours.
    pub(super) async fn save(&mut self) -> Result<bool, PortError> {
        let now = self.ports.clock.now();
        let due = now >= self.counted_at.after(COUNT_EVERY);
        if due && !self.batch.uncounted().is_empty() {
            return self.carry_forward(None).await;
        }
        self.write(false).await
    }

    /// Writes everything decided so far, and `last` if there is one, and adds to the lane's counters what
    /// they do not contain yet, in one transaction.
    pub(super) async fn carry_forward(&mut self, last: Option<BatchEvent<'_>>) -> Result<bool, PortError> {
        self.count(last)?;
        self.write(true).await
    }

    /// The same with the batch's end, which also says whether somebody has to look if that was the campaign's.
    pub(super) async fn end(&mut self) -> Result<End, PortError> {
        self.count(Some(BatchEvent::Finished { token: self.batch.token }))?;
        self.write_failures().await?;
        let (store, clock, until) = (self.ports.store, self.ports.clock, self.invocation.deadline);
        let (batch, count) = self.revision();
        let mut end = End::OthersAreLeft;
        let mut written = commit(clock, until, &batch, || store.end_batch(&batch, &count)).await?;
        if matches!(&written, Committed::Refused(Some(stands)) if stands.rev == self.ledger.rev) {
            end = End::MayBeTheLast;
            written = commit(clock, until, &batch, || store.count_batch(&batch, &count)).await?;
        }
        self.adopt(batch);
        Ok(if written.stands() { end } else { End::Lost })
    }

    fn count(&mut self, last: Option<BatchEvent<'_>>) -> Result<(), PortError> {
        self.apply(&BatchEvent::Counted { token: self.batch.token })?;
        self.counted_at = self.ports.clock.now();
        last.map_or(Ok(()), |last| self.apply(&last))
    }

    pub(super) fn apply(&mut self, event: &BatchEvent<'_>) -> Result<(), PortError> {
        self.batch = self.batch.clone().apply(event).map_err(broken_batch)?;
        Ok(())
    }

    async fn write(&mut self, counts: bool) -> Result<bool, PortError> {
        self.write_failures().await?;
        let (store, clock, until) = (self.ports.store, self.ports.clock, self.invocation.deadline);
        let (batch, count) = self.revision();
        let written = if counts && !count.is_empty() {
            commit(clock, until, &batch, || store.count_batch(&batch, &count)).await?
        } else {
            commit(clock, until, &batch, || store.write_batch(&batch)).await?
        };
        self.adopt(batch);
        Ok(written.stands())
    }

    /// Writes the words of failures, before the write that makes them true.
    async fn write_failures(&mut self) -> Result<(), PortError> {
        let failures = std::mem::take(&mut self.failures);
        if failures.is_empty() {
            return Ok(());
        }
        let write = || self.ports.store.record_failures(&failures);
        retry(self.ports.clock, self.invocation.deadline, write).await
    }

    /// The batch as the ledger is to have it, and what that adds to the lane's counters.
    fn revision(&self) -> (Batch, LaneCount) {
        let now = self.ports.clock.now();
        let batch = self.batch.clone().revised(now);
        let count = LaneCount::between(&self.ledger, &batch, now);
        (batch, count)
    }

    fn adopt(&mut self, batch: Batch) {
        self.leased = true;
        (self.batch, self.ledger) = (batch.clone(), batch);
    }

    /// Says in the journal what a take-over left in doubt.
    pub(super) async fn journal_take_over(&self, found: &Batch) -> Result<(), PortError> {
        let Phase::Leased { .. } = found.phase else { return Ok(()) };
        let entry = take_over_entry(found, &self.batch, self.ports.clock.now(), "sender");
        retry(self.ports.clock, self.invocation.deadline, || self.ports.store.journal(&entry)).await
    }
}

/// The journal's words on a batch whose holder was lost.
pub(crate) fn take_over_entry(
    found: &Batch,
    after: &Batch,
    at: fanmail_domain::Timestamp,
    actor: &'static str,
) -> JournalEntry {
    let in_doubt =
        |batch: &Batch| batch.entries.iter().filter(|entry| entry.state == RecipientState::InDoubt).count();
    let lost = in_doubt(after) - in_doubt(found);
    let waiting = after.pending().count();
    JournalEntry {
        campaign: found.id.campaign,
        at,
        key: format!("batch-{}-token-{}", found.id, found.token),
        actor: actor.into(),
        text: format!(
            "the lease of batch {} ran out: {lost} submitting are in doubt, {waiting} pending are tried again",
            found.id
        ),
    }
}

/// The words on recipients whose preparation ended their sender: nobody else can tell what became of them.
pub(crate) fn crashed(found: &Batch, after: &Batch, at: fanmail_domain::Timestamp) -> Vec<Failure> {
    let reason = FailReason::Crashed;
    let pairs = found.entries.iter().zip(&after.entries);
    let crashed = pairs.filter(|(before, after)| {
        before.state != after.state && after.state == RecipientState::Failed(reason)
    });
    let words = crashed.map(|(_, entry)| Failure {
        campaign: found.id.campaign,
        lane: found.id.lane,
        subscriber: entry.subscriber,
        reason,
        code: None,
        text: "the sender ended while it prepared this message".to_owned(),
        at,
    });
    words.collect()
}

/// The run's own batch refuses one of its steps: a bug here, or damage in the store.
fn broken_batch(illegal: IllegalTransition) -> PortError {
    PortError::new("advance a batch", illegal)
}
