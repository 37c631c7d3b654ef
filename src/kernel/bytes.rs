//! Sums of products of bytes: the fastest multiply-adds that a machine has.
//!
//! AVX-512 multiplies 64 pairs of bytes and adds them up by fours in one instruction (VNNI), AVX2 32 pairs in two and a half: four times and twice
//! the products of f32 in the same time. The sums are integers, so they are exact. [`super::coarse`] makes bounds of them.
//!
//! The loop is the one of [`super::tile`] with the sides changed: vectors of rows, turned so that each lane holds four columns of one row, against a
//! panel of centroids, broadcast. So the best of each row stays in its lane while all centroids go by, and nothing is reduced at the end. Two vectors share a
//! broadcast: with one, CPUs that multiply two vectors at a time wait for their loads. A score names its centroid in its last bits, so the best are kept by
//! minima and maxima, without a comparison.
//! Rows are unsigned bytes, raised by an offset that each centroid's sums start from, and centroids signed ones.

#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code, unused_imports, unused_variables))] // There are no such instructions.

use super::digits::MOST_ROWS;
use super::dispatch::OPTIMISED;
#[cfg(target_arch = "x86_64")]
use super::dispatch::dispatch;
#[cfg(target_arch = "x86_64")]
use fearless_simd::{Bytes, SimdBase, SimdFloat, SimdFrom, SimdInt, SimdMask};
use fearless_simd::{Level, Simd};

/// A block's vectors of rows, and the centroids of a panel: their sums stay in registers.
#[cfg(target_arch = "x86_64")]
const AVX512: (usize, usize) = (2, 6);
#[cfg(target_arch = "x86_64")]
const AVX2: (usize, usize) = (2, 4);

/// Machines that have such instructions.
#[derive(Clone, Copy)]
pub(super) enum Machine {
    #[cfg(target_arch = "x86_64")]
    Avx512(fearless_simd::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(fearless_simd::Avx2),
}

/// Centroids as bytes, filled up to whole panels with such as never win.
#[derive(Clone)]
pub(super) struct Centroids {
    /// Per panel, two words of four columns at a time: those of each centroid of the panel, then the next words of each.
    pub digits: Vec<i32>,
    /// What its sums start from: it takes back what the raised rows add.
    pub bias: Vec<i32>,
    /// What a centroid's digits count.
    pub step: Vec<f32>,
    /// What its scores start from.
    pub start: Vec<f32>,
}

/// Rows as bytes: word by word for all rows, then what their digits count, and what is added of a centroid's surplus.
pub(super) struct Block<'a> {
    pub digits: &'a [i32],
    pub step: &'a [f32],
    pub reach: &'a [f32],
}

/// Scores of each row that are kept with their centroids.
pub(super) const KEPT: usize = 3;

/// The best scores of each row of a block in falling order, and one more, which no other exceeds; and the centroids of all but the last.
#[derive(Clone, Default)]
pub(super) struct Found {
    pub scores: [[f32; MOST_ROWS]; KEPT + 1],
    pub names: [[i32; MOST_ROWS]; KEPT],
}

/// Centroids among which a score names its own, in its last bits: whole panels, and few enough that this changes little.
const SECTION: usize = 4092;

/// The bits for such names.
fn names(count: usize) -> i32 {
    (count.min(SECTION).next_power_of_two() - 1) as i32
}

/// At least twice what a name changes of a score, relative to it, with so many centroids.
pub(super) fn naming(count: usize) -> f32 {
    2.0 * (names(count) + 1) as f32 * f32::EPSILON
}

#[cfg(target_arch = "x86_64")]
impl Found {
    /// The best of a section, from this centroid on; the sections come in turn.
    #[inline(always)]
    fn take(&mut self, first: usize, scores: &[[f32; MOST_ROWS]; KEPT + 1], names: i32) {
        let name = |score: f32| first as i32 + (score.to_bits() as i32 & names);
        if first == 0 {
            self.scores = *scores;
            for (names, scores) in self.names.iter_mut().zip(scores) {
                names.iter_mut().zip(scores).for_each(|(kept, &score)| *kept = name(score));
            }
            return;
        }
        for lane in 0..MOST_ROWS {
            // Sorted, as LLVM 22 makes wrong code of slots that are exchanged by turns: with AVX2 a centroid came with another's score.
            let mut all: [_; 2 * KEPT] = std::array::from_fn(|at| match at.checked_sub(KEPT) {
                None => (self.scores[at][lane], self.names[at][lane]),
                Some(at) => (scores[at][lane], name(scores[at][lane])),
            });
            all.sort_unstable_by(|one, other| other.0.total_cmp(&one.0));
            for at in 0..KEPT {
                (self.scores[at][lane], self.names[at][lane]) = all[at];
            }
            self.scores[KEPT][lane] = self.scores[KEPT][lane].max(scores[KEPT][lane]).max(all[KEPT].0);
        }
    }
}

impl Machine {
    #[cfg(target_arch = "x86_64")]
    pub(super) fn new(level: Level) -> Option<Self> {
        // What loops are compiled for, which may be less than the CPU has.
        let level = dispatch!(level, simd => simd.level());
        let machine = level.as_avx512().map(Machine::Avx512).or_else(|| level.as_avx2().map(Machine::Avx2));
        machine.filter(|_| OPTIMISED)
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn new(_: Level) -> Option<Self> {
        None
    }

    /// Whether a level with such vectors has one: for other levels nothing of bytes need be compiled.
    pub(super) const fn possible<V>() -> bool {
        OPTIMISED && size_of::<V>() > 16
    }

    /// Rows of a block.
    pub(super) fn rows(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Machine::Avx512(_) => 16 * AVX512.0,
            #[cfg(target_arch = "x86_64")]
            Machine::Avx2(_) => 8 * AVX2.0,
        }
    }

    /// Centroids of a panel.
    pub(super) fn panel(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Machine::Avx512(_) => AVX512.1,
            #[cfg(target_arch = "x86_64")]
            Machine::Avx2(_) => AVX2.1,
        }
    }

    /// The largest digit. AVX2 adds four products in 16 bits.
    pub(super) fn most(self) -> u8 {
        match self {
            #[cfg(target_arch = "x86_64")]
            Machine::Avx512(_) => 127,
            #[cfg(target_arch = "x86_64")]
            Machine::Avx2(_) => 63,
        }
    }

    /// The best scores of each row. `surplus` has a number for each centroid.
    pub(super) fn nearest(
        self,
        block: &Block<'_>,
        centroids: &Centroids,
        surplus: &[f32],
        found: &mut Found,
    ) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Machine::Avx512(simd) => nearest_avx512(simd, block, centroids, surplus, found),
            #[cfg(target_arch = "x86_64")]
            Machine::Avx2(simd) => nearest_avx2(simd, block, centroids, surplus, found),
        }
    }

    /// Adds to each row's list the centroids whose score is not below the row's threshold, in rising order.
    pub(super) fn passing(
        self,
        block: &Block<'_>,
        centroids: &Centroids,
        surplus: &[f32],
        thresholds: &[f32],
        passed: &mut [Vec<u32>],
    ) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Machine::Avx512(simd) => passing_avx512(simd, block, centroids, surplus, thresholds, passed),
            #[cfg(target_arch = "x86_64")]
            Machine::Avx2(simd) => passing_avx2(simd, block, centroids, surplus, thresholds, passed),
        }
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! kernels {
    ($level:ident, $vector:ident, $block:ident, $nearest:ident, $passing:ident, $dot:ident) => {
        fearless_simd::kernel!(
            fn $nearest(
                simd: $level,
                block: &Block<'_>,
                centroids: &Centroids,
                surplus: &[f32],
                found: &mut Found,
            ) {
                type Word = fearless_simd::$vector<fearless_simd::$level>;
                nearest::<_, { $block.0 }, { $block.1 }>(
                    simd,
                    #[inline(always)]
                    |sum: Word, x: [Word; 2], c: [Word; 2]| $dot!(simd, $vector, sum, x, c),
                    block,
                    centroids,
                    surplus,
                    found,
                );
            }
        );
        fearless_simd::kernel!(
            fn $passing(
                simd: $level,
                block: &Block<'_>,
                centroids: &Centroids,
                surplus: &[f32],
                thresholds: &[f32],
                passed: &mut [Vec<u32>],
            ) {
                type Word = fearless_simd::$vector<fearless_simd::$level>;
                passing::<_, { $block.0 }, { $block.1 }>(
                    simd,
                    #[inline(always)]
                    |sum: Word, x: [Word; 2], c: [Word; 2]| $dot!(simd, $vector, sum, x, c),
                    block,
                    centroids,
                    surplus,
                    thresholds,
                    passed,
                );
            }
        );
    };
}

#[cfg(target_arch = "x86_64")]
macro_rules! dot_avx512 {
    ($simd:ident, $vector:ident, $sum:ident, $x:ident, $c:ident) => {{
        use std::arch::x86_64::_mm512_dpbusd_epi32;
        let half = _mm512_dpbusd_epi32($sum.into(), $x[0].into(), $c[0].into());
        let whole = _mm512_dpbusd_epi32(half, $x[1].into(), $c[1].into());
        fearless_simd::$vector::simd_from($simd, whole)
    }};
}

#[cfg(target_arch = "x86_64")]
macro_rules! dot_avx2 {
    ($simd:ident, $vector:ident, $sum:ident, $x:ident, $c:ident) => {{
        use std::arch::x86_64::{
            _mm256_add_epi16, _mm256_add_epi32, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi16,
        };
        let low = _mm256_maddubs_epi16($x[0].into(), $c[0].into());
        let high = _mm256_maddubs_epi16($x[1].into(), $c[1].into());
        let pairs = _mm256_madd_epi16(_mm256_add_epi16(low, high), _mm256_set1_epi16(1));
        fearless_simd::$vector::simd_from($simd, _mm256_add_epi32($sum.into(), pairs))
    }};
}

#[cfg(target_arch = "x86_64")]
kernels!(Avx512, i32x16, AVX512, nearest_avx512, passing_avx512, dot_avx512);
#[cfg(target_arch = "x86_64")]
kernels!(Avx2, i32x8, AVX2, nearest_avx2, passing_avx2, dot_avx2);

/// All scores of a block for some panels, handed over by centroid.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn sweep<S: Simd, const V: usize, const PANEL: usize>(
    simd: S,
    dot: impl Fn(S::i32s, [S::i32s; 2], [S::i32s; 2]) -> S::i32s,
    block: &Block<'_>,
    centroids: &Centroids,
    panels: impl Iterator<Item = usize>,
    surplus: &[f32],
    mut meet: impl FnMut(usize, [S::f32s; V]),
) {
    let len = S::f32s::LEN;
    macro_rules! vectors {
        ($v:ident => $value:expr) => {
            std::array::from_fn::<_, V, _>(
                #[inline(always)]
                |$v| $value,
            )
        };
    }
    let step = vectors!(v => S::f32s::from_slice(simd, &block.step[v * len..][..len]));
    let reach = vectors!(v => S::f32s::from_slice(simd, &block.reach[v * len..][..len]));
    let size = block.digits.len() / (V * len) * PANEL;
    for g in panels {
        let digits = &centroids.digits[g * size..][..size];
        let part = g * PANEL..(g + 1) * PANEL;
        let bias = &centroids.bias[part.clone()];
        let mut sum: [[S::i32s; V]; PANEL] = std::array::from_fn(
            #[inline(always)]
            |r| [S::i32s::splat(simd, bias[r]); V],
        );
        for (x, c) in block.digits.chunks_exact(2 * V * len).zip(digits.chunks_exact(2 * PANEL)) {
            let x = vectors!(v => [v, V + v].map(#[inline(always)] |at| S::i32s::from_slice(simd, &x[at * len..][..len])));
            for r in 0..PANEL {
                let c = [S::i32s::splat(simd, c[r]), S::i32s::splat(simd, c[PANEL + r])];
                for v in 0..V {
                    sum[r][v] = dot(sum[r][v], x[v], c);
                }
            }
        }
        let (steps, starts) = (&centroids.step[part.clone()], &centroids.start[part.clone()]);
        let surplus = &surplus[part];
        for r in 0..PANEL {
            let [c, start, more] = [steps[r], starts[r], surplus[r]].map(|x| S::f32s::splat(simd, x));
            let scores = vectors!(v => {
                let digits: S::f32s = sum[r][v].to_float();
                let score = digits.mul_add(step[v] * c, start);
                reach[v].mul_add(more, score)
            });
            meet(g * PANEL + r, scores);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn nearest<S: Simd, const V: usize, const PANEL: usize>(
    simd: S,
    dot: impl Fn(S::i32s, [S::i32s; 2], [S::i32s; 2]) -> S::i32s + Copy,
    block: &Block<'_>,
    centroids: &Centroids,
    surplus: &[f32],
    found: &mut Found,
) {
    let (names, count) = (names(centroids.step.len()), centroids.step.len() / PANEL);
    let (value, one) = (S::i32s::splat(simd, !names), S::i32s::splat(simd, 1));
    for first in (0..count).step_by(SECTION / PANEL) {
        let mut best = [[S::f32s::splat(simd, f32::NEG_INFINITY); V]; KEPT + 1];
        let mut index = S::i32s::splat(simd, 0);
        sweep::<S, V, PANEL>(
            simd,
            dot,
            block,
            centroids,
            first..count.min(first + SECTION / PANEL),
            surplus,
            #[inline(always)]
            |_, scores| {
                for v in 0..V {
                    let bits: S::i32s = scores[v].bitcast();
                    let named: S::f32s = ((bits & value) | index).bitcast();
                    for at in (1..=KEPT).rev() {
                        best[at][v] = best[at][v].max(named.min(best[at - 1][v]));
                    }
                    best[0][v] = best[0][v].max(named);
                }
                index += one;
            },
        );
        let mut scores = [[f32::NEG_INFINITY; MOST_ROWS]; KEPT + 1];
        for (best, out) in best.iter().zip(&mut scores) {
            best.iter().zip(out.chunks_exact_mut(S::f32s::LEN)).for_each(|(best, out)| best.store_slice(out));
        }
        found.take(first * PANEL, &scores, names);
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn passing<S: Simd, const V: usize, const PANEL: usize>(
    simd: S,
    dot: impl Fn(S::i32s, [S::i32s; 2], [S::i32s; 2]) -> S::i32s,
    block: &Block<'_>,
    centroids: &Centroids,
    surplus: &[f32],
    thresholds: &[f32],
    passed: &mut [Vec<u32>],
) {
    let len = S::f32s::LEN;
    let least: [S::f32s; V] = std::array::from_fn(
        #[inline(always)]
        |v| S::f32s::from_slice(simd, &thresholds[v * len..][..len]),
    );
    sweep::<S, V, PANEL>(
        simd,
        dot,
        block,
        centroids,
        0..centroids.step.len() / PANEL,
        surplus,
        #[inline(always)]
        |j, scores| {
            for v in 0..V {
                let mut near = (!scores[v].simd_lt(least[v])).to_bitmask();
                while near != 0 {
                    passed[v * len + near.trailing_zeros() as usize].push(j as u32);
                    near &= near - 1;
                }
            }
        },
    );
}
