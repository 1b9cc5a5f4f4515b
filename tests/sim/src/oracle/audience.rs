//! I2, I3 and I7: everybody of the sealed audience came to an end, and nobody else got anything.

use std::collections::BTreeMap;

use fanmail_domain::{CampaignStatus, RecipientState, SubscriberId};

use super::witness::Accept;
use super::{Promise, Say, at};
use crate::scenario::Scenario;
use crate::time::SECOND;
use crate::world::people::UNSEEN_NS;
use crate::world::{CAMPAIGN, State};

pub(super) fn check(scenario: &Scenario, state: &State, say: &mut impl Say) {
    let planned = planned(state, say);
    let status = state.stored.campaign().state.status;
    if matches!(status, CampaignStatus::Finished | CampaignStatus::Cancelled) {
        for (id, was) in planned.iter().filter(|(_, was)| !was.is_terminal()) {
            say(Promise::NobodyLost, format!("the campaign is {status}, and {id} is {}", was.name()));
        }
        check_audience(state, &planned, say);
        check_words(state, &planned, say);
    }
    check_barred(scenario, state, say);
}

/// Who is in the ledger.
fn planned(state: &State, say: &mut impl Say) -> BTreeMap<SubscriberId, RecipientState> {
    let mut planned = BTreeMap::new();
    for entry in state.stored.batches.values().flat_map(|batch| &batch.entries) {
        if planned.insert(entry.subscriber, entry.state).is_some() {
            say(Promise::NobodyLost, format!("{} is in two batches", entry.subscriber));
        }
    }
    planned
}

/// Whoever was there when the campaign started, by their stamp, and stayed is planned; whoever came later is
/// not.
fn check_audience(state: &State, planned: &BTreeMap<SubscriberId, RecipientState>, say: &mut impl Say) {
    let Some(started_at) = state.stored.campaign().started_at else { return };
    let begun_ms = state.witness.begun_ns.unwrap_or_default() / crate::time::MILLI;
    for (id, member) in &state.people.ever {
        let before = member.joined_at <= started_at;
        // Who joined while the start was on its way may be seen or not, if their stamp is the older one.
        let surely = before && member.joined_at.0 < begun_ms && !state.people.left.contains(id);
        if surely && !planned.contains_key(id) {
            say(Promise::NobodyLost, format!("{id} was there, and is not in the ledger"));
        }
        if !before && planned.contains_key(id) {
            say(Promise::NobodyLost, format!("{id} came later, and is in the ledger"));
        }
    }
    for id in planned.keys().filter(|id| !state.people.ever.contains_key(*id)) {
        say(Promise::NobodyLost, format!("{id} was never there, and is in the ledger"));
    }
}

/// Whoever failed is listed with words.
fn check_words(state: &State, planned: &BTreeMap<SubscriberId, RecipientState>, say: &mut impl Say) {
    for (id, was) in planned {
        let RecipientState::Failed(reason) = was else { continue };
        let words = state.stored.failures.contains_key(&(CAMPAIGN, *id));
        // Whoever kills the sender leaves nobody to write the words.
        if !words && *reason != fanmail_domain::FailReason::Crashed {
            say(Promise::NobodyLost, format!("{id} failed ({}), and nobody says why", reason.name()));
        }
    }
}

/// An invocation reads who may be written to when it takes a batch; so what leaves later than one invocation
/// after somebody was barred should not have left.
fn check_barred(scenario: &Scenario, state: &State, say: &mut impl Say) {
    let patience_ns = scenario.timeout_ns + UNSEEN_NS + SECOND;
    for Accept { handed_ns, by, to, .. } in &state.witness.accepts {
        let Some(barred_ns) = state.people.barred_ns.get(to) else { continue };
        let slept_ns = state.witness.slept_ns(*by, *barred_ns, *handed_ns);
        if *handed_ns > barred_ns + patience_ns + slept_ns {
            let (barred, handed) = (at(*barred_ns), at(*handed_ns));
            say(Promise::BarredGetNothing, format!("{to} was barred at {barred} and got it at {handed}"));
        }
    }
}
