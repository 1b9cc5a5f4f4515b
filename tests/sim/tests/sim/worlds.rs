//! Worlds as their seeds make them.

use fanmail_sim::fleet::run_all;
use fanmail_sim::run::{Report, Twist, run};
use fanmail_sim::scenario::Scenario;

#[test]
fn every_promise_is_kept_in_thousands_of_worlds() {
    let summary = run_all(0..3_000, &Twist::default(), usize::MAX, |_| {});
    let story = |failure: &Report| format!("seed {}: {}", failure.seed, failure.violations[0]);
    let stories: Vec<String> = summary.failures.iter().map(story).collect();
    assert!(stories.is_empty(), "{}", stories.join("\n"));
    for kind in ["crashes", "freezes", "zombies", "time-outs", "lost answers", "late effects", "purges"] {
        assert!(summary.counts.of(kind) > 100, "hardly any {kind}: {}", summary.counts.of(kind));
    }
}

#[test]
fn the_same_seed_is_the_same_run_step_by_step() {
    for seed in [3, 17, 5] {
        let first = run(seed, &Twist::default(), true);
        assert!(first.trace.lines().count() > 100, "seed {seed} has hardly a trace");
        assert!(first == run(seed, &Twist::default(), true), "seed {seed} ran differently");
    }
}

#[test]
fn keeping_a_trace_changes_nothing() {
    let traced = run(5, &Twist::default(), true);
    let quiet = run(5, &Twist::default(), false);
    assert_eq!((traced.counts, traced.violations), (quiet.counts, quiet.violations));
}

#[test]
fn calm_worlds_leave_nobody_in_doubt() {
    let calm = |seed: &u64| {
        let scenario = Scenario::of(*seed);
        let (weather, moods) = (scenario.weather, scenario.climate.moods);
        let quiet =
            weather.crash + weather.freeze + weather.error + weather.lost_answer + weather.late_effect;
        quiet == 0 && weather.outages.is_empty() && moods.len() == 1
    };
    let mut seen = 0;
    for seed in (0..400).filter(calm) {
        let report = run(seed, &Twist::default(), false);
        let deadly = report.counts.of("crashes") > 0;
        assert!(deadly || report.counts.of("in doubt") == 0, "seed {seed}");
        seen += 1;
    }
    assert!(seen > 10, "only {seen} calm worlds");
}
