//! What the moves of the centroids do to the bounds of the rows ([`super::bounds`]).
//!
//! Often a few centroids still move far while most hardly move at all, and the largest move then spoils the lower bound of every row.
//! Such centroids are *set apart*: the bounds shrink by the largest move of the rest, and rows proven against the rest meet only those set
//! apart. How many to set apart is decided anew in each iteration, by what it would cost the rows of a sample.
//!
//! That is for rows whose bounds are *fresh*, made by the look at all centroids just before, and fail all the same: another such look would not help them. Bounds that
//! have lasted and are worn out are made anew, for these will last again.

use super::assign::{Worker, chunk_rows};
use super::bounds::{Bounds, Part, above, below};
use super::distances;
use super::element::{Element, Level};
use super::pack::Packed;
use super::par;
use super::pieces::{end_to_end, farthest_first};
use super::price::{relative_size, score_nanoseconds};
use super::sampled::sampled;

/// How far the centroids moved, and how far apart they are now.
pub(crate) struct Drift<F> {
    /// At least the distance that each centroid moved.
    moved: Vec<f32>,
    /// The largest of these, the centroid it belongs to, and the largest of the others.
    farthest: f32,
    mover: u32,
    runner_up: f32,
    /// At most half the distance from each centroid to its nearest neighbour.
    half_gap: Vec<f32>,
    /// The centroids set apart, if any.
    pub apart: Option<Apart<F>>,
    /// Distances evaluated for it.
    pub evaluations: u64,
}

/// Centroids set apart.
pub(crate) struct Apart<F> {
    pub indices: Vec<u32>,
    pub packed: Packed<F>,
    /// The largest move of the rest.
    rest: f32,
}

/// Rows whose bounds do not prove their label, by what it takes to decide them.
#[derive(Default)]
pub(crate) struct Doubts {
    /// A look at the centroids set apart.
    pub apart: Vec<u32>,
    /// A look at their rivals.
    pub rivals: Vec<u32>,
    /// A look at all centroids.
    pub all: Vec<u32>,
}

impl<F: Element> Drift<F> {
    /// From the old centroids to those in `packed`, for rows with these labels and bounds.
    pub(crate) fn new(
        level: Level,
        packed: &Packed<F>,
        old: &[F],
        labels: &[u32],
        bounds: &Bounds,
        workers: &mut [Worker<F>],
    ) -> Self {
        let d = packed.d;
        let scale = packed.frame.scale.f64();
        let squares = distances::between(level, &packed.centroids, old, d);
        let pairs = packed.centroids.chunks_exact(d).zip(old.chunks_exact(d)).zip(squares);
        let moved: Vec<f32> = pairs
            .map(|((new, old), square)| if new == old { 0.0 } else { above((square.sqrt() * scale) as f32) })
            .collect();
        let mut order: Vec<(f64, u32)> = moved.iter().map(|&moved| f64::from(moved)).zip(0..).collect();
        farthest_first(&mut order);
        let move_of = |place: usize| order.get(place).map_or(0.0, |mover| mover.0 as f32);
        let (farthest, mover, runner_up) = (move_of(0), order[0].1, move_of(1));
        let evaluations = (packed.k * (packed.k + 1)) as u64;
        let half_gap = half_gaps(level, packed, workers);
        let mut drift = Drift { moved, farthest, mover, runner_up, half_gap, apart: None, evaluations };
        let count = drift.worth_apart(level, labels, bounds, d, move_of);
        if count > 0 {
            let mut indices: Vec<u32> = order[..count].iter().map(|mover| mover.1).collect();
            indices.sort_unstable();
            let centroids = end_to_end(indices.iter().map(|&j| &packed.centroids[j as usize * d..][..d]));
            let packed = Packed::new(level, &packed.frame, &centroids, d);
            drift.apart = Some(Apart { indices, packed, rest: move_of(count) });
        }
        drift
    }

    /// How many centroids to set apart: the number that costs the rows of a sample the least.
    fn worth_apart(
        &self,
        level: Level,
        labels: &[u32],
        bounds: &Bounds,
        d: usize,
        move_of: impl Fn(usize) -> f32,
    ) -> usize {
        const SAMPLE: usize = 1024;
        let k = self.moved.len();
        // In nanoseconds: to copy a row, to look at so many centroids, at the rivals.
        let copy = relative_size::<F>() * (18.0 + 0.3 * d as f64);
        let look = |size: usize| copy + score_nanoseconds::<F>(level, size, d);
        let rivals = relative_size::<F>() * (2.0 + 0.4 * d as f64);
        // The largest move of the others, and of all but the rivals, that the bounds of each row would bear; rows proven anyhow bear any.
        let bears: Vec<[f32; 2]> = sampled(labels.len(), SAMPLE)
            .filter(|&i| bounds.fresh[i])
            .map(|i| {
                let own = labels[i] as usize;
                let upper = bounds.upper[i] + self.moved[own];
                let rest = bounds.rest.get(i).map_or(f32::NEG_INFINITY, |rest| rest - upper);
                let others = if upper < self.half_gap[own] { f32::INFINITY } else { bounds.lower[i] - upper };
                [others, rest]
            })
            .collect();
        let cost = |size: usize| -> f64 {
            let most = move_of(size);
            let row = |&[others, rest]: &[f32; 2]| match () {
                () if others > self.farthest => 0.0,
                () if others > most => look(size),
                () if rest > most && size == 0 => rivals,
                () if rest > most => look(size) + rivals,
                () => look(k),
            };
            bears.iter().map(row).sum()
        };
        let sizes = std::iter::successors(Some(8), |size| Some(size * 2)).take_while(|&size| size <= k / 2);
        let best = sizes.map(|size| (cost(size), size)).min_by(|a, b| a.0.total_cmp(&b.0));
        best.filter(|best| best.0 < 0.9 * cost(0)).map_or(0, |best| best.1)
    }

    /// Moves the bounds along, and sorts out the rows whose label they no longer prove.
    ///
    /// The bounds of rows in `doubts.apart` are left as they hold against all centroids but those set apart.
    pub(crate) fn advance(&self, labels: &[u32], bounds: &mut Part<'_>, doubts: &mut Doubts) {
        for list in [&mut doubts.apart, &mut doubts.rivals, &mut doubts.all] {
            list.clear();
        }
        if !bounds.has_rivals() {
            self.advance_simply(labels, bounds, doubts);
            return;
        }
        let most = self.apart.as_ref().map_or(self.farthest, |apart| apart.rest);
        for (i, &label) in labels.iter().enumerate() {
            let old = bounds.lower[i];
            let upper = above(bounds.upper[i] + self.moved[label as usize]);
            let rest = below(bounds.rest[i] - most);
            bounds.upper[i] = upper;
            bounds.lower[i] = below(old - self.others(label));
            bounds.rest[i] = below(bounds.rest[i] - self.farthest);
            if self.proves(upper, bounds.lower[i], label as usize) {
                bounds.fresh[i] = false;
                continue;
            }
            let partly = below(old - most);
            let list = if !bounds.fresh[i] {
                &mut doubts.all
            } else if self.apart.is_some() && above(upper) < partly {
                bounds.lower[i] = partly;
                // The rest are no nearer than any other.
                bounds.rest[i] = rest.max(partly);
                &mut doubts.apart
            } else if above(upper) < rest {
                bounds.rest[i] = rest;
                if self.apart.is_some() { &mut doubts.apart } else { &mut doubts.rivals }
            } else {
                &mut doubts.all
            };
            list.push(i as u32);
        }
    }

    /// Without rivals. Branches here could not be foreseen, so every row is written down and few are kept.
    fn advance_simply(&self, labels: &[u32], bounds: &mut Part<'_>, doubts: &mut Doubts) {
        let Doubts { apart, all, .. } = doubts;
        apart.resize(labels.len(), 0);
        all.resize(labels.len(), 0);
        let (some, count) = advance_rows(self, labels, bounds, apart, all);
        apart.truncate(some);
        all.truncate(count);
    }

    /// At least the move of any centroid but the own.
    #[inline(always)]
    fn others(&self, label: u32) -> f32 {
        if label == self.mover { self.runner_up } else { self.farthest }
    }

    /// Whether no other centroid can be as near as the own one.
    #[inline(always)]
    pub(crate) fn proves(&self, upper: f32, lower: f32, own: usize) -> bool {
        above(upper) < lower.max(self.half_gap[own])
    }
}

/// Writes down the rows that are proven but for the centroids set apart, and those that are not; their numbers.
fn advance_rows<F: Element>(
    drift: &Drift<F>,
    labels: &[u32],
    bounds: &mut Part<'_>,
    apart: &mut [u32],
    all: &mut [u32],
) -> (usize, usize) {
    let most = drift.apart.as_ref().map_or(f32::INFINITY, |apart| apart.rest);
    let (mut some, mut count) = (0, 0);
    let (upper, lower) = (&mut bounds.upper[..labels.len()], &mut bounds.lower[..labels.len()]);
    let fresh = &mut bounds.fresh[..labels.len()];
    for (i, &label) in labels.iter().enumerate() {
        let moved = above(upper[i] + drift.moved[label as usize]);
        let partly = below(lower[i] - most);
        let wholly = below(lower[i] - drift.others(label));
        let proven = drift.proves(moved, wholly, label as usize);
        let but_apart = !proven & fresh[i] & (above(moved) < partly);
        fresh[i] &= !proven;
        upper[i] = moved;
        // The larger of the two where both hold; by arithmetic, for a branch could not be foreseen.
        lower[i] = wholly.max(partly * f32::from(u8::from(but_apart)));
        apart[some] = i as u32;
        some += usize::from(but_apart);
        all[count] = i as u32;
        count += usize::from(!(proven | but_apart));
    }
    (some, count)
}

/// For each centroid at most half the distance to its nearest neighbour, from the kernel: the rows are the centroids themselves.
fn half_gaps<F: Element>(level: Level, packed: &Packed<F>, workers: &mut [Worker<F>]) -> Vec<f32> {
    let d = packed.d;
    let mut gaps = vec![0.0; packed.k];
    let count = par::workers_for((packed.k * packed.k) as f64 * d as f64).min(workers.len());
    // Several pieces for each thread.
    let chunk = chunk_rows(d).min(packed.k.div_ceil(count * 4).next_multiple_of(16));
    let pieces = gaps.chunks_mut(chunk).zip(packed.centroids.chunks(chunk * d));
    par::share(&mut workers[..count], pieces, |worker, (gaps, centroids)| {
        let scratch = &mut worker.scratch;
        let mut labels = vec![0; gaps.len()];
        // What bytes could not tell elsewhere must not show here, or it would matter which thread was there.
        scratch.coarse.pause = 0;
        F::label(level, packed, centroids, scratch, &mut labels);
        for (gap, lower) in gaps.iter_mut().zip(&scratch.lower) {
            *gap = below(lower * 0.5);
        }
    });
    gaps
}
