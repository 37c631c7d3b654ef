//! k-medians: against a naive form, on hard data, and the same bits on any number of threads.

#![allow(clippy::needless_pass_by_value, reason = "views are small")]
#![allow(clippy::unreadable_literal, reason = "frozen values stand as they were printed")]

mod common;

use centroids::{EmptyCluster, Error, Float, KMeans, KMedians, KMediansModel, Random, SeededRng, StopReason};
use common::{bits, cast, groups, iris, uniform, whole};
use ndarray::{Array1, Array2, ArrayView1, Axis, array, s};
use rayon::ThreadPoolBuilder;
use std::ops::ControlFlow;

/// The reference order of the documentation: f64, eight interleaved partial sums.
fn distance<F: Float>(x: ArrayView1<'_, F>, c: ArrayView1<'_, F>) -> f64 {
    let mut part = [0.0; 8];
    for (t, (x, c)) in x.iter().zip(c).enumerate() {
        part[t % 8] += (x.to_f64().unwrap() - c.to_f64().unwrap()).abs();
    }
    ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]))
}

fn nearest<F: Float>(row: ArrayView1<'_, F>, centroids: &Array2<F>) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (j, centroid) in centroids.rows().into_iter().enumerate() {
        let distance = distance(row, centroid);
        if distance < best.1 {
            best = (j, distance);
        }
    }
    best
}

/// By sorting, and counting whole weights.
fn lower_median<F: Float>(mut values: Vec<(F, u64)>) -> F {
    values.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap());
    let total: u64 = values.iter().map(|value| value.1).sum();
    let mut below = 0;
    for (value, weight) in values {
        below += weight;
        if 2 * below >= total {
            return value;
        }
    }
    unreachable!("half the weight lies somewhere");
}

/// Labels, medians, and so on, until no label changes. None if a cluster empties.
fn naive<F: Float>(
    data: &Array2<F>,
    weights: &[u64],
    start: &Array2<F>,
    iterations: usize,
) -> Option<Array2<F>> {
    let mut centroids = start.clone();
    for _ in 0..iterations {
        let labels: Vec<usize> = data.rows().into_iter().map(|row| nearest(row, &centroids).0).collect();
        for j in 0..start.nrows() {
            for t in 0..data.ncols() {
                let of = |i: &usize| labels[*i] == j && weights[*i] > 0;
                let values: Vec<_> =
                    (0..data.nrows()).filter(of).map(|i| (data[[i, t]], weights[i])).collect();
                if values.is_empty() {
                    return None;
                }
                centroids[[j, t]] = lower_median(values);
            }
        }
    }
    Some(centroids)
}

fn against_naive<F: Float>() {
    let mut compared = 0;
    let mut rng = SeededRng::new(2);
    for round in 0..120 {
        let (n, d, k) = (20 + rng.below(150), [1, 2, 3, 5, 8, 9, 20][round % 7], [1, 2, 4, 7][round % 4]);
        let data: Array2<F> = match round % 4 {
            0 => uniform(n, d, round as u64),
            1 => whole(n, d, 4, 0.0, round as u64),
            2 => whole(n, d, 30, 1e6, round as u64),
            _ => groups(n, d, 5, round as u64),
        };
        let start = data.slice(s![..k, ..]).to_owned();
        let weights: Vec<u64> =
            (0..n).map(|i| if round % 3 == 0 && i >= k { rng.below(4) as u64 } else { 1 }).collect();
        let iterations = 1 + rng.below(5);
        let Some(centroids) = naive(&data, &weights, &start, iterations) else { continue };
        let medians = KMedians::new(k).init(start).max_iter(iterations).tolerance(0.0);
        let model = if round % 3 == 0 {
            let weights: Array1<F> = weights.iter().map(|&w| cast(w as f64)).collect();
            medians.fit_weighted(&data, &weights).unwrap()
        } else {
            medians.fit(&data).unwrap()
        };
        if model.history().iter().any(|it| it.relocated > 0) {
            continue;
        }
        // A fit ends when the loss stays, the naive loop goes on: ties may still move.
        if model.stop_reason() == StopReason::MaxIterations {
            assert_eq!(bits(model.centroids()), bits(&centroids), "round {round}");
            compared += 1;
        }
        let loss: f64 = (0..n).map(|i| weights[i] as f64 * nearest(data.row(i), model.centroids()).1).sum();
        assert!((model.loss() - loss).abs() <= 1e-12 * loss, "{} is not {loss}", model.loss());
        sound(&model, &data);
    }
    assert!(compared > 30, "{compared}");
}

/// What every model must be: labels of its centroids, its loss falling.
fn sound<F: Float>(model: &KMediansModel<F>, data: &Array2<F>) {
    let labels: Array1<usize> =
        data.rows().into_iter().map(|row| nearest(row, model.centroids()).0).collect();
    assert_eq!(model.labels(), labels);
    assert_eq!(model.predict(data).unwrap(), labels);
    assert!(model.loss().is_finite() && model.history().last().unwrap().loss == model.loss());
    assert!(model.history().windows(2).all(|pair| pair[1].loss <= pair[0].loss), "{:?}", model.history());
    assert_eq!(model.cluster_sizes().iter().sum::<usize>(), data.nrows());
    assert!(model.n_clusters() >= 1);
}

#[test]
fn a_naive_loop_comes_to_the_same() {
    against_naive::<f32>();
    against_naive::<f64>();
}

fn hard<F: Float>() {
    let huge = if size_of::<F>() == 4 { 1e38 } else { 1e144 };
    let sets: [Array2<F>; 7] = [
        uniform(60, 3, 1),
        whole(60, 2, 3, 0.0, 2),
        Array2::from_elem((30, 3), cast(7.5)),
        uniform::<F>(40, 2, 4).mapv(|x| x * cast(huge)),
        Array2::from_shape_fn((40, 2), |(i, t)| cast(if i == 7 { huge } else { (i * (t + 1)) as f64 })),
        Array2::from_shape_fn((40, 1), |(i, _)| cast(if i % 2 == 0 { 0.0 } else { -0.0 })),
        array![[cast(3.0), cast(4.0)]],
    ];
    for data in sets {
        let n = data.nrows();
        for k in [1, 2, 5, n].into_iter().filter(|&k| k <= n) {
            for policy in [EmptyCluster::Relocate, EmptyCluster::Resample, EmptyCluster::Drop] {
                let medians = KMedians::new(k).empty_cluster(policy);
                let model = medians.fit(&data).unwrap();
                assert_eq!(model.stop_reason(), StopReason::Converged);
                sound(&model, &data);
                sound(&medians.init(Random).max_iter(2).fit(&data).unwrap(), &data);
            }
        }
    }
}

#[test]
fn hard_data_gives_sound_models() {
    hard::<f32>();
    hard::<f64>();
}

#[test]
fn an_outlier_moves_the_mean_and_not_the_median() {
    let mut data: Array2<f64> = whole(100, 2, 11, 0.0, 5);
    data.slice_mut(s![50.., ..]).mapv_inplace(|x| x + 100.0);
    let start = array![[5.0, 5.0], [105.0, 105.0]];
    let clean = KMedians::new(2).init(start.clone()).fit(&data).unwrap();
    // Ten rows of the second group, far off.
    data.slice_mut(s![90.., ..]).fill(1e4);
    let (medians, means) = (KMedians::new(2).init(start.clone()), KMeans::new(2).init(start).max_iter(1));
    let (medians, means) = (medians.fit(&data).unwrap(), means.fit(&data).unwrap());
    let off = |c: &Array2<f64>| (c - clean.centroids()).mapv(f64::abs).sum();
    assert!(off(medians.centroids()) < 6.0, "{}", medians.centroids());
    assert!(off(means.centroids()) > 1000.0);
}

#[test]
fn weights() {
    // Half the weight lies at the lower value: that is the lower median. A little more above, and it is the upper.
    let (data, medians) = (array![[1.0], [2.0]], KMedians::new(1));
    assert_eq!(medians.fit_weighted(&data, &array![3.0, 3.0]).unwrap().centroids(), &array![[1.0]]);
    let above = 3.0 + f64::EPSILON * 2.0;
    assert_eq!(medians.fit_weighted(&data, &array![3.0, above]).unwrap().centroids(), &array![[2.0]]);
    let model = medians.fit_weighted(&array![[0.0], [1.0], [50.0]], &array![1.0, 1.0, 0.0]).unwrap();
    assert_eq!((model.centroids()[[0, 0]], model.loss()), (0.0, 1.0));

    let data: Array2<f64> = groups(150, 3, 4, 7);
    let mut rng = SeededRng::new(1);
    let times: Vec<usize> = (0..150).map(|_| rng.below(4)).collect();
    let weights: Array1<f64> = times.iter().map(|&w| 0.125 * w as f64).collect();
    let rows: Vec<usize> = (0..150).flat_map(|i| std::iter::repeat_n(i, times[i])).collect();
    let medians = KMedians::new(4).init(data.slice(s![..4, ..]).to_owned());
    let weighted = medians.fit_weighted(&data, &weights).unwrap();
    let copied = medians.fit(&data.select(Axis(0), &rows)).unwrap();
    assert_eq!(weighted.centroids(), copied.centroids());
    assert!((weighted.loss() * 8.0 - copied.loss()).abs() < 1e-9);
}

#[test]
fn empty_clusters() {
    let data = array![[0.0], [1.0], [1.0], [5.0]];
    let medians = KMedians::new(3).init(array![[0.0], [100.0], [200.0]]);
    let model = medians.fit(&data).unwrap();
    assert_eq!((model.n_clusters(), model.loss()), (3, 0.0));
    assert_eq!((model.history()[0].relocated, model.history()[0].dropped), (2, 0));
    assert_eq!(medians.clone().empty_cluster(EmptyCluster::Resample).fit(&data).unwrap().n_clusters(), 3);
    let dropped = medians.clone().empty_cluster(EmptyCluster::Drop).fit(&data).unwrap();
    assert_eq!((dropped.n_clusters(), dropped.loss(), dropped.history()[0].dropped), (1, 5.0, 2));
    let error = medians.empty_cluster(EmptyCluster::Fail).fit(&data).unwrap_err();
    assert_eq!(error, Error::EmptyCluster { cluster: 1, iteration: 1 });
    // Fewer distinct rows than clusters.
    let model = KMedians::new(3).fit(&array![[2.0], [2.0], [4.0], [4.0]]).unwrap();
    assert_eq!((model.n_clusters(), model.loss()), (2, 0.0));
}

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

#[test]
fn threads_and_order_change_no_bit() {
    for (n, d, k) in [(40_000, 2, 9), (9_000, 8, 10), (3_000, 17, 9), (700, 90, 20)] {
        let data: Array2<f32> = groups(n, d, 7, 5);
        let weights: Array1<f32> = (0..n).map(|i| (i % 5) as f32).collect();
        let medians = KMedians::new(k).seed(3).max_iter(6);
        let one = on_threads(1, || [medians.fit(&data), medians.fit_weighted(&data, &weights)]);
        for threads in [2, 5] {
            let many = on_threads(threads, || [medians.fit(&data), medians.fit_weighted(&data, &weights)]);
            for (one, many) in one.iter().zip(&many) {
                let (one, many) = (one.as_ref().unwrap(), many.as_ref().unwrap());
                assert_eq!(bits(one.centroids()), bits(many.centroids()));
                assert_eq!((one.history(), one.labels()), (many.history(), many.labels()));
            }
        }
        let medians = medians.init(data.slice(s![..k, ..]).to_owned());
        let (plain, turned) = (medians.fit(&data).unwrap(), medians.fit(&data.slice(s![..;-1, ..])).unwrap());
        assert_eq!(bits(plain.centroids()), bits(turned.centroids()));
        assert_eq!(plain.history(), turned.history());
    }
}

#[test]
fn runs_and_observers() {
    let data: Array2<f64> = uniform(300, 2, 3);
    let medians = KMedians::new(7).init(Random).n_init(6);
    let best = medians.fit(&data).unwrap();
    let mut ends = std::collections::BTreeMap::new();
    let watched = medians.fit_with(&data, |it| {
        assert!(it.to_string().contains("loss"));
        ends.insert(it.run, it.loss);
        ControlFlow::Continue(())
    });
    assert_eq!(watched.unwrap().centroids(), best.centroids());
    assert_eq!((ends.len(), ends.values().copied().fold(f64::INFINITY, f64::min)), (6, best.loss()));
    let stopped = medians.fit_with(&data, |_| ControlFlow::Break(())).unwrap();
    assert_eq!((stopped.n_iter(), stopped.stop_reason()), (1, StopReason::Observer));
    sound(&stopped, &data);
    let loose = medians.clone().n_init(1).tolerance(0.05).fit(&data).unwrap();
    let strict = medians.n_init(1).fit(&data).unwrap();
    assert!(loose.n_iter() < strict.n_iter() && loose.stop_reason() == StopReason::Converged);
}

#[test]
fn bad_input_is_an_error() {
    let data = array![[0.0, 1.0], [2.0, 3.0], [4.0, 9.0]];
    let fails = |medians: KMedians<f64>| medians.fit(&data).unwrap_err();
    assert_eq!(fails(KMedians::new(0)), Error::ZeroClusters);
    assert_eq!(fails(KMedians::new(4)), Error::TooManyClusters { k: 4, rows: 3 });
    assert_eq!(fails(KMedians::new(2).max_iter(0)), Error::ZeroIterations);
    assert_eq!(fails(KMedians::new(2).n_init(0)), Error::ZeroRuns);
    assert_eq!(fails(KMedians::new(2).tolerance(-1.0)), Error::Tolerance { tolerance: -1.0 });
    let error = fails(KMedians::new(1).init(array![[0.0, f64::NAN]]));
    assert_eq!(error, Error::CentroidNotFinite { cluster: 0, column: 1 });
    let bad = array![[0.0], [f64::NAN]];
    assert_eq!(KMedians::new(1).fit(&bad).unwrap_err(), Error::NotFinite { row: 1, column: 0 });
    let error = KMedians::new(1).fit_weighted(&data, &array![0.0, 0.0, 0.0]).unwrap_err();
    assert_eq!(error, Error::ZeroWeights { rows: 3 });
    let model = KMedians::new(2).fit(&data).unwrap();
    assert_eq!(model.predict(&bad).unwrap_err(), Error::ColumnMismatch { expected: 2, found: 1 });
    let bad = array![[0.0, f64::INFINITY]];
    assert_eq!(model.predict(&bad).unwrap_err(), Error::NotFinite { row: 0, column: 1 });
    assert_eq!(model.predict_one(&bad.row(0)).unwrap_err(), Error::NotFinite { row: 0, column: 1 });
}

/// The numbers that a seed gives stay the same.
#[test]
fn seeded_values_are_frozen() {
    let data: Array2<f64> = groups(400, 3, 6, 1);
    let model = KMedians::new(6).seed(11).fit(&data).unwrap();
    assert_eq!((model.loss(), model.n_iter()), (2628.8049184939623, 3));
    assert_eq!(model.centroids().row(0), array![24.12988771582583, 44.00629931606534, 13.346132468762722]);
}

/// k and loss; by pyclustering 0.10.1.2 (`tests/data/medians.py`). Without k = 6: its medians are midpoints, ours the lower values, and there
/// the two ways part, to 147.3 and 147.4.
const GOLDEN: [(usize, f64); 6] = [(1, 472.3), (2, 216.7), (3, 207.2), (4, 154.9), (5, 149.5), (7, 120.2)];

#[test]
fn pyclustering_agrees_on_iris() {
    let data = iris();
    for (k, loss) in GOLDEN {
        let rows: Vec<usize> = (0..k).map(|i| (i * 37 + 5) % 150).collect();
        let model = KMedians::new(k).init(data.select(Axis(0), &rows)).fit(&data).unwrap();
        assert!((model.loss() - loss).abs() < 1e-9, "k = {k}: {} is not {loss}", model.loss());
    }
}

#[test]
fn an_outlier_leaves_the_loss_of_the_others() {
    for far in [1e8, 1e20, 1e28, 1e32, 1e100] {
        let data = array![[0.1], [1.3], [10.7], [11.2], [far]];
        let model = KMedians::new(3).init(array![[0.1], [11.2], [far]]).fit(&data).unwrap();
        assert!((model.loss() - 1.7).abs() < 1e-14, "{far:e}: {}", model.loss());
    }
}
