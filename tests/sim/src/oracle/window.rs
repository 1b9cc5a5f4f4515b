//! I5: no interval of a sliding window's length sees more than its rate.
//!
//! An interval counts if its window was in force in all of it, and long enough before it for every sender to
//! have seen it. Clocks that differ shorten the interval by as much. A process that slept is left out, as in
//! [`super::rate`].

use std::collections::BTreeSet;

use fanmail_domain::SlidingWindow;

use super::{Promise, Say, at};
use crate::scenario::Scenario;
use crate::time::{MILLI, SECOND};
use crate::world::State;

pub(super) fn check(scenario: &Scenario, state: &State, say: &mut impl Say) {
    let slept: BTreeSet<_> = state.witness.freezes.iter().map(|freeze| freeze.task).collect();
    let arrivals = state.witness.arrivals.iter().filter(|arrival| !slept.contains(&arrival.by));
    let times: Vec<u64> = arrivals.map(|arrival| arrival.at_ns).collect();
    let windows = &state.witness.windows;
    // An invocation may be as old as its time-out, and what it sees of the settings 3 s older.
    let seen_ns = scenario.timeout_ns + 5 * SECOND;
    for (index, (since_ns, limit)) in windows.iter().enumerate() {
        let until_ns = windows.get(index + 1).map_or(u64::MAX, |(next, _)| *next);
        let from_ns = if index == 0 { 0 } else { since_ns + seen_ns };
        check_limit(scenario, &times, (from_ns, until_ns), *limit, say);
    }
    check_limit(scenario, &times, (0, u64::MAX), scenario.overrides.sliding_window, say);
}

fn check_limit(
    scenario: &Scenario,
    times: &[u64],
    (from_ns, until_ns): (u64, u64),
    limit: Option<SlidingWindow>,
    say: &mut impl Say,
) {
    let Some(SlidingWindow { rate, duration_s }) = limit else { return };
    let length_ns = (u64::from(duration_s) * SECOND).saturating_sub(2 * scenario.skew_ms * MILLI);
    let in_force = times.iter().filter(|at_ns| (from_ns..until_ns).contains(*at_ns));
    let times: Vec<u64> = in_force.copied().collect();
    for (first, begin_ns) in times.iter().enumerate() {
        let within = times[first..].iter().take_while(|at_ns| **at_ns < begin_ns + length_ns).count();
        if within > rate as usize {
            let from = at(*begin_ns);
            say(Promise::RateHolds, format!("from {from}: {within} messages in a window of {limit:?}"));
            return;
        }
    }
}
