//! One fan-out that holds its lane: planning page after page.

use std::time::Duration;

use fanmail_domain::{Batch, BatchId, IllegalTransition, LaneEvent, LanePlan, SubscriberId};

use super::merge::Merge;
use super::{FanOut, FanOutOutcome};
use crate::Invocation;
use crate::commit::{commit, retry};
use crate::ports::{Audience, Campaigns, Clock, LaneTask, Ledger, PortError, Tasks};
use crate::watch::View;

/// Batches written in one transaction: as many as one queue request takes tasks (SQS `SendMessageBatch`).
pub(super) const PAGE: usize = 10;

/// How long after a lane met a batch that is held its task comes again.
const HELD_AGAIN: Duration = Duration::from_secs(2);

/// One fan-out that holds its lane.
pub(super) struct Run<'a, 'p, S, Q, C> {
    pub(super) ports: &'a FanOut<'p, S, Q, C>,
    pub(super) invocation: &'a Invocation,
    pub(super) task: LaneTask,
    pub(super) view: View,
    pub(super) plan: LanePlan,
}

impl<S, Q, C> Run<'_, '_, S, Q, C>
where
    S: Campaigns + Ledger + Audience,
    Q: Tasks,
    C: Clock,
{
    pub(super) async fn work(&mut self) -> Result<FanOutOutcome, PortError> {
        if let Some(stop) = self.deliver_planned().await? {
            return self.give_back(stop).await;
        }
        let mut merge = Merge::new(&self.view.campaign, self.plan.shards, self.plan.cursor);
        while !self.plan.sealed {
            if let Some(stop) = self.reason_to_stop().await? {
                return self.give_back(stop).await;
            }
            let batches = self.next_page(&mut merge).await?;
            if !self.write_page(&batches, &merge).await? {
                return Ok(FanOutOutcome::Dropped);
            }
            if self.deliver(batches).await?.is_some() {
                return self.give_back(FanOutOutcome::Held).await;
            }
            let created = self.plan.created;
            self.advance(LaneEvent::Enqueued { batches: created })?;
        }
        self.give_back(FanOutOutcome::Sealed).await
    }

    async fn next_page(&self, merge: &mut Merge) -> Result<Vec<Batch>, PortError> {
        let size = self.view.settings.batch_size as usize;
        let mut batches = Vec::with_capacity(PAGE);
        while batches.len() < PAGE {
            let ids = merge.next(self.ports.store, self.ports.clock, self.invocation, size).await?;
            let short = ids.len() < size;
            if !ids.is_empty() {
                batches.push(self.batch(batches.len(), &ids));
            }
            if short {
                break;
            }
        }
        Ok(batches)
    }

    fn batch(&self, offset: usize, ids: &[SubscriberId]) -> Batch {
        let seq = self.plan.created + u32::try_from(offset).unwrap_or_default();
        let id = BatchId { campaign: self.task.campaign, lane: self.task.lane, seq };
        Batch { changed_at: self.ports.clock.now(), ..Batch::planned(id, ids) }
    }

    /// Writes a page and the plan that contains it, and how far the memberships were read.
    async fn write_page(&mut self, batches: &[Batch], merge: &Merge) -> Result<bool, PortError> {
        if let Some(cursor) = merge.passed() {
            let recipients = batches.iter().map(|batch| batch.entries.len() as u64).sum();
            let count = u32::try_from(batches.len()).unwrap_or_default();
            self.advance(LaneEvent::Planned { batches: count, recipients, cursor })?;
        }
        if merge.is_at_end() {
            self.advance(LaneEvent::Sealed)?;
        }
        self.plan.rev += 1;
        let (plan, campaign) = (&self.plan, self.task.campaign);
        let write = || self.ports.store.write_page(campaign, plan, batches);
        Ok(commit(self.ports.clock, self.invocation.deadline, plan, write).await?.stands())
    }

    /// Looks whether to go on, and with which settings.
    pub(super) async fn reason_to_stop(&mut self) -> Result<Option<FanOutOutcome>, PortError> {
        let (store, clock) = (self.ports.store, self.ports.clock);
        let look = || self.ports.watch.look(store, clock, self.task.campaign, self.task.epoch);
        let view = retry(clock, self.invocation.deadline, look).await?;
        let Some(view) = view.filter(|view| view.campaign.is_fanning_out(self.task.epoch)) else {
            return Ok(Some(FanOutOutcome::Stopped));
        };
        self.view = view;
        Ok((clock.now() >= self.invocation.stop_at).then_some(FanOutOutcome::HandedOn))
    }

    async fn give_back(&mut self, outcome: FanOutOutcome) -> Result<FanOutOutcome, PortError> {
        self.advance(LaneEvent::Released { now: self.ports.clock.now() })?;
        if !self.write_plan().await? {
            return Ok(FanOutOutcome::Dropped);
        }
        let delay = match outcome {
            FanOutOutcome::HandedOn => Duration::ZERO,
            FanOutOutcome::Held => HELD_AGAIN,
            FanOutOutcome::Sealed | FanOutOutcome::Stopped | FanOutOutcome::Dropped => return Ok(outcome),
        };
        let (until, task) = (self.invocation.deadline, [self.task]);
        retry(self.ports.clock, until, || self.ports.tasks.send_lanes(&task, delay)).await?;
        Ok(outcome)
    }

    pub(super) async fn write_plan(&mut self) -> Result<bool, PortError> {
        self.plan.rev += 1;
        let (plan, campaign) = (&self.plan, self.task.campaign);
        let write = || self.ports.store.write_plan(campaign, plan);
        Ok(commit(self.ports.clock, self.invocation.deadline, plan, write).await?.stands())
    }

    pub(super) fn advance(&mut self, event: LaneEvent) -> Result<(), PortError> {
        self.plan = self.plan.clone().apply(event).map_err(broken_plan)?;
        Ok(())
    }
}

/// The holder's own plan refuses a step of this module: a bug here, or damage in the store.
fn broken_plan(illegal: IllegalTransition) -> PortError {
    PortError::new("advance the plan of a lane", illegal)
}
