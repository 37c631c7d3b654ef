//! Every step against the plain one, to the bit, through whole runs on hard data.

use crate::kernel::tests::levels;
use crate::{Algorithm, EmptyCluster, KMeans, Refine, SeededRng};
use ndarray::{Array1, Array2};

const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::Auto, Algorithm::Lloyd, Algorithm::Hamerly, Algorithm::Filtering];

/// Data that makes bounds fail: ties, duplicates, lines, offsets, outliers, one column.
fn hard(kind: usize, n: usize, d: usize, rng: &mut SeededRng) -> Array2<f64> {
    let centres: Vec<f64> = (0..20 * d).map(|_| rng.uniform() * 100.0).collect();
    Array2::from_shape_fn((n, d), |(i, t)| match kind {
        0 => rng.uniform(),
        1 => rng.below(4) as f64,
        2 => 1e6 + rng.below(50) as f64,
        3 => centres[(i % 20) * d + t] + rng.uniform() * 10.0,
        4 => i as f64,
        _ => (if rng.below(60) == 0 { 1e9 } else { 1.0 }) * (rng.uniform() - 0.5),
    })
}

fn same_bits<F: crate::Float>() {
    let mut rng = SeededRng::new(3);
    for round in 0..150 {
        let (kind, d) = (round % 6, [1, 2, 3, 5, 9, 20, 40][round % 7]);
        // Now and then enough rows for several groups of tiles.
        let n = if d <= 5 && round % 8 == 0 { 3000 + rng.below(3000) } else { 50 + rng.below(700) };
        let k = [1, 2, 8, 30, 90][round % 5].min(n);
        let data = hard(kind, n, d, &mut rng).mapv(|x| <F as num_traits::NumCast>::from(x).unwrap());
        let weights = Array1::from_shape_fn(n, |_| <F as num_traits::NumCast>::from(rng.below(3)).unwrap());
        let weighted = round % 3 == 0 && weights.iter().filter(|&&w| w > F::zero()).count() >= k;
        // Starts of which some coincide, so that clusters empty and are repaired at once, and some lie far out, so that they empty later.
        let mut start = Array2::from_shape_fn((k, d), |(j, t)| data[[(j * 7) % n, t]]);
        if round % 4 == 1 {
            start.row_mut(k - 1).fill(<F as num_traits::NumCast>::from(1e7).unwrap());
        }
        for policy in [EmptyCluster::Relocate, EmptyCluster::Resample, EmptyCluster::Drop] {
            let fit = |algorithm, level| {
                let kmeans =
                    KMeans::new(k).init(start.clone()).tolerance(0.0).max_iter(60).empty_cluster(policy);
                let kmeans = kmeans.algorithm(algorithm).at_level(level);
                if weighted { kmeans.fit_weighted(&data, &weights) } else { kmeans.fit(&data) }.unwrap()
            };
            let plain = fit(Algorithm::Lloyd, levels()[0]);
            for level in levels() {
                for algorithm in ALGORITHMS {
                    let model = fit(algorithm, level);
                    assert!(model == plain, "{algorithm:?} at {level:?} differs: round {round}, {policy:?}");
                }
            }
        }
    }
}

#[test]
fn every_algorithm_and_level_gives_the_same_bits_f32() {
    same_bits::<f32>();
}

fn spread_unevenly<F: crate::Float>() {
    // Rows spread along few directions, so that the others are ruled out in them; some are equal, some lie between two starts.
    let mut rng = SeededRng::new(4);
    let (n, d, k) = (2500, 70, 120);
    let axes: Vec<f64> = (0..12 * d).map(|_| rng.uniform() - 0.5).collect();
    for offset in [0.0, 1e3] {
        let mut data = Array2::zeros((n, d));
        for mut row in data.rows_mut() {
            let along: Vec<f64> =
                (0..12).map(|a| (rng.uniform() - 0.5) * 20.0 / (1.0 + f64::from(a))).collect();
            for (t, x) in row.iter_mut().enumerate() {
                *x = offset + (0..12).map(|a| along[a] * axes[a * d + t]).sum::<f64>() + rng.uniform() * 0.1;
            }
        }
        for i in 0..200 {
            let copy = data.row(i * 7).to_owned();
            data.row_mut(n - 1 - i).assign(&copy);
        }
        let data = data.mapv(|x| <F as num_traits::NumCast>::from(x).unwrap());
        let mut start = data.slice(ndarray::s![..k, ..]).to_owned();
        start.row_mut(5).assign(&data.row(3));
        start.row_mut(6).fill(<F as num_traits::NumCast>::from(1e6).unwrap());
        let fit = |algorithm, level| {
            let kmeans = KMeans::new(k).init(start.clone()).tolerance(0.0).max_iter(40);
            kmeans.algorithm(algorithm).at_level(level).fit(&data).unwrap()
        };
        let plain = fit(Algorithm::Lloyd, levels()[0]);
        for level in levels() {
            for algorithm in [Algorithm::Lloyd, Algorithm::Hamerly] {
                assert!(fit(algorithm, level) == plain, "{algorithm:?}, {level:?}, offset {offset}");
            }
        }
    }
}

#[test]
fn rows_spread_unevenly_give_the_same_bits_f32() {
    spread_unevenly::<f32>();
}

#[test]
fn rows_spread_unevenly_give_the_same_bits_f64() {
    spread_unevenly::<f64>();
}

#[test]
fn bounds_do_not_survive_a_relocation() {
    // A far start empties at once and is moved to the farthest row. Bounds that remembered the labels from before the move would keep rows with
    // their old centroid.
    let mut rng = SeededRng::new(9);
    let data = hard(3, 3000, 2, &mut rng);
    let mut start = Array2::from_elem((30, 2), 1e6);
    start.slice_mut(ndarray::s![..3, ..]).assign(&data.slice(ndarray::s![..3, ..]));
    let fit = |algorithm| {
        KMeans::new(30).init(start.clone()).tolerance(0.0).algorithm(algorithm).fit(&data).unwrap()
    };
    let plain = fit(Algorithm::Lloyd);
    assert!(plain.history()[0].relocated > 0 && plain.n_iter() > 3);
    for algorithm in ALGORITHMS {
        assert!(plain == fit(algorithm), "{algorithm:?}");
    }
}

#[test]
fn rows_that_take_turns_are_pruned_as_well() {
    // 39 sources in turn: every 78th row, which the sample that orders the tiles once took, is from one of them.
    let mut rng = SeededRng::new(10);
    let (n, k) = (100_000, 39);
    let data = Array2::from_shape_fn((n, 2), |(i, t)| {
        let place = if t == 0 { i % k % 6 } else { i % k / 6 };
        2.0 * place as f64 + rng.uniform()
    });
    let start = data.slice(ndarray::s![..k, ..]).to_owned();
    let model = KMeans::new(k).init(start).max_iter(3).algorithm(Algorithm::Filtering).fit(&data).unwrap();
    let evaluations = model.history()[1].distance_evaluations;
    assert!(evaluations < (n * k) as u64 / 20, "{evaluations}");
}

fn refined<F: crate::Float>() {
    let mut rng = SeededRng::new(6);
    let mut swapped = 0;
    for round in 0..42 {
        let (kind, d) = (round % 6, [1, 2, 3, 5, 9, 20, 40][round % 7]);
        let n = if d <= 5 && round % 4 == 0 { 5000 } else { 50 + rng.below(400) };
        let k = [2, 8, 30, 49][round % 4];
        let data = hard(kind, n, d, &mut rng).mapv(|x| <F as num_traits::NumCast>::from(x).unwrap());
        let fit = |algorithm, level| {
            let kmeans = KMeans::new(k).seed(round as u64).refine(Refine::default().patience(12));
            kmeans.algorithm(algorithm).at_level(level).fit(&data).unwrap()
        };
        let plain = fit(Algorithm::Lloyd, levels()[0]);
        swapped += plain.history().iter().map(|it| it.swapped).sum::<usize>();
        assert_eq!(plain.labels(), plain.predict(&data).unwrap(), "round {round}");
        for level in levels() {
            for algorithm in ALGORITHMS {
                assert!(fit(algorithm, level) == plain, "{algorithm:?} at {level:?} differs: round {round}");
            }
        }
    }
    assert!(swapped > 100, "only {swapped} swaps helped");
}

#[test]
fn refining_gives_the_same_bits_f32() {
    refined::<f32>();
}

#[test]
fn refining_gives_the_same_bits_f64() {
    refined::<f64>();
}
