//! Finishing a campaign.
//!
//! Whoever ends what may be the last batch of a lane looks whether the lane is complete, and if so whether the
//! campaign is. The look only saves work: the write itself demands, in one transaction, that the run fanned each
//! lane out to its sealed end and that all its batches are done. So a campaign finishes once, and never before its
//! last recipient; and a retry does not finish before it has looked at every batch.

use fanmail_domain::{BatchId, Campaign, CampaignEvent, CampaignId, CampaignStatus, Timestamp};

use crate::commit::{Committed, commit, retry};
use crate::ports::{Campaigns, Clock, JournalEntry, PortError};

/// Finishes the campaign of a batch that just ended as perhaps the last of its lane, if it was the last of all.
///
/// # Errors
///
/// [`PortError`] if a port stays silent until `until`.
pub async fn after_batch(
    store: &impl Campaigns,
    clock: &impl Clock,
    until: Timestamp,
    batch: BatchId,
) -> Result<bool, PortError> {
    let lane = retry(clock, until, || store.lane(batch.campaign, batch.lane)).await?;
    match lane {
        Some(lane) if lane.is_complete(lane.plan.epoch) => {
            try_finish(store, clock, until, batch.campaign).await
        }
        _ => Ok(false),
    }
}

/// Finishes a campaign if it is running and every lane is complete. Answers whether it did.
///
/// # Errors
///
/// [`PortError`] if a port stays silent until `until`.
pub async fn try_finish(
    store: &impl Campaigns,
    clock: &impl Clock,
    until: Timestamp,
    id: CampaignId,
) -> Result<bool, PortError> {
    let lanes = retry(clock, until, || store.lanes(id)).await?;
    if !lanes.iter().all(|lane| lane.is_complete(lane.plan.epoch)) {
        return Ok(false);
    }
    let campaign = retry(clock, until, || store.campaign(id)).await?;
    let Some(campaign) = campaign.filter(|campaign| campaign.state.status == CampaignStatus::Running) else {
        return Ok(false);
    };
    let complete = lanes.iter().all(|lane| lane.is_complete(campaign.state.epoch));
    if !complete || lanes.len() != usize::from(campaign.lanes) {
        return Ok(false);
    }
    let Some(after) = finished(&campaign, clock.now()) else { return Ok(false) };
    let recipients: u64 = lanes.iter().map(|lane| lane.plan.recipients).sum();
    let entry = JournalEntry {
        campaign: id,
        at: after.updated_at,
        key: format!("v{}", after.state.version),
        actor: "sender".into(),
        text: format!("finished: all {recipients} recipients came to an end"),
    };
    let written = commit(clock, until, &after, || store.finish(&after, &entry)).await?;
    Ok(matches!(written, Committed::Stands))
}

fn finished(campaign: &Campaign, now: Timestamp) -> Option<Campaign> {
    let state = campaign.state.apply(CampaignEvent::Finish).ok()?;
    Some(Campaign { state, updated_at: now, ..campaign.clone() })
}
