//! A script at work: which rule is taken, and how much of it is used up.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::script::{Matcher, Phase, Rule, Script, Throttle, Who};

/// One script with its counters, which begin at zero when it is set.
#[derive(Debug)]
pub(crate) struct Director {
    pub(crate) script: Script,
    taken: Vec<AtomicU32>,
    connections: AtomicU64,
    transactions: AtomicU64,
    passes: Mutex<VecDeque<Instant>>,
}

impl Director {
    pub(crate) fn new(script: Script) -> Self {
        let taken = script.rules.iter().map(|_| AtomicU32::new(0)).collect();
        let (connections, transactions) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { script, taken, connections, transactions, passes: Mutex::default() }
    }

    /// Numbers a connection and takes the rule that acts on it.
    pub(crate) fn connection(&self) -> Option<&Rule> {
        let number = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let index = self.position(number, |rule| rule.acts_at(Phase::Connect))?;
        self.rule(Some(index))
    }

    /// Numbers a transaction.
    pub(crate) fn transaction(&self) -> u64 {
        self.transactions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Takes the rule that acts at MAIL, if the first one that is for everybody does.
    pub(crate) fn at_mail(&self, number: u64) -> Option<usize> {
        let candidate =
            |(_, rule): &(usize, &Rule)| !rule.acts_at(Phase::Connect) && rule.when.recipient == Who::Any;
        for (index, rule) in self.script.rules.iter().enumerate().filter(candidate) {
            if !self.covers(index, &rule.when, number) || self.is_used_up(index) {
                continue;
            }
            if !rule.acts_at(Phase::Mail) {
                return None;
            }
            if self.take(index) {
                return Some(index);
            }
        }
        None
    }

    /// Takes the rule for one recipient.
    pub(crate) fn at_rcpt(&self, number: u64, recipient: &str) -> Option<usize> {
        self.position(number, |rule| {
            !rule.acts_at(Phase::Connect) && !rule.acts_at(Phase::Mail) && rule.when.recipient.is(recipient)
        })
    }

    /// The rule at an index that was handed out before.
    pub(crate) fn rule(&self, index: Option<usize>) -> Option<&Rule> {
        index.and_then(|index| self.script.rules.get(index))
    }

    /// The throttle, if it is set for this phase and its rate is reached; else counts one pass.
    pub(crate) fn over_rate(&self, phase: Phase) -> Option<&Throttle> {
        let throttle = self.script.throttle.as_ref().filter(|throttle| throttle.phase == phase)?;
        let mut passes = self.passes.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();

        while passes.front().is_some_and(|&pass| now.duration_since(pass) >= Duration::from_secs(1)) {
            passes.pop_front();
        }
        if passes.len() >= throttle.per_second as usize {
            return Some(throttle);
        }
        passes.push_back(now);
        None
    }

    fn position(&self, number: u64, fits: impl Fn(&Rule) -> bool) -> Option<usize> {
        self.script.rules.iter().enumerate().position(|(index, rule)| {
            fits(rule) && self.covers(index, &rule.when, number) && self.take(index)
        })
    }

    fn covers(&self, index: usize, when: &Matcher, number: u64) -> bool {
        when.from <= number
            && when.to.is_none_or(|to| number < to)
            && (when.odds >= 1.0 || draw(self.script.seed, index, number) < when.odds)
    }

    fn is_used_up(&self, index: usize) -> bool {
        self.script.rules[index].times.is_some_and(|times| self.taken[index].load(Ordering::Relaxed) >= times)
    }

    fn take(&self, index: usize) -> bool {
        let Some(times) = self.script.rules[index].times else { return true };
        let one_more = |taken| (taken < times).then_some(taken + 1);
        self.taken[index].fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }
}

impl Who {
    fn is(&self, recipient: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Address(address) => recipient.eq_ignore_ascii_case(address),
            Self::LocalPrefix(prefix) => {
                let local = recipient.rsplit_once('@').map_or(recipient, |(local, _)| local);
                local.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            }
            Self::Domain(domain) => {
                recipient.rsplit_once('@').is_some_and(|(_, theirs)| theirs.eq_ignore_ascii_case(domain))
            }
        }
    }
}

/// A number in 0..1 that depends on its inputs only, so the order of connections cannot change an outcome
/// (`SplitMix64`; Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
fn draw(seed: u64, index: usize, number: u64) -> f64 {
    let stream = mix(seed ^ (index as u64).wrapping_mul(0xD1B5_4A32_D192_ED03));
    let bits = mix(stream.wrapping_add(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
