//! What exchanging a medoid for another row would change (Schubert and Rousseeuw 2021, algorithm 3).

use super::element::{Element, Level};

/// A loss falls by at least this part of itself, so that rounding cannot make exchanges go round in circles.
const GAIN: f64 = 1e-12;

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

/// The cheapest exchange for the candidate with these distances, if it lowers the loss: the medoid to go (the first of equals), and the loss
/// after it, summed as [`Near::loss`] will sum it.
///
/// The changes come from removals, which may be far larger than any loss: a row that is far from all others leaves nothing of small changes in
/// them. So they only rule out what cannot help, and what may is summed anew.
pub(crate) fn best_exchange<F: Element>(
    level: Level,
    distances: &[F],
    near: &Near<F>,
    (removals, loss): (&[f64], f64),
    changes: &mut [f64],
) -> Option<(usize, f64)> {
    let enough = -GAIN * loss;
    changes.copy_from_slice(removals);
    let gain = F::exchange(level, distances, near, changes);
    // Each is a sum of at most two terms a row that never exceeds its removal, and a sum that never exceeds the gain.
    let rounding = (distances.len() + 4) as f64 * f64::EPSILON;
    let may_help = |(change, removal): (&f64, &f64)| change + gain - rounding * (removal - gain) < enough;
    if !changes.iter().zip(removals).any(may_help) {
        return None;
    }
    let rows = || distances.iter().zip(&near.owner).zip(near.first.iter().zip(&near.second));
    changes.fill(0.0);
    for ((&away, &owner), (&first, &second)) in rows() {
        // Beside what every exchange gains by the candidate: never negative, so nothing cancels.
        changes[owner as usize] += least(away, second) - least(away, first);
    }
    let place = (1..changes.len()).fold(0, |best, j| if changes[j] < changes[best] { j } else { best });
    let after = rows().map(|((&away, &owner), (&first, &second))| {
        least(away, if owner as usize == place { second } else { first })
    });
    let after: f64 = after.sum();
    (after - loss < enough).then_some((place, after))
}

fn least<F: Element>(a: F, b: F) -> f64 {
    if a < b { a.f64() } else { b.f64() }
}
