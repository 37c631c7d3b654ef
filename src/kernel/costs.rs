//! Squared distances as integers, for problems that want exact arithmetic.

use super::assign::Rows;
use super::element::{Element, Level};
use super::pack::{exponent, power_of_two};
use super::par;

/// The reference distance (squared) of each row to each centroid, row by row, in steps of 2^-61 of the largest or less.
/// Exact for those that are at least 1/512 of the largest.
pub(crate) fn integers<F: Element>(level: Level, rows: Rows<'_, F>, centroids: &[F], out: &mut Vec<i64>) {
    const ROWS: usize = 64;
    let (d, k) = (rows.d, centroids.len() / rows.d);
    out.resize(rows.n() * k, 0);
    let workers = par::workers_for(rows.values.len() as f64 * k as f64);
    let mut workers: Vec<_> = (0..workers).map(|_| (vec![0.0; k], 0.0)).collect();
    let pieces = || rows.values.chunks(ROWS * d);
    // Bits of the distances first, for the largest of them sets the scale.
    par::share(
        &mut workers,
        pieces().zip(out.chunks_mut(ROWS * k)),
        |(distances, largest), (values, out)| {
            for (row, out) in values.chunks_exact(d).zip(out.chunks_exact_mut(k)) {
                F::all_distances(level, row, centroids, distances);
                for (out, &distance) in out.iter_mut().zip(&*distances) {
                    *largest = f64::max(*largest, distance);
                    *out = distance.to_bits() as i64;
                }
            }
        },
    );
    let largest = workers.iter().map(|worker| worker.1).fold(0.0, f64::max);
    if largest == 0.0 {
        return;
    }
    // The factor may be past the range of f64, so in two halves.
    let shift = 61 - exponent(largest);
    let (first, second) = (power_of_two(shift / 2), power_of_two(shift - shift / 2));
    par::share(&mut workers, out.chunks_mut(ROWS * k), |_, out| {
        for out in out {
            *out = (f64::from_bits(*out as u64) * first * second) as i64;
        }
    });
}
