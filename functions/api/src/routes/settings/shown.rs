//! Settings and what is said about them, in JSON.

use fanmail_domain::length;
use fanmail_domain::settings::{Finding, Review};
use fanmail_domain::{MailServers, Settings};
use serde_json::{Map, Value, json};

use super::change::LISTMONKS_WINDOW;
use super::servers;

/// Whether a change took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Applied {
    Yes,
    No,
}

/// The settings under listmonk's keys. A window that is off is shown as listmonk describes it.
pub(super) fn keys(settings: &Settings, servers: &MailServers) -> Value {
    let window = settings.sliding_window.unwrap_or(LISTMONKS_WINDOW);
    let mut keys = json!({
        "app.concurrency": settings.concurrency,
        "app.message_rate": settings.message_rate,
        "app.batch_size": settings.batch_size,
        "app.max_conns": settings.max_conns,
        "app.max_send_errors": settings.max_send_errors,
        "app.provider_rate": settings.provider_rate.unwrap_or_default(),
        "app.message_sliding_window": settings.sliding_window.is_some(),
        "app.message_sliding_window_duration": length::written(window.duration_s),
        "app.message_sliding_window_rate": window.rate,
    });
    servers::add_keys(&mut keys, servers);
    keys
}

/// What came of a change, or would.
pub(super) fn outcome(
    applied: Applied,
    (settings, servers): (&Settings, &MailServers),
    review: &Review,
) -> Value {
    let all = |findings: &[Finding]| findings.iter().map(finding).collect::<Vec<_>>();
    json!({
        "applied": applied == Applied::Yes,
        "errors": all(&review.errors),
        "warnings": all(&review.warnings),
        "settings": keys(settings, servers),
    })
}

/// One finding. `passes` is a change that would mend it, as it can be put.
fn finding(finding: &Finding) -> Value {
    let key = if finding.key == "smtp" { "smtp".to_owned() } else { format!("app.{}", finding.key) };
    let numbers: Map<String, Value> =
        finding.numbers.iter().map(|(name, number)| ((*name).to_owned(), json!(number))).collect();
    let passes = finding.passes.map(|value| json!({ &key: written(finding.key, value) }));
    json!({ "key": key, "message": finding.message, "numbers": numbers, "passes": passes })
}

fn written(key: &str, value: u64) -> Value {
    match u32::try_from(value) {
        Ok(seconds) if key == "message_sliding_window_duration" => length::written(seconds).into(),
        _ => value.into(),
    }
}
