//! The loop: assign, repair empty clusters, move the centroids, record, observe, stop.
//!
//! How the rows are assigned is the [`Step`]; everything else exists once, here. A step must leave the labels that the reference
//! search would ([`crate::kernel`]), so which step runs can never change a result.

mod balanced;
mod empty;
mod filtering;
mod full;
mod hamerly;
mod refine;
mod sample;
#[cfg(test)]
mod tests;
mod transport;

pub use empty::EmptyCluster;
use refine::Found;
pub use refine::Refine;

use crate::convergence::Convergence;
use crate::data::{Data, unit_rows};
use crate::error::Error;
use crate::float::Float;
use crate::history::{Iteration, StopReason};
use crate::kernel::assign::Assigned;
use crate::kernel::moments::{Double, NOWHERE, RowSums};
use crate::kernel::pack::{FEW_COLUMNS, Frame, middle};
use crate::kernel::{Level, distances, doubt, par};
use crate::rng::SeededRng;
use std::ops::{ControlFlow, RangeInclusive};

/// One way of assigning rows to their nearest centroids.
pub(crate) trait Step<F: Float> {
    /// Labels every row with its nearest centroid, and moves the rows whose label changed between the sums.
    fn assign(
        &mut self,
        data: &Data<'_, F>,
        centroids: &[F],
        labels: &mut [u32],
        sums: &mut RowSums,
    ) -> Assigned;

    /// Writes the labels, where the step keeps its own.
    fn settle(&mut self, _labels: &mut [u32]) {}

    /// Labels or clusters were changed from outside: nothing remembered of them holds any more.
    fn forget(&mut self);
}

/// The frame of a run: means stay within the range of the data; the start need not lie there.
fn frame_for<F: Float>(level: Level, data: &Data<'_, F>, start: &[F]) -> Frame<F> {
    let mut range = data.range.clone();
    F::scan(level, start, &mut range);
    Frame::new(&range, &middle(data.d, data.n(), |i| data.rows().row(i)))
}

/// How the rows are assigned to the centroids. The choice changes the time a fit takes, and no bit of its result.
///
/// ```
/// use centroids::{Algorithm, KMeans};
/// # let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// let model = KMeans::new(2).algorithm(Algorithm::Lloyd).fit(&data)?;
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Algorithm {
    /// The fastest for the data at hand.
    #[default]
    Auto,
    /// Every row against every centroid, in every iteration. Holds 4 bytes a row, the label, as do all the others.
    Lloyd,
    /// Two bounds a row (9 bytes) prove most labels without a look at the centroids (Hamerly 2010). Centroids that still move far are set apart, so that
    /// they spoil the bounds of no row but those they come near to; and with many columns and clusters, up to four rivals of a row's centroid are remembered by name (12 more
    /// bytes), as in Drake and Hamerly 2012, for the rows whose bounds prove all but these. While bounds prove too little to be worth their upkeep, they pause.
    Hamerly,
    /// The rows are put in order along a Hilbert curve and cut into tiles of 128 neighbours; a tile whose box has only one centroid that can be nearest is decided at once
    /// (Pelleg and Moore 1999, Kanungo et al. 2002). Pays for up to 3 columns, or 4 with many clusters; does up to 8, and beyond is the same as `Lloyd`.
    /// Holds a copy of the data, in another order, and about 11 bytes a row.
    Filtering,
}

/// Which problem is solved.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Each row goes to its nearest centroid, and each centroid to the mean of its rows.
    Means,
    /// The same, but clusters have so many rows, which must be possible.
    Bounded(RangeInclusive<usize>),
    /// Rows have length 1, and each centroid is the mean of its rows scaled to length 1.
    Sphere,
}

/// What a run needs to know besides the data and the start.
pub(crate) struct Plan<'a, F> {
    pub level: Level,
    pub run: usize,
    pub seed: u64,
    pub max_iter: usize,
    pub algorithm: Algorithm,
    pub empty_cluster: EmptyCluster,
    pub kind: Kind,
    pub refine: Option<Refine>,
    pub convergence: &'a dyn Convergence<F>,
}

/// Sees each iteration, and may stop the run.
pub(crate) type Observer<'a> = &'a mut dyn FnMut(&Iteration) -> ControlFlow<()>;

/// What a run leaves: one consistent state.
pub(crate) struct Run<F> {
    /// The step that assigned the rows.
    pub algorithm: Algorithm,
    pub centroids: Vec<F>,
    pub labels: Vec<u32>,
    /// Direct: the sum of the rows' reference distances.
    pub inertia: f64,
    pub history: Vec<Iteration>,
    pub stop_reason: StopReason,
}

/// The state between two iterations.
struct State<F> {
    centroids: Vec<F>,
    labels: Vec<u32>,
    sums: RowSums,
    /// Per cluster: weight times squared distance of the mean from the mean of all rows. On the sphere: the length of the sum.
    spreads: Vec<Double>,
    /// On the sphere: the sum of the squared lengths of the rows, which are 1 but for rounding.
    lengths: Option<f64>,
}

impl<F: Float> State<F> {
    /// Of the assignment about its means, in units of the data's weights.
    fn inertia(&self, data: &Data<'_, F>) -> f64 {
        let spreads = self.spreads.iter().fold(Double::ZERO, |sum, spread| sum.plus(*spread)).value();
        match self.lengths {
            None => (data.scatter - spreads).max(0.0),
            // |x - c|^2 = |x|^2 - 2 x c + 1.
            Some(lengths) => (lengths + data.total_weight() - 2.0 * spreads).max(0.0),
        }
    }
}

/// The squared distance by which the centroids moved.
fn shift<F: Float>(level: Level, new: &[F], old: &[F], d: usize) -> f64 {
    distances::between(level, new, old, d).iter().sum()
}

/// The step that `Auto` takes, from measurements: of those that hold at most 32 bytes a row.
fn choose<F: Float>(plan: &Plan<'_, F>, data: &Data<'_, F>, k: usize) -> Algorithm {
    let (n, d) = (data.n(), data.d);
    let row = doubt::score_nanoseconds::<F>(plan.level, k, d) / doubt::relative_size::<F>();
    // Tiles help while boxes of 128 rows are small, cost about 30 ns a row to make, and are held to 32 bytes a row.
    // Measured with f32, whose prices f64 is held to.
    let few = d <= 3 || d == 4 && k >= 32;
    let held = d * size_of::<F>() + 16 <= 32;
    let repay = if d <= 3 { 40.0 } else { 120.0 };
    if few && held && n >= 4096 && row > 1.5 && row * plan.max_iter as f64 > repay {
        Algorithm::Filtering
    } else if doubt::bounds_pay::<F>(plan.level, k, d) {
        Algorithm::Hamerly
    } else {
        Algorithm::Lloyd
    }
}

fn step_for<'a, F: Float>(
    algorithm: Algorithm,
    level: Level,
    data: &'a Data<'a, F>,
    start: &[F],
) -> Box<dyn Step<F> + 'a> {
    match algorithm {
        Algorithm::Hamerly => Box::new(hamerly::Hamerly::new(level, data, start)),
        Algorithm::Filtering => Box::new(filtering::Filtering::new(level, data, start)),
        Algorithm::Auto | Algorithm::Lloyd => Box::new(full::Full::new(level, data, start)),
    }
}

pub(crate) fn run<F: Float>(
    plan: &Plan<'_, F>,
    data: &Data<'_, F>,
    mut start: Vec<F>,
    observer: Observer<'_>,
) -> Result<Run<F>, Error> {
    let mut lengths = None;
    if let Kind::Sphere = plan.kind {
        start = unit_rows(&start, data.d)?;
        let origin = vec![F::zero(); data.d];
        lengths =
            Some(distances::inertia(plan.level, data.rows(), &origin, None, &data.distance_grid(&origin)));
    }
    let k = start.len() / data.d;
    let algorithm = match plan.algorithm {
        // Every row against every centroid, and then more.
        _ if matches!(plan.kind, Kind::Bounded(_)) => Algorithm::Lloyd,
        Algorithm::Auto => choose(plan, data, k),
        Algorithm::Filtering if data.d > FEW_COLUMNS => Algorithm::Lloyd,
        chosen => chosen,
    };
    let mut step = match &plan.kind {
        Kind::Bounded(sizes) => Box::new(balanced::Balanced::new(plan.level, sizes.clone(), k)),
        _ => step_for(algorithm, plan.level, data, &start),
    };
    let mut state = State {
        centroids: start,
        labels: par::filled(data.n(), NOWHERE),
        sums: RowSums::new(k, &data.grids),
        spreads: vec![Double::ZERO; k],
        lengths,
    };
    let mut rng = SeededRng::stream(plan.seed, 2 * plan.run as u64 + 1);
    let mut history: Vec<Iteration> = Vec::new();
    let mut stop_reason = iterate(plan, data, &mut state, &mut *step, &mut rng, &mut history, observer)?;
    if let Some(refine) = plan.refine
        && stop_reason != StopReason::Observer
    {
        match refine::Search::new(plan, data, &mut state, &mut *step).run(refine, &mut history, observer) {
            Found::Nothing => {}
            Found::Better => {
                stop_reason = iterate(plan, data, &mut state, &mut *step, &mut rng, &mut history, observer)?;
            }
            Found::Break => stop_reason = StopReason::Observer,
        }
    }
    let State { centroids, labels, .. } = state;
    let grid = data.distance_grid(&centroids);
    let inertia =
        distances::inertia(plan.level, data.rows(), &centroids, Some(&labels), &grid) * data.weight_unit;
    Ok(Run { algorithm, centroids, labels, inertia, history, stop_reason })
}

/// Each iteration lowers the inertia, until none changes anything. So many in a row that did not are steps that rounding undoes, and would go on for ever; but a few may gain what the largest
/// values hide.
const IDLE: usize = 100;

/// Lloyd's iterations, until they stop.
fn iterate<F: Float>(
    plan: &Plan<'_, F>,
    data: &Data<'_, F>,
    state: &mut State<F>,
    step: &mut (dyn Step<F> + '_),
    rng: &mut SeededRng,
    history: &mut Vec<Iteration>,
    observer: Observer<'_>,
) -> Result<StopReason, Error> {
    let (before, mut idle) = (history.len(), 0);
    let mut assigned = step.assign(data, &state.centroids, &mut state.labels, &mut state.sums);
    loop {
        let index = history.len() + 1;
        if state.sums.any_empty() {
            step.settle(&mut state.labels);
        }
        let mut repair = empty::repair(plan, data, state, rng, index)?;
        // Whatever went before: from here on, centroids are the means of the clusters that do not change.
        let mut moved = update(plan.level, data, state, index == before + 1);
        if repair.relocated > 0 && (moved == state.centroids || idle >= IDLE) {
            repair.undo(plan, data, state);
            moved = update(plan.level, data, state, false);
        }
        let empty::Repair { relocated, dropped, .. } = repair;
        if relocated + dropped > 0 {
            step.forget();
        }
        let mut inertia = state.inertia(data) * data.weight_unit;
        let last = history.last().map_or(f64::INFINITY, |last| last.inertia);
        if relocated > 0 {
            // It falls, though rounding may hide that.
            inertia = inertia.min(last);
        } else if inertia > last {
            // Means rounded to F can make two assignments alternate for ever, each a little worse for the other's centroids.
            // Not even the best means of this assignment improve on the last one: that one stands.
            step.settle(&mut state.labels);
            return Ok(StopReason::Converged);
        }
        idle = if inertia < last || dropped > 0 { 0 } else { idle + 1 };
        let shift = shift(plan.level, &moved, &state.centroids, data.d);
        let fixed = shift == 0.0 && assigned.moved == 0 && relocated == 0;
        state.centroids = moved;
        history.push(Iteration {
            run: plan.run,
            index,
            inertia,
            shift,
            relative_shift: data.relative(shift),
            reassigned: assigned.moved,
            distance_evaluations: assigned.evaluations,
            relocated,
            dropped,
            swapped: 0,
        });
        let stop = if observer(&history[index - 1]).is_break() {
            Some(StopReason::Observer)
        } else if fixed || idle >= IDLE || plan.convergence.is_met(&history[before..]) {
            Some(StopReason::Converged)
        } else if index - before >= plan.max_iter {
            Some(StopReason::MaxIterations)
        } else {
            None
        };
        if let Some(reason) = stop
            && fixed
        {
            step.settle(&mut state.labels);
            return Ok(reason);
        }
        assigned = step.assign(data, &state.centroids, &mut state.labels, &mut state.sums);
        if let Some(reason) = stop {
            // A criterion may be met just when a cluster loses its last row: then the run goes on, while it may.
            let reason = match reason {
                StopReason::Converged if !state.sums.any_empty() => Some(reason),
                StopReason::Converged => {
                    (index - before >= plan.max_iter).then_some(StopReason::MaxIterations)
                }
                _ => Some(reason),
            };
            if let Some(reason) = reason {
                step.settle(&mut state.labels);
                if empty::finish(plan, data, state, index)? > 0 {
                    step.forget();
                }
                return Ok(reason);
            }
        }
    }
}

/// The means of the clusters; refreshes the spreads of those that changed. The centroids of the others are their means already, unless `all` says otherwise.
fn update<F: Float>(level: Level, data: &Data<'_, F>, state: &mut State<F>, all: bool) -> Vec<F> {
    let d = data.d;
    let mut means = state.centroids.clone();
    let changed: Vec<bool> = (0..state.sums.clusters()).map(|j| state.sums.take_touched(j) | all).collect();
    let (sums, weighted) = (&state.sums, data.weighted());
    let mut workers = vec![(); par::workers_for(means.len() as f64 * 50.0)];
    let pairs = means.chunks_exact_mut(d).zip(state.centroids.chunks_exact(d));
    let clusters = pairs.zip(&mut state.spreads).zip(changed).enumerate();
    let origin = state.lengths.map(|_| vec![F::zero(); d]);
    par::share(&mut workers, clusters, |(), (j, (((mean, centroid), spread), changed))| {
        if !changed || sums.count(j) == 0 {
            return;
        }
        let Some(origin) = &origin else {
            *spread = F::mean(level, sums, j, &data.grids, weighted, &data.mean, mean);
            return;
        };
        let square = F::mean(level, sums, j, &data.grids, weighted, origin, mean).value();
        *spread = Double { high: (square * sums.weight(j, &data.grids, weighted).value()).sqrt(), low: 0.0 };
        // Rows that point all ways have no mean direction: any is as good as the one there is.
        let unit = unit_rows(mean, d);
        mean.copy_from_slice(unit.as_deref().unwrap_or(centroid));
    });
    means
}
