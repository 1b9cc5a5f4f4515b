//! How the active campaigns stand, once a minute, for whoever watches.
//!
//! Nothing is counted by it: a campaign's lanes have counted already, and their sums are read. That costs one query
//! for the list, a read unit for each active campaign, and a query for the lanes of each that runs or is paused: 64
//! lanes are about 25 KB, 7 read units. One campaign is some 13,000 units a day, $0.002. It is done only where
//! metrics are written.
//!
//! A finished campaign is not active: who is in doubt there is in its report, and not in these numbers.

use fanmail_domain::{Campaign, CampaignStatus, Lane, StatusReason, Timestamp};
use fanmail_engine::ports::{Campaigns, Clock, PortError};
use fanmail_runtime::metrics::Metric;

/// The numbers of one minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Gauges {
    running: u64,
    /// By the system, not by a person.
    paused: u64,
    open: u64,
    in_doubt: u64,
}

impl Gauges {
    /// Reads them all before `stop_at`; `None` if that is too early, for half of them would look like a change.
    pub(crate) async fn read(
        store: &impl Campaigns,
        clock: &impl Clock,
        stop_at: Timestamp,
    ) -> Result<Option<Self>, PortError> {
        let mut gauges = Self::default();
        for id in store.active().await? {
            if clock.now() >= stop_at {
                return Ok(None);
            }
            if let Some(campaign) = store.campaign(id).await?
                && matches!(campaign.state.status, CampaignStatus::Running | CampaignStatus::Paused)
            {
                gauges.add(&campaign, &store.lanes(id).await?);
            }
        }
        Ok(Some(gauges))
    }

    /// As metrics, with how many campaigns the sweep found at a standstill.
    pub(crate) fn metrics(self, stalled: usize) -> Vec<(Metric, f64)> {
        vec![
            (Metric::CampaignsRunning, self.running as f64),
            (Metric::CampaignsPaused, self.paused as f64),
            (Metric::CampaignsStalled, stalled as f64),
            (Metric::RecipientsOpen, self.open as f64),
            (Metric::RecipientsInDoubt, self.in_doubt as f64),
        ]
    }

    fn add(&mut self, campaign: &Campaign, lanes: &[Lane]) {
        let state = campaign.state;
        self.running += u64::from(state.status == CampaignStatus::Running);
        let by_us = state.reason.is_some_and(|reason| reason != StatusReason::User);
        self.paused += u64::from(state.status == CampaignStatus::Paused && by_us);
        for lane in lanes {
            self.open += lane.plan.recipients.saturating_sub(lane.tally.total());
            self.in_doubt += lane.tally.named("in_doubt");
        }
    }
}

#[cfg(test)]
mod tests {
    use fanmail_domain::{
        CampaignId, CampaignState, Epoch, LaneNo, LanePlan, RecipientState, SettingsPatch, Tally,
    };

    use super::*;

    fn campaign(status: CampaignStatus, reason: Option<StatusReason>) -> Campaign {
        Campaign {
            id: CampaignId(1),
            name: String::new(),
            subject: String::new(),
            from: String::new(),
            audience: Vec::new(),
            settings: SettingsPatch::default(),
            state: CampaignState { status, reason, ..CampaignState::DRAFT },
            schedule: None,
            retry: None,
            failed_before: 0,
            content_version: 1,
            lanes: 2,
            created_at: Timestamp(0),
            started_at: None,
            updated_at: Timestamp(0),
        }
    }

    fn lane(recipients: u64, accepted: u64, in_doubt: u64) -> Lane {
        let plan = LanePlan::planned(LaneNo(0), LanePlan::share(LaneNo(0), 1), Epoch(1), Timestamp(0));
        let mut tally = Tally::default();
        tally.add(RecipientState::Accepted, accepted);
        tally.add(RecipientState::InDoubt, in_doubt);
        Lane { plan: LanePlan { recipients, ..plan }, done: 0, tally, moved_at: Timestamp(0) }
    }

    #[test]
    fn lanes_add_up_and_a_persons_pause_is_no_trouble() {
        let mut gauges = Gauges::default();
        let running = campaign(CampaignStatus::Running, None);
        gauges.add(&running, &[lane(100, 30, 2), lane(50, 50, 0)]);
        gauges.add(&campaign(CampaignStatus::Paused, Some(StatusReason::User)), &[lane(10, 4, 1)]);
        gauges.add(&campaign(CampaignStatus::Paused, Some(StatusReason::DailyQuota)), &[]);
        assert_eq!(gauges, Gauges { running: 1, paused: 1, open: 68 + 5, in_doubt: 3 });
        let values: Vec<f64> = gauges.metrics(4).into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, [1.0, 1.0, 4.0, 73.0, 3.0]);
    }
}
