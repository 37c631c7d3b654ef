//! The nearest and the second nearest centroid of each row, in f64: for the simplified silhouette.
//!
//! The scores of the assignment are approximate and differ between machines; what is certified there is only the label. Here the two distances
//! themselves are wanted. Eight rows lie in the lanes, centroids are broadcast, and the squared distances come from differences, in one order
//! on every machine.

use super::dispatch::dispatch;
use super::element::{Element, Level};
use super::par;
use super::silhouette::{BLOCK, ratio};
use fearless_simd::{Select, Simd, SimdBase, f64x8};

/// Rows that a thread takes at once.
const CHUNK: usize = 1024;

/// Rows in the lanes.
pub(super) fn turn<F: Element>(values: &[F], d: usize, block: &mut [f64]) {
    for (l, row) in values.chunks_exact(d).enumerate() {
        for (t, value) in row.iter().enumerate() {
            block[t * BLOCK + l] = value.f64();
        }
    }
}

/// For each row `(b - a) / max(a, b)`, with the distances a and b to the nearest and the second nearest centroid, and 0 for the only row of a centroid;
/// and how many rows each centroid has. None if a squared distance is not finite.
pub(crate) fn simplified_silhouettes<F: Element>(
    level: Level,
    values: &[F],
    centroids: &[f64],
    d: usize,
) -> Option<(Vec<f64>, Vec<usize>)> {
    let (n, k) = (values.len() / d, centroids.len() / d);
    let mut out = vec![0.0; n];
    // Where the distances differ by less, the nearest is the reference's, whose order of operations is another.
    let rounding = (d + 8) as f64 * 2.0 * f64::EPSILON;
    let cost = 3.0 * values.len() as f64 * k as f64;
    // Per cluster its rows, and the last of them.
    let worker = (vec![0.0; d * BLOCK], vec![(0, 0); k], true);
    let mut workers = vec![worker; par::workers_for(cost)];
    let pieces = values.chunks(CHUNK * d).zip(out.chunks_mut(CHUNK)).enumerate();
    par::share(&mut workers, pieces, |(block, seen, finite), (p, (values, out))| {
        let rows = values.chunks(BLOCK * d).zip(out.chunks_mut(BLOCK)).enumerate();
        for (i, (values, out)) in rows {
            turn(values, d, block);
            let (mut best, mut next, mut label) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
            two(level, block, centroids, (&mut best, &mut next, &mut label));
            for ((l, out), row) in out.iter_mut().enumerate().zip(values.chunks_exact(d)) {
                *finite &= next[l] < f64::INFINITY;
                *out = ratio(best[l].sqrt(), next[l].sqrt());
                let mut label = label[l] as usize;
                if !(next[l] - best[l] > next[l] * rounding) {
                    let row: Vec<f64> = row.iter().map(|x| x.f64()).collect();
                    label = f64::nearest(level, &row, centroids).0 as usize;
                }
                let seen = &mut seen[label];
                *seen = (seen.0 + 1, p * CHUNK + i * BLOCK + l);
            }
        }
    });
    let mut sizes = vec![0; k];
    for j in 0..k {
        sizes[j] = workers.iter().map(|worker| worker.1[j].0).sum();
        if sizes[j] == 1 {
            let alone = workers.iter().find(|worker| worker.1[j].0 == 1).map_or(0, |worker| worker.1[j].1);
            out[alone] = 0.0;
        }
    }
    workers.iter().all(|worker| worker.2).then_some((out, sizes))
}

type Lanes = [f64; BLOCK];

fn two(level: Level, block: &[f64], centroids: &[f64], out: (&mut Lanes, &mut Lanes, &mut Lanes)) {
    dispatch!(level, simd => two_of(simd, block, centroids, out));
}

#[inline(always)]
fn two_of<S: Simd>(
    simd: S,
    block: &[f64],
    centroids: &[f64],
    (best_out, next_out, label_out): (&mut Lanes, &mut Lanes, &mut Lanes),
) {
    const TOGETHER: usize = 4;
    let lanes = block.as_chunks::<BLOCK>().0;
    let d = lanes.len();
    let infinity = simd.splat_f64x8(f64::INFINITY);
    let (mut best, mut next, mut label) = (infinity, infinity, simd.splat_f64x8(0.0));
    let mut consider = |j: usize, square: f64x8<S>| {
        // The lowest of equally near centroids stays.
        let nearer = square.simd_lt(best);
        next = nearer.select(best, square.min(next));
        label = nearer.select(simd.splat_f64x8(j as f64), label);
        best = nearer.select(square, best);
    };
    let groups = centroids.chunks(TOGETHER * d).enumerate();
    for (g, group) in groups {
        if group.len() == TOGETHER * d {
            let centroid: [&[f64]; TOGETHER] = std::array::from_fn(|c| &group[c * d..][..d]);
            let mut squares = [simd.splat_f64x8(0.0); TOGETHER];
            for (t, row) in lanes.iter().enumerate() {
                let row = f64x8::from_slice(simd, row);
                for c in 0..TOGETHER {
                    let difference = row - simd.splat_f64x8(centroid[c][t]);
                    squares[c] += difference * difference;
                }
            }
            for (c, square) in squares.into_iter().enumerate() {
                consider(g * TOGETHER + c, square);
            }
        } else {
            for (c, centroid) in group.chunks_exact(d).enumerate() {
                let mut square = simd.splat_f64x8(0.0);
                for (row, &value) in lanes.iter().zip(centroid) {
                    let difference = f64x8::from_slice(simd, row) - simd.splat_f64x8(value);
                    square += difference * difference;
                }
                consider(g * TOGETHER + c, square);
            }
        }
    }
    best.store_slice(best_out);
    next.store_slice(next_out);
    label.store_slice(label_out);
}
