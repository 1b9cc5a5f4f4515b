//! The oracle: what has to hold after every run.
//!
//! It believes the provider's books and the operators' acknowledgements, and holds the stored ledger against
//! them. The names I1 to I8 are those of the scenarios. It knows how fanmail is meant to behave, and nothing
//! of how it does it.

mod alarm;
mod audience;
mod cancel;
mod copies;
mod counters;
mod journal;
mod pause;
mod rate;
mod retry;
mod window;
pub mod witness;

use std::fmt;

use crate::scenario::Scenario;
use crate::world::State;

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub promise: Promise,
    /// What was found.
    pub found: String,
}

/// What fanmail promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Promise {
    /// I1: nobody gets it twice.
    OneCopy,
    /// I2, I3: who is finished has an end for everybody, and everybody is everybody.
    NobodyLost,
    /// The ledger says what the provider says.
    TrueLedger,
    /// Doubt has a cause, and a bound.
    BoundedDoubt,
    /// I4: a pause is a pause.
    PauseHolds,
    /// I5: a limit is a limit.
    RateHolds,
    /// I6: counters are a recount.
    TrueCounters,
    /// I7: who is barred gets nothing.
    BarredGetNothing,
    /// I8: work goes on until there is none.
    Progress,
    /// No error but those that were made on purpose.
    NoOtherError,
}

impl Promise {
    fn text(self) -> &'static str {
        match self {
            Self::OneCopy => "I1 nobody gets it twice",
            Self::NobodyLost => "I2/I3 nobody is lost",
            Self::TrueLedger => "the ledger says what the provider says",
            Self::BoundedDoubt => "doubt has a cause",
            Self::PauseHolds => "I4 a pause is a pause",
            Self::RateHolds => "I5 a limit is a limit",
            Self::TrueCounters => "I6 counters are a recount",
            Self::BarredGetNothing => "I7 who is barred gets nothing",
            Self::Progress => "I8 work goes on",
            Self::NoOtherError => "no error but the simulated ones",
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.found)
    }
}

/// Finds every promise that was not kept.
#[must_use]
pub fn judge(scenario: &Scenario, state: &State) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut say = |promise, text: String| found.push(Violation { promise, found: text });
    copies::check(scenario, state, &mut say);
    audience::check(scenario, state, &mut say);
    pause::check(state, &mut say);
    cancel::check(state, &mut say);
    rate::check(scenario, state, &mut say);
    window::check(scenario, state, &mut say);
    counters::check(state, &mut say);
    retry::check(state, &mut say);
    alarm::check(scenario, state, &mut say);
    journal::check(state, &mut say);
    for error in &state.witness.errors {
        say(Promise::NoOtherError, error.clone());
    }
    found
}

/// Takes down a promise that was not kept.
trait Say: FnMut(Promise, String) {}

impl<F: FnMut(Promise, String)> Say for F {}

/// A moment as the trace shows it.
fn at(ns: u64) -> String {
    let ns = ns.saturating_sub(crate::time::BEGIN_NS);
    format!("{}.{:03} s", ns / crate::time::SECOND, ns % crate::time::SECOND / crate::time::MILLI)
}
