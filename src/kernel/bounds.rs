//! Bounds that outlive an iteration: which rows cannot have a new nearest centroid.
//!
//! For each row, `upper` is at least its distance to its own centroid and `lower` at most its distance to any other (Euclidean, in the
//! frame's units). When the centroids move, the triangle inequality keeps both true: `upper` grows by the move of the own
//! centroid, `lower` shrinks by the largest move of the others. As long as `upper < lower`, or `upper` is less than half the distance from the own
//! centroid to its nearest neighbour, the label stands (Hamerly 2010, "Making k-means even faster").
//!
//! Bounds are f32 for f32 and f64 data alike, and every operation on them is rounded outward by [`OUT`], sixteen times the rounding of f32
//! and far more than the reference distance's own: a row that is passed over keeps the label that the reference search would find.

use super::element::{Element, Level};
use super::exact::squared_distance;
use super::pack::{Frame, Packed};
use super::par;

/// Relative amount by which bounds are rounded outward.
const OUT: f32 = 1.0 / (1 << 20) as f32;
/// Absolute amount, for distances too small for f32.
const TINY: f32 = f32::MIN_POSITIVE * 2.0;

/// A bound not below the distance.
#[inline(always)]
pub(super) fn above(distance: f32) -> f32 {
    distance * (1.0 + OUT) + TINY
}

/// A bound not above the distance.
#[inline(always)]
pub(super) fn below(distance: f32) -> f32 {
    (distance * (1.0 - OUT) - TINY).max(0.0)
}

/// The bounds of all rows: 8 bytes a row.
pub(crate) struct Bounds {
    pub upper: Vec<f32>,
    pub lower: Vec<f32>,
}

impl Bounds {
    pub(crate) fn new(n: usize) -> Self {
        Bounds { upper: vec![f32::INFINITY; n], lower: vec![0.0; n] }
    }
}

/// How far the centroids moved, and how far apart they are now.
pub(crate) struct Drift {
    /// At least the distance that each centroid moved.
    moved: Vec<f32>,
    /// The largest of these, the centroid it belongs to, and the largest of the others.
    farthest: f32,
    mover: u32,
    runner_up: f32,
    /// At most half the distance from each centroid to its nearest neighbour.
    half_gap: Vec<f32>,
    /// Distances evaluated for it.
    pub evaluations: u64,
}

impl Drift {
    /// From the old centroids to those in `packed`.
    pub(crate) fn new<F: Element>(level: Level, packed: &Packed<F>, old: &[F]) -> Self {
        let d = packed.d;
        let scale = packed.frame.scale.f64();
        let pairs = packed.centroids.chunks_exact(d).zip(old.chunks_exact(d));
        let moved: Vec<f32> = pairs
            .map(
                |(new, old)| {
                    if new == old { 0.0 } else { above((squared_distance(new, old).sqrt() * scale) as f32) }
                },
            )
            .collect();
        let (mut farthest, mut mover, mut runner_up) = (0.0, 0, 0.0);
        for (j, &moved) in (0..).zip(&moved) {
            if moved > farthest {
                (runner_up, farthest, mover) = (farthest, moved, j);
            } else if moved > runner_up {
                runner_up = moved;
            }
        }
        let evaluations = (packed.k * (packed.k + 1)) as u64;
        Drift { moved, farthest, mover, runner_up, half_gap: half_gaps(level, packed), evaluations }
    }

    /// Moves the bounds along, and leaves in `stale` the rows whose label they no longer prove.
    pub(crate) fn advance(&self, labels: &[u32], upper: &mut [f32], lower: &mut [f32], stale: &mut Vec<u32>) {
        stale.resize(labels.len(), 0);
        let rows = labels.iter().zip(upper.iter_mut().zip(lower));
        let mut count = 0;
        for (i, (&label, (upper, lower))) in (0..).zip(rows) {
            let own = label as usize;
            let others = if label == self.mover { self.runner_up } else { self.farthest };
            *upper = above(*upper + self.moved[own]);
            *lower = below(*lower - others);
            // Written always and kept sometimes: a branch here could not be foreseen.
            stale[count] = i;
            count += usize::from(!self.proves(*upper, *lower, own));
        }
        stale.truncate(count);
    }

    /// Whether no other centroid can be as near as the own one.
    pub(crate) fn proves(&self, upper: f32, lower: f32, own: usize) -> bool {
        above(upper) < lower.max(self.half_gap[own])
    }
}

/// For each centroid at most half the distance to its nearest neighbour, from the kernel: the rows are the centroids themselves.
fn half_gaps<F: Element>(level: Level, packed: &Packed<F>) -> Vec<f32> {
    use super::assign::{Scratch, chunk_rows};
    let (d, chunk) = (packed.d, chunk_rows(packed.d));
    let mut gaps = vec![0.0; packed.k];
    let workers = par::workers_for((packed.k * packed.k) as f64 * d as f64);
    let mut workers: Vec<_> = (0..workers).map(|_| Scratch::new(level, d).with_bounds()).collect();
    let pieces = gaps.chunks_mut(chunk).zip(packed.centroids.chunks(chunk * d));
    par::share(&mut workers, pieces, |scratch, (gaps, centroids)| {
        let mut labels = vec![0; gaps.len()];
        F::label(level, packed, centroids, scratch, &mut labels);
        for (gap, lower) in gaps.iter_mut().zip(&scratch.lower) {
            *gap = below(lower * 0.5);
        }
    });
    gaps
}

/// An upper bound from a squared reference distance.
pub(crate) fn tight<F: Element>(squared: f64, frame: &Frame<F>) -> f32 {
    above((squared.sqrt() * frame.scale.f64()) as f32)
}
