//! Changing where a campaign stands: `PUT /api/campaigns/{id}/status`.

use fanmail_domain::{CampaignEvent, CampaignStatus, Schedule, StatusReason, Timestamp};
use fanmail_engine::control::{Controlled, Order, cancel, pause, resume, schedule, start, unschedule};
use fanmail_engine::ports::{Campaigns, Clock};
use serde::Deserialize;

use super::{answer, follow, id, order};
use crate::handler::Call;
use crate::request::Request;
use crate::response::{ApiError, Reply};
use crate::times;

/// listmonk's body, and what fanmail can be told beside it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewStatus {
    status: String,
    /// When a pause ends by itself.
    until: Option<String>,
    /// When a schedule starts it.
    send_at: Option<String>,
    /// From when on a schedule does not start it any more.
    not_after: Option<String>,
    /// The campaign's version that the caller saw.
    version: Option<u32>,
    /// Why, for the journal.
    note: Option<String>,
}

/// A status that can be asked for.
enum Wanted {
    Scheduled(Option<Schedule>),
    Running,
    Paused(Option<Timestamp>),
    Cancelled,
    Draft,
}

/// `PUT /api/campaigns/{id}/status`.
pub(in crate::routes) async fn set_status(
    call: &Call<'_>,
    request: &Request,
    id_: &str,
) -> Result<Reply, ApiError> {
    let campaign = id(id_, "campaign")?;
    let new: NewStatus = request.json()?;
    let wanted = new.wanted(call.ports.clock.now())?;
    let order = order(call, campaign, new.note.as_deref(), new.version)?;
    let controlled = carry_out(call, &order, wanted).await?;
    follow(call, &controlled).await;
    answer(call, controlled, &format!("become {}", new.status)).await
}

impl NewStatus {
    fn wanted(&self, now: Timestamp) -> Result<Wanted, ApiError> {
        let wanted = match CampaignStatus::from_name(&self.status) {
            Some(CampaignStatus::Scheduled) => Wanted::Scheduled(self.schedule(now)?),
            Some(CampaignStatus::Running) => Wanted::Running,
            Some(CampaignStatus::Paused) => Wanted::Paused(self.until(now)?),
            Some(CampaignStatus::Cancelled) => Wanted::Cancelled,
            Some(CampaignStatus::Draft) => Wanted::Draft,
            Some(CampaignStatus::Finished) | None => {
                return Err(ApiError::bad(
                    "status can be set to `scheduled`, `running`, `paused`, `cancelled` or `draft`",
                ));
            }
        };
        self.check_beside(&wanted)?;
        Ok(wanted)
    }

    /// A time that the status makes no use of is a mistake, and not to be read over.
    fn check_beside(&self, wanted: &Wanted) -> Result<(), ApiError> {
        if self.until.is_some() && !matches!(wanted, Wanted::Paused(_)) {
            return Err(ApiError::bad("until is when a pause ends: it goes with `paused`"));
        }
        let times = self.send_at.is_some() || self.not_after.is_some();
        if times && !matches!(wanted, Wanted::Scheduled(_)) {
            return Err(ApiError::bad("send_at and not_after go with `scheduled`"));
        }
        Ok(())
    }

    fn until(&self, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
        self.until.as_deref().map(|until| times::ahead("until", until, now)).transpose()
    }

    fn schedule(&self, now: Timestamp) -> Result<Option<Schedule>, ApiError> {
        match (self.send_at.as_deref(), self.not_after.as_deref()) {
            (Some(send_at), not_after) => times::schedule(send_at, not_after, None, now).map(Some),
            (None, Some(_)) => Err(ApiError::bad("not_after says until when send_at holds: give both")),
            (None, None) => Ok(None),
        }
    }
}

async fn carry_out(call: &Call<'_>, order: &Order<'_>, wanted: Wanted) -> Result<Controlled, ApiError> {
    let (store, queue, clock) = (&call.ports.store, &call.ports.queue, &call.ports.clock);
    Ok(match wanted {
        Wanted::Scheduled(Some(at)) => schedule(store, clock, order, at).await?,
        Wanted::Scheduled(None) => schedule_as_it_says(call, order).await?,
        Wanted::Running => run(call, order).await?,
        Wanted::Paused(until) => pause(store, clock, order, StatusReason::User, until).await?,
        Wanted::Cancelled => cancel(store, queue, clock, order).await?,
        Wanted::Draft => unschedule(store, clock, order).await?,
    })
}

/// Starts a draft, and lets a paused campaign go on.
async fn run(call: &Call<'_>, order: &Order<'_>) -> Result<Controlled, ApiError> {
    let (store, queue, clock) = (&call.ports.store, &call.ports.queue, &call.ports.clock);
    let Some(campaign) = store.campaign(order.campaign).await? else { return Ok(Controlled::Unknown) };
    if campaign.state.status == CampaignStatus::Paused {
        return Ok(resume(store, queue, clock, order).await?);
    }
    Ok(start(store, queue, clock, order).await?)
}

/// Schedules a campaign for the time that it has.
async fn schedule_as_it_says(call: &Call<'_>, order: &Order<'_>) -> Result<Controlled, ApiError> {
    let (store, clock) = (&call.ports.store, &call.ports.clock);
    let Some(campaign) = store.campaign(order.campaign).await? else { return Ok(Controlled::Unknown) };
    match (campaign.schedule, campaign.state.apply(CampaignEvent::Schedule)) {
        (Some(at), Ok(_)) if at.not_after <= clock.now() => {
            Err(ApiError::bad("the campaign's send_at and not_after have passed: give it another send_at"))
        }
        (Some(at), _) => Ok(schedule(store, clock, order, at).await?),
        (None, Ok(_)) => Err(ApiError::bad("the campaign has no send_at: give it one, here or in an edit")),
        (None, Err(illegal)) => Ok(Controlled::Refused(campaign, illegal)),
    }
}
