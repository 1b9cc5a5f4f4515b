//! The steps of a single row through an import, and the grouping of rows into transactions.

use std::collections::HashSet;

use fanmail_domain::SubscriberId;

use super::merge::{created, merged};
use super::{Import, Imported, NewSubscriber};
use crate::Derive;
use crate::items::subscriber::Row;
use crate::keys::{Key, SUBSCRIBERS};
use crate::rows::{RowChange, pass_by, replace};
use crate::transaction::MAX_ACTIONS;

/// A row without an outcome.
#[derive(Debug, Clone)]
pub(super) struct Open<'r> {
    /// Its position in the import.
    pub(super) index: usize,
    pub(super) row: &'r NewSubscriber,
    /// The id it tries for.
    pub(super) id: SubscriberId,
    /// What stands at that id, as far as it is known.
    pub(super) slot: Slot,
    pub(super) salt: u32,
    /// Rows of others on the way here that bear no mark yet.
    passed: Vec<SubscriberId>,
}

/// What stands at an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Slot {
    Unread,
    Absent,
    Taken(Row),
    /// A row that was deleted, and that others passed by.
    Gone,
}

/// A row, and what is to be written for it.
#[derive(Debug)]
pub(super) struct Planned<'r> {
    pub(super) open: Open<'r>,
    pub(super) change: RowChange,
    pub(super) outcome: Imported,
}

/// Where a row goes next.
#[derive(Debug)]
pub(super) enum Step<'r> {
    /// There is nothing to write.
    Nothing(usize, Imported),
    /// Its id belongs to somebody else: the next one is to be read.
    Elsewhere(Open<'r>),
    /// It is to be written.
    Write(Planned<'r>),
}

impl<'r> Open<'r> {
    pub(super) fn new(index: usize, row: &'r NewSubscriber, derive: Derive) -> Self {
        let id = derive(&row.email, 0);
        Self { index, row, id, slot: Slot::Unread, salt: 0, passed: Vec::new() }
    }

    /// Decides by what stands at the row's id.
    pub(super) fn step(mut self, how: &Import<'_>, derive: Derive) -> Step<'r> {
        match std::mem::replace(&mut self.slot, Slot::Unread) {
            Slot::Unread => Step::Elsewhere(self),
            Slot::Absent => {
                let after = Row { subscriber: created(self.row, self.id, how), shared: false };
                let change = replace(None, &after, how.now);
                self.slot = Slot::Absent;
                self.write(change, Imported::Created)
            }
            Slot::Taken(before) if before.subscriber.email == self.row.email => {
                let (mut subscriber, outcome) = merged(&before.subscriber, self.row, how);
                if subscriber == before.subscriber {
                    return Step::Nothing(self.index, outcome);
                }
                subscriber.rev += 1;
                let after = Row { subscriber, shared: before.shared };
                let change = replace(Some(&before), &after, how.now);
                self.slot = Slot::Taken(before);
                self.write(change, outcome)
            }
            Slot::Taken(other) => {
                if !other.shared {
                    self.passed.push(self.id);
                }
                self.elsewhere(derive)
            }
            Slot::Gone => self.elsewhere(derive),
        }
    }

    /// The same row, to be looked up again.
    pub(super) fn unread(self) -> Self {
        Self { slot: Slot::Unread, ..self }
    }

    fn elsewhere(mut self, derive: Derive) -> Step<'r> {
        self.salt += 1;
        self.id = derive(&self.row.email, self.salt);
        Step::Elsewhere(self)
    }

    fn write(self, mut change: RowChange, outcome: Imported) -> Step<'r> {
        change.writes.extend(self.passed.iter().copied().map(pass_by));
        Step::Write(Planned { open: self, change, outcome })
    }
}

/// Rows in groups of one transaction each, and those that have to wait for the next round because a group of
/// this one writes the same item.
pub(super) fn groups(planned: Vec<Planned<'_>>) -> (Vec<Vec<Planned<'_>>>, Vec<Planned<'_>>) {
    let mut taken: HashSet<Key> = HashSet::new();
    let (mut groups, mut postponed) = (Vec::new(), Vec::new());
    let (mut group, mut actions) = (Vec::new(), 0);
    for row in planned {
        // Memberships follow from the row; only the rows themselves can be met twice.
        let rows = row.change.writes.iter().filter(|write| is_row(&write.key));
        let keys: Vec<Key> = rows.map(|write| write.key.clone()).collect();
        if keys.iter().any(|key| taken.contains(key)) {
            postponed.push(row);
            continue;
        }
        taken.extend(keys);
        let count = row.change.writes.len();
        if actions + count > MAX_ACTIONS {
            groups.push(std::mem::take(&mut group));
            actions = 0;
        }
        actions += count;
        group.push(row);
    }
    groups.push(group);
    groups.retain(|group| !group.is_empty());
    (groups, postponed)
}

fn is_row(key: &Key) -> bool {
    key.pk.starts_with(SUBSCRIBERS)
}
