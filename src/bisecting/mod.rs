//! Bisecting k-means: one cluster after another is divided in two.

mod model;

pub(crate) use model::Tree;
pub use model::{BisectingKMeansModel, Node};

use crate::convergence::Convergence;
use crate::error::Error;
use crate::float::Float;
use crate::history::StopReason;
use crate::init::Init;
use crate::kernel::{Element, Level, pack};
use crate::kmeans::KMeans;
use crate::restarts::Watch;
use crate::rng::SeededRng;
use ndarray::{Array1, Array2, ArrayBase, ArrayView1, ArrayView2, Axis, Ix1, Ix2};
use std::fmt;
use std::ops::ControlFlow;

/// Which cluster is divided next.
///
/// ```
/// use centroids::{BisectingKMeans, SplitBy};
/// # let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// let model = BisectingKMeans::new(3).split_by(SplitBy::Size).fit(&data)?;
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SplitBy {
    /// The one with the largest inertia.
    #[default]
    Inertia,
    /// The one with the most rows (of positive weight), if they are not all equal.
    Size,
}

/// One cluster was divided.
///
/// ```
/// use centroids::BisectingKMeans;
/// use std::ops::ControlFlow;
/// # let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// let model = BisectingKMeans::new(3).fit_with(&data, |split| {
///     println!("{split}");
///     ControlFlow::Continue(())
/// })?;
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Bisection {
    /// Which division, from 1. It made the nodes `2 index - 1` and `2 index` of the tree.
    pub index: usize,
    /// The node that was divided.
    pub node: usize,
    /// The inertia of all clusters after it.
    pub inertia: f64,
}

impl fmt::Display for Bisection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bisection { index, node, inertia } = self;
        write!(f, "division {index}: node {node}, inertia {inertia:.6e}")
    }
}

/// Bisecting k-means (Steinbach, Karypis and Kumar 2000): all rows are divided in two by k-means, then the cluster with the largest inertia is, and so
/// on, until there are k.
///
/// It leaves a tree of clusters, which can be [cut](BisectingKMeansModel::cut) at any number up to k. Sizes and widths tend to be more even than with
/// [`KMeans`], and new rows are labelled in a few steps down the tree. Use it for hierarchies, and for large k. Its inertia is somewhat larger: rows
/// never go back over a border drawn early on.
///
/// | setting | default |
/// |---|---|
/// | [`seed`](Self::seed) | 0 |
/// | [`split_by`](Self::split_by) | [`SplitBy::Inertia`] |
/// | [`init`](Self::init) | [`init::Auto`](crate::init::Auto) |
/// | [`n_init`](Self::n_init) | 1 run for each division |
/// | [`max_iter`](Self::max_iter) | 300 for each division |
/// | [`tolerance`](Self::tolerance), [`converge_when`](Self::converge_when) | 1e-4, or no label changed |
///
/// ```
/// use centroids::BisectingKMeans;
/// use ndarray::array;
///
/// let data = array![[0.0], [1.0], [10.0], [11.0], [50.0], [52.0]];
/// let model = BisectingKMeans::new(3).fit(&data)?;
/// assert_eq!(model.cluster_sizes(), [2, 2, 2]);
/// // The first division sets the far pair apart.
/// let two = model.cut(2)?;
/// assert_eq!(two.labels()[0], two.labels()[3]);
/// assert_ne!(two.labels()[0], two.labels()[4]);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct BisectingKMeans<F: Float> {
    kmeans: KMeans<F>,
    k: usize,
    seed: u64,
    split_by: SplitBy,
}

impl<F: Float> BisectingKMeans<F> {
    /// k clusters, and the defaults for everything else.
    #[must_use]
    pub fn new(k: usize) -> Self {
        BisectingKMeans { kmeans: KMeans::new(2), k, seed: 0, split_by: SplitBy::default() }
    }

    /// The same settings for another number of clusters.
    #[must_use]
    pub fn with_k(mut self, k: usize) -> Self {
        self.k = k;
        self
    }

    /// The seed of all randomness: the same seed gives the same result, to the bit, everywhere. The divisions do not depend on k: those for a smaller one
    /// are the first of those for a larger one.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Which cluster is divided next.
    #[must_use]
    pub fn split_by(mut self, split_by: SplitBy) -> Self {
        self.split_by = split_by;
        self
    }

    /// As [`KMeans::n_init`], for each division.
    #[must_use]
    pub fn n_init(self, n_init: usize) -> Self {
        self.change(|kmeans| kmeans.n_init(n_init))
    }

    /// As [`KMeans::max_iter`], for each division.
    #[must_use]
    pub fn max_iter(self, max_iter: usize) -> Self {
        self.change(|kmeans| kmeans.max_iter(max_iter))
    }

    /// As [`KMeans::tolerance`], for each division.
    #[must_use]
    pub fn tolerance(self, tolerance: f64) -> Self {
        self.change(|kmeans| kmeans.tolerance(tolerance))
    }

    /// As [`KMeans::converge_when`], for each division.
    #[must_use]
    pub fn converge_when(self, criterion: impl Convergence<F> + 'static) -> Self {
        self.change(|kmeans| kmeans.converge_when(criterion))
    }

    /// As [`KMeans::init`]: the two centroids of each division, among its rows.
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
    /// Costs O(n d) an iteration for each level of the tree. Beyond the data it takes a copy of the rows that are being divided, and up to 34 bytes a row.
    /// There are fewer clusters than k if fewer rows are distinct.
    ///
    /// # Errors
    ///
    /// As [`KMeans::fit`].
    pub fn fit<S: ndarray::Data<Elem = F>>(
        &self,
        data: &ArrayBase<S, Ix2>,
    ) -> Result<BisectingKMeansModel<F>, Error> {
        F::fit_bisecting(self, data.view(), None, &mut |_| ControlFlow::Continue(()))
    }

    /// Clusters rows that count with a weight each, as [`KMeans::fit_weighted`] does.
    ///
    /// ```
    /// use centroids::BisectingKMeans;
    /// use ndarray::array;
    ///
    /// let data = array![[0.0], [3.0], [90.0]];
    /// let model = BisectingKMeans::new(2).fit_weighted(&data, &array![2.0, 1.0, 1.0])?;
    /// assert!(model.centroids().iter().any(|&x| x == 1.0));
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`KMeans::fit_weighted`].
    pub fn fit_weighted<S, W>(
        &self,
        data: &ArrayBase<S, Ix2>,
        weights: &ArrayBase<W, Ix1>,
    ) -> Result<BisectingKMeansModel<F>, Error>
    where
        S: ndarray::Data<Elem = F>,
        W: ndarray::Data<Elem = F>,
    {
        F::fit_bisecting(self, data.view(), Some(weights.view()), &mut |_| ControlFlow::Continue(()))
    }

    /// Like [`fit`](Self::fit), and shows each division to the observer, which may end the fit by returning `Break`: the clusters so far are kept.
    ///
    /// ```
    /// use centroids::{BisectingKMeans, StopReason};
    /// use ndarray::array;
    /// use std::ops::ControlFlow;
    ///
    /// let data = array![[0.0], [1.0], [8.0], [9.0]];
    /// let model = BisectingKMeans::new(4).fit_with(&data, |_| ControlFlow::Break(()))?;
    /// assert_eq!((model.n_clusters(), model.stop_reason()), (2, StopReason::Observer));
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit).
    pub fn fit_with<S: ndarray::Data<Elem = F>>(
        &self,
        data: &ArrayBase<S, Ix2>,
        mut observer: impl FnMut(&Bisection) -> ControlFlow<()>,
    ) -> Result<BisectingKMeansModel<F>, Error> {
        F::fit_bisecting(self, data.view(), None, &mut observer)
    }

    pub(crate) fn start(
        &self,
        data: ArrayView2<'_, F>,
        weights: Option<ArrayView1<'_, F>>,
        observer: Watch<'_, Bisection>,
    ) -> Result<BisectingKMeansModel<F>, Error> {
        self.kmeans.clone().with_k(self.k).check_fit(data, weights)?;
        let weigh = |rows: &[usize]| weights.map(|weights| weights.select(Axis(0), rows));
        // In units of it, products of weights and distances do not vanish.
        let unit =
            weights.map_or(1.0, |weights| pack::unit(weights.iter().map(|w| w.f64()).fold(0.0, f64::max)));
        let inertia = |rows: &[usize], centroid: &[F]| inertia(data, weights, unit, rows, centroid);
        let mut all: Vec<Vec<usize>> = vec![(0..data.nrows()).collect()];
        let mut tree = Tree::new(self.fit_rows(1, 0, data, weights)?.coordinates());
        tree.nodes[0].size = data.nrows();
        let mut inertias = vec![inertia(&all[0], tree.centroid(0))];
        tree.nodes[0].inertia = inertias[0] * unit;
        // Rows that count; a node that cannot be divided has none.
        let counted = |rows: &[usize]| {
            rows.iter().filter(|&&i| weights.is_none_or(|weights| weights[i] > F::zero())).count()
        };
        let mut divisible = vec![counted(&all[0])];
        let mut stop_reason = StopReason::Converged;
        while tree.nodes.len() < 2 * self.k - 1 {
            let open = (0..all.len()).filter(|&node| divisible[node] > 1 && inertias[node] > 0.0);
            let rank = |node: usize| match self.split_by {
                SplitBy::Inertia => inertias[node],
                SplitBy::Size => divisible[node] as f64,
            };
            // Of equals the first.
            let Some(node) = open.max_by(|&a, &b| rank(a).total_cmp(&rank(b)).then(b.cmp(&a))) else { break };
            let rows = std::mem::take(&mut all[node]);
            let weights_of = weigh(&rows);
            let stream = 1 + tree.nodes.len() as u64;
            let weights_of = weights_of.as_ref().map(|weights: &Array1<F>| weights.view());
            let mut part = Array2::zeros((rows.len(), data.ncols()));
            part.rows_mut().into_iter().zip(&rows).for_each(|(mut to, &i)| to.assign(&data.row(i)));
            let halves = match self.fit_rows(2, stream, part.view(), weights_of) {
                Ok(halves) => Some(halves).filter(|halves| halves.n_clusters() == 2),
                Err(Error::TooSmall { .. }) => None,
                Err(error) => return Err(error),
            };
            let Some(halves) = halves else {
                // Rows so near that no two centroids of the type, or no two squared distances, keep them apart.
                all[node] = rows;
                divisible[node] = 0;
                continue;
            };
            divisible[node] = 0;
            for half in 0..2 {
                let labelled = rows.iter().zip(halves.labels());
                let rows: Vec<usize> = labelled.filter(|part| *part.1 == half).map(|part| *part.0).collect();
                let centroid = halves.centroids().row(half);
                let centroid = centroid.as_slice().expect("centroids are in standard layout");
                inertias.push(inertia(&rows, centroid));
                tree.add(node, rows.len(), inertias[tree.nodes.len()] * unit, centroid);
                divisible.push(counted(&rows));
                all.push(rows);
            }
            let index = tree.nodes.len() / 2;
            if observer(&Bisection { index, node, inertia: tree.inertia() }).is_break() {
                stop_reason = StopReason::Observer;
                break;
            }
        }
        let mut leaves = vec![0; data.nrows()];
        for (node, rows) in all.iter().enumerate() {
            rows.iter().for_each(|&row| leaves[row] = node);
        }
        Ok(BisectingKMeansModel::new(tree, leaves, stop_reason))
    }

    fn fit_rows(
        &self,
        k: usize,
        stream: u64,
        rows: ArrayView2<'_, F>,
        weights: Option<ArrayView1<'_, F>>,
    ) -> Result<crate::model::KMeansModel<F>, Error> {
        let kmeans = self.kmeans.clone().with_k(k).seed(SeededRng::stream(self.seed, stream).next_u64());
        // The mean of all rows needs no initialiser of the user's.
        let kmeans = if k == 1 { KMeans::new(1) } else { kmeans };
        F::fit_kmeans(&kmeans, rows, weights, None)
    }
}

/// The sum of the squared distances of some rows to a centroid, in their order, with weights in this unit.
fn inertia<F: Float>(
    data: ArrayView2<'_, F>,
    weights: Option<ArrayView1<'_, F>>,
    unit: f64,
    rows: &[usize],
    centroid: &[F],
) -> f64 {
    let (level, mut buffer, mut distance) = (Level::new(), vec![F::zero(); centroid.len()], [0.0]);
    let distances = rows.iter().map(|&i| {
        buffer.iter_mut().zip(data.row(i)).for_each(|(to, &from)| *to = from);
        F::all_distances(level, &buffer, centroid, &mut distance);
        distance[0] * weights.map_or(1.0, |weights| Element::f64(weights[i]) / unit)
    });
    distances.sum()
}

/// The nodes' centroids, row by row, as an array.
fn array<F: Float>(values: &[F], d: usize) -> Array2<F> {
    Array2::from_shape_vec((values.len() / d, d), values.to_vec()).expect("rows of d values")
}
