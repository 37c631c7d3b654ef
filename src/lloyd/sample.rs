//! Some rows of every cluster, which stand for the others by their weight.

use crate::float::Float;
use crate::kernel::Level;
use crate::kernel::assign::Rows;
use crate::kernel::standing::{Standing, ordered};
use crate::kernel::trial::{Aim, Trial};
use crate::rng::SeededRng;

/// Rows of each cluster at most, where there are many clusters; and rows in all, where there are few.
const PER_CLUSTER: usize = 128;
const IN_ALL: usize = 16_384;

pub(super) struct Sample<F> {
    values: Vec<F>,
    d: usize,
    weights: Vec<f64>,
    labels: Vec<u32>,
    k: usize,
}

impl<F: Float> Sample<F> {
    /// None if it would hold most of the rows. Small clusters are taken whole; each cluster keeps its weight.
    pub(super) fn new(rows: Rows<'_, F>, labels: &[u32], k: usize, rng: &mut SeededRng) -> Option<Self> {
        let most = PER_CLUSTER.max(IN_ALL / k);
        if rows.n() <= 2 * k * most {
            return None;
        }
        let (order, starts) = ordered(rows, labels, k);
        let mut sample = Sample { values: Vec::new(), d: rows.d, weights: Vec::new(), labels: Vec::new(), k };
        for (j, bounds) in (0..).zip(starts.windows(2)) {
            let cluster = &order[bounds[0]..bounds[1]];
            let count = cluster.len().min(most);
            let first = sample.weights.len();
            for s in 0..count {
                // One row out of each of so many equal parts.
                let (from, to) = (s * cluster.len() / count, (s + 1) * cluster.len() / count);
                let i = cluster[from + if to - from > 1 { rng.below(to - from) } else { 0 }] as usize;
                sample.values.extend_from_slice(rows.row(i));
                sample.weights.push(rows.weight(i));
                sample.labels.push(j);
            }
            let all: f64 = cluster.iter().map(|&i| rows.weight(i as usize)).sum();
            let weights = &mut sample.weights[first..];
            let scale = all / weights.iter().sum::<f64>();
            weights.iter_mut().for_each(|weight| *weight *= scale);
        }
        Some(sample)
    }

    /// Labels near to which no exchange of single rows improves the sample.
    pub(super) fn settled(&self, level: Level, aim: Aim) -> Vec<u32> {
        let standing = Standing::new(level, self.rows(), &self.labels, self.k);
        Trial::new(&standing).settled(level, &standing, aim)
    }

    pub(super) fn rows(&self) -> Rows<'_, F> {
        Rows { values: &self.values, d: self.d, weights: Some(&self.weights) }
    }
}
