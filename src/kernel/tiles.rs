//! Rows of few columns, put in an order in which neighbours lie near each other, and cut into tiles.
//!
//! The order is that along a Hilbert curve ([`super::curve`]), as R-trees are packed (Kamel and Faloutsos 1993): rows that follow each other are neighbours. A
//! tile's bounding box is then small, so a few looks at the box answer for all its rows at once
//! ([`super::filter`]). Tiles hold a copy of the rows, the place each came from, and the sums of their rows, so that a tile changes
//! cluster in one step.

use super::assign::Rows;
use super::boxes::{Boxes, GROUP};
use super::curve::Curve;
use super::dispatch::by_columns;
use super::element::{Element, Level};
use super::moments::{Grids, RowSums};
use super::par;
use super::pieces::end_to_end;
use super::sampled::sampled;

/// Rows of a tile.
pub(crate) const TILE: usize = 128;
/// Rows that are put together by parts of the curve at a time.
const CHUNK: usize = 1 << LOCAL;
/// Bits of a row's number within its chunk: the last of a key.
const LOCAL: u32 = 14;
/// Bits of a row's place within its part: the others. With no more, a key in the bits of a float is a number.
const WITHIN: u32 = 16;

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
        let (mut values, mut origin) = (vec![F::default(); n * d], vec![0; n]);
        // The keys lie where the rows will: fresh memory costs more than either.
        order(level, rows, &mut values[..n], &mut origin);
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
    by_columns!(
        rows.d,
        [1 2 3 4],
        // Needs no call for each row.
        D => {
            let from = rows.values.as_chunks::<D>().0;
            for (value, &i) in values.as_chunks_mut::<D>().0.iter_mut().zip(origin) {
                *value = from[i as usize];
            }
        },
        else for (value, &i) in values.chunks_exact_mut(rows.d).zip(origin) {
            value.copy_from_slice(rows.row(i as usize));
        }
    );
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
        let sample = end_to_end(sampled(rows.n(), count * SAMPLE).map(|i| rows.row(i)));
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

    /// The first place of each, and by how many bits its places are cut to [`WITHIN`].
    fn cuts(&self) -> Vec<(u32, u32)> {
        let lows = std::iter::once(0).chain(self.borders.iter().copied());
        let highs = self.borders.iter().copied().chain([u32::MAX]);
        lows.zip(highs).map(|(low, high)| (low, width(high - low).saturating_sub(WITHIN))).collect()
    }
}

/// Bits of a number without its leading zeros.
fn width(number: u32) -> u32 {
    u32::BITS - number.leading_zeros()
}

/// The rows in tile order. Needs room for a key of each.
fn order<F: Element>(level: Level, rows: Rows<'_, F>, keys: &mut [F], origin: &mut [u32]) {
    let n = rows.n();
    let curve = Curve::new(rows);
    let parts = Parts::new(level, &curve, rows);
    let (count, cuts) = (parts.count(), parts.cuts());
    // Within each chunk the rows are put together by part. A key is a row's place within its part, and its number within its chunk.
    let mut ends = vec![0; n.div_ceil(CHUNK) * count];
    let mut workers = vec![(vec![0; CHUNK], vec![0; CHUNK]); par::workers_for(n as f64 * 8.0)];
    par::share(
        &mut workers,
        keys.chunks_mut(CHUNK).zip(ends.chunks_mut(count)).enumerate(),
        |(places, part_of), (c, (keys, ends))| {
            let places = &mut places[..keys.len()];
            curve.places(level, rows.part(c * CHUNK, keys.len()), places);
            for (part, &place) in part_of.iter_mut().zip(&*places) {
                *part = parts.of(place);
                ends[usize::from(*part)] += 1;
            }
            starts(ends);
            for (local, (&part, &place)) in (0..).zip(part_of.iter().zip(&*places)) {
                let (low, cut) = cuts[usize::from(part)];
                let end = &mut ends[usize::from(part)];
                keys[*end as usize] = F::tag((place - low) >> cut << LOCAL | local);
                *end += 1;
            }
        },
    );
    let keys = &*keys;
    let chunks = |p: usize| {
        ends.chunks(count)
            .zip(keys.chunks(CHUNK))
            .map(move |(ends, keys)| &keys[if p > 0 { ends[p - 1] } else { 0 } as usize..ends[p] as usize])
    };
    let mut left = origin;
    let pieces = (0..count).map(|p| {
        let size = chunks(p).map(<[F]>::len).sum();
        let (origin, others) = std::mem::take(&mut left).split_at_mut(size);
        left = others;
        (chunks(p), origin)
    });
    let mut workers = vec![vec![0; 1 << SORTED]; workers.len()];
    par::share(&mut workers, pieces, |ends, (chunks, origin)| sort(chunks, ends, origin));
}

/// Counts into where each begins.
fn starts(counts: &mut [u32]) {
    let mut start = 0;
    for count in counts {
        start += std::mem::replace(count, start);
    }
}

/// Bits by which the rows of a part are sorted.
const SORTED: u32 = 12;

/// Puts the rows of a part in order of their places, as far as these differ by more than about 2^-12 of where they extend, and 2^-16 of the part.
fn sort<'a, F: Element>(chunks: impl Iterator<Item = &'a [F]> + Clone, ends: &mut [u32], origin: &mut [u32]) {
    let place = |key: F| key.untag() >> LOCAL;
    let keys = chunks.clone().flatten();
    let extent = |(low, high): (u32, u32), &key: &F| (low.min(place(key)), high.max(place(key)));
    let (low, high) = keys.fold((u32::MAX, 0), extent);
    let shift = width(high.saturating_sub(low)).saturating_sub(SORTED);
    let bucket = |key: F| ((place(key) - low) >> shift) as usize;
    ends.fill(0);
    for keys in chunks.clone() {
        keys.iter().for_each(|&key| ends[bucket(key)] += 1);
    }
    starts(ends);
    for (c, keys) in (0..).zip(chunks) {
        for &key in keys {
            let end = &mut ends[bucket(key)];
            origin[*end as usize] = c << LOCAL | key.untag() & (CHUNK as u32 - 1);
            *end += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tests::levels;
    use crate::rng::SeededRng;

    /// Enough rows for several parts of the curve, spread evenly, mostly the same, in a few small heaps, and all the same.
    #[test]
    fn tiles_hold_every_row_once_and_are_small() {
        let mut rng = SeededRng::new(9);
        let n = 40_000;
        for d in 1..=4 {
            for kind in 0..4 {
                let mut value = |i: usize| match kind {
                    0 => rng.uniform(),
                    1 if (i / d).is_multiple_of(3) => rng.uniform(),
                    2 => (i / d % 7) as f64 * 100.0 + rng.uniform(),
                    _ => 0.5,
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
