//! Whole fits against a naive Lloyd of a few lines, and every final state against the naive search.

mod common;

use centroids::{Error, Float, KMeans, KMeansModel};
use common::{bits, cast, groups, labels, squared_distance, uniform, whole};
use ndarray::{Array1, Array2, concatenate, s};
use proptest::prelude::*;

/// Assign, move to the mean, until no label changes. For data of whole numbers, whose sums f64 holds exactly. `None` if a cluster empties.
fn lloyd<F: Float>(data: &Array2<F>, start: &Array2<F>) -> Option<(Array2<F>, Array1<usize>, usize)> {
    let (mut centroids, mut old) = (start.clone(), Array1::from_elem(data.nrows(), usize::MAX));
    for iteration in 1..=300 {
        let new = labels(data, &centroids);
        for (j, mut centroid) in centroids.rows_mut().into_iter().enumerate() {
            let rows: Vec<usize> = (0..data.nrows()).filter(|&i| new[i] == j).collect();
            if rows.is_empty() {
                return None;
            }
            for (t, c) in centroid.iter_mut().enumerate() {
                let sum: f64 = rows.iter().map(|&i| data[[i, t]].to_f64().unwrap()).sum();
                *c = cast(sum / rows.len() as f64);
            }
        }
        if new == old {
            return Some((centroids, new, iteration));
        }
        old = new;
    }
    None
}

fn equals_the_naive_fit<F: Float>(data: &Array2<F>, k: usize) -> bool {
    let start = data.slice(s![..k, ..]).to_owned();
    let Some((centroids, expected, iterations)) = lloyd(data, &start) else { return false };
    let model = KMeans::new(k).init(start).tolerance(0.0).fit(data).unwrap();
    // A run may end an iteration sooner, when rounded means would only alternate.
    if model.n_iter() == iterations {
        assert_eq!(model.labels(), expected);
        assert_eq!(bits(model.centroids()), bits(&centroids));
    }
    model.n_iter() == iterations
}

#[test]
fn whole_numbers_give_the_naive_result_to_the_bit() {
    let mut compared = 0;
    for seed in 0..60 {
        for (d, k) in [(1, 3), (2, 5), (3, 2), (8, 7), (17, 4), (40, 6)] {
            for (values, offset) in [(3, 0.0), (50, 0.0), (1000, 1e4), (20, 1e7)] {
                compared += usize::from(equals_the_naive_fit::<f32>(&whole(120, d, values, offset, seed), k));
                compared += usize::from(equals_the_naive_fit::<f64>(&whole(120, d, values, offset, seed), k));
            }
        }
    }
    assert!(compared > 1500, "only {compared} fits could be compared");
}

/// Labels are the naive ones, and the model is one state.
fn holds_together<F: Float>(data: &Array2<F>, k: usize) {
    let model = KMeans::new(k).seed(5).fit(data).unwrap();
    let expected = labels(data, model.centroids());
    assert_eq!(model.labels(), expected);
    assert_eq!(model.predict(data).unwrap(), expected);
    assert_eq!(model.score(data).unwrap().to_bits(), (-model.inertia()).to_bits());
    let naive: f64 = data
        .rows()
        .into_iter()
        .zip(&expected)
        .map(|(row, &j)| squared_distance(row, model.centroids().row(j)))
        .sum();
    assert!((model.inertia() - naive).abs() <= 1e-12 * naive, "{} is not {naive}", model.inertia());
    assert!(model.centroids().iter().all(|c| c.is_finite()));
    for (row, &label) in data.rows().into_iter().zip(&expected).take(20) {
        assert_eq!(model.predict_one(&row).unwrap(), label);
    }
}

fn hard<F: Float>(huge: f64, tiny: f64) {
    for d in [1, 2, 5, 8, 9, 33] {
        let cloud = uniform::<F>(300, d, 1);
        holds_together(&cloud, 7);
        holds_together(&groups::<F>(300, d, 5, 2), 5);
        holds_together(&whole::<F>(300, d, 2, 0.0, 3), 6);
        for offset in [1e4, 1e5, 1e7] {
            holds_together(&cloud.mapv(|x| x + cast(offset)), 7);
        }
        for scale in [huge, -huge, tiny] {
            holds_together(&cloud.mapv(|x| x * cast(scale)), 7);
        }
        // One far outlier, a constant column, a line, one row, as many clusters as rows.
        let far = Array2::from_elem((1, d), cast(1e9));
        holds_together(&concatenate![ndarray::Axis(0), cloud, far], 4);
        let mut constant = cloud.clone();
        constant.column_mut(0).fill(cast(3.5));
        holds_together(&constant, 4);
        holds_together(&Array2::from_shape_fn((200, d), |(i, _)| cast::<F>(i as f64)), 9);
        holds_together(&cloud.slice(s![..1, ..]).to_owned(), 1);
        holds_together(&cloud.slice(s![..25, ..]).to_owned(), 25);
    }
}

#[test]
fn hard_data_is_labelled_as_the_naive_search_would() {
    hard::<f32>(1e30, 1e-41);
    hard::<f64>(1e140, 1e-100);
}

/// Batches of any size by a model, and by one predictor, asked by several threads from its first batch on.
fn batches<F: Float>() {
    for (d, k) in [(1, 4), (2, 300), (3, 17), (8, 40), (12, 100), (40, 200), (300, 120)] {
        // With duplicates and ties, and rows far from all centroids.
        let centroids = whole::<F>(k, d, 4, 0.0, 3);
        let mut rows = whole::<F>(700, d, 5, 0.0, 4);
        rows.row_mut(33).fill(cast(1e9));
        let (expected, model) = (labels(&rows, &centroids), KMeansModel::from_centroids(&centroids).unwrap());
        for n in [1, 2, 7, 8, 9, 40] {
            assert_eq!(
                model.predict(&rows.slice(s![30..30 + n, ..])).unwrap(),
                expected.slice(s![30..30 + n])
            );
        }
        let predictor = model.predictor();
        std::thread::scope(|scope| {
            for first in [0, 1, 2] {
                let (rows, expected, predictor) = (&rows, &expected, &predictor);
                scope.spawn(move || {
                    for n in [1, 7, 0, 64, 600] {
                        let mut found = vec![u16::MAX; n];
                        predictor.predict_into(&rows.slice(s![first..first + n, ..]), &mut found).unwrap();
                        let expected = expected.iter().skip(first);
                        assert!(
                            found.iter().zip(expected).all(|(&found, &label)| usize::from(found) == label)
                        );
                    }
                });
            }
        });
    }
}

#[test]
fn batches_are_labelled_as_by_the_naive_search() {
    batches::<f32>();
    batches::<f64>();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn any_data_is_labelled_as_the_naive_search_would(
        values in prop::collection::vec(prop_oneof![-1e3..1e3f32, Just(0.0f32), -1e30..1e30f32, -1e-40..1e-40f32], 12..240),
        d in 1..12usize,
        k in 1..8usize,
    ) {
        let n = values.len() / d;
        prop_assume!(n >= k);
        let data = Array2::from_shape_vec((n, d), values[..n * d].to_vec()).unwrap();
        holds_together(&data, k);
    }
}

/// Distance features are the roots of the reference distances, for blocks of rows that are full and that are not.
fn transforms_by_the_reference<F: Float>() {
    for d in [1, 2, 3, 4, 5, 8, 9, 17, 100] {
        for n in [1, 15, 16, 17, 131] {
            for (k, offset) in [(1, 0.0), (2, 1e6), (7, -3.0), (600, 0.5)] {
                let data = uniform::<F>(n, d, (n * d) as u64).mapv(|x| x + cast(offset));
                let model = KMeansModel::from_centroids(&uniform::<F>(k, d, 5)).unwrap();
                let root = |i, j| cast(squared_distance(data.row(i), model.centroids().row(j)).sqrt());
                let expected = Array2::<F>::from_shape_fn((n, k), |(i, j)| root(i, j));
                assert_eq!(bits(&model.transform(&data).unwrap()), bits(&expected), "{n} rows of {d}, k {k}");
            }
        }
    }
}

#[test]
fn distance_features_are_those_of_the_reference() {
    transforms_by_the_reference::<f32>();
    transforms_by_the_reference::<f64>();
}

#[test]
fn a_bad_value_is_found_wherever_it_is() {
    let model = KMeansModel::from_centroids(&Array2::<f64>::zeros((2, 3))).unwrap();
    for at in [0, 2, 16_384 * 3 - 1, 16_384 * 3, 99_999 * 3 + 1] {
        for bad in [f64::NAN, f64::NEG_INFINITY, 1e200] {
            let mut data = Array2::zeros((100_000, 3));
            data[[at / 3, at % 3]] = bad;
            let expected = if bad == 1e200 {
                Error::TooLarge { row: at / 3, column: at % 3, limit: f64::from_bits((1023 + 480) << 52) }
            } else {
                Error::NotFinite { row: at / 3, column: at % 3 }
            };
            assert_eq!(model.transform(&data).unwrap_err(), expected);
            assert_eq!(KMeans::new(2).fit(&data).unwrap_err(), expected);
            let mut weights = Array1::ones(100_000);
            weights[at / 3] = 0.0;
            assert_eq!(KMeans::new(2).fit_weighted(&data, &weights).unwrap_err(), expected);
        }
    }
}
