//! The lane: a contiguous range of the 64 shards, planned by one fan-out at a time.
//!
//! A lane has two halves that different writers own. The *plan* (cursor, `created`, `enqueued`, the lease)
//! is written by the fan-out that holds the lane, under `rev`. The *counters* (`done` and the tally) are
//! added to by every batch that ends, in the same transaction that ends it.
//!
//! `created` batches are in the ledger; of those, tasks were sent for the first `enqueued`. Whoever takes the
//! lane sends what lies between again, so a crash between writing and sending, a new epoch and a purged
//! queue are all mended the same way: by moving `enqueued` back.

use crate::{Epoch, Holder, IllegalTransition, LaneNo, Shard, SubscriberId, Tally, Timestamp};

/// The half of a lane that fan-out writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LanePlan {
    /// Which lane.
    pub no: LaneNo,
    /// The shards it covers, first and last.
    pub shards: (Shard, Shard),
    /// Grows with every write of the plan; the write names the one it read.
    pub rev: u32,
    /// The run whose tasks `enqueued` counts.
    pub epoch: Epoch,
    /// The last subscriber planned; ids order by shard first, so this is a place in the whole range.
    pub cursor: Option<SubscriberId>,
    /// Whether the last page was written: nobody will be added any more.
    pub sealed: bool,
    /// How many batches are in the ledger.
    pub created: u32,
    /// For how many of them a task was sent in this epoch.
    pub enqueued: u32,
    /// All batches below this one are done: nobody has to look at them.
    pub low: u32,
    /// How many recipients those batches have.
    pub recipients: u64,
    /// Who plans it, if anybody.
    pub holder: Option<Holder>,
    /// Until when the lane is not to be considered left behind.
    pub until: Timestamp,
    /// When its tasks were last taken for lost.
    pub rewound_at: Timestamp,
}

/// A lane as the store has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lane {
    /// What fan-out wrote.
    pub plan: LanePlan,
    /// How many of the created batches are done.
    pub done: u32,
    /// How their recipients ended, and those of batches under way as far as they are counted.
    pub tally: Tally,
    /// When something was last counted.
    pub moved_at: Timestamp,
}

/// What happens to a lane's plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneEvent {
    /// A fan-out takes the lane.
    Taken {
        /// Who takes it.
        holder: Holder,
        /// The run it works for.
        epoch: Epoch,
        /// The taker's time.
        now: Timestamp,
        /// When the lease is to end.
        until: Timestamp,
        /// Whether the run looks at done batches again, for a retry.
        reopens: bool,
    },
    /// A page of batches is written.
    Planned {
        /// How many batches.
        batches: u32,
        /// How many recipients in them.
        recipients: u64,
        /// The last subscriber of the page.
        cursor: SubscriberId,
    },
    /// The last page is written.
    Sealed,
    /// Tasks were sent for all batches below this one.
    Enqueued {
        /// The new count.
        batches: u32,
    },
    /// The holder gives the lane back.
    Released {
        /// The holder's time: from now on the lane may be left behind.
        now: Timestamp,
    },
    /// All tasks may be lost: send them again.
    Rewound {
        /// The sweeper's time.
        now: Timestamp,
    },
    /// The sweeper saw that all batches below this one are done.
    Swept {
        /// The new [`LanePlan::low`].
        low: u32,
    },
}

impl LanePlan {
    /// A lane as the start writes it, not to be considered left behind before `until`.
    #[must_use]
    pub fn planned(no: LaneNo, shards: (Shard, Shard), epoch: Epoch, until: Timestamp) -> Self {
        Self {
            no,
            shards,
            rev: 0,
            epoch,
            cursor: None,
            sealed: false,
            created: 0,
            enqueued: 0,
            low: 0,
            recipients: 0,
            holder: None,
            until,
            rewound_at: Timestamp(0),
        }
    }

    /// The only way to change a plan.
    ///
    /// A newer epoch takes the lane even from a holder whose lease still runs: that holder works for a run
    /// that is over, and its next write is refused by `rev`.
    ///
    /// # Errors
    ///
    /// [`IllegalTransition`] if somebody else holds the lane, or nobody does and somebody must, or the plan
    /// would grow after it was sealed.
    pub fn apply(mut self, event: LaneEvent) -> Result<Self, IllegalTransition> {
        use LaneEvent as E;

        let held = self.holder.is_some();
        let illegal = Err(IllegalTransition { state: self.state_name(), event: event.name() });
        match event {
            E::Taken { holder, epoch, now, until, reopens }
                if epoch >= self.epoch && (epoch > self.epoch || !held || self.until <= now) =>
            {
                if epoch > self.epoch {
                    self.low = if reopens { 0 } else { self.low };
                    (self.epoch, self.enqueued) = (epoch, self.low);
                }
                (self.holder, self.until) = (Some(holder), until);
            }
            E::Planned { batches, recipients, cursor } if held && !self.sealed => {
                self.created += batches;
                self.recipients += recipients;
                self.cursor = Some(cursor);
            }
            E::Sealed if held => self.sealed = true,
            E::Enqueued { batches } if held && (self.enqueued..=self.created).contains(&batches) => {
                self.enqueued = batches;
            }
            E::Released { now } if held => (self.holder, self.until) = (None, now),
            E::Rewound { now } if !held || self.until <= now => {
                (self.holder, self.enqueued, self.rewound_at) = (None, self.low, now);
            }
            E::Swept { low } if !held && (self.low..=self.enqueued).contains(&low) => self.low = low,
            E::Taken { .. }
            | E::Planned { .. }
            | E::Sealed
            | E::Enqueued { .. }
            | E::Released { .. }
            | E::Rewound { .. }
            | E::Swept { .. } => return illegal,
        }
        Ok(self)
    }

    /// Whether everybody is planned, and every batch was given to the senders in the run `epoch`.
    #[must_use]
    pub fn is_fanned_out(&self, epoch: Epoch) -> bool {
        self.sealed && self.enqueued == self.created && self.epoch == epoch
    }

    /// How many batches are done when the last one ends. `None` while the run may still add or send some: no end
    /// is the last one then.
    #[must_use]
    pub fn last_at(&self) -> Option<u32> {
        self.is_fanned_out(self.epoch).then(|| self.created.saturating_sub(1))
    }

    /// Whether the lane still has something to plan or to send in the run `epoch`, and nobody who does it.
    #[must_use]
    pub fn is_left_behind(&self, epoch: Epoch, now: Timestamp) -> bool {
        !self.is_fanned_out(epoch) && self.until <= now
    }

    /// The lane's share of the shards, when `lanes` of them divide the 64 evenly.
    #[must_use]
    pub fn share(no: LaneNo, lanes: u8) -> (Shard, Shard) {
        let width = Shard::COUNT / lanes.clamp(1, Shard::COUNT);
        let first = no.0 * width;
        (Shard(first), Shard(first + width - 1))
    }

    fn state_name(&self) -> &'static str {
        match (self.holder.is_some(), self.sealed) {
            (true, false) => "a held lane",
            (true, true) => "a held, sealed lane",
            (false, false) => "a free lane",
            (false, true) => "a free, sealed lane",
        }
    }
}

impl Lane {
    /// Whether the run `epoch` fanned the whole lane out, and everybody came to an end. A run that has not
    /// looked at the lane yet may still have to take back ends, for a retry.
    #[must_use]
    pub fn is_complete(&self, epoch: Epoch) -> bool {
        self.plan.is_fanned_out(epoch) && self.done == self.plan.created
    }

    /// Whether the lane goes on when one more of its batches ends: then nobody has to look whether the campaign is
    /// finished.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.plan.last_at().is_none_or(|last_at| self.done < last_at)
    }
}

/// A lane is worth its own item from about this many recipients on.
const RECIPIENTS_PER_LANE: u64 = 2_500;

/// How many lanes to plan for an audience of about this size: a power of two up to 64, so that lanes divide
/// the shards evenly and their counters, one item each, are not written by everybody at once.
#[must_use]
pub fn lanes_for(recipients: u64) -> u8 {
    let mut lanes = 1;
    while lanes < Shard::COUNT && u64::from(lanes) * RECIPIENTS_PER_LANE < recipients {
        lanes *= 2;
    }
    lanes
}

impl LaneEvent {
    fn name(self) -> &'static str {
        match self {
            Self::Taken { .. } => "be taken",
            Self::Planned { .. } => "plan more batches",
            Self::Sealed => "be sealed",
            Self::Enqueued { .. } => "advance its tasks",
            Self::Released { .. } => "be released",
            Self::Rewound { .. } => "be rewound",
            Self::Swept { .. } => "be swept",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free() -> LanePlan {
        LanePlan::planned(LaneNo(0), LanePlan::share(LaneNo(0), 1), Epoch(1), Timestamp(5))
    }

    fn take(epoch: u32, now: u64) -> LaneEvent {
        let (now, until) = (Timestamp(now), Timestamp(10));
        LaneEvent::Taken { holder: Holder(7), epoch: Epoch(epoch), now, until, reopens: false }
    }

    fn then(plan: LanePlan, events: &[LaneEvent]) -> LanePlan {
        events.iter().fold(plan, |plan, event| plan.apply(*event).unwrap())
    }

    const PAGE: LaneEvent = LaneEvent::Planned { batches: 2, recipients: 150, cursor: SubscriberId::MAX };

    #[test]
    fn the_transition_table_is_this_one() {
        let states = [
            free(),
            then(free(), &[take(1, 0)]),
            then(free(), &[take(1, 0), PAGE, LaneEvent::Enqueued { batches: 1 }]),
            then(free(), &[take(1, 0), PAGE, LaneEvent::Sealed]),
            then(free(), &[take(1, 0), PAGE, LaneEvent::Sealed, LaneEvent::Released { now: Timestamp(6) }]),
        ];
        let events = [
            take(0, 99),
            take(1, 9),
            take(1, 10),
            take(2, 0),
            PAGE,
            LaneEvent::Sealed,
            LaneEvent::Enqueued { batches: 2 },
            LaneEvent::Released { now: Timestamp(6) },
            LaneEvent::Rewound { now: Timestamp(9) },
        ];
        let show = |plan: LanePlan| {
            let held = if plan.holder.is_some() { "held" } else { "free" };
            let sealed = if plan.sealed { "!" } else { "" };
            format!("{held}@{}:{}/{}{sealed}", plan.epoch, plan.enqueued, plan.created)
        };
        let table = states.map(|state| {
            let cells = events.map(|event| state.clone().apply(event).map_or_else(|_| "-".into(), show));
            format!("{}: {}", show(state), cells.join(" "))
        });
        // take: older, running lease, ended lease, newer epoch; plan, seal, enqueue 2, release, rewind
        assert_eq!(
            table,
            [
                "free@1:0/0: - held@1:0/0 held@1:0/0 held@2:0/0 - - - - free@1:0/0",
                "held@1:0/0: - - held@1:0/0 held@2:0/0 held@1:0/2 held@1:0/0! - free@1:0/0 -",
                "held@1:1/2: - - held@1:1/2 held@2:0/2 held@1:1/4 held@1:1/2! held@1:2/2 free@1:1/2 -",
                "held@1:0/2!: - - held@1:0/2! held@2:0/2! - held@1:0/2! held@1:2/2! free@1:0/2! -",
                "free@1:0/2!: - held@1:0/2! held@1:0/2! held@2:0/2! - - - - free@1:0/2!",
            ]
        );
    }

    #[test]
    fn a_lane_goes_on_until_one_end_is_missing_in_a_run_that_sent_everything() {
        let lane = |plan: LanePlan, done| {
            Lane { plan, done, tally: Tally::default(), moved_at: Timestamp(0) }.goes_on()
        };
        let page = then(free(), &[take(1, 0), PAGE]);
        let sealed = then(page.clone(), &[LaneEvent::Sealed]);
        let fanned_out = then(sealed.clone(), &[LaneEvent::Enqueued { batches: 2 }]);
        assert!(lane(page, 2) && lane(sealed, 2), "more may come");
        assert!(lane(fanned_out.clone(), 0) && !lane(fanned_out.clone(), 1));
        let resumed = then(fanned_out, &[take(2, 0)]);
        assert!(lane(resumed, 1), "the new run looks at all of it first");
    }

    #[test]
    fn tasks_never_run_backwards_but_by_rewinding() {
        let plan = then(free(), &[take(1, 0), PAGE, LaneEvent::Enqueued { batches: 2 }]);
        assert!(plan.clone().apply(LaneEvent::Enqueued { batches: 1 }).is_err());
        let rewound = then(
            plan,
            &[LaneEvent::Released { now: Timestamp(6) }, LaneEvent::Rewound { now: Timestamp(6) }],
        );
        assert_eq!((rewound.enqueued, rewound.created), (0, 2));
    }

    #[test]
    fn a_lane_is_left_behind_only_with_work_and_without_a_lease() {
        let page = then(free(), &[take(1, 0), PAGE]);
        let behind = |plan: &LanePlan, epoch, now| plan.is_left_behind(Epoch(epoch), Timestamp(now));
        assert!(!behind(&page, 1, 9) && behind(&page, 1, 10));
        let ended = then(page, &[LaneEvent::Sealed, LaneEvent::Enqueued { batches: 2 }]);
        assert!(!behind(&ended, 1, 99));
        assert!(behind(&ended, 2, 99), "a new run has not looked at it");
    }

    #[test]
    fn a_new_run_begins_behind_what_is_done_unless_it_takes_ends_back() {
        let ended = [PAGE, LaneEvent::Sealed, LaneEvent::Enqueued { batches: 2 }];
        let plan = then(then(free(), &[take(1, 0)]), &ended);
        let swept = [LaneEvent::Released { now: Timestamp(6) }, LaneEvent::Swept { low: 1 }];
        let plan = then(plan, &swept);
        assert!(plan.clone().apply(LaneEvent::Swept { low: 0 }).is_err());
        assert!(plan.clone().apply(LaneEvent::Swept { low: 3 }).is_err());
        let again = |reopens| {
            let (now, until) = (Timestamp(7), Timestamp(20));
            let taken = LaneEvent::Taken { holder: Holder(8), epoch: Epoch(2), now, until, reopens };
            let plan = plan.clone().apply(taken).unwrap();
            (plan.low, plan.enqueued)
        };
        assert_eq!((again(false), again(true)), ((1, 1), (0, 0)));
    }

    #[test]
    fn a_lane_is_complete_when_its_run_delivered_all_of_it_and_all_is_done() {
        let ended = [LaneEvent::Sealed, LaneEvent::Enqueued { batches: 2 }];
        let plan = then(free(), &[take(1, 0), PAGE]);
        let lane = |plan: &LanePlan, done| Lane {
            plan: plan.clone(),
            done,
            tally: Tally::default(),
            moved_at: Timestamp(0),
        };
        assert!(!lane(&plan, 2).is_complete(Epoch(1)), "not sealed");
        assert!(!lane(&then(plan.clone(), &ended[..1]), 2).is_complete(Epoch(1)), "not delivered");
        let plan = then(plan, &ended);
        let complete =
            [(2, 1), (1, 1), (2, 2)].map(|(done, epoch)| lane(&plan, done).is_complete(Epoch(epoch)));
        assert_eq!(complete, [true, false, false]);
        assert_eq!((plan.created, plan.recipients), (2, 150));
    }

    #[test]
    fn a_held_lane_is_rewound_only_when_its_lease_is_over() {
        let held = then(free(), &[take(1, 0), PAGE, LaneEvent::Enqueued { batches: 2 }]);
        let rewound = |now| held.clone().apply(LaneEvent::Rewound { now: Timestamp(now) });
        assert_eq!(rewound(9).unwrap_err().to_string(), "a held lane cannot be rewound");
        let plan = rewound(10).unwrap();
        assert_eq!((plan.holder, plan.enqueued, plan.rewound_at), (None, 0, Timestamp(10)));
        assert!(
            then(held, &[LaneEvent::Released { now: Timestamp(6) }])
                .apply(LaneEvent::Rewound { now: Timestamp(5) })
                .is_ok()
        );
    }

    #[test]
    fn lanes_share_all_shards_without_overlap() {
        for lanes in [1, 2, 4, 8, 16, 32, 64] {
            let mut next = 0;
            for no in 0..lanes {
                let (first, last) = LanePlan::share(LaneNo(no), lanes);
                assert_eq!(first.0, next, "{lanes} lanes");
                next = last.0 + 1;
            }
            assert_eq!(next, Shard::COUNT);
        }
    }

    #[test]
    fn larger_audiences_get_more_lanes_up_to_one_per_shard() {
        let sizes = [0, 2_500, 2_501, 5_601, 100_000, 10_000_000];
        assert_eq!(sizes.map(lanes_for), [1, 1, 2, 4, 64, 64]);
    }
}
