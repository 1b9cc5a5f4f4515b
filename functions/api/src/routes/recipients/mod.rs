//! Who got it: the recipients of a campaign, with state, reason and words.
//!
//! [`page`] is the list, a page at a time; [`one`] and [`lookup`] answer for one person, by id and by address.
//! All show the same [`Row`]. What a row is made of is the ledger; a subscriber who was deleted since is shown
//! without address and name, and a failure whose words are gone without words.

mod cursor;
mod filter;
mod format;
mod one;
mod page;

use std::collections::{BTreeSet, HashMap};

use fanmail_domain::batch::Entry;
use fanmail_domain::{
    BatchId, Campaign, CampaignId, Failure, RecipientState, Subscriber, SubscriberId, Timestamp,
};
use fanmail_engine::ports::{Audience, Campaigns, Consistency};
use serde::Serialize;

use super::id;
use crate::handler::Call;
use crate::response::ApiError;
use crate::view;

pub(super) use one::{lookup, one};
pub(super) use page::page;

/// Keys of one `BatchGetItem`.
const MAX_KEYS: usize = 100;

/// A recipient, where the ledger has them.
struct Found {
    batch: BatchId,
    position: usize,
    entry: Entry,
    /// When its batch last changed.
    changed_at: Timestamp,
}

/// One recipient as the API shows them. [`format`] has the same fields as columns.
#[derive(Debug, Clone, Serialize)]
struct Row {
    id: SubscriberId,
    /// `None` if there is no such subscriber any more.
    email: Option<String>,
    /// As `email`.
    name: Option<String>,
    state: &'static str,
    reason: Option<&'static str>,
    /// The provider's reply code to a failure.
    code: Option<u16>,
    /// The words of a failure.
    text: Option<String>,
    /// Submissions so far, the one that ended it included.
    attempts: u8,
    /// When the ledger of its batch last changed (RFC 3339).
    changed_at: Option<String>,
    batch: String,
    position: usize,
}

impl Row {
    /// What the ledger says, and beside it what is known of the person and of the failure.
    fn new(found: &Found, person: Option<&Subscriber>, failure: Option<&Failure>) -> Self {
        let entry = &found.entry;
        Self {
            id: entry.subscriber,
            email: person.map(|person| person.email.expose().to_owned()),
            name: person.map(|person| person.name.clone()),
            state: entry.state.name(),
            reason: entry.state.reason(),
            code: failure.and_then(|failure| failure.code),
            text: failure.map(|failure| failure.text.clone()),
            attempts: entry.attempts,
            changed_at: (found.changed_at > Timestamp(0)).then(|| view::time(found.changed_at)),
            batch: found.batch.to_string(),
            position: found.position,
        }
    }
}

/// The campaign of a path.
async fn campaign(call: &Call<'_>, text: &str) -> Result<Campaign, ApiError> {
    let campaign: CampaignId = id(text, "campaign")?;
    call.ports.store.campaign(campaign).await?.ok_or_else(|| ApiError::not_found("campaign"))
}

/// The rows of recipients of one lane.
async fn describe(call: &Call<'_>, found: &[Found]) -> Result<Vec<Row>, ApiError> {
    let ids: Vec<SubscriberId> = found.iter().map(|it| it.entry.subscriber).collect();
    let mut people = HashMap::new();
    for ids in ids.chunks(MAX_KEYS) {
        people.extend(call.ports.store.subscribers(ids, Consistency::Strong).await?);
    }
    let failures = failures(call, found).await?;
    let row = |it: &Found| {
        let id = it.entry.subscriber;
        Row::new(it, people.get(&id), failures.get(&id))
    };
    Ok(found.iter().map(row).collect())
}

/// What is known of the failures among these recipients.
async fn failures(call: &Call<'_>, found: &[Found]) -> Result<HashMap<SubscriberId, Failure>, ApiError> {
    let Some(batch) = found.first().map(|it| it.batch) else { return Ok(HashMap::new()) };
    let failed = found.iter().filter(|it| matches!(it.entry.state, RecipientState::Failed(_)));
    // A request that names a key twice is refused, and a damaged ledger is to be shown all the same.
    let failed: BTreeSet<SubscriberId> = failed.map(|it| it.entry.subscriber).collect();
    let failed: Vec<SubscriberId> = failed.into_iter().collect();
    let failures = call.ports.store.failures_of(batch.campaign, batch.lane, &failed).await?;
    Ok(failures.into_iter().map(|failure| (failure.subscriber, failure)).collect())
}
