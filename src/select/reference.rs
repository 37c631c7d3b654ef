//! What a clustering is compared with: rows without clusters, and the likelihood of a Gaussian model.

use crate::float::Float;
use crate::kernel::par;
use crate::kmeans::KMeans;
use crate::model::KMeansModel;
use crate::rng::SeededRng;
use ndarray::{Array2, ArrayBase, Data, Ix2};

/// The box of the data, and how many references are drawn from it.
pub(super) struct References {
    columns: Vec<(f64, f64)>,
    rows: usize,
    count: usize,
    seed: u64,
}

impl References {
    pub(super) fn new<F: Float, S: Data<Elem = F>>(
        data: &ArrayBase<S, Ix2>,
        count: usize,
        seed: u64,
    ) -> Self {
        let range = |column: ndarray::ArrayView1<'_, F>| {
            column.iter().map(|x| x.f64()).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
                (f64::min(low, x), f64::max(high, x))
            })
        };
        let columns = data.columns().into_iter().map(range).collect();
        References { columns, rows: data.nrows(), count, seed }
    }

    /// The same rows for every k, made anew each time so that one reference at a time is in memory.
    fn draw<F: Float>(&self, index: usize) -> Array2<F> {
        // Streams from the end, which no run of a fit uses.
        let mut rng = SeededRng::stream(self.seed, u64::MAX - 1 - index as u64);
        Array2::from_shape_fn((self.rows, self.columns.len()), |(_, t)| {
            let (low, high) = self.columns[t];
            F::of(low + rng.uniform() * (high - low))
        })
    }

    /// The gap of a model with this inertia and its standard error; none if an inertia is 0, or if a reference has no fit: it may be narrower than the
    /// type allows, or lose a cluster where that is an error, though the data is not and does not.
    pub(super) fn gap<F: Float>(&self, kmeans: &KMeans<F>, k: usize, inertia: f64) -> Option<(f64, f64)> {
        if self.count == 0 || !(inertia > 0.0) {
            return None;
        }
        let kmeans = kmeans.clone().with_k(k);
        // Fits too small to be worth several threads each share the threads between them.
        let work = self.rows as f64 * self.columns.len() as f64 * k as f64;
        let together = if par::workers_for(work) == 1 { par::threads().min(self.count) } else { 1 };
        let mut fits = vec![0.0; self.count];
        par::share(&mut vec![(); together], fits.iter_mut().enumerate(), |(), (b, fit)| {
            *fit = kmeans.fit(&self.draw::<F>(b)).map_or(0.0, |model| model.inertia());
        });
        if fits.contains(&0.0) {
            return None;
        }
        let count = self.count as f64;
        let mean = fits.iter().map(|x| x.ln()).sum::<f64>() / count;
        let variance = fits.iter().map(|x| (x.ln() - mean) * (x.ln() - mean)).sum::<f64>() / count;
        Some((mean - inertia.ln(), (variance * (1.0 + 1.0 / count)).sqrt()))
    }
}

/// The Bayesian information criterion of the spherical Gaussian model; none when its variance has no estimate or is 0.
pub(super) fn bic<F: Float>(model: &KMeansModel<F>) -> Option<f64> {
    let (n, d, k) = (model.labels().len(), model.n_features() as f64, model.n_clusters());
    if n <= k || !(model.inertia() > 0.0) {
        return None;
    }
    let (n, k) = (n as f64, k as f64);
    let variance = model.inertia() / (d * (n - k));
    let sizes = model.cluster_sizes().iter().filter(|&&size| size > 0).map(|&size| size as f64);
    let mixing: f64 = sizes.map(|size| size * (size / n).ln()).sum();
    let likelihood = mixing - n * d / 2.0 * (2.0 * std::f64::consts::PI * variance).ln() - d * (n - k) / 2.0;
    Some(likelihood - k * (d + 1.0) / 2.0 * n.ln())
}
