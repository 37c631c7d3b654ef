//! The two number types as the kernel sees them, and the doors into the compiled loops.

use super::assign::{Rows, Scratch};
use super::boxes::{self, Boxes};
use super::bytes::Machine;
use super::cells::{self, Cells};
use super::curve::{self, Curve};
use super::dispatch::{dispatch, plain};
use super::filter::{Candidates, Cell, Left};
use super::moments::{Double, Grid, Grids, Moves, RowSums, Sum};
use super::pack::{Frame, Packed};
use super::screen::Pairs;
use super::single::Single;
use super::standing::{Standing, Swap};
use super::trial::{Aim, Trial};
use super::vector::Lanes;
use super::{
    assign, block, coarse, exact, exchange, fence, filter, fuzzy, manhattan, means, moves, pack, screen,
    single,
};
pub(crate) use fearless_simd::Level;
use fearless_simd::Simd;

/// A vector of the element at a SIMD level.
pub(crate) type Vector<S, F> = <F as Element>::Vector<S>;

/// f32 or f64. Sealed: its module is private. Each loop below is compiled per type and SIMD level, here.
#[doc(hidden)]
#[allow(private_interfaces)]
pub trait Element: num_traits::Float + Default + Send + Sync + 'static {
    /// The vector of a SIMD level.
    type Vector<S: Simd>: Lanes<S, Self>;

    /// Unit roundoff: half the distance from 1 to the next number.
    const UNIT: f64;
    /// The smallest positive number.
    const TINY: f64;
    /// The smallest positive value that is not subnormal.
    const NORMAL: f64;
    /// The largest finite number.
    const HUGE: f64;
    /// Exponents a normal power of two may have.
    const EXPONENTS: (i32, i32);
    /// The largest magnitude whose squared distances can be summed in f64 without overflow.
    const LIMIT: f64;
    /// Bits of the significand after the leading one.
    const DIGITS: i32;

    /// The same value.
    fn f64(self) -> f64;
    /// The nearest value.
    fn of(value: f64) -> Self;
    /// The smallest value not below.
    fn above(value: f64) -> Self;
    /// An index in the bits of a lane; no arithmetic is done on it.
    fn tag(index: u32) -> Self;
    /// The index that [`Element::tag`] put there.
    fn untag(self) -> u32;

    /// Numbers in one vector at this level.
    fn width(level: Level) -> usize;
    /// Whether all values are finite; widens the range of each column, and the least non-zero magnitude.
    fn scan(level: Level, rows: &[Self], range: &mut pack::Range<Self>) -> bool;
    /// The label of each row, into `labels`; false if a value is not finite, or too large (then the labels mean nothing).
    fn label(
        level: Level,
        packed: &Packed<Self>,
        rows: &[Self],
        scratch: &mut Scratch<Self>,
        labels: &mut [u32],
    ) -> bool;
    /// The labels of rows by cells; of those outside, which may be bad, the numbers.
    fn label_in_cells(
        level: Level,
        packed: &Packed<Self>,
        cells: &Cells<Self>,
        rows: &[Self],
        labels: &mut [u32],
        outside: &mut Vec<u32>,
    );
    /// The labels of some rows whose own is in doubt, see [`super::coarse_label::label_some`].
    fn label_some(
        level: Level,
        packed: &Packed<Self>,
        rows: Rows<'_, Self>,
        some: &[u32],
        own: Option<&[u32]>,
        proven: &mut dyn FnMut(u32, f32) -> bool,
        scratch: &mut Scratch<Self>,
    );
    /// The values in f32, where they are or put into the room for it.
    fn singles<'a>(values: &'a [Self], room: &'a mut Vec<f32>) -> &'a [f32];
    /// The bytes of some centroids.
    fn digitise_panel(
        level: Level,
        machine: Machine,
        moved: &[Self],
        starts: &[Self],
        panel: coarse::Panel<'_>,
    );
    /// The label of one row; none if a value is not finite, or too large.
    fn label_one(level: Level, single: &Single<Self>, row: &[Self]) -> Option<u32>;
    /// The reference distance (squared) of each row to one centroid each.
    fn own_distances(
        level: Level,
        rows: &[Self],
        centroids: &[Self],
        d: usize,
        labels: Option<&[u32]>,
        out: &mut [f64],
    );
    /// Adds terms that are not negative to a sum, and returns the largest.
    fn add_all(level: Level, grid: &Grid, values: &[f64], sum: &mut Sum) -> f64;
    /// The reference distances (squared) of one row to every centroid.
    fn all_distances(level: Level, row: &[Self], centroids: &[Self], out: &mut [f64]);
    /// The Euclidean distances of a block of rows to some centroids, see [`block::roots`].
    fn roots(
        level: Level,
        rows: &[Self],
        centroids: &[Self],
        room: (&mut [block::Lanes], &mut [block::Lanes]),
        out: (&mut [Self], usize),
    ) -> bool;
    /// The reference distances (squared) of one row to some centroids.
    fn some_distances(level: Level, row: &[Self], centroids: &[Self], which: &[u32], out: &mut [f64]);
    /// The reference distances (squared) of the rows named to the centroids of their labels.
    fn present_distances(
        level: Level,
        rows: Rows<'_, Self>,
        centroids: &[Self],
        labels: &[u32],
        which: &[u32],
        out: &mut [f64],
    );
    /// The nearest centroid of one row and its squared distance, by the reference loop.
    fn nearest(level: Level, row: &[Self], centroids: &[Self]) -> (u32, f64);
    /// Adds, removes or moves rows between clusters.
    fn apply(level: Level, moves: &Moves<'_, Self>, labels: &mut [u32], sums: &mut RowSums) -> usize;
    /// Adds rows to one cluster.
    fn add_rows(level: Level, rows: Rows<'_, Self>, grids: &Grids, cluster: usize, sums: &mut RowSums);
    /// The mean of a cluster, see [`super::means::mean`].
    fn mean(
        level: Level,
        sums: &RowSums,
        j: usize,
        grids: &Grids,
        weighted: bool,
        offset: &[Self],
        mean: &mut [Self],
    ) -> Double;
    /// The places of rows along a curve.
    fn places(level: Level, curve: &Curve<Self>, rows: Rows<'_, Self>, out: &mut [u32]);
    /// The smallest box around rows.
    fn enclose(level: Level, rows: Rows<'_, Self>, low: &mut [Self], high: &mut [Self]);
    /// The candidates that may be nearest to a point of the cell.
    fn sieve(level: Level, from: &Candidates<Self>, cell: &mut Cell<Self>, into: &mut Candidates<Self>);
    /// The same for the boxes of a group.
    fn sieve_tiles(
        level: Level,
        packed: &Packed<Self>,
        boxes: &Boxes<Self>,
        from: &Candidates<Self>,
        left: &mut Left,
    );
    /// What candidates gain in a tile of sorted rows, see [`super::fence`].
    fn fenced_gains(
        level: Level,
        rows: Rows<'_, Self>,
        distances: &[f64],
        candidates: &[Self],
        open: u32,
        gains: &mut [f64],
    );
    /// Makes a candidate the nearest centroid of the rows of a tile that it is nearer to; whether there are any.
    fn fenced_take(level: Level, rows: &[Self], candidate: &[Self], distances: &mut [f64]) -> bool;
    /// Which candidates may be nearer to which rows of a chunk than their nearest centroid so far, see [`screen::screen`].
    fn screen(
        level: Level,
        packed: &Packed<Self>,
        rows: (&[Self], usize),
        distances: &[f64],
        scratch: &mut Scratch<Self>,
        pairs: &mut Vec<u32>,
    );
    /// What a candidate gains from some rows of a block.
    fn gain(level: Level, rows: Rows<'_, Self>, now: &[f64], near: Pairs<'_, Self>, sum: (&Grid, &mut Sum));
    /// Makes a candidate the nearest centroid of those of the rows that it is nearer to; whether there are any.
    fn take(level: Level, rows: Rows<'_, Self>, now: &mut [f64], near: Pairs<'_, Self>) -> bool;
    /// Adds rows to fuzzy clusters.
    fn fuzzy_sums(
        level: Level,
        task: &fuzzy::Task<'_, Self>,
        rows: Rows<'_, Self>,
        scratch: &mut fuzzy::Scratch,
        sums: &mut fuzzy::Sums,
    );
    /// The fuzzy memberships of a block of rows.
    fn fuzzy_memberships(
        level: Level,
        task: &fuzzy::Task<'_, Self>,
        rows: &[Self],
        scratch: &mut fuzzy::Scratch,
    );
    /// The label of each row by L1 distance.
    fn nearest_manhattan(
        level: Level,
        rows: Rows<'_, Self>,
        centroids: &[Self],
        scratch: &mut manhattan::Scratch,
        labels: &mut [u32],
    );
    /// What exchanging each medoid for a candidate would change.
    fn exchange(level: Level, distances: &[Self], near: &exchange::Near<Self>, changes: &mut [f64]) -> f64;
    /// The sweeps of a trial, for any number of columns.
    fn sweeps(level: Level, trial: &mut Trial, standing: &Standing<'_, Self>, swap: Option<Swap>, aim: Aim);
}

macro_rules! element {
    ($float:ty, $vector:ident, $bits:ty, $digits:literal, $limit:expr, $exponents:expr, $singles:item) => {
        #[allow(private_interfaces)]
        impl Element for $float {
            type Vector<S: Simd> = S::$vector;
            const UNIT: f64 = <$float>::EPSILON as f64 / 2.0;
            const TINY: f64 = <$float>::from_bits(1) as f64;
            const NORMAL: f64 = <$float>::MIN_POSITIVE as f64;
            const HUGE: f64 = <$float>::MAX as f64;
            const EXPONENTS: (i32, i32) = $exponents;
            const LIMIT: f64 = $limit;
            const DIGITS: i32 = $digits;

            #[inline(always)]
            $singles
            #[inline(always)]
            fn f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            #[allow(clippy::unnecessary_cast)]
            fn of(value: f64) -> Self {
                value as $float
            }
            #[inline(always)]
            fn above(value: f64) -> Self {
                let nearest = Self::of(value);
                if f64::from(nearest) < value { nearest.next_up() } else { nearest }
            }
            #[inline(always)]
            #[allow(clippy::useless_conversion)]
            fn tag(index: u32) -> Self {
                <$float>::from_bits(<$bits>::from(index))
            }
            #[inline(always)]
            #[allow(clippy::unnecessary_cast)]
            fn untag(self) -> u32 {
                self.to_bits() as u32
            }

            fn width(level: Level) -> usize {
                #[inline(always)]
                fn of<S: Simd>(_: S) -> usize {
                    <Vector<S, $float> as Lanes<S, $float>>::LEN
                }
                dispatch!(level, simd => of(simd))
            }
            fn scan(level: Level, rows: &[Self], range: &mut pack::Range<Self>) -> bool {
                dispatch!(level, simd => pack::scan(simd, rows, range))
            }
            fn label(level: Level, packed: &Packed<Self>, rows: &[Self], scratch: &mut Scratch<Self>, labels: &mut [u32]) -> bool {
                dispatch!(level, simd => assign::label(simd, packed, rows, scratch, labels))
            }
            fn label_in_cells(level: Level, packed: &Packed<Self>, cells: &Cells<Self>, rows: &[Self], labels: &mut [u32], outside: &mut Vec<u32>) {
                dispatch!(level, simd => cells::label(simd, packed, cells, rows, labels, outside));
            }
            fn label_some(
                level: Level,
                packed: &Packed<Self>,
                rows: Rows<'_, Self>,
                some: &[u32],
                own: Option<&[u32]>,
                proven: &mut dyn FnMut(u32, f32) -> bool,
                scratch: &mut Scratch<Self>,
            ) {
                dispatch!(level, simd => assign::label_some(simd, packed, rows, some, own, proven, scratch));
            }
            fn digitise_panel(level: Level, machine: Machine, moved: &[Self], starts: &[Self], panel: coarse::Panel<'_>) {
                dispatch!(level, simd => coarse::fill_panel(simd, machine, moved, starts, panel));
            }
            fn label_one(level: Level, single: &Single<Self>, row: &[Self]) -> Option<u32> {
                dispatch!(level, simd => single::label(simd, single, row))
            }
            fn own_distances(level: Level, rows: &[Self], centroids: &[Self], d: usize, labels: Option<&[u32]>, out: &mut [f64]) {
                plain!(level, exact::own_distances(rows, centroids, d, labels, out))
            }
            fn add_all(level: Level, grid: &Grid, values: &[f64], sum: &mut Sum) -> f64 {
                plain!(level, sum.add_all(grid, values))
            }
            fn all_distances(level: Level, row: &[Self], centroids: &[Self], out: &mut [f64]) {
                plain!(level, exact::all_distances(row, centroids, out))
            }
            fn roots(level: Level, rows: &[Self], centroids: &[Self], room: (&mut [block::Lanes], &mut [block::Lanes]), out: (&mut [Self], usize)) -> bool {
                plain!(level, block::roots(rows, centroids, room, out))
            }
            fn some_distances(level: Level, row: &[Self], centroids: &[Self], which: &[u32], out: &mut [f64]) {
                plain!(level, exact::some_distances(row, centroids, which, out))
            }
            fn present_distances(level: Level, rows: Rows<'_, Self>, centroids: &[Self], labels: &[u32], which: &[u32], out: &mut [f64]) {
                plain!(level, exact::present_distances(rows, centroids, labels, which, out))
            }
            fn nearest(level: Level, row: &[Self], centroids: &[Self]) -> (u32, f64) {
                plain!(level, exact::nearest(row, centroids))
            }
            fn apply(level: Level, moves: &Moves<'_, Self>, labels: &mut [u32], sums: &mut RowSums) -> usize {
                dispatch!(level, simd => moves::apply(simd, moves, labels, sums))
            }
            fn add_rows(level: Level, rows: Rows<'_, Self>, grids: &Grids, cluster: usize, sums: &mut RowSums) {
                plain!(level, sums.add_rows(rows, grids, cluster))
            }
            fn mean(level: Level, sums: &RowSums, j: usize, grids: &Grids, weighted: bool, offset: &[Self], mean: &mut [Self]) -> Double {
                plain!(level, means::mean(sums, j, grids, weighted, offset, mean))
            }
            fn places(level: Level, curve: &Curve<Self>, rows: Rows<'_, Self>, out: &mut [u32]) {
                plain!(level, curve::places(curve, rows, out))
            }
            fn enclose(level: Level, rows: Rows<'_, Self>, low: &mut [Self], high: &mut [Self]) {
                dispatch!(level, simd => boxes::enclose(simd, rows, low, high));
            }
            fn sieve(level: Level, from: &Candidates<Self>, cell: &mut Cell<Self>, into: &mut Candidates<Self>) {
                plain!(level, filter::sieve(from, cell, into))
            }
            fn sieve_tiles(level: Level, packed: &Packed<Self>, boxes: &Boxes<Self>, from: &Candidates<Self>, left: &mut Left) {
                dispatch!(level, simd => filter::sieve_tiles(simd, packed, boxes, from, left));
            }
            fn fenced_gains(level: Level, rows: Rows<'_, Self>, distances: &[f64], candidates: &[Self], open: u32, gains: &mut [f64]) {
                plain!(level, fence::gains(rows, distances, candidates, open, gains))
            }
            fn fenced_take(level: Level, rows: &[Self], candidate: &[Self], distances: &mut [f64]) -> bool {
                plain!(level, fence::take(rows, candidate, distances))
            }
            fn screen(level: Level, packed: &Packed<Self>, rows: (&[Self], usize), distances: &[f64], scratch: &mut Scratch<Self>, pairs: &mut Vec<u32>) {
                dispatch!(level, simd => screen::screen(simd, packed, rows, distances, scratch, pairs));
            }
            fn gain(level: Level, rows: Rows<'_, Self>, now: &[f64], near: Pairs<'_, Self>, sum: (&Grid, &mut Sum)) {
                plain!(level, screen::gain(rows, now, near, sum));
            }
            fn take(level: Level, rows: Rows<'_, Self>, now: &mut [f64], near: Pairs<'_, Self>) -> bool {
                plain!(level, screen::take(rows, now, near))
            }
            fn fuzzy_sums(level: Level, task: &fuzzy::Task<'_, Self>, rows: Rows<'_, Self>, scratch: &mut fuzzy::Scratch, sums: &mut fuzzy::Sums) {
                plain!(level, fuzzy::sum(task, rows, scratch, sums))
            }
            fn fuzzy_memberships(level: Level, task: &fuzzy::Task<'_, Self>, rows: &[Self], scratch: &mut fuzzy::Scratch) {
                plain!(level, fuzzy::block_memberships(task, rows, scratch))
            }
            fn nearest_manhattan(level: Level, rows: Rows<'_, Self>, centroids: &[Self], scratch: &mut manhattan::Scratch, labels: &mut [u32]) {
                plain!(level, manhattan::nearest(rows, centroids, scratch, labels))
            }
            fn exchange(level: Level, distances: &[Self], near: &exchange::Near<Self>, changes: &mut [f64]) -> f64 {
                plain!(level, exchange::exchange(distances, near, changes))
            }
            fn sweeps(level: Level, trial: &mut Trial, standing: &Standing<'_, Self>, swap: Option<Swap>, aim: Aim) {
                plain!(level, trial.sweeps_of::<Self, 0>(standing, swap, aim));
            }
        }
    };
}

// Squared distances of f32 data never overflow f64; those of f64 data do past 2^511, and their sums a little before.
element!(
    f32,
    f32s,
    u32,
    23,
    f32::MAX as f64,
    (-126, 127),
    fn singles<'a>(values: &'a [f32], _: &'a mut Vec<f32>) -> &'a [f32] {
        values
    }
);
element!(
    f64,
    f64s,
    u64,
    52,
    f64::from_bits((1023 + 480) << 52),
    (-1022, 1023),
    fn singles<'a>(values: &'a [f64], room: &'a mut Vec<f32>) -> &'a [f32] {
        room.clear();
        room.extend(values.iter().map(|&x| x as f32));
        room
    }
);

/// Used by the loops that take a frame.
#[inline(always)]
pub(crate) fn framed<F: Element>(value: F, offset: F, frame: &Frame<F>) -> F {
    (value - offset) * frame.scale
}
