//! A middling number of columns: scores from sums of products of 16-bit words.
//!
//! AVX-512 multiplies 32 pairs of words and adds them up by twos in one instruction (VNNI): twice the products of f32 in the same time. AVX2 needs two instructions, of which
//! one is an addition, that more units perform than multiply. The rows of a tile are rounded
//! to multiples of one step, all centroids to those of another, so that neither is longer than [`LENGTH`] steps: then sums of products fit 32 bits (Cauchy and Schwarz),
//! for as many columns as words serve, and so does a score with its start. The sums are exact, and off from those of floats by no more than what was rounded away:
//! with `x = s q + e` and `c = s' q' + e'`, as in [`super::coarse`],
//!
//! `|x . c - s s' (q . q')| <= |s q| |e'| + |e| |c|`.
//!
//! With 64 columns that is a fiftieth of what bytes lose. So nothing else changes of the loop in [`super::tile`]: the bound, with the largest `|e'|` and `|c|` of
//! any centroid, is added to the row's own part of the margin, and what few rows that leaves open are labelled by scores in f64. The last bits of a score name its
//! centroid, so that the best one brings its name along; they count for the bound as well. Starts and the best scores are rounded as floats five times in all,
//! which is less than a sum of floats is.

#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code, unused_imports, unused_variables))] // There are no such instructions.

use super::aligned::Aligned;
use super::bytes::Machine;
use super::digits::MOST_ROWS;
use super::element::Element;
use super::tile::{CENTROIDS, VECTORS};
use super::vector::MOST_LANES;
use fearless_simd::{Bytes, Select, Simd, SimdBase, SimdFloat, SimdFrom, SimdInt};

/// Centroids are taken to be at least so long. Of shorter ones everything is lost, which is little in a frame where values are about 1.
const LEAST: f64 = 1.0 / (1u64 << 40) as f64;

/// The longest row or centroid in steps. Rounding adds up to half the root of the number of columns to the length of its digits, which stays below 2^15: so a digit fits
/// a word, and the product of two such vectors is below 2^30.
const LENGTH: f32 = 32759.0;

/// A tile's longest row sets the step for its rows; but one that is so many times as long as any centroid is left open, for the others' sake.
const LONGEST: f32 = 16.0;
/// With at least half the centroids' step, a start, half the square of a length, is at most the square of [`LENGTH`]. With less it would overflow.
const SHORTEST: f32 = 0.5;

/// Added to a small number, they leave the nearest integer in the low bits.
const MAGIC: f64 = 1.5 * (1u64 << 52) as f64;
const MAGIC_SINGLE: f32 = 1.5 * (1 << 23) as f32;

/// The centroids of [panels](super::pack::panels) as words.
#[derive(Clone)]
pub(super) struct Words {
    machine: Machine,
    /// Per panel, two columns at a time: those of each centroid.
    digits: Vec<i32>,
    /// The starts and the names of the centroids, panel by panel.
    starts: Vec<f32>,
    names: Vec<i32>,
    /// The bits of a score that hold a name.
    naming: i32,
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

/// The rows of a tile as words: two columns at a time, of all rows; what the product of a row's digit and a centroid's counts; the starts in that unit; and at least
/// what the difference of two scores is off by.
#[derive(Default)]
pub(super) struct Block {
    digits: Aligned<i32>,
    unit: f32,
    starts: Vec<i32>,
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
        let panels = || panels.chunks_exact(CENTROIDS * (d + 2)).map(|panel| panel.split_at(CENTROIDS * d));
        let mut longest = LEAST * LEAST;
        for (coordinates, _) in panels() {
            let mut squares = [0.0; CENTROIDS];
            for column in coordinates.as_chunks::<CENTROIDS>().0 {
                for c in 0..CENTROIDS {
                    squares[c] += column[c].f64() * column[c].f64();
                }
            }
            longest = squares.into_iter().fold(longest, f64::max);
        }
        let length = f32::above(longest.sqrt() * 1.001);
        let step = length / LENGTH;
        let (single, inverse) = (f64::from(step), 1.0 / f64::from(step));
        let (mut digits, mut starts, mut names) = (Vec::new(), Vec::new(), Vec::new());
        let mut lost = 0.0;
        for (coordinates, rest) in panels() {
            let mut losses = [0.0; CENTROIDS];
            for pair in coordinates.chunks(2 * CENTROIDS) {
                let mut words = [0; CENTROIDS];
                for (half, column) in pair.as_chunks::<CENTROIDS>().0.iter().enumerate() {
                    for c in 0..CENTROIDS {
                        let x = column[c].f64();
                        let moved = x * inverse + MAGIC;
                        let rest = x - (moved - MAGIC) * single;
                        losses[c] += rest * rest;
                        words[c] |= (moved.to_bits() as u32 & 0xffff) << (16 * half);
                    }
                }
                digits.extend(words.map(u32::cast_signed));
            }
            lost = losses.into_iter().fold(lost, f64::max);
            starts.extend(rest[..CENTROIDS].iter().map(|start| start.f64() as f32));
            names.extend(rest[CENTROIDS..].iter().map(|tag| tag.untag().cast_signed()));
        }
        starts.resize(starts.len().next_multiple_of(MOST_LANES), f32::NEG_INFINITY);
        let naming = (names.iter().max().map_or(0, |name| name + 1) as u32).next_power_of_two() as i32 - 1;
        Words { machine, digits, starts, names, naming, step, length, lost: f32::above(lost.sqrt() * 1.001) }
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
        let len = S::f32s::LEN;
        let load = |values: &[f32]| S::f32s::from_slice(simd, &values[..len]);
        let (zero, magic, low_word) = (splat(0.0), splat(MAGIC_SINGLE), S::i32s::splat(simd, 0xffff));
        let longest = load(norms).max(load(&norms[MOST_LANES..])).reduce_max().sqrt() * 1.001;
        let longest = longest.max(self.length * SHORTEST).min(self.length * LONGEST);
        let step = longest / LENGTH;
        block.unit = step * self.step;
        let count = 1.0 / block.unit;
        block.starts.resize(self.starts.len(), 0);
        for (start, out) in self.starts.chunks_exact(len).zip(block.starts.chunks_exact_mut(len)) {
            // Minus infinity, of the centroids that never win, becomes the least integer (on x86).
            let start: S::i32s = (load(start) * splat(count)).to_int();
            start.store_slice(out);
        }
        let (inverse, minus) = (splat(1.0 / step), splat(-step));
        // Squares may underflow, and their sum be rounded.
        let (one, hidden) = (splat(1.001), splat(2f32.powi(-62) * (d as f32).sqrt()));
        let names = splat((self.naming + 3) as f32 * block.unit);
        let pairs = d.div_ceil(2);
        block.digits.fit(pairs * VECTORS * len);
        // Past an odd number of columns there is one of zeros.
        let columns = &columns[..2 * pairs * VECTORS * len];
        for v in 0..VECTORS {
            let mut squares = [zero; 2];
            let columns = columns.chunks_exact(2 * VECTORS * len);
            for (pair, out) in columns.zip(block.digits.chunks_exact_mut(VECTORS * len)) {
                meanwhile();
                let mut digits = [low_word; 2];
                for half in 0..2 {
                    let x = load(&pair[(half * VECTORS + v) * len..]);
                    let moved = x.mul_add(inverse, magic);
                    let rest = (moved - magic).mul_add(minus, x);
                    squares[half] = rest.mul_add(rest, squares[half]);
                    digits[half] = moved.bitcast();
                }
                ((digits[0] & low_word) | (digits[1] << 16)).store_slice(&mut out[v * len..][..len]);
            }
            let lost = (squares[0] + squares[1]).sqrt().mul_add(one, hidden);
            let length = load(&norms[v * MOST_LANES..]).sqrt() * one;
            let off = (length + lost).mul_add(splat(self.lost), lost.mul_add(splat(self.length), names));
            // Either score may be off by so much, and all is if there are more steps than words hold.
            let doubt = length.simd_le(splat(longest)).select(off * splat(2.002), splat(f32::INFINITY));
            doubt.store_slice(&mut block.doubt[v * MOST_LANES..][..len]);
        }
    }

    /// Lets all centroids compete for the turned rows of a tile, in one track or in as many as a panel has centroids.
    #[inline(always)]
    pub(super) fn compete<S: Simd>(
        &self,
        simd: S,
        rows: &Rows<'_>,
        block: &mut Block,
        tracks: &mut [Track],
        meanwhile: impl FnMut(),
    ) {
        self.round(simd, rows, block, meanwhile);
        match self.machine {
            #[cfg(target_arch = "x86_64")]
            Machine::Avx512(simd) if tracks.len() == 1 => one_avx512(simd, self, block, tracks),
            #[cfg(target_arch = "x86_64")]
            Machine::Avx512(simd) => several_avx512(simd, self, block, tracks),
            #[cfg(target_arch = "x86_64")]
            Machine::Avx2(simd) if tracks.len() == 1 => one_avx2(simd, self, block, tracks),
            #[cfg(target_arch = "x86_64")]
            Machine::Avx2(simd) => several_avx2(simd, self, block, tracks),
        }
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! kernels {
    ($level:ident, $vector:ident, $one:ident, $several:ident, $dot:ident) => {
        kernels!(@ $level, $vector, $one, 1, $dot);
        kernels!(@ $level, $vector, $several, CENTROIDS, $dot);
    };
    (@ $level:ident, $vector:ident, $name:ident, $tracks:expr, $dot:ident) => {
        fearless_simd::kernel!(
            fn $name(simd: $level, words: &Words, block: &Block, tracks: &mut [Track]) {
                type Pairs = fearless_simd::$vector<fearless_simd::$level>;
                compete::<_, { $tracks }>(
                    simd,
                    #[inline(always)]
                    |sum: Pairs, x: Pairs, c: Pairs| {
                        fearless_simd::$vector::simd_from(simd, $dot!(sum, x, c))
                    },
                    words,
                    block,
                    tracks,
                );
            }
        );
    };
}

#[cfg(target_arch = "x86_64")]
macro_rules! dot_avx512 {
    ($sum:ident, $x:ident, $c:ident) => {
        std::arch::x86_64::_mm512_dpwssd_epi32($sum.into(), $x.into(), $c.into())
    };
}

#[cfg(target_arch = "x86_64")]
macro_rules! dot_avx2 {
    ($sum:ident, $x:ident, $c:ident) => {{
        use std::arch::x86_64::{_mm256_add_epi32, _mm256_madd_epi16};
        _mm256_add_epi32($sum.into(), _mm256_madd_epi16($x.into(), $c.into()))
    }};
}

#[cfg(target_arch = "x86_64")]
kernels!(Avx512, i32x16, one_avx512, several_avx512, dot_avx512);
#[cfg(target_arch = "x86_64")]
kernels!(Avx2, i32x8, one_avx2, several_avx2, dot_avx2);

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn compete<S: Simd, const TRACKS: usize>(
    simd: S,
    dot: impl Fn(S::i32s, S::i32s, S::i32s) -> S::i32s,
    words: &Words,
    block: &Block,
    tracks: &mut [Track],
) {
    let (len, splat) = (S::i32s::LEN, |x: i32| S::i32s::splat(simd, x));
    let (score_bits, name_bits) = (splat(!words.naming), splat(words.naming));
    let [mut best, mut second] = [[[splat(i32::MIN); VECTORS]; TRACKS]; 2];
    let size = block.digits.len() / (VECTORS * len) * CENTROIDS;
    let starts = block.starts.chunks_exact(CENTROIDS).zip(words.names.chunks_exact(CENTROIDS));
    for (digits, (starts, names)) in words.digits.chunks_exact(size).zip(starts) {
        let mut score = [[splat(0); VECTORS]; CENTROIDS];
        for r in 0..CENTROIDS {
            score[r] = [splat(starts[r]); VECTORS];
        }
        for (x, c) in block.digits.chunks_exact(VECTORS * len).zip(digits.chunks_exact(CENTROIDS)) {
            let x = [S::i32s::from_slice(simd, &x[..len]), S::i32s::from_slice(simd, &x[len..])];
            for r in 0..CENTROIDS {
                let c = splat(c[r]);
                for v in 0..VECTORS {
                    score[r][v] = dot(score[r][v], x[v], c);
                }
            }
        }
        for r in 0..CENTROIDS {
            let (name, track) = (splat(names[r]), r % TRACKS);
            for v in 0..VECTORS {
                let named = (score[r][v] & score_bits) | name;
                second[track][v] = second[track][v].max(named.min(best[track][v]));
                best[track][v] = best[track][v].max(named);
            }
        }
    }
    for (t, track) in tracks.iter_mut().enumerate().take(TRACKS) {
        for v in 0..VECTORS {
            let lanes = v * MOST_LANES..v * MOST_LANES + len;
            let float = |score: S::i32s| (score & score_bits).to_float::<S::f32s>() * block.unit;
            float(best[t][v]).store_slice(&mut track.best[lanes.clone()]);
            float(second[t][v]).store_slice(&mut track.second[lanes.clone()]);
            let names: S::f32s = (best[t][v] & name_bits).bitcast();
            names.store_slice(&mut track.tag[lanes]);
        }
    }
}
