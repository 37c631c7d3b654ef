//! One row at a time: centroids in the lanes, several panels at once, and nothing allocated.

use super::element::{Element, Level, Vector, framed};
use super::exact::{in_range, nearest};
use super::pack::{self, BLOCK, Frame, Packed};
use super::vector::{Lanes, MOST_LANES, all};
use fearless_simd::Simd;

/// Panels whose scores are formed side by side: enough chains to hide the latency of the multiply-adds.
const TOGETHER: usize = 4;

/// Centroids in panels of two vectors, whatever the number of columns.
#[derive(Clone)]
pub(crate) struct Single<F> {
    packed: Packed<F>,
    panels: Vec<F>,
}

impl<F: Element> Single<F> {
    pub(crate) fn new(level: Level, centroids: &[F], d: usize) -> Self {
        let (packed, moved) = Packed::bare(level, &Frame::of_centroids(level, centroids, d), centroids, d);
        let width = 2 * F::width(level);
        let mut panels = pack::panels(width, &moved, &packed.starts, d);
        let size = width * (d + 2);
        // Whole sets of panels.
        while panels.len() % (size * TOGETHER) > 0 {
            panels.extend((0..size).map(|at| if at / width == d { F::neg_infinity() } else { F::default() }));
        }
        Single { packed, panels }
    }

    pub(crate) fn columns(&self) -> usize {
        self.packed.d
    }
}

/// The label of one row; `None` if a value is not finite, or too large.
#[inline(always)]
pub(super) fn label<S: Simd, F: Element>(simd: S, single: &Single<F>, row: &[F]) -> Option<u32> {
    let (d, len) = (single.packed.d, Vector::<S, F>::LEN);
    let packed = &single.packed;
    let zero = Vector::<S, F>::splat(simd, F::default());
    let least = Vector::<S, F>::splat(simd, F::neg_infinity());
    let (mut best, mut second, mut tag) = (least, least, zero);
    let size = 2 * len * (d + 2);
    for panels in single.panels.chunks_exact(size * TOGETHER) {
        let pair = |p: usize, row: usize| {
            let pair = &panels[p * size + row * 2 * len..][..2 * len];
            [Vector::<S, F>::load(simd, pair), Vector::<S, F>::load(simd, &pair[len..])]
        };
        let mut scores = [[zero; 2]; TOGETHER];
        for p in 0..TOGETHER {
            scores[p] = pair(p, d);
        }
        // Block by block, as the tile does, for the same bound on the error.
        for first in (0..d).step_by(BLOCK) {
            let mut part = [[zero; 2]; TOGETHER];
            for t in first..d.min(first + BLOCK) {
                let x = Vector::<S, F>::splat(simd, framed(row[t], packed.frame.offset[t], &packed.frame));
                for p in 0..TOGETHER {
                    let column = pair(p, t);
                    part[p][0] = x.mul_add(column[0], part[p][0]);
                    part[p][1] = x.mul_add(column[1], part[p][1]);
                }
            }
            for p in 0..TOGETHER {
                scores[p][0] = scores[p][0] + part[p][0];
                scores[p][1] = scores[p][1] + part[p][1];
            }
        }
        for p in 0..TOGETHER {
            let tags = pair(p, d + 1);
            for v in 0..2 {
                tag = scores[p][v].if_greater(best, tags[v], tag);
                second = second.max(scores[p][v].min(best));
                best = best.max(scores[p][v]);
            }
        }
    }
    if !in_range(row) {
        return None;
    }
    let mut norm = F::default();
    for (&x, &offset) in row.iter().zip(&packed.frame.offset) {
        let x = framed(x, offset, &packed.frame);
        norm = norm + x * x;
    }
    let top = best.largest();
    let lane = (best.equal(Vector::<S, F>::splat(simd, top)).trailing_zeros() as usize).min(len - 1);
    let mut tags = [F::default(); MOST_LANES];
    tag.store(&mut tags);
    let label = tags[lane].untag();
    let winner = (label as usize).min(packed.k - 1);
    let margin = top - (norm * packed.margin.row_factor + packed.margin.row_floor + packed.slack[winner]);
    let margin = Vector::<S, F>::splat(simd, margin);
    let near = all(len) & !best.less(margin);
    let settled = near.is_power_of_two() && second.less(margin) == all(len);
    Some(if settled { label } else { nearest(row, &packed.centroids).0 })
}
