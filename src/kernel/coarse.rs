//! Many columns: most centroids are ruled out by scores of bytes.
//!
//! A row is rounded to 127 steps each way (63 with AVX2), as is each centroid. Their product in whole numbers is exact ([`super::bytes`]), several times faster than that in
//! floats, and off by no more than what was rounded away: with `x = s q + e` and `c = s' q' + e'`,
//!
//! `x . c = s s' (q . q') + (s q) . e' + e . c <= s s' (q . q') + |s q| |e'| + |e| |c|` (Cauchy and Schwarz).
//!
//! So every centroid has a score that the true one does not exceed. The best of them is measured in floats; usually no other comes up to that, less
//! the margin of [`super::pack`], and the label is proven. The rows where some do, about one in five, go through the bytes once more, for a list of all that do, which
//! are measured in floats, and in doubt by the reference. This serves every row alike: it takes no bound of an earlier iteration and no structure of the data.
//!
//! # Its error
//!
//! Kept per row: `reach`, at least `|x|` and `|s q|`; of all rows of a chunk together `ratio`, at least `|e| / reach`. Then the two last terms are at most
//! `reach (|e'| + ratio |c|)`, and the bracket is a number for each centroid, the *surplus* of the chunk. Turning the integer into a float, the step's product and the two
//! fused additions round by at most `4 u (reach (|c| + |e'|) + |start|)` in all, which is added to surplus and start ([`ROUNDING`]). The start is the optimistic one
//! of [`super::pack`], so framing and reference distance are allowed for as there.

use super::assign::Scratch;
use super::bounds::NO_RIVAL;
use super::bytes::{Block, Centroids, Found, KEPT, Machine};
use super::digits::{self, MOST_ROWS, filled, turn, words};
use super::element::{Element, Level, Vector, framed};
use super::exact::{in_range, squared_distance};
use super::pack::{Frame, Packed};
use super::tile;
use super::vector::Lanes;
use fearless_simd::{Simd, SimdBase};

/// Columns from which it pays, and up to which the sums of products fit.
pub(crate) const COLUMNS: std::ops::RangeInclusive<usize> = 17..=4096;
/// Centroids from which it pays.
pub(crate) const CENTROIDS: usize = 16;

/// More than all roundings of a score in f32, relative to the terms that it is made of.
const ROUNDING: f32 = 1.0 / (1 << 20) as f32;

/// More than a score can lose by underflow, in a frame where values are about 1.
const TINY: f32 = f32::from_bits((127 - 100) << 23);

/// The centroids' bytes, and what is needed to measure single ones.
#[derive(Clone)]
pub(crate) struct Coarse<F> {
    machine: Machine,
    bytes: Centroids,
    /// Lengths of the centroids and of what rounding took from them, rounded up.
    length: Vec<f32>,
    lost: Vec<f32>,
    /// In the frame, row by row.
    moved: Vec<F>,
}

/// A thread's buffers for one chunk.
#[derive(Default)]
pub(crate) struct Buffers<F> {
    /// A row in the frame, filled up, and its values in f32 if F is another type.
    moved: Vec<F>,
    single: Vec<f32>,
    /// The words of a block, row by row.
    rows: Vec<i32>,
    digits: Vec<i32>,
    step: Vec<f32>,
    bias: Vec<i32>,
    reach: Vec<f32>,
    surplus: Vec<f32>,
    found: Vec<Found>,
    /// Rows in doubt, and the least score that may be as good as their best.
    doubtful: Vec<u32>,
    thresholds: Vec<f32>,
    again: Vec<i32>,
    passed: Vec<Vec<u32>>,
    scores: Vec<(u32, F)>,
}

/// At most by what part of its length a vector changes when it is rounded to f32.
fn rounding<F: Element>() -> f32 {
    if F::DIGITS > 23 { f32::EPSILON } else { 0.0 }
}

/// What multiplies the bytes, where they pay.
pub(super) fn machine(level: Level, k: usize, d: usize) -> Option<Machine> {
    if COLUMNS.contains(&d) && k >= CENTROIDS { Machine::new(level) } else { None }
}

impl<F: Element> Coarse<F> {
    /// Of centroids in a frame; `starts` are the optimistic ones.
    pub(super) fn new(level: Level, machine: Machine, moved: Vec<F>, starts: &[F], d: usize) -> Self {
        let (group, words) = (machine.group(), words(d));
        let filled = starts.len().next_multiple_of(group);
        let mut coarse = Coarse {
            machine,
            bytes: Centroids {
                digits: vec![0; filled * words],
                step: vec![0.0; filled],
                start: vec![f32::NEG_INFINITY; filled],
            },
            length: vec![0.0; filled],
            lost: vec![0.0; filled],
            moved,
        };
        F::digitise_centroids(level, &mut coarse, starts);
        coarse
    }

    /// The optimistic score of a row for a centroid.
    #[inline(always)]
    fn score<S: Simd>(&self, simd: S, packed: &Packed<F>, row: &[F], j: u32) -> F {
        let j = j as usize;
        packed.starts[j] + product(simd, &packed.frame, row, &self.moved[j * packed.d..][..packed.d])
    }

    /// What the optimistic score of a row for its best centroid is at least, for it is off by the surplus twice.
    #[inline(always)]
    fn least(&self, buffers: &Buffers<F>, i: usize, found: &Found, lane: usize) -> f32 {
        let j = found.tags[0][lane].to_bits() as usize;
        let rounding = ROUNDING * self.bytes.start[j].abs() + TINY;
        found.scores[0][lane] - 2.001 * buffers.reach[i] * buffers.surplus[j] - 4.0 * rounding
    }

    /// The centroids' digits, from [`Coarse::moved`].
    #[inline(always)]
    pub(super) fn fill<S: Simd>(&mut self, simd: S, starts: &[F]) {
        let d = self.moved.len() / starts.len();
        let (group, words, most) = (self.machine.group(), words(d), self.machine.most());
        let mut single = vec![0.0; filled(d)];
        let mut row = vec![0; words.next_multiple_of(<S::i32s as SimdBase<S>>::LEN)];
        for (j, moved) in self.moved.chunks_exact(d).enumerate() {
            let square: f64 = moved.iter().map(|x| x.f64() * x.f64()).sum();
            single.iter_mut().zip(moved).for_each(|(single, x)| *single = x.f64() as f32);
            let largest = single.iter().fold(0f32, |largest, x| largest.max(x.abs()));
            let rounded = digits::round(simd, f32::from(most), &single, largest, words, &mut row);
            let base = (j / group) * group * words;
            for (w, word) in row[..words].iter().enumerate() {
                let raised = word.to_le_bytes().map(|byte| byte.wrapping_add(most + 1));
                let at = base + (w / 2) * 2 * group + (w % 2) * group + j % group;
                self.bytes.digits[at] = i32::from_le_bytes(raised);
            }
            let norm = square.sqrt() as f32 * 1.000_001;
            self.length[j] = norm;
            self.lost[j] = rounded.lost + rounding::<F>() * norm;
            self.bytes.step[j] = rounded.step;
            let start = f32::above(starts[j].f64());
            self.bytes.start[j] = start + ROUNDING * start.abs() + TINY;
        }
    }
}

/// The label of each row.
#[inline(always)]
pub(super) fn label<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    coarse: &Coarse<F>,
    rows: &[F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) -> bool {
    let (d, n, machine) = (packed.d, labels.len(), coarse.machine);
    let (words, lanes) = (words(d), machine.rows());
    let buffers = &mut scratch.coarse;
    let blocks = n.div_ceil(lanes);
    buffers.fit(blocks, lanes, words, coarse.length.len());
    round(simd, packed, coarse, rows, &mut scratch.norms[..n], buffers);

    for (b, found) in buffers.found.iter_mut().enumerate() {
        let part = b * lanes..(b + 1) * lanes;
        let block = Block {
            digits: &buffers.digits[b * lanes * words..][..lanes * words],
            step: &buffers.step[part.clone()],
            bias: &buffers.bias[part.clone()],
            reach: &buffers.reach[part],
        };
        machine.nearest(&block, &coarse.bytes, &buffers.surplus, found);
    }

    // Whoever asks for bounds wants them tight.
    let bounded = !scratch.upper.is_empty();
    let mut sound = true;
    buffers.doubtful.clear();
    buffers.thresholds.clear();
    for (i, label) in labels.iter_mut().enumerate() {
        let (found, lane) = (&scratch.coarse.found[i / lanes], i % lanes);
        let tags = found.tags.each_ref().map(|tags| tags[lane].to_bits().min(packed.k as u32 - 1));
        let scores = found.scores.each_ref().map(|scores| F::of(f64::from(scores[lane])));
        let row = &rows[i * d..][..d];
        let own = scratch.norms[i] * packed.margin.row_factor + packed.margin.row_floor;
        let slack = own + packed.slack[tags[0] as usize];
        if !bounded
            && scores[1]
                < F::of(f64::from(coarse.least(&scratch.coarse, i, found, lane))) - slack * F::of(2.0)
        {
            *label = tags[0];
            continue;
        }
        let top = coarse.score(simd, packed, row, tags[0]);
        let margin = top - slack;
        let near = scores[1..].iter().take_while(|&&score| !(score < margin)).count();
        let mut verdict = Verdict { label: tags[0], best: top, next: scores[1] };
        if near == KEPT {
            scratch.coarse.doubtful.push(i as u32);
            scratch.coarse.thresholds.push(-f32::above(-margin.f64()));
            sound &= in_range(row);
        } else if near > 0 || bounded {
            let measured = near.max(1);
            let candidates = &mut scratch.coarse.scores;
            candidates.clear();
            candidates.push((tags[0], top));
            for &j in &tags[1..=measured] {
                candidates.push((j, coarse.score(simd, packed, row, j)));
            }
            verdict = decide(packed, row, own, tags[0], candidates);
            verdict.next = verdict.next.max(scores[measured + 1]);
        }
        *label = verdict.label;
        verdict.keep(packed, own, i, scratch);
        if !scratch.rivals.is_empty() {
            let mut others = tags.iter().filter(|&&j| j != verdict.label);
            scratch.rivals[i].fill_with(|| others.next().map_or(NO_RIVAL, |&j| j as u16));
            let pad = (own + packed.slack[verdict.label as usize]) * F::of(2.0);
            scratch.rest_square[i] = scratch.norms[i] - scores[KEPT] * F::of(2.0) - pad;
        }
    }
    if !scratch.coarse.doubtful.is_empty() {
        again(simd, packed, coarse, rows, scratch, labels);
    }
    sound
}

/// What was found for a row: its label, the best score, and one that no other centroid exceeds.
struct Verdict<F> {
    label: u32,
    best: F,
    next: F,
}

impl<F: Element> Verdict<F> {
    /// Bounds of the distances, as in [`tile::label`].
    #[inline(always)]
    fn keep(&self, packed: &Packed<F>, own: F, i: usize, scratch: &mut Scratch<F>) {
        let two = F::of(2.0);
        let pad = (own + packed.slack[self.label as usize]) * two;
        scratch.near[i] = scratch.norms[i] - self.best * two + pad;
        scratch.next[i] = scratch.norms[i] - self.next * two - pad;
        scratch.excess[i] = pad * (two + two);
    }
}

/// The nearest of some candidates with their scores, in rising order where two may be equally near: by the reference distance where the scores do not tell.
#[inline(always)]
fn decide<F: Element>(
    packed: &Packed<F>,
    row: &[F],
    own: F,
    likely: u32,
    candidates: &[(u32, F)],
) -> Verdict<F> {
    let least = F::neg_infinity();
    let mut verdict = Verdict { label: likely, best: least, next: least };
    for &(j, score) in candidates {
        if score > verdict.best {
            verdict = Verdict { label: j, best: score, next: verdict.best };
        } else {
            verdict.next = verdict.next.max(score);
        }
    }
    let margin = verdict.best - (own + packed.slack[verdict.label as usize]);
    if !(verdict.next < margin) {
        let mut nearest = (f64::INFINITY, verdict.label);
        for &(j, _) in candidates.iter().filter(|candidate| !(candidate.1 < margin)) {
            let distance = squared_distance(row, &packed.centroids[j as usize * packed.d..][..packed.d]);
            if (distance, j) < nearest {
                nearest = (distance, j);
            }
        }
        verdict = Verdict { label: nearest.1, next: verdict.best, ..verdict };
    }
    verdict
}

/// The rows in doubt, side by side, once more: all centroids that may be the nearest are listed and measured.
#[inline(always)]
fn again<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    coarse: &Coarse<F>,
    rows: &[F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) {
    let (d, machine) = (packed.d, coarse.machine);
    let (words, lanes) = (words(d), machine.rows());
    let mut buffers = std::mem::take(&mut scratch.coarse);
    for (doubtful, least) in buffers.doubtful.chunks(lanes).zip(buffers.thresholds.chunks(lanes)) {
        let (mut step, mut reach, mut bias) = ([0.0; MOST_ROWS], [0.0; MOST_ROWS], [0; MOST_ROWS]);
        let mut thresholds = [f32::INFINITY; MOST_ROWS];
        for (l, (&i, &least)) in doubtful.iter().zip(least).enumerate() {
            let i = i as usize;
            (step[l], reach[l], bias[l], thresholds[l]) =
                (buffers.step[i], buffers.reach[i], buffers.bias[i], least);
            let from = &buffers.digits[i / lanes * lanes * words..][..lanes * words];
            for w in 0..words {
                buffers.again[w * lanes + l] = from[w * lanes + i % lanes];
            }
            buffers.passed[l].clear();
        }
        let block = Block { digits: &buffers.again, step: &step, bias: &bias, reach: &reach };
        machine.passing(&block, &coarse.bytes, &buffers.surplus, &thresholds, &mut buffers.passed);
        for ((&i, &least), passed) in doubtful.iter().zip(least).zip(&buffers.passed) {
            let i = i as usize;
            let row = &rows[i * d..][..d];
            // The last group may be filled up.
            buffers.scores.clear();
            for &j in passed.iter().filter(|&&j| (j as usize) < packed.k) {
                buffers.scores.push((j, coarse.score(simd, packed, row, j)));
            }
            let own = scratch.norms[i] * packed.margin.row_factor + packed.margin.row_floor;
            let mut verdict = decide(packed, row, own, labels[i], &buffers.scores);
            verdict.next = verdict.next.max(F::of(f64::from(least)));
            labels[i] = verdict.label;
            verdict.keep(packed, own, i, scratch);
            if !scratch.rivals.is_empty() {
                scratch.rivals[i].fill(NO_RIVAL);
                scratch.rest_square[i] = scratch.next[i];
            }
        }
    }
    scratch.coarse = buffers;
}

/// The digits of a chunk's rows in blocks, their squared norms, and the surplus that they give each centroid.
#[inline(always)]
fn round<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    coarse: &Coarse<F>,
    rows: &[F],
    norms: &mut [F],
    buffers: &mut Buffers<F>,
) {
    let (d, machine) = (packed.d, coarse.machine);
    let (words, lanes, most) = (words(d), machine.rows(), machine.most());
    let mut ratio = 0f32;
    let stride = buffers.rows.len() / lanes;
    buffers.moved.resize(filled(d), F::default());
    let blocks = rows.chunks(lanes * d).zip(buffers.digits.chunks_exact_mut(lanes * words));
    for (b, (rows, digits)) in blocks.enumerate() {
        for (r, (row, out)) in rows.chunks_exact(d).zip(buffers.rows.chunks_exact_mut(stride)).enumerate() {
            let i = b * lanes + r;
            let (norm, largest) = tile::frame_row(simd, &packed.frame, row, &mut buffers.moved[..d]);
            norms[i] = norm;
            let single = F::singles(&buffers.moved, &mut buffers.single);
            let rounded = digits::round(simd, f32::from(most), single, largest.f64() as f32, words, out);
            let length = (norms[i].f64() as f32).sqrt() * 1.001;
            let lost = rounded.lost + rounding::<F>() * length;
            let reach = length + lost;
            buffers.step[i] = rounded.step;
            buffers.bias[i] = -(i32::from(most) + 1) * rounded.sum;
            // A row that is not finite passes no test.
            buffers.reach[i] = if reach.is_finite() { reach } else { f32::INFINITY };
            ratio = if reach.is_finite() { ratio.max(lost / reach) } else { ratio };
        }
        turn(simd, &buffers.rows, words, digits);
    }
    let ratio = ratio * (1.0 + ROUNDING) + ROUNDING;
    for ((surplus, &length), &lost) in buffers.surplus.iter_mut().zip(&coarse.length).zip(&coarse.lost) {
        *surplus = (lost + ratio * (length + lost)) * (1.0 + ROUNDING);
    }
}

impl<F> Buffers<F> {
    /// Makes room for so many blocks of so many rows of so many words, and centroids.
    fn fit(&mut self, blocks: usize, lanes: usize, words: usize, centroids: usize) {
        let rows = blocks * lanes;
        self.rows.resize(lanes * words.next_multiple_of(lanes), 0);
        self.digits.resize(rows * words, 0);
        self.again.resize(lanes * words, 0);
        for values in [&mut self.step, &mut self.reach] {
            values.resize(rows, 0.0);
        }
        self.bias.resize(rows, 0);
        self.surplus.resize(centroids, 0.0);
        self.found.resize(blocks, Found::default());
        self.passed.resize(MOST_ROWS, Vec::new());
    }
}

/// The product of a row, moved into the frame, and a vector, in an order of its own: its error is within the bound of a score.
#[inline(always)]
fn product<S: Simd, F: Element>(simd: S, frame: &Frame<F>, row: &[F], other: &[F]) -> F {
    let (d, len) = (row.len(), Vector::<S, F>::LEN);
    let scale = Vector::<S, F>::splat(simd, frame.scale);
    let zero = Vector::<S, F>::splat(simd, F::default());
    let mut sums = [zero; 4];
    let whole = d - d % len;
    let (offset, other) = (&frame.offset[..d], &other[..d]);
    for first in (0..whole).step_by(4 * len) {
        for (t, sum) in (first..whole).step_by(len).zip(&mut sums) {
            let part = |values: &[F]| Vector::<S, F>::load(simd, &values[t..]);
            *sum = ((part(row) - part(offset)) * scale).mul_add(part(other), *sum);
        }
    }
    let mut sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])).total();
    for t in whole..d {
        sum = sum + framed(row[t], offset[t], frame) * other[t];
    }
    sum
}
