//! Rounding vectors of floats to bytes, and turning rows of them for [`super::bytes`].

use super::vector::{self, MOST_LANES};
use fearless_simd::{Bytes, Select, Simd, SimdBase, SimdFloat};

/// Columns in a lane.
const TOGETHER: usize = 4;

/// The most rows of a block.
pub(super) const MOST_ROWS: usize = 2 * MOST_LANES;

/// What became of a vector: `x = step * digits + rest`.
pub(super) struct Rounded {
    pub step: f32,
    /// Of the digits.
    pub sum: i32,
    /// At least the length of the rest.
    pub lost: f32,
}

/// Words of four columns, an even number. Word `w` holds the columns `w`, `words + w`, `2 words + w` and `3 words + w`, as far as there are,
/// so that whole vectors of words are made of whole vectors of columns.
pub(super) fn words(d: usize) -> usize {
    d.div_ceil(2 * TOGETHER) * 2
}

/// Values of a vector of d columns that is filled up with zeros: its last words are read as a whole vector.
pub(super) fn filled(d: usize) -> usize {
    TOGETHER * words(d) + MOST_LANES
}

/// Rounds a vector of so many words, [filled](filled) up, whose largest magnitude is given, to digits of at most `most`. They are written as
/// signed bytes, into whole vectors of words.
#[inline(always)]
pub(super) fn round<S: Simd>(
    simd: S,
    most: f32,
    values: &[f32],
    largest: f32,
    words: usize,
    out: &mut [i32],
) -> Rounded {
    // Added to a small number, it leaves the nearest integer in the low bits.
    const MAGIC: f32 = 1.5 * (1 << 23) as f32;
    let len = S::f32s::LEN;
    let splat = |x: f32| S::f32s::splat(simd, x);
    let zero = splat(0.0);
    // Below this, everything is lost, which is little.
    let largest = largest.max(2f32.powi(-60));
    let (step, inverse) = (largest / most, splat(most / largest));
    let (magic, minus, byte) = (splat(MAGIC), splat(-step), S::i32s::splat(simd, 0xff));
    let (mut sum, mut lost) = ([zero; TOGETHER], [zero; TOGETHER]);
    let last = S::f32s::from_fn(simd, |lane| lane as f32).simd_lt(splat((words % len) as f32));
    for (v, out) in out.chunks_exact_mut(len).take(words.div_ceil(len)).enumerate() {
        let mut digits = [byte; TOGETHER];
        for q in 0..TOGETHER {
            let mut x = S::f32s::from_slice(simd, &values[q * words + v * len..][..len]);
            if (v + 1) * len > words {
                // What follows belongs to the next word.
                x = last.select(x, zero);
            }
            let moved = x.mul_add(inverse, magic);
            let digit = moved - magic;
            let rest = digit.mul_add(minus, x);
            sum[q] += digit;
            lost[q] = rest.mul_add(rest, lost[q]);
            digits[q] = moved.bitcast();
        }
        let low = (digits[0] & byte) | ((digits[1] & byte) << 8);
        (low | ((digits[2] & byte) << 16) | (digits[3] << 24)).store_slice(out);
    }
    let total = |[a, b, c, d]: [S::f32s; TOGETHER]| ((a + b) + (c + d)).reduce_sum();
    // Squares may underflow, and the sum be rounded.
    let floor = 2f32.powi(-62) * (values.len() as f32).sqrt();
    Rounded { step, sum: total(sum) as i32, lost: total(lost).sqrt() * 1.001 + floor }
}

/// So many rows of words, side by side, to words of all rows, one after another.
#[inline(always)]
pub(super) fn turn<S: Simd>(simd: S, rows: &[i32], count: usize, out: &mut [i32]) {
    let len = S::i32s::LEN;
    let stride = rows.len() / count;
    for (h, rows) in rows.chunks_exact(len * stride).enumerate() {
        for (v, out) in out.chunks_mut(len * count).enumerate() {
            let mut tile = [S::i32s::splat(simd, 0); MOST_LANES];
            for (r, row) in tile[..len].iter_mut().enumerate() {
                *row = S::i32s::from_slice(simd, &rows[r * stride + v * len..][..len]);
            }
            vector::turn(&mut tile);
            for (word, out) in tile.iter().zip(out.chunks_exact_mut(count)) {
                word.store_slice(&mut out[h * len..][..len]);
            }
        }
    }
}
