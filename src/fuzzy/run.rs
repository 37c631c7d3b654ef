//! The loop: memberships, weighted means, record, observe, stop.
//!
//! One pass over the rows gives the objective at the centroids and the sums that their successors come from, so an iteration is: move the
//! centroids, pass. The memberships are never stored. With them at their optimum the objective is a function of the centroids
//! alone, and each iteration can only lower it (Bezdek 1981, theorem 11.1).

use crate::data::Data;
use crate::float::Float;
use crate::history::StopReason;
use crate::kernel::Level;
use crate::kernel::block::{SquaredEuclidean, distance};
use crate::kernel::fuzzy::{self, Task};
use crate::kernel::membership::Fuzzifier;
use std::fmt;
use std::ops::ControlFlow;

/// One iteration of fuzzy c-means: the centroids moved to the weighted means, and the rows got new memberships.
///
/// ```
/// use centroids::FuzzyCMeans;
/// # let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// let model = FuzzyCMeans::new(2).fit(&data)?;
/// assert!(model.history().windows(2).all(|pair| pair[1].objective <= pair[0].objective));
/// assert_eq!(model.history().last().unwrap().objective, model.objective());
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct FuzzyIteration {
    /// Which of the `n_init` runs, from 0.
    pub run: usize,
    /// Which iteration of the run, from 1.
    pub index: usize,
    /// `J_m` with the new centroids and memberships. It never rises.
    pub objective: f64,
    /// Squared distance by which the centroids moved, summed over the clusters.
    pub shift: f64,
    /// `shift` divided by the mean variance of the columns, which is what the tolerance is compared with; 0 without variance.
    pub relative_shift: f64,
}

impl fmt::Display for FuzzyIteration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FuzzyIteration { index, objective, shift, .. } = self;
        write!(f, "iteration {index}: objective {objective:.6e}, shift {shift:.3e}")
    }
}

/// Sees each iteration, and may stop the run.
pub(crate) type Observer<'a> = &'a mut dyn FnMut(&FuzzyIteration) -> ControlFlow<()>;

pub(super) struct Plan {
    pub level: Level,
    pub run: usize,
    pub fuzzifier: Fuzzifier,
    pub max_iter: usize,
    pub tolerance: f64,
}

/// What a run leaves.
pub(super) struct Run<F> {
    pub centroids: Vec<F>,
    pub objective: f64,
    pub history: Vec<FuzzyIteration>,
    pub stop_reason: StopReason,
}

pub(super) fn run<F: Float>(
    plan: &Plan,
    data: &Data<'_, F>,
    start: Vec<F>,
    observer: Observer<'_>,
) -> Run<F> {
    let pass = |centroids: &[F]| {
        let task = Task { centroids, fuzzifier: plan.fuzzifier, offset: &data.mean };
        let sums = fuzzy::sums(plan.level, data.rows(), &task);
        let objective = sums.objective * data.weight_unit;
        (sums, objective)
    };
    let mut centroids = start;
    let (mut sums, mut objective) = pass(&centroids);
    let mut history: Vec<FuzzyIteration> = Vec::new();
    let stop_reason = loop {
        let mut moved = centroids.clone();
        sums.means(&data.mean, &mut moved);
        let (mut next, mut lower) = pass(&moved);
        if lower > objective {
            // Exact arithmetic could not raise it: what is left to gain is less than the rounding.
            if !history.is_empty() {
                break StopReason::Converged;
            }
            // Every run has an iteration: here one that moves nothing.
            (moved, next, lower) = (centroids.clone(), sums, objective);
        }
        let pairs = moved.chunks_exact(data.d).zip(centroids.chunks_exact(data.d));
        let shift: f64 = pairs.map(|(new, old)| distance::<SquaredEuclidean, F>(new, old)).sum();
        let relative_shift = data.relative(shift);
        (centroids, sums, objective) = (moved, next, lower);
        let iteration =
            FuzzyIteration { run: plan.run, index: history.len() + 1, objective, shift, relative_shift };
        let flow = observer(&iteration);
        history.push(iteration);
        if flow.is_break() {
            break StopReason::Observer;
        }
        if shift == 0.0 || relative_shift <= plan.tolerance {
            break StopReason::Converged;
        }
        if history.len() >= plan.max_iter {
            break StopReason::MaxIterations;
        }
    };
    Run { centroids, objective, history, stop_reason }
}
