//! One time for a whole message, where the caller has a deadline.
//!
//! Each step may take its own time-out, but all of them together no more than their part of the budget: up to
//! the 354 a half of it, the body a quarter more, and the reply to the final dot (nearly) all the rest. So a slow relay
//! is given what there is, not a small share per step, and a message is never begun that leaves no time to hear
//! what became of it: running out of time before the body is *surely not taken*, after it *unknown*.

use std::time::{Duration, Instant};

/// When a message has to have come how far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    begun: Instant,
    whole: Option<Duration>,
}

impl Budget {
    /// Begins now; `None` is as long as the single time-outs allow.
    pub(crate) fn begin(whole: Option<Duration>) -> Self {
        Self { begun: Instant::now(), whole }
    }

    /// Until when the server has to have said 354.
    pub(crate) fn before_body(&self) -> Option<Instant> {
        self.whole.map(|whole| self.begun + whole / 2)
    }

    /// Until when the body has to be written.
    pub(crate) fn body(&self) -> Option<Instant> {
        self.whole.map(|whole| self.begun + whole * 3 / 4)
    }

    /// Until when the last reply has to be there. The hundredth after that is for the sender to hear of it.
    pub(crate) fn end(&self) -> Option<Instant> {
        self.whole.map(|whole| self.begun + whole * 99 / 100)
    }
}

/// What is left of `limit` if it must not pass `until`.
pub(crate) fn clip(limit: Duration, until: Option<Instant>) -> Duration {
    until.map_or(limit, |until| limit.min(until.saturating_duration_since(Instant::now())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_data_keeps_about_a_quarter() {
        let budget = Budget::begin(Some(Duration::from_secs(100)));
        let since = |at: Option<Instant>| at.unwrap().duration_since(budget.begun).as_secs();
        assert_eq!([budget.before_body(), budget.body(), budget.end()].map(since), [50, 75, 99]);
    }

    #[test]
    fn a_limit_is_clipped_only_where_there_is_a_budget() {
        let limit = Duration::from_secs(60);
        assert_eq!(clip(limit, None), limit);
        assert!(clip(limit, Some(Instant::now() + Duration::from_secs(1))) <= Duration::from_secs(1));
        assert_eq!(clip(limit, Some(Instant::now())), Duration::ZERO);
    }
}
