//! What trouble there will be, from a seed.
//!
//! The plan knows nothing of the stack: it says "kill the third sender", and whoever carries it out takes that
//! modulo the senders there are. So the same seed is the same plan, and runs differ only by what real time does.

use std::time::Duration;

use fanmail_domain::Settings;
use fastrand::Rng;

use super::TIMEOUT;
use crate::functions::Function;

/// Senders at a time, at the most.
pub(super) const MAX_SENDERS: u32 = 4;
/// Between two strokes.
const GAP_MS: (u64, u64) = (200, 1_300);
/// How long a pause lasts.
const PAUSE_MS: (u64, u64) = (500, 3_000);
/// How long a process is frozen that has its lease still when it wakes.
const NAP_MS: (u64, u64) = (100, 3_000);
/// By how much a freeze outlasts the lease: the host takes the process for hung by then, and kills it.
const OVER_MS: (u64, u64) = (500, 4_000);
/// Messages per second of one sender. Slow enough that campaigns last for a few strokes.
const RATE: (u32, u32) = (20, 200);
/// Recipients in one batch.
const BATCH: (u32, u32) = (5, 100);
/// Connections of one sender.
const CONNS: (u32, u32) = (1, 8);

/// One piece of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stroke {
    /// SIGKILL for one process of a function.
    Kill(Target),
    /// SIGSTOP for one process of a function, and SIGCONT when the time is over.
    Freeze(Target, Duration),
    /// Other settings.
    Retune(Tuning),
    /// Another reserved concurrency of the sender function.
    Concurrency(u32),
    /// A pause of the campaign, and its end.
    Pause(Duration),
    /// All queues emptied; SQS does that once a minute, and refuses it in between.
    Purge,
}

/// One process of a function: `which` modulo as many as there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) function: Function,
    pub(super) which: usize,
}

/// What is changed of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tuning {
    pub(super) message_rate: u32,
    pub(super) batch_size: u32,
    pub(super) max_conns: u32,
}

impl Tuning {
    /// `settings`, so changed.
    pub(super) fn of(self, settings: Settings) -> Settings {
        let Self { message_rate, batch_size, max_conns } = self;
        Settings { message_rate, batch_size, max_conns, concurrency: MAX_SENDERS, ..settings }
    }
}

/// Strokes without end.
#[derive(Debug, Clone)]
pub(super) struct Plan(Rng);

impl Plan {
    pub(super) fn new(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    /// The settings of the beginning, and of any re-tuning.
    pub(super) fn tuning(&mut self) -> Tuning {
        Tuning {
            message_rate: self.0.u32(RATE.0..=RATE.1),
            batch_size: self.0.u32(BATCH.0..=BATCH.1),
            max_conns: self.0.u32(CONNS.0..=CONNS.1),
        }
    }

    /// The next piece of trouble, and how long to wait before it.
    pub(super) fn next_stroke(&mut self) -> (Duration, Stroke) {
        (self.ms(GAP_MS), self.stroke())
    }

    fn stroke(&mut self) -> Stroke {
        match self.0.u32(0..100) {
            0..40 => Stroke::Kill(self.target()),
            40..60 => Stroke::Freeze(self.target(), self.freeze()),
            60..75 => Stroke::Retune(self.tuning()),
            75..83 => Stroke::Concurrency(self.0.u32(1..=MAX_SENDERS)),
            83..93 => Stroke::Pause(self.ms(PAUSE_MS)),
            _ => Stroke::Purge,
        }
    }

    /// Mostly a sender: that is where doubt comes from.
    fn target(&mut self) -> Target {
        let function = match self.0.u32(0..10) {
            0..7 => Function::Sender,
            7..9 => Function::Start,
            _ => Function::Sweeper,
        };
        Target { function, which: self.0.usize(0..64) }
    }

    /// Every fourth one outlasts the lease.
    fn freeze(&mut self) -> Duration {
        if self.0.u32(0..4) == 0 { TIMEOUT + self.ms(OVER_MS) } else { self.ms(NAP_MS) }
    }

    fn ms(&mut self, (least, most): (u64, u64)) -> Duration {
        Duration::from_millis(self.0.u64(least..=most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strokes(seed: u64) -> Vec<(Duration, Stroke)> {
        let mut plan = Plan::new(seed);
        (0..500).map(|_| plan.next_stroke()).collect()
    }

    #[test]
    fn a_seed_is_a_plan() {
        assert_eq!(strokes(7), strokes(7));
        assert_ne!(strokes(7), strokes(8));
    }

    #[test]
    fn a_plan_has_everything_in_it() {
        let strokes = strokes(7);
        let has = |wanted: fn(&Stroke) -> bool| strokes.iter().any(|(_, stroke)| wanted(stroke));
        assert!(has(|it| matches!(it, Stroke::Kill(target) if target.function == Function::Sender)));
        assert!(has(|it| matches!(it, Stroke::Kill(target) if target.function == Function::Start)));
        assert!(has(|it| matches!(it, Stroke::Kill(target) if target.function == Function::Sweeper)));
        assert!(has(|it| matches!(it, Stroke::Freeze(_, lasts) if *lasts < TIMEOUT / 2)));
        assert!(has(|it| matches!(it, Stroke::Freeze(_, lasts) if *lasts > TIMEOUT)));
        assert!(has(|it| matches!(it, Stroke::Retune(_))));
        assert!(has(|it| matches!(it, Stroke::Concurrency(_))));
        assert!(has(|it| matches!(it, Stroke::Pause(_))));
        assert!(has(|it| matches!(it, Stroke::Purge)));
    }
}
