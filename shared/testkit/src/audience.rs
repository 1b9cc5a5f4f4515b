//! Lists and subscribers, in memory.

use std::collections::HashMap;
use std::ops::Bound;

use fanmail_domain::{ListId, Shard, Subscriber, SubscriberId, SubscriberStatus};
use fanmail_engine::ports::{Audience, Blocklist, Consistency, Member, PortError};

use crate::World;

/// Small, so that fan-out has to ask for a second page.
const PAGE: usize = 5;

impl Audience for World {
    async fn size(&self, lists: &[ListId]) -> Result<u64, PortError> {
        self.call("size", |state| {
            let subscriptions = state.members.keys().filter(|(list, _)| lists.contains(list));
            state.claimed_size.unwrap_or_else(|| subscriptions.count() as u64)
        })
    }

    async fn members(
        &self,
        list: ListId,
        shard: Shard,
        after: Option<SubscriberId>,
    ) -> Result<Vec<Member>, PortError> {
        let from = after.map_or(Bound::Unbounded, |id| Bound::Excluded((list, id)));
        self.call("members", |state| {
            let members = state.members.range((from, Bound::Included((list, SubscriberId::MAX))));
            let here = |(of, id): &(ListId, SubscriberId)| *of == list && id.shard() == shard;
            members.filter(|(key, _)| here(key)).take(PAGE).map(|(_, member)| *member).collect()
        })
    }

    async fn subscribers(
        &self,
        ids: &[SubscriberId],
        consistency: Consistency,
    ) -> Result<HashMap<SubscriberId, Subscriber>, PortError> {
        self.call("subscribers", |state| {
            let seen = |id: &&SubscriberId| consistency == Consistency::Strong || !state.unseen.contains(id);
            let found = ids.iter().filter(seen).filter_map(|id| state.subscribers.get(id));
            found.map(|subscriber| (subscriber.id, subscriber.clone())).collect()
        })
    }
}

impl Blocklist for World {
    async fn blocklist(&self, id: SubscriberId) -> Result<(), PortError> {
        self.call("blocklist", |state| {
            if let Some(subscriber) = state.subscribers.get_mut(&id) {
                subscriber.status = SubscriberStatus::Blocklisted;
            }
        })
    }
}
