//! Keeps a function that cannot start from being started in a loop.
//!
//! After a failed start there is a pause, doubled with each failure in a row, and whoever invokes during the
//! pause gets the error of the last start. AWS shows the same error without a pause; its invocations wait for a
//! start each, ours would burn the machine.

use std::{sync::Mutex, time::Duration};

use tokio::time::Instant;

use crate::{invocation::InvokeError, sync::lock};

/// Pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause: a function that was repaired is tried again within this time.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What the last starts of a function have taught.
#[derive(Debug, Default)]
pub(crate) struct InitBackoff(Mutex<Option<Failures>>);

#[derive(Debug)]
struct Failures {
    in_a_row: u32,
    pause_until: Instant,
    last: InvokeError,
}

impl InitBackoff {
    /// Whether a process may be started now.
    ///
    /// # Errors
    ///
    /// The error of the last start, during a pause.
    pub(crate) fn check(&self) -> Result<(), InvokeError> {
        match &*lock(&self.0) {
            Some(failures) if Instant::now() < failures.pause_until => Err(failures.last.clone()),
            Some(_) | None => Ok(()),
        }
    }

    /// Waits out the pause, if there is one.
    pub(crate) async fn over(&self) {
        let until = lock(&self.0).as_ref().map(|failures| failures.pause_until);
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Notes that a process got as far as taking an invocation.
    pub(crate) fn succeeded(&self) {
        *lock(&self.0) = None;
    }

    /// Notes a failed start and returns how many there were in a row.
    pub(crate) fn failed(&self, error: InvokeError) -> u32 {
        let mut failures = lock(&self.0);
        let before = failures.as_ref().map_or(0, |failures| failures.in_a_row);
        let pause = FIRST_PAUSE.saturating_mul(1 << before.min(16)).min(LONGEST_PAUSE);
        let in_a_row = before + 1;
        *failures = Some(Failures { in_a_row, pause_until: Instant::now() + pause, last: error });
        in_a_row
    }

    /// Failed starts since the last good one.
    pub(crate) fn in_a_row(&self) -> u32 {
        lock(&self.0).as_ref().map_or(0, |failures| failures.in_a_row)
    }
}
