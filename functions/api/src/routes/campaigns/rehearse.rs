//! Seeing what a campaign would send, before it sends.
//!
//! [`preview`] shows one message as its recipient would see it. [`dry_render`] makes the messages of everybody, a
//! page at a time, and lists whom they fail for. Both send nothing and change nothing.

use std::collections::BTreeMap;

use fanmail_domain::{BatchId, Campaign, Content, Holder, LaneNo, Shard, Subscriber, SubscriberId};
use fanmail_engine::Invocation;
use fanmail_engine::dry_render::{DryPage, DryRange};
use fanmail_engine::ports::{Audience, Campaigns, Consistency, Recipient};
use serde_json::{Value, json};

use super::id;
use crate::handler::Call;
use crate::request::Request;
use crate::response::{ApiError, Reply};

/// Recipients that one page looks at, unless the request says otherwise.
const PER_PAGE: u64 = 5_000;
/// And at the most: about what fits into the time of one request.
const MAX_PER_PAGE: u64 = 50_000;
/// A page ends at so many failures: the answer has to fit into what Lambda answers, 6 MB.
const MAX_FAILED: usize = 1_000;

/// `GET /api/campaigns/{id}/preview`, as the first of its audience would get it, or `?subscriber=` somebody.
pub(in crate::routes) async fn preview(
    call: &Call<'_>,
    request: &Request,
    campaign: &str,
) -> Result<Reply, ApiError> {
    let (campaign, content) = found(call, campaign).await?;
    let subscriber = subscriber(call, request, &campaign).await?;
    let recipient = recipient(&campaign, &subscriber);
    let preview = call.ports.renderer.preview(&content, recipient).map_err(|error| {
        ApiError::Refused(422, format!("the message for subscriber {}: {error}", subscriber.id))
    })?;
    let warnings: Vec<String> = preview.warnings.iter().map(ToString::to_string).collect();
    Ok(Reply::data(json!({
        "subscriber": subscriber.id, "subject": preview.subject, "html": preview.html, "text": preview.text,
        "headers": preview.headers, "size": preview.size, "warnings": warnings,
    })))
}

/// `GET /api/campaigns/{id}/dry-render`, page by page.
pub(in crate::routes) async fn dry_render(
    call: &Call<'_>,
    request: &Request,
    campaign: &str,
) -> Result<Reply, ApiError> {
    let (campaign, content) = found(call, campaign).await?;
    let range = DryRange {
        after: named(request, "after")?,
        recipients: usize::try_from(request.number("per_page", PER_PAGE)?.clamp(1, MAX_PER_PAGE))
            .unwrap_or(1),
        failures: MAX_FAILED,
    };
    let ports = call.ports;
    let render = |content: &Content, subscriber: &Subscriber| {
        ports.renderer.render(content, recipient(&campaign, subscriber)).map(drop)
    };
    // Nothing is leased, so it does not matter who we are.
    let invocation = Invocation { holder: Holder(0), stop_at: call.until, deadline: call.until };
    let reads = (&ports.store, &ports.clock, &invocation);
    let page = fanmail_engine::dry_render::dry_render(reads, (&campaign, &content), range, render).await?;
    Ok(Reply::data(shown(&page)))
}

fn shown(page: &DryPage) -> Value {
    let failed = page.failed.iter().map(|(subscriber, error)| {
        json!({ "id": subscriber.id, "email": subscriber.email.expose(), "text": error.text })
    });
    let skipped: BTreeMap<&str, u64> = page.skipped.iter().map(|(why, count)| (why.name(), *count)).collect();
    json!({
        "rendered": page.rendered, "failed": failed.collect::<Vec<_>>(), "skipped": skipped,
        "next": page.next,
    })
}

async fn found(call: &Call<'_>, campaign: &str) -> Result<(Campaign, Content), ApiError> {
    let (campaign, store) = (id(campaign, "campaign")?, &call.ports.store);
    let campaign = store.campaign(campaign).await?.ok_or_else(|| ApiError::not_found("campaign"))?;
    let content = store.content(campaign.id, campaign.content_version).await?;
    Ok((campaign, content.ok_or_else(|| ApiError::not_found("content"))?))
}

/// Who is named, or the first that the lists have.
async fn subscriber(call: &Call<'_>, request: &Request, campaign: &Campaign) -> Result<Subscriber, ApiError> {
    let store = &call.ports.store;
    let who = match named(request, "subscriber")? {
        Some(named) => named,
        None => {
            first(call, campaign).await?.ok_or_else(|| ApiError::bad("nobody is on the campaign's lists"))?
        }
    };
    let found = store.subscribers(&[who], Consistency::Strong).await?.remove(&who);
    found.ok_or_else(|| ApiError::not_found("subscriber"))
}

/// The subscriber that a part of the query names.
fn named(request: &Request, key: &str) -> Result<Option<SubscriberId>, ApiError> {
    let Some(text) = request.query.get(key) else { return Ok(None) };
    let id = text.parse().ok().and_then(SubscriberId::from_number);
    id.map(Some).ok_or_else(|| ApiError::bad(&format!("{key} is the id of a subscriber")))
}

async fn first(call: &Call<'_>, campaign: &Campaign) -> Result<Option<SubscriberId>, ApiError> {
    for to in &campaign.audience {
        for shard in (0..=Shard::LAST.0).map(Shard) {
            if let Some(member) = call.ports.store.members(to.list, shard, None).await?.first() {
                return Ok(Some(member.id));
            }
        }
    }
    Ok(None)
}

/// Where the ledger would have them, if the campaign had one batch.
fn recipient<'a>(campaign: &Campaign, subscriber: &'a Subscriber) -> Recipient<'a> {
    let batch = BatchId { campaign: campaign.id, lane: LaneNo(0), seq: 0 };
    Recipient { subscriber, batch, position: 0 }
}
