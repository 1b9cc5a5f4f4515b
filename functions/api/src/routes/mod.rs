//! Which request goes where.

mod audit;
mod campaigns;
mod import;
mod journal;
mod lists;
mod recipients;
mod settings;
mod unsubscribe;

use crate::handler::Call;
use crate::request::Request;
use crate::response::{ApiError, Reply};
use crate::view;

/// Whether a request needs no token: whoever watches over the deployment asks for its health, and a link to unsubscribe
/// brings a token of its own. Everything else needs one, and what does not exist does too.
pub(crate) fn is_public(request: &Request) -> bool {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    matches!(
        (request.method.as_str(), path.as_slice()),
        ("GET", ["api", "health"]) | ("GET" | "POST", ["unsubscribe", _, _, _])
    )
}

/// Answers one request.
pub(crate) async fn route(call: &Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    match (request.method.as_str(), path.as_slice()) {
        ("GET", ["api", "health"]) => Ok(Reply::data(true)),
        ("GET", ["api", "profile"]) => Ok(Reply::data(view::profile(call.actor))),
        ("GET", ["api", "lists"]) => lists::all(call).await,
        ("POST", ["api", "lists"]) => lists::create(call, request).await,
        ("GET", ["api", "lists", id]) => lists::one(call, id).await,
        ("POST", ["api", "import", "subscribers"]) => import::subscribers(call, request).await,
        ("GET", ["api", "campaigns"]) => campaigns::all(call, request).await,
        ("POST", ["api", "campaigns"]) => campaigns::create(call, request).await,
        ("GET", ["api", "campaigns", id]) => campaigns::one(call, request, id).await,
        ("GET", ["api", "campaigns", id, "recipients"]) => recipients::page(call, request, id).await,
        ("GET", ["api", "campaigns", id, "recipients", subscriber]) => {
            recipients::one(call, id, subscriber).await
        }
        ("POST", ["api", "campaigns", id, "recipients", "lookup"]) => {
            recipients::lookup(call, request, id).await
        }
        ("GET", ["api", "campaigns", id, "journal"]) => journal::page(call, request, id).await,
        ("GET", ["api", "campaigns", id, "audit"]) => audit::audit(call, id).await,
        ("GET", ["api", "campaigns", id, "preview"]) => campaigns::preview(call, request, id).await,
        ("GET", ["api", "campaigns", id, "dry-render"]) => campaigns::dry_render(call, request, id).await,
        ("PUT", ["api", "campaigns", id]) => campaigns::edit(call, request, id).await,
        ("POST", ["api", "campaigns", id, "retry"]) => campaigns::retry(call, request, id).await,
        ("POST", ["api", "campaigns", id, "resolve"]) => campaigns::resolve(call, request, id).await,
        ("GET", ["api", "settings"]) => settings::get(call).await,
        ("POST", ["api", "settings", "smtp", "test"]) => settings::smtp_test(call, request).await,
        ("PUT", ["api", "settings"]) => settings::put(call, request).await,
        ("PUT", ["api", "campaigns", id, "status"]) => campaigns::set_status(call, request, id).await,
        ("GET", ["unsubscribe", campaign, subscriber, token]) => {
            unsubscribe::page(call, campaign, subscriber, token)
        }
        ("POST", ["unsubscribe", campaign, subscriber, token]) => {
            unsubscribe::carry_out(call, campaign, subscriber, token).await
        }
        (method, _) => {
            Err(ApiError::Refused(404, format!("there is no {method} {}", request.path.join("/"))))
        }
    }
}

/// An id of a path.
pub(crate) fn id<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, ApiError> {
    text.parse().map_err(|_| ApiError::not_found(what))
}
