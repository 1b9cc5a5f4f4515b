//! The failure item: the words of one recipient's failure.

use fanmail_domain::{CampaignId, FailReason, Failure, LaneNo, RecipientState, Timestamp};

use crate::attributes::{Builder, Item, Reader, number, text};
use crate::error::DecodeError;
use crate::keys;

use super::ids;

pub(crate) fn encode(failure: &Failure) -> Item {
    Builder::new(keys::failure(failure.campaign, failure.lane, failure.subscriber))
        .with("reason", number(RecipientState::Failed(failure.reason).code()))
        .with_some("code", failure.code.map(number))
        .with("text", text(&failure.text))
        .with("at", number(failure.at))
        .build()
}

pub(crate) fn decode(item: &Item) -> Result<Failure, DecodeError> {
    let reader = Reader(item);
    let parts = reader.text(keys::PK)?.strip_prefix("C#").and_then(|rest| rest.split_once("#F"));
    let (campaign, lane) = parts.ok_or_else(|| reader.malformed(keys::PK, "partition of failures"))?;
    Ok(Failure {
        campaign: CampaignId(reader.parse(keys::PK, campaign)?),
        lane: LaneNo(reader.parse(keys::PK, lane)?),
        subscriber: ids::at_place(reader)?,
        reason: reason(reader)?,
        code: reader.optional_number("code")?,
        text: reader.text("text")?.to_owned(),
        at: Timestamp(reader.number("at")?),
    })
}

/// The code of the recipient's state stands for the reason, as in the ledger.
fn reason(reader: Reader<'_>) -> Result<FailReason, DecodeError> {
    match RecipientState::from_code(reader.number("reason")?) {
        Some(RecipientState::Failed(reason)) => Ok(reason),
        Some(_) | None => Err(reader.malformed("reason", "code of a failure")),
    }
}
