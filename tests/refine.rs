//! Refined fits: proven optima, never worse, the same bits everywhere, and a clean end.

mod common;

use centroids::{Algorithm, EmptyCluster, KMeans, Refine, SeededRng, StopReason};
use common::{bits, csv, groups, iris, uniform, whole};
use ndarray::{Array1, Array2, array, s};
use rayon::ThreadPoolBuilder;
use std::ops::ControlFlow;

/// Proven optima for k = 2 to 10 (du Merle et al. 2000; Aloise et al. 2012).
const IRIS: [f64; 9] = [
    152.34795, 78.851_441, 57.228_473, 46.446_182, 39.039_987, 34.298_23, 29.988_944, 27.786_092, 25.834_055,
];
const RUSPINI: [f64; 9] = [
    89_337.832,
    51_063.475,
    12_881.051,
    10_126.72,
    8_575.406_9,
    7_126.198_5,
    6_149.639,
    5_181.651_8,
    4_446.282_1,
];

fn reaches(data: &Array2<f64>, optima: [f64; 9], n_init: usize) {
    for (k, optimum) in (2..).zip(optima) {
        for seed in 0..20 {
            let model = KMeans::new(k).seed(seed).n_init(n_init).refine(Refine::default()).fit(data).unwrap();
            let ratio = model.inertia() / optimum;
            assert!((ratio - 1.0).abs() < 1e-6, "k {k}, seed {seed}: {ratio} times the optimum");
        }
    }
}

#[test]
fn every_seed_reaches_the_proven_optima_of_iris() {
    reaches(&iris(), IRIS, 1);
}

#[test]
fn every_seed_reaches_the_proven_optima_of_ruspini() {
    reaches(&csv(include_str!("data/ruspini.csv"), true, 2), RUSPINI, 2);
}

#[test]
fn a_grid_of_rectangles_is_cut_as_it_should_be() {
    // 6 x 6 squares of 6 x 6 points: the best clusters are the squares.
    let data = Array2::from_shape_fn((1296, 2), |(i, t)| {
        let (square, point) = (i / 36, i % 36);
        let (x, y) = ((square % 6) * 10 + point % 6, (square / 6) * 10 + point / 6);
        if t == 0 { x as f64 } else { y as f64 }
    });
    let best = 36.0 * 2.0 * 6.0 * 17.5;
    for seed in 0..5 {
        let kmeans = KMeans::new(36).seed(seed);
        let model = kmeans.clone().refine(Refine::default()).fit(&data).unwrap();
        assert!((model.inertia() - best).abs() < 1e-9 * best, "seed {seed}: {}", model.inertia());
    }
}

#[test]
fn the_result_is_never_worse_and_one_state() {
    for seed in 0..12 {
        let (k, d) = ([3, 10, 25, 60][seed as usize % 4], [1, 2, 5, 12][seed as usize % 4]);
        for data in [groups::<f64>(400, d, 12, seed), uniform(300, d, seed), whole(200, d, 9, 1e5, seed)] {
            let k = k.min(data.nrows());
            let plain = KMeans::new(k).seed(seed).fit(&data).unwrap();
            let model = KMeans::new(k).seed(seed).refine(Refine::default().patience(10)).fit(&data).unwrap();
            assert!(model.inertia() <= plain.inertia() * (1.0 + 1e-12), "seed {seed}, d {d}");
            assert_eq!(model.labels(), model.predict(&data).unwrap());
            assert_eq!(model.score(&data).unwrap(), -model.inertia());
            // The run before is the same, then come the tries.
            let (before, tries) = model.history().split_at(plain.n_iter());
            assert_eq!(before, plain.history());
            assert!(
                !tries.is_empty() || plain.inertia() == 0.0 || plain.n_clusters() < 2,
                "seed {seed}, d {d}"
            );
            if let Some(last) = tries.last() {
                assert!(
                    (last.inertia - model.inertia()).abs() <= 1e-9 * model.inertia(),
                    "seed {seed}, d {d}"
                );
            }
            for pair in model.history().windows(2) {
                assert!(pair[1].index == pair[0].index + 1);
                assert!(pair[1].inertia <= pair[0].inertia * (1.0 + 1e-12));
            }
            // The first try moves single rows, the others one centroid each.
            for (t, it) in tries.iter().enumerate() {
                assert_eq!(it.shift > 0.0, it.reassigned > 0);
                assert!(it.swapped == usize::from(t > 0 && it.reassigned > 0));
            }
        }
    }
}

#[test]
fn threads_and_restarts_change_no_bit() {
    let data: Array2<f64> = groups(6_000, 3, 40, 5);
    let kmeans = KMeans::new(40).seed(2).n_init(2).refine(Refine::default().patience(15));
    let on = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| kmeans.fit(&data).unwrap())
    };
    let one = on(1);
    for threads in [2, 5] {
        assert!(on(threads) == one, "{threads} threads");
    }
    let watched = kmeans.fit_with(&data, |_| ControlFlow::Continue(())).unwrap();
    assert!(watched == one);
    assert!(kmeans.fit(&data.slice(s![.., ..;-1])).unwrap().n_clusters() == 40);
}

#[test]
fn no_patience_is_no_refinement() {
    let data: Array2<f32> = uniform(500, 2, 3);
    let plain = KMeans::new(20).fit(&data).unwrap();
    assert!(KMeans::new(20).refine(Refine::default().patience(0)).fit(&data).unwrap() == plain);
}

#[test]
fn weights_count() {
    // Three groups, of which the weights make one negligible: two centroids belong to the others.
    let data = Array2::from_shape_fn((90, 1), |(i, _)| [0.0, 10.0, 1000.0][i / 30] + (i % 30) as f64 * 0.01);
    let weights = Array1::from_shape_fn(90, |i| if i < 60 { 1.0 } else { 1e-12 });
    let kmeans = KMeans::new(2).init(array![[5.0], [1000.0]]).refine(Refine::default());
    let model = kmeans.fit_weighted(&data, &weights).unwrap();
    assert!(model.centroids().iter().all(|&x| x < 11.0), "{}", model.centroids());
    let scaled = kmeans.fit_weighted(&data, &(&weights * 1024.0)).unwrap();
    assert_eq!(bits(scaled.centroids()), bits(model.centroids()));
    // A row without weight is never drawn.
    let none = Array1::from_shape_fn(90, |i| if i < 60 { 1.0 } else { 0.0 });
    let kmeans = KMeans::new(6).refine(Refine::default());
    let weighted = kmeans.fit_weighted(&data, &none).unwrap();
    assert!(weighted.centroids().iter().all(|&x| x < 11.0));
}

#[test]
fn a_break_ends_the_search_with_the_best_so_far() {
    let data: Array2<f64> = uniform(2_000, 2, 8);
    let kmeans = KMeans::new(50).refine(Refine::default());
    let whole = kmeans.fit(&data).unwrap();
    let plain = KMeans::new(50).fit(&data).unwrap().n_iter();
    for at in [plain + 1, plain + 2, whole.n_iter() - 1] {
        let stop = |it: &centroids::Iteration| {
            if it.index == at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let model = kmeans.fit_with(&data, stop).unwrap();
        assert_eq!((model.n_iter(), model.stop_reason()), (at, StopReason::Observer));
        assert_eq!(model.history(), &whole.history()[..at]);
        assert_eq!(model.labels(), model.predict(&data).unwrap());
        assert_eq!(model.score(&data).unwrap(), -model.inertia());
    }
}

#[test]
fn nothing_to_gain_is_no_trouble() {
    let refine = Refine::default();
    let row = array![[1.0, 2.0]];
    assert_eq!(KMeans::new(1).refine(refine).fit(&row).unwrap().inertia(), 0.0);
    let equal = Array2::from_elem((20, 3), 7.0);
    assert_eq!(KMeans::new(4).refine(refine).fit(&equal).unwrap().inertia(), 0.0);
    let data: Array2<f64> = uniform(30, 2, 1);
    assert_eq!(KMeans::new(30).refine(refine).fit(&data).unwrap().inertia(), 0.0);
    for scale in [1e-140, 1e-30, 1e30, 1e140] {
        let model = KMeans::new(5).refine(refine).fit(&(&data * scale)).unwrap();
        assert!(model.inertia().is_finite());
        assert_eq!(model.labels(), model.predict(&(&data * scale)).unwrap());
    }
    for policy in [EmptyCluster::Relocate, EmptyCluster::Resample, EmptyCluster::Drop] {
        let start = array![[0.0, 0.0], [0.0, 0.0], [1e6, 1e6], [0.5, 0.5]];
        let kmeans = KMeans::new(4).init(start).empty_cluster(policy).refine(refine);
        let model = kmeans.fit(&data).unwrap();
        assert_eq!(model.labels(), model.predict(&data).unwrap());
    }
}

/// A cluster may lose its last row in the very assignment that ends the iterations: the search goes on from what is left.
#[test]
fn clusters_dropped_at_the_end_are_gone_for_the_search_too() {
    let mut dropped = 0;
    for seed in 0..150 {
        let mut rng = SeededRng::new(seed);
        let data = Array2::from_shape_fn((100, 2), |_| rng.uniform());
        let start = Array2::from_shape_fn((40, 2), |_| rng.uniform());
        for iterations in 1..6 {
            let kmeans = KMeans::new(40).init(start.clone()).empty_cluster(EmptyCluster::Drop);
            let kmeans = kmeans.max_iter(iterations);
            let plain = kmeans.fit(&data).unwrap();
            let before: usize = plain.history().iter().map(|iteration| iteration.dropped).sum();
            if plain.n_clusters() + before == 40 {
                continue;
            }
            dropped += 1;
            let kmeans = kmeans.refine(Refine::default().patience(seed as usize % 3));
            let fit = |algorithm| kmeans.clone().algorithm(algorithm).fit(&data).unwrap();
            let lloyd = fit(Algorithm::Lloyd);
            for algorithm in [Algorithm::Filtering, Algorithm::Hamerly] {
                let model = fit(algorithm);
                assert_eq!(model.centroids(), lloyd.centroids(), "{algorithm:?}, seed {seed}, {iterations}");
                assert_eq!(model.labels(), lloyd.labels(), "{algorithm:?}, seed {seed}, {iterations}");
                assert_eq!(model.labels(), model.predict(&data).unwrap());
            }
        }
    }
    assert!(dropped > 5, "{dropped} fits dropped a cluster at their end");
}
