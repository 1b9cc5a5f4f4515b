//! I4: what was cancelled stays home, but for those whom somebody asked to try again.

use fanmail_domain::{CampaignStatus, RecipientState};

use super::{Promise, Say, at};
use crate::time::SECOND;
use crate::world::State;

pub(super) fn check(state: &State, say: &mut impl Say) {
    let witness = &state.witness;
    let cancelled = witness.statuses.iter().filter(|(_, status)| *status == CampaignStatus::Cancelled);
    for (since_ns, _) in cancelled {
        for accept in &witness.accepts {
            let slept_ns = witness.slept_ns(accept.by, *since_ns, accept.handed_ns);
            let again = |change: &crate::oracle::witness::Changed| {
                change.id == accept.to && change.at_ns >= *since_ns && change.to == RecipientState::Pending
            };
            if accept.handed_ns > since_ns + SECOND + slept_ns && !witness.changes.iter().any(again) {
                let (cancelled, handed) = (at(*since_ns), at(accept.handed_ns));
                let text = format!("{} left at {handed}, it was cancelled at {cancelled}", accept.to);
                say(Promise::PauseHolds, text);
            }
        }
    }
}
