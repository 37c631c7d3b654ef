//! The numbers that the project started from, and the law that the inertia never rises.

mod common;

use centroids::{EmptyCluster, Float, KMeans, Random, StopReason};
use common::{cast, groups, uniform, whole};
use ndarray::{Array1, Array2, array};

fn six_points<F: Float>() -> Array2<F> {
    array![[1.0, 1.0], [1.0, 2.0], [2.0, 1.0], [5.0, 5.0], [5.0, 6.0], [6.0, 5.0]].mapv(cast)
}

fn two_iterations<F: Float>() {
    let start: Array2<F> = array![[1.0, 1.0], [5.0, 5.0]].mapv(cast);
    let model = KMeans::new(2).init(start).fit(&six_points()).unwrap();
    assert_eq!(model.n_iter(), 2);
    assert_eq!(model.stop_reason(), StopReason::Converged);
    let (near, far) = (cast::<F>(4.0 / 3.0), cast::<F>(16.0 / 3.0));
    assert_eq!(model.centroids(), array![[near, near], [far, far]]);
    assert_eq!(model.labels(), array![0, 0, 0, 1, 1, 1]);
    assert!((model.inertia() - 8.0 / 3.0).abs() < 1e-12);
}

#[test]
fn six_points_converge_in_two_iterations() {
    two_iterations::<f32>();
    two_iterations::<f64>();
}

#[test]
fn a_start_with_both_centroids_near_a_ends_as_well_here() {
    // It may end worse in general; on these six points the far three pull one of the two over.
    for start in
        [array![[1.0, 1.0], [1.0, 2.0]], array![[1.0, 1.0], [2.0, 1.0]], array![[1.0, 2.0], [2.0, 1.0]]]
    {
        let model = KMeans::new(2).init(start).fit(&six_points::<f64>()).unwrap();
        assert!((model.inertia() - 8.0 / 3.0).abs() < 1e-12);
        assert!(model.n_iter() > 2);
    }
}

#[test]
fn a_bad_start_can_end_worse() {
    // Two near groups and a far one: with two centroids in the far group, the near ones stay together.
    let data = array![[0.0], [1.0], [4.0], [5.0], [100.0], [101.0]];
    let fit = |start| KMeans::new(3).init(start).fit(&data).unwrap().inertia();
    assert_eq!(fit(array![[0.0], [4.0], [100.0]]), 1.5);
    assert_eq!(fit(array![[2.0], [100.0], [101.0]]), 17.0);
}

fn never_rises<F: Float>() {
    for seed in 0..40 {
        for d in [1, 2, 5, 12] {
            let sets: [Array2<F>; 5] = [
                uniform(300, d, seed),
                groups(300, d, 6, seed),
                whole(300, d, 4, 0.0, seed),
                uniform::<F>(300, d, seed).mapv(|x| x * cast(100.0) + cast(1e7)),
                uniform::<F>(300, d, seed).mapv(|x| x + cast(1e4)),
            ];
            for data in sets {
                let weights = Array1::from_shape_fn(300, |i| cast::<F>(((i * 7) % 5) as f64 * 0.3));
                for policy in [EmptyCluster::Relocate, EmptyCluster::Resample, EmptyCluster::Drop] {
                    let kmeans = KMeans::new(11).init(Random).seed(seed).tolerance(0.0).empty_cluster(policy);
                    for model in [kmeans.fit(&data).unwrap(), kmeans.fit_weighted(&data, &weights).unwrap()] {
                        for pair in model.history().windows(2) {
                            assert!(pair[1].inertia <= pair[0].inertia, "{} then {}", pair[0], pair[1]);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_inertia_never_rises() {
    never_rises::<f32>();
    never_rises::<f64>();
}

#[test]
fn the_elbow_of_three_groups_is_three() {
    let data = Array2::from_shape_fn((90, 2), |(i, t)| {
        [[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]][i % 3][t] + ((i * 37 + t * 11) % 10) as f64 / 10.0
    });
    let elbow = centroids::select::elbow(&KMeans::new(1).seed(7), 1..=12, &data).unwrap();
    assert_eq!(elbow.knee(), Some(3));
}
