//! k-means and its family: exact, bit-reproducible, fast.
//!
//! k-means divides rows of numbers into k clusters, so that the squared distances of the rows to the mean of their cluster,
//! summed over all rows, become small. This page goes through one small case from the data to a decision, and then says what the
//! crate promises, which type serves which purpose, and what it costs.
//!
//! # From data to a decision
//!
//! A shop knows of twelve customers how often they come in a month and what they spend each time, in euros. It wants to write a
//! letter to each kind of customer. How many kinds are there, and of which kind is the next customer?
//!
//! ```
//! use centroids::{KMeans, StopReason};
//! use ndarray::{Array2, Axis, array};
//!
//! let customers: Array2<f64> = array![
//!     [8.0, 12.0], [9.0, 15.0], [10.0, 11.0], [7.0, 14.0],
//!     [1.0, 95.0], [2.0, 110.0], [1.0, 102.0], [2.0, 90.0],
//!     [4.0, 45.0], [5.0, 50.0], [4.0, 55.0], [5.0, 41.0],
//! ];
//!
//! // Visits and euros are different units, and the euros have the larger numbers: as they are,
//! // they would decide alone. Divided by its standard deviation, each column counts alike. (That
//! // of a constant column is 0: leave the column out, for a division by 0 makes NaN.)
//! let mean = customers.mean_axis(Axis(0)).expect("there are rows");
//! let deviation = customers.std_axis(Axis(0), 0.0);
//! let scaled = (&customers - &mean) / &deviation;
//!
//! // How many kinds? The inertia, the sum of the squared distances, falls with every cluster more.
//! // Print it for a few k, as the part of the variance that the clusters explain. For each k the
//! // best of ten runs counts.
//! let kmeans = KMeans::new(1).seed(7).n_init(10);
//! let total = kmeans.fit(&scaled)?.inertia();
//! for k in 2..=5 {
//!     let explained = 1.0 - kmeans.clone().with_k(k).fit(&scaled)?.inertia() / total;
//!     println!("{k} kinds explain {:.0} %", 100.0 * explained);
//! }
//! // It prints 73, 96, 97 and 98 %: the third cluster finds something, the fourth only cuts a kind
//! // in two. (`select::sweep` does this loop, and judges each k by seven criteria; `select::elbow`
//! // finds the knee.)
//!
//! // So three. The model says who belongs together, and why the fit stopped.
//! let model = kmeans.with_k(3).fit(&scaled)?;
//! assert_eq!(model.stop_reason(), StopReason::Converged);
//! assert_eq!(model.cluster_sizes(), [4, 4, 4]);
//! let labels = model.labels();
//! assert!(labels[0] == labels[3] && labels[3] != labels[4]);
//!
//! // The centroids describe the kinds, once they are back in visits and euros. The numbers of the
//! // clusters mean nothing: find a cluster by a row that you know, or by its centroid.
//! let kinds = model.centroids() * &deviation + &mean;
//! let often = labels[0];
//! assert!((kinds[[often, 0]] - 8.5).abs() < 1e-9 && (kinds[[often, 1]] - 13.0).abs() < 1e-9);
//!
//! // A new customer, scaled like the others, belongs to the kind with the nearest centroid.
//! let new = (array![[6.0, 20.0]] - &mean) / &deviation;
//! assert_eq!(model.predict(&new)?[0], often);
//!
//! // A label is always given, so ask how clear it is before you send the letter. The nearest
//! // centroid is hardly nearer than the next: this customer is between two kinds.
//! let mut distances = model.transform(&new)?.row(0).to_vec();
//! distances.sort_by(f64::total_cmp);
//! assert!(distances[0] > 0.9 * distances[1]);
//! # Ok::<(), centroids::Error>(())
//! ```
//!
//! # What is promised
//!
//! * **Exact.** A row's label is that of a search through all centroids by squared Euclidean distance in f64 (also for f32 data),
//!   ties to the lowest index. Whatever is done to be faster does not change a label. (To the last bit, the distance is this: `(x[t] - c[t])²` is added to the sum
//!   number `t % 8`, without fused multiply-add, and the eight sums are joined as `((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))`.)
//! * **The same bits.** The same data, settings and seed give the same labels, centroids, inertia and history on any number of threads,
//!   at any SIMD level and with any [`Algorithm`]. With given centroids the order of the rows does not matter either: the labels
//!   move with their rows, and nothing else changes. (But for [`refine`](KMeans::refine), which draws rows by their numbers.)
//! * **It ends, and tells the truth.** A fit ends after [`max_iter`](KMeans::max_iter) iterations at the latest (with [`refine`](KMeans::refine), each of its
//!   tries), and [`stop_reason`](KMeansModel::stop_reason) says why. A model is one state, whatever stopped it: `predict` of the training rows is
//!   `labels`, and `score`, with their weights if they had any, is minus `inertia`. Nothing is clamped and nothing is printed.
//! * **Errors are values.** Bad input gives an [`Error`] that names the rule with its numbers. Data never makes it panic.
//! * **No `unsafe`** in this crate.
//!
//! # Which type for what
//!
//! | you want to | use |
//! |---|---|
//! | cluster rows | [`KMeans::fit`] |
//! | cluster rows that count differently, or repeat | [`KMeans::fit_weighted`] |
//! | watch a fit, or end it early | [`KMeans::fit_with`], [`Iteration`] |
//! | read the result, label new rows, measure distances | [`KMeansModel`] |
//! | label rows by centroids from elsewhere | [`KMeansModel::from_centroids`] |
//! | label rows into memory that is there, or as bytes | [`KMeansModel::predict_into`], [`Label`] |
//! | label row after row, or batch after batch | [`KMeansModel::predictor`], [`Predictor`] |
//! | start from somewhere else | [`Random`], [`KMeansPlusPlus`], [`KMeansParallel`], an `Array2`, [`init::from_fn`], your own [`Init`] |
//! | go on from an earlier model | `.with_k(model.n_clusters()).init(model.centroids().clone())` |
//! | stop by another rule | [`Tolerance`], [`Stable`], [`Patience`], [`Any`], [`All`], a closure, your own [`Convergence`] |
//! | get past a local minimum | [`KMeans::refine`], [`Refine`] |
//! | say what happens to a cluster without rows | [`EmptyCluster`] |
//! | choose k | [`select::sweep`], [`select::elbow`] |
//! | judge a clustering | [`select::silhouette`] and the others of [`select`] |
//! | make clusters of equal or bounded size | [`BalancedKMeans`], [`BalancedKMeansModel`] |
//! | make a tree of clusters | [`BisectingKMeans`], [`BisectingKMeansModel`] |
//! | cluster by direction: cosines, text embeddings | [`SphericalKMeans`], [`SphericalKMeansModel`] |
//! | let rows belong to several clusters in part | [`FuzzyCMeans`], [`FuzzyCMeansModel`] |
//! | keep outliers from moving the centroids | [`KMedians`], [`KMediansModel`] |
//! | cluster by any dissimilarity, around rows of the data | [`KMedoids`], [`KMedoidsModel`], [`Medoids`] |
//! | write code for f32 and f64 | [`Float`] |
//!
//! Every setting has a default; [`KMeans`] lists them.
//!
//! # Names elsewhere
//!
//! | scikit-learn | linfa | here |
//! |---|---|---|
//! | `KMeans(n_clusters=8)` | `KMeans::params(8)` | [`KMeans::new(8)`](KMeans::new) |
//! | `n_init`, `max_iter` | `n_runs`, `max_n_iterations` | [`n_init`](KMeans::n_init) (1 unless set), [`max_iter`](KMeans::max_iter) |
//! | `tol`, in parts of the variance | `tolerance`, a distance | [`tolerance`](KMeans::tolerance), as in scikit-learn |
//! | `random_state` | `params_with_rng` | [`seed`](KMeans::seed) (0 unless set) |
//! | `init="random"`, `"k-means++"` | `init_method` | [`init`](KMeans::init) |
//! | `fit(X, sample_weight=w)` | | [`fit_weighted`](KMeans::fit_weighted) |
//! | `cluster_centers_`, `labels_`, `inertia_` | `centroids`, `inertia` (a mean) | [`centroids`](KMeansModel::centroids), [`labels`](KMeansModel::labels), [`inertia`](KMeansModel::inertia) |
//! | `predict`, `transform`, `score` | `predict` | [`predict`](KMeansModel::predict), [`transform`](KMeansModel::transform), [`score`](KMeansModel::score) |
//! | `silhouette_score` and others | `silhouette_score` | [`select`] |
//!
//! # Data
//!
//! Data is any two-dimensional `ndarray` array or view of f32 or f64, one row for each thing, read where it lies. Plain slices go in as views,
//! which copies nothing:
//!
//! ```
//! use centroids::KMeans;
//! use ndarray::ArrayView2;
//!
//! let values = [0.0f32, 0.5, 0.25, 0.75, 9.0, 9.5, 9.25, 9.75];
//! let data = ArrayView2::from_shape((4, 2), &values).expect("four rows of two");
//! let model = KMeans::new(2).fit(&data)?;
//! assert_eq!(model.labels()[0], model.labels()[1]);
//! # Ok::<(), centroids::Error>(())
//! ```
//!
//! Rows that do not lie one after another (a transposed array, a slice of columns) are copied once. The distance is Euclidean, so columns of different
//! units need scaling first, as above. Categories and missing values have no distance: turn them into numbers that have one, or
//! leave them out. A NaN is an error, not a missing value.
//!
//! # Errors
//!
//! Everything that can be checked is checked before any work is done, so an error comes at once. Rows, columns and clusters are counted
//! from 0. Not to have converged is not an error.
//!
//! ```
//! use centroids::{Error, KMeans, StopReason};
//! use ndarray::array;
//!
//! let data = array![[0.0, 1.0], [2.0, f64::NAN], [4.0, 5.0]];
//! match KMeans::new(2).fit(&data) {
//!     Err(Error::NotFinite { row, column }) => assert_eq!((row, column), (1, 1)),
//!     other => panic!("{other:?}"),
//! }
//! let error = KMeans::new(5).fit(&array![[0.0], [1.0]]).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "5 clusters were asked for, but there are only 2 rows (rows of weight 0 do not count)"
//! );
//!
//! let line = ndarray::Array2::from_shape_fn((100, 1), |(row, _)| row as f64);
//! let model = KMeans::new(7).max_iter(1).fit(&line)?;
//! assert_eq!(model.stop_reason(), StopReason::MaxIterations);
//! # Ok::<(), Error>(())
//! ```
//!
//! There can be fewer clusters in the model than you asked for, if the data has fewer distinct rows: compare
//! [`n_clusters`](KMeansModel::n_clusters). [`EmptyCluster`] has the rules.
//!
//! # Reproducibility
//!
//! The seed is 0 unless you set one, so two runs of a program agree without any care, and nothing is taken from the clock or the operating system.
//! Another seed gives another start, and often another result: k-means finds a local minimum.
//! [`n_init`](KMeans::n_init) keeps the best of several. The numbers that a seed gives stay the same from version to version, or the changelog says
//! that they do not ([`SeededRng`]).
//!
//! Same bits in need same bits in: what you compute before the fit, such as a scaling with `std_axis`, may round differently
//! elsewhere.
//!
//! # Time and memory
//!
//! An iteration takes time in proportion to n k d, for n rows, d columns and k clusters, or less: bounds pass over rows, and with few columns over whole
//! groups of them ([`Algorithm`]). Beyond your data a fit holds up to 32 bytes for each row, 8 to 24 more with weights (34 more while a cluster that lost
//! its rows is given others); and some k d numbers for each thread ([`Algorithm::Filtering`] asked for by name, [`Refine`], and rows of weight 0 with few
//! columns may take more). The model keeps 4 bytes a row, and 8 more once its [`labels`](KMeansModel::labels) are asked for. The n by k distances exist only in what [`transform`](KMeansModel::transform) returns.
//!
//! Threads are those of rayon's current pool. To use fewer, call `fit` in the `install` of a smaller pool.
//!
//! A debug build of this crate is slow, as numeric code is without optimisation. Two lines in your `Cargo.toml` change that for this
//! crate alone (everything that takes time is compiled in it, none of it in yours):
//!
//! ```toml
//! [profile.dev.package.centroids]
//! opt-level = 3
//! ```
//!
//! # Features
//!
//! | feature | default | what it does |
//! |---|---|---|
//! | `parallel` | yes | spreads the work over rayon's threads; the results are the same bits without it |
//! | `serde` | no | saves and loads models of all types; [what is loaded is checked](KMeansModel#saving) |
//!
//! SIMD needs no feature: the instructions are chosen when the program runs.
//!
//! # When to use something else
//!
//! k-means makes round clusters of similar width. It cuts long or ringed groups in pieces, a few far outliers take clusters for
//! themselves, and it gives every row a label, also those that belong nowhere. It divides data without any groups just as willingly, so look at the
//! result. With hundreds of columns, all distances become similar; reduce the columns first (for example by PCA) if the groups blur.

#![cfg_attr(not(test), forbid(unsafe_code))]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod balanced;
mod bisecting;
mod compiled;
mod convergence;
mod data;
mod error;
mod float;
mod fuzzy;
mod history;
pub mod init;
mod kernel;
mod kmeans;
mod lloyd;
mod medians;
mod medoids;
mod model;
mod predictor;
mod restarts;
mod rng;
mod sampler;
#[cfg(feature = "serde")]
mod saved;
pub mod select;
mod spherical;

/// The version of `ndarray` that this crate uses.
#[doc(no_inline)]
pub use ndarray;

pub use balanced::{BalancedKMeans, BalancedKMeansModel};
pub use bisecting::{BisectingKMeans, BisectingKMeansModel, Bisection, Node, SplitBy};
pub use convergence::{All, Any, Convergence, Patience, Stable, Tolerance};
pub use error::Error;
pub use float::Float;
pub use fuzzy::{FuzzyCMeans, FuzzyCMeansModel, FuzzyIteration};
pub use history::{Iteration, StopReason};
pub use init::{Init, KMeansParallel, KMeansPlusPlus, Random};
pub use kernel::codes::Label;
pub use kmeans::KMeans;
pub use lloyd::{Algorithm, EmptyCluster, Refine};
pub use medians::{KMedians, KMediansModel, MediansIteration};
pub use medoids::{Dissimilarity, KMedoids, KMedoidsModel, MedoidInit, Medoids, MedoidsIteration, Metric};
pub use model::KMeansModel;
pub use predictor::Predictor;
pub use rng::SeededRng;
pub use spherical::{SphericalKMeans, SphericalKMeansModel};

/// The code of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
