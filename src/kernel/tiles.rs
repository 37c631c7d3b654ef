//! Rows of few columns, put in an order in which neighbours lie near each other, and cut into tiles.
//!
//! The order is that of *sort-tile-recursive* packing (Leutenegger, Lopez and Edgington 1997): cut the rows into slabs by one column,
//! each slab by the next column, and so on; every other slab runs backward, so that
//! rows that follow each other are neighbours there too. A tile's bounding box is then small, so a few looks at the box answer for all its rows at once
//! ([`super::filter`]). Tiles hold a copy of the rows, the place each came from, and the sums of their rows, so that a tile changes
//! cluster in one step.

use super::assign::Rows;
use super::element::{Element, Level};
use super::moments::{Grids, RowSums};
use super::pack::Range;
use super::par;
use super::sampled::sampled;

/// Rows of a tile.
pub(crate) const TILE: usize = 64;
/// Tiles of a group, which are looked at together first.
pub(crate) const GROUP: usize = 16;
/// Rows that are put together by slab at a time.
const CHUNK: usize = 1 << 14;
/// Columns that order the rows: more would cut too few slabs each.
const ORDERING: usize = 4;

/// Rows in tile order.
pub(crate) struct Sorted<F> {
    pub values: Vec<F>,
    pub weights: Option<Vec<f64>>,
    /// Where each came from.
    pub origin: Vec<u32>,
}

/// Sorted rows, and what is known of each tile.
pub(crate) struct Tiles<F> {
    pub sorted: Sorted<F>,
    pub groups: Vec<Group<F>>,
}

/// Some tiles in a row: their boxes, d values each, and their sums.
pub(crate) struct Group<F> {
    pub low: Vec<F>,
    pub high: Vec<F>,
    pub sums: RowSums,
}

impl<F: Element> Sorted<F> {
    /// Rows that count lie within the range.
    pub(crate) fn new(rows: Rows<'_, F>, range: &Range<F>) -> Self {
        let (n, d) = (rows.n(), rows.d);
        let mut columns: Vec<usize> = (0..d).collect();
        let width = |t: usize| range.high[t].f64() - range.low[t].f64();
        columns.sort_by(|&a, &b| width(b).total_cmp(&width(a)));
        columns.truncate(ORDERING);
        let mut origin = vec![0; n];
        order(rows, &columns, &mut origin);
        let mut values = vec![F::default(); n * d];
        let mut workers = vec![(); par::workers_for(rows.values.len() as f64 * 8.0)];
        let pieces = origin.chunks(CHUNK).zip(values.chunks_mut(CHUNK * d));
        par::share(&mut workers, pieces, |(), (origin, values)| fetch(rows, origin, values));
        let weights = rows.weights.map(|all| origin.iter().map(|&i| all[i as usize]).collect());
        Sorted { values, weights, origin }
    }

    pub(crate) fn rows(&self, d: usize) -> Rows<'_, F> {
        Rows { values: &self.values, d, weights: self.weights.as_deref() }
    }
}

impl<F: Element> Tiles<F> {
    pub(crate) fn new(level: Level, rows: Rows<'_, F>, range: &Range<F>, grids: &Grids) -> Self {
        const ROWS: usize = GROUP * TILE;
        let sorted = Sorted::new(rows, range);
        let rows = sorted.rows(rows.d);
        let mut groups = Vec::new();
        groups.resize_with(rows.n().div_ceil(ROWS), || None);
        let mut workers = vec![(); par::workers_for(rows.values.len() as f64 * 4.0)];
        par::share(&mut workers, groups.iter_mut().enumerate(), |(), (g, group)| {
            let rows = rows.part(g * ROWS, ROWS.min(rows.n() - g * ROWS));
            *group = Some(Group::new(level, rows, grids));
        });
        Tiles { groups: groups.into_iter().flatten().collect(), sorted }
    }
}

/// The smallest box around rows.
pub(crate) fn enclose<F: Element>(rows: Rows<'_, F>, low: &mut [F], high: &mut [F]) {
    macro_rules! few {
        ($($d:literal)*) => {
            match rows.d {
                // A constant number of columns leaves the bounds in registers.
                $($d => {
                    let (mut least, mut most) = ([F::infinity(); $d], [F::neg_infinity(); $d]);
                    for row in rows.values.as_chunks::<$d>().0 {
                        for t in 0..$d {
                            least[t] = if row[t] < least[t] { row[t] } else { least[t] };
                            most[t] = if row[t] > most[t] { row[t] } else { most[t] };
                        }
                    }
                    low.copy_from_slice(&least);
                    high.copy_from_slice(&most);
                },)*
                _ => {
                    low.fill(F::infinity());
                    high.fill(F::neg_infinity());
                    for row in rows.values.chunks_exact(rows.d) {
                        for (t, &x) in row.iter().enumerate() {
                            low[t] = if x < low[t] { x } else { low[t] };
                            high[t] = if x > high[t] { x } else { high[t] };
                        }
                    }
                }
            }
        };
    }
    few!(1 2 3 4);
}

impl<F: Element> Group<F> {
    fn new(level: Level, rows: Rows<'_, F>, grids: &Grids) -> Self {
        let (d, tiles) = (rows.d, rows.n().div_ceil(TILE));
        let (mut low, mut high) = (vec![F::default(); tiles * d], vec![F::default(); tiles * d]);
        let mut sums = RowSums::new(tiles, grids);
        for i in 0..tiles {
            let part = rows.part(i * TILE, TILE.min(rows.n() - i * TILE));
            enclose(part, &mut low[i * d..][..d], &mut high[i * d..][..d]);
            F::add_rows(level, part, grids, i, &mut sums);
        }
        Group { low, high, sums }
    }
}

/// Copies rows from their places.
fn fetch<F: Element>(rows: Rows<'_, F>, origin: &[u32], values: &mut [F]) {
    macro_rules! few {
        ($($d:literal)*) => {
            match rows.d {
                // A constant number of columns needs no call for each row.
                $($d => {
                    let from = rows.values.as_chunks::<$d>().0;
                    for (value, &i) in values.as_chunks_mut::<$d>().0.iter_mut().zip(origin) {
                        *value = from[i as usize];
                    }
                },)*
                _ => for (value, &i) in values.chunks_exact_mut(rows.d).zip(origin) {
                    value.copy_from_slice(rows.row(i as usize));
                },
            }
        };
    }
    few!(1 2 3 4);
}

/// A number that is ordered as the value, or against it, to about 24 bits; and the row.
fn keyed<F: Element>(value: F, row: u32, backward: bool) -> u64 {
    let bits = (value.f64() as f32).to_bits();
    let key = bits ^ (((bits as i32 >> 31) as u32) | 0x8000_0000) ^ (if backward { u32::MAX } else { 0 });
    u64::from(key) << 32 | u64::from(row)
}

/// Slabs that a number of rows is cut into, when so many columns are left to cut by.
fn slabs(rows: usize, columns: usize) -> usize {
    ((rows as f64 / TILE as f64).powf(1.0 / columns as f64).round() as usize).clamp(1, 1 << 12)
}

/// The rows' places in tile order.
fn order<F: Element>(rows: Rows<'_, F>, columns: &[usize], origin: &mut [u32]) {
    let n = rows.n();
    let (first, rest) = (columns[0], if columns.len() > 1 { &columns[1..] } else { columns });
    let column = |i: usize, t: usize, backward: bool| keyed(rows.values[i * rows.d + t], i as u32, backward);
    // The slabs of the first column, between quantiles of a sample.
    let count = slabs(n, columns.len());
    let mut sample: Vec<u64> = sampled(n, count * 32).map(|i| column(i, first, false)).collect();
    sample.sort_unstable();
    let borders: Vec<u64> = (1..count).map(|s| sample[s * sample.len() / count]).collect();
    // Within each chunk the rows are put together by slab, keyed by the next column.
    let mut keys = vec![0; n];
    let mut ends = vec![0; n.div_ceil(CHUNK) * count];
    let mut workers = vec![vec![0u16; CHUNK]; par::workers_for(n as f64 * 16.0)];
    par::share(
        &mut workers,
        keys.chunks_mut(CHUNK).zip(ends.chunks_mut(count)).enumerate(),
        |slabs, (c, (keys, ends))| {
            let rows = c * CHUNK..c * CHUNK + keys.len();
            for (slab, i) in slabs.iter_mut().zip(rows.clone()) {
                let key = column(i, first, false);
                *slab = borders.partition_point(|&border| border <= key) as u16;
                ends[usize::from(*slab)] += 1;
            }
            let mut start = 0;
            for end in ends.iter_mut() {
                start += std::mem::replace(end, start);
            }
            for (&slab, i) in slabs.iter().zip(rows) {
                let place = &mut ends[usize::from(slab)];
                keys[*place] = column(i, rest[0], slab % 2 == 1);
                *place += 1;
            }
        },
    );
    let part = |c: usize, s: usize| {
        let ends = &ends[c * count..][..count];
        c * CHUNK + (if s > 0 { ends[s - 1] } else { 0 })..c * CHUNK + ends[s]
    };
    let chunks = n.div_ceil(CHUNK);
    let (mut left, mut place) = (origin, 0);
    let slabs = (0..count).map(move |s| {
        let size = (0..chunks).map(|c| part(c, s).len()).sum();
        let (origin, others) = std::mem::take(&mut left).split_at_mut(size);
        left = others;
        place += size;
        (s, place - size, origin)
    });
    let mut workers = vec![Vec::new(); workers.len()];
    par::share(&mut workers, slabs, |slab, (s, place, origin)| {
        slab.clear();
        (0..chunks).for_each(|c| slab.extend_from_slice(&keys[part(c, s)]));
        cut(rows, rest, slab, place);
        origin.iter_mut().zip(slab).for_each(|(origin, key)| *origin = *key as u32);
    });
}

/// Cuts rows, keyed by the first of the columns, into slabs in order, and these on by the other columns. The first has the given place among
/// all rows; cuts fall between tiles.
fn cut<F: Element>(rows: Rows<'_, F>, columns: &[usize], keys: &mut [u64], place: usize) {
    let [_, rest @ ..] = columns else { return };
    // Down to tiles, a sort is no slower than cuts.
    let Some(&next) = rest.first() else { return keys.sort_unstable() };
    let size = (keys.len() / slabs(keys.len(), columns.len())).next_multiple_of(TILE);
    divide(keys, size - place % TILE, size);
    let (mut left, mut place, mut backward) = (keys, place, false);
    while !left.is_empty() {
        let take = (size - place % TILE).min(left.len());
        let (slab, others) = left.split_at_mut(take);
        for key in slab.iter_mut() {
            let row = *key as u32;
            *key = keyed(rows.values[row as usize * rows.d + next], row, backward);
        }
        cut(rows, rest, slab, place);
        (left, place, backward) = (others, place + take, !backward);
    }
}

/// Puts the least `first` keys at the front, the next `size` after them, and so on: sorted no further than cuts ask for.
fn divide(keys: &mut [u64], first: usize, size: usize) {
    if keys.len() <= first {
        return;
    }
    let middle = first + (keys.len() - first) / size / 2 * size;
    keys.select_nth_unstable(middle);
    let (low, high) = keys.split_at_mut(middle);
    divide(low, first, size);
    divide(high, size, size);
}
