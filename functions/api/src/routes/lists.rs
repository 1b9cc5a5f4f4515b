//! Lists.

use fanmail_domain::{ListId, Optin};
use fanmail_engine::ports::Clock;
use serde::Deserialize;

use super::id;
use crate::handler::Call;
use crate::request::Request;
use crate::response::{ApiError, Reply};
use crate::view;

/// listmonk's body; fields that fanmail has no use for are read over.
#[derive(Debug, Deserialize)]
struct NewList {
    name: String,
    #[serde(default = "single")]
    optin: String,
}

fn single() -> String {
    Optin::Single.name().to_owned()
}

pub(super) async fn create(call: &Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let new: NewList = request.json()?;
    let name = new.name.trim();
    if name.is_empty() {
        return Err(ApiError::bad("a list needs a name"));
    }
    let optin = Optin::from_name(&new.optin).ok_or_else(|| ApiError::bad("optin is `single` or `double`"))?;
    let list = call.ports.store.create_list(name, optin, call.ports.clock.now()).await?;
    Ok(Reply::data(view::list(&list)))
}

pub(super) async fn all(call: &Call<'_>) -> Result<Reply, ApiError> {
    let lists: Vec<_> = call.ports.store.lists().await?.iter().map(view::list).collect();
    let total = lists.len();
    Ok(Reply::data(serde_json::json!({ "results": lists, "total": total, "per_page": total, "page": 1 })))
}

pub(super) async fn one(call: &Call<'_>, list: &str) -> Result<Reply, ApiError> {
    let list: ListId = id(list, "list")?;
    let list = call.ports.store.list(list).await?.ok_or_else(|| ApiError::not_found("list"))?;
    Ok(Reply::data(view::list(&list)))
}
