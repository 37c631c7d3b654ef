//! The fitted k-medians model.

use super::MediansIteration;
use super::run::Run;
use crate::data::{check_values, rows_of};
use crate::error::Error;
use crate::float::Float;
use crate::history::StopReason;
use crate::kernel::{Level, manhattan};
use ndarray::{Array1, Array2, ArrayBase, Ix1, Ix2};

/// Medians, and the labels, loss and history of the fit that found them: one consistent state.
///
/// Labels and loss are those of the model's centroids, whatever stopped the fit: `predict(&data) == labels()`.
/// With the feature `serde` it can be [saved](crate::KMeansModel#saving).
///
/// ```
/// use centroids::KMedians;
/// use ndarray::array;
///
/// let data = array![[0.0, 0.0], [0.0, 1.0], [0.0, 2.0], [9.0, 9.0], [9.0, 8.0]];
/// let model = KMedians::new(2).fit(&data)?;
/// assert_eq!(model.predict(&data)?, model.labels());
/// assert_eq!((model.loss(), model.n_clusters(), model.n_features()), (3.0, 2, 2));
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct KMediansModel<F: Float> {
    pub(crate) centroids: Array2<F>,
    pub(crate) labels: Array1<usize>,
    pub(crate) cluster_sizes: Vec<usize>,
    pub(crate) loss: f64,
    pub(crate) history: Vec<MediansIteration>,
    pub(crate) stop_reason: StopReason,
    pub(crate) level: Level,
}

impl<F: Float> KMediansModel<F> {
    pub(super) fn new(level: Level, run: Run<F>, d: usize) -> Self {
        let k = run.centroids.len() / d;
        let labels: Array1<usize> = run.labels.iter().map(|&label| label as usize).collect();
        let mut cluster_sizes = vec![0; k];
        labels.iter().for_each(|&label| cluster_sizes[label] += 1);
        KMediansModel {
            centroids: Array2::from_shape_vec((k, d), run.centroids).expect("k rows of d values"),
            labels,
            cluster_sizes,
            loss: run.loss,
            history: run.history,
            stop_reason: run.stop_reason,
            level,
        }
    }

    fn coordinates(&self) -> &[F] {
        self.centroids.as_slice().expect("centroids are in standard layout")
    }

    /// The centroids, (k, d). After convergence each coordinate is the (weighted, lower) median of its column over the cluster's rows, or another value
    /// of the same loss but for rounding: rows that are as far from two centroids may have changed cluster last, without a gain.
    #[must_use]
    pub fn centroids(&self) -> &Array2<F> {
        &self.centroids
    }

    /// For each row of the fit, the index of the centroid nearest to it: by the L1 distance in f64, ties to the lowest index.
    #[must_use]
    pub fn labels(&self) -> &Array1<usize> {
        &self.labels
    }

    /// Sum of the L1 distances of the rows of the fit to their centroids, each times its weight. Summed on a grid, so the order of the
    /// rows does not matter.
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.loss
    }

    /// Clusters in the model: k, or fewer if empty ones were removed (see [`EmptyCluster`](crate::EmptyCluster)).
    #[must_use]
    pub fn n_clusters(&self) -> usize {
        self.centroids.nrows()
    }

    /// Columns of the data.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.centroids.ncols()
    }

    /// Rows of the fit with each label, those of weight 0 included.
    ///
    /// A 0 is possible only when the fit stopped at `max_iter`, by its observer, or for rounding, just as a cluster lost its last row.
    #[must_use]
    pub fn cluster_sizes(&self) -> &[usize] {
        &self.cluster_sizes
    }

    /// Iterations of the run that was kept.
    #[must_use]
    pub fn n_iter(&self) -> usize {
        self.history.len()
    }

    /// The iterations of the run that was kept.
    #[must_use]
    pub fn history(&self) -> &[MediansIteration] {
        &self.history
    }

    /// Why the run that was kept stopped.
    #[must_use]
    pub fn stop_reason(&self) -> StopReason {
        self.stop_reason
    }

    /// For each row of `rows`, (n, d), the index of the nearest centroid by L1 distance; ties to the lowest index. Costs O(n k d); n may be 0.
    ///
    /// # Errors
    ///
    /// If the columns do not match the model's, or a value is not finite or ([`Error::TooLarge`], f64) so large that squared distances could overflow.
    pub fn predict<S: ndarray::Data<Elem = F>>(
        &self,
        rows: &ArrayBase<S, Ix2>,
    ) -> Result<Array1<usize>, Error> {
        let values = rows_of(rows.view(), self.centroids.dim())?;
        check_values(&values, self.n_features())?;
        Ok(self.label(&values))
    }

    fn label(&self, values: &[F]) -> Array1<usize> {
        let mut labels = vec![0u32; values.len() / self.n_features()];
        manhattan::label(self.level, values, self.coordinates(), self.n_features(), &mut labels);
        labels.iter().map(|&label| label as usize).collect()
    }

    /// The index of the centroid nearest to one row of d values.
    ///
    /// ```
    /// # let model = centroids::KMedians::new(2).fit(&ndarray::array![[0.0], [9.0]])?;
    /// assert_eq!(model.predict_one(&ndarray::array![9.5])?, model.labels()[1]);
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict); the row counts as row 0.
    pub fn predict_one<S: ndarray::Data<Elem = F>>(&self, row: &ArrayBase<S, Ix1>) -> Result<usize, Error> {
        let row = row.view().insert_axis(ndarray::Axis(0));
        Ok(self.predict(&row)?[0])
    }
}
