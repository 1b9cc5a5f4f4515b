//! One person in one campaign, by id or by address.
//!
//! An address never stands in a URL, where logs and histories keep it: a lookup has it in its body. Whoever
//! was deleted since is still found by the address, without a row of their own.

use fanmail_domain::{Campaign, EmailAddress, SubscriberId};
use fanmail_engine::find::{Place, Whereabouts, find_recipient};
use serde::Deserialize;

use super::{Found, campaign, describe};
use crate::handler::Call;
use crate::request::Request;
use crate::response::{ApiError, Reply};

/// What a lookup asks for.
#[derive(Deserialize)]
struct Lookup {
    email: String,
}

/// `GET /api/campaigns/{id}/recipients/{subscriber}`.
pub(in crate::routes) async fn one(call: &Call<'_>, id: &str, subscriber: &str) -> Result<Reply, ApiError> {
    let number = subscriber.parse().ok().and_then(SubscriberId::from_number);
    let subscriber = number.ok_or_else(|| ApiError::bad("a recipient's id is a number of up to 53 bits"))?;
    let campaign = campaign(call, id).await?;
    first_of(call, &campaign, &[subscriber]).await
}

/// `POST /api/campaigns/{id}/recipients/lookup`.
pub(in crate::routes) async fn lookup(
    call: &Call<'_>,
    request: &Request,
    id: &str,
) -> Result<Reply, ApiError> {
    let wanted: Lookup = request.json()?;
    let address = EmailAddress::parse(&wanted.email).map_err(|error| ApiError::bad(&error.to_string()))?;
    let campaign = campaign(call, id).await?;
    let ids = call.ports.store.ids_of(&address).await?;
    first_of(call, &campaign, &ids).await
}

/// The first of these ids that is a recipient.
async fn first_of(call: &Call<'_>, campaign: &Campaign, ids: &[SubscriberId]) -> Result<Reply, ApiError> {
    let mut planned = true;
    for id in ids {
        match find_recipient(&call.ports.store, campaign, *id).await? {
            Whereabouts::Here(place) => return shown(call, &place).await,
            Whereabouts::NotPlannedYet => planned = false,
            Whereabouts::Nowhere => {}
        }
    }
    Err(ApiError::Refused(404, absent(campaign, planned)))
}

fn absent(campaign: &Campaign, planned: bool) -> String {
    let id = campaign.id;
    if planned {
        format!("this person is no recipient of campaign {id}")
    } else {
        format!("this person is not planned yet: campaign {id} has not planned all of its audience")
    }
}

/// The row of the list, alone: a batch is at hand here whole, for what a single answer has beyond the row.
async fn shown(call: &Call<'_>, place: &Place) -> Result<Reply, ApiError> {
    let Place { batch, position, entry } = place;
    let found = Found { batch: batch.id, position: *position, entry: *entry, changed_at: batch.changed_at };
    let rows = describe(call, &[found]).await?;
    rows.first().map(Reply::data).ok_or_else(|| ApiError::not_found("recipient"))
}
