//! The bound on a score's error.
//!
//! Let x', c' be a row and a centroid in the frame, as rounded, and `s` the computed score of the pair. Write `u` for the unit
//! roundoff, `m` for the longest chain of additions in a score, and `S = (|x'|^2 - D) / 2` where D is the reference distance
//! in the frame's units. Then `|s - S| <= E(|x'|^2 + |c'|^2) + T` with
//!
//! * rounding of the dot product and its start (Higham 2002, section 3.1; with or without fused multiply-add):
//!   `(m + 2) u (|x'| |c'| + |c'|^2 / 2)`,
//! * rounding of x' and c' themselves, which are off by at most `u |x'|` and `u |c'|`: `u (|x'| + |c'|)^2` and its square,
//! * the reference's own rounding and that of `|c'|^2`, each `d / 8 + 8` operations in f64,
//! * underflow: each operation may lose `TINY / 2` (T).
//!
//! With `(a + b)^2 <= 2 (a^2 + b^2)`, `E = (m + 6) u + (d / 4 + 16) 2^-53` covers them, and a factor of 1.02 (and one that
//! grows with d) covers the second-order terms and the rounding of the norms.
//!
//! The part that belongs to the centroid is added to its start, so the kernel computes *optimistic* scores, at least S less the
//! row's own part. If the best exceeds every other by more than `2 E (|x'|^2 + |c'_best|^2) + 2 T`, the best one has strictly the
//! smallest reference distance; otherwise every centroid that could have it lies within that margin. A centroid far from
//! everything therefore does not spoil the bound of the others.

use super::element::Element;
use super::pack::{BLOCK, Frame};

/// The bound on a score's error, for a number of columns.
#[derive(Clone, Copy)]
pub(crate) struct Margin<F> {
    /// E.
    pub(super) bound: f64,
    /// 2 E and 2 T: a row's own part of the margin is `row_factor |x'|^2 + row_floor`.
    pub row_factor: F,
    pub row_floor: F,
}

impl<F: Element> Margin<F> {
    pub(crate) fn new(d: usize) -> Self {
        let chain = (d.min(BLOCK) + d.div_ceil(BLOCK)) as f64;
        let columns = d as f64;
        let growth = 1.02 + columns * 2.0 * F::UNIT;
        let bound = growth * ((chain + 6.0) * F::UNIT + (columns / 4.0 + 16.0) * f64::EPSILON / 2.0);
        // Not subnormal: a fused multiply-add with a subnormal addend calls microcode on Intel CPUs, 50 ns (Emerald Rapids).
        let floor = (2.0 * (16.0 * columns + 64.0) * F::TINY).max(F::NORMAL);
        Margin { bound, row_factor: F::above(2.0 * bound), row_floor: F::above(floor) }
    }

    /// A centroid whose optimistic score for a row is below this is not nearer to it than the given squared distance
    /// (measured outside the frame). `norm` is the row's squared norm in the frame.
    pub(crate) fn threshold(&self, norm: f64, distance: f64, frame: &Frame<F>) -> F {
        let scale = frame.scale.f64();
        let bound =
            (norm - distance * scale * scale) * 0.5 - norm * self.row_factor.f64() - self.row_floor.f64();
        // Rounded down; what is not a number lets every candidate pass.
        -F::above(bound.abs() * 4.0 * F::UNIT - bound)
    }
}
