//! k-medoids: against every choice on small data, against another implementation, and on bad input.

#![allow(clippy::unreadable_literal, reason = "golden values stand as they were printed")]

mod common;

use centroids::{Dissimilarity, Error, KMedoids, MedoidInit, Metric, SeededRng, StopReason};
use common::{groups, iris, uniform, whole};
use ndarray::{Array1, Array2, ArrayView1, array, s};
use rayon::ThreadPoolBuilder;
use std::ops::ControlFlow;

const METRICS: [Metric; 5] =
    [Metric::Euclidean, Metric::SquaredEuclidean, Metric::Manhattan, Metric::Chebyshev, Metric::Cosine];

/// By the book.
fn between(metric: Metric, a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
    let gaps = || a.iter().zip(b).map(|(a, b)| (a - b).abs());
    match metric {
        Metric::SquaredEuclidean => gaps().map(|x| x * x).sum(),
        Metric::Manhattan => gaps().sum(),
        Metric::Chebyshev => gaps().fold(0.0, f64::max),
        Metric::Cosine => 1.0 - a.dot(&b) / (a.dot(&a) * b.dot(&b)).sqrt(),
        _ => gaps().map(|x| x * x).sum::<f64>().sqrt(),
    }
}

fn matrix(data: &Array2<f64>, metric: Metric) -> Array2<f64> {
    let n = data.nrows();
    Array2::from_shape_fn((n, n), |(i, j)| {
        if i == j { 0.0 } else { between(metric, data.row(i.min(j)), data.row(i.max(j))) }
    })
}

fn loss(matrix: &Array2<f64>, medoids: &[usize]) -> f64 {
    matrix.rows().into_iter().map(|row| medoids.iter().map(|&j| row[j]).fold(f64::INFINITY, f64::min)).sum()
}

#[test]
fn no_exchange_betters_the_result() {
    for seed in 0..30 {
        let (n, d) = (25 + seed as usize, 1 + seed as usize % 4);
        let data = if seed % 3 == 0 { whole(n, d, 5, 1.0, seed) } else { groups::<f64>(n, d, 4, seed) + 1.0 };
        for metric in METRICS {
            let matrix = matrix(&data, metric);
            for k in [1, 2, 5] {
                let model = KMedoids::new(k).seed(seed).metric(metric).fit(&data).unwrap();
                let found = loss(&matrix, model.medoids());
                assert!((model.loss() - found).abs() <= 1e-9 * (1.0 + found), "{metric:?}");
                for place in 0..k {
                    for row in 0..n {
                        let mut medoids = model.medoids().to_vec();
                        medoids[place] = row;
                        assert!(
                            loss(&matrix, &medoids) >= found - 1e-9 * (1.0 + found),
                            "{metric:?}, seed {seed}"
                        );
                    }
                }
                let labels: Vec<usize> = (0..n).map(|i| model.labels()[i]).collect();
                for (i, &label) in labels.iter().enumerate() {
                    let nearest =
                        model.medoids().iter().map(|&j| matrix[[i, j]]).fold(f64::INFINITY, f64::min);
                    assert!((matrix[[i, model.medoids()[label]]] - nearest).abs() <= 1e-9);
                }
                assert_eq!(model.predict(&data).unwrap(), model.labels());
                assert_eq!(model.cluster_sizes().iter().sum::<usize>(), n);
                assert_eq!(model.stop_reason(), StopReason::Converged);
                assert!(model.history().windows(2).all(|pair| pair[1].loss <= pair[0].loss));
            }
        }
    }
}

/// Metric, k, loss, medoid silhouette: see tests/data/medoids.py.
const GOLDEN: [(Metric, usize, f64, f64); 10] = [
    (Metric::Euclidean, 2, 129.3303885769321, 0.7740531340994289),
    (Metric::Euclidean, 3, 98.86857306414696, 0.6411130968287716),
    (Metric::Euclidean, 5, 79.09252711719652, 0.6046538243227055),
    (Metric::Euclidean, 8, 65.08818871605045, 0.5073435838478089),
    (Metric::Euclidean, 12, 54.89491762184612, 0.42304292995331816),
    (Metric::Manhattan, 2, 219.40000000000003, 0.7713588013009413),
    (Metric::Manhattan, 3, 164.7, 0.6451406726816169),
    (Metric::Manhattan, 5, 131.70000000000002, 0.5192351830628805),
    (Metric::Manhattan, 8, 106.70000000000002, 0.4939239697579566),
    (Metric::Manhattan, 12, 87.70000000000003, 0.44267505320616785),
];

#[test]
fn pypi_kmedoids_agrees_on_iris() {
    let data = iris();
    for (metric, k, loss, silhouette) in GOLDEN {
        let start = MedoidInit::Rows((0..k).map(|i| (i * 37 + 5) % 150).collect());
        let model = KMedoids::new(k).init(start).fit_matrix(&matrix(&data, metric)).unwrap();
        assert!((model.loss() - loss).abs() < 1e-9, "{metric:?}, k {k}: {}", model.loss());
        // Of L1 distances, which are tenths, many are equal, and so several sets of medoids are as good.
        if metric == Metric::Euclidean {
            let found = model.silhouette().unwrap();
            assert!((found - silhouette).abs() < 1e-9, "k {k}: {found}");
        }
    }
}

#[test]
fn rows_squares_and_condensed_values_are_the_same_problem() {
    let data: Array2<f64> = groups(80, 3, 5, 2);
    for init in
        [MedoidInit::PlusPlus, MedoidInit::Build, MedoidInit::Random, MedoidInit::Rows(vec![3, 4, 9, 70])]
    {
        let kmedoids = KMedoids::new(4).seed(5).init(init).metric(Metric::Manhattan);
        let matrix = matrix(&data, Metric::Manhattan);
        let condensed: Array1<f64> =
            (0..80).flat_map(|i| (i + 1..80).map(move |j| (i, j))).map(|at| matrix[at]).collect();
        let model = kmedoids.fit(&data).unwrap();
        let square = kmedoids.fit_matrix(&matrix).unwrap();
        assert_eq!(square, kmedoids.fit_condensed(&condensed).unwrap());
        assert_eq!(square, kmedoids.fit_matrix(&matrix.t()).unwrap());
        assert_eq!(square.labels(), model.labels());
        assert_eq!(square.medoids(), model.medoids());
        let own = |a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>| between(Metric::Manhattan, a, b);
        assert_eq!(kmedoids.metric(own).fit(&data).unwrap().medoids(), model.medoids());
    }
}

#[test]
fn the_usual_metrics_are_what_their_names_say() {
    let data: Array2<f64> = uniform(6, 11, 3);
    for metric in METRICS {
        for (i, j) in [(0, 1), (2, 5), (4, 4)] {
            let (found, expected) =
                (metric.between(data.row(i), data.row(j)), between(metric, data.row(i), data.row(j)));
            assert!((found - expected).abs() < 1e-14, "{metric:?}: {found}, {expected}");
        }
    }
    let (zero, one): (Array1<f64>, Array1<f64>) = (array![0.0, 0.0], array![1.0, 0.0]);
    assert!(Metric::Cosine.between(zero.view(), one.view()).is_nan());
}

#[test]
fn threads_change_no_bit() {
    let data: Array2<f32> = groups(1500, 4, 12, 8);
    let kmedoids = KMedoids::new(12).seed(3).n_init(2);
    let on = |threads, kmedoids: &KMedoids<f32>| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| (*kmedoids.fit(&data).unwrap()).clone())
    };
    for kmedoids in [kmedoids.clone(), kmedoids.clone().init(MedoidInit::Build), kmedoids.sampled(3, 300)] {
        let one = on(1, &kmedoids);
        for threads in [2, 5] {
            assert_eq!(one, on(threads, &kmedoids), "{threads} threads");
        }
    }
}

#[test]
fn samples_come_near() {
    let data: Array2<f64> = groups(6_000, 2, 10, 4);
    let full = KMedoids::new(10).fit(&data).unwrap();
    let sampled = KMedoids::new(10).sampled(5, 500).fit(&data).unwrap();
    assert!(sampled.loss() < 1.05 * full.loss(), "{} against {}", sampled.loss(), full.loss());
    assert!(sampled.loss() >= full.loss() * 0.999);
    assert_eq!(sampled.labels().len(), 6_000);
    assert_eq!(sampled.predict(&data).unwrap(), sampled.labels());
    // All rows are no sample; and beyond 20,000 rows samples are the default.
    let all = KMedoids::new(10).sampled(1, 6_000).fit(&data).unwrap();
    assert_eq!(*all, *full);
    let many: Array2<f32> = groups(25_000, 2, 10, 4);
    let model = KMedoids::new(10).fit(&many).unwrap();
    assert_eq!((model.labels().len(), model.medoids().len()), (25_000, 10));
    assert_eq!(model.predict(&many).unwrap(), model.labels());
    // Given rows are in every sample, so the result cannot be worse than they are.
    let rows = MedoidInit::Rows(full.medoids().to_vec());
    let again = KMedoids::new(10).init(rows).sampled(2, 300).max_iter(1).fit(&data).unwrap();
    assert!(again.loss() < 1.05 * full.loss());
}

#[test]
fn an_observer_may_end_it() {
    let data: Array2<f64> = uniform(500, 2, 9);
    let mut seen = 0;
    let model = KMedoids::new(20)
        .n_init(3)
        .fit_with(&data, |it| {
            seen += 1;
            assert_eq!((it.run, it.index), (0, seen));
            if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!((model.n_iter(), model.stop_reason()), (2, StopReason::Observer));
    assert_eq!(model.predict(&data).unwrap(), model.labels());
    assert_eq!(KMedoids::new(20).max_iter(1).fit(&data).unwrap().stop_reason(), StopReason::MaxIterations);
    let many = KMedoids::new(20).n_init(4).fit(&data).unwrap();
    assert!(many.loss() <= KMedoids::new(20).fit(&data).unwrap().loss());
}

#[test]
fn equal_rows_and_small_data_are_no_trouble() {
    let equal = Array2::from_elem((9, 2), 3.0);
    for init in [MedoidInit::PlusPlus, MedoidInit::Build, MedoidInit::Random] {
        let model = KMedoids::new(4).init(init).fit(&equal).unwrap();
        let mut rows = model.medoids().to_vec();
        rows.sort_unstable();
        rows.dedup();
        assert_eq!((rows.len(), model.loss(), model.cluster_sizes()), (4, 0.0, &[9, 0, 0, 0][..]));
        assert_eq!(model.silhouette(), Some(0.0));
    }
    let one = KMedoids::new(1).fit(&array![[5.0f32]]).unwrap();
    assert_eq!((one.medoids(), one.loss(), one.silhouette()), (&[0][..], 0.0, None));
    let all = KMedoids::new(9).fit(&uniform::<f64>(9, 2, 1)).unwrap();
    assert_eq!((all.loss(), all.cluster_sizes()), (0.0, &[1; 9][..]));
    assert_eq!(KMedoids::new(1).fit_condensed(&array![] as &Array1<f64>).unwrap().medoids(), [0]);
    // Strided rows are copied.
    let data: Array2<f64> = groups(60, 4, 3, 1);
    let strided = KMedoids::new(3).fit(&data.slice(s![.., ..;2])).unwrap();
    let owned = KMedoids::new(3).fit(&data.slice(s![.., ..;2]).to_owned()).unwrap();
    assert_eq!(*strided, *owned);
    assert!(
        KMedoids::new(2).metric(Metric::SquaredEuclidean).fit(&(&data * 1e30)).unwrap().loss().is_finite()
    );
}

#[test]
fn broken_rules_are_named() {
    let data: Array2<f64> = uniform(10, 2, 1);
    let error = |kmedoids: KMedoids<f64>| kmedoids.fit(&data).unwrap_err();
    assert_eq!(error(KMedoids::new(0)), Error::ZeroClusters);
    assert_eq!(error(KMedoids::new(11)), Error::TooManyClusters { k: 11, rows: 10 });
    assert_eq!(error(KMedoids::new(2).max_iter(0)), Error::ZeroIterations);
    assert_eq!(error(KMedoids::new(2).n_init(0)), Error::ZeroRuns);
    assert_eq!(error(KMedoids::new(2).sampled(0, 5)), Error::ZeroRuns);
    assert_eq!(error(KMedoids::new(4).sampled(2, 7)), Error::SmallSample { rows: 7, least: 8 });
    let rows = |rows: &[usize]| KMedoids::new(2).init(MedoidInit::Rows(rows.to_vec()));
    assert_eq!(error(rows(&[1])), Error::MedoidCount { expected: 2, found: 1 });
    assert_eq!(error(rows(&[1, 10])), Error::MedoidRow { row: 10, rows: 10 });
    assert_eq!(error(rows(&[1, 1])), Error::MedoidRow { row: 1, rows: 10 });
    let nan = |a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>| {
        if a[0].min(b[0]) == data_least() { f64::NAN } else { 1.0 }
    };
    assert!(
        matches!(error(KMedoids::new(2).metric(nan)), Error::Dissimilarity { value, .. } if value.is_nan())
    );
    let negative = |_: ArrayView1<'_, f64>, _: ArrayView1<'_, f64>| -1.0;
    assert_eq!(
        error(KMedoids::new(2).metric(negative)),
        Error::Dissimilarity { row: 0, column: 1, value: -1.0 }
    );

    let kmedoids = KMedoids::new(2);
    assert_eq!(kmedoids.fit(&array![[1.0, f64::NAN]]).unwrap_err(), Error::NotFinite { row: 0, column: 1 });
    assert_eq!(kmedoids.fit(&Array2::zeros((0, 2))).unwrap_err(), Error::NoRows);
    let zeros = array![[1.0, 1.0], [0.0, 0.0], [2.0, 0.0]];
    assert_eq!(kmedoids.clone().metric(Metric::Cosine).fit(&zeros).unwrap_err(), Error::ZeroRow { row: 1 });
    let model = kmedoids.clone().metric(Metric::Cosine).fit(&array![[1.0, 1.0], [2.0, 0.0]]).unwrap();
    assert_eq!(model.predict(&zeros).unwrap_err(), Error::ZeroRow { row: 1 });
    assert_eq!(model.predict(&array![[1.0]]).unwrap_err(), Error::ColumnMismatch { expected: 2, found: 1 });
    let huge = KMedoids::new(2)
        .metric(Metric::SquaredEuclidean)
        .fit(&array![[1e30f32], [-1e30], [0.0]])
        .unwrap_err();
    assert!(matches!(huge, Error::Dissimilarity { row: 0, column: 1, .. }));

    let square = |matrix: Array2<f64>| kmedoids.fit_matrix(&matrix).unwrap_err();
    assert_eq!(square(Array2::zeros((3, 2))), Error::NotSquare { rows: 3, columns: 2 });
    assert_eq!(square(Array2::zeros((0, 0))), Error::NoRows);
    assert_eq!(
        square(array![[0.0, 1.0], [-1.0, 0.0]]),
        Error::Asymmetric { row: 0, column: 1, value: 1.0, mirrored: -1.0 }
    );
    assert_eq!(
        square(array![[0.0, -1.0], [-1.0, 0.0]]),
        Error::Dissimilarity { row: 0, column: 1, value: -1.0 }
    );
    assert_eq!(
        square(array![[0.0, 1.0], [1.5, 0.0]]),
        Error::Asymmetric { row: 0, column: 1, value: 1.0, mirrored: 1.5 }
    );
    assert!(matches!(
        square(array![[0.0, f64::NAN], [1.0, 0.0]]),
        Error::Dissimilarity { row: 0, column: 1, .. }
    ));
    assert!(matches!(square(array![[0.0, 1.0], [f64::INFINITY, 0.0]]), Error::Dissimilarity { row: 1, .. }));
    for found in [2, 4, 5, 7] {
        assert_eq!(
            kmedoids.fit_condensed(&Array1::<f64>::zeros(found)).unwrap_err(),
            Error::CondensedLength { found }
        );
    }
    assert_eq!(
        kmedoids.fit_condensed(&array![] as &Array1<f64>).unwrap_err(),
        Error::TooManyClusters { k: 2, rows: 1 }
    );
}

fn data_least() -> f64 {
    uniform::<f64>(10, 2, 1).column(0).iter().copied().fold(f64::INFINITY, f64::min)
}

#[test]
fn a_seed_gives_these_medoids_for_ever() {
    let mut rng = SeededRng::new(1);
    let data = Array2::from_shape_fn((200, 2), |_| rng.uniform());
    let medoids = |kmedoids: KMedoids<f64>| kmedoids.seed(11).fit(&data).unwrap().medoids().to_vec();
    assert_eq!(medoids(KMedoids::new(4)), STABLE[0]);
    assert_eq!(medoids(KMedoids::new(4).init(MedoidInit::Random)), STABLE[1]);
    assert_eq!(medoids(KMedoids::new(4).init(MedoidInit::Build)), STABLE[2]);
    assert_eq!(medoids(KMedoids::new(4).sampled(2, 60)), STABLE[3]);
}

const STABLE: [[usize; 4]; 4] =
    [[117, 156, 57, 73], [156, 73, 57, 117], [73, 57, 156, 117], [50, 73, 84, 181]];
