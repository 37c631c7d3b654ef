//! Choosing k.

mod elbow;

pub use elbow::{Elbow, ElbowPoint, elbow, elbow_weighted};
