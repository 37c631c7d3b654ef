//! The builder.

use crate::convergence::{Any, Convergence, Stable, Tolerance};
use crate::data::{Data, check_centroids};
use crate::error::Error;
use crate::float::Float;
use crate::history::Iteration;
use crate::init::{self, Init};
use crate::kernel::{Level, par};
use crate::lloyd::{self, Algorithm, EmptyCluster, Kind, Observer, Plan, Refine, Run};
use crate::model::KMeansModel;
use crate::restarts;
use crate::rng::SeededRng;
use ndarray::{ArrayBase, ArrayView1, ArrayView2, Ix1, Ix2};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// k-means: k clusters that minimise the sum of squared distances of the rows to their cluster's mean.
///
/// Set what you need, then [`fit`](Self::fit). Setters never fail and never change what they are given; `fit` checks everything before it
/// does any work. A `KMeans` can be fitted many times, cloned, and shared between threads.
///
/// | setting | default |
/// |---|---|
/// | [`seed`](Self::seed) | 0 |
/// | [`init`](Self::init) | [`init::Auto`]: greedy [`KMeansPlusPlus`](crate::KMeansPlusPlus), or for much data [`KMeansParallel`](crate::KMeansParallel) |
/// | [`n_init`](Self::n_init) | 1 run |
/// | [`max_iter`](Self::max_iter) | 300 |
/// | [`tolerance`](Self::tolerance), [`converge_when`](Self::converge_when) | 1e-4, or no label changed |
/// | [`empty_cluster`](Self::empty_cluster) | [`EmptyCluster::Relocate`] |
/// | [`refine`](Self::refine) | no |
/// | [`algorithm`](Self::algorithm) | [`Algorithm::Auto`] |
///
/// ```
/// use centroids::KMeans;
/// use ndarray::array;
///
/// let data = array![[1.0, 1.0], [1.0, 2.0], [2.0, 1.0], [5.0, 5.0], [5.0, 6.0], [6.0, 5.0]];
/// let model = KMeans::new(2).seed(7).n_init(3).fit(&data)?;
/// assert!((model.inertia() - 8.0 / 3.0).abs() < 1e-12);
/// assert_eq!(model.labels()[0], model.labels()[1]);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone)]
pub struct KMeans<F: Float> {
    k: usize,
    seed: u64,
    n_init: usize,
    max_iter: usize,
    algorithm: Algorithm,
    empty_cluster: EmptyCluster,
    kind: Kind,
    refine: Option<Refine>,
    init: Arc<dyn Init<F>>,
    convergence: Arc<dyn Convergence<F>>,
    level: Level,
}

impl<F: Float> fmt::Debug for KMeans<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KMeans")
            .field("k", &self.k)
            .field("seed", &self.seed)
            .field("n_init", &self.n_init)
            .field("max_iter", &self.max_iter)
            .field("algorithm", &self.algorithm)
            .field("empty_cluster", &self.empty_cluster)
            .finish_non_exhaustive()
    }
}

impl<F: Float> KMeans<F> {
    /// k clusters, and the defaults for everything else.
    #[must_use]
    pub fn new(k: usize) -> Self {
        KMeans {
            k,
            seed: 0,
            n_init: 1,
            max_iter: 300,
            algorithm: Algorithm::Auto,
            empty_cluster: EmptyCluster::Relocate,
            kind: Kind::Means,
            refine: None,
            init: Arc::new(init::Auto),
            convergence: Arc::new(Any(Tolerance(1e-4), Stable)),
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

    /// Runs from different starts, of which the one with the smallest inertia is kept, whole (the first of equals).
    ///
    /// Run r draws from its own stream of the seed, so the first runs are the same however many follow. With given centroids all runs are equal, unless
    /// [`EmptyCluster::Resample`] or [`refine`](Self::refine) draws rows.
    #[must_use]
    pub fn n_init(mut self, n_init: usize) -> Self {
        self.n_init = n_init;
        self
    }

    /// Iterations a run may take at most; with [`refine`](Self::refine), before it, after each swap, and at its end.
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// Converge when the squared shift of the centroids is at most this times the mean variance of the columns, or no label changed.
    ///
    /// Replaces what [`converge_when`](Self::converge_when) set. 0 asks for a fixed point.
    #[must_use]
    pub fn tolerance(self, tolerance: f64) -> Self {
        self.converge_when(Any(Tolerance(tolerance), Stable))
    }

    /// Converge when this criterion is met; replaces the tolerance. See [`Convergence`].
    #[must_use]
    pub fn converge_when(mut self, criterion: impl Convergence<F> + 'static) -> Self {
        self.convergence = Arc::new(criterion);
        self
    }

    /// How rows are assigned. Changes the time, not the result.
    #[must_use]
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// What to do with a cluster that loses all its rows.
    #[must_use]
    pub fn empty_cluster(mut self, policy: EmptyCluster) -> Self {
        self.empty_cluster = policy;
        self
    }

    /// Goes on past the local minimum where Lloyd's iterations end, in each of the `n_init` runs: centroids are moved across the data, and what does not
    /// help is taken back. See [`Refine`] for what it buys and what it costs.
    #[must_use]
    pub fn refine(mut self, refine: Refine) -> Self {
        self.refine = Some(refine);
        self
    }

    /// Where the centroids start: [`Random`](crate::Random), [`KMeansPlusPlus`](crate::KMeansPlusPlus),
    /// [`KMeansParallel`](crate::KMeansParallel), a (k, d) `Array2`, a closure
    /// ([`init::from_fn`](crate::init::from_fn)), or an [`Init`] of your own.
    #[must_use]
    pub fn init(mut self, init: impl Init<F> + 'static) -> Self {
        self.init = Arc::new(init);
        self
    }

    /// For the relatives of k-means that share its loop.
    pub(crate) fn of_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// The number of clusters set.
    pub(crate) fn k_set(&self) -> usize {
        self.k
    }

    /// The seed set.
    pub(crate) fn seed_set(&self) -> u64 {
        self.seed
    }

    #[cfg(test)]
    pub(crate) fn at_level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Clusters the rows of `data`, (n, d).
    ///
    /// Arrays, views and slices are read where they lie if their rows are contiguous, and copied once if not. Costs O(n k d) an
    /// iteration at most; beyond the data it takes up to 32 bytes a row and O(k d) for each thread. The model keeps 4 bytes a row, and 8 more
    /// once its [`labels`](KMeansModel::labels) are asked for.
    ///
    /// # Errors
    ///
    /// Any broken rule about the data or the settings (see [`Error`]), before any work is done; and what the
    /// initialiser or [`EmptyCluster::Fail`] report on the way.
    pub fn fit<S: ndarray::Data<Elem = F>>(&self, data: &ArrayBase<S, Ix2>) -> Result<KMeansModel<F>, Error> {
        F::fit_kmeans(self, data.view(), None, None)
    }

    /// Clusters rows that count with a weight each: w is as good as w copies of the row. Weights are finite, not negative, and not all 0; only their ratios matter.
    ///
    /// They enter the seeding, the means, the inertia and the repair of empty clusters. A row of weight 0 has no influence, and gets a label.
    ///
    /// ```
    /// use centroids::KMeans;
    /// use ndarray::array;
    ///
    /// let data = array![[0.0], [3.0], [10.0]];
    /// let model = KMeans::new(2).fit_weighted(&data, &array![2.0, 1.0, 1.0])?;
    /// assert!(model.centroids().iter().any(|&c| c == 1.0));
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
    ) -> Result<KMeansModel<F>, Error>
    where
        S: ndarray::Data<Elem = F>,
        W: ndarray::Data<Elem = F>,
    {
        F::fit_kmeans(self, data.view(), Some(weights.view()), None)
    }

    /// Like [`fit`](Self::fit), and shows each iteration to the observer, which may stop the fit by returning `Break`.
    ///
    /// The model is then as consistent as any: its labels are those of its centroids. With several runs they are made one after another; a break ends
    /// them all, and the best run so far is kept. The seeding is not an iteration: it cannot be stopped.
    ///
    /// ```
    /// use centroids::{KMeans, StopReason};
    /// use ndarray::array;
    /// use std::ops::ControlFlow;
    ///
    /// let data = array![[0.0], [1.0], [8.0], [9.0]];
    /// let model = KMeans::new(2).fit_with(&data, |iteration| {
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
        mut observer: impl FnMut(&Iteration) -> ControlFlow<()>,
    ) -> Result<KMeansModel<F>, Error> {
        F::fit_kmeans(self, data.view(), None, Some(&mut observer))
    }

    /// [`fit_weighted`](Self::fit_weighted) with the observer of [`fit_with`](Self::fit_with).
    ///
    /// ```
    /// use centroids::KMeans;
    /// use ndarray::array;
    /// use std::ops::ControlFlow;
    ///
    /// let mut seen = 0;
    /// KMeans::new(1).fit_weighted_with(&array![[0.0], [4.0]], &array![3.0, 1.0], |_| {
    ///     seen += 1;
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert!(seen > 0);
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
        mut observer: impl FnMut(&Iteration) -> ControlFlow<()>,
    ) -> Result<KMeansModel<F>, Error>
    where
        S: ndarray::Data<Elem = F>,
        W: ndarray::Data<Elem = F>,
    {
        F::fit_kmeans(self, data.view(), Some(weights.view()), Some(&mut observer))
    }

    /// Whether a fit would find a broken rule before it does any work.
    pub(crate) fn check_fit(
        &self,
        data: ArrayView2<'_, F>,
        weights: Option<ArrayView1<'_, F>>,
    ) -> Result<(), Error> {
        F::check_kmeans(self, data, weights)
    }

    pub(crate) fn checked<'a>(
        &self,
        data: ArrayView2<'a, F>,
        weights: Option<ArrayView1<'_, F>>,
    ) -> Result<Data<'a, F>, Error> {
        self.check()?;
        Data::for_clusters(self.level, data, weights, self.k)
    }

    /// Checks everything, prepares the data, and hands over to the runs.
    pub(crate) fn start(
        &self,
        data: ArrayView2<'_, F>,
        weights: Option<ArrayView1<'_, F>>,
        observer: Option<Observer<'_>>,
    ) -> Result<KMeansModel<F>, Error> {
        let checked = self.checked(data, weights)?;
        // Copied already if it had to be.
        self.runs(&checked, &checked.array(), weights, observer)
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
        match self.convergence.tolerance() {
            Some(tolerance) if !(tolerance >= 0.0) => Err(Error::Tolerance { tolerance }),
            _ => Ok(()),
        }
    }

    fn runs(
        &self,
        data: &Data<'_, F>,
        rows: &ArrayView2<'_, F>,
        weights: Option<ArrayView1<'_, F>>,
        observer: Option<Observer<'_>>,
    ) -> Result<KMeansModel<F>, Error> {
        let one = |run: usize, observer: Observer<'_>| {
            let mut rng = SeededRng::stream(self.seed, 2 * run as u64);
            let start = self.init.centroids(rows.view(), weights, self.k, &mut rng)?;
            let start = check_centroids(start.view(), self.k, data.d)?;
            let plan = Plan {
                level: self.level,
                run,
                seed: self.seed,
                max_iter: self.max_iter,
                algorithm: self.algorithm,
                empty_cluster: self.empty_cluster,
                kind: self.kind.clone(),
                refine: self.refine,
                convergence: &*self.convergence,
            };
            lloyd::run(&plan, data, start, observer)
        };
        let loss = |run: &Run<F>| run.inertia;
        let best = if let Some(observer) = observer {
            restarts::in_turn(self.n_init, loss, observer, one)?
        } else {
            // Runs too small to be worth several threads each share the threads between them.
            let small = par::workers_for(rows.len() as f64 * self.k as f64) == 1;
            let workers = if small { par::threads() } else { 1 };
            restarts::at_once(self.n_init, workers, loss, |run| one(run, &mut |_| ControlFlow::Continue(())))?
        };
        Ok(KMeansModel::new(self.level, best, data.d))
    }
}
