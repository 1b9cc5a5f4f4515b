//! The alarm: a campaign that has work left and does not move.
//!
//! Whatever the reason, nothing stays `running` silently. The alarm names what is known of the cause; it is
//! raised by each sweep as long as the campaign stands still, and journalled once for each cause.

use std::fmt;

use fanmail_domain::{Campaign, CampaignId, CampaignStatus, Lane, LaneNo, Timestamp};

use super::{SweepReport, Sweeper};
use crate::Invocation;
use crate::commit::retry;
use crate::ports::{Audience, Campaigns, Clock, JournalEntry, Ledger, PortError, Tasks};

/// A campaign that stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm {
    /// Which one.
    pub campaign: CampaignId,
    /// Since when.
    pub since: Timestamp,
    /// Why, as far as is known.
    pub cause: Cause,
}

/// Why a campaign stands still, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A lane is not planned to its end, and nobody plans it.
    FanOutStopped(LaneNo),
    /// Open batches, and no task for them.
    TasksLost,
    /// Tasks wait, or come again and again, and no recipient comes to an end.
    SendersStandStill,
}

impl Cause {
    /// Names the cause in the journal's keys: a campaign that stands still for another cause has another line.
    fn key(self) -> String {
        match self {
            Self::FanOutStopped(lane) => format!("lane-{lane}"),
            Self::TasksLost => "tasks-lost".to_owned(),
            Self::SendersStandStill => "senders".to_owned(),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FanOutStopped(lane) => write!(f, "lane {lane} is not fanned out to its end"),
            Self::TasksLost => f.write_str("there are open batches, and no tasks on the queue"),
            Self::SendersStandStill => {
                f.write_str("there are tasks on the queue, and no recipient comes to an end")
            }
        }
    }
}

impl<S, Q, C> Sweeper<'_, S, Q, C>
where
    S: Campaigns + Ledger + Audience,
    Q: Tasks,
    C: Clock,
{
    /// Raises an alarm if a running campaign stands still.
    pub(super) async fn raise_alarm(
        &self,
        campaign: &Campaign,
        lanes: &[Lane],
        idle: bool,
        invocation: &Invocation,
        report: &mut SweepReport,
    ) -> Result<(), PortError> {
        let moved_at = lanes.iter().map(|lane| lane.moved_at).max().unwrap_or_default();
        let since = moved_at.max(campaign.updated_at);
        let running = campaign.state.status == CampaignStatus::Running;
        if !running || self.clock.now() < since.after(self.stalled_after) {
            return Ok(());
        }
        let alarm = Alarm { campaign: campaign.id, since, cause: cause(campaign, lanes, idle) };
        report.alarms.push(alarm);
        let entry = JournalEntry {
            campaign: campaign.id,
            at: since.after(self.stalled_after),
            key: format!("stalled-{}", alarm.cause.key()),
            actor: "sweeper".into(),
            text: format!("alarm: nothing moved since {since}: {}", alarm.cause),
        };
        retry(self.clock, invocation.deadline, || self.store.journal(&entry)).await
    }
}

fn cause(campaign: &Campaign, lanes: &[Lane], idle: bool) -> Cause {
    let behind = lanes.iter().find(|lane| !lane.plan.is_fanned_out(campaign.state.epoch));
    match behind {
        Some(lane) => Cause::FanOutStopped(lane.plan.no),
        None if idle => Cause::TasksLost,
        None => Cause::SendersStandStill,
    }
}
