//! A state from which swaps are tried: where every row stands, and what removing a centroid and putting another one somewhere else would cost at once.
//!
//! Rows are taken cluster by cluster. A cluster's radius tells which centroids and which places can matter to its rows at all: anything
//! farther from its mean than that is never looked at. With few columns that leaves the neighbours; with many, little is ruled out.
//! All is f64, from differences, in one order on every machine: eight rows lie in the lanes, and sums are formed piece by piece.

use super::assign::Rows;
use super::dispatch::dispatch;
use super::element::{Element, Level};
use super::exact::squared_distance;
use super::nearest_two::turn;
use super::par;
use super::silhouette::BLOCK;
use fearless_simd::{Simd, SimdBase, f64x8};
use std::ops::Range;

/// Rows of a cluster that are looked at together: fixed, so that sums do not depend on threads.
const PIECE: usize = 1024;

/// Rows with a weight, in the order of their clusters; what is kept of each row is kept in that order. 20 bytes a row.
pub(crate) struct Standing<'a, F> {
    pub rows: Rows<'a, F>,
    pub order: Vec<u32>,
    /// Where each cluster begins in `order`, and the end of the last.
    pub starts: Vec<usize>,
    /// Squared distance to the mean of the own cluster, and to the nearest other mean.
    pub first: Vec<f64>,
    pub second: Vec<f64>,
    pub means: Vec<f64>,
    pub weights: Vec<f64>,
    /// Per cluster: the weighted sum of `first`, and by how much it rises if every row goes to the nearest other mean.
    pub costs: Vec<f64>,
    removals: Vec<f64>,
    /// Per cluster: the largest distance to the mean, and how far from the mean a place can be that is nearer to some row than a mean is.
    pub radius: Vec<f64>,
    reach: Vec<f64>,
    /// Per cluster: the other centroids that may be a row's nearest but one.
    pub neighbours: Vec<Vec<u32>>,
    /// Distances evaluated so far.
    pub evaluations: u64,
}

/// What would change if a centroid moved to a row, before any centroid moves to a mean.
#[derive(Clone, Copy)]
pub(crate) struct Swap {
    /// The centroid that moves.
    pub out: usize,
    /// The row, by its place in the order of clusters.
    pub place: usize,
    pub change: f64,
}

/// Rows of one cluster.
struct Piece {
    cluster: usize,
    places: Range<usize>,
}

impl<'a, F: Element> Standing<'a, F> {
    /// Labels are 0 to k - 1, each of them of a row of positive weight, and there are two at least. O(n d) and, where nothing is ruled out, O(n k d).
    pub(crate) fn new(level: Level, rows: Rows<'a, F>, labels: &[u32], k: usize) -> Self {
        let (order, starts) = ordered(rows, labels, k);
        let zeros = |n: usize| vec![0.0; n];
        let (first, second) = (zeros(order.len()), zeros(order.len()));
        let [costs, removals, radius, reach] = std::array::from_fn(|_| zeros(k));
        let mut this = Standing {
            rows,
            order,
            starts,
            first,
            second,
            means: zeros(k * rows.d),
            weights: zeros(k),
            costs,
            removals,
            radius,
            reach,
            neighbours: Vec::new(),
            evaluations: 0,
        };
        this.take_means();
        let own: Vec<Vec<u32>> = (0..k as u32).map(|j| vec![j]).collect();
        this.first = this.nearest_of(level, &own);
        this.radius = this.per_cluster(|place| this.first[place], f64::max);
        this.radius.iter_mut().for_each(|radius| *radius = radius.sqrt());
        this.neighbours = this.neighbours_within(level);
        this.second = this.nearest_of(level, &this.neighbours);
        let sizes = this.starts.windows(2).map(|bounds| bounds[1] - bounds[0]);
        let met = sizes.zip(&this.neighbours).map(|(size, neighbours)| size * (1 + neighbours.len()));
        this.evaluations = (met.sum::<usize>() + k * k) as u64;
        let weight = |place: usize| rows.weight(this.order[place] as usize);
        this.costs = this.per_cluster(|i| weight(i) * this.first[i], |a, b| a + b);
        this.removals = this.per_cluster(|i| weight(i) * (this.second[i] - this.first[i]), |a, b| a + b);
        let farther = |i: usize| this.first[i].max(this.second[i]);
        this.reach = this.per_cluster(|i| this.first[i].sqrt() + farther(i).sqrt(), f64::max);
        this
    }

    /// The means and weights of the clusters.
    fn take_means(&mut self) {
        let (rows, d) = (self.rows, self.rows.d);
        let mut workers = vec![(); par::workers_for((self.order.len() * d) as f64)];
        let clusters = self.means.chunks_exact_mut(d).zip(&mut self.weights).zip(self.starts.windows(2));
        par::share(&mut workers, clusters, |(), ((mean, all), bounds)| {
            let places = &self.order[bounds[0]..bounds[1]];
            // From the first row, so that little is lost far from the origin.
            let first = rows.row(places[0] as usize);
            for &i in places {
                let weight = rows.weight(i as usize);
                *all += weight;
                for (mean, (x, first)) in mean.iter_mut().zip(rows.row(i as usize).iter().zip(first)) {
                    *mean += weight * (x.f64() - first.f64());
                }
            }
            mean.iter_mut().zip(first).for_each(|(mean, first)| *mean = *mean / *all + first.f64());
        });
    }

    pub(crate) fn mean(&self, j: usize) -> &[f64] {
        &self.means[j * self.rows.d..][..self.rows.d]
    }

    /// The weights of the rows in the order of clusters.
    pub(crate) fn ordered_weights(&self) -> Option<Vec<f64>> {
        self.rows.weights.map(|weights| self.order.iter().map(|&i| weights[i as usize]).collect())
    }

    fn per_cluster(&self, value: impl Fn(usize) -> f64, join: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        let clusters = self.starts.windows(2);
        clusters.map(|bounds| (bounds[0]..bounds[1]).map(&value).fold(0.0, &join)).collect()
    }

    /// For each cluster the others whose mean may be the nearest but one of some row: within twice the radius and the distance to the nearest of them.
    fn neighbours_within(&self, level: Level) -> Vec<Vec<u32>> {
        let (d, k) = (self.rows.d, self.weights.len());
        let mut neighbours = vec![Vec::new(); k];
        let mut workers = vec![vec![0.0; k]; par::workers_for((k * k * d) as f64)];
        par::share(&mut workers, neighbours.iter_mut().enumerate(), |squares, (a, neighbours)| {
            f64::all_distances(level, self.mean(a), &self.means, squares);
            squares[a] = f64::INFINITY;
            let gap = squares.iter().copied().fold(f64::INFINITY, f64::min).sqrt();
            let within = 2.0 * self.radius[a] + gap;
            // A little more, for rounding.
            let within = within * within * (1.0 + 1e-9);
            neighbours.extend((0..k as u32).filter(|&j| squares[j as usize] <= within));
        });
        neighbours
    }

    fn pieces(&self) -> Vec<Piece> {
        let clusters = self.starts.windows(2).enumerate();
        let piece = |(cluster, bounds): (usize, &[usize])| {
            let end = bounds[1];
            (bounds[0]..end)
                .step_by(PIECE)
                .map(move |first| Piece { cluster, places: first..end.min(first + PIECE) })
        };
        clusters.flat_map(piece).collect()
    }

    /// Up to eight rows in the lanes.
    fn turn(&self, first: usize, count: usize, block: &mut [f64]) {
        for (l, &i) in self.order[first..first + count].iter().enumerate() {
            turn(self.rows.row(i as usize), self.rows.d, &mut block[l..]);
        }
    }

    /// For each row the squared distance to the nearest of the means that its cluster's list names.
    fn nearest_of(&self, level: Level, lists: &[Vec<u32>]) -> Vec<f64> {
        let d = self.rows.d;
        let mut out = vec![0.0; self.order.len()];
        let sizes = self.starts.windows(2).zip(lists);
        let work: usize = sizes.map(|(bounds, list)| (bounds[1] - bounds[0]) * (list.len() + 2) * d).sum();
        let worker = (vec![0.0; d * BLOCK], Vec::new());
        let mut workers = vec![worker; par::workers_for(3.0 * work as f64)];
        let (pieces, mut rest) = (self.pieces(), out.as_mut_slice());
        let parts =
            pieces.iter().map(|piece| (piece, rest.split_off_mut(..piece.places.len()).unwrap_or_default()));
        par::share(&mut workers, parts, |(block, means), (piece, out)| {
            means.clear();
            for &j in &lists[piece.cluster] {
                means.extend_from_slice(self.mean(j as usize));
            }
            for (first, out) in piece.places.clone().step_by(BLOCK).zip(out.chunks_mut(BLOCK)) {
                self.turn(first, out.len(), block);
                let mut nearest = [f64::INFINITY; BLOCK];
                dispatch!(level, simd => nearest_in_lanes(simd, block, means, &mut nearest));
                out.copy_from_slice(&nearest[..out.len()]);
            }
        });
        out
    }

    /// The swaps of the rows at these places with each centroid, cheapest first, `count` of them. Ties to the first place and the lowest centroid. O(n d) a place.
    ///
    /// With z the distance to the place, the rows of a removed centroid go to the second nearest or to the place, min(d2, z), and the others
    /// gain max(0, d1 - z) (Lattanzi and Sohler 2019).
    pub(crate) fn cheapest(&mut self, level: Level, places: &[usize], count: usize) -> Vec<Swap> {
        let (d, k) = (self.rows.d, self.weights.len());
        let candidate = |&place: &usize| self.rows.row(self.order[place] as usize).iter().map(|x| x.f64());
        let candidates: Vec<f64> = places.iter().flat_map(candidate).collect();
        // Per piece and place: what its rows save when their own centroid goes, and what they gain when it stays.
        let pieces = self.pieces();
        let mut parts = vec![vec![[0.0; 2]; places.len()]; pieces.len()];
        let worker = (vec![0.0; d * BLOCK], Vec::new(), 0);
        let mut workers = vec![worker; par::workers_for(2.0 * (self.order.len() * d * places.len()) as f64)];
        let out = pieces.iter().zip(&mut parts);
        par::share(&mut workers, out, |(block, near, evaluations), (piece, terms)| {
            let reach = self.reach[piece.cluster] * (1.0 + 1e-9);
            let home = self.mean(piece.cluster);
            let within = |c: &usize| squared_distance(&candidates[c * d..][..d], home).sqrt() < reach;
            near.clear();
            near.extend((0..places.len()).filter(within));
            if near.is_empty() {
                return;
            }
            *evaluations += (piece.places.len() * near.len()) as u64;
            for first in piece.places.clone().step_by(BLOCK) {
                let count = BLOCK.min(piece.places.end - first);
                self.turn(first, count, block);
                // Lanes past the last row have no weight.
                let mut known = [[0.0; BLOCK]; 3];
                known[0][..count].copy_from_slice(&self.first[first..][..count]);
                known[1][..count].copy_from_slice(&self.second[first..][..count]);
                for (l, &i) in self.order[first..][..count].iter().enumerate() {
                    known[2][l] = self.rows.weight(i as usize);
                }
                for &c in &*near {
                    let place = &candidates[c * d..][..d];
                    let [save, gain] = dispatch!(level, simd => savings(simd, block, place, &known));
                    terms[c][0] += save;
                    terms[c][1] += gain;
                }
            }
        });
        self.evaluations += workers.iter().map(|worker| worker.2).sum::<u64>();
        let mut saved = vec![0.0; places.len() * k];
        let mut gained = vec![0.0; places.len()];
        for (piece, terms) in pieces.iter().zip(&parts) {
            for (c, [save, gain]) in terms.iter().enumerate() {
                saved[c * k + piece.cluster] += save;
                gained[c] += gain;
            }
        }
        let mut swaps: Vec<Swap> = Vec::with_capacity(saved.len());
        for (c, &place) in places.iter().enumerate() {
            let change = |out: usize| self.removals[out] - saved[c * k + out] - gained[c];
            swaps.extend((0..k).map(|out| Swap { out, place, change: change(out) }));
        }
        keep_best(&mut swaps, count);
        swaps
    }
}

/// Keeps so many swaps, the best first.
fn keep_best(swaps: &mut Vec<Swap>, count: usize) {
    let order =
        |a: &Swap, b: &Swap| a.change.total_cmp(&b.change).then((a.place, a.out).cmp(&(b.place, b.out)));
    if swaps.len() > count {
        swaps.select_nth_unstable_by(count, order);
        swaps.truncate(count);
    }
    swaps.sort_unstable_by(order);
}

/// The rows of positive weight in the order of their clusters, and where each cluster begins.
pub(crate) fn ordered<F>(rows: Rows<'_, F>, labels: &[u32], k: usize) -> (Vec<u32>, Vec<usize>) {
    let mut starts = vec![0; k + 1];
    let counting = || labels.iter().enumerate().filter(|&(i, _)| rows.weight(i) > 0.0);
    counting().for_each(|(_, &label)| starts[label as usize + 1] += 1);
    (0..k).for_each(|j| starts[j + 1] += starts[j]);
    let (mut next, mut order) = (starts.clone(), vec![0; starts[k]]);
    for (i, &label) in counting() {
        order[next[label as usize]] = i as u32;
        next[label as usize] += 1;
    }
    (order, starts)
}

/// The squared distance of a place to the rows in the lanes.
#[inline(always)]
fn square<S: Simd>(simd: S, block: &[f64], place: &[f64]) -> f64x8<S> {
    let mut square = simd.splat_f64x8(0.0);
    for (row, &value) in block.as_chunks::<BLOCK>().0.iter().zip(place) {
        let difference = f64x8::from_slice(simd, row) - simd.splat_f64x8(value);
        square += difference * difference;
    }
    square
}

#[inline(always)]
fn nearest_in_lanes<S: Simd>(simd: S, block: &[f64], means: &[f64], out: &mut [f64; BLOCK]) {
    let mut nearest = simd.splat_f64x8(f64::INFINITY);
    for mean in means.chunks_exact(block.len() / BLOCK) {
        nearest = square(simd, block, mean).min(nearest);
    }
    nearest.store_slice(out);
}

/// Summed over the rows in the lanes: what they save when their own centroid goes, and what they gain when it stays.
#[inline(always)]
fn savings<S: Simd>(simd: S, block: &[f64], place: &[f64], known: &[[f64; BLOCK]; 3]) -> [f64; 2] {
    let [near, next, weight] = [0, 1, 2].map(|i| f64x8::from_slice(simd, &known[i]));
    let (away, zero) = (square(simd, block, place), simd.splat_f64x8(0.0));
    let gain = (near - away).max(zero);
    let save = (next - away).max(zero) - gain;
    [save * weight, gain * weight].map(|terms| {
        let mut lanes = [0.0; BLOCK];
        terms.store_slice(&mut lanes);
        let [a, b, c, d, e, f, g, h] = lanes;
        ((a + b) + (c + d)) + ((e + f) + (g + h))
    })
}
