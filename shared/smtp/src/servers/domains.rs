//! Limits per recipient domain: messages under way at once, and messages per second.
//!
//! A receiver of much mail sees all of a sender's servers as one, so these limits hold across them. A domain
//! is remembered while a message for it is under way or its pace still matters; others are forgotten when there
//! are many, so memory is bounded by what is under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::pace::{Pace, until};

/// What one recipient domain may get from us. Default: no limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DomainLimits {
    /// Messages under way at once, each on a connection of its own; 0 counts as 1.
    pub conns: Option<u32>,
    /// Messages per second; 0 counts as 1.
    pub rate: Option<u32>,
}

/// Domains that are remembered without looking for ones to forget.
const MANY: usize = 4096;

/// All domains with something to remember.
#[derive(Debug)]
pub(crate) struct Domains {
    limits: DomainLimits,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    domains: HashMap<String, Domain>,
    /// How many there may be before some are forgotten.
    many: usize,
}

#[derive(Debug)]
struct Domain {
    places: Arc<Semaphore>,
    pace: Option<Pace>,
}

/// The right to have one message for a domain under way; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Domains {
    pub(crate) fn new(limits: DomainLimits) -> Self {
        Self { limits, known: Mutex::new(Known { domains: HashMap::new(), many: MANY }) }
    }

    /// Waits for a place and then for its moment, at most `limit`. `None` if that is too short.
    pub(crate) async fn enter(&self, domain: &str, limit: Duration) -> Option<Place> {
        if self.limits == DomainLimits::default() {
            return Some(Place { _permit: None });
        }
        let begun = Instant::now();
        let places = self.with(domain, |domain| Arc::clone(&domain.places));
        // The semaphore is never closed.
        let permit = timeout(limit, places.acquire_owned()).await.ok()?.ok()?;

        let now = Instant::now();
        let left = limit.saturating_sub(begun.elapsed());
        let reserve = |domain: &mut Domain| match &mut domain.pace {
            Some(pace) => pace.reserve(now, left),
            None => Some(now),
        };
        let moment = self.with(domain, reserve)?;
        until(moment).await;
        Some(Place { _permit: Some(permit) })
    }

    fn with<T>(&self, name: &str, what: impl FnOnce(&mut Domain) -> T) -> T {
        // A panic elsewhere cannot leave the map half changed.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(domain) = known.domains.get_mut(name) {
            return what(domain);
        }
        known.make_room(Instant::now());
        what(known.domains.entry(name.to_owned()).or_insert_with(|| Domain::new(self.limits)))
    }
}

impl Known {
    /// Forgets what need not be remembered. Rare enough that its cost is spread over many domains.
    fn make_room(&mut self, now: Instant) {
        if self.domains.len() >= self.many {
            self.domains.retain(|_, domain| domain.is_in_use(now));
            self.many = MANY.max(2 * self.domains.len());
        }
    }
}

impl Domain {
    fn new(DomainLimits { conns, rate }: DomainLimits) -> Self {
        let places = conns.map_or(Semaphore::MAX_PERMITS, |conns| conns.max(1) as usize);
        Self {
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            pace: rate.map(Pace::new),
        }
    }

    /// Whoever waits for a place or has one holds the semaphore too.
    fn is_in_use(&self, now: Instant) -> bool {
        Arc::strong_count(&self.places) > 1 || !self.pace.as_ref().is_none_or(|pace| pace.is_at_rest(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(10);
    const NOW: Duration = Duration::ZERO;

    fn domains(conns: Option<u32>, rate: Option<u32>) -> Domains {
        Domains::new(DomainLimits { conns, rate })
    }

    #[tokio::test]
    async fn a_domain_has_its_places_and_others_have_theirs() {
        let domains = domains(Some(2), None);
        let first = domains.enter("a.test", NOW).await.unwrap();
        let _second = domains.enter("a.test", NOW).await.unwrap();
        assert!(domains.enter("a.test", NOW).await.is_none());
        assert!(domains.enter("b.test", NOW).await.is_some());

        let waiting = domains.enter("a.test", LONG);
        let (third, ()) = tokio::join!(waiting, async { drop(first) });
        assert!(third.is_some());
    }

    #[tokio::test]
    async fn a_pace_is_kept_per_domain() {
        let domains = domains(None, Some(20));
        let begun = Instant::now();
        for _ in 0..4 {
            assert!(domains.enter("a.test", LONG).await.is_some());
        }
        let took = begun.elapsed();
        assert!(
            took >= Duration::from_millis(140),
            "three gaps of 50 ms, of which 10 ms may be made up: {took:?}"
        );
        assert!(domains.enter("a.test", NOW).await.is_none(), "too early, and no time to wait");
        assert!(domains.enter("b.test", NOW).await.is_some());
    }

    #[tokio::test]
    async fn only_domains_under_way_are_remembered_for_long() {
        let domains = domains(Some(1), None);
        let mut kept = Vec::new();
        for n in 0..3 * MANY {
            let place = domains.enter(&format!("{n}.test"), NOW).await.unwrap();
            if n % 100 == 0 {
                kept.push(place);
            }
        }
        assert!(domains.known.lock().unwrap().domains.len() <= MANY + kept.len());
        assert!(domains.enter("0.test", NOW).await.is_none(), "its message is still under way");
    }

    #[tokio::test]
    async fn a_pace_that_still_matters_is_not_forgotten() {
        let domains = domains(None, Some(1));
        assert!(domains.enter("a.test", NOW).await.is_some());
        domains.known.lock().unwrap().many = 1;
        assert!(domains.enter("b.test", NOW).await.is_some());
        assert!(domains.enter("a.test", NOW).await.is_none());
    }
}
