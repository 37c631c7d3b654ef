//! Labels of new rows: of all at once, of one at a time, and of a batch of 64.
//!
//! ```text
//! cargo bench --bench predict [-- PART OF A NAME]
//! ```

use centroids::KMeans;
use common::SHAPES;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use ndarray::{Array2, Axis, s};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("predict");
    group.sample_size(10);
    for shape in SHAPES.iter().filter(|shape| shape.d != 768) {
        let rows = shape.rows();
        let model = KMeans::new(shape.k).init(shape.start(&rows)).max_iter(1).fit(&rows).expect("sound data");
        let name = format!("{} x {}, k {}", shape.n, shape.d, shape.k);
        group.throughput(Throughput::Elements((shape.n * shape.k) as u64));
        group.bench_function(BenchmarkId::new("all rows", &name), |bencher| {
            bencher.iter(|| model.predict(&rows));
        });

        let predictor = model.predictor();
        let some: Vec<Vec<f32>> =
            rows.rows().into_iter().step_by(97).take(1000).map(|row| row.to_vec()).collect();
        let mut next = 0;
        group.throughput(Throughput::Elements(shape.k as u64));
        group.bench_function(BenchmarkId::new("one row", &name), |bencher| {
            let pick = || {
                next = (next + 1) % some.len();
                next
            };
            bencher.iter_batched(pick, |row| predictor.predict_one(&some[row]), BatchSize::SmallInput);
        });
        let (batch, mut labels) = (rows.slice(s![..64, ..]), [0u32; 64]);
        group.throughput(Throughput::Elements(64 * shape.k as u64));
        group.bench_function(BenchmarkId::new("a batch", &name), |bencher| {
            bencher.iter(|| predictor.predict_into(&batch, &mut labels));
        });
    }
    // Rows that lie near those they follow, as pixels do: a slow walk through space.
    let (n, k) = (273_280, 64);
    let walk = Array2::from_shape_fn((n, 3), |(i, t)| (i as f32 * [3e-3, 5e-4, 7e-5][t]).sin());
    let start = walk.select(Axis(0), &(0..k).map(|j| j * (n / k)).collect::<Vec<_>>());
    let model = KMeans::new(k).init(start).max_iter(1).fit(&walk).expect("sound data");
    group.throughput(Throughput::Elements((n * k) as u64));
    group.bench_function(BenchmarkId::new("all rows", "a walk, 273280 x 3, k 64"), |bencher| {
        bencher.iter(|| model.predict(&walk));
    });
    group.finish();
    criterion.final_summary();
}
