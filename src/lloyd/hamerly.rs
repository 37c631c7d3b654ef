//! Rows whose bounds prove their label are passed over (Hamerly 2010).
//!
//! Invariant: between two steps, `upper` is at least the distance of each row to the centroid of its label and `lower` at most its distance
//! to any other, as of `previous`. Each step first moves both along with the centroids; rows they no longer
//! cover go through the kernel in dense blocks, which renews them. Anything that changes labels or clusters from outside calls
//! [`Step::forget`], and the next step starts afresh.
//!
//! Where bounds prove next to nothing, they are not worth their upkeep: they begin when few rows move any more, and pause when they are found useless,
//! for longer each time.

use super::full::Full;
use super::{Step, frame_for};
use crate::data::Data;
use crate::float::Float;
use crate::kernel::assign::{Assigned, Worker};
use crate::kernel::bounds::Bounds;
use crate::kernel::doubt::Pass;
use crate::kernel::drift::Drift;
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
    /// What works while the bounds pause, for how many steps from now, and how long the last pause was.
    plain: Full<F>,
    pause: u32,
    last_pause: u32,
    /// Whether few enough rows move for bounds to last.
    calm: bool,
}

/// Steps of a pause at most.
const LONGEST_PAUSE: u32 = 16;

impl<F: Float> Hamerly<F> {
    pub(super) fn new(level: Level, data: &Data<'_, F>, start: &[F]) -> Self {
        let frame = frame_for(level, data, start);
        Hamerly {
            level,
            frame,
            workers: Vec::new(),
            bounds: Bounds::new(data.n(), false),
            previous: Vec::new(),
            plain: Full::new(level, data, start),
            pause: 0,
            last_pause: 0,
            calm: false,
        }
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
        let calm = doubt::calm::<F>(self.level, sums.clusters(), data.d) * data.n() as f64;
        self.calm |= calm >= data.n() as f64;
        if self.pause > 0 || !self.calm {
            self.pause = self.pause.saturating_sub(1);
            self.previous.clear();
            let assigned = self.plain.assign(data, centroids, labels, sums);
            self.calm |= assigned.moved as f64 <= calm;
            return assigned;
        }
        let (k, rows) = (sums.clusters(), data.rows());
        let packed = Packed::new(self.level, &self.frame, centroids, data.d);
        let drift = (!self.previous.is_empty()).then(|| {
            Drift::new(self.level, &packed, &self.previous, labels, &self.bounds, &mut self.workers)
        });
        if drift.is_none() {
            let rivals = !packed.in_lanes && doubt::rivals_pay::<F>(self.level, k, data.d);
            if self.bounds.rivals.is_empty() == rivals {
                self.bounds = Bounds::new(data.n(), rivals);
            }
            let workers = par::workers_for(rows.values.len() as f64 * k as f64);
            let worker = |_| Worker::new(self.level, data.d, k, &data.grids).with_bounds(rivals);
            self.workers = (0..workers).map(worker).collect();
        }
        self.previous.clear();
        self.previous.extend_from_slice(centroids);
        let pass =
            Pass { level: self.level, packed: &packed, rows, grids: &data.grids, drift: drift.as_ref() };
        let assigned = doubt::reassign_doubtful(&pass, labels, &mut self.bounds, &mut self.workers, sums);
        if drift.is_some() {
            let most = doubt::worthwhile::<F>(self.level, k, data.d) * data.n() as f64 * k as f64;
            let useless = assigned.evaluations as f64 > most;
            self.last_pause = if useless { (2 * self.last_pause).clamp(1, LONGEST_PAUSE) } else { 0 };
            self.pause = self.last_pause;
        }
        assigned
    }

    fn forget(&mut self) {
        self.previous.clear();
    }
}
