//! Seeding: which of a few candidates come nearer to a row than its nearest centroid so far.
//!
//! The kernel's scores rule most pairs out (a score below what any nearer candidate would reach, with the bound of [`super::pack`]);
//! the rest are measured by the reference distance. So the answer is exact and the same on every machine, for the price of
//! the fast scores: after j centroids only about one row in j has anything to gain.

use super::assign::{Rows, Scratch, apart, chunk_rows};
use super::element::{Element, Level, Vector};
use super::exact::{lone_distance, squared_distance};
use super::pack::Packed;
use super::vector::{Lanes, all};
use super::{par, tile};
use fearless_simd::Simd;

/// Candidates at most: the bits of a row's mask.
pub(crate) const CANDIDATES: usize = 32;

/// Rows whose sums are formed together, in order: fixed, so that the sums do not depend on threads.
pub(crate) const BLOCK_ROWS: usize = 1024;

/// What seeding knows of each row: 12 bytes.
pub(crate) struct Nearest {
    /// Squared distance to the nearest centroid so far.
    pub distances: Vec<f64>,
    /// A bit for each candidate that is nearer.
    masks: Vec<u32>,
}

/// The rows of one piece of work, and what is known of them.
pub(crate) struct Part<'a, F> {
    pub rows: Rows<'a, F>,
    pub distances: &'a mut [f64],
    pub masks: &'a mut [u32],
}

/// Fills the masks of a chunk, and adds to each candidate's gain what its rows' weighted squared distances would fall by.
///
/// The pairs that scores leave are written down and then measured one after another: a branch for each would be guessed wrong too often.
#[inline(always)]
pub(super) fn screen<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    part: &mut Part<'_, F>,
    scratch: &mut Scratch<F>,
    gains: &mut [f64],
) {
    let mut near = std::mem::take(&mut scratch.open);
    near.clear();
    apart(
        simd,
        #[inline(always)]
        || find(simd, packed, part, scratch, &mut near),
    );
    part.masks.fill(0);
    for &pair in &near {
        let (i, j) = (pair as usize / CANDIDATES, pair as usize % CANDIDATES);
        let distance = squared_distance(part.rows.row(i), &packed.centroids[j * packed.d..][..packed.d]);
        let gain = part.distances[i] - distance;
        part.masks[i] |= u32::from(gain > 0.0) << j;
        gains[j] += part.rows.weight(i) * gain.max(0.0);
    }
    scratch.open = near;
}

/// The pairs of a row and a candidate that may be nearer, as one number; those of one candidate by rows.
#[inline(always)]
fn find<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    part: &Part<'_, F>,
    scratch: &mut Scratch<F>,
    pairs: &mut Vec<u32>,
) {
    let (d, len, scale) = (packed.d, Vector::<S, F>::LEN, packed.frame.scale.f64());
    let group = tile::VECTORS * len;
    // A score below S less the row's part of the error is not nearer, S of the distance so far. The margin has twice that part, which covers what is
    // lost in forming half the norm, and so much more of the distance what is lost with that.
    let part_of_norm = Vector::<S, F>::splat(simd, F::of(0.5 - packed.margin.row_factor.f64()));
    let part_of_distance = 0.5 + 4.0 * F::UNIT;
    for (g, distances) in part.distances.chunks(group).enumerate() {
        let rows = &part.rows.values[g * group * d..];
        let (columns, norms) = scratch.turned.turn(simd, &packed.frame, rows);
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
                    let first = (g * group + v * len) * CANDIDATES + tag.untag() as usize;
                    while near != 0 {
                        pairs.push((first + near.trailing_zeros() as usize * CANDIDATES) as u32);
                        near &= near - 1;
                    }
                }
            }
        }
    }
}

/// Makes the candidate the nearest centroid of the rows whose mask has its bit; whether there are any.
#[inline(always)]
pub(super) fn take<F: Element>(candidate: &[F], bit: usize, part: &mut Part<'_, F>) -> bool {
    // Written down first, as above.
    let (mut nearer, mut count) = ([0_u16; BLOCK_ROWS], 0);
    for (i, mask) in part.masks.iter().enumerate() {
        nearer[count] = i as u16;
        count += (mask >> bit & 1) as usize;
    }
    for &i in &nearer[..count] {
        part.distances[i as usize] = lone_distance(part.rows.row(i as usize), candidate);
    }
    count > 0
}

impl Nearest {
    /// Before there is any centroid: infinitely far.
    pub(crate) fn new(n: usize) -> Self {
        Nearest { distances: vec![f64::INFINITY; n], masks: vec![1; n] }
    }

    fn parts<'a, F: Element>(&'a mut self, rows: Rows<'a, F>) -> impl Iterator<Item = Part<'a, F>> {
        let per_row = self.distances.chunks_mut(BLOCK_ROWS).zip(self.masks.chunks_mut(BLOCK_ROWS));
        per_row.enumerate().map(move |(b, (distances, masks))| Part {
            rows: rows.part(b * BLOCK_ROWS, masks.len()),
            distances,
            masks,
        })
    }

    /// For each candidate, by how much the sum of weighted squared distances would fall if it became a centroid.
    pub(crate) fn gains<F: Element>(
        &mut self,
        level: Level,
        packed: &Packed<F>,
        rows: Rows<'_, F>,
    ) -> Vec<f64> {
        let (k, chunk) = (packed.k, chunk_rows(rows.d));
        let mut block_gains = vec![0.0; self.masks.len().div_ceil(BLOCK_ROWS) * k];
        let workers = par::workers_for(rows.values.len() as f64 * (k + 4) as f64);
        let mut workers: Vec<_> = (0..workers).map(|_| Scratch::new(level, rows.d)).collect();
        let pieces = self.parts(rows).zip(block_gains.chunks_mut(k));
        par::share(&mut workers, pieces, |scratch, (part, gains)| {
            for first in (0..part.masks.len()).step_by(chunk) {
                let n = chunk.min(part.masks.len() - first);
                let mut part = Part {
                    rows: part.rows.part(first, n),
                    distances: &mut part.distances[first..][..n],
                    masks: &mut part.masks[first..][..n],
                };
                F::screen(level, packed, &mut part, scratch, gains);
            }
        });
        let mut gains = vec![0.0; k];
        for block in block_gains.chunks_exact(k) {
            gains.iter_mut().zip(block).for_each(|(gain, part)| *gain += part);
        }
        gains
    }

    /// Makes a candidate of the last [`gains`](Self::gains) (or the very first, with bit 0) a centroid. Returns the blocks of rows that changed.
    pub(crate) fn take<F: Element>(
        &mut self,
        level: Level,
        rows: Rows<'_, F>,
        candidate: &[F],
        bit: usize,
    ) -> Vec<bool> {
        let mut touched = vec![false; self.masks.len().div_ceil(BLOCK_ROWS)];
        let mut workers = vec![(); par::workers_for((rows.values.len() + 8 * rows.n()) as f64)];
        par::share(&mut workers, self.parts(rows).zip(&mut touched), |(), (mut part, touched)| {
            *touched = F::take(level, candidate, bit, &mut part);
        });
        touched
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::pack::{Frame, Range, middle};
    use crate::kernel::tests::{hard, levels};
    use crate::rng::SeededRng;

    /// Candidates one after another, each time against gains and distances of the reference, summed in the same order.
    fn agree<F: Element>() {
        let mut rng = SeededRng::new(12);
        for d in [1, 3, 5, 8, 16, 17, 70, 300] {
            for kind in 0..10 {
                let n = [700, 2100, 1024, 1][kind % 4];
                let values: Vec<F> = hard(kind, n, d, &mut rng);
                let weights: Vec<f64> = (0..n).map(|_| rng.below(3) as f64).collect();
                let given = (kind % 2 == 1).then_some(weights.as_slice());
                let rows = Rows { values: &values, d, weights: given };
                let tries: Vec<usize> = (0..3 * 9).map(|_| rng.below(n)).collect();
                for level in levels() {
                    let mut range = Range::new(d);
                    assert!(F::scan(level, &values, &mut range));
                    let frame = Frame::new(&range, &middle(d, n, |i| rows.row(i)));
                    let mut nearest = Nearest::new(n);
                    nearest.take(level, rows, rows.row(tries[0]), 0);
                    let mut plain: Vec<f64> =
                        (0..n).map(|i| squared_distance(rows.row(i), rows.row(tries[0]))).collect();
                    for tries in tries.chunks(9) {
                        let candidates: Vec<F> = tries.iter().flat_map(|&i| rows.row(i)).copied().collect();
                        let packed = Packed::in_tiles(level, &frame, &candidates, d);
                        let gains = nearest.gains(level, &packed, rows);
                        for (candidate, gain) in candidates.chunks(d).zip(gains) {
                            let fall =
                                |i: usize| (plain[i] - squared_distance(rows.row(i), candidate)).max(0.0);
                            let of_block = |first: usize| -> f64 {
                                (first..n.min(first + BLOCK_ROWS)).map(|i| rows.weight(i) * fall(i)).sum()
                            };
                            let expected: f64 = (0..n).step_by(BLOCK_ROWS).map(of_block).sum();
                            assert_eq!(gain.to_bits(), expected.to_bits(), "{level:?}, d {d}, kind {kind}");
                        }
                        let touched = nearest.take(level, rows, &candidates[4 * d..5 * d], 4);
                        for (b, touched) in touched.into_iter().enumerate() {
                            let mut nearer = false;
                            for i in b * BLOCK_ROWS..n.min((b + 1) * BLOCK_ROWS) {
                                let distance = squared_distance(rows.row(i), &candidates[4 * d..5 * d]);
                                nearer |= distance < plain[i];
                                plain[i] = plain[i].min(distance);
                            }
                            assert_eq!(touched, nearer);
                        }
                        assert_eq!(nearest.distances, plain, "{level:?}, d {d}, kind {kind}");
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
