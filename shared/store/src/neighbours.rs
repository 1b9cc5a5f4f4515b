//! Reading many subscribers at once.
//!
//! The subscribers of a shard lie in the order of their ids, and so do those of a batch. One query over the stretch
//! from the first to the last of them costs what their bytes cost, where each one asked for by name costs at
//! least half a read unit. But it also brings whoever lies between and is not on the list:
//!
//! 1. Who is alone in a shard, or among a few, is asked for by name.
//! 2. From the others' stretch as many rows are read as are wanted. That is a sample: ids are digests of addresses, so
//!    the rest of the stretch is as thick with wanted people as its beginning.
//! 3. Where it is thick enough, the rest of the stretch is read; where it is not, whoever lies behind the
//!    sample is asked for by name.

use std::collections::{BTreeSet, HashMap};

use fanmail_domain::{Subscriber, SubscriberId};
use fanmail_engine::ports::Consistency;
use futures::future::try_join_all;

use crate::Store;
use crate::attributes::Item;
use crate::error::StoreError;
use crate::items;
use crate::keys;
use crate::read::Range;
use crate::write::Table;

/// From so many people of one shard on, the stretch is read. A few are cheaper by name: one request for all shards.
const STRETCH: usize = 25;

/// The rest of a stretch is read if at least one in so many of the sample was wanted. Then it costs no more
/// than names do, as long as a row has at most a kilobyte.
const THICK: usize = 4;

/// What was read of a stretch.
#[derive(Default)]
struct Stretch {
    /// The rows, those that nobody wanted among them.
    items: Vec<Item>,
    /// Whoever lies behind the last of them.
    unread: Vec<SubscriberId>,
}

impl Store {
    /// The subscribers that exist among `ids`, which may name somebody twice.
    pub(crate) async fn read_subscribers(
        &self,
        ids: &[SubscriberId],
        consistency: Consistency,
    ) -> Result<HashMap<SubscriberId, Subscriber>, StoreError> {
        let wanted: BTreeSet<SubscriberId> = ids.iter().copied().collect();
        let ordered: Vec<SubscriberId> = wanted.iter().copied().collect();
        let shards = ordered.chunk_by(|one, next| one.shard() == next.shard());
        let (near, few): (Vec<_>, Vec<_>) = shards.partition(|shard| shard.len() >= STRETCH);
        let reads = near.into_iter().map(|shard| self.read_stretch(shard, consistency));
        let (mut items, mut by_name) = (Vec::with_capacity(ordered.len()), few.concat());
        for stretch in try_join_all(reads).await? {
            items.extend(stretch.items);
            by_name.extend(stretch.unread);
        }
        let names = by_name.into_iter().map(keys::subscriber).collect();
        items.extend(self.get_many(Table::Audience, names, consistency).await?);
        decode(items, &wanted)
    }

    /// Reads the stretch of one shard that holds all `ids`, which are in order, as far as that is worth it.
    async fn read_stretch(
        &self,
        ids: &[SubscriberId],
        consistency: Consistency,
    ) -> Result<Stretch, StoreError> {
        let [first, .., last] = ids else { return Ok(Stretch::default()) };
        let page = async |range, limit| {
            let partition = keys::subscriber_partition(first.shard());
            self.page_as(consistency, Table::Audience, partition, range, limit).await
        };
        let range = Range::Between(keys::subscriber_place(*first), keys::subscriber_place(*last));
        let sample = page(range.clone(), i32::try_from(ids.len()).ok()).await?;
        let (mut items, mut unread) = (sample.items, behind(ids, sample.last.as_deref()));
        let met = ids.len() - unread.len();
        if let Some(end) = sample.last.filter(|_| !unread.is_empty() && met * THICK >= items.len()) {
            let rest = page(range.behind(end), None).await?;
            unread = behind(ids, rest.last.as_deref());
            items.extend(rest.items);
        }
        Ok(Stretch { items, unread })
    }
}

/// Whoever lies behind the last row of a page; nobody, if the page ended the stretch.
fn behind(ids: &[SubscriberId], last: Option<&str>) -> Vec<SubscriberId> {
    let Some(last) = last else { return Vec::new() };
    let unread = ids.iter().filter(|id| keys::subscriber_place(**id).as_str() > last);
    unread.copied().collect()
}

fn decode(
    items: Vec<Item>,
    wanted: &BTreeSet<SubscriberId>,
) -> Result<HashMap<SubscriberId, Subscriber>, StoreError> {
    let mut subscribers = HashMap::with_capacity(wanted.len());
    for item in items {
        if !wanted.contains(&items::subscriber::id(&item)?) {
            continue;
        }
        if let Some(row) = items::subscriber::decode(&item)? {
            subscribers.insert(row.subscriber.id, row.subscriber);
        }
    }
    Ok(subscribers)
}
