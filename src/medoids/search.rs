//! FasterPAM (Schubert and Rousseeuw 2021): each row in turn is offered as a medoid, and taken at once if it lowers the loss.
//!
//! Invariant: `near` has each row's two nearest medoids. So what all k exchanges for one candidate would change is known after one pass over its
//! dissimilarities, and the medoids are as good as none else can better when a whole round of candidates was refused. Candidates are weighed several at a time,
//! by the threads; the first that helps is taken and those behind it are weighed again, so the result is that of one after another.

use super::matrix::Matrix;
use crate::float::Float;
use crate::history::StopReason;
use crate::kernel::exchange::{Near, best_exchange};
use crate::kernel::{Element, Level, par};
use crate::restarts::Watch;
use std::fmt;

/// One round of a search for medoids: every row was offered as a medoid once.
///
/// ```
/// use centroids::KMedoids;
/// # let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// let model = KMedoids::new(2).fit(&data)?;
/// assert_eq!(model.history().last().unwrap().swaps, 0);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MedoidsIteration {
    /// Which of the `n_init` runs, or which sample, from 0.
    pub run: usize,
    /// Which round of the run, from 1.
    pub index: usize,
    /// Sum of the dissimilarities of the rows (those of the sample) to their nearest medoids after it. It never rises.
    pub loss: f64,
    /// Medoids that were exchanged for other rows.
    pub swaps: usize,
}

impl fmt::Display for MedoidsIteration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MedoidsIteration { index, loss, swaps, .. } = self;
        write!(f, "iteration {index}: loss {loss:.6e}, {swaps} medoids swapped")
    }
}

/// What a search leaves.
pub(super) struct Run {
    pub medoids: Vec<usize>,
    pub loss: f64,
    pub history: Vec<MedoidsIteration>,
    pub stop_reason: StopReason,
}

pub(super) fn run<F: Float>(
    level: Level,
    index: usize,
    max_iter: usize,
    matrix: &Matrix<'_, F>,
    medoids: Vec<usize>,
    observer: Watch<'_, MedoidsIteration>,
) -> Run {
    if medoids.len() == 1 {
        return only(index, matrix, &medoids, observer);
    }
    let mut search = Search::new(level, matrix, medoids);
    let mut history: Vec<MedoidsIteration> = Vec::new();
    let stop_reason = loop {
        let swaps = search.round();
        let entry = MedoidsIteration { run: index, index: history.len() + 1, loss: search.loss, swaps };
        history.push(entry);
        if observer(&history[history.len() - 1]).is_break() {
            break StopReason::Observer;
        }
        if swaps == 0 || search.refused >= matrix.n() {
            break StopReason::Converged;
        }
        if history.len() >= max_iter {
            break StopReason::MaxIterations;
        }
    };
    Run { medoids: search.medoids, loss: search.loss, history, stop_reason }
}

/// With one medoid there is no second nearest, and all that can be is seen in one round.
fn only<F: Float>(
    index: usize,
    matrix: &Matrix<'_, F>,
    start: &[usize],
    observer: Watch<'_, MedoidsIteration>,
) -> Run {
    let mut losses = vec![0.0; matrix.n()];
    let mut workers = vec![(); par::workers_for(matrix.n() as f64 * matrix.n() as f64)];
    par::share(&mut workers, losses.iter_mut().enumerate(), |(), (row, loss)| {
        *loss = matrix.row(row).iter().map(|&x| Element::f64(x)).sum();
    });
    let best =
        (0..losses.len()).fold(start[0], |best, row| if losses[row] < losses[best] { row } else { best });
    let entry =
        MedoidsIteration { run: index, index: 1, loss: losses[best], swaps: usize::from(best != start[0]) };
    let stopped = observer(&entry).is_break();
    let stop_reason = if stopped { StopReason::Observer } else { StopReason::Converged };
    Run { medoids: vec![best], loss: losses[best], history: vec![entry], stop_reason }
}

struct Search<'a, F: Float> {
    level: Level,
    matrix: &'a Matrix<'a, F>,
    medoids: Vec<usize>,
    near: Near<F>,
    removals: Vec<f64>,
    loss: f64,
    /// Candidates since the last exchange.
    refused: usize,
}

impl<'a, F: Float> Search<'a, F> {
    fn new(level: Level, matrix: &'a Matrix<'a, F>, medoids: Vec<usize>) -> Self {
        let near = Near::new(matrix.n(), medoids.iter().map(|&row| matrix.row(row)));
        let (removals, loss) = (near.removals(medoids.len()), near.loss());
        Search { level, matrix, medoids, near, removals, loss, refused: 0 }
    }

    /// Offers every row once, or stops when all were refused since the last exchange. The number of exchanges.
    fn round(&mut self) -> usize {
        let n = self.matrix.n();
        let k = self.medoids.len();
        let (mut swaps, mut next, mut together) = (0, 0, 8);
        let mut changes = vec![vec![0.0; k]; par::threads()];
        let mut offers = Vec::new();
        while next < n && self.refused < n {
            let count = together.min(n - next).min(n - self.refused);
            offers.clear();
            offers.resize(count, None);
            let workers = par::workers_for(count as f64 * n as f64);
            par::share(&mut changes[..workers], offers.iter_mut().enumerate(), |changes, (i, offer)| {
                let (row, standing) = (self.matrix.row(next + i), (&self.removals[..], self.loss));
                *offer = best_exchange(self.level, row, &self.near, standing, changes);
            });
            let new = |i: usize| !self.medoids.contains(&(next + i));
            let mut offers = offers.iter().enumerate().filter_map(|(i, offer)| Some((i, (*offer)?)));
            if let Some((i, (place, after))) = offers.find(|offer| new(offer.0)) {
                self.exchange(place, next + i);
                debug_assert_eq!(self.loss, after, "as it was foreseen");
                swaps += 1;
                self.refused = 0;
                next += i + 1;
                together = 8;
            } else {
                self.refused += count;
                next += count;
                together = (2 * together).min(512);
            }
        }
        swaps
    }

    /// Puts a row in the place of a medoid.
    fn exchange(&mut self, place: usize, row: usize) {
        self.medoids[place] = row;
        let (gone, near) = (place as u32, &mut self.near);
        for (i, &distance) in self.matrix.row(row).iter().enumerate() {
            if near.owner[i] == gone && distance <= near.second[i] {
                near.first[i] = distance;
            } else if near.owner[i] == gone || near.next[i] == gone {
                // Its third nearest medoid is not known.
                near.forget(i);
                for (j, &medoid) in (0..).zip(&self.medoids) {
                    near.offer(i, j, self.matrix.row(medoid)[i]);
                }
            } else {
                near.offer(i, gone, distance);
            }
        }
        self.removals = self.near.removals(self.medoids.len());
        self.loss = self.near.loss();
    }
}
