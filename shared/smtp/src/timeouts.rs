//! How long to wait for what.
//!
//! The defaults are the minimums of RFC 5321 4.5.3.2: a shorter patience at the end of data makes
//! doubtful messages out of slow ones. A caller with a deadline of its own (a Lambda function has
//! one) bounds the whole message with [`Timeouts::within`].

use std::time::Duration;

/// Steps with the time-out of a command that one message can wait for in the worst case: writing its commands, RSET
/// and MAIL on a connection that turns out stale, then EHLO, HELO, STARTTLS, the TLS handshake, EHLO, HELO, three steps
/// of AUTH, writing, MAIL and RCPT on a fresh one.
const COMMANDS_PER_MESSAGE: u32 = 15;

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
    /// For each of EHLO, HELO, STARTTLS, the TLS handshake, AUTH, MAIL, RCPT, RSET. Default 5 minutes (RFC 5321 4.5.3.2.2, .3).
    pub command: Duration,
    /// For the 354 after DATA. Default 2 minutes (RFC 5321 4.5.3.2.4).
    pub data_initiation: Duration,
    /// For writing the body, which is one block here. Default 3 minutes (RFC 5321 4.5.3.2.5).
    pub data_block: Duration,
    /// For the reply to the final dot. Default 10 minutes (RFC 5321 4.5.3.2.6). When it runs out
    /// the outcome is unknown, so it is the last one to save on.
    pub end_of_data: Duration,
    /// For the whole of one message, from waiting for a connection to the last reply. Default none; see
    /// [`Timeouts::within`].
    pub message: Option<Duration>,
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
            message: None,
        }
    }
}

impl Timeouts {
    /// Bounds one message as a whole, whatever happens to it: half of `budget` for everything up to the body,
    /// a quarter more for writing it, the rest for the reply to the final dot. Within that each step may take
    /// its own time-out. Never lengthens.
    #[must_use]
    pub fn within(self, budget: Duration) -> Self {
        Self { message: Some(self.message.map_or(budget, |message| message.min(budget))), ..self }
    }

    /// The longest that [`Pool::send`](crate::Pool::send) can take with these time-outs.
    pub fn longest(&self) -> Duration {
        [self.wait, self.connect, self.greeting, self.data_initiation, self.data_block, self.end_of_data]
            .into_iter()
            .fold(self.command.saturating_mul(COMMANDS_PER_MESSAGE), Duration::saturating_add)
            .min(self.message.unwrap_or(Duration::MAX))
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
    fn a_budget_bounds_the_whole_and_leaves_each_step_its_time() {
        let t = Timeouts::default().within(MINUTE);
        assert_eq!((t.longest(), t.connect, t.command), (MINUTE, MINUTE / 2, 5 * MINUTE));
    }

    #[test]
    fn a_larger_budget_never_lengthens() {
        assert_eq!(Timeouts::default().within(MINUTE).within(2 * MINUTE).message, Some(MINUTE));
        assert_eq!(Timeouts::default().within(600 * MINUTE).longest(), Timeouts::default().longest());
    }
}
