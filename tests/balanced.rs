//! Clusters of bounded size: optimal within the bounds, whatever the data.

use centroids::{BalancedKMeans, BalancedKMeansModel, Error, KMeans, SeededRng, Stable, StopReason};
use ndarray::{Array2, array, s};
use std::ops::RangeInclusive;

fn squared(data: &Array2<f64>, model: &BalancedKMeansModel<f64>, row: usize, cluster: usize) -> f64 {
    let difference = &data.row(row) - &model.centroids().row(cluster);
    difference.dot(&difference)
}

fn sizes(labels: impl Iterator<Item = usize>, k: usize) -> Vec<usize> {
    let mut sizes = vec![0; k];
    labels.for_each(|label| sizes[label] += 1);
    sizes
}

fn random(rng: &mut SeededRng, n: usize, d: usize) -> Array2<f64> {
    Array2::from_shape_fn((n, d), |_| rng.uniform() + rng.uniform())
}

/// The smallest sum over all labellings there are.
fn best_of_all(data: &Array2<f64>, model: &BalancedKMeansModel<f64>, allowed: &RangeInclusive<usize>) -> f64 {
    let (n, k) = (data.nrows(), model.n_clusters());
    let labelling = |code: usize| (0..n).map(move |i| code / k.pow(i as u32) % k);
    let all =
        (0..k.pow(n as u32)).filter(|&code| sizes(labelling(code), k).iter().all(|s| allowed.contains(s)));
    let sum = |code| labelling(code).enumerate().map(|(row, j)| squared(data, model, row, j)).sum::<f64>();
    all.map(sum).fold(f64::INFINITY, f64::min)
}

#[test]
fn no_other_labelling_within_the_sizes_is_better() {
    let mut rng = SeededRng::new(1);
    for trial in 0..60 {
        let (n, k, d) = (4 + rng.below(5), 2 + rng.below(2), 1 + rng.below(3));
        let mut data = random(&mut rng, n, d);
        if trial % 3 == 0 {
            data.mapv_inplace(|x| (x * 2.0).round()); // ties and duplicates
        }
        let least = 1 + rng.below(n / k);
        let most = n.div_ceil(k).max(least) + rng.below(2);
        let model = BalancedKMeans::new(k).sizes(least..=most).seed(trial).max_iter(2).fit(&data).unwrap();
        let best = best_of_all(&data, &model, &(least..=most));
        assert!(
            (model.inertia() - best).abs() <= 1e-12 * (1.0 + best),
            "{trial}: {} {best}",
            model.inertia()
        );
        assert_eq!(sizes(model.labels().iter().copied(), k), model.cluster_sizes());
    }
}

/// An assignment is the best one if no circle of moves, open ends included, lowers the sum.
fn assert_no_circle_pays(
    data: &Array2<f64>,
    model: &BalancedKMeansModel<f64>,
    allowed: &RangeInclusive<usize>,
) {
    let k = model.n_clusters();
    let mut length = Array2::from_elem((k + 1, k + 1), f64::INFINITY);
    for (row, &from) in model.labels().iter().enumerate() {
        for to in (0..k).filter(|&to| to != from) {
            let cost = squared(data, model, row, to) - squared(data, model, row, from);
            length[[from, to]] = length[[from, to]].min(cost);
        }
    }
    for (j, &size) in model.cluster_sizes().iter().enumerate() {
        assert!(allowed.contains(&size), "{size} is not in {allowed:?}");
        if size < *allowed.end() {
            length[[j, k]] = 0.0;
        }
        if size > *allowed.start() {
            length[[k, j]] = 0.0;
        }
    }
    for via in 0..=k {
        for a in 0..=k {
            for b in 0..=k {
                length[[a, b]] = length[[a, b]].min(length[[a, via]] + length[[via, b]]);
            }
        }
    }
    assert!(length.diag().iter().all(|&length| length > -1e-12), "{:?}", length.diag());
}

#[test]
fn no_circle_of_moves_pays_in_larger_data() {
    let mut rng = SeededRng::new(2);
    // Several times as many rows as a queue remembers, crowded in a corner, so that most have to be passed on.
    let data = random(&mut rng, 3000, 2).mapv(|x| x.powi(6));
    for (k, allowed) in [(7, 428..=429), (12, 200..=400), (12, 1..=260), (40, 70..=3000)] {
        let fit = BalancedKMeans::new(k).sizes(allowed.clone()).max_iter(3).seed(k as u64).fit(&data);
        assert_no_circle_pays(&data, &fit.unwrap(), &allowed);
    }
}

#[test]
fn default_sizes_are_as_equal_as_can_be() {
    let data = random(&mut SeededRng::new(3), 103, 3);
    for k in [1, 2, 5, 50, 103] {
        let model = BalancedKMeans::new(k).fit(&data).unwrap();
        assert!(model.cluster_sizes().iter().all(|&size| size == 103 / k || size == 103_usize.div_ceil(k)));
    }
}

#[test]
fn bounds_that_do_not_bind_give_k_means() {
    let data = random(&mut SeededRng::new(4), 500, 4);
    let start = data.slice(s![..6, ..]).to_owned();
    let free = KMeans::new(6).init(start.clone()).converge_when(Stable).fit(&data).unwrap();
    let model = BalancedKMeans::new(6).init(start).sizes(..).converge_when(Stable).fit(&data).unwrap();
    assert_eq!(model.labels(), free.labels());
    assert_eq!(model.centroids(), free.centroids());
    assert_eq!(model.inertia(), free.inertia());
}

#[test]
fn the_inertia_falls_and_the_model_is_one_state() {
    let data = random(&mut SeededRng::new(5), 800, 2);
    let model = BalancedKMeans::new(9).tolerance(0.0).fit(&data).unwrap();
    assert_eq!(model.stop_reason(), StopReason::Converged);
    assert!(model.history().windows(2).all(|pair| pair[1].inertia <= pair[0].inertia * (1.0 + 1e-12)));
    let direct: f64 = (0..800).map(|i| squared(&data, &model, i, model.labels()[i])).sum();
    assert!((direct - model.inertia()).abs() < 1e-9);
    let nearest = model.predict(&data).unwrap();
    assert!(
        (0..800)
            .all(|i| squared(&data, &model, i, nearest[i]) <= squared(&data, &model, i, model.labels()[i]))
    );
}

#[test]
fn threads_do_not_matter() {
    let data = random(&mut SeededRng::new(6), 4000, 5).mapv(|x| x as f32);
    let fit = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| BalancedKMeans::new(11).n_init(2).max_iter(10).fit(&data).unwrap())
    };
    let one = fit(1);
    assert_eq!(one, fit(2));
    assert_eq!(one, fit(5));
}

#[test]
fn hard_data_ends_well() {
    let same = Array2::from_elem((10, 2), 3.0f32);
    assert_eq!(BalancedKMeans::new(5).fit(&same).unwrap().cluster_sizes(), [2; 5]);
    let large = Array2::from_shape_fn((12, 1), |(i, _)| 1e30f32 * (i % 5) as f32);
    assert_eq!(BalancedKMeans::new(4).fit(&large).unwrap().cluster_sizes(), [3; 4]);
    let tiny = Array2::from_shape_fn((12, 1), |(i, _)| 1e-40f32 * (i * i) as f32);
    assert_eq!(BalancedKMeans::new(3).fit(&tiny).unwrap().cluster_sizes(), [4; 3]);
    // Rows so near to each other, seen from the farthest, that rounding makes their distances equal.
    let far = array![[0.0], [1e-12], [2e-12], [1e6], [1e6], [1e6]];
    let model = BalancedKMeans::new(2).fit(&far).unwrap();
    assert_eq!(model.labels()[0], model.labels()[2]);
    let one = array![[1.0, 2.0]];
    assert_eq!(BalancedKMeans::new(1).fit(&one).unwrap().inertia(), 0.0);
    let view = far.slice(s![..;2, ..]);
    assert_eq!(BalancedKMeans::new(3).fit(&view).unwrap().cluster_sizes(), [1, 1, 1]);
}

#[test]
fn impossible_sizes_are_errors() {
    let data = random(&mut SeededRng::new(7), 20, 2);
    let fit = |k, least, most| BalancedKMeans::new(k).sizes(least..=most).fit(&data).map(|_| ());
    let error = |least, most, k| Err(Error::ClusterSizes { least, most, k, rows: 20 });
    assert_eq!(fit(3, 7, 9), error(7, 9, 3));
    assert_eq!(fit(3, 1, 6), error(1, 6, 3));
    assert_eq!(fit(3, 0, 9), error(0, 9, 3));
    assert_eq!(fit(3, 9, 5), error(9, 5, 3));
    assert_eq!(fit(2, usize::MAX, usize::MAX), error(usize::MAX, 20, 2));
    assert_eq!(fit(0, 1, 5), Err(Error::ZeroClusters));
    assert_eq!(fit(21, 1, 5), Err(Error::TooManyClusters { k: 21, rows: 20 }));
    assert_eq!(fit(4, 5, 5), Ok(()));
    assert_eq!(BalancedKMeans::new(2).fit(&Array2::<f64>::zeros((0, 2))).map(|_| ()), Err(Error::NoRows));
    let bad = array![[0.0], [f64::NAN]];
    assert_eq!(BalancedKMeans::new(1).fit(&bad).map(|_| ()), Err(Error::NotFinite { row: 1, column: 0 }));
}

#[test]
fn a_seed_keeps_its_result() {
    let data = random(&mut SeededRng::new(8), 300, 3);
    let model = BalancedKMeans::new(7).sizes(30..=60).seed(5).fit(&data).unwrap();
    assert_eq!((model.n_iter(), model.inertia().to_bits()), (10, 4_631_948_364_179_271_443));
}
