//! Whole tiles of neighbouring rows are decided at once (the filtering algorithm: Pelleg and Moore 1999; Kanungo et al. 2002).
//!
//! Invariant: between two steps the labels are those in `labels`, in tile order; the caller's own are stale until [`Step::settle`].

use super::{Step, frame_for};
use crate::data::Data;
use crate::float::Float;
use crate::kernel::assign::Assigned;
use crate::kernel::filter::{Filter, reassign_tiles};
use crate::kernel::moments::RowSums;
use crate::kernel::pack::{Frame, Packed};
use crate::kernel::tile_labels::TileLabels;
use crate::kernel::{Level, par};

pub(super) struct Filtering<'a, F: Float> {
    level: Level,
    data: &'a Data<'a, F>,
    frame: Frame<F>,
    filters: Vec<Filter<F>>,
    /// None when the caller's labels hold.
    labels: Option<TileLabels>,
}

impl<'a, F: Float> Filtering<'a, F> {
    pub(super) fn new(level: Level, data: &'a Data<'a, F>, start: &[F]) -> Self {
        Filtering { level, data, frame: frame_for(level, data, start), filters: Vec::new(), labels: None }
    }
}

impl<F: Float> Step<F> for Filtering<'_, F> {
    fn assign(
        &mut self,
        data: &Data<'_, F>,
        centroids: &[F],
        labels: &mut [u32],
        sums: &mut RowSums,
    ) -> Assigned {
        let tiles = self.data.tiles(self.level);
        let packed = Packed::new(self.level, &self.frame, centroids, data.d);
        let labels = self.labels.get_or_insert_with(|| {
            // About what a pass costs where most rows are decided by their tile.
            let workers = par::workers_for(data.rows().values.len() as f64 * 4.0);
            self.filters = (0..workers).map(|_| Filter::new(self.level, &packed, &data.grids)).collect();
            TileLabels::gathered(&tiles.sorted.origin, packed.k, labels)
        });
        reassign_tiles(self.level, &packed, tiles, &data.grids, labels, &mut self.filters, sums)
    }

    fn settle(&mut self, labels: &mut [u32]) {
        if let Some(held) = &self.labels {
            held.scatter(&self.data.tiles(self.level).sorted.origin, labels);
        }
    }

    fn forget(&mut self) {
        self.labels = None;
    }
}
