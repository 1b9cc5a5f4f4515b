//! The subscriber item: a row, or what is left of one that others passed by.
//!
//! When two addresses derive one id, the later one takes the next id of its sequence and marks the row it
//! passed as `shared`. A shared row is not deleted but emptied (`gone`): otherwise whoever looks for the
//! later address would meet an absent row, and believe that the sequence ends there.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use fanmail_domain::{
    EmailAddress, ListId, Subscriber, SubscriberId, SubscriberStatus, SubscriptionStatus, Timestamp,
};

use crate::attributes::{Builder, Item, Reader, flag, number, text};
use crate::error::DecodeError;
use crate::keys;

use super::ids;

/// Name of the attribute that holds the revision.
pub(crate) const REV: &str = "rev";
/// Name of the attribute that marks a row that others passed by.
pub(crate) const SHARED: &str = "shared";
/// Name of the attribute that marks an emptied row.
const GONE: &str = "gone";

/// A subscriber, and whether others passed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) subscriber: Subscriber,
    pub(crate) shared: bool,
}

pub(crate) fn encode(row: &Row) -> Item {
    let subscriber = &row.subscriber;
    let lists = subscriber.lists.iter().map(|(list, status)| (list.to_string(), text(status.name())));
    Builder::new(keys::subscriber(subscriber.id))
        .with("email", text(subscriber.email.expose()))
        .with("name", text(&subscriber.name))
        .with("attribs", text(&subscriber.attribs))
        .with("status", text(subscriber.status.name()))
        .with("lists", AttributeValue::M(lists.collect()))
        .with(REV, number(subscriber.rev))
        .with("created_at", number(subscriber.created_at))
        .with_some(SHARED, row.shared.then(|| flag(true)))
        .build()
}

/// An emptied row: no personal data, only its place.
pub(crate) fn encode_gone(id: SubscriberId) -> Item {
    Builder::new(keys::subscriber(id)).with(GONE, flag(true)).build()
}

/// Whose row it is, emptied or not.
pub(crate) fn id(item: &Item) -> Result<SubscriberId, DecodeError> {
    ids::at_place(Reader(item))
}

/// The row; `None` if it is an emptied one.
pub(crate) fn decode(item: &Item) -> Result<Option<Row>, DecodeError> {
    let reader = Reader(item);
    if item.contains_key(GONE) {
        return Ok(None);
    }
    let subscriber = Subscriber {
        id: id(item)?,
        email: reader.named("email", "address", |address| EmailAddress::parse(address).ok())?,
        name: reader.text("name")?.to_owned(),
        attribs: reader.text("attribs")?.to_owned(),
        status: reader.named("status", "status of a subscriber", SubscriberStatus::from_name)?,
        lists: lists(reader)?,
        rev: reader.number(REV)?,
        created_at: Timestamp(reader.number("created_at")?),
    };
    Ok(Some(Row { subscriber, shared: item.contains_key(SHARED) }))
}

fn lists(reader: Reader<'_>) -> Result<BTreeMap<ListId, SubscriptionStatus>, DecodeError> {
    let map = reader.map("lists")?;
    let standing = |(list, status): (&String, &AttributeValue)| {
        let status = status.as_s().ok().and_then(|name| SubscriptionStatus::from_name(name));
        let status = status.ok_or_else(|| reader.malformed("lists", "map of subscriptions"))?;
        Ok((ListId(reader.parse("lists", list)?), status))
    };
    map.iter().map(standing).collect()
}
