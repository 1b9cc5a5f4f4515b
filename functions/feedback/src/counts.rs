//! What one invocation counted, each record when it is done.
//!
//! An event that comes twice counts twice: which ones came before is in the ledger only where they changed it.

use std::collections::BTreeSet;

use fanmail_engine::settle::{EventKind, Settled};
use fanmail_runtime::metrics::Metric;

/// What became of a record that does not come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// It was an event of one of our messages.
    Settled(EventKind, Settled),
    /// It was an event that says nothing to us, of this type if the type is SES's.
    NotOurs(Option<&'static str>),
    /// It said that something was set up.
    SetUp,
}

/// The invocation's counters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Events that said that a receiver's server took a message.
    pub(crate) deliveries: u32,
    /// Permanent bounces.
    pub(crate) hard_bounces: u32,
    /// Transient bounces, and those of which nobody knows.
    pub(crate) soft_bounces: u32,
    /// Complaints.
    pub(crate) complaints: u32,
    /// Recipients whose state an event changed.
    pub(crate) settled: u32,
    /// Events that are not ours, or of a place that the ledger does not have.
    pub(crate) unknown: u32,
    /// The types of those, as far as they are SES's.
    pub(crate) unknown_types: BTreeSet<&'static str>,
}

impl Counts {
    /// Counts a record that is done.
    pub(crate) fn add(&mut self, done: Done) {
        match done {
            Done::Settled(kind, settled) => self.event(kind, settled),
            Done::NotOurs(known_type) => self.unknown(known_type.unwrap_or("of no known type")),
            Done::SetUp => {}
        }
    }

    fn event(&mut self, kind: EventKind, settled: Settled) {
        if settled == Settled::Unknown {
            return self.unknown(kind.name());
        }
        self.settled += u32::from(matches!(settled, Settled::Changed { .. }));
        let counter = match kind {
            EventKind::Delivery => &mut self.deliveries,
            EventKind::HardBounce => &mut self.hard_bounces,
            EventKind::SoftBounce => &mut self.soft_bounces,
            EventKind::Complaint => &mut self.complaints,
            EventKind::Send
            | EventKind::DeliveryDelay
            | EventKind::Reject
            | EventKind::RenderingFailure
            | EventKind::Open
            | EventKind::Click => return,
        };
        *counter += 1;
    }

    fn unknown(&mut self, name: &'static str) {
        self.unknown += 1;
        self.unknown_types.insert(name);
    }

    /// Writes them into the log: numbers, and types by SES's names.
    pub(crate) fn log(&self) {
        tracing::info!(
            events.deliveries = self.deliveries,
            events.hard_bounces = self.hard_bounces,
            events.soft_bounces = self.soft_bounces,
            events.complaints = self.complaints,
            events.settled = self.settled,
            events.unknown = self.unknown,
            events.unknown_types = ?self.unknown_types,
            "took the provider's events down"
        );
    }

    /// The same as metrics.
    pub(crate) fn metrics(&self) -> [(Metric, f64); 6] {
        [
            (Metric::Deliveries, self.deliveries.into()),
            (Metric::HardBounces, self.hard_bounces.into()),
            (Metric::SoftBounces, self.soft_bounces.into()),
            (Metric::Complaints, self.complaints.into()),
            (Metric::Settled, self.settled.into()),
            (Metric::EventsUnknown, self.unknown.into()),
        ]
    }
}
