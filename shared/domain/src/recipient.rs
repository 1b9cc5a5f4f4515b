//! The recipient: what became of one subscriber in one campaign.
//!
//! ```text
//! pending ──submit──▶ submitting ──accept──▶ accepted
//!    ▲  │                 │  ├─────fail────▶ failed(reason)
//!    │  ├─fail / skip     │  └─────lose────▶ in doubt
//!    │  ▼                 │
//!    └──────────defer─────┘   only when the provider surely did not take the message
//!
//!    failed, skipped, in doubt ──reopen──▶ pending        an operator asked for another try
//!    in doubt ──assume──▶ accepted                        an operator knows better
//!    any but submitting ──settle──▶ accepted | failed     the provider's event says what became of it
//! ```
//!
//! `submitting` is written before the message leaves, so a process that dies leaves at worst `submitting`,
//! and whoever takes over turns that into `in doubt`: nothing but an operator or a provider's event moves it
//! from there. `preparing` exists for recipients suspected of killing their sender: it is written before the
//! message is even rendered, and a process that dies there has shown who is to blame.

use crate::IllegalTransition;

/// Why a recipient did not get the message and will not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailReason {
    /// The provider refused the message for good.
    Rejected,
    /// The template could not be rendered for this recipient.
    Render,
    /// The provider put this recipient off too often.
    Deferred,
    /// Preparing the message killed the sender, repeatedly.
    Crashed,
    /// The provider took the message, and the receiver's server sent it back for good.
    Bounced,
}

/// What a provider's event proves of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// The provider took it.
    Taken,
    /// The provider took it, and will not send it (SES: `Reject`, `Rendering Failure`).
    Refused,
    /// The provider took it, and it came back for good.
    Bounced,
}

/// Why a recipient was left out on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    /// The subscriber does not exist any more.
    Gone,
    /// The subscriber is blocklisted.
    Blocklisted,
    /// The subscriber is disabled.
    Disabled,
    /// The subscriber left every list of the campaign.
    Unsubscribed,
    /// The subscriber never confirmed the double opt-in.
    Unconfirmed,
    /// The campaign was cancelled before their turn.
    Cancelled,
}

/// What is known of one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecipientState {
    /// Not tried yet, or put off.
    Pending,
    /// Being rendered alone, under suspicion of killing its sender.
    Preparing,
    /// Perhaps on its way: the intent is durable.
    Submitting,
    /// The provider took responsibility for the message.
    Accepted,
    /// Submitted, and nobody knows whether the provider took it.
    InDoubt,
    /// Did not get it.
    Failed(FailReason),
    /// Was not meant to get it any more.
    Skipped(SkipReason),
}

/// What happens to a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipientEvent {
    /// Rendering begins, in isolation.
    Prepare,
    /// The message is about to leave.
    Submit,
    /// The provider accepted it.
    Accept,
    /// The provider surely did not take it; it may be tried again.
    Defer,
    /// The outcome of a submission is unknowable.
    Lose,
    /// It will not get the message.
    Fail(FailReason),
    /// It must not get the message.
    Skip(SkipReason),
    /// The process that held the recipient is gone.
    HolderLost,
    /// An operator wants another try.
    Reopen,
    /// An operator takes it for accepted.
    Assume,
    /// The provider's event says what became of it.
    Settle(Evidence),
}

impl RecipientState {
    /// Every state, in the order of their codes.
    pub const ALL: [Self; 16] = [
        Self::Pending,
        Self::Preparing,
        Self::Submitting,
        Self::Accepted,
        Self::InDoubt,
        Self::Failed(FailReason::Rejected),
        Self::Failed(FailReason::Render),
        Self::Failed(FailReason::Deferred),
        Self::Failed(FailReason::Crashed),
        Self::Failed(FailReason::Bounced),
        Self::Skipped(SkipReason::Gone),
        Self::Skipped(SkipReason::Blocklisted),
        Self::Skipped(SkipReason::Disabled),
        Self::Skipped(SkipReason::Unsubscribed),
        Self::Skipped(SkipReason::Unconfirmed),
        Self::Skipped(SkipReason::Cancelled),
    ];

    /// The only way to change a recipient.
    ///
    /// # Errors
    ///
    /// [`IllegalTransition`] if this state does not know the event.
    pub fn apply(self, event: RecipientEvent) -> Result<Self, IllegalTransition> {
        use RecipientEvent as E;
        use RecipientState as S;

        match (self, event) {
            (S::Pending, E::Prepare) => Ok(S::Preparing),
            (S::Pending | S::Preparing, E::Submit) => Ok(S::Submitting),
            (S::Pending, E::Skip(reason)) => Ok(S::Skipped(reason)),
            (S::Pending | S::Preparing | S::Submitting, E::Fail(reason)) => Ok(S::Failed(reason)),
            (S::Submitting, E::Accept) => Ok(S::Accepted),
            (S::Submitting, E::Defer) => Ok(S::Pending),
            (S::Submitting, E::Lose | E::HolderLost) => Ok(S::InDoubt),
            (S::Preparing, E::HolderLost) => Ok(S::Failed(FailReason::Crashed)),
            (S::Pending | S::Accepted | S::InDoubt | S::Failed(_) | S::Skipped(_), E::HolderLost) => Ok(self),
            (S::InDoubt | S::Failed(_) | S::Skipped(_), E::Reopen) => Ok(S::Pending),
            (S::InDoubt, E::Assume) => Ok(S::Accepted),
            (S::Pending | S::Accepted | S::InDoubt | S::Failed(_) | S::Skipped(_), E::Settle(evidence)) => {
                Ok(self.settled(evidence))
            }
            (
                S::Pending
                | S::Preparing
                | S::Submitting
                | S::Accepted
                | S::InDoubt
                | S::Failed(_)
                | S::Skipped(_),
                event,
            ) => Err(IllegalTransition { state: self.name(), event: event.name() }),
        }
    }

    /// What stands after an event of the provider: the worse of what is known and what is proved, in
    /// whatever order the events come.
    fn settled(self, evidence: Evidence) -> Self {
        use FailReason as F;

        match (self, evidence) {
            (Self::Failed(F::Bounced), _) | (Self::Failed(F::Rejected), Evidence::Taken) => self,
            (_, Evidence::Taken) => Self::Accepted,
            (_, Evidence::Refused) => Self::Failed(F::Rejected),
            (_, Evidence::Bounced) => Self::Failed(F::Bounced),
        }
    }

    /// Whether this campaign is done with the recipient.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Pending | Self::Preparing | Self::Submitting => false,
            Self::Accepted | Self::InDoubt | Self::Failed(_) | Self::Skipped(_) => true,
        }
    }

    /// Whether it failed while it was being sent.
    #[must_use]
    pub fn is_send_error(self) -> bool {
        matches!(self, Self::Failed(reason) if reason != FailReason::Bounced)
    }

    /// The byte that stands for this state in the ledger, below 0x80. Stored codes are never reused.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Preparing => 1,
            Self::Submitting => 2,
            Self::Accepted => 3,
            Self::InDoubt => 4,
            Self::Failed(FailReason::Rejected) => 0x20,
            Self::Failed(FailReason::Render) => 0x21,
            Self::Failed(FailReason::Deferred) => 0x22,
            Self::Failed(FailReason::Crashed) => 0x23,
            Self::Failed(FailReason::Bounced) => 0x24,
            Self::Skipped(SkipReason::Gone) => 0x40,
            Self::Skipped(SkipReason::Blocklisted) => 0x41,
            Self::Skipped(SkipReason::Disabled) => 0x42,
            Self::Skipped(SkipReason::Unsubscribed) => 0x43,
            Self::Skipped(SkipReason::Unconfirmed) => 0x44,
            Self::Skipped(SkipReason::Cancelled) => 0x45,
        }
    }

    /// The state a byte of the ledger stands for.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// The state's name in the API and the reports, the same for all reasons.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Preparing => "preparing",
            Self::Submitting => "submitting",
            Self::Accepted => "accepted",
            Self::InDoubt => "in_doubt",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }

    /// The reason's name, for the states that have one.
    #[must_use]
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Pending | Self::Preparing | Self::Submitting | Self::Accepted | Self::InDoubt => None,
            Self::Failed(reason) => Some(reason.name()),
            Self::Skipped(reason) => Some(reason.name()),
        }
    }
}

impl FailReason {
    /// The reason's name in the API and the reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Render => "render",
            Self::Deferred => "deferred",
            Self::Crashed => "crashed",
            Self::Bounced => "bounced",
        }
    }
}

impl SkipReason {
    /// The reason's name in the API and the reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Blocklisted => "blocklisted",
            Self::Disabled => "disabled",
            Self::Unsubscribed => "unsubscribed",
            Self::Unconfirmed => "unconfirmed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl RecipientEvent {
    fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Submit => "submit",
            Self::Accept => "accept",
            Self::Defer => "defer",
            Self::Lose => "lose",
            Self::Fail(_) => "fail",
            Self::Skip(_) => "skip",
            Self::HolderLost => "lose its holder",
            Self::Reopen => "be tried again",
            Self::Assume => "be assumed accepted",
            Self::Settle(_) => "be settled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(state: RecipientState) -> String {
        let events = [
            RecipientEvent::Prepare,
            RecipientEvent::Submit,
            RecipientEvent::Accept,
            RecipientEvent::Defer,
            RecipientEvent::Lose,
            RecipientEvent::Fail(FailReason::Rejected),
            RecipientEvent::Skip(SkipReason::Gone),
            RecipientEvent::HolderLost,
            RecipientEvent::Reopen,
            RecipientEvent::Assume,
            RecipientEvent::Settle(Evidence::Taken),
            RecipientEvent::Settle(Evidence::Bounced),
        ];
        let cells = events.map(|event| state.apply(event).map_or("-", RecipientState::name).to_owned());
        format!("{:10} | {}", state.name(), cells.join(" "))
    }

    #[test]
    fn the_transition_table_is_this_one() {
        // prepare, submit, accept, defer, lose, fail, skip, holder lost, reopen, assume, settle taken, bounced
        assert_eq!(
            RecipientState::ALL.map(row)[..6],
            [
                "pending    | preparing submitting - - - failed skipped pending - - accepted failed",
                "preparing  | - submitting - - - failed - failed - - - -",
                "submitting | - - accepted pending in_doubt failed - in_doubt - - - -",
                "accepted   | - - - - - - - accepted - - accepted failed",
                "in_doubt   | - - - - - - - in_doubt pending accepted accepted failed",
                "failed     | - - - - - - - failed pending - failed failed",
            ]
        );
        assert_eq!(
            row(RecipientState::Skipped(SkipReason::Gone)),
            "skipped    | - - - - - - - skipped pending - accepted failed"
        );
    }

    #[test]
    fn a_crash_while_preparing_blames_the_recipient() {
        assert_eq!(
            RecipientState::Preparing.apply(RecipientEvent::HolderLost),
            Ok(RecipientState::Failed(FailReason::Crashed))
        );
    }

    #[test]
    fn the_worse_outcome_wins_in_whatever_order_the_events_come() {
        use Evidence as E;
        let settle = |state: RecipientState, events: &[E]| {
            events.iter().fold(state, |state, event| state.apply(RecipientEvent::Settle(*event)).unwrap())
        };
        let orders = [[E::Taken, E::Bounced], [E::Bounced, E::Taken], [E::Bounced, E::Refused]];
        for state in [RecipientState::InDoubt, RecipientState::Accepted, RecipientState::Pending] {
            for events in orders {
                let bounced = RecipientState::Failed(FailReason::Bounced);
                assert_eq!(settle(state, &events), bounced, "{state:?} {events:?}");
            }
            let refused = RecipientState::Failed(FailReason::Rejected);
            assert_eq!(settle(state, &[E::Refused, E::Taken]), refused);
        }
    }

    #[test]
    fn terminal_states_never_change_by_themselves() {
        for state in RecipientState::ALL.into_iter().filter(|state| state.is_terminal()) {
            for event in [RecipientEvent::Submit, RecipientEvent::Accept, RecipientEvent::HolderLost] {
                assert!(state.apply(event).map_or(true, |after| after == state), "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn every_state_survives_its_code_and_leaves_the_top_bit_free() {
        for state in RecipientState::ALL {
            assert_eq!(RecipientState::from_code(state.code()), Some(state));
            assert!(state.code() < 0x80);
        }
        assert_eq!(RecipientState::from_code(0x7f), None);
    }
}
