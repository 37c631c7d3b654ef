//! The types that data may have.

use crate::compiled::Compiled;
use crate::kernel::Element;
use std::fmt::{Debug, Display, LowerExp};

/// `f32` or `f64`, the types that data may have. Sealed: no other type can implement it.
///
/// Labels, inertia and shift do not depend on this choice in kind: distances are compared, and sums are formed, in f64 for both.
///
/// ```
/// use centroids::{Error, Float, KMeans};
/// use ndarray::Array2;
///
/// fn two_groups<F: Float>(data: &Array2<F>) -> Result<Vec<usize>, Error> {
///     Ok(KMeans::new(2).fit(data)?.labels().to_vec())
/// }
/// # let data = ndarray::array![[0.0f32], [9.0]];
/// # let labels = two_groups(&data).unwrap();
/// # assert_ne!(labels[0], labels[1]);
/// ```
pub trait Float: Element + Compiled + Debug + Display + LowerExp {}

impl Float for f32 {}
impl Float for f64 {}
