//! Keeps a function that cannot start from being started in a loop.
//!
//! After a failed start there is a pause, doubled with each failure in a row, and whoever invokes during the
//! pause gets the error of the last start. After the pause one start is a *trial*; others are refused until it
//! has an end. AWS shows the same error without a pause; its invocations wait for a start each, ours would burn
//! the machine.

use std::time::Duration;

use tokio::{sync::watch, time::Instant};

use crate::invocation::InvokeError;

/// Pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause: a function that was repaired is tried again within this time.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What the last starts of a function have taught.
#[derive(Debug, Default)]
pub(crate) struct InitBackoff(watch::Sender<Option<Failures>>);

#[derive(Debug)]
struct Failures {
    in_a_row: u32,
    pause_until: Instant,
    trial: bool,
    last: InvokeError,
}

impl InitBackoff {
    /// Asks to start a process; who may do so must report [`succeeded`](Self::succeeded) or
    /// [`failed`](Self::failed).
    ///
    /// # Errors
    ///
    /// The error of the last start, during a pause or a trial.
    pub(crate) fn check(&self) -> Result<(), InvokeError> {
        let mut answer = Ok(());
        self.0.send_if_modified(|failures| {
            let Some(failures) = failures else { return false };
            if failures.trial || Instant::now() < failures.pause_until {
                answer = Err(failures.last.clone());
                return false;
            }
            failures.trial = true;
            true
        });
        answer
    }

    /// Waits until [`check`](Self::check) would allow a start.
    pub(crate) async fn over(&self) {
        let mut failures = self.0.subscribe();
        loop {
            // The sender is in `self`, so waiting cannot fail.
            let settled =
                failures.wait_for(|failures| failures.as_ref().is_none_or(|failures| !failures.trial));
            let pause = settled
                .await
                .ok()
                .and_then(|failures| failures.as_ref().map(|failures| failures.pause_until));
            match pause {
                Some(until) if Instant::now() < until => tokio::time::sleep_until(until).await,
                Some(_) | None => return,
            }
        }
    }

    /// Notes that a process got as far as taking an invocation.
    pub(crate) fn succeeded(&self) {
        self.0.send_if_modified(|failures| failures.take().is_some());
    }

    /// Notes a failed start. Starts that failed side by side count as one.
    pub(crate) fn failed(&self, error: InvokeError) {
        self.0.send_modify(|failures| {
            let before = match failures {
                Some(failures) if !failures.trial => return,
                Some(failures) => failures.in_a_row,
                None => 0,
            };
            let pause = FIRST_PAUSE.saturating_mul(1 << before.min(16)).min(LONGEST_PAUSE);
            let pause_until = Instant::now() + pause;
            *failures = Some(Failures { in_a_row: before + 1, pause_until, trial: false, last: error });
        });
    }

    /// Failed starts since the last good one, those side by side counted once.
    pub(crate) fn in_a_row(&self) -> u32 {
        self.0.borrow().as_ref().map_or(0, |failures| failures.in_a_row)
    }
}
