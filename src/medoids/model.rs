//! What a fit of medoids leaves.

use super::matrix::Matrix;
use super::metric::{Dissimilarity, Points};
use super::search::{MedoidsIteration, Run};
use crate::data::{check_values, rows_of};
use crate::error::Error;
use crate::float::Float;
use crate::history::StopReason;
use crate::kernel::exchange::Near;
use crate::kernel::pieces::end_to_end;
use crate::kernel::{Element, Level, par};
use ndarray::{Array1, Array2, ArrayBase, ArrayView2, Ix1, Ix2};
use std::ops::Deref;
use std::sync::Arc;

/// Which rows are the medoids, and which rows belong to them. With the feature `serde` it can be [saved](crate::KMeansModel#saving).
///
/// ```
/// use centroids::KMedoids;
/// use ndarray::array;
///
/// let matrix = array![[0.0, 1.0, 7.0], [1.0, 0.0, 8.0], [7.0, 8.0, 0.0]];
/// let medoids = KMedoids::new(2).fit_matrix(&matrix)?;
/// assert_eq!(medoids.labels()[0], medoids.labels()[1]);
/// assert_eq!((medoids.loss(), medoids.cluster_sizes().len()), (1.0, 2));
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Medoids {
    pub(crate) rows: Vec<usize>,
    pub(crate) labels: Array1<usize>,
    pub(crate) cluster_sizes: Vec<usize>,
    pub(crate) silhouettes: Array1<f64>,
    pub(crate) loss: f64,
    pub(crate) history: Vec<MedoidsIteration>,
    pub(crate) stop_reason: StopReason,
}

impl Medoids {
    pub(super) fn new<F: Float>(run: Run, near: &Near<F>) -> Self {
        let labels: Array1<usize> = near.owner.iter().map(|&label| label as usize).collect();
        let mut cluster_sizes = vec![0; run.medoids.len()];
        labels.iter().for_each(|&label| cluster_sizes[label] += 1);
        let pairs = near.first.iter().zip(&near.second);
        let silhouette = |(first, second): (&F, &F)| {
            if *second > F::zero() { 1.0 - Element::f64(*first) / Element::f64(*second) } else { 0.0 }
        };
        Medoids {
            rows: run.medoids,
            labels,
            cluster_sizes,
            silhouettes: pairs.map(silhouette).collect(),
            loss: near.loss(),
            history: run.history,
            stop_reason: run.stop_reason,
        }
    }

    /// Of all rows, from their dissimilarities.
    pub(super) fn of_matrix<F: Float>(run: Run, matrix: &Matrix<'_, F>) -> Self {
        let near = Near::new(matrix.n(), run.medoids.iter().map(|&row| matrix.row(row)));
        Self::new(run, &near)
    }

    /// The rows of the fit that are medoids, k of them, all different.
    #[must_use]
    pub fn medoids(&self) -> &[usize] {
        &self.rows
    }

    /// For each row the index (0 to k - 1) of its nearest medoid; ties to the lowest index. So where several medoids are equal rows,
    /// all rows that are nearest to them belong to the first.
    #[must_use]
    pub fn labels(&self) -> &Array1<usize> {
        &self.labels
    }

    /// Sum of the dissimilarities of all rows to their nearest medoids.
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.loss
    }

    /// Clusters: k.
    #[must_use]
    pub fn n_clusters(&self) -> usize {
        self.rows.len()
    }

    /// Rows with each label. 0 for a medoid that is equal to one before it.
    #[must_use]
    pub fn cluster_sizes(&self) -> &[usize] {
        &self.cluster_sizes
    }

    /// Exchanges of a medoid for another row, in the run that was kept.
    #[must_use]
    pub fn swaps(&self) -> usize {
        self.history.iter().map(|it| it.swaps).sum()
    }

    /// Rounds of the run that was kept.
    #[must_use]
    pub fn n_iter(&self) -> usize {
        self.history.len()
    }

    /// The rounds of the run that was kept.
    #[must_use]
    pub fn history(&self) -> &[MedoidsIteration] {
        &self.history
    }

    /// Why the run that was kept stopped.
    #[must_use]
    pub fn stop_reason(&self) -> StopReason {
        self.stop_reason
    }

    /// The mean over all rows of `1 - a / b`, with a and b the dissimilarities to the nearest and the second nearest medoid: the medoid silhouette
    /// (Lenssen and Schubert 2022), 0 to 1. Higher is better; compare it for several k. None for one cluster.
    #[must_use]
    pub fn silhouette(&self) -> Option<f64> {
        let mean = self.silhouettes.sum() / self.silhouettes.len() as f64;
        Some(mean).filter(|_| self.n_clusters() > 1)
    }

    /// The same for each row; 0 where b is 0. All 1 for one cluster, of which they say nothing.
    #[must_use]
    pub fn silhouette_values(&self) -> &Array1<f64> {
        &self.silhouettes
    }
}

/// [`Medoids`] of rows with columns, so that new rows can be given to them.
///
/// Everything that [`Medoids`] tells, it tells as well. With the feature `serde` it can be [saved](crate::KMeansModel#saving), but not with a dissimilarity of your own: then
/// only the [`Medoids`] can.
///
/// ```
/// use centroids::KMedoids;
/// use ndarray::array;
///
/// let data = array![[0.0, 0.0], [0.0, 1.0], [0.0, 2.0], [9.0, 9.0]];
/// let model = KMedoids::new(2).fit(&data)?;
/// assert_eq!(model.predict(&data)?, model.labels());
/// assert_eq!((model.n_clusters(), model.n_features()), (2, 2));
/// assert!(model.centroids().rows().into_iter().any(|row| row == array![0.0, 1.0]));
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct KMedoidsModel<F: Float> {
    pub(crate) medoids: Medoids,
    pub(crate) centroids: Array2<F>,
    pub(crate) dissimilarity: Arc<dyn Dissimilarity<F>>,
    pub(crate) level: Level,
}

impl<F: Float> Deref for KMedoidsModel<F> {
    type Target = Medoids;

    fn deref(&self) -> &Medoids {
        &self.medoids
    }
}

impl<F: Float> KMedoidsModel<F> {
    pub(super) fn new(
        level: Level,
        medoids: Medoids,
        points: &Points<'_, F>,
        dissimilarity: Arc<dyn Dissimilarity<F>>,
    ) -> Self {
        let d = points.row(0).len();
        let values = end_to_end(medoids.rows.iter().map(|&row| points.row(row)));
        let centroids =
            Array2::from_shape_vec((medoids.n_clusters(), d), values).expect("k rows of d values");
        KMedoidsModel { medoids, centroids, dissimilarity, level }
    }

    /// The rows of the medoids, (k, d).
    #[must_use]
    pub fn centroids(&self) -> &Array2<F> {
        &self.centroids
    }

    /// Columns of the data.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.centroids.ncols()
    }

    /// For each row of `rows`, (n, d), the index of the nearest medoid; ties to the lowest. Costs O(n k d); n may be 0.
    ///
    /// # Errors
    ///
    /// If the columns do not match the model's, a value is not finite, a row is all zeros (for the cosine), or a dissimilarity is not
    /// what it should be; in [`Error::Dissimilarity`], `column` is then the row of the medoid.
    pub fn predict<S: ndarray::Data<Elem = F>>(
        &self,
        rows: &ArrayBase<S, Ix2>,
    ) -> Result<Array1<usize>, Error> {
        F::predict_medoids(self, rows.view())
    }

    /// [`predict`](Self::predict) for one row of d values.
    ///
    /// ```
    /// # let model = centroids::KMedoids::new(2).fit(&ndarray::array![[0.0], [9.0]])?;
    /// assert_eq!(model.predict_one(&ndarray::array![9.5])?, model.labels()[1]);
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict); the row counts as row 0.
    pub fn predict_one<S: ndarray::Data<Elem = F>>(&self, row: &ArrayBase<S, Ix1>) -> Result<usize, Error> {
        Ok(self.predict(&row.view().insert_axis(ndarray::Axis(0)))?[0])
    }

    pub(crate) fn labels_of(&self, rows: ArrayView2<'_, F>) -> Result<Array1<usize>, Error> {
        let d = self.centroids.ncols();
        let values = rows_of(rows, self.centroids.dim())?;
        check_values(&values, d)?;
        let points = Points::new(&*self.dissimilarity, &*values, d)?;
        let medoids = self.centroids.as_slice().expect("centroids are in standard layout");
        let near = nearest(
            self.level,
            &points,
            &Points::new(&*self.dissimilarity, medoids, d)?,
            &self.medoids.rows,
            f64::MAX,
        )?;
        Ok(near.owner.iter().map(|&label| label as usize).collect())
    }
}

/// Each row's two nearest of the medoids, which are these rows of the fit. More than `largest` is an error.
pub(super) fn nearest<F: Float>(
    level: Level,
    points: &Points<'_, F>,
    medoids: &Points<'_, F>,
    rows: &[usize],
    largest: f64,
) -> Result<Near<F>, Error> {
    const CHUNK: usize = 256;
    let (n, k) = (points.n(), medoids.n());
    let mut near = Near::new(n, std::iter::empty());
    let workers = par::workers_for(n as f64 * k as f64 * medoids.row(0).len() as f64);
    let mut workers = vec![(vec![0.0; k], None::<(usize, usize, f64)>); workers];
    let owners = near.owner.chunks_mut(CHUNK).zip(near.next.chunks_mut(CHUNK));
    let distances = near.first.chunks_mut(CHUNK).zip(near.second.chunks_mut(CHUNK));
    par::share(
        &mut workers,
        owners.zip(distances).enumerate(),
        |(buffer, flaw), (c, (owners, distances))| {
            for i in 0..owners.0.len() {
                let row = c * CHUNK + i;
                points.distances(level, row, medoids, 0..k, buffer);
                let mut two = Near::new(1, std::iter::empty());
                for (j, &distance) in (0..).zip(&*buffer) {
                    let rounded: F = Element::of(distance);
                    let fits = (0.0..=largest).contains(&Element::f64(rounded));
                    if !fits && flaw.is_none_or(|(first, ..)| row < first) {
                        *flaw = Some((row, rows[j as usize], distance));
                    }
                    two.offer(0, j, rounded);
                }
                (owners.0[i], owners.1[i]) = (two.owner[0], two.next[0]);
                (distances.0[i], distances.1[i]) = (two.first[0], two.second[0]);
            }
        },
    );
    match workers.into_iter().filter_map(|worker| worker.1).min_by_key(|flaw| flaw.0) {
        Some((row, column, value)) => Err(Error::Dissimilarity { row, column, value }),
        None => Ok(near),
    }
}
