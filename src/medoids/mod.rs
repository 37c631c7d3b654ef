//! k-medoids: clusters around rows of the data, by any dissimilarity.

mod matrix;
mod metric;
mod model;
mod search;
mod start;
#[cfg(test)]
mod tests;

pub use metric::{Dissimilarity, Metric};
pub use model::{KMedoidsModel, Medoids};
pub use search::MedoidsIteration;
pub use start::MedoidInit;

use crate::data::Data;
use crate::error::Error;
use crate::float::Float;
use crate::kernel::Level;
use crate::restarts::{self, Watch};
use crate::rng::SeededRng;
use matrix::{Matrix, largest};
use metric::Points;
use ndarray::{ArrayBase, ArrayView1, ArrayView2, Ix1, Ix2};
use search::Run;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Rows up to which all pairs are compared, unless told otherwise.
const ALL_PAIRS: usize = 20_000;

/// k-medoids: k rows that minimise the sum of the dissimilarities of all rows to the nearest of them, by FasterPAM (Schubert and Rousseeuw 2021).
///
/// A medoid is one of the rows, so it is a real example of its cluster, and all that is needed is how far apart rows are: any [`Metric`], a
/// [`Dissimilarity`] of your own, or a matrix of them. Far rows count by their distance, not its square, and so pull less than they do on a mean.
///
/// Use it for dissimilarities that have no means (counts of differences, strings, times along roads) and for examples. Not for many rows: it
/// compares all pairs. [`KMedians`](crate::KMedians) is robust as well and needs no pairs; [`KMeans`](crate::KMeans) is much faster.
///
/// | setting | default |
/// |---|---|
/// | [`seed`](Self::seed) | 0 |
/// | [`metric`](Self::metric) | [`Metric::Euclidean`] |
/// | [`init`](Self::init) | [`MedoidInit::PlusPlus`] |
/// | [`n_init`](Self::n_init) | 1 run |
/// | [`max_iter`](Self::max_iter) | 100 rounds |
/// | [`sampled`](Self::sampled) | beyond 20,000 rows 5 samples of 20 k rows, but at least 2,000 and at most 20,000 (or 2 k) |
///
/// **Memory.** All pairs of n rows are n^2 numbers: 100 MB for 5,000 rows of f32, 1.6 GB for 20,000. Beyond that samples are searched, as in CLARA (Kaufman and
/// Rousseeuw 1990), which takes the square of one sample (so no more than that while k is at most 10,000) and 48 bytes a row, 56 for f64. The cosine takes 8 bytes
/// a value more.
///
/// The result is the same bits on any number of threads and at any SIMD level.
///
/// ```
/// use centroids::KMedoids;
/// use ndarray::array;
///
/// // One value is far off.
/// let data = array![[0.0], [1.0], [2.0], [10.0], [11.0], [12.0], [13.0], [30.0]];
/// let model = KMedoids::new(2).fit(&data)?;
/// let mut rows = model.medoids().to_vec();
/// rows.sort();
/// assert_eq!(rows, [1, 5]);
/// assert_eq!(model.loss(), 2.0 + 2.0 + 1.0 + 1.0 + 18.0);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct KMedoids<F: Float> {
    k: usize,
    seed: u64,
    n_init: usize,
    max_iter: usize,
    sampled: Option<(usize, usize)>,
    init: MedoidInit,
    metric: Arc<dyn Dissimilarity<F>>,
    level: Level,
}

impl<F: Float> KMedoids<F> {
    /// k clusters, and the defaults for everything else.
    #[must_use]
    pub fn new(k: usize) -> Self {
        KMedoids {
            k,
            seed: 0,
            n_init: 1,
            max_iter: 100,
            sampled: None,
            init: MedoidInit::default(),
            metric: Arc::new(Metric::default()),
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

    /// How far apart two rows are: a [`Metric`], or a [`Dissimilarity`] of your own. Matrices bring their own.
    #[must_use]
    pub fn metric(mut self, metric: impl Dissimilarity<F> + 'static) -> Self {
        self.metric = Arc::new(metric);
        self
    }

    /// Which rows the search starts from.
    #[must_use]
    pub fn init(mut self, init: MedoidInit) -> Self {
        self.init = init;
        self
    }

    /// Runs from different starts, of which the one with the smallest loss is kept (the first of equals). They share one matrix. Where [samples](Self::sampled) are searched,
    /// each has one run, whatever this says.
    #[must_use]
    pub fn n_init(mut self, n_init: usize) -> Self {
        self.n_init = n_init;
        self
    }

    /// Rounds a run may take at most: in each, every row is offered as a medoid once.
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// Searches so many random samples of so many rows each (of all rows, if there are no more), and keeps the medoids that are best for all rows. Each sample
    /// also has the best medoids so far (or those of [`MedoidInit::Rows`]). At least one sample, of at least 2 k rows. `sampled(1, usize::MAX)` compares all pairs, however many.
    #[must_use]
    pub fn sampled(mut self, samples: usize, rows: usize) -> Self {
        self.sampled = Some((samples, rows));
        self
    }

    /// Clusters the rows of `data`, (n, d). Costs O(n^2 d) for the dissimilarities and O(n^2) for each round, of which there are a few.
    ///
    /// # Errors
    ///
    /// Any broken rule about the data or the settings (see [`Error`]) before any work is done; a dissimilarity that is negative, NaN or
    /// too large for the type, when it is met; and [`Error::TooBig`] if n^2 numbers do not fit in memory.
    pub fn fit<S: ndarray::Data<Elem = F>>(
        &self,
        data: &ArrayBase<S, Ix2>,
    ) -> Result<KMedoidsModel<F>, Error> {
        self.fit_with(data, |_| ControlFlow::Continue(()))
    }

    /// Like [`fit`](Self::fit), and shows each round to the observer, which may end the fit by returning `Break`: the best medoids so far are kept.
    ///
    /// ```
    /// use centroids::{KMedoids, StopReason};
    /// use ndarray::array;
    /// use std::ops::ControlFlow;
    ///
    /// let model = KMedoids::new(2).fit_with(&array![[0.0], [1.0], [8.0], [9.0]], |iteration| {
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
        mut observer: impl FnMut(&MedoidsIteration) -> ControlFlow<()>,
    ) -> Result<KMedoidsModel<F>, Error> {
        F::fit_medoids(self, data.view(), &mut observer)
    }

    /// Clusters n things by a square matrix of their dissimilarities, (n, n): finite, not negative, symmetric up to the root of the type's precision. Read where it
    /// lies if its rows are contiguous. The diagonal counts as it is.
    ///
    /// # Errors
    ///
    /// Any broken rule about the matrix or the settings (see [`Error`]), before any work is done.
    pub fn fit_matrix<S: ndarray::Data<Elem = F>>(
        &self,
        matrix: &ArrayBase<S, Ix2>,
    ) -> Result<Medoids, Error> {
        F::fit_square(self, matrix.view())
    }

    /// The same from the values above the diagonal, row by row, n (n - 1) / 2 of them, as `SciPy`'s `pdist` makes them. They are copied to a square.
    ///
    /// ```
    /// use centroids::KMedoids;
    /// use ndarray::array;
    ///
    /// // Three things: 1 between the first two, 7 and 8 from them to the third.
    /// let medoids = KMedoids::new(2).fit_condensed(&array![1.0, 7.0, 8.0])?;
    /// assert_eq!(medoids.loss(), 1.0);
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`fit_matrix`](Self::fit_matrix).
    pub fn fit_condensed<S: ndarray::Data<Elem = F>>(
        &self,
        values: &ArrayBase<S, Ix1>,
    ) -> Result<Medoids, Error> {
        F::fit_condensed(self, values.view())
    }

    fn check(&self) -> Result<(), Error> {
        match self {
            KMedoids { k: 0, .. } => Err(Error::ZeroClusters),
            KMedoids { max_iter: 0, .. } => Err(Error::ZeroIterations),
            KMedoids { n_init: 0, .. } | KMedoids { sampled: Some((0, _)), .. } => Err(Error::ZeroRuns),
            _ => Ok(()),
        }
    }

    fn check_rows(&self, n: usize) -> Result<(), Error> {
        if self.k > n {
            return Err(Error::TooManyClusters { k: self.k, rows: n });
        }
        if let MedoidInit::Rows(rows) = &self.init {
            if rows.len() != self.k {
                return Err(Error::MedoidCount { expected: self.k, found: rows.len() });
            }
            let mut seen = BTreeSet::new();
            if let Some(&row) = rows.iter().find(|&&row| row >= n || !seen.insert(row)) {
                return Err(Error::MedoidRow { row, rows: n });
            }
        }
        match self.sampled {
            Some((_, rows)) if rows < n && rows < 2 * self.k => {
                Err(Error::SmallSample { rows, least: 2 * self.k })
            }
            _ => Ok(()),
        }
    }

    /// How many samples of how many rows are searched, of n.
    fn samples_of(&self, n: usize) -> (usize, usize) {
        let rows = self.k.saturating_mul(20).clamp(2_000, ALL_PAIRS).max(self.k.saturating_mul(2));
        self.sampled.unwrap_or(if n <= ALL_PAIRS { (1, n) } else { (5, rows) })
    }

    pub(crate) fn start(
        &self,
        data: ArrayView2<'_, F>,
        observer: Watch<'_, MedoidsIteration>,
    ) -> Result<KMedoidsModel<F>, Error> {
        self.check()?;
        let data = Data::for_clusters(self.level, data, None, self.k)?;
        let n = data.n();
        self.check_rows(n)?;
        let points = Points::new(&*self.metric, data.rows().values, data.d)?;
        let (samples, rows) = self.samples_of(n);
        let medoids = if rows >= n {
            let matrix = Matrix::of_rows(self.level, &points, self.k)?;
            Medoids::of_matrix(self.runs(&matrix, observer)?, &matrix)
        } else {
            self.samples(samples, rows, &points, observer)?
        };
        Ok(KMedoidsModel::new(self.level, medoids, &points, self.metric.clone()))
    }

    pub(crate) fn square(&self, matrix: ArrayView2<'_, F>) -> Result<Medoids, Error> {
        self.check()?;
        self.given(&Matrix::square(matrix, self.k)?)
    }

    pub(crate) fn condensed(&self, values: ArrayView1<'_, F>) -> Result<Medoids, Error> {
        self.check()?;
        self.given(&Matrix::condensed(values, self.k)?)
    }

    fn given(&self, matrix: &Matrix<'_, F>) -> Result<Medoids, Error> {
        self.check_rows(matrix.n())?;
        Ok(Medoids::of_matrix(self.runs(matrix, &mut |_| ControlFlow::Continue(()))?, matrix))
    }

    fn runs(&self, matrix: &Matrix<'_, F>, observer: Watch<'_, MedoidsIteration>) -> Result<Run, Error> {
        restarts::in_turn(
            self.n_init,
            |run: &Run| run.loss,
            observer,
            |index, watch| {
                let mut rng = SeededRng::stream(self.seed, index as u64);
                let start = self.init.medoids(matrix, self.k, &mut rng);
                Ok(search::run(self.level, index, self.max_iter, matrix, start, watch))
            },
        )
    }

    /// CLARA (Kaufman and Rousseeuw 1990), with FasterPAM on each sample.
    fn samples(
        &self,
        samples: usize,
        rows: usize,
        points: &Points<'_, F>,
        observer: Watch<'_, MedoidsIteration>,
    ) -> Result<Medoids, Error> {
        let mut given = if let MedoidInit::Rows(rows) = &self.init { rows.clone() } else { Vec::new() };
        let mut least = f64::INFINITY;
        restarts::in_turn(samples, Medoids::loss, observer, |index, watch| {
            let mut rng = SeededRng::stream(self.seed, index as u64);
            let sample = start::distinct(points.n(), rows, &given, &mut rng);
            let matrix = Matrix::of_rows(self.level, &points.select(&sample), self.k)?;
            let start = match &self.init {
                // They come first in the sample.
                MedoidInit::Rows(_) => (0..self.k).collect(),
                init => init.medoids(&matrix, self.k, &mut rng),
            };
            let mut run = search::run(self.level, index, self.max_iter, &matrix, start, watch);
            run.medoids.iter_mut().for_each(|medoid| *medoid = sample[*medoid]);
            let medoids = points.select(&run.medoids);
            let near = model::nearest(self.level, points, &medoids, &run.medoids, largest(points.n()))?;
            if near.loss() < least {
                least = near.loss();
                given.clone_from(&run.medoids);
            }
            Ok(Medoids::new(run, &near))
        })
    }
}
