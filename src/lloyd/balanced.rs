//! Clusters of bounded size (Bradley, Bennett and Demiriz 2000): the cheapest assignment within the bounds, instead of the nearest centroid.
//!
//! Invariant: none that a result depends on; the prices of the last iteration only make the next one shorter. The assignment is optimal for the
//! centroids, and the means are optimal for the assignment, so the inertia falls as in k-means.

use super::Step;
use super::transport::Transport;
use crate::data::Data;
use crate::float::Float;
use crate::kernel::assign::Assigned;
use crate::kernel::moments::{Moves, RowSums};
use crate::kernel::{Level, costs};
use std::ops::RangeInclusive;

pub(super) struct Balanced {
    level: Level,
    sizes: RangeInclusive<usize>,
    costs: Vec<i64>,
    prices: Vec<i128>,
}

impl Balanced {
    pub(super) fn new(level: Level, sizes: RangeInclusive<usize>, k: usize) -> Self {
        Balanced { level, sizes, costs: Vec::new(), prices: vec![0; k] }
    }
}

impl<F: Float> Step<F> for Balanced {
    fn assign(
        &mut self,
        data: &Data<'_, F>,
        centroids: &[F],
        labels: &mut [u32],
        sums: &mut RowSums,
    ) -> Assigned {
        let rows = data.rows();
        costs::integers(self.level, rows, centroids, &mut self.costs);
        let to = Transport::solve(&self.costs, self.sizes.clone(), &mut self.prices);
        let moves = Moves { rows: rows.values, weights: rows.weights, to: &to, grids: &data.grids };
        let moved = F::apply(self.level, &moves, labels, sums);
        Assigned { moved, evaluations: self.costs.len() as u64 }
    }

    fn forget(&mut self) {}
}
