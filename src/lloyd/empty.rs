//! Clusters that lost all their rows.

use super::{Plan, State};
use crate::data::Data;
use crate::error::Error;
use crate::float::Float;
use crate::kernel::moments::{Moves, NOWHERE};
use crate::kernel::{Level, distances, pieces};
use crate::rng::SeededRng;

/// What to do with a cluster that no row (of positive weight) is nearest to.
///
/// `Relocate` and `Resample` make a row the new centroid. It must differ from its present centroid and leave another row behind, and rows equal to it
/// move with it, so the inertia always falls. Where no such row is left (every row lies on a centroid, as when there are fewer distinct rows than
/// clusters), or rounding undoes the move (beside a value 10^28 times as large), the empty cluster is removed, whatever the policy but `Fail`: the model's [`n_clusters`](crate::KMeansModel::n_clusters) is then
/// less than k.
///
/// ```
/// use centroids::{EmptyCluster, Error, KMeans};
/// use ndarray::array;
///
/// let data = array![[0.0], [1.0], [1.0], [5.0]];
/// let kmeans = KMeans::new(3).init(array![[0.0], [100.0], [200.0]]);
/// assert_eq!(kmeans.fit(&data)?.n_clusters(), 3);
/// assert_eq!(kmeans.clone().empty_cluster(EmptyCluster::Drop).fit(&data)?.n_clusters(), 1);
/// let error = kmeans.clone().empty_cluster(EmptyCluster::Fail).fit(&data).unwrap_err();
/// assert_eq!(error, Error::EmptyCluster { cluster: 1, iteration: 1 });
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum EmptyCluster {
    /// Move it to the row farthest from its centroid, the next empty one to the next such row, and so on. (Of rows equally far the one with the smallest
    /// first coordinate, or second, and so on: the order of the rows does not matter.)
    #[default]
    Relocate,
    /// Move it to a random row, drawn with probability proportional to weight, from the fit's seed.
    Resample,
    /// Remove it: the model has fewer clusters.
    Drop,
    /// End the fit with [`Error::EmptyCluster`].
    Fail,
}

/// What was done about empty clusters: so many were given rows, and so many removed.
#[derive(Default)]
pub(super) struct Repair {
    pub relocated: usize,
    pub dropped: usize,
    /// Each row that was given, and the cluster that it comes from.
    given: Vec<(u32, u32)>,
}

/// Gives the empty clusters rows or removes them.
pub(super) fn repair<F: Float>(
    plan: &Plan<'_, F>,
    data: &Data<'_, F>,
    state: &mut State<F>,
    rng: &mut SeededRng,
    iteration: usize,
) -> Result<Repair, Error> {
    let mut empty: Vec<usize> = (0..state.sums.clusters()).filter(|&j| state.sums.count(j) == 0).collect();
    let mut repair = Repair::default();
    let Some(&cluster) = empty.first() else { return Ok(repair) };
    match plan.empty_cluster {
        EmptyCluster::Fail => return Err(Error::EmptyCluster { cluster, iteration }),
        EmptyCluster::Drop => {}
        EmptyCluster::Relocate | EmptyCluster::Resample => {
            let mut candidates = Candidates::new(plan, data, state);
            let resample = plan.empty_cluster == EmptyCluster::Resample;
            empty.retain(|&j| {
                while let Some(rows) =
                    if resample { candidates.random(data, rng) } else { candidates.farthest(data) }
                {
                    let from = state.labels[rows[0] as usize] as usize;
                    if state.sums.count(from) > rows.len() as u64 {
                        for &row in &rows {
                            relabel(plan.level, data, state, row, j as u32);
                            repair.given.push((row, from as u32));
                        }
                        repair.relocated += 1;
                        return false;
                    }
                }
                true
            });
        }
    }
    remove(plan, data, state, &empty);
    for (_, from) in &mut repair.given {
        *from -= empty.partition_point(|&j| j < *from as usize) as u32;
    }
    repair.dropped = empty.len();
    Ok(repair)
}

impl Repair {
    /// Takes the rows back and removes the clusters instead. Where rounding leaves all centroids as they were, the rows would be found nearest to where they come from, and be given once
    /// more, for ever.
    pub(super) fn undo<F: Float>(&mut self, plan: &Plan<'_, F>, data: &Data<'_, F>, state: &mut State<F>) {
        let mut clusters: Vec<_> =
            self.given.iter().map(|given| state.labels[given.0 as usize] as usize).collect();
        clusters.sort_unstable();
        clusters.dedup();
        for &(row, from) in &self.given {
            relabel(plan.level, data, state, row, from);
        }
        remove(plan, data, state, &clusters);
        *self = Repair { dropped: self.dropped + clusters.len(), ..Repair::default() };
    }
}

/// What can still be done about clusters that are empty in the final labelling: so many are dropped.
pub(super) fn finish<F: Float>(
    plan: &Plan<'_, F>,
    data: &Data<'_, F>,
    state: &mut State<F>,
    iteration: usize,
) -> Result<usize, Error> {
    let empty: Vec<usize> = (0..state.sums.clusters()).filter(|&j| state.sums.count(j) == 0).collect();
    match (plan.empty_cluster, empty.first()) {
        (EmptyCluster::Fail, Some(&cluster)) => Err(Error::EmptyCluster { cluster, iteration }),
        (EmptyCluster::Drop, Some(_)) => {
            remove(plan, data, state, &empty);
            Ok(empty.len())
        }
        _ => Ok(0),
    }
}

fn relabel<F: Float>(level: Level, data: &Data<'_, F>, state: &mut State<F>, row: u32, to: u32) {
    let row = row as usize;
    let rows = data.rows().part(row, 1);
    let moves = Moves { rows: rows.values, weights: rows.weights, to: &[to], grids: &data.grids };
    F::apply(level, &moves, &mut state.labels[row..=row], &mut state.sums);
}

/// Removes clusters without rows (of positive weight) and numbers the others anew. Rows without weight go to the nearest that is left.
fn remove<F: Float>(plan: &Plan<'_, F>, data: &Data<'_, F>, state: &mut State<F>, clusters: &[usize]) {
    if clusters.is_empty() {
        return;
    }
    let mut keep = vec![true; state.sums.clusters()];
    clusters.iter().for_each(|&j| keep[j] = false);
    let mut next = 0;
    let renumbered: Vec<u32> = keep
        .iter()
        .map(|&kept| {
            let number = if kept { next } else { NOWHERE };
            next += u32::from(kept);
            number
        })
        .collect();
    state.centroids = pieces::kept(&state.centroids, data.d, &keep);
    state.spreads = pieces::kept(&state.spreads, 1, &keep);
    state.sums.retain(&keep);
    for (i, label) in state.labels.iter_mut().enumerate() {
        *label = renumbered[*label as usize];
        if *label == NOWHERE {
            *label = F::nearest(plan.level, data.rows().row(i), &state.centroids).0;
        }
    }
}

/// Rows that may start a cluster of their own: of positive weight, and not on their centroid. Farthest first.
struct Candidates {
    rows: Vec<(f64, u32)>,
    next: usize,
}

impl Candidates {
    fn new<F: Float>(plan: &Plan<'_, F>, data: &Data<'_, F>, state: &State<F>) -> Self {
        let rows = data.rows();
        let mut far = vec![0.0; data.n()];
        distances::distances(plan.level, rows, &state.centroids, Some(&state.labels), &mut far);
        let eligible = far
            .into_iter()
            .zip(0u32..)
            .filter(|&(distance, i)| distance > 0.0 && rows.weight(i as usize) > 0.0);
        let mut far: Vec<_> = eligible.collect();
        pieces::farthest_of(&mut far, rows.values, rows.d);
        Candidates { rows: far, next: 0 }
    }

    /// Takes the row at this place, and all rows equal to it.
    fn take<F: Float>(&mut self, data: &Data<'_, F>, place: usize) -> Vec<u32> {
        let (rows, left) = (data.rows(), &mut self.rows[self.next..]);
        let equal = pieces::equals(left, rows.values, rows.d, place);
        let taken = left[equal.clone()].iter().map(|row| row.1).collect();
        // To the front, where they are passed over from now on; the order of the rest stays.
        left[..equal.end].rotate_right(equal.len());
        self.next += equal.len();
        taken
    }

    fn farthest<F: Float>(&mut self, data: &Data<'_, F>) -> Option<Vec<u32>> {
        (self.next < self.rows.len()).then(|| self.take(data, 0))
    }

    fn random<F: Float>(&mut self, data: &Data<'_, F>, rng: &mut SeededRng) -> Option<Vec<u32>> {
        let weight = |row: &(f64, u32)| data.rows().weight(row.1 as usize);
        let rows = &self.rows[self.next..];
        let mut left = rng.uniform() * rows.iter().map(weight).sum::<f64>();
        let place = rows.iter().position(|row| {
            left -= weight(row);
            left < 0.0
        });
        let place = place.or(rows.len().checked_sub(1))?;
        Some(self.take(data, place))
    }
}
