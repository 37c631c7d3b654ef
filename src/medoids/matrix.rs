//! All dissimilarities of n rows.

use super::metric::Points;
use crate::data::contiguous;
use crate::error::Error;
use crate::float::Float;
use crate::kernel::{Element, Level, par};
use ndarray::{ArrayView1, ArrayView2};
use std::borrow::Cow;

/// Rows and columns of the squares in which a matrix is met beside its mirror image.
const SIDE: usize = 32;

/// A square of n by n values, symmetric but for rounding.
pub(super) struct Matrix<'a, F: Float> {
    n: usize,
    values: Cow<'a, [F]>,
}

impl<'a, F: Float> Matrix<'a, F> {
    /// A matrix that was given.
    pub(super) fn square(matrix: ArrayView2<'a, F>, k: usize) -> Result<Self, Error> {
        let (n, columns) = matrix.dim();
        if n != columns {
            return Err(Error::NotSquare { rows: n, columns });
        }
        if n == 0 {
            return Err(Error::NoRows);
        }
        let values = contiguous(matrix, k)?;
        if !sound(&values, n) {
            for (at, &value) in values.iter().enumerate() {
                let (row, column) = (at / n, at % n);
                check(n, row, column, Element::f64(value))?;
                let mirrored = values[column * n + row];
                if column > row && !alike(value, mirrored) {
                    let (value, mirrored) = (Element::f64(value), Element::f64(mirrored));
                    return Err(Error::Asymmetric { row, column, value, mirrored });
                }
            }
        }
        Ok(Matrix { n, values })
    }

    /// The values above the diagonal, row by row; the diagonal is 0.
    pub(super) fn condensed(values: ArrayView1<'_, F>, k: usize) -> Result<Self, Error> {
        let found = values.len();
        // The root of 2 found lies between n - 1 and n.
        let n = found.checked_mul(2).ok_or(Error::CondensedLength { found })?.isqrt() + 1;
        if n * (n - 1) / 2 != found {
            return Err(Error::CondensedLength { found });
        }
        let mut square = empty(n, k)?;
        let mut values = values.iter();
        for row in 0..n {
            for column in row + 1..n {
                let value = *values.next().expect("as many as counted");
                check(n, row, column, Element::f64(value))?;
                square[row * n + column] = value;
            }
        }
        Ok(Matrix { n, values: Cow::Owned(mirror(square, n)) })
    }

    /// Of the rows of some data.
    pub(super) fn of_rows(level: Level, points: &Points<'_, F>, k: usize) -> Result<Self, Error> {
        let n = points.n();
        let mut square = empty(n, k)?;
        let workers = par::workers_for(points.row(0).len() as f64 * n as f64 * n as f64);
        // A buffer, and the first row whose dissimilarities are not what they should be.
        let mut workers = vec![(vec![0.0; n], None::<(usize, usize, f64)>); workers];
        par::share(&mut workers, square.chunks_mut(n).enumerate(), |(buffer, flaw), (i, out)| {
            let others = i + 1..n;
            points.distances(level, i, points, others.clone(), &mut buffer[others.clone()]);
            for j in others {
                out[j] = Element::of(buffer[j]);
                let value = Element::f64(out[j]);
                if check(n, i, j, value).is_err() && flaw.is_none_or(|(row, ..)| i < row) {
                    *flaw = Some((i, j, value));
                }
            }
        });
        if let Some((row, column, value)) =
            workers.into_iter().filter_map(|worker| worker.1).min_by_key(|flaw| flaw.0)
        {
            return Err(Error::Dissimilarity { row, column, value });
        }
        Ok(Matrix { n, values: Cow::Owned(mirror(square, n)) })
    }

    pub(super) fn n(&self) -> usize {
        self.n
    }

    /// The dissimilarities of one row to all.
    pub(super) fn row(&self, i: usize) -> &[F] {
        &self.values[i * self.n..][..self.n]
    }
}

/// Sums over n rows must be finite.
pub(super) fn largest(n: usize) -> f64 {
    f64::MAX / (4 * n) as f64
}

fn check(n: usize, row: usize, column: usize, value: f64) -> Result<(), Error> {
    // Infinite in F, it is so as f64.
    if (0.0..=largest(n)).contains(&value) {
        Ok(())
    } else {
        Err(Error::Dissimilarity { row, column, value })
    }
}

/// A matrix from products of rows is not symmetric to the last bit.
fn alike<F: Float>(value: F, mirrored: F) -> bool {
    let most = if value > mirrored { value } else { mirrored };
    // If one is NaN, it is that which is wrong with it.
    let apart = (value - mirrored).abs();
    apart.is_nan() || apart <= F::epsilon().sqrt() * most
}

/// Whether all values are finite, not negative and like their mirror images, square by square, for the mirror image of a row is a column.
fn sound<F: Float>(values: &[F], n: usize) -> bool {
    let mut workers = vec![true; par::workers_for(n as f64 * n as f64)];
    let largest = largest(n);
    par::share(&mut workers, (0..n).step_by(SIDE), |sound, top| {
        for left in (top..n).step_by(SIDE) {
            let width = SIDE.min(n - left);
            for row in top..n.min(top + SIDE) {
                let across = &values[row * n + left..][..width];
                let down = values[left * n + row..].iter().step_by(n);
                for (&value, &mirrored) in across.iter().zip(down) {
                    let fit = |x: F| (x >= F::zero()) & (Element::f64(x) <= largest);
                    *sound &= fit(value) & fit(mirrored) & alike(value, mirrored);
                }
            }
        }
    });
    workers.into_iter().all(|sound| sound)
}

/// n by n zeros, if that many can be.
fn empty<F: Float>(n: usize, k: usize) -> Result<Vec<F>, Error> {
    let mut square = Vec::new();
    let size = n.checked_mul(n).filter(|&size| square.try_reserve_exact(size).is_ok());
    square.resize(size.ok_or(Error::TooBig { rows: n, columns: n, k })?, F::zero());
    Ok(square)
}

/// Copies what is above the diagonal to below it, square by square.
fn mirror<F: Float>(mut values: Vec<F>, n: usize) -> Vec<F> {
    for top in (0..n).step_by(SIDE) {
        for left in (top..n).step_by(SIDE) {
            for row in top..n.min(top + SIDE) {
                for column in left.max(row + 1)..n.min(left + SIDE) {
                    values[column * n + row] = values[row * n + column];
                }
            }
        }
    }
    values
}
