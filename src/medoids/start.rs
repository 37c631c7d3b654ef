//! Where the medoids start.

use super::matrix::Matrix;
use crate::float::Float;
use crate::kernel::exchange::Near;
use crate::kernel::{Element, par};
use crate::rng::SeededRng;
use crate::sampler::Sampler;
use std::collections::BTreeSet;

/// The rows that a search for medoids starts from.
///
/// ```
/// use centroids::{KMedoids, MedoidInit};
/// # let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// let model = KMedoids::new(2).init(MedoidInit::Rows(vec![0, 1])).fit(&data)?;
/// assert_eq!(model.loss(), 2.0);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MedoidInit {
    /// One row after another, drawn with probability proportional to the dissimilarity to the nearest medoid so far, as in k-means++. Costs O(n k).
    #[default]
    PlusPlus,
    /// One row after another, always the one that lowers the loss most (BUILD of Kaufman and Rousseeuw 1990). Costs O(n^2 k), more than the search
    /// itself, and gains little over the others once that is done.
    Build,
    /// k different rows, all equally likely.
    Random,
    /// These rows, k different ones.
    Rows(Vec<usize>),
}

impl MedoidInit {
    /// k different rows.
    pub(super) fn medoids<F: Float>(
        &self,
        matrix: &Matrix<'_, F>,
        k: usize,
        rng: &mut SeededRng,
    ) -> Vec<usize> {
        match self {
            MedoidInit::PlusPlus => plus_plus(matrix, k, rng),
            MedoidInit::Build => build(matrix, k),
            MedoidInit::Random => distinct(matrix.n(), k, &[], rng),
            MedoidInit::Rows(rows) => rows.clone(),
        }
    }
}

/// `count` different rows of n: those given, and then others, all equally likely.
pub(super) fn distinct(n: usize, count: usize, given: &[usize], rng: &mut SeededRng) -> Vec<usize> {
    // The others by their rank: before the i-th given row there are as many of them as its index less i.
    let mut before = given.to_vec();
    before.sort_unstable();
    before.iter_mut().enumerate().for_each(|(i, row)| *row -= i);
    let others = n - given.len();
    let mut taken = BTreeSet::new();
    let mut chosen = given.to_vec();
    // Floyd's sample: each draw takes a rank up to the bound, or the bound itself if that rank is taken already.
    for bound in others - (count - given.len())..others {
        let drawn = rng.below(bound + 1);
        let rank = if taken.insert(drawn) { drawn } else { bound };
        taken.insert(rank);
        chosen.push(rank + before.partition_point(|&others| others <= rank));
    }
    chosen
}

fn plus_plus<F: Float>(matrix: &Matrix<'_, F>, k: usize, rng: &mut SeededRng) -> Vec<usize> {
    let mut medoids = vec![rng.below(matrix.n())];
    let mut nearest: Vec<f64> = matrix.row(medoids[0]).iter().map(|&x| Element::f64(x)).collect();
    while medoids.len() < k {
        nearest[medoids[medoids.len() - 1]] = 0.0;
        // If the others are all equal to medoids, any will do.
        let row = Sampler::new(&nearest, None).draw(&nearest, rng);
        let row = row.or_else(|| (0..matrix.n()).find(|row| !medoids.contains(row)));
        let row = row.expect("k is at most n");
        medoids.push(row);
        for (nearest, &distance) in nearest.iter_mut().zip(matrix.row(row)) {
            *nearest = nearest.min(Element::f64(distance));
        }
    }
    medoids
}

fn build<F: Float>(matrix: &Matrix<'_, F>, k: usize) -> Vec<usize> {
    let n = matrix.n();
    let mut near = Near::<F>::new(n, std::iter::empty());
    let mut medoids: Vec<usize> = Vec::with_capacity(k);
    let mut losses = vec![0.0f64; n];
    for j in 0..k {
        let mut workers = vec![(); par::workers_for(n as f64 * n as f64)];
        par::share(&mut workers, losses.iter_mut().enumerate(), |(), (candidate, loss)| {
            let pairs = near.first.iter().zip(matrix.row(candidate));
            *loss = pairs.map(|(&first, &distance)| Element::f64(first.min(distance))).sum();
        });
        let others = (0..n).filter(|row| !medoids.contains(row));
        let best = others.min_by(|&a, &b| losses[a].total_cmp(&losses[b])).expect("k is at most n");
        near.meet(j as u32, matrix.row(best));
        medoids.push(best);
    }
    medoids
}
