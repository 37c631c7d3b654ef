//! The fitted fuzzy model.

use super::FuzzyIteration;
use super::run::Run;
use crate::data::{Data, check_values, rows_of};
use crate::error::Error;
use crate::float::Float;
use crate::history::StopReason;
use crate::kernel::block::{SquaredEuclidean, distance};
use crate::kernel::codes::Label;
use crate::kernel::fuzzy::{self, Task};
use crate::kernel::membership::Fuzzifier;
use crate::kernel::pack::{Frame, Packed};
use crate::kernel::{Level, assign};
use ndarray::{Array1, Array2, ArrayBase, Ix1, Ix2};

/// Centroids closer than this part of the spread of the rows coincide.
const COINCIDENT: f64 = 0.01;

/// Fuzzy centroids, and the labels, measures and history of the fit that found them: one consistent state.
///
/// Labels, memberships, objective and measures are all those of the model's centroids, whatever stopped the fit.
/// With the feature `serde` it can be [saved](crate::KMeansModel#saving).
///
/// ```
/// use centroids::FuzzyCMeans;
/// use ndarray::array;
///
/// let data = array![[0.0, 0.0], [0.0, 1.0], [9.0, 9.0], [9.0, 8.0]];
/// let model = FuzzyCMeans::new(2).keep_memberships(true).fit(&data)?;
/// assert_eq!(model.predict(&data)?, model.labels());
/// assert_eq!(Some(&model.predict_memberships(&data)?), model.memberships());
/// assert_eq!((model.n_clusters(), model.n_features()), (2, 2));
/// assert!(model.partition_coefficient() > 0.9 && !model.coincident());
/// assert!(model.partition_entropy() < 0.1 && model.xie_beni() < Some(0.01));
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FuzzyCMeansModel<F: Float> {
    pub(crate) centroids: Array2<F>,
    pub(crate) labels: Array1<usize>,
    pub(crate) memberships: Option<Array2<F>>,
    pub(crate) fuzzifier: f64,
    pub(crate) objective: f64,
    pub(crate) partition_coefficient: f64,
    pub(crate) partition_entropy: f64,
    pub(crate) xie_beni: Option<f64>,
    pub(crate) distinct: usize,
    pub(crate) history: Vec<FuzzyIteration>,
    pub(crate) stop_reason: StopReason,
    pub(crate) level: Level,
}

/// Whether n rows can have k memberships each.
pub(super) fn check_size(n: usize, k: usize, d: usize) -> Result<(), Error> {
    match n.checked_mul(k).and_then(|size| size.checked_mul(8)) {
        Some(size) if isize::try_from(size).is_ok() => Ok(()),
        _ => Err(Error::TooBig { rows: n, columns: d, k }),
    }
}

impl<F: Float> FuzzyCMeansModel<F> {
    pub(super) fn new(level: Level, fuzzifier: f64, data: &Data<'_, F>, run: Run<F>, keep: bool) -> Self {
        let d = data.d;
        let k = run.centroids.len() / d;
        let centroids = Array2::from_shape_vec((k, d), run.centroids).expect("k rows of d values");
        let mut model = FuzzyCMeansModel {
            centroids,
            labels: Array1::default(0),
            memberships: None,
            fuzzifier,
            objective: run.objective,
            partition_coefficient: 0.0,
            partition_entropy: 0.0,
            xie_beni: None,
            distinct: k,
            history: run.history,
            stop_reason: run.stop_reason,
            level,
        };
        let rows = data.rows();
        let (squares, entropy) = fuzzy::fuzziness(level, rows, &model.task());
        let total = data.total_weight();
        // Rounding may leave either a little outside its range.
        model.partition_coefficient = (squares / total).clamp(1.0 / k as f64, 1.0);
        model.partition_entropy = (entropy / total).clamp(0.0, libm::log(k as f64));
        let (distinct, nearest) = model.separation(COINCIDENT * COINCIDENT * data.scatter / total);
        model.distinct = distinct;
        let xie_beni = run.objective / data.weight_unit / total / nearest;
        model.xie_beni = (k > 1 && nearest > 0.0 && xie_beni.is_finite()).then_some(xie_beni);
        model.labels = model.label(rows.values);
        model.memberships = keep.then(|| model.soft(rows.values));
        model
    }

    fn coordinates(&self) -> &[F] {
        self.centroids.as_slice().expect("centroids are in standard layout")
    }

    fn task(&self) -> Task<'_, F> {
        let centroids = self.coordinates();
        let offset = &centroids[..self.n_features()];
        Task { centroids, fuzzifier: Fuzzifier::new(self.fuzzifier), offset }
    }

    /// How many groups of coincident centroids there are, and the smallest squared distance of two centroids.
    fn separation(&self, limit: f64) -> (usize, f64) {
        let centroids: Vec<&[F]> = self.coordinates().chunks_exact(self.n_features()).collect();
        let mut group: Vec<usize> = (0..centroids.len()).collect();
        let mut nearest = f64::INFINITY;
        for i in 1..centroids.len() {
            for j in 0..i {
                let distance = distance::<SquaredEuclidean, F>(centroids[i], centroids[j]);
                nearest = nearest.min(distance);
                let (from, to) = (group[i], group[j]);
                if distance <= limit && from != to {
                    group.iter_mut().filter(|group| **group == from).for_each(|group| *group = to);
                }
            }
        }
        group.sort_unstable();
        group.dedup();
        (group.len(), nearest)
    }

    /// Labels of finite rows; none is wrong if a value is not finite, but some are meaningless.
    fn label(&self, values: &[F]) -> Array1<usize> {
        let centroids = self.coordinates();
        let frame = Frame::of_centroids(self.level, centroids, self.n_features());
        let packed = Packed::new(self.level, &frame, centroids, self.n_features());
        let mut labels = vec![0; values.len() / self.n_features()];
        assign::label_all(self.level, &packed, values, usize::codes(&mut labels));
        labels.into()
    }

    fn soft(&self, values: &[F]) -> Array2<F> {
        let (n, k) = (values.len() / self.n_features(), self.n_clusters());
        let mut memberships = vec![F::default(); n * k];
        fuzzy::all_memberships(self.level, values, &self.task(), &mut memberships);
        Array2::from_shape_vec((n, k), memberships).expect("n rows of k memberships")
    }

    /// The centroids, (k, d): after convergence each is the mean of all rows weighted by the m-th power of their memberships, rounded to F.
    ///
    /// Sums are formed in f64 about the mean of all rows, so a row 10^13 times as far as the others leaves these 3 digits (of f32 rows too).
    #[must_use]
    pub fn centroids(&self) -> &Array2<F> {
        &self.centroids
    }

    /// For each row of the fit, the cluster it belongs to most: that of the nearest centroid, ties to the lowest index.
    #[must_use]
    pub fn labels(&self) -> &Array1<usize> {
        &self.labels
    }

    /// The memberships of the rows of the fit, (n, k), if [`keep_memberships`](crate::FuzzyCMeans::keep_memberships) asked for them.
    /// [`predict_memberships`](Self::predict_memberships) gives the same numbers for as many rows at a time as you like.
    #[must_use]
    pub fn memberships(&self) -> Option<&Array2<F>> {
        self.memberships.as_ref()
    }

    /// The fuzzifier m of the fit.
    #[must_use]
    pub fn fuzzifier(&self) -> f64 {
        self.fuzzifier
    }

    /// `J_m`: the sum over rows and clusters of weight times `u^m` times squared distance.
    #[must_use]
    pub fn objective(&self) -> f64 {
        self.objective
    }

    /// Clusters in the model: k. Some may coincide; see [`distinct_centroids`](Self::distinct_centroids).
    #[must_use]
    pub fn n_clusters(&self) -> usize {
        self.centroids.nrows()
    }

    /// Columns of the data.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.centroids.ncols()
    }

    /// How many different centroids there are, those that coincide counted once.
    ///
    /// Two coincide if their distance is at most one hundredth of the root mean square distance of the rows from their mean, and
    /// so do two that a chain of such pairs joins.
    #[must_use]
    pub fn distinct_centroids(&self) -> usize {
        self.distinct
    }

    /// Whether any centroids coincide: then there are fewer clusters than were asked for, and memberships are divided among copies of one.
    ///
    /// It happens when there are fewer distinct rows than k, and with m = 2 and many columns unless the groups lie far apart. (More clusters than groups alone do not bring it about: they
    /// share groups.) Try a fuzzifier closer to 1.
    ///
    /// ```
    /// use centroids::FuzzyCMeans;
    ///
    /// // Noise in 100 columns.
    /// let mut rng = centroids::SeededRng::new(1);
    /// let noise = ndarray::Array2::from_shape_fn((300, 100), |_| rng.uniform());
    /// let model = FuzzyCMeans::new(4).fit(&noise)?;
    /// assert_eq!((model.coincident(), model.distinct_centroids()), (true, 1));
    /// assert!(!FuzzyCMeans::new(4).fuzzifier(1.01).fit(&noise)?.coincident());
    /// # Ok::<(), centroids::Error>(())
    /// ```
    #[must_use]
    pub fn coincident(&self) -> bool {
        self.distinct < self.n_clusters()
    }

    /// Iterations of the run that was kept.
    #[must_use]
    pub fn n_iter(&self) -> usize {
        self.history.len()
    }

    /// The iterations of the run that was kept.
    #[must_use]
    pub fn history(&self) -> &[FuzzyIteration] {
        &self.history
    }

    /// Why the run that was kept stopped.
    #[must_use]
    pub fn stop_reason(&self) -> StopReason {
        self.stop_reason
    }

    /// The partition coefficient (Bezdek 1981): the (weighted) mean over the rows of the sum of `u^2`. From 1 / k, all memberships alike,
    /// to 1, all of them 0 or 1. It falls with k by itself, so compare it between models of one k.
    #[must_use]
    pub fn partition_coefficient(&self) -> f64 {
        self.partition_coefficient
    }

    /// The partition entropy (Bezdek 1981): the (weighted) mean over the rows of the sum of `-u ln u`. From 0 to ln k.
    #[must_use]
    pub fn partition_entropy(&self) -> f64 {
        self.partition_entropy
    }

    /// The index of Xie and Beni (1991), with `u^m`: the objective per unit of weight, divided by the smallest squared distance between two
    /// centroids. Smaller is better. `None` for one cluster, or when two centroids are equal (or nearly, so that it overflows).
    #[must_use]
    pub fn xie_beni(&self) -> Option<f64> {
        self.xie_beni
    }

    /// For each row of `rows`, (n, d), the cluster it belongs to most, as in [`labels`](Self::labels). n may be 0.
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

    /// The cluster that one row of d values belongs to most.
    ///
    /// ```
    /// # let model = centroids::FuzzyCMeans::new(2).fit(&ndarray::array![[0.0], [1.0], [8.0], [9.0]])?;
    /// assert_eq!(model.predict_one(&ndarray::array![9.5])?, model.labels()[3]);
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict); the row counts as row 0.
    pub fn predict_one<S: ndarray::Data<Elem = F>>(&self, row: &ArrayBase<S, Ix1>) -> Result<usize, Error> {
        let row = row.view().insert_axis(ndarray::Axis(0));
        let values = rows_of(row, self.centroids.dim())?;
        check_values(&values, self.n_features())?;
        Ok(F::nearest(self.level, &values, self.coordinates()).0 as usize)
    }

    /// The memberships of each row in each cluster, (n, k). Each is rounded to F, so a row adds up to 1 but for rounding. Costs O(n k d).
    ///
    /// A row that lies on centroids shares its membership equally between those.
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict), and if the result would be larger than memory can be.
    pub fn predict_memberships<S: ndarray::Data<Elem = F>>(
        &self,
        rows: &ArrayBase<S, Ix2>,
    ) -> Result<Array2<F>, Error> {
        let values = rows_of(rows.view(), self.centroids.dim())?;
        check_values(&values, self.n_features())?;
        check_size(rows.nrows(), self.n_clusters(), self.n_features())?;
        Ok(self.soft(&values))
    }
}
