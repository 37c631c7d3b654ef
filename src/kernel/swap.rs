//! What it would cost to remove a centroid and put another one somewhere else, for many such swaps at once.

use super::assign::Rows;
use super::element::{Element, Level};
use super::nearest_two::Two;
use super::par;

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
        let worker = || (vec![0; (count + 1) * (k + 1)], vec![0.0; count]);
        let workers = par::workers_for(3.0 * (n * d * count) as f64);
        let mut workers: Vec<(Sums, Vec<f64>)> = (0..workers).map(|_| worker()).collect();
        par::share(&mut workers, (0..n).step_by(CHUNK), |(sums, away), first| {
            for i in first..n.min(first + CHUNK) {
                let (near, next, own) = (two.first[i], two.second[i], labels[i] as usize);
                let weight = rows.weight(i);
                F::all_distances(level, rows.row(i), candidates, away);
                sums[own] += step(weight * (next - near));
                for (sums, &away) in sums[k + 1..].chunks_exact_mut(k + 1).zip(&*away) {
                    if away < next {
                        sums[own] -= step(weight * (next - away.max(near)));
                        sums[k] -= step(weight * (near - away).max(0.0));
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
