//! The wall clock. Everything else measures with [`std::time::Instant`].

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01 UTC; 0 if the machine's clock stands before that.
#[expect(
    clippy::disallowed_methods,
    reason = "the inbox is a witness: it records when things really happened"
)]
pub(crate) fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
