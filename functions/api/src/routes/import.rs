//! Importing subscribers: listmonk's form of `params` (JSON) and `file` (CSV), answered when it is done.
//!
//! One request takes what fits into API Gateway's 10 MB and the function's time; a larger file is sent in
//! pieces, which may be repeated: the same person is the same row. The answer counts the rows and names
//! those that could not be used, by their place in the upload and without their content.

use std::convert::Infallible;

use bytes::Bytes;
use fanmail_domain::{ListId, SubscriberStatus, SubscriptionStatus};
use fanmail_engine::ports::Clock;
use fanmail_store::{Import, Imported, NewSubscriber, Overwrite};
use multer::Multipart;
use serde::Deserialize;
use serde_json::json;

use crate::handler::Call;
use crate::import_rows::{self, Rejected, Row};
use crate::request::Request;
use crate::response::{ApiError, Reply};

/// listmonk's parameters; those that fanmail has no use for are read over.
#[derive(Debug, Deserialize)]
struct Params {
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    subscription_status: Option<String>,
    #[serde(default = "comma")]
    delim: String,
    #[serde(default)]
    lists: Vec<ListId>,
    #[serde(default)]
    overwrite: bool,
}

/// What the import does with people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    /// Puts them on lists.
    #[default]
    Subscribe,
    /// Sees to it that they are never written to.
    Blocklist,
}

fn comma() -> String {
    ",".to_owned()
}

pub(super) async fn subscribers(call: &Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let (params, file) = form(request).await?;
    let standing = standing(&params)?;
    let &[delimiter] = params.delim.as_bytes() else {
        return Err(ApiError::bad("delim is one ASCII character"));
    };
    check_lists(call, &params).await?;
    let (rows, rejected) = import_rows::read(&file, delimiter).map_err(|error| ApiError::bad(&error))?;
    let how = Import {
        lists: if params.mode == Mode::Subscribe { &params.lists } else { &[] },
        standing,
        overwrite: if params.overwrite { Overwrite::Yes } else { Overwrite::No },
        now: call.ports.clock.now(),
    };
    let rows: Vec<_> = rows.into_iter().map(|row| new_subscriber(row, params.mode)).collect();
    let outcomes = call.ports.store.import(&rows, &how).await?;
    Ok(Reply::data(answer(&outcomes, &rejected)))
}

fn new_subscriber(row: Row, mode: Mode) -> NewSubscriber {
    let status = match mode {
        Mode::Subscribe => SubscriberStatus::Enabled,
        Mode::Blocklist => SubscriberStatus::Blocklisted,
    };
    NewSubscriber { email: row.email, name: row.name, attribs: row.attribs, status }
}

fn standing(params: &Params) -> Result<SubscriptionStatus, ApiError> {
    let Some(name) = &params.subscription_status else { return Ok(SubscriptionStatus::Unconfirmed) };
    match SubscriptionStatus::from_name(name) {
        Some(status @ (SubscriptionStatus::Confirmed | SubscriptionStatus::Unconfirmed)) => Ok(status),
        Some(SubscriptionStatus::Unsubscribed) | None => {
            Err(ApiError::bad("subscription_status is `confirmed` or `unconfirmed`"))
        }
    }
}

async fn check_lists(call: &Call<'_>, params: &Params) -> Result<(), ApiError> {
    if params.mode == Mode::Subscribe && params.lists.is_empty() {
        return Err(ApiError::bad("params has to name at least one list"));
    }
    for list in &params.lists {
        if call.ports.store.list(*list).await?.is_none() {
            return Err(ApiError::bad(&format!("there is no list {list}")));
        }
    }
    Ok(())
}

async fn form(request: &Request) -> Result<(Params, Bytes), ApiError> {
    let broken = |error: multer::Error| ApiError::bad(&format!("the form does not fit: {error}"));
    let boundary = multer::parse_boundary(&request.content_type).map_err(broken)?;
    let body = request.body.clone();
    let stream = futures::stream::once(async move { Ok::<_, Infallible>(body) });
    let mut form = Multipart::new(stream, boundary);
    let (mut params, mut file) = (None, None);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("params") => params = Some(field.bytes().await.map_err(broken)?),
            Some("file") => file = Some(field.bytes().await.map_err(broken)?),
            _ => {}
        }
    }
    let params = params.ok_or_else(|| ApiError::bad("the form has no field `params`"))?;
    let params = serde_json::from_slice(&params)
        .map_err(|error| ApiError::bad(&format!("params does not fit: {error}")))?;
    Ok((params, file.ok_or_else(|| ApiError::bad("the form has no field `file`"))?))
}

fn answer(outcomes: &[Imported], rejected: &[Rejected]) -> serde_json::Value {
    let count = |outcome: Imported| outcomes.iter().filter(|it| **it == outcome).count();
    json!({
        "status": "finished",
        "total": outcomes.len() + rejected.len(),
        "imported": outcomes.len(),
        "created": count(Imported::Created),
        "updated": count(Imported::Updated),
        "unchanged": count(Imported::Unchanged),
        "duplicate": count(Imported::Duplicate),
        "kept_unsubscribed": count(Imported::KeptUnsubscribed),
        "kept_blocklisted": count(Imported::KeptBlocklisted),
        "rejected": rejected,
    })
}
