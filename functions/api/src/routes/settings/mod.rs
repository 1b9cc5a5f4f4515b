//! The settings of the whole system, under listmonk's keys.
//!
//! A change is put together with what stands and judged as a whole; an error refuses all of it, and a dry run
//! says what would be said. It is stored first, on the condition that what was judged still stands; senders
//! see it within seconds. Then the senders' concurrency is set at the Lambda API. If that fails the settings
//! are stored all the same, and the same request again sets it.

mod change;
mod servers;
mod shown;
mod smtp_test;

use fanmail_domain::Settings;
use fanmail_domain::settings::{Finding, Review};
use fanmail_engine::commit::{Committed, commit};
use fanmail_engine::ports::Campaigns;
use fanmail_runtime::Chain;
use serde_json::Value;

use crate::concurrency::Concurrency;
use crate::handler::Call;
use crate::request::Request;
use crate::response::{ApiError, Reply};
use change::Change;
use servers::ServersChange;
use shown::{Applied, keys, outcome};
pub(super) use smtp_test::smtp_test;

/// `GET /api/settings`.
pub(super) async fn get(call: &Call<'_>) -> Result<Reply, ApiError> {
    let store = &call.ports.store;
    Ok(Reply::data(keys(&store.settings().await?, &store.servers_with_rev().await?.0)))
}

/// `PUT /api/settings`, and with `?dry_run=true` what it would say.
pub(super) async fn put(call: &Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let dry_run = request.flag("dry_run")?;
    let mut body: Value = request.json()?;
    let servers_change = body.as_object_mut().map(ServersChange::take).unwrap_or_default();
    let change = Change::parse(&body)?;
    loop {
        let (stand, rev) = call.ports.store.settings_with_rev().await?;
        let (servers_stand, servers_rev) = call.ports.store.servers_with_rev().await?;
        let (settings, servers) = (change.applied_to(stand), servers_change.applied_to(&servers_stand)?);
        let mut review = review(call, &change, stand, &settings);
        if !servers_change.is_empty() {
            servers::add_review(&mut review, &servers);
        }
        let said = |applied| outcome(applied, (&settings, &servers), &review);
        if dry_run {
            return Ok(Reply::data(said(Applied::No)));
        }
        if !review.errors.is_empty() {
            return Err(refused(&review, said(Applied::No)));
        }
        if store(call, stand, settings, rev).await?
            && servers::store(call, &servers_stand, &servers, servers_rev).await?
        {
            if change.names_concurrency() {
                set_concurrency(call, settings.concurrency).await?;
            }
            return Ok(Reply::data(said(Applied::Yes)));
        }
        // Somebody else changed the settings meanwhile: judge again.
    }
}

/// What is to be said about the settings, and about changing them from here.
fn review(call: &Call<'_>, change: &Change, stand: Settings, settings: &Settings) -> Review {
    let mut review = settings.review(call.ports.sender_works);
    if call.ports.concurrency.is_none() && settings.concurrency != stand.concurrency {
        review.errors.push(Finding {
            key: "concurrency",
            message: "the concurrency cannot be changed here: the API is not told which function sends \
                      (FANMAIL_SENDER_FUNCTION)"
                .to_owned(),
            numbers: vec![("concurrency", settings.concurrency.into()), ("stands", stand.concurrency.into())],
            passes: Some(stand.concurrency.into()),
        });
    }
    review.errors.extend(call.ports.concurrency.as_ref().and_then(|it| too_few(it, settings)));
    review.warnings.extend(change.lost(settings));
    review
}

/// One sender at a time is a reservation; an event source's maximum begins at two.
fn too_few(concurrency: &Concurrency, settings: &Settings) -> Option<Finding> {
    let least = concurrency.least();
    (settings.concurrency < least).then(|| Finding {
        key: "concurrency",
        message: format!(
            "a concurrency of {} cannot be kept: this deployment reserves none (FANMAIL_SENDER_RESERVED=off), and the \
             maximum of the event source, which is the limit then, is at least {least}",
            settings.concurrency
        ),
        numbers: vec![("concurrency", settings.concurrency.into()), ("least", least.into())],
        passes: Some(least.into()),
    })
}

fn refused(review: &Review, said: Value) -> ApiError {
    let sentences: Vec<String> = review.errors.iter().map(ToString::to_string).collect();
    ApiError::RefusedWith(400, sentences.join("; "), said)
}

/// Stores the settings if those of revision `rev` stand; answers whether they did.
async fn store(call: &Call<'_>, stand: Settings, settings: Settings, rev: u32) -> Result<bool, ApiError> {
    if settings == stand && rev > 0 {
        return Ok(true);
    }
    let (store, meant) = (&call.ports.store, (settings, rev + 1));
    let write = || store.replace_settings(&settings, rev);
    let stored = commit(&call.ports.clock, call.until, &meant, write).await?;
    if stored.stands() {
        tracing::info!(settings.rev = meant.1, "stored settings of revision {}", meant.1);
    }
    Ok(matches!(stored, Committed::Stands))
}

/// Has so many senders work at once, or as many as stand in the settings by then.
async fn set_concurrency(call: &Call<'_>, mut senders: u32) -> Result<(), ApiError> {
    let Some(concurrency) = &call.ports.concurrency else { return Ok(()) };
    loop {
        set(call, concurrency, senders).await?;
        // Of two requests at a time the later write has to win here, too.
        match call.ports.store.settings().await?.concurrency {
            stands if stands == senders => return Ok(()),
            stands => senders = stands,
        }
    }
}

async fn set(call: &Call<'_>, concurrency: &Concurrency, senders: u32) -> Result<(), ApiError> {
    concurrency.set(senders, &call.ports.clock, call.until).await.map_err(|error| {
        tracing::error!(error = %Chain(&error), "could not set the senders' concurrency to {senders}");
        let sentence = format!(
            "the settings are stored, and the concurrency of {senders} is not applied yet: send the same request \
             again"
        );
        ApiError::Refused(502, sentence)
    })
}
