//! Who is on a list, and who they are.

use std::collections::HashMap;
use std::future::Future;

use fanmail_domain::{ListId, Shard, Subscriber, SubscriberId, Timestamp};

use super::PortError;

/// How fresh a read has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    /// May miss writes of the last second; half the price.
    Eventual,
    /// Sees every write that was answered before.
    Strong,
}

/// One member of a list, as fan-out reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub id: SubscriberId,
    /// Since when.
    pub joined_at: Timestamp,
}

/// Who is on a list, and who they are.
pub trait Audience: Sync {
    /// About how many subscriptions these lists have: for planning, never for a decision. A list that is
    /// gone has none.
    fn size(&self, lists: &[ListId]) -> impl Future<Output = Result<u64, PortError>> + Send;

    /// Some members of one shard of a list, behind `after`, in order of their ids. An empty answer means
    /// that there are none.
    fn members(
        &self,
        list: ListId,
        shard: Shard,
        after: Option<SubscriberId>,
    ) -> impl Future<Output = Result<Vec<Member>, PortError>> + Send;

    /// The subscribers that exist among `ids`, at most a batch of them.
    fn subscribers(
        &self,
        ids: &[SubscriberId],
        consistency: Consistency,
    ) -> impl Future<Output = Result<HashMap<SubscriberId, Subscriber>, PortError>> + Send;
}

/// Who may not be written to any more.
pub trait Blocklist: Sync {
    /// Blocklists a subscriber, on every list. Doing it twice does it once; who is gone stays gone.
    fn blocklist(&self, id: SubscriberId) -> impl Future<Output = Result<(), PortError>> + Send;
}
