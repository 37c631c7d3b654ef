//! The fitted model.

use crate::data::{Data, check_centroids, check_values, rows_of};
use crate::error::Error;
use crate::float::Float;
use crate::history::{Iteration, StopReason};
use crate::kernel::codes::{self, Codes, Label};
use crate::kernel::exact::in_range;
use crate::kernel::pack::{Frame, Packed};
use crate::kernel::{Level, assign, distances, par};
use crate::lloyd::{Algorithm, Run};
use crate::predictor::{self, Predictor, rows_to_label};
use ndarray::{Array1, Array2, ArrayBase, ArrayView1, ArrayView2, Ix1, Ix2};
use std::fmt;
use std::sync::OnceLock;

/// Centroids, and the labels and history of the fit that found them: one consistent state.
///
/// Whatever stopped the fit, `predict(&data) == labels()` and `score(&data) == -inertia()` for the data of the fit, to the bit
/// ([`score_weighted`](Self::score_weighted) if it had weights).
///
/// ```
/// use centroids::KMeans;
/// use ndarray::array;
///
/// let data = array![[0.0, 0.0], [0.0, 1.0], [9.0, 9.0], [9.0, 8.0]];
/// let model = KMeans::new(2).fit(&data)?;
/// assert_eq!(model.predict(&data)?, model.labels());
/// assert_eq!(model.score(&data)?, -model.inertia());
/// assert_eq!((model.n_clusters(), model.n_features()), (2, 2));
/// assert_eq!(model.cluster_sizes(), [2, 2]);
/// # Ok::<(), centroids::Error>(())
/// ```
///
/// # Saving
///
/// With the feature `serde` all models can be saved and loaded. What is loaded is checked for shapes, ranges, finite numbers and a history that can have happened, not against data: a file
/// that breaks such a rule, or has another model, is an error. (JSON keeps every bit only with `serde_json`'s feature `float_roundtrip`. In such formats, for people to read, a model of f64 may be loaded as
/// f32, and is then rounded; in binary ones that is an error.) A [`KMedoidsModel`](crate::KMedoidsModel) with a dissimilarity of your own cannot be saved, its [`Medoids`](crate::Medoids) can.
#[derive(Clone, Debug)]
pub struct KMeansModel<F: Float> {
    pub(crate) centroids: Array2<F>,
    pub(crate) labels: Labels,
    pub(crate) cluster_sizes: Vec<usize>,
    pub(crate) inertia: f64,
    pub(crate) history: Vec<Iteration>,
    pub(crate) stop_reason: StopReason,
    pub(crate) algorithm: Algorithm,
    pub(crate) level: Level,
}

/// Labels as a fit leaves them, and as the face has them from the first time they are asked for.
#[derive(Clone)]
pub(crate) struct Labels {
    pub(crate) narrow: Vec<u32>,
    wide: OnceLock<Array1<usize>>,
}

impl Labels {
    pub(crate) fn new(narrow: Vec<u32>) -> Self {
        Labels { narrow, wide: OnceLock::new() }
    }

    fn wide(&self) -> &Array1<usize> {
        par::once(&self.wide, || codes::widen(&self.narrow).into())
    }
}

impl fmt::Debug for Labels {
    /// A million are elided, as `ndarray` does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ArrayView1::from(self.narrow.as_slice()).fmt(f)
    }
}

impl<F: Float> PartialEq for KMeansModel<F> {
    fn eq(&self, other: &Self) -> bool {
        self.centroids == other.centroids
            && self.labels.narrow == other.labels.narrow
            && self.inertia == other.inertia
            && self.history == other.history
            && self.stop_reason == other.stop_reason
    }
}

impl<F: Float> KMeansModel<F> {
    pub(crate) fn new(level: Level, run: Run<F>, d: usize) -> Self {
        let k = run.centroids.len() / d;
        let cluster_sizes = assign::count(&run.labels, k);
        KMeansModel {
            centroids: Array2::from_shape_vec((k, d), run.centroids).expect("k rows of d values"),
            labels: Labels::new(run.labels),
            cluster_sizes,
            inertia: run.inertia,
            history: run.history,
            stop_reason: run.stop_reason,
            algorithm: run.algorithm,
            level,
        }
    }

    /// A model of centroids from elsewhere, (k, d), such as a codebook that another program stored: to label rows by, and for distances and scores. Nothing is
    /// fitted: labels and history are empty, sizes and inertia are 0, and it counts as converged. Copies the centroids.
    ///
    /// ```
    /// use centroids::KMeansModel;
    /// use ndarray::array;
    ///
    /// let model = KMeansModel::from_centroids(&array![[0.0, 0.0], [9.0, 9.0]])?;
    /// assert_eq!(model.predict(&array![[8.0, 7.0], [1.0, 0.0]])?, array![1, 0]);
    /// assert!(model.labels().is_empty());
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::ZeroClusters`], [`Error::NoColumns`], [`Error::TooBig`] for more centroids than labels can number, and
    /// [`Error::CentroidNotFinite`] for a value that is not finite, or too large.
    pub fn from_centroids<S: ndarray::Data<Elem = F>>(centroids: &ArrayBase<S, Ix2>) -> Result<Self, Error> {
        F::model_of(centroids.view())
    }

    pub(crate) fn of(centroids: ArrayView2<'_, F>) -> Result<Self, Error> {
        let (k, d) = centroids.dim();
        if k == 0 {
            return Err(Error::ZeroClusters);
        }
        if d == 0 {
            return Err(Error::NoColumns);
        }
        if u32::try_from(k).is_err() {
            return Err(Error::TooBig { rows: 0, columns: d, k });
        }
        let run = Run {
            centroids: check_centroids(centroids, k, d)?,
            labels: Vec::new(),
            inertia: 0.0,
            history: Vec::new(),
            stop_reason: StopReason::Converged,
            algorithm: Algorithm::Lloyd,
        };
        Ok(KMeansModel::new(Level::new(), run, d))
    }

    /// The centroids, (k, d). After a fit each is the mean of the rows that had its label before the last assignment, rounded to F: of its rows as they are, if that
    /// assignment moved none. `tolerance(0.0)` asks for that; the default ends a little before.
    #[must_use]
    pub fn centroids(&self) -> &Array2<F> {
        &self.centroids
    }

    /// For each row of the fit, the index of the centroid nearest to it: by the squared Euclidean distance in f64, ties to the lowest index.
    ///
    /// A fit keeps 4 bytes a row; the first call makes the array, of 8 bytes a row, which those who want the centroids alone do not need.
    #[must_use]
    pub fn labels(&self) -> &Array1<usize> {
        self.labels.wide()
    }

    /// Sum of the squared distances of the rows of the fit to their centroids, each times its weight. Summed on a grid at least
    /// 60 bits finer than its largest term, so the order of the rows does not matter.
    #[must_use]
    pub fn inertia(&self) -> f64 {
        self.inertia
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
    /// Of a fit, a 0 is possible only when it stopped at `max_iter` or by its observer, just as a cluster lost its last row.
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
    pub fn history(&self) -> &[Iteration] {
        &self.history
    }

    /// Why the run that was kept stopped. (An observer that ends a fit of several runs may leave an earlier, converged one as the best.)
    #[must_use]
    pub fn stop_reason(&self) -> StopReason {
        self.stop_reason
    }

    /// How the rows were assigned in the run that was kept: what [`Algorithm::Auto`] chose, or what the fit was told (but `Lloyd` where
    /// [`Algorithm::Filtering`] has too many columns, and for centroids from elsewhere).
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The centroids made ready once, to label rows that come one at a time or in batches. Costs O(k d).
    ///
    /// With tens of clusters and more, a single row is labelled 2 to 8 times as fast as by [`predict_one`](Self::predict_one) in f32, 1.4 to 3 times in f64 (with a few clusters in a
    /// few columns no faster, or slower), and a batch of 64 rows 3 to 7 times as fast as by [`predict_into`](Self::predict_into) (256 clusters of 8 columns to 4096 of 768, f32).
    #[must_use]
    pub fn predictor(&self) -> Predictor<F> {
        Predictor::new(self.level, self.coordinates(), self.n_features())
    }

    /// The centroids, row by row.
    pub(crate) fn coordinates(&self) -> &[F] {
        self.centroids.as_slice().expect("centroids are in standard layout")
    }

    fn packed(&self) -> Packed<F> {
        let centroids = self.coordinates();
        let frame = Frame::of_centroids(self.level, centroids, self.n_features());
        Packed::new(self.level, &frame, centroids, self.n_features())
    }

    /// For each row of `rows`, (n, d), the index of the nearest centroid; ties to the lowest index. Costs O(n k d),
    /// and less for many rows of few columns: of up to three with hundreds of clusters, which are sorted out by where they lie, and of up to four that lie near those
    /// they follow, as pixels do. n may be 0.
    ///
    /// # Errors
    ///
    /// If the columns do not match the model's, or a value is not finite or ([`Error::TooLarge`], f64) so large that squared distances could overflow.
    pub fn predict<S: ndarray::Data<Elem = F>>(
        &self,
        rows: &ArrayBase<S, Ix2>,
    ) -> Result<Array1<usize>, Error> {
        F::predict(self, rows.view())
    }

    /// As [`predict`](Self::predict), into memory that is there: one label a row, of any type of [`Label`].
    ///
    /// With up to three columns and few clusters the system takes as long to hand out fresh memory as the labels take to find, so batch after batch into the same memory is up to twice as
    /// fast. Each call with more than 8 rows makes the centroids ready first, which takes as long as some dozens of rows up to a few hundred: for batches of fewer, take a
    /// [`predictor`](Self::predictor). Rows that do not lie one after another are copied by each call.
    ///
    /// ```
    /// # let model = centroids::KMeans::new(2).fit(&ndarray::array![[0.0], [9.0]])?;
    /// let mut labels = [0; 3];
    /// model.predict_into(&ndarray::array![[8.0], [1.0], [7.0]], &mut labels)?;
    /// assert_eq!(labels, [model.labels()[1], model.labels()[0], model.labels()[1]]);
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict), and [`Error::LabelCount`] if there is not one label a row, and [`Error::NarrowLabels`] if the type has too few
    /// numbers. After [`Error::NotFinite`] or [`Error::TooLarge`], some labels may be overwritten.
    pub fn predict_into<S: ndarray::Data<Elem = F>, L: Label>(
        &self,
        rows: &ArrayBase<S, Ix2>,
        labels: &mut [L],
    ) -> Result<(), Error> {
        F::predict_into(self, rows.view(), L::codes(labels))
    }

    pub(crate) fn labels_of(&self, rows: ArrayView2<'_, F>) -> Result<Array1<usize>, Error> {
        let values = rows_of(rows, self.centroids.dim())?;
        let mut labels = vec![0; rows.nrows()];
        self.label(&values, usize::codes(&mut labels))?;
        Ok(labels.into())
    }

    pub(crate) fn label_into(&self, rows: ArrayView2<'_, F>, labels: Codes<'_>) -> Result<(), Error> {
        self.label(&rows_to_label(rows, self.centroids.dim(), &labels)?, labels)
    }

    fn label(&self, values: &[F], labels: Codes<'_>) -> Result<(), Error> {
        // Measured as they are, so few rows take less time than it takes to make the centroids ready.
        if labels.len() <= 8 {
            let one = |row: &[F]| in_range(row).then(|| F::nearest(self.level, row, self.coordinates()).0);
            return predictor::label_few(self.level, values, self.n_features(), labels, one);
        }
        predictor::label(self.level, &self.packed(), values, labels)
    }

    /// The index of the centroid nearest to one row of d values. Costs O(k d), and allocates nothing if the row is contiguous.
    ///
    /// ```
    /// # let model = centroids::KMeans::new(2).fit(&ndarray::array![[0.0], [9.0]])?;
    /// assert_eq!(model.predict_one(&ndarray::array![9.5])?, model.labels()[1]);
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict); the row counts as row 0.
    pub fn predict_one<S: ndarray::Data<Elem = F>>(&self, row: &ArrayBase<S, Ix1>) -> Result<usize, Error> {
        let row = row.view().insert_axis(ndarray::Axis(0));
        let values = rows_of(row, self.centroids.dim())?;
        if !in_range(&values) {
            check_values(&values, self.n_features())?;
        }
        Ok(F::nearest(self.level, &values, self.coordinates()).0 as usize)
    }

    /// The Euclidean distance (not squared) of each row to each centroid, (n, k): the rows as seen from the centroids. Costs O(n k d) in f64.
    ///
    /// ```
    /// use ndarray::array;
    /// let model = centroids::KMeans::new(2).init(array![[0.0], [9.0]]).fit(&array![[0.0], [9.0]])?;
    /// assert_eq!(model.transform(&array![[3.0]])?, array![[3.0, 6.0]]);
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict), if a distance is too large for f32, and [`Error::TooBig`] for more distances than memory can hold.
    pub fn transform<S: ndarray::Data<Elem = F>>(
        &self,
        rows: &ArrayBase<S, Ix2>,
    ) -> Result<Array2<F>, Error> {
        F::transform(self, rows.view())
    }

    pub(crate) fn distances_of(&self, rows: ArrayView2<'_, F>) -> Result<Array2<F>, Error> {
        let d = self.n_features();
        let values = rows_of(rows, self.centroids.dim())?;
        check_values(&values, d)?;
        let (n, k) = (rows.nrows(), self.n_clusters());
        if n.checked_mul(k).and_then(|size| size.checked_mul(8)).is_none_or(|size| size > isize::MAX as usize)
        {
            return Err(Error::TooBig { rows: n, columns: d, k });
        }
        let too_big = Error::TooBig { rows: n, columns: d, k };
        let mut distances = vec![F::default(); n * k];
        if !distances::transform(self.level, &values, self.coordinates(), d, &mut distances) {
            let at = distances.iter().position(|distance| !distance.is_finite()).unwrap_or(0);
            return Err(Error::DistanceTooLarge { row: at / k, cluster: at % k });
        }
        Array2::from_shape_vec((n, k), distances).map_err(|_| too_big)
    }

    /// Minus the sum of the squared distances of the rows to their nearest centroids, so that more is better. At least one row.
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict), and if there are no rows, or rows so close together that it is an error of a fit as well ([`Error::TooSmall`]).
    pub fn score<S: ndarray::Data<Elem = F>>(&self, rows: &ArrayBase<S, Ix2>) -> Result<f64, Error> {
        F::score(self, rows.view(), None)
    }

    /// [`score`](Self::score) with each squared distance times a weight. For the data and weights of the fit this is minus the inertia, to the bit.
    ///
    /// ```
    /// use ndarray::array;
    /// let (data, weights) = (array![[0.0], [3.0]], array![2.0, 1.0]);
    /// let model = centroids::KMeans::new(1).fit_weighted(&data, &weights)?;
    /// assert_eq!(model.score_weighted(&data, &weights)?, -6.0);
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`score`](Self::score), and any broken rule about the weights.
    pub fn score_weighted<S, W>(
        &self,
        rows: &ArrayBase<S, Ix2>,
        weights: &ArrayBase<W, Ix1>,
    ) -> Result<f64, Error>
    where
        S: ndarray::Data<Elem = F>,
        W: ndarray::Data<Elem = F>,
    {
        F::score(self, rows.view(), Some(weights.view()))
    }

    pub(crate) fn score_of(
        &self,
        rows: ArrayView2<'_, F>,
        weights: Option<ArrayView1<'_, F>>,
    ) -> Result<f64, Error> {
        if rows.ncols() != self.n_features() {
            return Err(Error::ColumnMismatch { expected: self.n_features(), found: rows.ncols() });
        }
        let data = Data::new(self.level, rows, weights, self.n_clusters())?;
        let mut labels = vec![0; rows.nrows()];
        self.label(data.rows().values, u32::codes(&mut labels))?;
        let centroids = self.coordinates();
        let grid = data.distance_grid(centroids);
        Ok(-(distances::inertia(self.level, data.rows(), centroids, Some(&labels), &grid) * data.weight_unit))
    }
}
