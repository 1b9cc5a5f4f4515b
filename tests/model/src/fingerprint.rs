//! Knowing a state again.
//!
//! A state's fingerprint is 128 bits of its contents: two `SipHash` values, each behind its own prefix. Two of
//! *n* different states share one by chance with probability below n²/2¹²⁹: for a hundred million states, less
//! than one in 10²². That is the sense in which the search is exhaustive.

use std::collections::HashMap;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// 128 bits that stand for `state`, the same in every run.
pub(crate) fn fingerprint(state: &impl Hash) -> u128 {
    let mut bytes = Bytes(Vec::with_capacity(512));
    state.hash(&mut bytes);
    let half = |prefix: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(prefix);
        hasher.write(&bytes.0);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// States by the order in which they were met.
#[derive(Debug, Default)]
pub(crate) struct Known(HashMap<u128, u32, BuildHasherDefault<Folded>>);

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

/// Collects what a state wants to be hashed: hashing it in one go is faster than piece by piece.
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Lengths and positions; all of ours are small, and a large one is not confused with them.
    fn write_usize(&mut self, number: usize) {
        match u8::try_from(number) {
            Ok(small) if small < u8::MAX => self.0.push(small),
            _ => {
                self.0.push(u8::MAX);
                self.0.extend_from_slice(&number.to_le_bytes());
            }
        }
    }

    /// Which variant of an enum it is.
    fn write_isize(&mut self, number: isize) {
        self.write_usize(number.cast_unsigned());
    }

    fn finish(&self) -> u64 {
        unreachable!("only the collected bytes are hashed")
    }
}

/// A fingerprint is random enough to be its own hash.
#[derive(Debug, Default)]
struct Folded(u64);

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, fingerprint: u128) {
        let (low, _) = split(fingerprint);
        self.0 = low;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

fn split(fingerprint: u128) -> (u64, u64) {
    let low = u64::try_from(fingerprint & u128::from(u64::MAX)).unwrap_or_default();
    let high = u64::try_from(fingerprint >> 64).unwrap_or_default();
    (low, high)
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
    fn small_and_large_numbers_are_told_apart() {
        let numbers = [0, 1, 254, 255, 256, 511, usize::MAX];
        let mut known = Known::default();
        assert!(numbers.iter().all(|number| known.id(fingerprint(number)).1));
    }
}
