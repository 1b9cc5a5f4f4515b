//! Many seeds, on all cores.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::faults::Counts;
use crate::run::{Report, Twist, run};

/// What became of many seeds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many seeds were run.
    pub runs: u64,
    /// What happened how often, in all of them.
    pub counts: Counts,
    /// The longest time that a campaign took to end after its storm, in virtual seconds.
    pub longest_rest_s: u64,
    /// The seeds that broke a promise, in order.
    pub failures: Vec<Report>,
}

impl Summary {
    fn add(&mut self, report: Report) {
        self.runs += 1;
        self.counts.add_all(&report.counts);
        self.longest_rest_s = self.longest_rest_s.max(report.rest_s);
        if !report.violations.is_empty() {
            let at = self.failures.partition_point(|failure| failure.seed < report.seed);
            self.failures.insert(at, report);
        }
    }
}

/// Runs all `seeds`, but begins no more once `enough` of them failed. Calls `progress` now and then.
#[must_use]
pub fn run_all(
    seeds: Range<u64>,
    twist: &Twist,
    enough: usize,
    progress: impl Fn(&Summary) + Sync,
) -> Summary {
    let (next, summary) = (AtomicU64::new(seeds.start), Mutex::new(Summary::default()));
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= seeds.end {
            return;
        }
        let report = run(seed, twist, false);
        let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
        summary.add(report);
        progress(&summary);
        if summary.failures.len() >= enough {
            next.store(seeds.end, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    summary.into_inner().unwrap_or_else(PoisonError::into_inner)
}
