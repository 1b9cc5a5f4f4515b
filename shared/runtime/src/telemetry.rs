//! The log: JSON lines on standard output, which Lambda takes to CloudWatch.
//!
//! Levels follow `FANMAIL_LOG` (`info` where it is not set; the syntax is that of `tracing-subscriber`'s
//! `EnvFilter`). No line may contain an address, a name, a subject or a body: ids only.

use tracing_subscriber::EnvFilter;

/// Starts the log of this process. Calling it again changes nothing.
pub fn init() {
    let filter = EnvFilter::try_from_env("FANMAIL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // A second subscriber is refused, which is what is wanted: the first one goes on.
    let _ = tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).try_init();
}
