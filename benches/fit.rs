//! Whole fits from a given start with every algorithm: time, iterations, distances evaluated, and the inertia, which must be the same.
//!
//! ```text
//! cargo bench --bench fit [-- PART OF A NAME]
//! ```
//!
//! 20 iterations, 10 for 512 clusters and more; the best of three fits, taken in turn. `evaluated` is the part of rows times clusters times iterations
//! that was: with bounds it depends on whether the machine has fast products of bytes. `of the peak` is the speed of these distances, two operations a column, beside a loop of nothing but
//! fused multiply-adds on all threads, timed in turn: what is left to 100 % is the distance to the roofline of floats, which bytes go past. `refine` goes on from there with the default patience (few columns only: with many it takes long).

use centroids::{Algorithm, KMeans, Refine};
use common::{SHAPES, peak, seconds, wanted};

const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::Auto, Algorithm::Lloyd, Algorithm::Hamerly, Algorithm::Filtering];

fn main() {
    println!(
        "data                         algorithm       ms per iteration  iterations  evaluated  of the peak  inertia"
    );
    for shape in &SHAPES {
        let name = format!("{} {} x {} k {}", shape.name, shape.n, shape.d, shape.k);
        if !wanted(&name) {
            continue;
        }
        let rows = shape.rows();
        let kmeans =
            KMeans::new(shape.k).init(shape.start(&rows)).max_iter(if shape.k < 512 { 20 } else { 10 });
        let kmeans = kmeans.tolerance(0.0);
        let mut best = ALGORITHMS.map(|_| f64::INFINITY);
        let mut models = ALGORITHMS.map(|_| None);
        let mut most = 0.0f64;
        for _ in 0..3 {
            most = most.max(peak());
            for (a, &algorithm) in ALGORITHMS.iter().enumerate() {
                let (time, model) =
                    seconds(|| kmeans.clone().algorithm(algorithm).fit(&rows).expect("sound data"));
                best[a] = best[a].min(time);
                models[a] = Some(model);
            }
        }
        for (a, model) in models.into_iter().enumerate() {
            let model = model.expect("three fits");
            let pairs = (shape.n * shape.k * model.n_iter()) as f64;
            let evaluated: u64 = model.history().iter().map(|it| it.distance_evaluations).sum();
            println!(
                "{name:28} {:14} {:17.2}  {:10}  {:7.1} %  {:9.1} %  {:.9e}",
                format!("{:?}", ALGORITHMS[a]),
                1e3 * best[a] / model.n_iter() as f64,
                model.n_iter(),
                100.0 * evaluated as f64 / pairs,
                100.0 * 2.0 * (evaluated * shape.d as u64) as f64 / best[a] / most,
                model.inertia(),
            );
        }
        if shape.d <= 16 {
            let (time, model) =
                seconds(|| kmeans.clone().refine(Refine::default()).fit(&rows).expect("sound data"));
            let all = format!("{:.0} in all", 1e3 * time);
            println!(
                "{name:28} refine         {all:>17}  {:10}                          {:.9e}",
                model.n_iter(),
                model.inertia()
            );
        }
    }
}
