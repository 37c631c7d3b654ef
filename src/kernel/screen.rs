//! Seeding: which of a few candidates come nearer to a row than its nearest centroid so far.
//!
//! The kernel's scores rule most pairs out (a score below what any nearer candidate would reach, with the bound of [`super::pack`]);
//! the rest are measured by the reference distance. So the answer is exact and the same on every machine, for the price of
//! the fast scores: after j centroids only about one row in j has anything to gain.

use super::assign::{Rows, Scratch, chunk_rows};
use super::element::{Element, Level, Vector};
use super::exact::squared_distance;
use super::pack::Packed;
use super::{lanes, par, tile};
use super::vector::{Lanes, all};
use fearless_simd::Simd;

/// Candidates at most: the bits of a row's mask.
pub(crate) const CANDIDATES: usize = 32;

/// Rows whose sums are formed together, in order: fixed, so that the sums do not depend on threads.
pub(crate) const BLOCK_ROWS: usize = 1024;

/// A thread's buffers, and what one chunk gave.
pub(crate) struct Screen<F> {
    scratch: Scratch<F>,
    /// Scores below this cannot be nearer; per row.
    thresholds: Vec<F>,
    /// Which candidates may be (in: nothing; out: are) nearer; per row.
    masks: Vec<u32>,
}

/// Fills the masks of a chunk.
#[inline(always)]
pub(super) fn screen<S: Simd, F: Element>(simd: S, packed: &Packed<F>, rows: &[F], nearest: &[f64], screen: &mut Screen<F>) {
    screen.masks[..nearest.len()].fill(0);
    macro_rules! few {
        ($($d:literal)*) => {
            match packed.d {
                $($d => few::<S, F, $d>(simd, packed, rows, nearest, screen),)*
                _ => many(simd, packed, rows, nearest, screen),
            }
        };
    }
    few!(1 2 3 4 5 6 7 8);
    for ((row, mask), &nearest) in rows.chunks_exact(packed.d).zip(&mut screen.masks).zip(nearest) {
        let mut left = *mask;
        while left != 0 {
            let j = left.trailing_zeros();
            left &= left - 1;
            let candidate = &packed.centroids[j as usize * packed.d..][..packed.d];
            if !(squared_distance(row, candidate) < nearest) {
                *mask &= !(1 << j);
            }
        }
    }
}

/// No candidate with a lower score is nearer than the given squared distance. Written so that what is not a number passes.
#[inline(always)]
fn threshold<F: Element>(packed: &Packed<F>, norm: F, nearest: f64) -> F {
    let (norm, scale) = (norm.f64(), packed.frame.scale.f64());
    let own = norm * packed.row_factor.f64() + packed.row_floor.f64();
    let bound = (norm - nearest * scale * scale) * 0.5 - own;
    -F::above(-(bound - bound.abs() * 4.0 * F::UNIT))
}

#[inline(always)]
fn few<S: Simd, F: Element, const D: usize>(
    simd: S,
    packed: &Packed<F>,
    rows: &[F],
    nearest: &[f64],
    screen: &mut Screen<F>,
) {
    let len = Vector::<S, F>::LEN;
    let turned = &mut screen.scratch.framed[..D * len];
    let groups = rows.chunks(len * D).zip(nearest.chunks(len)).zip(screen.masks.chunks_mut(len));
    for ((rows, nearest), masks) in groups {
        lanes::transpose::<F, D>(rows, &packed.frame, len, turned);
        let x: [Vector<S, F>; D] = std::array::from_fn(|t| Vector::<S, F>::load(simd, &turned[t * len..]));
        let mut norm = Vector::<S, F>::splat(simd, F::default());
        for x in x {
            norm = x.mul_add(x, norm);
        }
        norm.store(&mut screen.scratch.norms);
        for ((threshold_out, &norm), &nearest) in screen.thresholds.iter_mut().zip(&screen.scratch.norms).zip(nearest) {
            *threshold_out = threshold(packed, norm, nearest);
        }
        let bound = Vector::<S, F>::load(simd, &screen.thresholds);
        for (j, record) in packed.records.chunks_exact(D + 2).enumerate() {
            let mut score = Vector::<S, F>::splat(simd, record[D]);
            for t in 0..D {
                score = x[t].mul_add(Vector::<S, F>::splat(simd, record[t]), score);
            }
            let mut near = all(len) & !score.less(bound);
            while near != 0 {
                if let Some(mask) = masks.get_mut(near.trailing_zeros() as usize) {
                    *mask |= 1 << j;
                }
                near &= near - 1;
            }
        }
    }
}

#[inline(always)]
fn many<S: Simd, F: Element>(simd: S, packed: &Packed<F>, rows: &[F], nearest: &[f64], screen: &mut Screen<F>) {
    let (d, len) = (packed.d, Vector::<S, F>::LEN);
    let tiles = nearest.len().div_ceil(tile::ROWS);
    let framed = &mut screen.scratch.framed[..tiles * tile::ROWS * d];
    let norms = &mut screen.scratch.norms[..nearest.len()];
    tile::frame_rows(simd, packed, rows, framed, norms);
    for ((threshold_out, &norm), &nearest) in screen.thresholds.iter_mut().zip(&*norms).zip(nearest) {
        *threshold_out = threshold(packed, norm, nearest);
    }
    for (p, panel) in packed.records.chunks_exact(2 * len * (d + 1)).enumerate() {
        let all = framed.chunks_exact(tile::ROWS * d);
        let per_row = screen.masks[..nearest.len()].chunks_mut(tile::ROWS).zip(screen.thresholds.chunks(tile::ROWS));
        for (rows, (masks, thresholds)) in all.zip(per_row) {
            let scores = tile::scores(simd, rows, panel, d);
            for (r, (mask, &threshold)) in masks.iter_mut().zip(thresholds).enumerate() {
                for (v, score) in scores[r].iter().enumerate() {
                    let near = !score.less(Vector::<S, F>::splat(simd, threshold)) as u32;
                    let first = (2 * p + v) * len;
                    if first < packed.k {
                        let here = (packed.k - first).min(len);
                        *mask |= (near & (u32::MAX >> (32 - here))) << first;
                    }
                }
            }
        }
    }
}

/// For each row a bit per candidate that is strictly nearer to it than `nearest` (squared), into `masks`, and for each
/// candidate the sum over those rows of weight times the squared distance gained.
pub(crate) fn gains<F: Element>(
    level: Level,
    packed: &Packed<F>,
    rows: Rows<'_, F>,
    nearest: &[f64],
    masks: &mut [u32],
) -> Vec<f64> {
    let (d, k, chunk) = (rows.d, packed.k, chunk_rows(rows.d));
    let blocks = nearest.len().div_ceil(BLOCK_ROWS);
    let mut block_gains = vec![0.0; blocks * k];
    let mut workers: Vec<_> = (0..par::workers_for(rows.values.len() as f64 * k as f64))
        .map(|_| Screen { scratch: Scratch::new(level, d), thresholds: vec![F::default(); chunk], masks: vec![0; chunk] })
        .collect();
    let pieces = masks.chunks_mut(BLOCK_ROWS).zip(nearest.chunks(BLOCK_ROWS)).zip(block_gains.chunks_mut(k)).enumerate();
    par::share(&mut workers, pieces, |screen, (b, ((masks, nearest), gains))| {
        for (c, (masks, nearest)) in masks.chunks_mut(chunk).zip(nearest.chunks(chunk)).enumerate() {
            let first = b * BLOCK_ROWS + c * chunk;
            let values = &rows.values[first * d..][..masks.len() * d];
            F::screen(level, packed, values, nearest, screen);
            masks.copy_from_slice(&screen.masks[..masks.len()]);
            for (i, &mask) in masks.iter().enumerate() {
                let mut left = mask;
                while left != 0 {
                    let j = left.trailing_zeros() as usize;
                    left &= left - 1;
                    let distance = squared_distance(rows.row(first + i), &packed.centroids[j * d..][..d]);
                    gains[j] += rows.weight(first + i) * (nearest[i] - distance);
                }
            }
        }
    });
    let mut gains = vec![0.0; k];
    for block in block_gains.chunks_exact(k) {
        for (gain, part) in gains.iter_mut().zip(block) {
            *gain += part;
        }
    }
    gains
}

/// Lowers `nearest` to the squared distance to the candidate, for the rows whose mask has its bit; returns the blocks touched.
pub(crate) fn take<F: Element>(rows: Rows<'_, F>, candidate: &[F], bit: usize, masks: &[u32], nearest: &mut [f64]) -> Vec<bool> {
    let mut touched = vec![false; nearest.len().div_ceil(BLOCK_ROWS)];
    let mut workers = vec![(); par::workers_for(rows.values.len() as f64)];
    let pieces = nearest.chunks_mut(BLOCK_ROWS).zip(masks.chunks(BLOCK_ROWS)).zip(&mut touched).enumerate();
    par::share(&mut workers, pieces, |(), (b, ((nearest, masks), touched))| {
        for (i, (nearest, mask)) in nearest.iter_mut().zip(masks).enumerate() {
            if mask >> bit & 1 == 1 {
                *nearest = squared_distance(rows.row(b * BLOCK_ROWS + i), candidate);
                *touched = true;
            }
        }
    });
    touched
}
