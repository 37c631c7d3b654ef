//! The elbow of the inertia as a function of k.

use crate::error::Error;
use crate::float::Float;
use crate::kmeans::KMeans;
use crate::model::KMeansModel;
use ndarray::{ArrayBase, Data, Ix1, Ix2};
use std::fmt;

/// The inertia for several numbers of clusters, with the models.
///
/// Displays as a small table.
#[derive(Clone, Debug)]
pub struct Elbow<F: Float> {
    points: Vec<ElbowPoint<F>>,
    /// Inertia of one cluster.
    total: f64,
    columns: usize,
}

/// One number of clusters.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ElbowPoint<F: Float> {
    /// Clusters asked for.
    pub k: usize,
    /// Sum of squared distances of the rows to their centroids.
    pub inertia: f64,
    /// 1 less the inertia as a fraction of that of one cluster; 1 when the rows are all equal.
    pub explained_variance: f64,
    /// The fitted model.
    pub model: KMeansModel<F>,
}

/// Fits the same settings for each number of clusters in `ks`, which is sorted first.
///
/// Costs one fit for each k, and one for k = 1. Each fit is only as good as the settings make it: with a single run per k the curve may rise
/// where a fit was unlucky, so give `n_init` of 3 or more.
///
/// ```
/// use centroids::{KMeans, select};
/// # let mut rng = centroids::SeededRng::new(1);
/// # let data = ndarray::Array2::from_shape_fn((90, 2), |(i, t)| [[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]][i % 3][t] + rng.uniform());
/// // Three well-separated groups.
/// let elbow = select::elbow(&KMeans::new(1).seed(7), 1..=8, &data)?;
/// assert_eq!(elbow.knee(), Some(3));
/// println!("{elbow}");
/// let model = &elbow.points()[2].model;
/// assert_eq!(model.n_clusters(), 3);
/// # Ok::<(), centroids::Error>(())
/// ```
///
/// # Errors
///
/// If there is no k, or one twice; otherwise as [`KMeans::fit`], for the smallest and the largest k before any is
/// fitted; what an initialiser reports comes when it is asked.
pub fn elbow<F, S>(
    kmeans: &KMeans<F>,
    ks: impl IntoIterator<Item = usize>,
    data: &ArrayBase<S, Ix2>,
) -> Result<Elbow<F>, Error>
where
    F: Float,
    S: Data<Elem = F>,
{
    sweep(
        kmeans,
        ks,
        data.ncols(),
        |kmeans| kmeans.fit(data),
        |k| kmeans.clone().with_k(k).check_fit(data.view(), None),
    )
}

/// [`elbow`] for weighted rows, as [`KMeans::fit_weighted`] takes them.
///
/// ```
/// use centroids::{KMeans, select};
/// use ndarray::array;
/// let (data, weights) = (array![[0.0], [1.0], [9.0]], array![1.0, 3.0, 2.0]);
/// let elbow = select::elbow_weighted(&KMeans::new(1), [1, 2, 3], &data, &weights)?;
/// assert_eq!(elbow.points()[2].inertia, 0.0);
/// # Ok::<(), centroids::Error>(())
/// ```
///
/// # Errors
///
/// As [`elbow`], and any broken rule about the weights.
pub fn elbow_weighted<F, S, W>(
    kmeans: &KMeans<F>,
    ks: impl IntoIterator<Item = usize>,
    data: &ArrayBase<S, Ix2>,
    weights: &ArrayBase<W, Ix1>,
) -> Result<Elbow<F>, Error>
where
    F: Float,
    S: Data<Elem = F>,
    W: Data<Elem = F>,
{
    let check = |k| kmeans.clone().with_k(k).check_fit(data.view(), Some(weights.view()));
    sweep(kmeans, ks, data.ncols(), |kmeans| kmeans.fit_weighted(data, weights), check)
}

fn sweep<F: Float>(
    kmeans: &KMeans<F>,
    ks: impl IntoIterator<Item = usize>,
    columns: usize,
    fit: impl Fn(&KMeans<F>) -> Result<KMeansModel<F>, Error>,
    check: impl Fn(usize) -> Result<(), Error>,
) -> Result<Elbow<F>, Error> {
    let mut ks: Vec<usize> = ks.into_iter().collect();
    ks.sort_unstable();
    let (Some(&least), Some(&most)) = (ks.first(), ks.last()) else { return Err(Error::EmptySweep) };
    if let Some(pair) = ks.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::RepeatedClusters { k: pair[0] });
    }
    check(least)?;
    check(most)?;
    // From one cluster there is nothing to choose, so the start is left to the default whatever the settings say.
    let total = fit(&KMeans::new(1))?.inertia();
    let mut points = Vec::with_capacity(ks.len());
    for k in ks {
        let model = fit(&kmeans.clone().with_k(k))?;
        let inertia = model.inertia();
        let explained_variance = if total > 0.0 { 1.0 - inertia / total } else { 1.0 };
        points.push(ElbowPoint { k, inertia, explained_variance, model });
    }
    Ok(Elbow { points, total, columns })
}

impl<F: Float> Elbow<F> {
    /// The points, by ascending k.
    #[must_use]
    pub fn points(&self) -> &[ElbowPoint<F>] {
        &self.points
    }

    /// The k at which the curve bends, or `None` if it has no bend that random scatter would not have.
    ///
    /// Kneedle (Satopää, Albrecht, Irwin and Raghavan 2011) with sensitivity 1, on the curve from k = 1: both axes are scaled to
    /// [0, 1], and a knee is a local maximum of the height of the chord over the curve, from which that height then falls by at least the mean
    /// step in k. The curve of structureless rows bends too: evenly spread rows of d columns leave about k^(-2/d) of the inertia of one cluster.
    /// So a knee must also lie a quarter below that. Of several knees the one highest over the curve is taken.
    ///
    /// An elbow is a weak criterion (Schubert 2023, "Stop using the elbow criterion for k-means"): it depends on the range of k swept, and
    /// rows that lie along a line or a plane within many columns can look like clusters to it. Look at the curve and at the clusters too.
    #[must_use]
    pub fn knee(&self) -> Option<usize> {
        knee(self.points.iter().map(|point| (point.k, point.inertia)), self.total, self.columns)
    }
}

/// The knee of the inertia by ascending k, where one cluster has the inertia `total`; see [`Elbow::knee`].
pub(super) fn knee(points: impl Iterator<Item = (usize, f64)>, total: f64, columns: usize) -> Option<usize> {
    // Evenly spread rows would leave so much.
    let beats_scatter = |(k, inertia): (f64, f64)| inertia < 0.75 * k.powf(-2.0 / columns as f64) * total;
    let mut curve: Vec<(f64, f64)> = vec![(1.0, total)];
    curve.extend(points.filter(|point| point.0 > 1).map(|(k, inertia)| (k as f64, inertia)));
    let ((first, top), (last, bottom)) = (*curve.first()?, *curve.last()?);
    if curve.len() < 3 || !(bottom < top) {
        return None;
    }
    let over = |&(k, inertia): &(f64, f64)| (top - inertia) / (top - bottom) - (k - first) / (last - first);
    let height: Vec<f64> = curve.iter().map(over).collect();
    let step = 1.0 / (curve.len() - 1) as f64;
    let is_knee = |&i: &usize| {
        let rises = height[i] > height[i - 1] && height[i] >= height[i + 1];
        let next_peak = (i + 1..height.len()).find(|&j| height[j] > height[i]).unwrap_or(height.len());
        let falls = height[i + 1..next_peak].iter().any(|&h| h <= height[i] - step);
        rises && falls && beats_scatter(curve[i])
    };
    let highest = (1..height.len() - 1).filter(is_knee).max_by(|&a, &b| height[a].total_cmp(&height[b]));
    highest.map(|i| curve[i].0 as usize)
}

impl<F: Float> fmt::Display for Elbow<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let knee = self.knee();
        writeln!(f, "    k       inertia  explained")?;
        for point in &self.points {
            let mark = if knee == Some(point.k) { "  <- knee" } else { "" };
            writeln!(
                f,
                "{:5}  {:12.5e}  {:7.2} %{mark}",
                point.k,
                point.inertia,
                100.0 * point.explained_variance
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededRng;
    use ndarray::Array2;

    fn uniform(n: usize, d: usize, seed: u64) -> Array2<f64> {
        let mut rng = SeededRng::new(seed);
        Array2::from_shape_fn((n, d), |_| rng.uniform())
    }

    fn blobs(k: usize, d: usize, seed: u64) -> Array2<f64> {
        let mut rng = SeededRng::new(seed);
        // Corners of a wide simplex, so that every two are equally far apart.
        let far = |j: usize, t: usize| {
            if j > 0 && (j - 1) % d == t { 20.0 * (1 + (j - 1) / d) as f64 } else { 0.0 }
        };
        Array2::from_shape_fn((60 * k, d), |(i, t)| {
            far(i % k, t) + (0..12).map(|_| rng.uniform()).sum::<f64>() - 6.0
        })
    }

    #[test]
    fn well_separated_blobs_have_their_number_as_the_knee() {
        for seed in 0..10 {
            for (k, d) in [(2, 2), (3, 2), (3, 5), (5, 5), (4, 3)] {
                let kmeans = KMeans::new(1).seed(seed).n_init(3);
                for ks in [1..=8, 1..=12, 2..=10] {
                    let elbow = elbow(&kmeans, ks.clone(), &blobs(k, d, seed)).unwrap();
                    assert_eq!(
                        elbow.knee(),
                        Some(k),
                        "seed {seed}, {k} blobs in {d} columns, {ks:?}\n{elbow}"
                    );
                }
            }
        }
    }

    #[test]
    fn evenly_spread_rows_have_no_knee() {
        for seed in 0..10 {
            for d in [1, 2, 5, 10] {
                let elbow =
                    elbow(&KMeans::new(1).seed(seed).n_init(3), 1..=10, &uniform(400, d, seed)).unwrap();
                assert_eq!(elbow.knee(), None, "seed {seed}, {d} columns\n{elbow}");
            }
        }
    }

    #[test]
    fn curves_without_a_bend_have_no_knee() {
        let kmeans = KMeans::<f64>::new(1);
        let same = Array2::from_elem((9, 2), 4.0);
        let curve = elbow(&kmeans, 1..=5, &same).unwrap();
        assert_eq!((curve.knee(), curve.points()[0].explained_variance), (None, 1.0));
        assert_eq!(elbow(&kmeans, [1, 2], &uniform(9, 1, 1)).unwrap().knee(), None);
    }

    #[test]
    fn a_bad_sweep_is_an_error_before_any_work() {
        let (kmeans, data) = (KMeans::new(1), uniform(5, 1, 1));
        assert_eq!(elbow(&kmeans, [], &data).unwrap_err(), Error::EmptySweep);
        assert_eq!(elbow(&kmeans, [2, 1, 2], &data).unwrap_err(), Error::RepeatedClusters { k: 2 });
        assert_eq!(elbow(&kmeans, 0..3, &data).unwrap_err(), Error::ZeroClusters);
        assert_eq!(elbow(&kmeans, 1..=6, &data).unwrap_err(), Error::TooManyClusters { k: 6, rows: 5 });
        let unsorted: Vec<usize> =
            elbow(&kmeans, [3, 1], &data).unwrap().points().iter().map(|p| p.k).collect();
        assert_eq!(unsorted, [1, 3]);
    }
}
