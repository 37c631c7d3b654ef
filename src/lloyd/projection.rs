//! Most centroids are ruled out in a few dimensions, the leading principal components of the rows; later on, bounds take over.
//!
//! Invariant: every row has a label after the first step; it need not be right, only near, for the row's distance to that
//! centroid is what the others must beat. Nothing else is remembered of the rows while projecting.
//!
//! Few dimensions rule out more once the labels are good, and Hamerly's bounds prove more once the centroids have slowed down. So a sample of the rows decides:
//! in the second to fourth step whether projecting saves enough, and then, before each step, whether bounds would by now save more.

use super::hamerly::Hamerly;
use super::{Step, frame_for};
use crate::data::Data;
use crate::float::Float;
use crate::kernel::assign::{Assigned, Worker};
use crate::kernel::moments::RowSums;
use crate::kernel::pack::{Frame, Packed};
use crate::kernel::project::{self, Meeting, Projected, Sample, reassign_projected};
use crate::kernel::{Level, par};

/// Steps after which it is not tried any more.
const TRIES: usize = 4;

pub(super) struct Projection<F: Float> {
    level: Level,
    frame: Frame<F>,
    steps: usize,
    /// Made when first needed.
    sample: Option<Sample<F>>,
    projecting: Option<Projecting<F>>,
    hamerly: Hamerly<F>,
}

struct Projecting<F> {
    projection: project::Projection<F>,
    meetings: Vec<Meeting<F>>,
    k: usize,
    /// The centroids of the last step.
    previous: Vec<F>,
}

impl<F: Float> Projection<F> {
    pub(super) fn new(level: Level, data: &Data<'_, F>, start: &[F]) -> Self {
        let (frame, hamerly) = (frame_for(level, data, start), Hamerly::new(level, data, start));
        Projection { level, frame, steps: 0, sample: None, projecting: None, hamerly }
    }
}

impl<F: Float> Step<F> for Projection<F> {
    fn assign(
        &mut self,
        data: &Data<'_, F>,
        centroids: &[F],
        labels: &mut [u32],
        sums: &mut RowSums,
    ) -> Assigned {
        let (level, rows, k) = (self.level, data.rows(), sums.clusters());
        self.steps += 1;
        let trying = (2..=TRIES).contains(&self.steps);
        if !trying && self.projecting.is_none() {
            self.sample = None;
            return self.hamerly.assign(data, centroids, labels, sums);
        }
        let packed = Packed::new(level, &self.frame, centroids, data.d);
        let sample = self.sample.get_or_insert_with(|| Sample::new(level, &packed, rows));
        if trying {
            let projection = sample.projection(level, &packed, &data.grids, labels);
            self.projecting = projection.map(|projection| {
                self.hamerly.forget();
                Projecting { projection, meetings: Vec::new(), k: 0, previous: Vec::new() }
            });
        } else if let Some(projecting) = &self.projecting
            && sample.bounds_would_save(level, &packed, &projecting.projection, &projecting.previous)
        {
            self.projecting = None;
        }
        let Some(projecting) = &mut self.projecting else {
            return self.hamerly.assign(data, centroids, labels, sums);
        };
        if projecting.k != k {
            projecting.k = k;
            let workers = par::workers_for(rows.values.len() as f64 * k as f64);
            let worker = |_| Worker::new(level, data.d, k, &data.grids);
            projecting.meetings =
                (0..workers).map(worker).map(|worker| Meeting::new(worker, &projecting.projection)).collect();
        }
        projecting.previous = centroids.to_vec();
        let projected = Projected::new(level, &projecting.projection, &packed);
        reassign_projected(level, &projected, rows, &data.grids, labels, &mut projecting.meetings, sums)
    }

    fn forget(&mut self) {
        self.hamerly.forget();
        if let Some(projecting) = &mut self.projecting {
            projecting.previous.clear();
        }
    }
}
