//! The loop: repair empty clusters, move the centroids to the medians, assign, record, observe, stop.
//!
//! Labels and loss are always those of the centroids beside them, so every stop leaves one consistent state. A median minimises its
//! column's part of the loss, and the nearest centroid its row's, so the loss never rises.

use super::empty;
use crate::data::Data;
use crate::error::Error;
use crate::float::Float;
use crate::history::StopReason;
use crate::kernel::moments::NOWHERE;
use crate::kernel::pieces::kept;
use crate::kernel::{Level, manhattan};
use crate::lloyd::EmptyCluster;
use crate::rng::SeededRng;
use std::fmt;
use std::ops::ControlFlow;

/// One iteration of k-medians: empty clusters were repaired, the centroids moved to the medians, and the rows were assigned anew.
///
/// ```
/// use centroids::KMedians;
/// # let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// let model = KMedians::new(2).fit(&data)?;
/// assert!(model.history().windows(2).all(|pair| pair[1].loss <= pair[0].loss));
/// assert_eq!(model.history().last().unwrap().loss, model.loss());
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MediansIteration {
    /// Which of the `n_init` runs, from 0.
    pub run: usize,
    /// Which iteration of the run, from 1.
    pub index: usize,
    /// Sum of the L1 distances of the rows to their centroids, after both moved (weighted). It never rises.
    pub loss: f64,
    /// L1 distance by which the centroids moved, summed over the clusters (of those that no repair removed).
    pub shift: f64,
    /// Rows (of positive weight) whose label changed when they were assigned to the moved centroids.
    pub reassigned: usize,
    /// Empty clusters that were given a row.
    pub relocated: usize,
    /// Empty clusters that were removed.
    pub dropped: usize,
}

impl fmt::Display for MediansIteration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MediansIteration { index, loss, shift, reassigned, relocated, dropped, .. } = self;
        write!(f, "iteration {index}: loss {loss:.6e}, shift {shift:.3e}, {reassigned} rows reassigned")?;
        if *relocated > 0 {
            write!(f, ", {relocated} clusters relocated")?;
        }
        if *dropped > 0 {
            write!(f, ", {dropped} clusters dropped")?;
        }
        Ok(())
    }
}

/// Sees each iteration, and may stop the run.
pub(crate) type Observer<'a> = &'a mut dyn FnMut(&MediansIteration) -> ControlFlow<()>;

pub(super) struct Plan {
    pub level: Level,
    pub run: usize,
    pub seed: u64,
    pub empty_cluster: EmptyCluster,
    pub max_iter: usize,
    pub tolerance: f64,
}

/// What a run leaves.
pub(super) struct Run<F> {
    pub centroids: Vec<F>,
    pub labels: Vec<u32>,
    pub loss: f64,
    pub history: Vec<MediansIteration>,
    pub stop_reason: StopReason,
}

/// Rows that count, by cluster: the rows of cluster j are `rows[first[j]..first[j + 1]]`, ascending.
pub(super) struct Members {
    rows: Vec<u32>,
    first: Vec<usize>,
}

impl Members {
    pub(super) fn new<F: Float>(data: &Data<'_, F>, labels: &[u32], k: usize) -> Self {
        let rows = data.rows();
        let counted = || (0u32..).zip(labels).filter(|&(i, _)| rows.weight(i as usize) > 0.0);
        let mut first = vec![0; k + 1];
        counted().for_each(|(_, &label)| first[label as usize + 1] += 1);
        (0..k).for_each(|j| first[j + 1] += first[j]);
        let mut next = first.clone();
        let mut members = vec![0; first[k]];
        for (i, &label) in counted() {
            members[next[label as usize]] = i;
            next[label as usize] += 1;
        }
        Members { rows: members, first }
    }

    pub(super) fn of(&self, j: usize) -> &[u32] {
        &self.rows[self.first[j]..self.first[j + 1]]
    }

    pub(super) fn empty(&self) -> Vec<usize> {
        (0..self.first.len() - 1).filter(|&j| self.of(j).is_empty()).collect()
    }
}

pub(super) fn run<F: Float>(
    plan: &Plan,
    data: &Data<'_, F>,
    start: Vec<F>,
    observer: Observer<'_>,
) -> Result<Run<F>, Error> {
    let d = data.d;
    let assign = |centroids: &[F], labels: &mut [u32]| {
        let grid = data.manhattan_grid(centroids);
        let (loss, moved) = manhattan::assign(plan.level, data.rows(), centroids, &grid, labels);
        (loss * data.weight_unit, moved)
    };
    let mut rng = SeededRng::stream(plan.seed, 2 * plan.run as u64 + 1);
    let mut centroids = start;
    let mut labels = vec![NOWHERE; data.n()];
    let (mut loss, _) = assign(&centroids, &mut labels);
    let mut members = Members::new(data, &labels, centroids.len() / d);
    // Clusters whose rows are not those that their median was taken of.
    let mut changed = vec![true; centroids.len() / d];
    let mut history: Vec<MediansIteration> = Vec::new();
    let stop_reason = loop {
        let index = history.len() + 1;
        let (mut moved, mut old) = (centroids.clone(), centroids.clone());
        let (mut relocated, mut dropped) = (0, 0);
        if !members.empty().is_empty() {
            let repair = empty::Repair { plan, data, members: &members, iteration: index };
            let done = repair.repair(&mut labels, &mut moved, &mut rng)?;
            relocated = done.relocated;
            dropped = done.keep.iter().filter(|&&keep| !keep).count();
            old = kept(&centroids, d, &done.keep);
            members = Members::new(data, &labels, moved.len() / d);
            changed = vec![true; moved.len() / d];
        }
        let rows: Vec<&[u32]> = (0..changed.len()).map(|j| members.of(j)).collect();
        manhattan::medians(data.rows(), &rows, &changed, &mut moved);
        let before = labels.clone();
        let (mut lower, mut reassigned) = assign(&moved, &mut labels);
        if lower > loss && relocated + dropped == 0 {
            // Exact arithmetic could not raise it: what is left to gain is less than the rounding of distances.
            labels.clone_from(&before);
            if !history.is_empty() {
                break StopReason::Converged;
            }
            // Every run has an iteration: here one that moves nothing.
            (moved, lower, reassigned) = (centroids.clone(), loss, 0);
        }
        let pairs = moved.chunks_exact(d).zip(old.chunks_exact(d));
        let shift: f64 = pairs.map(|(new, old)| manhattan::distance(new, old)).sum();
        let gain = loss - lower;
        changed = differing(&before, &labels, moved.len() / d);
        (centroids, loss) = (moved, lower);
        members = Members::new(data, &labels, centroids.len() / d);
        let iteration =
            MediansIteration { run: plan.run, index, loss, shift, reassigned, relocated, dropped };
        let flow = observer(&iteration);
        history.push(iteration);
        let emptied = members.empty();
        // Ties may move rows without a gain, on the way to a lower loss.
        let slow = plan.tolerance > 0.0 && gain <= plan.tolerance * loss;
        let met = relocated == 0 && (reassigned == 0 || slow);
        let stop = if flow.is_break() {
            StopReason::Observer
        } else if met && emptied.is_empty() {
            StopReason::Converged
        } else if index >= plan.max_iter {
            StopReason::MaxIterations
        } else {
            continue;
        };
        if let Some(&cluster) = emptied.first() {
            match plan.empty_cluster {
                EmptyCluster::Fail => return Err(Error::EmptyCluster { cluster, iteration: index }),
                EmptyCluster::Drop => {
                    let keep: Vec<bool> = rows_left(&members, centroids.len() / d);
                    centroids = kept(&centroids, d, &keep);
                    loss = assign(&centroids, &mut labels).0;
                }
                _ => {}
            }
        }
        break stop;
    };
    Ok(Run { centroids, labels, loss, history, stop_reason })
}

fn rows_left(members: &Members, k: usize) -> Vec<bool> {
    (0..k).map(|j| !members.of(j).is_empty()).collect()
}

/// The clusters that rows left or entered.
fn differing(before: &[u32], after: &[u32], k: usize) -> Vec<bool> {
    let mut changed = vec![false; k];
    for (&from, &to) in before.iter().zip(after).filter(|(from, to)| from != to) {
        changed[to as usize] = true;
        // A row without weight may have had no cluster.
        if let Some(changed) = changed.get_mut(from as usize) {
            *changed = true;
        }
    }
    changed
}
