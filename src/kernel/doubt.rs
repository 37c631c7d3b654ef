//! Passes that look only at rows whose label is in doubt ([`super::bounds`]).
//!
//! The doubtful rows of a piece are copied side by side, so that the kernel works on dense blocks however few they are.

use super::assign::{Assigned, Rows, Worker, chunk_rows, gather, piece_rows};
use super::bounds::{self, Apart, Bounds, Drift};
use super::element::{Element, Level};
use super::moments::{Grids, RowSums};
use super::pack::Packed;
use super::par;

/// A batch of rows from here and there, side by side.
#[derive(Default)]
pub(super) struct Doubtful<F> {
    rows: Vec<u32>,
    values: Vec<F>,
    weights: Vec<f64>,
    labels: Vec<u32>,
    distances: Vec<f64>,
    /// Of the centroids set apart, by their place among those.
    nearest: Vec<u32>,
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
    drift: Option<&Drift<F>>,
    workers: &mut [Worker<F>],
    sums: &mut RowSums,
) -> Assigned {
    let (d, chunk) = (rows.d, chunk_rows(rows.d));
    let piece = piece_rows(labels.len(), d, workers.len());
    let per_row =
        labels.chunks_mut(piece).zip(bounds.upper.chunks_mut(piece).zip(bounds.lower.chunks_mut(piece)));
    par::share(workers, per_row.enumerate(), |worker, (p, (labels, (upper, lower)))| {
        let rows = rows.part(p * piece, labels.len());
        let (mut stale, mut partial) =
            (std::mem::take(&mut worker.stale), std::mem::take(&mut worker.partial));
        stale.clear();
        if let Some(drift) = drift {
            drift.advance(labels, upper, lower, &mut stale, &mut partial);
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
            (worker.stale, worker.partial) = (stale, partial);
            return;
        };
        if let Some(apart) = &drift.apart {
            for some in partial.chunks(chunk) {
                worker.meet(level, apart, rows, some, labels, upper, lower, &mut stale);
            }
        }
        let mut left = stale.as_slice();
        while !left.is_empty() {
            left = worker.doubt(level, packed, rows, drift, left, labels, upper, lower);
            worker.decide(level, packed, grids, labels, upper, lower);
        }
        (worker.stale, worker.partial) = (stale, partial);
    });
    let mut all = gather(workers.iter_mut(), sums);
    all.evaluations += drift.map_or(0, |drift| drift.evaluations);
    all
}

/// About what the scores of one row cost, from measurements with AVX2; only ratios matter.
pub(crate) fn score_nanoseconds(k: usize, d: usize) -> f64 {
    k as f64 * (0.1 + 0.02 * d as f64)
}

/// Below so many centroids, measuring the own distance first costs more than it saves.
const WORTH_TIGHTENING: usize = 64;

impl<F: Element> Worker<F> {
    /// Rows that only a centroid set apart could take: lowers their lower bounds to those, and adds to `stale` the rows it might take.
    #[allow(clippy::too_many_arguments)]
    fn meet(
        &mut self,
        level: Level,
        apart: &Apart<F>,
        rows: Rows<'_, F>,
        some: &[u32],
        labels: &[u32],
        upper: &[f32],
        lower: &mut [f32],
        stale: &mut Vec<u32>,
    ) {
        let batch = &mut self.doubtful;
        batch.clear();
        some.iter().for_each(|&i| batch.push(rows, i, labels[i as usize]));
        let mut nearest = std::mem::take(&mut batch.nearest);
        nearest.resize(some.len(), 0);
        F::label(level, &apart.packed, &batch.values, &mut self.scratch, &mut nearest);
        self.done.evaluations += (apart.packed.k * some.len()) as u64;
        for (at, &i) in some.iter().enumerate() {
            let row = i as usize;
            let own = apart.indices[nearest[at] as usize] == labels[row];
            let others = if own { self.scratch.lower[at] } else { self.scratch.least[at] };
            lower[row] = lower[row].min(others);
            if bounds::above(upper[row]) >= lower[row] {
                stale.push(i);
            }
        }
        self.doubtful.nearest = nearest;
    }

    /// Gathers the next doubtful rows, up to a chunk of them; returns the stale rows that are left. A row that its exact distance to its own
    /// centroid puts out of doubt only has its bound renewed.
    #[allow(clippy::too_many_arguments)]
    fn doubt<'a>(
        &mut self,
        level: Level,
        packed: &Packed<F>,
        rows: Rows<'_, F>,
        drift: &Drift<F>,
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
            self.done.evaluations += next.len() as u64;
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
