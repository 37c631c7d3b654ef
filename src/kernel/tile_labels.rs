//! Labels in tile order ([`super::tiles`]), and their ways there and back.

use super::boxes::GROUP;
use super::moments::NOWHERE;
use super::par;
use super::tiles::TILE;

/// What labels the rows of a tile have.
#[derive(Clone, Copy)]
pub(crate) enum Held {
    /// None yet.
    Nothing,
    /// All the same.
    One(u32),
    /// Each its own, in [`TileLabels::rows`].
    Each,
}

/// The labels of rows in tile order.
pub(crate) struct TileLabels {
    pub tiles: Vec<Held>,
    pub rows: Vec<u32>,
    /// Clusters that they name.
    k: usize,
}

impl TileLabels {
    /// Takes the rows' labels, of k clusters, from their original places.
    pub(crate) fn gathered(origin: &[u32], k: usize, labels: &[u32]) -> Self {
        // Memory that no label is written to is not handed out.
        let mut rows = vec![0; origin.len()];
        let tiles = rows.len().div_ceil(TILE);
        // Rows either all have a label or all have none.
        if labels[0] == NOWHERE {
            return TileLabels { tiles: vec![Held::Nothing; tiles], rows, k };
        }
        let mut workers = vec![(); par::workers_for(par::fresh(4 * rows.len()))];
        let parts = rows.chunks_mut(GROUP * TILE).zip(origin.chunks(GROUP * TILE));
        par::share(&mut workers, parts, |(), (rows, origin)| {
            rows.iter_mut().zip(origin).for_each(|(row, &i)| *row = labels[i as usize]);
        });
        TileLabels { tiles: vec![Held::Each; tiles], rows, k }
    }

    /// Puts the rows' labels back to their original places.
    pub(crate) fn scatter(&self, origin: &[u32], labels: &mut [u32]) {
        // Writes here and there are fast where they stay in the cache.
        if self.k <= 1 << 8 {
            self.scatter_by(origin, |label| label as u8, labels);
        } else if self.k <= 1 << 16 {
            self.scatter_by(origin, |label| label as u16, labels);
        } else {
            self.scatter_by(origin, |label| label, labels);
        }
    }

    /// Each thread looks at all rows and fills its own parts of the labels: if several wrote to one cache line by turns, each would wait for the others.
    fn scatter_by<T: Copy + Default + Send + Into<u32>>(
        &self,
        origin: &[u32],
        narrow: impl Fn(u32) -> T + Sync,
        labels: &mut [u32],
    ) {
        // Each more would read all rows once more.
        const MOST: usize = 4;
        let mut workers = vec![Vec::new(); par::workers_for(par::fresh(4 * labels.len())).min(MOST)];
        let part = labels.len().div_ceil(workers.len());
        par::share(&mut workers, labels.chunks_mut(part).enumerate(), |places, (p, labels)| {
            let first = (p * part) as u32;
            // The last place is for what belongs elsewhere.
            places.clear();
            places.resize(labels.len() + 1, T::default());
            let mut put = |i: u32, label| places[(i.wrapping_sub(first) as usize).min(labels.len())] = label;
            let rows = self.rows.chunks(TILE).zip(origin.chunks(TILE));
            for (&tile, (rows, origin)) in self.tiles.iter().zip(rows) {
                match tile {
                    Held::Nothing => unreachable!("a pass decides every tile"),
                    Held::One(label) => origin.iter().for_each(|&i| put(i, narrow(label))),
                    Held::Each => origin.iter().zip(rows).for_each(|(&i, &label)| put(i, narrow(label))),
                }
            }
            labels.iter_mut().zip(&*places).for_each(|(label, &place)| *label = place.into());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SeededRng;

    /// Labels of one byte, of two, and of more, of enough rows for several threads.
    #[test]
    fn labels_come_back_to_their_rows() {
        let mut rng = SeededRng::new(3);
        let n = 60_001;
        let mut origin: Vec<u32> = (0..n).collect();
        for i in (1..n as usize).rev() {
            origin.swap(i, rng.below(i + 1));
        }
        for k in [1, 7, 256, 257, 65_536, 65_537, 1 << 20] {
            let mut held = TileLabels::gathered(&origin, k, &vec![NOWHERE; n as usize]);
            let mut expected = vec![NOWHERE; n as usize];
            let rows = held.rows.chunks_mut(TILE).zip(origin.chunks(TILE));
            for (tile, (rows, origin)) in held.tiles.iter_mut().zip(rows) {
                let mut label = || rng.below(k) as u32;
                let one = label();
                let each = label() % 2 == 0;
                *tile = if each { Held::Each } else { Held::One(one) };
                for (row, &i) in rows.iter_mut().zip(origin) {
                    *row = label();
                    expected[i as usize] = if each { *row } else { one };
                }
            }
            let mut labels = vec![NOWHERE; n as usize];
            held.scatter(&origin, &mut labels);
            assert_eq!(labels, expected, "{k} clusters");
            // And back again.
            assert_eq!(
                TileLabels::gathered(&origin, k, &labels).rows,
                origin.iter().map(|&i| labels[i as usize]).collect::<Vec<u32>>()
            );
        }
    }
}
