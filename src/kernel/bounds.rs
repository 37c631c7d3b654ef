//! Bounds that outlive an iteration: which rows cannot have a new nearest centroid.
//!
//! For each row, `upper` is at least its distance to its own centroid and `lower` at most its distance to any other (Euclidean, in the
//! frame's units). When the centroids move ([`super::drift`]), the triangle inequality keeps both true: `upper` grows by the move of the own
//! centroid, `lower` shrinks by the largest move of the others. As long as `upper < lower`, or `upper` is less than half the distance from the own
//! centroid to its nearest neighbour, the label stands (Hamerly 2010, "Making k-means even faster").
//!
//! Where a look at all centroids is dear, a few *rivals* of the own centroid are remembered by name (as in Drake and Hamerly 2012), and `rest` is
//! at most the distance to any centroid but these. While `upper < rest`, only the rivals can take the row. They are those centroids that the
//! kernel finds on its way in lanes of their own, so they cost no further look.
//!
//! Bounds are f32 for f32 and f64 data alike, and every operation on them is rounded outward by [`OUT`], sixteen times the rounding of f32
//! and far more than the reference distance's own: a row that is passed over keeps the label that the reference search would find.

use super::element::Element;
use super::pack::Frame;

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

/// Centroids remembered for a row.
pub(crate) const RIVALS: usize = 4;

/// Their indices; [`NO_RIVAL`] fills up.
pub(crate) type Rivals = [u16; RIVALS];

pub(crate) const NO_RIVAL: u16 = u16::MAX;

/// The bounds of all rows: 9 bytes a row, 21 with rivals.
pub(crate) struct Bounds {
    pub upper: Vec<f32>,
    pub lower: Vec<f32>,
    /// Whether a look at all centroids made the bounds, and no move has worn them since.
    pub fresh: Vec<bool>,
    /// Empty without rivals, as are the rivals.
    pub rest: Vec<f32>,
    pub rivals: Vec<Rivals>,
}

/// The bounds of some rows.
pub(crate) struct Part<'a> {
    pub upper: &'a mut [f32],
    pub lower: &'a mut [f32],
    pub fresh: &'a mut [bool],
    pub rest: &'a mut [f32],
    pub rivals: &'a mut [Rivals],
}

impl Bounds {
    pub(crate) fn new(n: usize, rivals: bool) -> Self {
        let held = if rivals { n } else { 0 };
        Bounds {
            upper: vec![f32::INFINITY; n],
            lower: vec![0.0; n],
            fresh: vec![false; n],
            rest: vec![0.0; held],
            rivals: vec![[NO_RIVAL; RIVALS]; held],
        }
    }

    /// The bounds of so many rows each, in turn.
    pub(crate) fn parts(&mut self, rows: usize) -> impl Iterator<Item = Part<'_>> {
        let mut rest = self.rest.chunks_mut(rows).zip(self.rivals.chunks_mut(rows));
        let both = self.upper.chunks_mut(rows).zip(self.lower.chunks_mut(rows));
        both.zip(self.fresh.chunks_mut(rows)).map(move |((upper, lower), fresh)| {
            let (rest, rivals) = rest.next().unwrap_or_default();
            Part { upper, lower, fresh, rest, rivals }
        })
    }
}

impl Part<'_> {
    pub(crate) fn has_rivals(&self) -> bool {
        !self.rest.is_empty()
    }
}

/// An upper bound from a squared reference distance.
pub(crate) fn tight<F: Element>(squared: f64, frame: &Frame<F>) -> f32 {
    above((squared.sqrt() * frame.scale.f64()) as f32)
}

/// A lower bound from a squared reference distance.
pub(crate) fn tight_below<F: Element>(squared: f64, frame: &Frame<F>) -> f32 {
    below((squared.sqrt() * frame.scale.f64()) as f32)
}
