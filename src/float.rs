//! The types that data may have.

use crate::compiled::Compiled;
use crate::kernel::Element;
use ndarray::ScalarOperand;
use num_traits::{FromPrimitive, NumAssign};
use std::fmt::{Debug, Display, LowerExp};
use std::iter::Sum;

/// `f32` or `f64`, the types that data may have. Sealed: no other type can implement it.
///
/// Generic code can use what `num_traits` knows of it ([`Float`](num_traits::Float), [`FromPrimitive`](num_traits::FromPrimitive), [`NumAssign`](num_traits::NumAssign): zero, arithmetic,
/// roots, conversions), sums over iterators, and `ndarray`'s means, deviations and arithmetic with scalars.
///
/// Labels, inertia and shift do not depend on this choice in kind: distances are compared, and sums are formed, in f64 for both.
///
/// ```
/// use centroids::{Error, Float, KMeans};
/// use ndarray::{Array2, Axis};
///
/// fn two_groups<F: Float>(data: &Array2<F>) -> Result<Vec<usize>, Error> {
///     let mean = data.mean_axis(Axis(0)).ok_or(Error::NoRows)?;
///     let scaled = (data - &mean) / &data.std_axis(Axis(0), F::zero());
///     Ok(KMeans::new(2).fit(&scaled)?.labels().to_vec())
/// }
/// # let data = ndarray::array![[0.0f32], [9.0]];
/// # let labels = two_groups(&data).unwrap();
/// # assert_ne!(labels[0], labels[1]);
/// ```
pub trait Float:
    num_traits::Float
    + FromPrimitive
    + NumAssign
    + Sum
    + ScalarOperand
    + Element
    + Compiled
    + Debug
    + Display
    + LowerExp
{
}

impl Float for f32 {}
impl Float for f64 {}
