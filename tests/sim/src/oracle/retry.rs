//! A retry takes back the ends that it names, all of them, and no other.

use fanmail_domain::{CampaignStatus, RecipientState};

use super::witness::{Changed, Retried};
use super::{Promise, Say, at};
use crate::world::State;

pub(super) fn check(state: &State, say: &mut impl Say) {
    for change in state.witness.changes.iter().filter(|change| change.to == RecipientState::Pending) {
        check_reason(state, change, say);
    }
    if state.stored.campaign().state.status == CampaignStatus::Finished {
        for retried in &state.witness.retries {
            check_carried_out(state, retried, say);
        }
    }
}

/// Who waits again was named by a retry, which takes an end back once.
fn check_reason(state: &State, change: &Changed, say: &mut impl Say) {
    let (before, after) = change.reopened;
    let named = |it: &Retried| it.retry.epoch == after && it.retry.states.contains(&change.from);
    if before >= after || !state.witness.retries.iter().any(named) {
        let (id, from, when) = (change.id, change.from, at(change.at_ns));
        say(Promise::OneCopy, format!("{id} was {from:?}, and waits again from {when}: nobody asked for it"));
    }
}

/// Whose end a retry named does not have it any more, unless the campaign was cancelled first.
fn check_carried_out(state: &State, retried: &Retried, say: &mut impl Say) {
    let cancelled = |(since, status): &(u64, CampaignStatus)| {
        *since >= retried.at_ns && *status == CampaignStatus::Cancelled
    };
    if state.witness.statuses.iter().any(cancelled) {
        return;
    }
    for id in &retried.named {
        let touched = |change: &Changed| change.id == *id && change.at_ns >= retried.at_ns;
        if !state.witness.changes.iter().any(touched) {
            let when = at(retried.at_ns);
            say(Promise::NobodyLost, format!("{id} was to be tried again at {when}, and was not"));
        }
    }
}
