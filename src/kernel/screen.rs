//! Seeding: which candidates of a pool come nearer to a row than its nearest centroid so far.
//!
//! The kernel's scores rule most pairs out (a score below what any nearer candidate would reach, with the bound of [`super::margin`]);
//! the others are written down, candidate by candidate in each block of rows, and measured by the reference distance when the candidate's turn comes. So
//! the answer is exact and the same on every machine, for the price of the fast scores: after j centroids only about one row in j has anything to gain. Distances
//! only shrink, so what is written down stays enough while candidates of the pool become centroids.

use super::assign::{Rows, Scratch, apart, chunk_rows};
use super::element::{Element, Level, Vector};
use super::exact::lone_distance;
use super::moments::{Grid, Sum};
use super::pack::{Frame, Packed};
use super::vector::{Lanes, all};
use super::{par, tile};
use fearless_simd::Simd;

/// Candidates that are looked at together, at most.
pub(crate) const POOL: usize = 128;

/// Rows whose sums are formed together, in order: fixed, so that the sums do not depend on threads.
pub(crate) const BLOCK_ROWS: usize = 1024;

/// What seeding knows of the rows: 8 bytes each, and 2 for each pair that is written down.
pub(crate) struct Nearest<F> {
    /// Squared distance to the nearest centroid so far.
    pub distances: Vec<f64>,
    /// The candidates that were looked at.
    candidates: Vec<F>,
    blocks: Vec<Near>,
    /// For sums of what distances fall by, which then depend on the rows that count alone.
    grid: Grid,
}

/// The pairs of a block's rows and the candidates of the pool that may be nearer.
#[derive(Clone, Default)]
struct Near {
    /// Candidate by candidate, the places of rows in the block in order.
    rows: Vec<u16>,
    /// Where each candidate's begin, and where the last one's end.
    starts: Vec<u32>,
}

/// A candidate, and the places in a block of the rows that it may be nearer to.
pub(crate) type Pairs<'a, F> = (&'a [F], &'a [u16]);

/// Writes down the pairs of a row and a candidate that may be nearer, as one number; those of one candidate by rows, of which the first has the given number.
#[inline(always)]
pub(super) fn screen<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    (rows, first): (&[F], usize),
    distances: &[f64],
    scratch: &mut Scratch<F>,
    pairs: &mut Vec<u32>,
) {
    apart(
        simd,
        #[inline(always)]
        || find(simd, packed, (rows, first), distances, scratch, pairs),
    );
}

#[inline(always)]
fn find<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    (rows, first): (&[F], usize),
    distances: &[f64],
    scratch: &mut Scratch<F>,
    pairs: &mut Vec<u32>,
) {
    let (d, len, scale) = (packed.d, Vector::<S, F>::LEN, packed.frame.scale.f64());
    let group = tile::VECTORS * len;
    // A score below S less the row's part of the error is not nearer, S of the distance so far. The margin has twice that part, which covers what is
    // lost in forming half the norm, and so much more of the distance what is lost with that.
    let part_of_norm = Vector::<S, F>::splat(simd, F::of(0.5 - packed.margin.row_factor.f64()));
    let part_of_distance = 0.5 + 4.0 * F::UNIT;
    for (g, distances) in distances.chunks(group).enumerate() {
        let (columns, norms) = scratch.turned.turn(simd, &packed.frame, &rows[g * group * d..]);
        let halves = &mut scratch.norms[..group];
        for (half, distance) in halves.iter_mut().zip(distances) {
            *half = F::of(distance * scale * scale * part_of_distance + packed.margin.row_floor.f64());
        }
        let mut thresholds = norms;
        for v in 0..tile::VECTORS {
            thresholds[v] = norms[v] * part_of_norm - Vector::<S, F>::load(simd, &halves[v * len..]);
        }
        for panel in packed.records.chunks_exact(tile::CENTROIDS * (d + 2)) {
            let scores = tile::scores(simd, columns, panel, d);
            let (starts, tags) = panel[tile::CENTROIDS * d..].split_at(tile::CENTROIDS);
            let candidates = starts.iter().zip(tags).take_while(|candidate| *candidate.0 > F::neg_infinity());
            for ((_, tag), scores) in candidates.zip(&scores) {
                for v in 0..distances.len().div_ceil(len) {
                    // Not all lanes: one without a row may hold anything, and a score that is not a number is not below its bound.
                    let mut near = all(len.min(distances.len() - v * len)) & !scores[v].less(thresholds[v]);
                    let pair = (first + g * group + v * len) * POOL + tag.untag() as usize;
                    while near != 0 {
                        pairs.push((pair + near.trailing_zeros() as usize * POOL) as u32);
                        near &= near - 1;
                    }
                }
            }
        }
    }
}

/// Adds up by how much the weighted squared distances of the rows at these places would fall if the candidate became a centroid.
#[inline(always)]
pub(super) fn gain<F: Element>(
    rows: Rows<'_, F>,
    distances: &[f64],
    (candidate, places): Pairs<'_, F>,
    (grid, sum): (&Grid, &mut Sum),
) {
    let mut gain = Sum::default();
    for &i in places {
        let fall = distances[i as usize] - lone_distance(rows.row(i as usize), candidate);
        // Without a branch, which would often be guessed wrong.
        gain.add(grid, rows.weight(i as usize) * fall.max(0.0));
    }
    sum.merge(&gain);
}

/// Makes the candidate the nearest centroid of those of the rows at these places that it is nearer to; whether there are any.
#[inline(always)]
pub(super) fn take<F: Element>(
    rows: Rows<'_, F>,
    distances: &mut [f64],
    (candidate, places): Pairs<'_, F>,
) -> bool {
    let mut nearer = false;
    for &i in places {
        let (now, distance) = (&mut distances[i as usize], lone_distance(rows.row(i as usize), candidate));
        nearer |= distance < *now;
        *now = now.min(distance);
    }
    nearer
}

impl Near {
    /// Sorts pairs by their candidates, of which there are k.
    fn fill(&mut self, pairs: &[u32], k: usize) {
        let candidate = |pair: u32| pair as usize % POOL;
        self.starts.clear();
        self.starts.resize(k + 1, 0);
        pairs.iter().for_each(|&pair| self.starts[candidate(pair) + 1] += 1);
        for j in 0..k {
            self.starts[j + 1] += self.starts[j];
        }
        let mut next = [0; POOL];
        next[..k].copy_from_slice(&self.starts[..k]);
        self.rows.clear();
        self.rows.reserve_exact(pairs.len());
        self.rows.resize(pairs.len(), 0);
        for &pair in pairs {
            let at = &mut next[candidate(pair)];
            self.rows[*at as usize] = (pair as usize / POOL) as u16;
            *at += 1;
        }
    }

    fn places(&self, j: usize) -> &[u16] {
        &self.rows[self.starts[j] as usize..self.starts[j + 1] as usize]
    }

    fn pairs<'a, F>(&'a self, candidates: &'a [F], d: usize, j: usize) -> Pairs<'a, F> {
        (&candidates[j * d..][..d], self.places(j))
    }
}

impl<F: Element> Nearest<F> {
    /// With one centroid.
    pub(crate) fn new(level: Level, rows: Rows<'_, F>, centroid: &[F]) -> Self {
        let mut distances = vec![0.0; rows.n()];
        let mut workers = vec![(); par::workers_for(rows.values.len() as f64)];
        let pieces = rows.values.chunks(BLOCK_ROWS * rows.d).zip(distances.chunks_mut(BLOCK_ROWS));
        par::share(&mut workers, pieces, |(), (values, distances)| {
            F::own_distances(level, values, centroid, rows.d, None, distances);
        });
        let blocks = vec![Near::default(); rows.n().div_ceil(BLOCK_ROWS)];
        Nearest { distances, candidates: Vec::new(), blocks, grid: Grid::new(0.0, 0.0, 0) }
    }

    /// What is gained from here on is summed in steps that suit the distances of now.
    pub(crate) fn set_grid(&mut self, rows: Rows<'_, F>) {
        let mut workers = vec![(0.0, 0); par::workers_for((rows.n() * 8) as f64)];
        par::share(
            &mut workers,
            self.distances.chunks(BLOCK_ROWS).enumerate(),
            |(largest, count), (b, part)| {
                for (i, distance) in part.iter().enumerate() {
                    let term = rows.weight(b * BLOCK_ROWS + i) * distance;
                    *largest = f64::max(*largest, term);
                    *count += usize::from(term > 0.0);
                }
            },
        );
        let largest = workers.iter().map(|worker| worker.0).fold(0.0, f64::max);
        let count: usize = workers.iter().map(|worker| worker.1).sum();
        self.grid = Grid::new(largest, largest * count as f64, count);
    }

    /// Looks which rows some candidates may be nearer to; how many pairs there are.
    pub(crate) fn look(
        &mut self,
        level: Level,
        frame: &Frame<F>,
        candidates: Vec<F>,
        rows: Rows<'_, F>,
    ) -> usize {
        let packed = Packed::in_tiles(level, frame, &candidates, rows.d);
        self.candidates = candidates;
        let (k, chunk) = (packed.k, chunk_rows(rows.d));
        let workers = par::workers_for(rows.values.len() as f64 * (k + 4) as f64);
        let mut workers: Vec<_> =
            (0..workers).map(|_| (Scratch::new(level, rows.d), Vec::new(), 0)).collect();
        let pieces = self.blocks.iter_mut().zip(self.distances.chunks(BLOCK_ROWS)).enumerate();
        par::share(&mut workers, pieces, |(scratch, pairs, count), (b, (near, distances))| {
            pairs.clear();
            for (c, distances) in distances.chunks(chunk).enumerate() {
                let part = rows.part(b * BLOCK_ROWS + c * chunk, distances.len());
                F::screen(level, &packed, (part.values, c * chunk), distances, scratch, pairs);
            }
            near.fill(pairs, k);
            *count += pairs.len();
        });
        workers.iter().map(|worker| worker.2).sum()
    }

    /// For some of the candidates, by how much the sum of weighted squared distances would fall if each became a centroid.
    pub(crate) fn gains(&self, level: Level, rows: Rows<'_, F>, some: &[usize]) -> Vec<f64> {
        let mut workers = vec![vec![Sum::default(); some.len()]; par::workers_for(self.work(rows.d, some))];
        let blocks = self.blocks.iter().zip(self.distances.chunks(BLOCK_ROWS));
        par::share(&mut workers, blocks.enumerate(), |sums, (b, (near, distances))| {
            let rows = rows.part(b * BLOCK_ROWS, distances.len());
            for (sum, &j) in sums.iter_mut().zip(some) {
                F::gain(level, rows, distances, near.pairs(&self.candidates, rows.d, j), (&self.grid, sum));
            }
        });
        let mut gains = vec![Sum::default(); some.len()];
        for sums in &workers {
            gains.iter_mut().zip(sums).for_each(|(gain, part)| gain.merge(part));
        }
        gains.iter().map(|gain| gain.value(&self.grid)).collect()
    }

    /// Makes a candidate a centroid, and marks the blocks of rows that change.
    pub(crate) fn take(&mut self, level: Level, rows: Rows<'_, F>, j: usize, touched: &mut [bool]) {
        let mut workers = vec![(); par::workers_for(self.work(rows.d, &[j]))];
        let blocks = self.blocks.iter().zip(self.distances.chunks_mut(BLOCK_ROWS));
        par::share(&mut workers, blocks.zip(touched).enumerate(), |(), (b, ((near, distances), touched))| {
            let rows = rows.part(b * BLOCK_ROWS, distances.len());
            *touched |= F::take(level, rows, distances, near.pairs(&self.candidates, rows.d, j));
        });
    }

    /// What measuring the pairs of some candidates costs, in multiply-adds.
    fn work(&self, d: usize, some: &[usize]) -> f64 {
        let pairs: usize =
            self.blocks.iter().map(|near| some.iter().map(|&j| near.places(j).len()).sum::<usize>()).sum();
        (pairs * (4 * d + 64)) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::exact::squared_distance;
    use crate::kernel::pack::{Range, middle};
    use crate::kernel::tests::{hard, levels};
    use crate::rng::SeededRng;

    /// Two pools, of which some candidates become centroids: gains and distances are those of the reference, whatever the order of the sum.
    fn agree<F: Element>() {
        let mut rng = SeededRng::new(12);
        for d in [1, 3, 5, 8, 16, 17, 70, 300] {
            for kind in 0..10 {
                let n = [700, 2100, 1024, 1][kind % 4];
                let values: Vec<F> = hard(kind, n, d, &mut rng);
                let weights: Vec<f64> = (0..n).map(|_| rng.below(3) as f64).collect();
                let given = (kind % 2 == 1).then_some(weights.as_slice());
                let rows = Rows { values: &values, d, weights: given };
                let drawn: Vec<usize> = (0..2 * 40).map(|_| rng.below(n)).collect();
                for level in levels() {
                    let mut range = Range::new(d);
                    assert!(F::scan(level, &values, &mut range));
                    let frame = Frame::new(&range, &middle(d, n, |i| rows.row(i)));
                    let mut nearest = Nearest::new(level, rows, rows.row(0));
                    let mut plain: Vec<f64> =
                        (0..n).map(|i| squared_distance(rows.row(i), rows.row(0))).collect();
                    for drawn in drawn.chunks(40) {
                        let row = |j: usize| rows.row(drawn[j]);
                        let candidates: Vec<F> = (0..40).flat_map(row).copied().collect();
                        nearest.set_grid(rows);
                        nearest.look(level, &frame, candidates, rows);
                        for some in [[0, 1, 2], [5, 17, 39]] {
                            for (gain, j) in nearest.gains(level, rows, &some).into_iter().zip(some) {
                                let fall =
                                    |i: usize| (plain[i] - squared_distance(rows.row(i), row(j))).max(0.0);
                                let mut expected = Sum::default();
                                (0..n)
                                    .rev()
                                    .for_each(|i| expected.add(&nearest.grid, rows.weight(i) * fall(i)));
                                let expected = expected.value(&nearest.grid);
                                assert_eq!(gain.to_bits(), expected.to_bits(), "{level:?}, d {d}, {kind}");
                                let plain: f64 = (0..n).map(|i| rows.weight(i) * fall(i)).sum();
                                let off = 1e-12 * plain + 1e-24 * nearest.grid.largest;
                                assert!((gain - plain).abs() <= off, "{gain} is not {plain}");
                            }
                            let mut touched = vec![false; n.div_ceil(BLOCK_ROWS)];
                            nearest.take(level, rows, some[1], &mut touched);
                            for (i, plain) in plain.iter_mut().enumerate() {
                                let distance = squared_distance(rows.row(i), row(some[1]));
                                assert!(distance >= *plain || touched[i / BLOCK_ROWS]);
                                *plain = plain.min(distance);
                            }
                            assert_eq!(nearest.distances, plain, "{level:?}, d {d}, kind {kind}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn no_nearer_candidate_is_screened_out() {
        agree::<f32>();
        agree::<f64>();
    }
}
