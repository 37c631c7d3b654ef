//! k-means++ (Arthur and Vassilvitskii 2007), by default greedy.

use super::{Init, columns, counted};
use crate::error::Error;
use crate::float::Float;
use crate::kernel::Level;
use crate::kernel::assign::Rows;
use crate::kernel::fence::{FENCED_COLUMNS, Fenced};
use crate::kernel::pack::{Frame, Packed, Range, middle};
use crate::kernel::pieces::kept;
use crate::kernel::screen::{CANDIDATES, Nearest};
use crate::kernel::tiles::Sorted;
use crate::rng::SeededRng;
use crate::sampler::{self, Sampler};
use ndarray::{Array2, ArrayView1, ArrayView2};
use std::borrow::Cow;

/// Rows drawn one after another, each with probability proportional to its weight times its squared distance from the
/// rows chosen so far (Arthur and Vassilvitskii 2007, section 2.2).
///
/// Each step draws several candidates and keeps the one that leaves the smallest sum of squared distances (the *greedy* variant of
/// the paper's section 5, scikit-learn's default); `trials(1)` is the plain method.
///
/// Costs O(n k d) per candidate, on the SIMD kernel and in parallel, and up to 32 bytes a row (12 with more than four columns), 8 to 16 more with
/// weights. A row equal to one chosen before has distance 0 and is never drawn, until there is no other; then the remaining centroids are drawn among all rows
/// of positive weight.
///
/// ```
/// use centroids::{KMeans, KMeansPlusPlus};
/// # let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// let model = KMeans::new(2).init(KMeansPlusPlus::default().trials(1)).fit(&data)?;
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KMeansPlusPlus {
    trials: Option<usize>,
}

impl KMeansPlusPlus {
    /// Candidates per step, 1 to 32. Default: 2 + ln k, rounded down.
    #[must_use]
    pub fn trials(mut self, trials: usize) -> Self {
        self.trials = Some(trials);
        self
    }
}

impl<F: Float> Init<F> for KMeansPlusPlus {
    fn centroids(
        &self,
        data: ArrayView2<'_, F>,
        weights: Option<ArrayView1<'_, F>>,
        k: usize,
        rng: &mut SeededRng,
    ) -> Result<Array2<F>, Error> {
        F::plus_plus(self, data, weights, k, rng)
    }
}

impl KMeansPlusPlus {
    pub(crate) fn choose<F: Float>(
        &self,
        data: ArrayView2<'_, F>,
        weights: Option<ArrayView1<'_, F>>,
        k: usize,
        rng: &mut SeededRng,
    ) -> Result<Array2<F>, Error> {
        let trials = self.trials.unwrap_or_else(|| usual_trials(k));
        if !(1..=CANDIDATES).contains(&trials) {
            return Err(Error::Trials { trials, limit: CANDIDATES });
        }
        let (level, d) = (Level::new(), columns(data, k)?);
        let values = data.as_standard_layout();
        let mut values = Cow::Borrowed(values.as_slice().expect("standard layout is contiguous"));
        let mut weights = sampler::weights(weights);
        let small = d <= FENCED_COLUMNS && d * size_of::<F>() <= SORTED_BYTES;
        // A row without weight is as good as absent, also where rows are counted.
        if let Some(all) = weights.as_mut().filter(|_| small) {
            let counted: Vec<bool> = all.iter().map(|&weight| weight > 0.0).collect();
            if counted.contains(&true) && counted.contains(&false) {
                (values, *all) = (Cow::Owned(kept(&values, d, &counted)), kept(all, 1, &counted));
            }
        }
        let rows = Rows { values: &values, d, weights: weights.as_deref() };
        let mut range = Range::new(d);
        F::scan(level, rows.values, &mut range);
        let frame = frame(&range, rows);
        // Sorted, most rows of few columns need no look at most candidates.
        let sort = small && rows.n() >= 1024 && k > 1;
        let sorted = sort.then(|| Sorted { origin: Vec::new(), ..Sorted::new(level, rows) });
        let rows = sorted.as_ref().map_or(rows, |sorted| sorted.rows(d));

        let alike = vec![1.0; rows.n()];
        let mut sampler = Sampler::new(&alike, rows.weights);
        let Some(first) = sampler.draw(&alike, rng) else {
            return Err(Error::ZeroWeights { rows: data.nrows() });
        };
        drop(alike);
        let mut chosen = rows.row(first).to_vec();
        let mut nearest = if sort {
            Field::Fenced(Fenced::new(level, rows))
        } else {
            Field::Plain(Nearest::new(rows.n()), frame.clone())
        };
        nearest.take(level, rows, &chosen, 0);
        sampler.refresh(nearest.distances(), None);

        while chosen.len() < k * d {
            let mut candidates = Vec::with_capacity(trials * d);
            for _ in 0..trials {
                match sampler.draw(nearest.distances(), rng) {
                    Some(row) => candidates.extend_from_slice(rows.row(row)),
                    // Every row equals one that was chosen.
                    None => break,
                }
            }
            if candidates.is_empty() {
                let counted = counted(rows);
                while chosen.len() < k * d {
                    chosen.extend_from_slice(rows.row(counted[rng.below(counted.len())]));
                }
                break;
            }
            let gains = nearest.gains(level, rows, &candidates);
            let best = (1..gains.len()).fold(0, |best, j| if gains[j] > gains[best] { j } else { best });
            let best_row = &candidates[best * d..][..d];
            let touched = nearest.take(level, rows, best_row, best);
            sampler.refresh(nearest.distances(), Some(&touched));
            chosen.extend_from_slice(best_row);
        }
        Ok(Array2::from_shape_vec((k, d), chosen).expect("k rows of d values"))
    }
}

/// Bytes of a row that may be copied to sort the rows: with all else, seeding stays within 32 bytes a row.
const SORTED_BYTES: usize = 24;

/// Each row's squared distance to the nearest row chosen so far.
enum Field<F> {
    Plain(Nearest, Frame<F>),
    Fenced(Fenced<F>),
}

impl<F: Float> Field<F> {
    fn distances(&self) -> &[f64] {
        match self {
            Field::Plain(nearest, _) => &nearest.distances,
            Field::Fenced(fenced) => &fenced.distances,
        }
    }

    fn gains(&mut self, level: Level, rows: Rows<'_, F>, candidates: &[F]) -> Vec<f64> {
        match self {
            Field::Plain(nearest, frame) => {
                nearest.gains(level, &Packed::in_tiles(level, frame, candidates, rows.d), rows)
            }
            Field::Fenced(fenced) => fenced.gains(level, candidates, rows),
        }
    }

    /// Chooses one of the last candidates, by its place among them.
    fn take(&mut self, level: Level, rows: Rows<'_, F>, row: &[F], place: usize) -> Vec<bool> {
        match self {
            Field::Plain(nearest, _) => nearest.take(level, rows, row, place),
            Field::Fenced(fenced) => fenced.take(level, rows, row),
        }
    }
}

/// Candidates per step unless the user says otherwise, as in scikit-learn.
pub(super) fn usual_trials(k: usize) -> usize {
    2 + (k as f64).ln() as usize
}

/// A frame around the data.
pub(super) fn frame<F: Float>(range: &Range<F>, rows: Rows<'_, F>) -> Frame<F> {
    Frame::new(range, &middle(rows.d, rows.n(), |i| rows.row(i)))
}
