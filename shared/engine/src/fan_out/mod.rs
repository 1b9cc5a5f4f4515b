//! Fanning one lane out: from memberships to batches in the ledger and tasks on the queue.
//!
//! 1. Drop the task if its epoch is not the campaign's.
//! 2. Take the lane's lease. A newer epoch rewinds `enqueued` to the first batch that may be open.
//! 3. Deliver the batches between `enqueued` and `created` (again), but those that are done.
//! 4. Page by page: merge the memberships, cut batches, write ten of them and the advanced cursor in one
//!    transaction, deliver the ten. `enqueued` rides along with the next write of the plan.
//! 5. The page that ends the memberships seals the lane. A page ends early when the time is up.
//! 6. Give the lane back; out of time, hand it on by a new task.
//!
//! To deliver a batch is to send its task. Where the run is a retry, the ends that it names are taken back
//! first, once for each batch. Once the campaign is cancelled, to deliver a batch is to close it: everybody
//! of the audience is planned all the same, and can be found as `skipped: cancelled`.
//!
//! A crash anywhere loses nothing: before a page is written the cursor still stands before it, and after it
//! the batches lie between `enqueued` and `created`. Two fan-outs on one lane are kept apart by the plan's
//! revision: the slower one's next write is refused, of the plan and of batches, and it stops. A batch that somebody still holds cannot
//! be taken back or closed: the lane stays behind it, and its task comes again a little later.

mod deliver;
mod merge;
mod run;

use fanmail_domain::{CampaignStatus, LaneEvent};

use crate::Invocation;
use crate::commit::retry;
use crate::finish::try_finish;
use crate::ports::{Audience, Campaigns, Clock, LaneTask, Ledger, PortError, Tasks};
use crate::watch::Watch;
pub(crate) use merge::Merge;
use run::Run;

/// What a lane task came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FanOutOutcome {
    /// Everything is planned and delivered.
    Sealed,
    /// Time was up; another task goes on.
    HandedOn,
    /// A batch is held that has to be free; another task comes a little later.
    Held,
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
        let (store, clock, until) = (self.store, self.clock, invocation.deadline);
        let look = || self.watch.look(store, clock, task.campaign, task.epoch);
        let view = retry(clock, until, look).await?;
        let Some(view) = view.filter(|view| view.campaign.is_fanning_out(task.epoch)) else {
            return Ok(FanOutOutcome::Dropped);
        };
        let Some(lane) = retry(clock, until, || store.lane(task.campaign, task.lane)).await? else {
            return Ok(FanOutOutcome::Dropped);
        };
        let reopens = view.campaign.retry.as_ref().is_some_and(|retry| retry.epoch > lane.plan.epoch);
        let take = LaneEvent::Taken {
            holder: invocation.holder,
            epoch: task.epoch,
            now: clock.now(),
            until: invocation.lease_until(),
            reopens,
        };
        let Ok(plan) = lane.plan.apply(take) else { return Ok(FanOutOutcome::Dropped) };
        let running = view.campaign.state.status == CampaignStatus::Running;
        let mut run = Run { ports: self, invocation, task, view, plan };
        if !run.write_plan().await? {
            return Ok(FanOutOutcome::Dropped);
        }
        let outcome = run.work().await?;
        if outcome == FanOutOutcome::Sealed && running {
            // An audience of nobody has no batch whose end could finish the campaign.
            try_finish(store, clock, until, task.campaign).await?;
        }
        Ok(outcome)
    }
}
