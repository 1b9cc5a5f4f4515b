//! The batch: a fixed slice of a campaign's recipients, and the unit of leasing.
//!
//! A batch is `queued`, `leased` by one holder until a moment, or `done`. The fencing token grows with each
//! lease; what a holder writes names its token, and a token that is not the batch's own is refused. Within a
//! lease the holder records changes of recipients. When a lease ran out, whoever comes next, another sender
//! or the sweeper, applies `HolderLost` to every recipient first: what was *submitting* becomes *in doubt*.
//!
//! Between leases, others may change a batch too: an operator's retry or resolution, a provider's event, the
//! closing of a cancelled campaign. None of them touches a batch that somebody holds.
//!
//! `stalls` counts the leases in a row in which no recipient came to an end. It tells a batch that is merely
//! slow from one that kills its senders or meets a closed door.

use crate::{
    BatchId, Epoch, Evidence, FencingToken, Holder, IllegalTransition, RecipientEvent, RecipientState,
};
use crate::{Retry, SkipReason, SubscriberId, Tally, Timestamp};

/// Where a batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nobody works on it.
    Queued,
    /// `holder` may work on it until `until`.
    Leased {
        /// Who has the right to work on it.
        holder: Holder,
        /// When the right ends.
        until: Timestamp,
    },
    /// Every recipient came to an end, and all are counted.
    Done,
}

/// One recipient's line in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Who.
    pub subscriber: SubscriberId,
    /// What became of them.
    pub state: RecipientState,
    /// Whether the lane's counters contain it already.
    pub counted: bool,
    /// How often its message was about to leave; 255 stands for more.
    pub attempts: u8,
}

/// One slice of a campaign's ledger.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Batch {
    /// Which one.
    pub id: BatchId,
    /// Grows with every write; the write names the one it read.
    pub rev: u32,
    /// Where it stands.
    pub phase: Phase,
    /// Token of the newest lease; 0 before the first.
    pub token: FencingToken,
    /// Leases in a row that brought no recipient to an end.
    pub stalls: u8,
    /// The run of the newest retry that was carried out here; 0 before the first.
    pub reopened: Epoch,
    /// When it was last written, by the writer's clock.
    pub changed_at: Timestamp,
    /// The recipients, in the order of the plan.
    pub entries: Vec<Entry>,
}

/// One recipient's change: the position in the batch, and what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Index into [`Batch::entries`].
    pub position: usize,
    /// What happened.
    pub event: RecipientEvent,
}

/// What happens to a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchEvent<'a> {
    /// A sender takes it to work on it.
    LeaseTaken {
        /// Who takes it.
        holder: Holder,
        /// The taker's time.
        now: Timestamp,
        /// When the lease is to end.
        until: Timestamp,
    },
    /// The holder writes down results and intents.
    Recorded {
        /// The holder's token.
        token: FencingToken,
        /// The changes, at most one per recipient.
        changes: &'a [Change],
    },
    /// The holder's ended recipients go into the lane's counters.
    Counted {
        /// The holder's token.
        token: FencingToken,
    },
    /// The holder gives it back unfinished.
    Released {
        /// The holder's token.
        token: FencingToken,
    },
    /// The holder has brought every recipient to an end.
    Finished {
        /// The holder's token.
        token: FencingToken,
    },
    /// The sweeper found that the lease ran out.
    LeaseExpired {
        /// The sweeper's time.
        now: Timestamp,
    },
    /// A retry takes back the ends of chosen recipients.
    Reopened(&'a Retry),
    /// The campaign was cancelled: who still waits is skipped.
    Closed,
    /// An operator takes recipients in doubt for accepted.
    Assumed {
        /// Their positions.
        positions: &'a [usize],
    },
    /// A provider's event says what became of a message.
    Settled {
        /// Index into [`Batch::entries`].
        position: usize,
        /// What the event proves.
        evidence: Evidence,
    },
}

impl Batch {
    /// A batch as fan-out plans it.
    #[must_use]
    pub fn planned(id: BatchId, subscribers: &[SubscriberId]) -> Self {
        let entry = |subscriber: &SubscriberId| Entry {
            subscriber: *subscriber,
            state: RecipientState::Pending,
            counted: false,
            attempts: 0,
        };
        Self {
            id,
            rev: 0,
            phase: Phase::Queued,
            token: FencingToken(0),
            stalls: 0,
            reopened: Epoch(0),
            changed_at: Timestamp(0),
            entries: subscribers.iter().map(entry).collect(),
        }
    }

    /// The only way to change a batch.
    ///
    /// # Errors
    ///
    /// [`IllegalTransition`] if the phase does not know the event, the token is not the batch's, the lease
    /// has not run out yet, or one of the changes is illegal for its recipient. Nothing is changed then.
    pub fn apply(mut self, event: &BatchEvent<'_>) -> Result<Self, IllegalTransition> {
        use BatchEvent as E;
        use Phase as P;

        let illegal = Err(IllegalTransition { state: self.phase.name(), event: event.name() });
        match (self.phase, event) {
            (P::Queued, E::LeaseTaken { holder, until, .. }) => self.lease(*holder, *until),
            (P::Leased { until: old, .. }, E::LeaseTaken { holder, now, until }) if old <= *now => {
                self.lose_holder()?;
                self.lease(*holder, *until);
            }
            (P::Leased { .. }, E::Recorded { token, changes }) if *token == self.token => {
                self.record(changes)?;
            }
            (P::Leased { .. }, E::Counted { token }) if *token == self.token => self.count(),
            (P::Leased { .. }, E::Released { token }) if *token == self.token => {
                if self.entries.iter().any(Entry::is_under_way) {
                    return illegal;
                }
                self.phase = P::Queued;
            }
            (P::Leased { .. }, E::Finished { token }) if *token == self.token && self.is_complete() => {
                self.count();
                self.phase = P::Done;
            }
            (P::Leased { until, .. }, E::LeaseExpired { now }) if until <= *now => {
                self.lose_holder()?;
                self.phase = P::Queued;
            }
            (P::Queued | P::Done, E::Reopened(retry)) if self.reopened < retry.epoch => self.reopen(retry)?,
            (P::Queued, E::Closed) => self.close()?,
            (P::Queued | P::Done, E::Assumed { positions }) => {
                let assume = |position: &usize| Change { position: *position, event: RecipientEvent::Assume };
                self.amend(&positions.iter().map(assume).collect::<Vec<_>>())?;
            }
            (P::Queued | P::Done, E::Settled { position, evidence }) => {
                self.amend(&[Change { position: *position, event: RecipientEvent::Settle(*evidence) }])?;
            }
            (P::Queued | P::Leased { .. } | P::Done, _) => return illegal,
        }
        Ok(self)
    }

    /// The same, as the next revision, written at `at`.
    #[must_use]
    pub fn revised(self, at: Timestamp) -> Self {
        Self { rev: self.rev + 1, changed_at: at, ..self }
    }

    /// Whether this may be written where `stands` is in the ledger: it is the next revision, and of the same
    /// recipients.
    #[must_use]
    pub fn follows(&self, stands: &Self) -> bool {
        let recipients =
            |batch: &Self| batch.entries.iter().map(|entry| entry.subscriber).collect::<Vec<_>>();
        stands.rev + 1 == self.rev && recipients(stands) == recipients(self)
    }

    /// Whether every recipient came to an end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.entries.iter().all(|entry| entry.state.is_terminal())
    }

    /// Positions of the recipients that still wait, in order.
    pub fn pending(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.entries.len()).filter(|position| self.entries[*position].state == RecipientState::Pending)
    }

    /// What ended here and is in no counter yet.
    #[must_use]
    pub fn uncounted(&self) -> Tally {
        self.entries
            .iter()
            .filter(|entry| entry.state.is_terminal() && !entry.counted)
            .map(|entry| entry.state)
            .collect()
    }

    /// What ended here, counted or not.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.entries.iter().map(|entry| entry.state).filter(|state| state.is_terminal()).collect()
    }

    fn lease(&mut self, holder: Holder, until: Timestamp) {
        self.phase = Phase::Leased { holder, until };
        self.token = self.token.next();
        self.stalls = self.stalls.saturating_add(1);
    }

    fn lose_holder(&mut self) -> Result<(), IllegalTransition> {
        let lost: Vec<Change> = (0..self.entries.len())
            .map(|position| Change { position, event: RecipientEvent::HolderLost })
            .collect();
        self.record(&lost)
    }

    fn record(&mut self, changes: &[Change]) -> Result<(), IllegalTransition> {
        let ended_before = self.ended();
        for change in changes {
            let unknown = IllegalTransition { state: "a batch without this recipient", event: "record" };
            let entry = self.entries.get_mut(change.position).ok_or(unknown)?;
            entry.state = entry.state.apply(change.event)?;
            if change.event == RecipientEvent::Submit {
                entry.attempts = entry.attempts.saturating_add(1);
            }
        }
        if self.ended() > ended_before {
            self.stalls = 0;
        }
        Ok(())
    }

    /// Takes back the ends that `retry` names. Who is pending again is in no counter.
    fn reopen(&mut self, retry: &Retry) -> Result<(), IllegalTransition> {
        self.reopened = retry.epoch;
        for entry in self.entries.iter_mut().filter(|entry| retry.names(entry)) {
            entry.state = entry.state.apply(RecipientEvent::Reopen)?;
            entry.counted = false;
        }
        if !self.is_complete() {
            (self.phase, self.stalls) = (Phase::Queued, 0);
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), IllegalTransition> {
        let skip = |position| Change { position, event: RecipientEvent::Skip(SkipReason::Cancelled) };
        let waiting: Vec<Change> = self.pending().map(skip).collect();
        self.amend(&waiting)
    }

    /// Changes recipients of a batch that nobody holds. A batch that is complete then is done.
    fn amend(&mut self, changes: &[Change]) -> Result<(), IllegalTransition> {
        self.record(changes)?;
        self.count();
        if self.is_complete() {
            self.phase = Phase::Done;
        }
        Ok(())
    }

    fn count(&mut self) {
        for entry in self.entries.iter_mut().filter(|entry| entry.state.is_terminal()) {
            entry.counted = true;
        }
    }

    fn ended(&self) -> usize {
        self.entries.iter().filter(|entry| entry.state.is_terminal()).count()
    }
}

impl Entry {
    fn is_under_way(&self) -> bool {
        !self.state.is_terminal() && self.state != RecipientState::Pending
    }
}

impl Phase {
    /// The phase's name in the API and the reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Leased { .. } => "leased",
            Self::Done => "done",
        }
    }
}

impl BatchEvent<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::LeaseTaken { .. } => "be leased",
            Self::Recorded { .. } => "record changes",
            Self::Counted { .. } => "be counted",
            Self::Released { .. } => "be released",
            Self::Finished { .. } => "be finished",
            Self::LeaseExpired { .. } => "lose its lease",
            Self::Reopened(_) => "be reopened",
            Self::Closed => "be closed",
            Self::Assumed { .. } => "be assumed accepted",
            Self::Settled { .. } => "be settled",
        }
    }
}

#[cfg(test)]
mod tests;
