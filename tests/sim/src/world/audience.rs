//! The port to lists and subscribers.

use std::collections::HashMap;

use fanmail_domain::{ListId, Shard, Subscriber, SubscriberId};
use fanmail_engine::ports::{Audience, Blocklist, Consistency, Member, PortError};

use super::people::Fate;
use super::{Process, State};
use crate::faults::Service::Store;
use crate::rng::ALWAYS;
use crate::scenario::Sabotage;
use crate::time::{BEGIN_NS, MILLI, SECOND};

/// How old an eventually consistent answer may be.
pub(super) const EVENTUALLY_NS: u64 = SECOND;

impl Audience for Process {
    async fn size(&self, _: &[ListId]) -> Result<u64, PortError> {
        let announced = self.world.scenario.announced;
        self.call(Store, "read the size of the lists", move |_, _| announced).await
    }

    async fn members(
        &self,
        list: ListId,
        shard: Shard,
        after: Option<SubscriberId>,
    ) -> Result<Vec<Member>, PortError> {
        let page = self.world.scenario.page;
        let short = self.world.scenario.is_broken(Sabotage::ShortPages);
        let read = move |state: &mut State, _: &str| {
            let mut members = state.people.members(list, shard, after, page);
            if short && members.len() > 1 && state.rng.chance(ALWAYS / 4) {
                members.remove(0);
            }
            members
        };
        self.call(Store, "read members", read).await
    }

    async fn subscribers(
        &self,
        ids: &[SubscriberId],
        consistency: Consistency,
    ) -> Result<HashMap<SubscriberId, Subscriber>, PortError> {
        let (ids, stale) = (ids.to_vec(), self.world.scenario.is_broken(Sabotage::StalePeople));
        let read = move |state: &mut State, _: &str| {
            let mut found = HashMap::with_capacity(ids.len());
            for id in ids {
                let age_ns = match consistency {
                    Consistency::Strong | Consistency::Eventual if stale => state.now_ns - BEGIN_NS,
                    Consistency::Strong => 0,
                    Consistency::Eventual => state.rng.below(EVENTUALLY_NS / MILLI) * MILLI,
                };
                if let Some(subscriber) = state.people.as_of(id, state.now_ns - age_ns) {
                    found.insert(id, subscriber.clone());
                }
            }
            found
        };
        self.call(Store, "read subscribers", read).await
    }
}

impl Blocklist for Process {
    async fn blocklist(&self, id: SubscriberId) -> Result<(), PortError> {
        let blocklist = move |state: &mut State, who: &str| {
            state.note(who, || format!("{id} is blocklisted"));
            let now_ns = state.now_ns;
            state.people.befall(id, Fate::IsBlocklisted, now_ns);
        };
        self.call(Store, "blocklist a subscriber", blocklist).await
    }
}
