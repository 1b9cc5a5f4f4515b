//! The journal item: one decision on a campaign.

use fanmail_domain::{CampaignId, Timestamp};
use fanmail_engine::ports::JournalEntry;

use crate::attributes::{Builder, Item, Reader, text};
use crate::error::DecodeError;
use crate::keys::{self, JOURNAL};

pub(crate) fn encode(entry: &JournalEntry) -> Item {
    Builder::new(keys::journal(entry.campaign, entry.at, &entry.key))
        .with("actor", text(entry.actor.as_ref()))
        .with("text", text(&entry.text))
        .build()
}

pub(crate) fn decode(item: &Item) -> Result<JournalEntry, DecodeError> {
    let reader = Reader(item);
    let parts = reader.text(keys::SK)?.strip_prefix(JOURNAL).and_then(|rest| rest.split_once('#'));
    let (at, key) = parts.ok_or_else(|| reader.malformed(keys::SK, "place in the journal"))?;
    Ok(JournalEntry {
        campaign: CampaignId(reader.digits(keys::PK, "C#")?),
        at: Timestamp(reader.parse(keys::SK, at)?),
        key: key.to_owned(),
        actor: reader.text("actor")?.to_owned().into(),
        text: reader.text("text")?.to_owned(),
    })
}
