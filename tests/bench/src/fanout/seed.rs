//! Memberships, put straight into the engine.
//!
//! The items are those of `docs/data-model.md`. Should their form change, nobody is found, and the audience's size
//! gives it away.

use std::collections::HashMap;

use dynoxide::actions::update_item::UpdateItemRequest;
use dynoxide::{AttributeValue, Database, DynoxideError, ImportOptions, Item};
use fanmail_domain::{EmailAddress, ListId, SubscriberId, Timestamp};

use crate::audience;

/// The table in `infra/local`.
const TABLE: &str = "fanmail-audience";
/// Items of one of the engine's transactions.
const CHUNK: u64 = 50_000;

/// Puts `count` people onto `list`, who joined at `joined_at`.
///
/// # Errors
///
/// What the engine said.
pub fn seed(
    database: &Database,
    list: ListId,
    count: u64,
    joined_at: Timestamp,
) -> Result<(), DynoxideError> {
    let options = || ImportOptions { record_streams: false, set_cached_at: false };
    let mut from = 0;
    while from < count {
        let to = count.min(from + CHUNK);
        let items = (from..to).filter_map(|n| membership(list, n, joined_at)).collect();
        database.import_items(TABLE, items, options())?;
        from = to;
    }
    count_up(database, list, count)
}

/// Person number `n` on `list`; `None` never happens, for [`audience::address`] makes good addresses.
fn membership(list: ListId, n: u64, joined_at: Timestamp) -> Option<Item> {
    let id = SubscriberId::derive(&EmailAddress::parse(&audience::address(n)).ok()?, 0);
    Some(Item::from([
        ("pk".to_owned(), AttributeValue::S(format!("L#{list}#{:02}", id.shard().0))),
        ("sk".to_owned(), AttributeValue::S(format!("{:016}", id.number()))),
        ("joined_at".to_owned(), AttributeValue::N(joined_at.0.to_string())),
    ]))
}

/// Tells the list how many are on it: the number of lanes follows from that.
fn count_up(database: &Database, list: ListId, count: u64) -> Result<(), DynoxideError> {
    let key = HashMap::from([
        ("pk".to_owned(), AttributeValue::S("LISTS".to_owned())),
        ("sk".to_owned(), AttributeValue::S(format!("{:012}", list.0))),
    ]);
    let request = UpdateItemRequest {
        table_name: TABLE.to_owned(),
        key,
        update_expression: Some("ADD subscribers :count".to_owned()),
        expression_attribute_values: Some(HashMap::from([(
            ":count".to_owned(),
            AttributeValue::N(count.to_string()),
        )])),
        ..UpdateItemRequest::default()
    };
    database.update_item(request).map(drop)
}
