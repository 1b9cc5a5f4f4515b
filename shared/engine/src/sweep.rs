//! Picking up whatever was left behind.
//!
//! The sweeper takes no input: it looks at what is stored, compares it with what should be, and does the
//! difference. Its moves are the ones that others make too, each conditional on what was read, so running it
//! twice, or in the middle of normal work, changes nothing twice. For each running campaign:
//!
//! 1. Lanes with something to plan or to send and no holder: their task is sent again.
//! 2. Batches whose lease ran out: *submitting* becomes *in doubt*, the rest is queued again with a task.
//! 3. Unfinished batches while both queues hold nothing: their messages are lost. The lane is rewound, and
//!    fan-out sends the tasks again.
//! 4. Every batch done: finish, in case whoever ended the last one died before it could.
//!
//! Each move is journalled and counted in the [`SweepReport`].

use fanmail_domain::{Batch, BatchEvent, Campaign, CampaignStatus, Epoch, Lane, LaneEvent, Phase};

use crate::Invocation;
use crate::commit::{commit, retry};
use crate::finish::try_finish;
use crate::ports::{BatchTask, Campaigns, Clock, JournalEntry, LaneTask, Ledger, PortError, Tasks};
use crate::send_batch::take_over_entry;

/// What one sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Lanes whose task was sent again.
    pub lanes_resumed: u32,
    /// Batches whose lease had run out.
    pub leases_expired: u32,
    /// Lanes whose batches' tasks are sent again because the queue lost them.
    pub lanes_rewound: u32,
    /// Campaigns that only had to be finished.
    pub campaigns_finished: u32,
}

/// Everything a sweep works with.
#[derive(Debug)]
pub struct Sweeper<'a, S, Q, C> {
    /// Campaigns and ledger.
    pub store: &'a S,
    /// Where tasks go.
    pub tasks: &'a Q,
    /// The time.
    pub clock: &'a C,
}

impl<S, Q, C> Sweeper<'_, S, Q, C>
where
    S: Campaigns + Ledger,
    Q: Tasks,
    C: Clock,
{
    /// Looks at everything once.
    ///
    /// # Errors
    ///
    /// [`PortError`] if a port stays silent until the deadline; the next sweep looks again.
    pub async fn sweep(&self, invocation: &Invocation) -> Result<SweepReport, PortError> {
        let mut report = SweepReport::default();
        for id in retry(self.clock, invocation.deadline, || self.store.active()).await? {
            if self.clock.now() >= invocation.stop_at {
                break;
            }
            let campaign = retry(self.clock, invocation.deadline, || self.store.campaign(id)).await?;
            if let Some(campaign) = campaign.filter(|it| it.state.status == CampaignStatus::Running) {
                self.sweep_campaign(&campaign, invocation, &mut report).await?;
            }
        }
        Ok(report)
    }

    async fn sweep_campaign(
        &self,
        campaign: &Campaign,
        invocation: &Invocation,
        report: &mut SweepReport,
    ) -> Result<(), PortError> {
        let until = invocation.deadline;
        let lanes = retry(self.clock, until, || self.store.lanes(campaign.id)).await?;
        if !lanes.is_empty() && lanes.iter().all(Lane::is_complete) {
            let finished = try_finish(self.store, self.clock, until, campaign.id).await?;
            report.campaigns_finished += u32::from(finished);
            return Ok(());
        }
        // Asked before the lanes are looked at again: a task that is sent meanwhile is not taken for lost.
        let idle = retry(self.clock, until, || self.tasks.are_idle()).await?;
        for lane in lanes.iter().filter(|lane| !lane.is_complete()) {
            if self.clock.now() >= invocation.stop_at {
                break;
            }
            let sweep = LaneSweep { ports: self, invocation, campaign, lane };
            sweep.expire_leases(report).await?;
            if lane.plan.is_left_behind(self.clock.now()) {
                sweep.resume(report).await?;
            } else if idle && lane.plan.sealed {
                sweep.rewind(report).await?;
            }
        }
        Ok(())
    }
}

/// One look at one lane.
struct LaneSweep<'a, 'p, S, Q, C> {
    ports: &'a Sweeper<'p, S, Q, C>,
    invocation: &'a Invocation,
    campaign: &'a Campaign,
    lane: &'a Lane,
}

impl<S, Q, C> LaneSweep<'_, '_, S, Q, C>
where
    S: Campaigns + Ledger,
    Q: Tasks,
    C: Clock,
{
    async fn expire_leases(&self, report: &mut SweepReport) -> Result<(), PortError> {
        let mut from = 0;
        while from < self.lane.plan.created {
            let (clock, until) = (self.ports.clock, self.invocation.deadline);
            let page = || self.ports.store.batches(self.campaign.id, self.lane.plan.no, from);
            let batches = retry(clock, until, page).await?;
            let Some(last) = batches.last() else { break };
            from = last.id.seq + 1;
            for found in &batches {
                report.leases_expired += u32::from(self.expire(found).await?);
            }
        }
        Ok(())
    }

    /// Takes a batch from a holder that is gone, and sends its task again. Answers whether it did.
    async fn expire(&self, found: &Batch) -> Result<bool, PortError> {
        if !matches!(found.phase, Phase::Leased { .. }) {
            return Ok(false);
        }
        let (clock, until) = (self.ports.clock, self.invocation.deadline);
        let Ok(mut after) = found.clone().apply(&BatchEvent::LeaseExpired { now: clock.now() }) else {
            return Ok(false);
        };
        after.rev += 1;
        let write = || self.ports.store.write_batch(&after);
        if !commit(clock, until, &after, write).await?.stands() {
            return Ok(false);
        }
        self.journal(&take_over_entry(found, &after, clock.now(), "sweeper")).await?;
        let task = [BatchTask { epoch: self.campaign.state.epoch, batch: found.id }];
        let send = || self.ports.tasks.send_batches(&task, std::time::Duration::ZERO);
        retry(clock, until, send).await?;
        Ok(true)
    }

    async fn resume(&self, report: &mut SweepReport) -> Result<(), PortError> {
        self.send_lane(self.campaign.state.epoch).await?;
        report.lanes_resumed += 1;
        let plan = &self.lane.plan;
        self.say("left-behind", format!("lane {} was left behind: its task was sent again", plan.no)).await
    }

    async fn rewind(&self, report: &mut SweepReport) -> Result<(), PortError> {
        let (clock, until) = (self.ports.clock, self.invocation.deadline);
        let event = LaneEvent::Rewound { now: clock.now() };
        let Ok(mut plan) = self.lane.plan.clone().apply(event) else { return Ok(()) };
        plan.rev += 1;
        let write = || self.ports.store.write_plan(self.campaign.id, &plan);
        if !commit(clock, until, &plan, write).await?.stands() {
            return Ok(());
        }
        self.send_lane(self.campaign.state.epoch).await?;
        report.lanes_rewound += 1;
        let open = plan.created.saturating_sub(self.lane.done);
        let text = format!("the queue is empty, but lane {} has {open} open batches: sent again", plan.no);
        self.say("rewound", text).await
    }

    async fn send_lane(&self, epoch: Epoch) -> Result<(), PortError> {
        let task = [LaneTask { campaign: self.campaign.id, epoch, lane: self.lane.plan.no }];
        let send = || self.ports.tasks.send_lanes(&task);
        retry(self.ports.clock, self.invocation.deadline, send).await
    }

    async fn say(&self, what: &str, text: String) -> Result<(), PortError> {
        let plan = &self.lane.plan;
        self.journal(&JournalEntry {
            campaign: self.campaign.id,
            at: self.ports.clock.now(),
            key: format!("lane-{}-{what}-{}", plan.no, plan.rev),
            actor: "sweeper",
            text,
        })
        .await
    }

    async fn journal(&self, entry: &JournalEntry) -> Result<(), PortError> {
        retry(self.ports.clock, self.invocation.deadline, || self.ports.store.journal(entry)).await
    }
}
