//! Simulated ports, faults, a virtual clock and builders for tests.
//!
//! [`World`] is everything outside the engine: the stored items, the queues, the provider and the clock, all
//! in memory. It implements every port. Each call of a port has a number, and a [`Fault`] can strike at one
//! of them: an error before or after the effect, or the death of the process. [`World::drive`] delivers tasks
//! and sweeps until nothing is left to do, and [`World::check`] compares the ledger with what the provider
//! took.

#![expect(clippy::unwrap_used, reason = "a dev-dependency: a broken premise is to fail the test")]

mod audience;
mod build;
mod campaigns;
mod check;
mod drive;
mod faults;
mod ledger;
mod mailer;
mod orders;
mod tasks;
mod windows;
mod world;

pub use build::{CAMPAIGN, LIST, OTHER_LIST, SECOND, address};
pub use check::Outcome;
pub use drive::Died;
pub use faults::{Fault, Meanwhile, Strike};
pub use mailer::{Accepted, Answer, Letter, Mood};
pub use world::World;
