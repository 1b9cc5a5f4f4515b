//! The log: JSON lines on standard output, which Lambda takes to CloudWatch.
//!
//! Levels follow `FANMAIL_LOG` (`info` where it is not set; the syntax is that of `tracing-subscriber`'s `Targets`:
//! `warn,fanmail_smtp=trace`). `EnvFilter` could filter by spans and fields as well, and brings an engine for regular
//! expressions into every function. No line may contain an address, a name, a subject or a body: ids only.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts the log of this process. Calling it again changes nothing.
pub fn init() {
    let told = std::env::var("FANMAIL_LOG").ok().and_then(|filter| filter.parse::<Targets>().ok());
    let filter = told.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let lines = fmt::layer().json().flatten_event(true);
    // A second subscriber is refused, which is what is wanted: the first one goes on.
    let _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
}
