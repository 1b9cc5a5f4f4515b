//! I6: counters are a recount of the ledger.

use fanmail_domain::{CampaignStatus, LaneNo, Phase, Tally};

use super::{Promise, Say};
use crate::world::State;

pub(super) fn check(state: &State, say: &mut impl Say) {
    for ((_, no), lane) in &state.stored.lanes {
        let batches = || state.stored.batches.values().filter(|batch| batch.id.lane == *no);
        let entries = batches().flat_map(|batch| &batch.entries);
        let recount: Tally = entries.filter(|entry| entry.counted).map(|entry| entry.state).collect();
        let done = batches().filter(|batch| batch.phase == Phase::Done).count();
        let (created, recipients) = (batches().count(), batches().flat_map(|batch| &batch.entries).count());
        let mut differ = |what: &str, is: String, should: String| {
            if is != should {
                say(Promise::TrueCounters, format!("lane {no}: {what} is {is}, and {should} by a recount"));
            }
        };
        differ("the tally", in_words(&lane.tally), in_words(&recount));
        differ("done", lane.done.to_string(), done.to_string());
        differ("created", lane.plan.created.to_string(), created.to_string());
        differ("recipients", lane.plan.recipients.to_string(), recipients.to_string());
    }
    let status = state.stored.campaign().state.status;
    if matches!(status, CampaignStatus::Finished | CampaignStatus::Cancelled) {
        check_all_counted(state, say);
    }
}

fn check_all_counted(state: &State, say: &mut impl Say) {
    let uncounted = |no: LaneNo| {
        let of = state.stored.batches.values().filter(move |batch| batch.id.lane == no);
        of.flat_map(|batch| &batch.entries).filter(|entry| !entry.counted).count()
    };
    for (_, no) in state.stored.lanes.keys() {
        let left = uncounted(*no);
        if left > 0 {
            say(Promise::TrueCounters, format!("lane {no}: {left} recipients are in no counter"));
        }
    }
}

fn in_words(tally: &Tally) -> String {
    let words: Vec<String> = tally
        .iter()
        .map(|(state, count)| format!("{count} {} {}", state.name(), state.reason().unwrap_or_default()))
        .collect();
    words.join(", ")
}
