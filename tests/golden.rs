//! The inertia and iterations of scikit-learn's Lloyd from the same starts (`tests/data/golden.py` prints them), and proven optima.

#![allow(clippy::unreadable_literal, reason = "golden values stand as they were printed")]

mod common;

use centroids::{KMeans, KMeansPlusPlus, Refine};
use common::{csv, iris};
use ndarray::{Array2, Axis};

fn wine() -> Array2<f64> {
    csv(include_str!("data/wine.csv"), false, 13)
}

fn wine_scaled() -> Array2<f64> {
    let wine = wine();
    (&wine - &wine.mean_axis(Axis(0)).unwrap()) / &wine.std_axis(Axis(0), 0.0)
}

/// 1797 x 64 whole numbers 0 to 16 in ten groups, from the generator of golden.py.
fn digits_like() -> Array2<f64> {
    let mut state: u32 = 12345;
    let mut below = |n: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % n
    };
    let centres: Vec<u32> = (0..640).map(|_| below(13)).collect();
    Array2::from_shape_fn((1797, 64), |(i, t)| f64::from((centres[(i % 10) * 64 + t] + below(5)).min(16)))
}

/// Data, k, inertia, iterations; by scikit-learn 1.9.1.
const GOLDEN: [(&str, usize, f64, usize); 16] = [
    ("iris", 2, 152.3479517603579, 5),
    ("iris", 3, 142.7540625, 9),
    ("iris", 5, 49.977678460300126, 9),
    ("iris", 7, 37.16146261487051, 6),
    ("wine", 2, 4543749.614531861, 6),
    ("wine", 3, 2633555.3324093386, 12),
    ("wine", 5, 916379.1871539169, 7),
    ("wine", 10, 453089.28286963585, 7),
    ("wine scaled", 2, 1659.9511977619793, 8),
    ("wine scaled", 3, 1279.9661527749454, 7),
    ("wine scaled", 5, 1135.2738632237078, 7),
    ("wine scaled", 10, 871.0289447694594, 8),
    ("digits", 2, 1461124.0248367875, 5),
    ("digits", 3, 1233882.194975746, 4),
    ("digits", 5, 899062.3415402875, 3),
    ("digits", 10, 229108.6525139666, 2),
];

#[test]
fn the_same_start_gives_scikit_learns_inertia() {
    for (name, k, inertia, iterations) in GOLDEN {
        let data = match name {
            "iris" => iris(),
            "wine" => wine(),
            "wine scaled" => wine_scaled(),
            _ => digits_like(),
        };
        let rows: Vec<usize> = (0..k).map(|i| i * 37 % data.nrows()).collect();
        let model = KMeans::new(k).init(data.select(Axis(0), &rows)).tolerance(0.0).fit(&data).unwrap();
        let off = (model.inertia() - inertia).abs() / inertia;
        assert!(off < 1e-9, "{name}, k = {k}: {} instead of {inertia}", model.inertia());
        assert_eq!(model.n_iter(), iterations, "{name}, k = {k}");
    }
}

/// Proven optima of Fisher's iris (du Merle et al. 2000; Aloise et al. 2012), k = 2 to 10.
const OPTIMA: [f64; 9] =
    [152.34795, 78.851441, 57.228473, 46.446182, 39.039987, 34.298230, 29.988944, 27.786092, 25.834055];

#[test]
fn restarts_come_to_the_optima_of_iris_and_never_below() {
    let data = iris();
    for (k, optimum) in (2..).zip(OPTIMA) {
        let reached = KMeans::new(k).n_init(50).tolerance(0.0).fit(&data).unwrap().inertia();
        assert!(reached > optimum * (1.0 - 1e-6), "k = {k}: {reached} is below the proven optimum {optimum}");
        let near = if k < 6 { 1e-6 } else { 0.02 };
        assert!(reached < optimum * (1.0 + near), "k = {k}: {reached}, the optimum is {optimum}");
    }
}

#[test]
fn refining_wine_comes_to_the_best_known() {
    // The best of many runs of other methods, to all digits known.
    let raw = [(2, 4_543_749.6), (3, 2_370_689.7), (5, 916_379.19), (10, 217_887.38)];
    let scaled = [(2, 1658.7589), (3, 1277.9285), (5, 1101.3403), (10, 839.4081)];
    for (data, best) in [(wine(), raw), (wine_scaled(), scaled)] {
        for (k, best) in best {
            let reached = KMeans::new(k).n_init(5).refine(Refine::default()).fit(&data).unwrap().inertia();
            assert!((reached / best - 1.0).abs() < 1e-4, "k = {k}: {reached}, the best is {best}");
        }
    }
}

#[test]
fn greedy_seeding_starts_nearer_than_plain() {
    let data = digits_like();
    let mean = |init: KMeansPlusPlus| {
        let first =
            |seed| KMeans::new(10).init(init).seed(seed).max_iter(1).fit(&data).unwrap().history()[0].inertia;
        (0..20).map(first).sum::<f64>() / 20.0
    };
    let (greedy, plain) = (mean(KMeansPlusPlus::default()), mean(KMeansPlusPlus::default().trials(1)));
    assert!(greedy < plain, "greedy {greedy}, plain {plain}");
}
