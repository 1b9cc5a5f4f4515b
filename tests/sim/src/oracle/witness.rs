//! What the oracle may know: the provider's books, the operators' acknowledgements, and which processes were
//! kept from working.

use std::collections::{BTreeMap, BTreeSet};

use fanmail_domain::batch::Entry;
use fanmail_domain::{
    Batch, CampaignStatus, Epoch, FailReason, RecipientState, Retry, SlidingWindow, SubscriberId, Timestamp,
};

use crate::executor::TaskId;

/// One message that the provider took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accept {
    /// When.
    pub at_ns: u64,
    /// When it left the process.
    pub handed_ns: u64,
    /// Which invocation sent it.
    pub by: TaskId,
    /// To whom it went.
    pub to: SubscriberId,
    /// Which version of the content it was.
    pub content: u32,
}

/// One message that reached the provider, taken or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at_ns: u64,
    /// From which environment.
    pub environment: u64,
    /// From which invocation.
    pub by: TaskId,
}

/// A time that a process slept through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freeze {
    /// Who.
    pub task: TaskId,
    /// From when.
    pub from_ns: u64,
    /// To when.
    pub until_ns: u64,
}

/// An end in the ledger that did not stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// When.
    pub at_ns: u64,
    /// Whose.
    pub id: SubscriberId,
    /// What it was.
    pub from: RecipientState,
    /// What it became.
    pub to: RecipientState,
    /// The run of the newest retry of its batch, before and after.
    pub reopened: (Epoch, Epoch),
    /// By which process.
    pub who: String,
}

impl Changed {
    /// Ends that one write of a batch changes.
    #[must_use]
    pub fn between(before: &Batch, after: &Batch, who: &str, at_ns: u64) -> Vec<Self> {
        let pairs = before.entries.iter().zip(&after.entries);
        let changed = pairs.filter(|(old, new)| old.state.is_terminal() && old.state != new.state);
        let change = |(old, new): (&Entry, &Entry)| Self {
            at_ns,
            id: old.subscriber,
            from: old.state,
            to: new.state,
            reopened: (before.reopened, after.reopened),
            who: who.to_owned(),
        };
        changed.map(change).collect()
    }
}

/// A retry that was ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retried {
    /// When.
    pub at_ns: u64,
    /// What was asked for.
    pub retry: Retry,
    /// Whose ends it was about.
    pub named: Vec<SubscriberId>,
}

/// An alarm that was raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm {
    /// When.
    pub at_ns: u64,
    /// When the sweep that raised it began.
    pub began_ns: u64,
    /// Since when the campaign stands still, as it says.
    pub since: Timestamp,
}

/// What was seen from outside.
#[derive(Debug, Default)]
pub struct Witness {
    /// What the provider took, in order.
    pub accepts: Vec<Accept>,
    /// What reached the provider, in order.
    pub arrivals: Vec<Arrival>,
    /// Every status the campaign had, and since when.
    pub statuses: Vec<(u64, CampaignStatus)>,
    /// Every rate the campaign had, and since when.
    pub rates: Vec<(u64, u32)>,
    /// When the campaign began.
    pub begun_ns: Option<u64>,
    /// When a request to stop was acknowledged.
    pub stops_ns: Vec<u64>,
    /// Retries that were ordered.
    pub retries: Vec<Retried>,
    /// Ends that did not stay.
    pub changes: Vec<Changed>,
    /// When an edit was acknowledged, and which version it made.
    pub edits: Vec<(u64, u32)>,
    /// Whose message the provider took and never sent.
    pub dropped: BTreeSet<SubscriberId>,
    /// Events of the provider that are not taken down yet.
    pub open_events: u64,
    /// Alarms.
    pub alarms: Vec<Alarm>,
    /// When something was counted.
    pub moves_ns: Vec<u64>,
    /// Every sliding window of the whole system, and since when.
    pub windows: Vec<(u64, Option<SlidingWindow>)>,
    /// Who slept when.
    pub freezes: Vec<Freeze>,
    /// Invocations of senders that did not end well: each may leave one window in doubt.
    pub bad_ends: u64,
    /// What the engine answered that no fault explains.
    pub errors: Vec<String>,
}

impl Witness {
    /// A message reaches the provider.
    pub fn arrive(&mut self, at_ns: u64, environment: u64, by: TaskId) {
        self.arrivals.push(Arrival { at_ns, environment, by });
    }

    /// How many copies everybody got.
    #[must_use]
    pub fn copies(&self) -> BTreeMap<SubscriberId, u64> {
        let mut copies = BTreeMap::new();
        for accept in &self.accepts {
            *copies.entry(accept.to).or_default() += 1;
        }
        copies
    }

    /// How often an operator had a message sent again that perhaps, or surely, was taken before.
    #[must_use]
    pub fn resends(&self, id: SubscriberId) -> u64 {
        let taken = |state: RecipientState| match state {
            RecipientState::InDoubt | RecipientState::Failed(FailReason::Bounced) => true,
            RecipientState::Failed(FailReason::Rejected) => self.dropped.contains(&id),
            RecipientState::Pending
            | RecipientState::Preparing
            | RecipientState::Submitting
            | RecipientState::Accepted
            | RecipientState::Failed(_)
            | RecipientState::Skipped(_) => false,
        };
        let again =
            |change: &&Changed| change.id == id && change.to == RecipientState::Pending && taken(change.from);
        self.changes.iter().filter(again).count() as u64
    }

    /// How much of the time from `from_ns` to `to_ns` a process slept.
    #[must_use]
    pub fn slept_ns(&self, task: TaskId, from_ns: u64, to_ns: u64) -> u64 {
        let own = self.freezes.iter().filter(|freeze| freeze.task == task);
        own.map(|freeze| freeze.until_ns.min(to_ns).saturating_sub(freeze.from_ns.max(from_ns))).sum()
    }

    /// The status at a moment.
    #[must_use]
    pub fn status_at(&self, at_ns: u64) -> CampaignStatus {
        let past = self.statuses.iter().rev().find(|(since, _)| *since <= at_ns);
        past.map_or(CampaignStatus::Draft, |(_, status)| *status)
    }
}
