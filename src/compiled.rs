//! What is compiled once, in this crate, for f32 and for f64.
//!
//! Rust compiles generic code in the crate that uses it, with that crate's settings. The loop, the seeding and the checks would so be
//! compiled again in every user's crate, and without optimisation in their debug builds, whatever their profile says of this
//! crate. Hence the public generic functions only turn arrays into views, and then come through one of these doors.

use crate::bisecting::{BisectingKMeans, BisectingKMeansModel, Bisection};
use crate::data::Data;
use crate::error::Error;
use crate::float::Float;
use crate::fuzzy::{self, FuzzyCMeans, FuzzyCMeansModel};
use crate::init::{KMeansParallel, KMeansPlusPlus, extend};
use crate::kernel::Level;
use crate::kernel::codes::Codes;
use crate::kmeans::KMeans;
use crate::lloyd;
use crate::medians::{self, KMedians, KMediansModel};
use crate::medoids::{KMedoids, KMedoidsModel, Medoids, MedoidsIteration};
use crate::model::KMeansModel;
use crate::predictor::Predictor;
use crate::restarts::Watch;
use crate::rng::SeededRng;
use crate::spherical;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

/// Declares the doors and opens them for both types: each passes its arguments on to the generic function of that name.
macro_rules! doors {
    ($($(#[$doc:meta])* fn $name:ident$(<$life:lifetime>)?($($arg:ident: $type:ty),* $(,)?) -> $out:ty = $path:expr;)*) => {
        /// Part of [`Float`]. Sealed: its module is private.
        #[doc(hidden)]
        #[allow(private_interfaces, missing_docs)]
        pub trait Compiled: Sized + Clone {
            $($(#[$doc])* fn $name$(<$life>)?($($arg: $type),*) -> $out where Self: Float;)*
        }
        doors!(@open f32 $($name$(<$life>)?($($arg: $type),*) -> $out = $path;)*);
        doors!(@open f64 $($name$(<$life>)?($($arg: $type),*) -> $out = $path;)*);
    };
    (@open $F:ident $($name:ident$(<$life:lifetime>)?($($arg:ident: $type:ty),*) -> $out:ty = $path:expr;)*) => {
        #[allow(private_interfaces)]
        impl Compiled for $F {
            $(fn $name$(<$life>)?($($arg: $type),*) -> $out { $path($($arg),*) })*
        }
    };
}

/// An array of rows.
type Rows<'a, F> = ArrayView2<'a, F>;
/// One weight a row.
type Weights<'a, F> = Option<ArrayView1<'a, F>>;

doors! {
    /// Checked data.
    fn check_data<'a>(level: Level, rows: Rows<'a, Self>, weights: Weights<'_, Self>, k: usize) -> Result<Data<'a, Self>, Error>
        = Data::new;

    /// The first broken rule of a fit.
    fn check_kmeans(kmeans: &KMeans<Self>, rows: Rows<'_, Self>, weights: Weights<'_, Self>) -> Result<(), Error>
        = |kmeans: &KMeans<Self>, rows, weights| kmeans.checked(rows, weights).map(|_| ());
    /// k-means.
    fn fit_kmeans(
        kmeans: &KMeans<Self>,
        rows: Rows<'_, Self>,
        weights: Weights<'_, Self>,
        observer: Option<lloyd::Observer<'_>>,
    ) -> Result<KMeansModel<Self>, Error>
        = KMeans::start;
    /// A model of given centroids.
    fn model_of(centroids: Rows<'_, Self>) -> Result<KMeansModel<Self>, Error> = KMeansModel::of;
    /// Labels.
    fn predict(model: &KMeansModel<Self>, rows: Rows<'_, Self>) -> Result<Array1<usize>, Error> = KMeansModel::labels_of;
    /// Labels into memory that is there.
    fn predict_into(model: &KMeansModel<Self>, rows: Rows<'_, Self>, labels: Codes<'_>) -> Result<(), Error>
        = KMeansModel::label_into;
    /// The same with centroids that are ready.
    fn predict_batch(predictor: &Predictor<Self>, rows: Rows<'_, Self>, labels: Codes<'_>) -> Result<(), Error>
        = Predictor::label_into;
    /// Distances to all centroids.
    fn transform(model: &KMeansModel<Self>, rows: Rows<'_, Self>) -> Result<Array2<Self>, Error> = KMeansModel::distances_of;
    /// Minus the inertia.
    fn score(model: &KMeansModel<Self>, rows: Rows<'_, Self>, weights: Weights<'_, Self>) -> Result<f64, Error>
        = KMeansModel::score_of;

    /// k-means++.
    fn plus_plus(
        init: &KMeansPlusPlus,
        rows: Rows<'_, Self>,
        weights: Weights<'_, Self>,
        k: usize,
        rng: &mut SeededRng,
    ) -> Result<Array2<Self>, Error>
        = KMeansPlusPlus::choose;

    /// k-means||.
    fn k_means_parallel(
        init: &KMeansParallel,
        rows: Rows<'_, Self>,
        weights: Weights<'_, Self>,
        k: usize,
        rng: &mut SeededRng,
    ) -> Result<Array2<Self>, Error>
        = KMeansParallel::choose;

    /// More centroids to those there are.
    fn extend(centroids: Rows<'_, Self>, rows: Rows<'_, Self>, k: usize, rng: &mut SeededRng) -> Array2<Self> = extend::extend;

    /// Fuzzy c-means.
    fn fit_fuzzy(
        fuzzy: &FuzzyCMeans<Self>,
        rows: Rows<'_, Self>,
        weights: Weights<'_, Self>,
        observer: fuzzy::Observer<'_>,
    ) -> Result<FuzzyCMeansModel<Self>, Error>
        = FuzzyCMeans::start;
    /// k-medians.
    fn fit_medians(
        medians: &KMedians<Self>,
        rows: Rows<'_, Self>,
        weights: Weights<'_, Self>,
        observer: medians::Observer<'_>,
    ) -> Result<KMediansModel<Self>, Error>
        = KMedians::start;
    /// Bisecting k-means.
    fn fit_bisecting(
        bisecting: &BisectingKMeans<Self>,
        rows: Rows<'_, Self>,
        weights: Weights<'_, Self>,
        observer: Watch<'_, Bisection>,
    ) -> Result<BisectingKMeansModel<Self>, Error>
        = BisectingKMeans::start;
    /// Clusters down the tree.
    fn predict_bisecting(model: &BisectingKMeansModel<Self>, rows: Rows<'_, Self>) -> Result<Array1<usize>, Error>
        = BisectingKMeansModel::labels_of;
    /// Rows scaled to length 1.
    fn scale(rows: Rows<'_, Self>) -> Result<Array2<Self>, Error> = spherical::scale;
    /// k-medoids of rows.
    fn fit_medoids(
        medoids: &KMedoids<Self>,
        rows: Rows<'_, Self>,
        observer: Watch<'_, MedoidsIteration>,
    ) -> Result<KMedoidsModel<Self>, Error>
        = KMedoids::start;
    /// k-medoids of a matrix.
    fn fit_square(medoids: &KMedoids<Self>, matrix: Rows<'_, Self>) -> Result<Medoids, Error> = KMedoids::square;
    /// k-medoids of half a matrix.
    fn fit_condensed(medoids: &KMedoids<Self>, values: ArrayView1<'_, Self>) -> Result<Medoids, Error> = KMedoids::condensed;
    /// Nearest medoids.
    fn predict_medoids(model: &KMedoidsModel<Self>, rows: Rows<'_, Self>) -> Result<Array1<usize>, Error>
        = KMedoidsModel::labels_of;
}
