//! Whole passes over the rows that label them and move them between clusters; in chunks, shared between threads.

use super::bounds::{self, NO_RIVAL, RIVALS, Rivals};
use super::bytes::Machine;
use super::cells::{self, Cells};
use super::codes::Codes;
use super::dispatch::OPTIMISED;
use super::doubt::Doubtful;
use super::drift::Doubts;
use super::element::{Element, Level, Vector};
use super::moments::{Grids, Moves, RowSums};
use super::pack::{FEW_COLUMNS, Packed};
use super::settle::{Doubles, Found, STATES};
use super::strips::Strips;
use super::turned::Turned;
use super::{coarse, coarse_label, lanes, par, tile, words};
use fearless_simd::Simd;

/// The rows that a pass reads: n rows of d values, and their weights.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a, F> {
    pub values: &'a [F],
    pub d: usize,
    pub weights: Option<&'a [f64]>,
}

impl<'a, F> Rows<'a, F> {
    pub(crate) fn n(&self) -> usize {
        self.values.len() / self.d
    }

    pub(crate) fn row(&self, i: usize) -> &'a [F] {
        &self.values[i * self.d..][..self.d]
    }

    pub(crate) fn weight(&self, i: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[i])
    }

    pub(crate) fn part(&self, first: usize, n: usize) -> Self {
        Rows {
            values: &self.values[first * self.d..][..n * self.d],
            d: self.d,
            weights: self.weights.map(|weights| &weights[first..][..n]),
        }
    }
}

/// Rows that the kernel takes at once: few enough that their copy in the frame stays in the cache; or of few columns, which are not copied, as many as a group
/// of strips has ([`super::strips`]).
pub(crate) fn chunk_rows(d: usize) -> usize {
    if d <= FEW_COLUMNS { 1024 } else { (98_304 / d).clamp(96, 768) / 96 * 96 }
}

/// A thread's buffers for one chunk.
pub(crate) struct Scratch<F> {
    /// The rows of a group, filled up.
    pub group: Vec<F>,
    pub turned: Turned<F>,
    /// Squared norms in the frame.
    pub norms: Vec<F>,
    /// Of a group: tags; then norms, margins, scores.
    pub state: Vec<F>,
    /// New labels.
    labels: Vec<u32>,
    /// Per row of the chunk, in the frame's units: at least the squared distance to the nearest centroid, at most that to any other.
    pub near: Vec<F>,
    pub next: Vec<F>,
    /// What `near` has too much at the most.
    pub excess: Vec<F>,
    /// Their roots as bounds, if asked for.
    pub upper: Vec<f32>,
    pub lower: Vec<f32>,
    /// At most the distance to the nearest centroid.
    pub least: Vec<f32>,
    /// Centroids that are near as well, and at most the distance to any other than these and the nearest; its square in the frame's units.
    pub rivals: Vec<Rivals>,
    pub rest: Vec<f32>,
    pub rest_square: Vec<F>,
    pub coarse: coarse::Buffers<F>,
    pub(super) words: words::Block,
    /// Rows of the chunk whose labels scores leave open, and what is found out about them.
    pub(super) open: Vec<u32>,
    pub(super) found: Vec<Found>,
    pub(super) doubles: Option<Box<Doubles>>,
}

impl<F: Element> Scratch<F> {
    pub(crate) fn new(level: Level, d: usize) -> Self {
        let (rows, width) = (chunk_rows(d), F::width(level));
        let zeros = |n: usize| vec![F::default(); n];
        Scratch {
            group: zeros(4 * width * d),
            turned: Turned::new(width, d),
            norms: zeros(rows),
            state: zeros(STATES * 4 * width),
            labels: vec![0; rows],
            near: zeros(rows.next_multiple_of(width)),
            next: zeros(rows.next_multiple_of(width)),
            excess: zeros(rows.next_multiple_of(width)),
            upper: Vec::new(),
            lower: Vec::new(),
            least: Vec::new(),
            rivals: Vec::new(),
            rest: Vec::new(),
            rest_square: Vec::new(),
            coarse: coarse::Buffers::default(),
            words: words::Block::default(),
            open: Vec::new(),
            found: Vec::new(),
            doubles: None,
        }
    }

    /// Bounds of n rows from squared ones.
    fn take_roots(&mut self, n: usize) {
        let root = |square: &F| square.max(F::zero()).sqrt().f64() as f32;
        for (upper, near) in self.upper.iter_mut().zip(&self.near).take(n) {
            *upper = bounds::above(root(near));
        }
        for (least, (near, excess)) in self.least.iter_mut().zip(self.near.iter().zip(&self.excess)).take(n) {
            *least = bounds::below(root(&(*near - *excess)));
        }
        for (lower, next) in self.lower.iter_mut().zip(&self.next).take(n) {
            *lower = bounds::below(root(next));
        }
        for (rest, square) in self.rest.iter_mut().zip(&self.rest_square).take(n) {
            *rest = bounds::below(root(square));
        }
    }

    /// Asks for bounds with the labels, and for rivals.
    pub(crate) fn with_bounds(mut self, rivals: bool) -> Self {
        [self.upper, self.lower, self.least] = std::array::from_fn(|_| vec![0.0; self.labels.len()]);
        if rivals {
            self.rivals = vec![[NO_RIVAL; RIVALS]; self.labels.len()];
            self.rest = vec![0.0; self.labels.len()];
            self.rest_square = vec![F::default(); self.labels.len()];
        }
        self
    }
}

/// Runs the work in a function of its own with the instructions of the level: small functions compile faster than one large one.
#[inline(never)]
pub(super) fn apart<S: Simd, T>(simd: S, work: impl FnOnce() -> T) -> T {
    simd.vectorize(work)
}

/// The label of each row of one chunk.
#[inline(always)]
pub(super) fn label<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    rows: &[F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) -> bool {
    macro_rules! in_lanes {
        ($($d:literal)* wide $($wide:literal)*) => {
            match (packed.d, &packed.coarse) {
                $(($d, _) => {
                    // Two groups fill the sixteen registers of AVX2, four the thirty-two of AVX-512.
                    if const { size_of::<Vector<S, F>>() == 64 } {
                        apart(simd, #[inline(always)] || lanes::label::<S, F, $d, 4>(simd, packed, rows, scratch, labels))
                    } else if const { !OPTIMISED } {
                        apart(simd, #[inline(always)] || lanes::label::<S, F, $d, 1>(simd, packed, rows, scratch, labels))
                    } else {
                        apart(simd, #[inline(always)] || lanes::label::<S, F, $d, 2>(simd, packed, rows, scratch, labels))
                    }
                })*
                $(($wide, _) if const { size_of::<Vector<S, F>>() == 64 } && packed.in_lanes => {
                    apart(simd, #[inline(always)] || lanes::label::<S, F, $wide, 1>(simd, packed, rows, scratch, labels))
                })*
                (_, Some(coarse)) if const { Machine::possible::<Vector<S, F>>() } => {
                    apart(simd, #[inline(always)] || coarse_label::label(simd, packed, coarse, rows, scratch, labels))
                }
                _ => tile::label(simd, packed, rows, scratch, labels),
            }
        };
    }
    let sound = in_lanes!(1 2 3 4 5 6 7 8 wide 9 10 11 12 13 14 15 16);
    scratch.take_roots(labels.len());
    sound
}

/// The labels of some rows whose own is in doubt, without copies of them: there must be bytes.
#[inline(always)]
pub(super) fn label_some<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    rows: Rows<'_, F>,
    some: &[u32],
    own: Option<&[u32]>,
    proven: &mut dyn FnMut(u32, f32) -> bool,
    scratch: &mut Scratch<F>,
) {
    if const { Machine::possible::<Vector<S, F>>() } {
        apart(
            simd,
            #[inline(always)]
            || coarse_label::label_some(simd, packed, rows, some, own, proven, scratch),
        );
    }
    scratch.take_roots(scratch.coarse.picked.len());
}

/// What a pass did.
#[derive(Clone, Copy, Default)]
pub(crate) struct Assigned {
    /// Rows (of positive weight) whose label changed.
    pub moved: usize,
    /// Distances between a row (or a box of rows) and a centroid that were evaluated, by score or by reference.
    pub evaluations: u64,
}

/// A thread's part of a pass.
pub(crate) struct Worker<F> {
    pub(super) scratch: Scratch<F>,
    pub(super) sums: RowSums,
    pub(super) done: Assigned,
    /// Rows whose label is in doubt, and copies of them.
    pub(super) doubts: Doubts,
    pub(super) doubtful: Doubtful<F>,
}

impl<F: Element> Worker<F> {
    pub(crate) fn new(level: Level, d: usize, k: usize, grids: &Grids) -> Self {
        Worker {
            scratch: Scratch::new(level, d),
            sums: RowSums::new(k, grids),
            done: Assigned::default(),
            doubts: Doubts::default(),
            doubtful: Doubtful::default(),
        }
    }

    /// For a pass that keeps bounds.
    pub(crate) fn with_bounds(mut self, rivals: bool) -> Self {
        self.scratch = self.scratch.with_bounds(rivals);
        self
    }

    /// Labels one chunk of rows and moves what changed.
    pub(super) fn chunk(
        &mut self,
        level: Level,
        packed: &Packed<F>,
        rows: Rows<'_, F>,
        grids: &Grids,
        labels: &mut [u32],
    ) {
        let mut to = std::mem::take(&mut self.scratch.labels);
        F::label(level, packed, rows.values, &mut self.scratch, &mut to[..labels.len()]);
        let moves = Moves { rows: rows.values, weights: rows.weights, to: &to[..labels.len()], grids };
        self.done.evaluations += (packed.candidates() * labels.len()) as u64;
        self.done.moved += F::apply(level, &moves, labels, &mut self.sums);
        self.scratch.labels = to;
    }
}

/// Lets the first worker add to the sums themselves, which spares it a copy to be gathered. [`gather`] takes them back.
pub(super) fn lend<F: Element>(worker: Option<&mut Worker<F>>, sums: &mut RowSums) {
    worker.into_iter().for_each(|worker| std::mem::swap(&mut worker.sums, sums));
}

/// Takes in what the workers gathered; the first has the sums themselves.
pub(super) fn gather<'a, F: Element>(
    workers: impl Iterator<Item = &'a mut Worker<F>>,
    sums: &mut RowSums,
) -> Assigned {
    let mut all = Assigned::default();
    let mut gathered = Vec::new();
    for (w, worker) in workers.enumerate() {
        let done = std::mem::take(&mut worker.done);
        all.moved += done.moved;
        all.evaluations += done.evaluations;
        if w == 0 {
            lend(Some(worker), sums);
        } else {
            gathered.push(&mut worker.sums);
        }
    }
    sums.absorb(gathered);
    all
}

/// Rows per piece: whole chunks, so few that threads come to an end together, however many. Their number does not matter, so that what is
/// decided piece by piece does not depend on it.
pub(super) fn piece_rows(n: usize, d: usize) -> usize {
    let chunk = chunk_rows(d);
    n.div_ceil(128).next_multiple_of(chunk).clamp(chunk, 16 * chunk)
}

/// How many rows have each of k labels.
pub(crate) fn count(labels: &[u32], k: usize) -> Vec<usize> {
    const CHUNK: usize = 1 << 16;
    let mut workers = vec![vec![0; k]; par::workers_for(labels.len() as f64 * 8.0)];
    par::share(&mut workers, labels.chunks(CHUNK), |sizes, labels| {
        labels.iter().for_each(|&label| sizes[label as usize] += 1);
    });
    (0..k).map(|j| workers.iter().map(|sizes| sizes[j]).sum()).collect()
}

/// The label of each row of a chunk: by cells, and through the kernel if it lies outside.
pub(super) fn label_by_cells<F: Element>(
    level: Level,
    packed: &Packed<F>,
    cells: &Cells<F>,
    rows: &[F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) -> bool {
    let d = packed.d;
    let (mut outside, mut copies) = (Vec::new(), Vec::new());
    F::label_in_cells(level, packed, cells, rows, labels, &mut outside);
    if outside.is_empty() {
        return true;
    }
    outside.iter().for_each(|&i| copies.extend_from_slice(&rows[i as usize * d..][..d]));
    let mut found = vec![0; outside.len()];
    let sound = F::label(level, packed, &copies, scratch, &mut found);
    outside.iter().zip(found).for_each(|(&i, found)| labels[i as usize] = found);
    sound
}

/// Labels every row with its nearest centroid; false if a value is not finite, or too large.
pub(crate) fn label_all<F: Element>(
    level: Level,
    packed: &Packed<F>,
    values: &[F],
    labels: Codes<'_>,
) -> bool {
    let (n, d) = (labels.len(), packed.d);
    let work = values.len() as f64 * packed.k as f64;
    let cells = cells::pay(n, packed.k, d).then(|| Cells::new(level, packed, values)).flatten();
    let strips = if cells.is_none() { Strips::new(level, packed, values) } else { None };
    let mut workers: Vec<_> =
        (0..par::workers_for(work)).map(|_| (Scratch::new(level, d), strips.clone(), true)).collect();
    let rows = piece_rows(n, d);
    let pieces = values.chunks(rows * d).zip(labels.chunks(rows));
    par::share(&mut workers, pieces, |(scratch, strips, sound), (values, labels)| {
        let mut found = std::mem::take(&mut scratch.labels);
        for (values, labels) in values.chunks(chunk_rows(d) * d).zip(labels.chunks(chunk_rows(d))) {
            let found = &mut found[..labels.len()];
            *sound &= match (&cells, &mut *strips) {
                (Some(cells), _) => label_by_cells(level, packed, cells, values, scratch, found),
                (None, Some(strips)) => strips.label(values, scratch, found),
                (None, None) => F::label(level, packed, values, scratch, found),
            };
            labels.write(level, found);
        }
        scratch.labels = found;
    });
    workers.iter().all(|worker| worker.2)
}

/// Labels every row with its nearest centroid and moves its values between the clusters' sums where the label changed.
pub(crate) fn reassign<F: Element>(
    level: Level,
    packed: &Packed<F>,
    rows: Rows<'_, F>,
    grids: &Grids,
    labels: &mut [u32],
    workers: &mut [Worker<F>],
    sums: &mut RowSums,
) -> Assigned {
    let (d, chunk) = (rows.d, chunk_rows(rows.d));
    let piece = piece_rows(labels.len(), d);
    let pieces = labels.chunks_mut(piece).enumerate();
    lend(workers.first_mut(), sums);
    par::share(workers, pieces, |worker, (p, labels)| {
        for (c, labels) in labels.chunks_mut(chunk).enumerate() {
            worker.chunk(level, packed, rows.part(p * piece + c * chunk, labels.len()), grids, labels);
        }
    });
    gather(workers.iter_mut(), sums)
}
