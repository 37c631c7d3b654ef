//! Whole passes over the rows: labels, moves between clusters, distances; in chunks, shared between threads.

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
}

impl<F: Element> Scratch<F> {
    pub(crate) fn new(level: Level, d: usize) -> Self {
        let (rows, width) = (chunk_rows(d), F::width(level));
        let zeros = |n: usize| vec![F::default(); n];
        if d <= FEW_COLUMNS {
            // Four vectors a group at the most.
            let (framed, state) = (zeros(4 * width * d), zeros(4 * width));
            return Scratch { framed, norms: zeros(4 * width), state, labels: vec![0; rows] };
        }
        Scratch {
            framed: zeros(rows * d),
            norms: zeros(rows),
            state: zeros(rows * 3 * width),
            labels: vec![0; rows],
        }
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
    few!(1 2 3 4 5 6 7 8)
}

/// A thread's part of a pass.
pub(crate) struct Worker<F> {
    scratch: Scratch<F>,
    sums: RowSums,
    moved: usize,
}

impl<F: Element> Worker<F> {
    pub(crate) fn new(level: Level, d: usize, k: usize, grids: &Grids) -> Self {
        Worker { scratch: Scratch::new(level, d), sums: RowSums::new(k, grids), moved: 0 }
    }
}

/// Rows per piece: whole chunks, several pieces a thread.
fn piece_rows(n: usize, d: usize, workers: usize) -> usize {
    let chunk = chunk_rows(d);
    n.div_ceil(workers * 8).next_multiple_of(chunk)
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
            let rows = rows.part(p * piece + c * chunk, labels.len());
            let mut to = std::mem::take(&mut worker.scratch.labels);
            F::label(level, packed, rows.values, &mut worker.scratch, &mut to[..labels.len()]);
            let moves = Moves { rows: rows.values, weights: rows.weights, to: &to[..labels.len()], grids };
            worker.moved += F::apply(level, &moves, labels, &mut worker.sums);
            worker.scratch.labels = to;
        }
    });
    for worker in workers.iter_mut() {
        sums.absorb(&mut worker.sums);
    }
    workers.iter_mut().map(|worker| std::mem::take(&mut worker.moved)).sum()
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
    const CHUNK: usize = 512;
    let workers = par::workers_for(rows.values.len() as f64);
    let mut workers: Vec<_> = (0..workers).map(|_| (Sum::default(), vec![0.0; CHUNK])).collect();
    par::share(&mut workers, (0..rows.n()).step_by(CHUNK), |(sum, distances), first| {
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
            }
        }
    });
    let mut total = Sum::default();
    workers.iter().for_each(|worker| total.merge(&worker.0));
    total.value(grid)
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

/// The Euclidean distance (not squared) of each row to each centroid, row by row.
pub(crate) fn transform<F: Element>(level: Level, values: &[F], centroids: &[F], d: usize, out: &mut [F]) {
    let k = centroids.len() / d;
    let workers = par::workers_for(values.len() as f64 * k as f64);
    let mut workers: Vec<_> = (0..workers).map(|_| vec![0.0; k]).collect();
    let rows = 64;
    par::share(
        &mut workers,
        values.chunks(rows * d).zip(out.chunks_mut(rows * k)),
        |distances, (values, out)| {
            for (row, out) in values.chunks_exact(d).zip(out.chunks_exact_mut(k)) {
                F::all_distances(level, row, centroids, distances);
                for (out, distance) in out.iter_mut().zip(&*distances) {
                    *out = F::of(distance.sqrt());
                }
            }
        },
    );
}
