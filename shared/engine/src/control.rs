//! Pausing a campaign, and letting it go on.
//!
//! A pause is one write. Senders and fan-outs see it before their next window or page and give back what they
//! hold. Going on starts a new epoch: tasks of the old one are void, and each lane is fanned out again from
//! its first unfinished batch.

use fanmail_domain::{Campaign, CampaignEvent, CampaignId, CampaignStatus, StatusReason, Timestamp};

use crate::commit::{Committed, commit, retry};
use crate::ports::{Campaigns, Clock, JournalEntry, PortError, Tasks};
use crate::start::{Controlled, send_lanes};

/// Pauses a running campaign.
///
/// # Errors
///
/// [`PortError`] if a port stays silent until `until`. The pause may have taken place: ask again.
pub async fn pause(
    store: &impl Campaigns,
    clock: &impl Clock,
    until: Timestamp,
    id: CampaignId,
    reason: StatusReason,
    actor: &'static str,
) -> Result<Controlled, PortError> {
    let text = format!("paused: {}", reason.name());
    let step = Step { event: CampaignEvent::Pause(reason), wanted: CampaignStatus::Paused, actor, text };
    change(store, clock, until, id, step).await
}

/// Lets a paused campaign go on, in a new epoch.
///
/// # Errors
///
/// [`PortError`] if a port stays silent until `until`. The campaign may be running again: ask again.
pub async fn resume(
    store: &impl Campaigns,
    tasks: &impl Tasks,
    clock: &impl Clock,
    until: Timestamp,
    id: CampaignId,
) -> Result<Controlled, PortError> {
    let text = "resumed".to_owned();
    let step = Step { event: CampaignEvent::Resume, wanted: CampaignStatus::Running, actor: "user", text };
    let controlled = change(store, clock, until, id, step).await?;
    if let Controlled::Done(campaign) = &controlled {
        send_lanes(tasks, clock, until, campaign).await?;
    }
    Ok(controlled)
}

struct Step {
    event: CampaignEvent,
    wanted: CampaignStatus,
    actor: &'static str,
    text: String,
}

async fn change(
    store: &impl Campaigns,
    clock: &impl Clock,
    until: Timestamp,
    id: CampaignId,
    step: Step,
) -> Result<Controlled, PortError> {
    loop {
        let Some(before) = retry(clock, until, || store.campaign(id)).await? else {
            return Ok(Controlled::Unknown);
        };
        if before.state.status == step.wanted {
            return Ok(Controlled::Done(before));
        }
        let state = match before.state.apply(step.event) {
            Ok(state) => state,
            Err(illegal) => return Ok(Controlled::Refused(before, illegal)),
        };
        let after = Campaign { state, updated_at: clock.now(), ..before };
        let entry = JournalEntry {
            campaign: id,
            at: after.updated_at,
            key: format!("v{}", state.version),
            actor: step.actor,
            text: step.text.clone(),
        };
        match commit(clock, until, &after, || store.transition(&after, &entry)).await? {
            Committed::Stands => return Ok(Controlled::Done(after)),
            // The race was lost: look again at what stands now.
            Committed::Refused(_) => {}
        }
    }
}
