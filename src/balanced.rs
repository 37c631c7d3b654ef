//! k-means with clusters of bounded size.

use crate::convergence::Convergence;
use crate::error::Error;
use crate::float::Float;
use crate::history::{Iteration, StopReason};
use crate::init::Init;
use crate::kmeans::KMeans;
use crate::lloyd::Kind;
use crate::model::KMeansModel;
use ndarray::{Array1, Array2, ArrayBase, Ix1, Ix2};
use std::ops::{Bound, ControlFlow, RangeBounds};

/// k-means whose clusters have a minimum and a maximum number of rows (Bradley, Bennett and Demiriz 2000): by default clusters of equal
/// size, give or take one row.
///
/// As [`KMeans`], but each iteration assigns the rows so that the sum of squared distances is the least possible *within the bounds*: a transportation problem, solved
/// exactly (up to rounding squared distances to 2^-61 of the largest). A row may so belong to another cluster than that of its nearest centroid.
///
/// Use it for groups that something has to carry: classes, delivery tours, shards, batches. Where sizes may differ, `KMeans` has the smaller inertia, and is
/// many times faster. Rows of equal values may end up in different clusters, and equal centroids are possible.
///
/// | setting | default |
/// |---|---|
/// | [`sizes`](Self::sizes) | n / k, rounded down to rounded up |
/// | [`seed`](Self::seed) | 0 |
/// | [`init`](Self::init) | [`init::Auto`](crate::init::Auto) |
/// | [`n_init`](Self::n_init) | 1 run |
/// | [`max_iter`](Self::max_iter) | 300 |
/// | [`tolerance`](Self::tolerance), [`converge_when`](Self::converge_when) | 1e-4, or no label changed |
///
/// ```
/// use centroids::{BalancedKMeans, KMeans};
/// use ndarray::array;
///
/// let data = array![[0.0], [1.0], [2.0], [3.0], [4.0], [9.0]];
/// assert_eq!(KMeans::new(2).fit(&data)?.cluster_sizes().iter().max(), Some(&5));
/// let model = BalancedKMeans::new(2).fit(&data)?;
/// assert_eq!(model.cluster_sizes(), [3, 3]);
/// assert_eq!(model.labels()[3], model.labels()[5]);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct BalancedKMeans<F: Float> {
    kmeans: KMeans<F>,
    k: usize,
    /// None: as equal as can be.
    sizes: Option<(usize, usize)>,
}

impl<F: Float> BalancedKMeans<F> {
    /// k clusters, and the defaults for everything else.
    #[must_use]
    pub fn new(k: usize) -> Self {
        BalancedKMeans { kmeans: KMeans::new(k), k, sizes: None }
    }

    /// The same settings for another number of clusters.
    #[must_use]
    pub fn with_k(mut self, k: usize) -> Self {
        self.k = k;
        self.change(|kmeans| kmeans.with_k(k))
    }

    /// How many rows a cluster may have. An open end is 1 or n. Each cluster has a row at least, so sizes that begin at 0 are an error.
    ///
    /// ```
    /// use centroids::{BalancedKMeans, Error};
    /// use ndarray::Array2;
    ///
    /// let data = Array2::from_shape_fn((20, 1), |(i, _)| (i * i) as f64);
    /// let sizes = |model: &centroids::BalancedKMeansModel<f64>| model.cluster_sizes().to_vec();
    /// assert!(sizes(&BalancedKMeans::new(3).sizes(5..).fit(&data)?).iter().all(|&size| size >= 5));
    /// assert!(sizes(&BalancedKMeans::new(3).sizes(..=8).fit(&data)?).iter().all(|&size| size <= 8));
    /// let error = BalancedKMeans::new(3).sizes(7..=9).fit(&data).unwrap_err();
    /// assert_eq!(error, Error::ClusterSizes { least: 7, most: 9, k: 3, rows: 20 });
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn sizes(mut self, sizes: impl RangeBounds<usize>) -> Self {
        let least = match sizes.start_bound() {
            Bound::Included(&least) => least,
            Bound::Excluded(&below) => below.saturating_add(1),
            Bound::Unbounded => 1,
        };
        let most = match sizes.end_bound() {
            Bound::Included(&most) => most,
            // A range that ends before 0 holds nothing, and the fit says so.
            Bound::Excluded(&above) => above.saturating_sub(1),
            Bound::Unbounded => usize::MAX,
        };
        self.sizes = Some((least, most));
        self
    }

    /// As [`KMeans::seed`].
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        self.change(|kmeans| kmeans.seed(seed))
    }

    /// As [`KMeans::n_init`].
    #[must_use]
    pub fn n_init(self, n_init: usize) -> Self {
        self.change(|kmeans| kmeans.n_init(n_init))
    }

    /// As [`KMeans::max_iter`].
    #[must_use]
    pub fn max_iter(self, max_iter: usize) -> Self {
        self.change(|kmeans| kmeans.max_iter(max_iter))
    }

    /// As [`KMeans::tolerance`].
    #[must_use]
    pub fn tolerance(self, tolerance: f64) -> Self {
        self.change(|kmeans| kmeans.tolerance(tolerance))
    }

    /// As [`KMeans::converge_when`].
    #[must_use]
    pub fn converge_when(self, criterion: impl Convergence<F> + 'static) -> Self {
        self.change(|kmeans| kmeans.converge_when(criterion))
    }

    /// As [`KMeans::init`].
    #[must_use]
    pub fn init(self, init: impl Init<F> + 'static) -> Self {
        self.change(|kmeans| kmeans.init(init))
    }

    fn change(mut self, change: impl FnOnce(KMeans<F>) -> KMeans<F>) -> Self {
        self.kmeans = change(self.kmeans);
        self
    }

    /// Clusters the rows of `data`, (n, d).
    ///
    /// An iteration costs O(n k d), and O(k²) for each row that has to be passed on from a cluster with too many to one with too few: most of them in the
    /// first iteration, few later. Beyond what [`KMeans`] takes it holds 8 to 16 bytes for each row *and cluster*, and for
    /// each pair of clusters up to 4 KB: up to 38 bytes for each row and cluster in all, where clusters have fewer than 500 rows.
    ///
    /// # Errors
    ///
    /// As [`KMeans::fit`], and [`Error::ClusterSizes`] if n rows cannot be divided into k clusters of such sizes.
    pub fn fit<S: ndarray::Data<Elem = F>>(
        &self,
        data: &ArrayBase<S, Ix2>,
    ) -> Result<BalancedKMeansModel<F>, Error> {
        self.sized(data.nrows())?.fit(data).map(BalancedKMeansModel)
    }

    /// Like [`fit`](Self::fit), and shows each iteration to the observer, which may stop the fit by returning `Break`.
    ///
    /// ```
    /// use centroids::{BalancedKMeans, StopReason};
    /// use ndarray::array;
    /// use std::ops::ControlFlow;
    ///
    /// let data = array![[0.0], [1.0], [2.0], [9.0]];
    /// let model = BalancedKMeans::new(2).fit_with(&data, |_| ControlFlow::Break(()))?;
    /// assert_eq!((model.stop_reason(), model.cluster_sizes()), (StopReason::Observer, &[2, 2][..]));
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
    ) -> Result<BalancedKMeansModel<F>, Error> {
        self.sized(data.nrows())?.fit_with(data, observer).map(BalancedKMeansModel)
    }

    /// The settings for n rows.
    fn sized(&self, n: usize) -> Result<KMeans<F>, Error> {
        let k = self.k;
        let even = (n / k.max(1), n.div_ceil(k.max(1)));
        let (least, most) = self.sizes.unwrap_or(even);
        let possible =
            1 <= least && least <= most && least.saturating_mul(k) <= n && n <= most.saturating_mul(k);
        // Of no clusters, no rows or too few rows, `KMeans` has more to say.
        if !possible && (1..=n).contains(&k) {
            return Err(Error::ClusterSizes { least, most: most.min(n), k, rows: n });
        }
        Ok(self.kmeans.clone().of_kind(Kind::Bounded(least..=most.min(n))))
    }
}

/// What [`BalancedKMeans`] finds: centroids, and labels that keep to the sizes.
/// With the feature `serde` it can be [saved](crate::KMeansModel#saving).
///
/// ```
/// use centroids::BalancedKMeans;
/// use ndarray::array;
///
/// let data = array![[0.0], [1.0], [2.0], [3.0], [4.0], [9.0]];
/// let model = BalancedKMeans::new(2).fit(&data)?;
/// // New rows, and old ones too, are given the nearest centroid, whatever the sizes.
/// assert_eq!((model.n_clusters(), model.n_features()), (2, 1));
/// assert_eq!(model.predict(&array![[3.0]])?[0], model.labels()[0]);
/// assert_ne!(model.labels()[3], model.labels()[0]);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BalancedKMeansModel<F: Float>(pub(crate) KMeansModel<F>);

impl<F: Float> BalancedKMeansModel<F> {
    /// The centroids, (k, d). After a fit each is the mean of the rows that had its label before the last assignment, rounded to F: of its rows as they are, if that
    /// assignment moved none. `tolerance(0.0)` asks for that; the default ends a little before.
    #[must_use]
    pub fn centroids(&self) -> &Array2<F> {
        self.0.centroids()
    }

    /// The cluster of each row of the fit: of all labellings within the sizes the one with the smallest sum of squared distances to `centroids`.
    #[must_use]
    pub fn labels(&self) -> &Array1<usize> {
        self.0.labels()
    }

    /// Sum of the squared distances of the rows of the fit to the centroids of their labels.
    #[must_use]
    pub fn inertia(&self) -> f64 {
        self.0.inertia()
    }

    /// Clusters: k.
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

    /// For each row of `rows`, (n, d), the index of the *nearest* centroid; ties to the lowest index. Sizes do not matter here, so the rows of the fit
    /// may get other labels than [`labels`](Self::labels) has.
    ///
    /// # Errors
    ///
    /// As [`KMeansModel::predict`].
    pub fn predict<S: ndarray::Data<Elem = F>>(
        &self,
        rows: &ArrayBase<S, Ix2>,
    ) -> Result<Array1<usize>, Error> {
        self.0.predict(rows)
    }

    /// [`predict`](Self::predict) for one row of d values.
    ///
    /// ```
    /// # let model = centroids::BalancedKMeans::new(2).fit(&ndarray::array![[0.0], [9.0]])?;
    /// assert_eq!(model.predict_one(&ndarray::array![9.5])?, model.labels()[1]);
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`KMeansModel::predict_one`].
    pub fn predict_one<S: ndarray::Data<Elem = F>>(&self, row: &ArrayBase<S, Ix1>) -> Result<usize, Error> {
        self.0.predict_one(row)
    }

    /// The Euclidean distance (not squared) of each row to each centroid, (n, k).
    ///
    /// # Errors
    ///
    /// As [`KMeansModel::transform`].
    pub fn transform<S: ndarray::Data<Elem = F>>(
        &self,
        rows: &ArrayBase<S, Ix2>,
    ) -> Result<Array2<F>, Error> {
        self.0.transform(rows)
    }
}
