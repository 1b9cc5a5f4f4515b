//! Keeping below a rate: which moment the next message may take.
//!
//! [`Pace`] is pure: moments come from outside. Messages are given evenly spaced moments, no two the same, so a second never has more
//! than `rate` of them, but for what timers make up for: a message that was woken late does not push all later ones back.

use std::time::{Duration, Instant};

use tokio::time::sleep;

/// Timers fire up to a millisecond late, and later under load. What was missed for longer than this is not made up.
const CATCH_UP: Duration = Duration::from_millis(10);

/// Spaces messages out.
#[derive(Debug)]
pub(crate) struct Pace {
    gap: Duration,
    next: Option<Instant>,
}

impl Pace {
    /// `rate` in messages per second; 0 counts as 1.
    pub(crate) fn new(rate: u32) -> Self {
        Self { gap: Duration::from_secs(1) / rate.max(1), next: None }
    }

    /// The moment of the next message, at most `limit` from now; `None` if that is too early for it. A moment once
    /// given is used up.
    pub(crate) fn reserve(&mut self, now: Instant, limit: Duration) -> Option<Instant> {
        let missed = now.checked_sub(CATCH_UP);
        let moment = match (self.next, missed) {
            (None, _) => now,
            (Some(next), Some(missed)) => next.max(missed),
            (Some(next), None) => next,
        };
        if moment.saturating_duration_since(now) > limit {
            return None;
        }
        self.next = Some(moment + self.gap);
        Some(moment)
    }

    /// Forgetting it would change nothing.
    pub(crate) fn is_at_rest(&self, now: Instant) -> bool {
        self.next.is_none_or(|next| next <= now)
    }
}

/// Returns at `moment`; at once where that is past, because even an empty sleep of tokio's takes a millisecond.
pub(crate) async fn until(moment: Instant) {
    let wait = moment.saturating_duration_since(Instant::now());
    if !wait.is_zero() {
        sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn messages_that_come_at_once_are_spaced_out() {
        let mut pace = Pace::new(10);
        let now = Instant::now();
        let waits: Vec<_> = (0..4).map(|_| (pace.reserve(now, LONG).unwrap() - now).as_millis()).collect();
        assert_eq!(waits, [0, 100, 200, 300]);
    }

    #[test]
    fn a_pause_is_not_saved_up() {
        let mut pace = Pace::new(10);
        let start = Instant::now();
        let _ = pace.reserve(start, LONG);
        let later = start + LONG;
        assert!(pace.is_at_rest(later));
        let first = pace.reserve(later, LONG).unwrap();
        assert_eq!(pace.reserve(later, LONG), Some(first + Duration::from_millis(100)));
        assert!(later - first <= CATCH_UP);
    }

    #[test]
    fn a_message_that_cannot_wait_takes_no_moment() {
        let mut pace = Pace::new(1);
        let now = Instant::now();
        let _ = pace.reserve(now, LONG);
        assert_eq!(pace.reserve(now, Duration::from_millis(999)), None);
        assert_eq!(pace.reserve(now, Duration::from_secs(1)), Some(now + Duration::from_secs(1)));
    }

    proptest! {
        #[test]
        fn no_second_has_more_messages_than_the_rate_and_what_is_made_up(
            rate in 1..500u32, arrivals in prop::collection::vec(0..40u64, 1..300)
        ) {
            let mut pace = Pace::new(rate);
            let mut now = Instant::now();
            let mut moments = Vec::new();
            for ms in arrivals {
                now += Duration::from_millis(ms);
                moments.extend(pace.reserve(now, LONG).map(|moment| moment.max(now)));
            }
            let made_up = (rate as usize * 10).div_ceil(1000);
            for (index, start) in moments.iter().enumerate() {
                let within = moments[index..].iter().filter(|at| **at < *start + Duration::from_secs(1)).count();
                prop_assert!(within <= rate as usize + made_up + 1, "{} at {}", within, rate);
            }
        }
    }
}
