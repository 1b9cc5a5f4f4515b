//! Starting a campaign.
//!
//! One transaction turns the campaign into a running one and creates its lanes; then one task per lane is
//! sent. A crash between the two leaves lanes that nobody works on: the sweeper sends their tasks once the
//! grace is over. Starting twice is the same start: the second one finds the campaign running.

use std::time::Duration;

use fanmail_domain::lane::lanes_for;
use fanmail_domain::{
    Campaign, CampaignEvent, CampaignId, CampaignStatus, IllegalTransition, LaneNo, LanePlan, Timestamp,
};

use crate::commit::{Committed, commit, retry};
use crate::ports::{Campaigns, Clock, JournalEntry, LaneTask, PortError, Tasks};

/// How long a new lane is left to its first task before the sweeper takes it for lost.
pub const LANE_GRACE: Duration = Duration::from_secs(10);

/// What a request to change a campaign came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Controlled {
    /// It was carried out, by this request or an equal one before it.
    Done(Campaign),
    /// The campaign stands where the request makes no sense.
    Refused(Campaign, IllegalTransition),
    /// There is no such campaign.
    Unknown,
}

/// Starts a campaign in the status `draft` or `scheduled`, for an audience of about `audience` people.
///
/// # Errors
///
/// [`PortError`] if a port stays silent until `until`. The start may have taken place: ask again.
pub async fn start(
    store: &impl Campaigns,
    tasks: &impl Tasks,
    clock: &impl Clock,
    until: Timestamp,
    id: CampaignId,
    audience: u64,
) -> Result<Controlled, PortError> {
    let Some(before) = retry(clock, until, || store.campaign(id)).await? else {
        return Ok(Controlled::Unknown);
    };
    if before.state.status == CampaignStatus::Running {
        return Ok(Controlled::Done(before));
    }
    let now = clock.now();
    let state = match before.state.apply(CampaignEvent::Start) {
        Ok(state) => state,
        Err(illegal) => return Ok(Controlled::Refused(before, illegal)),
    };
    let lanes = lanes_for(audience);
    let after = Campaign { state, lanes, started_at: Some(now), updated_at: now, ..before };
    let plans = plans(&after, now.after(LANE_GRACE));
    let entry = JournalEntry {
        campaign: id,
        at: now,
        key: format!("v{}", after.state.version),
        actor: "user",
        text: format!("started in {lanes} lanes, epoch {}", after.state.epoch),
    };
    match commit(clock, until, &after, || store.begin(&after, &plans, &entry)).await? {
        Committed::Stands => {
            send_lanes(tasks, clock, until, &after).await?;
            Ok(Controlled::Done(after))
        }
        // Somebody was faster; if it was another start, it is this one.
        Committed::Refused(Some(current)) if current.state.status == CampaignStatus::Running => {
            Ok(Controlled::Done(current))
        }
        Committed::Refused(Some(current)) => {
            let illegal = IllegalTransition { state: current.state.status.name(), event: "start" };
            Ok(Controlled::Refused(current, illegal))
        }
        Committed::Refused(None) => Ok(Controlled::Unknown),
    }
}

/// Sends a task for each lane of a running campaign.
///
/// # Errors
///
/// [`PortError`] if the queue stays silent until `until`.
pub async fn send_lanes(
    tasks: &impl Tasks,
    clock: &impl Clock,
    until: Timestamp,
    campaign: &Campaign,
) -> Result<(), PortError> {
    let lane = |no| LaneTask { campaign: campaign.id, epoch: campaign.state.epoch, lane: LaneNo(no) };
    let all: Vec<LaneTask> = (0..campaign.lanes).map(lane).collect();
    retry(clock, until, || tasks.send_lanes(&all)).await
}

fn plans(campaign: &Campaign, grace: Timestamp) -> Vec<LanePlan> {
    let plan = |no| {
        let shards = LanePlan::share(LaneNo(no), campaign.lanes);
        LanePlan::planned(LaneNo(no), shards, campaign.state.epoch, grace)
    };
    (0..campaign.lanes).map(plan).collect()
}
