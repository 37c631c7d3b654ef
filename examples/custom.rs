//! An initialiser and a convergence criterion of one's own, beside those of the crate, on generated data.
//!
//! ```text
//! cargo run --release --example custom
//! ```

use centroids::{
    Any, Convergence, Error, Init, Iteration, KMeans, KMeansPlusPlus, Random, SeededRng, Stable, Tolerance,
};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

/// Starts with a random row, then takes the row farthest from all chosen so far, again and again (Gonzalez 1985).
///
/// It finds every far group, and it also picks every outlier.
#[derive(Clone, Copy)]
struct FarthestFirst;

impl Init<f64> for FarthestFirst {
    fn centroids(
        &self,
        data: ArrayView2<'_, f64>,
        weights: Option<ArrayView1<'_, f64>>,
        k: usize,
        rng: &mut SeededRng,
    ) -> Result<Array2<f64>, Error> {
        // A row of weight 0 should have no influence.
        let counts = |&row: &usize| weights.is_none_or(|weights| weights[row] > 0.0);
        let rows: Vec<usize> = (0..data.nrows()).filter(counts).collect();
        let mut nearest = vec![f64::INFINITY; data.nrows()];
        let mut chosen = vec![rows[rng.below(rows.len())]];
        while chosen.len() < k {
            let last = data.row(chosen[chosen.len() - 1]);
            for &row in &rows {
                let distance = data.row(row).iter().zip(last).map(|(x, c)| (x - c) * (x - c)).sum();
                nearest[row] = nearest[row].min(distance);
            }
            let farthest = rows.iter().copied().max_by(|&a, &b| nearest[a].total_cmp(&nearest[b]));
            chosen.push(farthest.expect("a fit has rows that count"));
        }
        Ok(data.select(Axis(0), &chosen))
    }
}

/// Converged when an iteration gave a new label to no more than this fraction of the rows.
///
/// The first iteration labels all of them, so the history knows how many there are.
#[derive(Clone, Copy)]
struct FewMoves(f64);

impl<F> Convergence<F> for FewMoves {
    fn is_met(&self, history: &[Iteration]) -> bool {
        let [first, .., last] = history else { return false };
        last.reassigned as f64 <= self.0 * first.reassigned as f64
    }
}

fn main() -> Result<(), Error> {
    const K: usize = 40;
    let data = groups(K, 40_000, 8);
    let kmeans = KMeans::new(K).seed(1);
    let starts = [
        ("Random", kmeans.clone().init(Random)),
        ("KMeansPlusPlus", kmeans.clone().init(KMeansPlusPlus::default())),
        ("FarthestFirst", kmeans.init(FarthestFirst)),
    ];
    println!("initialiser     criterion      iterations  inertia");
    for (init, kmeans) in starts {
        let criteria = [
            ("default", kmeans.clone().converge_when(Any(Tolerance(1e-4), Stable))),
            ("FewMoves(1 %)", kmeans.converge_when(FewMoves(0.01))),
        ];
        for (criterion, kmeans) in criteria {
            let model = kmeans.fit(&data)?;
            println!("{init:14}  {criterion:13}  {:10}  {:7.0}", model.n_iter(), model.inertia());
        }
    }
    Ok(())
}

/// n rows of d columns around k random centres, which overlap a little.
fn groups(k: usize, n: usize, d: usize) -> Array2<f64> {
    let mut rng = SeededRng::new(2026);
    let centres = Array2::from_shape_simple_fn((k, d), || 6.0 * rng.uniform());
    Array2::from_shape_fn((n, d), |(row, column)| centres[[row % k, column]] + normal(&mut rng))
}

/// A number from the standard normal distribution (Box and Muller 1958).
fn normal(rng: &mut SeededRng) -> f64 {
    (-2.0 * (1.0 - rng.uniform()).ln()).sqrt() * (std::f64::consts::TAU * rng.uniform()).cos()
}
