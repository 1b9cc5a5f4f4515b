//! Knowing a state again.
//!
//! A state's fingerprint is 128 bits of everything it contains, from two hashes that multiply and fold every
//! piece of it. As far as these are as good as chance, two of *n* different states share a fingerprint with
//! probability below n²/2¹²⁹: for a hundred million states, less than one in 10²². That is the sense in which
//! the search is exhaustive.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// 128 bits that stand for `state`, the same in every run.
pub(crate) fn fingerprint(state: &impl Hash) -> u128 {
    let mut fold = Fold(SEEDS[0], SEEDS[1]);
    state.hash(&mut fold);
    u128::from(folded(fold.0, SEEDS[1])) << 64 | u128::from(folded(fold.1, SEEDS[0]))
}

/// States by the order in which they were met.
#[derive(Debug, Default)]
pub(crate) struct Known(HashMap<u128, u32, BuildHasherDefault<Low>>);

impl Known {
    /// The number of a state, and whether it is new.
    pub(crate) fn id(&mut self, fingerprint: u128) -> (u32, bool) {
        let next = u32::try_from(self.0.len()).expect("memory ends before four billion states");
        match self.0.entry(fingerprint) {
            Entry::Occupied(known) => (*known.get(), false),
            Entry::Vacant(place) => (*place.insert(next), true),
        }
    }
}

/// Odd numbers without a pattern: the fractions of the golden ratio and of the square root of 3.
const SEEDS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xbb67_ae85_84ca_a73b];

/// Two hashes at a time.
struct Fold(u64, u64);

impl Fold {
    fn piece(&mut self, piece: u64) {
        self.0 = folded(self.0 ^ piece, SEEDS[0]);
        self.1 = folded(self.1.rotate_left(29) ^ piece, SEEDS[1]);
    }
}

/// Both halves of a product, folded into one.
fn folded(number: u64, by: u64) -> u64 {
    let product = u128::from(number) * u128::from(by);
    low(product) ^ low(product >> 64)
}

fn low(number: u128) -> u64 {
    (number & u128::from(u64::MAX)) as u64
}

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        self.piece(bytes.len() as u64);
        bytes.iter().for_each(|byte| self.piece(u64::from(*byte)));
    }

    fn write_u8(&mut self, number: u8) {
        self.piece(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.piece(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.piece(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.piece(number as u64);
    }

    /// Which variant of an enum it is.
    fn write_isize(&mut self, number: isize) {
        self.write_usize(number.cast_unsigned());
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A fingerprint is its own hash.
#[derive(Debug, Default)]
struct Low(u64);

impl Hasher for Low {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = low(fingerprint);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_states_are_known_again_and_different_ones_are_not() {
        let mut known = Known::default();
        let states = [(vec![1_u8], vec![2_u8, 3]), (vec![1, 2], vec![3]), (vec![1], vec![2, 3])];
        let ids = states.map(|state| known.id(fingerprint(&state)));
        assert_eq!(ids, [(0, true), (1, true), (0, false)]);
    }

    #[test]
    fn no_two_of_a_million_similar_states_share_even_half_a_fingerprint() {
        let mut halves = [std::collections::HashSet::new(), std::collections::HashSet::new()];
        for number in 0..1_000_000_u32 {
            let state = (number % 100, [number / 100 % 100; 3], Some(number / 10_000), [0_u8; 4]);
            let fingerprint = fingerprint(&state);
            halves[0].insert(low(fingerprint));
            halves[1].insert(low(fingerprint >> 64));
        }
        assert_eq!(halves.map(|half| half.len()), [1_000_000; 2]);
    }
}
