//! Clusters that lost all their rows, by L1 distance: the rules of [`EmptyCluster`].

use super::run::{Members, Plan};
use crate::data::Data;
use crate::error::Error;
use crate::float::Float;
use crate::kernel::moments::NOWHERE;
use crate::kernel::{manhattan, pieces};
use crate::lloyd::EmptyCluster;
use crate::rng::SeededRng;

pub(super) struct Repair<'a, 'b, F: Clone> {
    pub plan: &'a Plan,
    pub data: &'a Data<'b, F>,
    pub members: &'a Members,
    pub iteration: usize,
}

pub(super) struct Repaired {
    pub relocated: usize,
    /// Which clusters are left.
    pub keep: Vec<bool>,
}

impl<F: Float> Repair<'_, '_, F> {
    /// Gives rows to the empty clusters, and removes those that no row is left for.
    ///
    /// A row that starts a cluster must differ from its present centroid and leave another row behind. Rows equal to it move with it.
    pub(super) fn repair(
        &self,
        labels: &mut [u32],
        centroids: &mut Vec<F>,
        rng: &mut SeededRng,
    ) -> Result<Repaired, Error> {
        let d = self.data.d;
        let mut empty = self.members.empty();
        let mut keep = vec![true; centroids.len() / d];
        let mut relocated = 0;
        match self.plan.empty_cluster {
            EmptyCluster::Fail => {
                return Err(Error::EmptyCluster { cluster: empty[0], iteration: self.iteration });
            }
            EmptyCluster::Drop => {}
            EmptyCluster::Relocate | EmptyCluster::Resample => {
                let mut sizes: Vec<usize> = (0..keep.len()).map(|j| self.members.of(j).len()).collect();
                let mut candidates = self.candidates(labels, centroids);
                empty.retain(|&j| {
                    while !candidates.is_empty() {
                        let place = self.choose(&candidates, rng);
                        let equal = pieces::equals(&candidates, self.data.rows().values, d, place);
                        let equal: Vec<u32> = candidates.drain(equal).map(|candidate| candidate.1).collect();
                        let from = labels[equal[0] as usize] as usize;
                        if sizes[from] > equal.len() {
                            equal.iter().for_each(|&i| labels[i as usize] = j as u32);
                            sizes[from] -= equal.len();
                            sizes[j] = equal.len();
                            relocated += 1;
                            return false;
                        }
                    }
                    true
                });
            }
        }
        empty.iter().for_each(|&j| keep[j] = false);
        if !empty.is_empty() {
            *centroids = pieces::kept(centroids, d, &keep);
            let mut next = 0;
            let numbers: Vec<u32> = keep
                .iter()
                .map(|&keep| {
                    next += u32::from(keep);
                    if keep { next - 1 } else { NOWHERE }
                })
                .collect();
            labels.iter_mut().for_each(|label| *label = numbers[*label as usize]);
        }
        Ok(Repaired { relocated, keep })
    }

    /// Rows (that count) off their centroid, with their distances, the farthest first.
    fn candidates(&self, labels: &[u32], centroids: &[F]) -> Vec<(f64, u32)> {
        let (rows, d) = (self.data.rows(), self.data.d);
        let distance = |(i, &label): (u32, &u32)| {
            let row = rows.row(i as usize);
            (manhattan::distance(row, &centroids[label as usize * d..][..d]), i)
        };
        let counts = |&(distance, i): &(f64, u32)| distance > 0.0 && rows.weight(i as usize) > 0.0;
        let mut candidates: Vec<_> = (0..).zip(labels).map(distance).filter(counts).collect();
        pieces::farthest_of(&mut candidates, rows.values, d);
        candidates
    }

    /// The place of the farthest, or of one drawn by weight.
    fn choose(&self, candidates: &[(f64, u32)], rng: &mut SeededRng) -> usize {
        if self.plan.empty_cluster != EmptyCluster::Resample {
            return 0;
        }
        let weight = |candidate: &(f64, u32)| self.data.rows().weight(candidate.1 as usize);
        let mut left = rng.uniform() * candidates.iter().map(weight).sum::<f64>();
        let drawn = candidates.iter().position(|candidate| {
            left -= weight(candidate);
            left < 0.0
        });
        drawn.unwrap_or(candidates.len() - 1)
    }
}
