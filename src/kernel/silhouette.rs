//! Sums of distances between rows, cluster by cluster, and the two nearest centroids of each row, all in f64.
//!
//! Rows are taken in the order of their clusters, as f64, in *blocks* of eight: eight rows in the lanes, one vector for each column, so that a
//! row meets eight others at once. The last block of a cluster is filled up with zeros that are masked out of the sums. Distances come from differences,
//! not from dot products: equal rows are at distance 0, and rows far from the origin lose nothing.
//!
//! Every distance serves both its rows. One cluster at a time meets itself and those after it, in pieces of a fixed number of rows. A piece adds up its
//! rows in registers; what it adds to the rows of the other cluster is kept apart and summed piece by piece, in order. So the sums do not depend on
//! threads or vectors, and no n-by-n or n-by-k matrix exists: the memory is O(n d).

use super::assign::Rows;
use super::dispatch::dispatch;
use super::element::{Element, Level};
use super::par;
use fearless_simd::{Simd, SimdBase, SimdFloat, f64x8};

/// Rows in a block.
pub(crate) const BLOCK: usize = 8;
/// Rows that meet a block together.
const TOGETHER: usize = 4;
/// Pieces that a cluster is cut into at the most, and rows of a piece at the least.
const PIECES: usize = 8;
const LEAST: usize = 64;

/// The rows by cluster.
pub(crate) struct Grouped {
    d: usize,
    /// Rows in the order of their clusters.
    order: Vec<u32>,
    /// Where each cluster begins in `order`, and the end of the last.
    starts: Vec<usize>,
    /// Row by row, in that order.
    values: Vec<f64>,
    /// The same rows in blocks.
    blocks: Vec<f64>,
    /// Where the blocks of each cluster begin, counted in blocks.
    block_starts: Vec<usize>,
}

impl Grouped {
    /// Labels are 0 to k - 1, and every cluster has a row.
    pub(crate) fn new<F: Element>(rows: Rows<'_, F>, labels: &[u32], sizes: &[usize]) -> Self {
        let d = rows.d;
        let mut starts = vec![0];
        let mut block_starts = vec![0];
        for &size in sizes {
            starts.push(starts[starts.len() - 1] + size);
            block_starts.push(block_starts[block_starts.len() - 1] + size.div_ceil(BLOCK));
        }
        let mut next = starts.clone();
        let mut order = vec![0; labels.len()];
        for (i, &label) in (0..).zip(labels) {
            order[next[label as usize]] = i;
            next[label as usize] += 1;
        }
        let mut values = Vec::with_capacity(labels.len() * d);
        for &i in &order {
            values.extend(rows.row(i as usize).iter().map(|x| x.f64()));
        }
        let mut blocks = vec![0.0; block_starts[sizes.len()] * BLOCK * d];
        for (j, &size) in sizes.iter().enumerate() {
            for i in 0..size {
                let block = &mut blocks[(block_starts[j] + i / BLOCK) * BLOCK * d..][..BLOCK * d];
                for (t, value) in values[(starts[j] + i) * d..][..d].iter().enumerate() {
                    block[t * BLOCK + i % BLOCK] = *value;
                }
            }
        }
        Grouped { d, order, starts, values, blocks, block_starts }
    }

    fn clusters(&self) -> usize {
        self.starts.len() - 1
    }

    fn size(&self, j: usize) -> usize {
        self.starts[j + 1] - self.starts[j]
    }

    fn blocks_of(&self, j: usize) -> &[f64] {
        let width = BLOCK * self.d;
        &self.blocks[self.block_starts[j] * width..self.block_starts[j + 1] * width]
    }

    /// The silhouette of every row, in the order of the data.
    pub(crate) fn silhouettes(&self, level: Level) -> Vec<f64> {
        let (n, k, d) = (self.order.len(), self.clusters(), self.d);
        let mut own = vec![0.0; n];
        let mut nearest = vec![f64::INFINITY; n];
        let mut kept = Vec::new();
        for a in 0..k {
            let (begin, size) = (self.starts[a], self.size(a));
            let rows = size.div_ceil(PIECES).max(LEAST);
            let pieces = size.div_ceil(rows);
            let after = (self.block_starts[k] - self.block_starts[a + 1]) * BLOCK;
            kept.clear();
            kept.resize(pieces * after, 0.0);
            let (own_a, mut rest) = (&mut own[begin..][..size], kept.as_mut_slice());
            let mut work = Vec::new();
            for (p, own) in own_a.chunks_mut(rows).enumerate() {
                work.push((p, a, own, &mut [] as &mut [f64]));
            }
            for p in 0..pieces {
                for b in a + 1..k {
                    let (columns, left) = rest.split_at_mut(self.size(b).div_ceil(BLOCK) * BLOCK);
                    rest = left;
                    work.push((p, b, &mut [] as &mut [f64], columns));
                }
            }
            let cost = 3.0 * size as f64 * (n - begin) as f64 * (d + 4) as f64;
            // Sums to one cluster, and the least mean so far, of the rows of this cluster.
            let mut workers = vec![(vec![0.0; rows], vec![f64::INFINITY; size]); par::workers_for(cost)];
            par::share(&mut workers, work.into_iter(), |(sums, least), (p, b, own, columns)| {
                let count = rows.min(size - p * rows);
                let rows_a = &self.values[(begin + p * rows) * d..][..count * d];
                let sums = if b == a { own } else { &mut sums[..count] };
                add_distances(level, rows_a, self.blocks_of(b), (d, self.size(b)), sums, columns);
                if b != a {
                    for (least, &sum) in least[p * rows..].iter_mut().zip(&*sums) {
                        *least = f64::min(*least, sum / self.size(b) as f64);
                    }
                }
            });
            for (_, least) in &workers {
                for (nearest, &least) in nearest[begin..].iter_mut().zip(least) {
                    *nearest = f64::min(*nearest, least);
                }
            }
            for b in a + 1..k {
                let at = (self.block_starts[b] - self.block_starts[a + 1]) * BLOCK;
                for i in 0..self.size(b) {
                    let sum = (0..pieces).fold(0.0, |sum, p| sum + kept[p * after + at + i]);
                    let nearest = &mut nearest[self.starts[b] + i];
                    *nearest = f64::min(*nearest, sum / size as f64);
                }
            }
        }
        let mut out = vec![0.0; n];
        for j in 0..k {
            for i in self.starts[j]..self.starts[j + 1] {
                out[self.order[i] as usize] = silhouette(own[i], nearest[i], self.size(j));
            }
        }
        out
    }

    /// The silhouettes of some rows, which meet all others.
    pub(crate) fn some_silhouettes<F: Element>(
        &self,
        level: Level,
        rows: Rows<'_, F>,
        labels: &[u32],
        which: &[usize],
    ) -> Vec<f64> {
        const CHUNK: usize = 16;
        let (n, d) = (self.order.len(), self.d);
        let mut out = vec![0.0; which.len()];
        let cost = 3.0 * which.len() as f64 * n as f64 * (d + 4) as f64;
        let buffers = (Vec::with_capacity(CHUNK * d), [0.0; CHUNK], [0.0; CHUNK]);
        let mut workers = vec![buffers; par::workers_for(cost)];
        let pieces = which.chunks(CHUNK).zip(out.chunks_mut(CHUNK));
        par::share(&mut workers, pieces, |(values, sums, own), (which, out)| {
            values.clear();
            which.iter().for_each(|&i| values.extend(rows.row(i).iter().map(|x| x.f64())));
            let sums = &mut sums[..which.len()];
            out.fill(f64::INFINITY);
            for b in 0..self.clusters() {
                add_distances(level, values, self.blocks_of(b), (d, self.size(b)), sums, &mut []);
                for (c, (&i, &sum)) in which.iter().zip(&*sums).enumerate() {
                    if labels[i] as usize == b {
                        own[c] = sum;
                    } else {
                        out[c] = f64::min(out[c], sum / self.size(b) as f64);
                    }
                }
            }
            for (c, &i) in which.iter().enumerate() {
                out[c] = silhouette(own[c], out[c], self.size(labels[i] as usize));
            }
        });
        out
    }
}

/// From the sum of the distances to the own cluster, the least mean distance to another, and the size of the own one.
fn silhouette(own: f64, nearest: f64, size: usize) -> f64 {
    if size == 1 {
        return 0.0;
    }
    ratio(own / (size - 1) as f64, nearest)
}

/// `(b - a) / max(a, b)`, and 0 if both are 0.
pub(super) fn ratio(a: f64, b: f64) -> f64 {
    let larger = a.max(b);
    if larger > 0.0 { (b - a) / larger } else { 0.0 }
}

/// The distances between rows and a cluster of `size` rows in blocks: their sum for each row, and added to `columns` (unless that is empty) for
/// each row of the cluster.
fn add_distances(
    level: Level,
    rows: &[f64],
    blocks: &[f64],
    (d, size): (usize, usize),
    sums: &mut [f64],
    columns: &mut [f64],
) {
    dispatch!(level, simd => meet(simd, rows, blocks, (d, size), sums, columns));
}

#[inline(always)]
fn meet<S: Simd>(
    simd: S,
    rows: &[f64],
    blocks: &[f64],
    (d, size): (usize, usize),
    sums: &mut [f64],
    columns: &mut [f64],
) {
    let whole = sums.len() / TOGETHER * TOGETHER;
    for (rows, sums) in rows.chunks_exact(TOGETHER * d).zip(sums.chunks_exact_mut(TOGETHER)) {
        meet_some::<S, TOGETHER>(simd, rows, blocks, (d, size), sums, columns);
    }
    for (row, sum) in rows[whole * d..].chunks_exact(d).zip(sums[whole..].chunks_exact_mut(1)) {
        meet_some::<S, 1>(simd, row, blocks, (d, size), sum, columns);
    }
}

#[inline(always)]
fn meet_some<S: Simd, const R: usize>(
    simd: S,
    rows: &[f64],
    blocks: &[f64],
    (d, size): (usize, usize),
    sums: &mut [f64],
    columns: &mut [f64],
) {
    let zero = simd.splat_f64x8(0.0);
    let row: [&[f64]; R] = std::array::from_fn(|r| &rows[r * d..][..d]);
    let mut total = [zero; R];
    let full = size / BLOCK;
    for (b, block) in blocks.chunks_exact(d * BLOCK).enumerate() {
        let mut squares = [zero; R];
        for (t, lanes) in block.as_chunks::<BLOCK>().0.iter().enumerate() {
            let lanes = f64x8::from_slice(simd, lanes);
            for r in 0..R {
                let difference = lanes - simd.splat_f64x8(row[r][t]);
                squares[r] += difference * difference;
            }
        }
        let mut distance: [_; R] = std::array::from_fn(|r| squares[r].sqrt());
        if b == full {
            let mask: [f64; BLOCK] = std::array::from_fn(|l| if l < size % BLOCK { 1.0 } else { 0.0 });
            let mask = f64x8::from_slice(simd, &mask);
            for distance in &mut distance {
                *distance *= mask;
            }
        }
        let mut column = zero;
        for r in 0..R {
            total[r] += distance[r];
            column += distance[r];
        }
        if !columns.is_empty() {
            let columns = &mut columns[b * BLOCK..][..BLOCK];
            (f64x8::from_slice(simd, columns) + column).store_slice(columns);
        }
    }
    for r in 0..R {
        let mut lanes = [0.0; BLOCK];
        total[r].store_slice(&mut lanes);
        let [a, b, c, d, e, f, g, h] = lanes;
        sums[r] = ((a + b) + (c + d)) + ((e + f) + (g + h));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededRng;
    use crate::kernel::tests::levels;

    fn naive(rows: Rows<'_, f64>, labels: &[u32], k: usize, i: usize) -> f64 {
        let mut sums = vec![(0.0, 0.0); k];
        for j in (0..rows.n()).filter(|&j| j != i) {
            let squares = rows.row(i).iter().zip(rows.row(j)).map(|(a, b)| (a - b) * (a - b));
            let sum = &mut sums[labels[j] as usize];
            *sum = (sum.0 + squares.sum::<f64>().sqrt(), sum.1 + 1.0);
        }
        let (own, count) = sums.remove(labels[i] as usize);
        if count == 0.0 {
            return 0.0;
        }
        let (a, b) = (own / count, sums.iter().map(|(sum, n)| sum / n).fold(f64::INFINITY, f64::min));
        if a.max(b) > 0.0 { (b - a) / a.max(b) } else { 0.0 }
    }

    #[test]
    fn silhouettes_are_those_of_the_definition_and_the_same_at_every_level() {
        let mut rng = SeededRng::new(4);
        for (n, d, k) in [(2, 1, 2), (9, 2, 3), (150, 3, 4), (400, 17, 3), (333, 5, 80), (700, 1, 2)] {
            let values: Vec<f64> = (0..n * d).map(|_| (rng.uniform() * 9.0).floor() + 1e6).collect();
            let mut labels: Vec<u32> = (0..n).map(|i| if i < k { i } else { rng.below(k) } as u32).collect();
            if n > 300 {
                // One cluster far larger than the others, cut into pieces.
                labels.iter_mut().skip(k).for_each(|label| *label = if *label % 4 == 1 { *label } else { 0 });
            }
            let rows = Rows { values: &values, d, weights: None };
            let sizes: Vec<usize> =
                (0..k as u32).map(|j| labels.iter().filter(|&&l| l == j).count()).collect();
            let grouped = Grouped::new(rows, &labels, &sizes);
            let found = grouped.silhouettes(Level::new());
            let all: Vec<usize> = (0..n).collect();
            let some = grouped.some_silhouettes(Level::new(), rows, &labels, &all);
            for i in 0..n {
                let expected = naive(rows, &labels, k, i);
                assert!((found[i] - expected).abs() < 1e-11, "{n} {d} {k}: {i}: {} {expected}", found[i]);
                assert!((some[i] - expected).abs() < 1e-11, "{n} {d} {k}: {i}: {} {expected}", some[i]);
            }
            for level in levels() {
                assert_eq!(grouped.silhouettes(level), found);
            }
        }
    }
}
