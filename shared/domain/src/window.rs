//! The sliding window: at most so many messages within any interval of a length, for all senders together.
//!
//! A log of grants is one item. A sender takes shares in one conditional write, before it submits, and has to
//! use them soon. In any interval of the window's length `d`, whoever sends took the share at most
//! [`usable`] before it began; so if no more than `rate` shares are granted in any interval of `d` and that
//! slack, no more than `rate` messages leave in any interval of `d`. What is granted is remembered at the end
//! of its bucket, a sixtieth of the window: later than it was, never earlier. So the throughput stays a few
//! per cent below the limit, and the limit holds across crashes, restarts and changes of the rate.
//!
//! Who finds no share is given a turn and does not ask before it. The turns of one campaign's batches are
//! spaced as the window lets them through, so that they do not wake up all at once; campaigns stand in
//! lines of their own and do not wait for each other's.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::settings::SlidingWindow;
use crate::{CampaignId, Holder, Timestamp};

/// Buckets of one window; the log has a few entries more than this.
const BUCKETS: u32 = 60;
/// Nobody is sent away for longer: no queue delays a task further (SQS, `DelaySeconds`).
pub const LONGEST_WAIT: Duration = Duration::from_secs(900);
/// Lines of campaigns that are remembered.
const MAX_LINES: usize = 16;

/// Shares granted in one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The bucket's end.
    pub at: Timestamp,
    /// How many.
    pub shares: u32,
}

/// What is remembered of one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowLog {
    /// Grows with every write; the write names the one it read.
    pub rev: u32,
    /// Who wrote it: two who take the same at the same moment write different logs, and one of them is refused.
    pub writer: Holder,
    /// The grants that may still count, the oldest first.
    pub grants: Vec<Grant>,
    /// The last turn given to each campaign whose batches wait.
    pub lines: BTreeMap<CampaignId, Timestamp>,
}

/// Who asks for how many shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// For a batch of which campaign.
    pub campaign: CampaignId,
    /// As many as can be used.
    pub want: u32,
    /// In which invocation.
    pub writer: Holder,
}

/// An answer to who asks for shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// So many messages may be submitted, each before `use_by`.
    Granted {
        /// How many, at least one.
        shares: u32,
        /// The end of the bucket that they count in.
        bucket: Timestamp,
        /// When they are void.
        use_by: Timestamp,
    },
    /// None are left. Ask again at `turn`.
    Wait {
        /// When.
        turn: Timestamp,
    },
}

impl Default for WindowLog {
    /// Nothing was granted yet.
    fn default() -> Self {
        Self { rev: 0, writer: Holder(0), grants: Vec::new(), lines: BTreeMap::new() }
    }
}

impl WindowLog {
    /// Takes up to as many shares as are asked for, or a turn.
    #[must_use]
    pub fn take(mut self, limit: SlidingWindow, ask: Ask, now: Timestamp) -> (Self, Share) {
        let Ask { campaign, want, writer } = ask;
        self.writer = writer;
        self.forget(limit, now);
        let used: u32 = self.grants.iter().map(|grant| grant.shares).sum();
        let shares = want.max(1).min(limit.rate.saturating_sub(used));
        self.rev += 1;
        if shares == 0 {
            let turn = self.line_up(limit, campaign, want, now);
            return (self, Share::Wait { turn });
        }
        let bucket = self.grant(limit, shares, now);
        (self, Share::Granted { shares, bucket, use_by: now.after(usable(limit)) })
    }

    /// Gives back shares that were not used, into the bucket that they came from: what others took since
    /// counts for as long as it has to. A bucket that does not count any more takes nothing back.
    #[must_use]
    pub fn give_back(mut self, writer: Holder, shares: u32, bucket: Timestamp) -> Self {
        self.writer = writer;
        if let Some(own) = self.grants.iter_mut().find(|grant| grant.at == bucket) {
            own.shares = own.shares.saturating_sub(shares);
        }
        self.rev += 1;
        self
    }

    fn forget(&mut self, limit: SlidingWindow, now: Timestamp) {
        let counts = reach(limit);
        self.grants.retain(|grant| grant.shares > 0 && grant.at.after(counts) > now);
        self.lines.retain(|_, turn| *turn > now);
    }

    /// Counts the shares, and answers the end of their bucket.
    fn grant(&mut self, limit: SlidingWindow, shares: u32, now: Timestamp) -> Timestamp {
        match self.grants.last_mut() {
            Some(last) if last.at >= now => {
                last.shares += shares;
                last.at
            }
            Some(_) | None => {
                let at = bucket_end(limit, now);
                self.grants.push(Grant { at, shares });
                at
            }
        }
    }

    /// A turn behind the campaign's last one; at the latest one that the queue can wait for.
    fn line_up(
        &mut self,
        limit: SlidingWindow,
        campaign: CampaignId,
        want: u32,
        now: Timestamp,
    ) -> Timestamp {
        let free = self.grants.first().map_or(now, |oldest| oldest.at.after(reach(limit)));
        let latest = now.after(LONGEST_WAIT);
        let lines = self.lines.len().max(1) as u64;
        let pace_ms = u64::from(limit.duration_s) * 1_000 * u64::from(want.max(1)) * lines;
        let pace = Duration::from_millis(pace_ms / u64::from(limit.rate.max(1)));
        let behind = self.lines.get(&campaign).map_or(free, |last| last.after(pace).max(free));
        // The line is longer than anybody can wait: the turns begin again at its head.
        let turn = if behind > latest { free.min(latest) } else { behind };
        if self.lines.contains_key(&campaign) || self.lines.len() < MAX_LINES {
            self.lines.insert(campaign, turn);
        }
        turn
    }
}

/// How long a share may be used after it was taken.
#[must_use]
pub fn usable(limit: SlidingWindow) -> Duration {
    slack(limit) / 2
}

/// What a share may be late by: half of it before it is used, the rest for the provider to answer and for
/// clocks that differ.
fn slack(limit: SlidingWindow) -> Duration {
    let twentieth = Duration::from_millis(u64::from(limit.duration_s) * 50);
    twentieth.clamp(Duration::from_millis(500), Duration::from_secs(5))
}

/// How long a grant counts.
fn reach(limit: SlidingWindow) -> Duration {
    Duration::from_secs(u64::from(limit.duration_s)) + slack(limit)
}

fn bucket_end(limit: SlidingWindow, now: Timestamp) -> Timestamp {
    let width = (u64::from(limit.duration_s) * 1_000 / u64::from(BUCKETS)).max(1);
    Timestamp(now.0.div_ceil(width).saturating_mul(width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONE: CampaignId = CampaignId(1);
    const MINUTE: SlidingWindow = SlidingWindow { rate: 500, duration_s: 60 };

    fn take(log: WindowLog, limit: SlidingWindow, want: u32, at_ms: u64) -> (WindowLog, Share) {
        log.take(limit, Ask { campaign: ONE, want, writer: Holder(1) }, Timestamp(at_ms))
    }

    fn granted(share: Share) -> u32 {
        match share {
            Share::Granted { shares, .. } => shares,
            Share::Wait { .. } => 0,
        }
    }

    #[test]
    fn what_is_left_is_granted_and_then_a_turn() {
        let (log, first) = take(WindowLog::default(), MINUTE, 480, 10_000);
        assert_eq!(
            first,
            Share::Granted { shares: 480, bucket: Timestamp(10_000), use_by: Timestamp(11_500) }
        );
        let (log, second) = take(log, MINUTE, 100, 10_500);
        assert_eq!(granted(second), 20);
        let (_, third) = take(log, MINUTE, 100, 11_000);
        // The first bucket ends at 10 s and counts for 63 s.
        assert_eq!(third, Share::Wait { turn: Timestamp(73_000) });
    }

    #[test]
    fn batches_that_wait_wake_up_one_after_the_other_within_what_a_queue_can_delay() {
        let limit = SlidingWindow { rate: 100, duration_s: 60 };
        let (mut log, _) = take(WindowLog::default(), limit, 100, 0);
        let mut turns = Vec::new();
        for _ in 0..80 {
            let (next, share) = take(log, limit, 100, 1_000);
            let Share::Wait { turn } = share else { panic!("{share:?}") };
            (log, turns) = (next, [turns, vec![turn.0]].concat());
        }
        assert_eq!(turns[..3], [63_000, 123_000, 183_000]);
        assert!(turns.iter().all(|turn| *turn <= 901_000));
        let busiest = turns.iter().map(|turn| turns.iter().filter(|it| *it == turn).count()).max();
        assert!(busiest.is_some_and(|busiest| busiest <= 80_usize.div_ceil(14)), "{busiest:?}");
    }

    #[test]
    fn another_campaign_does_not_wait_behind_the_first_ones_line() {
        let limit = SlidingWindow { rate: 100, duration_s: 60 };
        let (mut log, _) = take(WindowLog::default(), limit, 100, 0);
        for _ in 0..10 {
            log = take(log, limit, 100, 1_000).0;
        }
        let (_, share) =
            log.take(limit, Ask { campaign: CampaignId(2), want: 1, writer: Holder(1) }, Timestamp(1_000));
        assert_eq!(share, Share::Wait { turn: Timestamp(63_000) });
    }

    #[test]
    fn what_is_given_back_can_be_taken() {
        let (log, _) = take(WindowLog::default(), MINUTE, 500, 0);
        assert_eq!(granted(take(log.give_back(Holder(1), 30, Timestamp(0)), MINUTE, 100, 100).1), 30);
    }

    #[test]
    fn shares_go_back_into_the_bucket_that_they_came_from() {
        let (log, _) = take(WindowLog::default(), MINUTE, 300, 0);
        let (log, _) = take(log, MINUTE, 200, 30_000);
        let log = log.give_back(Holder(1), 300, Timestamp(0));
        // Others took 200 at half a minute: they count until theirs is over, and not less. A bucket that is
        // over takes nothing back, and neither does its neighbour.
        let late = take(log.clone(), MINUTE, 1, 64_000).0.give_back(Holder(1), 300, Timestamp(0));
        assert_eq!(granted(take(late, MINUTE, 500, 65_000).1), 299);
        assert_eq!(granted(take(log.clone(), MINUTE, 500, 31_000).1), 300);
        assert_eq!(granted(take(log, MINUTE, 500, 64_000).1), 300);
    }

    proptest! {
        #[test]
        fn no_interval_sees_more_than_the_limit_even_if_every_share_is_used_as_late_as_it_may_be(
            rate in 1..60_u32, duration_s in 10..100_u32,
            asks in prop::collection::vec((0..9_000_u64, 1..40_u32, prop::bool::ANY), 1..300),
        ) {
            let limit = SlidingWindow { rate, duration_s };
            let (mut log, mut now, mut sends) = (WindowLog::default(), 1_000_000, Vec::new());
            for (wait, want, late) in asks {
                now += wait;
                let (next, share) = take(log, limit, want, now);
                log = next;
                if let Share::Granted { shares, use_by, .. } = share {
                    sends.extend(vec![if late { use_by.0 } else { now }; shares as usize]);
                }
            }
            sends.sort_unstable();
            let length = u64::from(duration_s) * 1_000;
            for (first, start) in sends.iter().enumerate() {
                let within = sends[first..].iter().take_while(|at| **at <= start + length).count();
                prop_assert!(within <= rate as usize, "{within} in a window of {rate}");
            }
            prop_assert!(log.grants.len() <= 70, "{} grants", log.grants.len());
        }

        #[test]
        fn the_window_lets_through_nearly_what_it_may(rate in 20..200_u32) {
            let limit = SlidingWindow { rate, duration_s: 60 };
            let (mut log, mut sent) = (WindowLog::default(), 0);
            for second in 0..3_600_u64 {
                let (next, share) = take(log, limit, 10, second * 1_000);
                (log, sent) = (next, sent + granted(share));
            }
            prop_assert!(sent >= rate * 60 * 9 / 10, "{sent} of {} in an hour", rate * 60);
        }
    }
}
