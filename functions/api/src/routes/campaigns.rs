//! Campaigns: create, show, and change their status.

use fanmail_domain::{
    AudienceList, Campaign, CampaignId, CampaignStatus, Content, ListId, Settings, SettingsPatch,
    StatusReason,
};
use fanmail_engine::control::{Controlled, Order, pause, resume, start};
use fanmail_engine::ports::{Campaigns, Clock};
use fanmail_runtime::Chain;
use fanmail_store::CampaignDraft;
use serde::Deserialize;

use super::id;
use crate::handler::Call;
use crate::request::Request;
use crate::response::{ApiError, Reply};
use crate::view;

/// Campaigns of one page, unless the request says otherwise.
const PER_PAGE: u64 = 20;
/// And at the most.
const MAX_PER_PAGE: u64 = 100;

/// listmonk's body, and fanmail's `settings`; fields that fanmail has no use for are read over.
#[derive(Debug, Deserialize)]
struct NewCampaign {
    name: String,
    subject: String,
    from_email: String,
    lists: Vec<ListId>,
    body: String,
    #[serde(default)]
    altbody: Option<String>,
    #[serde(default)]
    settings: SettingsPatch,
    #[serde(default)]
    send_at: Option<String>,
}

#[derive(Debug, Deserialize)]
struct NewStatus {
    status: String,
}

pub(super) async fn create(call: &Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let new: NewCampaign = request.json()?;
    if new.name.trim().is_empty() {
        return Err(ApiError::bad("a campaign needs a name"));
    }
    if new.send_at.is_some() {
        return Err(ApiError::bad("send_at is not offered yet: start the campaign when it is time"));
    }
    Settings::default().with(new.settings).map_err(|error| ApiError::bad(&error.to_string()))?;
    let draft = CampaignDraft {
        name: new.name.trim().to_owned(),
        subject: new.subject,
        from: new.from_email,
        html: new.body,
        text: new.altbody.filter(|text| !text.trim().is_empty()),
        audience: audience(call, &new.lists).await?,
        settings: new.settings,
        schedule: None,
    };
    check_content(&draft)?;
    let campaign = call.ports.store.create_campaign(&draft, call.ports.clock.now()).await?;
    Ok(Reply::data(view::campaign(&campaign, &[])))
}

/// Finds the lists, so that a campaign can only be addressed to lists that are there.
async fn audience(call: &Call<'_>, lists: &[ListId]) -> Result<Vec<AudienceList>, ApiError> {
    if lists.is_empty() {
        return Err(ApiError::bad("a campaign needs at least one list"));
    }
    let mut audience = Vec::with_capacity(lists.len());
    for id in lists {
        let list = call.ports.store.list(*id).await?;
        let list = list.ok_or_else(|| ApiError::bad(&format!("there is no list {id}")))?;
        audience.push(AudienceList { list: list.id, optin: list.optin });
    }
    Ok(audience)
}

/// A template that can be sent to nobody is refused now, not recipient by recipient.
fn check_content(draft: &CampaignDraft) -> Result<(), ApiError> {
    let content = Content {
        campaign: CampaignId(0),
        version: 1,
        campaign_name: draft.name.clone(),
        subject: draft.subject.clone(),
        from: draft.from.clone(),
        html: draft.html.clone(),
        text: draft.text.clone(),
    };
    fanmail_mailer::validate(&content).map_err(|error| ApiError::bad(&Chain(&error).to_string()))
}

pub(super) async fn all(call: &Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let page = request.number("page", 1)?.max(1);
    let per_page = request.number("per_page", PER_PAGE)?.clamp(1, MAX_PER_PAGE);
    let store = &call.ports.store;
    let total = store.newest_campaign().await?;
    let before = CampaignId(total.saturating_sub((page - 1).saturating_mul(per_page)) + 1);
    let campaigns = store.list_campaigns(Some(before), usize::try_from(per_page).unwrap_or(1)).await?;
    let mut results = Vec::with_capacity(campaigns.len());
    for campaign in &campaigns {
        results.push(view::campaign(campaign, &store.lanes(campaign.id).await?));
    }
    let body = serde_json::json!({ "results": results, "total": total, "per_page": per_page, "page": page });
    Ok(Reply::data(body))
}

pub(super) async fn one(call: &Call<'_>, campaign: &str) -> Result<Reply, ApiError> {
    let (campaign, store) = (id(campaign, "campaign")?, &call.ports.store);
    let found = store.campaign(campaign).await?.ok_or_else(|| ApiError::not_found("campaign"))?;
    let lanes = store.lanes(campaign).await?;
    let mut shown = view::campaign(&found, &lanes);
    if let Some(content) = store.content(campaign, found.content_version).await? {
        shown["body"] = content.html.into();
        shown["altbody"] = content.text.into();
    }
    Ok(Reply::data(shown))
}

pub(super) async fn set_status(
    call: &Call<'_>,
    request: &Request,
    campaign: &str,
) -> Result<Reply, ApiError> {
    let id = id(campaign, "campaign")?;
    let wanted: NewStatus = request.json()?;
    let status = CampaignStatus::from_name(&wanted.status);
    let ports = call.ports;
    let order = Order { campaign: id, actor: "user", note: "", version: None, until: call.until };
    let controlled = match status {
        Some(CampaignStatus::Running) => run(call, &order).await?,
        Some(CampaignStatus::Paused) => {
            pause(&ports.store, &ports.clock, &order, StatusReason::User, None).await?
        }
        Some(
            CampaignStatus::Draft
            | CampaignStatus::Scheduled
            | CampaignStatus::Cancelled
            | CampaignStatus::Finished,
        )
        | None => return Err(ApiError::bad("status can be set to `running` or `paused`")),
    };
    match controlled {
        Controlled::Done(campaign) => {
            let lanes = call.ports.store.lanes(id).await?;
            Ok(Reply::data(view::campaign(&campaign, &lanes)))
        }
        Controlled::Refused(campaign, _) | Controlled::Stale(campaign) => {
            Err(stands(&campaign, &wanted.status))
        }
        Controlled::Unknown => Err(ApiError::not_found("campaign")),
    }
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

fn stands(campaign: &Campaign, wanted: &str) -> ApiError {
    let status = campaign.state.status;
    ApiError::Refused(409, format!("campaign {} is {status} and cannot become {wanted}", campaign.id))
}
