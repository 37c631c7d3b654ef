//! k random rows.

use super::{Init, columns};
use crate::error::Error;
use crate::float::Float;
use crate::rng::SeededRng;
use crate::sampler::{self, Sampler};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

/// k different rows, each as likely as its weight (Forgy's method). Different rows may hold equal values.
///
/// Costs O(n), and O(n / 1024) for each centroid; [`KMeansPlusPlus`](crate::KMeansPlusPlus) costs more and starts nearer to a good solution.
///
/// ```
/// use centroids::{KMeans, Random};
/// # let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// let model = KMeans::new(2).init(Random).seed(3).fit(&data)?;
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Random;

impl<F: Float> Init<F> for Random {
    fn centroids(
        &self,
        data: ArrayView2<'_, F>,
        weights: Option<ArrayView1<'_, F>>,
        k: usize,
        rng: &mut SeededRng,
    ) -> Result<Array2<F>, Error> {
        columns(data, k)?;
        let weights = sampler::weights(weights);
        let mut chance = vec![1.0; data.nrows()];
        let mut sampler = Sampler::new(&chance, weights.as_deref());
        let mut rows = Vec::with_capacity(k);
        for _ in 0..k {
            let Some(row) = sampler.draw(&chance, rng) else {
                return Err(Error::TooManyClusters { k, rows: rows.len() });
            };
            chance[row] = 0.0;
            sampler.forget(&chance, row);
            rows.push(row);
        }
        Ok(data.select(Axis(0), &rows))
    }
}
