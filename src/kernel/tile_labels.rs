//! Labels in tile order ([`super::tiles`]), and their ways there and back.

use super::boxes::GROUP;
use super::moments::NOWHERE;
use super::par;
use super::tiles::TILE;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

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
}

impl TileLabels {
    /// Takes the rows' labels from their original places.
    pub(crate) fn gathered(origin: &[u32], labels: &[u32]) -> Self {
        // Memory that no label is written to is not handed out.
        let mut rows = vec![0; origin.len()];
        let tiles = rows.len().div_ceil(TILE);
        // Rows either all have a label or all have none.
        if labels[0] == NOWHERE {
            return TileLabels { tiles: vec![Held::Nothing; tiles], rows };
        }
        let mut workers = vec![(); par::workers_for(par::fresh(4 * rows.len()))];
        let parts = rows.chunks_mut(GROUP * TILE).zip(origin.chunks(GROUP * TILE));
        par::share(&mut workers, parts, |(), (rows, origin)| {
            rows.iter_mut().zip(origin).for_each(|(row, &i)| *row = labels[i as usize]);
        });
        TileLabels { tiles: vec![Held::Each; tiles], rows }
    }

    /// Puts the rows' labels back to their original places.
    pub(crate) fn scatter(&self, origin: &[u32], labels: &mut Vec<u32>) {
        // Threads write here and there, each to other places. As atomics the labels stay where they are.
        let places: Vec<AtomicU32> = std::mem::take(labels).into_iter().map(AtomicU32::new).collect();
        let mut workers = vec![(); par::workers_for(par::fresh(4 * places.len()))];
        let rows = self.rows.chunks(GROUP * TILE).zip(origin.chunks(GROUP * TILE));
        par::share(&mut workers, self.tiles.chunks(GROUP).zip(rows), |(), (tiles, (rows, origin))| {
            for (&tile, (rows, origin)) in tiles.iter().zip(rows.chunks(TILE).zip(origin.chunks(TILE))) {
                for (&row, &i) in rows.iter().zip(origin) {
                    let label = match tile {
                        Held::Nothing => NOWHERE,
                        Held::One(label) => label,
                        Held::Each => row,
                    };
                    places[i as usize].store(label, Relaxed);
                }
            }
        });
        *labels = places.into_iter().map(AtomicU32::into_inner).collect();
    }
}
