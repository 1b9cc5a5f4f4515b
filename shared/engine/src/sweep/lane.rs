//! One look at one lane.
//!
//! 1. Batches whose lease ran out: *submitting* becomes *in doubt*, the rest is queued again with a task. Only
//!    batches above the lane's low-water mark are read, and the mark follows what is done.
//! 2. A lane with something to plan or to deliver and no holder: its task is sent again.
//! 3. Open batches, nobody at work, and both queues empty: the tasks are lost. The same if the lane has not
//!    moved for longer than any task can wait, whatever else is on the queues. The lane is rewound, and
//!    fan-out delivers the batches again.

use std::time::Duration;

use fanmail_domain::{Batch, BatchEvent, Campaign, CampaignStatus, Lane, LaneEvent, Phase, RecipientState};

use super::{SweepReport, Sweeper};
use crate::Invocation;
use crate::commit::{commit, retry};
use crate::ports::{Audience, BatchTask, Campaigns, Clock, JournalEntry, LaneTask, Ledger, PortError, Tasks};
use crate::send_batch::{crashed, take_over_entry};

/// A lane that has not moved for so long has lost its tasks: none is delayed for longer than 15 minutes.
const LOST_AFTER: Duration = Duration::from_secs(1_200);

/// The mark moves only if it saves reading so many batches: it is a write.
const WORTH_MARKING: u32 = 50;

/// One look at one lane.
pub(super) struct LaneSweep<'a, 'p, S, Q, C> {
    pub(super) ports: &'a Sweeper<'p, S, Q, C>,
    pub(super) invocation: &'a Invocation,
    pub(super) campaign: &'a Campaign,
    pub(super) lane: &'a Lane,
}

/// What the batches of a lane look like.
struct Seen {
    /// All below this one are done.
    low: u32,
    /// Whether somebody holds one.
    any_held: bool,
}

impl<S, Q, C> LaneSweep<'_, '_, S, Q, C>
where
    S: Campaigns + Ledger + Audience,
    Q: Tasks,
    C: Clock,
{
    pub(super) async fn sweep(&self, idle: bool, report: &mut SweepReport) -> Result<(), PortError> {
        let seen = self.expire_leases(report).await?;
        let (plan, epoch, now) = (&self.lane.plan, self.campaign.state.epoch, self.ports.clock.now());
        if plan.is_left_behind(epoch, now) {
            if self.ports.is_settled(self.campaign) {
                self.resume(report).await?;
            }
            return Ok(());
        }
        if !plan.is_fanned_out(epoch) {
            return Ok(());
        }
        if idle || (!seen.any_held && self.stands_still()) {
            return self.rewind(idle, report).await;
        }
        self.mark(seen.low).await
    }

    fn stands_still(&self) -> bool {
        let plan = &self.lane.plan;
        let moved_at = self.lane.moved_at.max(plan.rewound_at).max(plan.until).max(self.campaign.updated_at);
        moved_at.after(LOST_AFTER) <= self.ports.clock.now()
    }

    async fn expire_leases(&self, report: &mut SweepReport) -> Result<Seen, PortError> {
        let mut seen = Seen { low: self.lane.plan.low, any_held: false };
        let mut next = seen.low;
        while next < self.lane.plan.created && self.ports.clock.now() < self.invocation.stop_at {
            let (clock, until) = (self.ports.clock, self.invocation.deadline);
            let page = || self.ports.store.batches(self.campaign.id, self.lane.plan.no, next);
            let batches = retry(clock, until, page).await?;
            let Some(last) = batches.last() else { break };
            next = last.id.seq + 1;
            for found in &batches {
                if found.phase == Phase::Done && found.id.seq == seen.low {
                    seen.low += 1;
                }
                seen.any_held |= matches!(found.phase, Phase::Leased { .. });
                self.expire(found, report).await?;
            }
        }
        Ok(seen)
    }

    /// Takes a batch from a holder that is gone, and sends its task again.
    async fn expire(&self, found: &Batch, report: &mut SweepReport) -> Result<(), PortError> {
        if !matches!(found.phase, Phase::Leased { .. }) {
            return Ok(());
        }
        let (clock, until) = (self.ports.clock, self.invocation.deadline);
        let now = clock.now();
        let Ok(after) = found.clone().apply(&BatchEvent::LeaseExpired { now }) else { return Ok(()) };
        let (failures, after) = (crashed(found, &after, now), after.revised(now));
        if !failures.is_empty() {
            retry(clock, until, || self.ports.store.record_failures(&failures)).await?;
        }
        let write = || self.ports.store.write_batch(&after);
        if !commit(clock, until, &after, write).await?.stands() {
            return Ok(());
        }
        report.leases_expired += 1;
        report.put_in_doubt += in_doubt(&after) - in_doubt(found);
        self.journal(&take_over_entry(found, &after, now, "sweeper")).await?;
        if self.campaign.state.status != CampaignStatus::Running {
            // A cancelled campaign's batch is closed by its lane, which stays behind until then.
            return Ok(());
        }
        let task = [BatchTask::of(self.campaign.state.epoch, found.id)];
        let send = || self.ports.tasks.send_batches(&task, Duration::ZERO);
        retry(clock, until, send).await
    }

    async fn resume(&self, report: &mut SweepReport) -> Result<(), PortError> {
        self.send_lane().await?;
        report.lanes_resumed += 1;
        let plan = &self.lane.plan;
        self.say("left-behind", format!("lane {} was left behind: its task was sent again", plan.no)).await
    }

    async fn rewind(&self, idle: bool, report: &mut SweepReport) -> Result<(), PortError> {
        let (clock, until) = (self.ports.clock, self.invocation.deadline);
        let event = LaneEvent::Rewound { now: clock.now() };
        let Ok(mut plan) = self.lane.plan.clone().apply(event) else { return Ok(()) };
        plan.rev += 1;
        let write = || self.ports.store.write_plan(self.campaign.id, &plan);
        if !commit(clock, until, &plan, write).await?.stands() {
            return Ok(());
        }
        self.send_lane().await?;
        report.lanes_rewound += 1;
        let open = plan.created.saturating_sub(self.lane.done);
        let why = if idle { "the queue is empty" } else { "nothing moved for too long" };
        self.say("rewound", format!("{why}, but lane {} has {open} open batches: sent again", plan.no)).await
    }

    /// Moves the low-water mark, so that the next sweep has less to read.
    async fn mark(&self, low: u32) -> Result<(), PortError> {
        if low < self.lane.plan.low + WORTH_MARKING {
            return Ok(());
        }
        let Ok(mut plan) = self.lane.plan.clone().apply(LaneEvent::Swept { low }) else { return Ok(()) };
        plan.rev += 1;
        let write = || self.ports.store.write_plan(self.campaign.id, &plan);
        commit(self.ports.clock, self.invocation.deadline, &plan, write).await.map(drop)
    }

    async fn send_lane(&self) -> Result<(), PortError> {
        let epoch = self.campaign.state.epoch;
        let task = [LaneTask { campaign: self.campaign.id, epoch, lane: self.lane.plan.no }];
        let send = || self.ports.tasks.send_lanes(&task, Duration::ZERO);
        retry(self.ports.clock, self.invocation.deadline, send).await
    }

    async fn say(&self, what: &str, text: String) -> Result<(), PortError> {
        let plan = &self.lane.plan;
        self.journal(&JournalEntry {
            campaign: self.campaign.id,
            at: self.ports.clock.now(),
            key: format!("lane-{}-{what}-{}", plan.no, plan.rev),
            actor: "sweeper".into(),
            text,
        })
        .await
    }

    async fn journal(&self, entry: &JournalEntry) -> Result<(), PortError> {
        retry(self.ports.clock, self.invocation.deadline, || self.ports.store.journal(entry)).await
    }
}

fn in_doubt(batch: &Batch) -> u32 {
    let states = batch.entries.iter().filter(|entry| entry.state == RecipientState::InDoubt);
    u32::try_from(states.count()).unwrap_or(u32::MAX)
}
