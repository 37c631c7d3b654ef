//! What it would cost to remove a centroid and put another one somewhere else, for many such swaps at once.

use super::assign::Rows;
use super::element::{Element, Level};
use super::nearest_two::{Two, turn};
use super::par;
use super::silhouette::BLOCK;
use fearless_simd::{Simd, SimdBase, dispatch, f64x8};

/// Rows that are looked at together.
const CHUNK: usize = 1024;

/// The swaps of every candidate with every centroid.
pub(crate) struct Prices {
    k: usize,
    /// By how much the sum of squared distances would change, before any centroid moves to a mean: candidate by candidate, k each.
    changes: Vec<f64>,
}

/// A thread's sums, in steps of a grid, so that their order does not matter: for each centroid what its removal costs less what
/// the candidate saves of that; and for the candidate alone what it gains. Candidate by candidate, k + 1 each.
type Sums = Vec<i64>;

impl Prices {
    /// `two` has each row's squared distances to the nearest and second nearest centroid, `labels` the nearest. Costs O(n d) per candidate.
    ///
    /// With z the distance to the candidate, the rows of a removed centroid go to the second nearest or to the candidate, min(d2, z), and the others
    /// gain max(0, d1 - z) (Lattanzi and Sohler 2019). Only rows with z < d2 tell candidates apart.
    pub(crate) fn new<F: Element>(
        level: Level,
        rows: Rows<'_, F>,
        labels: &[u32],
        two: &Two,
        candidates: &[F],
        k: usize,
    ) -> Self {
        let (n, d) = (rows.n(), rows.d);
        let count = candidates.len() / d;
        let bound: f64 = (0..n).map(|i| rows.weight(i) * two.second[i]).sum();
        // Finite for the tiniest of sums.
        let unit = ((1u64 << 60) as f64 / bound).min(f64::MAX);
        let step = |x: f64| (x * unit) as i64;
        let candidates: Vec<f64> = candidates.iter().map(|x| x.f64()).collect();
        let worker = || (vec![0; (count + 1) * (k + 1)], vec![0.0; d * BLOCK], vec![[0.0; BLOCK]; count]);
        let workers = par::workers_for(3.0 * (n * d * count) as f64);
        let mut workers: Vec<(Sums, Vec<f64>, Vec<[f64; BLOCK]>)> = (0..workers).map(|_| worker()).collect();
        par::share(&mut workers, (0..n).step_by(CHUNK), |(sums, block, away), first| {
            for first in (first..n.min(first + CHUNK)).step_by(BLOCK) {
                let count = BLOCK.min(n - first);
                turn(rows.part(first, count).values, d, block);
                dispatch!(level, simd => squares(simd, block, &candidates, away));
                // Lanes past the last row are nearer to nothing.
                let (mut near, mut next) = ([0.0; BLOCK], [0.0; BLOCK]);
                near[..count].copy_from_slice(&two.first[first..][..count]);
                next[..count].copy_from_slice(&two.second[first..][..count]);
                for l in 0..count {
                    sums[labels[first + l] as usize] += step(rows.weight(first + l) * (next[l] - near[l]));
                }
                for (sums, away) in sums[k + 1..].chunks_exact_mut(k + 1).zip(&*away) {
                    if (0..BLOCK).filter(|&l| away[l] < next[l]).count() == 0 {
                        continue;
                    }
                    for l in (0..count).filter(|&l| away[l] < next[l]) {
                        let weight = rows.weight(first + l);
                        sums[labels[first + l] as usize] -= step(weight * (next[l] - away[l].max(near[l])));
                        sums[k] -= step(weight * (near[l] - away[l]).max(0.0));
                    }
                }
            }
        });
        let mut sums = vec![0i64; (count + 1) * (k + 1)];
        for worker in &workers {
            sums.iter_mut().zip(&worker.0).for_each(|(sum, part)| *sum += part);
        }
        let (removals, swaps) = sums.split_at(k + 1);
        let change = |swap: &[i64], j: usize| (removals[j] + swap[j] + swap[k]) as f64 / unit;
        let changes = swaps.chunks_exact(k + 1).flat_map(|swap| (0..k).map(move |j| change(swap, j)));
        Prices { k, changes: changes.collect() }
    }

    /// The swaps that lower the sum most, or raise it least: candidate, centroid to remove, and the change. Ties to the first candidate and the lowest centroid.
    pub(crate) fn cheapest(&self, count: usize) -> Vec<(usize, usize, f64)> {
        let place = |(at, &change): (usize, &f64)| (at / self.k, at % self.k, change);
        let mut swaps: Vec<_> = self.changes.iter().enumerate().map(place).collect();
        let order = |a: &(usize, usize, f64), b: &(usize, usize, f64)| {
            a.2.total_cmp(&b.2).then((a.0, a.1).cmp(&(b.0, b.1)))
        };
        if swaps.len() > count {
            swaps.select_nth_unstable_by(count, order);
            swaps.truncate(count);
        }
        swaps.sort_unstable_by(order);
        swaps
    }
}

/// The squared distances of rows in the lanes to each candidate.
#[inline(always)]
fn squares<S: Simd>(simd: S, block: &[f64], candidates: &[f64], out: &mut [[f64; BLOCK]]) {
    let lanes = block.as_chunks::<BLOCK>().0;
    for (candidate, out) in candidates.chunks_exact(lanes.len()).zip(out) {
        let mut square = simd.splat_f64x8(0.0);
        for (row, &value) in lanes.iter().zip(candidate) {
            let difference = f64x8::from_slice(simd, row) - simd.splat_f64x8(value);
            square += difference * difference;
        }
        square.store_slice(out);
    }
}
