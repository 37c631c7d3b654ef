//! Passes that look only at rows whose label is in doubt ([`super::bounds`]).
//!
//! The doubtful rows of a piece are copied side by side, so that the kernel works on dense blocks however few they are.

use super::ahead::{AHEAD, fetch};
use super::assign::{Assigned, Rows, Worker, chunk_rows, gather, lend, piece_rows};
use super::bounds::{self, Bounds, NO_RIVAL, Part, RIVALS};
use super::dispatch::OPTIMISED;
use super::drift::{Apart, Doubts, Drift};
use super::element::{Element, Level};
use super::moments::{Grids, Moves, RowSums};
use super::pack::Packed;
use super::par;
use super::price::{Way, bytes_pay, rounding_nanoseconds, way};
pub(crate) use super::price::{relative_size, score_nanoseconds};

/// A batch of rows from here and there, side by side.
#[derive(Default)]
pub(super) struct Doubtful<F> {
    rows: Vec<u32>,
    values: Vec<F>,
    weights: Vec<f64>,
    labels: Vec<u32>,
    distances: Vec<f64>,
    /// Of the centroids set apart, by their place among those.
    nearest: Vec<u32>,
}

/// What a pass over the rows reads.
pub(crate) struct Pass<'a, F> {
    pub level: Level,
    pub packed: &'a Packed<F>,
    pub rows: Rows<'a, F>,
    pub grids: &'a Grids,
    /// None if there are no bounds yet.
    pub drift: Option<&'a Drift<F>>,
}

/// Passes over the rows whose bounds prove their label, and renews the bounds of the others. Without a drift, and where so many rows are in
/// doubt that copying them together costs more, it labels every row.
pub(crate) fn reassign_doubtful<F: Element>(
    pass: &Pass<'_, F>,
    labels: &mut [u32],
    bounds: &mut Bounds,
    workers: &mut [Worker<F>],
    sums: &mut RowSums,
) -> Assigned {
    let (d, chunk) = (pass.rows.d, chunk_rows(pass.rows.d));
    let piece = piece_rows(labels.len(), d);
    let pieces = labels.chunks_mut(piece).zip(bounds.parts(piece)).enumerate();
    lend(workers.first_mut(), sums);
    par::share(workers, pieces, |worker, (p, (labels, mut bounds))| {
        let pass = Pass { rows: pass.rows.part(p * piece, labels.len()), ..*pass };
        // What bytes could not tell elsewhere must not show in these bounds, or it would matter which thread was there.
        worker.scratch.coarse.pause = 0;
        let mut doubts = std::mem::take(&mut worker.doubts);
        if let Some(drift) = pass.drift {
            drift.advance(labels, &mut bounds, &mut doubts);
        }
        let scores = score_nanoseconds::<F>(pass.level, pass.packed.k, d);
        let doubt = doubt_nanoseconds::<F>(pass.level, pass.packed.k, d);
        let dense = labels.len() as f64 * scores < doubts.all.len() as f64 * (scores + doubt);
        if let Some(drift) = pass.drift.filter(|_| !dense) {
            worker.settle(&pass, drift, &mut doubts, labels, &mut bounds);
        } else {
            for first in (0..labels.len()).step_by(chunk) {
                let part = first..labels.len().min(first + chunk);
                let rows = pass.rows.part(first, part.len());
                worker.chunk(pass.level, pass.packed, rows, pass.grids, &mut labels[part.clone()]);
                let (found, n) = (&worker.scratch, part.len());
                bounds.upper[part.clone()].copy_from_slice(&found.upper[..n]);
                bounds.lower[part.clone()].copy_from_slice(&found.lower[..n]);
                bounds.fresh[part.clone()].fill(true);
                if bounds.has_rivals() {
                    bounds.rest[part.clone()].copy_from_slice(&found.rest[..n]);
                    bounds.rivals[part].copy_from_slice(&found.rivals[..n]);
                }
            }
        }
        worker.doubts = doubts;
    });
    let mut all = gather(workers.iter_mut(), sums);
    all.evaluations += pass.drift.map_or(0, |drift| drift.evaluations);
    all
}

/// Whether the scores of a row cost clearly more than the upkeep of its bounds: some operations, or where scores are of bytes about as much as
/// making them, for the row has to be read.
pub(crate) fn bounds_pay<F: Element>(level: Level, k: usize, d: usize) -> bool {
    let least = if bytes_pay::<F>(level, k, d) {
        1.4 * rounding_nanoseconds::<F>(d)
    } else {
        20.0 * relative_size::<F>()
    };
    score_nanoseconds::<F>(level, k, d) > least
}

/// What it costs to decide a doubtful row beside its scores: it is copied, or read and measured where it lies.
fn doubt_nanoseconds<F: Element>(level: Level, k: usize, d: usize) -> f64 {
    let columns = d as f64;
    relative_size::<F>() * if bytes_pay::<F>(level, k, d) { 8.0 + 0.8 * columns } else { 20.0 + columns }
}

/// The part of the rows that may change their label in a step for bounds to outlive it. Where scores are of bytes or words, bounds are a tenth of the work; or more,
/// where making the bytes is most of it. The fewer columns there are, the more bounds prove.
pub(crate) fn calm<F: Element>(level: Level, k: usize, d: usize) -> f64 {
    let making = 3.2 * rounding_nanoseconds::<F>(d);
    match way::<F>(level, k, d) {
        Way::Floats => 1.0,
        Way::Bytes(_) if d >= 64 && score_nanoseconds::<F>(level, k, d) < making => 0.01,
        Way::Words(_) | Way::Bytes(_) => 0.03,
    }
}

/// The part of all distances up to which bounds are worth their upkeep. With bytes it costs half a pass to begin again.
pub(crate) fn worthwhile<F: Element>(level: Level, k: usize, d: usize) -> f64 {
    if bytes_pay::<F>(level, k, d) {
        return 0.8;
    }
    (1.0 - doubt_nanoseconds::<F>(level, k, d) / score_nanoseconds::<F>(level, k, d)).clamp(0.3, 0.9)
}

/// Whether looking at a few rivals by the reference costs clearly less than looking at all centroids.
pub(crate) fn rivals_pay<F: Element>(level: Level, k: usize, d: usize) -> bool {
    let rivals = relative_size::<F>() * (RIVALS + 1) as f64 * (10.0 + 0.25 * d as f64);
    // Scores of bytes bring two rivals.
    let rivals = if bytes_pay::<F>(level, k, d) { rivals * 0.4 } else { rivals };
    OPTIMISED && k < usize::from(NO_RIVAL) && score_nanoseconds::<F>(level, k, d) > rivals
}

/// Below so many centroids, measuring the own distance first costs more than it saves.
const WORTH_TIGHTENING: usize = 64;

impl<F: Element> Worker<F> {
    /// Decides the doubtful rows, the cheapest doubts first: a row that they do not settle passes on to the next.
    fn settle(
        &mut self,
        pass: &Pass<'_, F>,
        drift: &Drift<F>,
        doubts: &mut Doubts,
        labels: &mut [u32],
        bounds: &mut Part<'_>,
    ) {
        let chunk = chunk_rows(pass.rows.d);
        if let Some(apart) = &drift.apart {
            let rows = std::mem::take(&mut doubts.apart);
            rows.chunks(chunk).for_each(|rows| self.meet(pass, apart, rows, labels, bounds, doubts));
            doubts.apart = rows;
        }
        for at in 0..doubts.rivals.len() {
            let row = doubts.rivals[at] as usize;
            if let Some(&next) = doubts.rivals.get(at + AHEAD) {
                fetch(pass.rows.row(next as usize));
            }
            if !self.compare(pass, row, &mut labels[row], bounds) {
                doubts.all.push(row as u32);
            }
        }
        if pass.packed.coarse.is_some() {
            doubts.all.chunks(chunk).for_each(|rows| self.decide_in_place(pass, drift, rows, labels, bounds));
            return;
        }
        let mut left = doubts.all.as_slice();
        while !left.is_empty() {
            left = self.doubt(pass, drift, left, labels, bounds);
            self.decide(pass, labels, bounds);
        }
    }

    /// Writes down the bounds that the kernel found for a row of its chunk.
    fn renew(&self, at: usize, row: usize, bounds: &mut Part<'_>) {
        bounds.upper[row] = self.scratch.upper[at];
        bounds.lower[row] = self.scratch.lower[at];
        bounds.fresh[row] = true;
        if bounds.has_rivals() {
            bounds.rest[row] = self.scratch.rest[at];
            bounds.rivals[row] = self.scratch.rivals[at];
        }
    }

    /// Rows that are proven against all but the centroids set apart, or those and their rivals, meet those set apart.
    fn meet(
        &mut self,
        pass: &Pass<'_, F>,
        apart: &Apart<F>,
        some: &[u32],
        labels: &[u32],
        bounds: &mut Part<'_>,
        doubts: &mut Doubts,
    ) {
        let mut nearest = std::mem::take(&mut self.doubtful.nearest);
        if apart.packed.coarse.is_some() {
            let mut never = |_, _| false;
            F::label_some(pass.level, &apart.packed, pass.rows, some, None, &mut never, &mut self.scratch);
            std::mem::swap(&mut nearest, &mut self.scratch.coarse.labels);
        } else {
            let batch = &mut self.doubtful;
            batch.clear();
            some.iter().for_each(|&i| batch.push(pass.rows, i, labels[i as usize]));
            nearest.resize(some.len(), 0);
            F::label(pass.level, &apart.packed, &batch.values, &mut self.scratch, &mut nearest);
        }
        self.done.evaluations += (apart.packed.k * some.len()) as u64;
        for (at, &i) in some.iter().enumerate() {
            let row = i as usize;
            let own = apart.indices[nearest[at] as usize] == labels[row];
            let others = if own { self.scratch.lower[at] } else { self.scratch.least[at] };
            bounds.lower[row] = bounds.lower[row].min(others);
            if bounds.has_rivals() {
                bounds.rest[row] = bounds.rest[row].min(others);
            }
            if bounds::above(bounds.upper[row]) >= bounds.lower[row] {
                let list = if bounds.has_rivals() { &mut doubts.rivals } else { &mut doubts.all };
                list.push(i);
            }
        }
        self.doubtful.nearest = nearest;
    }

    /// Measures a row's own centroid and its rivals; false if the nearest of them need not be the nearest of all.
    fn compare(&mut self, pass: &Pass<'_, F>, row: usize, label: &mut u32, bounds: &mut Part<'_>) -> bool {
        let Part { upper, lower, rest, rivals, .. } = bounds;
        let mut names = [*label; RIVALS + 1];
        let known = rivals[row].iter().take_while(|&&rival| rival != NO_RIVAL).count();
        names
            .iter_mut()
            .skip(1)
            .zip(&rivals[row])
            .take(known)
            .for_each(|(name, &rival)| *name = u32::from(rival));
        let names = &names[..=known];
        let mut distances = [f64::INFINITY; RIVALS + 1];
        F::some_distances(
            pass.level,
            pass.rows.row(row),
            &pass.packed.centroids,
            names,
            &mut distances[..=known],
        );
        self.done.evaluations += names.len() as u64;
        let mut best = 0;
        for at in 1..=known {
            if (distances[at], names[at]) < (distances[best], names[best]) {
                best = at;
            }
        }
        upper[row] = bounds::tight(distances[0], &pass.packed.frame);
        let reach = bounds::tight(distances[best], &pass.packed.frame);
        if bounds::above(reach) >= rest[row] {
            return false;
        }
        let next = (0..=known).filter(|&at| at != best).map(|at| distances[at]).fold(f64::INFINITY, f64::min);
        lower[row] = bounds::tight_below(next, &pass.packed.frame).min(rest[row]);
        upper[row] = reach;
        if best > 0 {
            rivals[row][best - 1] = *label as u16;
            self.shift(pass, row, label, names[best]);
        }
        true
    }

    /// Gathers the next doubtful rows, up to a chunk of them; returns those that are left. A row that its exact distance to its own
    /// centroid puts out of doubt only has its bound renewed.
    fn doubt<'a>(
        &mut self,
        pass: &Pass<'_, F>,
        drift: &Drift<F>,
        mut left: &'a [u32],
        labels: &[u32],
        bounds: &mut Part<'_>,
    ) -> &'a [u32] {
        let chunk = chunk_rows(pass.rows.d);
        let batch = &mut self.doubtful;
        batch.clear();
        while batch.rows.len() < chunk && !left.is_empty() {
            let (next, rest) = left.split_at(left.len().min(chunk - batch.rows.len()));
            left = rest;
            if pass.packed.k >= WORTH_TIGHTENING {
                self.done.evaluations += next.len() as u64;
                batch.distances.resize(next.len(), 0.0);
                let out = &mut batch.distances;
                F::present_distances(pass.level, pass.rows, &pass.packed.centroids, labels, next, out);
                for (distance, &i) in out.iter().zip(next) {
                    bounds.upper[i as usize] = bounds::tight(*distance, &pass.packed.frame);
                }
            }
            for &i in next {
                let (row, label) = (i as usize, labels[i as usize]);
                if !drift.proves(bounds.upper[row], bounds.lower[row], label as usize) {
                    batch.push(pass.rows, i, label);
                }
            }
        }
        left
    }

    /// Labels the doubtful rows, moves what changed, and renews their bounds.
    fn decide(&mut self, pass: &Pass<'_, F>, labels: &mut [u32], bounds: &mut Part<'_>) {
        let mut batch = std::mem::take(&mut self.doubtful);
        let weights = (!batch.weights.is_empty()).then_some(batch.weights.as_slice());
        let rows = Rows { values: &batch.values, d: pass.packed.d, weights };
        self.chunk(pass.level, pass.packed, rows, pass.grids, &mut batch.labels);
        for (at, &i) in batch.rows.iter().enumerate() {
            labels[i as usize] = batch.labels[at];
            self.renew(at, i as usize, bounds);
        }
        self.doubtful = batch;
    }
}

impl<F: Element> Worker<F> {
    /// The same with bytes, for which no row need be copied.
    fn decide_in_place(
        &mut self,
        pass: &Pass<'_, F>,
        drift: &Drift<F>,
        some: &[u32],
        labels: &mut [u32],
        bounds: &mut Part<'_>,
    ) {
        let Part { upper, lower, .. } = bounds;
        let mut proven = |row: u32, distance: f32| {
            let row = row as usize;
            upper[row] = distance;
            drift.proves(distance, lower[row], labels[row] as usize)
        };
        F::label_some(pass.level, pass.packed, pass.rows, some, Some(labels), &mut proven, &mut self.scratch);
        let picked = std::mem::take(&mut self.scratch.coarse.picked);
        self.done.evaluations += (some.len() + pass.packed.k * picked.len()) as u64;
        for (at, &row) in picked.iter().enumerate() {
            self.renew(at, row as usize, bounds);
            let (to, row) = (self.scratch.coarse.labels[at], row as usize);
            if to != labels[row] {
                self.shift(pass, row, &mut labels[row], to);
            }
        }
        self.scratch.coarse.picked = picked;
    }

    /// Moves one row to another cluster.
    fn shift(&mut self, pass: &Pass<'_, F>, row: usize, label: &mut u32, to: u32) {
        let rows = pass.rows.part(row, 1);
        let moves = Moves { rows: rows.values, weights: rows.weights, to: &[to], grids: pass.grids };
        self.done.moved += F::apply(pass.level, &moves, std::slice::from_mut(label), &mut self.sums);
    }
}

impl<F: Element> Doubtful<F> {
    fn clear(&mut self) {
        self.rows.clear();
        self.values.clear();
        self.weights.clear();
        self.labels.clear();
    }

    fn push(&mut self, rows: Rows<'_, F>, i: u32, label: u32) {
        self.rows.push(i);
        self.values.extend_from_slice(rows.row(i as usize));
        self.weights.extend(rows.weights.map(|weights| weights[i as usize]));
        self.labels.push(label);
    }
}
