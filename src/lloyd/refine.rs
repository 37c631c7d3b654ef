//! Beyond Lloyd's fixed point: centroids are moved across the data, and what does not help is taken back.
//!
//! A local search by swaps (Lattanzi and Sohler 2019): rows are drawn with probability proportional to their squared distance to the nearest centroid, and
//! all swaps of such a row for a centroid are priced at once ([`crate::kernel::standing`]). The cheapest are tried by exchanging rows around both places
//! ([`crate::kernel::trial`]), each on a copy, so that there is nothing to take back. The best of them is the next state after
//! Lloyd's iterations over all rows (as in FLS++, Beretta et al. 2023), if it is better.
//!
//! Of many rows a [sample](super::sample) stands for the others in the trials, so that the time of a try does not depend on the number of rows; a state is judged
//! by all rows. Lloyd's iterations until convergence end the search, as any run.
//!
//! Invariant: between tries the state of the run is `best`, which has the least inertia seen. All decisions come from labels, sums, and f64 arithmetic in a fixed
//! order, which are the same with every step and any number of threads.
//!
//! What was tried besides and did not earn its place, at equal time: Lloyd's iterations for each try (3 to 10 times as long), taking the first try that
//! helps instead of the best of eight, trying the others that would have helped next, walking on from tries that are slightly worse, a second swap after a first that
//! did not help, and random kicks.

use super::sample::Sample;
use super::{Observer, Plan, State, Step, shift, update};
use crate::data::Data;
use crate::float::Float;
use crate::history::Iteration;
use crate::kernel::means::off_mean;
use crate::kernel::par;
use crate::kernel::standing::{Standing, Swap};
use crate::kernel::trial::{Aim, DWINDLE, Outcome, Trial};
use crate::rng::SeededRng;
use crate::sampler::Sampler;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Rows that are priced together, or one for so many clusters: the more there are, the more draws it takes to hit the one that wants another centroid.
const CANDIDATES: usize = 8;
/// Swaps that are tried before other rows are drawn, and those they are chosen from.
const TOGETHER: usize = 8;
const CHEAPEST: usize = 4 * TOGETHER;
/// The part of itself that a try must lower the inertia by.
const GAIN: f64 = 1e-6;

/// How far [`KMeans::refine`](crate::KMeans::refine) goes beyond Lloyd's fixed point, which is only a local minimum: the more clusters there are, the
/// farther from the best.
///
/// It is a local search by swaps (Lattanzi and Sohler 2019, section 2): a centroid is moved to a row drawn by its squared distance, single rows are exchanged between
/// the clusters around (Hartigan and Wong 1979), and the result is kept, after Lloyd's iterations, if its inertia is less. So the inertia is
/// never more than without. It draws from a stream of the seed, respects weights, and gives the same bits with any number of threads.
///
/// What it buys: it finds the proven optima of Fisher's iris for k = 2 to 10 with each of 20 seeds, in a millisecond or two. With 50 clusters and more it ends
/// below the best of ten restarts, in a fraction of their time (the README has figures).
/// What it costs: 2 to 20 times the plain run where there are groups, about in proportion to the [`patience`](Self::patience). Where there are none (evenly
/// spread rows, many columns and clusters) nearly every try helps a little and the search goes on: 30,000 rows of 64 uniform columns and 200 clusters took 600
/// times the plain run, for 0.9 %. An observer can end it when it has taken long enough. It holds about 40 bytes a row, with 12 more for each of up to 8 threads. Of more rows than that (256 a cluster, and 32,768 in all) tries
/// look only at a sample, of 128 rows a cluster (16,384 in all where clusters are few).
///
/// Each try is an entry of the [history](crate::KMeansModel::history), and the observer sees it: `swapped` is 1 if its swap was kept and 0 if not,
/// `shift` and `reassigned` are of the whole try, and `inertia` is that of the best so far. (The first try moves no centroid, and keeps exchanges of rows
/// only; it is left out on a sample.) Then come the iterations that end the search. An observer's break keeps the best.
///
/// ```
/// use centroids::{KMeans, Refine};
/// use ndarray::Array2;
///
/// // A grid of points, which k-means rarely cuts into the nine squares that are best.
/// let data = Array2::from_shape_fn((144, 2), |(i, t)| [i / 12, i % 12][t] as f64);
/// let model = KMeans::new(9).refine(Refine::default().patience(100)).fit(&data)?;
/// assert_eq!(model.inertia(), 360.0);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refine {
    patience: usize,
}

impl Default for Refine {
    fn default() -> Self {
        Refine { patience: 100 }
    }
}

impl Refine {
    /// Ends after so many tries in a row that did not help (draws that bring nothing new to try count as one). Default: 100. The time is about in proportion.
    #[must_use]
    pub fn patience(mut self, tries: usize) -> Self {
        self.patience = tries;
        self
    }
}

/// How a search ended.
pub(super) enum Found {
    Nothing,
    Better,
    /// The observer stopped it.
    Break,
}

/// The best state so far.
struct Best<F> {
    centroids: Vec<F>,
    inertia: f64,
}

/// A run that is being improved.
pub(super) struct Search<'s, 'a, F: Float> {
    plan: &'s Plan<'a, F>,
    data: &'s Data<'s, F>,
    state: &'s mut State<F>,
    step: &'s mut (dyn Step<F> + 's),
    best: Best<F>,
    /// Distances evaluated since the last entry of the history.
    evaluations: u64,
}

impl<'s, 'a, F: Float> Search<'s, 'a, F> {
    /// Starts from a state as the loop leaves it.
    pub(super) fn new(
        plan: &'s Plan<'a, F>,
        data: &'s Data<'s, F>,
        state: &'s mut State<F>,
        step: &'s mut (dyn Step<F> + 's),
    ) -> Self {
        let best = Best { centroids: state.centroids.clone(), inertia: 0.0 };
        let mut search = Search { plan, data, state, step, best, evaluations: 0 };
        search.best.inertia = search.inertia();
        search
    }

    /// Leaves the best state found.
    pub(super) fn run(
        mut self,
        refine: Refine,
        history: &mut Vec<Iteration>,
        observer: Observer<'_>,
    ) -> Found {
        let start = self.best.inertia;
        let stopped = self.search(refine, history, observer).is_break();
        self.step.settle(&mut self.state.labels);
        match () {
            () if stopped => Found::Break,
            () if self.best.inertia < start => Found::Better,
            () => Found::Nothing,
        }
    }

    fn search(
        &mut self,
        refine: Refine,
        history: &mut Vec<Iteration>,
        observer: Observer<'_>,
    ) -> ControlFlow<()> {
        // With one cluster there is nothing to swap; one that was left without rows is the policy's business.
        let searching =
            self.state.sums.clusters() > 1 && !self.state.sums.any_empty() && self.best.inertia > 0.0;
        let mut rng = SeededRng::stream(self.plan.seed, 1 << 63 | self.plan.run as u64);
        let (k, level) = (self.state.sums.clusters(), self.plan.level);
        let mut failures = 0;
        // The first try moves no centroid: single rows look around.
        let mut swaps = vec![None];
        'best: while searching && failures < refine.patience {
            // All this holds until the best state changes.
            self.step.settle(&mut self.state.labels);
            let sample = Sample::new(self.data.rows(), &self.state.labels, k, &mut rng);
            let mut standing = match &sample {
                None => Standing::new(level, self.data.rows(), &self.state.labels, k),
                Some(sample) => {
                    swaps.clear();
                    let labels = sample.settled(level, self.aim());
                    Standing::new(level, sample.rows(), &labels, k)
                }
            };
            let weights = standing.ordered_weights();
            let sampler = Sampler::new(&standing.first, weights.as_deref());
            let mut trials = trials(&standing);
            let mut tried = BTreeSet::new();
            while failures < refine.patience {
                if swaps.is_empty() {
                    let count = CANDIDATES.max(k / CANDIDATES);
                    let Some(places) = draw(count, &sampler, &standing.first, &mut rng) else { break 'best };
                    let cheapest = standing.cheapest(level, &places, CHEAPEST);
                    let new = cheapest.into_iter().filter(|swap| tried.insert((swap.out, swap.place)));
                    swaps.extend(new.map(Some).take(TOGETHER.min(refine.patience - failures)));
                    failures += usize::from(swaps.is_empty());
                }
                self.evaluations += std::mem::take(&mut standing.evaluations);
                let outcomes = self.outcomes(&standing, &swaps, &mut trials);
                let (swapped, last) = (usize::from(swaps.pop().flatten().is_some()), outcomes.len());
                swaps.clear();
                for (o, outcome) in (1..).zip(outcomes) {
                    self.evaluations += outcome.evaluations;
                    let means = outcome.means.filter(|_| o == last);
                    let better = means.and_then(|means| self.adopt(&means, sample.is_some()));
                    failures = if better.is_some() { 0 } else { failures + 1 };
                    let swapped = if better.is_some() { swapped } else { 0 };
                    let entry = better.unwrap_or_else(|| self.entry(0.0, 0));
                    // Entries of the run are of means as they were before they were rounded.
                    let inertia =
                        history.last().map_or(entry.inertia, |last| entry.inertia.min(last.inertia));
                    history.push(Iteration {
                        index: history.len() + 1,
                        inertia,
                        swapped,
                        distance_evaluations: std::mem::take(&mut self.evaluations),
                        ..entry
                    });
                    if observer(&history[history.len() - 1]).is_break() {
                        return ControlFlow::Break(());
                    }
                    if failures == 0 {
                        continue 'best;
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Of the centroids as they are, which may have a last move to their means before them, and are rounded at least.
    fn inertia(&mut self) -> f64 {
        let (data, d) = (self.data, self.data.d);
        update(self.plan.level, data, self.state, true);
        let centroids = self.state.centroids.chunks_exact(d).enumerate();
        let with_rows = centroids.filter(|part| self.state.sums.count(part.0) > 0);
        let off = with_rows.map(|(j, c)| off_mean(&self.state.sums, j, &data.grids, data.weighted(), c));
        let off: f64 = off.sum();
        self.state.inertia(data) + off
    }

    fn aim(&self) -> Aim {
        Aim { gain: self.best.inertia * GAIN, sweeps: self.plan.max_iter }
    }

    /// What becomes of each swap; the best comes last, and is the only one to be followed. None depends on another, so threads can share them.
    fn outcomes(
        &self,
        standing: &Standing<'_, F>,
        swaps: &[Option<Swap>],
        trials: &mut [Trial],
    ) -> Vec<Outcome> {
        let aim = self.aim();
        let mut outcomes: Vec<Option<Outcome>> = swaps.iter().map(|_| None).collect();
        par::share(trials, swaps.iter().zip(&mut outcomes), |trial, (swap, outcome)| {
            *outcome = Some(trial.make(self.plan.level, standing, *swap, aim));
        });
        let mut outcomes: Vec<Outcome> = outcomes.into_iter().flatten().collect();
        best_last(&mut outcomes);
        outcomes
    }

    /// Lloyd's iterations from the means that a trial ended with, until they have converged or, if it was of a sample, until they are better: only
    /// a sample's means will be much improved by all the rows. What comes of it is the new best state, if it is better.
    fn adopt(&mut self, means: &[f64], of_sample: bool) -> Option<Iteration> {
        let d = self.data.d;
        self.state.centroids.iter_mut().zip(means).for_each(|(x, &mean)| *x = F::of(mean));
        let least = self.best.inertia * (1.0 - GAIN);
        let mut iterations: Vec<Iteration> = Vec::new();
        let (mut moves, mut before) = (0, f64::INFINITY);
        let found = loop {
            let moved = self.assign();
            moves += moved;
            if self.state.sums.any_empty() {
                break None;
            }
            let means = update(self.plan.level, self.data, self.state, iterations.is_empty());
            let shift = shift(self.plan.level, &means, &self.state.centroids, d);
            let (index, inertia) = (iterations.len() + 1, self.state.inertia(self.data));
            let entry = Iteration { index, ..self.entry(shift, moved) };
            iterations.push(Iteration { inertia: inertia * self.data.weight_unit, ..entry });
            let fixed = moved == 0 && shift == 0.0;
            self.state.centroids = means;
            let gain = std::mem::replace(&mut before, inertia) - inertia;
            if inertia >= least && gain * DWINDLE < inertia - least {
                break None;
            }
            if of_sample && inertia < least
                || fixed
                || index >= self.plan.max_iter
                || self.plan.convergence.is_met(&iterations)
            {
                // The labels of these centroids, as at the end of any run.
                moves += if fixed { 0 } else { self.assign() };
                let inertia = self.inertia();
                break Some(inertia).filter(|_| inertia < least && !self.state.sums.any_empty());
            }
        };
        let Some(inertia) = found else {
            self.state.centroids.copy_from_slice(&self.best.centroids);
            self.assign();
            return None;
        };
        let shift = shift(self.plan.level, &self.state.centroids, &self.best.centroids, d);
        self.best = Best { centroids: self.state.centroids.clone(), inertia };
        Some(self.entry(shift, moves))
    }

    /// Labels the rows; how many moved.
    fn assign(&mut self) -> usize {
        let State { centroids, labels, sums, .. } = &mut *self.state;
        let assigned = self.step.assign(self.data, centroids, labels, sums);
        self.evaluations += assigned.evaluations;
        assigned.moved
    }

    fn entry(&self, shift: f64, reassigned: usize) -> Iteration {
        Iteration {
            run: self.plan.run,
            inertia: self.best.inertia * self.data.weight_unit,
            shift,
            relative_shift: self.data.relative(shift),
            reassigned,
            ..Iteration::default()
        }
    }
}

/// Places of rows, drawn with probability proportional to weight times squared distance. None if every row lies on its mean.
fn draw(count: usize, sampler: &Sampler<'_>, first: &[f64], rng: &mut SeededRng) -> Option<Vec<usize>> {
    let mut drawn = (0..count).map(|_| sampler.draw(first, rng)).collect::<Option<Vec<usize>>>()?;
    drawn.sort_unstable();
    drawn.dedup();
    Some(drawn)
}

/// The best change last; not in [`Search`], where it would be compiled for each type.
fn best_last(outcomes: &mut [Outcome]) {
    outcomes.sort_by(|a, b| b.change.total_cmp(&a.change));
}

/// One for each thread worth waking.
fn trials<F: Float>(standing: &Standing<'_, F>) -> Vec<Trial> {
    // A trial looks at many rows, and never at many at once.
    let work = 20.0 * (standing.order.len() * (standing.rows.d + 8) * TOGETHER) as f64;
    vec![Trial::new(standing); par::workers_for(work).min(TOGETHER)]
}
