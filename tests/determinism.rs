//! The same bits on any number of threads, with any algorithm, in any order of the rows, from any layout.

mod common;

use centroids::{Algorithm, EmptyCluster, Float, KMeans, KMeansModel, KMedians, SeededRng};
use common::{bits, cast, groups, uniform};
use ndarray::{Array2, Axis, s};
use rayon::ThreadPoolBuilder;

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

fn assert_same<F: Float>(a: &KMeansModel<F>, b: &KMeansModel<F>) {
    assert_eq!(a.labels(), b.labels());
    assert_eq!(bits(a.centroids()), bits(b.centroids()));
    assert_eq!(a.inertia().to_bits(), b.inertia().to_bits());
    assert_eq!(a.history(), b.history());
    assert_eq!(a.stop_reason(), b.stop_reason());
}

fn threads_and_algorithms<F: Float>() {
    for (n, d, k) in [
        (60_000, 2, 30),
        (40_000, 3, 70),
        (20_000, 8, 40),
        (9_000, 16, 50),
        (5_000, 40, 60),
        (2_500, 130, 40),
    ] {
        let data: Array2<F> = groups(n, d, 20, 8);
        let kmeans = KMeans::new(k).seed(3).max_iter(12);
        let one = on_threads(1, || kmeans.fit(&data).unwrap());
        for threads in [2, 5] {
            for algorithm in [Algorithm::Auto, Algorithm::Lloyd, Algorithm::Hamerly] {
                let kmeans = kmeans.clone().algorithm(algorithm);
                assert_same(&one, &on_threads(threads, || kmeans.fit(&data).unwrap()));
            }
        }
        let predicted = on_threads(5, || one.predict(&data).unwrap());
        assert_eq!(one.labels(), predicted);
        assert_eq!(on_threads(2, || one.score(&data).unwrap()).to_bits(), (-one.inertia()).to_bits());
    }
}

#[test]
fn threads_and_algorithms_change_no_bit() {
    threads_and_algorithms::<f32>();
    threads_and_algorithms::<f64>();
}

#[test]
fn threads_change_no_number_of_distance_evaluations() {
    for (n, d, k) in
        [(60_000, 2, 100), (40_000, 6, 80), (40_000, 16, 100), (20_000, 40, 60), (8_000, 41, 200)]
    {
        let mut data: Array2<f32> = if d == 16 { uniform(n, d, 8) } else { groups(n, d, 60, 8) };
        if d == 41 {
            // Two tight groups far from each other: bytes do not tell their rows apart.
            data.axis_iter_mut(Axis(0)).step_by(2).for_each(|mut row| row += 30_000.0);
        }
        for algorithm in [Algorithm::Lloyd, Algorithm::Hamerly, Algorithm::Filtering] {
            let evaluations = |threads| {
                let kmeans = KMeans::new(k).seed(3).tolerance(0.0).max_iter(15).algorithm(algorithm);
                let model = on_threads(threads, || kmeans.fit(&data).unwrap());
                model.history().iter().map(|it| it.distance_evaluations).collect::<Vec<_>>()
            };
            let one = evaluations(1);
            assert!([2, 5].into_iter().all(|threads| evaluations(threads) == one), "{algorithm:?} {d}");
        }
    }
}

#[test]
fn restarts_are_the_same_on_any_number_of_threads() {
    let data: Array2<f64> = uniform(400, 2, 1);
    let kmeans = KMeans::new(9).n_init(12);
    let one = on_threads(1, || kmeans.fit(&data).unwrap());
    assert_same(&one, &on_threads(5, || kmeans.fit(&data).unwrap()));
    // The best of the runs, each of which can be had alone by an observer that never stops.
    let watched = kmeans.fit_with(&data, |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert_same(&one, &watched);
    assert!(one.inertia() < KMeans::new(9).fit(&data).unwrap().inertia());
}

fn permuted<F: Float>(offset: f64) {
    for (n, d, k) in [(3_000, 2, 20), (2_000, 9, 12), (800, 70, 6)] {
        let data: Array2<F> = groups::<F>(n, d, 15, 4).mapv(|x| x + cast(offset));
        let mut order: Vec<usize> = (0..n).collect();
        let mut rng = SeededRng::new(6);
        (1..n).for_each(|i| order.swap(i, rng.below(i + 1)));
        let start = data.slice(s![..k, ..]).to_owned();
        let kmeans = KMeans::new(k).init(start).tolerance(0.0);
        let (plain, mixed) = (kmeans.fit(&data).unwrap(), kmeans.fit(&data.select(Axis(0), &order)).unwrap());
        assert_eq!(bits(plain.centroids()), bits(mixed.centroids()));
        assert_eq!(plain.inertia().to_bits(), mixed.inertia().to_bits());
        assert_eq!(plain.history(), mixed.history());
        assert!(order.iter().zip(mixed.labels()).all(|(&i, &label)| plain.labels()[i] == label));
    }
}

#[test]
fn the_order_of_the_rows_changes_no_bit_of_the_centroids() {
    permuted::<f32>(0.0);
    permuted::<f32>(1e6);
    permuted::<f64>(0.0);
    permuted::<f64>(1e9);
}

#[test]
fn ties_between_rows_that_repair_empty_clusters_do_not_depend_on_their_order() {
    let mut rng = SeededRng::new(8);
    for policy in [EmptyCluster::Relocate, EmptyCluster::Resample] {
        for _ in 0..300 {
            let (n, d, k) = (6 + rng.below(12), 1 + rng.below(2), 3 + rng.below(3));
            let data = Array2::from_shape_fn((n, d), |_| rng.below(12) as f64);
            let start = Array2::from_shape_fn((k, d), |(j, _)| if j == 0 { 8.0 } else { 1000.0 * j as f64 });
            let mut order: Vec<usize> = (0..n).collect();
            (1..n).for_each(|i| order.swap(i, rng.below(i + 1)));
            let mixed = data.select(Axis(0), &order);
            let kmeans = KMeans::new(k).init(start.clone()).empty_cluster(policy);
            let (one, other) = (kmeans.fit(&data).unwrap(), kmeans.fit(&mixed).unwrap());
            assert_eq!((one.centroids(), one.history()), (other.centroids(), other.history()), "{data}");
            assert!(order.iter().zip(other.labels()).all(|(&i, &label)| one.labels()[i] == label));
            let medians = KMedians::new(k).init(start).empty_cluster(policy);
            let (one, other) = (medians.fit(&data).unwrap(), medians.fit(&mixed).unwrap());
            assert_eq!((one.centroids(), one.loss()), (other.centroids(), other.loss()), "{data}");
        }
    }
}

#[test]
fn the_layout_changes_nothing() {
    let wide: Array2<f32> = groups(500, 12, 7, 2);
    let every_other = wide.slice(s![..;2, 1..;3]);
    let copied = every_other.as_standard_layout().to_owned();
    let mut fortran = Array2::zeros(ndarray::ShapeBuilder::f(copied.dim()));
    fortran.assign(&copied);
    assert!(every_other.as_slice().is_none() && fortran.as_slice().is_none());
    let kmeans = KMeans::new(6).n_init(2);
    let plain = kmeans.fit(&copied).unwrap();
    assert_same(&plain, &kmeans.fit(&every_other).unwrap());
    assert_same(&plain, &kmeans.fit(&fortran).unwrap());
    assert_same(&plain, &kmeans.fit(&copied.view()).unwrap());
    assert_eq!(plain.predict(&every_other).unwrap(), plain.labels());
    assert_eq!(plain.transform(&fortran).unwrap(), plain.transform(&copied).unwrap());
}
