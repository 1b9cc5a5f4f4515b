//! The log: JSON lines on standard output, which Lambda takes to CloudWatch.
//!
//! A line's `timestamp` (RFC 3339) and `level` are those that Lambda's JSON log format looks for, `message` is what
//! is to be read, and `span.requestId` the invocation. Levels follow `FANMAIL_LOG`, in the syntax of
//! `tracing-subscriber`'s `Targets` (`EnvFilter` could filter by fields as well, and brings an engine for regular
//! expressions into every function); without it `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets to the function's
//! application log level; without that, `info`. No line may contain an address, a name, a subject or a body: ids
//! only (`docs/logging.md`).

use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;

use crate::vars::Vars;

/// Starts the log of this process. Calling it again changes nothing.
pub fn init() {
    let lines = lines(filter(&Vars::from_env()), std::io::stdout);
    // A second subscriber is refused, which is what is wanted: the first one goes on.
    let _ = tracing::subscriber::set_global_default(lines);
}

fn lines(
    filter: Targets,
    out: impl for<'w> MakeWriter<'w> + Send + Sync + 'static,
) -> impl Subscriber + Send + Sync {
    let lines = fmt::layer().json().flatten_event(true).with_span_list(false).with_writer(out);
    tracing_subscriber::registry().with(lines).with(filter)
}

/// What is written. A filter that cannot be read is none: a function is not to fail for its log.
fn filter(vars: &Vars) -> Targets {
    let level = vars.optional("AWS_LAMBDA_LOG_LEVEL").map(|level| level.to_ascii_lowercase());
    let level = match level.as_deref() {
        Some("fatal" | "error") => LevelFilter::ERROR,
        Some("warn") => LevelFilter::WARN,
        Some("debug") => LevelFilter::DEBUG,
        Some("trace") => LevelFilter::TRACE,
        _ => LevelFilter::INFO,
    };
    let own = vars.optional("FANMAIL_LOG").and_then(|filter| filter.parse().ok());
    own.unwrap_or_else(|| Targets::new().with_default(level))
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn vars(pairs: &[(&str, &str)]) -> Vars {
        Vars::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn a_line_has_the_keys_that_lambda_and_cloudwatch_look_for() {
        let written = Written::default();
        let out = written.clone();
        let lines = lines(filter(&vars(&[])), move || out.clone());
        tracing::subscriber::with_default(lines, || {
            // As lambda_runtime's own layer does it.
            let _span = tracing::info_span!("Lambda runtime invoke", requestId = "8f5b").entered();
            tracing::info!(campaign.id = %7, "finished batch 7/0/1");
            tracing::debug!("not written");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["level"], &line["message"]), (&"INFO".into(), &"finished batch 7/0/1".into()));
        assert_eq!((&line["campaign.id"], &line["span"]["requestId"]), (&"7".into(), &"8f5b".into()));
        assert_eq!(line["spans"], Value::Null);
        let timestamp = line["timestamp"].as_str().unwrap();
        assert!(timestamp.ends_with('Z') && timestamp.as_bytes()[10] == b'T', "{timestamp}");
    }

    #[test]
    fn the_level_is_ours_then_lambdas_then_info() {
        for (pairs, wanted) in [
            (vec![], "info"),
            (vec![("AWS_LAMBDA_LOG_LEVEL", "WARN")], "warn"),
            (vec![("AWS_LAMBDA_LOG_LEVEL", "FATAL")], "error"),
            (
                vec![("AWS_LAMBDA_LOG_LEVEL", "DEBUG"), ("FANMAIL_LOG", "warn,fanmail_smtp=trace")],
                "fanmail_smtp=trace,warn",
            ),
            (vec![("AWS_LAMBDA_LOG_LEVEL", "LOUD"), ("FANMAIL_LOG", "=/=")], "info"),
        ] {
            assert_eq!(filter(&vars(&pairs)).to_string(), wanted, "{pairs:?}");
        }
    }
}
