//! Passes that decide whole tiles at once: the filtering algorithm (Pelleg and Moore 1999; Kanungo et al. 2002) over [`super::tiles`].
//!
//! For a box, let `i` be the centroid nearest to its middle. Any other centroid `j` is out of the race for every row in the box if the
//! score of `i` beats that of `j` in the corner where `j` does best: scores are linear in the row, so this corner's difference is the
//! difference at the middle less `sum over t of half_t |c_it - c_jt|`. A group of tiles is filtered against all centroids, each of
//! its tiles against what is left, and where more than one centroid is left, the rows go through the kernel, against those few.
//! The tiles of a group lie in the lanes, so this costs a few nanoseconds a tile; most of a pass is spent on the rows of tiles that are not decided.
//!
//! A centroid is only dropped if its score is lower by four times the margin of [`super::margin`] for the farthest corner and both
//! centroids. Counted in `E (|x|^2 + |c_i|^2 + |c_j|^2)`, the distance from scores to reference distances takes up to 2 of these 8,
//! the scores at the middle 2, the sum over the columns 1, and the last subtractions less than 1. So what is dropped is strictly farther, by the
//! reference, for every row of the tile.

use super::assign::{Assigned, Worker, apart, gather, lend};
use super::boxes::{Boxes, GROUP};
use super::dispatch::by_columns;
use super::element::{Element, Level, Vector, framed};
use super::moments::{Grids, Moves, NOWHERE, RowSums};
use super::pack::{FEW_COLUMNS, Frame, Packed};
use super::par;
use super::tile_labels::{Held, TileLabels};
use super::tiles::{TILE, Tiles};
use super::vector::{Lanes, MOST_LANES, all};
use fearless_simd::Simd;

/// Centroids that may be nearest, column by column.
#[derive(Clone)]
pub(crate) struct Candidates<F> {
    /// Their indices, in rising order.
    index: Vec<u32>,
    /// `room` values each: the columns, the starts, the slacks.
    columns: Vec<F>,
    room: usize,
}

/// A box in the frame, and what the sieve needs while it looks at it.
pub(crate) struct Cell<F> {
    low: Vec<F>,
    high: Vec<F>,
    middle: Vec<F>,
    half: Vec<F>,
    /// Four times the own part of the margin of its farthest corner.
    margin: F,
    scores: Vec<F>,
    leads: Vec<F>,
}

impl<F: Element> Candidates<F> {
    pub(super) fn new(k: usize, d: usize) -> Self {
        Candidates { index: Vec::with_capacity(k), columns: vec![F::default(); k * (d + 2)], room: k }
    }

    pub(super) fn all(packed: &Packed<F>) -> Self {
        let (k, d) = (packed.k, packed.d);
        let mut all = Candidates::new(k, d);
        all.index.extend(0..k as u32);
        for (j, record) in packed.records.chunks_exact(d + 2).enumerate() {
            for (t, &value) in record[..=d].iter().enumerate() {
                all.columns[t * k + j] = value;
            }
            all.columns[(d + 1) * k + j] = packed.slack[j] * F::of(4.0);
        }
        all
    }

    pub(super) fn indices(&self) -> &[u32] {
        &self.index
    }

    /// Appends the records of some, as in [`Packed`].
    fn records(&self, d: usize, which: impl Fn(usize) -> bool, out: &mut Vec<F>) {
        for (at, &j) in self.index.iter().enumerate().filter(|(at, _)| which(*at)) {
            out.extend((0..=d).map(|t| self.columns[t * self.room + at]));
            out.push(F::tag(j));
        }
    }

    pub(super) fn column(&self, t: usize) -> &[F] {
        &self.columns[t * self.room..][..self.index.len()]
    }
}

impl<F: Element> Cell<F> {
    pub(super) fn new(k: usize, d: usize) -> Self {
        let zeros = |n: usize| vec![F::default(); n];
        let (scores, leads) = (zeros(k), zeros(k));
        Cell {
            low: zeros(d),
            high: zeros(d),
            middle: zeros(d),
            half: zeros(d),
            margin: F::default(),
            scores,
            leads,
        }
    }

    /// Encloses nothing.
    fn clear(&mut self) {
        self.low.fill(F::infinity());
        self.high.fill(F::neg_infinity());
    }

    /// Grows to enclose a box outside the frame. Moving into the frame keeps the order of values, so what lay in the box still does.
    fn enclose(&mut self, low: &[F], high: &[F], frame: &Frame<F>) {
        for (t, &offset) in frame.offset.iter().enumerate() {
            self.low[t] = self.low[t].min(framed(low[t], offset, frame));
            self.high[t] = self.high[t].max(framed(high[t], offset, frame));
        }
    }

    /// Spans these values of a column, in the frame.
    pub(super) fn span(&mut self, t: usize, low: F, high: F) {
        (self.low[t], self.high[t]) = (low, high);
    }

    /// What the sieve needs, once the box is known.
    pub(super) fn close(&mut self, packed: &Packed<F>) {
        let mut square = F::default();
        for t in 0..self.low.len() {
            let (low, high) = (self.low[t], self.high[t]);
            let middle = (low + high) * F::of(0.5);
            self.middle[t] = middle;
            self.half[t] = (high - middle).max(middle - low) * F::of(1.0 + 4.0 * F::UNIT);
            let reach = high.abs().max(low.abs());
            square = square + reach * reach;
        }
        self.margin = (packed.margin.row_factor * square + packed.margin.row_floor) * F::of(4.0);
    }
}

/// The candidates that may be nearest to a point of the cell.
#[inline(always)]
pub(super) fn sieve<F: Element>(from: &Candidates<F>, cell: &mut Cell<F>, into: &mut Candidates<F>) {
    let (count, d) = (from.index.len(), cell.middle.len());
    let scores = &mut cell.scores[..count];
    scores.copy_from_slice(from.column(d));
    for (t, &x) in cell.middle.iter().enumerate() {
        for (score, &c) in scores.iter_mut().zip(from.column(t)) {
            *score = *score + x * c;
        }
    }
    let mut best = 0;
    for (i, &score) in scores.iter().enumerate() {
        if score > scores[best] {
            best = i;
        }
    }
    // By how much the best one leads in the corner that is worst for it.
    let leads = &mut cell.leads[..count];
    let (top, slacks) = (scores[best] - cell.margin - from.column(d + 1)[best], from.column(d + 1));
    for (lead, (&score, &slack)) in leads.iter_mut().zip(scores.iter().zip(slacks)) {
        *lead = top - score - slack;
    }
    for (t, &half) in cell.half.iter().enumerate() {
        let column = from.column(t);
        let own = column[best];
        for (lead, &c) in leads.iter_mut().zip(column) {
            *lead = *lead - half * (own - c).abs();
        }
    }
    into.index.clear();
    for (i, &lead) in leads.iter().enumerate() {
        // Also if it is not a number.
        if !(lead > F::default()) {
            let at = into.index.len();
            into.index.push(from.index[i]);
            for t in 0..d + 2 {
                into.columns[t * into.room + at] = from.columns[t * from.room + i];
            }
        }
    }
}

/// Which candidates are left for the boxes of a group.
#[derive(Clone, Default)]
pub(crate) struct Left {
    /// For each candidate the tiles (or strips), a bit each, that it may be nearest to a point of.
    pub(super) tiles: Vec<u16>,
    /// The candidate nearest to the middle of each tile.
    nearest: [u32; GROUP],
}

impl Left {
    /// The tiles for which more than one is left.
    fn undecided(&self) -> u16 {
        let twice = |(once, twice), tiles: &u16| (once | tiles, twice | once & tiles);
        self.tiles.iter().fold((0, 0), twice).1
    }
}

/// The same sieve for all tiles of a group, which lie in the lanes. No operations are fused, so that the same is left on every machine.
#[inline(always)]
pub(super) fn sieve_tiles<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    boxes: &Boxes<F>,
    from: &Candidates<F>,
    left: &mut Left,
) {
    macro_rules! sieve {
        ($d:ident) => {
            apart(
                simd,
                #[inline(always)]
                || sieve_few::<S, F, $d>(simd, packed, boxes, from, left),
            )
        };
    }
    by_columns!(packed.d, [1 2 3], D => sieve!(D), else sieve!(FEW_COLUMNS));
}

/// For D columns; or up to D, if these are all that there may be.
#[inline(always)]
fn sieve_few<S: Simd, F: Element, const D: usize>(
    simd: S,
    packed: &Packed<F>,
    boxes: &Boxes<F>,
    from: &Candidates<F>,
    left: &mut Left,
) {
    let len = Vector::<S, F>::LEN;
    let d = if D == FEW_COLUMNS { packed.d } else { D };
    macro_rules! splat {
        ($value:expr) => {
            Vector::<S, F>::splat(simd, $value)
        };
    }
    let zero = splat!(F::default());
    let count = from.index.len();
    let (starts, slacks) = (from.column(d), from.column(d + 1));
    left.tiles.clear();
    left.tiles.resize(count, 0);
    let mut tags = [F::default(); MOST_LANES];
    for first in (0..GROUP).step_by(len) {
        let (mut middle, mut half, mut square) = ([zero; D], [zero; D], zero);
        for t in 0..d {
            let (offset, scale) = (splat!(packed.frame.offset[t]), splat!(packed.frame.scale));
            let low = (Vector::<S, F>::load(simd, &boxes.low[t * GROUP + first..]) - offset) * scale;
            let high = (Vector::<S, F>::load(simd, &boxes.high[t * GROUP + first..]) - offset) * scale;
            middle[t] = (low + high) * splat!(F::of(0.5));
            half[t] = (high - middle[t]).max(middle[t] - low) * splat!(F::of(1.0 + 4.0 * F::UNIT));
            let reach = high.max(zero - high).max(low.max(zero - low));
            square = square + reach * reach;
        }
        let own = splat!(packed.margin.row_factor) * square + splat!(packed.margin.row_floor);
        let (mut best, mut tag, mut slack) = (splat!(F::neg_infinity()), zero, zero);
        let mut nearest = [zero; D];
        for c in 0..count {
            let mut score = splat!(starts[c]);
            for t in 0..d {
                score = score + middle[t] * splat!(from.columns[t * from.room + c]);
            }
            tag = score.if_greater(best, splat!(F::tag(c as u32)), tag);
            slack = score.if_greater(best, splat!(slacks[c]), slack);
            for t in 0..d {
                nearest[t] = score.if_greater(best, splat!(from.columns[t * from.room + c]), nearest[t]);
            }
            best = best.max(score);
        }
        // By how much the nearest leads in the corner that is worst for it.
        let top = best - own * splat!(F::of(4.0)) - slack;
        for c in 0..count {
            let mut score = splat!(starts[c]);
            let mut worst = splat!(slacks[c]);
            for t in 0..d {
                let value = splat!(from.columns[t * from.room + c]);
                score = score + middle[t] * value;
                let gap = nearest[t] - value;
                worst = worst + half[t] * gap.max(zero - gap);
            }
            // Also if it is not a number.
            let kept = all(len) & !(top - score - worst).greater(zero);
            left.tiles[c] |= (kept << first) as u16;
        }
        tag.store(&mut tags);
        for (nearest, tag) in left.nearest[first..].iter_mut().zip(&tags[..len]) {
            *nearest = tag.untag();
        }
    }
}

/// What a thread needs to filter.
pub(crate) struct Filter<F> {
    worker: Worker<F>,
    cell: Cell<F>,
    of_group: Candidates<F>,
    left: Left,
    /// The centroids of which records are chosen.
    packed: Packed<F>,
    evaluations: u64,
}

impl<F: Element> Filter<F> {
    pub(crate) fn new(level: Level, packed: &Packed<F>, grids: &Grids) -> Self {
        let (k, d) = (packed.k, packed.d);
        Filter {
            worker: Worker::new(level, d, k, grids),
            cell: Cell::new(k, d),
            of_group: Candidates::new(k, d),
            left: Left::default(),
            packed: packed.clone(),
            evaluations: 0,
        }
    }
}

/// Labels every row with its nearest centroid and moves tiles and rows between the clusters' sums.
pub(crate) fn reassign_tiles<F: Element>(
    level: Level,
    packed: &Packed<F>,
    tiles: &Tiles<F>,
    grids: &Grids,
    labels: &mut TileLabels,
    filters: &mut [Filter<F>],
    sums: &mut RowSums,
) -> Assigned {
    let (d, all) = (packed.d, Candidates::all(packed));
    filters.iter_mut().for_each(|filter| filter.packed = packed.clone());
    let rows = tiles.sorted.rows(d);
    let per_group = labels.tiles.chunks_mut(GROUP).zip(labels.rows.chunks_mut(GROUP * TILE));
    lend(filters.first_mut().map(|filter| &mut filter.worker), sums);
    par::share(
        filters,
        tiles.groups.iter().zip(per_group).enumerate(),
        |filter, (g, (group, (tiles, labels)))| {
            let rows = rows.part(g * GROUP * TILE, labels.len());
            let Filter { worker, cell, of_group, left, packed, evaluations } = filter;
            cell.clear();
            cell.enclose(&group.boxes.whole[0], &group.boxes.whole[1], &packed.frame);
            cell.close(packed);
            F::sieve(level, &all, cell, of_group);
            *evaluations += all.index.len() as u64;
            let several = of_group.index.len() > 1;
            if several {
                F::sieve_tiles(level, packed, &group.boxes, of_group, left);
                *evaluations += (of_group.index.len() * tiles.len()) as u64;
            }
            let undecided = if several { left.undecided() } else { 0 };
            for (i, (held, labels)) in tiles.iter_mut().zip(labels.chunks_mut(TILE)).enumerate() {
                let rows = rows.part(i * TILE, labels.len());
                if undecided >> i & 1 == 1 {
                    match std::mem::replace(held, Held::Each) {
                        Held::Nothing => labels.fill(NOWHERE),
                        Held::One(label) => labels.fill(label),
                        Held::Each => {}
                    }
                    packed.records.clear();
                    of_group.records(d, |c| left.tiles[c] >> i & 1 == 1, &mut packed.records);
                    *evaluations += (packed.candidates() * labels.len()) as u64;
                    worker.chunk(level, packed, rows, grids, labels);
                    continue;
                }
                let only = of_group.index[if several { left.nearest[i] as usize } else { 0 }];
                let from = match std::mem::replace(held, Held::One(only)) {
                    Held::Nothing => NOWHERE,
                    Held::One(label) => label,
                    Held::Each => {
                        let to = [only; TILE];
                        let moves = Moves {
                            rows: rows.values,
                            weights: rows.weights,
                            to: &to[..labels.len()],
                            grids,
                        };
                        worker.done.moved += F::apply(level, &moves, labels, &mut worker.sums);
                        continue;
                    }
                };
                if from != only {
                    worker.sums.transfer(&group.sums, i, from, only);
                    worker.done.moved += group.sums.count(i) as usize;
                }
            }
        },
    );
    let mut all = gather(filters.iter_mut().map(|filter| &mut filter.worker), sums);
    all.evaluations += filters.iter_mut().map(|filter| std::mem::take(&mut filter.evaluations)).sum::<u64>();
    all
}
