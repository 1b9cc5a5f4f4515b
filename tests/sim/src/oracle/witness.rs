//! What the oracle may know: the provider's books, the operators' acknowledgements, and which processes were
//! kept from working.

use std::collections::{BTreeMap, BTreeSet};

use fanmail_domain::{CampaignStatus, SubscriberId};

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
    /// Whom an operator decided to send to again.
    pub resent: BTreeSet<SubscriberId>,
    /// Who slept when.
    pub freezes: Vec<Freeze>,
    /// Invocations of senders that did not end well: each may leave one window in doubt.
    pub bad_ends: u64,
    /// What the engine answered that no fault explains.
    pub errors: Vec<String>,
}

impl Witness {
    /// The provider takes a message.
    pub fn accept(&mut self, at_ns: u64, handed_ns: u64, by: TaskId, to: SubscriberId) {
        self.accepts.push(Accept { at_ns, handed_ns, by, to });
    }

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
