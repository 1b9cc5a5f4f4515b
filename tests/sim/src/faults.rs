//! What goes wrong, how often, and how often it did.
//!
//! Faults strike while the storm lasts. Each call of a port draws its own: the process dies before or after
//! the effect, the call fails before it or its answer is lost after it, the effect comes late, the process
//! sleeps through it. Outages take a service away from everybody for some seconds.

use std::collections::BTreeMap;

use crate::rng::{ALWAYS, Rng};
use crate::time::{MILLI, SECOND};

/// What a service outage hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Campaigns, ledger and audience.
    Store,
    /// Both queues.
    Queue,
}

/// How rough the storm is. Chances are in millionths, of each call unless it says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Weather {
    /// When the storm is over.
    pub ends_ns: u64,
    /// The process dies.
    pub crash: u32,
    /// The call fails and has no effect.
    pub error: u32,
    /// The call takes effect, and its answer is lost.
    pub lost_answer: u32,
    /// The call fails, and takes effect later all the same.
    pub late_effect: u32,
    /// The process sleeps for up to [`Weather::longest_freeze_ns`], and goes on.
    pub freeze: u32,
    /// The call takes up to two seconds.
    pub slow: u32,
    /// A message is delivered twice; of each message.
    pub doubled: u32,
    /// A message is delayed for up to 20 seconds; of each message.
    pub delayed: u32,
    /// A finished message comes again; of each message.
    pub unconfirmed: u32,
    /// The queues seem idle while they are not; of each question.
    pub idle_lie: u32,
    /// How long a process may sleep.
    pub longest_freeze_ns: u64,
    /// Who is away, from when to when.
    pub outages: Vec<(Service, u64, u64)>,
}

impl Weather {
    /// Weather from calm to stormy, in a storm that lasts until `ends_ns` after the beginning at `starts_ns`.
    pub fn draw(rng: &mut Rng, starts_ns: u64, ends_ns: u64) -> Self {
        // A quarter of the worlds is calm, and in the others each fault is as often absent as present.
        let calm = rng.chance(ALWAYS / 5);
        let mut up_to = |most: u64| {
            let present = !calm && rng.chance(ALWAYS / 2);
            if present { u32::try_from(rng.mostly_small(0..=most)).unwrap_or(ALWAYS) } else { 0 }
        };
        let mut weather = Self {
            ends_ns,
            crash: up_to(40_000),
            error: up_to(100_000),
            lost_answer: up_to(100_000),
            late_effect: up_to(50_000),
            freeze: up_to(15_000),
            slow: up_to(50_000),
            doubled: up_to(400_000),
            delayed: up_to(300_000),
            unconfirmed: up_to(300_000),
            idle_lie: up_to(500_000),
            longest_freeze_ns: 0,
            outages: Vec::new(),
        };
        weather.longest_freeze_ns = rng.pick(&[5, 60, 200]) * SECOND;
        let outages = if calm { 0 } else { rng.below(4).saturating_sub(1) };
        for _ in 0..outages {
            let from = rng.within(starts_ns..=ends_ns);
            let to = (from + rng.within(1..=45) * SECOND).min(ends_ns);
            weather.outages.push((rng.pick(&[Service::Store, Service::Queue]), from, to));
        }
        weather
    }

    /// Whether `service` is away at `now_ns`.
    #[must_use]
    pub fn is_away(&self, service: Service, now_ns: u64) -> bool {
        self.outages.iter().any(|(who, from, to)| *who == service && (*from..*to).contains(&now_ns))
    }

    /// What strikes a call that is made at `now_ns`.
    pub fn strike(&self, rng: &mut Rng, now_ns: u64) -> Strike {
        if now_ns >= self.ends_ns {
            return Strike::None;
        }
        if rng.chance(self.crash) {
            return rng.pick(&[Strike::CrashBefore, Strike::CrashInTheAir, Strike::CrashAfter]);
        }
        if rng.chance(self.freeze) {
            let for_ns = rng.within(SECOND..=self.longest_freeze_ns);
            return rng.pick(&[Strike::FreezeBefore(for_ns), Strike::FreezeAfter(for_ns)]);
        }
        if rng.chance(self.error) {
            return Strike::Error;
        }
        if rng.chance(self.lost_answer) {
            return Strike::LostAnswer;
        }
        if rng.chance(self.late_effect) {
            return Strike::LateEffect(rng.within(MILLI..=5 * SECOND));
        }
        if rng.chance(self.slow) {
            return Strike::Slow(rng.within(MILLI..=2 * SECOND));
        }
        Strike::None
    }
}

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// Nothing.
    None,
    /// The process dies before the call leaves it.
    CrashBefore,
    /// The process dies while the call is on its way.
    CrashInTheAir,
    /// The process dies before it sees the answer.
    CrashAfter,
    /// The process sleeps this long before the call leaves it.
    FreezeBefore(u64),
    /// The process sleeps this long before it sees the answer.
    FreezeAfter(u64),
    /// The call fails and has no effect.
    Error,
    /// The call takes effect, and its answer is lost.
    LostAnswer,
    /// The call fails, and takes effect this much later.
    LateEffect(u64),
    /// The call takes this much longer.
    Slow(u64),
}

impl Strike {
    /// The kind's name in the summary.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::CrashBefore | Self::CrashInTheAir | Self::CrashAfter => Some("crashes"),
            Self::FreezeBefore(_) | Self::FreezeAfter(_) => Some("freezes"),
            Self::Error => Some("failed calls"),
            Self::LostAnswer => Some("lost answers"),
            Self::LateEffect(_) => Some("late effects"),
            Self::Slow(_) => Some("slow calls"),
        }
    }
}

/// How often each kind of thing happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    /// One more of `kind`.
    pub fn add(&mut self, kind: &'static str) {
        self.add_many(kind, 1);
    }

    /// Some more of `kind`.
    pub fn add_many(&mut self, kind: &'static str, count: u64) {
        *self.0.entry(kind).or_default() += count;
    }

    /// How many of `kind` there were.
    #[must_use]
    pub fn of(&self, kind: &str) -> u64 {
        self.0.get(kind).copied().unwrap_or_default()
    }

    /// Adds all of `other`.
    pub fn add_all(&mut self, other: &Self) {
        for (kind, count) in &other.0 {
            self.add_many(kind, *count);
        }
    }

    /// Kinds in the order of their names, and their counts.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().map(|(kind, count)| (*kind, *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rough() -> Weather {
        Weather { ends_ns: 100, crash: 200_000, error: 200_000, ..Weather::default() }
    }

    #[test]
    fn nothing_strikes_when_the_storm_is_over() {
        let rng = &mut Rng::new(1);
        assert!((0..1_000).any(|_| rough().strike(rng, 99) != Strike::None));
        assert!((0..1_000).all(|_| rough().strike(rng, 100) == Strike::None));
    }

    #[test]
    fn a_service_is_away_from_the_beginning_of_an_outage_to_its_end() {
        let weather = Weather { outages: vec![(Service::Store, 10, 20)], ..rough() };
        let away = [9, 10, 19, 20].map(|now_ns| weather.is_away(Service::Store, now_ns));
        assert_eq!((away, weather.is_away(Service::Queue, 15)), ([false, true, true, false], false));
    }

    #[test]
    fn every_kind_of_weather_is_drawn_from_calm_to_rough() {
        let drawn = (0..200).map(|seed| Weather::draw(&mut Rng::new(seed), 0, 100 * SECOND));
        let crashes: Vec<u32> = drawn.map(|weather| weather.crash).collect();
        assert!(crashes.contains(&0) && crashes.iter().any(|ppm| *ppm > 10_000));
    }
}
