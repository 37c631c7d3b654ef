//! The only door for input: everything behind it is finite, contiguous, of a known range, and weighted by sane weights.

use crate::error::Error;
use crate::float::Float;
use crate::kernel::assign::Rows;
use crate::kernel::distances;
use crate::kernel::exact::in_range;
use crate::kernel::moments::{Grid, Grids, NOWHERE, RowSums};
use crate::kernel::pack::{self, Range};
use crate::kernel::tiles::Tiles;
use crate::kernel::{Element, Level, par};
use ndarray::{ArrayView1, ArrayView2};
use std::borrow::Cow;
use std::sync::OnceLock;

/// Spreads below this would vanish when squared twice over.
const NARROWEST: f64 = f64::from_bits((1023 - 480) << 52);

/// Coordinates of a row of length 1 below this are as good as 0: two that are not differ by 2⁻⁴⁵² at least, or not at all.
const FAINT: f64 = f64::from_bits((1023 - 400) << 52);

/// Weights may differ by this factor: the grids of the sums keep 40 bits of the lightest row beside the heaviest.
const WEIGHT_RANGE: f64 = (1u64 << 50) as f64;

/// Checked data, with what every run over it needs to know.
pub(crate) struct Data<'a, F: Clone> {
    values: Cow<'a, [F]>,
    /// Columns.
    pub d: usize,
    /// Weights divided by `weight_unit`.
    weights: Option<Vec<f64>>,
    /// A power of two, so that the largest weight is between 1 and 2 of it.
    pub weight_unit: f64,
    /// Rows that count: those of positive weight.
    pub counted: usize,
    /// Range of the rows that count.
    pub range: Range<F>,
    /// Grids on which rows are summed.
    pub grids: Grids,
    /// The mean of the rows, rounded to F.
    pub mean: Vec<F>,
    /// Sum of weight times squared distance to `mean`, in units of `weight_unit`.
    pub scatter: f64,
    /// The mean over the columns of their variances.
    pub variance: f64,
    total_weight: f64,
    heaviest: f64,
    tiles: OnceLock<Tiles<F>>,
}

impl<'a, F: Float> Data<'a, F> {
    pub(crate) fn new(
        level: Level,
        data: ArrayView2<'a, F>,
        weights: Option<ArrayView1<'_, F>>,
        k: usize,
    ) -> Result<Self, Error> {
        let (n, d) = data.dim();
        if d == 0 {
            return Err(Error::NoColumns);
        }
        if n == 0 {
            return Err(Error::NoRows);
        }
        if n >= NOWHERE as usize || n.checked_mul(d).and_then(|size| size.checked_mul(16)).is_none() {
            return Err(Error::TooBig { rows: n, columns: d, k });
        }
        let weights = weights.map(|weights| check_weights(weights, n)).transpose()?;
        let (weights, weight_unit) = weights.unzip();
        let weight_unit = weight_unit.unwrap_or(1.0);
        let values = contiguous(data, k)?;
        let rows = Rows { values: &values, d, weights: weights.as_deref() };
        let range = checked_range(level, rows)?;
        let counted = weights.as_ref().map_or(n, |weights| weights.iter().filter(|&&w| w > 0.0).count());
        let heaviest = weights.as_ref().map_or(1.0, |weights| weights.iter().copied().fold(0.0, f64::max));
        // The sum is only a bound for the grids; the weight that means divide by is summed exactly.
        let bound = weights.as_ref().map_or(n as f64, |weights| weights.iter().sum());
        let weighted = weights.is_some();
        let grids = Grids::new(&range, weighted, counted, heaviest, bound * 1.001);

        let sums = sum_rows(level, rows, &grids);
        let total_weight = sums.weight(0, &grids, weighted).value();
        let mut mean = vec![F::default(); d];
        F::mean(level, &sums, 0, &grids, weighted, &vec![F::default(); d], &mut mean);

        let mut this = Data {
            weights,
            weight_unit,
            counted,
            range,
            grids,
            mean,
            scatter: 0.0,
            variance: 0.0,
            total_weight,
            heaviest,
            tiles: OnceLock::new(),
            d,
            values,
        };
        this.scatter = distances::inertia(level, this.rows(), &this.mean, None, &this.distance_grid(&[]));
        this.variance = this.scatter / this.total_weight / d as f64;
        if !(this.total_weight * this.weight_unit * this.range.squared_diagonal() * 4.0 < f64::INFINITY) {
            return Err(Error::WeightsTooLarge { heaviest: this.heaviest * this.weight_unit });
        }
        Ok(this)
    }

    /// The same, for a fit of k clusters: there are enough rows that count, and k centroids can be numbered.
    pub(crate) fn for_clusters(
        level: Level,
        data: ArrayView2<'a, F>,
        weights: Option<ArrayView1<'_, F>>,
        k: usize,
    ) -> Result<Self, Error> {
        let (rows, columns) = data.dim();
        let checked = Self::new(level, data, weights, k)?;
        if k > checked.counted {
            return Err(Error::TooManyClusters { k, rows: checked.counted });
        }
        if k.checked_mul(columns).and_then(|size| size.checked_mul(32)).is_none() {
            return Err(Error::TooBig { rows, columns, k });
        }
        Ok(checked)
    }

    /// The rows as an array: those given, or their copy.
    pub(crate) fn array(&self) -> ArrayView2<'_, F> {
        ArrayView2::from_shape((self.n(), self.d), &self.values).expect("n rows of d values")
    }

    pub(crate) fn total_weight(&self) -> f64 {
        self.total_weight
    }

    /// A grid on which weighted L1 distances between the rows and points within their range, or these points, are summed.
    pub(crate) fn manhattan_grid(&self, centroids: &[F]) -> Grid {
        let range = self.range_with(centroids);
        let spread = |t: usize| Element::f64(range.high[t]) - Element::f64(range.low[t]);
        let farthest = (0..self.d).map(spread).sum::<f64>() * 1.001;
        Grid::new(self.heaviest * farthest, self.total_weight * farthest * 1.001, self.counted)
    }

    pub(crate) fn rows(&self) -> Rows<'_, F> {
        Rows { values: &self.values, d: self.d, weights: self.weights.as_deref() }
    }

    /// A squared shift in units of the mean variance; 0 without variance.
    pub(crate) fn relative(&self, shift: f64) -> f64 {
        // Far starting centroids may be farther than any number says.
        if self.variance > 0.0 { (shift / self.variance).min(f64::MAX) } else { 0.0 }
    }

    /// The rows in tiles, which are made when first asked for.
    pub(crate) fn tiles(&self, level: Level) -> &Tiles<F> {
        par::once(&self.tiles, || Tiles::new(level, self.rows(), &self.grids))
    }

    pub(crate) fn n(&self) -> usize {
        self.values.len() / self.d
    }

    pub(crate) fn weighted(&self) -> bool {
        self.weights.is_some()
    }

    /// A grid on which weighted squared distances between the rows and the given points are summed.
    pub(crate) fn distance_grid(&self, centroids: &[F]) -> Grid {
        let farthest = self.range_with(centroids).squared_diagonal() * 1.001;
        Grid::new(self.heaviest * farthest, self.total_weight * farthest * 1.001, self.counted)
    }

    /// The range of the rows that count, and of the given points.
    fn range_with(&self, centroids: &[F]) -> Range<F> {
        let mut range = self.range.clone();
        for centroid in centroids.chunks_exact(self.d) {
            for (t, &c) in centroid.iter().enumerate() {
                range.low[t] = range.low[t].min(c);
                range.high[t] = range.high[t].max(c);
            }
        }
        range
    }
}

/// The sums of all rows, as those of one cluster.
fn sum_rows<F: Float>(level: Level, rows: Rows<'_, F>, grids: &Grids) -> RowSums {
    const CHUNK: usize = 4096;
    let mut sums = RowSums::new(1, grids);
    let mut workers = vec![sums.clone(); par::workers_for(rows.values.len() as f64)];
    par::share(&mut workers, (0..rows.n()).step_by(CHUNK), |sums, first| {
        F::add_rows(level, rows.part(first, CHUNK.min(rows.n() - first)), grids, 0, sums);
    });
    sums.absorb(workers.iter_mut().collect());
    sums
}

/// The values row by row: borrowed where they lie that way already. A view may repeat its rows and so be larger than memory; a copy is not.
pub(crate) fn contiguous<F: Float>(data: ArrayView2<'_, F>, k: usize) -> Result<Cow<'_, [F]>, Error> {
    if let Some(values) = data.to_slice() {
        return Ok(Cow::Borrowed(values));
    }
    let (rows, columns) = data.dim();
    let mut values = Vec::new();
    let size = rows.checked_mul(columns).filter(|&size| values.try_reserve_exact(size).is_ok());
    size.ok_or(Error::TooBig { rows, columns, k })?;
    values.extend(data.iter().copied());
    Ok(Cow::Owned(values))
}

/// The weights as f64, divided by a power of two near the largest, and that power.
fn check_weights<F: Float>(weights: ArrayView1<'_, F>, n: usize) -> Result<(Vec<f64>, f64), Error> {
    if weights.len() != n {
        return Err(Error::WeightCount { expected: n, found: weights.len() });
    }
    let (mut heaviest, mut lightest) = (0.0, f64::INFINITY);
    for (row, weight) in weights.iter().enumerate() {
        let weight = Element::f64(*weight);
        if !weight.is_finite() {
            return Err(Error::WeightNotFinite { row });
        }
        if weight < 0.0 {
            return Err(Error::NegativeWeight { row });
        }
        heaviest = f64::max(heaviest, weight);
        lightest = if weight > 0.0 { f64::min(lightest, weight) } else { lightest };
    }
    if heaviest == 0.0 {
        return Err(Error::ZeroWeights { rows: n });
    }
    if heaviest / lightest > WEIGHT_RANGE {
        return Err(Error::WeightRange { lightest, heaviest, limit: WEIGHT_RANGE });
    }
    let unit = pack::unit(heaviest);
    Ok((weights.iter().map(|weight| Element::f64(*weight) / unit).collect(), unit))
}

fn checked_range<F: Float>(level: Level, rows: Rows<'_, F>) -> Result<Range<F>, Error> {
    let d = rows.d;
    let range = distances::range(level, rows).map_err(|(row, column)| Error::NotFinite { row, column })?;
    // Rows of weight 0 are not in the range.
    let unknown = F::LIMIT < F::HUGE && rows.weights.is_some();
    if unknown || (0..d).any(|t| range.largest(t) > F::LIMIT) {
        check_values(rows.values, d)?;
    }
    let spread = (0..d).map(|t| Element::f64(range.high[t]) - Element::f64(range.low[t])).fold(0.0, f64::max);
    if spread > 0.0 && spread < NARROWEST {
        return Err(Error::TooSmall { spread, limit: NARROWEST });
    }
    Ok(range)
}

/// Rows for a model of k clusters and d columns: contiguous. May be none. Their values are still to be checked.
pub(crate) fn rows_of<F: Float>(
    rows: ArrayView2<'_, F>,
    (k, d): (usize, usize),
) -> Result<Cow<'_, [F]>, Error> {
    if rows.ncols() != d {
        return Err(Error::ColumnMismatch { expected: d, found: rows.ncols() });
    }
    contiguous(rows, k)
}

/// The first value that is not finite, or is too large.
pub(crate) fn check_values<F: Float>(values: &[F], d: usize) -> Result<(), Error> {
    const CHUNK: usize = 1 << 14;
    let limit = F::of(F::LIMIT);
    let mut workers = vec![true; par::workers_for(values.len() as f64)];
    par::share(&mut workers, values.chunks(CHUNK), |sound, values| *sound &= in_range(values));
    if workers.into_iter().all(|sound| sound) {
        return Ok(());
    }
    if let Some(at) = values.iter().position(|x| !x.is_finite()) {
        return Err(Error::NotFinite { row: at / d, column: at % d });
    }
    let at = values.iter().position(|x| x.abs() > limit).unwrap_or(0);
    Err(Error::TooLarge { row: at / d, column: at % d, limit: F::LIMIT })
}

/// Rows of finite values, scaled to length 1 and rounded to T.
pub(crate) fn unit_rows<F: Element, T: Element>(values: &[F], d: usize) -> Result<Vec<T>, Error> {
    const CHUNK: usize = 256;
    let mut units = vec![T::default(); values.len()];
    let workers = par::workers_for(values.len() as f64 * 32.0);
    let mut workers = vec![(vec![0.0; d], None::<usize>); workers];
    let pieces = values.chunks(CHUNK * d).zip(units.chunks_mut(CHUNK * d)).enumerate();
    par::share(&mut workers, pieces, |(scaled, zero), (c, (values, units))| {
        for (i, (row, unit)) in values.chunks_exact(d).zip(units.chunks_exact_mut(d)).enumerate() {
            if !scale_row(row, scaled, unit) {
                *zero = Some(zero.unwrap_or(usize::MAX).min(c * CHUNK + i));
            }
        }
    });
    match workers.iter().filter_map(|worker| worker.1).min() {
        Some(row) => Err(Error::ZeroRow { row }),
        None => Ok(units),
    }
}

/// Scales a row to length 1, with room for as many numbers; false if it has none.
fn scale_row<F: Element, T: Element>(row: &[F], scaled: &mut [f64], unit: &mut [T]) -> bool {
    // By the largest value first, so that no square vanishes or overflows.
    let largest = row.iter().map(|x| x.f64().abs()).fold(0.0, f64::max);
    scaled.iter_mut().zip(row).for_each(|(scaled, x)| *scaled = x.f64() / largest);
    let length = scaled.iter().map(|x| x * x).sum::<f64>().sqrt();
    for (unit, x) in unit.iter_mut().zip(scaled) {
        let x = *x / length;
        // What is too small for any cosine would make spreads too narrow to be squared.
        *unit = T::of(if x.abs() < FAINT { 0.0 } else { x });
    }
    largest > 0.0
}

/// Given centroids, row by row, once they are known to be k by d and finite.
pub(crate) fn check_centroids<F: Float>(
    centroids: ArrayView2<'_, F>,
    k: usize,
    d: usize,
) -> Result<Vec<F>, Error> {
    if centroids.dim() != (k, d) {
        return Err(Error::CentroidShape { expected: (k, d), found: centroids.dim() });
    }
    let values = contiguous(centroids, k)?.into_owned();
    match check_values(&values, d) {
        Err(Error::NotFinite { row, column } | Error::TooLarge { row, column, .. }) => {
            Err(Error::CentroidNotFinite { cluster: row, column })
        }
        checked => checked.map(|()| values),
    }
}
