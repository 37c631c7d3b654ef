//! Data for the tests, and the naive algorithm they are held against.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::needless_pass_by_value,
    reason = "each test file uses a part, as a module of its own"
)]

use centroids::{Float, SeededRng};
use ndarray::{Array1, Array2, ArrayView1};

/// The value as F.
pub fn cast<F: Float>(x: f64) -> F {
    F::from(x).expect("f32 and f64 take any f64")
}

pub fn uniform<F: Float>(n: usize, d: usize, seed: u64) -> Array2<F> {
    let mut rng = SeededRng::new(seed);
    Array2::from_shape_fn((n, d), |_| cast(rng.uniform()))
}

/// Small whole numbers around an offset: their sums are exact in f64, and ties and duplicates abound.
pub fn whole<F: Float>(n: usize, d: usize, values: usize, offset: f64, seed: u64) -> Array2<F> {
    let mut rng = SeededRng::new(seed);
    Array2::from_shape_fn((n, d), |_| cast(offset + rng.below(values) as f64))
}

/// Groups of rows around `groups` random centres.
pub fn groups<F: Float>(n: usize, d: usize, groups: usize, seed: u64) -> Array2<F> {
    let mut rng = SeededRng::new(seed);
    let centres: Vec<f64> = (0..groups * d).map(|_| rng.uniform() * 50.0).collect();
    Array2::from_shape_fn((n, d), |(i, t)| cast(centres[(i % groups) * d + t] + rng.uniform() * 8.0))
}

/// The reference distance of the documentation: f64, eight interleaved partial sums, joined in one order.
pub fn squared_distance<F: Float>(x: ArrayView1<'_, F>, c: ArrayView1<'_, F>) -> f64 {
    let mut part = [0.0; 8];
    for (t, (x, c)) in x.iter().zip(c).enumerate() {
        let difference = x.to_f64().unwrap() - c.to_f64().unwrap();
        part[t % 8] += difference * difference;
    }
    ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]))
}

/// The lowest index of the nearest centroid.
pub fn nearest<F: Float>(row: ArrayView1<'_, F>, centroids: &Array2<F>) -> usize {
    let mut best = (f64::INFINITY, 0);
    for (j, centroid) in centroids.rows().into_iter().enumerate() {
        let distance = squared_distance(row, centroid);
        if distance < best.0 {
            best = (distance, j);
        }
    }
    best.1
}

pub fn labels<F: Float>(data: &Array2<F>, centroids: &Array2<F>) -> Array1<usize> {
    data.rows().into_iter().map(|row| nearest(row, centroids)).collect()
}

pub fn bits<F: Float>(values: &Array2<F>) -> Vec<u64> {
    values.iter().map(|x| x.to_f64().unwrap().to_bits()).collect()
}

/// The first columns of comma-separated lines.
pub fn csv(text: &str, header: bool, columns: usize) -> Array2<f64> {
    let lines = text.lines().skip(usize::from(header));
    let values: Vec<f64> = lines
        .flat_map(|line| line.split(',').take(columns).map(|x| x.parse().unwrap()).collect::<Vec<f64>>())
        .collect();
    Array2::from_shape_vec((values.len() / columns, columns), values).unwrap()
}

/// Fisher's iris, 150 x 4.
pub fn iris() -> Array2<f64> {
    csv(include_str!("../../examples/data/iris.csv"), true, 4)
}
