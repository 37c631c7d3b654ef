//! Labels for single rows.

use crate::data::check_values;
use crate::error::Error;
use crate::float::Float;
use crate::kernel::Level;
use crate::kernel::single::Single;
use std::fmt;

/// A model's centroids, made ready once to label rows one at a time: for a service that sees one row per request.
///
/// [`predict_one`](Self::predict_one) allocates nothing and gives the label that [`KMeansModel::predict`](crate::KMeansModel::predict) would. For a
/// hundred rows at once and more `predict` is faster. Holds O(k d) numbers; can be shared between threads.
///
/// ```
/// use centroids::KMeans;
/// use ndarray::array;
///
/// let model = KMeans::new(2).fit(&array![[0.0, 0.0], [0.0, 1.0], [9.0, 9.0], [9.0, 8.0]])?;
/// let predictor = model.predictor();
/// assert_eq!(predictor.predict_one(&[8.0, 8.0])?, model.labels()[2]);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone)]
pub struct Predictor<F> {
    level: Level,
    single: Single<F>,
}

impl<F: Float> Predictor<F> {
    pub(crate) fn new(level: Level, centroids: &[F], d: usize) -> Self {
        Predictor { level, single: Single::new(level, centroids, d) }
    }

    /// The index of the centroid nearest to the row: by the squared Euclidean distance in f64, ties to the lowest index. Costs O(k d).
    ///
    /// # Errors
    ///
    /// [`Error::ColumnMismatch`] if the row has not as many values as the model has columns; [`Error::NotFinite`] or [`Error::TooLarge`] for a bad
    /// value (the row counts as row 0).
    pub fn predict_one(&self, row: &[F]) -> Result<usize, Error> {
        let d = self.single.columns();
        if row.len() != d {
            return Err(Error::ColumnMismatch { expected: d, found: row.len() });
        }
        match F::label_one(self.level, &self.single, row) {
            Some(label) => Ok(label as usize),
            None => Err(check_values(row, d).err().unwrap_or(Error::NotFinite { row: 0, column: 0 })),
        }
    }
}

impl<F: Float> fmt::Debug for Predictor<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Predictor").field("n_features", &self.single.columns()).finish_non_exhaustive()
    }
}
