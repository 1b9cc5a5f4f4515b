//! The real clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fanmail_domain::Timestamp;
use fanmail_engine::ports::Clock;

/// The machine's clock, and waiting by tokio's timer.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time begins now.
    #[must_use]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is to use")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    async fn sleep_until_ns(&self, at_ns: u64) {
        let at = self.started + Duration::from_nanos(at_ns);
        tokio::time::sleep_until(tokio::time::Instant::from_std(at)).await;
    }
}
