//! Random numbers that are the same everywhere and always.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// The random numbers of one run: `ChaCha` with 8 rounds, keyed by the seed, with a stream for each purpose.
///
/// The same seed gives the same numbers on every machine and in every version of this crate (a change would be listed in the changelog
/// under "Changed values"). Nothing is ever taken from the operating system. An [`Init`](crate::Init) of your own gets one of these:
///
/// ```
/// use centroids::SeededRng;
///
/// let mut rng = SeededRng::new(7);
/// assert!(rng.below(10) < 10);
/// assert!((0.0..1.0).contains(&rng.uniform()));
/// assert_eq!(SeededRng::new(7).next_u64(), SeededRng::new(7).next_u64());
/// // Of one seed, a sequence for each worker.
/// assert_ne!(SeededRng::stream(7, 1).next_u64(), SeededRng::stream(7, 2).next_u64());
/// ```
#[derive(Debug)]
pub struct SeededRng {
    source: ChaCha8Rng,
}

impl SeededRng {
    /// The generator with this seed, at its start.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::stream(seed, 0)
    }

    /// An independent sequence for each (seed, stream).
    #[must_use]
    pub fn stream(seed: u64, stream: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut source = ChaCha8Rng::from_seed(key);
        source.set_stream(stream);
        SeededRng { source }
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.source.next_u64()
    }

    /// A number in [0, 1), a multiple of 2^-53.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A whole number below n, every one equally likely (Lemire 2019, "Fast random integer generation in an interval").
    ///
    /// # Panics
    ///
    /// If n is 0.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "there is no whole number below 0");
        let n = n as u64;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(n);
            // The first 2^64 mod n fractions would make some results likelier than others.
            if product as u64 >= n.wrapping_neg() % n {
                return (product >> 64) as usize;
            }
        }
    }
}

/// A number in [0, 1) for each key and index, a multiple of 2^-53: for draws that must not depend on those before them. (The finaliser of `SplitMix64`,
/// Steele, Lea and Flood 2014, twice.)
pub(crate) fn keyed_uniform(key: u64, index: u64) -> f64 {
    let mix = |x: u64| {
        let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    let bits = mix(key ^ mix(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_seed_are_fixed() {
        let mut rng = SeededRng::new(42);
        let first: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
        assert_eq!(first, GOLDEN);
        assert_ne!(SeededRng::stream(42, 1).next_u64(), GOLDEN[0]);
    }

    const GOLDEN: [u64; 3] =
        [6_424_161_053_832_095_879, 5_270_208_426_312_333_099, 9_102_960_255_288_774_902];

    #[test]
    fn keyed_numbers_are_spread_evenly() {
        for (key, index) in [(0, 1u64 << 20), (7, 1), (u64::MAX, 3)] {
            let mut seen = [0; 16];
            (0..160_000).for_each(|i| seen[(keyed_uniform(key, i * index) * 16.0) as usize] += 1);
            assert!(seen.iter().all(|&count| (9_500..10_500).contains(&count)), "{seen:?}");
        }
    }

    #[test]
    fn every_number_below_n_is_equally_likely() {
        let mut rng = SeededRng::new(1);
        let mut seen = [0; 7];
        for _ in 0..70_000 {
            seen[rng.below(7)] += 1;
        }
        assert!(seen.iter().all(|&count| (9_600..10_400).contains(&count)), "{seen:?}");
    }
}
