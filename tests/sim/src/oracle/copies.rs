//! I1, and whether the ledger says what the provider says.

use fanmail_domain::RecipientState;

use super::{Promise, Say};
use crate::scenario::Scenario;
use crate::world::State;

pub(super) fn check(scenario: &Scenario, state: &State, say: &mut impl Say) {
    let copies = state.witness.copies();
    for (id, count) in &copies {
        let allowed = 1 + u64::from(state.witness.resent.contains(id));
        if *count > allowed {
            say(Promise::OneCopy, format!("{id} got {count} copies"));
        }
    }
    let mut in_doubt = 0;
    for entry in state.stored.batches.values().flat_map(|batch| &batch.entries) {
        let count = copies.get(&entry.subscriber).copied().unwrap_or_default();
        let (id, name) = (entry.subscriber, entry.state.name());
        let lie = match entry.state {
            RecipientState::Accepted => count == 0,
            RecipientState::InDoubt => {
                in_doubt += 1;
                false
            }
            RecipientState::Submitting => false,
            RecipientState::Pending
            | RecipientState::Preparing
            | RecipientState::Failed(_)
            | RecipientState::Skipped(_) => count > 0,
        };
        if lie {
            say(Promise::TrueLedger, format!("{id} is {name}, and got {count} copies"));
        }
    }
    check_doubt(scenario, state, in_doubt, say);
}

/// A crash leaves at most one window in doubt, and a lost answer one recipient.
fn check_doubt(scenario: &Scenario, state: &State, in_doubt: u64, say: &mut impl Say) {
    let (bad_ends, window) = (state.witness.bad_ends, scenario.widest_window());
    let unknown = state.counts.of("unknown outcomes");
    if in_doubt > bad_ends * window + unknown {
        let causes = format!("{bad_ends} senders ended badly, {unknown} answers were lost");
        say(Promise::BoundedDoubt, format!("{in_doubt} are in doubt, but only {causes}"));
    }
}
