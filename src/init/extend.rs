//! More centroids to those there are.

use super::plus_plus::frame;
use crate::float::Float;
use crate::kernel::Level;
use crate::kernel::approach::Approach;
use crate::kernel::assign::Rows;
use crate::kernel::pack::{Packed, Range};
use crate::rng::SeededRng;
use crate::sampler::Sampler;
use ndarray::{Array2, ArrayView2};

/// The centroids, and rows drawn by their squared distance from the nearest so far, k in all; fewer if no row is left that is none of them.
pub(crate) fn extend<F: Float>(
    centroids: ArrayView2<'_, F>,
    data: ArrayView2<'_, F>,
    k: usize,
    rng: &mut SeededRng,
) -> Array2<F> {
    let (level, d) = (Level::new(), data.ncols());
    let values = data.as_standard_layout();
    let rows = Rows { values: values.as_slice().expect("standard layout is contiguous"), d, weights: None };
    let mut range = Range::new(d);
    F::scan(level, rows.values, &mut range);
    let frame = frame(&range, rows);
    let mut all: Vec<F> = centroids.iter().copied().collect();
    let mut near = Approach::new(rows.n());
    near.meet(level, &Packed::new(level, &frame, &all, d), rows, 0);
    while all.len() < k * d {
        let Some(row) = Sampler::new(&near.distances, None).draw(&near.distances, rng) else { break };
        near.meet(level, &Packed::new(level, &frame, rows.row(row), d), rows, 0);
        all.extend_from_slice(rows.row(row));
    }
    Array2::from_shape_vec((all.len() / d, d), all).expect("rows of d values")
}
