//! Pacing arithmetic: when the next message may leave, and how much may be in doubt after a crash.

use std::time::Duration;

/// Spaces the sends of one process evenly: the generic cell rate algorithm (ITU-T I.371), which is a token
/// bucket without a timer. Times are nanoseconds on any clock that does not go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gcra {
    gap_ns: u64,
    tolerance_ns: u64,
    /// Theoretical arrival time: when the next send would be exactly on time.
    next_ns: u64,
}

impl Gcra {
    /// At most `per_second` sends in a second; a process that fell behind may catch up on what fits into
    /// `tolerance`, and no more.
    ///
    /// A rate of 0 counts as 1.
    #[must_use]
    pub fn new(per_second: u32, tolerance: Duration) -> Self {
        Self { gap_ns: gap_ns(per_second), tolerance_ns: nanos(tolerance), next_ns: 0 }
    }

    /// Changes the rate from the next send on.
    pub fn set_rate(&mut self, per_second: u32) {
        self.gap_ns = gap_ns(per_second);
    }

    /// When the next send may happen, if it is reserved at `now_ns`.
    #[must_use]
    pub fn turn(&self, now_ns: u64) -> u64 {
        self.next_ns.max(now_ns)
    }

    /// Reserves the next send: when, at `now_ns` or later, it may happen.
    pub fn reserve(&mut self, now_ns: u64) -> u64 {
        let earliest = now_ns.saturating_sub(self.tolerance_ns);
        let on_time = self.next_ns.max(earliest);
        self.next_ns = on_time.saturating_add(self.gap_ns);
        on_time.max(now_ns)
    }
}

/// Rounded up, so that the rate is never exceeded.
fn gap_ns(per_second: u32) -> u64 {
    1_000_000_000_u64.div_ceil(u64::from(per_second.max(1)))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// How long a rate that was halved takes to climb back from nothing.
const RECOVERY_NS: u64 = 30_000_000_000;
/// Refusals within this time are one sign: those were on their way when the rate was halved.
const ONE_SIGN_NS: u64 = 1_000_000_000;

/// What a provider's throttling leaves of a rate: additive increase, multiplicative decrease. Times are
/// nanoseconds on the clock of [`Gcra`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Aimd {
    /// When the rate was last halved, and to what.
    cut: Option<(u64, u32)>,
}

impl Aimd {
    /// The rate to keep now, where the settings allow `ceiling`; at least 1.
    #[must_use]
    pub fn rate(&self, now_ns: u64, ceiling: u32) -> u32 {
        let Some((at_ns, to)) = self.cut else { return ceiling };
        let passed = now_ns.saturating_sub(at_ns).min(RECOVERY_NS);
        let climbed = u64::from(ceiling) * (passed / 1_000_000) / (RECOVERY_NS / 1_000_000);
        let rate = u64::from(to).saturating_add(climbed);
        u32::try_from(rate).unwrap_or(ceiling).clamp(1, ceiling.max(1))
    }

    /// The provider wants less.
    pub fn throttled(&mut self, now_ns: u64, ceiling: u32) {
        let heeded = self.cut.is_some_and(|(at_ns, _)| now_ns < at_ns.saturating_add(ONE_SIGN_NS));
        if !heeded {
            self.cut = Some((now_ns, (self.rate(now_ns, ceiling) / 2).max(1)));
        }
    }
}

/// The most intents one write makes durable: a full batch of 100 takes three such writes. With 32, as the design had
/// it, a fourth was needed for its last four recipients.
pub const MAX_WINDOW: usize = 34;

/// How many recipients may be *submitting* at once, and so be left in doubt by one crash: what is in flight
/// plus 100 ms of work, at least 1 and at most [`MAX_WINDOW`].
///
/// `rate` is messages per second of one sender, `in_flight` how many it hands over at a time.
#[must_use]
pub fn window(rate: u32, in_flight: usize) -> usize {
    let tenth_of_a_second = usize::try_from(rate / 10).unwrap_or(MAX_WINDOW);
    let under_way = in_flight.min(usize::try_from(rate).unwrap_or(MAX_WINDOW));
    under_way.saturating_add(tenth_of_a_second).clamp(1, MAX_WINDOW)
}

/// How long a batch waits after the `stalls`-th lease in a row that brought nobody to an end: 1 s, doubled
/// each time, at most one minute.
#[must_use]
pub fn hand_on_delay(stalls: u8) -> Duration {
    let doublings = u32::from(stalls.saturating_sub(1).min(6));
    Duration::from_secs((1_u64 << doublings).min(60))
}

/// From this many stalls on, recipients are tried one at a time and marked before they are rendered.
pub const CAREFUL_AFTER: u8 = 3;

/// At this many stalls a batch gives up on what holds it up: the provider (the campaign pauses) or the
/// recipients that the provider puts off (they fail).
pub const GIVE_UP_AFTER: u8 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn sends_are_spaced_evenly() {
        let mut gcra = Gcra::new(4, Duration::ZERO);
        let times: Vec<u64> = (0..4).map(|_| gcra.reserve(SECOND)).collect();
        assert_eq!(times, [SECOND, SECOND * 5 / 4, SECOND * 6 / 4, SECOND * 7 / 4]);
    }

    #[test]
    fn lateness_is_made_up_for_only_within_the_tolerance() {
        let mut gcra = Gcra::new(10, Duration::from_millis(200));
        assert_eq!(gcra.reserve(SECOND), SECOND);
        let late: Vec<u64> = (0..4).map(|_| gcra.reserve(60 * SECOND)).collect();
        assert_eq!(late[..3], [60 * SECOND; 3]);
        assert_eq!(late[3], 60 * SECOND + SECOND / 10);
    }

    #[test]
    fn a_new_rate_counts_from_the_next_send() {
        let mut gcra = Gcra::new(1, Duration::ZERO);
        assert_eq!(gcra.reserve(0), 0);
        gcra.set_rate(10);
        assert_eq!((gcra.reserve(0), gcra.reserve(0)), (SECOND, SECOND + SECOND / 10));
    }

    proptest! {
        #[test]
        fn no_second_ever_sees_more_than_the_rate_and_its_tolerance(
            rate in 1..500_u32, waits in prop::collection::vec(0..50_000_000_u64, 1..300),
        ) {
            let mut gcra = Gcra::new(rate, Duration::from_millis(100));
            let mut now = SECOND;
            let mut sends = Vec::new();
            for wait in waits {
                now = gcra.reserve(now + wait);
                sends.push(now);
            }
            let allowed = usize::try_from(rate + rate.div_ceil(10) + 1).unwrap();
            for (first, start) in sends.iter().enumerate() {
                let within = sends[first..].iter().take_while(|at| **at < start + SECOND).count();
                prop_assert!(within <= allowed, "{} in a second at {}", within, rate);
            }
        }
    }

    #[test]
    fn a_throttled_rate_halves_once_in_a_second_and_climbs_back_in_half_a_minute() {
        let mut aimd = Aimd::default();
        assert_eq!(aimd.rate(0, 80), 80);
        aimd.throttled(SECOND, 80);
        aimd.throttled(SECOND * 3 / 2, 80);
        assert_eq!(aimd.rate(SECOND, 80), 40);
        aimd.throttled(2 * SECOND, 80);
        assert_eq!(aimd.rate(2 * SECOND, 80), 21);
        assert_eq!([12, 17, 32, 99].map(|second| aimd.rate(second * SECOND, 80)), [47, 61, 80, 80]);
        for second in 100..120 {
            aimd.throttled(second * SECOND, 80);
        }
        assert!((1..=5).contains(&aimd.rate(119 * SECOND, 80)), "{}", aimd.rate(119 * SECOND, 80));
    }

    #[test]
    fn the_window_follows_the_rate_between_its_bounds() {
        let windows = [(1, 8), (10, 8), (14, 8), (100, 8), (1_000, 8), (100_000, 64)];
        assert_eq!(windows.map(|(rate, in_flight)| window(rate, in_flight)), [1, 9, 9, 18, 34, 34]);
    }

    #[test]
    fn handing_on_waits_longer_each_time_up_to_a_minute() {
        assert_eq!(
            [0, 1, 2, 3, 6, 7, 200].map(|stalls| hand_on_delay(stalls).as_secs()),
            [1, 1, 2, 4, 32, 60, 60]
        );
    }
}
