//! Spherical k-means: against a naive loop and another implementation, and on directions that are none.

mod common;

use centroids::{
    Algorithm, EmptyCluster, Error, Float, KMeans, KMeansPlusPlus, Random, SphericalKMeans,
    SphericalKMeansModel, StopReason,
};
use common::{bits, cast, groups, iris, labels, uniform};
use ndarray::{Array1, Array2, Axis, array, s};
use rayon::ThreadPoolBuilder;
use std::ops::ControlFlow;

fn scaled(data: &Array2<f64>) -> Array2<f64> {
    let lengths = data.map_axis(Axis(1), |row| row.dot(&row).sqrt()).insert_axis(Axis(1));
    data / &lengths
}

/// By the book: the largest cosine, then the direction of the sum.
fn naive(data: &Array2<f64>, mut centroids: Array2<f64>) -> (Array2<f64>, Vec<usize>) {
    let rows = scaled(data);
    let mut labels = vec![usize::MAX; rows.nrows()];
    loop {
        let cosines = rows.dot(&centroids.t());
        let best = |row: ndarray::ArrayView1<'_, f64>| {
            row.iter()
                .enumerate()
                .fold((0, f64::NEG_INFINITY), |best, (j, &x)| if x > best.1 { (j, x) } else { best })
                .0
        };
        let new: Vec<usize> = cosines.rows().into_iter().map(best).collect();
        if new == labels {
            return (centroids, labels);
        }
        labels = new;
        let mut sums = Array2::zeros(centroids.dim());
        for (row, &label) in rows.rows().into_iter().zip(&labels) {
            let mut sum = sums.row_mut(label);
            sum += &row;
        }
        centroids = scaled(&sums);
    }
}

#[test]
fn it_is_the_naive_loop() {
    for seed in 0..20 {
        let (d, k) = ([2, 3, 8, 40][seed as usize % 4], [2, 5, 9][seed as usize % 3]);
        let data = groups::<f64>(300, d, 7, seed) - 25.0;
        let start = scaled(&data.slice(s![..k, ..]).to_owned());
        let (centroids, labels) = naive(&data, start.clone());
        let model = SphericalKMeans::new(k).init(start).tolerance(0.0).fit(&data).unwrap();
        assert_eq!(model.labels().to_vec(), labels, "seed {seed}");
        assert!(model.centroids().iter().zip(&centroids).all(|(a, b)| (a - b).abs() < 1e-12), "seed {seed}");
        one_state(&model, &data);
    }
}

fn one_state(model: &SphericalKMeansModel<f64>, data: &Array2<f64>) {
    assert_eq!(model.predict(data).unwrap(), model.labels());
    let rows = scaled(data);
    let cosines = model.similarities(data).unwrap();
    for (i, &label) in model.labels().iter().enumerate() {
        assert!((cosines[[i, label]] - rows.row(i).dot(&model.centroids().row(label))).abs() < 1e-12);
        assert!(cosines.row(i).iter().all(|&x| x <= cosines[[i, label]] + 1e-12));
    }
    assert!(model.centroids().rows().into_iter().all(|row| (row.dot(&row) - 1.0).abs() < 1e-14));
    let last = model.history().last().unwrap().inertia;
    assert!(
        (last - model.inertia()).abs() < 1e-3 * model.inertia() + 1e-9
            || model.stop_reason() != StopReason::Converged
    );
    assert!(model.history().windows(2).all(|pair| pair[1].inertia <= pair[0].inertia));
}

#[test]
fn faiss_agrees_on_iris() {
    // See tests/data/spherical.py; its f32 centroids are good for seven digits of 1 - cos, which is small here.
    let data = iris();
    let golden = [
        (2, 0.998_150_126_852_741),
        (3, 0.998_275_819_056_545_6),
        (5, 0.999_102_167_284_204_5),
        (8, 0.999_431_848_266_359_6),
    ];
    for (k, cosine) in golden {
        let rows: Vec<usize> = (0..k).map(|i| (i * 37 + 5) % 150).collect();
        let model =
            SphericalKMeans::new(k).init(data.select(Axis(0), &rows)).tolerance(0.0).fit(&data).unwrap();
        assert!((model.mean_cosine() - cosine).abs() < 1e-6, "k {k}: {}", model.mean_cosine());
    }
}

fn same_bits<F: Float>() {
    let data: Array2<F> = groups::<F>(3_000, 20, 30, 4).mapv(|x| x - cast(25.0));
    let fit = |algorithm, threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let spherical = SphericalKMeans::new(30).seed(2).tolerance(0.0).algorithm(algorithm);
        pool.install(|| spherical.fit(&data).unwrap())
    };
    let one = fit(Algorithm::Lloyd, 1);
    for algorithm in [Algorithm::Auto, Algorithm::Hamerly] {
        for threads in [1, 2, 5] {
            assert!(fit(algorithm, threads) == one, "{algorithm:?}, {threads} threads");
        }
    }
    // Exact: the nearest centroid of the scaled row, by the reference distance.
    let unit = data.map_axis(Axis(1), |row| row.to_vec());
    let scaled = Array2::from_shape_fn(data.dim(), |(i, t)| {
        let row: Vec<f64> = unit[i].iter().map(|x| x.to_f64().unwrap()).collect();
        let largest = row.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        let length = row.iter().map(|x| x / largest).map(|x| x * x).sum::<f64>().sqrt();
        cast::<F>(row[t] / largest / length)
    });
    assert_eq!(one.labels(), labels(&scaled, one.centroids()));
}

#[test]
fn threads_and_algorithms_change_no_bit() {
    same_bits::<f32>();
    same_bits::<f64>();
}

#[test]
fn lengths_do_not_count() {
    let data: Array2<f64> = uniform(200, 5, 3);
    let factors = Array1::from_shape_fn(200, |i| 2f64.powi(i as i32 % 40 - 20)).insert_axis(Axis(1));
    let (plain, stretched) = (
        SphericalKMeans::new(6).fit(&data).unwrap(),
        SphericalKMeans::new(6).fit(&(&data * &factors)).unwrap(),
    );
    assert_eq!(bits(plain.centroids()), bits(stretched.centroids()));
    let huge = SphericalKMeans::new(6).fit(&(&data * 1e140)).unwrap();
    assert_eq!(plain.labels(), huge.labels());
    // The sphere is what makes the difference: k-means of the same rows ends elsewhere.
    assert_ne!(bits(KMeans::new(6).fit(&scaled(&data)).unwrap().centroids()), bits(plain.centroids()));
}

#[test]
fn weights_are_copies() {
    let data: Array2<f64> = uniform(60, 3, 5);
    let weights = Array1::from_shape_fn(60, |i| (i % 3) as f64 + 1.0);
    let rows: Vec<usize> = (0..60).flat_map(|i| std::iter::repeat_n(i, i % 3 + 1)).collect();
    let start = data.slice(s![..4, ..]).to_owned();
    let spherical = SphericalKMeans::new(4).init(start).tolerance(0.0);
    let weighted = spherical.fit_weighted(&data, &weights).unwrap();
    let copied = spherical.fit(&data.select(Axis(0), &rows)).unwrap();
    assert_eq!(bits(weighted.centroids()), bits(copied.centroids()));
    assert!((weighted.inertia() - copied.inertia()).abs() < 1e-12);
}

#[test]
fn opposite_rows_and_empty_clusters_are_no_trouble() {
    let opposite = array![[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]];
    let model = SphericalKMeans::new(1).fit(&opposite).unwrap();
    assert!((model.inertia() - 8.0).abs() < 1e-12 && model.centroids().iter().all(|x: &f64| x.is_finite()));
    let data: Array2<f64> = uniform(50, 3, 2);
    let start = array![[1.0, 1.0, 1.0], [2.0, 2.0, 2.0], [-1.0, 0.0, 0.0]];
    for policy in [EmptyCluster::Relocate, EmptyCluster::Resample, EmptyCluster::Drop] {
        let model = SphericalKMeans::new(3).init(start.clone()).empty_cluster(policy).fit(&data).unwrap();
        one_state(&model, &data);
        assert_eq!(model.n_clusters(), if policy == EmptyCluster::Drop { 1 } else { 3 });
    }
    let equal = SphericalKMeans::new(3).fit(&Array2::from_elem((9, 2), 4.0f32)).unwrap();
    assert!(equal.inertia() < 1e-6);
    assert_eq!(
        SphericalKMeans::new(1).fit(&array![[0.0f32, -2.0]]).unwrap().centroids(),
        &array![[0.0, -1.0]]
    );
}

#[test]
fn settings_and_stops() {
    let data: Array2<f64> = uniform(400, 4, 6);
    let spherical = SphericalKMeans::new(2).with_k(12).seed(3).init(Random);
    assert!(
        spherical.clone().n_init(5).fit(&data).unwrap().inertia() <= spherical.fit(&data).unwrap().inertia()
    );
    let one = spherical.clone().max_iter(1).fit(&data).unwrap();
    assert_eq!((one.n_iter(), one.stop_reason()), (1, StopReason::MaxIterations));
    one_state(&one, &data);
    let stopped = spherical
        .clone()
        .init(KMeansPlusPlus::default())
        .fit_with(&data, |it| if it.index == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        .unwrap();
    assert_eq!((stopped.n_iter(), stopped.stop_reason()), (2, StopReason::Observer));
    one_state(&stopped, &data);
}

#[test]
fn broken_rules_are_named() {
    let spherical = SphericalKMeans::new(2);
    let zeros = array![[1.0, 0.0], [0.0, 0.0], [2.0, 1.0]];
    assert_eq!(spherical.fit(&zeros).unwrap_err(), Error::ZeroRow { row: 1 });
    assert_eq!(
        spherical.fit(&array![[1.0], [f64::NAN]]).unwrap_err(),
        Error::NotFinite { row: 1, column: 0 }
    );
    assert_eq!(spherical.fit(&Array2::<f64>::zeros((0, 2))).unwrap_err(), Error::NoRows);
    assert_eq!(spherical.fit(&Array2::<f64>::zeros((3, 0))).unwrap_err(), Error::NoColumns);
    assert_eq!(SphericalKMeans::new(0).fit(&array![[1.0]]).unwrap_err(), Error::ZeroClusters);
    assert_eq!(
        SphericalKMeans::new(3).fit(&array![[1.0]]).unwrap_err(),
        Error::TooManyClusters { k: 3, rows: 1 }
    );
    let start = spherical.clone().init(array![[1.0, 0.0], [0.0, 0.0]]);
    assert_eq!(start.fit(&array![[1.0, 2.0], [3.0, 1.0]]).unwrap_err(), Error::ZeroRow { row: 1 });
    let model = spherical.fit(&array![[1.0, 2.0], [3.0, 1.0]]).unwrap();
    assert_eq!(model.predict(&zeros).unwrap_err(), Error::ZeroRow { row: 1 });
    assert_eq!(
        model.similarities(&array![[1.0]]).unwrap_err(),
        Error::ColumnMismatch { expected: 2, found: 1 }
    );
    assert_eq!(model.predict(&Array2::zeros((0, 2))).unwrap().len(), 0);
}
