//! Every row against every centroid. Invariant: none; each step starts afresh.

use super::{Step, frame_for};
use crate::data::Data;
use crate::float::Float;
use crate::kernel::assign::{self, Assigned, Worker};
use crate::kernel::moments::RowSums;
use crate::kernel::pack::{Frame, Packed};
use crate::kernel::{Level, par};

pub(super) struct Full<F> {
    level: Level,
    frame: Frame<F>,
    workers: Vec<Worker<F>>,
    k: usize,
}

impl<F: Float> Full<F> {
    pub(super) fn new(level: Level, data: &Data<'_, F>, start: &[F]) -> Self {
        Full { level, frame: frame_for(level, data, start), workers: Vec::new(), k: 0 }
    }
}

impl<F: Float> Step<F> for Full<F> {
    fn assign(
        &mut self,
        data: &Data<'_, F>,
        centroids: &[F],
        labels: &mut [u32],
        sums: &mut RowSums,
    ) -> Assigned {
        let k = sums.clusters();
        if self.k != k {
            let workers = par::workers_for(data.rows().values.len() as f64 * k as f64);
            self.workers = (0..workers).map(|_| Worker::new(self.level, data.d, k, &data.grids)).collect();
            self.k = k;
        }
        let packed = Packed::new(self.level, &self.frame, centroids, data.d);
        assign::reassign(self.level, &packed, data.rows(), &data.grids, labels, &mut self.workers, sums)
    }

    fn forget(&mut self) {}
}
