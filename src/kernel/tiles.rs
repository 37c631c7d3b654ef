//! Rows of few columns, put in an order in which neighbours lie near each other, and cut into tiles.
//!
//! The order is that along a Hilbert curve ([`super::curve`]), as R-trees are packed (Kamel and Faloutsos 1993): rows that follow each other are neighbours. A
//! tile's bounding box is then small, so a few looks at the box answer for all its rows at once
//! ([`super::filter`]). Tiles hold a copy of the rows, the place each came from, and the sums of their rows, so that a tile changes
//! cluster in one step.

use super::assign::Rows;
use super::boxes::{Boxes, GROUP};
use super::curve::Curve;
use super::element::{Element, Level};
use super::moments::{Grids, RowSums};
use super::par;
use super::sampled::sampled;

/// Rows of a tile.
pub(crate) const TILE: usize = 128;
/// Rows that are put together by parts of the curve at a time.
const CHUNK: usize = 1 << 14;

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
    pub boxes: Boxes<F>,
    pub sums: RowSums,
}

impl<F: Element> Sorted<F> {
    pub(crate) fn new(level: Level, rows: Rows<'_, F>) -> Self {
        let (n, d) = (rows.n(), rows.d);
        let mut origin = vec![0; n];
        order(level, rows, &mut origin);
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
        let sorted = Sorted::new(level, rows);
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

impl<F: Element> Group<F> {
    fn new(level: Level, rows: Rows<'_, F>, grids: &Grids) -> Self {
        let tiles = rows.n().div_ceil(TILE);
        let parts = || (0..tiles).map(|i| rows.part(i * TILE, TILE.min(rows.n() - i * TILE)));
        let (mut boxes, mut sums) = (Boxes::new(rows.d), RowSums::new(tiles, grids));
        boxes.enclose(level, parts());
        parts().enumerate().for_each(|(i, part)| F::add_rows(level, part, grids, i, &mut sums));
        Group { boxes, sums }
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

/// Parts of the curve that about as many rows lie on.
struct Parts {
    /// The first places of all but the first.
    borders: Vec<u32>,
    /// For the leading bits of a place, how many borders are not above; and one more.
    first: Vec<u16>,
}

impl Parts {
    const BITS: u32 = 12;
    /// Rows of a part: as many as are sorted in the cache.
    const ROWS: usize = 1 << 13;

    /// Between quantiles of a sample.
    fn new<F: Element>(level: Level, curve: &Curve<F>, rows: Rows<'_, F>) -> Self {
        const SAMPLE: usize = 32;
        let count = (rows.n() / Self::ROWS).clamp(1, 1 << 12);
        let sampled = sampled(rows.n(), count * SAMPLE).flat_map(|i| rows.row(i).iter().copied());
        let sample: Vec<F> = sampled.collect();
        let mut places = vec![0; sample.len() / rows.d];
        curve.places(level, Rows { values: &sample, d: rows.d, weights: None }, &mut places);
        places.sort_unstable();
        let mut borders: Vec<u32> = (1..count).map(|p| places[p * places.len() / count]).collect();
        borders.dedup();
        let not_above = |place: u64| borders.partition_point(|&border| u64::from(border) <= place) as u16;
        let first = (0..=1 << Self::BITS).map(|lead| not_above(lead << (32 - Self::BITS))).collect();
        Parts { borders, first }
    }

    fn count(&self) -> usize {
        self.borders.len() + 1
    }

    #[inline(always)]
    fn of(&self, place: u32) -> u16 {
        let lead = (place >> (32 - Self::BITS)) as usize;
        let (from, to) = (self.first[lead], self.first[lead + 1]);
        let among = &self.borders[usize::from(from)..usize::from(to)];
        from + among.partition_point(|&border| border <= place) as u16
    }
}

/// The rows in tile order.
fn order<F: Element>(level: Level, rows: Rows<'_, F>, origin: &mut [u32]) {
    let n = rows.n();
    let curve = Curve::new(rows);
    let parts = Parts::new(level, &curve, rows);
    let count = parts.count();
    // Within each chunk the rows are put together by part. A key is a row's place and its number.
    let mut keys = vec![0; n];
    let mut ends = vec![0; n.div_ceil(CHUNK) * count];
    let mut workers = vec![(vec![0; CHUNK], vec![0; CHUNK]); par::workers_for(n as f64 * 8.0)];
    par::share(
        &mut workers,
        keys.chunks_mut(CHUNK).zip(ends.chunks_mut(count)).enumerate(),
        |(places, part_of), (c, (keys, ends))| {
            let first = c * CHUNK;
            let places = &mut places[..keys.len()];
            curve.places(level, rows.part(first, keys.len()), places);
            for (part, &place) in part_of.iter_mut().zip(&*places) {
                *part = parts.of(place);
                ends[usize::from(*part)] += 1;
            }
            let mut start = 0;
            for end in ends.iter_mut() {
                start += std::mem::replace(end, start);
            }
            for (row, (&part, &place)) in (first as u64..).zip(part_of.iter().zip(&*places)) {
                let end = &mut ends[usize::from(part)];
                keys[*end] = u64::from(place) << 32 | row;
                *end += 1;
            }
        },
    );
    let of_chunk = |c: usize, p: usize| {
        let ends = &ends[c * count..][..count];
        c * CHUNK + (if p > 0 { ends[p - 1] } else { 0 })..c * CHUNK + ends[p]
    };
    let chunks = n.div_ceil(CHUNK);
    let mut left = origin;
    let pieces = (0..count).map(move |p| {
        let size = (0..chunks).map(|c| of_chunk(c, p).len()).sum();
        let (origin, others) = std::mem::take(&mut left).split_at_mut(size);
        left = others;
        (p, origin)
    });
    let mut workers = vec![(Vec::new(), Sorter::default()); workers.len()];
    par::share(&mut workers, pieces, |(part, sorter), (p, origin)| {
        part.clear();
        (0..chunks).for_each(|c| part.extend_from_slice(&keys[of_chunk(c, p)]));
        origin.iter_mut().zip(sorter.sort(part)).for_each(|(origin, key)| *origin = *key as u32);
    });
}

/// Puts keys in order of their places, as far as these differ by more than about 2^-12 of where they extend.
#[derive(Clone, Default)]
struct Sorter {
    ends: Vec<u32>,
    sorted: Vec<u64>,
}

impl Sorter {
    const BITS: u32 = 12;

    fn sort(&mut self, keys: &[u64]) -> &[u64] {
        let place = |key: u64| (key >> 32) as u32;
        let (low, high) =
            keys.iter().fold((u32::MAX, 0), |(low, high), &key| (low.min(place(key)), high.max(place(key))));
        let bits = u32::BITS - high.saturating_sub(low).leading_zeros();
        let shift = bits.saturating_sub(Self::BITS);
        let bucket = |key: u64| ((place(key) - low) >> shift) as usize;
        self.ends.clear();
        self.ends.resize(1 << Self::BITS, 0);
        keys.iter().for_each(|&key| self.ends[bucket(key)] += 1);
        let mut start = 0;
        for end in &mut self.ends {
            start += std::mem::replace(end, start);
        }
        self.sorted.resize(keys.len().max(self.sorted.len()), 0);
        for &key in keys {
            let end = &mut self.ends[bucket(key)];
            self.sorted[*end as usize] = key;
            *end += 1;
        }
        &self.sorted[..keys.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tests::levels;
    use crate::rng::SeededRng;

    /// Enough rows for several parts of the curve, spread evenly, mostly the same, and in a few small heaps.
    #[test]
    fn tiles_hold_every_row_once_and_are_small() {
        let mut rng = SeededRng::new(9);
        let n = 40_000;
        for d in 1..=4 {
            for kind in 0..3 {
                let mut value = |i: usize| match kind {
                    0 => rng.uniform(),
                    1 => {
                        if (i / d).is_multiple_of(3) {
                            rng.uniform()
                        } else {
                            0.5
                        }
                    }
                    _ => (i / d % 7) as f64 * 100.0 + rng.uniform(),
                };
                let values: Vec<f32> = (0..n * d).map(|i| value(i) as f32).collect();
                let rows = Rows { values: &values, d, weights: None };
                let sorted: Vec<Sorted<f32>> =
                    levels().into_iter().map(|level| Sorted::new(level, rows)).collect();
                assert!(sorted.iter().all(|other| other.origin == sorted[0].origin), "no level differs");
                let Sorted { values: held, origin, .. } = &sorted[0];
                let mut seen = origin.clone();
                seen.sort_unstable();
                assert!(seen.into_iter().eq(0..n as u32), "every row has one place");
                assert!(origin.iter().zip(held.chunks(d)).all(|(&i, held)| held == rows.row(i as usize)));
                if kind == 0 {
                    // A tile of n / TILE equal cubes would be about this wide.
                    let side = (TILE as f64 / n as f64).powf(1.0 / d as f64);
                    let width = |tile: &[f32], t: usize| {
                        let column = || tile.iter().skip(t).step_by(d);
                        f64::from(
                            column().fold(0f32, |a, &b| a.max(b)) - column().fold(1f32, |a, &b| a.min(b)),
                        )
                    };
                    let tiles = held.chunks(TILE * d);
                    let count = tiles.len() * d;
                    let mean = tiles.flat_map(|tile| (0..d).map(move |t| width(tile, t))).sum::<f64>()
                        / count as f64;
                    assert!(mean < 2.0 * side, "{mean} is wide for {side}");
                }
            }
        }
    }
}
