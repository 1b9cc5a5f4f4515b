//! Merging the memberships of a campaign's lists into one stream of recipients.
//!
//! Per shard, the lists' members come sorted by id. The merge takes the smallest id of all lists, and drops
//! it from each list that has it, so that somebody on three lists is one recipient. Who joined after the
//! campaign started is left out. Ids order by shard first, so the last id passed is a place to go on from: it
//! moves on even through shards where nobody is, so that reading a wide and thin audience is never begun anew.

use std::collections::VecDeque;

use fanmail_domain::{Campaign, ListId, Shard, SubscriberId, Timestamp};

use crate::Invocation;
use crate::commit::retry;
use crate::ports::{Audience, Clock, Member, PortError};

/// The recipients of a range of shards, in order of their ids.
pub(crate) struct Merge {
    started_at: Timestamp,
    shard: Option<Shard>,
    last: Shard,
    passed: Option<SubscriberId>,
    streams: Vec<Stream>,
}

/// One list's members within the current shard.
struct Stream {
    list: ListId,
    after: Option<SubscriberId>,
    buffer: VecDeque<Member>,
    ended: bool,
}

impl Merge {
    /// The recipients behind `cursor`, or all of them.
    pub(crate) fn new(campaign: &Campaign, shards: (Shard, Shard), cursor: Option<SubscriberId>) -> Self {
        let stream = |list| Stream { list, after: cursor, buffer: VecDeque::new(), ended: false };
        let mut lists: Vec<ListId> = campaign.audience.iter().map(|to| to.list).collect();
        lists.sort_unstable();
        lists.dedup();
        Self {
            started_at: campaign.started_at.unwrap_or_default(),
            shard: Some(cursor.map_or(shards.0, SubscriberId::shard)),
            last: shards.1,
            passed: cursor,
            streams: lists.into_iter().map(stream).collect(),
        }
    }

    /// The next `limit` recipients; fewer at the end, or when it is time to stop.
    pub(crate) async fn next(
        &mut self,
        store: &impl Audience,
        clock: &impl Clock,
        invocation: &Invocation,
        limit: usize,
    ) -> Result<Vec<SubscriberId>, PortError> {
        let mut ids = Vec::with_capacity(limit);
        while let Some(shard) = self.shard.filter(|_| ids.len() < limit) {
            if clock.now() >= invocation.stop_at {
                break;
            }
            for stream in &mut self.streams {
                stream.fill(store, clock, invocation.deadline, shard).await?;
            }
            match self.take_smallest() {
                Some(member) if member.joined_at <= self.started_at => ids.push(member.id),
                Some(_) => {}
                None => self.next_shard(shard),
            }
        }
        Ok(ids)
    }

    /// Whether there is nobody left.
    pub(crate) fn is_at_end(&self) -> bool {
        self.shard.is_none()
    }

    /// The last id that was passed: nobody up to it is left.
    pub(crate) fn passed(&self) -> Option<SubscriberId> {
        self.passed
    }

    fn take_smallest(&mut self) -> Option<Member> {
        let heads = self.streams.iter().filter_map(|stream| stream.buffer.front());
        let smallest = *heads.min_by_key(|member| (member.id, member.joined_at))?;
        for stream in &mut self.streams {
            if stream.buffer.front().is_some_and(|member| member.id == smallest.id) {
                stream.buffer.pop_front();
            }
        }
        self.passed = Some(smallest.id);
        Some(smallest)
    }

    fn next_shard(&mut self, ended: Shard) {
        self.passed = Some(SubscriberId::last_of(ended));
        self.shard = self.shard.filter(|shard| *shard < self.last).map(|shard| Shard(shard.0 + 1));
        for stream in &mut self.streams {
            (stream.after, stream.ended) = (None, false);
        }
    }
}

impl Stream {
    async fn fill(
        &mut self,
        store: &impl Audience,
        clock: &impl Clock,
        until: Timestamp,
        shard: Shard,
    ) -> Result<(), PortError> {
        if !self.buffer.is_empty() || self.ended {
            return Ok(());
        }
        let (list, after) = (self.list, self.after);
        self.buffer = retry(clock, until, || store.members(list, shard, after)).await?.into();
        match self.buffer.back() {
            Some(member) => self.after = Some(member.id),
            None => self.ended = true,
        }
        Ok(())
    }
}
