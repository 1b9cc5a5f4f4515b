//! What the use cases need of the world, as traits.

mod audience;
mod campaigns;
mod ledger;
mod mailer;
mod tasks;
mod windows;

use std::error::Error;
use std::future::Future;

use fanmail_domain::Timestamp;

pub use audience::{Audience, Blocklist, Consistency, Member};
pub use campaigns::{Campaigns, JournalEntry};
pub use ledger::Ledger;
pub use mailer::{Mailer, Recipient, Refusal, RenderError, Scope, Submission};
pub use tasks::{BatchTask, LaneTask, Tasks};
pub use windows::{WindowKey, Windows};

/// Any error of an adapter.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A port did not answer, or not in a way that can be understood. Whether what was asked of it happened is
/// not known.
#[derive(Debug, thiserror::Error)]
#[error("could not {operation}")]
pub struct PortError {
    /// What was asked, as a verb and an object: `read a batch`.
    pub operation: &'static str,
    /// What the adapter said.
    #[source]
    pub source: BoxError,
}

impl PortError {
    /// An error of `operation`.
    pub fn new(operation: &'static str, source: impl Into<BoxError>) -> Self {
        Self { operation, source: source.into() }
    }
}

/// Outcome of a conditional write. A lost race is an answer, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a rejected write changed nothing"]
pub enum Conditional<T> {
    /// The write took place.
    Applied,
    /// The condition did not hold. Holds what stands instead; `None` if nothing does.
    ///
    /// A request whose answer was lost is repeated, and the repeat meets its own first write: compare with
    /// what was meant before believing that somebody else was faster. [`crate::commit`] does.
    Rejected(Option<T>),
}

/// The time, and waiting for it.
pub trait Clock: Sync {
    /// Now, by this process's clock.
    fn now(&self) -> Timestamp;

    /// Nanoseconds on a clock that does not go back, for pacing within the process.
    fn monotonic_ns(&self) -> u64;

    /// Waits until [`Clock::monotonic_ns`] has reached `at_ns`.
    fn sleep_until_ns(&self, at_ns: u64) -> impl Future<Output = ()> + Send;
}
