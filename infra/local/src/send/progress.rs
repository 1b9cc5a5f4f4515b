//! Showing how far a campaign is: a bar on a terminal, a line every few seconds elsewhere.

use std::collections::VecDeque;
use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use super::campaign::View;
use super::summary::thousands;

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// The rate is that of this long: a campaign's beginning says little about its end.
const RATE_OVER: Duration = Duration::from_secs(10);
/// Less than this says nothing.
const MIN_RATE_OVER: Duration = Duration::from_secs(1);
/// How often the spinner of the import turns.
const TURN: Duration = Duration::from_millis(120);

const IMPORT: &str = "{spinner} {msg}";
/// Two lines that fit into 80 columns.
const CAMPAIGN: &str = "{bar:30} {percent:>3} %  {prefix}\n{msg}";

/// Where progress is shown.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last_line: Option<Instant>,
    /// When how many recipients had come to an end.
    seen: VecDeque<(Instant, u64)>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0).with_style(style(IMPORT));
            bar.enable_steady_tick(TURN);
            bar
        });
        Self { bar, state: Mutex::default() }
    }

    /// Shows a sentence, and keeps it where there is a terminal to keep it on.
    pub(super) fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) if bar.length() > Some(0) => bar.println(text),
            Some(bar) => bar.set_message(text.to_owned()),
            None => eprintln!("{text}"),
        }
    }

    /// Shows a sentence that the next one may replace.
    pub(crate) fn say_now_and_then(&self, text: impl FnOnce() -> String) {
        match &self.bar {
            Some(bar) => bar.set_message(text()),
            None if self.line_is_due() => eprintln!("{}", text()),
            None => {}
        }
    }

    /// Shows how far the campaign is.
    pub(super) fn show(&self, view: &View) {
        let rate = self.state().rate(Instant::now(), view.ended());
        let Some(bar) = &self.bar else {
            return self.say_now_and_then(|| format!("{}: {}", speed(view, rate), states(view)));
        };
        if bar.length() == Some(0) {
            bar.disable_steady_tick();
            bar.set_style(style(CAMPAIGN));
        }
        bar.set_length(view.audience.max(1));
        bar.set_prefix(speed(view, rate));
        bar.set_message(states(view));
        bar.set_position(view.ended());
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line_is_due(&self) -> bool {
        let mut state = self.state();
        let due = state.last_line.is_none_or(|at| at.elapsed() >= LINE_EVERY);
        if due {
            state.last_line = Some(Instant::now());
        }
        due
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Recipients per second over the last seconds; `None` before there is anything to compare.
    fn rate(&mut self, now: Instant, ended: u64) -> Option<f64> {
        while self.seen.front().is_some_and(|(at, _)| now.duration_since(*at) > RATE_OVER) {
            self.seen.pop_front();
        }
        self.seen.push_back((now, ended));
        let (since, before) = *self.seen.front()?;
        let seconds = now.duration_since(since).as_secs_f64();
        (seconds >= MIN_RATE_OVER.as_secs_f64()).then(|| ended.saturating_sub(before) as f64 / seconds)
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// How many of how many, how fast, and how long it will take.
fn speed(view: &View, rate: Option<f64>) -> String {
    let of = if view.audience_sealed { "of" } else { "of at least" };
    let done = format!("{} {of} {}", thousands(view.ended()), thousands(view.audience));
    match (rate, view.count("pending")) {
        (None, _) => done,
        (Some(rate), 0) => format!("{done}, {rate:.0}/s"),
        (Some(rate), _) if rate < 0.1 => format!("{done}, waiting"),
        (Some(rate), pending) => {
            let left = HumanDuration(Duration::from_secs_f64((pending as f64 / rate).ceil()));
            format!("{done}, {rate:.0}/s, {left} left")
        }
    }
}

fn states(view: &View) -> String {
    format!(
        "{} accepted, {} failed, {} skipped, {} in doubt",
        thousands(view.count("accepted")),
        thousands(view.count("failed")),
        thousands(view.count("skipped")),
        thousands(view.count("in_doubt")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let (mut state, start) = (State::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(state.rate(at(0), 0), None);
        assert_eq!(state.rate(at(2), 1_000), Some(500.0));
        assert_eq!(state.rate(at(12), 1_100), Some(10.0), "the fast beginning still counts");
        assert_eq!(state.rate(at(30), 1_100), None, "nothing within the last seconds to compare with");
    }
}
