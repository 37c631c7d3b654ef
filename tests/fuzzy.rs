//! Fuzzy c-means: against a naive form, against scikit-fuzzy, at the edges, and the same bits on any number of threads.

#![allow(clippy::unreadable_literal, reason = "golden values stand as they were printed")]

mod common;

use approx::assert_relative_eq;
use centroids::{Error, Float, FuzzyCMeans, FuzzyCMeansModel, KMeans, Random, SeededRng, StopReason};
use common::{bits, cast, groups, iris, nearest, squared_distance, uniform, whole};
use ndarray::{Array1, Array2, Axis, array, s};
use rayon::ThreadPoolBuilder;
use std::ops::ControlFlow;

/// Each value as the other, to the tolerance, relative above 1 and absolute below.
fn close(a: &Array2<f64>, b: &Array2<f64>, tolerance: f64) {
    assert_eq!(a.dim(), b.dim());
    let off = |(a, b): (&f64, &f64)| (a - b).abs() / b.abs().max(1.0);
    let worst = a.iter().zip(b).map(off).fold(0.0, f64::max);
    assert!(
        worst <= tolerance,
        "off by {worst:e}:
{a}
{b}"
    );
}

/// The definition, without any care: `u_ij = 1 / sum over l of (D_ij / D_il)^(1 / (m - 1))`.
fn naive_memberships(data: &Array2<f64>, centroids: &Array2<f64>, m: f64) -> Array2<f64> {
    let k = centroids.nrows();
    Array2::from_shape_fn((data.nrows(), k), |(i, j)| {
        let distance = |j: usize| squared_distance(data.row(i), centroids.row(j));
        let zeros = (0..k).filter(|&l| distance(l) == 0.0).count();
        if zeros > 0 {
            return if distance(j) == 0.0 { 1.0 / zeros as f64 } else { 0.0 };
        }
        1.0 / (0..k).map(|l| (distance(j) / distance(l)).powf(1.0 / (m - 1.0))).sum::<f64>()
    })
}

fn naive_objective(data: &Array2<f64>, centroids: &Array2<f64>, m: f64) -> f64 {
    let u = naive_memberships(data, centroids, m);
    u.indexed_iter().map(|((i, j), u)| u.powf(m) * squared_distance(data.row(i), centroids.row(j))).sum()
}

fn naive_step(data: &Array2<f64>, centroids: &Array2<f64>, m: f64) -> Array2<f64> {
    let power = naive_memberships(data, centroids, m).mapv(|u| u.powf(m));
    let sums = power.t().dot(data);
    let weights = power.sum_axis(Axis(0)).insert_axis(Axis(1));
    sums / weights
}

#[test]
fn a_naive_loop_comes_to_the_same() {
    for (n, d, k) in [(50, 1, 3), (200, 2, 5), (133, 3, 2), (90, 8, 4), (61, 11, 7), (40, 40, 3)] {
        let data: Array2<f64> = groups(n, d, 4, (n + d) as u64);
        let start = data.slice(s![..k, ..]).to_owned();
        for m in [1.1, 1.5, 2.0, 2.00001, 3.0, 8.0] {
            let fuzzy = FuzzyCMeans::new(k).fuzzifier(m).init(start.clone()).tolerance(0.0).max_iter(6);
            let model = fuzzy.fit(&data).unwrap();
            let mut centroids = start.clone();
            for iteration in model.history() {
                centroids = naive_step(&data, &centroids, m);
                let objective = naive_objective(&data, &centroids, m);
                assert_relative_eq!(iteration.objective, objective, max_relative = 1e-9);
            }
            close(model.centroids(), &centroids, 1e-7);
            let soft = model.predict_memberships(&data).unwrap();
            let naive = naive_memberships(&data, model.centroids(), m);
            close(&soft, &naive, 1e-10);
            for row in soft.rows() {
                assert_relative_eq!(row.sum(), 1.0, max_relative = 1e-12);
            }
            let squares = naive.mapv(|u| u * u).sum() / n as f64;
            assert_relative_eq!(model.partition_coefficient(), squares, max_relative = 1e-9);
            let entropy = naive.mapv(|u| if u > 0.0 { -u * u.ln() } else { 0.0 }).sum() / n as f64;
            assert_relative_eq!(model.partition_entropy(), entropy, max_relative = 1e-8, epsilon = 1e-14);
        }
    }
}

/// k, m, objective, partition coefficient, centroids; by scikit-fuzzy 0.5.0 (`tests/data/fuzzy.py`).
const GOLDEN: [(usize, f64, f64, f64, &[f64]); 6] = [
    (
        2,
        2.0,
        128.89489748592277,
        0.8922160117684594,
        &[
            6.33647967398362,
            2.905625521191415,
            5.013636275251258,
            1.7277212158803819,
            5.0233176250546645,
            3.3806712540189015,
            1.571838214611246,
            0.2904830244324718,
        ],
    ),
    (
        3,
        2.0,
        60.505710629488576,
        0.7833974868970435,
        &[
            5.888932360609656,
            2.761069363204398,
            4.363951643132865,
            1.3973150407077974,
            5.003965960611252,
            3.414088858778311,
            1.4828155326056036,
            0.2535463174787375,
            6.775011223752482,
            3.0523822710435136,
            5.64678178191848,
            2.0535466585407947,
        ],
    ),
    (
        3,
        1.5,
        133.82649553935488,
        0.9016960621442404,
        &[
            5.237916395733636,
            3.6226358146911424,
            1.5677071139127903,
            0.30589508365709506,
            4.752064520369408,
            3.05323410491056,
            1.5936738385346931,
            0.2776621207607754,
            6.332776559878136,
            2.9031375287305656,
            5.005704855532276,
            1.7193958851372462,
        ],
    ),
    (
        4,
        1.2,
        70.69627508678678,
        0.9649505279805747,
        &[
            5.246853374558345,
            3.6720734161170063,
            1.5027614951648294,
            0.2825953020931404,
            4.713217908674232,
            3.1206566482021834,
            1.4250726889104657,
            0.20785610276952793,
            5.89527515352181,
            2.7459638956156263,
            4.394763534760682,
            1.4285499396909065,
            6.847504477749205,
            3.074531644595196,
            5.726297866952667,
            2.0713658992577875,
        ],
    ),
    (
        3,
        3.0,
        29.07360955482135,
        0.5602988762485539,
        &[
            5.909643497330781,
            2.7911529629622653,
            4.378204630188458,
            1.396290666709619,
            5.002683790985751,
            3.4036450735336112,
            1.4917517667250475,
            0.25412552997945403,
            6.695035910176165,
            3.037433358485104,
            5.5514407672697885,
            2.0354307777671803,
        ],
    ),
    (
        3,
        2.5,
        43.54158517832168,
        0.654933616658752,
        &[
            5.897540378410987,
            2.7770322516304766,
            4.367991133095184,
            1.3935844132283142,
            5.002354953620967,
            3.4077313415545425,
            1.4884162571932367,
            0.25412504411879255,
            6.729097630557439,
            3.044008234188597,
            5.5935230044626625,
            2.0446437125402057,
        ],
    ),
];

#[test]
fn scikit_fuzzy_agrees_on_iris() {
    let data = iris();
    for (k, m, objective, coefficient, centroids) in GOLDEN {
        let rows: Vec<usize> = (0..k).map(|i| (i * 37 + 5) % 150).collect();
        let fuzzy = FuzzyCMeans::new(k).fuzzifier(m).init(data.select(Axis(0), &rows));
        let model = fuzzy.tolerance(0.0).max_iter(5000).fit(&data).unwrap();
        assert_eq!(model.stop_reason(), StopReason::Converged);
        assert_relative_eq!(model.objective(), objective, max_relative = 1e-9);
        assert_relative_eq!(model.partition_coefficient(), coefficient, max_relative = 1e-6);
        let centroids = Array2::from_shape_vec((k, 4), centroids.to_vec()).unwrap();
        close(model.centroids(), &centroids, 1e-6);
        // The defaults stop near the same point.
        let short = FuzzyCMeans::new(k).fuzzifier(m).init(data.select(Axis(0), &rows)).fit(&data).unwrap();
        close(short.centroids(), &centroids, 2e-3);
    }
}

#[test]
fn xie_beni_is_the_objective_over_the_separation() {
    let model = FuzzyCMeans::new(3).fit(&iris()).unwrap();
    let c = model.centroids();
    let pairs = [(0, 1), (0, 2), (1, 2)].map(|(i, j)| squared_distance(c.row(i), c.row(j)));
    let nearest = pairs.into_iter().fold(f64::INFINITY, f64::min);
    assert_relative_eq!(model.xie_beni().unwrap(), model.objective() / 150.0 / nearest, max_relative = 1e-12);
    assert_eq!(FuzzyCMeans::new(1).fit(&iris()).unwrap().xie_beni(), None);
}

/// What every model must be: finite, one state, its objective falling.
fn sound<F: Float>(model: &FuzzyCMeansModel<F>, data: &Array2<F>) {
    assert!(model.centroids().iter().all(|c| c.is_finite()));
    assert!(model.objective().is_finite() && model.objective() >= 0.0);
    assert!(model.history().windows(2).all(|pair| pair[1].objective <= pair[0].objective));
    let k = model.n_clusters() as f64;
    assert!((1.0 / k..=1.0).contains(&model.partition_coefficient()));
    assert!((0.0..=k.ln()).contains(&model.partition_entropy()));
    assert!(model.xie_beni().is_none_or(f64::is_finite));
    assert_eq!(&model.predict(data).unwrap(), model.labels());
    let soft = model.predict_memberships(data).unwrap();
    for (row, (soft, &label)) in data.rows().into_iter().zip(soft.rows().into_iter().zip(model.labels())) {
        assert_eq!(label, nearest(row, model.centroids()));
        let sum: f64 = soft.iter().map(|u| u.to_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{soft}");
        assert!(soft.iter().all(|u| *u <= soft[label]));
    }
}

fn hard_data<F: Float>() {
    let huge = if size_of::<F>() == 4 { 1e30 } else { 1e140 };
    let sets: [Array2<F>; 9] = [
        uniform(60, 3, 1),
        whole(60, 2, 3, 0.0, 2),
        whole(50, 1, 4, 1e6, 3),
        Array2::from_elem((30, 3), cast(7.5)),
        uniform::<F>(40, 2, 4).mapv(|x| x * cast(huge)),
        uniform::<F>(40, 2, 5).mapv(|x| x * cast(1e-30)),
        // One row far from the rest.
        Array2::from_shape_fn((40, 2), |(i, t)| cast(if i == 7 { huge } else { (i * (t + 1)) as f64 })),
        // A column that never changes.
        Array2::from_shape_fn((40, 3), |(i, t)| cast(if t == 1 { 1e6 } else { (i % 7 + t) as f64 })),
        array![[cast(3.0), cast(4.0)]],
    ];
    for data in sets {
        let n = data.nrows();
        for k in [1, 2, 5, n] {
            if k > n {
                continue;
            }
            for m in [1.0 + 1e-15, 1.0 + 1e-6, 1.01, 1.3, 2.0, 3.0, 50.0, 1e5, 1e300] {
                let model = FuzzyCMeans::new(k).fuzzifier(m).max_iter(20).fit(&data).unwrap();
                sound(&model, &data);
                sound(&FuzzyCMeans::new(k).fuzzifier(m).max_iter(8).init(Random).fit(&data).unwrap(), &data);
            }
        }
    }
}

#[test]
fn hard_data_and_extreme_fuzzifiers_give_sound_models() {
    hard_data::<f32>();
    hard_data::<f64>();
}

#[test]
fn as_m_falls_to_1_it_becomes_k_means() {
    for seed in 0..5 {
        // Six groups that do not touch.
        let noise: Array2<f64> = uniform(300, 3, seed);
        let data = Array2::from_shape_fn((300, 3), |(i, t)| {
            noise[[i, t]] + ((i % 6) >> t & 1) as f64 * 3.0 + (i % 6) as f64
        });
        let start = data.slice(s![..6, ..]).to_owned();
        let hard = KMeans::new(6).init(start.clone()).tolerance(0.0).fit(&data).unwrap();
        let mut last = f64::INFINITY;
        for m in [4.0, 2.0, 1.4, 1.1] {
            // From the fixed point, so that both speak of the same one.
            let fuzzy = FuzzyCMeans::new(6).fuzzifier(m).init(hard.centroids().clone());
            let model = fuzzy.tolerance(1e-20).fit(&data).unwrap();
            let off = (model.centroids() - hard.centroids()).mapv(f64::abs).sum();
            assert!(off <= last + 1e-12, "m = {m}: {off} after {last}");
            last = off;
        }
        let model = FuzzyCMeans::new(6).fuzzifier(1.0 + 1e-9).init(start).tolerance(0.0).fit(&data).unwrap();
        assert_eq!(model.labels(), hard.labels());
        close(model.centroids(), hard.centroids(), 1e-9);
        assert_relative_eq!(model.objective(), hard.inertia(), max_relative = 1e-9);
        assert!(model.partition_coefficient() > 1.0 - 1e-9);
    }
}

#[test]
fn rows_on_centroids_share_their_membership() {
    for m in [1.001, 2.0, 4.0, 1e4] {
        let start = array![[0.0], [0.0], [4.0]];
        let data = array![[0.0], [0.0], [4.0], [4.0]];
        let model = FuzzyCMeans::new(3).fuzzifier(m).init(start).fit(&data).unwrap();
        let soft = model.predict_memberships(&data).unwrap();
        assert_eq!(soft.row(0), array![0.5, 0.5, 0.0]);
        assert_eq!(soft.row(2), array![0.0, 0.0, 1.0]);
        assert_eq!((model.objective(), model.distinct_centroids(), model.coincident()), (0.0, 2, true));
        assert_eq!(model.xie_beni(), None);
    }
}

#[test]
fn far_rows_belong_to_every_cluster_alike() {
    let model = FuzzyCMeans::new(2).fit(&array![[0.0, 0.0], [1.0, 0.0], [8.0, 9.0], [9.0, 9.0]]).unwrap();
    for far in [1e10, 1e100, -1e144] {
        for soft in model.predict_memberships(&array![[far, 0.0], [far, far]]).unwrap() {
            assert!(f64::abs(soft - 0.5) < 1e-6);
        }
    }
    // A start so far off that the squares of its memberships vanish comes back to the rows.
    let data: Array2<f64> = groups(60, 2, 3, 1);
    let start = array![[1.0, 2.0], [30.0, 20.0], [1e140, 0.0]];
    for m in [1.0001, 1.5, 2.0, 3.0] {
        let model = FuzzyCMeans::new(3).fuzzifier(m).init(start.clone()).fit(&data).unwrap();
        assert!(model.centroids().iter().all(|c| c.abs() < 100.0), "{m}: {}", model.centroids());
        sound(&model, &data);
    }
}

#[test]
fn a_weight_is_as_good_as_copies() {
    let data: Array2<f64> = groups(120, 3, 4, 9);
    let mut rng = SeededRng::new(1);
    let times: Vec<usize> = (0..120).map(|_| rng.below(4)).collect();
    let weights: Array1<f64> = times.iter().map(|&w| 1024.0 * w as f64).collect();
    let rows: Vec<usize> = (0..120).flat_map(|i| std::iter::repeat_n(i, times[i])).collect();
    let start = data.slice(s![..4, ..]).to_owned();
    for m in [1.2, 2.0, 3.5] {
        let fuzzy = FuzzyCMeans::new(4).fuzzifier(m).init(start.clone()).max_iter(10).tolerance(0.0);
        let weighted = fuzzy.fit_weighted(&data, &weights).unwrap();
        let copied = fuzzy.fit(&data.select(Axis(0), &rows)).unwrap();
        close(weighted.centroids(), copied.centroids(), 1e-10);
        assert_relative_eq!(weighted.objective(), 1024.0 * copied.objective(), max_relative = 1e-10);
        let (a, b) = (weighted.partition_coefficient(), copied.partition_coefficient());
        assert_relative_eq!(a, b, max_relative = 1e-10);
        assert_relative_eq!(weighted.xie_beni().unwrap(), copied.xie_beni().unwrap(), max_relative = 1e-10);
    }
    // A row without weight has no influence, however far it is.
    let data = array![[0.0], [1.0], [8.0], [9.0], [1e9]];
    let fuzzy = FuzzyCMeans::new(2).init(array![[0.0], [9.0]]);
    let without = fuzzy.fit(&data.slice(s![..4, ..])).unwrap();
    let with = fuzzy.fit_weighted(&data, &array![1.0, 1.0, 1.0, 1.0, 0.0]).unwrap();
    close(with.centroids(), without.centroids(), 1e-12);
    assert_eq!(with.labels(), &array![0, 0, 1, 1, 1]);
}

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

fn threads<F: Float>() {
    for (n, d, k, m) in [(30_000, 2, 6, 2.0), (9_000, 8, 10, 2.0), (3_000, 17, 9, 1.7), (700, 90, 40, 2.0)] {
        let data: Array2<F> = groups(n, d, 7, 5);
        let fuzzy = FuzzyCMeans::new(k).fuzzifier(m).max_iter(5).keep_memberships(true);
        let one = on_threads(1, || fuzzy.fit(&data).unwrap());
        for threads in [2, 5] {
            let many = on_threads(threads, || fuzzy.fit(&data).unwrap());
            assert_eq!(bits(one.centroids()), bits(many.centroids()));
            assert_eq!(bits(one.memberships().unwrap()), bits(many.memberships().unwrap()));
            assert_eq!((one.history(), one.labels()), (many.history(), many.labels()));
            assert_eq!(one.partition_entropy().to_bits(), many.partition_entropy().to_bits());
            assert_eq!(one.partition_coefficient().to_bits(), many.partition_coefficient().to_bits());
        }
    }
}

#[test]
fn threads_change_no_bit() {
    threads::<f32>();
    threads::<f64>();
}

#[test]
fn layout_changes_no_bit() {
    let data: Array2<f64> = groups(200, 6, 4, 5);
    let turned = data.t().as_standard_layout().to_owned();
    let fuzzy = FuzzyCMeans::new(4);
    let (plain, strided) = (fuzzy.fit(&data).unwrap(), fuzzy.fit(&turned.t()).unwrap());
    assert_eq!(plain.centroids(), strided.centroids());
    assert_eq!(plain.predict_memberships(&data), strided.predict_memberships(&turned.t()));
    let half = plain.predict_memberships(&data.slice(s![..;2, ..])).unwrap();
    assert_eq!(half, plain.predict_memberships(&data).unwrap().slice(s![..;2, ..]));
    assert_eq!(plain.predict_memberships(&data.slice(s![..0, ..])).unwrap().dim(), (0, 4));
}

#[test]
fn runs_and_observers() {
    let data: Array2<f64> = uniform(300, 2, 3);
    let fuzzy = FuzzyCMeans::new(6).fuzzifier(1.3).init(Random).n_init(5);
    let best = fuzzy.fit(&data).unwrap();
    let mut ends = std::collections::BTreeMap::new();
    let watched = fuzzy.fit_with(&data, |it| {
        assert!(it.to_string().contains("objective"));
        ends.insert(it.run, it.objective);
        ControlFlow::Continue(())
    });
    assert_eq!(watched.unwrap().centroids(), best.centroids());
    assert_eq!(ends.len(), 5);
    assert_eq!(ends.values().copied().fold(f64::INFINITY, f64::min), best.objective());
    let mut seen = 0;
    let stopped = fuzzy.fit_with(&data, |_| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let stopped = stopped.unwrap();
    assert_eq!((stopped.n_iter(), stopped.stop_reason()), (3, StopReason::Observer));
    sound(&stopped, &data);
    let short = fuzzy.max_iter(2).tolerance(0.0).fit(&data).unwrap();
    assert_eq!((short.n_iter(), short.stop_reason()), (2, StopReason::MaxIterations));
}

#[test]
fn bad_input_is_an_error() {
    let data = array![[0.0, 1.0], [2.0, 3.0], [4.0, 9.0]];
    let fails = |fuzzy: FuzzyCMeans<f64>| fuzzy.fit(&data).unwrap_err();
    assert_eq!(fails(FuzzyCMeans::new(0)), Error::ZeroClusters);
    assert_eq!(fails(FuzzyCMeans::new(4)), Error::TooManyClusters { k: 4, rows: 3 });
    assert_eq!(fails(FuzzyCMeans::new(2).max_iter(0)), Error::ZeroIterations);
    assert_eq!(fails(FuzzyCMeans::new(2).n_init(0)), Error::ZeroRuns);
    assert_eq!(fails(FuzzyCMeans::new(2).tolerance(-1.0)), Error::Tolerance { tolerance: -1.0 });
    for m in [1.0, 0.5, -3.0, f64::INFINITY] {
        assert_eq!(fails(FuzzyCMeans::new(2).fuzzifier(m)), Error::Fuzzifier { fuzzifier: m });
    }
    let error = fails(FuzzyCMeans::new(2).fuzzifier(f64::NAN));
    assert!(matches!(error, Error::Fuzzifier { fuzzifier } if fuzzifier.is_nan()), "{error}");
    let error = fails(FuzzyCMeans::new(2).init(array![[0.0, 1.0]]));
    assert_eq!(error, Error::CentroidShape { expected: (2, 2), found: (1, 2) });
    let bad = array![[0.0], [f64::NAN]];
    assert_eq!(FuzzyCMeans::new(1).fit(&bad).unwrap_err(), Error::NotFinite { row: 1, column: 0 });
    let error = FuzzyCMeans::new(1).fit_weighted(&data, &array![1.0, -1.0, 1.0]).unwrap_err();
    assert_eq!(error, Error::NegativeWeight { row: 1 });
    let model = FuzzyCMeans::new(2).fit(&data).unwrap();
    let mismatch = Error::ColumnMismatch { expected: 2, found: 1 };
    assert_eq!(model.predict_memberships(&bad).unwrap_err(), mismatch);
    assert_eq!(model.predict(&bad).unwrap_err(), mismatch);
    let bad = array![[0.0, f64::INFINITY]];
    assert_eq!(model.predict_memberships(&bad).unwrap_err(), Error::NotFinite { row: 0, column: 1 });
    assert_eq!(model.predict(&bad).unwrap_err(), Error::NotFinite { row: 0, column: 1 });
    assert_eq!(model.predict_one(&bad.row(0)).unwrap_err(), Error::NotFinite { row: 0, column: 1 });
}

/// The numbers that a seed gives stay the same.
#[test]
fn seeded_values_are_frozen() {
    let data: Array2<f64> = groups(400, 3, 6, 1);
    for (m, objective, coordinate, iterations) in [
        (1.5, 8057.0739406596485, 23.96130290657961, 28),
        (2.0, 5935.704493210417, 23.15049251534743, 31),
        (2.2, 4886.901738424976, 22.93001260312257, 36),
    ] {
        let model = FuzzyCMeans::new(6).fuzzifier(m).seed(11).fit(&data).unwrap();
        assert_eq!((model.objective(), model.n_iter()), (objective, iterations));
        assert_eq!(model.centroids()[[0, 0]], coordinate);
    }
}
