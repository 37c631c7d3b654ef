//! Labels for rows that come one at a time, or batch after batch.

use crate::data::{check_values, rows_of};
use crate::error::Error;
use crate::float::Float;
use crate::kernel::codes::{Codes, Label};
use crate::kernel::pack::Packed;
use crate::kernel::single::Single;
use crate::kernel::{Level, assign, par};
use ndarray::{ArrayBase, ArrayView2, Ix2};
use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

/// A model's centroids, made ready once to label rows one at a time or batch after batch: for a service that sees some rows per request.
///
/// [`predict_one`](Self::predict_one) and [`predict_into`](Self::predict_into) give the labels that [`KMeansModel::predict`](crate::KMeansModel::predict)
/// would, which makes the centroids ready in each call with more than a few rows. Holds about 2 k d numbers, and from the first batch on 2 to 3.3 k d more. Can be shared between threads.
///
/// ```
/// use centroids::KMeans;
/// use ndarray::array;
///
/// let model = KMeans::new(2).fit(&array![[0.0, 0.0], [0.0, 1.0], [9.0, 9.0], [9.0, 8.0]])?;
/// let predictor = model.predictor();
/// assert_eq!(predictor.predict_one(&[8.0, 8.0])?, model.labels()[2]);
///
/// let mut labels = [0; 2];
/// predictor.predict_into(&array![[1.0, 1.0], [7.0, 9.0]], &mut labels)?;
/// assert_eq!(labels, [model.labels()[0], model.labels()[2]]);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone)]
pub struct Predictor<F> {
    level: Level,
    single: Single<F>,
    /// For batches, from the first one on.
    many: OnceLock<Packed<F>>,
}

impl<F: Float> Predictor<F> {
    pub(crate) fn new(level: Level, centroids: &[F], d: usize) -> Self {
        Predictor { level, single: Single::new(level, centroids, d), many: OnceLock::new() }
    }

    /// The index of the centroid nearest to the row: by the squared Euclidean distance in f64, ties to the lowest index. Costs O(k d), and allocates nothing.
    ///
    /// # Errors
    ///
    /// [`Error::ColumnMismatch`] if the row has not as many values as the model has columns; [`Error::NotFinite`] or [`Error::TooLarge`] for a bad
    /// value (the row counts as row 0).
    pub fn predict_one(&self, row: &[F]) -> Result<usize, Error> {
        let d = self.single.dim().1;
        if row.len() != d {
            return Err(Error::ColumnMismatch { expected: d, found: row.len() });
        }
        F::label_one(self.level, &self.single, row)
            .map(|label| label as usize)
            .ok_or_else(|| first_bad(row, d))
    }

    /// As [`KMeansModel::predict_into`](crate::KMeansModel::predict_into), with its errors. The first batch of more than a few rows makes the centroids ready for all that follow.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn predict_into<S: ndarray::Data<Elem = F>, L: Label>(
        &self,
        rows: &ArrayBase<S, Ix2>,
        labels: &mut [L],
    ) -> Result<(), Error> {
        F::predict_batch(self, rows.view(), L::codes(labels))
    }

    pub(crate) fn label_into(&self, rows: ArrayView2<'_, F>, labels: Codes<'_>) -> Result<(), Error> {
        let (k, d) = self.single.dim();
        let (n, values) = (labels.len(), rows_to_label(rows, (k, d), &labels)?);
        // Few products take less time than the buffers for many rows.
        if n <= 2 || n <= FEW && n * k * d <= 40_000 {
            let one = |row: &[F]| F::label_one(self.level, &self.single, row);
            return label_few(self.level, &values, d, labels, one);
        }
        let many = par::once(&self.many, || self.single.for_many(self.level));
        label(self.level, many, &values, labels)
    }
}

/// At most so many rows are labelled one by one.
const FEW: usize = 32;

/// The labels of at most [`FEW`] rows, one by one; a row has none if a value of it is bad.
pub(crate) fn label_few<F: Float>(
    level: Level,
    values: &[F],
    d: usize,
    labels: Codes<'_>,
    one: impl Fn(&[F]) -> Option<u32>,
) -> Result<(), Error> {
    debug_assert!(labels.len() <= FEW, "some rows would go without");
    let mut found = [0; FEW];
    for (found, row) in found.iter_mut().zip(values.chunks_exact(d)) {
        *found = one(row).ok_or_else(|| first_bad(values, d))?;
    }
    labels.write(level, &found);
    Ok(())
}

/// What is wrong with values that are not in range.
fn first_bad<F: Float>(values: &[F], d: usize) -> Error {
    check_values(values, d).err().unwrap_or(Error::NotFinite { row: 0, column: 0 })
}

/// Contiguous rows for a model of k clusters and d columns, if there is room for one label each that can name every cluster.
pub(crate) fn rows_to_label<'a, F: Float>(
    rows: ArrayView2<'a, F>,
    (k, d): (usize, usize),
    labels: &Codes<'_>,
) -> Result<Cow<'a, [F]>, Error> {
    let (n, values) = (rows.nrows(), rows_of(rows, (k, d))?);
    if labels.len() != n {
        return Err(Error::LabelCount { expected: n, found: labels.len() });
    }
    if k - 1 > labels.largest() {
        return Err(Error::NarrowLabels { clusters: k, largest: labels.largest() });
    }
    Ok(values)
}

/// The labels of rows. The kernel meets bad values on its way; only then are they looked for.
pub(crate) fn label<F: Float>(
    level: Level,
    packed: &Packed<F>,
    values: &[F],
    labels: Codes<'_>,
) -> Result<(), Error> {
    if assign::label_all(level, packed, values, labels) { Ok(()) } else { check_values(values, packed.d) }
}

impl<F: Float> fmt::Debug for Predictor<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Predictor").field("n_features", &self.single.dim().1).finish_non_exhaustive()
    }
}
