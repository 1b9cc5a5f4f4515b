//! Importing subscribers: many rows at a time, safe to repeat at any point.
//!
//! 1. Rows of the same address become one.
//! 2. Every row's id is derived from its address, and the rows that exist are read, a hundred at a time.
//! 3. What each row is to become is decided ([`merge`]), and written with its memberships: as many rows in one
//!    transaction as fit into its hundred actions, each row on the condition that it stands as it was read.
//! 4. A transaction that is refused says which rows were in the way and what stands there. Those are decided
//!    again, and go into the next round together with their neighbours.
//!
//! Where another address has the id, the row takes the next one of its sequence, and marks the row that it
//! passes (`items/subscriber.rs` says why).

mod merge;
mod plan;

use std::collections::{BTreeSet, HashMap};

use fanmail_domain::{EmailAddress, ListId, SubscriberId, SubscriberStatus, SubscriptionStatus, Timestamp};
use fanmail_engine::ports::{Consistency, PortError};
use futures::{StreamExt, TryStreamExt};

use crate::Store;
use crate::error::{InOperation, StoreError};
use crate::items;
use crate::keys;
use crate::read::{TRIES, back_off};
use crate::rows::Moves;
use crate::transaction::{Refusals, Transacted};
use crate::write::Table;
use plan::{Open, Planned, Slot, Step, groups};

/// One row of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSubscriber {
    /// Where mail goes.
    pub email: EmailAddress,
    /// What to call them; may be empty.
    pub name: String,
    /// Attributes, a JSON object in text form.
    pub attribs: String,
    /// Whether they may be written to at all.
    pub status: SubscriberStatus,
}

/// How rows are imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Import<'a> {
    /// The lists that everybody in it goes on: at most 90, so that a row fits into a transaction.
    pub lists: &'a [ListId],
    /// The standing they get there.
    pub standing: SubscriptionStatus,
    /// Whether the import knows better than what is stored.
    pub overwrite: Overwrite,
    /// The time of the import: whoever joins a list joins it now.
    pub now: Timestamp,
}

/// Whether an import replaces what is stored of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// Names, attributes and status are replaced, and *unconfirmed* may become *confirmed*.
    Yes,
    /// What is stored stays; lists are added.
    No,
}

/// What became of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// Nobody had this address.
    Created,
    /// Something of them changed.
    Updated,
    /// All of it was there already.
    Unchanged,
    /// They left one of the lists, and stay away from it; the rest was carried out.
    KeptUnsubscribed,
    /// They are blocklisted; nothing was changed.
    KeptBlocklisted,
    /// Another row of the same import has this address and counted: the last one when overwriting, else the
    /// first.
    Duplicate,
}

/// Transactions under way at once.
const CONCURRENCY: usize = 4;

impl Store {
    /// Imports `rows` and says what became of each, in their order. Importing twice changes nothing twice,
    /// and nobody is brought back who left a list or is blocklisted. A few thousand rows are a good size: all
    /// of them are held in memory.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or a row cannot be read. Some rows may be imported then;
    /// importing all of them again is safe.
    pub async fn import(&self, rows: &[NewSubscriber], how: &Import<'_>) -> Result<Vec<Imported>, PortError> {
        self.import_rows(rows, how).await.during("import subscribers")
    }

    async fn import_rows(
        &self,
        rows: &[NewSubscriber],
        how: &Import<'_>,
    ) -> Result<Vec<Imported>, StoreError> {
        let mut outcomes = vec![Imported::Duplicate; rows.len()];
        let mut open: Vec<Open<'_>> = distinct(rows, how.overwrite)
            .into_iter()
            .map(|index| Open::new(index, &rows[index], self.derive))
            .collect();
        let (mut fruitless, mut consistency) = (0, Consistency::Eventual);
        while !open.is_empty() {
            if fruitless == TRIES {
                return Err(StoreError::Contended);
            }
            back_off(fruitless).await;
            let (before, way) = (open.len(), way_gone(&open));
            open = self.round(open, how, consistency, &mut outcomes).await?;
            let progress = open.len() < before || way_gone(&open) > way;
            fruitless = if progress { 0 } else { fruitless + 1 };
            consistency = Consistency::Strong;
        }
        Ok(outcomes)
    }

    /// Steps 2 to 4 once, for all rows that have no outcome yet. Answers those that still have none.
    async fn round<'r>(
        &self,
        mut open: Vec<Open<'r>>,
        how: &Import<'_>,
        consistency: Consistency,
        outcomes: &mut [Imported],
    ) -> Result<Vec<Open<'r>>, StoreError> {
        self.read_slots(&mut open, consistency).await?;
        let (mut planned, mut left) = (Vec::new(), Vec::new());
        for row in open {
            match row.step(how, self.derive) {
                Step::Nothing(index, outcome) => outcomes[index] = outcome,
                Step::Elsewhere(row) => left.push(row),
                Step::Write(row) => planned.push(row),
            }
        }
        let (groups, postponed) = groups(planned);
        left.extend(postponed.into_iter().map(|planned| planned.open.unread()));
        // Collected first: a closure kept across an await would make this future hard to send.
        let calls: Vec<_> = groups.into_iter().map(|group| self.write_group(group)).collect();
        let mut answers = futures::stream::iter(calls).buffer_unordered(CONCURRENCY);
        while let Some(answer) = answers.try_next().await? {
            for (index, outcome) in answer.written {
                outcomes[index] = outcome;
            }
            left.extend(answer.left);
        }
        Ok(left)
    }

    async fn read_slots(&self, open: &mut [Open<'_>], consistency: Consistency) -> Result<(), StoreError> {
        let unread = open.iter().filter(|row| row.slot == Slot::Unread);
        let ids: BTreeSet<SubscriberId> = unread.map(|row| row.id).collect();
        let keys = ids.into_iter().map(keys::subscriber).collect();
        let mut slots = HashMap::new();
        for item in self.get_many(Table::Audience, keys, consistency).await? {
            slots.insert(keys::Key::of(&item), Slot::of(Some(&item))?);
        }
        for row in open.iter_mut().filter(|row| row.slot == Slot::Unread) {
            row.slot = slots.get(&keys::subscriber(row.id)).cloned().unwrap_or(Slot::Absent);
        }
        Ok(())
    }

    async fn write_group<'r>(&self, group: Vec<Planned<'r>>) -> Result<Answer<'r>, StoreError> {
        let writes = group.iter().flat_map(|row| row.change.writes.iter().cloned()).collect();
        match self.write_rows(writes).await {
            Ok(Transacted::Applied) => {
                let mut moves = Moves::default();
                group.iter().for_each(|row| moves.add_all(&row.change.moves));
                self.count_moves(&moves).await;
                let written = group.iter().map(|row| (row.open.index, row.outcome)).collect();
                Ok(Answer { written, left: Vec::new() })
            }
            Ok(Transacted::Rejected(refusals)) => {
                let left = look_again(group, &refusals, self.derive)?;
                Ok(Answer { written: Vec::new(), left })
            }
            Err(error) if error.is_transient() => {
                let left = group.into_iter().map(|planned| planned.open).collect();
                Ok(Answer { written: Vec::new(), left })
            }
            Err(error) => Err(error),
        }
    }
}

/// What became of one transaction.
struct Answer<'r> {
    written: Vec<(usize, Imported)>,
    left: Vec<Open<'r>>,
}

/// The rows of a refused transaction; those that were in the way know now what stands there.
fn look_again<'r>(
    group: Vec<Planned<'r>>,
    refusals: &Refusals,
    derive: crate::Derive,
) -> Result<Vec<Open<'r>>, StoreError> {
    let mut position = 0;
    let mut left = Vec::with_capacity(group.len());
    for planned in group {
        let (mut open, count) = (planned.open, planned.change.writes.len());
        if let Some(current) = refusals.at(position) {
            open.slot = Slot::of(current)?;
        }
        // The marks on rows passed by come last; a row that went meanwhile may have freed the id.
        if (position + 1..position + count).any(|position| refusals.at(position).is_some()) {
            open = Open::new(open.index, open.row, derive);
        }
        position += count;
        left.push(open);
    }
    Ok(left)
}

/// How many ids of others the rows have passed by.
fn way_gone(open: &[Open<'_>]) -> u64 {
    open.iter().map(|row| u64::from(row.salt)).sum()
}

/// The positions of the rows that count: one for each address.
fn distinct(rows: &[NewSubscriber], overwrite: Overwrite) -> Vec<usize> {
    let mut counts = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        let position = counts.entry(&row.email).or_insert(index);
        if overwrite == Overwrite::Yes {
            *position = index;
        }
    }
    let mut positions: Vec<usize> = counts.into_values().collect();
    positions.sort_unstable();
    positions
}

impl Slot {
    /// What an item says about its place.
    fn of(item: Option<&crate::attributes::Item>) -> Result<Self, StoreError> {
        let Some(item) = item else { return Ok(Self::Absent) };
        Ok(items::subscriber::decode(item)?.map_or(Self::Gone, Self::Taken))
    }
}
