//! Choosing k, and judging a clustering.

mod elbow;
mod external;
mod partition;
mod scores;

pub use elbow::{Elbow, ElbowPoint, elbow, elbow_weighted};
pub use external::{adjusted_rand_index, normalized_mutual_information};
pub use scores::{
    SampledSilhouette, calinski_harabasz, davies_bouldin, silhouette, silhouette_sampled, silhouette_values,
    simplified_silhouette,
};
