//! The few vector operations that the kernel needs, over `fearless_simd`'s vectors.
//!
//! A trait of our own keeps `fearless_simd` out of the bounds of [`Float`](crate::Float): its element trait brings conversions that would
//! make `F::from` ambiguous in generic code of users. Comparisons give one bit per lane, from the lowest.

#[cfg(target_arch = "x86_64")]
use fearless_simd::{Avx2, Avx512, ExtractToken, SimdFrom, f32x8, f32x16};
use fearless_simd::{Select, Simd, SimdBase, SimdFloat, SimdFloatElement, SimdMask};
use std::ops::{Add, Mul, Sub};

/// Lanes of the widest vector.
pub(crate) const MOST_LANES: usize = 16;

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
    /// Turns as many vectors as there are lanes, see [`turn`].
    fn turn(square: &mut [Self; MOST_LANES]);
    /// The first `LEN` rows as `D` columns.
    fn columns<const D: usize>(simd: S, rows: &[[F; D]]) -> [Self; D];
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
    fn turn(square: &mut [Self; MOST_LANES]) {
        turn(square);
    }
    #[inline(always)]
    fn columns<const D: usize>(simd: S, rows: &[[F; D]]) -> [Self; D] {
        let len = <V as SimdBase<S>>::LEN;
        let padded = const { D.next_power_of_two() };
        let zero = <V as SimdBase<S>>::splat(simd, rows[0][0]);
        let mut all = [zero; MOST_LANES];
        let mut columns = [zero; D];
        #[cfg(target_arch = "x86_64")]
        if const { D == 3 } {
            let flat = rows[..len].as_flattened();
            let mut threes = [zero; 3];
            for (v, vector) in threes.iter_mut().enumerate() {
                *vector = Lanes::load(simd, &flat[v * len..]);
            }
            if deal_threes(&mut threes) {
                columns.copy_from_slice(&threes);
                return columns;
            }
        }
        if const { D.is_power_of_two() } {
            for (v, vector) in all[..D].iter_mut().enumerate() {
                *vector = Lanes::load(simd, &rows.as_flattened()[v * len..]);
            }
        } else {
            // Each row with what follows it, which is of no matter: one piece of memory is quicker to load than as many values.
            let flat = &rows[..len].as_flattened();
            let mut held = [rows[0][0]; MOST_LANES * MOST_LANES];
            for i in 0..len - 1 {
                held[i * padded..][..padded].copy_from_slice(&flat[i * D..][..padded]);
            }
            held[(len - 1) * padded..][..D].copy_from_slice(&flat[(len - 1) * D..]);
            for (v, vector) in all[..padded].iter_mut().enumerate() {
                *vector = Lanes::load(simd, &held[v * len..]);
            }
        }
        // Each halving puts the values of even number before those of odd number.
        for _ in 0..padded.trailing_zeros() {
            let whole = all;
            for v in 0..padded / 2 {
                all[v] = whole[2 * v].unzip_low(whole[2 * v + 1]);
                all[v + padded / 2] = whole[2 * v].unzip_high(whole[2 * v + 1]);
            }
        }
        columns.copy_from_slice(&all[..D]);
        columns
    }
}

/// Turns a square of vectors: lane j of vector i becomes lane i of vector j. Each round deals the vectors out like cards, two by two; after
/// log2 rounds each is a column.
#[inline(always)]
pub(crate) fn turn<S: Simd, V: SimdBase<S>>(square: &mut [V; MOST_LANES]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(square) = (square as &mut dyn std::any::Any).downcast_mut::<Eight>() {
        turn_avx2(square[0].token(), square);
        return;
    }
    let len = <V as SimdBase<S>>::LEN;
    let mut width = 1;
    while width < len {
        let whole = *square;
        for r in 0..len / 2 {
            square[2 * r] = whole[r].zip_low(whole[r + len / 2]);
            square[2 * r + 1] = whole[r].zip_high(whole[r + len / 2]);
        }
        width *= 2;
    }
}

#[cfg(target_arch = "x86_64")]
type Eight = [f32x8<Avx2>; MOST_LANES];

#[cfg(target_arch = "x86_64")]
fearless_simd::kernel!(
    /// AVX2 shuffles within the halves of a vector, and dealing would cross them in each round. Here the halves are put in place once, and the rest
    /// takes half as many instructions.
    #[inline(always)]
    fn turn_avx2(simd: Avx2, square: &mut Eight) {
        use std::arch::x86_64::{
            _mm256_permute2f128_ps, _mm256_setzero_ps, _mm256_shuffle_ps, _mm256_unpackhi_ps,
            _mm256_unpacklo_ps,
        };
        let mut halves = [_mm256_setzero_ps(); 8];
        for r in 0..4 {
            let (upper, lower) = (square[r].into(), square[r + 4].into());
            halves[r] = _mm256_permute2f128_ps::<0x20>(upper, lower);
            halves[r + 4] = _mm256_permute2f128_ps::<0x31>(upper, lower);
        }
        for first in [0, 4] {
            let [a, b, c, d] = [halves[first], halves[first + 1], halves[first + 2], halves[first + 3]];
            let (a, b) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let (c, d) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            square[first] = f32x8::simd_from(simd, _mm256_shuffle_ps::<0b01_00_01_00>(a, c));
            square[first + 1] = f32x8::simd_from(simd, _mm256_shuffle_ps::<0b11_10_11_10>(a, c));
            square[first + 2] = f32x8::simd_from(simd, _mm256_shuffle_ps::<0b01_00_01_00>(b, d));
            square[first + 3] = f32x8::simd_from(simd, _mm256_shuffle_ps::<0b11_10_11_10>(b, d));
        }
    }
);

/// Three vectors of rows of three values, into their columns; false if there is no quick way. Row r has its values at 3 r and on, so counted by the lanes of a vector no
/// two values of a column lie in the same: the three vectors are laid over each other for each column, and then put in order.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn deal_threes<V: 'static>(vectors: &mut [V; 3]) -> bool {
    let vectors: &mut dyn std::any::Any = vectors;
    if let Some(vectors) = vectors.downcast_mut::<[f32x8<Avx2>; 3]>() {
        deal_threes_avx2(vectors[0].token(), vectors);
    } else if let Some(vectors) = vectors.downcast_mut::<[f32x16<Avx512>; 3]>() {
        deal_threes_avx512(vectors[0].token(), vectors);
    } else {
        return false;
    }
    true
}

#[cfg(target_arch = "x86_64")]
fearless_simd::kernel!(
    #[inline(always)]
    fn deal_threes_avx2(simd: Avx2, vectors: &mut [f32x8<Avx2>; 3]) {
        use std::arch::x86_64::{_mm256_blend_ps, _mm256_permutevar8x32_ps, _mm256_setr_epi32};
        let [a, b, c] = [vectors[0].into(), vectors[1].into(), vectors[2].into()];
        let first = _mm256_blend_ps::<0b0010_0100>(_mm256_blend_ps::<0b1001_0010>(a, b), c);
        let second = _mm256_blend_ps::<0b0100_1001>(_mm256_blend_ps::<0b0010_0100>(a, b), c);
        let third = _mm256_blend_ps::<0b1001_0010>(_mm256_blend_ps::<0b0100_1001>(a, b), c);
        let order = [
            _mm256_setr_epi32(0, 3, 6, 1, 4, 7, 2, 5),
            _mm256_setr_epi32(1, 4, 7, 2, 5, 0, 3, 6),
            _mm256_setr_epi32(2, 5, 0, 3, 6, 1, 4, 7),
        ];
        vectors[0] = f32x8::simd_from(simd, _mm256_permutevar8x32_ps(first, order[0]));
        vectors[1] = f32x8::simd_from(simd, _mm256_permutevar8x32_ps(second, order[1]));
        vectors[2] = f32x8::simd_from(simd, _mm256_permutevar8x32_ps(third, order[2]));
    }
);

#[cfg(target_arch = "x86_64")]
fearless_simd::kernel!(
    #[inline(always)]
    fn deal_threes_avx512(simd: Avx512, vectors: &mut [f32x16<Avx512>; 3]) {
        use std::arch::x86_64::{_mm512_mask_blend_ps, _mm512_permutexvar_ps, _mm512_setr_epi32};
        /// Every third lane, from the first, the second, or the third.
        const LANES: [u16; 3] = [0b1001_0010_0100_1001, 0b0010_0100_1001_0010, 0b0100_1001_0010_0100];
        let [a, b, c] = [vectors[0].into(), vectors[1].into(), vectors[2].into()];
        let first = _mm512_mask_blend_ps(LANES[1], _mm512_mask_blend_ps(LANES[2], a, b), c);
        let second = _mm512_mask_blend_ps(LANES[2], _mm512_mask_blend_ps(LANES[0], a, b), c);
        let third = _mm512_mask_blend_ps(LANES[0], _mm512_mask_blend_ps(LANES[1], a, b), c);
        let order = [
            _mm512_setr_epi32(0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14, 1, 4, 7, 10, 13),
            _mm512_setr_epi32(1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14),
            _mm512_setr_epi32(2, 5, 8, 11, 14, 1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15),
        ];
        vectors[0] = f32x16::simd_from(simd, _mm512_permutexvar_ps(order[0], first));
        vectors[1] = f32x16::simd_from(simd, _mm512_permutexvar_ps(order[1], second));
        vectors[2] = f32x16::simd_from(simd, _mm512_permutexvar_ps(order[2], third));
    }
);

/// A bit for each of the first `lanes` lanes.
#[inline(always)]
pub(crate) fn all(lanes: usize) -> u64 {
    u64::MAX >> (64 - lanes)
}
