//! Showing campaigns: one, and all of them page by page.

use fanmail_domain::CampaignId;
use fanmail_engine::ports::Campaigns;

use super::{id, shown};
use crate::handler::Call;
use crate::request::Request;
use crate::response::{ApiError, Reply};

/// Campaigns of one page, unless the request says otherwise.
const PER_PAGE: u64 = 20;
/// And at the most.
const MAX_PER_PAGE: u64 = 100;

/// `GET /api/campaigns`.
pub(in crate::routes) async fn all(call: &Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let page = request.number("page", 1)?.max(1);
    let per_page = request.number("per_page", PER_PAGE)?.clamp(1, MAX_PER_PAGE);
    let store = &call.ports.store;
    let total = store.newest_campaign().await?;
    let before = CampaignId(total.saturating_sub((page - 1).saturating_mul(per_page)) + 1);
    let campaigns = store.list_campaigns(Some(before), usize::try_from(per_page).unwrap_or(1)).await?;
    let mut results = Vec::with_capacity(campaigns.len());
    for campaign in &campaigns {
        results.push(shown(call, campaign).await?);
    }
    let body = serde_json::json!({ "results": results, "total": total, "per_page": per_page, "page": page });
    Ok(Reply::data(body))
}

/// `GET /api/campaigns/{id}`, with its content unless `no_body` is set: who watches a campaign needs no template with every
/// look.
pub(in crate::routes) async fn one(
    call: &Call<'_>,
    request: &Request,
    campaign: &str,
) -> Result<Reply, ApiError> {
    let no_body = request.flag("no_body")?;
    let (campaign, store) = (id(campaign, "campaign")?, &call.ports.store);
    let found = store.campaign(campaign).await?.ok_or_else(|| ApiError::not_found("campaign"))?;
    let mut shown = shown(call, &found).await?;
    if !no_body && let Some(content) = store.content(campaign, found.content_version).await? {
        shown["body"] = content.html.into();
        shown["altbody"] = content.text.into();
    }
    Ok(Reply::data(shown))
}
