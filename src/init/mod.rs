//! Where the centroids start.

pub(crate) mod extend;
mod parallel;
mod plus_plus;
mod random;

pub use parallel::KMeansParallel;
pub use plus_plus::KMeansPlusPlus;
pub use random::Random;

use crate::error::Error;
use crate::float::Float;
use crate::kernel::assign::Rows;
use crate::kernel::fence::FENCED_COLUMNS;
use crate::rng::SeededRng;
use ndarray::{Array2, ArrayView1, ArrayView2};

/// Chooses the k centroids that a run starts from.
///
/// `data` is (n, d), finite, with n >= k; `weights` are n finite numbers >= 0, not all 0. The result must be (k, d) and finite;
/// anything else is an error of the fit. All randomness must come from `rng`, so that a seed fixes the result. Equal centroids are
/// allowed: the surplus ones get no rows, and are handled as empty clusters.
///
/// An `Array2` is an initialiser (it gives itself), and [`from_fn`] makes one of a closure.
///
/// ```
/// use centroids::{Error, Init, KMeans, SeededRng};
/// use ndarray::{Array2, ArrayView1, ArrayView2, array, s};
///
/// /// The first k rows.
/// struct FirstRows;
///
/// impl Init<f64> for FirstRows {
///     fn centroids(
///         &self,
///         data: ArrayView2<'_, f64>,
///         _weights: Option<ArrayView1<'_, f64>>,
///         k: usize,
///         _rng: &mut SeededRng,
///     ) -> Result<Array2<f64>, Error> {
///         Ok(data.slice(s![..k, ..]).to_owned())
///     }
/// }
///
/// let model = KMeans::new(2).init(FirstRows).fit(&array![[0.0], [10.0], [11.0]])?;
/// assert_eq!(model.centroids(), &array![[0.0], [10.5]]);
/// # Ok::<(), Error>(())
/// ```
pub trait Init<F: Float>: Send + Sync {
    /// The starting centroids, (k, d).
    ///
    /// # Errors
    ///
    /// Whatever keeps the initialiser from choosing, such as [`Error::Initialiser`] with a reason of its own; the fit returns it.
    fn centroids(
        &self,
        data: ArrayView2<'_, F>,
        weights: Option<ArrayView1<'_, F>>,
        k: usize,
        rng: &mut SeededRng,
    ) -> Result<Array2<F>, Error>;
}

/// The columns of data that k rows can be chosen from: a fit has checked that already, others may call as well.
fn columns<F: Float>(data: ArrayView2<'_, F>, k: usize) -> Result<usize, Error> {
    match data.dim() {
        _ if k == 0 => Err(Error::ZeroClusters),
        (_, 0) => Err(Error::NoColumns),
        (0, _) => Err(Error::NoRows),
        (_, d) => Ok(d),
    }
}

/// The rows of positive weight.
fn counted<F>(rows: Rows<'_, F>) -> Vec<usize> {
    (0..rows.n()).filter(|&i| rows.weight(i) > 0.0).collect()
}

impl<F: Float> Init<F> for Array2<F> {
    fn centroids(
        &self,
        _: ArrayView2<'_, F>,
        _: Option<ArrayView1<'_, F>>,
        _: usize,
        _: &mut SeededRng,
    ) -> Result<Array2<F>, Error> {
        Ok(self.clone())
    }
}

/// What [`KMeans`](crate::KMeans) starts from unless told otherwise: greedy [`KMeansPlusPlus`], and for much data [`KMeansParallel`], which ends
/// in as good minima there and takes a fraction of the time. Much is: more than one column, 8 clusters or more (50 with up to 4 columns), 50 rows or more for each, and
/// 10,000,000 or more for rows times columns times clusters.
///
/// ```
/// use centroids::{KMeans, init};
/// # let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// let model = KMeans::new(2).init(init::Auto).fit(&data)?;
/// assert_eq!(model, KMeans::new(2).fit(&data)?);
/// # Ok::<(), centroids::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Auto;

impl<F: Float> Init<F> for Auto {
    fn centroids(
        &self,
        data: ArrayView2<'_, F>,
        weights: Option<ArrayView1<'_, F>>,
        k: usize,
        rng: &mut SeededRng,
    ) -> Result<Array2<F>, Error> {
        let zero = |weights: ArrayView1<'_, F>| weights.iter().filter(|&&weight| weight == F::zero()).count();
        let (n, d) = (data.nrows() - weights.map_or(0, zero), data.ncols());
        // With few columns k-means++ needs no look at most rows; with one it is faster whatever k is, and fits end up to a third lower.
        let many = if d > FENCED_COLUMNS { 8 } else { 50 };
        if d > 1 && k >= many && n / k >= 50 && n as f64 * d as f64 * k as f64 >= 1e7 {
            KMeansParallel::default().centroids(data, weights, k, rng)
        } else {
            KMeansPlusPlus::default().centroids(data, weights, k, rng)
        }
    }
}

/// An initialiser that is chosen when the program runs: `Box<dyn Init<F>>`.
///
/// ```
/// use centroids::{Init, KMeans, KMeansPlusPlus, Random};
/// let quick = std::env::args().count() > 1;
/// let init: Box<dyn Init<f64>> =
///     if quick { Box::new(Random) } else { Box::new(KMeansPlusPlus::default()) };
/// let model = KMeans::new(2).init(init).fit(&ndarray::array![[0.0], [1.0], [8.0]])?;
/// # Ok::<(), centroids::Error>(())
/// ```
impl<F: Float, I: Init<F> + ?Sized> Init<F> for Box<I> {
    fn centroids(
        &self,
        data: ArrayView2<'_, F>,
        weights: Option<ArrayView1<'_, F>>,
        k: usize,
        rng: &mut SeededRng,
    ) -> Result<Array2<F>, Error> {
        (**self).centroids(data, weights, k, rng)
    }
}

/// An initialiser made of a closure with the arguments of [`Init::centroids`].
///
/// ```
/// use centroids::{KMeans, init};
/// use ndarray::{array, s};
///
/// let last_rows = init::from_fn(|data, _weights, k, _rng| {
///     Ok(data.slice(s![data.nrows() - k.., ..]).to_owned())
/// });
/// let model = KMeans::new(2).init(last_rows).fit(&array![[0.0], [1.0], [9.0]])?;
/// assert_eq!(model.centroids(), &array![[0.5], [9.0]]);
/// # Ok::<(), centroids::Error>(())
/// ```
pub fn from_fn<F, C>(choose: C) -> FromFn<C>
where
    F: Float,
    C: Fn(ArrayView2<'_, F>, Option<ArrayView1<'_, F>>, usize, &mut SeededRng) -> Result<Array2<F>, Error>
        + Send
        + Sync,
{
    FromFn(choose)
}

/// What [`from_fn`] returns, where an example is.
#[derive(Clone, Copy)]
pub struct FromFn<C>(C);

impl<F, C> Init<F> for FromFn<C>
where
    F: Float,
    C: Fn(ArrayView2<'_, F>, Option<ArrayView1<'_, F>>, usize, &mut SeededRng) -> Result<Array2<F>, Error>
        + Send
        + Sync,
{
    fn centroids(
        &self,
        data: ArrayView2<'_, F>,
        weights: Option<ArrayView1<'_, F>>,
        k: usize,
        rng: &mut SeededRng,
    ) -> Result<Array2<F>, Error> {
        (self.0)(data, weights, k, rng)
    }
}
