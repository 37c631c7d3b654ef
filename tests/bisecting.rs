//! Bisecting k-means: the tree, its cuts, and scikit-learn's results.

mod common;

use centroids::{
    BisectingKMeans, BisectingKMeansModel, Error, Float, Init, KMeans, Random, SplitBy, StopReason,
};
use common::{bits, cast, csv, groups, iris, squared_distance, uniform, whole};
use ndarray::{Array1, Array2, Axis, array, s};
use rayon::ThreadPoolBuilder;
use std::ops::ControlFlow;

/// Every number of the model, from the data.
fn one_state<F: Float>(model: &BisectingKMeansModel<F>, data: &Array2<F>) {
    assert_eq!(model.predict(data).unwrap(), model.labels());
    let (tree, k) = (model.tree(), model.n_clusters());
    assert_eq!(tree.len(), 2 * k - 1);
    let centroids = model.node_centroids();
    let mut members = vec![Vec::new(); tree.len()];
    for (i, &label) in model.labels().iter().enumerate() {
        let leaf = tree.iter().position(|node| node.label == Some(label)).unwrap();
        assert_eq!(centroids.row(leaf), model.centroids().row(label));
        let mut node = Some(leaf);
        while let Some(at) = node {
            members[at].push(i);
            node = tree[at].parent;
        }
    }
    for (at, node) in tree.iter().enumerate() {
        assert_eq!(node.size, members[at].len());
        let inertia: f64 =
            members[at].iter().map(|&i| squared_distance(data.row(i), centroids.row(at))).sum();
        assert!((inertia - node.inertia).abs() <= 1e-12 * inertia, "node {at}");
        assert_eq!(node.children.is_none(), node.label.is_some());
        if let Some(children) = node.children {
            assert!(children.iter().all(|&child| tree[child].parent == Some(at)));
            assert_eq!(children.map(|child| tree[child].size).iter().sum::<usize>(), node.size);
        }
    }
    let sizes: Vec<usize> =
        (0..k).map(|j| model.labels().iter().filter(|&&label| label == j).count()).collect();
    assert_eq!(model.cluster_sizes(), sizes);
}

#[test]
fn it_is_one_state_and_cuts_are_fits() {
    for seed in 0..12 {
        let d = [1, 2, 5, 20][seed as usize % 4];
        let data = if seed % 3 == 0 { whole::<f64>(150, d, 6, 1e4, seed) } else { groups(200, d, 9, seed) };
        let bisecting = BisectingKMeans::new(12)
            .seed(seed)
            .split_by([SplitBy::Inertia, SplitBy::Size][seed as usize % 2]);
        let model = bisecting.fit(&data).unwrap();
        one_state(&model, &data);
        for k in 1..=model.n_clusters() {
            let cut = model.cut(k).unwrap();
            one_state(&cut, &data);
            assert_eq!(cut, bisecting.clone().with_k(k).fit(&data).unwrap(), "seed {seed}, k {k}");
        }
        assert_eq!(model.cut(0).unwrap_err(), Error::ZeroClusters);
        let clusters = model.n_clusters();
        assert_eq!(model.cut(clusters + 1).unwrap_err(), Error::CutAbove { k: clusters + 1, clusters });
    }
}

#[test]
fn scikit_learn_agrees() {
    // See tests/data/bisecting.py.
    let wine = csv(include_str!("data/wine.csv"), false, 13);
    let golden = [
        (
            iris(),
            SplitBy::Inertia,
            [152.347_951_760_357_9, 84.203_752_545_739_12, 56.305_022_703_818_366, 32.110_004_981_129_98],
        ),
        (
            iris(),
            SplitBy::Size,
            [152.347_951_760_357_9, 84.203_752_545_739_12, 56.305_022_703_818_366, 32.110_004_981_129_98],
        ),
        (
            wine.clone(),
            SplitBy::Inertia,
            [4_543_749.614_531_86, 2_711_911.617_875_416, 1_049_050.449_416_471_2, 348_459.225_178_651_3],
        ),
        (
            wine,
            SplitBy::Size,
            [4_543_749.614_531_86, 2_711_911.617_875_416, 2_190_979.745_384_036_6, 742_625.757_251_317_6],
        ),
    ];
    for (data, split_by, inertias) in golden {
        for (k, inertia) in [2, 3, 5, 8].into_iter().zip(inertias) {
            let model =
                BisectingKMeans::new(k).n_init(50).tolerance(0.0).split_by(split_by).fit(&data).unwrap();
            assert!(
                (model.inertia() / inertia - 1.0).abs() < 1e-9,
                "{split_by:?}, k {k}: {}",
                model.inertia()
            );
        }
    }
}

#[test]
fn the_root_is_the_mean_and_the_first_division_is_k_means() {
    let data: Array2<f64> = groups(300, 3, 2, 1);
    let model = BisectingKMeans::new(2).n_init(10).fit(&data).unwrap();
    let mean = data.mean_axis(Axis(0)).unwrap();
    assert!(model.node_centroids().row(0).iter().zip(&mean).all(|(a, b)| (a - b).abs() < 1e-12));
    let plain = KMeans::new(2).n_init(10).fit(&data).unwrap();
    assert!((model.inertia() / plain.inertia() - 1.0).abs() < 1e-9);
}

fn threads<F: Float>() {
    let data: Array2<F> = groups(20_000, 4, 30, 3);
    let fit = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| BisectingKMeans::new(20).n_init(2).fit(&data).unwrap())
    };
    let one = fit(1);
    assert!(one == fit(2) && one == fit(5));
    assert_eq!(one.predict(&data.slice(s![..100, ..])).unwrap(), one.labels().slice(s![..100]));
}

#[test]
fn threads_change_no_bit() {
    threads::<f32>();
    threads::<f64>();
}

#[test]
fn weights_count() {
    let data: Array2<f64> = uniform(90, 2, 4);
    let weights = Array1::from_shape_fn(90, |i| (i % 4) as f64);
    let rows: Vec<usize> = (0..90).flat_map(|i| std::iter::repeat_n(i, i % 4)).collect();
    // The first two distinct rows that count start each division, so that copies do not change the start.
    let first = centroids::init::from_fn(
        |rows: ndarray::ArrayView2<'_, f64>, weights: Option<ndarray::ArrayView1<'_, f64>>, k, _: &mut _| {
            let mut start = Array2::zeros((0, rows.ncols()));
            for (i, row) in rows.rows().into_iter().enumerate() {
                let counts = weights.is_none_or(|weights| weights[i] > 0.0);
                if start.nrows() < k && counts && start.rows().into_iter().all(|other| other != row) {
                    start.push_row(row).unwrap();
                }
            }
            Ok(start)
        },
    );
    let bisecting = BisectingKMeans::new(7).init(first).tolerance(0.0);
    let weighted = bisecting.fit_weighted(&data, &weights).unwrap();
    let copied = bisecting.fit(&data.select(Axis(0), &rows)).unwrap();
    assert_eq!(bits(weighted.centroids()), bits(copied.centroids()));
    assert!((weighted.inertia() / copied.inertia() - 1.0).abs() < 1e-12);
    assert_eq!(weighted.predict(&data).unwrap(), weighted.labels());
}

#[test]
fn few_distinct_rows_make_few_clusters() {
    let data = array![[1.0f32], [1.0], [2.0], [2.0], [5.0]];
    for split_by in [SplitBy::Inertia, SplitBy::Size] {
        let model = BisectingKMeans::new(5).split_by(split_by).fit(&data).unwrap();
        assert_eq!(
            (model.n_clusters(), model.inertia(), model.stop_reason()),
            (3, 0.0, StopReason::Converged)
        );
        one_state(&model, &data);
    }
    let equal = BisectingKMeans::new(3).fit(&Array2::from_elem((8, 2), 0.1f64)).unwrap();
    assert_eq!((equal.n_clusters(), equal.cluster_sizes()), (1, &[8][..]));
    assert_eq!(BisectingKMeans::new(1).fit(&array![[4.0f64]]).unwrap().centroids(), &array![[4.0]]);
    let huge: Array2<f32> = uniform::<f32>(40, 2, 1).mapv(|x| x * cast::<f32>(1e30));
    one_state(&BisectingKMeans::new(6).fit(&huge).unwrap(), &huge);
}

#[test]
fn an_observer_may_end_it() {
    let data: Array2<f64> = uniform(300, 2, 7);
    let mut inertias = Vec::new();
    let model = BisectingKMeans::new(20)
        .init(Random)
        .fit_with(&data, |split| {
            inertias.push(split.inertia);
            if split.index == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!((model.n_clusters(), model.stop_reason(), inertias.len()), (6, StopReason::Observer, 5));
    assert_eq!(model.inertia(), inertias[4]);
    assert!(inertias.windows(2).all(|pair| pair[1] < pair[0]));
    one_state(&model, &data);
}

#[test]
fn broken_rules_are_named() {
    let data: Array2<f64> = uniform(10, 2, 1);
    let error = |bisecting: BisectingKMeans<f64>| bisecting.fit(&data).unwrap_err();
    assert_eq!(error(BisectingKMeans::new(0)), Error::ZeroClusters);
    assert_eq!(error(BisectingKMeans::new(11)), Error::TooManyClusters { k: 11, rows: 10 });
    assert_eq!(error(BisectingKMeans::new(2).n_init(0)), Error::ZeroRuns);
    assert_eq!(error(BisectingKMeans::new(2).max_iter(0)), Error::ZeroIterations);
    assert_eq!(error(BisectingKMeans::new(2).tolerance(-1.0)), Error::Tolerance { tolerance: -1.0 });
    let liar = Random.centroids(data.view(), None, 3, &mut centroids::SeededRng::new(1)).unwrap();
    assert_eq!(
        error(BisectingKMeans::new(2).init(liar)),
        Error::CentroidShape { expected: (2, 2), found: (3, 2) }
    );
    let bisecting = BisectingKMeans::new(1);
    assert_eq!(bisecting.fit(&array![[1.0, f64::NAN]]).unwrap_err(), Error::NotFinite { row: 0, column: 1 });
    let model = bisecting.fit(&data).unwrap();
    assert_eq!(model.predict(&array![[1.0]]).unwrap_err(), Error::ColumnMismatch { expected: 2, found: 1 });
    assert_eq!(
        model.predict(&array![[1.0, f64::INFINITY]]).unwrap_err(),
        Error::NotFinite { row: 0, column: 1 }
    );
    assert_eq!(model.predict(&Array2::zeros((0, 2))).unwrap().len(), 0);
}
