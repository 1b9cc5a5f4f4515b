//! The whole stack with real processes, and the SMTP inbox as the witness: one file per kind of trouble.
//!
//! Each test has a world of its own ([`harness::World`]); every scenario ends with its audit: the ledger
//! against the counters, and the ledger against what the provider really took.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy's own exception does not cover")]
#![allow(clippy::allow_attributes, reason = "see above")]

mod audiences;
mod batch_life;
mod cancel;
mod doubt;
mod fairness;
mod fan_out;
mod feedback;
mod harness;
mod pause;
mod poison;
mod provider;
mod queue;
mod quota;
mod retry;
mod schedule;
mod sender_kills;
mod servers;
mod ses;
mod store_faults;
mod sweeps;
mod tuning;
mod windows;
mod zombies;
