//! Seeding of sorted rows of few columns: whole tiles are passed over.
//!
//! Of each tile of neighbouring rows ([`super::tiles`]) a box is known, and the largest distance of a row to its nearest centroid so far. A candidate at
//! least that far from the box is nearer to none of the rows. After j centroids, about one tile in j is left to look at, and there the
//! reference distances of few columns cost no more than scores would. They are formed column by column over the rows of a tile, without a branch.

use super::assign::Rows;
use super::element::{Element, Level};
use super::par;
use super::screen::BLOCK_ROWS;
use super::tiles::TILE;

/// Columns at most.
pub(crate) const FENCED_COLUMNS: usize = 4;

/// Relative amount by which the distance to a box is rounded down: more than the reference distance may be off.
const LESS: f64 = 1.0 - 1e-9;

/// What seeding knows of sorted rows: 8 bytes a row.
pub(crate) struct Fenced<F> {
    /// Squared distance to the nearest centroid so far.
    pub distances: Vec<f64>,
    fences: Vec<Fence<F>>,
    /// So far.
    centroids: usize,
}

/// The fences of the tiles in one block of rows.
#[derive(Clone)]
struct Fence<F> {
    /// d values a tile, then those around them all.
    low: Vec<F>,
    high: Vec<F>,
    /// Per tile, and at last of them all: the largest of the distances.
    farthest: Vec<f64>,
}

impl<F: Element> Fenced<F> {
    /// Before there is any centroid: infinitely far.
    pub(crate) fn new(level: Level, rows: Rows<'_, F>) -> Self {
        let blank = Fence { low: Vec::new(), high: Vec::new(), farthest: Vec::new() };
        let mut fences = vec![blank; rows.n().div_ceil(BLOCK_ROWS)];
        let mut workers = vec![(); par::workers_for(rows.values.len() as f64 * 4.0)];
        par::share(&mut workers, fences.iter_mut().enumerate(), |(), (b, fence)| {
            *fence = Fence::new(level, block(rows, b));
        });
        Fenced { distances: vec![f64::INFINITY; rows.n()], fences, centroids: 0 }
    }

    /// About what one candidate costs, in multiply-adds.
    fn work(&self) -> f64 {
        (self.fences.len() * 64 + self.distances.len() * 8 / self.centroids.max(1)) as f64
    }

    /// For each candidate, by how much the sum of weighted squared distances would fall if it became a centroid.
    /// The sums are formed per block of rows and added in order.
    pub(crate) fn gains(&self, level: Level, candidates: &[F], rows: Rows<'_, F>) -> Vec<f64> {
        let k = candidates.len() / rows.d;
        let mut block_gains = vec![0.0; self.fences.len() * k];
        let mut workers = vec![(); par::workers_for(self.work() * k as f64)];
        let pieces = self.fences.iter().zip(self.distances.chunks(BLOCK_ROWS)).zip(block_gains.chunks_mut(k));
        par::share(&mut workers, pieces.enumerate(), |(), (b, ((fence, distances), gains))| {
            let rows = block(rows, b);
            let (tiles, d) = (fence.farthest.len() - 1, rows.d);
            if fence.open(tiles, candidates, d) == 0 {
                return;
            }
            for (tile, distances) in distances.chunks(TILE).enumerate() {
                let open = fence.open(tile, candidates, d);
                if open != 0 {
                    let rows = rows.part(tile * TILE, distances.len());
                    F::fenced_gains(level, rows, distances, candidates, open, gains);
                }
            }
        });
        let mut gains = vec![0.0; k];
        for block in block_gains.chunks_exact(k) {
            gains.iter_mut().zip(block).for_each(|(gain, part)| *gain += part);
        }
        gains
    }

    /// Makes a candidate a centroid. Returns the blocks of rows that changed.
    pub(crate) fn take(&mut self, level: Level, rows: Rows<'_, F>, candidate: &[F]) -> Vec<bool> {
        let mut touched = vec![false; self.fences.len()];
        let mut workers = vec![(); par::workers_for(self.work())];
        let pieces = self.fences.iter_mut().zip(self.distances.chunks_mut(BLOCK_ROWS)).zip(&mut touched);
        par::share(&mut workers, pieces.enumerate(), |(), (b, ((fence, distances), touched))| {
            let rows = block(rows, b);
            let (tiles, d) = (fence.farthest.len() - 1, rows.d);
            if fence.open(tiles, candidate, d) == 0 {
                return;
            }
            for (tile, distances) in distances.chunks_mut(TILE).enumerate() {
                if fence.open(tile, candidate, d) != 0 {
                    let rows = rows.part(tile * TILE, distances.len());
                    *touched |= F::fenced_take(level, rows.values, candidate, distances);
                    fence.farthest[tile] = distances.iter().copied().fold(0.0, f64::max);
                }
            }
            fence.farthest[tiles] = fence.farthest[..tiles].iter().copied().fold(0.0, f64::max);
        });
        self.centroids += 1;
        touched
    }
}

/// The rows of one block.
fn block<F: Element>(rows: Rows<'_, F>, b: usize) -> Rows<'_, F> {
    rows.part(b * BLOCK_ROWS, BLOCK_ROWS.min(rows.n() - b * BLOCK_ROWS))
}

impl<F: Element> Fence<F> {
    fn new(level: Level, rows: Rows<'_, F>) -> Self {
        let (d, tiles) = (rows.d, rows.n().div_ceil(TILE));
        let (mut low, mut high) = (vec![F::default(); (tiles + 1) * d], vec![F::default(); (tiles + 1) * d]);
        for i in 0..=tiles {
            let part = if i < tiles { rows.part(i * TILE, TILE.min(rows.n() - i * TILE)) } else { rows };
            F::enclose(level, part, &mut low[i * d..][..d], &mut high[i * d..][..d]);
        }
        Fence { low, high, farthest: vec![f64::INFINITY; tiles + 1] }
    }

    /// A bit for each candidate that may be nearest to a row of the tile.
    fn open(&self, tile: usize, candidates: &[F], d: usize) -> u32 {
        let (low, high) = (&self.low[tile * d..][..d], &self.high[tile * d..][..d]);
        let mut open = 0;
        for (j, candidate) in candidates.chunks_exact(d).enumerate() {
            let mut square = 0.0;
            for t in 0..d {
                let x = candidate[t].f64();
                let outside = (low[t].f64() - x).max(x - high[t].f64()).max(0.0);
                square += outside * outside;
            }
            open |= u32::from(square * LESS < self.farthest[tile]) << j;
        }
        open
    }
}

/// The columns of a tile's rows, and what is known of each row; rows that are not there weigh nothing.
struct Columns<const D: usize> {
    x: [[f64; TILE]; D],
}

impl<const D: usize> Columns<D> {
    #[inline(always)]
    fn new<F: Element>(rows: &[[F; D]]) -> Self {
        let mut x = [[0.0; TILE]; D];
        for (i, row) in rows.iter().enumerate() {
            for t in 0..D {
                x[t][i] = row[t].f64();
            }
        }
        Columns { x }
    }

    /// The reference distance (squared) of row i, whose order of additions is that of [`super::exact`] for up to four columns.
    #[inline(always)]
    fn distance<F: Element>(&self, i: usize, c: &[F; D]) -> f64 {
        let mut part = [0.0; FENCED_COLUMNS];
        for t in 0..D {
            let difference = self.x[t][i] - c[t].f64();
            part[t] = difference * difference;
        }
        (part[0] + part[1]) + (part[2] + part[3])
    }
}

macro_rules! few {
    ($d:expr, $call:ident($($argument:expr),*)) => {
        match $d {
            1 => $call::<F, 1>($($argument),*),
            2 => $call::<F, 2>($($argument),*),
            3 => $call::<F, 3>($($argument),*),
            _ => $call::<F, FENCED_COLUMNS>($($argument),*),
        }
    };
}

/// Adds to the gains of the candidates that have a bit what the weighted distances of a tile's rows would fall by.
#[inline(always)]
pub(super) fn gains<F: Element>(
    rows: Rows<'_, F>,
    distances: &[f64],
    candidates: &[F],
    open: u32,
    gains: &mut [f64],
) {
    few!(rows.d, gains_of(rows, distances, candidates, open, gains));
}

#[inline(always)]
fn gains_of<F: Element, const D: usize>(
    rows: Rows<'_, F>,
    distances: &[f64],
    candidates: &[F],
    open: u32,
    gains: &mut [f64],
) {
    let columns = Columns::<D>::new(rows.values.as_chunks().0);
    // Rows that are not there are at distance 0 already, and gain nothing.
    let (mut now, mut weights) = ([0.0; TILE], [1.0; TILE]);
    now[..rows.n()].copy_from_slice(&distances[..rows.n()]);
    if let Some(given) = rows.weights {
        weights[..rows.n()].copy_from_slice(given);
    }
    for (j, candidate) in candidates.as_chunks::<D>().0.iter().enumerate() {
        if open >> j & 1 == 1 {
            // Eight sums side by side: the same on every machine.
            let mut part = [0.0; 8];
            for first in (0..TILE).step_by(8) {
                for lane in 0..8 {
                    let i = first + lane;
                    let fall = now[i] - columns.distance(i, candidate);
                    part[lane] += weights[i] * (if fall > 0.0 { fall } else { 0.0 });
                }
            }
            gains[j] += part.iter().sum::<f64>();
        }
    }
}

/// Lowers the distances of a tile's rows to those to the candidate, where that is nearer; whether any was.
#[inline(always)]
pub(super) fn take<F: Element>(rows: &[F], candidate: &[F], distances: &mut [f64]) -> bool {
    few!(candidate.len(), take_of(rows, candidate, distances))
}

#[inline(always)]
fn take_of<F: Element, const D: usize>(rows: &[F], candidate: &[F], distances: &mut [f64]) -> bool {
    let columns = Columns::<D>::new(rows.as_chunks().0);
    let candidate = &candidate.as_chunks::<D>().0[0];
    let mut touched = false;
    for (i, now) in distances.iter_mut().enumerate() {
        let distance = columns.distance(i, candidate);
        touched |= distance < *now;
        *now = if distance < *now { distance } else { *now };
    }
    touched
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::exact::squared_distance;
    use crate::kernel::pack::Range;
    use crate::kernel::tests::levels;
    use crate::kernel::tiles::Sorted;
    use crate::rng::SeededRng;

    /// Candidates one after another, each time against sums and distances formed row by row.
    fn agree<F: Element>() {
        let mut rng = SeededRng::new(8);
        for round in 0..24 {
            let (d, n) = (1 + round % 4, 1 + rng.below(6000));
            let coarse = round % 3 == 1;
            let values: Vec<F> = (0..n * d)
                .map(|_| F::of(if coarse { rng.below(9) as f64 } else { 1e3 + rng.uniform() }))
                .collect();
            let weights: Vec<f64> = (0..n).map(|_| rng.below(3) as f64).collect();
            let given = (round % 2 == 1).then_some(weights.as_slice());
            let rows = Rows { values: &values, d, weights: given };
            for level in levels() {
                let mut range = Range::new(d);
                assert!(F::scan(level, &values, &mut range));
                let sorted = Sorted::new(level, rows);
                let mut seen: Vec<u32> = sorted.origin.clone();
                seen.sort_unstable();
                assert!(seen.into_iter().eq(0..n as u32), "every row has one place");
                let rows = sorted.rows(d);
                let mut fenced = Fenced::new(level, rows);
                let mut plain = vec![f64::INFINITY; n];
                for step in 0..12 {
                    let candidates: Vec<F> =
                        (0..3).flat_map(|c| rows.row((step * 977 + c * 3331) % n)).copied().collect();
                    if step > 0 {
                        let gains = fenced.gains(level, &candidates, rows);
                        for (candidate, gain) in candidates.chunks(d).zip(gains) {
                            let fall =
                                |i: usize| (plain[i] - squared_distance(rows.row(i), candidate)).max(0.0);
                            let expected: f64 = (0..n).map(|i| rows.weight(i) * fall(i)).sum();
                            assert!((gain - expected).abs() <= 1e-11 * expected, "{gain} is not {expected}");
                        }
                    }
                    fenced.take(level, rows, &candidates[..d]);
                    for (i, plain) in plain.iter_mut().enumerate() {
                        *plain = plain.min(squared_distance(rows.row(i), &candidates[..d]));
                    }
                    assert_eq!(fenced.distances, plain);
                }
            }
        }
    }

    #[test]
    fn fences_keep_out_only_what_gains_nothing() {
        agree::<f32>();
        agree::<f64>();
    }
}
