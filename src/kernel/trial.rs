//! What becomes of a swap, found out where it happens: only rows near the two places are looked at, one at a time.
//!
//! Every row is where it [stands](super::standing), a cluster's centroid moves to a row, and rows go where they lower the sum of squares, each at once:
//! its old cluster's mean and its new one's follow, and so does the sum (Hartigan and Wong 1979, one row at a time as in Welford 1962). Such
//! exchanges lead farther than Lloyd's iterations, and in fewer sweeps.
//!
//! What a row need not look at: the other centroids were at least its second distance away, so one that has since moved by less than the
//! difference to its own cannot matter. Centroids that moved are met in the order of how far, until that holds; and where none can matter
//! to any row of a cluster, by the cluster's radius, none of its rows is looked at. These bounds are taken at the start of a sweep and not rounded outward: they
//! only have to be nearly right, for what a trial finds is a state whose sum is known, however it came about.

use super::dispatch::by_columns;
use super::element::{Element, Level};
use super::exact::squared_distance;
use super::standing::{Standing, Swap};

/// Gains dwindle from one sweep to the next: so many times the last one is all that is to come.
pub(crate) const DWINDLE: f64 = 4.0;
/// Part of what a trial has gained that a sweep must add, or it was the last: Lloyd's iterations can do the rest.
const LAST: f64 = 0.1;
/// A weight that is left of a cluster and counts as none, relative to what there was.
const NONE: f64 = 1e-9;

/// A thread's copy of the state, in which trials are made and taken back: 12 bytes a row.
#[derive(Clone)]
pub(crate) struct Trial {
    means: Vec<f64>,
    weights: Vec<f64>,
    /// The cluster of the row at each place of the order.
    labels: Vec<u32>,
    /// The distance of the row at each place to where the centroid was put; and whether it is known for the rows of a cluster.
    away: Vec<f64>,
    reached: Vec<bool>,
    /// Places of rows that left their cluster, and that cluster.
    left: Vec<(usize, u32)>,
    /// How far each mean has moved; the clusters whose mean has, farthest first; those of them that may matter to the cluster at hand.
    moves: Vec<f64>,
    movers: Vec<u32>,
    near: Vec<u32>,
    /// By how much the weighted sum of squared distances has changed.
    change: f64,
    evaluations: u64,
}

/// How a trial ended.
pub(crate) struct Outcome {
    /// By how much the weighted sum of squared distances changed.
    pub change: f64,
    /// The means, if it fell by more than was asked.
    pub means: Option<Vec<f64>>,
    pub evaluations: u64,
}

/// When a trial ends.
#[derive(Clone, Copy)]
pub(crate) struct Aim {
    /// The sum must fall by more than this.
    pub gain: f64,
    pub sweeps: usize,
}

/// What the rows of one cluster, by where they stand, need to know in a sweep.
struct Home {
    cluster: usize,
    /// How far its mean has moved.
    moved: f64,
    /// At least the root of what leaving a cluster of so many rows saves, over the distance to its mean.
    lift: f64,
    /// The farthest that any mean has moved that may matter.
    farthest: f64,
    /// The centroid that was put elsewhere and how far it has moved from there, if it may matter.
    newcomer: Option<(usize, f64)>,
}

/// A row that looks for a better cluster.
struct Seeker<'a, F> {
    x: &'a [F],
    weight: f64,
    own: usize,
    /// What leaving the own cluster saves, or the least so far that entering another one costs, over the weight; and which one.
    best: (f64, usize),
}

impl Trial {
    pub(crate) fn new<F: Element>(standing: &Standing<'_, F>) -> Self {
        let (n, k) = (standing.order.len(), standing.weights.len());
        let mut labels = Vec::with_capacity(n);
        for j in 0..k {
            labels.resize(standing.starts[j + 1], j as u32);
        }
        Trial {
            means: Vec::new(),
            weights: Vec::new(),
            labels,
            away: vec![0.0; n],
            reached: vec![false; k],
            left: Vec::new(),
            moves: vec![0.0; k],
            movers: Vec::new(),
            near: Vec::new(),
            change: 0.0,
            evaluations: 0,
        }
    }

    /// Makes the swap, and sweeps until nothing is gained or what is gained is clearly not enough. Without a swap, all rows look around.
    pub(crate) fn make<F: Element>(
        &mut self,
        level: Level,
        standing: &Standing<'_, F>,
        swap: Option<Swap>,
        aim: Aim,
    ) -> Outcome {
        self.start(standing);
        self.sweeps(level, standing, swap, aim);
        for (place, cluster) in self.left.drain(..) {
            self.labels[place] = cluster;
        }
        let means = (self.change < -aim.gain).then(|| self.means.clone());
        Outcome { change: self.change, means, evaluations: self.evaluations }
    }

    /// The labels of the rows after they have looked around, in their own order.
    pub(crate) fn settled<F: Element>(
        mut self,
        level: Level,
        standing: &Standing<'_, F>,
        aim: Aim,
    ) -> Vec<u32> {
        self.start(standing);
        self.sweeps(level, standing, None, aim);
        let mut labels = vec![0; standing.rows.n()];
        for (&i, label) in standing.order.iter().zip(self.labels) {
            labels[i as usize] = label;
        }
        labels
    }

    fn start<F: Element>(&mut self, standing: &Standing<'_, F>) {
        self.means.clone_from(&standing.means);
        self.weights.clone_from(&standing.weights);
        (self.change, self.evaluations) = (0.0, 0);
    }

    fn sweeps<F: Element>(&mut self, level: Level, standing: &Standing<'_, F>, swap: Option<Swap>, aim: Aim) {
        // Wider vectors do not speed straight code up.
        by_columns!(
            standing.rows.d,
            [1 2 3 4],
            D => self.sweeps_of::<F, D>(standing, swap, aim),
            else F::sweeps(level, self, standing, swap, aim)
        );
    }

    /// With `D` columns; with any number if `D` is 0.
    #[inline(always)]
    pub(super) fn sweeps_of<F: Element, const D: usize>(
        &mut self,
        standing: &Standing<'_, F>,
        swap: Option<Swap>,
        aim: Aim,
    ) {
        if let Some(swap) = swap {
            self.displace::<F, D>(standing, swap);
        }
        for _ in 0..aim.sweeps {
            let before = self.change;
            self.sweep::<F, D>(standing, swap);
            let (gain, missing) = (before - self.change, self.change + aim.gain);
            if if missing > 0.0 { gain * DWINDLE < missing } else { gain <= LAST * -self.change } {
                break;
            }
        }
    }

    /// Puts the centroid there, and sends each row to the nearest centroid.
    #[inline(always)]
    fn displace<F: Element, const D: usize>(&mut self, standing: &Standing<'_, F>, swap: Swap) {
        let (d, rows, out) = (columns::<D>(standing.rows.d), standing.rows, swap.out);
        let there = &rows.values[standing.order[swap.place] as usize * d..][..d];
        self.change -= standing.costs[out];
        self.weights[out] = 0.0;
        for cluster in 0..standing.weights.len() {
            let home = &standing.means[cluster * d..][..d];
            let within = 2.0 * standing.radius[cluster];
            self.reached[cluster] = cluster == out || squared_distance(there, home) < within * within;
            self.evaluations += 1;
            if !self.reached[cluster] {
                continue;
            }
            let places = standing.starts[cluster]..standing.starts[cluster + 1];
            self.evaluations += places.len() as u64;
            for place in places {
                let i = standing.order[place] as usize;
                let x = &rows.values[i * d..][..d];
                let away = squared_distance(x, there);
                self.away[place] = away.sqrt();
                if cluster != out {
                    if away < standing.first[place] {
                        self.transfer(place, cluster, out, x, rows.weight(i));
                    }
                    continue;
                }
                let mut nearest = (away, out);
                if away >= standing.second[place] {
                    let neighbours = &standing.neighbours[cluster];
                    self.evaluations += neighbours.len() as u64;
                    for j in neighbours.iter().map(|&j| j as usize) {
                        let square = squared_distance(x, &standing.means[j * d..][..d]);
                        if square < nearest.0 {
                            nearest = (square, j);
                        }
                    }
                }
                self.left.push((place, cluster as u32));
                self.enter(place, nearest.1, x, rows.weight(i));
            }
        }
    }

    /// Lets the rows of every cluster that may have something to gain look for it.
    #[inline(always)]
    fn sweep<F: Element, const D: usize>(&mut self, standing: &Standing<'_, F>, swap: Option<Swap>) {
        let (d, rows) = (columns::<D>(standing.rows.d), standing.rows);
        let pairs = self.means.chunks_exact(d).zip(standing.means.chunks_exact(d));
        self.moves.iter_mut().zip(pairs).for_each(|(moved, (new, old))| {
            *moved = if new == old { 0.0 } else { squared_distance(new, old).sqrt() };
        });
        self.order_movers(swap);
        for cluster in 0..standing.weights.len() {
            let Some(home) = self.home::<F, D>(standing, swap, cluster) else { continue };
            for place in standing.starts[cluster]..standing.starts[cluster + 1] {
                if !self.proven(standing, &home, place) {
                    let i = standing.order[place] as usize;
                    self.seek(standing, &home, place, &rows.values[i * d..][..d], rows.weight(i));
                }
            }
        }
    }

    /// The clusters whose mean has moved, but for the one that was put elsewhere: the farthest first.
    fn order_movers(&mut self, swap: Option<Swap>) {
        let (moves, out) = (&self.moves, swap.map(|swap| swap.out));
        self.movers.clear();
        self.movers
            .extend((0..moves.len() as u32).filter(|&j| moves[j as usize] > 0.0 && Some(j as usize) != out));
        self.movers
            .sort_unstable_by(|&a, &b| moves[b as usize].total_cmp(&moves[a as usize]).then(a.cmp(&b)));
    }

    /// What the rows of a cluster need to know; none if nothing that moved can matter to them.
    #[inline(always)]
    fn home<F: Element, const D: usize>(
        &mut self,
        standing: &Standing<'_, F>,
        swap: Option<Swap>,
        cluster: usize,
    ) -> Option<Home> {
        let d = columns::<D>(standing.rows.d);
        let old = &standing.means[cluster * d..][..d];
        let displaced = swap.is_some_and(|swap| swap.out == cluster);
        let moved = if displaced { 0.0 } else { self.moves[cluster] };
        let within = if displaced { f64::INFINITY } else { 2.0 * standing.radius[cluster] + moved };
        let matters = |j: usize| squared_distance(old, &self.means[j * d..][..d]) < within * within;
        self.near.clear();
        self.near.extend(self.movers.iter().filter(|&&j| j as usize != cluster && matters(j as usize)));
        let newcomer = swap.filter(|swap| matters(swap.out)).map(|swap| {
            let there = &standing.rows.values[standing.order[swap.place] as usize * d..][..d];
            let crept = squared_distance(there, &self.means[swap.out * d..][..d]).sqrt();
            (swap.out, if self.reached[cluster] { crept } else { f64::INFINITY })
        });
        self.evaluations += self.movers.len() as u64 + 1;
        if swap.is_some() && self.near.is_empty() && newcomer.is_none() && moved == 0.0 {
            return None;
        }
        let rows = (standing.starts[cluster + 1] - standing.starts[cluster]) as f64;
        let farthest = self.near.first().map_or(0.0, |&j| self.moves[j as usize]);
        Some(Home { cluster, moved, lift: (rows / (rows - 1.0).max(0.5)).sqrt(), farthest, newcomer })
    }

    /// Whether a row is where it stood and no other centroid has come near.
    #[inline(always)]
    fn proven<F: Element>(&self, standing: &Standing<'_, F>, home: &Home, place: usize) -> bool {
        let at_least = (standing.first[place].sqrt() + home.moved) * home.lift;
        self.labels[place] as usize == home.cluster
            && at_least <= standing.second[place].sqrt() - home.farthest
            && home.newcomer.is_none_or(|(_, crept)| at_least <= self.away[place] - crept)
    }

    /// Moves a row to the cluster where it lowers the sum the most.
    #[inline(always)]
    fn seek<F: Element>(
        &mut self,
        standing: &Standing<'_, F>,
        home: &Home,
        place: usize,
        x: &[F],
        weight: f64,
    ) {
        let (d, own) = (x.len(), self.labels[place] as usize);
        let stays = self.weights[own] - weight;
        if stays <= NONE * self.weights[own] {
            return;
        }
        self.evaluations += 1;
        let square = squared_distance(x, &self.means[own * d..][..d]);
        let mut seeker = Seeker { x, weight, own, best: (square * (self.weights[own] / stays), own) };
        self.meet(&mut seeker, home.cluster);
        if let Some((out, crept)) = home.newcomer
            && self.away[place] - crept < seeker.best.0.sqrt()
        {
            self.meet(&mut seeker, out);
        }
        let second = standing.second[place].sqrt();
        for n in 0..self.near.len() {
            let j = self.near[n] as usize;
            if second - self.moves[j] >= seeker.best.0.sqrt() {
                break;
            }
            self.meet(&mut seeker, j);
        }
        if second < seeker.best.0.sqrt() {
            // One that did not move may be the best.
            for j in standing.neighbours[home.cluster].iter().map(|&j| j as usize) {
                if self.moves[j] == 0.0 {
                    self.meet(&mut seeker, j);
                }
            }
        }
        if seeker.best.1 != own {
            self.transfer(place, home.cluster, seeker.best.1, x, weight);
        }
    }

    /// Notes what entering the cluster would cost, if that is less than the best so far.
    #[inline(always)]
    fn meet<F: Element>(&mut self, seeker: &mut Seeker<'_, F>, j: usize) {
        if j == seeker.own {
            return;
        }
        let (d, weight) = (seeker.x.len(), self.weights[j]);
        let square = squared_distance(seeker.x, &self.means[j * d..][..d]);
        let cost = square * (weight / (weight + seeker.weight));
        self.evaluations += 1;
        if cost < seeker.best.0 {
            seeker.best = (cost, j);
        }
    }

    /// Moves a row that stood in the cluster `home` from where it is to another cluster; not the last one.
    #[inline(always)]
    fn transfer<F: Element>(&mut self, place: usize, home: usize, to: usize, x: &[F], weight: f64) {
        let (d, from) = (x.len(), self.labels[place] as usize);
        let stays = self.weights[from] - weight;
        if stays <= NONE * self.weights[from] {
            return;
        }
        if from == home {
            self.left.push((place, home as u32));
        }
        let (mean, part) = (&mut self.means[from * d..][..d], weight / stays);
        self.change -= self.weights[from] * part * squared_distance(x, mean);
        mean.iter_mut().zip(x).for_each(|(mean, x)| *mean -= (x.f64() - *mean) * part);
        self.weights[from] = stays;
        self.enter(place, to, x, weight);
    }

    /// Adds a row to a cluster.
    #[inline(always)]
    fn enter<F: Element>(&mut self, place: usize, to: usize, x: &[F], weight: f64) {
        let (d, all) = (x.len(), self.weights[to] + weight);
        let (mean, part) = (&mut self.means[to * d..][..d], weight / all);
        self.change += self.weights[to] * part * squared_distance(x, mean);
        mean.iter_mut().zip(x).for_each(|(mean, x)| *mean += (x.f64() - *mean) * part);
        self.weights[to] = all;
        self.labels[place] = to as u32;
    }
}

#[inline(always)]
fn columns<const D: usize>(d: usize) -> usize {
    if D == 0 { d } else { D }
}
