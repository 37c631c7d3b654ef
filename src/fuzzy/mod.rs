//! Fuzzy c-means: rows belong to every cluster in part.

mod model;
mod run;
#[cfg(test)]
mod tests;

pub use model::FuzzyCMeansModel;
pub use run::FuzzyIteration;

use crate::data::{Data, check_centroids};
use crate::error::Error;
use crate::float::Float;
use crate::init::{self, Init};
use crate::kernel::{Level, membership::Fuzzifier};
use crate::restarts;
use crate::rng::SeededRng;
use ndarray::{ArrayBase, ArrayView1, ArrayView2, Ix1, Ix2};
pub(crate) use run::Observer;
use run::{Plan, Run};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Fuzzy c-means (Dunn 1973; Bezdek 1981): every row belongs to every cluster in part, the more the nearer its centroid is.
///
/// The memberships `u_ij` of row i add up to 1. With the fuzzifier m > 1 and squared Euclidean distances the objective is
/// `J_m = sum of w_i u_ij^m |x_i - c_j|^2`. At its minimum over the memberships `u_ij` is proportional to
/// `|x_i - c_j|^(-2 / (m - 1))`, and each centroid is the mean of all rows weighted by `w_i u_ij^m`; the fit alternates between the two.
///
/// Use it when groups overlap and how clearly a row belongs matters. When only labels are wanted, [`KMeans`](crate::KMeans) is many times
/// faster, for it prunes. Beware of m = 2 with many columns: unless the groups lie far apart, distances become alike there, the memberships 1 / k,
/// and the centroids run together in the mean of the data (Winkler, Klawonn and Kruse 2011).
/// [`coincident`](FuzzyCMeansModel::coincident) says so; m closer to 1 helps. Outliers have memberships that add up to 1 like any row's, and pull.
///
/// | setting | default |
/// |---|---|
/// | [`fuzzifier`](Self::fuzzifier) | 2 |
/// | [`seed`](Self::seed) | 0 |
/// | [`init`](Self::init) | [`init::Auto`] |
/// | [`n_init`](Self::n_init) | 1 run |
/// | [`max_iter`](Self::max_iter) | 300 |
/// | [`tolerance`](Self::tolerance) | 1e-8 |
/// | [`keep_memberships`](Self::keep_memberships) | no |
///
/// The result is the same bits on any number of threads, at any SIMD level and on any platform. Unlike that of `KMeans` it may depend, in the last
/// bits, on the order of the rows.
///
/// ```
/// use centroids::FuzzyCMeans;
/// use ndarray::array;
///
/// let data = array![
///     [0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [8.0, 8.0], [9.0, 8.0], [8.0, 9.0], [4.3, 4.3],
/// ];
/// let model = FuzzyCMeans::new(2).fuzzifier(2.0).seed(7).fit(&data)?;
/// assert_eq!(model.labels()[0], model.labels()[1]);
/// let memberships = model.predict_memberships(&data)?; // (7, 2)
/// assert!(memberships[[0, model.labels()[0]]] > 0.95);
/// // The last row is between the two groups.
/// assert!(f64::abs(memberships[[6, 0]] - 0.5) < 0.05);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone)]
pub struct FuzzyCMeans<F: Float> {
    k: usize,
    fuzzifier: f64,
    seed: u64,
    n_init: usize,
    max_iter: usize,
    tolerance: f64,
    keep_memberships: bool,
    init: Arc<dyn Init<F>>,
    level: Level,
}

impl<F: Float> fmt::Debug for FuzzyCMeans<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FuzzyCMeans")
            .field("k", &self.k)
            .field("fuzzifier", &self.fuzzifier)
            .field("seed", &self.seed)
            .field("n_init", &self.n_init)
            .field("max_iter", &self.max_iter)
            .field("tolerance", &self.tolerance)
            .field("keep_memberships", &self.keep_memberships)
            .finish_non_exhaustive()
    }
}

impl<F: Float> FuzzyCMeans<F> {
    /// k clusters, and the defaults for everything else.
    #[must_use]
    pub fn new(k: usize) -> Self {
        FuzzyCMeans {
            k,
            fuzzifier: 2.0,
            seed: 0,
            n_init: 1,
            max_iter: 300,
            tolerance: 1e-8,
            keep_memberships: false,
            init: Arc::new(init::Auto),
            level: Level::new(),
        }
    }

    /// The same settings for another number of clusters.
    #[must_use]
    pub fn with_k(mut self, k: usize) -> Self {
        self.k = k;
        self
    }

    /// How soft the memberships are: m, finite and more than 1. Close to 1 they are nearly 0 or 1, as in k-means; the larger m, the
    /// closer they are to 1 / k. m = 2 is the fastest; 1.5 and 3
    /// come next, for they need no logarithms either.
    #[must_use]
    pub fn fuzzifier(mut self, m: f64) -> Self {
        self.fuzzifier = m;
        self
    }

    /// The seed of all randomness: the same seed gives the same result, to the bit, everywhere.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Runs from different starts, one after another, of which the one with the smallest objective is kept (the first of equals).
    #[must_use]
    pub fn n_init(mut self, n_init: usize) -> Self {
        self.n_init = n_init;
        self
    }

    /// Iterations a run may take at most.
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// Converge when the squared shift of the centroids is at most this times the mean variance of the columns, as in
    /// [`KMeans::tolerance`](crate::KMeans::tolerance). 0 goes on until rounding hides any gain.
    ///
    /// Fuzzy centroids approach their limit by a constant factor an iteration, hence the small default.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Keeps the memberships of the rows of the fit in the model, n k numbers; see [`FuzzyCMeansModel::memberships`].
    ///
    /// The fit itself never holds them: they are computed once, at its end.
    #[must_use]
    pub fn keep_memberships(mut self, keep: bool) -> Self {
        self.keep_memberships = keep;
        self
    }

    /// Where the centroids start: any [`Init`], as for [`KMeans::init`](crate::KMeans::init). Centroids that start equal stay equal.
    #[must_use]
    pub fn init(mut self, init: impl Init<F> + 'static) -> Self {
        self.init = Arc::new(init);
        self
    }

    #[cfg(test)]
    pub(crate) fn at_level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Clusters the rows of `data`, (n, d).
    ///
    /// Costs O(n k d) an iteration. Beyond the data it takes 4 bytes a row, up to 32 while k-means++ seeds, the labels returned, 8 bytes a row, 8 to 24 with
    /// weights, and up to 64 times k (d + 2) numbers for the parts that sums are formed in.
    ///
    /// # Errors
    ///
    /// Any broken rule about the data or the settings (see [`Error`]), before any work is done; and what the initialiser reports.
    pub fn fit<S: ndarray::Data<Elem = F>>(
        &self,
        data: &ArrayBase<S, Ix2>,
    ) -> Result<FuzzyCMeansModel<F>, Error> {
        F::fit_fuzzy(self, data.view(), None, &mut |_| ControlFlow::Continue(()))
    }

    /// Clusters rows that count with a weight each: w is as good as w copies of the row. Weights are finite, not negative, and not all 0.
    ///
    /// ```
    /// use centroids::FuzzyCMeans;
    /// use ndarray::array;
    ///
    /// let model = FuzzyCMeans::new(1).fit_weighted(&array![[0.0], [3.0]], &array![2.0, 1.0])?;
    /// assert_eq!(model.centroids(), &array![[1.0]]);
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
    ) -> Result<FuzzyCMeansModel<F>, Error>
    where
        S: ndarray::Data<Elem = F>,
        W: ndarray::Data<Elem = F>,
    {
        F::fit_fuzzy(self, data.view(), Some(weights.view()), &mut |_| ControlFlow::Continue(()))
    }

    /// Like [`fit`](Self::fit), and shows each iteration to the observer, which may end the fit by returning `Break`: the best run so far is kept.
    ///
    /// ```
    /// use centroids::{FuzzyCMeans, StopReason};
    /// use ndarray::array;
    /// use std::ops::ControlFlow;
    ///
    /// let model = FuzzyCMeans::new(2).fit_with(&array![[0.0], [1.0], [8.0], [9.0]], |iteration| {
    ///     println!("{iteration}");
    ///     ControlFlow::Break(())
    /// })?;
    /// assert_eq!((model.n_iter(), model.stop_reason()), (1, StopReason::Observer));
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit).
    pub fn fit_with<S: ndarray::Data<Elem = F>>(
        &self,
        data: &ArrayBase<S, Ix2>,
        mut observer: impl FnMut(&FuzzyIteration) -> ControlFlow<()>,
    ) -> Result<FuzzyCMeansModel<F>, Error> {
        F::fit_fuzzy(self, data.view(), None, &mut observer)
    }

    /// [`fit_weighted`](Self::fit_weighted) with the observer of [`fit_with`](Self::fit_with).
    ///
    /// ```
    /// use centroids::FuzzyCMeans;
    /// use ndarray::array;
    /// use std::ops::ControlFlow;
    ///
    /// let (data, weights) = (array![[0.0], [4.0]], array![3.0, 1.0]);
    /// let fuzzy = FuzzyCMeans::new(1);
    /// let model = fuzzy.fit_weighted_with(&data, &weights, |_| ControlFlow::Continue(()))?;
    /// assert_eq!(model.centroids()[[0, 0]], 1.0);
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`fit_weighted`](Self::fit_weighted).
    pub fn fit_weighted_with<S, W>(
        &self,
        data: &ArrayBase<S, Ix2>,
        weights: &ArrayBase<W, Ix1>,
        mut observer: impl FnMut(&FuzzyIteration) -> ControlFlow<()>,
    ) -> Result<FuzzyCMeansModel<F>, Error>
    where
        S: ndarray::Data<Elem = F>,
        W: ndarray::Data<Elem = F>,
    {
        F::fit_fuzzy(self, data.view(), Some(weights.view()), &mut observer)
    }

    fn check(&self) -> Result<(), Error> {
        if self.k == 0 {
            return Err(Error::ZeroClusters);
        }
        if !(self.fuzzifier > 1.0 && self.fuzzifier < f64::INFINITY) {
            return Err(Error::Fuzzifier { fuzzifier: self.fuzzifier });
        }
        if self.max_iter == 0 {
            return Err(Error::ZeroIterations);
        }
        if self.n_init == 0 {
            return Err(Error::ZeroRuns);
        }
        if !(self.tolerance >= 0.0) {
            return Err(Error::Tolerance { tolerance: self.tolerance });
        }
        Ok(())
    }

    pub(crate) fn start(
        &self,
        data: ArrayView2<'_, F>,
        weights: Option<ArrayView1<'_, F>>,
        observer: Observer<'_>,
    ) -> Result<FuzzyCMeansModel<F>, Error> {
        self.check()?;
        let checked = Data::for_clusters(self.level, data, weights, self.k)?;
        if self.keep_memberships {
            model::check_size(checked.n(), self.k, checked.d)?;
        }
        let loss = |run: &Run<F>| run.objective;
        let best = restarts::in_turn(self.n_init, loss, observer, |run, watch| {
            let mut rng = SeededRng::stream(self.seed, 2 * run as u64);
            let start = self.init.centroids(checked.array(), weights, self.k, &mut rng)?;
            let start = check_centroids(start.view(), self.k, checked.d)?;
            let plan = Plan {
                level: self.level,
                run,
                fuzzifier: Fuzzifier::new(self.fuzzifier),
                max_iter: self.max_iter,
                tolerance: self.tolerance,
            };
            Ok(run::run(&plan, &checked, start, watch))
        })?;
        Ok(FuzzyCMeansModel::new(self.level, self.fuzzifier, &checked, best, self.keep_memberships))
    }
}
