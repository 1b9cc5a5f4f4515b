//! When a server is left alone, and when it is asked again.
//!
//! ```text
//! closed --N failures in a row--> open --pause over: one probe--> half open --well--> closed
//!                                  ^                                 |
//!                                  +------failed, a longer pause-----+
//! ```
//!
//! Pure: time and results come from outside. Only what a *pass* reports counts, and only in the state that gave the
//! pass: a message that began long before the server was taken out neither lengthens the pause nor ends it.

use std::time::{Duration, Instant};

/// How much failure takes a server out, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures of the server (connect, greeting, TLS, AUTH, 421, …) in a row until it is taken out; 0 counts as 1. Default 5.
    pub failures: u32,
    /// The first pause; each further one is twice as long. Default 1 s.
    pub pause: Duration,
    /// The longest pause. Default 60 s.
    pub longest_pause: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(1), longest_pause: Duration::from_secs(60) }
    }
}

/// What a message found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// The server answered about the message or the recipient.
    Well,
    /// The server failed as a whole.
    Failed,
    /// Neither is known: the message was broken off, or its outcome is unknown.
    Unclear,
}

/// The right to send one message, and what its result means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// To a server in service.
    Regular,
    /// To find out whether the server is well again.
    Probe,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant, pause: Duration },
    HalfOpen { pause: Duration },
}

/// One server's breaker.
#[derive(Debug)]
pub(crate) struct Breaker {
    settings: BreakerSettings,
    state: State,
}

impl Breaker {
    pub(crate) fn new(settings: BreakerSettings) -> Self {
        Self { settings, state: State::Closed { failures: 0 } }
    }

    /// A message may go there now.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        match self.state {
            State::Closed { .. } => true,
            State::Open { until, .. } => until <= now,
            State::HalfOpen { .. } => false,
        }
    }

    /// Lets one message through, where [`Breaker::admits`] one. Its result must be reported.
    pub(crate) fn enter(&mut self, now: Instant) -> Option<Pass> {
        match self.state {
            State::Closed { .. } => Some(Pass::Regular),
            State::Open { until, pause } if until <= now => {
                self.state = State::HalfOpen { pause };
                Some(Pass::Probe)
            }
            State::Open { .. } | State::HalfOpen { .. } => None,
        }
    }

    /// What came of a message that was let through.
    pub(crate) fn report(&mut self, pass: Pass, health: Health, now: Instant) {
        self.state = match (self.state, pass, health) {
            (State::Closed { .. }, _, Health::Well) | (State::HalfOpen { .. }, Pass::Probe, Health::Well) => {
                State::Closed { failures: 0 }
            }
            (State::Closed { failures }, _, Health::Failed) if failures + 1 < self.settings.failures => {
                State::Closed { failures: failures + 1 }
            }
            (State::Closed { .. }, _, Health::Failed) => self.open(self.settings.pause, now),
            (State::HalfOpen { pause }, Pass::Probe, Health::Failed) => {
                self.open(pause.saturating_mul(2), now)
            }
            // Nothing was learnt, so the next message may try at once.
            (State::HalfOpen { pause }, Pass::Probe, Health::Unclear) => State::Open { until: now, pause },
            (State::Closed { .. }, _, Health::Unclear)
            | (State::HalfOpen { .. }, Pass::Regular, _)
            | (State::Open { .. }, _, _) => self.state,
        };
    }

    fn open(&self, pause: Duration, now: Instant) -> State {
        let pause = pause.min(self.settings.longest_pause);
        State::Open { until: now + pause, pause }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn breaker() -> Breaker {
        Breaker::new(BreakerSettings { failures: 3, pause: SECOND, longest_pause: 5 * SECOND })
    }

    /// Fails as often as it takes.
    fn opened(now: Instant) -> Breaker {
        let mut breaker = breaker();
        for _ in 0..3 {
            breaker.report(Pass::Regular, Health::Failed, now);
        }
        breaker
    }

    #[test]
    fn only_failures_in_a_row_take_a_server_out() {
        let now = Instant::now();
        let mut breaker = breaker();
        for health in
            [Health::Failed, Health::Failed, Health::Well, Health::Failed, Health::Unclear, Health::Failed]
        {
            breaker.report(Pass::Regular, health, now);
            assert!(breaker.admits(now));
        }
        breaker.report(Pass::Regular, Health::Failed, now);
        assert!(!breaker.admits(now));
        assert_eq!(breaker.enter(now), None);
    }

    #[test]
    fn after_the_pause_one_message_asks_and_a_good_answer_closes() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert!(!breaker.admits(now + SECOND - Duration::from_nanos(1)));
        let now = now + SECOND;
        assert_eq!((breaker.enter(now), breaker.enter(now)), (Some(Pass::Probe), None));
        assert!(!breaker.admits(now), "one at a time");
        breaker.report(Pass::Probe, Health::Well, now);
        assert_eq!(breaker.enter(now), Some(Pass::Regular));
    }

    #[test]
    fn each_failed_probe_doubles_the_pause_up_to_the_longest() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        for pause in [1, 2, 4, 5, 5] {
            let before = now + pause * SECOND - Duration::from_nanos(1);
            assert!(!breaker.admits(before), "{pause}");
            now += pause * SECOND;
            assert_eq!(breaker.enter(now), Some(Pass::Probe), "{pause}");
            breaker.report(Pass::Probe, Health::Failed, now);
        }
        breaker.report(Pass::Probe, Health::Well, now);
        assert!(!breaker.admits(now), "a result that comes late closes nothing");
    }

    #[test]
    fn a_probe_that_was_broken_off_makes_room_for_the_next() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let now = now + SECOND;
        assert_eq!(breaker.enter(now), Some(Pass::Probe));
        breaker.report(Pass::Probe, Health::Unclear, now);
        assert_eq!(breaker.enter(now), Some(Pass::Probe));
    }

    #[test]
    fn messages_from_before_neither_lengthen_the_pause_nor_end_it() {
        let now = Instant::now();
        let mut breaker = opened(now);
        for health in [Health::Failed, Health::Well, Health::Unclear] {
            breaker.report(Pass::Regular, health, now + SECOND / 2);
            assert!(!breaker.admits(now + SECOND / 2));
        }
        assert_eq!(breaker.enter(now + SECOND), Some(Pass::Probe));
        breaker.report(Pass::Regular, Health::Well, now + SECOND);
        assert!(!breaker.admits(now + SECOND), "only the probe decides");
    }

    proptest! {
        #[test]
        fn whatever_happens_a_server_is_asked_again_within_the_longest_pause(
            events in prop::collection::vec((0..3u8, 0..3u8, 0..3000u64), 0..60)
        ) {
            let mut now = Instant::now();
            let mut breaker = breaker();
            let mut passes = Vec::new();
            for (what, which, ms) in events {
                now += Duration::from_millis(ms);
                if what == 0 {
                    passes.extend(breaker.enter(now));
                } else if let Some(pass) = passes.pop() {
                    let health = [Health::Well, Health::Failed, Health::Unclear][usize::from(which)];
                    breaker.report(pass, health, now);
                }
                let probes = passes.iter().filter(|pass| **pass == Pass::Probe).count();
                prop_assert!(probes <= 1);
                prop_assert!(probes == 1 || breaker.admits(now + 5 * SECOND));
            }
        }
    }
}
