//! Counters by state and reason.

use std::collections::BTreeMap;

use crate::RecipientState;

/// How many recipients are in each terminal state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Tally(BTreeMap<RecipientState, u64>);

impl Tally {
    /// Adds `count` recipients in `state`.
    pub fn add(&mut self, state: RecipientState, count: u64) {
        if count > 0 {
            *self.0.entry(state).or_default() += count;
        }
    }

    /// Adds `by` recipients in `state`, or takes them away; never below zero.
    pub fn shift(&mut self, state: RecipientState, by: i64) {
        let count = self.0.remove(&state).unwrap_or_default();
        self.add(state, count.saturating_add_signed(by));
    }

    /// Adds all of `other`.
    pub fn add_all(&mut self, other: &Self) {
        for (state, count) in other.iter() {
            self.add(state, count);
        }
    }

    /// States and their counts, none of them zero.
    pub fn iter(&self) -> impl Iterator<Item = (RecipientState, u64)> + '_ {
        self.0.iter().map(|(state, count)| (*state, *count))
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All recipients counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// How many failed while they were being sent: what `max_send_errors` counts. A bounce comes later, and
    /// says nothing about the sending.
    #[must_use]
    pub fn send_errors(&self) -> u64 {
        let errors = self.iter().filter(|(state, _)| state.is_send_error());
        errors.map(|(_, count)| count).sum()
    }

    /// The count of all states with this name, whatever their reason.
    #[must_use]
    pub fn named(&self, name: &str) -> u64 {
        self.iter().filter(|(state, _)| state.name() == name).map(|(_, count)| count).sum()
    }
}

impl FromIterator<RecipientState> for Tally {
    fn from_iter<I: IntoIterator<Item = RecipientState>>(states: I) -> Self {
        let mut tally = Self::default();
        for state in states {
            tally.add(state, 1);
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FailReason, SkipReason};

    #[test]
    fn reasons_add_up_under_their_state() {
        let mut tally: Tally = [
            RecipientState::Accepted,
            RecipientState::Failed(FailReason::Render),
            RecipientState::Failed(FailReason::Rejected),
        ]
        .into_iter()
        .collect();
        tally.add(RecipientState::Skipped(SkipReason::Gone), 4);
        tally.add(RecipientState::InDoubt, 0);
        assert_eq!((tally.named("failed"), tally.named("skipped"), tally.total()), (2, 4, 7));
        assert_eq!(tally.iter().count(), 4);
        tally.add(RecipientState::Failed(FailReason::Bounced), 9);
        assert_eq!((tally.named("failed"), tally.send_errors()), (11, 2));
    }
}
