//! Reading: one item, items by key, and pages of a partition.

use std::time::Duration;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};
use fanmail_engine::ports::Consistency;

use crate::Store;
use crate::attributes::{Item, text};
use crate::error::StoreError;
use crate::keys::{Key, PK, SK};
use crate::write::Table;

/// The most keys of one `BatchGetItem` (AWS API reference).
pub(crate) const MAX_KEYS: usize = 100;

/// How often unprocessed parts of a request are asked for again.
pub(crate) const TRIES: u32 = 8;

/// How long to wait before try number `attempt`, counted from 0: 0, then 25 ms, doubled each time, at most 1 s.
pub(crate) async fn back_off(attempt: u32) {
    if let Some(doublings) = attempt.checked_sub(1) {
        let pause = Duration::from_millis(25) * (1 << doublings.min(6));
        tokio::time::sleep(pause.min(Duration::from_secs(1))).await;
    }
}

/// Which part of a partition a query reads.
#[derive(Debug, Clone)]
pub(crate) enum Range {
    All,
    Prefix(&'static str),
    /// Strictly behind this sort key.
    After(String),
    /// This sort key and all behind it.
    From(String),
    /// Strictly behind the first, and beginning with the second.
    PrefixAfter(&'static str, String),
    /// From the first to the second, both included.
    Between(String, String),
}

impl Store {
    /// One item, strongly consistent.
    pub(crate) async fn get(&self, table: Table, key: Key) -> Result<Option<Item>, StoreError> {
        let request = self
            .client
            .get_item()
            .table_name(self.table(table))
            .set_key(Some(key.into_item()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        self.meter.asked();
        let output = request.send().await.map_err(StoreError::from_sdk)?;
        self.meter.read(output.consumed_capacity());
        Ok(output.item)
    }

    /// The items that exist among `keys`, in any order. Keys must differ.
    pub(crate) async fn get_many(
        &self,
        table: Table,
        keys: Vec<Key>,
        consistency: Consistency,
    ) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(MAX_KEYS) {
            let mut left: Vec<Item> = chunk.iter().cloned().map(Key::into_item).collect();
            let mut attempt = 0;
            while !left.is_empty() {
                if attempt == TRIES {
                    return Err(StoreError::Unprocessed { left: left.len() });
                }
                back_off(attempt).await;
                let before = left.len();
                left = self.get_some(table, left, consistency, &mut found).await?;
                // An answer is cut at 16 MB: that is progress, and no reason to give up.
                attempt = if left.len() < before { 1 } else { attempt + 1 };
            }
        }
        Ok(found)
    }

    /// One request of [`Store::get_many`]; answers the keys that were not processed.
    async fn get_some(
        &self,
        table: Table,
        keys: Vec<Item>,
        consistency: Consistency,
        found: &mut Vec<Item>,
    ) -> Result<Vec<Item>, StoreError> {
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(consistency == Consistency::Strong)
            .build()?;
        let request = self
            .client
            .batch_get_item()
            .request_items(self.table(table), wanted)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        self.meter.asked();
        let output = request.send().await.map_err(StoreError::from_sdk)?;
        self.meter.read(output.consumed_capacity());
        found.extend(output.responses.into_iter().flatten().flat_map(|(_, items)| items));
        Ok(output.unprocessed_keys.into_iter().flatten().flat_map(|(_, left)| left.keys).collect())
    }

    /// One page of a partition in the order of sort keys, strongly consistent: 1 MB, or `limit` items.
    pub(crate) async fn page(
        &self,
        table: Table,
        partition: String,
        range: Range,
        limit: Option<i32>,
    ) -> Result<Page, StoreError> {
        self.page_as(Consistency::Strong, table, partition, range, limit).await
    }

    /// The same, as fresh as asked.
    pub(crate) async fn page_as(
        &self,
        consistency: Consistency,
        table: Table,
        partition: String,
        range: Range,
        limit: Option<i32>,
    ) -> Result<Page, StoreError> {
        let request = self
            .client
            .query()
            .table_name(self.table(table))
            .expression_attribute_names("#pk", PK)
            .expression_attribute_values(":pk", text(partition))
            .consistent_read(consistency == Consistency::Strong)
            .set_limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        self.send_query(range.applied_to(request)).await
    }

    /// A whole partition, or a part of it, page by page.
    pub(crate) async fn all(
        &self,
        table: Table,
        partition: String,
        range: Range,
    ) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut range = range;
        loop {
            let page = self.page(table, partition.clone(), range.clone(), None).await?;
            items.extend(page.items);
            let Some(last) = page.last else { return Ok(items) };
            range = range.behind(last);
        }
    }

    async fn send_query(&self, request: QueryFluentBuilder) -> Result<Page, StoreError> {
        self.meter.asked();
        let output = request.send().await.map_err(StoreError::from_sdk)?;
        self.meter.read(output.consumed_capacity());
        let last = output.last_evaluated_key.as_ref().map(|key| Key::of(key).sk);
        Ok(Page { items: output.items.unwrap_or_default(), last })
    }
}

/// Some items of a partition.
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    /// The sort key of the last of them, if there may be more.
    pub(crate) last: Option<String>,
}

impl Range {
    fn applied_to(self, request: QueryFluentBuilder) -> QueryFluentBuilder {
        let (condition, value): (&str, AttributeValue) = match self {
            Self::All => return request.key_condition_expression("#pk = :pk"),
            Self::Prefix(prefix) => ("#pk = :pk AND begins_with(#sk, :sk)", text(prefix)),
            Self::After(place) => ("#pk = :pk AND #sk > :sk", text(place)),
            Self::From(place) => ("#pk = :pk AND #sk >= :sk", text(place)),
            Self::PrefixAfter(prefix, place) => {
                // A key condition takes one comparison. What begins with the prefix lies below the prefix
                // and the last character there is; BETWEEN includes its ends, so the place gets a successor.
                return between(request, successor(&place), format!("{prefix}\u{10ffff}"));
            }
            Self::Between(from, to) => return between(request, from, to),
        };
        request
            .key_condition_expression(condition)
            .expression_attribute_names("#sk", SK)
            .expression_attribute_values(":sk", value)
    }

    /// What is left of it behind a page that ended with `last`.
    pub(crate) fn behind(self, last: String) -> Self {
        match self {
            Self::Prefix(prefix) | Self::PrefixAfter(prefix, _) => Self::PrefixAfter(prefix, last),
            Self::All | Self::After(_) | Self::From(_) => Self::After(last),
            Self::Between(_, to) => Self::Between(successor(&last), to),
        }
    }
}

/// The first sort key behind this one.
fn successor(place: &str) -> String {
    format!("{place}\u{0}")
}

fn between(request: QueryFluentBuilder, from: String, to: String) -> QueryFluentBuilder {
    request
        .expression_attribute_names("#sk", SK)
        .expression_attribute_values(":from", text(from))
        .expression_attribute_values(":to", text(to))
        .key_condition_expression("#pk = :pk AND #sk BETWEEN :from AND :to")
}
