//! k-means of directions.

use crate::convergence::Convergence;
use crate::data::{check_values, rows_of, unit_rows};
use crate::error::Error;
use crate::float::Float;
use crate::history::{Iteration, StopReason};
use crate::init::Init;
use crate::kmeans::KMeans;
use crate::lloyd::{Algorithm, EmptyCluster, Kind};
use crate::model::KMeansModel;
use ndarray::{Array1, Array2, ArrayBase, ArrayView2, Ix1, Ix2};
use std::ops::ControlFlow;

/// Spherical k-means (Dhillon and Modha 2001): k directions that maximise the sum of the cosines between rows and their direction.
///
/// The rows are scaled to length 1, so only their direction counts, and each centroid is the mean of its rows, scaled to length 1 again. It
/// is a type of its own, and not a setting of [`KMeans`], because its model must scale what it is asked about as well.
///
/// Use it for text embeddings, word counts and whatever else is compared by its cosine. Not where lengths mean something. Data whose rows have length 1 already
/// gives nearly the same clusters with `KMeans`, whose centroids lie inside the sphere.
///
/// Labels are exact in the same sense as elsewhere: by the squared Euclidean distance in f64 between the scaled row and the scaled centroid as
/// they are in F, which is `2 - 2 cos` but for rounding; ties to the lowest index.
///
/// | setting | default |
/// |---|---|
/// | [`seed`](Self::seed) | 0 |
/// | [`init`](Self::init) | [`init::Auto`](crate::init::Auto), on the scaled rows |
/// | [`n_init`](Self::n_init) | 1 run |
/// | [`max_iter`](Self::max_iter) | 300 |
/// | [`tolerance`](Self::tolerance), [`converge_when`](Self::converge_when) | 1e-4, or no label changed |
/// | [`empty_cluster`](Self::empty_cluster) | [`EmptyCluster::Relocate`] |
/// | [`algorithm`](Self::algorithm) | [`Algorithm::Auto`] |
///
/// ```
/// use centroids::SphericalKMeans;
/// use ndarray::array;
///
/// // Two directions, whatever the lengths.
/// let data = array![[1.0, 0.1], [50.0, 0.0], [0.1, 3.0], [0.0, 0.2]];
/// let model = SphericalKMeans::new(2).fit(&data)?;
/// assert_eq!(model.labels()[0], model.labels()[1]);
/// assert_eq!(model.predict(&array![[0.0, 1e6]])?[0], model.labels()[2]);
/// assert!(model.mean_cosine() > 0.99);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SphericalKMeans<F: Float>(KMeans<F>);

impl<F: Float> SphericalKMeans<F> {
    /// k clusters, and the defaults for everything else.
    #[must_use]
    pub fn new(k: usize) -> Self {
        SphericalKMeans(KMeans::new(k).of_kind(Kind::Sphere))
    }

    /// The same settings for another number of clusters.
    #[must_use]
    pub fn with_k(self, k: usize) -> Self {
        SphericalKMeans(self.0.with_k(k))
    }

    /// As [`KMeans::seed`].
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        SphericalKMeans(self.0.seed(seed))
    }

    /// As [`KMeans::n_init`].
    #[must_use]
    pub fn n_init(self, n_init: usize) -> Self {
        SphericalKMeans(self.0.n_init(n_init))
    }

    /// As [`KMeans::max_iter`].
    #[must_use]
    pub fn max_iter(self, max_iter: usize) -> Self {
        SphericalKMeans(self.0.max_iter(max_iter))
    }

    /// As [`KMeans::tolerance`], of the scaled rows.
    #[must_use]
    pub fn tolerance(self, tolerance: f64) -> Self {
        SphericalKMeans(self.0.tolerance(tolerance))
    }

    /// As [`KMeans::converge_when`].
    #[must_use]
    pub fn converge_when(self, criterion: impl Convergence<F> + 'static) -> Self {
        SphericalKMeans(self.0.converge_when(criterion))
    }

    /// As [`KMeans::init`]. The initialiser sees the scaled rows, and what it returns is scaled to length 1.
    #[must_use]
    pub fn init(self, init: impl Init<F> + 'static) -> Self {
        SphericalKMeans(self.0.init(init))
    }

    /// As [`KMeans::empty_cluster`].
    #[must_use]
    pub fn empty_cluster(self, policy: EmptyCluster) -> Self {
        SphericalKMeans(self.0.empty_cluster(policy))
    }

    /// As [`KMeans::algorithm`].
    #[must_use]
    pub fn algorithm(self, algorithm: Algorithm) -> Self {
        SphericalKMeans(self.0.algorithm(algorithm))
    }

    /// Clusters the rows of `data`, (n, d), by direction. Costs what [`KMeans::fit`] does, and the scaled copy of the data.
    ///
    /// # Errors
    ///
    /// As [`KMeans::fit`], and [`Error::ZeroRow`] if all values of a row (or of a centroid to start from) are 0.
    pub fn fit<S: ndarray::Data<Elem = F>>(
        &self,
        data: &ArrayBase<S, Ix2>,
    ) -> Result<SphericalKMeansModel<F>, Error> {
        self.0.fit(&F::scale(data.view())?).map(SphericalKMeansModel)
    }

    /// Clusters rows that count with a weight each, as [`KMeans::fit_weighted`] does. Rows of weight 0 need a direction, too.
    ///
    /// ```
    /// use centroids::SphericalKMeans;
    /// use ndarray::array;
    ///
    /// let data = array![[2.0, 0.0], [0.0, 1.0]];
    /// let model = SphericalKMeans::new(1).fit_weighted(&data, &array![3.0, 4.0])?;
    /// assert!((model.centroids()[[0, 0]] - 0.6f64).abs() < 1e-12);
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit), and any broken rule about the weights.
    pub fn fit_weighted<S, W>(
        &self,
        data: &ArrayBase<S, Ix2>,
        weights: &ArrayBase<W, Ix1>,
    ) -> Result<SphericalKMeansModel<F>, Error>
    where
        S: ndarray::Data<Elem = F>,
        W: ndarray::Data<Elem = F>,
    {
        self.0.fit_weighted(&F::scale(data.view())?, weights).map(SphericalKMeansModel)
    }

    /// Like [`fit`](Self::fit), and shows each iteration to the observer, which may stop the fit by returning `Break`.
    ///
    /// ```
    /// use centroids::{SphericalKMeans, StopReason};
    /// use ndarray::array;
    /// use std::ops::ControlFlow;
    ///
    /// let data = array![[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]];
    /// let model = SphericalKMeans::new(2).fit_with(&data, |_| ControlFlow::Break(()))?;
    /// assert_eq!(model.stop_reason(), StopReason::Observer);
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit).
    pub fn fit_with<S: ndarray::Data<Elem = F>>(
        &self,
        data: &ArrayBase<S, Ix2>,
        observer: impl FnMut(&Iteration) -> ControlFlow<()>,
    ) -> Result<SphericalKMeansModel<F>, Error> {
        self.0.fit_with(&F::scale(data.view())?, observer).map(SphericalKMeansModel)
    }
}

/// The rows scaled to length 1.
pub(crate) fn scale<F: Float>(rows: ArrayView2<'_, F>) -> Result<Array2<F>, Error> {
    let (shape, d) = (rows.dim(), rows.ncols());
    if d == 0 {
        return Err(Error::NoColumns);
    }
    let values = rows_of(rows, (1, d))?;
    check_values(&values, d)?;
    Ok(Array2::from_shape_vec(shape, unit_rows(&values, d)?).expect("as many values as before"))
}

/// What [`SphericalKMeans`] finds: directions, and the rows that go along with them. One consistent state: `predict(&data) == labels()`.
/// With the feature `serde` it can be [saved](crate::KMeansModel#saving).
///
/// ```
/// use centroids::SphericalKMeans;
/// use ndarray::array;
///
/// let data = array![[3.0, 4.0], [30.0, 40.0], [-1.0, 0.0]];
/// let model = SphericalKMeans::new(2).fit(&data)?;
/// assert_eq!(model.predict(&data)?, model.labels());
/// assert_eq!((model.n_clusters(), model.n_features()), (2, 2));
/// let cosines = model.similarities(&data)?;
/// assert!((cosines[[0, model.labels()[0]]] - 1.0f64).abs() < 1e-12);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SphericalKMeansModel<F: Float>(pub(crate) KMeansModel<F>);

impl<F: Float> SphericalKMeansModel<F> {
    /// The centroids, (k, d), of length 1 but for rounding.
    #[must_use]
    pub fn centroids(&self) -> &Array2<F> {
        self.0.centroids()
    }

    /// For each row of the fit the centroid of the largest cosine.
    #[must_use]
    pub fn labels(&self) -> &Array1<usize> {
        self.0.labels()
    }

    /// Sum of the squared distances of the scaled rows to their centroids (weighted): twice the sum of `1 - cos`. This is what the fit minimises, and
    /// what [`history`](Self::history) has.
    #[must_use]
    pub fn inertia(&self) -> f64 {
        self.0.inertia()
    }

    /// The mean cosine between the rows of an unweighted fit and their centroids: 1 if all rows of a cluster point the same way.
    #[must_use]
    pub fn mean_cosine(&self) -> f64 {
        1.0 - self.inertia() / 2.0 / self.labels().len() as f64
    }

    /// Clusters in the model: k, or fewer if empty ones were removed (see [`EmptyCluster`]).
    #[must_use]
    pub fn n_clusters(&self) -> usize {
        self.0.n_clusters()
    }

    /// Columns of the data.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.0.n_features()
    }

    /// Rows of the fit with each label.
    #[must_use]
    pub fn cluster_sizes(&self) -> &[usize] {
        self.0.cluster_sizes()
    }

    /// Iterations of the run that was kept.
    #[must_use]
    pub fn n_iter(&self) -> usize {
        self.0.n_iter()
    }

    /// The iterations of the run that was kept.
    #[must_use]
    pub fn history(&self) -> &[Iteration] {
        self.0.history()
    }

    /// Why the run that was kept stopped.
    #[must_use]
    pub fn stop_reason(&self) -> StopReason {
        self.0.stop_reason()
    }

    /// For each row of `rows`, (n, d), the index of the centroid with the largest cosine; ties to the lowest. The rows are scaled in a copy.
    ///
    /// # Errors
    ///
    /// As [`KMeansModel::predict`], and [`Error::ZeroRow`].
    pub fn predict<S: ndarray::Data<Elem = F>>(
        &self,
        rows: &ArrayBase<S, Ix2>,
    ) -> Result<Array1<usize>, Error> {
        self.0.predict(&self.scaled(rows.view())?)
    }

    /// [`predict`](Self::predict) for one row of d values.
    ///
    /// ```
    /// # let model = centroids::SphericalKMeans::new(2).fit(&ndarray::array![[0.0, 2.0], [9.0, 0.0]])?;
    /// assert_eq!(model.predict_one(&ndarray::array![0.5, 0.1])?, model.labels()[1]);
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict); the row counts as row 0.
    pub fn predict_one<S: ndarray::Data<Elem = F>>(&self, row: &ArrayBase<S, Ix1>) -> Result<usize, Error> {
        Ok(self.predict(&row.view().insert_axis(ndarray::Axis(0)))?[0])
    }

    /// The cosine of each row with each centroid, (n, k).
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict).
    pub fn similarities<S: ndarray::Data<Elem = F>>(
        &self,
        rows: &ArrayBase<S, Ix2>,
    ) -> Result<Array2<F>, Error> {
        let two = F::one() + F::one();
        let distances = self.0.transform(&self.scaled(rows.view())?)?;
        Ok(distances.mapv_into(|distance| F::one() - distance * distance / two))
    }

    fn scaled(&self, rows: ArrayView2<'_, F>) -> Result<Array2<F>, Error> {
        if rows.ncols() != self.n_features() {
            return Err(Error::ColumnMismatch { expected: self.n_features(), found: rows.ncols() });
        }
        F::scale(rows)
    }
}
