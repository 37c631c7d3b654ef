//! Seeding: which of a few candidates come nearer to a row than its nearest centroid so far.
//!
//! The kernel's scores rule most pairs out (a score below what any nearer candidate would reach, with the bound of [`super::pack`]);
//! the rest are measured by the reference distance. So the answer is exact and the same on every machine, for the price of
//! the fast scores: after j centroids only about one row in j has anything to gain.

use super::assign::{Rows, Scratch, apart, chunk_rows};
use super::element::{Element, Level, Vector, framed};
use super::exact::squared_distance;
use super::pack::{Frame, Margin, Packed};
use super::vector::{Lanes, all};
use super::{lanes, par, tile};
use fearless_simd::Simd;

/// Candidates at most: the bits of a row's mask.
pub(crate) const CANDIDATES: usize = 32;

/// Rows whose sums are formed together, in order: fixed, so that the sums do not depend on threads.
pub(crate) const BLOCK_ROWS: usize = 1024;

/// What seeding knows of each row: 16 bytes.
pub(crate) struct Nearest<F> {
    /// Squared distance to the nearest centroid so far.
    pub distances: Vec<f64>,
    /// A candidate with a score below this is not nearer.
    thresholds: Vec<F>,
    /// A bit for each candidate that is nearer.
    masks: Vec<u32>,
}

/// The rows of one piece of work, and what is known of them.
pub(crate) struct Part<'a, F> {
    pub rows: Rows<'a, F>,
    pub distances: &'a mut [f64],
    pub thresholds: &'a mut [F],
    pub masks: &'a mut [u32],
}

/// Fills the masks of a chunk, and adds to each candidate's gain what its rows' weighted squared distances would fall by.
#[inline(always)]
pub(super) fn screen<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    part: &mut Part<'_, F>,
    scratch: &mut Scratch<F>,
    gains: &mut [f64],
) {
    part.masks.fill(0);
    macro_rules! few {
        ($($d:literal)*) => {
            match packed.d {
                $($d => apart(simd, #[inline(always)] || few::<S, F, $d>(simd, packed, part, scratch)),)*
                _ => apart(simd, #[inline(always)] || many(simd, packed, part, scratch)),
            }
        };
    }
    few!(1 2 3 4 5 6 7 8);
    for (i, (mask, &nearest)) in part.masks.iter_mut().zip(&*part.distances).enumerate() {
        let mut left = *mask;
        while left != 0 {
            let j = left.trailing_zeros() as usize;
            left &= left - 1;
            let distance = squared_distance(part.rows.row(i), &packed.centroids[j * packed.d..][..packed.d]);
            if distance < nearest {
                gains[j] += part.rows.weight(i) * (nearest - distance);
            } else {
                *mask &= !(1 << j);
            }
        }
    }
}

#[inline(always)]
fn few<S: Simd, F: Element, const D: usize>(
    simd: S,
    packed: &Packed<F>,
    part: &mut Part<'_, F>,
    scratch: &mut Scratch<F>,
) {
    let len = Vector::<S, F>::LEN;
    let groups =
        part.rows.values.chunks(len * D).zip(part.thresholds.chunks(len)).zip(part.masks.chunks_mut(len));
    for ((rows, thresholds), masks) in groups {
        let x = lanes::columns::<S, F, D>(simd, rows, &packed.frame);
        scratch.norms[..thresholds.len()].copy_from_slice(thresholds);
        let bound = Vector::<S, F>::load(simd, &scratch.norms);
        for (j, record) in packed.records.chunks_exact(D + 2).enumerate() {
            let mut score = Vector::<S, F>::splat(simd, record[D]);
            for t in 0..D {
                score = x[t].mul_add(Vector::<S, F>::splat(simd, record[t]), score);
            }
            // Not all lanes: one without a row may hold anything, and a score that is not a number is not below its bound.
            let mut near = all(thresholds.len()) & !score.less(bound);
            while near != 0 {
                masks[near.trailing_zeros() as usize] |= 1 << j;
                near &= near - 1;
            }
        }
    }
}

#[inline(always)]
fn many<S: Simd, F: Element>(simd: S, packed: &Packed<F>, part: &mut Part<'_, F>, scratch: &mut Scratch<F>) {
    let (d, len) = (packed.d, Vector::<S, F>::LEN);
    let group = tile::VECTORS * len;
    let groups = part.thresholds.chunks(group).zip(part.masks.chunks_mut(group));
    for (g, (thresholds, masks)) in groups.enumerate() {
        let rows = &part.rows.values[g * group * d..];
        let (columns, _) = scratch.turned.turn(simd, &packed.frame, rows);
        let bounds = &mut scratch.norms[..group];
        bounds[..thresholds.len()].copy_from_slice(thresholds);
        for panel in packed.records.chunks_exact(tile::CENTROIDS * (d + 2)) {
            let scores = tile::scores(simd, columns, panel, d);
            let (starts, tags) = panel[tile::CENTROIDS * d..].split_at(tile::CENTROIDS);
            let candidates = starts.iter().zip(tags).take_while(|candidate| *candidate.0 > F::neg_infinity());
            for ((_, tag), scores) in candidates.zip(&scores) {
                let j = tag.untag();
                for (v, score) in scores.iter().enumerate().take(thresholds.len().div_ceil(len)) {
                    let bound = Vector::<S, F>::load(simd, &bounds[v * len..]);
                    let mut near = all(len.min(thresholds.len() - v * len)) & !score.less(bound);
                    while near != 0 {
                        masks[v * len + near.trailing_zeros() as usize] |= 1 << j;
                        near &= near - 1;
                    }
                }
            }
        }
    }
}

/// Makes the candidate the nearest centroid of the rows whose mask has its bit; whether there are any.
#[inline(always)]
pub(super) fn take<F: Element>(
    frame: &Frame<F>,
    candidate: &[F],
    bit: usize,
    part: &mut Part<'_, F>,
) -> bool {
    let margin = Margin::new(candidate.len());
    let mut touched = false;
    for i in 0..part.masks.len() {
        if part.masks[i] >> bit & 1 == 0 {
            continue;
        }
        let row = part.rows.row(i);
        let distance = squared_distance(row, candidate);
        part.distances[i] = distance;
        part.thresholds[i] = margin.threshold(squared_norm(row, frame), distance, frame);
        touched = true;
    }
    touched
}

/// Of a row in the frame. Eight sums side by side, for one would wait for itself.
#[inline(always)]
fn squared_norm<F: Element>(row: &[F], frame: &Frame<F>) -> f64 {
    let mut part = [0.0; 8];
    for (row, offset) in row.chunks(8).zip(frame.offset.chunks(8)) {
        for (part, (&x, &offset)) in part.iter_mut().zip(row.iter().zip(offset)) {
            *part += framed(x, offset, frame).f64().powi(2);
        }
    }
    part.iter().sum()
}

impl<F: Element> Nearest<F> {
    /// Before there is any centroid: infinitely far.
    pub(crate) fn new(n: usize) -> Self {
        Nearest {
            distances: vec![f64::INFINITY; n],
            thresholds: vec![F::neg_infinity(); n],
            masks: vec![1; n],
        }
    }

    fn parts<'a>(&'a mut self, rows: Rows<'a, F>) -> impl Iterator<Item = Part<'a, F>> {
        let per_row = self.distances.chunks_mut(BLOCK_ROWS).zip(self.thresholds.chunks_mut(BLOCK_ROWS));
        per_row.zip(self.masks.chunks_mut(BLOCK_ROWS)).enumerate().map(
            move |(b, ((distances, thresholds), masks))| Part {
                rows: rows.part(b * BLOCK_ROWS, masks.len()),
                distances,
                thresholds,
                masks,
            },
        )
    }

    /// For each candidate, by how much the sum of weighted squared distances would fall if it became a centroid.
    pub(crate) fn gains(&mut self, level: Level, packed: &Packed<F>, rows: Rows<'_, F>) -> Vec<f64> {
        let (k, chunk) = (packed.k, chunk_rows(rows.d));
        let mut block_gains = vec![0.0; self.masks.len().div_ceil(BLOCK_ROWS) * k];
        let workers = par::workers_for(rows.values.len() as f64 * k as f64);
        let mut workers: Vec<_> = (0..workers).map(|_| Scratch::new(level, rows.d)).collect();
        let pieces = self.parts(rows).zip(block_gains.chunks_mut(k));
        par::share(&mut workers, pieces, |scratch, (part, gains)| {
            for first in (0..part.masks.len()).step_by(chunk) {
                let n = chunk.min(part.masks.len() - first);
                let mut part = Part {
                    rows: part.rows.part(first, n),
                    distances: &mut part.distances[first..][..n],
                    thresholds: &mut part.thresholds[first..][..n],
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
    pub(crate) fn take(
        &mut self,
        level: Level,
        frame: &Frame<F>,
        rows: Rows<'_, F>,
        candidate: &[F],
        bit: usize,
    ) -> Vec<bool> {
        let mut touched = vec![false; self.masks.len().div_ceil(BLOCK_ROWS)];
        let mut workers = vec![(); par::workers_for(rows.values.len() as f64)];
        par::share(&mut workers, self.parts(rows).zip(&mut touched), |(), (mut part, touched)| {
            *touched = F::take(level, frame, candidate, bit, &mut part);
        });
        touched
    }
}
