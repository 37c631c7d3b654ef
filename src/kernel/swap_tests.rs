//! Standings and trials against sums formed row by row.

use super::assign::Rows;
use super::element::{Element, Level};
use super::exact::squared_distance;
use super::standing::{Standing, Swap};
use super::tests::levels;
use super::trial::{Aim, Trial};
use crate::rng::SeededRng;

/// Rows around k places, some of them equal, with weights of 0 to 2 or none, and labels that name each cluster.
struct Case<F> {
    d: usize,
    k: usize,
    values: Vec<F>,
    weights: Option<Vec<f64>>,
    labels: Vec<u32>,
}

impl<F: Element> Case<F> {
    fn new(round: usize, rng: &mut SeededRng) -> Self {
        let (d, k) = ([1, 2, 3, 4, 7, 20][round % 6], 2 + rng.below(12));
        let n = 3 * k + rng.below(2500);
        let places: Vec<f64> = (0..k * d).map(|_| 1e3 + 20.0 * rng.uniform()).collect();
        let coarse = round % 4 == 1;
        let mut value = |i: usize, t: usize| {
            let x = places[(i % k) * d + t] + 6.0 * rng.uniform();
            F::of(if coarse { x.round() } else { x })
        };
        let values: Vec<F> = (0..n * d).map(|i| value(i / d, i % d)).collect();
        let weights = (round % 3 == 2)
            .then(|| (0..n).map(|i| if i < 2 * k { 1.0 } else { rng.below(3) as f64 }).collect());
        // Not quite the nearest: a standing has to do with whatever labels there are.
        let labels = (0..n).map(|i| if i >= k && rng.below(9) == 0 { rng.below(k) } else { i % k } as u32);
        Case { d, k, labels: labels.collect(), values, weights }
    }

    fn rows(&self) -> Rows<'_, F> {
        Rows { values: &self.values, d: self.d, weights: self.weights.as_deref() }
    }

    /// The weighted sum of squared distances to the means of these clusters.
    fn inertia(&self, labels: &[u32]) -> f64 {
        let (rows, d) = (self.rows(), self.d);
        let (mut means, mut weights) = (vec![0.0; self.k * d], vec![0.0; self.k]);
        for (i, &label) in labels.iter().enumerate() {
            weights[label as usize] += rows.weight(i);
            for t in 0..d {
                means[label as usize * d + t] += rows.weight(i) * rows.row(i)[t].f64();
            }
        }
        (0..self.k * d).for_each(|at| means[at] /= weights[at / d]);
        let square = |i: usize| squared_distance(rows.row(i), &means[labels[i] as usize * d..][..d]);
        (0..rows.n()).map(|i| rows.weight(i) * square(i)).sum()
    }
}

fn close(a: f64, b: f64, size: f64) {
    assert!((a - b).abs() <= 1e-9 * size, "{a} is not {b}");
}

fn standings<F: Element>() {
    let mut rng = SeededRng::new(12);
    for round in 0..48 {
        let case = Case::<F>::new(round, &mut rng);
        let (rows, d, k) = (case.rows(), case.d, case.k);
        let mut standing = Standing::new(Level::new(), rows, &case.labels, k);
        let size = case.inertia(&case.labels);
        close(standing.costs.iter().sum(), size, size);
        let square = |i: u32, j: usize| squared_distance(rows.row(i as usize), &standing.means[j * d..][..d]);
        for (place, &i) in standing.order.iter().enumerate() {
            let own = case.labels[i as usize] as usize;
            let others = (0..k).filter(|&j| j != own).map(|j| square(i, j));
            close(standing.first[place], square(i, own), size);
            close(standing.second[place], others.fold(f64::INFINITY, f64::min), size);
        }
        // With the means as they are, every row has the choice of those that are left and the new place.
        let places = [rng.below(standing.order.len()), rng.below(standing.order.len())];
        let after = |place: usize, out: usize| -> f64 {
            let there = rows.row(standing.order[place] as usize);
            let nearest = |i: u32| {
                let own = case.labels[i as usize] as usize;
                // A row that stays need not be nearest to its own.
                let stay = if own == out {
                    (0..k).filter(|&j| j != out).map(|j| square(i, j)).fold(f64::INFINITY, f64::min)
                } else {
                    square(i, own)
                };
                rows.weight(i as usize) * stay.min(squared_distance(rows.row(i as usize), there))
            };
            standing.order.iter().map(|&i| nearest(i)).sum()
        };
        let before: f64 = standing.costs.iter().sum();
        let expected: Vec<f64> = places
            .iter()
            .flat_map(|&place| (0..k).map(move |out| (place, out)))
            .map(|(place, out)| after(place, out) - before)
            .collect();
        let swaps = standing.cheapest(Level::new(), &places, usize::MAX);
        assert_eq!(swaps.len(), expected.len());
        assert!(swaps.is_sorted_by(|a, b| a.change <= b.change));
        for swap in swaps {
            let p = usize::from(swap.place != places[0]);
            close(swap.change, expected[p * k + swap.out], size);
        }
    }
}

#[test]
fn a_standing_is_what_a_look_at_every_pair_gives() {
    standings::<f32>();
    standings::<f64>();
}

fn trials<F: Element>() {
    let mut rng = SeededRng::new(13);
    let mut helped = 0;
    for round in 0..90 {
        let case = Case::<F>::new(round, &mut rng);
        let before = case.inertia(&case.labels);
        let aim = Aim { gain: 1e-9 * before, sweeps: 50 };
        let mut bits = Vec::new();
        let swap = (round % 5 > 0).then(|| Swap {
            out: rng.below(case.k),
            place: rng.below(3 * case.k),
            change: 0.0,
        });
        for level in levels() {
            let standing = Standing::new(level, case.rows(), &case.labels, case.k);
            let mut trial = Trial::new(&standing);
            let first = trial.make(level, &standing, swap, aim);
            // Whatever it did is taken back: again it does the same.
            let again = trial.make(level, &standing, swap, aim);
            assert_eq!((first.change, &first.means), (again.change, &again.means));
            if swap.is_none() {
                let labels = trial.settled(level, &standing, aim);
                close(case.inertia(&labels) - before, first.change, before);
            }
            // The means are those of some clusters, so with them no sum is larger than what the trial says.
            if let Some(means) = &first.means {
                let nearest = |i: usize| {
                    means
                        .chunks_exact(case.d)
                        .map(|mean| squared_distance(case.rows().row(i), mean))
                        .fold(f64::INFINITY, f64::min)
                };
                let sum: f64 = (0..case.rows().n()).map(|i| case.rows().weight(i) * nearest(i)).sum();
                assert!(
                    sum <= (before + first.change) * (1.0 + 1e-9),
                    "{sum} is more than {before} and {}",
                    first.change
                );
                helped += 1;
            }
            bits.push((first.change.to_bits(), first.means, first.evaluations));
        }
        assert!(bits.windows(2).all(|pair| pair[0] == pair[1]), "levels differ in round {round}");
    }
    assert!(helped > 50, "only {helped} helped");
}

#[test]
fn a_trial_knows_what_it_changed_on_every_level() {
    trials::<f32>();
    trials::<f64>();
}
