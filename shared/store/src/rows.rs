//! Writing a subscriber together with the memberships that follow from it.
//!
//! One rule, kept by this module alone: a membership item exists exactly where the subscriber's standing on
//! the list is not *unsubscribed*. So whoever changes a row hands in the row before and after, and the
//! memberships to put and to delete follow from the two. All of it is one transaction on the condition that
//! the row before still stands.

use std::collections::{BTreeMap, BTreeSet};

use fanmail_domain::{ListId, Subscriber, SubscriberId, SubscriptionStatus, Timestamp};
use fanmail_engine::ports::{Conditional, Member};

use crate::Store;
use crate::attributes::flag;
use crate::conditional::{delete_if, put_if, update_if};
use crate::error::StoreError;
use crate::items;
use crate::items::subscriber::{REV, Row, SHARED};
use crate::keys;
use crate::transaction::{Refusals, Token, Transacted, write_all};
use crate::write::{Action, Table, Write};

/// How many people joined and left each list.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Moves(BTreeMap<ListId, i64>);

impl Moves {
    pub(crate) fn add_all(&mut self, other: &Self) {
        for (list, delta) in &other.0 {
            *self.0.entry(*list).or_default() += delta;
        }
    }
}

/// What turns one row into another.
#[derive(Debug, Clone)]
pub(crate) struct RowChange {
    /// The row itself, then its memberships.
    pub(crate) writes: Vec<Write>,
    /// What that does to the lists' counters.
    pub(crate) moves: Moves,
}

/// Turns `before` into `after`, whose revision follows it.
pub(crate) fn replace(before: Option<&Row>, after: &Row, now: Timestamp) -> RowChange {
    let put = Write::put(Table::Audience, items::subscriber::encode(after));
    let put = match after.subscriber.rev.checked_sub(1) {
        Some(rev) => items::subscriber::if_stands(put, rev),
        None => put.if_absent(),
    };
    with_memberships(put, before.map(|row| &row.subscriber), Some(&after.subscriber), now)
}

/// Deletes a row; one that others passed by is emptied instead.
pub(crate) fn erase(before: &Row) -> RowChange {
    let subscriber = &before.subscriber;
    let write = if before.shared {
        Write::put(Table::Audience, items::subscriber::encode_gone(subscriber.id))
    } else {
        Write::delete(Table::Audience, keys::subscriber(subscriber.id))
    };
    let write = items::subscriber::if_stands(write, subscriber.rev);
    with_memberships(write, Some(subscriber), None, Timestamp(0))
}

/// Marks the row of somebody else whose id another address derives as well.
pub(crate) fn pass_by(id: SubscriberId) -> Write {
    Write::update(Table::Audience, keys::subscriber(id)).set(SHARED, flag(true)).add(REV, 1).if_present()
}

fn with_memberships(
    write: Write,
    before: Option<&Subscriber>,
    after: Option<&Subscriber>,
    now: Timestamp,
) -> RowChange {
    let mut change = RowChange { writes: vec![write], moves: Moves::default() };
    for list in lists(before).chain(lists(after)).collect::<BTreeSet<_>>() {
        let id = before.or(after).map(|subscriber| subscriber.id);
        let (Some(id), was, is) = (id, is_member(before, list), is_member(after, list)) else { continue };
        if was == is {
            continue;
        }
        let (write, delta) = if is {
            let member = Member { id, joined_at: now };
            (Write::put(Table::Audience, items::membership::encode(list, member)), 1)
        } else {
            (Write::delete(Table::Audience, keys::membership(list, id)), -1)
        };
        change.writes.push(write);
        change.moves.0.insert(list, delta);
    }
    change
}

fn lists(subscriber: Option<&Subscriber>) -> impl Iterator<Item = ListId> + '_ {
    subscriber.into_iter().flat_map(|subscriber| subscriber.lists.keys().copied())
}

fn is_member(subscriber: Option<&Subscriber>, list: ListId) -> bool {
    let standing = subscriber.and_then(|subscriber| subscriber.lists.get(&list));
    standing.is_some_and(|standing| *standing != SubscriptionStatus::Unsubscribed)
}

impl Store {
    /// One subscriber's row, strongly consistent.
    pub(crate) async fn row(&self, id: SubscriberId) -> Result<Option<Row>, StoreError> {
        let item = self.get(Table::Audience, keys::subscriber(id)).await?;
        Ok(item.as_ref().map(items::subscriber::decode).transpose()?.flatten())
    }

    /// Carries out writes of rows: all or none. A single one costs half of a transaction.
    pub(crate) async fn write_rows(&self, mut writes: Vec<Write>) -> Result<Transacted, StoreError> {
        if writes.len() != 1 {
            return write_all(self, Token::Fresh, writes).await;
        }
        let write = writes.remove(0);
        let answer = match write.action {
            Action::Put(_) => put_if(self, write).await?,
            Action::Delete => delete_if(self, write).await?,
            Action::Update | Action::Check => update_if(self, write).await?,
        };
        Ok(match answer {
            Conditional::Applied => Transacted::Applied,
            Conditional::Rejected(current) => Transacted::Rejected(Refusals::of_one(current)),
        })
    }

    /// Carries people who joined or left over into the lists' counters. Those are approximate: where this
    /// fails, the change itself stands.
    pub(crate) async fn count_moves(&self, moves: &Moves) {
        for (list, delta) in moves.0.iter().filter(|(_, delta)| **delta != 0) {
            let write = Write::update(Table::Audience, keys::list(*list))
                .add(items::list::SUBSCRIBERS, delta)
                .if_present();
            if let Err(error) = update_if(self, write).await {
                tracing::warn!(list.id = %list, delta, %error, "the counter of list {list} lags behind");
            }
        }
    }
}
