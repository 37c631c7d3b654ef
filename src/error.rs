//! What can be wrong with what the caller gave.

use thiserror::Error;

/// A rule that the input broke, with the numbers that broke it. Rows, columns and clusters are counted from 0.
///
/// Everything that can be checked beforehand is reported before any work is done.
///
/// ```
/// use centroids::{Error, KMeans};
/// use ndarray::array;
///
/// let data = array![[0.0, 1.0], [2.0, f64::NAN]];
/// assert_eq!(KMeans::new(1).fit(&data).unwrap_err(), Error::NotFinite { row: 1, column: 1 });
/// let error = KMeans::new(3).fit(&array![[0.0], [1.0]]).unwrap_err();
/// assert_eq!(error, Error::TooManyClusters { k: 3, rows: 2 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// k is 0.
    #[error("k is 0: at least one cluster is needed")]
    ZeroClusters,
    /// A user's own [`Init`](crate::Init) could not choose, for a reason that it gives.
    #[error("the initialiser failed: {reason}")]
    Initialiser {
        /// The reason.
        reason: &'static str,
    },
    /// There are fewer rows (of positive weight) than clusters.
    #[error("{k} clusters were asked for, but there are only {rows} rows (rows of weight 0 do not count)")]
    TooManyClusters {
        /// The clusters asked for.
        k: usize,
        /// The rows there are, not counting those of weight 0.
        rows: usize,
    },
    /// The data has no rows.
    #[error("the data has no rows")]
    NoRows,
    /// The data has no columns.
    #[error("the data has no columns")]
    NoColumns,
    /// The data has more rows than labels can number, or its size overflows.
    #[error("{rows} rows by {columns} columns for {k} clusters is more than can be numbered or held")]
    TooBig {
        /// Rows of the data.
        rows: usize,
        /// Columns of the data.
        columns: usize,
        /// Clusters asked for.
        k: usize,
    },
    /// A value of the data is NaN or infinite.
    #[error("the value at row {row}, column {column} is not finite")]
    NotFinite {
        /// Row of the value.
        row: usize,
        /// Column of the value.
        column: usize,
    },
    /// A value of f64 data is so large that squared distances would overflow. Scale the data down.
    #[error(
        "the value at row {row}, column {column} is larger than {limit:e} in magnitude: squared distances could overflow"
    )]
    TooLarge {
        /// Row of the value.
        row: usize,
        /// Column of the value.
        column: usize,
        /// The largest magnitude allowed.
        limit: f64,
    },
    /// The values of f64 data differ by so little that squared distances would vanish. Scale the data up.
    #[error("the data spreads over only {spread:e}, less than {limit:e}: squared distances would vanish")]
    TooSmall {
        /// The widest column's largest value less its smallest.
        spread: f64,
        /// The smallest spread allowed (other than none at all).
        limit: f64,
    },
    /// The rows to predict have another number of columns than the model.
    #[error("the rows have {found} columns, but the centroids have {expected}")]
    ColumnMismatch {
        /// Columns of the centroids.
        expected: usize,
        /// Columns of the rows.
        found: usize,
    },
    /// There is not one weight per row.
    #[error("there are {found} weights for {expected} rows")]
    WeightCount {
        /// Rows of the data.
        expected: usize,
        /// Weights given.
        found: usize,
    },
    /// A weight is NaN or infinite.
    #[error("the weight of row {row} is not finite")]
    WeightNotFinite {
        /// The row.
        row: usize,
    },
    /// A weight is negative.
    #[error("the weight of row {row} is negative")]
    NegativeWeight {
        /// The row.
        row: usize,
    },
    /// Every weight is 0.
    #[error("all {rows} weights are 0")]
    ZeroWeights {
        /// Rows of the data.
        rows: usize,
    },
    /// The weights are so large that the inertia would overflow. Scale them down; only their ratios matter.
    #[error("the weights are so large (up to {heaviest:e}) that the inertia could overflow")]
    WeightsTooLarge {
        /// The largest weight.
        heaviest: f64,
    },
    /// The weights differ by so much that the lightest rows would be lost beside the heaviest. Give rows that hardly count the weight 0.
    #[error("the weights range from {lightest:e} to {heaviest:e}, by more than a factor of {limit:e}")]
    WeightRange {
        /// The smallest positive weight.
        lightest: f64,
        /// The largest weight.
        heaviest: f64,
        /// The largest ratio allowed.
        limit: f64,
    },
    /// A distance is too large for the type of the data, f32.
    #[error("the distance from row {row} to centroid {cluster} is too large for f32")]
    DistanceTooLarge {
        /// The row.
        row: usize,
        /// The centroid.
        cluster: usize,
    },
    /// Starting centroids, given or made by an initialiser, have the wrong shape.
    #[error("the starting centroids are {} by {}, but must be {} by {} (k by columns)", found.0, found.1, expected.0, expected.1)]
    CentroidShape {
        /// (k, columns) as needed.
        expected: (usize, usize),
        /// The shape found.
        found: (usize, usize),
    },
    /// A coordinate of a centroid, given or made by an initialiser, is NaN, infinite, or larger than the data may be.
    #[error("centroid {cluster} is not finite, or too large, in column {column}")]
    CentroidNotFinite {
        /// The cluster.
        cluster: usize,
        /// The column.
        column: usize,
    },
    /// The tolerance is negative or NaN.
    #[error("the tolerance (of Patience: the gain) is {tolerance}, but must be 0 or more")]
    Tolerance {
        /// The tolerance given.
        tolerance: f64,
    },
    /// The fuzzifier of fuzzy c-means is not a finite number above 1.
    #[error("the fuzzifier is {fuzzifier}, but must be finite and more than 1")]
    Fuzzifier {
        /// The fuzzifier given.
        fuzzifier: f64,
    },
    /// The number of iterations allowed is 0.
    #[error("max_iter is 0: at least one iteration is needed")]
    ZeroIterations,
    /// The number of restarts is 0.
    #[error("no run was asked for: n_init, or the number of samples, must be at least 1")]
    ZeroRuns,
    /// The number of candidates per step of k-means++ is out of range.
    #[error("{trials} candidates a step were asked of k-means++, but it takes 1 to {limit}")]
    Trials {
        /// The number given.
        trials: usize,
        /// The largest number allowed.
        limit: usize,
    },
    /// A cluster lost all its rows, and the policy is [`EmptyCluster::Fail`](crate::EmptyCluster::Fail).
    #[error("cluster {cluster} became empty in iteration {iteration}")]
    EmptyCluster {
        /// The cluster.
        cluster: usize,
        /// The iteration, counted from 1.
        iteration: usize,
    },
    /// The rows cannot be divided into clusters of such sizes (each has one row at least).
    #[error(
        "{rows} rows cannot be divided into {k} clusters of {least} to {most} rows, each of one row at least"
    )]
    ClusterSizes {
        /// The smallest size allowed.
        least: usize,
        /// The largest size allowed, or the number of rows if that is less.
        most: usize,
        /// Clusters asked for.
        k: usize,
        /// Rows of the data.
        rows: usize,
    },
    /// Nothing would be drawn in no rounds, or by a factor that is not a positive number.
    #[error("{rounds} rounds of {factor} k candidates cannot be drawn")]
    Oversampling {
        /// Rounds asked for.
        rounds: usize,
        /// Candidates of a round, in units of k.
        factor: f64,
    },
    /// A tree of clusters was to be cut into more of them than it has.
    #[error("a tree of {clusters} clusters cannot be cut into {k}")]
    CutAbove {
        /// Clusters asked for.
        k: usize,
        /// Clusters there are.
        clusters: usize,
    },
    /// A row (or a centroid to start from) without direction: all its values are 0, so it has no cosine with any other.
    #[error("row {row} is all zeros: it has no direction")]
    ZeroRow {
        /// The row, or the number of the centroid.
        row: usize,
    },
    /// A matrix of dissimilarities must be square.
    #[error("a matrix of dissimilarities must be square, and this one has {rows} rows and {columns} columns")]
    NotSquare {
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// The number of values above the diagonal of a square matrix is n (n - 1) / 2.
    #[error("{found} values are not n (n - 1) / 2 for any n: they are no condensed matrix")]
    CondensedLength {
        /// Values given.
        found: usize,
    },
    /// A dissimilarity is negative, NaN, infinite (in the type of the data), or so large that sums over the rows may be.
    #[error(
        "the dissimilarity of rows {row} and {column} is {value:e}: it must be finite, also when summed over the rows, and not negative"
    )]
    Dissimilarity {
        /// One row.
        row: usize,
        /// The other.
        column: usize,
        /// Their dissimilarity.
        value: f64,
    },
    /// A matrix of dissimilarities must be symmetric, up to rounding.
    #[error("rows {row} and {column} are {value:e} apart, and {mirrored:e} the other way round")]
    Asymmetric {
        /// One row.
        row: usize,
        /// The other.
        column: usize,
        /// The value at (row, column).
        value: f64,
        /// The value at (column, row).
        mirrored: f64,
    },
    /// The medoids to start from are not k.
    #[error("{found} rows to start from were given for {expected} clusters")]
    MedoidCount {
        /// Clusters asked for.
        expected: usize,
        /// Rows given.
        found: usize,
    },
    /// A medoid to start from is not a row, or is named twice.
    #[error("row {row} cannot be a medoid to start from: it is named twice, or not one of {rows} rows")]
    MedoidRow {
        /// The row named.
        row: usize,
        /// Rows of the data.
        rows: usize,
    },
    /// A sweep over numbers of clusters was given none.
    #[error("no number of clusters was given")]
    EmptySweep,
    /// A sweep over numbers of clusters was given one twice.
    #[error("k = {k} is asked for twice")]
    RepeatedClusters {
        /// The number that appears twice.
        k: usize,
    },
    /// There is not one label per row.
    #[error("there are {found} labels for {expected} rows")]
    LabelCount {
        /// Rows of the data, or labels of the first labelling.
        expected: usize,
        /// Labels given.
        found: usize,
    },
    /// There are more clusters than numbers of the type that the labels should have.
    #[error("labels of {clusters} clusters were to be written as numbers up to {largest}")]
    NarrowLabels {
        /// Clusters of the model.
        clusters: usize,
        /// The largest number of the type.
        largest: usize,
    },
    /// A score that compares clusters was asked of too few of them, or of as many as there are rows.
    #[error(
        "{clusters} clusters of {rows} rows were given, but this score needs at least 2, and more rows than clusters"
    )]
    ScoreClusters {
        /// Distinct labels.
        clusters: usize,
        /// Rows of the data.
        rows: usize,
    },
    /// A sample was to be of too few rows.
    #[error("a sample of {rows} rows was asked for, but {least} or more are needed")]
    SmallSample {
        /// Rows asked for.
        rows: usize,
        /// Rows needed.
        least: usize,
    },
}
