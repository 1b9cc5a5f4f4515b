//! What happened, line by line: virtual time, who, what.
//!
//! Off while thousands of seeds run; on when one is replayed. Lines are made only when they are kept.

use std::fmt::Write as _;

/// The lines so far, if they are kept.
#[derive(Debug, Default)]
pub struct Trace(Option<String>);

impl Trace {
    /// A trace that keeps its lines, or not.
    #[must_use]
    pub fn new(kept: bool) -> Self {
        Self(kept.then(String::new))
    }

    /// Adds a line of `who` at `at_ns` after the beginning.
    pub fn line(&mut self, at_ns: u64, who: &str, what: impl FnOnce() -> String) {
        if let Some(text) = &mut self.0 {
            let (seconds, micros) = (at_ns / 1_000_000_000, at_ns % 1_000_000_000 / 1_000);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{seconds:>6}.{micros:06} {who:<14} {}", what());
        }
    }

    /// The lines, empty if they were not kept.
    #[must_use]
    pub fn take(&mut self) -> String {
        self.0.take().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_time_who_and_what() {
        let mut trace = Trace::new(true);
        trace.line(61_002_003_004, "sender-1.2", || "write_batch".into());
        assert_eq!(trace.take(), "    61.002003 sender-1.2     write_batch\n");
    }

    #[test]
    fn a_line_that_is_not_kept_is_not_made() {
        Trace::new(false).line(0, "nobody", || panic!("made"));
    }
}
