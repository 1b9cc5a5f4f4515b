//! The use cases of fanmail, over ports.
//!
//! A use case is a function over the smallest set of ports it needs. It reads what is stored, asks the rules
//! of [`fanmail_domain`], and carries out the answer in writes that name what they read. No use case trusts a
//! queue message further than as a hint: the ledger is the truth, and everything here may run twice, at once,
//! late, or stop at any await.
//!
//! Absent on purpose: any AWS crate, any clock but the [`ports::Clock`] port, the environment, randomness.

pub mod commit;
pub mod control;
pub mod dry_render;
pub mod fan_out;
pub mod find;
pub mod finish;
pub mod ports;
pub mod resolve;
pub mod send_batch;
pub mod settle;
pub mod sweep;
pub mod watch;

use std::time::Duration;

use fanmail_domain::{Holder, Timestamp};

/// One run of a use case: who it is, and how long it may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invocation {
    /// Unique per invocation.
    pub holder: Holder,
    /// From here on no new work is begun.
    pub stop_at: Timestamp,
    /// When the process is stopped from outside.
    pub deadline: Timestamp,
}

/// How long after the deadline a lease still stands: clocks of two processes may differ by this much.
pub const LEASE_MARGIN: Duration = Duration::from_secs(2);

impl Invocation {
    /// When leases taken in this invocation end: nobody can be at work any more then.
    #[must_use]
    pub fn lease_until(&self) -> Timestamp {
        self.deadline.after(LEASE_MARGIN)
    }
}
