//! One moment of the whole system: what is stored, what is queued, where each process stands, and what the
//! provider took.
//!
//! `World::settle` gives states that differ in nothing but names one form: revisions and tokens are only
//! ever compared, so they are replaced by their rank among those in use, and senders are interchangeable, so
//! they are sorted.

use std::collections::BTreeSet;
use std::fmt;

use fanmail_domain::{Batch, CampaignState, CampaignStatus, Epoch, FencingToken, Lane, LanePlan};

use crate::fan_out::FanOut;
use crate::fingerprint::fingerprint;
use crate::moves;
use crate::scope::{Faults, Rules, Scope};
use crate::sender::Sender;
use crate::sweeper::Sweeper;

/// A message on a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Task {
    /// Fan a lane out.
    Lane {
        /// In which run.
        epoch: Epoch,
        /// Which lane.
        lane: u8,
    },
    /// Send a batch.
    Batch {
        /// In which run.
        epoch: Epoch,
        /// Of which lane.
        lane: u8,
        /// Which of its batches.
        seq: u32,
        /// Whether it was delivered before.
        repeated: bool,
    },
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lane { epoch, lane } => write!(f, "the task of lane {lane} in epoch {epoch}"),
            Self::Batch { epoch, lane, seq, repeated } => {
                let again = if *repeated { "repeated " } else { "" };
                write!(f, "the {again}task of batch {lane}/{seq} in epoch {epoch}")
            }
        }
    }
}

/// One moment of the whole system.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// The campaign's item.
    pub campaign: CampaignState,
    /// The lanes' items.
    pub lanes: Vec<Lane>,
    /// The ledger: the batches of each lane.
    pub batches: Vec<Vec<Batch>>,
    /// Messages that wait in the queues. Equal ones are one: the second is a duplicate delivery.
    pub tasks: BTreeSet<Task>,
    /// The run whose lane tasks whoever began it has still to send.
    pub announcing: Option<Epoch>,
    /// The senders.
    pub(crate) senders: Vec<Sender>,
    /// The fan-outs.
    pub(crate) fan_outs: Vec<FanOut>,
    /// The sweeper.
    pub(crate) sweeper: Sweeper,
    /// How often the provider accepted a message to each recipient.
    pub accepted: Vec<u8>,
    /// What may still go wrong.
    pub faults: Faults,
    /// Whether the pause stands for so long that nothing may leave any more.
    pub quiet: bool,
    /// Whether something left all the same.
    pub late: bool,
    /// Whether the rules refused a holder a step on its own copy.
    pub broken: bool,
}

/// A process's newest view of the campaign, kept across messages.
pub(crate) type View = Option<(CampaignStatus, Epoch)>;

impl World {
    /// The world as the start of a campaign leaves it.
    pub(crate) fn start(scope: &Scope) -> Self {
        let campaign = moves::started().expect("a draft can be started");
        let epoch = campaign.epoch;
        Self {
            campaign,
            lanes: (0..scope.lanes).map(|no| moves::lane(no, scope.lanes, epoch)).collect(),
            batches: vec![Vec::new(); usize::from(scope.lanes)],
            tasks: BTreeSet::new(),
            announcing: Some(epoch),
            senders: vec![Sender::default(); scope.senders],
            fan_outs: vec![FanOut::default(); scope.fan_outs],
            sweeper: Sweeper::default(),
            accepted: vec![0; scope.audience()],
            faults: scope.faults,
            quiet: false,
            late: false,
            broken: false,
        }
    }

    /// The batch of the ledger that this is a copy of.
    pub(crate) fn stored(&mut self, copy: &Batch) -> &mut Batch {
        &mut self.batches[usize::from(copy.id.lane.0)][copy.id.seq as usize]
    }

    /// Writes a holder's copy where the revision it follows still stands, with its lane's counters if the
    /// copy brings any. Answers whether it was written.
    pub(crate) fn write_batch(&mut self, rules: &Rules, copy: &mut Batch, counts: Option<&Counts>) -> bool {
        let stored = self.stored(copy);
        if rules.fencing && stored.rev != copy.rev {
            return false;
        }
        copy.rev = stored.rev.max(copy.rev) + 1;
        stored.clone_from(copy);
        let lane = &mut self.lanes[usize::from(copy.id.lane.0)];
        if let Some(counts) = counts {
            lane.tally.add_all(&counts.tally);
            lane.done += u32::from(counts.done);
        }
        true
    }

    /// Whether the ledger has moved on since this copy was read.
    pub(crate) fn is_outdated(&self, copy: &Batch) -> bool {
        self.batches[usize::from(copy.id.lane.0)][copy.id.seq as usize].rev != copy.rev
    }

    /// Whether the lane's plan has moved on since this copy was read.
    pub(crate) fn is_plan_outdated(&self, copy: &LanePlan) -> bool {
        self.lanes[usize::from(copy.no.0)].plan.rev != copy.rev
    }

    /// Writes a plan where the revision it follows still stands. Answers whether it was written.
    pub(crate) fn write_plan(&mut self, rules: &Rules, plan: &mut LanePlan) -> bool {
        let stored = &mut self.lanes[usize::from(plan.no.0)].plan;
        if rules.lane_fencing && stored.rev != plan.rev {
            return false;
        }
        plan.rev = stored.rev.max(plan.rev) + 1;
        stored.clone_from(plan);
        true
    }

    /// Whether the campaign runs in `epoch`, by a fresh look or the view of an earlier one.
    pub(crate) fn is_running(&self, view: &mut View, fresh: bool, epoch: Epoch) -> bool {
        if fresh || view.is_none() {
            *view = Some((self.campaign.status, self.campaign.epoch));
        }
        *view == Some((CampaignStatus::Running, epoch))
    }

    /// Whether an earlier view could still be used for tasks of `epoch`, and says something else than a
    /// fresh look would.
    pub(crate) fn is_stale(&self, view: View, epoch: Epoch) -> bool {
        view.is_some_and(|seen| seen.1 == epoch && seen != (self.campaign.status, self.campaign.epoch))
    }

    /// Gives states that differ only in names the same form.
    pub(crate) fn settle(&mut self, scope: &Scope) {
        for no in 0..self.lanes.len() {
            self.rank_plans(no);
            for seq in 0..self.batches[no].len() {
                self.rank_batches(no, seq, scope.careful_after.unwrap_or_default());
            }
        }
        if self.senders.len() > 1 {
            self.senders.sort_by_cached_key(fingerprint);
        }
        if self.fan_outs.len() > 1 {
            self.fan_outs.sort_by_cached_key(fingerprint);
        }
    }

    fn rank_plans(&mut self, no: usize) {
        let stored = std::iter::once(&mut self.lanes[no].plan);
        let copies = self.fan_outs.iter_mut().filter_map(FanOut::plan).chain(self.sweeper.plans());
        let mut plans: Vec<&mut LanePlan> =
            stored.chain(copies.filter(|plan| usize::from(plan.no.0) == no)).collect();
        let ranks = Ranks::new(plans.iter().map(|plan| plan.rev));
        for plan in &mut plans {
            plan.rev = ranks.of(plan.rev);
        }
    }

    fn rank_batches(&mut self, no: usize, seq: usize, most_stalls: u8) {
        let stored = std::iter::once(&mut self.batches[no][seq]);
        let copies = self.senders.iter_mut().filter_map(Sender::batch).chain(self.sweeper.batches());
        let here = |batch: &&mut Batch| (usize::from(batch.id.lane.0), batch.id.seq as usize) == (no, seq);
        let mut batches: Vec<&mut Batch> = stored.chain(copies.filter(here)).collect();
        let revs = Ranks::new(batches.iter().map(|batch| batch.rev));
        // 0 says that there was no lease yet, so it keeps its meaning.
        let tokens = Ranks::new(batches.iter().map(|batch| batch.token.0).chain([0]));
        for batch in &mut batches {
            batch.rev = revs.of(batch.rev);
            batch.token = FencingToken(tokens.of(batch.token.0));
            batch.stalls = batch.stalls.min(most_stalls);
        }
    }
}

/// What a write of a batch adds to its lane's counters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Counts {
    pub(crate) tally: fanmail_domain::Tally,
    pub(crate) done: bool,
}

/// Numbers by their order.
struct Ranks(Vec<u32>);

impl Ranks {
    fn new(numbers: impl Iterator<Item = u32>) -> Self {
        let mut numbers = Vec::from_iter(numbers);
        numbers.sort_unstable();
        numbers.dedup();
        Self(numbers)
    }

    fn of(&self, number: u32) -> u32 {
        u32::try_from(self.0.partition_point(|other| *other < number)).unwrap_or(u32::MAX)
    }
}
