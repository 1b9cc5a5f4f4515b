//! Which server gets the next message. Pure; servers are numbered as they were given.

/// How messages are spread over several servers. Servers that are out of service, or that this message has been to,
/// are passed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Balance {
    /// One after the other.
    #[default]
    RoundRobin,
    /// The one with the fewest messages under way; one after the other among equals.
    LeastConnections,
    /// In proportion to the weights, evenly mixed (the smooth weighted round robin of nginx).
    Weighted,
    /// Each recipient domain has its server, whatever the number of senders, and moves only when that one is out
    /// (rendezvous hashing). Weights are not asked.
    DomainHash,
}

/// What is known of one server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    /// May get the message at all.
    pub(crate) free: bool,
    pub(crate) under_way: usize,
}

/// Remembers whose turn it is.
#[derive(Debug)]
pub(crate) struct Balancer {
    balance: Balance,
    weights: Vec<i64>,
    /// Hashes of the servers' names and ports, so that their order in the settings does not matter.
    names: Vec<u64>,
    turn: usize,
    /// By how much each server lags behind its share.
    lags: Vec<i64>,
}

impl Balancer {
    /// One name and weight per server; weight 0 counts as 1.
    pub(crate) fn new<'a>(balance: Balance, servers: impl Iterator<Item = (&'a str, u16, u32)>) -> Self {
        let (names, weights): (Vec<_>, Vec<_>) = servers
            .map(|(host, port, weight)| {
                (hash(&[host.as_bytes(), &port.to_be_bytes()]), i64::from(weight.max(1)))
            })
            .unzip();
        let lags = vec![0; weights.len()];
        Self { balance, weights, names, turn: 0, lags }
    }

    /// `None` if no candidate is free. `domain` in lower case.
    pub(crate) fn next(&mut self, candidates: &[Candidate], domain: &str) -> Option<usize> {
        let count = candidates.len();
        let free = |index: &usize| candidates[*index].free;
        let in_turn = (self.turn..count).chain(0..self.turn.min(count)).filter(free);
        let chosen = match self.balance {
            Balance::RoundRobin => in_turn.into_iter().next()?,
            Balance::LeastConnections => in_turn.min_by_key(|&index| candidates[index].under_way)?,
            Balance::Weighted => return self.smooth(candidates),
            Balance::DomainHash => {
                let score = |index: &usize| hash(&[domain.as_bytes(), &self.names[*index].to_be_bytes()]);
                return (0..count).filter(free).max_by_key(score);
            }
        };
        self.turn = (chosen + 1) % count;
        Some(chosen)
    }

    /// Everybody gains his weight, the one furthest behind is chosen and pays for all.
    fn smooth(&mut self, candidates: &[Candidate]) -> Option<usize> {
        let mut total = 0;
        for (index, candidate) in candidates.iter().enumerate() {
            if candidate.free {
                self.lags[index] += self.weights[index];
                total += self.weights[index];
            }
        }
        let free = (0..candidates.len()).filter(|&index| candidates[index].free);
        // Among equals the first: `max_by_key` would take the last.
        let chosen = free.rev().max_by_key(|&index| self.lags[index])?;
        self.lags[chosen] -= total;
        Some(chosen)
    }
}

/// FNV-1a, then the finaliser of `SplitMix64`, because FNV alone mixes the last bytes badly. Every sender must come to the
/// same result, so nothing seeded or left open by the standard library.
fn hash(parts: &[&[u8]]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|part| part.iter()) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 4] = ["a.test", "b.test", "c.test", "d.test"];

    fn balancer(balance: Balance, weights: &[u32]) -> Balancer {
        Balancer::new(balance, NAMES.iter().zip(weights).map(|(name, &weight)| (*name, 25, weight)))
    }

    fn all(count: usize) -> Vec<Candidate> {
        vec![Candidate { free: true, under_way: 0 }; count]
    }

    fn turns(balancer: &mut Balancer, candidates: &[Candidate], count: usize) -> Vec<usize> {
        (0..count).map(|_| balancer.next(candidates, "rcpt.test").unwrap()).collect()
    }

    #[test]
    fn round_robin_goes_round_and_passes_over_who_is_out() {
        let mut balancer = balancer(Balance::RoundRobin, &[1, 1, 1]);
        let mut candidates = all(3);
        assert_eq!(turns(&mut balancer, &candidates, 4), [0, 1, 2, 0]);
        candidates[1].free = false;
        assert_eq!(turns(&mut balancer, &candidates, 4), [2, 0, 2, 0]);
        candidates.iter_mut().for_each(|candidate| candidate.free = false);
        assert_eq!(balancer.next(&candidates, ""), None);
    }

    #[test]
    fn least_connections_takes_the_idlest_and_goes_round_among_equals() {
        let mut balancer = balancer(Balance::LeastConnections, &[1, 1, 1]);
        let mut candidates = all(3);
        assert_eq!(turns(&mut balancer, &candidates, 4), [0, 1, 2, 0]);
        candidates[0].under_way = 2;
        candidates[2].under_way = 1;
        assert_eq!(turns(&mut balancer, &candidates, 3), [1, 1, 1]);
        candidates[1].free = false;
        assert_eq!(turns(&mut balancer, &candidates, 2), [2, 2]);
    }

    #[test]
    fn weighted_mixes_evenly() {
        let mut balancer = balancer(Balance::Weighted, &[5, 1, 1]);
        // The sequence that nginx documents for these weights.
        assert_eq!(turns(&mut balancer, &all(3), 7), [0, 0, 1, 0, 2, 0, 0]);
        assert_eq!(turns(&mut balancer, &all(3), 7), [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn a_domain_keeps_its_server_whatever_the_order_and_moves_only_with_it() {
        let mut forward = balancer(Balance::DomainHash, &[1; 4]);
        let reversed = NAMES.iter().rev().map(|name| (*name, 25, 1));
        let mut backward = Balancer::new(Balance::DomainHash, reversed);
        let mut counts = [0; 4];
        for n in 0..2000 {
            let domain = format!("shop{n}.example");
            let home = forward.next(&all(4), &domain).unwrap();
            assert_eq!(forward.next(&all(4), &domain), Some(home));
            assert_eq!(backward.next(&all(4), &domain), Some(3 - home), "{domain}");
            counts[home] += 1;

            let mut candidates = all(4);
            candidates[(home + 1) % 4].free = false;
            assert_eq!(
                forward.next(&candidates, &domain),
                Some(home),
                "another server's trouble moves nothing"
            );
            candidates[home].free = false;
            assert_ne!(forward.next(&candidates, &domain), Some(home));
        }
        assert!(counts.iter().all(|count| (400..600).contains(count)), "{counts:?}");
    }

    proptest! {
        #[test]
        fn weights_are_kept_exactly_and_only_the_free_are_chosen(
            weights in prop::collection::vec(1..20u32, 1..=4), out in 0..4usize, rounds in 1..5u32
        ) {
            let mut balancer = balancer(Balance::Weighted, &weights);
            let mut candidates = all(weights.len());
            let out = out % weights.len();
            candidates[out].free = weights.len() == 1;
            let mut counts = vec![0; weights.len()];
            let free = |index: &usize| candidates[*index].free;
            let total: u32 = (0..weights.len()).filter(free).map(|index| weights[index]).sum();
            for _ in 0..total * rounds {
                counts[balancer.next(&candidates, "").unwrap()] += 1;
            }
            for index in 0..weights.len() {
                prop_assert_eq!(counts[index], if candidates[index].free { weights[index] * rounds } else { 0 });
            }
        }
    }
}
