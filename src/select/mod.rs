//! Choosing k, and judging a clustering.
//!
//! | you want to | use |
//! |---|---|
//! | compare several k by every criterion at once | [`sweep`], [`SweepSettings`] |
//! | see only the inertia against k | [`elbow`] |
//! | judge one clustering | [`silhouette`], [`simplified_silhouette`], [`calinski_harabasz`], [`davies_bouldin`] |
//! | compare with known labels | [`adjusted_rand_index`], [`normalized_mutual_information`] |
//!
//! # Why an elbow alone misleads
//!
//! The inertia falls with every cluster more, whatever the data. For rows spread evenly over d columns it falls about as `k^(-2/d)`: steep first and flat later, so
//! a curve of pure noise bends too, and the eye finds an elbow in it. Where the bend seems to sit depends on how far k was swept and on how the axes are
//! scaled, not on the data alone, and no theory says that a bend is a number of clusters. That is the argument of E. Schubert (2023), "Stop using the elbow
//! criterion for k-means and how to choose the number of clusters instead", SIGKDD Explorations 25(1). He advises to compare with what no structure would give: the variance ratio of
//! Caliński and Harabasz, BIC, or the gap statistic, over good minima, and to ask first whether k-means fits the data at all.
//!
#![doc = include_str!("elbow.svg")]
//!
//! [`Elbow::knee`] therefore counts only a bend that lies clearly below the curve of noise. Of the criteria here, [`Criterion::Gap`] and
//! [`Criterion::Bic`] are defined for k = 1 and can find that there are no clusters. The silhouettes and those of Caliński and Harabasz and of Davies and Bouldin compare clusters with
//! each other, so on noise they choose some k all the same; [`Sweep::verdict`] says so:
//!
//! ```
//! use centroids::{KMeans, SeededRng, select::{self, Criterion}};
//! use ndarray::Array2;
//!
//! let mut rng = SeededRng::new(0);
//! let noise = Array2::from_shape_simple_fn((300, 5), || rng.uniform());
//! let sweep = select::sweep(&KMeans::new(1).n_init(3), 1..=8, &noise)?;
//!
//! // On noise of one or two columns chance deceives these more often.
//! assert_eq!(sweep.choice(Criterion::Knee), None);
//! assert_eq!(sweep.choice(Criterion::Bic), Some(1));
//! assert!(sweep.choice(Criterion::Silhouette) > Some(1));
//! assert!(sweep.verdict().contains("Perhaps there are no clusters"));
//! # Ok::<(), centroids::Error>(())
//! ```
//!
//! `cargo run --release --example choose_k` draws the criteria side by side, for real data and for noise.

mod criterion;
mod elbow;
mod external;
mod partition;
mod reference;
mod scores;
mod sweep;
mod verdict;

pub use criterion::Criterion;
pub use elbow::{Elbow, ElbowPoint, elbow, elbow_weighted};
pub use external::{adjusted_rand_index, normalized_mutual_information};
pub use scores::{
    SampledSilhouette, calinski_harabasz, davies_bouldin, silhouette, silhouette_sampled, silhouette_values,
    simplified_silhouette,
};
pub use sweep::{Sweep, SweepPoint, SweepSettings, sweep};
