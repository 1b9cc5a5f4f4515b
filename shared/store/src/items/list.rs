//! The list item.

use fanmail_domain::{List, ListId, Optin, Timestamp};

use crate::attributes::{Builder, Item, Reader, number, text};
use crate::error::DecodeError;
use crate::keys;

/// Name of the attribute that counts the subscriptions.
pub(crate) const SUBSCRIBERS: &str = "subscribers";

pub(crate) fn encode(list: &List) -> Item {
    Builder::new(keys::list(list.id))
        .with("name", text(&list.name))
        .with("optin", text(list.optin.name()))
        .with(SUBSCRIBERS, number(list.subscribers))
        .with("created_at", number(list.created_at))
        .build()
}

pub(crate) fn decode(item: &Item) -> Result<List, DecodeError> {
    let reader = Reader(item);
    // An approximate counter that a crash left behind may fall below zero.
    let subscribers: i64 = reader.number(SUBSCRIBERS)?;
    Ok(List {
        id: ListId(reader.digits(keys::SK, "")?),
        name: reader.text("name")?.to_owned(),
        optin: reader.named("optin", "opt-in of a list", Optin::from_name)?,
        subscribers: u64::try_from(subscribers).unwrap_or_default(),
        created_at: Timestamp(reader.number("created_at")?),
    })
}
