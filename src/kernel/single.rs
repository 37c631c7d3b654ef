//! One row at a time: centroids in the lanes, and nothing allocated.

use super::aligned::Aligned;
use super::element::{Element, Level, Vector, framed};
use super::exact::{in_range, nearest};
use super::pack::{self, BLOCK, Frame, Packed};
use super::vector::{Lanes, MOST_LANES, all};
use fearless_simd::Simd;

/// Vectors of centroids of a panel: enough chains to hide the latency of the multiply-adds. A panel is read from its start to its end, so what comes next is fetched meanwhile.
const VECTORS: usize = 8;

/// Centroids in panels, whatever the number of columns.
#[derive(Clone)]
pub(crate) struct Single<F> {
    packed: Packed<F>,
    panels: Aligned<F>,
}

impl<F: Element> Single<F> {
    pub(crate) fn new(level: Level, centroids: &[F], d: usize) -> Self {
        let (packed, moved) = Packed::bare(level, &Frame::of_centroids(level, centroids, d), centroids, d);
        let panels = pack::panels(VECTORS * F::width(level), &moved, &packed.starts, d);
        Single { packed, panels: Aligned::from(&*panels) }
    }

    /// Clusters and columns.
    pub(crate) fn dim(&self) -> (usize, usize) {
        (self.packed.k, self.packed.d)
    }

    /// The same centroids for many rows at once.
    pub(crate) fn for_many(&self, level: Level) -> Packed<F> {
        Packed::new(level, &self.packed.frame, &self.packed.centroids, self.packed.d)
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
    for panel in single.panels.chunks_exact(VECTORS * len * (d + 2)) {
        let line = |at: usize| &panel[at * VECTORS * len..][..VECTORS * len];
        let vector = |line: &[F], v: usize| Vector::<S, F>::load(simd, &line[v * len..]);
        let (starts, tags) = (line(d), line(d + 1));
        let mut scores = [zero; VECTORS];
        for v in 0..VECTORS {
            scores[v] = vector(starts, v);
        }
        // Block by block, as the tile does, for the same bound on the error.
        for first in (0..d).step_by(BLOCK) {
            let mut part = [zero; VECTORS];
            for t in first..d.min(first + BLOCK) {
                let x = Vector::<S, F>::splat(simd, framed(row[t], packed.frame.offset[t], &packed.frame));
                let column = line(t);
                for v in 0..VECTORS {
                    part[v] = x.mul_add(vector(column, v), part[v]);
                }
            }
            for v in 0..VECTORS {
                scores[v] = scores[v] + part[v];
            }
        }
        for v in 0..VECTORS {
            tag = scores[v].if_greater(best, vector(tags, v), tag);
            second = second.max(scores[v].min(best));
            best = best.max(scores[v]);
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
