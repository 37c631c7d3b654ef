//! A progress bar over a long fit, which Ctrl-C ends early with the model found so far.
//!
//! ```text
//! cargo run --release --example progress [ROWS]
//! ```
//!
//! ROWS is 1,000,000 if not given. A second Ctrl-C ends the program at once.

use centroids::{KMeans, SeededRng, StopReason};
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use ndarray::Array2;
use std::error::Error;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const MAX_ITER: usize = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let rows = std::env::args().nth(1).map_or(Ok(1_000_000), |rows| rows.parse())?;

    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })?;

    let bar = ProgressBar::new(MAX_ITER as u64);
    bar.set_style(
        ProgressStyle::with_template("{elapsed:>4} [{bar:24}] {pos}/{len} {wide_msg}")?.progress_chars("=> "),
    );
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.set_message("making the data");
    let data = hills(rows, 12);

    // The observer is called after each iteration, so not before the start is chosen.
    bar.set_message("choosing the start");
    let kmeans = KMeans::new(100).seed(7).tolerance(0.0).max_iter(MAX_ITER);
    let model = kmeans.fit_with(&data, |iteration| {
        bar.set_position(iteration.index as u64);
        bar.set_message(format!("inertia {:.6e}, {} rows moved", iteration.inertia, iteration.reassigned));
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    bar.finish_and_clear();

    match model.stop_reason() {
        StopReason::Converged => print!("Converged"),
        StopReason::Observer => print!("Stopped by you"),
        reason => print!("Stopped ({reason:?})"),
    }
    println!("; iterations: {}, time: {}.", model.n_iter(), HumanDuration(bar.elapsed()));
    let sizes = model.cluster_sizes();
    let (smallest, largest) = (sizes.iter().min().unwrap_or(&0), sizes.iter().max().unwrap_or(&0));
    println!(
        "{} clusters of {smallest} to {largest} rows, inertia {:.6e}.",
        model.n_clusters(),
        model.inertia()
    );
    Ok(())
}

/// Rows without clear groups, so that the fit takes many iterations.
fn hills(n: usize, d: usize) -> Array2<f32> {
    let mut rng = SeededRng::new(1);
    Array2::from_shape_simple_fn((n, d), || (rng.uniform() + rng.uniform() + rng.uniform()) as f32)
}
