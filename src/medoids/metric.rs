//! How far apart two rows are.

use crate::data::unit_rows;
use crate::error::Error;
use crate::float::Float;
use crate::kernel::pieces::end_to_end;
use crate::kernel::{Element, Level, exact};
use ndarray::ArrayView1;
use std::borrow::Cow;
use std::fmt;

/// The usual dissimilarities of rows, computed in f64 and rounded to the data's type.
///
/// ```
/// use centroids::{KMedoids, Metric};
/// use ndarray::array;
///
/// let data = array![[0.0, 0.0], [1.0, 2.0], [9.0, 9.0]];
/// let model = KMedoids::new(2).metric(Metric::Manhattan).fit(&data)?;
/// assert_eq!(model.loss(), 3.0);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Metric {
    /// The length of the difference.
    #[default]
    Euclidean,
    /// The square of that: outliers count more, and the loss is comparable with the inertia of k-means.
    SquaredEuclidean,
    /// The sum of the absolute differences (L1).
    Manhattan,
    /// The largest absolute difference.
    Chebyshev,
    /// One less the cosine of the angle between the rows, 0 to 2. Rows of zeros have none: they are an error.
    Cosine,
}

/// A dissimilarity of your own: any `Fn(ArrayView1<F>, ArrayView1<F>) -> F`, or a type that implements this.
///
/// It must be symmetric, for of all pairs each is asked for once, and 0 for a row and itself, for which only samples and
/// [`predict`](crate::KMedoidsModel::predict) ask. It need not obey the triangle inequality. A result that is negative, NaN or infinite is an error.
///
/// ```
/// use centroids::KMedoids;
/// use ndarray::{ArrayView1, array};
///
/// // The number of columns that differ.
/// let hamming = |a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>| {
///     a.iter().zip(b).filter(|(a, b)| a != b).count() as f64
/// };
/// let data = array![[1.0, 4.0, 2.0], [1.0, 4.0, 3.0], [7.0, 5.0, 5.0], [7.0, 4.0, 5.0]];
/// let model = KMedoids::new(2).metric(hamming).fit(&data)?;
/// assert_eq!(model.loss(), 2.0);
/// # Ok::<(), centroids::Error>(())
/// ```
pub trait Dissimilarity<F: Float>: Send + Sync {
    /// How far apart two rows of d values are.
    fn between(&self, a: ArrayView1<'_, F>, b: ArrayView1<'_, F>) -> F;

    /// Which of the usual ones this is: for those there are faster loops.
    #[doc(hidden)]
    fn usual(&self) -> Option<Metric> {
        None
    }
}

impl<F: Float, T: Fn(ArrayView1<'_, F>, ArrayView1<'_, F>) -> F + Send + Sync> Dissimilarity<F> for T {
    fn between(&self, a: ArrayView1<'_, F>, b: ArrayView1<'_, F>) -> F {
        self(a, b)
    }
}

impl<F: Float> Dissimilarity<F> for Metric {
    /// NaN for rows of different lengths, or none, and for the cosine of zeros.
    fn between(&self, a: ArrayView1<'_, F>, b: ArrayView1<'_, F>) -> F {
        if a.is_empty() || a.len() != b.len() {
            return F::nan();
        }
        let (a, b) = (a.to_vec(), b.to_vec());
        let (Ok(from), Ok(to)) = (Points::new(self, &a, a.len()), Points::new(self, &b, b.len())) else {
            return F::nan();
        };
        let mut out = [0.0];
        from.distances(Level::new(), 0, &to, 0..1, &mut out);
        Element::of(out[0])
    }

    fn usual(&self) -> Option<Metric> {
        Some(*self)
    }
}

impl<F: Float> fmt::Debug for dyn Dissimilarity<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.usual() {
            Some(metric) => metric.fmt(f),
            None => f.write_str("a dissimilarity of your own"),
        }
    }
}

/// Rows, prepared for a dissimilarity.
pub(super) struct Points<'a, F: Float> {
    dissimilarity: &'a dyn Dissimilarity<F>,
    values: Cow<'a, [F]>,
    /// The rows scaled to length 1, for the cosine.
    units: Vec<f64>,
    d: usize,
}

impl<'a, F: Float> Points<'a, F> {
    pub(super) fn new(
        dissimilarity: &'a dyn Dissimilarity<F>,
        values: impl Into<Cow<'a, [F]>>,
        d: usize,
    ) -> Result<Self, Error> {
        let values = values.into();
        let units = match dissimilarity.usual() {
            Some(Metric::Cosine) => unit_rows(&values, d)?,
            _ => Vec::new(),
        };
        Ok(Points { dissimilarity, values, units, d })
    }

    pub(super) fn n(&self) -> usize {
        self.values.len() / self.d
    }

    /// The values of one row.
    pub(super) fn row(&self, i: usize) -> &[F] {
        &self.values[i * self.d..][..self.d]
    }

    /// Some of the rows.
    pub(super) fn select(&self, rows: &[usize]) -> Points<'a, F> {
        let d = self.d;
        let unit = |i: &usize| &self.units[i * d..][..d];
        Points {
            dissimilarity: self.dissimilarity,
            values: Cow::Owned(end_to_end(rows.iter().map(|&i| self.row(i)))),
            units: if self.units.is_empty() { Vec::new() } else { end_to_end(rows.iter().map(unit)) },
            d,
        }
    }

    /// How far row i is from a range of other points.
    pub(super) fn distances(
        &self,
        level: Level,
        i: usize,
        others: &Points<'_, F>,
        range: std::ops::Range<usize>,
        out: &mut [f64],
    ) {
        let d = self.d;
        let part = range.start * d..range.end * d;
        let row = self.row(i);
        let each = |out: &mut [f64], between: &dyn Fn(&[F]) -> f64| {
            for (out, other) in out.iter_mut().zip(others.values[part.clone()].chunks_exact(d)) {
                *out = between(other);
            }
        };
        match self.dissimilarity.usual() {
            Some(Metric::SquaredEuclidean) => F::all_distances(level, row, &others.values[part], out),
            Some(Metric::Euclidean) => {
                F::all_distances(level, row, &others.values[part], out);
                out.iter_mut().for_each(|x| *x = x.sqrt());
            }
            Some(Metric::Cosine) => {
                // Of unit vectors the squared distance is twice one less the cosine, and loses nothing where they are close.
                f64::all_distances(level, &self.units[i * d..][..d], &others.units[part], out);
                out.iter_mut().for_each(|x| *x /= 2.0);
            }
            Some(Metric::Manhattan) => each(out, &|other| exact::manhattan(row, other)),
            Some(Metric::Chebyshev) => each(out, &|other| exact::chebyshev(row, other)),
            None => each(out, &|other| {
                Element::f64(self.dissimilarity.between(ArrayView1::from(row), ArrayView1::from(other)))
            }),
        }
    }
}
