//! I4: after an acknowledged pause nothing leaves for longer than a sender may not have seen it.

use fanmail_domain::CampaignStatus;

use super::{Promise, Say, at};
use crate::time::SECOND;
use crate::world::State;

/// How old a sender's view of its campaign may be: what the guarantee says.
const UNSEEN_NS: u64 = SECOND;

pub(super) fn check(state: &State, say: &mut impl Say) {
    let witness = &state.witness;
    for stop_ns in &witness.stops_ns {
        if witness.status_at(*stop_ns) == CampaignStatus::Running {
            // Somebody else let it go on before the answer came.
            continue;
        }
        let goes_on = |(since, status): &&(u64, CampaignStatus)| {
            *since > *stop_ns && *status == CampaignStatus::Running
        };
        let until_ns = witness.statuses.iter().find(goes_on).map_or(u64::MAX, |(since, _)| *since);
        let after = witness.accepts.iter().filter(|accept| accept.handed_ns < until_ns);
        for accept in after {
            let slept_ns = witness.slept_ns(accept.by, *stop_ns, accept.handed_ns);
            if accept.handed_ns > stop_ns + UNSEEN_NS + slept_ns {
                let (stopped, handed) = (at(*stop_ns), at(accept.handed_ns));
                let text = format!("{} left at {handed}, a stop was acknowledged at {stopped}", accept.to);
                say(Promise::PauseHolds, text);
            }
        }
    }
}
