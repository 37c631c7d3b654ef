//! Rounding vectors of floats to bytes, and turning rows of them for [`super::bytes`].

use super::vector::{self, MOST_LANES};
use fearless_simd::{Bytes, Select, Simd, SimdBase, SimdFloat};

/// Columns in a lane.
const TOGETHER: usize = 4;

/// The most rows of a block.
pub(super) const MOST_ROWS: usize = 2 * MOST_LANES;

/// Words of four columns, an even number. Word `w` holds the columns `w`, `words + w`, `2 words + w` and `3 words + w`, as far as there are,
/// so that whole vectors of words are made of whole vectors of columns.
pub(super) fn words(d: usize) -> usize {
    d.div_ceil(2 * TOGETHER) * 2
}

/// Values of a vector of d columns that is filled up with zeros: its last words are read as a whole vector.
pub(super) fn filled(d: usize) -> usize {
    TOGETHER * words(d) + MOST_LANES
}

/// What a digit counts, for values of at most this magnitude; below a threshold everything is lost, which is little.
#[inline(always)]
pub(super) fn step(most: u8, largest: f32) -> f32 {
    largest.max(2f32.powi(-60)) * (1.0 / f32::from(most))
}

/// Rounds a vector of so many words, [filled](filled) up, to digits of at most `most`, which is what its largest magnitude becomes. They are written as
/// unsigned bytes, raised by `most + 1`, into whole vectors of words. The sum of squares of what is lost: of `value - step * digit`.
#[inline(always)]
pub(super) fn round<S: Simd>(
    simd: S,
    most: u8,
    values: &[f32],
    step: f32,
    words: usize,
    out: &mut [i32],
) -> f32 {
    let len = S::f32s::LEN;
    let splat = |x: f32| S::f32s::splat(simd, x);
    let zero = splat(0.0);
    // Added to a small number, it leaves the nearest integer, raised, in the low bits, and zeros before the last byte of the high ones.
    let magic = splat((1 << 23) as f32 + f32::from(most) + 1.0);
    let (inverse, minus, byte) = (splat(1.0 / step), splat(-step), S::i32s::splat(simd, 0xff));
    let mut lost = [zero; TOGETHER];
    let last = S::f32s::from_fn(simd, |lane| lane as f32).simd_lt(splat((words % len) as f32));
    let whole = words / len;
    let size = words.next_multiple_of(len);
    let quarters: [_; TOGETHER] = std::array::from_fn(
        #[inline(always)]
        |q| values[q * words..][..size].chunks_exact(len),
    );
    let [first, second, third, fourth] = quarters;
    let columns = first.zip(second).zip(third.zip(fourth));
    for (v, (((a, b), (c, d)), out)) in columns.zip(out.chunks_exact_mut(len)).enumerate() {
        let mut digits = [byte; TOGETHER];
        for (q, values) in [a, b, c, d].into_iter().enumerate() {
            let mut x = S::f32s::from_slice(simd, values);
            if v == whole {
                // What follows belongs to the next word.
                x = last.select(x, zero);
            }
            let moved = x.mul_add(inverse, magic);
            let rest = (moved - magic).mul_add(minus, x);
            lost[q] = rest.mul_add(rest, lost[q]);
            digits[q] = moved.bitcast();
        }
        // The shifts push the high bits out.
        let low = (digits[0] & byte) | (digits[1] << 8);
        (low | (digits[2] << 16) | (digits[3] << 24)).store_slice(out);
    }
    ((lost[0] + lost[1]) + (lost[2] + lost[3])).reduce_sum()
}

/// What squares of so many values may hide from a length, as they underflow.
#[inline(always)]
pub(super) fn hidden(values: usize) -> f32 {
    2f32.powi(-62) * (values as f32).sqrt()
}

/// How far vectors of so many values reach, from their squared norms and sums of squares of what they lost, besides that part of their length; and at least what part of
/// its reach any has lost.
#[inline(always)]
pub(super) fn measure<S: Simd>(simd: S, values: usize, part: f32, norms: &mut [f32], lost: &[f32]) -> f32 {
    let (len, splat) = (S::f32s::LEN, |x: f32| S::f32s::splat(simd, x));
    let (one, part, hidden) = (splat(1.001), splat(part), splat(hidden(values)));
    let mut ratio = splat(0.0);
    for (norms, lost) in norms.chunks_exact_mut(len).zip(lost.chunks_exact(len)) {
        let length = S::f32s::from_slice(simd, norms).sqrt() * one;
        let lost = length.mul_add(part, S::f32s::from_slice(simd, lost).sqrt().mul_add(one, hidden));
        let reach = length + lost;
        // A row that is not finite passes no test.
        let finite = reach.simd_lt(splat(f32::INFINITY));
        finite.select(reach, splat(f32::INFINITY)).store_slice(norms);
        ratio = ratio.max(finite.select(lost / reach, splat(0.0)));
    }
    ratio.reduce_max()
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
