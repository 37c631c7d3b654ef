//! k-means and its family: exact, bit-reproducible, fast.

#![cfg_attr(not(test), forbid(unsafe_code))]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod convergence;
mod data;
mod error;
mod float;
mod history;
pub mod init;
mod kernel;
mod kmeans;
mod lloyd;
mod model;
mod rng;
pub mod select;

pub use convergence::{All, Any, Convergence, Patience, Stable, Tolerance};
pub use error::Error;
pub use float::Float;
pub use history::{Iteration, StopReason};
pub use init::{Init, KMeansPlusPlus, Random};
pub use kmeans::KMeans;
pub use lloyd::{Algorithm, EmptyCluster};
pub use model::KMeansModel;
pub use rng::SeededRng;
