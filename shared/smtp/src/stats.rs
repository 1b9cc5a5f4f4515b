//! Counters of a pool, for metrics and for tests.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::outcome::Outcome;

/// What a pool has counted since it was made. Read it with [`PoolStats::counts`].
#[derive(Debug, Default)]
pub struct PoolStats {
    pub(crate) opened: AtomicU64,
    pub(crate) reused: AtomicU64,
    pub(crate) found_stale: AtomicU64,
    pub(crate) retried: AtomicU64,
    pub(crate) pipelined: AtomicU64,
    pub(crate) moved: AtomicU64,
    accepted: AtomicU64,
    rejected: AtomicU64,
    deferred: AtomicU64,
    misconfigured: AtomicU64,
    unknown: AtomicU64,
}

/// The counters at one moment, each exact, not all of the same moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolCounts {
    /// Sessions that were greeted and authenticated.
    pub opened: u64,
    /// Messages that began on a connection left by another.
    pub reused: u64,
    /// Idle connections found closed by the server before anything was sent.
    pub found_stale: u64,
    /// Messages begun again on a fresh connection, because the one in use died under RSET or MAIL.
    pub retried: u64,
    /// Messages whose commands travelled behind another message's text.
    pub pipelined: u64,
    /// Those of them that began again on another connection, because theirs was lost with the message before.
    pub moved: u64,
    /// Messages accepted.
    pub accepted: u64,
    /// Messages rejected.
    pub rejected: u64,
    /// Messages deferred.
    pub deferred: u64,
    /// Messages not sent because of the settings.
    pub misconfigured: u64,
    /// Messages in doubt.
    pub unknown: u64,
}

impl PoolStats {
    /// All counters now.
    pub fn counts(&self) -> PoolCounts {
        PoolCounts {
            opened: self.opened.load(Relaxed),
            reused: self.reused.load(Relaxed),
            found_stale: self.found_stale.load(Relaxed),
            retried: self.retried.load(Relaxed),
            pipelined: self.pipelined.load(Relaxed),
            moved: self.moved.load(Relaxed),
            accepted: self.accepted.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            deferred: self.deferred.load(Relaxed),
            misconfigured: self.misconfigured.load(Relaxed),
            unknown: self.unknown.load(Relaxed),
        }
    }

    pub(crate) fn add_outcome(&self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Accepted { .. } => &self.accepted,
            Outcome::Rejected { .. } => &self.rejected,
            Outcome::Deferred { .. } => &self.deferred,
            Outcome::Misconfigured { .. } => &self.misconfigured,
            Outcome::Unknown { .. } => &self.unknown,
        };
        counter.fetch_add(1, Relaxed);
    }
}
