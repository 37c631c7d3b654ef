//! What happened in a run.

use std::fmt;

/// One iteration of a run: the rows were assigned to the centroids, empty clusters were repaired, and the centroids moved to the means.
///
/// ```
/// use centroids::KMeans;
/// use ndarray::array;
///
/// let data = array![[1.0, 1.0], [1.0, 2.0], [2.0, 1.0], [5.0, 5.0], [5.0, 6.0], [6.0, 5.0]];
/// let model = KMeans::new(2).init(array![[1.0, 1.0], [5.0, 5.0]]).fit(&data)?;
/// let [first, second] = model.history() else { panic!("two iterations") };
/// assert_eq!((first.index, first.reassigned, first.relocated), (1, 6, 0));
/// assert_eq!((second.index, second.reassigned, second.shift), (2, 0, 0.0));
/// assert!((second.inertia - 8.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), centroids::Error>(())
/// ```
/// Two are equal if all but `distance_evaluations` is: what it took does not change what came out.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Iteration {
    /// Which of the `n_init` runs, from 0.
    pub run: usize,
    /// Which iteration of the run, from 1. Each try of [`Refine`](crate::Refine) counts as one.
    pub index: usize,
    /// Sum of the squared distances of the rows to the means of the clusters they were assigned to (weighted). It never rises.
    ///
    /// It comes from the clusters' sums, not from a pass over the rows: the total scatter of the data less the scatter of the means.
    /// Its error is of the order of 1e-16 times the total scatter. The means are meant unrounded: the centroids of f32 data far from the origin,
    /// which are rounded to f32, leave a larger inertia.
    pub inertia: f64,
    /// Squared distance by which the centroids moved, summed over the clusters (of those that no repair removed).
    pub shift: f64,
    /// `shift` divided by the mean variance of the columns, which is what [`Tolerance`](crate::Tolerance) compares; 0 without variance.
    pub relative_shift: f64,
    /// Rows (of positive weight) whose label changed; all of them in the first iteration.
    pub reassigned: usize,
    /// Empty clusters that were given new rows.
    pub relocated: usize,
    /// Empty clusters that were removed.
    pub dropped: usize,
    /// Centroids that [`KMeans::refine`](crate::KMeans::refine) moved across the data, in a try that helped.
    pub swapped: usize,
    /// Distances from a row (or a box of rows) to a centroid, or between centroids, that were evaluated to assign the rows: n k for
    /// [`Algorithm::Lloyd`](crate::Algorithm::Lloyd), fewer for the others. The same whatever the number of threads; with bounds it differs between
    /// machines with and without fast products of bytes, for the bounds do. A score of bytes counts as a distance.
    pub distance_evaluations: u64,
}

impl PartialEq for Iteration {
    fn eq(&self, other: &Self) -> bool {
        let key = |it: &Self| {
            let floats = [it.inertia, it.shift, it.relative_shift].map(f64::to_bits);
            (it.run, it.index, it.reassigned, it.relocated, it.dropped, it.swapped, floats)
        };
        key(self) == key(other)
    }
}

impl fmt::Display for Iteration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Iteration { index, inertia, shift, reassigned, relocated, dropped, swapped, .. } = self;
        write!(
            f,
            "iteration {index}: inertia {inertia:.6e}, shift {shift:.3e}, {reassigned} rows reassigned"
        )?;
        if *relocated > 0 {
            write!(f, ", {relocated} clusters relocated")?;
        }
        if *dropped > 0 {
            write!(f, ", {dropped} clusters dropped")?;
        }
        if *swapped > 0 {
            write!(f, ", {swapped} centroids swapped")?;
        }
        Ok(())
    }
}

/// Why a run stopped. Every reason leaves a valid model.
///
/// ```
/// use centroids::{KMeans, StopReason};
/// use ndarray::array;
///
/// let model = KMeans::new(1).fit(&array![[1.0], [2.0]])?;
/// assert_eq!(model.stop_reason(), StopReason::Converged);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum StopReason {
    /// The convergence criterion was met, or nothing could change any more.
    Converged,
    /// The iterations allowed were used up first.
    MaxIterations,
    /// The observer said so.
    Observer,
}
