//! Sums over rows that belong to every cluster in part ([`membership`]): what the next centroids come from.
//!
//! `u_j^m` may be too small for a float for every row of a cluster: when m is close to 1 and the centroid is far, or m is large. Only the
//! ratios of a cluster's weights matter, so each cluster's sums have a scale of their own, which is the largest logarithm seen.
//!
//! Exponentials and logarithms are those of the `libm` crate, for those of the platform differ in the last bit. Rows are summed in
//! parts that depend on the shape of the data alone, and the parts in their order: the same bits on any number of threads.

use super::assign::Rows;
use super::block::{self, Lanes, ROWS, SquaredEuclidean};
use super::dispatch::by_columns;
use super::element::{Element, Level};
use super::membership::{self, Form, Fuzzifier};
use super::par;

/// Weights below this may have lost bits to underflow.
const FAINT: f64 = 1e-250;

/// Sums over rows, per cluster, in units of `exp(scale)`.
#[derive(Clone)]
pub(crate) struct Sums {
    /// Of weight times `u^m` (times `k^m` where scaled).
    weights: Vec<f64>,
    /// Of that times the row less the offset.
    coordinates: Vec<f64>,
    scales: Vec<f64>,
    /// Sum of the weighted objective.
    pub objective: f64,
}

impl Sums {
    fn new(k: usize, d: usize, scale: f64) -> Self {
        Sums { weights: vec![0.0; k], coordinates: vec![0.0; k * d], scales: vec![scale; k], objective: 0.0 }
    }

    /// Makes room for a term of this logarithm.
    #[inline(always)]
    fn raise(&mut self, j: usize, d: usize, scale: f64) {
        let factor = libm::exp(self.scales[j] - scale);
        self.scales[j] = scale;
        self.weights[j] *= factor;
        self.coordinates[j * d..][..d].iter_mut().for_each(|sum| *sum *= factor);
    }

    fn add(&mut self, other: &Sums, d: usize) {
        self.objective += other.objective;
        for j in 0..self.weights.len() {
            if other.scales[j] > self.scales[j] {
                self.raise(j, d, other.scales[j]);
            }
            let less = other.scales[j] - self.scales[j];
            // NaN where both are minus infinity: nothing to add.
            if !(less <= 0.0) {
                continue;
            }
            let factor = libm::exp(less);
            self.weights[j] += factor * other.weights[j];
            let sums = self.coordinates[j * d..][..d].iter_mut();
            sums.zip(&other.coordinates[j * d..][..d]).for_each(|(sum, x)| *sum += factor * x);
        }
    }

    /// The weighted means: the next centroids. A cluster that no row has a part in stays where it is.
    pub(crate) fn means<F: Element>(&self, offset: &[F], centroids: &mut [F]) {
        let d = offset.len();
        let sums = self.coordinates.chunks_exact(d).zip(&self.weights);
        for (centroid, (sums, &weight)) in centroids.chunks_exact_mut(d).zip(sums) {
            if weight > 0.0 {
                for ((c, sum), offset) in centroid.iter_mut().zip(sums).zip(offset) {
                    *c = F::of(offset.f64() + sum / weight);
                }
            }
        }
    }
}

/// A thread's buffers.
pub(crate) struct Scratch {
    /// The rows' columns, and the rows less the offset.
    columns: Vec<Lanes>,
    centred: Vec<f64>,
    /// Per centroid: squared distances, then ratios or logarithms of them.
    ratios: Vec<Lanes>,
}

impl Scratch {
    fn new(k: usize, d: usize) -> Self {
        Scratch { columns: vec![[0.0; ROWS]; d], centred: vec![0.0; ROWS * d], ratios: vec![[0.0; ROWS]; k] }
    }
}

/// What every block is measured against.
pub(crate) struct Task<'a, F> {
    pub centroids: &'a [F],
    pub fuzzifier: Fuzzifier,
    /// Near the rows, so that sums of differences from it lose nothing.
    pub offset: &'a [F],
}

/// Adds the rows of one part to the sums.
#[inline(always)]
pub(super) fn sum<F: Element>(task: &Task<'_, F>, rows: Rows<'_, F>, scratch: &mut Scratch, sums: &mut Sums) {
    let Task { centroids, fuzzifier, offset } = *task;
    let d = rows.d;
    let mut objective = [0.0; ROWS];
    for first in (0..rows.n()).step_by(ROWS) {
        let block = rows.part(first, ROWS.min(rows.n() - first));
        let n = block.n();
        // Lanes without a row weigh nothing.
        let weight: Lanes = std::array::from_fn(|i| if i < n { block.weight(i) } else { 0.0 });
        block::transpose(block.values, &mut scratch.columns);
        block::distances::<SquaredEuclidean, F>(&scratch.columns, centroids, &mut scratch.ratios);
        for (centred, row) in scratch.centred.chunks_exact_mut(d).zip(block.values.chunks_exact(d)) {
            for ((centred, x), offset) in centred.iter_mut().zip(row).zip(offset) {
                *centred = x.f64() - offset.f64();
            }
        }
        let centred = &scratch.centred[..n * d];
        if let Form::Power(power) = fuzzifier.form {
            let (near, sum) = membership::divide(power, &mut scratch.ratios);
            let inverse = sum.map(|sum| 1.0 / sum);
            (0..ROWS).for_each(|i| objective[i] += weight[i] * near[i] * power.of_inverse(inverse[i]));
            for (j, ratios) in scratch.ratios.iter_mut().enumerate() {
                for i in 0..ROWS {
                    ratios[i] = weight[i] * power.of_membership(ratios[i] * inverse[i]);
                }
                let mut total = 0.0;
                ratios.iter().for_each(|weight| total += weight);
                sums.weights[j] += total;
            }
            weighted_rows(centred, d, &scratch.ratios, &mut sums.coordinates);
        } else {
            let (near, log_mean) = membership::logarithms(fuzzifier, &mut scratch.ratios);
            let log_k = libm::log(scratch.ratios.len() as f64);
            for i in 0..n {
                // S is at least 1: rounding must not say otherwise to a large m.
                let share = libm::exp((1.0 - fuzzifier.m) * (log_mean[i] + log_k).max(0.0));
                objective[i] += weight[i] * (near[i] * share);
            }
            for (j, logs) in scratch.ratios.iter_mut().enumerate() {
                for i in 0..ROWS {
                    let log = -fuzzifier.m * (logs[i] + log_mean[i]);
                    logs[i] = if weight[i] > 0.0 { log } else { f64::NEG_INFINITY };
                }
                let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                if largest > sums.scales[j] {
                    sums.raise(j, d, largest);
                }
                for i in 0..ROWS {
                    let seen = logs[i] > f64::NEG_INFINITY;
                    logs[i] = if seen { weight[i] * libm::exp(logs[i] - sums.scales[j]) } else { 0.0 };
                    sums.weights[j] += logs[i];
                }
            }
            weighted_rows(centred, d, &scratch.ratios, &mut sums.coordinates);
        }
    }
    objective.iter().for_each(|part| sums.objective += part);
}

/// Adds to the sums of each cluster every row times its weight there.
#[inline(always)]
fn weighted_rows(rows: &[f64], d: usize, weights: &[Lanes], sums: &mut [f64]) {
    by_columns!(
        d,
        [1 2 3 4 8],
        D => for (sums, weights) in sums.as_chunks_mut::<D>().0.iter_mut().zip(weights) {
            for (row, &weight) in rows.as_chunks::<D>().0.iter().zip(weights) {
                (0..D).for_each(|t| sums[t] += weight * row[t]);
            }
        },
        else for (sums, weights) in sums.chunks_exact_mut(d).zip(weights) {
            for (row, &weight) in rows.chunks_exact(d).zip(weights) {
                sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += weight * x);
            }
        }
    );
}

/// Memberships of up to [`ROWS`] rows, one centroid after another.
#[inline(always)]
pub(super) fn block_memberships<F: Element>(task: &Task<'_, F>, rows: &[F], scratch: &mut Scratch) {
    block::transpose(rows, &mut scratch.columns);
    block::distances::<SquaredEuclidean, F>(&scratch.columns, task.centroids, &mut scratch.ratios);
    membership::memberships(task.fuzzifier, &mut scratch.ratios);
}

/// Rows to a part: a function of the shape alone. At most 64 parts, and fewer where their sums would fill the memory.
fn part_rows(n: usize, k: usize, d: usize) -> usize {
    let parts = ((1 << 23) / (k * (d + 2))).clamp(8, 64);
    n.div_ceil(parts).next_multiple_of(ROWS)
}

/// Sums of all rows.
pub(crate) fn sums<F: Element>(level: Level, rows: Rows<'_, F>, task: &Task<'_, F>) -> Sums {
    let k = task.centroids.len() / rows.d;
    if task.fuzzifier.form == Form::Logarithms {
        return parts(level, rows, task, f64::NEG_INFINITY);
    }
    let sums = parts(level, rows, task, 0.0);
    if k == 1 || sums.weights.iter().all(|&weight| weight > FAINT) {
        return sums;
    }
    // Powers of memberships underflow: a centroid is very far from every row.
    let fuzzifier = Fuzzifier { form: Form::Logarithms, ..task.fuzzifier };
    parts(level, rows, &Task { fuzzifier, ..*task }, f64::NEG_INFINITY)
}

fn parts<F: Element>(level: Level, rows: Rows<'_, F>, task: &Task<'_, F>, scale: f64) -> Sums {
    let (n, d) = (rows.n(), rows.d);
    let k = task.centroids.len() / d;
    let size = part_rows(n, k, d);
    let mut parts = vec![Sums::new(k, d, scale); n.div_ceil(size)];
    let workers = par::workers_for(rows.values.len() as f64 * k as f64 * 2.0).min(parts.len());
    let mut workers: Vec<_> = (0..workers).map(|_| Scratch::new(k, d)).collect();
    par::share(&mut workers, parts.iter_mut().enumerate(), |scratch, (part, sums)| {
        let first = part * size;
        F::fuzzy_sums(level, task, rows.part(first, size.min(n - first)), scratch, sums);
    });
    let mut all = Sums::new(k, d, scale);
    parts.iter().for_each(|part| all.add(part, d));
    all
}

/// The memberships of each row, row by row.
pub(crate) fn all_memberships<F: Element>(level: Level, values: &[F], task: &Task<'_, F>, out: &mut [F]) {
    const BLOCKS: usize = 16;
    let d = task.offset.len();
    let k = task.centroids.len() / d;
    let workers = par::workers_for(values.len() as f64 * k as f64 * 2.0);
    let mut workers: Vec<_> = (0..workers).map(|_| Scratch::new(k, d)).collect();
    let pieces = values.chunks(BLOCKS * ROWS * d).zip(out.chunks_mut(BLOCKS * ROWS * k));
    par::share(&mut workers, pieces, |scratch, (values, out)| {
        for (rows, out) in values.chunks(ROWS * d).zip(out.chunks_mut(ROWS * k)) {
            F::fuzzy_memberships(level, task, rows, scratch);
            for (i, out) in out.chunks_exact_mut(k).enumerate() {
                out.iter_mut().zip(&scratch.ratios).for_each(|(out, u)| *out = F::of(u[i]));
            }
        }
    });
}

/// Sums of weight times `u^2`, and of weight times `-u ln u`.
pub(crate) fn fuzziness<F: Element>(level: Level, rows: Rows<'_, F>, task: &Task<'_, F>) -> (f64, f64) {
    let (n, d) = (rows.n(), rows.d);
    let k = task.centroids.len() / d;
    let size = part_rows(n, k, d);
    let mut parts = vec![(0.0, 0.0); n.div_ceil(size)];
    let workers = par::workers_for(rows.values.len() as f64 * k as f64 * 2.0).min(parts.len());
    let mut workers: Vec<_> = (0..workers).map(|_| Scratch::new(k, d)).collect();
    par::share(&mut workers, parts.iter_mut().enumerate(), |scratch, (part, (squares, entropy))| {
        let part = rows.part(part * size, size.min(n - part * size));
        for first in (0..part.n()).step_by(ROWS) {
            let block = part.part(first, ROWS.min(part.n() - first));
            F::fuzzy_memberships(level, task, block.values, scratch);
            for i in 0..block.n() {
                let (mut row_squares, mut row_entropy) = (0.0, 0.0);
                for u in scratch.ratios.iter().map(|u| u[i]).filter(|&u| u > 0.0) {
                    row_squares += u * u;
                    row_entropy -= u * libm::log(u);
                }
                *squares += block.weight(i) * row_squares;
                *entropy += block.weight(i) * row_entropy;
            }
        }
    });
    parts.iter().fold((0.0, 0.0), |all, part| (all.0 + part.0, all.1 + part.1))
}
