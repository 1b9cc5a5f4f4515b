//! Orders before a run: schedule, unschedule; and the start that a schedule asks for.
//!
//! A scheduled campaign is started by whoever looks first once its time has come: the sweeper, or a one-time
//! schedule. Both ask [`start_due`], which starts it once. A campaign whose time passed while nobody looked is
//! not started any more: it is paused, and a person decides.

use fanmail_domain::{Campaign, CampaignEvent, CampaignStatus, Schedule, StatusReason};

use super::{Controlled, Decision, Order, ask, carry_out, stands_at, start};
use crate::ports::{Audience, Campaigns, Clock, PortError, Tasks};

/// Gives a draft its time to start, or takes the one that it has.
///
/// # Errors
///
/// [`PortError`] if a port stays silent until the order's end.
pub async fn schedule(
    store: &impl Campaigns,
    clock: &impl Clock,
    order: &Order<'_>,
    at: Schedule,
) -> Result<Controlled, PortError> {
    let decide = |before: Campaign, now| {
        if stands_at(&before, CampaignStatus::Scheduled) && before.schedule == Some(at) {
            return Ok(Decision::AlreadySo);
        }
        let state = before.state.apply(CampaignEvent::Schedule)?;
        let text = format!("scheduled for {}, not after {}", at.send_at, at.not_after);
        Decision::change(Campaign { state, schedule: Some(at), updated_at: now, ..before }, text)
    };
    carry_out(store, clock, order, decide).await
}

/// Turns a scheduled campaign back into a draft.
///
/// # Errors
///
/// As for [`schedule`].
pub async fn unschedule(
    store: &impl Campaigns,
    clock: &impl Clock,
    order: &Order<'_>,
) -> Result<Controlled, PortError> {
    let decide = |before: Campaign, now| {
        if stands_at(&before, CampaignStatus::Draft) {
            return Ok(Decision::AlreadySo);
        }
        let state = before.state.apply(CampaignEvent::Unschedule)?;
        Decision::change(Campaign { state, updated_at: now, ..before }, "back to draft")
    };
    carry_out(store, clock, order, decide).await
}

/// What the time of a schedule came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// The campaign runs.
    Started,
    /// Its time is long over: it is paused now.
    Missed,
    /// It is not scheduled, or not yet due.
    NotDue,
}

/// Starts a scheduled campaign whose time has come, or pauses it if that time is over.
///
/// # Errors
///
/// [`PortError`] if a port stays silent until the order's end; whoever asks next does the same.
pub async fn start_due(
    store: &(impl Campaigns + Audience),
    tasks: &impl Tasks,
    clock: &impl Clock,
    order: &Order<'_>,
) -> Result<Due, PortError> {
    let seen = ask(clock, order.until, || store.campaign(order.campaign)).await?;
    let Some(seen) = seen.filter(|it| stands_at(it, CampaignStatus::Scheduled)) else {
        return Ok(Due::NotDue);
    };
    let (Some(schedule), now) = (seen.schedule, clock.now()) else { return Ok(Due::NotDue) };
    // Whatever happens to the campaign meanwhile, this is about the schedule that was seen.
    let order = Order { version: Some(seen.state.version), ..*order };
    if now < schedule.send_at {
        return Ok(Due::NotDue);
    }
    if now > schedule.not_after {
        let missed = miss(store, clock, &order).await?;
        return Ok(if matches!(missed, Controlled::Done(_)) { Due::Missed } else { Due::NotDue });
    }
    let started = start(store, tasks, clock, &order).await?;
    Ok(if matches!(started, Controlled::Done(_)) { Due::Started } else { Due::NotDue })
}

async fn miss(
    store: &impl Campaigns,
    clock: &impl Clock,
    order: &Order<'_>,
) -> Result<Controlled, PortError> {
    let decide = |before: Campaign, now| {
        let state = before.state.apply(CampaignEvent::Miss)?;
        let text = format!("paused: {}: resume it to send it now", StatusReason::MissedSchedule.name());
        Decision::change(Campaign { state, updated_at: now, ..before }, text)
    };
    carry_out(store, clock, order, decide).await
}
