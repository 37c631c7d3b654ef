//! A weight of w is w copies of the row, a weight of 0 no row, and only the ratios count.

mod common;

use centroids::{EmptyCluster, Float, KMeans, KMeansPlusPlus, SeededRng};
use common::{bits, cast, groups, nearest, uniform};
use ndarray::{Array1, Array2, Axis, array, s};

/// Rows repeated as often as their weight says.
fn copies<F: Float>(data: &Array2<F>, times: &[usize]) -> Array2<F> {
    let rows: Vec<usize> = (0..data.nrows()).flat_map(|i| std::iter::repeat_n(i, times[i])).collect();
    data.select(Axis(0), &rows)
}

fn times(n: usize, least: usize, seed: u64) -> Vec<usize> {
    let mut rng = SeededRng::new(seed);
    (0..n).map(|_| least + rng.below(4)).collect()
}

fn weights<F: Float>(times: &[usize], factor: f64) -> Array1<F> {
    times.iter().map(|&w| cast(w as f64 * factor)).collect()
}

fn as_copies<F: Float>() {
    for seed in 0..20 {
        for d in [1, 2, 7, 20] {
            let data: Array2<F> = groups(150, d, 6, seed);
            let times = times(150, 0, seed);
            let copied = copies(&data, &times);
            let mut start = copied.slice(s![..6, ..]).to_owned();
            if seed % 2 == 1 {
                // Starts far away lose their rows at once and are moved.
                start.slice_mut(s![3.., ..]).fill(cast(1e4));
            }
            for policy in [EmptyCluster::Relocate, EmptyCluster::Drop] {
                let kmeans = KMeans::new(6).init(start.clone()).tolerance(0.0).empty_cluster(policy);
                let weighted = kmeans.fit_weighted(&data, &weights(&times, 1.0)).unwrap();
                let plain = kmeans.fit(&copied).unwrap();
                assert_eq!(bits(weighted.centroids()), bits(plain.centroids()), "seed {seed}, {policy:?}");
                assert!((weighted.inertia() - plain.inertia()).abs() <= 1e-13 * plain.inertia());
                assert_eq!(weighted.n_iter(), plain.n_iter());
            }
        }
    }
}

#[test]
fn a_weight_is_that_many_copies() {
    as_copies::<f32>();
    as_copies::<f64>();
}

#[test]
fn a_row_without_weight_is_absent_but_labelled() {
    let data: Array2<f64> = groups(400, 3, 5, 1);
    let times: Vec<usize> = times(400, 0, 9).into_iter().map(|w| w.min(1)).collect();
    let present = copies(&data, &times);
    for kmeans in [KMeans::new(5).seed(3), KMeans::new(5).init(KMeansPlusPlus::default().trials(1)).seed(4)] {
        let weighted = kmeans.fit_weighted(&data, &weights(&times, 1.0)).unwrap();
        let plain = kmeans.fit(&present).unwrap();
        assert_eq!(bits(weighted.centroids()), bits(plain.centroids()));
        assert_eq!(weighted.inertia().to_bits(), plain.inertia().to_bits());
        assert_eq!(weighted.history(), plain.history());
        for (row, &label) in data.rows().into_iter().zip(weighted.labels()) {
            assert_eq!(label, nearest(row, weighted.centroids()));
        }
    }
}

#[test]
fn a_far_row_without_weight_moves_nothing() {
    let mut data: Array2<f32> = uniform(100, 2, 1);
    let start = data.slice(s![..4, ..]).to_owned();
    let plain = KMeans::new(4).init(start.clone()).fit(&data.slice(s![..99, ..])).unwrap();
    data.row_mut(99).fill(1e20);
    let mut weights = Array1::ones(100);
    weights[99] = 0.0;
    let weighted = KMeans::new(4).init(start).fit_weighted(&data, &weights).unwrap();
    assert_eq!(bits(weighted.centroids()), bits(plain.centroids()));
}

fn scaled<F: Float>() {
    let data: Array2<F> = groups(500, 4, 8, 2);
    let times = times(500, 0, 5);
    for kmeans in [KMeans::new(8).seed(1), KMeans::new(8).init(data.slice(s![..8, ..]).to_owned())] {
        let one = kmeans.fit_weighted(&data, &weights(&times, 1.0)).unwrap();
        for factor in [2.0, 3.0, 0.5, 7.0] {
            let weights = weights(&times, factor);
            let more = kmeans.fit_weighted(&data, &weights).unwrap();
            assert_eq!(bits(more.centroids()), bits(one.centroids()));
            assert_eq!(more.labels(), one.labels());
            assert!((more.inertia() - factor * one.inertia()).abs() <= 1e-14 * more.inertia());
            assert_eq!(more.score_weighted(&data, &weights).unwrap().to_bits(), (-more.inertia()).to_bits());
        }
    }
}

#[test]
fn only_the_ratios_of_weights_count() {
    scaled::<f32>();
    scaled::<f64>();
    // Candidates for the start that are equally good but for rounding.
    let data = array![
        [0.803_532_084_172_345_5, -15.471_981_038_339_207],
        [-1.024_178_241_727_874_6, -13.131_939_718_424_798],
        [0.918_577_593_103_694_6, -13.502_690_201_608_235],
        [-0.160_584_563_894_609_2, -14.871_784_232_502_044],
        [0.665_154_761_364_481_3, -15.309_086_192_760_608],
        [0.079_503_357_636_867_5, -15.432_849_657_518_25],
        [-1.183_849_223_832_051, -14.845_317_596_595_358]
    ];
    let weights = array![7.0, 1.0, 1.0, 7.0, 4.0, 8.0, 1.0];
    let one = KMeans::new(4).fit_weighted(&data, &weights).unwrap();
    for factor in [2.0, 3.0, 7.0, 10.0] {
        let more = KMeans::new(4).fit_weighted(&data, &(&weights * factor)).unwrap();
        assert_eq!(more.labels(), one.labels(), "times {factor}");
    }
}
