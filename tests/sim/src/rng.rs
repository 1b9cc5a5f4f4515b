//! Randomness that a seed decides: `SplitMix64` (Steele, Lea, Flood: "Fast splittable pseudorandom number
//! generators", 2014). Small, fast, and the same everywhere; nothing here is secret.

use std::ops::RangeInclusive;

/// A stream of numbers that its seed decides.
#[derive(Debug, Clone)]
pub struct Rng(u64);

/// One million: the unit of [`Rng::chance`].
pub const ALWAYS: u32 = 1_000_000;

impl Rng {
    /// The stream of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own: what is drawn from it does not move this one.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.number() ^ 0x5851_f42d_4c95_7f2d)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 if there is none.
    pub fn below(&mut self, n: u64) -> u64 {
        let wide = u128::from(self.number()) * u128::from(n);
        u64::try_from(wide >> 64).unwrap_or_default()
    }

    /// A place in something with `length` places.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or_default()
    }

    /// A number of `range`.
    pub fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        range.start() + self.below(range.end() - range.start() + 1)
    }

    /// A number of `range`, more often a small one: as often below the tenth of it as above.
    pub fn mostly_small(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (start, end) = (*range.start(), *range.end());
        let small = start + (end - start) / 10;
        if self.chance(ALWAYS / 2) { self.within(start..=small) } else { self.within(start..=end) }
    }

    /// True in `ppm` of a million cases.
    pub fn chance(&mut self, ppm: u32) -> bool {
        ppm > 0 && self.below(u64::from(ALWAYS)) < u64::from(ppm)
    }

    /// One of `all`, which is not empty.
    ///
    /// # Panics
    ///
    /// If it is.
    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.index(all.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_numbers_are_those_of_the_reference_implementation() {
        let mut rng = Rng::new(1_234_567);
        assert_eq!(rng.number(), 6_457_827_717_110_365_317);
        assert_eq!(rng.number(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn chances_come_about_as_often_as_they_should() {
        let mut rng = Rng::new(7);
        let hits = (0..100_000).filter(|_| rng.chance(20_000)).count();
        assert!((1_800..2_200).contains(&hits), "{hits}");
    }

    #[test]
    fn every_number_of_a_range_is_drawn_and_no_other() {
        let mut rng = Rng::new(3);
        let mut seen = [0; 4];
        for _ in 0..1_000 {
            seen[usize::try_from(rng.within(5..=8)).unwrap() - 5] += 1;
        }
        assert!(seen.iter().all(|count| *count > 150), "{seen:?}");
    }
}
