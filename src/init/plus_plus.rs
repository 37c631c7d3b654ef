//! k-means++ (Arthur and Vassilvitskii 2007), by default greedy.

use super::{Init, columns, counted};
use crate::error::Error;
use crate::float::Float;
use crate::kernel::Level;
use crate::kernel::assign::Rows;
use crate::kernel::fence::{FENCED_COLUMNS, Fenced};
use crate::kernel::pack::{Frame, Range, middle};
use crate::kernel::pieces::{end_to_end, kept};
use crate::kernel::screen::{BLOCK_ROWS, Nearest, POOL};
use crate::kernel::tiles::Sorted;
use crate::rng::SeededRng;
use crate::sampler::{self, Sampler};
use ndarray::{Array2, ArrayView1, ArrayView2};
use std::borrow::Cow;

/// Rows drawn one after another, each with probability proportional to its weight times its squared distance from the
/// rows chosen so far (Arthur and Vassilvitskii 2007, section 2.2).
///
/// Each step draws several candidates and keeps the one that leaves the smallest sum of squared distances (the *greedy* variant
/// that the paper's conclusion describes, scikit-learn's default); `trials(1)` is the plain method.
///
/// The candidates of later steps are drawn several steps at once, so that one pass over the rows serves them all. When its turn comes, one stays with the probability
/// that is left of its distance: so it is as if it had been drawn only then. A row equal to one chosen before has distance 0 and is never drawn, until there is no
/// other; then the remaining centroids are drawn among all rows of positive weight.
///
/// Costs O(n k d) per candidate, on the SIMD kernel and in parallel, and up to 32 bytes a row (with more than 12 trials 8, and 2 for each), 8 to 16 more
/// with weights.
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
        if !(1..=TRIALS).contains(&trials) {
            return Err(Error::Trials { trials, limit: TRIALS });
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
        let course = Course { level, rows, k, trials };
        if sort {
            course.through_fences(&mut sampler, rng, &mut chosen);
        } else {
            course.by_pools(&frame, &mut sampler, rng, &mut chosen);
        }
        // Every row equals one that was chosen.
        if chosen.len() < k * d {
            let counted = counted(rows);
            while chosen.len() < k * d {
                chosen.extend_from_slice(rows.row(counted[rng.below(counted.len())]));
            }
        }
        Ok(Array2::from_shape_vec((k, d), chosen).expect("k rows of d values"))
    }
}

/// Bytes of a row that may be copied to sort the rows: with all else, seeding stays within 32 bytes a row.
const SORTED_BYTES: usize = 24;

/// Pairs for each row that are written down for a pool, at most about so many.
const PAIRS: f64 = 6.0;

/// What all steps know.
struct Course<'a, F> {
    level: Level,
    rows: Rows<'a, F>,
    k: usize,
    trials: usize,
}

impl<F: Float> Course<'_, F> {
    /// Step by step, over sorted rows of few columns.
    fn through_fences(&self, sampler: &mut Sampler<'_>, rng: &mut SeededRng, chosen: &mut Vec<F>) {
        let Course { level, rows, k, trials } = *self;
        let mut nearest = Fenced::new(level, rows);
        nearest.take(level, rows, chosen);
        sampler.refresh(&nearest.distances, None);
        while chosen.len() < k * rows.d {
            let drawn = (0..trials).map_while(|_| sampler.draw(&nearest.distances, rng));
            let candidates = end_to_end(drawn.map(|row| rows.row(row)));
            if candidates.is_empty() {
                break;
            }
            let best = most(&nearest.gains(level, &candidates, rows));
            let best = &candidates[best * rows.d..][..rows.d];
            let touched = nearest.take(level, rows, best);
            sampler.refresh(&nearest.distances, Some(&touched));
            chosen.extend_from_slice(best);
        }
    }

    /// Draws the candidates of several steps at once, so that one pass over the rows serves them all. When its turn comes, a candidate stays one with the
    /// probability that is left of its distance: so it is as if it had been drawn only then.
    fn by_pools(
        &self,
        frame: &Frame<F>,
        sampler: &mut Sampler<'_>,
        rng: &mut SeededRng,
        chosen: &mut Vec<F>,
    ) {
        let Course { level, rows, k, trials } = *self;
        let mut nearest = Nearest::new(level, rows, chosen);
        sampler.refresh(&nearest.distances, None);
        let mut room = trials;
        while chosen.len() < k * rows.d {
            let done = chosen.len() / rows.d;
            // The more there are, the less the next ones change.
            let steps = (done / 4).clamp(1, POOL / trials).min(k - done);
            let drawn = (0..steps * trials).map_while(|_| sampler.draw(&nearest.distances, rng));
            let drawn: Vec<usize> = drawn.collect();
            if drawn.is_empty() {
                break;
            }
            let before: Vec<f64> = drawn.iter().map(|&row| nearest.distances[row]).collect();
            nearest.set_grid(rows);
            let mut touched = vec![false; rows.n().div_ceil(BLOCK_ROWS)];
            let (mut places, mut looked) = (0..drawn.len(), 0..0);
            while chosen.len() < k * rows.d {
                let stays = |&j: &usize| {
                    let now = nearest.distances[drawn[j]];
                    now > 0.0 && (now == before[j] || rng.uniform() * before[j] <= now)
                };
                let some: Vec<usize> = places.by_ref().filter(stays).take(trials).collect();
                let (Some(&first), Some(&last)) = (some.first(), some.get(trials - 1)) else { break };
                if last >= looked.end {
                    // As many as there is room for what is found; what is looked at when changes no result.
                    looked = first..drawn.len().min(first.saturating_add(room)).max(last + 1);
                    let candidates = end_to_end(drawn[looked.clone()].iter().map(|&row| rows.row(row)));
                    let pairs = nearest.look(level, frame, candidates, rows);
                    room = (PAIRS * rows.n() as f64 * looked.len() as f64 / pairs as f64) as usize;
                }
                let some: Vec<usize> = some.iter().map(|j| j - looked.start).collect();
                let best = some[most(&nearest.gains(level, rows, &some))];
                nearest.take(level, rows, best, &mut touched);
                chosen.extend_from_slice(rows.row(drawn[looked.start + best]));
            }
            sampler.refresh(&nearest.distances, Some(&touched));
        }
    }
}

/// The place of the largest; of equals the first.
fn most(gains: &[f64]) -> usize {
    (1..gains.len()).fold(0, |best, j| if gains[j] > gains[best] { j } else { best })
}

/// Candidates per step unless the user says otherwise, as in scikit-learn.
pub(super) fn usual_trials(k: usize) -> usize {
    2 + (k as f64).ln() as usize
}

/// Candidates per step at most.
pub(super) const TRIALS: usize = 32;

/// A frame around the data.
pub(super) fn frame<F: Float>(range: &Range<F>, rows: Rows<'_, F>) -> Frame<F> {
    Frame::new(range, &middle(rows.d, rows.n(), |i| rows.row(i)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::exact::squared_distance;

    /// The method as it is written down: a row at a time, by the distances at that time.
    fn one_by_one(values: &[f64], d: usize, k: usize, rng: &mut SeededRng) -> Vec<usize> {
        let row = |i: usize| &values[i * d..][..d];
        let n = values.len() / d;
        let mut chosen = vec![rng.below(n)];
        while chosen.len() < k {
            let away =
                |i| chosen.iter().map(|&c| squared_distance(row(i), row(c))).fold(f64::INFINITY, f64::min);
            let away: Vec<f64> = (0..n).map(away).collect();
            let mut left = rng.uniform() * away.iter().sum::<f64>();
            let found = away.iter().position(|part| {
                left -= part;
                left < 0.0
            });
            chosen.push(found.unwrap_or(n - 1));
        }
        chosen
    }

    /// How often each row is among the chosen, and the mean of what is left of the distances.
    #[test]
    fn candidates_of_a_pool_are_drawn_as_if_one_by_one() {
        const RUNS: u64 = 4000;
        let (n, d, k) = (60, 5, 24);
        let mut rng = SeededRng::new(3);
        // Groups of different sizes, so that what is left falls fast.
        let values: Vec<f64> =
            (0..n * d).map(|i| ((i / d) % 25 * 7 % 13) as f64 * 4.0 + rng.uniform()).collect();
        let data = ArrayView2::from_shape((n, d), &values).unwrap();
        let mut times = [vec![0.0f64; n], vec![0.0; n]];
        for seed in 0..RUNS {
            let plain = KMeansPlusPlus::default().trials(1);
            let rows = plain.choose(data, None, k, &mut SeededRng::new(seed)).unwrap();
            for i in 0..n {
                times[0][i] += f64::from(u8::from(rows.outer_iter().any(|row| row == data.row(i))));
            }
            one_by_one(&values, d, k, &mut SeededRng::new(seed + RUNS))
                .iter()
                .for_each(|&i| times[1][i] += 1.0);
        }
        for (i, (&a, &b)) in times[0].iter().zip(&times[1]).enumerate() {
            let spread = (2.0 * RUNS as f64 * 0.25).sqrt();
            assert!((a - b).abs() < 5.0 * spread, "row {i} is chosen {a} times, {b} of them one by one");
        }
    }
}
