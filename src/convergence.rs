//! When a run has converged.

use crate::history::Iteration;

/// Decides, from what happened so far, whether a run has converged. A pure function, called after each iteration that changed something.
///
/// `history` is never empty; its last entry is the iteration that just ended. With [`refine`](crate::KMeans::refine) the iterations of each try are a history
/// of their own. Closures are criteria too:
///
/// ```
/// use centroids::{Iteration, KMeans};
/// use ndarray::array;
///
/// let data = array![[0.0], [1.0], [8.0], [9.0], [20.0]];
/// let five = |history: &[Iteration]| history.len() >= 5;
/// let model = KMeans::new(2).converge_when(five).fit(&data)?;
/// assert!(model.n_iter() <= 5);
/// # Ok::<(), centroids::Error>(())
/// ```
///
/// Whatever the criterion, a run ends when an iteration changed nothing (no label and no centroid), for none ever will again, when the inertia has not fallen for 100 iterations
/// (what is left is rounding), and after [`max_iter`](crate::KMeans::max_iter) iterations.
pub trait Convergence<F>: Send + Sync {
    /// Whether the run has converged.
    fn is_met(&self, history: &[Iteration]) -> bool;

    /// The tolerance to be checked before the run, if there is one.
    #[doc(hidden)]
    fn tolerance(&self) -> Option<f64> {
        None
    }
}

impl<F, C: Fn(&[Iteration]) -> bool + Send + Sync> Convergence<F> for C {
    fn is_met(&self, history: &[Iteration]) -> bool {
        self(history)
    }
}

/// The centroids hardly moved: the squared shift is at most this number times the mean variance of the columns, as in scikit-learn.
///
/// ```
/// use centroids::{KMeans, Tolerance};
/// # let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// let model = KMeans::new(2).converge_when(Tolerance(1e-6)).fit(&data)?;
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance(pub f64);

impl<F> Convergence<F> for Tolerance {
    fn is_met(&self, history: &[Iteration]) -> bool {
        history.last().is_some_and(|last| last.relative_shift <= self.0)
    }

    fn tolerance(&self) -> Option<f64> {
        Some(self.0)
    }
}

/// No label changed.
///
/// ```
/// use centroids::{KMeans, Stable};
/// # let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// let model = KMeans::new(2).converge_when(Stable).fit(&data)?;
/// assert_eq!(model.history().last().unwrap().reassigned, 0);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stable;

impl<F> Convergence<F> for Stable {
    fn is_met(&self, history: &[Iteration]) -> bool {
        history.last().is_some_and(|last| last.reassigned == 0 && last.relocated == 0)
    }
}

/// The inertia has not fallen, by more than the given fraction of itself, over the last `iterations` iterations.
///
/// ```
/// use centroids::{KMeans, Patience};
/// # let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// // Stop once three iterations together gained less than one part in a thousand.
/// let model = KMeans::new(2).converge_when(Patience { iterations: 3, gain: 1e-3 }).fit(&data)?;
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    /// Iterations over which the gain is measured; 0 stops at once.
    pub iterations: usize,
    /// Fraction of the inertia before them that they must gain together to go on; 0 asks for any gain at all.
    pub gain: f64,
}

impl<F> Convergence<F> for Patience {
    fn is_met(&self, history: &[Iteration]) -> bool {
        let [.., last] = history else { return false };
        let Some(before) = history.len().checked_sub(self.iterations.saturating_add(1)) else { return false };
        let before = history[before].inertia;
        before - last.inertia <= self.gain * before
    }

    fn tolerance(&self) -> Option<f64> {
        Some(self.gain)
    }
}

/// Either criterion is met.
///
/// ```
/// use centroids::{Any, KMeans, Stable, Tolerance};
/// # let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// // This is the default.
/// let model = KMeans::new(2).converge_when(Any(Tolerance(1e-4), Stable)).fit(&data)?;
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Any<A, B>(pub A, pub B);

impl<F, A: Convergence<F>, B: Convergence<F>> Convergence<F> for Any<A, B> {
    fn is_met(&self, history: &[Iteration]) -> bool {
        self.0.is_met(history) || self.1.is_met(history)
    }

    fn tolerance(&self) -> Option<f64> {
        worse(self.0.tolerance(), self.1.tolerance())
    }
}

/// Both criteria are met, by the same iteration.
///
/// ```
/// use centroids::{All, Iteration, KMeans, Tolerance};
/// # let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// let at_least_ten = |history: &[Iteration]| history.len() >= 10;
/// let model = KMeans::new(2).converge_when(All(Tolerance(1e-4), at_least_ten)).fit(&data)?;
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct All<A, B>(pub A, pub B);

impl<F, A: Convergence<F>, B: Convergence<F>> Convergence<F> for All<A, B> {
    fn is_met(&self, history: &[Iteration]) -> bool {
        self.0.is_met(history) && self.1.is_met(history)
    }

    fn tolerance(&self) -> Option<f64> {
        worse(self.0.tolerance(), self.1.tolerance())
    }
}

/// The tolerance that breaks the rule, if one of them does.
fn worse(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if a >= 0.0 { b } else { a }),
        (a, b) => a.or(b),
    }
}
