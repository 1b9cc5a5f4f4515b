//! Picking up whatever was left behind.
//!
//! The sweeper takes no input: it looks at what is stored, compares it with what should be, and does the
//! difference. Its moves are the ones that others make too, each conditional on what was read, so running it
//! twice, or in the middle of normal work, changes nothing twice.
//!
//! - Scheduled campaigns whose time has come are started; those whose time is long over are paused.
//! - Pauses that end by themselves end.
//! - Campaigns that run, or are cancelled and not closed yet, are looked through lane by lane ([`lane`]):
//!   leases that ran out, lanes left behind, tasks that were lost.
//! - A campaign whose batches are all done is finished, in case whoever ended the last one died before it
//!   could; a cancelled one is closed, and not looked at any more.
//! - A campaign with work left that does not move raises an alarm ([`alarm`]).
//!
//! One sweep ends at its deadline whatever is left; each begins at another campaign, so that none is left out
//! for good. Each move is journalled and counted in the [`SweepReport`].

mod alarm;
mod lane;

use std::time::Duration;

use fanmail_domain::{Campaign, CampaignId, CampaignStatus, Lane};

pub use alarm::{Alarm, Cause};

use crate::Invocation;
use crate::commit::retry;
use crate::control::{Controlled, Due, LANE_GRACE, Order, resume, start_due};
use crate::finish::try_finish;
use crate::ports::{Audience, Campaigns, Clock, Conditional, Ledger, PortError, Tasks};
use lane::LaneSweep;

/// How long a campaign may stand still before it raises an alarm, unless told otherwise.
pub const STALLED_AFTER: Duration = Duration::from_secs(600);

/// What one sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Scheduled campaigns that were started.
    pub campaigns_started: u32,
    /// Scheduled campaigns that were paused, for their time is over.
    pub schedules_missed: u32,
    /// Pauses that ended by themselves.
    pub campaigns_resumed: u32,
    /// Lanes whose task was sent again.
    pub lanes_resumed: u32,
    /// Batches whose lease had run out.
    pub leases_expired: u32,
    /// Recipients that were submitting then, and are in doubt now.
    pub put_in_doubt: u32,
    /// Lanes whose batches' tasks are sent again because the queue lost them.
    pub lanes_rewound: u32,
    /// Campaigns that only had to be finished.
    pub campaigns_finished: u32,
    /// Cancelled campaigns whose batches are all closed.
    pub campaigns_closed: u32,
    /// Campaigns that stand still.
    pub alarms: Vec<Alarm>,
}

/// Everything a sweep works with.
#[derive(Debug)]
pub struct Sweeper<'a, S, Q, C> {
    /// Campaigns, ledger and audience.
    pub store: &'a S,
    /// Where tasks go.
    pub tasks: &'a Q,
    /// The time.
    pub clock: &'a C,
    /// How long a campaign may stand still before it raises an alarm.
    pub stalled_after: Duration,
}

impl<S, Q, C> Sweeper<'_, S, Q, C>
where
    S: Campaigns + Ledger + Audience,
    Q: Tasks,
    C: Clock,
{
    /// Looks at everything once, or as far as the time goes.
    ///
    /// # Errors
    ///
    /// [`PortError`] if a port stays silent until the deadline; the next sweep looks again.
    pub async fn sweep(&self, invocation: &Invocation) -> Result<SweepReport, PortError> {
        let mut report = SweepReport::default();
        let mut ids = retry(self.clock, invocation.deadline, || self.store.active()).await?;
        self.begin_elsewhere(&mut ids);
        for id in ids {
            if self.clock.now() >= invocation.stop_at {
                break;
            }
            let campaign = retry(self.clock, invocation.deadline, || self.store.campaign(id)).await?;
            if let Some(campaign) = campaign {
                self.sweep_campaign(&campaign, invocation, &mut report).await?;
            }
        }
        Ok(report)
    }

    /// Begins with another one each time: a sweep that runs out of time leaves out others than the last.
    fn begin_elsewhere<T>(&self, all: &mut [T]) {
        if !all.is_empty() {
            let turn = usize::try_from(self.clock.now().0 / 1_000).unwrap_or_default();
            all.rotate_left(turn % all.len());
        }
    }

    async fn sweep_campaign(
        &self,
        campaign: &Campaign,
        invocation: &Invocation,
        report: &mut SweepReport,
    ) -> Result<(), PortError> {
        match campaign.state.status {
            CampaignStatus::Scheduled => self.start_if_due(campaign.id, invocation, report).await,
            CampaignStatus::Paused => self.resume_if_due(campaign, invocation, report).await,
            CampaignStatus::Running | CampaignStatus::Cancelled => {
                self.sweep_lanes(campaign, invocation, report).await
            }
            CampaignStatus::Draft | CampaignStatus::Finished => Ok(()),
        }
    }

    fn order(&self, campaign: CampaignId, invocation: &Invocation) -> Order<'static> {
        Order { campaign, actor: "sweeper", note: "", version: None, until: invocation.deadline }
    }

    async fn start_if_due(
        &self,
        id: CampaignId,
        invocation: &Invocation,
        report: &mut SweepReport,
    ) -> Result<(), PortError> {
        let order = self.order(id, invocation);
        match start_due(self.store, self.tasks, self.clock, &order).await? {
            Due::Started => report.campaigns_started += 1,
            Due::Missed => report.schedules_missed += 1,
            Due::NotDue => {}
        }
        Ok(())
    }

    async fn resume_if_due(
        &self,
        campaign: &Campaign,
        invocation: &Invocation,
        report: &mut SweepReport,
    ) -> Result<(), PortError> {
        let now = self.clock.now();
        if campaign.state.until.is_some_and(|until| until <= now) {
            let order = Order {
                version: Some(campaign.state.version),
                note: "the pause is over",
                ..self.order(campaign.id, invocation)
            };
            let resumed = resume(self.store, self.tasks, self.clock, &order).await?;
            report.campaigns_resumed += u32::from(matches!(resumed, Controlled::Done(_)));
        }
        Ok(())
    }

    async fn sweep_lanes(
        &self,
        campaign: &Campaign,
        invocation: &Invocation,
        report: &mut SweepReport,
    ) -> Result<(), PortError> {
        let until = invocation.deadline;
        let mut lanes = retry(self.clock, until, || self.store.lanes(campaign.id)).await?;
        if lanes.iter().all(|lane| lane.is_complete(campaign.state.epoch)) {
            return self.end(campaign, &lanes, invocation, report).await;
        }
        // Asked before the lanes are looked at again: a task that is sent meanwhile is not taken for lost.
        let idle = retry(self.clock, until, || self.tasks.are_idle()).await?;
        self.raise_alarm(campaign, &lanes, idle, invocation, report).await?;
        self.begin_elsewhere(&mut lanes);
        for lane in lanes.iter().filter(|lane| !lane.is_complete(campaign.state.epoch)) {
            if self.clock.now() >= invocation.stop_at {
                break;
            }
            LaneSweep { ports: self, invocation, campaign, lane }.sweep(idle, report).await?;
        }
        Ok(())
    }

    async fn end(
        &self,
        campaign: &Campaign,
        lanes: &[Lane],
        invocation: &Invocation,
        report: &mut SweepReport,
    ) -> Result<(), PortError> {
        let until = invocation.deadline;
        if campaign.is_cancelled() {
            let retired = retry(self.clock, until, || self.store.retire(campaign)).await?;
            report.campaigns_closed += u32::from(retired == Conditional::Applied);
        } else if !lanes.is_empty() {
            let finished = try_finish(self.store, self.clock, until, campaign.id).await?;
            report.campaigns_finished += u32::from(finished);
        }
        Ok(())
    }

    /// Whether the run is old enough for its first tasks to have arrived.
    fn is_settled(&self, campaign: &Campaign) -> bool {
        campaign.updated_at.after(LANE_GRACE) <= self.clock.now()
    }
}
