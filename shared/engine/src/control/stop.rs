//! Orders that stop a campaign: pause, cancel.

use fanmail_domain::{Campaign, CampaignEvent, CampaignStatus, StatusReason, Timestamp};

use super::run::send_lanes_of;
use super::{Controlled, Decision, Order, carry_out, stands_at};
use crate::ports::{Campaigns, Clock, PortError, Tasks};

/// Pauses a running campaign, until `ends` or until it is resumed. Somebody's own pause replaces one that
/// would end by itself.
///
/// # Errors
///
/// [`PortError`] if a port stays silent until the order's end. The pause may have taken place: ask again.
pub async fn pause(
    store: &impl Campaigns,
    clock: &impl Clock,
    order: &Order<'_>,
    reason: StatusReason,
    ends: Option<Timestamp>,
) -> Result<Controlled, PortError> {
    let decide = |before: Campaign, now| {
        let same = (before.state.reason, before.state.until) == (Some(reason), ends);
        let weaker = reason != StatusReason::User;
        if stands_at(&before, CampaignStatus::Paused) && (same || weaker) {
            return Ok(Decision::AlreadySo);
        }
        let state = before.state.apply(CampaignEvent::Pause { reason, until: ends })?;
        let until = ends.map(|ends| format!(", until {ends}")).unwrap_or_default();
        let text = format!("paused: {}{until}", reason.name());
        Decision::change(Campaign { state, updated_at: now, ..before }, text)
    };
    carry_out(store, clock, order, decide).await
}

/// Stops a campaign for good: who has not been submitted yet is skipped, and can be found as
/// `skipped: cancelled`.
///
/// # Errors
///
/// As for [`pause`].
pub async fn cancel(
    store: &impl Campaigns,
    tasks: &impl Tasks,
    clock: &impl Clock,
    order: &Order<'_>,
) -> Result<Controlled, PortError> {
    let decide = |before: Campaign, now| {
        if stands_at(&before, CampaignStatus::Cancelled) {
            return Ok(Decision::AlreadySo);
        }
        let state = before.state.apply(CampaignEvent::Cancel)?;
        Decision::change(Campaign { state, updated_at: now, ..before }, "cancelled")
    };
    let cancelled = carry_out(store, clock, order, decide).await?;
    send_lanes_of(tasks, clock, order.until, cancelled).await
}
