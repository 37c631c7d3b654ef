//! k-means|| (Bahmani, Moseley, Vattani, Kumar and Vassilvitskii 2012).

use super::plus_plus::{TRIALS, frame, usual_trials};
use super::{Init, KMeansPlusPlus, columns, counted};
use crate::error::Error;
use crate::float::Float;
use crate::kernel::approach::Approach;
use crate::kernel::assign::Rows;
use crate::kernel::pack::{Packed, Range};
use crate::kernel::pieces::end_to_end;
use crate::kernel::{Element, Level};
use crate::rng::{SeededRng, keyed_uniform};
use crate::sampler::{self, Sampler};
use ndarray::{Array2, ArrayView1, ArrayView2};

/// k-means||: in a few rounds, each row is drawn by itself with a probability in proportion to its weight times its squared distance from the rows drawn so far;
/// these candidates, weighted by the rows nearest to them, are then reduced to k by greedy [`KMeansPlusPlus`], with twice its
/// usual [trials](KMeansPlusPlus::trials) (Bahmani et al. 2012, algorithm 2).
///
/// It reads the data once for each round, and each row meets a few candidates for each centroid, where greedy k-means++ lets it meet 2 + ln k. On 60,000 rows of 384
/// columns and 1024 clusters it took 0.37 of the time, on 200,000 of 16 and 100 a fifth, and the fits ended as low; on 100,000 and more of 4 columns 0.25 to 0.7, of 3 columns 0.6 to 1.0, of 2
/// columns 0.7 to 1.3. With one column it takes longer, and fits end higher. [`Auto`](super::Auto) takes the one or the other. Costs O(n k d) for each round and unit of
/// [`oversampling`](Self::oversampling), on the SIMD kernel and in parallel, and 12 bytes a row, 8 more with weights.
///
/// A draw depends on the seed, the round and the row's number (among the rows of positive weight) alone, so neither threads nor the order of work can
/// change the result.
///
/// ```
/// use centroids::{KMeans, KMeansParallel};
/// # let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// let model = KMeans::new(2).init(KMeansParallel::default()).fit(&data)?;
/// // As in the paper.
/// let init = KMeansParallel::default().rounds(5).oversampling(0.5);
/// let model = KMeans::new(2).init(init).fit(&data)?;
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KMeansParallel {
    rounds: usize,
    oversampling: f64,
}

impl Default for KMeansParallel {
    fn default() -> Self {
        KMeansParallel { rounds: 2, oversampling: 2.0 }
    }
}

impl KMeansParallel {
    /// Rounds of drawing, at least 1. Default: 2.
    #[must_use]
    pub fn rounds(mut self, rounds: usize) -> Self {
        self.rounds = rounds;
        self
    }

    /// Candidates to expect of a round, in units of k: positive and finite. Default: 2.
    #[must_use]
    pub fn oversampling(mut self, factor: f64) -> Self {
        self.oversampling = factor;
        self
    }
}

impl<F: Float> Init<F> for KMeansParallel {
    fn centroids(
        &self,
        data: ArrayView2<'_, F>,
        weights: Option<ArrayView1<'_, F>>,
        k: usize,
        rng: &mut SeededRng,
    ) -> Result<Array2<F>, Error> {
        F::k_means_parallel(self, data, weights, k, rng)
    }
}

impl KMeansParallel {
    pub(crate) fn choose<F: Float>(
        &self,
        data: ArrayView2<'_, F>,
        weights: Option<ArrayView1<'_, F>>,
        k: usize,
        rng: &mut SeededRng,
    ) -> Result<Array2<F>, Error> {
        let KMeansParallel { rounds, oversampling } = *self;
        if rounds == 0 || !(oversampling > 0.0 && oversampling < f64::INFINITY) {
            return Err(Error::Oversampling { rounds, factor: oversampling });
        }
        let (level, d) = (Level::new(), columns(data, k)?);
        let values = data.as_standard_layout();
        let values = values.as_slice().expect("standard layout is contiguous");
        let weights = sampler::weights(weights);
        let rows = Rows { values, d, weights: weights.as_deref() };
        let mut range = Range::new(d);
        F::scan(level, values, &mut range);
        let frame = frame(&range, rows);

        let alike = vec![1.0; rows.n()];
        let Some(first) = Sampler::new(&alike, rows.weights).draw(&alike, rng) else {
            return Err(Error::ZeroWeights { rows: rows.n() });
        };
        drop(alike);
        let mut near = Approach::new(rows.n());
        let mut chosen: Vec<F> = Vec::new();
        let add = |near: &mut Approach, chosen: &mut Vec<F>, batch: &[usize]| {
            let points = end_to_end(batch.iter().map(|&row| rows.row(row)));
            if !points.is_empty() {
                near.meet(level, &Packed::new(level, &frame, &points, d), rows, (chosen.len() / d) as u32);
                chosen.extend(points);
            }
        };
        add(&mut near, &mut chosen, &[first]);
        for _ in 0..rounds {
            let key = rng.next_u64();
            let total = Sampler::new(&near.distances, rows.weights).total();
            if !(total > 0.0) {
                break;
            }
            let scale = oversampling * k as f64 / total;
            // Rows without weight are as good as absent, so they have no number.
            let counted = (0..rows.n()).filter(|&i| rows.weight(i) > 0.0).zip(0u64..);
            let drawn = |&(i, number): &(usize, u64)| {
                keyed_uniform(key, number) < scale * rows.weight(i) * near.distances[i]
            };
            let batch: Vec<usize> = counted.filter(drawn).map(|part| part.0).collect();
            add(&mut near, &mut chosen, &batch);
        }
        // Chance, or few distinct rows, may leave too few.
        while chosen.len() < k * d {
            let row = Sampler::new(&near.distances, rows.weights).draw(&near.distances, rng);
            let row = row.unwrap_or_else(|| {
                let counted = counted(rows);
                counted[rng.below(counted.len())]
            });
            add(&mut near, &mut chosen, &[row]);
        }
        let mut owned = vec![0.0; chosen.len() / d];
        for (i, &owner) in near.owner.iter().enumerate() {
            owned[owner as usize] += rows.weight(i);
        }
        let candidates = Array2::from_shape_vec((owned.len(), d), chosen).expect("rows of d values");
        if owned.len() == k {
            return Ok(candidates);
        }
        let owned: ndarray::Array1<F> = owned.into_iter().map(Element::of).collect();
        // Among so few rows more trials cost little, and end up to 1 % lower. Lloyd's iterations over the candidates gained nothing.
        let trials = (2 * usual_trials(k)).min(TRIALS);
        KMeansPlusPlus::default().trials(trials).choose(candidates.view(), Some(owned.view()), k, rng)
    }
}
