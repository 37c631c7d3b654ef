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
use super::par;
use super::sampled::sampled;

/// Rows of a tile.
pub(crate) const TILE: usize = 128;
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

/// Some tiles in a row: their boxes and their sums.
pub(crate) struct Group<F> {
    /// Column by column, [`GROUP`] values each; what is missing at the end lies in the box around all.
    pub low: Vec<F>,
    pub high: Vec<F>,
    /// The box around all.
    pub whole: [Vec<F>; 2],
    pub sums: RowSums,
}

impl<F: Element> Sorted<F> {
    pub(crate) fn new(rows: Rows<'_, F>) -> Self {
        let (n, d) = (rows.n(), rows.d);
        let places = Places::new(rows);
        let mut columns: Vec<usize> = (0..d).collect();
        columns.sort_by(|&a, &b| places.scale[a].f64().total_cmp(&places.scale[b].f64()));
        columns.truncate(ORDERING);
        let mut origin = vec![0; n];
        order(&places, &columns, &mut origin);
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
    pub(crate) fn new(level: Level, rows: Rows<'_, F>, grids: &Grids) -> Self {
        const ROWS: usize = GROUP * TILE;
        let sorted = Sorted::new(rows);
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
        let (mut low, mut high) = (vec![F::default(); GROUP * d], vec![F::default(); GROUP * d]);
        let mut whole = [vec![F::infinity(); d], vec![F::neg_infinity(); d]];
        let mut tile = whole.clone();
        let mut sums = RowSums::new(tiles, grids);
        for i in 0..GROUP {
            if i < tiles {
                let part = rows.part(i * TILE, TILE.min(rows.n() - i * TILE));
                let [low, high] = &mut tile;
                enclose(part, low, high);
                F::add_rows(level, part, grids, i, &mut sums);
            }
            for t in 0..d {
                (low[t * GROUP + i], high[t * GROUP + i]) = (tile[0][t], tile[1][t]);
                (whole[0][t], whole[1][t]) = (whole[0][t].min(tile[0][t]), whole[1][t].max(tile[1][t]));
            }
        }
        Group { low, high, whole, sums }
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

/// Where rows lie along the columns, in steps of 2^-32 of the range of most.
struct Places<'a, F> {
    rows: Rows<'a, F>,
    low: Vec<F>,
    scale: Vec<F>,
}

impl<'a, F: Element> Places<'a, F> {
    /// The range is that of a sample, for one far row must not leave all others in one place.
    fn new(rows: Rows<'a, F>) -> Self {
        const SAMPLE: usize = 4096;
        let (mut low, mut high) = (vec![F::infinity(); rows.d], vec![F::neg_infinity(); rows.d]);
        for i in sampled(rows.n(), SAMPLE) {
            for (t, &x) in rows.row(i).iter().enumerate() {
                (low[t], high[t]) = (low[t].min(x), high[t].max(x));
            }
        }
        let steps = F::of((1u64 << 32) as f64);
        let scale = low.iter().zip(&high).map(|(&low, &high)| steps / (high - low)).collect();
        Places { rows, low, scale }
    }

    /// Rows outside the range are put at its ends.
    #[inline(always)]
    fn along(&self, t: usize, row: usize) -> u32 {
        ((self.rows.values[row * self.rows.d + t] - self.low[t]) * self.scale[t]).f64() as u32
    }

    /// A number that is ordered as the place along the column, or against it; and the row.
    #[inline(always)]
    fn key(&self, t: usize, row: usize, backward: bool) -> u64 {
        let along = self.along(t, row) ^ (if backward { u32::MAX } else { 0 });
        u64::from(along) << 32 | row as u64
    }
}

/// Slabs that a number of rows is cut into, when so many columns are left to cut by.
fn slabs(rows: usize, columns: usize) -> usize {
    ((rows as f64 / TILE as f64).powf(1.0 / columns as f64).round() as usize).clamp(1, 1 << 12)
}

/// The slabs of the first column, between quantiles of a sample.
struct Slabs {
    borders: Vec<u32>,
    /// For the leading bits of a place, the first slab that has it.
    first: Vec<u16>,
}

impl Slabs {
    const BITS: u32 = 12;

    fn new<F: Element>(places: &Places<'_, F>, column: usize, count: usize) -> Self {
        let mut sample: Vec<u32> =
            sampled(places.rows.n(), count * 32).map(|row| places.along(column, row)).collect();
        sample.sort_unstable();
        let borders: Vec<u32> = (1..count).map(|s| sample[s * sample.len() / count]).collect();
        let first = (0..1u32 << Self::BITS)
            .map(|lead| borders.partition_point(|&border| border <= lead << (32 - Self::BITS)) as u16)
            .collect();
        Slabs { borders, first }
    }

    fn count(&self) -> usize {
        self.borders.len() + 1
    }

    #[inline(always)]
    fn of(&self, place: u32) -> u16 {
        let mut slab = self.first[(place >> (32 - Self::BITS)) as usize];
        while self.borders.get(usize::from(slab)).is_some_and(|&border| border <= place) {
            slab += 1;
        }
        slab
    }
}

/// The rows in tile order.
fn order<F: Element>(places: &Places<'_, F>, columns: &[usize], origin: &mut [u32]) {
    let n = places.rows.n();
    let (first, rest) = (columns[0], if columns.len() > 1 { &columns[1..] } else { columns });
    let slabs = Slabs::new(places, first, slabs(n, columns.len()));
    let count = slabs.count();
    // Within each chunk the rows are put together by slab, keyed by the next column.
    let mut keys = vec![0; n];
    let mut ends = vec![0; n.div_ceil(CHUNK) * count];
    let mut workers = vec![vec![0u16; CHUNK]; par::workers_for(n as f64 * 8.0)];
    par::share(
        &mut workers,
        keys.chunks_mut(CHUNK).zip(ends.chunks_mut(count)).enumerate(),
        |slab_of, (c, (keys, ends))| {
            let rows = c * CHUNK..c * CHUNK + keys.len();
            for (slab, row) in slab_of.iter_mut().zip(rows.clone()) {
                *slab = slabs.of(places.along(first, row));
                ends[usize::from(*slab)] += 1;
            }
            let mut start = 0;
            for end in ends.iter_mut() {
                start += std::mem::replace(end, start);
            }
            for (&slab, row) in slab_of.iter().zip(rows) {
                let place = &mut ends[usize::from(slab)];
                keys[*place] = places.key(rest[0], row, slab % 2 == 1);
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
    let mut workers = vec![(Vec::new(), Cutter::default()); workers.len()];
    par::share(&mut workers, slabs, |(slab, cutter), (s, place, origin)| {
        slab.clear();
        (0..chunks).for_each(|c| slab.extend_from_slice(&keys[part(c, s)]));
        cutter.cut(places, rest, slab, place);
        origin.iter_mut().zip(slab).for_each(|(origin, key)| *origin = *key as u32);
    });
}

/// What a thread needs to cut slabs.
#[derive(Clone, Default)]
struct Cutter {
    ends: Vec<u32>,
    sifted: Vec<u64>,
}

impl Cutter {
    /// Cuts rows, keyed by the first of the columns, into slabs in order, and these on by the other columns. The first has the given place among
    /// all rows; cuts fall between tiles.
    fn cut<F: Element>(&mut self, places: &Places<'_, F>, columns: &[usize], keys: &mut [u64], place: usize) {
        let size = match columns {
            [_] => TILE,
            _ => (keys.len() / slabs(keys.len(), columns.len())).next_multiple_of(TILE),
        };
        self.sift(keys, size - place % TILE, size);
        let [_, rest @ ..] = columns else { return };
        let Some(&next) = rest.first() else { return };
        let (mut left, mut place, mut backward) = (keys, place, false);
        while !left.is_empty() {
            let take = (size - place % TILE).min(left.len());
            let (slab, others) = left.split_at_mut(take);
            for key in slab.iter_mut() {
                *key = places.key(next, *key as u32 as usize, backward);
            }
            self.cut(places, rest, slab, place);
            (left, place, backward) = (others, place + take, !backward);
        }
    }

    /// Puts the least `first` keys at the front, the next `size` after them, and so on. They are dealt into buckets of a few each, of which only those are
    /// looked at again through which a cut goes.
    fn sift(&mut self, keys: &mut [u64], first: usize, size: usize) {
        const BUCKETS: usize = 4;
        if keys.len() <= first {
            return;
        }
        let place = |key: u64| (key >> 32) as u32;
        let (low, high) =
            keys.iter().fold((u32::MAX, 0), |(low, high), &key| (low.min(place(key)), high.max(place(key))));
        let count = keys.len() * BUCKETS / size + 1;
        let factor = ((count as u64) << 32) / (u64::from(high - low) + 1);
        let bucket = |key: u64| ((u64::from(place(key) - low) * factor) >> 32) as usize;
        self.ends.clear();
        self.ends.resize(count, 0);
        keys.iter().for_each(|&key| self.ends[bucket(key)] += 1);
        let mut start = 0;
        for end in &mut self.ends {
            start += std::mem::replace(end, start);
        }
        self.sifted.resize(keys.len().max(self.sifted.len()), 0);
        for &key in &*keys {
            let place = &mut self.ends[bucket(key)];
            self.sifted[*place as usize] = key;
            *place += 1;
        }
        keys.copy_from_slice(&self.sifted[..keys.len()]);
        let (mut start, mut next) = (0, first);
        for &end in &self.ends {
            let end = end as usize;
            if next < end {
                divide(&mut keys[start..end], next - start, size);
                next += (end - next).div_ceil(size) * size;
            }
            start = end;
        }
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
