//! Few columns, and many rows to be labelled once: space is cut into cells, and each cell knows the centroids that may be nearest to a row in it.
//!
//! A box around most rows is halved in each column, several times. What the sieve of [`super::filter`] leaves of the centroids for a cell passes down to its
//! parts. A row meets the few that are left in its cell: their scores are certified as in [`super::lanes`], and in doubt the reference decides among
//! them. Rows outside the box go through the kernel.
//!
//! The few are met four at a time, filled up with some that never win: how many there are could not be foreseen, and to guess wrong costs more.
//!
//! A row is in a cell by arithmetic that rounds, three times at most, so cells are made a little larger than they are ([`Builder::fill`]).

use super::assign::apart;
use super::element::{Element, Level, Vector, framed};
use super::exact::squared_distance;
use super::filter::{Candidates, Cell};
use super::lanes::columns;
use super::pack::Packed;
use super::par;
use super::sampled::sampled;
use super::vector::{Lanes, MOST_LANES, all};
use fearless_simd::Simd;

/// Columns up to which cells are small enough.
const COLUMNS: usize = 3;
/// Rows for each cell, at least: cells have to be made.
const ROWS: usize = 32;
/// Centroids that the cells may list, on average.
const LISTED: usize = 8;

/// Centroids at most.
const MOST: usize = 1 << 20;
/// Halvings of all columns at most, so that the number of a cell is exact in f32.
const HALVINGS: usize = 20;

/// Whether making the cells, finding each row's and meeting the few is clearly cheaper than a look at all centroids; from measurements.
pub(crate) fn pay(n: usize, k: usize, d: usize) -> bool {
    let least = if d < 3 { 192 } else { 512 };
    d <= COLUMNS && n >= 1 << 15 && (least..=MOST).contains(&k)
}

/// Centroids by cells.
pub(crate) struct Cells<F> {
    low: Vec<F>,
    /// Cells per unit of length.
    scale: Vec<F>,
    /// Cells along each column.
    side: usize,
    /// More than the error of any two scores of a row in the box.
    margin: F,
    /// For each cell its first block, and above [`FIRST`] how many more there are. The first column varies fastest.
    leaves: Vec<u32>,
    blocks: Blocks<F>,
}

/// Centroids in a block.
const BLOCK: usize = 4;

/// Centroids by fours: their columns, their starts, and their indices in the bits of numbers.
#[derive(Default)]
struct Blocks<F> {
    values: Vec<F>,
    count: usize,
}

/// Bits of a block's number.
const FIRST: u32 = 26;

impl<F: Element> Blocks<F> {
    /// The leaf that names them; none if they are too many.
    fn add(&mut self, candidates: &Candidates<F>, d: usize) -> Option<u32> {
        let (start, count) = (self.count, candidates.indices().len());
        self.count += count.div_ceil(BLOCK);
        let more = self.count - start - 1;
        if more >> (32 - FIRST) > 0 || self.count >> FIRST > 0 {
            return None;
        }
        for first in (0..count).step_by(BLOCK) {
            for t in 0..=d {
                for at in first..first + BLOCK {
                    let filler = if t < d { F::default() } else { F::neg_infinity() };
                    self.values.push(candidates.column(t).get(at).copied().unwrap_or(filler));
                }
            }
            let index = |at| candidates.indices().get(at).copied().unwrap_or(0);
            self.values.extend((first..first + BLOCK).map(|at| F::tag(index(at))));
        }
        Some((more << FIRST | start) as u32)
    }
}

/// Makes cells.
struct Builder<'a, F> {
    level: Level,
    packed: &'a Packed<F>,
    low: &'a [F],
    high: &'a [F],
    step: &'a [F],
    cell: Cell<F>,
    /// What is left after so many halvings.
    left: Vec<Candidates<F>>,
    blocks: Blocks<F>,
    /// Blocks that a piece may have.
    most: usize,
}

impl<F: Element> Cells<F> {
    /// None if they would list too many centroids, or a column is constant, or too large.
    pub(crate) fn new(level: Level, packed: &Packed<F>, rows: &[F]) -> Option<Self> {
        const SAMPLE: usize = 4096;
        let (d, n) = (packed.d, rows.len() / packed.d);
        if d > COLUMNS || packed.k > MOST {
            return None;
        }
        let (mut low, mut high) = (vec![F::infinity(); d], vec![F::neg_infinity(); d]);
        for i in sampled(n, SAMPLE) {
            for (t, &x) in rows[i * d..][..d].iter().enumerate() {
                let x = framed(x, packed.frame.offset[t], &packed.frame);
                (low[t], high[t]) = (low[t].min(x), high[t].max(x));
            }
        }
        let halvings = ((n / ROWS).max(1).ilog2() as usize).min(HALVINGS) / d;
        let side: usize = 1 << halvings;
        let step: Vec<F> = low.iter().zip(&high).map(|(&l, &h)| (h - l) * F::of(1.0 / side as f64)).collect();
        let scale: Vec<F> = step.iter().map(|step| step.recip()).collect();
        if !scale.iter().chain(&step).all(|x| x.is_normal()) {
            return None;
        }

        let mut leaves = vec![0; side.pow(d as u32)];
        // Several pieces for each thread, each one after some halvings.
        let first = halvings.min(4 / d);
        let piece = leaves.len() >> (first * d);
        let workers = par::workers_for(leaves.len() as f64 * 100.0);
        let mut workers: Vec<_> = (0..workers)
            .map(|_| {
                let mut left = vec![Candidates::all(packed)];
                left.resize_with(halvings - first + 2, || Candidates::new(packed.k, d));
                Builder {
                    level,
                    packed,
                    low: &low,
                    high: &high,
                    step: &step,
                    cell: Cell::new(packed.k, d),
                    left,
                    blocks: Blocks::default(),
                    most: piece * LISTED / BLOCK,
                }
            })
            .collect();
        let mut blocks: Vec<Option<Blocks<F>>> = Vec::new();
        blocks.resize_with(leaves.len() / piece, || None);
        par::share(
            &mut workers,
            leaves.chunks_mut(piece).zip(&mut blocks).enumerate(),
            |builder, (p, (leaves, blocks))| {
                let mut corner = [0; COLUMNS];
                for (t, corner) in corner.iter_mut().enumerate().take(d) {
                    for bit in 0..first {
                        *corner |= (p >> (bit * d + t) & 1) << (halvings - first + bit);
                    }
                }
                let sound = builder.fill(leaves, corner, side >> first, 0);
                let made = std::mem::take(&mut builder.blocks);
                *blocks = sound.then_some(made);
            },
        );
        let mut all = Blocks::default();
        for (leaves, blocks) in leaves.chunks_mut(piece).zip(blocks) {
            let Blocks { values, count } = blocks?;
            if (all.count + count) >> FIRST > 0 {
                return None;
            }
            leaves.iter_mut().for_each(|leaf| *leaf += all.count as u32);
            all.values.extend(values);
            all.count += count;
        }
        // They were made so that the bits of a cell's number are those of its places, in turn.
        let spread = |place: usize| (0..halvings).map(|bit| (place >> bit & 1) << (bit * d)).sum();
        let spread: Vec<usize> = (0..side).map(spread).collect();
        let place = |cell: usize, t: usize| cell >> (t * halvings) & (side - 1);
        let from = |cell: usize| (0..d).map(|t| spread[place(cell, t)] << t).sum::<usize>();
        let leaves = (0..leaves.len()).map(|cell| leaves[from(cell)]).collect();
        let far = low.iter().zip(&high).map(|(low, high)| low.abs().max(high.abs()));
        let norm = far.fold(F::default(), |norm, far| norm + far * far) * F::of(1.0 + 1e-3);
        let margin = norm * packed.margin.row_factor + packed.margin.row_floor + packed.most_slack;
        Some(Cells { low, scale, side, margin, leaves, blocks: all })
    }
}

impl<F: Element> Builder<'_, F> {
    /// Fills the leaves of a cell, which begins at a corner and has so many along each column. False if the lists become too long.
    fn fill(&mut self, leaves: &mut [u32], corner: [usize; COLUMNS], side: usize, depth: usize) -> bool {
        let d = self.packed.d;
        let edge = |t: usize, at: usize| self.low[t] + F::of(at as f64) * self.step[t];
        for t in 0..d {
            let (low, high) = (edge(t, corner[t]), edge(t, corner[t] + side));
            // A few roundings of the numbers that they were made from.
            let far = self.low[t].abs() + self.high[t].abs();
            let pad = far * F::of(16.0 * F::UNIT);
            self.cell.span(t, low - pad, high + pad);
        }
        self.cell.close(self.packed);
        let (from, into) = self.left.split_at_mut(depth + 1);
        F::sieve(self.level, &from[depth], &mut self.cell, &mut into[0]);
        if into[0].indices().len() == 1 || leaves.len() == 1 {
            let Some(leaf) = self.blocks.add(&into[0], d) else { return false };
            leaves.fill(leaf);
            return self.blocks.count <= self.most;
        }
        let part = leaves.len() >> d;
        leaves.chunks_mut(part).enumerate().all(|(c, leaves)| {
            let mut corner = corner;
            (0..d).for_each(|t| corner[t] += (c >> t & 1) * (side / 2));
            self.fill(leaves, corner, side / 2, depth + 1)
        })
    }
}

/// The labels of rows; those outside the box are named instead.
#[inline(always)]
pub(super) fn label<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    cells: &Cells<F>,
    rows: &[F],
    labels: &mut [u32],
    outside: &mut Vec<u32>,
) {
    macro_rules! few {
        ($($d:literal)*) => {
            match packed.d {
                $($d => apart(simd, #[inline(always)] || label_few::<S, F, $d>(simd, packed, cells, rows, labels, outside)),)*
                _ => unreachable!("there are no cells"),
            }
        };
    }
    few!(1 2 3);
}

#[inline(always)]
fn label_few<S: Simd, F: Element, const D: usize>(
    simd: S,
    packed: &Packed<F>,
    cells: &Cells<F>,
    rows: &[F],
    labels: &mut [u32],
    outside: &mut Vec<u32>,
) {
    let len = Vector::<S, F>::LEN;
    let splat = |x: f64| Vector::<S, F>::splat(simd, F::of(x));
    let (zero, side) = (splat(0.0), splat(cells.side as f64));
    // Added to a small number, it leaves the nearest integer in the low bits.
    let magic = splat(1.5 / F::UNIT / 2.0);
    let (half, last) = (splat(0.5), splat(cells.side as f64 - 0.75));
    let (mut moved, mut numbers) = ([[F::default(); MOST_LANES]; D], [F::default(); MOST_LANES]);
    let mask = cells.leaves.len() as u32 - 1;
    for (g, (rows, labels)) in rows.chunks(len * D).zip(labels.chunks_mut(len)).enumerate() {
        let columns = columns::<S, F, D>(simd, rows, &packed.frame);
        let (mut inside, mut number, mut row) = (all(len), zero, splat(1.0));
        for t in 0..D {
            let low = Vector::<S, F>::splat(simd, cells.low[t]);
            let place = (columns[t] - low) * Vector::<S, F>::splat(simd, cells.scale[t]);
            // What is not a number is not inside.
            inside &= place.less(side) & !place.less(zero);
            let whole = (place.min(last) - half + magic) - magic;
            number = whole.mul_add(row, number);
            row = row * side;
            columns[t].store(&mut moved[t]);
        }
        (number + magic).store(&mut numbers);
        for (l, label) in labels.iter_mut().enumerate() {
            let leaf = cells.leaves[(numbers[l].untag() & mask) as usize];
            let mut point = [F::default(); D];
            for t in 0..D {
                point[t] = moved[t][l];
            }
            *label = nearest(packed, cells, leaf, &point, &rows[l * D..][..D]);
        }
        let strays = !inside & all(labels.len());
        if strays != 0 {
            outside.extend((0..len).filter(|l| strays >> l & 1 == 1).map(|l| (g * len + l) as u32));
        }
    }
}

/// The nearest of the centroids that a leaf names.
#[inline(always)]
fn nearest<F: Element, const D: usize>(
    packed: &Packed<F>,
    cells: &Cells<F>,
    leaf: u32,
    point: &[F; D],
    row: &[F],
) -> u32 {
    let size = BLOCK * (D + 2);
    let (first, more) = ((leaf & ((1 << FIRST) - 1)) as usize, (leaf >> FIRST) as usize);
    let blocks = &cells.blocks.values[first * size..][..(1 + more) * size];
    let mut best = Best::of(&blocks[..size], point);
    for block in blocks[size..].chunks_exact(size) {
        best = best.and(Best::of(block, point));
    }
    if best.score - best.second > cells.margin { best.tag.untag() } else { settle(packed, blocks, row) }
}

#[inline(always)]
fn larger<F: Element>(a: F, b: F) -> F {
    if b > a { b } else { a }
}

#[inline(always)]
fn smaller<F: Element>(a: F, b: F) -> F {
    if b > a { a } else { b }
}

/// The best score, the second best, and the index of the best in the bits of a number.
#[derive(Clone, Copy)]
struct Best<F> {
    score: F,
    second: F,
    tag: F,
}

impl<F: Element> Best<F> {
    #[inline(always)]
    fn of<const D: usize>(block: &[F], moved: &[F; D]) -> Self {
        let mut scores = [F::default(); BLOCK];
        for c in 0..BLOCK {
            scores[c] = block[D * BLOCK + c];
            for t in 0..D {
                scores[c] = scores[c] + moved[t] * block[t * BLOCK + c];
            }
        }
        let [a, b, c, d] = scores;
        let (front, back) = (larger(a, b), larger(c, d));
        // In arithmetic, for a branch could not be foreseen.
        let (in_front, in_back, behind) = (usize::from(b > a), usize::from(d > c), usize::from(back > front));
        let at = in_front + behind * (2 + in_back - in_front);
        Best {
            score: larger(front, back),
            second: larger(smaller(front, back), larger(smaller(a, b), smaller(c, d))),
            tag: block[(D + 1) * BLOCK + at],
        }
    }

    /// The best of both. Equal ones do not matter: they are settled.
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        let (high, low) = if other.score > self.score { (other, self) } else { (self, other) };
        let second = if high.second > low.score { high.second } else { low.score };
        Best { second, ..high }
    }
}

/// The nearest of the centroids in blocks, by the reference.
#[cold]
#[inline(never)]
fn settle<F: Element>(packed: &Packed<F>, blocks: &[F], row: &[F]) -> u32 {
    let d = packed.d;
    let mut best = (f64::INFINITY, 0);
    for block in blocks.chunks_exact(BLOCK * (d + 2)) {
        for c in 0..BLOCK {
            let j = block[(d + 1) * BLOCK + c].untag();
            if block[d * BLOCK + c] == F::neg_infinity() {
                continue;
            }
            let distance = squared_distance(row, &packed.centroids[j as usize * d..][..d]);
            if distance < best.0 {
                best = (distance, j);
            }
        }
    }
    best.1
}
