//! Fanning one lane out: from memberships to batches in the ledger and tasks on the queue.
//!
//! 1. Drop the task if the campaign does not run in the task's epoch.
//! 2. Take the lane's lease. A newer epoch rewinds `enqueued`, so that step 3 covers the whole lane.
//! 3. Send the tasks of the batches between `enqueued` and `created` again, but of those that are done.
//! 4. Page by page: merge the memberships, cut batches, write ten of them and the advanced cursor in one
//!    transaction, send their ten tasks. `enqueued` rides along with the next write of the plan.
//! 5. The page that ends the memberships seals the lane.
//! 6. Give the lane back; out of time, hand it on by a new task.
//!
//! A crash anywhere loses nothing: before a page is written the cursor still stands before it, and after it
//! the batches lie between `enqueued` and `created`. Two fan-outs on one lane are kept apart by the plan's
//! revision: the slower one's next write is refused, and it stops.

mod merge;

use fanmail_domain::{
    Batch, BatchId, Campaign, IllegalTransition, LaneEvent, LanePlan, Phase, Settings, SubscriberId,
};

use crate::Invocation;
use crate::commit::{commit, retry};
use crate::finish::try_finish;
use crate::ports::{Audience, BatchTask, Campaigns, Clock, LaneTask, Ledger, PortError, Tasks};
use crate::watch::Watch;
use merge::Merge;

/// Batches written in one transaction: as many as one queue request takes tasks (SQS `SendMessageBatch`).
const PAGE: usize = 10;

/// What a lane task came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FanOutOutcome {
    /// Everything is planned and its tasks are sent.
    Sealed,
    /// Time was up; another task goes on.
    HandedOn,
    /// The campaign stopped; resuming goes on.
    Stopped,
    /// The task was void, the lane is held, or the lease was lost to somebody else.
    Dropped,
}

/// Everything a fan-out works with.
#[derive(Debug)]
pub struct FanOut<'a, S, Q, C> {
    /// Campaigns, ledger and audience.
    pub store: &'a S,
    /// Where tasks go.
    pub tasks: &'a Q,
    /// The time.
    pub clock: &'a C,
    /// The newest view of the campaign, kept across invocations.
    pub watch: &'a Watch,
}

impl<S, Q, C> FanOut<'_, S, Q, C>
where
    S: Campaigns + Ledger + Audience,
    Q: Tasks,
    C: Clock,
{
    /// Carries out one lane task.
    ///
    /// # Errors
    ///
    /// [`PortError`] if a port stays silent until the deadline; the task may be delivered again.
    pub async fn fan_out(&self, task: LaneTask, invocation: &Invocation) -> Result<FanOutOutcome, PortError> {
        let Some(campaign) = self.watch.running(self.store, self.clock, task.campaign, task.epoch).await?
        else {
            return Ok(FanOutOutcome::Dropped);
        };
        let lane =
            retry(self.clock, invocation.deadline, || self.store.lane(task.campaign, task.lane)).await?;
        let Some(lane) = lane else { return Ok(FanOutOutcome::Dropped) };
        let (now, until) = (self.clock.now(), invocation.lease_until());
        let take = LaneEvent::Taken { holder: invocation.holder, epoch: task.epoch, now, until };
        let Ok(plan) = lane.plan.apply(take) else { return Ok(FanOutOutcome::Dropped) };
        let mut run = Run { ports: self, invocation, task, campaign: &campaign, plan };
        if !run.write_plan().await? {
            return Ok(FanOutOutcome::Dropped);
        }
        let outcome = run.work().await?;
        if outcome == FanOutOutcome::Sealed {
            // An audience of nobody has no batch whose end could finish the campaign.
            try_finish(self.store, self.clock, invocation.deadline, task.campaign).await?;
        }
        Ok(outcome)
    }
}

/// One fan-out that holds its lane.
struct Run<'a, 'p, S, Q, C> {
    ports: &'a FanOut<'p, S, Q, C>,
    invocation: &'a Invocation,
    task: LaneTask,
    campaign: &'a Campaign,
    plan: LanePlan,
}

impl<S, Q, C> Run<'_, '_, S, Q, C>
where
    S: Campaigns + Ledger + Audience,
    Q: Tasks,
    C: Clock,
{
    async fn work(&mut self) -> Result<FanOutOutcome, PortError> {
        self.send_again().await?;
        let mut merge = Merge::new(self.campaign, self.plan.shards, self.plan.cursor);
        while !self.plan.sealed {
            if let Some(stop) = self.reason_to_stop().await? {
                return self.give_back(stop).await;
            }
            let batches = self.next_page(&mut merge).await?;
            if !self.write_page(&batches).await? {
                return Ok(FanOutOutcome::Dropped);
            }
            self.send_tasks(&batches).await?;
        }
        self.give_back(FanOutOutcome::Sealed).await
    }

    /// Sends the tasks of unfinished batches that were planned, but perhaps not enqueued.
    async fn send_again(&mut self) -> Result<(), PortError> {
        while self.plan.enqueued < self.plan.created {
            let from = self.plan.enqueued;
            let (campaign, lane) = (self.task.campaign, self.task.lane);
            let until = self.invocation.deadline;
            let batches =
                retry(self.ports.clock, until, || self.ports.store.batches(campaign, lane, from)).await?;
            let Some(last) = batches.last().map(|batch| batch.id.seq) else { break };
            let open: Vec<Batch> = batches.into_iter().filter(|batch| batch.phase != Phase::Done).collect();
            self.send(&open).await?;
            self.advance(LaneEvent::Enqueued { batches: last + 1 })?;
        }
        Ok(())
    }

    async fn next_page(&self, merge: &mut Merge) -> Result<Vec<Batch>, PortError> {
        let settings = Settings::default().with(self.campaign.settings);
        let size = settings.unwrap_or_default().batch_size as usize;
        let mut batches = Vec::with_capacity(PAGE);
        while batches.len() < PAGE {
            let until = self.invocation.deadline;
            let ids = merge.next(self.ports.store, self.ports.clock, until, size).await?;
            if ids.is_empty() {
                break;
            }
            batches.push(self.batch(batches.len(), &ids));
        }
        Ok(batches)
    }

    fn batch(&self, offset: usize, ids: &[SubscriberId]) -> Batch {
        let seq = self.plan.created + u32::try_from(offset).unwrap_or_default();
        Batch::planned(BatchId { campaign: self.task.campaign, lane: self.task.lane, seq }, ids)
    }

    /// Writes a page and the plan that contains it. A page that is not full is the last one.
    async fn write_page(&mut self, batches: &[Batch]) -> Result<bool, PortError> {
        let last = batches.last().and_then(|batch| batch.entries.last());
        if let Some(entry) = last {
            let recipients = batches.iter().map(|batch| batch.entries.len() as u64).sum();
            let count = u32::try_from(batches.len()).unwrap_or_default();
            self.advance(LaneEvent::Planned { batches: count, recipients, cursor: entry.subscriber })?;
        }
        if batches.len() < PAGE {
            self.advance(LaneEvent::Sealed)?;
        }
        self.plan.rev += 1;
        let (plan, campaign) = (&self.plan, self.task.campaign);
        let write = || self.ports.store.write_page(campaign, plan, batches);
        Ok(commit(self.ports.clock, self.invocation.deadline, plan, write).await?.stands())
    }

    async fn send_tasks(&mut self, batches: &[Batch]) -> Result<(), PortError> {
        self.send(batches).await?;
        let created = self.plan.created;
        self.advance(LaneEvent::Enqueued { batches: created })
    }

    async fn send(&self, batches: &[Batch]) -> Result<(), PortError> {
        let task = |batch: &Batch| BatchTask { epoch: self.task.epoch, batch: batch.id };
        let tasks: Vec<BatchTask> = batches.iter().map(task).collect();
        let until = self.invocation.deadline;
        for page in tasks.chunks(PAGE) {
            let send = || self.ports.tasks.send_batches(page, std::time::Duration::ZERO);
            retry(self.ports.clock, until, send).await?;
        }
        Ok(())
    }

    async fn reason_to_stop(&self) -> Result<Option<FanOutOutcome>, PortError> {
        let ports = self.ports;
        let running = ports.watch.running(ports.store, ports.clock, self.task.campaign, self.task.epoch);
        if running.await?.is_none() {
            return Ok(Some(FanOutOutcome::Stopped));
        }
        Ok((ports.clock.now() >= self.invocation.stop_at).then_some(FanOutOutcome::HandedOn))
    }

    async fn give_back(&mut self, outcome: FanOutOutcome) -> Result<FanOutOutcome, PortError> {
        self.advance(LaneEvent::Released { now: self.ports.clock.now() })?;
        if !self.write_plan().await? {
            return Ok(FanOutOutcome::Dropped);
        }
        if outcome == FanOutOutcome::HandedOn {
            let (until, task) = (self.invocation.deadline, [self.task]);
            retry(self.ports.clock, until, || self.ports.tasks.send_lanes(&task)).await?;
        }
        Ok(outcome)
    }

    async fn write_plan(&mut self) -> Result<bool, PortError> {
        self.plan.rev += 1;
        let (plan, campaign) = (&self.plan, self.task.campaign);
        let write = || self.ports.store.write_plan(campaign, plan);
        Ok(commit(self.ports.clock, self.invocation.deadline, plan, write).await?.stands())
    }

    fn advance(&mut self, event: LaneEvent) -> Result<(), PortError> {
        self.plan = self.plan.clone().apply(event).map_err(broken_plan)?;
        Ok(())
    }
}

/// The holder's own plan refuses a step of this module: a bug here, or damage in the store.
fn broken_plan(illegal: IllegalTransition) -> PortError {
    PortError::new("advance the plan of a lane", illegal)
}
