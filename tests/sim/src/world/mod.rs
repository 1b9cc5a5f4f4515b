//! Everything outside the engine: stored items, people, queues, the provider, and what was witnessed.
//!
//! The world has one state. A [`Process`] reaches it through the engine's ports, one file per port, and every
//! call goes through one place, `call.rs`, where the faults strike.

mod audience;
mod call;
mod campaigns;
mod clock;
mod ledger;
mod mailer;
pub mod people;
pub mod provider;
pub mod queue;
pub mod stored;
mod tasks;
mod windows;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use call::SimulatedFault;
use fanmail_domain::{CampaignId, Settings};

use crate::executor::{Handle, TaskId};
use crate::faults::Counts;
use crate::oracle::witness::Witness;
use crate::rng::Rng;
use crate::scenario::Scenario;
use crate::time::BEGIN_NS;
use crate::trace::Trace;
use people::People;
use provider::Provider;
use queue::Queues;
use stored::Stored;

/// The campaign that every world has.
pub const CAMPAIGN: CampaignId = CampaignId(1);

/// Everything outside the engine.
#[derive(Debug)]
pub struct World {
    /// Time, and who takes the next step.
    pub exec: Handle,
    /// What the seed decided.
    pub scenario: Scenario,
    state: Mutex<State>,
}

/// What changes in a world.
#[derive(Debug)]
pub struct State {
    /// When the call that is carried out takes effect.
    pub now_ns: u64,
    /// Decides on everything that the scenario leaves open.
    pub rng: Rng,
    /// What happened, line by line.
    pub trace: Trace,
    /// How often each kind of thing happened.
    pub counts: Counts,
    /// Campaigns and ledger.
    pub stored: Stored,
    /// Subscribers and memberships.
    pub people: People,
    /// Tasks on their way.
    pub queues: Queues,
    /// The other side.
    pub provider: Provider,
    /// What the oracle may know.
    pub witness: Witness,
    invocations: u64,
}

impl World {
    /// The world of a scenario, before anything happened.
    #[must_use]
    pub fn new(scenario: Scenario, exec: Handle, rng: Rng, traced: bool) -> Arc<Self> {
        let mut state = State {
            now_ns: BEGIN_NS,
            rng,
            trace: Trace::new(traced),
            counts: Counts::default(),
            stored: Stored::with_draft(&scenario),
            people: People::default(),
            queues: Queues::default(),
            provider: Provider::new(&scenario),
            witness: Witness::default(),
            invocations: 0,
        };
        state.settings_change(&scenario, scenario.settings);
        state.people.admit(&scenario.crowd);
        Arc::new(Self { exec, scenario, state: Mutex::new(state) })
    }

    /// The state as it is now.
    pub fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now_ns = self.exec.now_ns();
        state
    }

    /// Adds a line to the trace.
    pub fn note(&self, who: &str, what: impl FnOnce() -> String) {
        self.state().note(who, what);
    }
}

impl State {
    /// From now on these settings stand for all campaigns.
    pub(crate) fn settings_change(&mut self, scenario: &Scenario, settings: Settings) {
        let rate = scenario.overrides.message_rate.unwrap_or(settings.message_rate);
        self.witness.rates.push((self.now_ns, rate));
        self.witness.windows.push((self.now_ns, settings.sliding_window));
        self.stored.settings = settings;
    }

    /// Adds a line to the trace.
    pub fn note(&mut self, who: &str, what: impl FnOnce() -> String) {
        self.trace.line(self.now_ns - BEGIN_NS, who, what);
    }

    /// A number that no invocation had before.
    pub fn next_invocation(&mut self) -> u64 {
        self.invocations += 1;
        self.invocations
    }
}

/// One process at one piece of work: what the engine gets for each of its ports.
#[derive(Debug, Clone)]
pub struct Process {
    /// Where it lives.
    pub world: Arc<World>,
    /// What the trace calls it.
    pub name: Arc<str>,
    /// The task whose end is its death.
    pub task: TaskId,
    /// Which environment it works in: what it remembers is shared within it.
    pub environment: u64,
    /// How far its clock is off.
    pub skew_ms: i64,
}
