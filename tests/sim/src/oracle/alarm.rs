//! I8: nothing stands still silently, and nobody cries wolf.

use std::time::Duration;

use fanmail_domain::CampaignStatus;

use super::witness::Alarm;
use super::{Promise, Say, at};
use crate::scenario::Scenario;
use crate::time::MILLI;
use crate::world::State;

pub(super) fn check(scenario: &Scenario, state: &State, say: &mut impl Say) {
    check_raised(scenario, state, say);
    for alarm in &state.witness.alarms {
        check_true(scenario, state, alarm, say);
    }
}

/// A campaign that runs and does not move for too long, while nothing keeps sweepers from working.
fn check_raised(scenario: &Scenario, state: &State, say: &mut impl Say) {
    let witness = &state.witness;
    let enough_ns = nanos(scenario.stalled_after) + scenario.two_sweeps_ns();
    let changes = witness.statuses.iter().map(|(since, _)| *since);
    let mut moments: Vec<u64> = changes.chain(witness.moves_ns.iter().copied()).collect();
    moments.push(state.now_ns);
    moments.sort_unstable();
    for pair in moments.windows(2) {
        let (from_ns, to_ns) = (pair[0], pair[1]);
        let calm_ns = from_ns.max(scenario.weather.ends_ns);
        if witness.status_at(from_ns) != CampaignStatus::Running || to_ns < calm_ns + enough_ns {
            continue;
        }
        if !witness.alarms.iter().any(|alarm| (from_ns..=to_ns).contains(&alarm.at_ns)) {
            let text = format!("nothing moved from {} to {}, and no alarm", at(from_ns), at(to_ns));
            say(Promise::Progress, text);
        }
    }
}

/// Nothing was counted between the moment that an alarm names and the sweep that raised it. A count carries
/// the time of its first try, which may be as old as an invocation.
fn check_true(scenario: &Scenario, state: &State, alarm: &Alarm, say: &mut impl Say) {
    let since_ns = alarm.since.0 * MILLI + scenario.timeout_ns + 2 * scenario.skew_ms * MILLI;
    let moved = state.witness.moves_ns.iter().find(|at_ns| (since_ns..alarm.began_ns).contains(*at_ns));
    if let Some(moved_ns) = moved {
        let (raised, moved) = (at(alarm.at_ns), at(*moved_ns));
        say(Promise::Progress, format!("an alarm at {raised}, and something moved at {moved}"));
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
