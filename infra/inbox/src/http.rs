//! The inbox in a browser, and for programs.
//!
//! | Request | Answer |
//! |---|---|
//! | `GET /` | the newest messages; `?to=` searches recipients, `?offset=` pages |
//! | `GET /messages/{seq}` | one message: headers, text, HTML in a sandbox |
//! | `GET /messages/{seq}.eml` | the message as it came |
//! | `GET /api/messages?offset=&limit=&to=` | `{"total", "messages": [Delivery]}`, oldest first |
//! | `DELETE /api/messages` | forgets all |
//! | `GET /api/stats` | a `Snapshot` |
//! | `GET`, `PUT /api/script` | the `Script` |
//!
//! Pages show what strangers wrote. All of it goes through [`page::escape`]; the content security policy allows no
//! script and nothing from elsewhere; HTML parts stand in a sandboxed frame.

mod page;

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{NestedPath, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::record::{Delivery, Snapshot};
use crate::script::{Script, ScriptError};
use crate::shared::Shared;
use crate::store::{Order, Page};

/// Rows of one page of the list.
const PAGE: usize = 50;

/// Most messages in one answer of the JSON interface.
const MAX_LIMIT: usize = 10_000;

/// Styles of the page itself and images that the message brings along; no script, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; \
                      frame-ancestors 'self'; base-uri 'none'";

/// All routes; links in the pages work wherever it is nested.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/messages/{seq}", get(message))
        .route("/api/messages", get(messages).delete(clear))
        .route("/api/stats", get(stats))
        .route("/api/script", get(script).put(set_script))
        .with_state(shared)
}

/// What to show of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Filter {
    /// Part of the recipient.
    to: String,
    offset: usize,
    limit: Option<usize>,
}

/// One page of deliveries.
#[derive(Debug, Serialize)]
struct Messages {
    /// How many match.
    total: u64,
    messages: Vec<Delivery>,
}

/// Why a request was not carried out.
#[derive(Debug)]
enum Problem {
    NoSuchMessage,
    Script(ScriptError),
    Json(JsonRejection),
    Spool(std::io::Error),
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::NoSuchMessage => {
                (StatusCode::NOT_FOUND, "no such message, or bodies are not kept".to_owned())
            }
            Self::Script(err @ ScriptError::Reopen) => (StatusCode::INTERNAL_SERVER_ERROR, err.to_string()),
            Self::Script(err) => (StatusCode::UNPROCESSABLE_ENTITY, err.to_string()),
            Self::Json(err) => (err.status(), err.body_text()),
            Self::Spool(err) => {
                tracing::warn!(error = %err, "spool failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "spool failed".to_owned())
            }
        };
        (status, Json(serde_json::json!({ "error": text }))).into_response()
    }
}

async fn list(
    State(shared): State<Arc<Shared>>,
    nested: Result<NestedPath, StatusCodeOf>,
    Query(filter): Query<Filter>,
) -> Response {
    let to = filter.to.to_lowercase();
    let query = Page { to: &to, offset: filter.offset, limit: PAGE, order: Order::NewestFirst };
    let (total, deliveries) = shared.store.page(&query);
    let rows: Vec<_> = deliveries
        .into_iter()
        .map(|delivery| {
            let body = shared.store.body(delivery.seq).and_then(Result::ok);
            (page::subject(body.as_deref()), delivery)
        })
        .collect();
    let view = page::List {
        base: &base(nested),
        now: shared.snapshot(),
        to: &filter.to,
        offset: filter.offset,
        total,
        rows: &rows,
        top: &shared.store.top(PAGE, &to),
    };
    html(page::list(&view))
}

async fn message(
    State(shared): State<Arc<Shared>>,
    nested: Result<NestedPath, StatusCodeOf>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let (seq, raw) = name.strip_suffix(".eml").map_or((name.as_str(), false), |seq| (seq, true));
    let seq = seq.parse().map_err(|_| Problem::NoSuchMessage)?;
    let body = shared.store.body(seq).ok_or(Problem::NoSuchMessage)?.map_err(Problem::Spool)?;
    if raw {
        let headers = [(header::CONTENT_TYPE, "message/rfc822"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
        return Ok((headers, body).into_response());
    }
    Ok(html(page::message(&base(nested), seq, &body)))
}

async fn messages(State(shared): State<Arc<Shared>>, Query(filter): Query<Filter>) -> Json<Messages> {
    let query = Page {
        to: &filter.to.to_lowercase(),
        offset: filter.offset,
        limit: filter.limit.unwrap_or(PAGE).min(MAX_LIMIT),
        order: Order::OldestFirst,
    };
    let (total, messages) = shared.store.page(&query);
    Json(Messages { total, messages })
}

async fn clear(State(shared): State<Arc<Shared>>) -> Result<StatusCode, Problem> {
    shared.clear().map_err(Problem::Spool)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn stats(State(shared): State<Arc<Shared>>) -> Json<Snapshot> {
    Json(shared.snapshot())
}

async fn script(State(shared): State<Arc<Shared>>) -> Json<Script> {
    Json(shared.director().script.clone())
}

async fn set_script(
    State(shared): State<Arc<Shared>>,
    script: Result<Json<Script>, JsonRejection>,
) -> Result<Json<Script>, Problem> {
    let Json(script) = script.map_err(Problem::Json)?;
    shared.set_script(script.clone()).await.map_err(Problem::Script)?;
    Ok(Json(script))
}

/// What [`NestedPath`] answers where the router is not nested.
type StatusCodeOf = <NestedPath as axum::extract::FromRequestParts<()>>::Rejection;

/// The prefix of all links.
fn base(nested: Result<NestedPath, StatusCodeOf>) -> String {
    nested.map(|path| path.as_str().trim_end_matches('/').to_owned()).unwrap_or_default()
}

fn html(page: String) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, Html(page)).into_response()
}
