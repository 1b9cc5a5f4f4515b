//! I5: in no second does more leave one environment than its rate allows.
//!
//! Every process paces itself, so the bound is per environment: the rate, what its tolerance lets it catch up
//! on, and what the way to the provider may move together. A process that slept is left out: what was about
//! to leave when it fell asleep leaves at once when it wakes.

use std::collections::{BTreeMap, BTreeSet};

use super::{Promise, Say, at};
use crate::scenario::Scenario;
use crate::time::SECOND;
use crate::world::State;

/// In thousandths: 100 ms of lateness that a sender may make up for, and 20 ms of way on either side.
const ALLOWANCE: u64 = 1_000 + 100 + 40;

pub(super) fn check(scenario: &Scenario, state: &State, say: &mut impl Say) {
    let slept: BTreeSet<_> = state.witness.freezes.iter().map(|freeze| freeze.task).collect();
    let mut by_environment: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for arrival in state.witness.arrivals.iter().filter(|arrival| !slept.contains(&arrival.by)) {
        by_environment.entry(arrival.environment).or_default().push(arrival.at_ns);
    }
    for (environment, times) in by_environment {
        for (first, from_ns) in times.iter().enumerate() {
            let within = times[first..].iter().take_while(|at_ns| **at_ns < from_ns + SECOND).count() as u64;
            let rate = fastest(scenario, state, *from_ns);
            let allowed = (rate * ALLOWANCE).div_ceil(1_000) + 1;
            if within > allowed {
                let (from, text) =
                    (at(*from_ns), format!("{within} messages in a second, at a rate of {rate}"));
                say(Promise::RateHolds, format!("environment {environment}, from {from}: {text}"));
                break;
            }
        }
    }
}

/// The highest rate that a sender may have in mind in the second from `from_ns`: an invocation may be as old
/// as its time-out, and what it sees of the settings 3 s older.
fn fastest(scenario: &Scenario, state: &State, from_ns: u64) -> u64 {
    let seen_ns = from_ns.saturating_sub(scenario.timeout_ns + 5 * SECOND);
    let rates = &state.witness.rates;
    let stood = rates.iter().rposition(|(since, _)| *since <= seen_ns).unwrap_or_default();
    let standing = rates[stood..].iter().take_while(|(since, _)| *since < from_ns + SECOND);
    u64::from(standing.map(|(_, rate)| *rate).max().unwrap_or_default())
}
