//! L1: labels by the smallest sum of absolute differences, and medians.

use super::assign::Rows;
use super::block::{self, Lanes, Manhattan, ROWS};
use super::element::{Element, Level};
use super::moments::{Grid, Sum};
use super::par;
use std::cmp::Ordering;

/// A thread's buffers.
pub(crate) struct Scratch {
    columns: Vec<Lanes>,
    distances: Vec<Lanes>,
    near: Vec<f64>,
    sum: Sum,
    /// Its largest term.
    largest: f64,
    moved: usize,
}

impl Scratch {
    fn new(k: usize, d: usize) -> Self {
        Scratch {
            columns: vec![[0.0; ROWS]; d],
            distances: vec![[0.0; ROWS]; k],
            near: vec![0.0; CHUNK],
            sum: Sum::default(),
            largest: 0.0,
            moved: 0,
        }
    }
}

/// Rows to a piece of work.
const CHUNK: usize = 512;

/// Labels the rows of a chunk, ties to the lowest index, and writes their distances.
#[inline(always)]
pub(super) fn nearest<F: Element>(
    rows: Rows<'_, F>,
    centroids: &[F],
    scratch: &mut Scratch,
    labels: &mut [u32],
) {
    for (b, labels) in labels.chunks_mut(ROWS).enumerate() {
        let block = rows.part(b * ROWS, labels.len());
        block::transpose(block.values, &mut scratch.columns);
        block::distances::<Manhattan, F>(&scratch.columns, centroids, &mut scratch.distances);
        let (mut near, mut index) = ([f64::INFINITY; ROWS], [0.0; ROWS]);
        for (j, distances) in scratch.distances.iter().enumerate() {
            // As floats, exact far beyond any k: lanes compare and choose them alike.
            let j = j as f64;
            for i in 0..ROWS {
                let nearer = distances[i] < near[i];
                near[i] = if nearer { distances[i] } else { near[i] };
                index[i] = if nearer { j } else { index[i] };
            }
        }
        for (i, label) in labels.iter_mut().enumerate() {
            scratch.moved += usize::from(*label != index[i] as u32 && block.weight(i) > 0.0);
            *label = index[i] as u32;
            scratch.near[b * ROWS + i] = near[i];
        }
    }
}

/// Labels every row. Returns the weighted sum of the distances, and how many rows (that count) changed their label.
pub(crate) fn assign<F: Element>(
    level: Level,
    rows: Rows<'_, F>,
    centroids: &[F],
    grid: &Grid,
    labels: &mut [u32],
) -> (f64, usize) {
    let k = centroids.len() / rows.d;
    let workers = par::workers_for(rows.values.len() as f64 * k as f64);
    let mut workers: Vec<_> = (0..workers).map(|_| Scratch::new(k, rows.d)).collect();
    par::share(&mut workers, labels.chunks_mut(CHUNK).enumerate(), |scratch, (c, labels)| {
        let part = rows.part(c * CHUNK, labels.len());
        F::nearest_manhattan(level, part, centroids, scratch, labels);
        for (i, &near) in scratch.near[..labels.len()].iter().enumerate() {
            let weight = part.weight(i);
            if weight > 0.0 {
                scratch.sum.add(grid, weight * near);
                scratch.largest = scratch.largest.max(weight * near);
            }
        }
    });
    let mut sum = Sum::default();
    workers.iter().for_each(|worker| sum.merge(&worker.sum));
    let moved = workers.iter().map(|worker| worker.moved).sum();
    let largest = workers.iter().fold(0.0, |largest, worker| worker.largest.max(largest));
    // As in `distances::inertia`, rows much nearer to their centroids than they might be are summed on a finer grid.
    if largest == 0.0 || largest > grid.largest * 1e-9 {
        return (sum.value(grid), moved);
    }
    (sum_distances(rows, centroids, labels, &Grid::new(largest, largest * rows.n() as f64, rows.n())), moved)
}

/// The weighted sum of the distances of the rows to the centroids that their labels name.
fn sum_distances<F: Element>(rows: Rows<'_, F>, centroids: &[F], labels: &[u32], grid: &Grid) -> f64 {
    let mut workers = vec![Sum::default(); par::workers_for(rows.values.len() as f64)];
    par::share(&mut workers, labels.chunks(CHUNK).enumerate(), |sum, (c, labels)| {
        let part = rows.part(c * CHUNK, labels.len());
        for (i, &label) in labels.iter().enumerate().filter(|&(i, _)| part.weight(i) > 0.0) {
            let centroid = &centroids[label as usize * rows.d..][..rows.d];
            sum.add(grid, part.weight(i) * distance(part.row(i), centroid));
        }
    });
    let mut sum = Sum::default();
    workers.iter().for_each(|worker| sum.merge(worker));
    sum.value(grid)
}

/// The label of each row.
pub(crate) fn label<F: Element>(level: Level, values: &[F], centroids: &[F], d: usize, labels: &mut [u32]) {
    let k = centroids.len() / d;
    let rows = Rows { values, d, weights: None };
    let workers = par::workers_for(values.len() as f64 * k as f64);
    let mut workers: Vec<_> = (0..workers).map(|_| Scratch::new(k, d)).collect();
    par::share(&mut workers, labels.chunks_mut(CHUNK).enumerate(), |scratch, (c, labels)| {
        F::nearest_manhattan(level, rows.part(c * CHUNK, labels.len()), centroids, scratch, labels);
    });
}

/// The L1 distance of two rows.
pub(crate) fn distance<F: Element>(x: &[F], c: &[F]) -> f64 {
    block::distance::<Manhattan, F>(x, c)
}

/// The medians of the clusters that `changed` names, by column. `members` are the rows (that count) of each cluster.
pub(crate) fn medians<F: Element>(
    rows: Rows<'_, F>,
    members: &[&[u32]],
    changed: &[bool],
    medians: &mut [F],
) {
    let d = rows.d;
    let count: usize = members.iter().zip(changed).filter(|part| *part.1).map(|part| part.0.len()).sum();
    let mut workers = vec![(Vec::new(), Vec::new()); par::workers_for((count * d) as f64 * 10.0)];
    let columns = medians.iter_mut().enumerate().filter(|(at, _)| changed[at / d]);
    par::share(&mut workers, columns, |(values, pairs): &mut (Vec<F>, Vec<(F, f64)>), (at, median)| {
        let (rows_of, t) = (members[at / d], at % d);
        // Minus zero becomes zero, for which of two equal values a selection returns is left to chance.
        let value = |&i: &u32| rows.values[i as usize * d + t] + F::zero();
        match rows.weights {
            _ if rows_of.is_empty() => {}
            None => {
                values.clear();
                values.extend(rows_of.iter().map(value));
                let middle = (values.len() - 1) / 2;
                *median = *values.select_nth_unstable_by(middle, compare).1;
            }
            Some(weights) => {
                pairs.clear();
                pairs.extend(rows_of.iter().map(|i| (value(i), weights[*i as usize])));
                *median = weighted_median(pairs);
            }
        }
    });
}

fn compare<F: Element>(a: &F, b: &F) -> Ordering {
    // Finite, so always ordered.
    a.partial_cmp(b).unwrap_or(Ordering::Equal)
}

/// The smallest value at or below which half the weight lies. Sums of weights are exact to 2^-90 of the largest weight.
fn weighted_median<F: Element>(mut pairs: &mut [(F, f64)]) -> F {
    const STEPS: f64 = (1u128 << 90) as f64;
    let total = |pairs: &[(F, f64)]| pairs.iter().map(|pair| (pair.1 * STEPS) as u128).sum::<u128>();
    let half = total(pairs).div_ceil(2);
    let mut below = 0;
    loop {
        let middle = (pairs.len() - 1) / 2;
        let (left, &mut (value, weight), right) =
            pairs.select_nth_unstable_by(middle, |a, b| compare(&a.0, &b.0));
        let before = below + total(left);
        let with = before + (weight * STEPS) as u128;
        if before >= half && !left.is_empty() {
            pairs = left;
        } else if with >= half || right.is_empty() {
            return value;
        } else {
            below = with;
            pairs = right;
        }
    }
}
