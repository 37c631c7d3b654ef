//! What a fit allocates, counted.
//!
//! One test only, for the count is the process's: tests that ran beside it would be counted too.

// A global allocator cannot be written without `unsafe`; this one passes everything on and only counts.
#![allow(unsafe_code)]

use centroids::{Algorithm, Init, KMeans, KMeansPlusPlus, KMedoids, Metric, Random, Refine, SeededRng};
use ndarray::{Array2, s};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, SeqCst);
        PEAK.fetch_max(NOW.fetch_add(layout.size(), SeqCst) + layout.size(), SeqCst);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), SeqCst);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes at the peak of the work, beyond those at its start.
fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.load(SeqCst);
    PEAK.store(before, SeqCst);
    let result = work();
    (result, PEAK.load(SeqCst) - before)
}

/// A fit of few columns, whose rows are sorted into tiles.
fn sorted<F: centroids::Float + std::iter::Sum>(n: usize, d: usize, rng: &mut SeededRng) {
    let data = Array2::from_shape_fn((n, d), |_| F::from(rng.uniform()).unwrap());
    let (k, threads) = (40, rayon::current_num_threads());
    let (model, bytes) = peak(|| KMeans::new(k).max_iter(30).fit(&data).unwrap());
    let allowed = 32 * n + 64 * k * d * (threads + 1) + 500_000 * (threads + 1);
    let (algorithm, size) = (model.algorithm(), size_of::<F>());
    assert!(bytes < allowed, "{bytes} bytes, {allowed} allowed: {d} columns of {size} bytes, {algorithm:?}");
}

#[test]
fn memory_is_linear_in_the_rows_and_small() {
    let (n, d, k) = (40_000, 64, 64);
    let mut rng = SeededRng::new(1);
    let data = Array2::from_shape_fn((n, d), |_| rng.uniform() as f32);
    let threads = rayon::current_num_threads();
    // Start the threads before counting.
    KMeans::new(4).fit(&data.slice(s![..5000, ..])).unwrap();

    let kmeans = KMeans::new(k).max_iter(5);
    let (model, bytes) = peak(|| kmeans.fit(&data).unwrap());
    let allowed = 32 * n + 64 * k * d * (threads + 1) + 500_000 * (threads + 1);
    assert!(bytes < allowed, "{bytes} bytes at the peak of a fit, {allowed} allowed");
    assert!(
        bytes < n * d * 4 && bytes < n * k * 4,
        "the data was copied, or there is an n by k matrix: {bytes} bytes"
    );

    let (labels, bytes) = peak(|| model.predict(&data).unwrap());
    assert!(bytes < 8 * n + 500_000 * (threads + 1) + 16 * k * d, "{bytes} bytes to predict");
    assert_eq!(labels.len(), n);

    let row = data.row(7);
    let before = CALLS.load(SeqCst);
    let label = model.predict_one(&row).unwrap();
    assert_eq!(CALLS.load(SeqCst), before, "predict_one allocates");
    assert_eq!(label, model.labels()[7]);

    let predictor = model.predictor();
    let row = row.to_vec();
    let before = CALLS.load(SeqCst);
    let label = predictor.predict_one(&row).unwrap();
    assert_eq!(CALLS.load(SeqCst), before, "the predictor allocates");
    assert_eq!(label, model.labels()[7]);

    // Many clusters.
    let (model, bytes) = peak(|| KMeans::new(512).init(Random).max_iter(8).fit(&data).unwrap());
    assert_eq!(model.algorithm(), Algorithm::Hamerly);
    let allowed = 32 * n + 64 * 512 * d * (threads + 1) + 500_000 * (threads + 1);
    assert!(bytes < allowed, "{bytes} bytes of 512 clusters, {allowed} allowed");

    // The same 32 bytes a row.
    for d in 1..=5 {
        sorted::<f32>(150_000, d, &mut rng);
        sorted::<f64>(150_000, d, &mut rng);
    }

    // Pools of candidates, also where scores rule nothing out.
    for (offset, k) in [(0.0, 200), (0.0, 12), (3e7, 200)] {
        let data = Array2::from_shape_fn((60_000, 12), |_| (offset + rng.uniform() * 8.0) as f32);
        let mut rng = SeededRng::new(1);
        let (_, bytes) =
            peak(|| KMeansPlusPlus::default().centroids(data.view(), None, k, &mut rng).unwrap());
        assert!(
            bytes < 32 * 60_000 + 500_000 * (threads + 1),
            "{bytes} bytes of k-means++, {k} from {offset}"
        );
    }

    // A search on all rows, and on a sample of them.
    for (n, k, searched) in [(60_000, 400, 60_000), (150_000, 10, 16_384)] {
        let data = Array2::from_shape_fn((n, 2), |_| rng.uniform());
        let kmeans = KMeans::new(k);
        let (_, plain) = peak(|| kmeans.fit(&data).unwrap());
        let (_, bytes) = peak(|| kmeans.refine(Refine::default().patience(20)).fit(&data).unwrap());
        let allowed = plain + (40 + 12 * threads.min(8)) * searched + 500_000;
        assert!(bytes < allowed, "{bytes} bytes to refine, {allowed} allowed");
    }

    // Medoids of samples: a square of one of them, 48 bytes a row, and for the cosine 8 a value.
    let (n, d, rows) = (150_000, 4, 400);
    let data = Array2::from_shape_fn((n, d), |_| rng.uniform() as f32 + 0.1);
    let square = 4 * rows * rows + 500_000 * (threads + 1);
    let kmedoids = KMedoids::new(10).sampled(4, rows);
    let (_, bytes) = peak(|| kmedoids.fit(&data).unwrap());
    assert!(bytes < 48 * n + square, "{bytes} bytes for medoids");
    let (_, bytes) = peak(|| kmedoids.clone().metric(Metric::Cosine).fit(&data).unwrap());
    assert!(bytes < (48 + 8 * d) * n + square, "{bytes} bytes for medoids by the cosine");
    let data = data.mapv(f64::from);
    let (_, bytes) = peak(|| KMedoids::new(10).sampled(4, rows).fit(&data).unwrap());
    assert!(bytes < 56 * n + 2 * square, "{bytes} bytes for medoids of f64");
}
