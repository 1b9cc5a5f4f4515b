//! Retrying: which recipients of a campaign are to be tried again.
//!
//! Classes are named as people name them: `failed:*`, `failed:render`, `in_doubt`, `skipped:cancelled`. Who
//! was accepted is in no class: nothing in a retry can send a message to somebody who has it.

use std::collections::BTreeSet;

use crate::batch::Entry;
use crate::{Epoch, RecipientState, SubscriberId};

/// The most recipients that one retry can name: they travel in the campaign's item.
pub const MAX_NAMED: usize = 100;

/// One order to try recipients again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// The run that it began.
    pub epoch: Epoch,
    /// Recipients in one of these states are tried again.
    pub states: BTreeSet<RecipientState>,
    /// And only these, unless it is empty.
    pub only: BTreeSet<SubscriberId>,
}

/// A class that nobody can be in, or that is never tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{class} is no class that can be tried again: those are {}", known().join(", "))]
pub struct UnknownClass {
    /// What was asked for.
    pub class: String,
}

impl Retry {
    /// Whether it is about this recipient.
    #[must_use]
    pub fn names(&self, entry: &Entry) -> bool {
        self.states.contains(&entry.state) && (self.only.is_empty() || self.only.contains(&entry.subscriber))
    }

    /// Whether it takes back whatever `other` does, so that it can stand in its place.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let everybody = self.only.is_empty() || (!other.only.is_empty() && other.only.is_subset(&self.only));
        everybody && other.states.is_subset(&self.states)
    }

    /// The states of one class, by its name.
    ///
    /// # Errors
    ///
    /// [`UnknownClass`] with the classes that there are.
    pub fn class(name: &str) -> Result<BTreeSet<RecipientState>, UnknownClass> {
        let all = name.strip_suffix(":*");
        let fits = |state: &RecipientState| class_name(*state) == name || all == Some(state.name());
        let states: BTreeSet<_> = retryable().filter(fits).collect();
        if states.is_empty() { Err(UnknownClass { class: name.to_owned() }) } else { Ok(states) }
    }
}

/// A state's name with its reason: `failed:render`, `in_doubt`.
#[must_use]
pub fn class_name(state: RecipientState) -> String {
    match state.reason() {
        Some(reason) => format!("{}:{reason}", state.name()),
        None => state.name().to_owned(),
    }
}

fn retryable() -> impl Iterator<Item = RecipientState> {
    let may = |state: &RecipientState| {
        matches!(state, RecipientState::InDoubt | RecipientState::Failed(_) | RecipientState::Skipped(_))
    };
    RecipientState::ALL.into_iter().filter(may)
}

fn known() -> Vec<String> {
    let all = ["failed:*", "skipped:*"].map(str::to_owned);
    all.into_iter().chain(retryable().map(class_name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FailReason, SkipReason};

    #[test]
    fn classes_are_named_by_state_and_reason() {
        let render = RecipientState::Failed(FailReason::Render);
        assert_eq!(Retry::class("failed:render"), Ok([render].into()));
        assert_eq!(Retry::class("in_doubt"), Ok([RecipientState::InDoubt].into()));
        assert_eq!(Retry::class("failed:*").map(|states| states.len()), Ok(5));
        let cancelled = RecipientState::Skipped(SkipReason::Cancelled);
        assert!(Retry::class("skipped:*").is_ok_and(|states| states.contains(&cancelled)));
    }

    #[test]
    fn a_retry_covers_another_with_no_more_classes_and_no_more_people() {
        let retry = |class: &str, only: &[u64]| Retry {
            epoch: Epoch(2),
            states: Retry::class(class).unwrap(),
            only: only.iter().map(|id| SubscriberId::from_number(*id).unwrap()).collect(),
        };
        assert!(retry("failed:*", &[]).covers(&retry("failed:render", &[1])));
        assert!(retry("failed:*", &[1, 2]).covers(&retry("failed:*", &[1])));
        assert!(!retry("failed:render", &[]).covers(&retry("failed:*", &[])));
        assert!(!retry("failed:*", &[1]).covers(&retry("failed:*", &[])));
        assert!(!retry("failed:*", &[1]).covers(&retry("failed:*", &[2])));
    }

    #[test]
    fn who_was_accepted_or_still_waits_is_never_tried_again() {
        for class in ["accepted", "pending", "submitting", "failed", "in_doubt:*x", "", "*", "failed:"] {
            let refused = Retry::class(class).unwrap_err().to_string();
            assert!(refused.contains("failed:*, skipped:*, in_doubt, failed:rejected"), "{refused}");
        }
    }

    #[test]
    fn a_retry_of_named_recipients_is_about_nobody_else() {
        let entry = |id| Entry {
            subscriber: SubscriberId::from_number(id).unwrap(),
            state: RecipientState::InDoubt,
            counted: true,
            attempts: 1,
        };
        let states = Retry::class("in_doubt").unwrap();
        let all = Retry { epoch: Epoch(2), states, only: BTreeSet::new() };
        let one = Retry { only: [entry(7).subscriber].into(), ..all.clone() };
        assert!(all.names(&entry(8)) && one.names(&entry(7)) && !one.names(&entry(8)));
    }
}
