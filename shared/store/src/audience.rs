//! The engine's port to lists and subscribers.

use std::collections::{BTreeSet, HashMap};

use fanmail_domain::{ListId, Shard, Subscriber, SubscriberId, SubscriberStatus};
use fanmail_engine::ports::{Audience, Blocklist, Consistency, Member, PortError};

use crate::Store;
use crate::error::InOperation;
use crate::items;
use crate::keys;
use crate::read::Range;
use crate::write::Table;

impl Audience for Store {
    async fn size(&self, lists: &[ListId]) -> Result<u64, PortError> {
        let distinct: BTreeSet<ListId> = lists.iter().copied().collect();
        let mut size = 0;
        for id in distinct {
            size += self.list(id).await?.map_or(0, |list| list.subscribers);
        }
        Ok(size)
    }

    async fn members(
        &self,
        list: ListId,
        shard: Shard,
        after: Option<SubscriberId>,
    ) -> Result<Vec<Member>, PortError> {
        let range = after.map_or(Range::All, |id| Range::After(keys::subscriber_place(id)));
        let partition = keys::membership_partition(list, shard);
        let page = self.page(Table::Audience, partition, range, None).await;
        let items = page.during("read the members of a list")?.items;
        let members: Result<_, _> = items.iter().map(items::membership::decode).collect();
        members.during("read the members of a list")
    }

    async fn subscribers(
        &self,
        ids: &[SubscriberId],
        consistency: Consistency,
    ) -> Result<HashMap<SubscriberId, Subscriber>, PortError> {
        self.read_subscribers(ids, consistency).await.during("read subscribers")
    }
}

impl Blocklist for Store {
    async fn blocklist(&self, id: SubscriberId) -> Result<(), PortError> {
        self.set_subscriber_status(id, SubscriberStatus::Blocklisted).await.map(drop)
    }
}
