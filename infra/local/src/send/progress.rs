//! Showing how far a campaign is: a bar on a terminal, a line every few seconds elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use super::campaign::View;
use super::summary::thousands;

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Where progress is shown.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    started: Instant,
    last_line: Mutex<Option<Instant>>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {msg}");
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, started: Instant::now(), last_line: Mutex::new(None) }
    }

    /// Shows a sentence.
    pub(super) fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None => eprintln!("{text}"),
        }
    }

    /// Shows a sentence that the next one may replace.
    pub(super) fn say_now_and_then(&self, text: impl FnOnce() -> String) {
        match &self.bar {
            Some(bar) => bar.set_message(text()),
            None if self.line_is_due() => eprintln!("{}", text()),
            None => {}
        }
    }

    /// Shows how far the campaign is.
    pub(super) fn show(&self, view: &View) {
        if let Some(bar) = &self.bar {
            bar.set_length(view.audience);
            bar.set_position(view.ended());
        }
        self.say_now_and_then(|| line(view, self.started.elapsed()));
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line_is_due(&self) -> bool {
        let mut last = self.last_line.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let due = last.is_none_or(|at| at.elapsed() >= LINE_EVERY);
        if due {
            *last = Some(Instant::now());
        }
        due
    }
}

fn line(view: &View, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64().max(0.001);
    let rate = view.ended() as f64 / seconds;
    let left = match view.count("pending") {
        0 => String::new(),
        _ if rate < 0.5 => ", time left unknown".to_owned(),
        pending => format!(", {} left", HumanDuration(Duration::from_secs_f64(pending as f64 / rate))),
    };
    let of = if view.audience_sealed { "of" } else { "of at least" };
    format!(
        "{} {of} {}: {} accepted, {} failed, {} skipped, {} in doubt; {:.0}/s{left}",
        thousands(view.ended()),
        thousands(view.audience),
        thousands(view.count("accepted")),
        thousands(view.count("failed")),
        thousands(view.count("skipped")),
        thousands(view.count("in_doubt")),
        rate,
    )
}
