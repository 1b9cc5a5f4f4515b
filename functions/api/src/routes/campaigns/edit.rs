//! Editing a campaign that does not run.
//!
//! What the request leaves out stays. It is put together with what stands and judged like a new campaign; the
//! write names the version that was read, so that two edits at a time do not undo each other.

use fanmail_domain::{Campaign, CampaignStatus, Content, ListId, Schedule, SettingsPatch};
use fanmail_engine::control::{Controlled, Edit, Revision, revise};
use fanmail_engine::ports::{Campaigns, Clock};
use serde::{Deserialize, Deserializer};

use super::extras::GivenExtras;
use super::fields::{check_content, check_settings, text_part};
use super::{answer, follow, id, order, refused};
use crate::handler::Call;
use crate::request::Request;
use crate::response::{ApiError, Reply};
use crate::times;

/// How often an edit is put together anew because the campaign changed meanwhile.
const TRIES: u32 = 5;

/// As for a new campaign; what is absent stays, and `null` takes away what can be absent.
#[derive(Debug, Deserialize)]
struct Changes {
    name: Option<String>,
    subject: Option<String>,
    from_email: Option<String>,
    body: Option<String>,
    #[serde(default, deserialize_with = "given")]
    altbody: Option<Option<String>>,
    #[serde(flatten)]
    extras: GivenExtras,
    settings: Option<SettingsPatch>,
    #[serde(default, deserialize_with = "given")]
    send_at: Option<Option<String>>,
    not_after: Option<String>,
    lists: Option<Vec<ListId>>,
    version: Option<u32>,
    note: Option<String>,
}

/// Tells `null` from absent.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// `PUT /api/campaigns/{id}`.
pub(in crate::routes) async fn edit(
    call: &Call<'_>,
    request: &Request,
    id_: &str,
) -> Result<Reply, ApiError> {
    let (campaign, store) = (id(id_, "campaign")?, &call.ports.store);
    let changes: Changes = request.json()?;
    let mut order = order(call, campaign, changes.note.as_deref(), changes.version)?;
    for tried in 1.. {
        let seen = store.campaign(campaign).await?.ok_or_else(|| ApiError::not_found("campaign"))?;
        let revision = changes.revision(call, &seen).await?;
        order.version = changes.version.or(Some(seen.state.version));
        let revised = revise(store, &call.ports.clock, &order, &revision).await?;
        let again = matches!(revised, Controlled::Stale(_)) && changes.version.is_none() && tried < TRIES;
        if !again {
            if seen.state.status == CampaignStatus::Scheduled {
                follow(call, &revised).await;
            }
            return answer(call, revised, "be edited").await;
        }
    }
    Err(ApiError::not_found("campaign"))
}

impl Changes {
    async fn revision(&self, call: &Call<'_>, seen: &Campaign) -> Result<Revision, ApiError> {
        let others = |lists: &Vec<ListId>| !lists.iter().eq(seen.audience.iter().map(|to| &to.list));
        if self.lists.as_ref().is_some_and(others) {
            return Err(ApiError::bad("the lists of a campaign stay as they are: make another campaign"));
        }
        if let Some(settings) = self.settings {
            check_settings(call, settings).await?;
        }
        Ok(Revision {
            content: self.content(call, seen).await?,
            settings: self.settings,
            schedule: self.schedule(call, seen).await?,
        })
    }

    /// What it says from now on, if that is something else.
    async fn content(&self, call: &Call<'_>, seen: &Campaign) -> Result<Option<Edit>, ApiError> {
        let stands = call.ports.store.content(seen.id, seen.content_version).await?;
        let stands = stands.ok_or_else(|| ApiError::not_found("content"))?;
        let or = |given: &Option<String>, stands: &String| given.as_ref().unwrap_or(stands).clone();
        let wanted = Content {
            campaign_name: or(&self.name, &stands.campaign_name).trim().to_owned(),
            subject: or(&self.subject, &stands.subject),
            from: or(&self.from_email, &stands.from),
            html: or(&self.body, &stands.html),
            text: self.altbody.clone().map_or_else(|| stands.text.clone(), text_part),
            extras: self.extras.applied_to(&stands.extras),
            ..stands.clone()
        };
        check_content(&wanted)?;
        let Content { campaign_name: name, subject, from, html, text, extras, .. } = wanted.clone();
        Ok((wanted != stands).then_some(Edit { name, subject, from, html, text, extras }))
    }

    /// When it starts from now on, if the request says so.
    async fn schedule(&self, call: &Call<'_>, seen: &Campaign) -> Result<Option<Option<Schedule>>, ApiError> {
        let now = call.ports.clock.now();
        let wanted = match (&self.send_at, self.not_after.as_deref()) {
            (None, None) => return Ok(None),
            (Some(None), None) => None,
            (Some(Some(send_at)), not_after) => {
                Some(times::schedule(send_at, not_after, seen.schedule, now)?)
            }
            (Some(None), Some(_)) => return Err(ApiError::bad("not_after needs a send_at")),
            (None, Some(not_after)) => {
                let stands = seen.schedule.ok_or_else(|| ApiError::bad("not_after needs a send_at"))?;
                let not_after = times::ahead("not_after", not_after, now)?;
                Some(Schedule { not_after, ..stands })
            }
        };
        let waits = matches!(seen.state.status, CampaignStatus::Draft | CampaignStatus::Scheduled);
        if wanted != seen.schedule && !waits {
            return Err(refused(call, seen, "get another time to start").await);
        }
        if wanted.is_none() && seen.state.status == CampaignStatus::Scheduled {
            return Err(ApiError::bad("a scheduled campaign keeps a send_at: make it a draft first"));
        }
        Ok(Some(wanted))
    }
}
