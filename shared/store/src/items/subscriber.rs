//! The subscriber item: a row, or what is left of one that others passed by.
//!
//! When two addresses derive one id, the later one takes the next id of its sequence and marks the row it
//! passed as `shared`. A shared row is not deleted but emptied (`gone`): otherwise whoever looks for the
//! later address would meet an absent row, and believe that the sequence ends there.
//!
//! Every message reads a row, and whoever reads it, the engine and the client, takes it apart attribute by attribute. So
//! a row is lean: what is usual is left out, and what belongs together is one text.
//!
//! ```text
//! mailbox   Ada Lovelace <ada@example.org>                        or only the address
//! standing  1763884800000 blocklisted 3:confirmed 8:unsubscribed  since when, the status unless it is enabled, lists
//! ```

use std::collections::BTreeMap;

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
/// Name of the attribute that every row has, and no emptied one: name and address.
const MAILBOX: &str = "mailbox";
/// Name of the attribute that holds since when there is this row, its status, and its lists.
const STANDING: &str = "standing";
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
    let attribs = Some(&subscriber.attribs).filter(|attribs| *attribs != NO_ATTRIBS);
    Builder::new(keys::subscriber(subscriber.id))
        .with(MAILBOX, text(mailbox(subscriber)))
        .with_some("attribs", attribs.map(text))
        .with(STANDING, text(standing(subscriber)))
        .with_some(REV, (subscriber.rev > 0).then(|| number(subscriber.rev)))
        .with_some(SHARED, row.shared.then(|| flag(true)))
        .build()
}

/// Nothing is quoted: an address has neither blanks nor angle brackets, so its end tells where it begins.
fn mailbox(subscriber: &Subscriber) -> String {
    let address = subscriber.email.expose();
    match subscriber.name.as_str() {
        "" => address.to_owned(),
        name => format!("{name} <{address}>"),
    }
}

fn standing(subscriber: &Subscriber) -> String {
    let usual = subscriber.status == SubscriberStatus::Enabled;
    let status = (!usual).then(|| subscriber.status.name().to_owned());
    let lists = subscriber.lists.iter().map(|(list, status)| format!("{list}:{}", status.name()));
    let words = [subscriber.created_at.to_string()].into_iter().chain(status).chain(lists);
    words.collect::<Vec<_>>().join(" ")
}

/// An emptied row: no personal data, only its place.
pub(crate) fn encode_gone(id: SubscriberId) -> Item {
    Builder::new(keys::subscriber(id)).with(GONE, flag(true)).build()
}

/// `write` on the condition that the row still has this revision.
pub(crate) fn if_stands(write: Write, rev: u32) -> Write {
    match rev {
        0 => write.if_equal_or_left_out(REV, number(0), MAILBOX),
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
    let (name, email) = reader.named(MAILBOX, "name and address", name_and_address)?;
    let (created_at, status, lists) = standing_of(reader)?;
    let subscriber = Subscriber {
        id: id(item)?,
        email,
        name,
        attribs: reader.optional_text("attribs")?.unwrap_or(NO_ATTRIBS).to_owned(),
        status,
        lists,
        rev: reader.optional_number(REV)?.unwrap_or_default(),
        created_at,
    };
    Ok(Some(Row { subscriber, shared: item.contains_key(SHARED) }))
}

fn name_and_address(mailbox: &str) -> Option<(String, EmailAddress)> {
    let named = mailbox.strip_suffix('>').and_then(|mailbox| mailbox.rsplit_once(" <"));
    let (name, address) = named.unwrap_or(("", mailbox));
    Some((name.to_owned(), EmailAddress::parse(address).ok()?))
}

/// Each list, and the standing on it.
type Lists = BTreeMap<ListId, SubscriptionStatus>;

fn standing_of(reader: Reader<'_>) -> Result<(Timestamp, SubscriberStatus, Lists), DecodeError> {
    let mut words = reader.text(STANDING)?.split_ascii_whitespace().peekable();
    let created_at = reader.parse(STANDING, words.next().unwrap_or_default())?;
    let status = match words.next_if(|word| !word.contains(':')) {
        None => SubscriberStatus::Enabled,
        Some(name) => SubscriberStatus::from_name(name)
            .ok_or_else(|| reader.malformed(STANDING, "status of a subscriber"))?,
    };
    let lists: Result<_, DecodeError> = words.map(|word| on_list(reader, word)).collect();
    Ok((Timestamp(created_at), status, lists?))
}

fn on_list(reader: Reader<'_>, word: &str) -> Result<(ListId, SubscriptionStatus), DecodeError> {
    let (list, status) = word.split_once(':').unwrap_or_default();
    let status = SubscriptionStatus::from_name(status)
        .ok_or_else(|| reader.malformed(STANDING, "standings on lists"))?;
    Ok((ListId(reader.parse(STANDING, list)?), status))
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
        assert_eq!(names, ["mailbox", "pk", "sk", "standing"]);
        assert_eq!((&item["mailbox"], &item["standing"]), (&text("ada@example.org"), &text("5")));
    }

    #[test]
    fn a_row_that_never_changed_is_told_from_an_emptied_one_by_its_address() {
        let of = |rev| if_stands(Write::delete(Table::Audience, keys::subscriber(row().subscriber.id)), rev);
        let unchanged = "(#rev = :if_rev OR attribute_not_exists(#rev) AND attribute_exists(#mailbox))";
        assert_eq!(of(0).condition().as_deref(), Some(unchanged));
        assert_eq!(of(1).condition().as_deref(), Some("#rev = :if_rev"));
        assert!(!encode_gone(row().subscriber.id).contains_key(MAILBOX));
    }

    #[test]
    fn a_standing_is_one_text_with_the_lists_in_their_order() {
        let mut row = row();
        row.subscriber.status = SubscriberStatus::Blocklisted;
        row.subscriber.lists = BTreeMap::from([
            (ListId(12), SubscriptionStatus::Unsubscribed),
            (ListId(3), SubscriptionStatus::Confirmed),
        ]);
        assert_eq!(encode(&row)[STANDING], text("5 blocklisted 3:confirmed 12:unsubscribed"));
        assert_eq!(decode(&encode(&row)).unwrap(), Some(row));
    }

    #[test]
    fn whatever_somebody_is_called_their_address_is_found_behind_it() {
        for name in ["Ada Lovelace", "Ada <ada@example.com>", " <", "<>", ">", "a@b", "Ada  ", "\n"] {
            let mut row = row();
            row.subscriber.name = name.to_owned();
            assert_eq!(decode(&encode(&row)).unwrap(), Some(row), "{name:?}");
        }
    }

    #[test]
    fn damage_is_refused_and_not_taken_for_the_usual() {
        for (name, value) in [
            (STANDING, text("")),
            (STANDING, text("soon")),
            (STANDING, text("3:confirmed")),
            (STANDING, text("5 3:maybe")),
            (STANDING, text("5 three:confirmed")),
            (STANDING, text("5 asleep 3:confirmed")),
            (STANDING, text("5 3:confirmed blocklisted")),
            (STANDING, number(5)),
            (MAILBOX, text("Ada Lovelace")),
            (MAILBOX, text("Ada <ada@example.org")),
            (MAILBOX, text("")),
            ("attribs", number(1)),
            (REV, text("1")),
        ] {
            let mut item = encode(&row());
            item.insert(name.to_owned(), value.clone());
            assert!(decode(&item).is_err(), "{name} as {value:?}");
        }
    }
}
