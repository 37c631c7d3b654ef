//! The directions in which rows spread most, found from a sample: leading principal directions, nearly.
//!
//! Subspace iteration (Golub and Van Loan 2013, section 7.3.2): multiply a few random directions by the sample's covariance and
//! make them orthonormal again, several times. Nothing later depends on how well this converges, for every orthonormal basis gives
//! right bounds ([`super::project`]); a better one rules out more.

use super::assign::Rows;
use super::element::{Element, Level, Vector};
use super::pack::Frame;
use super::sampled::{mixed, sampled};
use super::vector::Lanes;
use super::{par, tile};
use fearless_simd::Simd;

/// Rows that the covariance is formed of, at most.
const SAMPLE: usize = 2048;
const ROUNDS: usize = 6;

/// About `count` orthonormal directions of d numbers each, the widest first.
pub(crate) fn directions<F: Element>(
    level: Level,
    rows: Rows<'_, F>,
    frame: &Frame<F>,
    count: usize,
) -> Vec<F> {
    let (n, d) = (rows.n(), rows.d);
    let sample: Vec<usize> = sampled(n, SAMPLE).filter(|&i| rows.weight(i) > 0.0).collect();
    let mean: Vec<f64> =
        (0..d).map(|t| sample.iter().map(|&i| rows.row(i)[t].f64() / sample.len() as f64).sum()).collect();
    // Column by column, about their means.
    let s = sample.len();
    let mut columns = vec![F::default(); d * s];
    for (at, &i) in sample.iter().enumerate() {
        for (t, &x) in rows.row(i).iter().enumerate() {
            columns[t * s + at] = F::of((x.f64() - mean[t]) * frame.scale.f64());
        }
    }
    let covariance = products(level, &columns, &columns, s);
    // Any start will do that is not orthogonal to what is sought.
    let mut basis: Vec<F> = (0..(count * d) as u64)
        .map(|i| {
            let mix = mixed(i);
            F::of((mix >> 11) as f64 - (1u64 << 52) as f64)
        })
        .collect();
    orthonormalise(&mut basis, d);
    for _ in 0..ROUNDS {
        basis = products(level, &basis, &covariance, d);
        orthonormalise(&mut basis, d);
    }
    basis
}

/// Gram and Schmidt's process, twice for accuracy; a direction that is none any more becomes 0.
fn orthonormalise<F: Element>(basis: &mut [F], d: usize) {
    let count = basis.len() / d;
    let mut row = vec![0.0; d];
    let mut done: Vec<Vec<f64>> = Vec::with_capacity(count);
    for direction in basis.chunks_exact_mut(d) {
        row.iter_mut().zip(&*direction).for_each(|(row, x)| *row = x.f64());
        let before = dot(&row, &row);
        for _ in 0..2 {
            for other in &done {
                let along = dot(&row, other);
                row.iter_mut().zip(other).for_each(|(row, &other)| *row -= along * other);
            }
        }
        let square = dot(&row, &row);
        let factor = if square > before * 1e-12 && square.is_finite() { square.sqrt().recip() } else { 0.0 };
        row.iter_mut().for_each(|row| *row *= factor);
        direction.iter_mut().zip(&row).for_each(|(x, &row)| *x = F::of(row));
        done.push(row.clone());
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut part = [0.0; 8];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for t in 0..8 {
            part[t] += a[t] * b[t];
        }
    }
    part.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

/// At most how far the directions are from orthonormal: a bound on the norm of their products less the identity.
pub(crate) fn skew<F: Element>(basis: &[F], d: usize) -> f64 {
    let wide: Vec<Vec<f64>> =
        basis.chunks_exact(d).map(|direction| direction.iter().map(|x| x.f64()).collect()).collect();
    let off = |i: usize| -> f64 {
        (0..wide.len()).map(|j| (dot(&wide[i], &wide[j]) - f64::from(u8::from(i == j))).abs()).sum()
    };
    (0..wide.len()).map(off).fold(0.0, f64::max)
}

/// `a b^T` for two lists of rows of q numbers.
fn products<F: Element>(level: Level, a: &[F], b: &[F], q: usize) -> Vec<F> {
    let (rows, columns) = (a.len() / q, b.len() / q);
    let panels = panels(level, b, q);
    let mut out = vec![F::default(); rows * columns];
    let mut workers = vec![(); par::workers_for(rows as f64 * columns as f64 * q as f64)];
    let pieces = a.chunks(tile::ROWS * q).zip(out.chunks_mut(tile::ROWS * columns));
    par::share(&mut workers, pieces, |(), (a, out)| F::multiply(level, a, &panels, q, columns, out));
    out
}

/// Rows of q numbers as panels for the tile, with starts of 0.
pub(crate) fn panels<F: Element>(level: Level, rows: &[F], q: usize) -> Vec<F> {
    let width = 2 * F::width(level);
    let count = (rows.len() / q).div_ceil(width);
    let mut panels = vec![F::default(); count * width * (q + 1)];
    for (j, row) in rows.chunks_exact(q).enumerate() {
        let base = (j / width) * width * (q + 1) + width + j % width;
        for (t, &x) in row.iter().enumerate() {
            panels[base + t * width] = x;
        }
    }
    panels
}

/// The products of up to `ROWS` rows with each row in the panels: `columns` numbers a row.
#[inline(always)]
pub(super) fn multiply<S: Simd, F: Element>(
    simd: S,
    rows: &[F],
    panels: &[F],
    q: usize,
    columns: usize,
    out: &mut [F],
) {
    let width = 2 * Vector::<S, F>::LEN;
    let mut full = Vec::new();
    let rows = if rows.len() == tile::ROWS * q {
        rows
    } else {
        full.resize(tile::ROWS * q, F::default());
        full[..rows.len()].copy_from_slice(rows);
        &full
    };
    let mut lanes = vec![F::default(); width];
    for (p, panel) in panels.chunks_exact(width * (q + 1)).enumerate() {
        let scores = tile::scores(simd, rows, panel, q);
        for (scores, out) in scores.iter().zip(out.chunks_exact_mut(columns)) {
            scores[0].store(&mut lanes);
            scores[1].store(&mut lanes[width / 2..]);
            let out = &mut out[p * width..columns.min((p + 1) * width)];
            out.copy_from_slice(&lanes[..out.len()]);
        }
    }
}
