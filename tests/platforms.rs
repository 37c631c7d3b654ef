//! Fingerprints of the bits of all results, which are the same on every platform.
//!
//! They were written down on x86-64 with AVX2, and found again on aarch64 (NEON, in QEMU). `cargo test --test platforms` asks any other
//! machine. A change of one of them belongs under "Changed values" in the changelog.

mod common;

use centroids::{
    Algorithm, BalancedKMeans, BisectingKMeans, Error, Float, FuzzyCMeans, KMeans, KMeansParallel,
    KMeansPlusPlus, KMedians, KMedoids, Metric, Random, Refine, SphericalKMeans, select,
};
use common::{cast, groups, uniform, whole};
use ndarray::{Array1, Array2, s};

/// The hash FNV-1a of values.
struct Fingerprint(u64);

impl Fingerprint {
    fn add(&mut self, bits: u64) {
        for byte in bits.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    fn floats<'a, F: Float>(&mut self, values: impl IntoIterator<Item = &'a F>) {
        values.into_iter().for_each(|x| self.add(x.to_f64().unwrap().to_bits()));
    }

    fn counts<'a>(&mut self, values: impl IntoIterator<Item = &'a usize>) {
        values.into_iter().for_each(|&count| self.add(count as u64));
    }
}

/// Of what is added for each of the data sets.
fn of<F: Float>(mut add: impl FnMut(&mut Fingerprint, &Array2<F>, usize) -> Result<(), Error>) -> u64 {
    let mut fingerprint = Fingerprint(0xcbf2_9ce4_8422_2325);
    for (data, k) in data_sets() {
        add(&mut fingerprint, &data, k).unwrap();
    }
    fingerprint.0
}

/// Data of all numbers of columns that have loops of their own, even and uneven, with ties and without, near zero and far from it.
fn data_sets<F: Float>() -> Vec<(Array2<F>, usize)> {
    let [tiny, large] = [1e-30, 1e17].map(cast::<F>);
    let mut constant = uniform(333, 9, 5);
    constant.slice_mut(s![.., ..;2]).fill(cast(3.25));
    vec![
        (groups(600, 1, 9, 1), 6),
        (uniform(700, 2, 2), 8),
        (groups(900, 3, 20, 3), 16),
        (whole(500, 4, 5, 1e5, 4), 9),
        (constant, 17),
        (uniform::<F>(260, 5, 6) * tiny, 6),
        ((uniform::<F>(250, 7, 7) - cast::<F>(0.5)) * large, 12),
        (uniform(300, 8, 8), 20),
        (groups(400, 13, 40, 9), 30),
        (uniform(300, 16, 10), 40),
        (whole(257, 17, 3, -7.0, 11), 33),
        (groups(260, 33, 25, 12), 40),
        (uniform(210, 64, 13), 24),
        (groups(130, 130, 10, 14), 20),
        (uniform(90, 300, 15), 17),
    ]
}

/// As many rows and clusters as the slower algorithms are given.
fn few<F: Float>(data: &Array2<F>) -> Array2<F> {
    data.slice(s![..90, ..]).to_owned()
}
const FEW: usize = 5;

/// A fit by each algorithm must be the same; and what the model then says of other rows.
fn k_means<F: Float>() -> u64 {
    of::<F>(|fingerprint, data, k| {
        let kmeans = KMeans::new(k).seed(3).max_iter(30);
        let model = kmeans.fit(data)?;
        for algorithm in [Algorithm::Lloyd, Algorithm::Hamerly, Algorithm::Filtering] {
            let other = kmeans.clone().algorithm(algorithm).fit(data)?;
            assert_eq!(
                (other.centroids(), other.labels()),
                (model.centroids(), model.labels()),
                "{algorithm:?}"
            );
        }
        fingerprint.floats(model.centroids());
        fingerprint.counts(model.labels());
        model.history().iter().for_each(|it| fingerprint.floats(&[it.inertia, it.shift]));
        let rows = data.mapv(|x| x * cast(0.75));
        fingerprint.counts(&model.predict(&rows)?);
        fingerprint.floats(&model.transform(&rows)?);
        fingerprint.floats(&[model.inertia(), model.score(&rows)?]);
        Ok(())
    })
}

fn seeded<F: Float>() -> u64 {
    of::<F>(|fingerprint, data, k| {
        let kmeans = KMeans::new(k).seed(4).max_iter(4);
        let weights = Array1::from_shape_fn(data.nrows(), |i| cast::<F>((i % 5) as f64 * 0.7));
        fingerprint.floats(kmeans.clone().init(Random).fit(data)?.centroids());
        fingerprint.floats(kmeans.clone().init(KMeansParallel::default()).fit(data)?.centroids());
        fingerprint.floats(
            kmeans.init(KMeansPlusPlus::default()).n_init(3).fit_weighted(data, &weights)?.centroids(),
        );
        Ok(())
    })
}

fn refined<F: Float>() -> u64 {
    of::<F>(|fingerprint, data, _| {
        let model = KMeans::new(FEW).refine(Refine::default()).fit(&few(data))?;
        fingerprint.floats(model.centroids());
        Ok(())
    })
}

fn fuzzy<F: Float>() -> u64 {
    of::<F>(|fingerprint, data, _| {
        for fuzzifier in [2.0, 1.37] {
            let model = FuzzyCMeans::new(FEW).fuzzifier(fuzzifier).max_iter(8).fit(&few(data))?;
            fingerprint.floats(model.centroids());
            fingerprint.floats(&model.predict_memberships(data)?);
            fingerprint.floats(&[
                model.objective(),
                model.partition_coefficient(),
                model.partition_entropy(),
            ]);
        }
        Ok(())
    })
}

fn medoids<F: Float>() -> u64 {
    of::<F>(|fingerprint, data, _| {
        use Metric::{Chebyshev, Cosine, Euclidean, Manhattan, SquaredEuclidean};
        for metric in [Euclidean, SquaredEuclidean, Manhattan, Chebyshev, Cosine] {
            let model = KMedoids::new(FEW).metric(metric).fit(&few(data))?;
            fingerprint.counts(model.medoids());
            fingerprint.floats(&[model.loss()]);
            fingerprint.floats(model.silhouette_values());
        }
        Ok(())
    })
}

fn medians<F: Float>() -> u64 {
    of::<F>(|fingerprint, data, _| {
        let model = KMedians::new(FEW).fit(&few(data))?;
        fingerprint.floats(model.centroids());
        fingerprint.floats(&[model.loss()]);
        Ok(())
    })
}

fn spherical<F: Float>() -> u64 {
    of::<F>(|fingerprint, data, k| {
        let model = SphericalKMeans::new(k).fit(data)?;
        fingerprint.floats(model.centroids());
        fingerprint.floats(&model.similarities(&few(data))?);
        Ok(())
    })
}

fn bisecting<F: Float>() -> u64 {
    of::<F>(|fingerprint, data, k| {
        let model = BisectingKMeans::new(k).fit(data)?;
        fingerprint.floats(&model.node_centroids());
        fingerprint.floats(&[model.inertia()]);
        Ok(())
    })
}

fn balanced<F: Float>() -> u64 {
    of::<F>(|fingerprint, data, _| {
        let model = BalancedKMeans::new(FEW).fit(&few(data))?;
        fingerprint.floats(model.centroids());
        fingerprint.counts(model.labels());
        Ok(())
    })
}

fn scores<F: Float>() -> u64 {
    of::<F>(|fingerprint, data, _| {
        let sweep = select::sweep(&KMeans::new(1), 2..=4, &few(data))?;
        for &criterion in sweep.criteria() {
            sweep.values(criterion).iter().for_each(|(_, value)| fingerprint.floats(value));
        }
        Ok(())
    })
}

const PARTS: usize = 10;

/// In their order.
fn found<F: Float>() -> [String; PARTS] {
    let found = [
        k_means::<F>(),
        seeded::<F>(),
        refined::<F>(),
        fuzzy::<F>(),
        medoids::<F>(),
        medians::<F>(),
        spherical::<F>(),
        bisecting::<F>(),
        balanced::<F>(),
        scores::<F>(),
    ];
    found.map(|fingerprint| format!("{fingerprint:016x}"))
}

#[test]
fn f32_results_have_the_bits_of_every_other_platform() {
    assert_eq!(found::<f32>(), F32);
}

#[test]
fn f64_results_have_the_bits_of_every_other_platform() {
    assert_eq!(found::<f64>(), F64);
}

const F32: [&str; PARTS] = [
    "5b0eb536a904ad47", // k_means
    "ed26a97a1fb1e144", // seeded
    "f81bd580450321be", // refined
    "a0f44942fc91114f", // fuzzy
    "57939993b5d3dd33", // medoids
    "18e553d42b8cd449", // medians
    "8d83f6b61ee3a559", // spherical
    "b6a46247bc2685f3", // bisecting
    "66ddfeb549fb3884", // balanced
    "eb1756e2dadc6ac2", // scores
];
const F64: [&str; PARTS] = [
    "f377adac11793ec6", // k_means
    "e5390989b072d707", // seeded
    "5127e6cf745ff840", // refined
    "ef4f58f4bb3271f4", // fuzzy
    "cf7c61b75180aa34", // medoids
    "2ac950348644981f", // medians
    "19f8c801608a8f8d", // spherical
    "8c7c52aedda9b689", // bisecting
    "d50fa2fde27adb5e", // balanced
    "c013057e867b79ba", // scores
];
