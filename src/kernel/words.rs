//! A middling number of columns: scores from sums of products of 16-bit words.
//!
//! AVX-512 multiplies 32 pairs of words and adds them up by twos in one instruction (VNNI): twice the products of f32 in the same time. A row is rounded to some
//! thousand steps each way, as are all centroids together, few enough that sums of all columns fit 32 bits. The sums are exact, and off from those of floats by no
//! more than what was rounded away: with `x = s q + e` and `c = s' q' + e'`, as in [`super::coarse`],
//!
//! `|x . c - s s' (q . q')| <= |s q| |e'| + |e| |c|` (Cauchy and Schwarz).
//!
//! With 64 columns that is a fiftieth of what bytes lose. So nothing else changes of the loop in [`super::tile`]: the bound, with the largest `|e'|` and `|c|` of
//! any centroid, is added to the row's own part of the margin, and what few rows that leaves open are labelled by scores in f64. Turning the integer into a float and
//! the step's product and addition round by less than a sum of floats does.

#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code, unused_imports, unused_variables))] // There are no such instructions.

use super::bytes::Machine;
use super::digits::MOST_ROWS;
use super::element::Element;
use super::tile::{CENTROIDS, VECTORS};
use super::vector::MOST_LANES;
use fearless_simd::{Bytes, Select, Simd, SimdBase, SimdFloat, SimdInt};

/// Below this largest magnitude, everything is lost, which is little in a frame where values are about 1.
const LEAST: f32 = f32::from_bits((127 - 40) << 23);

/// Added to a small number, they leave the nearest integer in the low bits.
const MAGIC: f64 = 1.5 * (1u64 << 52) as f64;
const MAGIC_SINGLE: f32 = 1.5 * (1 << 23) as f32;

/// The centroids of [panels](super::pack::panels) as words.
#[derive(Clone)]
pub(super) struct Words {
    machine: Machine,
    /// The largest digit.
    most: f32,
    /// Per panel, two columns at a time: those of each centroid.
    digits: Vec<i32>,
    /// What a digit counts.
    step: f32,
    /// The largest length of a centroid, and of what rounding took from one.
    length: f32,
    lost: f32,
}

/// The turned rows of a tile and their squared norms.
pub(super) struct Rows<'a> {
    pub columns: &'a [f32],
    pub norms: &'a [f32],
    pub d: usize,
}

/// The rows of a tile as words: two columns at a time, of all rows; what the product of a row's digit and a centroid's counts; and at least what the
/// difference of two scores is off by.
#[derive(Default)]
pub(super) struct Block {
    digits: Vec<i32>,
    unit: [f32; MOST_ROWS],
    pub doubt: [f32; MOST_ROWS],
}

/// The best score of each row with its tag, and the second best, in one track.
#[derive(Clone, Copy, Default)]
pub(super) struct Track {
    pub best: [f32; MOST_ROWS],
    pub second: [f32; MOST_ROWS],
    pub tag: [f32; MOST_ROWS],
}

impl Words {
    pub(super) fn new<F: Element>(machine: Machine, panels: &[F], d: usize) -> Self {
        let most = (f64::from(i32::MAX) / d as f64).sqrt().min(f64::from(i16::MAX)).floor() as f32;
        let coordinates = || panels.chunks_exact(CENTROIDS * (d + 2)).map(|panel| &panel[..CENTROIDS * d]);
        let largest = coordinates().flatten().fold(LEAST, |largest, x| largest.max(x.f64().abs() as f32));
        let step = largest / most;
        let (single, inverse) = (f64::from(step), 1.0 / f64::from(step));
        let mut digits = Vec::with_capacity(panels.len() / 2 + panels.len() / d);
        let [mut length, mut lost] = [0.0f64; 2];
        for panel in coordinates() {
            let [mut lengths, mut losses] = [[0.0; CENTROIDS]; 2];
            for pair in panel.chunks(2 * CENTROIDS) {
                let mut words = [0; CENTROIDS];
                for (half, column) in pair.as_chunks::<CENTROIDS>().0.iter().enumerate() {
                    for c in 0..CENTROIDS {
                        let x = column[c].f64();
                        let moved = x * inverse + MAGIC;
                        let rest = x - (moved - MAGIC) * single;
                        lengths[c] += x * x;
                        losses[c] += rest * rest;
                        words[c] |= (moved.to_bits() as u32 & 0xffff) << (16 * half);
                    }
                }
                digits.extend(words.map(u32::cast_signed));
            }
            length = lengths.into_iter().fold(length, f64::max);
            lost = losses.into_iter().fold(lost, f64::max);
        }
        let [length, lost] = [length, lost].map(|square| f32::above(square.sqrt() * 1.001));
        Words { machine, most, digits, step, length, lost }
    }

    /// Rounds the rows. Something is done meanwhile, at each vector of words.
    #[inline(always)]
    fn round<S: Simd>(
        &self,
        simd: S,
        &Rows { columns, norms, d }: &Rows<'_>,
        block: &mut Block,
        mut meanwhile: impl FnMut(),
    ) {
        let splat = |x: f32| S::f32s::splat(simd, x);
        let (zero, magic, low_word) = (splat(0.0), splat(MAGIC_SINGLE), S::i32s::splat(simd, 0xffff));
        // Squares may underflow, and their sum be rounded.
        let (one, hidden) = (splat(1.001), splat(2f32.powi(-62) * (d as f32).sqrt()));
        let count = d.div_ceil(2);
        block.digits.resize(count * MOST_ROWS, 0);
        // Past an odd number of columns there is one of zeros.
        let columns = &columns[..2 * count * MOST_ROWS];
        for v in 0..VECTORS {
            let part = v * MOST_LANES..(v + 1) * MOST_LANES;
            let lanes = |values: &[f32]| S::f32s::from_slice(simd, &values[part.clone()]);
            let [mut low, mut high] = [[zero; 2]; 2];
            for pair in columns.chunks_exact(2 * MOST_ROWS) {
                for half in 0..2 {
                    let x = lanes(&pair[half * MOST_ROWS..]);
                    (low[half], high[half]) = (low[half].min(x), high[half].max(x));
                }
            }
            let (low, high) = (low[0].min(low[1]), high[0].max(high[1]));
            let largest = high.max(zero - low).max(splat(LEAST));
            let step = largest * splat(1.0 / self.most);
            let (inverse, minus) = (splat(1.0) / step, zero - step);
            let mut squares = [zero; 2];
            for (pair, out) in
                columns.chunks_exact(2 * MOST_ROWS).zip(block.digits.chunks_exact_mut(MOST_ROWS))
            {
                meanwhile();
                let mut digits = [low_word; 2];
                for half in 0..2 {
                    let x = lanes(&pair[half * MOST_ROWS..]);
                    let moved = x.mul_add(inverse, magic);
                    let rest = (moved - magic).mul_add(minus, x);
                    squares[half] = rest.mul_add(rest, squares[half]);
                    digits[half] = moved.bitcast();
                }
                ((digits[0] & low_word) | (digits[1] << 16)).store_slice(&mut out[part.clone()]);
            }
            let lost = (squares[0] + squares[1]).sqrt().mul_add(one, hidden);
            let reach = lanes(norms).sqrt().mul_add(one, lost);
            let off = reach.mul_add(splat(self.lost), lost * splat(self.length));
            // Either score may be off by so much.
            (off * splat(2.002)).store_slice(&mut block.doubt[part.clone()]);
            (step * splat(self.step)).store_slice(&mut block.unit[part]);
        }
    }

    /// Lets all centroids compete for the turned rows of a tile, in one track or in as many as a panel has centroids.
    #[inline(always)]
    pub(super) fn compete<S: Simd>(
        &self,
        simd: S,
        rows: &Rows<'_>,
        panels: &[f32],
        block: &mut Block,
        tracks: &mut [Track],
        meanwhile: impl FnMut(),
    ) {
        self.round(simd, rows, block, meanwhile);
        match self.machine {
            #[cfg(target_arch = "x86_64")]
            Machine::Avx512(simd) if tracks.len() == 1 => {
                one(simd, &self.digits, block, panels, rows.d, tracks);
            }
            #[cfg(target_arch = "x86_64")]
            Machine::Avx512(simd) => several(simd, &self.digits, block, panels, rows.d, tracks),
            _ => {}
        }
    }
}

#[cfg(target_arch = "x86_64")]
type Floats = fearless_simd::f32x16<fearless_simd::Avx512>;
#[cfg(target_arch = "x86_64")]
type Integers = fearless_simd::i32x16<fearless_simd::Avx512>;

#[cfg(target_arch = "x86_64")]
macro_rules! kernels {
    ($($name:ident $tracks:ident)*) => {
        $(fearless_simd::kernel!(
            fn $name(
                simd: Avx512,
                digits: &[i32],
                block: &Block,
                panels: &[f32],
                d: usize,
                tracks: &mut [Track],
            ) {
                compete::<$tracks>(
                    simd,
                    #[inline(always)]
                    |sum: Integers, x: Integers, c: Integers| {
                        let sum = std::arch::x86_64::_mm512_dpwssd_epi32(sum.into(), x.into(), c.into());
                        fearless_simd::SimdFrom::simd_from(simd, sum)
                    },
                    digits,
                    block,
                    panels,
                    d,
                    tracks,
                );
            }
        );)*
    };
}

#[cfg(target_arch = "x86_64")]
const ONE: usize = 1;
#[cfg(target_arch = "x86_64")]
kernels!(one ONE several CENTROIDS);

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn compete<const TRACKS: usize>(
    simd: fearless_simd::Avx512,
    dot: impl Fn(Integers, Integers, Integers) -> Integers,
    digits: &[i32],
    block: &Block,
    panels: &[f32],
    d: usize,
    tracks: &mut [Track],
) {
    let splat = |x: f32| Floats::splat(simd, x);
    let unit = [0, 1].map(|v| Floats::from_slice(simd, &block.unit[v * MOST_LANES..][..MOST_LANES]));
    let [mut best, mut second] = [[[splat(f32::NEG_INFINITY); VECTORS]; TRACKS]; 2];
    let mut tag = [[splat(0.0); VECTORS]; TRACKS];
    let size = d.div_ceil(2) * CENTROIDS;
    for (panel, digits) in panels.chunks_exact(CENTROIDS * (d + 2)).zip(digits.chunks_exact(size)) {
        let mut sum = [[Integers::splat(simd, 0); VECTORS]; CENTROIDS];
        for (x, c) in block.digits.chunks_exact(MOST_ROWS).zip(digits.chunks_exact(CENTROIDS)) {
            let x = [0, 1].map(|v| Integers::from_slice(simd, &x[v * MOST_LANES..][..MOST_LANES]));
            for r in 0..CENTROIDS {
                let c = Integers::splat(simd, c[r]);
                for v in 0..VECTORS {
                    sum[r][v] = dot(sum[r][v], x[v], c);
                }
            }
        }
        let (starts, tags) = panel[CENTROIDS * d..].split_at(CENTROIDS);
        for r in 0..CENTROIDS {
            let (start, index, track) = (splat(starts[r]), splat(tags[r]), r % TRACKS);
            for v in 0..VECTORS {
                let products: Floats = sum[r][v].to_float();
                let score = products.mul_add(unit[v], start);
                tag[track][v] = score.simd_gt(best[track][v]).select(index, tag[track][v]);
                second[track][v] = second[track][v].max(score.min(best[track][v]));
                best[track][v] = best[track][v].max(score);
            }
        }
    }
    for (t, track) in tracks.iter_mut().enumerate().take(TRACKS) {
        for v in 0..VECTORS {
            let lanes = v * MOST_LANES..(v + 1) * MOST_LANES;
            best[t][v].store_slice(&mut track.best[lanes.clone()]);
            second[t][v].store_slice(&mut track.second[lanes.clone()]);
            tag[t][v].store_slice(&mut track.tag[lanes]);
        }
    }
}
