//! The unsubscribe link (RFC 8058).
//!
//! A GET changes nothing, for scanners follow links: it shows a page with a button. The POST, by that button
//! or by the mail program's one click, ends the subscription. Neither tells whether a subscriber exists.

use fanmail_domain::{CampaignId, SubscriberId};
use fanmail_engine::ports::Campaigns;

use super::id;
use crate::handler::Call;
use crate::response::{ApiError, Reply};

pub(super) fn page(
    call: &Call<'_>,
    campaign: &str,
    subscriber: &str,
    token: &str,
) -> Result<Reply, ApiError> {
    let _ = verify(call, campaign, subscriber, token)?;
    let form = "<form method=\"post\"><button>Unsubscribe</button></form>";
    Ok(Reply::html(200, document("Unsubscribe?", "You will get no more mail from this list.", form)))
}

pub(super) async fn carry_out(
    call: &Call<'_>,
    campaign: &str,
    subscriber: &str,
    token: &str,
) -> Result<Reply, ApiError> {
    let (campaign, subscriber) = verify(call, campaign, subscriber, token)?;
    if let Some(campaign) = call.ports.store.campaign(campaign).await? {
        let lists: Vec<_> = campaign.audience.iter().map(|to| to.list).collect();
        call.ports.store.unsubscribe(subscriber, &lists).await?;
    }
    Ok(Reply::html(200, document("You are unsubscribed", "You will get no more mail from this list.", "")))
}

fn verify(
    call: &Call<'_>,
    campaign: &str,
    subscriber: &str,
    token: &str,
) -> Result<(CampaignId, SubscriberId), ApiError> {
    let campaign: CampaignId = id(campaign, "link")?;
    let subscriber = SubscriberId::from_number(id(subscriber, "link")?);
    let subscriber = subscriber.ok_or_else(|| ApiError::not_found("link"))?;
    if call.ports.unsubscribe_key.verifies(campaign, subscriber, token) {
        Ok((campaign, subscriber))
    } else {
        Err(ApiError::not_found("link"))
    }
}

fn document(title: &str, text: &str, form: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <body style=\"font:16px/1.5 sans-serif;max-width:30em;margin:4em auto;padding:0 1em\">\
         <h1>{title}</h1><p>{text}</p>{form}</body></html>"
    )
}
