//! k-means||: reproducible, weighted, as good as k-means++, and what it does when there is little to draw.

mod common;

use centroids::{Error, Float, Init, KMeans, KMeansParallel, KMeansPlusPlus, SeededRng, init};
use common::{bits, groups, uniform, whole};
use ndarray::{Array1, Array2, Axis, array};
use rayon::ThreadPoolBuilder;

fn start<F: Float>(parallel: KMeansParallel, data: &Array2<F>, k: usize, seed: u64) -> Array2<F> {
    parallel.centroids(data.view(), None, k, &mut SeededRng::new(seed)).unwrap()
}

fn threads<F: Float>() {
    for (n, d, k) in [(20_000, 2, 40), (6_000, 12, 60), (3_000, 90, 20)] {
        let data: Array2<F> = groups(n, d, 30, 3);
        let on = |threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| start(KMeansParallel::default(), &data, k, 5))
        };
        let one = on(1);
        assert_eq!(bits(&one), bits(&on(2)));
        assert_eq!(bits(&one), bits(&on(5)));
        // Rows of the data, all different.
        for (j, centroid) in one.rows().into_iter().enumerate() {
            assert!(data.rows().into_iter().any(|row| row == centroid));
            assert!(one.rows().into_iter().take(j).all(|other| other != centroid));
        }
    }
}

#[test]
fn threads_change_no_bit_and_centroids_are_rows() {
    threads::<f32>();
    threads::<f64>();
}

#[test]
fn it_ends_as_low_as_k_means_plus_plus() {
    let data: Array2<f64> = groups(8_000, 10, 40, 7);
    let mean = |init: &dyn Fn() -> KMeans<f64>| {
        (0..10).map(|seed| init().seed(seed).fit(&data).unwrap().inertia()).sum::<f64>() / 10.0
    };
    let plus_plus = mean(&|| KMeans::new(40).init(KMeansPlusPlus::default()));
    let parallel = mean(&|| KMeans::new(40).init(KMeansParallel::default()));
    assert!(parallel < 1.02 * plus_plus, "{parallel} against {plus_plus}");
    let one = mean(&|| KMeans::new(40).init(KMeansParallel::default().rounds(1).oversampling(0.1)));
    assert!(parallel < one, "more candidates are better: {parallel} against {one}");
}

#[test]
fn auto_is_the_one_or_the_other() {
    let much: Array2<f32> = uniform(20_000, 8, 1);
    let plain = KMeans::new(70).max_iter(2).fit(&much).unwrap();
    assert!(plain == KMeans::new(70).init(KMeansParallel::default()).max_iter(2).fit(&much).unwrap());
    assert!(plain == KMeans::new(70).init(init::Auto).max_iter(2).fit(&much).unwrap());
    for (n, d, k) in [(100_000, 4, 49), (200_000, 8, 7), (3_000, 8, 70), (200_000, 1, 60)] {
        let data: Array2<f32> = uniform(n, d, 1);
        let plain = KMeans::new(k).max_iter(2).fit(&data).unwrap();
        assert!(plain == KMeans::new(k).init(KMeansPlusPlus::default()).max_iter(2).fit(&data).unwrap());
    }
}

#[test]
fn a_row_without_weight_is_absent() {
    let data: Array2<f64> = groups(20_000, 6, 20, 2);
    let weights = Array1::from_shape_fn(20_000, |i| (i % 3) as f64);
    let rows: Vec<usize> = (0..20_000).filter(|i| i % 3 > 0).collect();
    let (present, left) = (data.select(Axis(0), &rows), weights.select(Axis(0), &rows));
    let kmeans = KMeans::new(100).seed(4).max_iter(3);
    let (all, some) =
        (kmeans.fit_weighted(&data, &weights).unwrap(), kmeans.fit_weighted(&present, &left).unwrap());
    assert_eq!(bits(all.centroids()), bits(some.centroids()));
    let scaled = kmeans.fit_weighted(&data, &(&weights * 3.7)).unwrap();
    assert_eq!(scaled.labels(), all.labels());
}

#[test]
fn little_to_draw_is_no_trouble() {
    // Three distinct rows, and more clusters than that.
    let data: Array2<f64> = whole(40, 1, 3, 0.0, 1);
    for seed in 0..20 {
        assert_eq!(start(KMeansParallel::default(), &data, 6, seed).dim(), (6, 1));
        // So few are drawn that the rest is filled up.
        let few =
            start(KMeansParallel::default().rounds(1).oversampling(1e-9), &uniform::<f64>(40, 2, 1), 6, seed);
        assert_eq!(few.dim(), (6, 2));
    }
    let all = start(KMeansParallel::default().oversampling(1e9), &uniform::<f32>(30, 3, 2), 30, 1);
    assert_eq!(all.dim(), (30, 3));
    assert_eq!(start(KMeansParallel::default(), &array![[4.0f32]], 1, 1), array![[4.0]]);
    let model = KMeans::new(4).init(KMeansParallel::default()).fit(&data).unwrap();
    assert_eq!((model.n_clusters(), model.inertia()), (3, 0.0));
}

#[test]
fn broken_rules_are_named() {
    let data: Array2<f64> = uniform(20, 2, 1);
    let error = |init: KMeansParallel| KMeans::new(3).init(init).fit(&data).unwrap_err();
    assert_eq!(error(KMeansParallel::default().rounds(0)), Error::Oversampling { rounds: 0, factor: 2.0 });
    for factor in [0.0, -1.0, f64::INFINITY] {
        assert_eq!(
            error(KMeansParallel::default().oversampling(factor)),
            Error::Oversampling { rounds: 2, factor }
        );
    }
    let nan = error(KMeansParallel::default().oversampling(f64::NAN));
    assert!(matches!(nan, Error::Oversampling { rounds: 2, factor } if factor.is_nan()));
}

#[test]
fn a_seed_gives_these_rows_for_ever() {
    let mut rng = SeededRng::new(1);
    let data = Array2::from_shape_fn((500, 2), |_| rng.uniform());
    let chosen = start(KMeansParallel::default(), &data, 4, 11);
    let row = |centroid: ndarray::ArrayView1<'_, f64>| {
        data.rows().into_iter().position(|row| row == centroid).unwrap()
    };
    assert_eq!(chosen.rows().into_iter().map(row).collect::<Vec<_>>(), [269, 195, 381, 162]);
}
