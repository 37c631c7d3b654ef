//! Bounds that outlive an iteration: which rows cannot have a new nearest centroid.
//!
//! For each row, `upper` is at least its distance to its own centroid and `lower` at most its distance to any other (Euclidean, in the
//! frame's units). When the centroids move, the triangle inequality keeps both true: `upper` grows by the move of the own
//! centroid, `lower` shrinks by the largest move of the others. As long as `upper < lower`, or `upper` is less than half the distance from the own
//! centroid to its nearest neighbour, the label stands (Hamerly 2010, "Making k-means even faster").
//!
//! Often a few centroids still move far while most hardly move at all, and the largest move then spoils the lower bound of every row.
//! Such centroids are *set apart*: `lower` shrinks by the largest move of the rest, and rows proven against the rest meet only those set
//! apart. How many to set apart is decided anew in each iteration, by what it would cost the rows of a sample.
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
pub(crate) struct Drift<F> {
    /// At least the distance that each centroid moved.
    moved: Vec<f32>,
    /// The largest of these, the centroid it belongs to, and the largest of the others.
    farthest: f32,
    mover: u32,
    runner_up: f32,
    /// At most half the distance from each centroid to its nearest neighbour.
    half_gap: Vec<f32>,
    /// The centroids set apart, if any.
    pub apart: Option<Apart<F>>,
    /// Distances evaluated for it.
    pub evaluations: u64,
}

/// Centroids set apart.
pub(crate) struct Apart<F> {
    pub indices: Vec<u32>,
    pub packed: Packed<F>,
    /// The largest move of the rest.
    rest: f32,
}

/// What the bounds of a row prove once they are moved along.
#[derive(Clone, Copy, PartialEq)]
enum Proof {
    Whole,
    /// That none of the rest is nearer than the own centroid.
    ButApart,
    Nothing,
}

impl<F: Element> Drift<F> {
    /// From the old centroids to those in `packed`, for rows with these labels and bounds.
    pub(crate) fn new(level: Level, packed: &Packed<F>, old: &[F], labels: &[u32], bounds: &Bounds) -> Self {
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
        let mut order: Vec<u32> = (0..packed.k as u32).collect();
        order.sort_by(|&a, &b| moved[b as usize].total_cmp(&moved[a as usize]).then(a.cmp(&b)));
        let sorted: Vec<f32> = order.iter().map(|&j| moved[j as usize]).collect();
        let move_of = |place: usize| sorted.get(place).copied().unwrap_or(0.0);
        let (farthest, mover, runner_up) = (move_of(0), order[0], move_of(1));
        let evaluations = (packed.k * (packed.k + 1)) as u64;
        let half_gap = half_gaps(level, packed);
        let mut drift = Drift { moved, farthest, mover, runner_up, half_gap, apart: None, evaluations };
        let count = drift.worth_apart(labels, bounds, move_of);
        if count > 0 {
            let mut indices = order[..count].to_vec();
            indices.sort_unstable();
            let centroids: Vec<F> =
                indices.iter().flat_map(|&j| &packed.centroids[j as usize * d..][..d]).copied().collect();
            let packed = Packed::new(level, &packed.frame, &centroids, d);
            drift.apart = Some(Apart { indices, packed, rest: move_of(count) });
        }
        drift
    }

    /// How many centroids to set apart: the number that costs the rows of a sample the least scores.
    fn worth_apart(&self, labels: &[u32], bounds: &Bounds, move_of: impl Fn(usize) -> f32) -> usize {
        const SAMPLE: usize = 1024;
        let k = self.moved.len();
        let step = labels.len().div_ceil(SAMPLE);
        // The largest move of the others that the bounds of each row would bear; rows proven anyhow bear any.
        let bears: Vec<f32> = (0..labels.len())
            .step_by(step)
            .map(|i| {
                let own = labels[i] as usize;
                let upper = bounds.upper[i] + self.moved[own];
                if upper < self.half_gap[own] { f32::INFINITY } else { bounds.lower[i] - upper }
            })
            .collect();
        let fail = |rest: f32| bears.iter().filter(|&&bears| bears <= rest).count();
        let all = fail(self.farthest);
        let sizes = std::iter::successors(Some(8), |size| Some(size * 2)).take_while(|&size| size <= k / 2);
        let cost = |size: usize| {
            let fail = fail(move_of(size));
            fail * k + (all - fail) * size
        };
        let best = sizes.min_by_key(|&size| cost(size));
        best.filter(|&size| cost(size) < all * k * 9 / 10).unwrap_or(0)
    }

    /// Moves the bounds along; leaves in `stale` the rows whose label they no longer prove, and in `partial` those that
    /// they prove but for the centroids set apart.
    pub(crate) fn advance(
        &self,
        labels: &[u32],
        upper: &mut [f32],
        lower: &mut [f32],
        stale: &mut Vec<u32>,
        partial: &mut Vec<u32>,
    ) {
        stale.resize(labels.len(), 0);
        partial.clear();
        let rows = labels.iter().zip(upper.iter_mut().zip(lower));
        let mut count = 0;
        if let Some(apart) = &self.apart {
            partial.resize(labels.len(), 0);
            let mut partly = 0;
            for (i, (&label, (upper, lower))) in (0..).zip(rows) {
                let old = *lower;
                let mut proof = self.move_along(label, upper, lower);
                let rest = below(old - apart.rest);
                if proof == Proof::Nothing && above(*upper) < rest {
                    (proof, *lower) = (Proof::ButApart, rest);
                }
                stale[count] = i;
                partial[partly] = i;
                count += usize::from(proof == Proof::Nothing);
                partly += usize::from(proof == Proof::ButApart);
            }
            partial.truncate(partly);
        } else {
            for (i, (&label, (upper, lower))) in (0..).zip(rows) {
                // Written always and kept sometimes: a branch here could not be foreseen.
                stale[count] = i;
                count += usize::from(self.move_along(label, upper, lower) == Proof::Nothing);
            }
        }
        stale.truncate(count);
    }

    #[inline(always)]
    fn move_along(&self, label: u32, upper: &mut f32, lower: &mut f32) -> Proof {
        let own = label as usize;
        let others = if label == self.mover { self.runner_up } else { self.farthest };
        *upper = above(*upper + self.moved[own]);
        *lower = below(*lower - others);
        if self.proves(*upper, *lower, own) { Proof::Whole } else { Proof::Nothing }
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
