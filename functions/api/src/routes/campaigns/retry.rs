//! Trying recipients again, and resolving doubt.

use std::collections::BTreeSet;

use fanmail_domain::retry::MAX_NAMED;
use fanmail_domain::{RecipientState, Retry, SubscriberId};
use fanmail_engine::control;
use fanmail_engine::ports::Campaigns;
use fanmail_engine::resolve::{Resolution, assume_accepted};
use serde::Deserialize;
use serde_json::json;

use super::{answer, id, order, stale};
use crate::handler::Call;
use crate::request::Request;
use crate::response::{ApiError, Reply};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRetry {
    classes: Vec<String>,
    #[serde(default)]
    recipients: Option<Vec<u64>>,
    #[serde(default)]
    version: Option<u32>,
    #[serde(default)]
    note: Option<String>,
}

/// What is to be made of recipients in doubt.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    /// Send to them again: some may get it twice.
    Resend,
    /// Take them for accepted: some may not have got it.
    AssumeAccepted,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewResolution {
    action: Action,
    #[serde(default)]
    recipients: Option<Vec<u64>>,
    #[serde(default)]
    version: Option<u32>,
    #[serde(default)]
    note: Option<String>,
}

/// `POST /api/campaigns/{id}/retry`.
pub(in crate::routes) async fn retry(
    call: &Call<'_>,
    request: &Request,
    id_: &str,
) -> Result<Reply, ApiError> {
    let wanted: NewRetry = request.json()?;
    let order = order(call, id(id_, "campaign")?, wanted.note.as_deref(), wanted.version)?;
    again(call, &order, &states(&wanted.classes)?, &named(wanted.recipients.as_deref())?).await
}

/// `POST /api/campaigns/{id}/resolve`.
pub(in crate::routes) async fn resolve(
    call: &Call<'_>,
    request: &Request,
    id_: &str,
) -> Result<Reply, ApiError> {
    let wanted: NewResolution = request.json()?;
    let order = order(call, id(id_, "campaign")?, wanted.note.as_deref(), wanted.version)?;
    let only = named(wanted.recipients.as_deref())?;
    match wanted.action {
        Action::Resend => again(call, &order, &[RecipientState::InDoubt].into(), &only).await,
        Action::AssumeAccepted => assume(call, &order, &only).await,
    }
}

async fn again(
    call: &Call<'_>,
    order: &control::Order<'_>,
    states: &BTreeSet<RecipientState>,
    only: &BTreeSet<SubscriberId>,
) -> Result<Reply, ApiError> {
    let ports = call.ports;
    let retried = control::retry(&ports.store, &ports.queue, &ports.clock, order, states, only).await?;
    answer(call, retried, "be retried").await
}

async fn assume(
    call: &Call<'_>,
    order: &control::Order<'_>,
    only: &BTreeSet<SubscriberId>,
) -> Result<Reply, ApiError> {
    let ports = call.ports;
    let seen = ports.store.campaign(order.campaign).await?;
    let seen = seen.ok_or_else(|| ApiError::not_found("campaign"))?;
    if order.version.is_some_and(|version| version != seen.state.version) {
        return Err(stale(call, &seen).await);
    }
    let control::Order { campaign, actor, note, until, .. } = *order;
    let resolution = Resolution { campaign, only, actor, note, until };
    let done = assume_accepted(&ports.store, &ports.clock, &resolution).await?;
    Ok(Reply::data(json!({ "resolved": done.resolved, "left": done.left })))
}

/// The states of all these classes.
fn states(classes: &[String]) -> Result<BTreeSet<RecipientState>, ApiError> {
    if classes.is_empty() {
        return Err(ApiError::bad("classes is empty: name whom to try again, such as failed:*"));
    }
    let mut states = BTreeSet::new();
    for class in classes {
        states.extend(Retry::class(class).map_err(|unknown| ApiError::bad(&unknown.to_string()))?);
    }
    Ok(states)
}

/// The recipients that a request names; none for everybody, which is meant only where it names nobody at all.
fn named(recipients: Option<&[u64]>) -> Result<BTreeSet<SubscriberId>, ApiError> {
    let Some(recipients) = recipients else { return Ok(BTreeSet::new()) };
    if recipients.is_empty() || recipients.len() > MAX_NAMED {
        return Err(ApiError::bad(&format!(
            "recipients names {}, and can name 1 to {MAX_NAMED}; without it everybody is meant",
            recipients.len()
        )));
    }
    let ids: Option<_> = recipients.iter().map(|number| SubscriberId::from_number(*number)).collect();
    ids.ok_or_else(|| ApiError::bad("a recipient's id is a number of up to 53 bits"))
}
