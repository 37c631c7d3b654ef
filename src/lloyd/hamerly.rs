//! Rows whose bounds prove their label are passed over (Hamerly 2010).
//!
//! Invariant: between two steps, `upper` is at least the distance of each row to the centroid of its label and `lower` at most its distance
//! to any other, as of `previous`. Each step first moves both along with the centroids; rows they no longer
//! cover go through the kernel in dense blocks, which renews them. Anything that changes labels or clusters from outside calls
//! [`Step::forget`], and the next step starts afresh.

use super::{Step, frame_for};
use crate::data::Data;
use crate::float::Float;
use crate::kernel::assign::{Assigned, Worker};
use crate::kernel::bounds::{Bounds, Drift};
use crate::kernel::moments::RowSums;
use crate::kernel::pack::{Frame, Packed};
use crate::kernel::{Level, doubt, par};

pub(super) struct Hamerly<F> {
    level: Level,
    frame: Frame<F>,
    workers: Vec<Worker<F>>,
    bounds: Bounds,
    /// The centroids that the bounds refer to; none before the first step.
    previous: Vec<F>,
}

impl<F: Float> Hamerly<F> {
    pub(super) fn new(level: Level, data: &Data<'_, F>, start: &[F]) -> Self {
        let frame = frame_for(level, data, start);
        Hamerly { level, frame, workers: Vec::new(), bounds: Bounds::new(data.n()), previous: Vec::new() }
    }
}

impl<F: Float> Step<F> for Hamerly<F> {
    fn assign(
        &mut self,
        data: &Data<'_, F>,
        centroids: &[F],
        labels: &mut [u32],
        sums: &mut RowSums,
    ) -> Assigned {
        let (k, rows) = (sums.clusters(), data.rows());
        let packed = Packed::new(self.level, &self.frame, centroids, data.d);
        let drift = (!self.previous.is_empty())
            .then(|| Drift::new(self.level, &packed, &self.previous, labels, &self.bounds));
        if drift.is_none() {
            let workers = par::workers_for(rows.values.len() as f64 * k as f64);
            let worker = |_| Worker::new(self.level, data.d, k, &data.grids).with_bounds();
            self.workers = (0..workers).map(worker).collect();
        }
        self.previous.clear();
        self.previous.extend_from_slice(centroids);
        let (bounds, workers) = (&mut self.bounds, &mut self.workers);
        doubt::reassign_doubtful(
            self.level,
            &packed,
            rows,
            &data.grids,
            labels,
            bounds,
            drift.as_ref(),
            workers,
            sums,
        )
    }

    fn forget(&mut self) {
        self.previous.clear();
    }
}
