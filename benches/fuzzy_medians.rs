//! Twenty iterations of fuzzy c-means and k-medians on 100,000 x 8, k = 10, from the first rows; `benches/fuzzy_medians.py` times the
//! same for scikit-fuzzy and pyclustering. Prints the best of five and the objective reached.
//!
//! ```text
//! cargo bench --bench fuzzy_medians
//! ```

use centroids::{FuzzyCMeans, KMedians};
use ndarray::{Array2, s};
use std::time::{Duration, Instant};

/// Ten groups, from a 64-bit linear congruential generator.
fn data() -> Array2<f64> {
    let mut state: u64 = 1;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 24) as f64
    };
    let centres: Vec<f64> = (0..80).map(|_| uniform() * 10.0).collect();
    Array2::from_shape_fn((100_000, 8), |(i, t)| {
        centres[(i % 10) * 8 + t] + (uniform() + uniform() - 1.0) * 4.0
    })
}

fn best(name: &str, mut work: impl FnMut() -> (f64, usize)) {
    let mut least = Duration::MAX;
    let mut reached = (0.0, 0);
    for _ in 0..5 {
        let start = Instant::now();
        reached = work();
        least = least.min(start.elapsed());
    }
    println!("{name:24} {:9.2} ms, {} iterations, {:.9e}", least.as_secs_f64() * 1e3, reached.1, reached.0);
}

fn main() {
    let data = data();
    let start = data.slice(s![..10, ..]).to_owned();
    for m in [2.0, 1.5] {
        let fuzzy = FuzzyCMeans::new(10).fuzzifier(m).init(start.clone()).max_iter(20).tolerance(0.0);
        best(&format!("fuzzy c-means, m = {m}"), || {
            let model = fuzzy.fit(&data).expect("the data is sound");
            (model.objective(), model.n_iter())
        });
    }
    let medians = KMedians::new(10).init(start).max_iter(20).tolerance(0.0);
    best("k-medians", || {
        let model = medians.fit(&data).expect("the data is sound");
        (model.loss(), model.n_iter())
    });
}
