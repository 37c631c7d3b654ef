//! One run over several k, judged by several criteria.

use super::criterion::Criterion;
use super::elbow::knee;
use super::partition::Partition;
use super::reference::{References, bic};
use super::scores::{sampled, simplified_silhouette};
use crate::error::Error;
use crate::float::Float;
use crate::kmeans::KMeans;
use crate::model::KMeansModel;
use crate::rng::SeededRng;
use ndarray::{ArrayBase, Data, Ix2};
use std::ops::ControlFlow;

/// What a sweep computes for each k. [`sweep`] takes the defaults.
///
/// | setting | default |
/// |---|---|
/// | [`criteria`](Self::criteria) | [`Criterion::ALL`] |
/// | [`references`](Self::references) | 10 |
/// | [`silhouette_rows`](Self::silhouette_rows) | 5,000 |
/// | [`warm_start`](Self::warm_start) | yes |
///
/// ```
/// use centroids::{KMeans, select::{Criterion, SweepSettings}};
/// use ndarray::array;
/// let data = array![[0.0], [1.0], [2.0], [20.0], [21.0], [22.0]];
/// let cheap = SweepSettings::new()
///     .criteria(&[Criterion::Bic, Criterion::SimplifiedSilhouette])
///     .warm_start(false);
/// let sweep = cheap.sweep(&KMeans::new(1), 1..=4, &data)?;
/// assert_eq!(sweep.choice(Criterion::SimplifiedSilhouette), Some(2));
/// assert_eq!(sweep.choice(Criterion::Gap), None);      // was not asked for
///
/// let thorough = SweepSettings::new().references(50).silhouette_rows(100_000);
/// let sweep = thorough.sweep(&KMeans::new(1), 1..=4, &data)?;
/// assert_eq!(sweep.choice(Criterion::Silhouette), Some(2));
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SweepSettings {
    criteria: Vec<Criterion>,
    references: usize,
    silhouette_rows: usize,
    warm_start: bool,
}

impl Default for SweepSettings {
    fn default() -> Self {
        SweepSettings {
            criteria: Criterion::ALL.to_vec(),
            references: 10,
            silhouette_rows: 5_000,
            warm_start: true,
        }
    }
}

impl SweepSettings {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Which criteria to compute. The gap costs `n_init` fits of unstructured rows for each reference and k, most of the time of a sweep, and the silhouette many
    /// distances; the others cost little beside the fit.
    #[must_use]
    pub fn criteria(mut self, criteria: &[Criterion]) -> Self {
        self.criteria = criteria.to_vec();
        self
    }

    /// References of the gap statistic. 0 leaves the gap undefined.
    #[must_use]
    pub fn references(mut self, references: usize) -> Self {
        self.references = references;
        self
    }

    /// Up to so many rows the silhouette is exact; of more it is estimated from so many, drawn from the seed.
    #[must_use]
    pub fn silhouette_rows(mut self, rows: usize) -> Self {
        self.silhouette_rows = rows;
        self
    }

    /// Whether each k is fitted once more from the model of the k before it, with rows drawn by their squared distance for the centroids it lacks. That model is
    /// kept where its inertia is less. So the inertia falls with k, as that of the best clusterings does. (The gap compares with references that
    /// have no such second chance, and so goes by the first fit.)
    #[must_use]
    pub fn warm_start(mut self, warm_start: bool) -> Self {
        self.warm_start = warm_start;
        self
    }

    /// [`sweep`] with these settings.
    ///
    /// # Errors
    ///
    /// As [`sweep`], and if the silhouette is to be estimated from fewer than 2 rows.
    pub fn sweep<F, S>(
        &self,
        kmeans: &KMeans<F>,
        ks: impl IntoIterator<Item = usize>,
        data: &ArrayBase<S, Ix2>,
    ) -> Result<Sweep<F>, Error>
    where
        F: Float,
        S: Data<Elem = F>,
    {
        self.sweep_with(kmeans, ks, data, |_| ControlFlow::Continue(()))
    }

    /// [`sweep`](Self::sweep), and shows each k to the observer when all about it is known. `Break` ends the sweep with the k so far.
    ///
    /// ```
    /// use centroids::{KMeans, select::SweepSettings};
    /// use ndarray::Array2;
    /// use std::ops::ControlFlow;
    /// let data = Array2::from_shape_fn((40, 2), |(i, t)| (i * (t + 3) % 17) as f64);
    /// let sweep = SweepSettings::new().sweep_with(&KMeans::new(1), 1..=8, &data, |point| {
    ///     println!("k = {} is done", point.k);
    ///     if point.k == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    /// })?;
    /// assert_eq!((sweep.points().len(), sweep.is_complete()), (3, false));
    /// # Ok::<(), centroids::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`sweep`](Self::sweep).
    pub fn sweep_with<F, S>(
        &self,
        kmeans: &KMeans<F>,
        ks: impl IntoIterator<Item = usize>,
        data: &ArrayBase<S, Ix2>,
        mut observer: impl FnMut(&SweepPoint<F>) -> ControlFlow<()>,
    ) -> Result<Sweep<F>, Error>
    where
        F: Float,
        S: Data<Elem = F>,
    {
        let mut ks: Vec<usize> = ks.into_iter().collect();
        ks.sort_unstable();
        let (Some(&least), Some(&most)) = (ks.first(), ks.last()) else { return Err(Error::EmptySweep) };
        if let Some(pair) = ks.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::RepeatedClusters { k: pair[0] });
        }
        for k in [least, most] {
            kmeans.clone().with_k(k).check_fit(data.view(), None)?;
        }
        if self.has(Criterion::Silhouette) && self.silhouette_rows < 2 {
            return Err(Error::SmallSample { rows: self.silhouette_rows, least: 2 });
        }
        // From one cluster there is nothing to choose, so the start is left to the default whatever the settings say.
        let total = KMeans::new(1).fit(data)?.inertia();
        let references = References::new(data, self.references, kmeans.seed_set());
        let criteria = Criterion::ALL.into_iter().filter(|&criterion| self.has(criterion)).collect();
        let columns = data.ncols();
        let mut sweep = Sweep { points: Vec::new(), asked: ks.len(), criteria, total, columns };
        for k in ks {
            let kmeans = kmeans.clone().with_k(k);
            let mut model = kmeans.fit(data)?;
            let cold = model.inertia();
            if let Some(before) = sweep.points.last().filter(|_| self.warm_start) {
                let mut rng = SeededRng::stream(kmeans.seed_set(), 1 << 62 | k as u64);
                let start = F::extend(before.model.centroids().view(), data.view(), k, &mut rng);
                if start.nrows() == k {
                    let warm = kmeans.clone().n_init(1).init(start).fit(data)?;
                    model = if warm.inertia() < cold { warm } else { model };
                }
            }
            sweep.points.push(self.point(&kmeans, data, &references, (model, cold))?);
            if observer(&sweep.points[sweep.points.len() - 1]).is_break() {
                break;
            }
        }
        Ok(sweep)
    }

    fn has(&self, criterion: Criterion) -> bool {
        self.criteria.contains(&criterion)
    }

    fn point<F, S>(
        &self,
        kmeans: &KMeans<F>,
        data: &ArrayBase<S, Ix2>,
        references: &References,
        (model, cold): (KMeansModel<F>, f64),
    ) -> Result<SweepPoint<F>, Error>
    where
        F: Float,
        S: Data<Elem = F>,
    {
        let k = kmeans.k_set();
        let mut values = [None; Criterion::ALL.len()];
        let mut set = |criterion: Criterion, value: Option<f64>| values[criterion as usize] = value;
        set(Criterion::Knee, self.has(Criterion::Knee).then(|| model.inertia()));
        set(Criterion::Bic, if self.has(Criterion::Bic) { bic(&model) } else { None });
        let mut gap_error = None;
        if self.has(Criterion::Gap)
            && let Some((gap, error)) = references.gap(kmeans, k, cold)
        {
            set(Criterion::Gap, Some(gap));
            gap_error = Some(error);
        }
        if self.has(Criterion::SimplifiedSilhouette) && model.n_clusters() > 1 {
            let value = simplified_silhouette(data, model.centroids())?;
            set(Criterion::SimplifiedSilhouette, Some(value));
        }
        let compares = [Criterion::Silhouette, Criterion::CalinskiHarabasz, Criterion::DaviesBouldin];
        let mut silhouette_error = None;
        if compares.iter().any(|&criterion| self.has(criterion)) {
            match Partition::new(data.view(), model.labels().view()) {
                Ok(partition) => {
                    if self.has(Criterion::Silhouette) {
                        let seed = kmeans.seed_set();
                        let estimate = sampled(&partition, data.nrows(), self.silhouette_rows, seed);
                        set(Criterion::Silhouette, Some(estimate.mean));
                        silhouette_error = Some(estimate.standard_error);
                    }
                    let means = partition.means();
                    let ratio = self.has(Criterion::CalinskiHarabasz).then(|| means.calinski_harabasz());
                    set(Criterion::CalinskiHarabasz, ratio);
                    let likeness = self.has(Criterion::DaviesBouldin).then(|| means.davies_bouldin());
                    set(Criterion::DaviesBouldin, likeness);
                }
                // One cluster, or as many as rows: these are not defined then.
                Err(Error::ScoreClusters { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(SweepPoint { k, model, values, gap_error, silhouette_error })
    }
}

/// Fits the same settings for each number of clusters in `ks` (sorted first), and judges each model by every [`Criterion`].
///
/// All criteria look at one model for each k: that of a plain fit, or of one that starts from the model before, if it is better
/// ([`SweepSettings::warm_start`]). The k are fitted one after another, each on all threads. The result is the same bits on any number of threads. Give
/// `n_init` of 3 or more, so that the criteria see the data and not the luck of a start. All this takes dozens of times as long as [`elbow`](super::elbow), most of it for the gap and the
/// silhouette: [`SweepSettings::criteria`] leaves out what is not wanted.
///
/// ```
/// use centroids::{KMeans, select::{self, Criterion}};
/// # let mut rng = centroids::SeededRng::new(1);
/// # let data = ndarray::Array2::from_shape_fn((90, 2), |(i, t)| [[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]][i % 3][t] + rng.uniform());
/// // Three well-separated groups.
/// let sweep = select::sweep(&KMeans::new(1).seed(7).n_init(3), 1..=6, &data)?;
/// println!("{sweep}");
/// assert!(Criterion::ALL.iter().all(|&criterion| sweep.choice(criterion) == Some(3)));
/// assert_eq!(sweep.verdict(), "All criteria choose k = 3.");
/// let model = &sweep.points()[2].model;
/// assert_eq!(model.n_clusters(), 3);
/// # Ok::<(), centroids::Error>(())
/// ```
///
/// # Errors
///
/// If there is no k, or one twice; otherwise as [`KMeans::fit`], for the smallest and the largest k before any is
/// fitted; what an initialiser reports comes when it is asked.
pub fn sweep<F, S>(
    kmeans: &KMeans<F>,
    ks: impl IntoIterator<Item = usize>,
    data: &ArrayBase<S, Ix2>,
) -> Result<Sweep<F>, Error>
where
    F: Float,
    S: Data<Elem = F>,
{
    SweepSettings::default().sweep(kmeans, ks, data)
}

/// The models for several numbers of clusters, and what each criterion says about them: made by [`sweep`].
///
/// Displays as a table in which each criterion's choice has a star, with the [`verdict`](Self::verdict) below it.
///
/// ```
/// use centroids::{KMeans, select::{self, Criterion}};
/// let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// let sweep = select::sweep(&KMeans::new(1), [1, 2], &data)?;
/// assert_eq!(sweep.values(Criterion::Silhouette)[0], (1, None)); // of one cluster it is not defined
/// assert!(sweep.to_string().contains("silhouette"));
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sweep<F: Float> {
    points: Vec<SweepPoint<F>>,
    asked: usize,
    criteria: Vec<Criterion>,
    /// Inertia of one cluster.
    total: f64,
    columns: usize,
}

/// One number of clusters of a [`Sweep`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SweepPoint<F: Float> {
    /// Clusters asked for.
    pub k: usize,
    /// The fitted model.
    pub model: KMeansModel<F>,
    values: [Option<f64>; Criterion::ALL.len()],
    /// Standard error of the gap (`s` of the paper, which counts the noise of the references); none where the gap is undefined.
    pub gap_error: Option<f64>,
    /// Standard error of the silhouette, 0 if it is exact; none where it is undefined.
    pub silhouette_error: Option<f64>,
}

impl<F: Float> SweepPoint<F> {
    /// The value of a criterion; none where it is undefined, or was not asked for.
    #[must_use]
    pub fn value(&self, criterion: Criterion) -> Option<f64> {
        self.values[criterion as usize]
    }
}

impl<F: Float> Sweep<F> {
    /// The points, by ascending k.
    #[must_use]
    pub fn points(&self) -> &[SweepPoint<F>] {
        &self.points
    }

    /// Whether every k was computed: false after the observer broke off.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.points.len() == self.asked
    }

    /// The criteria computed.
    #[must_use]
    pub fn criteria(&self) -> &[Criterion] {
        &self.criteria
    }

    /// Each k and the value of the criterion there.
    #[must_use]
    pub fn values(&self, criterion: Criterion) -> Vec<(usize, Option<f64>)> {
        self.points.iter().map(|point| (point.k, point.value(criterion))).collect()
    }

    /// The k that the criterion chooses, by the rule that [`Criterion`] gives; none if it finds none, or was not asked for.
    #[must_use]
    pub fn choice(&self, criterion: Criterion) -> Option<usize> {
        if criterion == Criterion::Knee {
            let curve = self.points.iter().filter_map(|p| p.value(criterion).map(|value| (p.k, value)));
            return if self.criteria.contains(&criterion) {
                knee(curve, self.total, self.columns)
            } else {
                None
            };
        }
        let value = |p: &SweepPoint<F>| p.value(criterion).map(|v| (p.k, v, p.gap_error.unwrap_or(0.0)));
        criterion.choose(&self.points.iter().filter_map(value).collect::<Vec<_>>())
    }
}
