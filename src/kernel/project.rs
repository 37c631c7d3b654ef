//! Many columns: most centroids are ruled out by a few of a row's principal components.
//!
//! Take orthonormal directions, and let `f(x)` be the components of `x` along them, followed by the length of what is left of `x`. Then
//! `|f(x) - f(c)| <= |x - c|` (Cauchy and Schwarz on what is left): a distance in a few dimensions that is never more than the one in all of them. Where the
//! rows spread mostly along the directions chosen, it is not much less either. So a row, its distance to its present centroid
//! known, meets all centroids in the few dimensions first, and only those that pass in all of them.
//!
//! # Its error
//!
//! The scores in the few dimensions are those of [`super::pack`], of the numbers `f(x)` and `f(c)` as computed. Let `u` be the unit roundoff, `m` the
//! number of directions, and `e` a bound on the norm of their products less the identity. A component is off by `(chain + 2) u |x|` at
//! most, all of them together by `h |x|` with `h = sqrt(m) (chain + 2) u`. What is left has the square `|x|^2 - |components|^2`, which is off by
//! `(2 h + h^2 + e + d u) |x|^2`; as much is added before the root, so that the length is never too short. Then
//! `x . c <= f(x) . f(c) + (2 h + h^2 + e) |x| |c|`, and `|f(c)|^2` exceeds `|c|^2` by at most twice what was added. In all, the
//! true score exceeds the one in few dimensions by at most `(4 h + 2 e + 2 d u) (|x|^2 + |c|^2)`, which [`Projection::loss`] rounds up generously.

use super::assign::{Assigned, Rows, Scratch, Worker, chunk_rows, gather, piece_rows};
use super::element::{Element, Level, Vector};
use super::exact::squared_distance;
use super::moments::{Grids, Moves, RowSums};
use super::pack::{BLOCK, Frame, Margin, Packed};
use super::principal::{directions, panels, skew};
use super::sampled::sampled;
use super::vector::{Lanes, all};
use super::{par, tile};
use fearless_simd::Simd;

/// Directions, and what is needed to project along them.
pub(crate) struct Projection<F> {
    d: usize,
    /// How many directions.
    m: usize,
    panels: Vec<F>,
    /// By how much, in units of `|x|^2 + |c|^2`, a score may exceed the one in few dimensions.
    loss: f64,
    /// Relative amount added to the square of what is left.
    pad: f64,
    /// About what a row costs, relative to meeting all centroids in all dimensions.
    cost: f64,
}

impl<F: Element> Projection<F> {
    fn new(level: Level, basis: &[F], d: usize) -> Self {
        let m = basis.len() / d;
        let chain = (d.min(BLOCK) + d.div_ceil(BLOCK) + 2) as f64;
        let (h, e) = ((m as f64).sqrt() * chain * F::UNIT, skew(basis, d));
        let rounding = (d + 16) as f64 * F::UNIT;
        let pad = 1.1 * (2.0 * h + h * h + e + rounding);
        Projection {
            d,
            m,
            panels: panels(level, basis, d),
            loss: 2.2 * (2.0 * h + h * h + e + rounding),
            cost: 1.0,
            pad,
        }
    }

    /// The length of what is left of a vector with this square, whose components have that square.
    fn left(&self, square: f64, along: f64) -> F {
        F::above(((square - along).max(0.0) + self.pad * square).sqrt() * (1.0 + 4.0 * F::UNIT))
    }

    /// f(x) for up to `ROWS` framed rows whose squared norms are known.
    fn apply(&self, level: Level, rows: &[F], norms: &[F], components: &mut [F], out: &mut [F]) {
        F::multiply(level, rows, &self.panels, self.d, self.m, components);
        let per_row = components.chunks_exact(self.m).zip(out.chunks_exact_mut(self.m + 1));
        for ((components, out), norm) in per_row.zip(norms) {
            out[..self.m].copy_from_slice(components);
            let along: f64 = components.iter().map(|x| x.f64() * x.f64()).sum();
            out[self.m] = self.left(norm.f64(), along);
        }
    }
}

/// Centroids, ready to be met by rows in few dimensions and then in all.
pub(crate) struct Projected<'a, F> {
    pub projection: &'a Projection<F>,
    pub packed: &'a Packed<F>,
    few: Packed<F>,
    /// The centroids in the frame, row by row, and their starts.
    moved: Vec<F>,
    starts: Vec<F>,
    /// The margin in few dimensions, with what may be lost and what the full scores may be off.
    margin: Margin<F>,
}

impl<'a, F: Element> Projected<'a, F> {
    pub(crate) fn new(level: Level, projection: &'a Projection<F>, packed: &'a Packed<F>) -> Self {
        let (k, d, m) = (packed.k, packed.d, projection.m);
        let width = 2 * F::width(level);
        let at = |j: usize| (j / width) * width * (d + 1) + j % width;
        let mut moved = vec![F::default(); k * d];
        let mut starts = vec![F::default(); k];
        let mut norms = vec![F::default(); k];
        for (j, moved) in moved.chunks_exact_mut(d).enumerate() {
            starts[j] = packed.records[at(j)];
            for (t, x) in moved.iter_mut().enumerate() {
                *x = packed.records[at(j) + (t + 1) * width];
            }
            norms[j] = F::of(moved.iter().map(|x| x.f64() * x.f64()).sum());
        }
        let mut few = vec![F::default(); k * (m + 1)];
        let mut workers = vec![vec![F::default(); tile::ROWS * m]; par::workers_for((k * d * m) as f64)];
        let pieces = moved
            .chunks(tile::ROWS * d)
            .zip(norms.chunks(tile::ROWS))
            .zip(few.chunks_mut(tile::ROWS * (m + 1)));
        par::share(&mut workers, pieces, |components, ((moved, norms), few)| {
            projection.apply(level, moved, norms, &mut components[..norms.len() * m], few);
        });
        let margin = Margin::new(m + 1).widened(projection.loss).widened(2.0 * packed.margin.bound());
        let frame = Frame { offset: vec![F::default(); m + 1], scale: F::one() };
        let few = Packed::with_margin(level, &frame, &few, m + 1, margin);
        Projected { projection, packed, few, moved, starts, margin }
    }
}

/// What a thread needs for it.
pub(crate) struct Meeting<F> {
    pub worker: Worker<F>,
    components: Vec<F>,
    few: Vec<F>,
    thresholds: Vec<F>,
    /// Per row of a chunk: the centroids that pass.
    passed: Vec<Vec<u32>>,
    scores: Vec<F>,
    labels: Vec<u32>,
}

impl<F: Element> Meeting<F> {
    pub(crate) fn new(worker: Worker<F>, projection: &Projection<F>) -> Self {
        let Projection { d, m, .. } = *projection;
        let rows = chunk_rows(d);
        let zeros = |n: usize| vec![F::default(); n];
        Meeting {
            worker,
            components: zeros(tile::ROWS * m),
            few: zeros(rows * (m + 1)),
            thresholds: zeros(rows),
            passed: vec![Vec::new(); rows],
            scores: Vec::new(),
            labels: vec![0; rows],
        }
    }
}

/// The label of each row of a chunk, given that `labels` names some centroid for each; and how many pairs met in all dimensions.
#[inline(always)]
pub(super) fn meet<S: Simd, F: Element>(
    simd: S,
    level: Level,
    centroids: &Projected<'_, F>,
    rows: &[F],
    meeting: &mut Meeting<F>,
    labels: &mut [u32],
) -> u64 {
    let Projected { projection, packed, few, moved, starts, margin } = centroids;
    let (d, m, n, len) = (packed.d, projection.m, labels.len(), Vector::<S, F>::LEN);
    let scratch = &mut meeting.worker.scratch;
    let framed = &mut scratch.framed[..n.next_multiple_of(tile::ROWS) * d];
    tile::frame_rows(simd, packed, rows, framed, &mut scratch.norms[..n]);
    let norms = &scratch.norms[..n];
    let own_margin =
        |i: usize| norms[i].f64() * packed.margin.row_factor.f64() + packed.margin.row_floor.f64();
    let tiles = framed.chunks_exact(tile::ROWS * d).zip(norms.chunks(tile::ROWS));
    for ((framed, norms), few) in tiles.zip(meeting.few.chunks_exact_mut(tile::ROWS * (m + 1))) {
        let framed = &framed[..norms.len() * d];
        projection.apply(level, framed, norms, &mut meeting.components[..norms.len() * m], few);
    }
    for i in 0..n {
        let own = labels[i] as usize;
        let score = starts[own] + dot(simd, &framed[i * d..][..d], &moved[own * d..][..d]);
        // Less than this in few dimensions is less in all, whatever was rounded.
        let least = score.f64()
            - 2.0 * (own_margin(i) + packed.slack[own].f64())
            - norms[i].f64() * margin.row_factor.f64()
            - margin.row_floor.f64();
        meeting.thresholds[i] = -F::above(least.abs() * 4.0 * F::UNIT - least);
        meeting.passed[i].clear();
    }
    for (p, panel) in few.records.chunks_exact(2 * len * (m + 2)).enumerate() {
        let per_row = meeting.passed.chunks_mut(tile::ROWS).zip(meeting.thresholds.chunks(tile::ROWS));
        let tiles = meeting.few.chunks_exact(tile::ROWS * (m + 1)).zip(per_row);
        for (rows, (passed, thresholds)) in tiles.take(n.div_ceil(tile::ROWS)) {
            let scores = tile::scores(simd, rows, panel, m + 1);
            for (r, (passed, &threshold)) in passed.iter_mut().zip(thresholds).enumerate() {
                for (v, score) in scores[r].iter().enumerate() {
                    let mut near = all(len) & !score.less(Vector::<S, F>::splat(simd, threshold));
                    while near != 0 {
                        passed.push(((2 * p + v) * len) as u32 + near.trailing_zeros());
                        near &= near - 1;
                    }
                }
            }
        }
    }
    let mut met = 0;
    for (i, label) in labels.iter_mut().enumerate() {
        let passed = &mut meeting.passed[i];
        // The last panel may be filled up.
        passed.retain(|&j| (j as usize) < packed.k);
        met += passed.len() as u64;
        meeting.scores.clear();
        let (mut best, mut second, mut winner) = (F::neg_infinity(), F::neg_infinity(), *label);
        for &j in &*passed {
            let score = starts[j as usize] + dot(simd, &framed[i * d..][..d], &moved[j as usize * d..][..d]);
            meeting.scores.push(score);
            if score > best {
                (second, best, winner) = (best, score, j);
            } else if score > second {
                second = score;
            }
        }
        let doubt = F::above(own_margin(i) + packed.slack[winner as usize].f64());
        if best - second > doubt {
            *label = winner;
            continue;
        }
        let mut nearest = (f64::INFINITY, *label);
        for (&j, &score) in passed.iter().zip(&meeting.scores) {
            if !(score < best - doubt) {
                let distance =
                    squared_distance(&rows[i * d..][..d], &packed.centroids[j as usize * d..][..d]);
                if distance < nearest.0 {
                    nearest = (distance, j);
                }
            }
        }
        *label = nearest.1;
    }
    met
}

#[inline(always)]
fn dot<S: Simd, F: Element>(simd: S, a: &[F], b: &[F]) -> F {
    let len = Vector::<S, F>::LEN;
    let mut sums = [Vector::<S, F>::splat(simd, F::default()); 4];
    let (a_blocks, b_blocks) = (a.chunks_exact(4 * len), b.chunks_exact(4 * len));
    let rest = a_blocks.remainder().iter().zip(b_blocks.remainder());
    for (a, b) in a_blocks.zip(b_blocks) {
        for (v, sum) in sums.iter_mut().enumerate() {
            *sum = Vector::<S, F>::load(simd, &a[v * len..])
                .mul_add(Vector::<S, F>::load(simd, &b[v * len..]), *sum);
        }
    }
    rest.fold(((sums[0] + sums[1]) + (sums[2] + sums[3])).total(), |sum, (&a, &b)| sum + a * b)
}

/// Labels every row, which must have a label already, and moves what changed.
pub(crate) fn reassign_projected<F: Element>(
    level: Level,
    centroids: &Projected<'_, F>,
    rows: Rows<'_, F>,
    grids: &Grids,
    labels: &mut [u32],
    meetings: &mut [Meeting<F>],
    sums: &mut RowSums,
) -> Assigned {
    let (d, chunk) = (rows.d, chunk_rows(rows.d));
    let piece = piece_rows(labels.len(), d, meetings.len());
    par::share(meetings, labels.chunks_mut(piece).enumerate(), |meeting, (p, labels)| {
        for (c, labels) in labels.chunks_mut(chunk).enumerate() {
            let rows = rows.part(p * piece + c * chunk, labels.len());
            let mut to = std::mem::take(&mut meeting.labels);
            to[..labels.len()].copy_from_slice(labels);
            let met = F::meet(level, centroids, rows.values, meeting, &mut to[..labels.len()]);
            let moves = Moves { rows: rows.values, weights: rows.weights, to: &to[..labels.len()], grids };
            meeting.worker.done.moved += F::apply(level, &moves, labels, &mut meeting.worker.sums);
            meeting.worker.done.evaluations += met;
            meeting.labels = to;
        }
    });
    gather(meetings.iter_mut().map(|meeting| &mut meeting.worker), sums)
}

/// Rows by which it is judged what a step would cost.
pub(crate) struct Sample<F> {
    d: usize,
    places: Vec<usize>,
    values: Vec<F>,
    /// The widest directions of all rows, those that may be used.
    basis: Vec<F>,
}

/// Numbers of directions that are tried: multiples of this.
const STEP: usize = 16;

/// What a pair costs that meets alone, in multiply-adds of a tile.
const ALONE: f64 = 3.0;

impl<F: Element> Sample<F> {
    pub(crate) fn new(level: Level, packed: &Packed<F>, rows: Rows<'_, F>) -> Self {
        const ROWS: usize = 256;
        let d = rows.d;
        let places: Vec<usize> = sampled(rows.n(), ROWS).collect();
        let values = places.iter().flat_map(|&i| rows.row(i)).copied().collect();
        let most = (d / 3).min(160) / STEP * STEP;
        let basis = if most == 0 { Vec::new() } else { directions(level, rows, &packed.frame, most) };
        Sample { d, places, values, basis }
    }

    /// What a row costs in a step along so many directions, in multiply-adds, if so many centroids pass.
    fn cost(&self, k: usize, m: usize, passed: f64) -> f64 {
        (m * self.d) as f64 + (k * (m + 8)) as f64 + ALONE * passed * self.d as f64
    }

    /// A projection along as many directions as cost the least, if that saves enough. The rows must have labels.
    pub(crate) fn projection(
        &self,
        level: Level,
        packed: &Packed<F>,
        grids: &Grids,
        labels: &[u32],
    ) -> Option<Projection<F>> {
        let (d, k) = (self.d, packed.k);
        let labels: Vec<u32> = self.places.iter().map(|&i| labels[i]).collect();
        let (mut best, mut chosen) = (0.75 * (k * d) as f64, None);
        for m in (STEP..=self.basis.len() / d).step_by(STEP) {
            if self.cost(k, m, 1.0) > best {
                break;
            }
            let projection = Projection::new(level, &self.basis[..m * d], d);
            let passed = self.passed(level, packed, &projection, grids, &labels);
            if m == 2 * STEP && passed > 0.9 * k as f64 {
                // The rows spread evenly in all directions.
                break;
            }
            let cost = self.cost(k, m, passed);
            if cost < best {
                (best, chosen) = (cost, Some(Projection { cost: cost / (k * d) as f64, ..projection }));
            }
        }
        chosen
    }

    /// How many centroids pass, of the average row.
    fn passed(
        &self,
        level: Level,
        packed: &Packed<F>,
        projection: &Projection<F>,
        grids: &Grids,
        labels: &[u32],
    ) -> f64 {
        let (d, chunk) = (self.d, chunk_rows(self.d));
        let projected = Projected::new(level, projection, packed);
        let mut meetings: Vec<_> = (0..par::workers_for((self.values.len() * packed.k) as f64))
            .map(|_| (Meeting::new(Worker::new(level, d, 0, grids), projection), 0))
            .collect();
        par::share(
            &mut meetings,
            self.values.chunks(chunk * d).zip(labels.chunks(chunk)),
            |(meeting, met), (values, labels)| {
                *met += F::meet(level, &projected, values, meeting, &mut labels.to_vec());
            },
        );
        meetings.iter().map(|meeting| meeting.1).sum::<u64>() as f64 / labels.len() as f64
    }

    /// Whether bounds, renewed in this step, would have proved so many rows in it that they must cost less than projecting.
    pub(crate) fn bounds_would_save(
        &self,
        level: Level,
        packed: &Packed<F>,
        projection: &Projection<F>,
        previous: &[F],
    ) -> bool {
        let (d, chunk) = (self.d, chunk_rows(self.d));
        if previous.len() != packed.centroids.len() {
            return false;
        }
        let moves: Vec<f32> = packed
            .centroids
            .chunks_exact(d)
            .zip(previous.chunks_exact(d))
            .map(|(new, old)| (squared_distance(new, old).sqrt() * packed.frame.scale.f64()) as f32)
            .collect();
        // Some of the centroids that move farthest may be set apart, and a few rivals be remembered.
        let mut sorted = moves.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let most = sorted[sorted.len() / 16];
        let mut scratch = Scratch::new(level, d).with_bounds(true);
        let mut labels = vec![0; chunk];
        let mut failed = 0;
        for values in self.values.chunks(chunk * d) {
            let labels = &mut labels[..values.len() / d];
            F::label(level, packed, values, &mut scratch, labels);
            for (&label, (upper, rest)) in labels.iter().zip(scratch.upper.iter().zip(&scratch.rest)) {
                failed += usize::from(rest - upper <= most + moves[label as usize]);
            }
        }
        (failed as f64) < 0.7 * projection.cost * self.places.len() as f64
    }
}
