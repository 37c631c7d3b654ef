//! What exchanging a medoid for another row would change (Schubert and Rousseeuw 2021, algorithm 3).

use super::element::{Element, Level};

/// Rows that are looked at together.
const TOGETHER: usize = 16;

/// For each row the nearest and the second nearest medoid, and the distances to them.
#[derive(Clone, Debug)]
pub(crate) struct Near<F> {
    pub owner: Vec<u32>,
    pub next: Vec<u32>,
    pub first: Vec<F>,
    pub second: Vec<F>,
}

impl<F: Element> Near<F> {
    /// The rows' two nearest of several medoids, each given by its distances to all rows. Ties to the first.
    pub(crate) fn new<'a>(n: usize, medoids: impl Iterator<Item = &'a [F]>) -> Self {
        let far = F::infinity();
        let mut this =
            Near { owner: vec![0; n], next: vec![0; n], first: vec![far; n], second: vec![far; n] };
        for (j, distances) in (0..).zip(medoids) {
            this.meet(j, distances);
        }
        this
    }

    /// One more medoid.
    pub(crate) fn meet(&mut self, j: u32, distances: &[F]) {
        for (i, &distance) in distances.iter().enumerate() {
            self.offer(i, j, distance);
        }
    }

    /// Row i meets one more medoid.
    #[inline]
    pub(crate) fn offer(&mut self, i: usize, j: u32, distance: F) {
        if distance < self.first[i] {
            (self.next[i], self.second[i]) = (self.owner[i], self.first[i]);
            (self.owner[i], self.first[i]) = (j, distance);
        } else if distance < self.second[i] {
            (self.next[i], self.second[i]) = (j, distance);
        }
    }

    /// Row i has met no medoid yet.
    pub(crate) fn forget(&mut self, i: usize) {
        (self.first[i], self.second[i]) = (F::infinity(), F::infinity());
    }

    /// The sum of the distances to the nearest medoids, in the order of the rows.
    pub(crate) fn loss(&self) -> f64 {
        self.first.iter().map(|x| x.f64()).sum()
    }

    /// What it would cost to remove each medoid.
    pub(crate) fn removals(&self, k: usize) -> Vec<f64> {
        let mut removals = vec![0.0; k];
        for ((&owner, first), second) in self.owner.iter().zip(&self.first).zip(&self.second) {
            removals[owner as usize] += second.f64() - first.f64();
        }
        removals
    }
}

/// Adds to the removals (k of them) what a candidate with these distances to all rows would save of them; returns what it gains by itself (at most 0).
/// So the exchange of medoid j for the candidate changes the loss by `changes[j]` plus what is returned.
#[inline(always)]
pub(super) fn exchange<F: Element>(distances: &[F], near: &Near<F>, changes: &mut [f64]) -> f64 {
    let mut gain = 0.0;
    let mut look = |at: usize, distances: &[F], first: &[F], second: &[F]| {
        // Most rows are too far from most candidates.
        if distances.iter().zip(second).filter(|(a, b)| a < b).count() == 0 {
            return;
        }
        for (i, distance) in distances.iter().enumerate() {
            if *distance < second[i] {
                let change = &mut changes[near.owner[at + i] as usize];
                let (away, first, second) = (distance.f64(), first[i].f64(), second[i].f64());
                if away < first {
                    gain += away - first;
                    *change += first - second;
                } else {
                    *change += away - second;
                }
            }
        }
    };
    let (distances, rest) = distances.as_chunks::<TOGETHER>();
    let (first, first_rest) = near.first.as_chunks::<TOGETHER>();
    let (second, second_rest) = near.second.as_chunks::<TOGETHER>();
    for (b, ((distances, first), second)) in distances.iter().zip(first).zip(second).enumerate() {
        look(b * TOGETHER, distances, first, second);
    }
    look(distances.len() * TOGETHER, rest, first_rest, second_rest);
    gain
}

/// The cheapest exchange for the candidate with these distances: the medoid to go (the first of equals), and the change.
pub(crate) fn best_exchange<F: Element>(
    level: Level,
    distances: &[F],
    near: &Near<F>,
    removals: &[f64],
    changes: &mut [f64],
) -> (usize, f64) {
    changes.copy_from_slice(removals);
    let gain = F::exchange(level, distances, near, changes);
    let mut best = (0, f64::INFINITY);
    for (j, &change) in changes.iter().enumerate() {
        if change < best.1 {
            best = (j, change);
        }
    }
    (best.0, best.1 + gain)
}
