//! Campaigns: create, show, edit, and everything that is ordered for one.
//!
//! An order that makes no sense where the campaign stands is answered with 409 and the campaign as it stands.
//! So is one that names a `version` which is not the newest: a late or doubled request changes nothing.

mod create;
mod edit;
mod extras;
mod fields;
mod rehearse;
mod retry;
mod show;
mod status;

use fanmail_domain::{Campaign, CampaignId};
use fanmail_engine::control::{Controlled, Order};
use fanmail_engine::ports::{Campaigns, Clock};

use super::id;
use crate::handler::Call;
use crate::response::{ApiError, Reply};
use crate::view;

pub(super) use create::create;
pub(super) use edit::edit;
pub(super) use rehearse::{dry_render, preview};
pub(super) use retry::{resolve, retry};
pub(super) use show::{all, one};
pub(super) use status::set_status;

/// The longest note: it stands in the journal.
const MAX_NOTE: usize = 500;

/// Who orders is whoever asks; `note` says why.
fn order<'a>(
    call: &'a Call<'_>,
    campaign: CampaignId,
    note: Option<&'a str>,
    version: Option<u32>,
) -> Result<Order<'a>, ApiError> {
    let note = note.unwrap_or_default().trim();
    if note.chars().count() > MAX_NOTE {
        return Err(ApiError::bad(&format!("note has more than {MAX_NOTE} characters")));
    }
    Ok(Order { campaign, actor: call.actor, note, version, until: call.until })
}

/// Has the campaign's one-time schedule follow an order that was carried out.
async fn follow(call: &Call<'_>, controlled: &Controlled) {
    if let (Some(schedules), Controlled::Done(campaign)) = (&call.ports.schedules, controlled) {
        schedules.follow(campaign, call.ports.clock.now()).await;
    }
}

/// The campaign after an order that was `to` do something.
async fn answer(call: &Call<'_>, controlled: Controlled, to: &str) -> Result<Reply, ApiError> {
    match controlled {
        Controlled::Done(campaign) => Ok(Reply::data(shown(call, &campaign).await?)),
        Controlled::Refused(campaign, _) => Err(refused(call, &campaign, to).await),
        Controlled::Stale(campaign) => Err(stale(call, &campaign).await),
        Controlled::Unknown => Err(ApiError::not_found("campaign")),
    }
}

/// The campaign with what its lanes have counted.
async fn shown(call: &Call<'_>, campaign: &Campaign) -> Result<serde_json::Value, ApiError> {
    Ok(view::campaign(campaign, &call.ports.store.lanes(campaign.id).await?))
}

async fn refused(call: &Call<'_>, campaign: &Campaign, to: &str) -> ApiError {
    let message = format!("campaign {} is {} and cannot {to}", campaign.id, campaign.state.status);
    conflict(call, campaign, message).await
}

async fn stale(call: &Call<'_>, campaign: &Campaign) -> ApiError {
    let state = campaign.state;
    let message = format!(
        "campaign {} changed in the meantime: it is {} and of version {} now",
        campaign.id, state.status, state.version
    );
    conflict(call, campaign, message).await
}

async fn conflict(call: &Call<'_>, campaign: &Campaign, message: String) -> ApiError {
    match shown(call, campaign).await {
        Ok(stands) => ApiError::RefusedWith(409, message, stands),
        Err(error) => error,
    }
}
