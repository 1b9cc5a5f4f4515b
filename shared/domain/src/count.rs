//! What a change of a batch means for its lane's counters.
//!
//! The counters of a lane have to equal a recount of its batches at any moment, so they change in the same
//! transaction as the batch, and by exactly the difference between the batch before and after. Nothing else
//! computes a difference: whatever is done to a batch, it is counted the same way.

use std::collections::BTreeMap;

use crate::{Batch, Lane, Phase, RecipientState, Timestamp};

/// What to add to a lane's counters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaneCount {
    /// How many more batches are done.
    pub done: i64,
    /// How many more recipients ended in each state; none of them zero.
    pub states: BTreeMap<RecipientState, i64>,
    /// When it happened.
    pub at: Timestamp,
}

impl LaneCount {
    /// The difference that turning `before` into `after` makes.
    #[must_use]
    pub fn between(before: &Batch, after: &Batch, at: Timestamp) -> Self {
        let mut states: BTreeMap<RecipientState, i64> = BTreeMap::new();
        for (old, new) in before.entries.iter().zip(&after.entries) {
            if (old.counted, old.state) == (new.counted, new.state) {
                continue;
            }
            if old.counted {
                *states.entry(old.state).or_default() -= 1;
            }
            if new.counted {
                *states.entry(new.state).or_default() += 1;
            }
        }
        states.retain(|_, count| *count != 0);
        let done = |batch: &Batch| i64::from(batch.phase == Phase::Done);
        Self { done: done(after) - done(before), states, at }
    }

    /// Whether there is nothing to add.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.done == 0 && self.states.is_empty()
    }
}

impl Lane {
    /// Adds to the counters.
    pub fn count(&mut self, count: &LaneCount) {
        self.done = u32::try_from(i64::from(self.done) + count.done).unwrap_or_default();
        for (state, by) in &count.states {
            self.tally.shift(*state, *by);
        }
        self.moved_at = self.moved_at.max(count.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchEvent, BatchId, CampaignId, Change, Epoch, Holder, LaneNo, LanePlan, RecipientEvent};
    use crate::{Evidence, FailReason, Retry, SubscriberId, Tally};

    fn then(batch: &Batch, event: &BatchEvent<'_>) -> Batch {
        batch.clone().apply(event).unwrap()
    }

    fn recount(batch: &Batch) -> Tally {
        batch.entries.iter().filter(|entry| entry.counted).map(|entry| entry.state).collect()
    }

    /// Two recipients, one accepted and one in doubt, through everything that can happen to a batch.
    fn life() -> Vec<Batch> {
        let ids = [1, 2].map(|id| SubscriberId::from_number(id).unwrap());
        let fresh = Batch::planned(BatchId { campaign: CampaignId(1), lane: LaneNo(0), seq: 0 }, &ids);
        let (now, until) = (Timestamp(0), Timestamp(9));
        let leased = then(&fresh, &BatchEvent::LeaseTaken { holder: Holder(1), now, until });
        let token = leased.token;
        let change = |position, event| Change { position, event };
        let submit = [change(0, RecipientEvent::Submit), change(1, RecipientEvent::Submit)];
        let ends = [change(0, RecipientEvent::Accept), change(1, RecipientEvent::Lose)];
        let submitting = then(&leased, &BatchEvent::Recorded { token, changes: &submit });
        let ended = then(&submitting, &BatchEvent::Recorded { token, changes: &ends });
        let counted = then(&ended, &BatchEvent::Counted { token });
        let done = then(&counted, &BatchEvent::Finished { token });
        let retry = Retry { epoch: Epoch(2), states: Retry::class("in_doubt").unwrap(), only: [].into() };
        let reopened = then(&done, &BatchEvent::Reopened(&retry));
        let settled = then(&reopened, &BatchEvent::Settled { position: 1, evidence: Evidence::Taken });
        let bounced = then(&settled, &BatchEvent::Settled { position: 0, evidence: Evidence::Bounced });
        vec![fresh, leased, submitting, ended, counted, done, reopened, settled, bounced]
    }

    #[test]
    fn counters_equal_a_recount_after_each_step() {
        let plan = LanePlan::planned(LaneNo(0), LanePlan::share(LaneNo(0), 1), Epoch(1), Timestamp(0));
        let mut lane = Lane { plan, done: 0, tally: Tally::default(), moved_at: Timestamp(0) };
        for step in life().windows(2) {
            lane.count(&LaneCount::between(&step[0], &step[1], Timestamp(4)));
            assert_eq!(lane.tally, recount(&step[1]));
            assert_eq!(lane.done, u32::from(step[1].phase == Phase::Done));
        }
        assert_eq!(lane.tally.named("failed"), 1);
        assert_eq!(lane.moved_at, Timestamp(4));
    }

    #[test]
    fn what_changes_no_counter_is_empty_and_all_else_is_not() {
        let life = life();
        let empty: Vec<bool> = life
            .windows(2)
            .map(|step| LaneCount::between(&step[0], &step[1], Timestamp(0)).is_empty())
            .collect();
        // leased, submitting, ended; counted, done, reopened, settled, bounced
        assert_eq!(empty, [true, true, true, false, false, false, false, false]);
    }

    #[test]
    fn a_batch_is_reopened_once_in_a_run() {
        let [.., done, reopened, _, _] = &life()[..] else { panic!("nine steps") };
        assert_eq!((done.phase, reopened.phase), (Phase::Done, Phase::Queued));
        assert_eq!(reopened.pending().collect::<Vec<_>>(), [1]);
        let again = Retry { epoch: Epoch(2), states: Retry::class("failed:*").unwrap(), only: [].into() };
        assert!(reopened.clone().apply(&BatchEvent::Reopened(&again)).is_err());
    }

    #[test]
    fn what_somebody_holds_is_not_touched_by_anybody_else() {
        let leased = &life()[1];
        let retry = Retry { epoch: Epoch(2), states: Retry::class("failed:*").unwrap(), only: [].into() };
        let events = [
            BatchEvent::Closed,
            BatchEvent::Reopened(&retry),
            BatchEvent::Assumed { positions: &[0] },
            BatchEvent::Settled { position: 0, evidence: Evidence::Taken },
        ];
        assert!(events.iter().all(|event| leased.clone().apply(event).is_err()));
    }

    #[test]
    fn closing_skips_who_waits_and_ends_the_batch() {
        let closed = then(&life()[0], &BatchEvent::Closed);
        assert_eq!((closed.phase, closed.tally().named("skipped")), (Phase::Done, 2));
        let failed = RecipientState::Failed(FailReason::Bounced);
        assert!(closed.entries.iter().all(|entry| entry.counted && entry.state != failed));
    }
}
