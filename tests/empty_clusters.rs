//! Clusters that lose their rows, data with fewer distinct rows than clusters, and the one state after every reason to stop.

mod common;

use centroids::{
    EmptyCluster, Error, Float, Iteration, KMeans, KMeansModel, Random, SphericalKMeans, StopReason,
    Tolerance,
};
use common::{cast, groups, labels, whole};
use ndarray::{Array1, Array2, array, concatenate, s};
use std::ops::ControlFlow;

fn one_state<F: Float>(model: &KMeansModel<F>, data: &Array2<F>) {
    assert_eq!(model.labels(), labels(data, model.centroids()));
    assert_eq!(model.predict(data).unwrap(), model.labels());
    assert_eq!(model.score(data).unwrap().to_bits(), (-model.inertia()).to_bits());
    assert_eq!(model.cluster_sizes().iter().sum::<usize>(), data.nrows());
    assert_eq!(model.history().len(), model.n_iter());
}

/// Real rows and centroids so far off that they get no rows.
fn with_far_starts(k: usize) -> (Array2<f64>, Array2<f64>) {
    let data: Array2<f64> = groups(200, 2, 9, 3);
    let mut start = data.slice(s![..k, ..]).to_owned();
    start.slice_mut(s![2.., ..]).fill(1e3);
    (data, start)
}

#[test]
fn each_policy_does_what_it_says() {
    let (data, start) = with_far_starts(9);
    let kmeans = KMeans::new(9).init(start).tolerance(0.0);
    let fit = |policy| kmeans.clone().empty_cluster(policy).fit(&data);

    let relocated = fit(EmptyCluster::Relocate).unwrap();
    assert_eq!((relocated.n_clusters(), relocated.history()[0].relocated), (9, 7));
    one_state(&relocated, &data);

    let resampled = fit(EmptyCluster::Resample).unwrap();
    assert_eq!((resampled.n_clusters(), resampled.history()[0].relocated), (9, 7));
    assert_ne!(resampled.centroids(), relocated.centroids());
    one_state(&resampled, &data);

    let dropped = fit(EmptyCluster::Drop).unwrap();
    assert_eq!((dropped.n_clusters(), dropped.history()[0].dropped), (2, 7));
    one_state(&dropped, &data);

    assert_eq!(fit(EmptyCluster::Fail).unwrap_err(), Error::EmptyCluster { cluster: 2, iteration: 1 });
    assert!(relocated.cluster_sizes().iter().all(|&size| size > 0));
}

#[test]
fn relocation_takes_the_farthest_distinct_rows() {
    let data = array![[0.0], [1.0], [2.0], [50.0], [50.0], [40.0]];
    let model = KMeans::new(3).init(array![[1.0], [1e6], [1e6]]).max_iter(1).fit(&data).unwrap();
    // The two rows at 50 move together; the next farthest is 40.
    assert_eq!(model.centroids(), &array![[1.0], [50.0], [40.0]]);
    one_state(&model, &data);
}

#[test]
fn fewer_distinct_rows_than_clusters_give_fewer_clusters() {
    let distinct = array![[0.0, 1.0], [4.0, 4.0], [9.0, 0.0]];
    let data = concatenate![ndarray::Axis(0), distinct, distinct, distinct];
    for seed in 0..20 {
        for policy in [EmptyCluster::Relocate, EmptyCluster::Resample, EmptyCluster::Drop] {
            let plain = KMeans::new(6).seed(seed).empty_cluster(policy);
            for kmeans in [
                plain.clone(),
                plain.clone().init(Random),
                plain.init(array![[0.1, 0.2], [5.0, 5.0], [1.0, 1.0], [9.0, 9.0], [2.0, 2.0], [3.0, 0.0]]),
            ] {
                let model = kmeans.fit(&data).unwrap();
                assert!(model.n_clusters() <= 3);
                assert!(model.n_iter() < 20);
                one_state(&model, &data);
            }
            let seeded = KMeans::new(6).seed(seed).empty_cluster(policy).fit(&data).unwrap();
            assert_eq!((seeded.n_clusters(), seeded.inertia()), (3, 0.0));
        }
    }
    let same = Array2::from_elem((8, 2), 7.0f32);
    let model = KMeans::new(5).fit(&same).unwrap();
    assert_eq!((model.n_clusters(), model.inertia()), (1, 0.0));
    let failed = KMeans::new(5).empty_cluster(EmptyCluster::Fail).fit(&same).unwrap_err();
    assert_eq!(failed, Error::EmptyCluster { cluster: 1, iteration: 1 });
}

#[test]
fn a_cluster_of_weightless_rows_is_empty() {
    let data = array![[0.0], [1.0], [100.0], [101.0]];
    let weights = array![1.0, 1.0, 0.0, 0.0];
    let kmeans = KMeans::new(2).init(array![[0.0], [100.0]]);
    let dropped = kmeans.clone().empty_cluster(EmptyCluster::Drop).fit_weighted(&data, &weights).unwrap();
    assert_eq!((dropped.n_clusters(), dropped.labels()), (1, &array![0, 0, 0, 0]));
    let relocated = kmeans.fit_weighted(&data, &weights).unwrap();
    assert_eq!(relocated.centroids(), &array![[0.0], [1.0]]);
    assert_eq!(relocated.predict(&data).unwrap(), relocated.labels());
}

#[test]
fn the_model_is_one_state_after_every_reason_to_stop() {
    let never = |_: &[Iteration]| false;
    for seed in 0..15 {
        let (far_data, start) = with_far_starts(12);
        for (data, k, start) in [(far_data, 12, Some(start)), (whole(150, 3, 5, 0.0, seed), 8, None)] {
            for policy in [EmptyCluster::Relocate, EmptyCluster::Resample, EmptyCluster::Drop] {
                let mut kmeans = KMeans::new(k).init(Random).seed(seed).empty_cluster(policy);
                if let Some(start) = &start {
                    kmeans = kmeans.init(start.clone());
                }
                for most in 1..6 {
                    let model = kmeans.clone().converge_when(never).max_iter(most).fit(&data).unwrap();
                    assert!(model.n_iter() <= most);
                    one_state(&model, &data);
                    let mut seen = 0;
                    let observed = kmeans.fit_with(&data, |_| {
                        seen += 1;
                        if seen == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                    });
                    one_state(&observed.unwrap(), &data);
                }
                for tolerance in [1.0, 1e-2, 0.0] {
                    let model = kmeans.clone().converge_when(Tolerance(tolerance)).fit(&data).unwrap();
                    assert_eq!(model.stop_reason(), StopReason::Converged);
                    one_state(&model, &data);
                }
            }
        }
    }
}

#[test]
fn a_criterion_that_never_holds_ends_at_a_fixed_point_or_max_iter() {
    let data: Array2<f32> = groups(3000, 2, 30, 5);
    let never = |_: &[Iteration]| false;
    let short = KMeans::new(30).init(Random).converge_when(never).max_iter(3).fit(&data).unwrap();
    assert_eq!((short.n_iter(), short.stop_reason()), (3, StopReason::MaxIterations));
    let long = KMeans::new(30).init(Random).converge_when(never).max_iter(100_000).fit(&data).unwrap();
    assert_eq!(long.stop_reason(), StopReason::Converged);
    one_state(&long, &data);
}

#[test]
fn as_many_clusters_as_rows() {
    let data: Array2<f64> = Array2::from_shape_fn((40, 2), |(i, t)| cast((i * (t + 1)) as f64));
    let model = KMeans::new(40).fit(&data).unwrap();
    assert_eq!((model.n_clusters(), model.inertia()), (40, 0.0));
    assert_eq!(model.cluster_sizes(), Array1::from_elem(40, 1).as_slice().unwrap());
    one_state(&model, &data);
}

/// Where the mean of a row given to an empty cluster is not nearer to it than where it comes from, for rounding, it would be given again and again.
#[test]
fn repairs_that_rounding_undoes_come_to_an_end() {
    let data = array![[0.1f32], [1.3], [10.7], [11.2], [f32::MAX]];
    let far = KMeans::new(3).max_iter(10_000).fit(&data).unwrap();
    assert_eq!(far.stop_reason(), StopReason::Converged);
    one_state(&far, &data);
    let kmeans = KMeans::new(6).init(Array2::from_elem((6, 1), 0.388)).max_iter(10_000);
    let data = array![[1e28], [0.388], [0.935], [0.631], [0.963], [0.965]];
    for policy in [EmptyCluster::Relocate, EmptyCluster::Resample] {
        let model = kmeans.clone().empty_cluster(policy).fit(&data).unwrap();
        assert_eq!(model.stop_reason(), StopReason::Converged);
        assert!(model.history().windows(2).all(|pair| pair[1].inertia <= pair[0].inertia));
        one_state(&model, &data);
    }
    let data = array![[0.999_999_999_999_4, 0.999_999_999_999_5], [0.999_999_999_999_9, 1.0]];
    let model = SphericalKMeans::new(2).max_iter(10_000).fit(&data).unwrap();
    assert_eq!(model.stop_reason(), StopReason::Converged);
    assert!(model.cluster_sizes().iter().all(|&size| size > 0));
}
