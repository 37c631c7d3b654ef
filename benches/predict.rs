//! Labels of new rows: of all at once, and of one at a time.
//!
//! ```text
//! cargo bench --bench predict [-- PART OF A NAME]
//! ```

mod common;

use centroids::KMeans;
use common::SHAPES;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};

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
    }
    group.finish();
    criterion.final_summary();
}
