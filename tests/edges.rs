//! At the edges of the types and of small data: what random fits have found, each in its shortest form.

use centroids::select::{self, Criterion, SweepSettings, calinski_harabasz, davies_bouldin};
use centroids::{
    BisectingKMeans, Dissimilarity, Error, FuzzyCMeans, Init, KMeans, KMeansModel, KMeansParallel,
    KMeansPlusPlus, KMedians, KMedoids, Metric, Random, Refine, SeededRng, SphericalKMeans, StopReason,
};
use ndarray::{Array1, Array2, ArrayView1, Axis, array, concatenate};

#[test]
fn rows_beside_which_zero_is_infinitely_far_can_be_seeded() {
    for d in [2, 20] {
        let data = Array2::from_shape_fn((3, d), |(i, t)| if t == 0 { i as f32 * 1e-9 } else { 1e30 });
        let model = KMeans::new(2).fit(&data).unwrap();
        assert!(model.inertia() <= 5.1e-19, "{d} columns: {}", model.inertia());
    }
}

#[test]
fn a_row_without_weight_is_absent_where_seeding_sorts_rows() {
    let mut rng = SeededRng::new(1);
    for (n, d) in [(4095, 2), (5000, 3)] {
        let data = Array2::from_shape_fn((n, d), |_| rng.uniform());
        let more = concatenate![Axis(0), Array2::from_elem((1, d), 0.4), data];
        let mut weights = Array1::ones(n + 1);
        weights[0] = 0.0;
        let without = KMeans::new(16).fit_weighted(&data, &Array1::ones(n)).unwrap();
        let with = KMeans::new(16).fit_weighted(&more, &weights).unwrap();
        assert_eq!(with.centroids(), without.centroids(), "{n} rows of {d} columns");
    }
}

#[test]
fn a_row_without_weight_decides_no_tie_between_candidates() {
    let mut rng = SeededRng::new(2);
    // Many candidates are equally good, and their gains are no round numbers.
    let data = Array2::from_shape_fn((3000, 9), |_| rng.below(2) as f64);
    let weights = Array1::from_shape_fn(3000, |_| [0.0, 1.0, 3.0, 1e-3][rng.below(4)]);
    let rows: Vec<usize> = (0..3000).filter(|&i| weights[i] > 0.0).collect();
    let (present, left) = (data.select(Axis(0), &rows), weights.select(Axis(0), &rows));
    for seed in 0..20 {
        let start = |data: &Array2<f64>, weights: &Array1<f64>| {
            let rng = &mut SeededRng::new(seed);
            KMeansPlusPlus::default().centroids(data.view(), Some(weights.view()), 60, rng).unwrap()
        };
        assert_eq!(start(&data, &weights), start(&present, &left), "seed {seed}");
    }
}

#[test]
fn the_largest_and_the_least_weights_seed_alike() {
    let data = Array2::from_shape_fn((40_000, 8), |(i, t)| ((i * (7 + 6 * t) + i * i % 97) % 311) as f32);
    let fit = |weight| KMeans::new(60).max_iter(1).fit_weighted(&data, &Array1::from_elem(40_000, weight));
    assert_eq!(fit(1.0).unwrap().centroids(), fit(2f32.powi(127)).unwrap().centroids());
    let data = Array2::from_shape_fn((60, 2), |(i, t)| ((i * (7 + 6 * t)) % 31) as f64 * 2f64.powi(-200));
    let fit = |weight| KMeans::new(6).fit_weighted(&data, &Array1::from_elem(60, weight)).unwrap();
    assert_eq!(fit(1.0).centroids(), fit(2f64.powi(-730)).centroids());
}

#[test]
fn refine_never_ends_worse_where_means_are_rounded_much() {
    let mut improved = 0;
    for seed in 0..3000 {
        let mut rng = SeededRng::new(seed);
        let n = 2 + rng.below(12);
        // Half of them lie between neighbours of the type, which are 128 apart.
        let data = Array2::from_shape_fn((n, 1), |_| 1.7e9f32 + rng.below(10) as f32 * 100.0);
        let kmeans = KMeans::new(1 + rng.below(3.min(n))).seed(seed);
        let (Ok(plain), Ok(refined)) =
            (kmeans.fit(&data), kmeans.clone().refine(Refine::default()).fit(&data))
        else {
            continue;
        };
        assert!(refined.inertia() <= plain.inertia(), "seed {seed}");
        assert!(refined.history().windows(2).all(|two| two[1].inertia <= two[0].inertia), "seed {seed}");
        improved += usize::from(refined.inertia() < plain.inertia());
    }
    assert!(improved > 10);
}

#[test]
fn a_part_too_narrow_to_divide_stays_whole() {
    let model = BisectingKMeans::new(3).fit(&array![[0.0], [1e-150], [1.0]]).unwrap();
    assert_eq!(model.labels(), &array![0, 0, 1]);
}

#[test]
fn a_sweep_of_narrow_data_has_no_gap_where_its_references_are_narrower() {
    let data = Array2::from_shape_fn((6, 1), |(i, _)| 2f64.powi(-480) * (i as f64 / 5.0));
    let sweep = select::sweep(&KMeans::new(1), 1..=4, &data).unwrap();
    assert_eq!(sweep.choice(Criterion::Gap), None);
}

#[test]
fn the_history_of_a_far_start_is_finite() {
    let model = KMeans::new(1).init(array![[1e20]]).fit(&array![[0.0], [1e-140], [2e-140]]).unwrap();
    assert!(model.history().iter().all(|entry| entry.relative_shift.is_finite()));
}

#[test]
fn a_fit_that_ends_with_an_empty_cluster_has_not_converged() {
    // Digits are lost beside 2e16, so clusters lose their rows again and again.
    let data = array![[1.47e-18], [163_019.111], [1.963e16], [1.01e-18], [1.36e-18]];
    let mut ended_empty = 0;
    for seed in 0..200 {
        let model = KMeans::new(4).seed(seed).max_iter(1 + seed as usize % 4).fit(&data).unwrap();
        let empty = model.cluster_sizes().contains(&0);
        assert!(!empty || model.stop_reason() == StopReason::MaxIterations, "seed {seed}");
        ended_empty += usize::from(empty);
    }
    assert!(ended_empty > 0);
}

#[test]
fn views_larger_than_memory_are_errors() {
    let model = KMeans::new(1).fit(&array![[0.0, 1.0], [1.0, 2.0]]).unwrap();
    let row = array![[1.0, 2.0]];
    let rows = row.broadcast((1 << 50, 2)).unwrap();
    assert!(matches!(model.predict(&rows), Err(Error::TooBig { rows, .. }) if rows == 1 << 50));
    assert!(matches!(SphericalKMeans::new(1).fit(&rows), Err(Error::TooBig { .. })));
}

/// The loss of these medoids, and the least that one exchange would leave.
fn losses(apart: &Array2<f64>, medoids: &[usize]) -> (f64, f64) {
    let loss = |medoids: &[usize]| -> f64 {
        let nearest = |i: usize| medoids.iter().map(|&m| apart[[m, i]]).fold(f64::INFINITY, f64::min);
        (0..apart.nrows()).map(nearest).sum()
    };
    let mut best = f64::INFINITY;
    for place in 0..medoids.len() {
        for row in (0..apart.nrows()).filter(|row| !medoids.contains(row)) {
            let mut exchanged = medoids.to_vec();
            exchanged[place] = row;
            best = best.min(loss(&exchanged));
        }
    }
    (loss(medoids), best)
}

#[test]
fn medoids_of_equal_rows_are_found_at_once() {
    let data = Array2::from_shape_fn((300, 2), |(i, t)| ((i % 15) * (7 + 6 * t) % 31) as f64 / 10.0);
    let model = KMedoids::new(15).fit(&data).unwrap();
    assert_eq!((model.loss(), model.stop_reason()), (0.0, StopReason::Converged));
    assert!(model.n_iter() <= 2);
}

#[test]
fn medoids_are_the_best_beside_a_far_row() {
    for (far, seed) in
        [1e3, 1e12, 1e14, 1e16].into_iter().flat_map(|far| (0..15).map(move |seed| (far, seed)))
    {
        let mut rng = SeededRng::new(seed);
        let data = Array2::from_shape_fn((40, 2), |(i, _)| if i == 39 { far } else { rng.uniform() });
        let model = KMedoids::new(2 + seed as usize % 2).seed(seed).fit(&data).unwrap();
        assert_eq!(model.stop_reason(), StopReason::Converged, "{far:e}, seed {seed}");
        assert!(model.history().windows(2).all(|two| two[1].loss <= two[0].loss), "{far:e}, seed {seed}");
        let apart = Array2::from_shape_fn((40, 40), |(i, j)| {
            (&data.row(i) - &data.row(j)).mapv(|x| x * x).sum().sqrt()
        });
        let (loss, best) = losses(&apart, model.medoids());
        assert!(best >= loss * (1.0 - 1e-9), "{far:e}, seed {seed}: {best} after {loss}");
    }
}

#[test]
fn dissimilarities_whose_sum_is_infinite_are_an_error() {
    let matrix = Array2::from_shape_fn((4, 4), |(i, j)| if i == j { 0.0 } else { 1e308 });
    assert!(matches!(
        KMedoids::new(2).fit_matrix(&matrix),
        Err(Error::Dissimilarity { row: 0, column: 1, .. })
    ));
}

#[test]
fn scores_see_which_means_are_equal() {
    // Both means are 5/3.
    let data = array![[0.0], [2.0], [0.0], [1.0], [3.0], [4.0]];
    assert_eq!(davies_bouldin(&data, &array![1, 1, 0, 0, 1, 0]).unwrap(), 0.0);
    // Every row is its cluster's mean, which sums of 53 bits miss.
    for x in [7.0, 0.7, 1.1, 5.9] {
        let (data, labels) = (array![[x], [x], [0.3], [0.3], [x]], array![0, 0, 1, 1, 0]);
        assert_eq!(calinski_harabasz(&data, &labels).unwrap(), 1.0);
        assert_eq!(davies_bouldin(&data, &labels).unwrap(), 0.0);
    }
}

#[test]
fn every_run_has_an_iteration() {
    for data in [array![[9.5], [0.1], [9.5], [0.1]], array![[0.1], [0.7], [5.3], [9.1], [0.7], [5.3]]] {
        for k in 2..4 {
            let model = FuzzyCMeans::new(k).fit(&data).unwrap();
            assert_eq!(model.history().last().unwrap().objective, model.objective());
        }
    }
    for seed in 0..1000 {
        let mut rng = SeededRng::new(seed);
        let n = 4 + rng.below(6);
        let data = Array2::from_shape_fn((n, 6), |_| rng.below(21) as f64 / 10.0);
        let model = KMedians::new(n / 2).fit(&data).unwrap();
        assert_eq!(model.history().last().unwrap().loss, model.loss(), "seed {seed}");
    }
}

#[test]
fn views_larger_than_memory_are_errors_of_every_door() {
    let one = array![[0.0]];
    // More than any address can name, however much memory a system lends.
    for n in [1 << 24, 1 << 31] {
        let square = one.broadcast((n, n)).unwrap();
        let too_big = Error::TooBig { rows: n, columns: n, k: 3 };
        assert_eq!(KMedoids::new(3).fit_matrix(&square).unwrap_err(), too_big);
        let few = one.broadcast((2, n << 22)).unwrap();
        let too_big = Error::TooBig { rows: 2, columns: n << 22, k: 2 };
        assert_eq!(KMeansModel::from_centroids(&few).unwrap_err(), too_big);
    }
}

#[test]
fn directions_that_no_cosine_tells_apart_are_the_same() {
    let model = SphericalKMeans::new(1).fit(&array![[1.0, 0.0], [1.0, 1e-200], [2.0, 1e-130]]).unwrap();
    assert_eq!((model.centroids(), model.inertia()), (&array![[1.0, 0.0]], 0.0));
}

#[test]
fn initialisers_and_metrics_called_by_others_do_not_panic() {
    let inits: [(&str, &dyn Init<f64>); 3] = [
        ("random", &Random),
        ("k-means++", &KMeansPlusPlus::default()),
        ("k-means||", &KMeansParallel::default()),
    ];
    for (name, init) in inits {
        let call = |rows: usize, columns: usize, k: usize| {
            init.centroids(Array2::zeros((rows, columns)).view(), None, k, &mut SeededRng::new(1))
        };
        assert_eq!(call(3, 2, 0).err(), Some(Error::ZeroClusters), "{name}");
        assert_eq!(call(3, 0, 2).err(), Some(Error::NoColumns), "{name}");
        assert_eq!(call(0, 2, 2).err(), Some(Error::NoRows), "{name}");
    }
    let metrics =
        [Metric::Euclidean, Metric::SquaredEuclidean, Metric::Manhattan, Metric::Chebyshev, Metric::Cosine];
    for metric in metrics {
        let between = |a: &[f64], b: &[f64]| metric.between(a.into(), b.into());
        assert!(between(&[], &[]).is_nan() && between(&[1.0], &[1.0, 2.0]).is_nan());
        assert!(between(&[1.0, 2.0], &[1.0]).is_nan() && between(&[3.0], &[3.0]) == 0.0);
    }
}

#[test]
fn surplus_centroids_are_rows_that_count() {
    let rows = |values: &[f64]| Array2::from_shape_fn((values.len(), 5), |(i, _)| values[i]);
    for seed in 0..30 {
        let fuzzy = FuzzyCMeans::new(3).seed(seed);
        let with = fuzzy.fit_weighted(&rows(&[0.0, 0.0, 50.0, 1.0]), &array![1.0, 1.0, 0.0, 1.0]).unwrap();
        let without = fuzzy.fit_weighted(&rows(&[0.0, 0.0, 1.0]), &array![1.0, 1.0, 1.0]).unwrap();
        assert_eq!(with.centroids(), without.centroids(), "seed {seed}");
    }
    let init = KMeansParallel::default();
    let weights = array![1.0, 1.0, 0.0, 1.0];
    for seed in 0..30 {
        let data = rows(&[0.0, 0.0, 50.0, 1.0]);
        let chosen = init.centroids(data.view(), Some(weights.view()), 3, &mut SeededRng::new(seed)).unwrap();
        assert!(chosen.iter().all(|&x| x < 50.0), "seed {seed}");
    }
}

#[test]
fn the_unit_of_weights_does_not_matter_to_a_tree() {
    let data = array![[0.0], [1e-80], [2e-80], [9e-80]];
    let alike = BisectingKMeans::new(3).fit(&data).unwrap();
    for weight in [1.0, 1e-163, 1e-170, 1e300] {
        let model = BisectingKMeans::new(3).fit_weighted(&data, &Array1::from_elem(4, weight)).unwrap();
        assert_eq!((model.n_clusters(), model.labels()), (3, alike.labels()), "weight {weight:e}");
    }
}

#[test]
fn a_sample_does_not_hide_dissimilarities_whose_sum_is_infinite() {
    let line = Array2::from_shape_fn((12, 1), |(i, _)| i as f64);
    let far = |a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>| match () {
        () if a == b => 0.0,
        () if a[0] > 9.0 || b[0] > 9.0 => 1.7e308,
        () => 1.0,
    };
    for seed in 0..8 {
        let found = KMedoids::new(2).seed(seed).metric(far).sampled(1, 4).fit(&line);
        assert!(matches!(found, Err(Error::Dissimilarity { value: 1.7e308, .. })), "seed {seed}: {found:?}");
    }
}

#[test]
fn a_verdict_names_no_criteria_that_were_not_asked_for() {
    let line = Array2::from_shape_fn((12, 1), |(i, _)| i as f64);
    let sweep =
        SweepSettings::new().criteria(&[Criterion::Bic]).sweep(&KMeans::new(1), 1..=3, &line).unwrap();
    assert_eq!(sweep.verdict(), "All criteria choose k = 1. Perhaps there are no clusters.");
}

#[test]
fn centroids_whose_distances_vanish_when_squared_are_ties() {
    let mut rng = SeededRng::new(2);
    for _ in 0..500 {
        let scale = 10f64.powf(-140.0 - 184.0 * rng.uniform());
        let far = if rng.below(2) == 0 { 1.0 } else { 10f64.powf(170.0 * rng.uniform()) };
        let (k, d) = (2 + rng.below(6), 1 + rng.below(20));
        let centroids = Array2::from_shape_fn((k, d), |_| rng.uniform() * scale);
        let rows = Array2::from_shape_fn((20, d), |_| rng.uniform() * scale * far);
        let model = KMeansModel::from_centroids(&centroids).unwrap();
        let one: Vec<usize> = rows.rows().into_iter().map(|row| model.predict_one(&row).unwrap()).collect();
        let predictor = model.predictor();
        let row = |i: usize| rows.row(i).to_vec();
        let single: Vec<usize> = (0..20).map(|i| predictor.predict_one(&row(i)).unwrap()).collect();
        assert_eq!((model.predict(&rows).unwrap().to_vec(), single), (one.clone(), one), "{scale:e} {far:e}");
    }
}
