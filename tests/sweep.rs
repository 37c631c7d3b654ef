//! The sweep: its criteria, its choices, what it says of noise, and its rules.

mod common;

use centroids::select::{self, Criterion, Sweep, SweepSettings};
use centroids::{Error, Float, KMeans, SeededRng};
use common::{cast, uniform};
use ndarray::{Array2, array};
use rayon::ThreadPoolBuilder;
use std::ops::ControlFlow;

fn blobs<F: Float>(k: usize, d: usize, seed: u64) -> Array2<F> {
    let mut rng = SeededRng::new(seed);
    // Corners of a wide simplex, so that every two are equally far apart.
    let far =
        |j: usize, t: usize| if j > 0 && (j - 1) % d == t { 20.0 * (1 + (j - 1) / d) as f64 } else { 0.0 };
    Array2::from_shape_fn((60 * k, d), |(i, t)| {
        cast(far(i % k, t) + (0..12).map(|_| rng.uniform()).sum::<f64>() - 6.0)
    })
}

#[test]
fn every_criterion_finds_well_separated_groups() {
    for seed in 0..5 {
        for (k, d) in [(3, 2), (4, 3), (5, 5)] {
            let kmeans = KMeans::new(1).seed(seed).n_init(3);
            let sweep = select::sweep(&kmeans, 1..=8, &blobs::<f64>(k, d, seed)).unwrap();
            for criterion in Criterion::ALL {
                assert_eq!(sweep.choice(criterion), Some(k), "{criterion}, seed {seed}\n{sweep}");
            }
            assert_eq!(sweep.verdict(), format!("All criteria choose k = {k}."));
        }
    }
}

#[test]
fn noise_has_no_knee_and_the_criteria_that_can_say_so_choose_one() {
    // A chance cluster in a sample is no error: the gap's rule allows for one standard error only.
    // In one or two columns the likelihood of even rows gains about n ln k and loses as much, so BIC is not sure there.
    for (d, gap_least, bic_least, said_least) in [(1, 8, 3, 9), (2, 7, 8, 9), (5, 9, 10, 10)] {
        let (mut gap, mut bic, mut said) = (0, 0, 0);
        for seed in 0..10 {
            let kmeans = KMeans::new(1).seed(seed).n_init(3);
            let sweep = select::sweep(&kmeans, 1..=8, &uniform::<f64>(300, d, seed)).unwrap();
            assert_eq!(sweep.choice(Criterion::Knee), None, "{sweep}");
            gap += usize::from(sweep.choice(Criterion::Gap) == Some(1));
            bic += usize::from(sweep.choice(Criterion::Bic) == Some(1));
            said += usize::from(sweep.verdict().contains("Perhaps there are no clusters"));
            for criterion in [Criterion::Silhouette, Criterion::CalinskiHarabasz, Criterion::DaviesBouldin] {
                assert!(sweep.choice(criterion) > Some(1));
            }
        }
        assert!(gap >= gap_least && bic >= bic_least && said >= said_least, "{d}: {gap} {bic} {said}");
    }
}

#[test]
fn values_are_those_of_the_free_functions_of_the_models_kept() {
    let data: Array2<f32> = blobs(3, 4, 1);
    let kmeans = KMeans::new(1).seed(3);
    let sweep = SweepSettings::new().warm_start(false).sweep(&kmeans, [5, 2, 7], &data).unwrap();
    for (point, k) in sweep.points().iter().zip([2, 5, 7]) {
        assert_eq!(point.k, k);
        assert_eq!(point.model, kmeans.clone().with_k(k).fit(&data).unwrap());
        let labels = point.model.labels();
        let value = |criterion| point.value(criterion).unwrap();
        assert_eq!(value(Criterion::Silhouette), select::silhouette(&data, labels).unwrap());
        assert_eq!(value(Criterion::CalinskiHarabasz), select::calinski_harabasz(&data, labels).unwrap());
        assert_eq!(value(Criterion::DaviesBouldin), select::davies_bouldin(&data, labels).unwrap());
        let simplified = select::simplified_silhouette(&data, point.model.centroids()).unwrap();
        assert_eq!(value(Criterion::SimplifiedSilhouette), simplified);
        assert_eq!(value(Criterion::Knee), point.model.inertia());
        assert_eq!(point.silhouette_error, Some(0.0));
    }
    let elbow = select::elbow(&kmeans, 1..=7, &data).unwrap();
    let sweep = SweepSettings::new().criteria(&[Criterion::Knee]).sweep(&kmeans, 1..=7, &data).unwrap();
    assert_eq!(sweep.choice(Criterion::Knee), elbow.knee());
    assert_eq!(sweep.criteria(), [Criterion::Knee]);
}

#[test]
fn bic_and_gap_are_those_of_their_formulas() {
    let data = array![[0.0], [2.0], [10.0], [12.0], [14.0]];
    let start = array![[1.0], [12.0]];
    let kmeans = KMeans::new(2).init(start);
    let sweep = SweepSettings::new().references(3).sweep(&kmeans, [2], &data).unwrap();
    // Inertia 2 + 8, n - k = 3.
    let variance: f64 = 10.0 / 3.0;
    let density = |x: f64, mean: f64, share: f64| {
        (share / (2.0 * std::f64::consts::PI * variance).sqrt()).ln() - (x - mean).powi(2) / (2.0 * variance)
    };
    let likelihood: f64 =
        [(0.0, 1.0, 0.4), (2.0, 1.0, 0.4), (10.0, 12.0, 0.6), (12.0, 12.0, 0.6), (14.0, 12.0, 0.6)]
            .map(|(x, mean, share)| density(x, mean, share))
            .iter()
            .sum();
    // One variance, two means, and one free share.
    let expected = likelihood - 4.0 / 2.0 * 5f64.ln();
    let point = &sweep.points()[0];
    assert!((point.value(Criterion::Bic).unwrap() - expected).abs() < 1e-12);
    // The references of seed 0, drawn by hand.
    let logs: Vec<f64> = (0..3)
        .map(|b| {
            let mut rng = SeededRng::stream(0, u64::MAX - 1 - b);
            let rows = Array2::from_shape_simple_fn((5, 1), || rng.uniform() * 14.0);
            kmeans.fit(&rows).unwrap().inertia().ln()
        })
        .collect();
    let mean = logs.iter().sum::<f64>() / 3.0;
    let deviation = (logs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 3.0).sqrt();
    assert!((point.value(Criterion::Gap).unwrap() - (mean - 10f64.ln())).abs() < 1e-12);
    assert!((point.gap_error.unwrap() - deviation * (4.0f64 / 3.0).sqrt()).abs() < 1e-12);
}

#[test]
fn threads_change_no_bit_and_many_rows_are_sampled() {
    let data: Array2<f32> = blobs(4, 3, 2);
    let settings = SweepSettings::new().silhouette_rows(100).references(4);
    let on = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| settings.sweep(&KMeans::new(1).n_init(2), 1..=6, &data).unwrap())
    };
    let one = on(1);
    assert!(one.points()[2].silhouette_error > Some(0.0));
    for threads in [2, 5] {
        assert_eq!(one.points(), on(threads).points());
    }
}

#[test]
fn an_observer_ends_it_and_keeps_what_was_computed() {
    let data: Array2<f64> = blobs(3, 2, 1);
    let mut seen = Vec::new();
    let watch = |seen: &mut Vec<usize>, last: usize| -> Sweep<f64> {
        let observer = |point: &select::SweepPoint<f64>| {
            seen.push(point.k);
            if point.k == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        SweepSettings::new().references(2).sweep_with(&KMeans::new(1), 1..=9, &data, observer).unwrap()
    };
    let part = watch(&mut seen, 4);
    assert_eq!(seen, [1, 2, 3, 4]);
    assert!(!part.is_complete() && part.verdict().starts_with("The sweep was ended early."));
    let whole = watch(&mut seen, 99);
    assert!(whole.is_complete());
    assert_eq!(whole.points()[..4], *part.points());
}

#[test]
fn bad_sweeps_are_errors_and_degenerate_data_has_no_values() {
    let data: Array2<f64> = uniform(5, 1, 1);
    let kmeans = KMeans::new(1);
    assert_eq!(select::sweep(&kmeans, [], &data).unwrap_err(), Error::EmptySweep);
    assert_eq!(select::sweep(&kmeans, [2, 1, 2], &data).unwrap_err(), Error::RepeatedClusters { k: 2 });
    assert_eq!(select::sweep(&kmeans, 0..3, &data).unwrap_err(), Error::ZeroClusters);
    assert_eq!(select::sweep(&kmeans, 1..=6, &data).unwrap_err(), Error::TooManyClusters { k: 6, rows: 5 });
    let error = SweepSettings::new().silhouette_rows(1).sweep(&kmeans, 1..=2, &data).unwrap_err();
    assert_eq!(error, Error::SmallSample { rows: 1, least: 2 });

    // As many clusters as rows: no inertia is left, and no pair of rows is together.
    let sweep = select::sweep(&kmeans, 1..=5, &data).unwrap();
    for criterion in [
        Criterion::Bic,
        Criterion::Gap,
        Criterion::Silhouette,
        Criterion::CalinskiHarabasz,
        Criterion::DaviesBouldin,
    ] {
        assert_eq!(sweep.points()[4].value(criterion), None, "{criterion}");
    }
    // All rows equal: nothing to choose, and nothing that is not a number.
    let same = select::sweep(&kmeans, 1..=4, &Array2::from_elem((9, 2), 0.1)).unwrap();
    for sweep in [&sweep, &same] {
        let values = Criterion::ALL.iter().flat_map(|&criterion| sweep.values(criterion));
        assert!(values.filter_map(|(_, value)| value).all(f64::is_finite), "{sweep}");
    }
    for criterion in [Criterion::Knee, Criterion::Bic, Criterion::Gap] {
        assert_eq!(same.choice(criterion), None);
    }
    // A constant column beside one with groups, and a sweep of one k.
    let constant = array![[0.0, 5.0], [1.0, 5.0], [50.0, 5.0], [51.0, 5.0], [0.5, 5.0], [50.5, 5.0]];
    let sweep = select::sweep(&kmeans, 1..=4, &constant).unwrap();
    assert_eq!(sweep.choice(Criterion::Silhouette), Some(2));
    let alone = select::sweep(&kmeans, [2], &constant).unwrap();
    assert_eq!((alone.choice(Criterion::Knee), alone.choice(Criterion::Gap)), (None, None));
    assert!(alone.verdict().contains("No choice by knee and gap."), "{alone}");
}

#[test]
fn warm_starts_make_the_curve_fall() {
    let settings = SweepSettings::new().criteria(&[Criterion::Knee, Criterion::CalinskiHarabasz]);
    let (mut rises, mut warmed) = (0, 0);
    for seed in 0..10 {
        let mut rng = SeededRng::new(seed);
        let data = Array2::from_shape_fn((200, 2), |_| rng.uniform());
        let kmeans = KMeans::new(1).seed(seed).init(centroids::Random);
        let ks = (1..=15).chain([20, 30]);
        let cold = settings.clone().warm_start(false).sweep(&kmeans, ks.clone(), &data).unwrap();
        let warm = settings.sweep(&kmeans, ks, &data).unwrap();
        let rising = |sweep: &Sweep<f64>| {
            let pairs = sweep.points().windows(2);
            pairs.filter(|pair| pair[1].model.inertia() > pair[0].model.inertia()).count()
        };
        rises += rising(&cold);
        assert_eq!(rising(&warm), 0, "seed {seed}");
        for (cold, warm) in cold.points().iter().zip(warm.points()) {
            assert!(cold.model == kmeans.clone().with_k(cold.k).fit(&data).unwrap());
            assert!(warm.model.inertia() <= cold.model.inertia());
            warmed += usize::from(warm.model != cold.model);
        }
    }
    assert!(rises > 0 && warmed > 20, "{rises} rises without, {warmed} models from warm starts");
    // With fewer distinct rows than clusters there is nothing to add.
    let few = Array2::from_shape_fn((12, 1), |(i, _)| (i % 3) as f64);
    let sweep = settings.sweep(&KMeans::new(1), 1..=5, &few).unwrap();
    assert_eq!(sweep.points()[4].model.n_clusters(), 3);
}
