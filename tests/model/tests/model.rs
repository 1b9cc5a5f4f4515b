//! The protocols hold in every state; without one of their rules they do not, and the search sees it.

use fanmail_model::model::Model;
use fanmail_model::properties::{
    COUNTERS, LEGAL, NOBODY_LOST, ONCE, PAUSE_HOLDS, PLANNED_ONCE, TRUE_REFUSALS,
};
use fanmail_model::scope::{Faults, Grain, Rules, Scope};
use fanmail_model::search::{ENDS, Limits, Report, Violation, search};
use fanmail_model::sights;

const NONE: Faults = Scope::SMALLEST.faults;
const COARSE: Scope = Scope { grain: Grain::Coarse, ..Scope::SMALLEST };

/// Searches everything, demands that all properties hold, and that all of `met` was met.
fn holds(scope: Scope, met: &[&str]) -> Report {
    let report = search(&Model { scope, rules: Rules::ALL }, Limits::default());
    assert!(report.complete && report.ends > 0);
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
    let missed: Vec<_> = met.iter().filter(|what| report.sightings.count(what) == 0).collect();
    assert!(missed.is_empty(), "never met: {missed:?}, but {:#?}", report.sightings);
    report
}

/// The first violation of `property` under `rules`.
fn breaks(scope: Scope, rules: Rules, property: &'static str) -> Violation {
    let limits = Limits { until: Some(property), ..Limits::default() };
    let report = search(&Model { scope, rules }, limits);
    report.violation(property).cloned().unwrap_or_else(|| panic!("{property}: no counterexample"))
}

fn steps_of(violation: &Violation, what: &str) -> usize {
    violation.trace.iter().filter(|step| step.contains(what)).count()
}

#[test]
fn all_holds_where_each_read_is_a_step_of_its_own() {
    let report = holds(Scope::SMALLEST, &[sights::FINISHED, sights::FINISH_REFUSED, sights::REWOUND]);
    assert!(report.states > 10_000, "{} states", report.states);
}

#[test]
fn all_holds_through_a_crash_and_a_freeze() {
    let faults = Faults { crashes: 1, freezes: 1, ..NONE };
    let met = [
        sights::FINISHED_WITH_DOUBT,
        sights::TAKEN_OVER,
        sights::LEASE_EXPIRED,
        sights::HOLDER_FENCED,
        sights::LEASE_RACE_LOST,
        sights::DUPLICATE_DROPPED,
        sights::LANE_RACE_LOST,
    ];
    let report = holds(Scope { faults, ..COARSE }, &met);
    assert!(report.states > 100_000, "{} states", report.states);
}

#[test]
fn all_holds_where_a_holder_is_frozen_between_windows_and_within_one() {
    let faults = Faults { freezes: 1, ..NONE };
    for window in [1, 2] {
        let scope = Scope { recipients: 2, window, faults, ..COARSE };
        let report = holds(scope, &[sights::HOLDER_FENCED, sights::FINISHED_WITH_DOUBT]);
        assert!(report.states > 5_000, "{} states", report.states);
    }
}

#[test]
fn all_holds_through_a_pause_and_a_second_run() {
    let scope = Scope { recipients: 2, faults: Faults { pauses: 1, ..NONE }, ..COARSE };
    let report = holds(scope, &[sights::FINISHED_IN_A_LATER_RUN, sights::VOID_DROPPED]);
    assert!(report.states > 100_000, "{} states", report.states);
}

#[test]
fn all_holds_through_a_duplicate_and_a_lost_message() {
    let scope = Scope { batches: 2, faults: Faults { duplicates: 1, losses: 1, ..NONE }, ..COARSE };
    let report = holds(scope, &[sights::DUPLICATE_DROPPED, sights::UNREAD_REFUSED, sights::REWOUND]);
    assert!(report.states > 100_000, "{} states", report.states);
}

#[test]
fn all_holds_on_two_lanes() {
    let report = holds(
        Scope { lanes: 2, ..COARSE },
        &[sights::FINISHED, sights::FINISH_REFUSED, sights::END_MAY_BE_THE_LAST],
    );
    assert!(report.states > 100_000, "{} states", report.states);
}

#[test]
fn all_holds_whatever_the_provider_answers_and_whenever_time_is_up() {
    let faults = Faults { answers: 1, timeouts: 1, ..NONE };
    let report = holds(Scope { recipients: 2, window: 2, faults, ..COARSE }, &[sights::FINISHED_WITH_DOUBT]);
    assert!(report.states > 10_000, "{} states", report.states);
}

#[test]
fn all_holds_where_recipients_are_prepared_with_care() {
    let scope = Scope { careful_after: Some(1), faults: Faults { crashes: 1, ..NONE }, ..COARSE };
    holds(scope, &[sights::PREPARED_WITH_CARE]);
}

#[test]
fn all_holds_where_two_fan_outs_work_on_one_lane() {
    let scope = Scope { fan_outs: 2, faults: Faults { freezes: 1, ..NONE }, ..COARSE };
    holds(scope, &[sights::LANE_RACE_LOST]);
}

const UNFENCED: Rules = Rules { fencing: false, ..Rules::ALL };

#[test]
fn the_model_finds_the_duplicate_when_two_leases_of_one_batch_may_both_be_written() {
    let scope = Scope { faults: Faults { duplicates: 1, ..NONE }, ..COARSE };
    let violation = breaks(scope, UNFENCED, ONCE);
    assert_eq!(steps_of(&violation, "call the provider"), 2, "{violation:#?}");
    assert_eq!(steps_of(&violation, "write the intents"), 2, "{violation:#?}");
    breaks(scope, UNFENCED, COUNTERS);
}

#[test]
fn the_model_finds_the_duplicate_when_a_frozen_holder_may_write_again() {
    let scope = Scope { recipients: 2, faults: Faults { freezes: 1, ..NONE }, ..COARSE };
    let violation = breaks(scope, UNFENCED, ONCE);
    assert_eq!(steps_of(&violation, "write that a lease ran out"), 1, "{violation:#?}");
}

#[test]
fn the_model_finds_the_duplicate_when_the_intent_comes_after_the_message() {
    let scope = Scope { faults: Faults { crashes: 1, ..NONE }, ..COARSE };
    let hasty = Rules { intent_first: false, ..Rules::ALL };
    let violation = breaks(scope, hasty, ONCE);
    assert_eq!(steps_of(&violation, "call the provider"), 2, "{violation:#?}");
    breaks(scope, hasty, TRUE_REFUSALS);
}

#[test]
fn the_model_finds_the_recipient_planned_twice_when_a_frozen_fan_out_may_write_again() {
    let scope = Scope { fan_outs: 2, faults: Faults { freezes: 1, ..NONE }, ..COARSE };
    let violation = breaks(scope, Rules { lane_fencing: false, ..Rules::ALL }, PLANNED_ONCE);
    assert!(steps_of(&violation, "write a page") >= 2, "{violation:#?}");
}

#[test]
fn the_model_finds_the_illegal_step_when_a_frozen_fan_out_counts_its_successors_batches() {
    let faults = Faults { crashes: 1, freezes: 1, ..NONE };
    // Fan-out alone: nobody sends, so the campaign has no end.
    let scope = Scope { batches: 2, senders: 0, fan_outs: 2, faults, ..COARSE };
    breaks(scope, Rules { own_batches: false, ..Rules::ALL }, LEGAL);
    let report = search(&Model { scope, rules: Rules::ALL }, Limits::default());
    let broken: Vec<_> = report.violations.iter().map(|violation| violation.property).collect();
    assert_eq!(broken, [ENDS]);
    assert!(report.states > 10_000, "{} states", report.states);
}

#[test]
fn the_model_finds_the_lost_recipient_when_a_lane_need_not_be_sealed() {
    let unsealed = Rules { sealed_finish: false, ..Rules::ALL };
    let violation = breaks(Scope { batches: 2, ..COARSE }, unsealed, NOBODY_LOST);
    assert_eq!(steps_of(&violation, "write that the campaign is finished"), 1, "{violation:#?}");
}

#[test]
fn the_model_finds_the_late_message_when_senders_do_not_look_before_a_window() {
    let scope = Scope { faults: Faults { pauses: 1, ..NONE }, ..COARSE };
    let violation = breaks(scope, Rules { look_first: false, ..Rules::ALL }, PAUSE_HOLDS);
    assert_eq!(steps_of(&violation, "operator: pause"), 1, "{violation:#?}");
}

#[test]
fn the_model_finds_the_campaign_that_never_ends_when_lost_messages_are_not_sent_again() {
    let scope = Scope { faults: Faults { losses: 1, ..NONE }, ..COARSE };
    let violation = breaks(scope, Rules { rewinding: false, ..Rules::ALL }, ENDS);
    assert_eq!(steps_of(&violation, "lost: "), 1, "{violation:#?}");
}

#[test]
fn a_crash_is_mended_by_the_message_itself_and_a_lost_message_by_the_sweeper() {
    let rules = Rules { expiry: false, ..Rules::ALL };
    let neither = Rules { expiry: false, rewinding: false, ..Rules::ALL };
    let crash = Scope { faults: Faults { crashes: 1, ..NONE }, ..COARSE };
    for rules in [rules, neither] {
        let report = search(&Model { scope: crash, rules }, Limits::default());
        assert!(report.complete && report.violations.is_empty(), "{:#?}", report.violations);
        assert!(report.sightings.count(sights::HELD_COMES_AGAIN) > 0);
    }
    let loss = Scope { faults: Faults { losses: 1, ..NONE }, ..COARSE };
    breaks(loss, Rules { rewinding: false, ..Rules::ALL }, ENDS);
}
