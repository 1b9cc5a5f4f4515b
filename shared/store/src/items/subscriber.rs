//! The subscriber item: a row, or what is left of one that others passed by.
//!
//! When two addresses derive one id, the later one takes the next id of its sequence and marks the row it
//! passed as `shared`. A shared row is not deleted but emptied (`gone`): otherwise whoever looks for the
//! later address would meet an absent row, and believe that the sequence ends there.
//!
//! Every message reads a row, so a row is lean: what is usual is left out, and the standings are one text and not a
//! map, whose entries every reader takes apart one by one.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use fanmail_domain::{
    EmailAddress, ListId, Subscriber, SubscriberId, SubscriberStatus, SubscriptionStatus, Timestamp,
};

use crate::attributes::{Builder, Item, Reader, flag, number, text};
use crate::error::DecodeError;
use crate::keys;
use crate::write::Write;

use super::ids;

/// Name of the attribute that holds the revision.
pub(crate) const REV: &str = "rev";
/// Name of the attribute that marks a row that others passed by.
pub(crate) const SHARED: &str = "shared";
/// Name of the attribute that every row has, and no emptied one.
const EMAIL: &str = "email";
/// Name of the attribute that marks an emptied row.
const GONE: &str = "gone";
/// The attributes of somebody who has none.
const NO_ATTRIBS: &str = "{}";

/// A subscriber, and whether others passed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) subscriber: Subscriber,
    pub(crate) shared: bool,
}

pub(crate) fn encode(row: &Row) -> Item {
    let subscriber = &row.subscriber;
    Builder::new(keys::subscriber(subscriber.id))
        .with(EMAIL, text(subscriber.email.expose()))
        .with_some("name", unusual(&subscriber.name, ""))
        .with_some("attribs", unusual(&subscriber.attribs, NO_ATTRIBS))
        .with_some("status", unusual(subscriber.status.name(), SubscriberStatus::Enabled.name()))
        .with_some("lists", unusual(&standings(&subscriber.lists), ""))
        .with_some(REV, (subscriber.rev > 0).then(|| number(subscriber.rev)))
        .with("created_at", number(subscriber.created_at))
        .with_some(SHARED, row.shared.then(|| flag(true)))
        .build()
}

/// A text, unless it says the usual.
fn unusual(value: &str, usual: &str) -> Option<AttributeValue> {
    (value != usual).then(|| text(value))
}

/// Each list and the standing on it: `3:confirmed 8:unsubscribed`.
fn standings(lists: &BTreeMap<ListId, SubscriptionStatus>) -> String {
    let each = lists.iter().map(|(list, status)| format!("{list}:{}", status.name()));
    each.collect::<Vec<_>>().join(" ")
}

/// An emptied row: no personal data, only its place.
pub(crate) fn encode_gone(id: SubscriberId) -> Item {
    Builder::new(keys::subscriber(id)).with(GONE, flag(true)).build()
}

/// `write` on the condition that the row still has this revision.
pub(crate) fn if_stands(write: Write, rev: u32) -> Write {
    match rev {
        0 => write.if_equal_or_left_out(REV, number(0), EMAIL),
        rev => write.if_equal(REV, number(rev)),
    }
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
        email: reader.named(EMAIL, "address", |address| EmailAddress::parse(address).ok())?,
        name: reader.optional_text("name")?.unwrap_or_default().to_owned(),
        attribs: reader.optional_text("attribs")?.unwrap_or(NO_ATTRIBS).to_owned(),
        status: status(reader)?,
        lists: lists(reader)?,
        rev: reader.optional_number(REV)?.unwrap_or_default(),
        created_at: Timestamp(reader.number("created_at")?),
    };
    Ok(Some(Row { subscriber, shared: item.contains_key(SHARED) }))
}

fn status(reader: Reader<'_>) -> Result<SubscriberStatus, DecodeError> {
    let Some(name) = reader.optional_text("status")? else { return Ok(SubscriberStatus::Enabled) };
    SubscriberStatus::from_name(name).ok_or_else(|| reader.malformed("status", "status of a subscriber"))
}

fn lists(reader: Reader<'_>) -> Result<BTreeMap<ListId, SubscriptionStatus>, DecodeError> {
    let standing = |standing: &str| {
        let (list, status) = standing.split_once(':').unwrap_or_default();
        let status = SubscriptionStatus::from_name(status)
            .ok_or_else(|| reader.malformed("lists", "standings on lists"))?;
        Ok((ListId(reader.parse("lists", list)?), status))
    };
    let standings = reader.optional_text("lists")?.unwrap_or_default();
    standings.split_ascii_whitespace().map(standing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::Table;

    fn row() -> Row {
        let subscriber = Subscriber {
            id: SubscriberId::from_number(7).unwrap(),
            email: EmailAddress::parse("ada@example.org").unwrap(),
            name: String::new(),
            attribs: "{}".to_owned(),
            status: SubscriberStatus::Enabled,
            lists: BTreeMap::new(),
            rev: 0,
            created_at: Timestamp(5),
        };
        Row { subscriber, shared: false }
    }

    #[test]
    fn what_is_usual_takes_no_room() {
        let item = encode(&row());
        let mut names: Vec<_> = item.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["created_at", "email", "pk", "sk"]);
    }

    #[test]
    fn a_row_that_never_changed_is_told_from_an_emptied_one_by_its_address() {
        let of = |rev| if_stands(Write::delete(Table::Audience, keys::subscriber(row().subscriber.id)), rev);
        let unchanged = "(#rev = :if_rev OR attribute_not_exists(#rev) AND attribute_exists(#email))";
        assert_eq!(of(0).condition().as_deref(), Some(unchanged));
        assert_eq!(of(1).condition().as_deref(), Some("#rev = :if_rev"));
        assert!(!encode_gone(row().subscriber.id).contains_key(EMAIL));
    }

    #[test]
    fn standings_are_one_text_in_the_order_of_the_lists() {
        let mut row = row();
        row.subscriber.lists = BTreeMap::from([
            (ListId(12), SubscriptionStatus::Unsubscribed),
            (ListId(3), SubscriptionStatus::Confirmed),
        ]);
        assert_eq!(encode(&row)["lists"], text("3:confirmed 12:unsubscribed"));
    }

    #[test]
    fn damage_is_refused_and_not_taken_for_the_usual() {
        for (name, value) in [
            ("lists", text("3")),
            ("lists", text("3:maybe")),
            ("lists", text("three:confirmed")),
            ("lists", number(3)),
            ("status", text("asleep")),
            ("status", number(1)),
            ("attribs", number(1)),
            ("name", number(1)),
            (REV, text("1")),
        ] {
            let mut item = encode(&row());
            item.insert(name.to_owned(), value.clone());
            assert!(decode(&item).is_err(), "{name} as {value:?}");
        }
    }
}
