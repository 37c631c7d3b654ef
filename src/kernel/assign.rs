//! Whole passes over the rows: labels, moves between clusters, distances; in chunks, shared between threads.

use super::bounds::{self, Bounds, Drift};
use super::element::{Element, Level, Vector};
use super::moments::{Grid, Grids, Moves, RowSums, Sum};
use super::pack::{FEW_COLUMNS, Packed, Range};
use super::{lanes, par, tile};
use fearless_simd::Simd;

/// The rows that a pass reads: n rows of d values, and their weights.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a, F> {
    pub values: &'a [F],
    pub d: usize,
    pub weights: Option<&'a [f64]>,
}

impl<'a, F> Rows<'a, F> {
    pub(crate) fn n(&self) -> usize {
        self.values.len() / self.d
    }

    pub(crate) fn row(&self, i: usize) -> &'a [F] {
        &self.values[i * self.d..][..self.d]
    }

    pub(crate) fn weight(&self, i: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[i])
    }

    pub(crate) fn part(&self, first: usize, n: usize) -> Self {
        Rows {
            values: &self.values[first * self.d..][..n * self.d],
            d: self.d,
            weights: self.weights.map(|weights| &weights[first..][..n]),
        }
    }
}

/// Rows that the kernel takes at once: few enough that their copy in the frame stays in the cache.
pub(crate) fn chunk_rows(d: usize) -> usize {
    if d <= FEW_COLUMNS { 768 } else { (16_384 / d).clamp(24, 384) / tile::ROWS * tile::ROWS }
}

/// A thread's buffers for one chunk.
pub(crate) struct Scratch<F> {
    /// Rows moved into the frame.
    pub framed: Vec<F>,
    /// Their squared norms.
    pub norms: Vec<F>,
    /// Best, second best and index, per lane.
    pub state: Vec<F>,
    /// New labels.
    labels: Vec<u32>,
    /// Per row of the chunk, in the frame's units: at least the squared distance to the nearest centroid, at most that to any other.
    pub near: Vec<F>,
    pub next: Vec<F>,
    /// Their roots as bounds, if asked for.
    pub upper: Vec<f32>,
    pub lower: Vec<f32>,
}

impl<F: Element> Scratch<F> {
    pub(crate) fn new(level: Level, d: usize) -> Self {
        let (rows, width) = (chunk_rows(d), F::width(level));
        let zeros = |n: usize| vec![F::default(); n];
        // With few columns a group is four vectors at the most.
        let (framed, state) =
            if d <= FEW_COLUMNS { (4 * width * d, 5 * width) } else { (rows * d, rows * 3 * width) };
        Scratch {
            framed: zeros(framed),
            norms: zeros(rows),
            state: zeros(state),
            labels: vec![0; rows],
            near: zeros(rows.next_multiple_of(width)),
            next: zeros(rows.next_multiple_of(width)),
            upper: Vec::new(),
            lower: Vec::new(),
        }
    }

    /// Asks for bounds with the labels.
    pub(crate) fn with_bounds(mut self) -> Self {
        (self.upper, self.lower) = (vec![0.0; self.labels.len()], vec![0.0; self.labels.len()]);
        self
    }
}

/// Runs the work in a function of its own with the instructions of the level: small functions compile faster than one large one.
#[inline(never)]
pub(super) fn apart<S: Simd, T>(simd: S, work: impl FnOnce() -> T) -> T {
    simd.vectorize(work)
}

/// The label of each row of one chunk.
#[inline(always)]
pub(super) fn label<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    rows: &[F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) -> bool {
    macro_rules! few {
        ($($d:literal)*) => {
            match packed.d {
                $($d => {
                    // Two groups fill the sixteen registers of AVX2, four the thirty-two of AVX-512.
                    if const { size_of::<Vector<S, F>>() == 64 } {
                        apart(simd, #[inline(always)] || lanes::label::<S, F, $d, 4>(simd, packed, rows, scratch, labels))
                    } else {
                        apart(simd, #[inline(always)] || lanes::label::<S, F, $d, 2>(simd, packed, rows, scratch, labels))
                    }
                })*
                _ => apart(simd, #[inline(always)] || tile::label(simd, packed, rows, scratch, labels)),
            }
        };
    }
    let sound = few!(1 2 3 4 5 6 7 8);
    let root = |square: &F| square.max(F::zero()).sqrt().f64() as f32;
    for (upper, near) in scratch.upper.iter_mut().zip(&scratch.near) {
        *upper = bounds::above(root(near));
    }
    for (lower, next) in scratch.lower.iter_mut().zip(&scratch.next) {
        *lower = bounds::below(root(next));
    }
    sound
}

/// A thread's part of a pass.
pub(crate) struct Worker<F> {
    scratch: Scratch<F>,
    sums: RowSums,
    moved: usize,
    /// Rows whose label is in doubt, and copies of them.
    stale: Vec<u32>,
    doubtful: Doubtful<F>,
}

/// A batch of rows from here and there, side by side.
#[derive(Default)]
struct Doubtful<F> {
    rows: Vec<u32>,
    values: Vec<F>,
    weights: Vec<f64>,
    labels: Vec<u32>,
    distances: Vec<f64>,
}

impl<F: Element> Worker<F> {
    pub(crate) fn new(level: Level, d: usize, k: usize, grids: &Grids) -> Self {
        let scratch = Scratch::new(level, d);
        Worker {
            scratch,
            sums: RowSums::new(k, grids),
            moved: 0,
            stale: Vec::new(),
            doubtful: Doubtful::default(),
        }
    }

    /// For a pass that keeps bounds.
    pub(crate) fn with_bounds(mut self) -> Self {
        self.scratch = self.scratch.with_bounds();
        self
    }

    /// Labels one chunk of rows and moves what changed.
    fn chunk(
        &mut self,
        level: Level,
        packed: &Packed<F>,
        rows: Rows<'_, F>,
        grids: &Grids,
        labels: &mut [u32],
    ) {
        let mut to = std::mem::take(&mut self.scratch.labels);
        F::label(level, packed, rows.values, &mut self.scratch, &mut to[..labels.len()]);
        let moves = Moves { rows: rows.values, weights: rows.weights, to: &to[..labels.len()], grids };
        self.moved += F::apply(level, &moves, labels, &mut self.sums);
        self.scratch.labels = to;
    }
}

/// Takes in what the workers gathered; the number of rows (of positive weight) whose label changed.
fn gather<F: Element>(workers: &mut [Worker<F>], sums: &mut RowSums) -> usize {
    for worker in workers.iter_mut() {
        sums.absorb(&mut worker.sums);
    }
    workers.iter_mut().map(|worker| std::mem::take(&mut worker.moved)).sum()
}

/// Rows per piece: whole chunks, several pieces a thread.
fn piece_rows(n: usize, d: usize, workers: usize) -> usize {
    let chunk = chunk_rows(d);
    n.div_ceil(workers * 8).next_multiple_of(chunk).max(chunk)
}

/// Labels every row with its nearest centroid; false if a value is not finite, or too large.
pub(crate) fn label_all<F: Element>(
    level: Level,
    packed: &Packed<F>,
    values: &[F],
    labels: &mut [usize],
) -> bool {
    let d = packed.d;
    let work = values.len() as f64 * packed.k as f64;
    let mut workers: Vec<_> = (0..par::workers_for(work)).map(|_| (Scratch::new(level, d), true)).collect();
    let rows = piece_rows(labels.len(), d, workers.len());
    let pieces = values.chunks(rows * d).zip(labels.chunks_mut(rows));
    par::share(&mut workers, pieces, |(scratch, sound), (values, labels)| {
        let mut found = std::mem::take(&mut scratch.labels);
        for (values, labels) in values.chunks(chunk_rows(d) * d).zip(labels.chunks_mut(chunk_rows(d))) {
            let found = &mut found[..labels.len()];
            *sound &= F::label(level, packed, values, scratch, found);
            for (label, &found) in labels.iter_mut().zip(&*found) {
                *label = found as usize;
            }
        }
        scratch.labels = found;
    });
    workers.iter().all(|worker| worker.1)
}

/// Labels every row with its nearest centroid and moves its values between the clusters' sums where the label changed.
/// Returns the number of rows (of positive weight) that changed.
pub(crate) fn reassign<F: Element>(
    level: Level,
    packed: &Packed<F>,
    rows: Rows<'_, F>,
    grids: &Grids,
    labels: &mut [u32],
    workers: &mut [Worker<F>],
    sums: &mut RowSums,
) -> usize {
    let (d, chunk) = (rows.d, chunk_rows(rows.d));
    let piece = piece_rows(labels.len(), d, workers.len());
    let pieces = labels.chunks_mut(piece).enumerate();
    par::share(workers, pieces, |worker, (p, labels)| {
        for (c, labels) in labels.chunks_mut(chunk).enumerate() {
            worker.chunk(level, packed, rows.part(p * piece + c * chunk, labels.len()), grids, labels);
        }
    });
    gather(workers, sums)
}

/// [`reassign`] that passes over the rows whose bounds prove their label, and renews the bounds of the others. Without a drift
/// (there are no bounds yet), and where so many rows are in doubt that copying them together costs more, it labels every row.
#[allow(clippy::too_many_arguments)]
pub(crate) fn reassign_doubtful<F: Element>(
    level: Level,
    packed: &Packed<F>,
    rows: Rows<'_, F>,
    grids: &Grids,
    labels: &mut [u32],
    bounds: &mut Bounds,
    drift: Option<&Drift>,
    workers: &mut [Worker<F>],
    sums: &mut RowSums,
) -> usize {
    let (d, chunk) = (rows.d, chunk_rows(rows.d));
    let piece = piece_rows(labels.len(), d, workers.len());
    let per_row =
        labels.chunks_mut(piece).zip(bounds.upper.chunks_mut(piece).zip(bounds.lower.chunks_mut(piece)));
    par::share(workers, per_row.enumerate(), |worker, (p, (labels, (upper, lower)))| {
        let rows = rows.part(p * piece, labels.len());
        let mut stale = std::mem::take(&mut worker.stale);
        stale.clear();
        if let Some(drift) = drift {
            drift.advance(labels, upper, lower, &mut stale);
        }
        let (scores, copying) = (score_nanoseconds(packed.k, d), 8.0 + 0.3 * d as f64);
        let dense = labels.len() as f64 * scores < stale.len() as f64 * (scores + copying);
        let Some(drift) = drift.filter(|_| !dense) else {
            for first in (0..labels.len()).step_by(chunk) {
                let part = first..labels.len().min(first + chunk);
                worker.chunk(level, packed, rows.part(first, part.len()), grids, &mut labels[part.clone()]);
                upper[part.clone()].copy_from_slice(&worker.scratch.upper[..part.len()]);
                lower[part.clone()].copy_from_slice(&worker.scratch.lower[..part.len()]);
            }
            worker.stale = stale;
            return;
        };
        let mut left = stale.as_slice();
        while !left.is_empty() {
            left = worker.doubt(level, packed, rows, drift, left, labels, upper, lower);
            worker.decide(level, packed, grids, labels, upper, lower);
        }
        worker.stale = stale;
    });
    gather(workers, sums)
}

/// About what the scores of one row cost, from measurements with AVX2; only ratios matter.
pub(crate) fn score_nanoseconds(k: usize, d: usize) -> f64 {
    k as f64 * (0.1 + 0.02 * d as f64)
}

/// Below so many centroids, measuring the own distance first costs more than it saves.
const WORTH_TIGHTENING: usize = 64;

impl<F: Element> Worker<F> {
    /// Gathers the next doubtful rows, up to a chunk of them; returns the stale rows that are left. A row that its exact distance to its own
    /// centroid puts out of doubt only has its bound renewed.
    #[allow(clippy::too_many_arguments)]
    fn doubt<'a>(
        &mut self,
        level: Level,
        packed: &Packed<F>,
        rows: Rows<'_, F>,
        drift: &Drift,
        mut stale: &'a [u32],
        labels: &[u32],
        upper: &mut [f32],
        lower: &[f32],
    ) -> &'a [u32] {
        let (d, chunk) = (rows.d, chunk_rows(rows.d));
        let batch = &mut self.doubtful;
        batch.clear();
        while batch.rows.len() < chunk && !stale.is_empty() {
            let kept = batch.rows.len();
            let (next, rest) = stale.split_at(stale.len().min(chunk - kept));
            stale = rest;
            for &i in next {
                batch.push(rows, i, labels[i as usize]);
            }
            if packed.k < WORTH_TIGHTENING {
                continue;
            }
            batch.distances.resize(next.len(), 0.0);
            let values = &batch.values[kept * d..];
            F::own_distances(
                level,
                values,
                &packed.centroids,
                d,
                Some(&batch.labels[kept..]),
                &mut batch.distances,
            );
            let mut end = kept;
            for (at, &i) in (kept..).zip(next) {
                let row = i as usize;
                upper[row] = bounds::tight(batch.distances[at - kept], &packed.frame);
                if !drift.proves(upper[row], lower[row], labels[row] as usize) {
                    batch.keep(at, end, d);
                    end += 1;
                }
            }
            batch.truncate(end, d);
        }
        stale
    }

    /// Labels the doubtful rows, moves what changed, and renews their bounds.
    fn decide(
        &mut self,
        level: Level,
        packed: &Packed<F>,
        grids: &Grids,
        labels: &mut [u32],
        upper: &mut [f32],
        lower: &mut [f32],
    ) {
        let mut batch = std::mem::take(&mut self.doubtful);
        let weights = (!batch.weights.is_empty()).then_some(batch.weights.as_slice());
        let rows = Rows { values: &batch.values, d: packed.d, weights };
        self.chunk(level, packed, rows, grids, &mut batch.labels);
        for (at, &i) in batch.rows.iter().enumerate() {
            let row = i as usize;
            (labels[row], upper[row], lower[row]) =
                (batch.labels[at], self.scratch.upper[at], self.scratch.lower[at]);
        }
        self.doubtful = batch;
    }
}

impl<F: Element> Doubtful<F> {
    fn clear(&mut self) {
        self.truncate(0, 0);
    }

    fn truncate(&mut self, rows: usize, d: usize) {
        self.rows.truncate(rows);
        self.values.truncate(rows * d);
        self.weights.truncate(rows);
        self.labels.truncate(rows);
    }

    fn push(&mut self, rows: Rows<'_, F>, i: u32, label: u32) {
        self.rows.push(i);
        self.values.extend_from_slice(rows.row(i as usize));
        self.weights.extend(rows.weights.map(|weights| weights[i as usize]));
        self.labels.push(label);
    }

    /// Moves an entry forward, over one that is no longer needed.
    fn keep(&mut self, from: usize, to: usize, d: usize) {
        self.rows[to] = self.rows[from];
        self.labels[to] = self.labels[from];
        self.values.copy_within(from * d..(from + 1) * d, to * d);
        if !self.weights.is_empty() {
            self.weights[to] = self.weights[from];
        }
    }
}

/// The largest and smallest value of each column over the rows of positive weight; or the first row and column
/// whose value is not finite, whatever its weight.
pub(crate) fn range<F: Element>(level: Level, rows: Rows<'_, F>) -> Result<Range<F>, (usize, usize)> {
    const CHUNK: usize = 4096;
    let d = rows.d;
    // Several rows side by side, so that the vectors are full.
    let wide = if rows.weights.is_none() { d * 64usize.div_ceil(d) } else { d };
    let mut workers: Vec<_> = (0..par::workers_for(rows.values.len() as f64))
        .map(|_| (Range::new(wide), Range::new(d), true))
        .collect();
    par::share(&mut workers, (0..rows.n()).step_by(CHUNK), |(range, ignored, finite), first| {
        let rows = rows.part(first, CHUNK.min(rows.n() - first));
        match rows.weights {
            None => *finite &= F::scan(level, rows.values, range),
            Some(weights) => {
                for (row, &weight) in rows.values.chunks_exact(d).zip(weights) {
                    *finite &= F::scan(level, row, if weight > 0.0 { range } else { ignored });
                }
            }
        }
    });
    if workers.iter().all(|worker| worker.2) {
        let mut all = Range::new(d);
        workers.iter().for_each(|worker| all.fold(&worker.0));
        return Ok(all);
    }
    let at = rows.values.iter().position(|x| !x.f64().is_finite()).unwrap_or(0);
    Err((at / d, at % d))
}

/// The sum of weight times squared distance of each row to the centroid that its label names (the first without labels).
pub(crate) fn inertia<F: Element>(
    level: Level,
    rows: Rows<'_, F>,
    centroids: &[F],
    labels: Option<&[u32]>,
    grid: &Grid,
) -> f64 {
    let (sum, largest) = sum_distances(level, rows, centroids, labels, grid);
    if largest == 0.0 || largest > grid.largest * 1e-9 {
        return sum.value(grid);
    }
    // The rows lie much nearer to their centroids than they might have: a finer grid loses nothing of the sum.
    let grid = Grid::new(largest, largest * rows.n() as f64, rows.n());
    sum_distances(level, rows, centroids, labels, &grid).0.value(&grid)
}

/// The sum on a grid, and its largest term.
fn sum_distances<F: Element>(
    level: Level,
    rows: Rows<'_, F>,
    centroids: &[F],
    labels: Option<&[u32]>,
    grid: &Grid,
) -> (Sum, f64) {
    const CHUNK: usize = 512;
    let workers = par::workers_for(rows.values.len() as f64);
    let mut workers: Vec<_> = (0..workers).map(|_| (Sum::default(), 0.0, vec![0.0; CHUNK])).collect();
    par::share(&mut workers, (0..rows.n()).step_by(CHUNK), |(sum, largest, distances), first| {
        let rows = rows.part(first, CHUNK.min(rows.n() - first));
        let distances = &mut distances[..rows.n()];
        F::own_distances(
            level,
            rows.values,
            centroids,
            rows.d,
            labels.map(|l| &l[first..][..rows.n()]),
            distances,
        );
        for (i, &distance) in distances.iter().enumerate() {
            let weight = rows.weight(i);
            if weight > 0.0 {
                sum.add(grid, weight * distance);
                *largest = f64::max(*largest, weight * distance);
            }
        }
    });
    let mut total = Sum::default();
    workers.iter().for_each(|worker| total.merge(&worker.0));
    (total, workers.iter().map(|worker| worker.1).fold(0.0, f64::max))
}

/// The squared distance of each row to the centroid that its label names (the first without labels).
pub(crate) fn distances<F: Element>(
    level: Level,
    rows: Rows<'_, F>,
    centroids: &[F],
    labels: Option<&[u32]>,
    out: &mut [f64],
) {
    const CHUNK: usize = 4096;
    let mut workers = vec![(); par::workers_for(rows.values.len() as f64)];
    par::share(&mut workers, out.chunks_mut(CHUNK).enumerate(), |(), (c, out)| {
        let part = rows.part(c * CHUNK, out.len());
        F::own_distances(
            level,
            part.values,
            centroids,
            rows.d,
            labels.map(|l| &l[c * CHUNK..][..out.len()]),
            out,
        );
    });
}

/// The Euclidean distance (not squared) of each row to each centroid, row by row; false if one is too large for F.
pub(crate) fn transform<F: Element>(
    level: Level,
    values: &[F],
    centroids: &[F],
    d: usize,
    out: &mut [F],
) -> bool {
    let k = centroids.len() / d;
    let workers = par::workers_for(values.len() as f64 * k as f64);
    let mut workers: Vec<_> = (0..workers).map(|_| (vec![0.0; k], true)).collect();
    let rows = 64;
    let pieces = values.chunks(rows * d).zip(out.chunks_mut(rows * k));
    par::share(&mut workers, pieces, |(distances, fits), (values, out)| {
        for (row, out) in values.chunks_exact(d).zip(out.chunks_exact_mut(k)) {
            F::all_distances(level, row, centroids, distances);
            for (out, distance) in out.iter_mut().zip(&*distances) {
                *out = F::of(distance.sqrt());
                *fits &= out.is_finite();
            }
        }
    });
    workers.iter().all(|worker| worker.1)
}
