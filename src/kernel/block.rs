//! The reference distances of sixteen rows at a time to every centroid: the rows lie in the lanes.
//!
//! Fuzzy memberships and distance features need every distance and not only the nearest, and L1 distances have no dot product to be scored by. All are
//! formed in f64 here, in the order of operations of [`exact`](super::exact): eight interleaved partial sums (t mod 8), joined in
//! one order, without fused multiply-add. So they are the same bits on every machine.

use super::dispatch::by_columns;
use super::element::Element;

/// Rows in a block: two vectors of AVX-512, four of AVX2.
pub(crate) const ROWS: usize = 16;

/// One number for each row of a block.
pub(crate) type Lanes = [f64; ROWS];

/// What a difference in one column adds to a distance.
pub(crate) trait Metric {
    fn term(difference: f64) -> f64;
}

/// The squared Euclidean distance.
pub(crate) struct SquaredEuclidean;

impl Metric for SquaredEuclidean {
    #[inline(always)]
    fn term(difference: f64) -> f64 {
        difference * difference
    }
}

/// The L1 distance.
pub(crate) struct Manhattan;

impl Metric for Manhattan {
    #[inline(always)]
    fn term(difference: f64) -> f64 {
        difference.abs()
    }
}

/// The distance of one pair, by the same order of operations.
#[inline(always)]
pub(crate) fn distance<M: Metric, F: Element>(x: &[F], c: &[F]) -> f64 {
    let mut part = [0.0; 8];
    for (x, c) in x.chunks(8).zip(c.chunks(8)) {
        for (part, (x, c)) in part.iter_mut().zip(x.iter().zip(c)) {
            *part += M::term(x.f64() - c.f64());
        }
    }
    let [a, b, c, d, e, f, g, h] = part;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// Writes the columns of up to [`ROWS`] rows; the lanes that are left hold zeros.
#[inline(always)]
pub(crate) fn transpose<F: Element>(rows: &[F], columns: &mut [Lanes]) {
    let d = columns.len();
    if rows.len() < ROWS * d {
        columns.fill([0.0; ROWS]);
    }
    for (i, row) in rows.chunks_exact(d).enumerate() {
        for (column, x) in columns.iter_mut().zip(row) {
            column[i] = x.f64();
        }
    }
}

/// The distance of each row of the block to each centroid.
#[inline(always)]
pub(crate) fn distances<M: Metric, F: Element>(columns: &[Lanes], centroids: &[F], out: &mut [Lanes]) {
    by_columns!(
        columns.len(),
        [1 2 3 4 8],
        D => {
            let columns: &[Lanes; D] = columns.try_into().expect("as matched");
            for (centroid, out) in centroids.as_chunks::<D>().0.iter().zip(out) {
                *out = joined::<M, F>(columns, centroid);
            }
        },
        else for (centroid, out) in centroids.chunks_exact(columns.len()).zip(out) {
            *out = joined::<M, F>(columns, centroid);
        }
    );
}

/// The Euclidean distance (not squared) of each row of a block to some centroids, written for each row `stride` places after those of the row before; false if one is
/// too large for F. There is room for the columns and the squares.
#[inline(always)]
pub(super) fn roots<F: Element>(
    rows: &[F],
    centroids: &[F],
    (columns, squares): (&mut [Lanes], &mut [Lanes]),
    (out, stride): (&mut [F], usize),
) -> bool {
    transpose(rows, columns);
    distances::<SquaredEuclidean, F>(columns, centroids, squares);
    squares.as_flattened_mut().iter_mut().for_each(|square| *square = square.sqrt());
    let mut fits = true;
    for (i, out) in out.chunks_mut(stride).enumerate() {
        for (out, root) in out.iter_mut().zip(&*squares) {
            *out = F::of(root[i]);
            fits &= out.is_finite();
        }
    }
    fits
}

#[inline(always)]
fn joined<M: Metric, F: Element>(columns: &[Lanes], centroid: &[F]) -> Lanes {
    let part = |p: usize| {
        let mut sum = [0.0; ROWS];
        for t in (p..columns.len()).step_by(8) {
            let c = centroid[t].f64();
            for (sum, x) in sum.iter_mut().zip(&columns[t]) {
                *sum += M::term(x - c);
            }
        }
        sum
    };
    let plus = |a: Lanes, b: Lanes| -> Lanes { std::array::from_fn(|i| a[i] + b[i]) };
    let first = plus(plus(part(0), part(1)), plus(part(2), part(3)));
    plus(first, plus(plus(part(4), part(5)), plus(part(6), part(7))))
}
