//! How long to wait for what.
//!
//! The defaults are the minimums of RFC 5321 4.5.3.2: a shorter patience at the end of data makes
//! doubtful messages out of slow ones. A caller with a deadline of its own (a Lambda function has
//! one) shortens all of them together with [`Timeouts::within`].

use std::time::Duration;

/// Commands that one message can wait for in the worst case, each with its own time-out: RSET and MAIL on a
/// connection that turns out stale, then EHLO, HELO, three steps of AUTH, MAIL and RCPT on a fresh one.
const COMMANDS_PER_MESSAGE: u32 = 9;

const MINUTE: Duration = Duration::from_secs(60);

/// The longest wait for each step. Zero never waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a free connection of the pool. Default 30 s; no RFC knows it.
    pub wait: Duration,
    /// For name resolution and TCP connect, all addresses together. Default 30 s, as Postfix has it
    /// (`smtp_connect_timeout`); no RFC knows it.
    pub connect: Duration,
    /// For the 220 greeting. Default 5 minutes (RFC 5321 4.5.3.2.1).
    pub greeting: Duration,
    /// For each of EHLO, HELO, AUTH, MAIL, RCPT, RSET. Default 5 minutes (RFC 5321 4.5.3.2.2, .3).
    pub command: Duration,
    /// For the 354 after DATA. Default 2 minutes (RFC 5321 4.5.3.2.4).
    pub data_initiation: Duration,
    /// For writing the body, which is one block here. Default 3 minutes (RFC 5321 4.5.3.2.5).
    pub data_block: Duration,
    /// For the reply to the final dot. Default 10 minutes (RFC 5321 4.5.3.2.6). When it runs out
    /// the outcome is unknown, so it is the last one to save on.
    pub end_of_data: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            wait: MINUTE / 2,
            connect: MINUTE / 2,
            greeting: 5 * MINUTE,
            command: 5 * MINUTE,
            data_initiation: 2 * MINUTE,
            data_block: 3 * MINUTE,
            end_of_data: 10 * MINUTE,
        }
    }
}

impl Timeouts {
    /// Shortens all time-outs in proportion, so that one message, whatever happens to it, has its
    /// outcome within `budget`. Never lengthens; rounds down to nanoseconds.
    pub fn within(self, budget: Duration) -> Self {
        let longest = self.longest();
        if longest <= budget {
            return self;
        }

        let scale = |part: Duration| {
            let nanos = part.as_nanos().saturating_mul(budget.as_nanos()) / longest.as_nanos();
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        };
        Self {
            wait: scale(self.wait),
            connect: scale(self.connect),
            greeting: scale(self.greeting),
            command: scale(self.command),
            data_initiation: scale(self.data_initiation),
            data_block: scale(self.data_block),
            end_of_data: scale(self.end_of_data),
        }
    }

    /// The longest that [`Pool::send`](crate::Pool::send) can take with these time-outs.
    pub fn longest(&self) -> Duration {
        [self.wait, self.connect, self.greeting, self.data_initiation, self.data_block, self.end_of_data]
            .into_iter()
            .fold(self.command.saturating_mul(COMMANDS_PER_MESSAGE), Duration::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_rfc_5321() {
        let minutes = |duration: Duration| duration.as_secs() / 60;
        let t = Timeouts::default();

        assert_eq!(
            [t.greeting, t.command, t.data_initiation, t.data_block, t.end_of_data].map(minutes),
            [5, 5, 2, 3, 10]
        );
    }

    #[test]
    fn shortened_time_outs_fit_the_budget_and_keep_their_proportions() {
        let budget = Duration::from_secs(60);

        let t = Timeouts::default().within(budget);

        assert!(t.longest() <= budget, "{t:?}");
        assert!(budget - t.longest() < Duration::from_micros(1), "nothing of the budget is wasted");
        assert_eq!(t.end_of_data.as_millis(), t.command.as_millis() * 2);
    }

    #[test]
    fn a_large_budget_changes_nothing() {
        assert_eq!(Timeouts::default().within(MINUTE * 600), Timeouts::default());
    }

    #[test]
    fn no_budget_means_no_waiting() {
        assert_eq!(Timeouts::default().within(Duration::ZERO).longest(), Duration::ZERO);
    }
}
