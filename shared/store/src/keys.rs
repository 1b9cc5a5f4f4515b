//! The key of every item. Numbers in sort keys are padded, so that text order is number order.

use aws_sdk_dynamodb::types::AttributeValue;
use fanmail_domain::{BatchId, CampaignId, LaneNo, ListId, Shard, SubscriberId, Timestamp, TokenName};
use fanmail_engine::ports::WindowKey;

use crate::attributes::{Item, text};

/// Name of the partition key in both tables.
pub(crate) const PK: &str = "pk";
/// Name of the sort key in both tables.
pub(crate) const SK: &str = "sk";

/// What every sort key of a lane begins with.
pub(crate) const LANE: &str = "LANE#";
/// What every sort key of a journal entry begins with.
pub(crate) const JOURNAL: &str = "J#";
/// The partition of all campaigns that are begun and not ended.
pub(crate) const ACTIVE: &str = "ACTIVE";
/// What every partition of subscribers begins with.
pub(crate) const SUBSCRIBERS: &str = "S#";
/// The partition of all lists.
pub(crate) const LISTS: &str = "LISTS";

/// The partition of all API tokens.
pub(crate) const TOKENS: &str = "TOKENS";

/// Names one item in its table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    pub(crate) fn into_item(self) -> Item {
        Item::from([(PK.to_owned(), text(self.pk)), (SK.to_owned(), text(self.sk))])
    }

    /// The key of an item that has one.
    pub(crate) fn of(item: &Item) -> Self {
        let part = |name| match item.get(name) {
            Some(AttributeValue::S(text)) => text.clone(),
            _ => String::new(),
        };
        Self { pk: part(PK), sk: part(SK) }
    }
}

pub(crate) fn campaign(id: CampaignId) -> Key {
    Key::new(campaign_partition(id), "META")
}

pub(crate) fn campaign_partition(id: CampaignId) -> String {
    format!("C#{id}")
}

pub(crate) fn content(id: CampaignId, version: u32) -> Key {
    Key::new(campaign_partition(id), format!("CONTENT#{version}"))
}

pub(crate) fn lane(id: CampaignId, no: LaneNo) -> Key {
    Key::new(campaign_partition(id), format!("{LANE}{:02}", no.0))
}

pub(crate) fn journal(id: CampaignId, at: Timestamp, key: &str) -> Key {
    Key::new(campaign_partition(id), format!("{JOURNAL}{:013}#{key}", at.0))
}

pub(crate) fn batch(id: BatchId) -> Key {
    Key::new(batch_partition(id.campaign, id.lane), batch_place(id.seq))
}

pub(crate) fn batch_partition(campaign: CampaignId, lane: LaneNo) -> String {
    format!("C#{campaign}#L{:02}", lane.0)
}

pub(crate) fn batch_place(seq: u32) -> String {
    format!("{seq:010}")
}

pub(crate) fn failure(campaign: CampaignId, lane: LaneNo, subscriber: SubscriberId) -> Key {
    Key::new(failure_partition(campaign, lane), subscriber_place(subscriber))
}

pub(crate) fn failure_partition(campaign: CampaignId, lane: LaneNo) -> String {
    format!("C#{campaign}#F{:02}", lane.0)
}

pub(crate) fn active(id: CampaignId) -> Key {
    Key::new(ACTIVE, format!("{:012}", id.0))
}

pub(crate) fn settings() -> Key {
    Key::new("SETTINGS", "SETTINGS")
}

pub(crate) fn servers() -> Key {
    Key::new("SETTINGS", "SERVERS")
}

pub(crate) fn window(key: WindowKey) -> Key {
    match key {
        WindowKey::System => Key::new("WINDOW", "WINDOW"),
        WindowKey::Campaign(id) => Key::new(campaign_partition(id), "WINDOW"),
    }
}

pub(crate) fn counter(name: &str) -> Key {
    Key::new("COUNTER", name)
}

pub(crate) fn schema() -> Key {
    Key::new("SCHEMA", "SCHEMA")
}

pub(crate) fn token(name: &TokenName) -> Key {
    Key::new(TOKENS, name.as_str())
}

pub(crate) fn list(id: ListId) -> Key {
    Key::new(LISTS, format!("{:012}", id.0))
}

pub(crate) fn subscriber(id: SubscriberId) -> Key {
    Key::new(subscriber_partition(id.shard()), subscriber_place(id))
}

pub(crate) fn subscriber_partition(shard: Shard) -> String {
    format!("{SUBSCRIBERS}{:02}", shard.0)
}

pub(crate) fn membership(list: ListId, id: SubscriberId) -> Key {
    Key::new(membership_partition(list, id.shard()), subscriber_place(id))
}

pub(crate) fn membership_partition(list: ListId, shard: Shard) -> String {
    format!("L#{list}#{:02}", shard.0)
}

pub(crate) fn subscriber_place(id: SubscriberId) -> String {
    format!("{:016}", id.number())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_order_is_number_order() {
        assert!(batch_place(99_999_999) < batch_place(100_000_000));
        assert!(batch_place(u32::MAX).len() == batch_place(0).len());
        assert!(subscriber_place(SubscriberId::MAX).len() == 16);
        assert!(
            subscriber_place(SubscriberId::MAX) > subscriber_place(SubscriberId::from_number(9).unwrap())
        );
    }
}
