//! Many columns: most centroids are ruled out by scores of bytes.
//!
//! A row is rounded to 127 steps each way (63 with AVX2), as is each centroid. Their product in whole numbers is exact ([`super::bytes`]), several times faster than that in
//! floats, and off by no more than what was rounded away: with `x = s q + e` and `c = s' q' + e'`,
//!
//! `x . c = s s' (q . q') + (s q) . e' + e . c <= s s' (q . q') + |s q| |e'| + |e| |c|` (Cauchy and Schwarz).
//!
//! So every centroid has a score that the true one does not exceed, and [`super::coarse_label`] proves the label with these. This serves every row alike: it takes no
//! bound of an earlier iteration and no structure of the data.
//!
//! # Its error
//!
//! Kept per row: `reach`, at least `|x|` and `|s q|`; of all rows of a chunk so far the *ratio*, at least `|e| / reach` of each. Then the two last terms are at most
//! `reach (|e'| + ratio |c|)`, and the bracket is a number for each centroid, the *surplus*, which only grows within a chunk. Turning the integer into a float, the step's product and the two
//! fused additions round by at most `4 u (reach (|c| + |e'|) + |start|)` in all, which is added to surplus and start ([`ROUNDING`]), as is what the names of
//! [`super::bytes`] change. The start is the optimistic one of [`super::margin`], so framing and reference distance are allowed for as there.

use super::aligned::Aligned;
use super::bytes::{Block, Centroids, Found, Machine, naming};
use super::digits::{self, MOST_ROWS, filled, turn, words};
use super::element::{Element, Level, Vector, framed};
use super::pack::{Frame, Packed};
use super::vector::{Lanes, MOST_LANES};
use super::{par, turned};
use fearless_simd::{Simd, SimdBase};
use std::sync::OnceLock;

/// More than all roundings of a score in f32, relative to the terms that it is made of.
const ROUNDING: f32 = 1.0 / (1 << 20) as f32;

/// More than a score can lose by underflow, in a frame where values are about 1.
const TINY: f32 = f32::from_bits((127 - 100) << 23);

/// The score of what fills up a panel: less than any, but a number.
const NEVER: f32 = f32::MIN / 2.0;

/// The centroids' bytes, and what is needed to measure single ones.
#[derive(Clone)]
pub(crate) struct Coarse<F> {
    pub(super) machine: Machine,
    pub(super) bytes: Centroids,
    /// Words of a row: kept, as each row would pay for the division.
    words: usize,
    /// Lengths of the centroids and of what rounding took from them, rounded up.
    length: Vec<f32>,
    lost: Vec<f32>,
    /// In the frame, row by row.
    pub(super) moved: Vec<F>,
    /// For rows that bytes do not tell apart.
    pub(super) panels: OnceLock<Vec<F>>,
}

/// A thread's buffers for one chunk.
#[derive(Default)]
pub(crate) struct Buffers<F> {
    /// A row in the frame, filled up, and its values in f32 if F is another type.
    pub(super) moved: Vec<F>,
    single: Vec<f32>,
    /// The words of a block, row by row.
    pub(super) rows: Vec<i32>,
    pub(super) digits: Aligned<i32>,
    pub(super) step: Vec<f32>,
    /// Its squared norm and the sum of squares of what it lost, until the block is whole; then the first is its reach.
    pub(super) reach: Vec<f32>,
    lost: Vec<f32>,
    /// At least what part of its reach any row lost.
    ratio: f32,
    pub(super) surplus: Vec<f32>,
    pub(super) found: Vec<Found>,
    /// Of rows that lie here and there: which are in the blocks, and the labels found.
    pub picked: Vec<u32>,
    pub labels: Vec<u32>,
    /// Their own centroids with the scores, where these were asked for.
    pub(super) known: Vec<(u32, F)>,
    /// Rows in doubt, and the least score that may be as good as their best.
    pub(super) doubtful: Vec<u32>,
    pub(super) thresholds: Vec<f32>,
    pub(super) again: Vec<i32>,
    pub(super) passed: Vec<Vec<u32>>,
    pub(super) scores: Vec<(u32, F)>,
    /// For how many chunks bytes (or [words](super::words)) are not asked, and copies of the rows meanwhile.
    pub(super) pause: u32,
    pub(super) copies: Vec<F>,
}

/// At most by what part of its length a vector changes when it is rounded to f32.
fn rounding<F: Element>() -> f32 {
    if F::DIGITS > 23 { f32::EPSILON } else { 0.0 }
}

impl<F: Element> Coarse<F> {
    /// Of centroids in a frame; `starts` are the optimistic ones.
    pub(super) fn new(level: Level, machine: Machine, moved: Vec<F>, starts: &[F]) -> Self {
        let (k, d) = (starts.len(), moved.len() / starts.len());
        let (panel, words, filled) = (machine.panel(), words(d), k.next_multiple_of(machine.panel()));
        let (mut digits, mut bias) = (vec![0; filled * words], vec![0; filled]);
        let [mut step, mut start, mut length, mut lost] = [0.0, NEVER, 0.0, 0.0].map(|x| vec![x; filled]);
        let given = moved.chunks(panel * d).zip(starts.chunks(panel));
        let scales = step.chunks_mut(panel).zip(start.chunks_mut(panel));
        let lengths = length.chunks_mut(panel).zip(lost.chunks_mut(panel));
        let integers = digits.chunks_mut(panel * words).zip(bias.chunks_mut(panel));
        let panels = given.zip(integers).zip(scales.zip(lengths));
        let naming = naming(filled);
        let mut workers = vec![(); par::workers_for(moved.len() as f64 * 4.0)];
        par::share(
            &mut workers,
            panels,
            |(), (((moved, starts), (digits, bias)), ((step, start), (length, lost)))| {
                F::digitise_panel(
                    level,
                    machine,
                    moved,
                    starts,
                    Panel { digits, bias, step, start, length, lost, naming },
                );
            },
        );
        Coarse {
            machine,
            bytes: Centroids { digits, bias, step, start },
            words,
            length,
            lost,
            moved,
            panels: OnceLock::new(),
        }
    }

    /// What putting a name into a score may change.
    fn naming(&self) -> f32 {
        naming(self.length.len())
    }

    /// Words of a row.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// Words from row to row, before they are turned.
    pub(super) fn stride(&self) -> usize {
        self.words().next_multiple_of(MOST_LANES)
    }

    /// The optimistic score of a row for a centroid.
    #[inline(always)]
    pub(super) fn score<S: Simd>(&self, simd: S, packed: &Packed<F>, row: &[F], j: u32) -> F {
        let scale = Vector::<S, F>::splat(simd, packed.frame.scale);
        let (row, offset) = (&row[..packed.d], &packed.frame.offset[..packed.d]);
        let product = product(
            simd,
            #[inline(always)]
            |t| (Vector::<S, F>::load(simd, &row[t..]) - Vector::<S, F>::load(simd, &offset[t..])) * scale,
            #[inline(always)]
            |t| framed(row[t], offset[t], &packed.frame),
            self.in_frame(packed, j),
        );
        packed.starts[j as usize] + product
    }

    /// The same of a row that is in the frame.
    #[inline(always)]
    pub(super) fn score_in_frame<S: Simd>(&self, simd: S, packed: &Packed<F>, moved: &[F], j: u32) -> F {
        let moved = &moved[..packed.d];
        let product = product(
            simd,
            #[inline(always)]
            |t| Vector::<S, F>::load(simd, &moved[t..]),
            #[inline(always)]
            |t| moved[t],
            self.in_frame(packed, j),
        );
        packed.starts[j as usize] + product
    }

    /// A centroid in the frame.
    #[inline(always)]
    fn in_frame(&self, packed: &Packed<F>, j: u32) -> &[F] {
        &self.moved[j as usize * packed.d..][..packed.d]
    }

    /// What the optimistic score of a row for its best centroid is at least, for it is off by the surplus twice.
    #[inline(always)]
    pub(super) fn least(&self, buffers: &Buffers<F>, i: usize, found: &Found, lane: usize) -> f32 {
        let j = found.names[0][lane] as usize;
        let rounding = (ROUNDING + self.naming()) * self.bytes.start[j].abs() + TINY;
        found.scores[0][lane] - 2.001 * buffers.reach[i] * buffers.surplus[j] - 4.0 * rounding
    }
}

/// Some centroids of [`Coarse`].
pub(super) struct Panel<'a> {
    digits: &'a mut [i32],
    bias: &'a mut [i32],
    step: &'a mut [f32],
    start: &'a mut [f32],
    length: &'a mut [f32],
    lost: &'a mut [f32],
    naming: f32,
}

/// Fills a panel with the digits of centroids in the frame.
#[inline(always)]
pub(super) fn fill_panel<S: Simd, F: Element>(
    simd: S,
    machine: Machine,
    moved: &[F],
    starts: &[F],
    panel: Panel<'_>,
) {
    let d = moved.len() / starts.len();
    let (side, words, most) = (machine.panel(), words(d), machine.most());
    let still = Frame { offset: vec![F::default(); d], scale: F::of(1.0) };
    let (mut whole, mut single) = (vec![F::default(); filled(d)], Vec::new());
    let mut row = vec![0; words.next_multiple_of(<S::i32s as SimdBase<S>>::LEN)];
    for (j, moved) in moved.chunks_exact(d).enumerate() {
        let (square, largest) = turned::frame_row(simd, &still, moved, &mut whole[..d]);
        let values = F::singles(&whole, &mut single);
        let step = digits::step(most, largest.f64() as f32);
        let squares = digits::round(simd, most, values, step, words, &mut row);
        for (w, word) in row[..words].iter().enumerate() {
            let signed = word.to_le_bytes().map(|byte| byte.wrapping_sub(most + 1));
            panel.digits[(w / 2) * 2 * side + (w % 2) * side + j] = i32::from_le_bytes(signed);
            panel.bias[j] -=
                signed.map(|digit| i32::from(most + 1) * i32::from(digit.cast_signed())).iter().sum::<i32>();
        }
        let norm = (square.f64() as f32).sqrt() * 1.001;
        panel.length[j] = norm;
        panel.lost[j] = squares.sqrt() * 1.001 + digits::hidden(values.len()) + rounding::<F>() * norm;
        panel.step[j] = step;
        let start = f32::above(starts[j].f64());
        panel.start[j] = start + (ROUNDING + panel.naming) * start.abs() + TINY;
    }
}

impl<F: Element> Buffers<F> {
    /// Moves a row into the frame; its squared norm and its largest magnitude there.
    #[inline(always)]
    pub(super) fn frame<S: Simd>(&mut self, simd: S, packed: &Packed<F>, row: &[F]) -> (F, F) {
        turned::frame_row(simd, &packed.frame, row, &mut self.moved[..row.len()])
    }

    /// The digits of the row in the frame, as row i of the chunk.
    #[inline(always)]
    pub(super) fn seat<S: Simd>(&mut self, simd: S, coarse: &Coarse<F>, (norm, largest): (F, F), i: usize) {
        let (words, stride, most) = (coarse.words(), coarse.stride(), coarse.machine.most());
        let single = F::singles(&self.moved, &mut self.single);
        let out = &mut self.rows[i % coarse.machine.rows() * stride..][..stride];
        let step = digits::step(most, largest.f64() as f32);
        self.lost[i] = digits::round(simd, most, single, step, words, out);
        self.step[i] = step;
        self.reach[i] = norm.f64() as f32;
    }

    /// The best scores of the rows of a block, once so many are seated.
    #[inline(always)]
    pub(super) fn meet<S: Simd>(&mut self, simd: S, coarse: &Coarse<F>, block: usize, seated: usize) {
        let (count, words) = (coarse.machine.rows(), coarse.words());
        let first = block * count;
        // Places without a row are filled with the last one's.
        for values in [&mut self.step, &mut self.reach, &mut self.lost] {
            let (seated, left) = values[first..][..count].split_at_mut(seated);
            left.fill(seated[seated.len() - 1]);
        }
        let (reach, lost) = (&mut self.reach[first..][..count], &self.lost[first..][..count]);
        let ratio = digits::measure(simd, self.moved.len(), rounding::<F>(), reach, lost);
        self.ratio = self.ratio.max(ratio);
        self.widen(coarse);
        let digits = &mut self.digits[block * count * words..][..count * words];
        turn(simd, &self.rows, count, digits);
        let part = first..first + count;
        let rows = Block { digits, step: &self.step[part.clone()], reach: &self.reach[part] };
        coarse.machine.nearest(&rows, &coarse.bytes, &self.surplus, &mut self.found[block]);
    }

    /// The surplus of each centroid for the rows that are seated.
    fn widen(&mut self, coarse: &Coarse<F>) {
        let ratio = self.ratio * (1.0 + ROUNDING) + ROUNDING + coarse.naming();
        for ((surplus, &length), &lost) in self.surplus.iter_mut().zip(&coarse.length).zip(&coarse.lost) {
            *surplus = (lost + ratio * (length + lost)) * (1.0 + ROUNDING);
        }
    }

    /// Whether bytes are not asked for this chunk.
    pub(super) fn paused(&mut self) -> bool {
        let paused = self.pause > 0;
        self.pause = self.pause.saturating_sub(1);
        paused
    }

    /// Makes room for n rows of d numbers.
    pub(super) fn fit(&mut self, coarse: &Coarse<F>, n: usize, d: usize) {
        let (lanes, words) = (coarse.machine.rows(), coarse.words());
        let blocks = n.div_ceil(lanes);
        self.ratio = 0.0;
        self.moved.resize(filled(d), F::default());
        self.rows.resize(lanes * coarse.stride(), 0);
        self.digits.fit(blocks * lanes * words);
        self.again.resize(lanes * words, 0);
        for values in [&mut self.step, &mut self.reach, &mut self.lost] {
            values.resize(blocks * lanes, 0.0);
        }
        self.surplus.resize(coarse.length.len(), 0.0);
        self.found.resize(blocks, Found::default());
        self.passed.resize(MOST_ROWS, Vec::new());
    }
}

/// The product of a row, given by vectors and for the rest by values, and another, in an order of its own: its error is within the bound of a score.
#[inline(always)]
fn product<S: Simd, F: Element>(
    simd: S,
    vector: impl Fn(usize) -> Vector<S, F>,
    value: impl Fn(usize) -> F,
    other: &[F],
) -> F {
    let (d, len) = (other.len(), Vector::<S, F>::LEN);
    let mut sums = [Vector::<S, F>::splat(simd, F::default()); 4];
    let whole = d - d % len;
    for first in (0..whole).step_by(4 * len) {
        for (t, sum) in (first..whole).step_by(len).zip(&mut sums) {
            *sum = vector(t).mul_add(Vector::<S, F>::load(simd, &other[t..]), *sum);
        }
    }
    let sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])).total();
    (whole..d).fold(sum, |sum, t| sum + value(t) * other[t])
}
