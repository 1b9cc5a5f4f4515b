//! One seed, from the first moment to rest, and what the oracle says of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fanmail_domain::{Phase, RecipientState};

use crate::executor::{Executor, Stopped};
use crate::faults::Counts;
use crate::oracle::{Promise, Violation, judge};
use crate::processes::{crowd, director, functions, operators, sweepers};
use crate::rng::Rng;
use crate::scenario::{Sabotage, Scenario};
use crate::time::{BEGIN_NS, SECOND};
use crate::world::queue::QueueName;
use crate::world::{State, World};

/// How long after the storm a campaign has to end, and the world to be at rest.
///
/// That is two quotas of the day, each of which is left alone for an hour, and more than twice what the longest
/// world without them takes.
pub const REST_NS: u64 = (7_200 + 4_800) * SECOND;

/// Far more steps than any run needs: whoever takes them goes round in circles.
const MAX_STEPS: u64 = 5_000_000;

/// What became of one seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Which one.
    pub seed: u64,
    /// What happened how often.
    pub counts: Counts,
    /// Which promises were not kept.
    pub violations: Vec<Violation>,
    /// Every step, if they were kept.
    pub trace: String,
    /// When the campaign ended after the storm was over, in virtual seconds; 0 if it ended before.
    pub rest_s: u64,
}

impl Report {
    /// Whether it did not keep this promise.
    #[must_use]
    pub fn breaks(&self, promise: Promise) -> bool {
        self.violations.iter().any(|violation| violation.promise == promise)
    }
}

/// What is different from the world as the seed makes it, and from the oracle as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Twist {
    /// What is broken on purpose.
    pub sabotage: Option<Sabotage>,
    /// What the oracle says nothing about.
    pub except: Vec<Promise>,
}

/// Runs one seed.
#[must_use]
pub fn run(seed: u64, twist: &Twist, traced: bool) -> Report {
    let scenario = Scenario::of(seed).broken(twist.sabotage);
    let mut report = catch_unwind(AssertUnwindSafe(|| play(scenario, traced))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let found = format!("a panic: {}", text.unwrap_or_default());
        let violations = vec![Violation { promise: Promise::NoOtherError, found }];
        Report { seed, counts: Counts::default(), violations, trace: String::new(), rest_s: 0 }
    });
    report.violations.retain(|violation| !twist.except.contains(&violation.promise));
    report
}

fn play(scenario: Scenario, traced: bool) -> Report {
    let mut rng = Rng::new(scenario.seed ^ 0x00f0_0d1e_5eed);
    let mut executor = Executor::new(BEGIN_NS, rng.fork());
    let world = World::new(scenario, executor.handle(), rng, traced);
    world.note("world", || format!("{:?}", world.scenario));
    let at_rest = begin(&world);
    let until_ns = world.scenario.weather.ends_ns + REST_NS;
    let stopped = executor.run(until_ns, MAX_STEPS, || at_rest.load(Ordering::Relaxed));
    let mut state = world.state();
    let mut violations = judge(&world.scenario, &state);
    if stopped != Stopped::Done {
        violations.push(Violation { promise: Promise::Progress, found: stuck(&state, stopped) });
    }
    state.counts.add_many("steps", executor.steps());
    report(&world.scenario, &mut state, violations)
}

/// Sets everybody to work. Answers what is set once the world is at rest.
fn begin(world: &Arc<World>) -> Arc<AtomicBool> {
    let at_rest = Arc::new(AtomicBool::new(false));
    for number in 0..world.scenario.senders {
        drop(world.exec.spawn(functions::slot(Arc::clone(world), QueueName::Batches, number)));
    }
    for number in 0..world.scenario.starts {
        drop(world.exec.spawn(functions::slot(Arc::clone(world), QueueName::Lanes, number)));
    }
    drop(world.exec.spawn(sweepers::schedule(Arc::clone(world))));
    operators::begin(world);
    crowd::begin(world);
    drop(world.exec.spawn(director::watch(Arc::clone(world), Arc::clone(&at_rest))));
    at_rest
}

fn stuck(state: &State, stopped: Stopped) -> String {
    let campaign = state.stored.campaign();
    let open = state.stored.batches.values().filter(|batch| batch.phase != Phase::Done).count();
    let lanes = state.stored.lanes.values();
    let unsealed = lanes.filter(|lane| !lane.plan.sealed).count();
    format!(
        "{stopped:?}: the campaign is {}, {unsealed} lanes are not sealed, {open} batches are not done, on the queues: {}",
        campaign.state.status,
        state.queues.describe().join(", ")
    )
}

fn report(scenario: &Scenario, state: &mut State, violations: Vec<Violation>) -> Report {
    let mut counts = std::mem::take(&mut state.counts);
    counts.add_many("accepted by the provider", state.witness.accepts.len() as u64);
    for entry in state.stored.batches.values().flat_map(|batch| &batch.entries) {
        counts.add("recipients");
        counts.add_many("in doubt", u64::from(entry.state == RecipientState::InDoubt));
    }
    let ended_ns = state.witness.statuses.last().map_or(0, |(since, _)| *since);
    for violation in &violations {
        state.note("oracle", || violation.to_string());
    }
    let rest_s = ended_ns.saturating_sub(scenario.weather.ends_ns) / SECOND;
    Report { seed: scenario.seed, counts, violations, trace: state.trace.take(), rest_s }
}
