//! The cheapest assignment of rows to clusters of bounded size: a transportation problem, solved exactly.
//!
//! Every cluster has a *price*. While each row is in the cluster where cost plus price is least, the assignment is the cheapest one for
//! its own sizes; it is the cheapest of all allowed when, besides, a cluster with a positive price is as large as allowed, and one with a negative
//! price as small (complementary slackness). So rows start where their cost plus price is least, with the prices of the last iteration,
//! which are nearly right; and then, one at a time, rows are passed on along the shortest path from a cluster that has too many to one that has
//! too few (successive shortest paths: Ahuja, Magnanti and Orlin 1993, section 9.7), each path's lengths moving the prices so that the invariant holds.
//!
//! The rows are not nodes of that graph, for there are many more of them than clusters: the arc from a to b is as long as it costs to move
//! the one row of a that moves to b most cheaply, which a short sorted queue for each pair of clusters knows. All numbers are integers, so
//! nothing is rounded and no tie depends on the machine.

use std::ops::{Range, RangeInclusive};

/// Moves that a queue remembers at the most. Once it has used them up, the rows of its cluster are searched again.
const REMEMBERED: usize = 128;

/// A move of a row: what it costs, and the row.
type Move = (i64, u32);

/// The cheapest moves from one cluster to another.
#[derive(Clone, Default)]
struct Queue {
    /// Sorted, the cheapest last. May name rows that have left meanwhile.
    moves: Vec<Move>,
    /// All moves cheaper than this are in `moves`; none if nothing is known yet.
    complete: Option<Move>,
}

const ALL: Move = (i64::MAX, u32::MAX);

impl Queue {
    /// Takes a move, in any order, that may be among the cheapest.
    fn offer(&mut self, new: Move, remembered: usize) {
        if self.complete.is_some_and(|complete| new < complete) {
            self.moves.push(new);
            if self.moves.len() == 2 * remembered {
                self.keep(remembered);
            }
        }
    }

    fn keep(&mut self, remembered: usize) {
        if self.moves.len() > remembered {
            self.complete = Some(*self.moves.select_nth_unstable(remembered).1);
            self.moves.truncate(remembered);
        }
    }
}

/// The problem, and its solution so far.
pub(super) struct Transport<'a> {
    k: usize,
    /// Of each row in each cluster: (n, k), 0 to 2^62.
    costs: &'a [i64],
    sizes: RangeInclusive<usize>,
    prices: &'a mut [i128],
    labels: Vec<u32>,
    /// The rows of each cluster, in any order, and the place of each row there.
    members: Vec<Vec<u32>>,
    places: Vec<u32>,
    /// What each cluster is to hold: between the bounds, and all together n. (Flow from the cluster to the sink.)
    targets: Vec<usize>,
    /// From a to b at a k + b.
    queues: Vec<Queue>,
}

impl<'a> Transport<'a> {
    /// The labels of the cheapest assignment. `prices`, one for each cluster, may be any; they become those of the solution.
    /// The sizes must be possible.
    pub(super) fn solve(costs: &'a [i64], sizes: RangeInclusive<usize>, prices: &'a mut [i128]) -> Vec<u32> {
        let k = prices.len();
        let n = costs.len() / k;
        debug_assert!(k * sizes.start() <= n && n <= k.saturating_mul(*sizes.end()));
        let nearest = |costs: &[i64]| {
            let dear = |j: usize| i128::from(costs[j]) + prices[j];
            (1..k).fold(0, |best, j| if dear(j) < dear(best) { j } else { best }) as u32
        };
        let labels: Vec<u32> = costs.chunks_exact(k).map(nearest).collect();
        let mut members = vec![Vec::new(); k];
        let mut places = vec![0; n];
        for (row, &label) in (0u32..).zip(&labels) {
            places[row as usize] = members[label as usize].len() as u32;
            members[label as usize].push(row);
        }
        let target = |(members, &price): (&Vec<u32>, &i128)| match price {
            1.. => *sizes.end(),
            0 => members.len().clamp(*sizes.start(), *sizes.end()),
            _ => *sizes.start(),
        };
        let targets = members.iter().zip(&*prices).map(target).collect();
        let queues = vec![Queue::default(); k * k];
        let mut this = Transport { k, costs, sizes, prices, labels, members, places, targets, queues };
        while this.pass_on_one() {}
        this.labels
    }

    /// The sink, whose price is 0, is the last node.
    fn sink(&self) -> usize {
        self.k
    }

    /// What a node has too much.
    fn excess(&self, node: usize) -> i64 {
        let gap = |have: usize, want: usize| have as i64 - want as i64;
        if node == self.sink() {
            let n = self.labels.len();
            return self.targets.iter().map(|&target| target as i64).sum::<i64>() - n as i64;
        }
        gap(self.members[node].len(), self.targets[node])
    }

    /// Sends one row along the shortest path from a node with too much to one with too little; false if there is none to send.
    fn pass_on_one(&mut self) -> bool {
        let nodes = self.k + 1;
        let excess: Vec<i64> = (0..nodes).map(|node| self.excess(node)).collect();
        // Dijkstra's algorithm from all nodes with too much at once; arcs are at least 0 long at these prices.
        let mut length: Vec<Option<i128>> = excess.iter().map(|&e| (e > 0).then_some(0)).collect();
        let mut from = vec![usize::MAX; nodes];
        let mut done = vec![false; nodes];
        let end = loop {
            let open = (0..nodes).filter(|&node| !done[node] && length[node].is_some());
            let Some(near) = open.min_by_key(|&node| length[node]) else { return false };
            if excess[near] < 0 {
                break near;
            }
            done[near] = true;
            let so_far = length[near].unwrap_or(0);
            for next in (0..nodes).filter(|&next| next != near) {
                if !done[next]
                    && let Some(arc) = self.arc(near, next)
                    && length[next].is_none_or(|length| so_far + arc < length)
                {
                    length[next] = Some(so_far + arc);
                    from[next] = near;
                }
            }
        };
        let total = length[end].unwrap_or(0);
        let price_of = |node: usize| length[node].map_or(total, |length| length.min(total));
        let sink = price_of(self.sink());
        for j in 0..self.k {
            self.prices[j] += sink - price_of(j);
        }
        let mut moves = Vec::new();
        let mut node = end;
        while from[node] != usize::MAX {
            let before = from[node];
            if node == self.sink() {
                self.targets[before] += 1;
            } else if before == self.sink() {
                self.targets[node] -= 1;
            } else {
                moves.push((self.cheapest(before, node).map_or(0, |(_, row)| row), node));
            }
            node = before;
        }
        for (row, to) in moves {
            self.relabel(row, to);
        }
        true
    }

    /// The length of an arc at the present prices, if there is one.
    fn arc(&mut self, from: usize, to: usize) -> Option<i128> {
        if to == self.sink() {
            (self.targets[from] < *self.sizes.end()).then(|| -self.prices[from])
        } else if from == self.sink() {
            (self.targets[to] > *self.sizes.start()).then(|| self.prices[to])
        } else {
            let (cost, _) = self.cheapest(from, to)?;
            Some(i128::from(cost) + self.prices[to] - self.prices[from])
        }
    }

    /// The cheapest move from one cluster to another; none if the cluster has no rows.
    fn cheapest(&mut self, from: usize, to: usize) -> Option<Move> {
        let at = from * self.k + to;
        loop {
            while let Some(&cheapest) = self.queues[at].moves.last() {
                if self.labels[cheapest.1 as usize] as usize == from {
                    return Some(cheapest);
                }
                self.queues[at].moves.pop();
            }
            match self.queues[at].complete {
                Some(ALL) => return None,
                Some(_) => self.fill(from, to..to + 1),
                // All arcs of a cluster are looked at together.
                None => self.fill(from, 0..self.k),
            }
        }
    }

    /// Searches the rows of a cluster for its cheapest moves to some others.
    fn fill(&mut self, from: usize, to: Range<usize>) {
        // All queues together are held to the size of the costs.
        let remembered = (self.labels.len() / (2 * self.k)).clamp(16, REMEMBERED);
        let queues = &mut self.queues[from * self.k..][..self.k];
        queues[to.clone()].fill(Queue { moves: Vec::new(), complete: Some(ALL) });
        for &row in &self.members[from] {
            let costs = &self.costs[row as usize * self.k..][..self.k];
            for (queue, cost) in queues[to.clone()].iter_mut().zip(&costs[to.clone()]) {
                queue.offer((cost - costs[from], row), remembered);
            }
        }
        for queue in &mut queues[to] {
            queue.keep(remembered);
            queue.moves.sort_unstable_by(|a, b| b.cmp(a));
        }
    }

    fn relabel(&mut self, row: u32, to: usize) {
        let from = std::mem::replace(&mut self.labels[row as usize], to as u32) as usize;
        let place = self.places[row as usize];
        self.members[from].swap_remove(place as usize);
        if let Some(&moved) = self.members[from].get(place as usize) {
            self.places[moved as usize] = place;
        }
        self.places[row as usize] = self.members[to].len() as u32;
        self.members[to].push(row);
        let costs = &self.costs[row as usize * self.k..][..self.k];
        for next in (0..self.k).filter(|&next| next != to) {
            let new = (costs[next] - costs[to], row);
            let queue = &mut self.queues[to * self.k + next];
            if queue.complete.is_some_and(|complete| new < complete) {
                let place = queue.moves.partition_point(|old| *old > new);
                queue.moves.insert(place, new);
            }
        }
    }
}
