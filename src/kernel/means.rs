//! Means of clusters from their exact sums, in about 106 bits.
//!
//! Columns side by side do the same on numbers of their own, so that the compiler makes vectors of them. A sum of steps on the two grids
//! ([`super::moments`]) comes into floats without an error where few enough bits are left beside its highest 53, as nearly always; where not, the
//! block of columns goes the long way, through integers of 128 bits, to the same result.

use super::double::Double;
use super::element::Element;
use super::moments::{Grids, RowSums, joined};
use super::pack::power_of_two;

/// Columns side by side.
const LANES: usize = 16;

/// One number a column.
#[derive(Clone, Copy)]
struct Doubles {
    high: [f64; LANES],
    low: [f64; LANES],
}

impl Doubles {
    const ZERO: Doubles = Doubles { high: [0.0; LANES], low: [0.0; LANES] };

    #[inline(always)]
    fn get(&self, t: usize) -> Double {
        Double { high: self.high[t], low: self.low[t] }
    }

    #[inline(always)]
    fn set(&mut self, t: usize, value: Double) {
        (self.high[t], self.low[t]) = (value.high, value.low);
    }
}

/// Writes the mean of cluster j, which must not be empty, and returns its weight times its squared distance from the offset.
#[inline(always)]
pub(super) fn mean<F: Element>(
    sums: &RowSums,
    j: usize,
    grids: &Grids,
    weighted: bool,
    offset: &[F],
    mean: &mut [F],
) -> Double {
    let weight = sums.weight(j, grids, weighted);
    let mut spreads = Doubles::ZERO;
    for (b, (mean, offset)) in mean.chunks_mut(LANES).zip(offset.chunks(LANES)).enumerate() {
        let mut exact = totals(sums, j, grids, b * LANES, mean.len());
        let mut from = [0.0; LANES];
        from.iter_mut().zip(offset).for_each(|(from, offset)| *from = offset.f64());
        for t in 0..LANES {
            let value = exact.get(t).over(weight);
            exact.set(t, value);
            let from_offset = value.less(from[t]);
            spreads.set(t, spreads.get(t).plus(from_offset.times(from_offset)));
        }
        for (t, mean) in mean.iter_mut().enumerate() {
            *mean = F::of(exact.get(t).value());
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for t in 0..width {
            spreads.set(t, spreads.get(t).plus(spreads.get(t + width)));
        }
        width /= 2;
    }
    spreads.get(0).times(weight)
}

/// The weight of cluster j times the squared distance between its mean, which may lie between numbers of the type, and a centroid.
pub(crate) fn off_mean<F: Element>(
    sums: &RowSums,
    j: usize,
    grids: &Grids,
    weighted: bool,
    centroid: &[F],
) -> f64 {
    let weight = sums.weight(j, grids, weighted);
    let mut square = 0.0;
    for (b, centroid) in centroid.chunks(LANES).enumerate() {
        let totals = totals(sums, j, grids, b * LANES, centroid.len());
        for (t, x) in centroid.iter().enumerate() {
            square += totals.get(t).over(weight).less(x.f64()).value().powi(2);
        }
    }
    square * weight.value()
}

/// The sums of cluster j in so many columns from the first.
#[inline(always)]
fn totals(sums: &RowSums, j: usize, grids: &Grids, first: usize, columns: usize) -> Doubles {
    let [mut coarse, mut fine] = [[0i64; LANES]; 2];
    sums.steps(j, grids, first, &mut coarse[..columns], &mut fine[..columns]);
    let mut all = all_joined(&coarse, &fine, grids.finer);
    for (t, [half, rest]) in grids.units[first..first + columns].iter().enumerate() {
        all.high[t] = all.high[t] * half * rest;
        all.low[t] = all.low[t] * half * rest;
    }
    all
}

/// As [`joined`], of each column.
#[inline(always)]
fn all_joined(coarse: &[i64; LANES], fine: &[i64; LANES], finer: i32) -> Doubles {
    let scale = power_of_two(finer);
    let mut all = Doubles::ZERO;
    let mut many_bits = false;
    for t in 0..LANES {
        let (coarse, fine) = (float(coarse[t]), float(fine[t]));
        let below = coarse.low * scale + fine.high;
        many_bits |= fine.low != 0.0 || below.abs() >= power_of_two(53);
        all.set(t, Double::sum(coarse.high * scale, below));
    }
    if many_bits {
        for t in 0..LANES {
            all.set(t, joined(coarse[t], fine[t], finer));
        }
    }
    all
}

/// The same number, from its upper and lower half: in the low bits of a float of the right exponent each half is a number already.
#[inline(always)]
fn float(steps: i64) -> Double {
    let upper = f64::from_bits((steps as u64 >> 32 ^ 0x8000_0000) | power_of_two(84).to_bits());
    let lower = f64::from_bits((steps as u64 & 0xffff_ffff) | power_of_two(52).to_bits());
    Double::sum(upper - (power_of_two(84) + power_of_two(63)), lower - power_of_two(52))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SeededRng;

    #[test]
    fn columns_side_by_side_are_as_one_by_one() {
        let mut rng = SeededRng::new(3);
        let mut long_ways = 0;
        for round in 0..20_000 {
            let finer = [0, 20, 46, 51][round % 4];
            let bits = |most: usize, rng: &mut SeededRng| 63 - rng.below(most + 1);
            let mut steps = |most| std::array::from_fn(|_| (rng.next_u64() as i64) >> bits(most, &mut rng));
            let (coarse, fine): ([i64; LANES], [i64; LANES]) = (steps(62), steps([40, 52, 60][round % 3]));
            let all = all_joined(&coarse, &fine, finer);
            for t in 0..LANES {
                let one = joined(coarse[t], fine[t], finer);
                assert_eq!(
                    (all.high[t].to_bits(), all.low[t].to_bits()),
                    (one.high.to_bits(), one.low.to_bits())
                );
                long_ways += usize::from(float(fine[t]).low != 0.0);
            }
        }
        assert!(long_ways > 1000);
    }
}
