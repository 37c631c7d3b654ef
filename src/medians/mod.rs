//! k-medians: clusters around medians, by L1 distance.

mod empty;
mod model;
mod run;
#[cfg(test)]
mod tests;

pub use model::KMediansModel;
pub use run::MediansIteration;

use crate::data::{Data, check_centroids};
use crate::error::Error;
use crate::float::Float;
use crate::init::{self, Init};
use crate::kernel::Level;
use crate::lloyd::EmptyCluster;
use crate::restarts;
use crate::rng::SeededRng;
use ndarray::{ArrayBase, ArrayView1, ArrayView2, Ix1, Ix2};
pub(crate) use run::Observer;
use run::{Plan, Run};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// k-medians: k clusters that minimise the sum of the L1 distances (sums of absolute differences) of the rows to their cluster's median
/// (Bradley, Mangasarian and Street 1997).
///
/// Each coordinate of a centroid is the median of that column over the cluster's rows, so a value in the tail moves it no more than any other on its
/// side: fewer than half a cluster's rows, however far off, cannot carry its centroid away. A mean follows every one of them. It needs O(n) memory beyond the data,
/// where k-medoids compares all pairs of rows.
///
/// Use it when columns have heavy tails or outliers, or when absolute deviations are what counts. Not when the data may be rotated: L1 depends on the
/// axes, and a median by columns need not be near any row. A few rows far enough from all others still earn a cluster of their
/// own, for that lowers the loss, and k-means++ likes to start there: give [`n_init`](Self::n_init) or start from
/// [`Random`](crate::Random).
///
/// The median is the *lower* one: the smallest value at or below which half the weight of the cluster lies. Every value between the two
/// middle ones has the same loss; the lower one is a value of the data, so nothing is rounded, and no sum of two large values overflows.
///
/// | setting | default |
/// |---|---|
/// | [`seed`](Self::seed) | 0 |
/// | [`init`](Self::init) | [`init::Auto`] (by squared Euclidean distance) |
/// | [`n_init`](Self::n_init) | 1 run |
/// | [`max_iter`](Self::max_iter) | 300 |
/// | [`tolerance`](Self::tolerance) | 0: until no label changes |
/// | [`empty_cluster`](Self::empty_cluster) | [`EmptyCluster::Relocate`] |
///
/// The result is the same bits on any number of threads and at any SIMD level. With given centroids, the order of the rows does not matter either.
///
/// ```
/// use centroids::{KMeans, KMedians};
/// use ndarray::array;
///
/// // One value is far off.
/// let data = array![[0.0], [1.0], [2.0], [10.0], [11.0], [12.0], [90.0]];
/// let start = array![[1.0], [11.0]];
/// let medians = KMedians::new(2).init(start.clone()).max_iter(1).fit(&data)?;
/// assert_eq!(medians.centroids(), &array![[1.0], [11.0]]);
/// assert_eq!(medians.loss(), 2.0 + 2.0 + 79.0);
/// let means = KMeans::new(2).init(start).max_iter(1).fit(&data)?;
/// assert_eq!(means.centroids(), &array![[1.0], [30.75]]);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone)]
pub struct KMedians<F: Float> {
    k: usize,
    seed: u64,
    n_init: usize,
    max_iter: usize,
    tolerance: f64,
    empty_cluster: EmptyCluster,
    init: Arc<dyn Init<F>>,
    level: Level,
}

impl<F: Float> fmt::Debug for KMedians<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KMedians")
            .field("k", &self.k)
            .field("seed", &self.seed)
            .field("n_init", &self.n_init)
            .field("max_iter", &self.max_iter)
            .field("tolerance", &self.tolerance)
            .field("empty_cluster", &self.empty_cluster)
            .finish_non_exhaustive()
    }
}

impl<F: Float> KMedians<F> {
    /// k clusters, and the defaults for everything else.
    #[must_use]
    pub fn new(k: usize) -> Self {
        KMedians {
            k,
            seed: 0,
            n_init: 1,
            max_iter: 300,
            tolerance: 0.0,
            empty_cluster: EmptyCluster::Relocate,
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

    /// The seed of all randomness: the same seed gives the same result, to the bit, everywhere.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Runs from different starts, one after another, of which the one with the smallest loss is kept (the first of equals).
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

    /// Converge when an iteration lowers the loss by at most this part of itself, or no label changed. With 0 only the latter counts: rows that are as near to two
    /// medians may move without lowering anything, on the way to a lower loss.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// What to do with a cluster that loses all its rows: as in k-means, with the farthest row by L1 distance.
    #[must_use]
    pub fn empty_cluster(mut self, policy: EmptyCluster) -> Self {
        self.empty_cluster = policy;
        self
    }

    /// Where the centroids start: any [`Init`], as for [`KMeans::init`](crate::KMeans::init).
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
    /// Costs O(n k d) an iteration. Beyond the data it takes 8 bytes a row, up to 8 (16 with weights) for each thread while medians are selected, up to 32
    /// while k-means++ seeds or a cluster that lost its rows is given others, and the labels returned, 8 bytes a row; 8 to 24 more with weights.
    ///
    /// # Errors
    ///
    /// Any broken rule about the data or the settings (see [`Error`]), before any work is done; and what the
    /// initialiser or [`EmptyCluster::Fail`] report on the way.
    pub fn fit<S: ndarray::Data<Elem = F>>(
        &self,
        data: &ArrayBase<S, Ix2>,
    ) -> Result<KMediansModel<F>, Error> {
        F::fit_medians(self, data.view(), None, &mut |_| ControlFlow::Continue(()))
    }

    /// Clusters rows that count with a weight each: w is as good as w copies of the row. Weights are finite, not negative, and not all 0.
    ///
    /// ```
    /// use centroids::KMedians;
    /// use ndarray::array;
    ///
    /// let model = KMedians::new(1).fit_weighted(&array![[0.0], [3.0]], &array![1.0, 2.0])?;
    /// assert_eq!(model.centroids(), &array![[3.0]]);
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
    ) -> Result<KMediansModel<F>, Error>
    where
        S: ndarray::Data<Elem = F>,
        W: ndarray::Data<Elem = F>,
    {
        F::fit_medians(self, data.view(), Some(weights.view()), &mut |_| ControlFlow::Continue(()))
    }

    /// Like [`fit`](Self::fit), and shows each iteration to the observer, which may end the fit by returning `Break`: the best run so far is kept.
    ///
    /// ```
    /// use centroids::{KMedians, StopReason};
    /// use ndarray::array;
    /// use std::ops::ControlFlow;
    ///
    /// let model = KMedians::new(2).fit_with(&array![[0.0], [1.0], [8.0], [9.0]], |iteration| {
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
        mut observer: impl FnMut(&MediansIteration) -> ControlFlow<()>,
    ) -> Result<KMediansModel<F>, Error> {
        F::fit_medians(self, data.view(), None, &mut observer)
    }

    /// [`fit_weighted`](Self::fit_weighted) with the observer of [`fit_with`](Self::fit_with).
    ///
    /// ```
    /// use centroids::KMedians;
    /// use ndarray::array;
    /// use std::ops::ControlFlow;
    ///
    /// let (data, weights) = (array![[0.0], [4.0]], array![3.0, 1.0]);
    /// let model = KMedians::new(1).fit_weighted_with(&data, &weights, |_| ControlFlow::Continue(()))?;
    /// assert_eq!((model.centroids()[[0, 0]], model.loss()), (0.0, 4.0));
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
        mut observer: impl FnMut(&MediansIteration) -> ControlFlow<()>,
    ) -> Result<KMediansModel<F>, Error>
    where
        S: ndarray::Data<Elem = F>,
        W: ndarray::Data<Elem = F>,
    {
        F::fit_medians(self, data.view(), Some(weights.view()), &mut observer)
    }

    fn check(&self) -> Result<(), Error> {
        if self.k == 0 {
            return Err(Error::ZeroClusters);
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
    ) -> Result<KMediansModel<F>, Error> {
        self.check()?;
        let checked = Data::for_clusters(self.level, data, weights, self.k)?;
        let loss = |run: &Run<F>| run.loss;
        let best = restarts::in_turn(self.n_init, loss, observer, |run, watch| {
            let mut rng = SeededRng::stream(self.seed, 2 * run as u64);
            let start = self.init.centroids(checked.array(), weights, self.k, &mut rng)?;
            let start = check_centroids(start.view(), self.k, checked.d)?;
            let plan = Plan {
                level: self.level,
                run,
                seed: self.seed,
                empty_cluster: self.empty_cluster,
                max_iter: self.max_iter,
                tolerance: self.tolerance,
            };
            run::run(&plan, &checked, start, watch)
        })?;
        Ok(KMediansModel::new(self.level, best, checked.d))
    }
}
