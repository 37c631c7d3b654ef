//! Scores of one clustering: how compact and how far apart its clusters are.

use super::partition::Partition;
use crate::data::{check_centroids, check_values, rows_of};
use crate::error::Error;
use crate::float::Float;
use crate::kernel::{Level, nearest_two};
use crate::rng::SeededRng;
use ndarray::{Array1, Array2, ArrayBase, Data, Ix1, Ix2};
use std::collections::BTreeSet;

/// The mean silhouette of the rows (Rousseeuw 1987), -1 to 1; more is better.
///
/// A row's silhouette is `(b - a) / max(a, b)`: a is its mean Euclidean distance to the other rows of its cluster, b the least of its mean distances to
/// the rows of another cluster. Near 1 the row is well inside its cluster, near 0 between two, and below 0 it is on average nearer to another. A row
/// alone in its cluster has 0, and so has a row with a = b = 0. [`silhouette_values`] gives each row's.
///
/// Labels are any numbers; those that differ name different clusters. Costs O(n² d) in f64, each pair once, on all threads, and O(n d) memory. Same values
/// as scikit-learn's `silhouette_score`, and the same bits on any number of threads and at any SIMD level. For many rows take [`silhouette_sampled`] or
/// [`simplified_silhouette`].
///
/// ```
/// use centroids::{KMeans, select};
/// use ndarray::array;
///
/// let data = array![[0.0], [1.0], [10.0], [12.0]];
/// let model = KMeans::new(2).fit(&data)?;
/// let score = select::silhouette(&data, model.labels())?;
/// // a = 1, 1, 2, 2 and b = 11, 10, 9.5, 11.5.
/// let by_hand = (10.0 / 11.0 + 9.0 / 10.0 + 7.5 / 9.5 + 9.5 / 11.5) / 4.0;
/// assert!((score - by_hand).abs() < 1e-12);
/// # Ok::<(), centroids::Error>(())
/// ```
///
/// # Errors
///
/// If there is not one label per row, if the labels form fewer than 2 clusters or as many as there are rows
/// ([`Error::ScoreClusters`]), or if the data breaks a rule (see [`KMeans::fit`](crate::KMeans::fit)).
pub fn silhouette<F, S, L>(data: &ArrayBase<S, Ix2>, labels: &ArrayBase<L, Ix1>) -> Result<f64, Error>
where
    F: Float,
    S: Data<Elem = F>,
    L: Data<Elem = usize>,
{
    Ok(mean(&Partition::new(data.view(), labels.view())?.silhouettes()))
}

/// The silhouette of each row, in the order of the rows: what [`silhouette`] takes the mean of, and what a silhouette plot draws.
///
/// ```
/// use centroids::select;
/// use ndarray::array;
/// let values = select::silhouette_values(&array![[0.0], [2.0], [9.0]], &array![0, 0, 1])?;
/// assert_eq!(values[0], (9.0 - 2.0) / 9.0);
/// assert_eq!(values[2], 0.0);          // alone
/// # Ok::<(), centroids::Error>(())
/// ```
///
/// # Errors
///
/// As [`silhouette`].
pub fn silhouette_values<F, S, L>(
    data: &ArrayBase<S, Ix2>,
    labels: &ArrayBase<L, Ix1>,
) -> Result<Array1<f64>, Error>
where
    F: Float,
    S: Data<Elem = F>,
    L: Data<Elem = usize>,
{
    Ok(Partition::new(data.view(), labels.view())?.silhouettes().into())
}

/// An estimate of the mean silhouette, from [`silhouette_sampled`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct SampledSilhouette {
    /// Mean silhouette of the rows drawn.
    pub mean: f64,
    /// Standard error of `mean`; 0 when all rows were drawn.
    pub standard_error: f64,
    /// Rows drawn.
    pub rows: usize,
}

/// The mean silhouette of `rows` random rows, each against all rows: an unbiased estimate of [`silhouette`], with its standard error.
///
/// Rows are drawn without replacement from the seed; all are taken if there are no more than that. Costs O(rows n d). (The `sample_size` of scikit-learn drops
/// the other rows altogether, which changes what is estimated.)
///
/// ```
/// use centroids::{SeededRng, select};
/// use ndarray::{Array1, Array2};
/// let mut rng = SeededRng::new(1);
/// let data = Array2::from_shape_fn((600, 2), |(i, _)| 5.0 * (i % 3) as f64 + rng.uniform());
/// let labels = Array1::from_shape_fn(600, |i| i % 3);
/// let exact = select::silhouette(&data, &labels)?;
/// let estimate = select::silhouette_sampled(&data, &labels, 100, 7)?;
/// assert!((estimate.mean - exact).abs() < 4.0 * estimate.standard_error);
/// # Ok::<(), centroids::Error>(())
/// ```
///
/// # Errors
///
/// As [`silhouette`], and if fewer than 2 rows are asked for.
pub fn silhouette_sampled<F, S, L>(
    data: &ArrayBase<S, Ix2>,
    labels: &ArrayBase<L, Ix1>,
    rows: usize,
    seed: u64,
) -> Result<SampledSilhouette, Error>
where
    F: Float,
    S: Data<Elem = F>,
    L: Data<Elem = usize>,
{
    if rows < 2 {
        return Err(Error::SmallSample { rows, least: 2 });
    }
    Ok(sampled(&Partition::new(data.view(), labels.view())?, data.nrows(), rows, seed))
}

pub(super) fn sampled<F: Float>(
    partition: &Partition<'_, F>,
    n: usize,
    rows: usize,
    seed: u64,
) -> SampledSilhouette {
    if rows >= n {
        return SampledSilhouette { mean: mean(&partition.silhouettes()), standard_error: 0.0, rows: n };
    }
    // Floyd's sample: every set of rows is equally likely.
    let mut rng = SeededRng::stream(seed, u64::MAX);
    let mut drawn = BTreeSet::new();
    for last in n - rows..n {
        let row = rng.below(last + 1);
        if !drawn.insert(row) {
            drawn.insert(last);
        }
    }
    let which: Vec<usize> = drawn.into_iter().collect();
    let values = partition.some_silhouettes(&which);
    let (m, mean) = (rows as f64, mean(&values));
    let variance = values.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / (m - 1.0);
    let left = (n - rows) as f64 / (n - 1) as f64;
    SampledSilhouette { mean, standard_error: (variance / m * left).sqrt(), rows }
}

/// The mean simplified silhouette (Hruschka, de Castro and Campello 2004): distances to centroids stand for mean distances to rows.
///
/// A row's value is `(b - a) / max(a, b)`, where a and b are its Euclidean distances to the nearest and the second nearest centroid, so it is 0 to 1; more is
/// better. 0 if both are 0, and for a row that has its centroid alone. Costs O(n k d) in f64, about as much as one assignment; the same bits on any number of threads and at any
/// SIMD level.
///
/// ```
/// use centroids::{KMeans, select};
/// use ndarray::array;
/// let data = array![[0.0], [2.0], [9.0], [11.0]];
/// let model = KMeans::new(2).fit(&data)?;
/// let score = select::simplified_silhouette(&data, model.centroids())?;
/// assert!((score - (9.0 / 10.0 + 7.0 / 8.0) / 2.0).abs() < 1e-12);
/// # Ok::<(), centroids::Error>(())
/// ```
///
/// # Errors
///
/// If there are fewer than 2 centroids ([`Error::ScoreClusters`]), no rows, other columns than the centroids', or a value that is not finite or too large.
pub fn simplified_silhouette<F, S>(data: &ArrayBase<S, Ix2>, centroids: &Array2<F>) -> Result<f64, Error>
where
    F: Float,
    S: Data<Elem = F>,
{
    let (k, d) = centroids.dim();
    if d == 0 {
        return Err(Error::NoColumns);
    }
    if data.nrows() == 0 {
        return Err(Error::NoRows);
    }
    let values = rows_of(data.view(), (k, d))?;
    if k < 2 {
        return Err(Error::ScoreClusters { clusters: k, rows: data.nrows() });
    }
    let centroids: Vec<f64> = check_centroids(centroids.view(), k, d)?.iter().map(|x| x.f64()).collect();
    match nearest_two::simplified_silhouettes(Level::new(), &values, &centroids, d) {
        Some((found, _)) => Ok(mean(&found)),
        // Only a value that is not finite, or too large, leaves no finite distance.
        None => check_values(&values, d).and(Err(Error::NotFinite { row: 0, column: 0 })),
    }
}

/// The variance ratio of Caliński and Harabasz (1974): the scatter of the means over k - 1, divided by the scatter of the rows about their means over
/// n - k; more is better. 1 when every row is its cluster's mean.
///
/// Same values as scikit-learn's `calinski_harabasz_score`. Costs O(n d).
///
/// ```
/// use centroids::select;
/// use ndarray::array;
/// let data = array![[0.0], [2.0], [9.0], [11.0]];
/// let score = select::calinski_harabasz(&data, &array![0, 0, 1, 1])?;
/// assert_eq!(score, (81.0 / 1.0) / (4.0 / 2.0));
/// # Ok::<(), centroids::Error>(())
/// ```
///
/// # Errors
///
/// As [`silhouette`].
pub fn calinski_harabasz<F, S, L>(data: &ArrayBase<S, Ix2>, labels: &ArrayBase<L, Ix1>) -> Result<f64, Error>
where
    F: Float,
    S: Data<Elem = F>,
    L: Data<Elem = usize>,
{
    Ok(Partition::new(data.view(), labels.view())?.means().calinski_harabasz())
}

/// The index of Davies and Bouldin (1979): for each cluster the worst of (its width + another's) / (distance of their means), averaged; less is better.
///
/// A width is the mean distance of the rows to their mean. Clusters with the same mean are not compared, so the index is 0 when all means are equal,
/// as it is when every row is its cluster's mean. Otherwise same values as scikit-learn's `davies_bouldin_score`, which calls widths or distances below 1e-8 zero. Costs
/// O(n d + k² d).
///
/// ```
/// use centroids::select;
/// use ndarray::array;
/// let score = select::davies_bouldin(&array![[0.0], [2.0], [9.0], [13.0]], &array![0, 0, 1, 1])?;
/// assert_eq!(score, (1.0 + 2.0) / 10.0);
/// # Ok::<(), centroids::Error>(())
/// ```
///
/// # Errors
///
/// As [`silhouette`].
pub fn davies_bouldin<F, S, L>(data: &ArrayBase<S, Ix2>, labels: &ArrayBase<L, Ix1>) -> Result<f64, Error>
where
    F: Float,
    S: Data<Elem = F>,
    L: Data<Elem = usize>,
{
    Ok(Partition::new(data.view(), labels.view())?.means().davies_bouldin())
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
