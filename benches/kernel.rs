//! One full assignment (every row labelled with its nearest of k centroids) beside the machine's peak of fused multiply-adds.
//!
//! ```text
//! RAYON_NUM_THREADS=1 cargo bench --bench kernel
//! ```
//!
//! First a table: for each shape the assignment and a loop of nothing but fused multiply-adds are timed in turn, and the best of each
//! is kept, so a noisy machine harms both alike. Where bytes are multiplied in place of floats, more than the peak of floats is reached. Few columns are given as nanoseconds per row-centroid pair, for there the
//! comparisons and not the multiplications bound. Then the same shapes as criterion benchmarks.

use centroids::{Float, KMeans, KMeansModel, SeededRng};
use common::{multiply_adds, seconds};
use criterion::{BenchmarkId, Criterion, Throughput};
use fearless_simd::{Level, SimdFloatElement};
use ndarray::{Array2, s};

fn data<F: Float>(n: usize, d: usize) -> Array2<F> {
    let mut rng = SeededRng::new(1);
    Array2::from_shape_fn((n, d), |_| F::from(rng.uniform()).expect("a float"))
}

fn model<F: Float>(data: &Array2<F>, k: usize) -> KMeansModel<F> {
    let start = data.slice(s![..k, ..]).to_owned();
    KMeans::new(k).init(start).max_iter(1).fit(&data.slice(s![..k.max(100), ..])).expect("k rows at least")
}

const SHAPES: [(usize, usize); 19] = [
    (2, 16),
    (2, 50),
    (2, 1000),
    (3, 16),
    (3, 256),
    (4, 64),
    (4, 1000),
    (8, 100),
    (12, 100),
    (16, 100),
    (16, 1000),
    (32, 256),
    (64, 128),
    (64, 256),
    (128, 256),
    (384, 128),
    (384, 1024),
    (768, 512),
    (1536, 1024),
];

fn rows(d: usize, k: usize) -> usize {
    (400_000_000 / (d.max(4) * k)).clamp(2_000, 100_000)
}

fn table<F: Float + SimdFloatElement>(name: &str) {
    println!("\n{name}: d, k, n | ns per pair | GFLOP/s | % of the peak of one core");
    for (d, k) in SHAPES {
        let n = rows(d, k);
        let data = data::<F>(n, d);
        let model = model(&data, k);
        // Labels go where labels were before, or the time would be that of fresh memory.
        let mut labels = vec![0; n];
        let mut assign = || model.predict_into(&data, &mut labels).expect("finite");
        let (mut best, mut peak) = (f64::INFINITY, 0.0f64);
        for _ in 0..7 {
            let (time, operations) = seconds(|| multiply_adds::<F>(2_000_000));
            peak = peak.max(operations / time);
            best = best.min(seconds(&mut assign).0);
        }
        let pairs = (n * k) as f64;
        let speed = 2.0 * pairs * d as f64 / best;
        println!(
            "{d:5} {k:5} {n:8} | {:6.3} | {:6.1} | {:5.1} % of {:.1}",
            best / pairs * 1e9,
            speed / 1e9,
            100.0 * speed / peak,
            peak / 1e9
        );
    }
}

fn criterion(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("assignment f32");
    for (d, k) in SHAPES {
        let data = data::<f32>(rows(d, k), d);
        let model = model(&data, k);
        group.throughput(Throughput::Elements((data.nrows() * k) as u64));
        group.bench_with_input(BenchmarkId::from_parameter(format!("d{d}_k{k}")), &data, |bencher, data| {
            let mut labels = vec![0; data.nrows()];
            bencher.iter(|| model.predict_into(data, &mut labels));
        });
    }
    group.finish();
}

fn main() {
    println!("{:?}, {} threads", Level::new(), rayon::current_num_threads());
    table::<f32>("f32");
    table::<f64>("f64");
    let mut harness = Criterion::default().configure_from_args().sample_size(10);
    criterion(&mut harness);
    harness.final_summary();
}
