//! Counting one lane again, and naming what does not fit.

use std::collections::HashMap;

use fanmail_domain::batch::Entry;
use fanmail_domain::{Batch, BatchId, Lane, LaneNo, Phase, RecipientState, Shard, SubscriberId, Tally};

/// Differences that are spelled out for one lane; of more there is only the number.
const MOST: usize = 200;

/// One lane, as its batches have it.
pub(super) struct Recount {
    lane: LaneNo,
    shards: (Shard, Shard),
    tally: Tally,
    created: u32,
    done: u32,
    /// Where each recipient was found.
    places: HashMap<SubscriberId, BatchId>,
    recipients: u64,
    /// How many of them have not come to an end.
    open: u64,
    last: Option<SubscriberId>,
    /// The number that the next batch has to have.
    next: u32,
    differences: Vec<String>,
    more: usize,
}

impl Recount {
    /// A lane of which no batch was seen yet.
    pub(super) fn new(lane: LaneNo, shards: (Shard, Shard)) -> Self {
        Self {
            lane,
            shards,
            tally: Tally::default(),
            created: 0,
            done: 0,
            places: HashMap::new(),
            recipients: 0,
            open: 0,
            last: None,
            next: 0,
            differences: Vec::new(),
            more: 0,
        }
    }

    pub(super) fn lane(&self) -> LaneNo {
        self.lane
    }

    /// How many entries there are.
    pub(super) fn recipients(&self) -> u64 {
        self.recipients
    }

    /// How many of them have not come to an end.
    pub(super) fn open(&self) -> u64 {
        self.open
    }

    /// Takes in the next batch.
    pub(super) fn add(&mut self, batch: &Batch) {
        self.expect(batch.id.seq);
        self.created += 1;
        self.done += u32::from(batch.phase == Phase::Done);
        for entry in &batch.entries {
            self.recipients += 1;
            self.open += u64::from(!entry.state.is_terminal());
            self.check_place(batch.id, entry.subscriber);
            self.check_state(batch, entry);
            if entry.counted {
                self.tally.add(entry.state, 1);
            }
        }
    }

    /// Takes in a batch that is there and cannot be understood.
    pub(super) fn unreadable(&mut self, batch: BatchId, why: &str) {
        self.expect(batch.seq);
        self.created += 1;
        self.found(format!("batch {batch} cannot be read: {why}"));
    }

    /// Everything that does not fit: in the batches, and between them and `lane`, if it is known.
    pub(super) fn end(mut self, lane: Option<&Lane>) -> Vec<String> {
        if let Some(lane) = lane {
            self.expect(lane.plan.created);
            self.compare(lane);
        }
        if self.more > 0 {
            self.differences.push(format!("lane {}: {} more differences", self.lane, self.more));
        }
        self.differences
    }

    /// Batch `seq` comes next, or the end of the lane there.
    fn expect(&mut self, seq: u32) {
        let (lane, first) = (self.lane, self.next);
        match seq.saturating_sub(first) {
            0 => {}
            1 => self.found(format!("lane {lane}: batch {first} is missing")),
            _ => self.found(format!("lane {lane}: batches {first} to {} are missing", seq - 1)),
        }
        self.next = seq + 1;
    }

    /// Each recipient is in one batch, in the lane of their shard, behind everybody with a smaller id.
    fn check_place(&mut self, batch: BatchId, id: SubscriberId) {
        if let Some(other) = self.places.insert(id, batch) {
            self.found(if other == batch {
                format!("batch {batch}: recipient {id} is in it twice")
            } else {
                format!("batch {batch}: recipient {id} is in batch {other} too")
            });
        } else if self.last.is_some_and(|last| id < last) {
            self.found(format!("batch {batch}: recipient {id} is not in the order of ids"));
        }
        if !(self.shards.0..=self.shards.1).contains(&id.shard()) {
            self.found(format!("batch {batch}: recipient {id} belongs in another lane"));
        }
        self.last = Some(id);
    }

    /// Whoever is counted came to an end, and in a batch that is done everybody did and is counted.
    fn check_state(&mut self, batch: &Batch, entry: &Entry) {
        let (id, who, state) = (batch.id, entry.subscriber, entry.state.name());
        let (ended, done) = (entry.state.is_terminal(), batch.phase == Phase::Done);
        if entry.counted && !ended {
            self.found(format!("batch {id}: recipient {who} is counted and {state}"));
        }
        if done && !ended {
            self.found(format!("batch {id}: it is done and recipient {who} is {state}"));
        }
        if done && ended && !entry.counted {
            self.found(format!("batch {id}: it is done and recipient {who} is in no counter"));
        }
    }

    fn compare(&mut self, lane: &Lane) {
        let no = self.lane;
        let mut pairs = vec![
            ("batches".to_owned(), lane.plan.created.into(), self.created.into()),
            ("done batches".to_owned(), lane.done.into(), self.done.into()),
            ("recipients".to_owned(), lane.plan.recipients, self.recipients),
        ];
        pairs.extend(
            RecipientState::ALL.map(|state| (name(state), of(&lane.tally, state), of(&self.tally, state))),
        );
        for (what, counter, ledger) in pairs {
            if counter != ledger {
                self.found(format!(
                    "lane {no}: {what} is {counter} by the counter and {ledger} by the ledger"
                ));
            }
        }
    }

    fn found(&mut self, difference: String) {
        if self.differences.len() < MOST {
            self.differences.push(difference);
        } else {
            self.more += 1;
        }
    }
}

fn name(state: RecipientState) -> String {
    state.reason().map_or_else(|| state.name().to_owned(), |reason| format!("{}:{reason}", state.name()))
}

fn of(tally: &Tally, state: RecipientState) -> u64 {
    tally.iter().find(|(it, _)| *it == state).map_or(0, |(_, count)| count)
}

#[cfg(test)]
mod tests;
