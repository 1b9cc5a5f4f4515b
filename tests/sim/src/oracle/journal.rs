//! Every decision about the campaign has its line in the journal, and an edit is what people get from then on.

use super::{Promise, Say, at};
use crate::time::SECOND;
use crate::world::State;

pub(super) fn check(state: &State, say: &mut impl Say) {
    for version in 1..=state.stored.campaign().state.version {
        let key = format!("v{version}");
        if !state.stored.journal.values().any(|entry| entry.key == key) {
            say(Promise::NoOtherError, format!("nobody wrote down why version {version} came about"));
        }
    }
    check_edits(state, say);
}

/// What leaves later than a sender may have missed an edit is of that version.
fn check_edits(state: &State, say: &mut impl Say) {
    for (edited_ns, version) in &state.witness.edits {
        for accept in state.witness.accepts.iter().filter(|accept| accept.content < *version) {
            let slept_ns = state.witness.slept_ns(accept.by, *edited_ns, accept.handed_ns);
            if accept.handed_ns > edited_ns + SECOND + slept_ns {
                let (edited, handed) = (at(*edited_ns), at(accept.handed_ns));
                let text = format!("edited at {edited}, and version {} left at {handed}", accept.content);
                say(Promise::PauseHolds, text);
            }
        }
    }
}
