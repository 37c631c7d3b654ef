//! Labels in tile order ([`super::tiles`]), and their ways there and back.

use super::boxes::GROUP;
use super::moments::NOWHERE;
use super::par;
use super::tiles::TILE;

/// The labels of rows in tile order: one for a whole tile, or one a row.
pub(crate) struct TileLabels {
    /// [`NOWHERE`] where the rows have labels of their own.
    pub tiles: Vec<u32>,
    pub rows: Vec<u32>,
}

impl TileLabels {
    /// Takes the rows' labels from their original places.
    pub(crate) fn gathered(origin: &[u32], labels: &[u32]) -> Self {
        // Rows either all have a label or all have none.
        let none = labels[0] == NOWHERE;
        let mut rows = vec![0; origin.len()];
        let mut workers = vec![(); par::workers_for(par::fresh(4 * rows.len()))];
        let parts = rows.chunks_mut(GROUP * TILE).zip(origin.chunks(GROUP * TILE));
        par::share(&mut workers, parts, |(), (rows, origin)| {
            for (row, &i) in rows.iter_mut().zip(origin) {
                *row = if none { NOWHERE } else { labels[i as usize] };
            }
        });
        TileLabels { tiles: vec![NOWHERE; origin.len().div_ceil(TILE)], rows }
    }

    /// Puts the rows' labels back to their original places.
    pub(crate) fn scatter(&self, origin: &[u32], labels: &mut [u32]) {
        for ((tile, rows), origin) in self.tiles.iter().zip(self.rows.chunks(TILE)).zip(origin.chunks(TILE)) {
            for (&row, &i) in rows.iter().zip(origin) {
                labels[i as usize] = if *tile == NOWHERE { row } else { *tile };
            }
        }
    }
}
