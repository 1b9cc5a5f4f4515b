//! Delivering planned batches: sending their tasks, or closing them once the campaign is cancelled.

use std::time::Duration;

use fanmail_domain::{Batch, BatchEvent, LaneCount, LaneEvent, Phase};

use super::FanOutOutcome;
use super::run::{PAGE, Run};
use crate::commit::{Committed, commit, retry};
use crate::ports::{Audience, BatchTask, Campaigns, Clock, Ledger, PortError, Tasks};

impl<S, Q, C> Run<'_, '_, S, Q, C>
where
    S: Campaigns + Ledger + Audience,
    Q: Tasks,
    C: Clock,
{
    /// Delivers the batches that were planned, but perhaps not delivered in this run. Answers why it stopped
    /// before the last of them, if it did.
    pub(super) async fn deliver_planned(&mut self) -> Result<Option<FanOutOutcome>, PortError> {
        let mut next = self.plan.enqueued;
        let mut held = None;
        while next < self.plan.created {
            if let Some(stop) = self.reason_to_stop().await? {
                return Ok(Some(stop));
            }
            let (campaign, lane, until) = (self.task.campaign, self.task.lane, self.invocation.deadline);
            let read = || self.ports.store.batches(campaign, lane, next);
            let batches = retry(self.ports.clock, until, read).await?;
            // Behind what this plan knows lie the batches of a fan-out that took the lane from us.
            let ours = |batch: &Batch| batch.id.seq < self.plan.created;
            let batches: Vec<Batch> = batches.into_iter().filter(ours).collect();
            let Some(last) = batches.last().map(|batch| batch.id.seq) else { break };
            next = last + 1;
            let open = batches.into_iter().filter(|batch| self.may_be_open(batch)).collect();
            held = held.or(self.deliver(open).await?);
            self.advance(LaneEvent::Enqueued { batches: held.unwrap_or(next) })?;
        }
        Ok(held.map(|_| FanOutOutcome::Held))
    }

    fn may_be_open(&self, batch: &Batch) -> bool {
        batch.phase != Phase::Done || self.is_to_be_reopened(batch)
    }

    fn is_to_be_reopened(&self, batch: &Batch) -> bool {
        let names = |retry: &fanmail_domain::Retry| {
            batch.reopened < retry.epoch
                && (batch.phase != Phase::Done || batch.entries.iter().any(|entry| retry.names(entry)))
        };
        self.view.campaign.retry.as_ref().is_some_and(names)
    }

    /// Delivers these batches. Answers the first that could not be, for somebody holds it.
    pub(super) async fn deliver(&self, batches: Vec<Batch>) -> Result<Option<u32>, PortError> {
        let mut held = None;
        let mut open = Vec::with_capacity(batches.len());
        for batch in batches {
            let id = batch.id;
            match self.make_ready(batch).await? {
                Ready::ToSend(batch) => open.push(BatchTask::knowing(self.task.epoch, &batch)),
                Ready::Nothing => {}
                Ready::Held => held = held.or(Some(id.seq)),
            }
        }
        for page in open.chunks(PAGE) {
            let send = || self.ports.tasks.send_batches(page, Duration::ZERO);
            retry(self.ports.clock, self.invocation.deadline, send).await?;
        }
        Ok(held)
    }

    async fn make_ready(&self, mut batch: Batch) -> Result<Ready, PortError> {
        loop {
            let changed = match self.due_change(&batch) {
                Due::Nothing if batch.phase == Phase::Done => return Ok(Ready::Nothing),
                Due::Nothing => return Ok(Ready::ToSend(batch)),
                Due::Held => return Ok(Ready::Held),
                Due::Change(after) => after,
            };
            let now = self.ports.clock.now();
            let (count, after) = (LaneCount::between(&batch, &changed, now), changed.revised(now));
            let write = || self.ports.store.amend_batch(&after, &count, self.plan.rev);
            match commit(self.ports.clock, self.invocation.deadline, &after, write).await? {
                Committed::Stands => batch = after,
                // The batch stands as it did: somebody took the lane over, and giving it back will show it.
                Committed::Refused(Some(current)) if current.rev == batch.rev => return Ok(Ready::Held),
                // Somebody was faster: look at what stands now.
                Committed::Refused(Some(current)) => batch = current,
                Committed::Refused(None) => return Ok(Ready::Nothing),
            }
        }
    }

    /// What has to happen to a batch before it is delivered.
    fn due_change(&self, batch: &Batch) -> Due {
        let campaign = &self.view.campaign;
        let closing = campaign.is_cancelled();
        let event = match &campaign.retry {
            _ if closing && batch.phase == Phase::Done => return Due::Nothing,
            _ if closing => BatchEvent::Closed,
            Some(retry) if self.is_to_be_reopened(batch) => BatchEvent::Reopened(retry),
            Some(_) | None => return Due::Nothing,
        };
        match batch.clone().apply(&event) {
            Ok(after) => Due::Change(after),
            Err(_) => Due::Held,
        }
    }
}

enum Due {
    Nothing,
    Held,
    Change(Batch),
}

enum Ready {
    ToSend(Batch),
    Nothing,
    Held,
}
