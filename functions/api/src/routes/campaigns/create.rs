//! A new campaign: a draft.

use fanmail_domain::{CampaignId, Content, Extras, ListId, Schedule, SettingsPatch};
use fanmail_engine::ports::Clock;
use fanmail_store::CampaignDraft;
use serde::Deserialize;

use super::extras::GivenExtras;
use super::fields::{audience, check_content, check_settings, text_part};
use crate::handler::Call;
use crate::request::Request;
use crate::response::{ApiError, Reply};
use crate::{times, view};

/// listmonk's body, and fanmail's `settings` and `not_after`; fields that fanmail has no use for are read over.
#[derive(Debug, Deserialize)]
struct NewCampaign {
    name: String,
    subject: String,
    from_email: String,
    lists: Vec<ListId>,
    body: String,
    #[serde(default)]
    altbody: Option<String>,
    #[serde(flatten)]
    extras: GivenExtras,
    #[serde(default)]
    settings: SettingsPatch,
    #[serde(default)]
    send_at: Option<String>,
    #[serde(default)]
    not_after: Option<String>,
}

/// `POST /api/campaigns`.
pub(in crate::routes) async fn create(call: &Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let new: NewCampaign = request.json()?;
    let now = call.ports.clock.now();
    let schedule = new.schedule(now)?;
    check_settings(call, new.settings).await?;
    let draft = CampaignDraft {
        name: new.name.trim().to_owned(),
        subject: new.subject,
        from: new.from_email,
        html: new.body,
        text: text_part(new.altbody),
        extras: new.extras.applied_to(&Extras::default()),
        audience: audience(call, &new.lists).await?,
        settings: new.settings,
        schedule,
    };
    check_content(&content(&draft))?;
    let campaign = call.ports.store.create_campaign(&draft, now).await?;
    Ok(Reply::data(view::campaign(&campaign, &[])))
}

impl NewCampaign {
    fn schedule(&self, now: fanmail_domain::Timestamp) -> Result<Option<Schedule>, ApiError> {
        match (self.send_at.as_deref(), self.not_after.as_deref()) {
            (Some(send_at), not_after) => times::schedule(send_at, not_after, None, now).map(Some),
            (None, Some(_)) => Err(ApiError::bad("not_after says until when send_at holds: give both")),
            (None, None) => Ok(None),
        }
    }
}

fn content(draft: &CampaignDraft) -> Content {
    Content {
        campaign: CampaignId(0),
        version: 1,
        campaign_name: draft.name.clone(),
        subject: draft.subject.clone(),
        from: draft.from.clone(),
        html: draft.html.clone(),
        text: draft.text.clone(),
        extras: draft.extras.clone(),
    }
}
