//! The part of a change that concerns mail servers: `smtp` with listmonk's keys, and how they share the work.

use fanmail_domain::MailServers;
use fanmail_domain::servers::ServersReview;
use fanmail_domain::settings::{Finding, Review};
use fanmail_engine::commit::{Committed, commit};
use serde_json::{Map, Value, json};

use crate::handler::Call;
use crate::response::ApiError;

/// The keys, and their names in [`MailServers`].
const KEYS: [(&str, &str); 4] = [
    ("smtp", "smtp"),
    ("app.smtp_balance", "balance"),
    ("app.smtp_domain_conns", "domain_conns"),
    ("app.smtp_domain_rate", "domain_rate"),
];

/// What is to change; empty if nothing is.
#[derive(Debug, Clone, Default)]
pub(super) struct ServersChange(Vec<(&'static str, &'static str, Value)>);

impl ServersChange {
    /// Takes out of `keys` what concerns mail servers.
    pub(super) fn take(keys: &mut Map<String, Value>) -> Self {
        Self(KEYS.iter().filter_map(|(key, name)| Some((*key, *name, keys.remove(*key)?))).collect())
    }

    /// The servers after the change.
    pub(super) fn applied_to(&self, stand: &MailServers) -> Result<MailServers, ApiError> {
        let mut servers = json!(stand);
        for (key, name, value) in &self.0 {
            servers[*name] = value.clone();
            // Read after each key, so that the sentence can name it. A password that was given instead of its
            // name is not repeated: the error of a reference never is the text.
            serde_json::from_value::<MailServers>(servers.clone())
                .map_err(|error| ApiError::bad(&format!("{key}: {error}")))?;
        }
        serde_json::from_value(servers).map_err(|error| ApiError::bad(&error.to_string()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Adds what is to be said about the servers.
pub(super) fn add_review(review: &mut Review, servers: &MailServers) {
    let finding = |message| Finding { key: "smtp", message, numbers: Vec::new(), passes: None };
    let ServersReview { errors, warnings } = servers.review();
    review.errors.extend(errors.into_iter().map(finding));
    review.warnings.extend(warnings.into_iter().map(finding));
}

/// The servers under the keys of the settings.
pub(super) fn add_keys(keys: &mut Value, servers: &MailServers) {
    let servers = json!(servers);
    for (key, name) in KEYS {
        keys[key] = servers[name].clone();
    }
}

/// Stores the servers if those of revision `rev` stand; answers whether they did.
pub(super) async fn store(
    call: &Call<'_>,
    stand: &MailServers,
    servers: &MailServers,
    rev: u32,
) -> Result<bool, ApiError> {
    if servers == stand {
        return Ok(true);
    }
    let (store, meant) = (&call.ports.store, (servers.clone(), rev + 1));
    let write = || store.replace_servers(servers, rev);
    let stored = commit(&call.ports.clock, call.until, &meant, write).await?;
    if stored.stands() {
        tracing::info!(servers.rev = meant.1, "stored mail servers of revision {}", meant.1);
    }
    Ok(matches!(stored, Committed::Stands))
}
