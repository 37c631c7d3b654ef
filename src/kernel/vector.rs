//! The few vector operations that the kernel needs, over `fearless_simd`'s vectors.
//!
//! A trait of our own keeps `fearless_simd` out of the bounds of [`Float`](crate::Float): its element trait brings conversions that would
//! make `F::from` ambiguous in generic code of users. Comparisons give one bit per lane, from the lowest.

use fearless_simd::{Select, Simd, SimdBase, SimdFloat, SimdFloatElement, SimdMask};
use std::ops::{Add, Mul, Sub};

/// A vector of `F` at SIMD level `S`.
pub trait Lanes<S, F>: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> {
    /// Lanes of the vector.
    const LEN: usize;
    /// The value in every lane.
    fn splat(simd: S, value: F) -> Self;
    /// The first `LEN` values.
    fn load(simd: S, values: &[F]) -> Self;
    /// Into the first `LEN` values.
    fn store(self, values: &mut [F]);
    /// `self * factor + term`, fused where the machine can.
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// The larger of each two lanes.
    fn max(self, other: Self) -> Self;
    /// The smaller of each two lanes.
    fn min(self, other: Self) -> Self;
    /// `yes` where `self > other`, else `no`; bits are passed through untouched.
    fn if_greater(self, other: Self, yes: Self, no: Self) -> Self;
    /// Lanes where `self > other`.
    fn greater(self, other: Self) -> u64;
    /// Lanes where `self < other`.
    fn less(self, other: Self) -> u64;
    /// Lanes where `self == other`.
    fn equal(self, other: Self) -> u64;
    /// The largest lane.
    fn largest(self) -> F;
    /// The sum of the lanes, in any order.
    fn total(self) -> F;
    /// `LEN` rows of `D` values, which follow each other, as `D` columns.
    fn columns<const D: usize>(simd: S, rows: &[F]) -> [Self; D];
}

impl<S: Simd, F: SimdFloatElement, V: SimdFloat<S, Element = F>> Lanes<S, F> for V {
    const LEN: usize = <V as SimdBase<S>>::LEN;
    #[inline(always)]
    fn splat(simd: S, value: F) -> Self {
        <V as SimdBase<S>>::splat(simd, value)
    }
    #[inline(always)]
    fn load(simd: S, values: &[F]) -> Self {
        V::from_slice(simd, &values[..<V as SimdBase<S>>::LEN])
    }
    #[inline(always)]
    fn store(self, values: &mut [F]) {
        self.store_slice(&mut values[..<V as SimdBase<S>>::LEN]);
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        SimdFloat::mul_add(self, factor, term)
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        SimdBase::max(self, other)
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        SimdBase::min(self, other)
    }
    #[inline(always)]
    fn if_greater(self, other: Self, yes: Self, no: Self) -> Self {
        self.simd_gt(other).select(yes, no)
    }
    #[inline(always)]
    fn greater(self, other: Self) -> u64 {
        self.simd_gt(other).to_bitmask()
    }
    #[inline(always)]
    fn less(self, other: Self) -> u64 {
        self.simd_lt(other).to_bitmask()
    }
    #[inline(always)]
    fn equal(self, other: Self) -> u64 {
        self.simd_eq(other).to_bitmask()
    }
    #[inline(always)]
    fn largest(self) -> F {
        self.reduce_max()
    }
    #[inline(always)]
    fn total(self) -> F {
        self.reduce_sum()
    }
    #[inline(always)]
    fn columns<const D: usize>(simd: S, rows: &[F]) -> [Self; D] {
        let len = <V as SimdBase<S>>::LEN;
        let mut columns = [Lanes::splat(simd, rows[0]); D];
        for (v, column) in columns.iter_mut().enumerate() {
            *column = <V as Lanes<S, F>>::load(simd, &rows[v * len..]);
        }
        // Halves the rows: columns of even number to the front, those of odd number to the back. When the number of columns is a power of two, as
        // many halvings bring each to its place; else streams of `odd` columns are left.
        let odd = D >> D.trailing_zeros();
        for _ in 0..D.trailing_zeros() {
            let halved = columns;
            for v in 0..D / 2 {
                columns[v] = halved[2 * v].unzip_low(halved[2 * v + 1]);
                columns[v + D / 2] = halved[2 * v].unzip_high(halved[2 * v + 1]);
            }
        }
        if odd == 1 {
            return columns;
        }
        // An odd number of vectors has each value of a column in a lane of its own.
        let streams = columns;
        for (t, column) in columns.iter_mut().enumerate() {
            let (stream, t) = (&streams[t % (D / odd) * odd..][..odd], t / (D / odd));
            let mut mixed = stream[0];
            for (v, &vector) in stream.iter().enumerate().skip(1) {
                let mut lanes = 0;
                for lane in 0..len {
                    lanes |= u64::from((v * len + lane) % odd == t) << lane;
                }
                mixed = V::Mask::from_bitmask(simd, lanes).select(vector, mixed);
            }
            let size = size_of::<F>();
            let from = V::ByteVector::from_fn(
                simd,
                #[inline(always)]
                |byte| ((byte / size * odd + t) % len * size + byte % size) as u8,
            );
            *column = mixed.swizzle_dyn(from);
        }
        columns
    }
}

/// A bit for each of the first `lanes` lanes.
#[inline(always)]
pub(crate) fn all(lanes: usize) -> u64 {
    u64::MAX >> (64 - lanes)
}
