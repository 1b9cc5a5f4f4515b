//! I1, and whether the ledger says what the provider says.

use fanmail_domain::{FailReason, RecipientState, SubscriberId};

use super::{Promise, Say};
use crate::scenario::Scenario;
use crate::world::State;

pub(super) fn check(scenario: &Scenario, state: &State, say: &mut impl Say) {
    let copies = state.witness.copies();
    for (id, count) in &copies {
        let resends = state.witness.resends(*id);
        if *count > 1 + resends {
            say(Promise::OneCopy, format!("{id} got {count} copies, after {resends} resends"));
        }
    }
    let mut in_doubt = 0;
    for entry in state.stored.batches.values().flat_map(|batch| &batch.entries) {
        let count = copies.get(&entry.subscriber).copied().unwrap_or_default();
        in_doubt += u64::from(entry.state == RecipientState::InDoubt);
        if is_lie(scenario, state, (entry.subscriber, entry.state), count) {
            let (id, name) = (entry.subscriber, entry.state.name());
            say(Promise::TrueLedger, format!("{id} is {name}, and got {count} copies"));
        }
    }
    check_doubt(scenario, state, in_doubt, say);
}

/// Whether somebody in this state cannot have got so many copies.
fn is_lie(scenario: &Scenario, state: &State, (id, is): (SubscriberId, RecipientState), copies: u64) -> bool {
    let witness = &state.witness;
    let resends = witness.resends(id);
    match is {
        RecipientState::Accepted => copies == 0 && !is_assumed(state, id),
        RecipientState::Failed(FailReason::Bounced) => copies == 0,
        // The provider told of each message that it took.
        RecipientState::InDoubt => scenario.tells && resends == 0 && copies > 0,
        RecipientState::Submitting => false,
        RecipientState::Failed(FailReason::Rejected) => {
            copies > resends + u64::from(witness.dropped.contains(&id))
        }
        RecipientState::Pending
        | RecipientState::Preparing
        | RecipientState::Failed(_)
        | RecipientState::Skipped(_) => copies > resends,
    }
}

/// Whether an operator took somebody for accepted.
fn is_assumed(state: &State, id: SubscriberId) -> bool {
    let assumed = |from, to| from == RecipientState::InDoubt && to == RecipientState::Accepted;
    let mut own = state.witness.changes.iter().filter(|change| change.id == id);
    own.any(|change| assumed(change.from, change.to) && change.who.starts_with("api"))
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
