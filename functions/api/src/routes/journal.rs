//! What was decided on a campaign: every transition and every decision of the sweeper, the oldest first, each
//! with its time, who decided, and what.
//!
//! The cursor is a place in the journal in base64 (RFC 4648, 5), because a place has a `#` in it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use fanmail_domain::CampaignId;
use fanmail_engine::ports::{Campaigns, JournalEntry};
use serde_json::{Value, json};

use super::id;
use crate::handler::Call;
use crate::request::Request;
use crate::response::{ApiError, Reply};
use crate::view;

/// Journal lines of one page, unless the request says otherwise.
const PER_PAGE: u64 = 100;
/// And at the most.
const MAX_PER_PAGE: u64 = 1_000;

/// `GET /api/campaigns/{id}/journal`.
pub(super) async fn page(call: &Call<'_>, request: &Request, campaign: &str) -> Result<Reply, ApiError> {
    let (campaign, store): (CampaignId, _) = (id(campaign, "campaign")?, &call.ports.store);
    let limit = request.number("per_page", PER_PAGE)?.clamp(1, MAX_PER_PAGE);
    let limit = u16::try_from(limit).unwrap_or(u16::MAX);
    let cursor = request.query.get("cursor").map(|cursor| place(cursor)).transpose()?;
    if store.campaign(campaign).await?.is_none() {
        return Err(ApiError::not_found("campaign"));
    }
    let page = store.journal_page(campaign, cursor, limit).await?;
    let results: Vec<Value> = page.entries.iter().map(line).collect();
    let next = page.next.map(|place| BASE64_URL_SAFE_NO_PAD.encode(place));
    Ok(Reply::data(json!({ "results": results, "next": next })))
}

fn line(entry: &JournalEntry) -> Value {
    json!({ "at": view::time(entry.at), "by": entry.actor, "text": entry.text })
}

fn place(cursor: &str) -> Result<String, ApiError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok();
    let place = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|place| place.is_ascii());
    place.ok_or_else(|| ApiError::bad("cursor is the `next` of an earlier page"))
}
