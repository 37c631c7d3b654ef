//! Beyond Lloyd's fixed point: centroids are moved across the data, and what does not help is taken back.
//!
//! A local search by swaps (Lattanzi and Sohler 2019), with Lloyd's iterations after each swap (as in FLS++, Beretta et al. 2023): rows are drawn
//! with probability proportional to their squared distance to the nearest centroid, and every swap of such a row for a centroid is priced by one pass
//! over the data. The cheapest are tried, first all together that do not touch each other, then one by one: the centroids move there, the iterations go on,
//! and the result is kept if its inertia is less than the best so far.
//!
//! Invariant: `best` has the least inertia seen. The step that assigns the rows lives on from the run, and to its bounds a swap is a centroid that moved
//! far; so a try costs a fraction of a first iteration. All decisions come from labels, centroids and sums, which are the same with every step.
//!
//! What was tried besides and did not earn its place, at equal time: Hartigan's exchange of single rows before each round, walking on from tries that are
//! slightly worse, a second swap after a first that did not help, and random kicks.

use super::{Observer, Plan, State, Step, shift, update};
use crate::data::Data;
use crate::float::Float;
use crate::history::{Iteration, StopReason};
use crate::kernel::exact;
use crate::kernel::nearest_two::Two;
use crate::kernel::swap::Prices;
use crate::rng::SeededRng;
use crate::sampler::Sampler;
use std::collections::BTreeSet;

/// Rows that are priced together.
const CANDIDATES: usize = 16;
/// Of their swaps with all centroids, those that are looked at.
const CHEAPEST: usize = 4 * CANDIDATES;
/// Swaps that are tried singly before other rows are drawn.
const SINGLY: usize = 4;
/// The part of itself that a try must lower the inertia by.
const GAIN: f64 = 1e-6;

/// How far [`KMeans::refine`](crate::KMeans::refine) goes beyond Lloyd's fixed point, which is only a local minimum: the more clusters there are, the
/// farther from the best.
///
/// It is a local search by swaps (Lattanzi and Sohler 2019, section 2; with Lloyd's iterations after each swap as in Beretta et al. 2023): a centroid is
/// moved to a row drawn by its squared distance, the iterations go on from there, and the result is kept if its inertia is less. So the inertia is
/// never more than without. It draws from a stream of the seed, respects weights, and gives the same bits with any number of threads.
///
/// What it buys: `n_init(5)` with it finds the proven optima of Fisher's iris for k = 2 to 10 with each of 20 seeds. On data with 50 clusters and more it ends
/// below the best of ten restarts, in a fraction of their time (the README has figures).
/// What it costs: typically 2 to 10 times the plain run, about in proportion to the [`patience`](Self::patience); and 16 bytes a row.
///
/// Each try is an entry of the [history](crate::KMeansModel::history), and the observer sees it: `swapped` counts the centroids moved in a try that helped
/// and is 0 for those that were taken back, `shift` and `reassigned` are of the whole try, and `inertia` is that of the best so far. An observer's break keeps the best.
///
/// ```
/// use centroids::{KMeans, Refine};
/// use ndarray::Array2;
///
/// // A grid of points, which k-means rarely cuts into the nine squares that are best.
/// let data = Array2::from_shape_fn((144, 2), |(i, t)| if t == 0 { i / 12 } else { i % 12 } as f64);
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
        Refine { patience: 50 }
    }
}

impl Refine {
    /// Ends after so many tries in a row that did not help. Default: 50. The time is about in proportion.
    #[must_use]
    pub fn patience(mut self, tries: usize) -> Self {
        self.patience = tries;
        self
    }
}

/// A centroid, and the row to take its place.
#[derive(Clone, Copy)]
struct Swap {
    out: usize,
    row: usize,
    /// By how much the inertia changes if no centroid moves to its mean.
    change: f64,
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

    /// Leaves the best state found. The reason to stop, if the observer had one.
    pub(super) fn run(
        mut self,
        refine: Refine,
        history: &mut Vec<Iteration>,
        observer: Observer<'_>,
    ) -> Option<StopReason> {
        // With one cluster there is nothing to swap; one that was left without rows is the policy's business.
        let searching = self.state.sums.clusters() > 1 && !self.state.sums.any_empty();
        let mut rng = SeededRng::stream(self.plan.seed, 1 << 63 | self.plan.run as u64);
        let (mut failures, mut stop) = (0, None);
        'best: while searching && stop.is_none() && failures < refine.patience {
            // All this holds until the best state changes.
            let two = self.two();
            let sampler = Sampler::new(&two.first, self.data.rows().weights);
            let mut tried = BTreeSet::new();
            while failures < refine.patience {
                let swaps = self.swaps(&two, &sampler, &mut rng);
                if swaps.is_empty() {
                    break 'best;
                }
                let tries = tries(&swaps, &mut tried, &self.state.labels);
                failures += usize::from(tries.is_empty());
                for swaps in tries.iter().take(refine.patience - failures) {
                    let mut entry = self.attempt(swaps);
                    entry.index = history.len() + 1;
                    let better = entry.swapped > 0;
                    failures = if better { 0 } else { failures + 1 };
                    history.push(entry);
                    if observer(&history[history.len() - 1]).is_break() {
                        stop = Some(StopReason::Observer);
                    }
                    if better || stop.is_some() {
                        continue 'best;
                    }
                }
                self.restore();
            }
        }
        self.restore();
        stop
    }

    /// Of the centroids as they are, which may have a last move to their means before them.
    fn inertia(&mut self) -> f64 {
        let (data, d) = (self.data, self.data.d);
        let means = update(data, self.state, true);
        let pairs = means.chunks_exact(d).zip(self.state.centroids.chunks_exact(d)).enumerate();
        let weight = |j| self.state.sums.weight(j, &data.grids, data.weighted()).value();
        let apart = pairs.map(|(j, (mean, centroid))| weight(j) * exact::squared_distance(mean, centroid));
        self.state.inertia(data) + apart.sum::<f64>()
    }

    /// Each row's distances to the two nearest of the best centroids.
    fn two(&mut self) -> Two {
        self.restore();
        let centroids: Vec<f64> = self.best.centroids.iter().map(|x| x.f64()).collect();
        self.evaluations += self.data.n() as u64 * self.state.sums.clusters() as u64;
        Two::new(self.plan.level, self.data.rows().values, &centroids, self.data.d)
    }

    /// Back to the best centroids, and their labels.
    fn restore(&mut self) {
        if self.state.centroids != self.best.centroids {
            self.state.centroids.copy_from_slice(&self.best.centroids);
            self.assign();
        }
        self.step.settle(&mut self.state.labels);
    }

    /// Labels the rows; how many moved.
    fn assign(&mut self) -> usize {
        let State { centroids, labels, sums, .. } = &mut *self.state;
        let assigned = self.step.assign(self.data, centroids, labels, sums);
        self.evaluations += assigned.evaluations;
        assigned.moved
    }

    /// Draws rows, and finds the cheapest of their swaps. None if every row lies on a centroid.
    fn swaps(&mut self, two: &Two, sampler: &Sampler<'_>, rng: &mut SeededRng) -> Vec<Swap> {
        let rows = self.data.rows();
        let mut drawn = Vec::with_capacity(CANDIDATES);
        for _ in 0..CANDIDATES {
            let Some(row) = sampler.draw(&two.first, rng) else { return Vec::new() };
            if !drawn.contains(&row) {
                drawn.push(row);
            }
        }
        let candidates: Vec<F> = drawn.iter().flat_map(|&row| rows.row(row)).copied().collect();
        let k = self.state.sums.clusters();
        self.evaluations += rows.n() as u64 * drawn.len() as u64;
        let prices = Prices::new(self.plan.level, rows, &self.state.labels, two, &candidates, k);
        let swap = |(candidate, out, change)| {
            let candidate: usize = candidate;
            Swap { out, row: drawn[candidate], change }
        };
        prices.cheapest(CHEAPEST).into_iter().map(swap).collect()
    }

    /// Makes the swaps and iterates from there; what comes of it is the new best state, or is abandoned as soon as it cannot be.
    fn attempt(&mut self, swaps: &[Swap]) -> Iteration {
        let d = self.data.d;
        self.state.centroids.copy_from_slice(&self.best.centroids);
        for swap in swaps {
            self.state.centroids[swap.out * d..][..d].copy_from_slice(self.data.rows().row(swap.row));
        }
        let least = self.best.inertia * (1.0 - GAIN);
        let mut iterations: Vec<Iteration> = Vec::new();
        let (mut moves, mut before) = (0, f64::INFINITY);
        let found = loop {
            let moved = self.assign();
            moves += moved;
            if self.state.sums.any_empty() {
                break None;
            }
            // The swaps are from the best centroids, but the rows come from the last try: nothing is known of any cluster.
            let means = update(self.data, self.state, iterations.is_empty());
            let inertia = self.state.inertia(self.data);
            let gain = before - inertia;
            before = inertia;
            // Gains dwindle: a few times the last one is all that is to come.
            if gain < 0.0 || inertia >= least && gain * 4.0 < inertia - least {
                break None;
            }
            let shift = shift(&means, &self.state.centroids, d);
            let mut entry = self.entry(inertia, shift, moved);
            entry.index = iterations.len() + 1;
            iterations.push(entry);
            let fixed = moved == 0 && shift == 0.0;
            self.state.centroids = means;
            if fixed || iterations.len() >= self.plan.max_iter || self.plan.convergence.is_met(&iterations) {
                // The labels of these centroids, as at the end of any run.
                moves += if fixed { 0 } else { self.assign() };
                let inertia = self.inertia();
                break Some(inertia).filter(|_| inertia < least && !self.state.sums.any_empty());
            }
        };
        let mut entry = self.entry(self.best.inertia, 0.0, 0);
        if let Some(inertia) = found {
            let shift = shift(&self.state.centroids, &self.best.centroids, d);
            self.best = Best { centroids: self.state.centroids.clone(), inertia };
            entry = Iteration { swapped: swaps.len(), ..self.entry(self.best.inertia, shift, moves) };
        }
        entry.distance_evaluations = std::mem::take(&mut self.evaluations);
        entry
    }

    fn entry(&self, inertia: f64, shift: f64, reassigned: usize) -> Iteration {
        Iteration {
            run: self.plan.run,
            inertia: inertia * self.data.weight_unit,
            shift,
            relative_shift: self.data.relative(shift),
            reassigned,
            ..Iteration::default()
        }
    }
}

/// What to try: together the swaps that each lower the inertia and are far enough apart, then the best ones not tried before.
fn tries(swaps: &[Swap], tried: &mut BTreeSet<(usize, usize)>, labels: &[u32]) -> Vec<Vec<Swap>> {
    let home = |swap: &Swap| labels[swap.row] as usize;
    let mut together: Vec<Swap> = Vec::new();
    for swap in swaps.iter().filter(|swap| swap.change < 0.0) {
        // None takes a centroid whose rows another one counts on, or two from or to the same place.
        let apart = |other: &Swap| {
            ![other.out, home(other)].contains(&swap.out) && ![other.out, home(other)].contains(&home(swap))
        };
        if together.iter().all(apart) {
            together.push(*swap);
        }
    }
    let new = swaps.iter().filter(|swap| tried.insert((swap.out, swap.row)));
    let singly = new.take(SINGLY).map(|swap| vec![*swap]);
    Some(together).filter(|together| together.len() > 1).into_iter().chain(singly).collect()
}
