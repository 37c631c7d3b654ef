//! Passes that measure: the range of the data, distances by the reference, and their sums.

use super::assign::Rows;
use super::block::ROWS;
use super::element::{Element, Level};
use super::moments::{Grid, Sum};
use super::pack::Range;
use super::par;

/// The largest and smallest value of each column over the rows of positive weight; or the first row and column
/// whose value is not finite, whatever its weight.
pub(crate) fn range<F: Element>(level: Level, rows: Rows<'_, F>) -> Result<Range<F>, (usize, usize)> {
    const CHUNK: usize = 4096;
    let d = rows.d;
    // Several rows side by side, so that the vectors are full.
    let wide = if rows.weights.is_none() { d * 64usize.div_ceil(d) } else { d };
    let mut workers: Vec<_> = (0..par::workers_for(rows.values.len() as f64))
        .map(|_| (Range::new(wide), Range::new(d), true))
        .collect();
    par::share(&mut workers, (0..rows.n()).step_by(CHUNK), |(range, ignored, finite), first| {
        let rows = rows.part(first, CHUNK.min(rows.n() - first));
        match rows.weights {
            None => *finite &= F::scan(level, rows.values, range),
            Some(weights) => {
                for (row, &weight) in rows.values.chunks_exact(d).zip(weights) {
                    *finite &= F::scan(level, row, if weight > 0.0 { range } else { ignored });
                }
            }
        }
    });
    if workers.iter().all(|worker| worker.2) {
        let mut all = Range::new(d);
        workers.iter().for_each(|worker| all.fold(&worker.0));
        return Ok(all);
    }
    let at = rows.values.iter().position(|x| !x.f64().is_finite()).unwrap_or(0);
    Err((at / d, at % d))
}

/// The sum of weight times squared distance of each row to the centroid that its label names (the first without labels).
pub(crate) fn inertia<F: Element>(
    level: Level,
    rows: Rows<'_, F>,
    centroids: &[F],
    labels: Option<&[u32]>,
    grid: &Grid,
) -> f64 {
    let (sum, largest) = sum_distances(level, rows, centroids, labels, grid);
    if largest == 0.0 || largest > grid.largest * 1e-9 {
        return sum.value(grid);
    }
    // The rows lie much nearer to their centroids than they might have: a finer grid loses nothing of the sum.
    let grid = Grid::new(largest, largest * rows.n() as f64, rows.n());
    sum_distances(level, rows, centroids, labels, &grid).0.value(&grid)
}

/// The sum on a grid, and its largest term.
fn sum_distances<F: Element>(
    level: Level,
    rows: Rows<'_, F>,
    centroids: &[F],
    labels: Option<&[u32]>,
    grid: &Grid,
) -> (Sum, f64) {
    const CHUNK: usize = 512;
    let workers = par::workers_for(rows.values.len() as f64);
    let mut workers: Vec<_> = (0..workers).map(|_| (Sum::default(), 0.0, vec![0.0; CHUNK])).collect();
    par::share(&mut workers, (0..rows.n()).step_by(CHUNK), |(sum, largest, distances), first| {
        let rows = rows.part(first, CHUNK.min(rows.n() - first));
        let distances = &mut distances[..rows.n()];
        F::own_distances(
            level,
            rows.values,
            centroids,
            rows.d,
            labels.map(|l| &l[first..][..rows.n()]),
            distances,
        );
        for (distance, &weight) in distances.iter_mut().zip(rows.weights.unwrap_or_default()) {
            *distance *= weight;
        }
        *largest = f64::max(*largest, F::add_all(level, grid, distances, sum));
    });
    let mut total = Sum::default();
    workers.iter().for_each(|worker| total.merge(&worker.0));
    (total, workers.iter().map(|worker| worker.1).fold(0.0, f64::max))
}

/// The squared distance of each row to the centroid that its label names (the first without labels).
pub(crate) fn distances<F: Element>(
    level: Level,
    rows: Rows<'_, F>,
    centroids: &[F],
    labels: Option<&[u32]>,
    out: &mut [f64],
) {
    const CHUNK: usize = 4096;
    let mut workers = vec![(); par::workers_for(rows.values.len() as f64)];
    par::share(&mut workers, out.chunks_mut(CHUNK).enumerate(), |(), (c, out)| {
        let part = rows.part(c * CHUNK, out.len());
        F::own_distances(
            level,
            part.values,
            centroids,
            rows.d,
            labels.map(|l| &l[c * CHUNK..][..out.len()]),
            out,
        );
    });
}

/// The squared distance between the first points of two sets, the second points, and so on.
pub(crate) fn between<F: Element>(level: Level, a: &[F], b: &[F], d: usize) -> Vec<f64> {
    let mut squares = vec![0.0; a.len() / d];
    let mut workers = vec![(); par::workers_for(a.len() as f64)];
    let points = squares.len().div_ceil(workers.len() * 2).max(1);
    let pairs = a.chunks(points * d).zip(b.chunks(points * d));
    let same: Vec<u32> = (0..points as u32).collect();
    par::share(&mut workers, squares.chunks_mut(points).zip(pairs), |(), (out, (a, b))| {
        F::own_distances(level, a, b, d, Some(&same), out);
    });
    squares
}

/// The Euclidean distance (not squared) of each row to each centroid, row by row; false if one is too large for F.
pub(crate) fn transform<F: Element>(
    level: Level,
    values: &[F],
    centroids: &[F],
    d: usize,
    out: &mut [F],
) -> bool {
    // Their distances to a block of rows stay in the cache.
    const CENTROIDS: usize = 256;
    // A block costs the same however few rows it has: with fewer, each for itself.
    let few = if d <= 4 { 3 } else { 8 };
    let (k, rows) = (centroids.len() / d, 4 * ROWS);
    let workers = par::workers_for(values.len() as f64 * k as f64).min(values.len().div_ceil(rows * d));
    let lanes = |n: usize| vec![[0.0; ROWS]; n];
    let mut workers: Vec<_> = (0..workers).map(|_| (lanes(d), lanes(k.min(CENTROIDS)), true)).collect();
    let pieces = values.chunks(rows * d).zip(out.chunks_mut(rows * k));
    par::share(&mut workers, pieces, |(columns, squares, fits), (values, out)| {
        for (values, out) in values.chunks(ROWS * d).zip(out.chunks_mut(ROWS * k)) {
            for (c, some) in centroids.chunks(CENTROIDS * d).enumerate() {
                let (squares, out) = (&mut squares[..some.len() / d], &mut out[c * CENTROIDS..]);
                *fits &= if values.len() < few * d {
                    single_roots(level, values, some, squares.as_flattened_mut(), (out, k))
                } else {
                    F::roots(level, values, some, (columns, squares), (out, k))
                };
            }
        }
    });
    workers.iter().all(|worker| worker.2)
}

/// What [`Element::roots`] writes, row after row.
fn single_roots<F: Element>(
    level: Level,
    rows: &[F],
    centroids: &[F],
    squares: &mut [f64],
    (out, stride): (&mut [F], usize),
) -> bool {
    let (d, mut fits) = (centroids.len() / (squares.len() / ROWS), true);
    for (row, out) in rows.chunks_exact(d).zip(out.chunks_mut(stride)) {
        F::all_distances(level, row, centroids, squares);
        for (out, square) in out.iter_mut().zip(&squares[..centroids.len() / d]) {
            *out = F::of(square.sqrt());
            fits &= out.is_finite();
        }
    }
    fits
}
