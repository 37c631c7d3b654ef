//! Drawing rows with given probabilities.

use crate::float::Float;
use crate::kernel::screen::BLOCK_ROWS;
use crate::kernel::{Element, par};
use crate::rng::SeededRng;
use ndarray::ArrayView1;

/// Draws rows with probability proportional to weight times a value per row.
///
/// The products are summed in fixed blocks, so a draw costs a walk over the blocks and one block, and the sums do not depend on threads.
pub(crate) struct Sampler<'a> {
    weights: Option<&'a [f64]>,
    blocks: Vec<f64>,
}

impl<'a> Sampler<'a> {
    pub(crate) fn new(values: &[f64], weights: Option<&'a [f64]>) -> Self {
        let mut sampler = Sampler { weights, blocks: vec![0.0; values.len().div_ceil(BLOCK_ROWS)] };
        sampler.refresh(values, None);
        sampler
    }

    fn term(&self, values: &[f64], i: usize) -> f64 {
        values[i] * self.weights.map_or(1.0, |weights| weights[i])
    }

    /// Sums the blocks anew, or those that changed.
    pub(crate) fn refresh(&mut self, values: &[f64], changed: Option<&[bool]>) {
        let mut blocks = std::mem::take(&mut self.blocks);
        let some = changed.map_or(blocks.len(), |changed| changed.iter().filter(|&&changed| changed).count());
        // Each addition waits for the one before.
        let mut workers = vec![(); par::workers_for((some * BLOCK_ROWS * 8) as f64)];
        par::share(&mut workers, blocks.iter_mut().enumerate(), |(), (b, block)| {
            if changed.is_none_or(|changed| changed[b]) {
                let rows = b * BLOCK_ROWS..values.len().min((b + 1) * BLOCK_ROWS);
                *block = rows.map(|i| self.term(values, i)).sum();
            }
        });
        self.blocks = blocks;
    }

    /// Sums the block of one row anew.
    pub(crate) fn forget(&mut self, values: &[f64], row: usize) {
        let b = row / BLOCK_ROWS;
        self.blocks[b] =
            (b * BLOCK_ROWS..values.len().min((b + 1) * BLOCK_ROWS)).map(|i| self.term(values, i)).sum();
    }

    /// The sum over all rows.
    pub(crate) fn total(&self) -> f64 {
        self.blocks.iter().sum()
    }

    /// A row; `None` if every product is 0.
    pub(crate) fn draw(&self, values: &[f64], rng: &mut SeededRng) -> Option<usize> {
        let total = self.total();
        if !(total > 0.0) {
            return None;
        }
        let mut left = rng.uniform() * total;
        // Rounding may carry the walk past the end; then the last row with a chance is taken.
        let mut chosen = None;
        for (b, &block) in self.blocks.iter().enumerate() {
            if block > 0.0 {
                chosen = Some(b);
                if left < block {
                    break;
                }
                left -= block;
            }
        }
        let first = chosen? * BLOCK_ROWS;
        let mut row = None;
        for i in first..values.len().min(first + BLOCK_ROWS) {
            let term = self.term(values, i);
            if term > 0.0 {
                row = Some(i);
                if left < term {
                    break;
                }
                left -= term;
            }
        }
        row
    }
}

/// The weights as the sampler takes them: as parts of the largest, for their products with distances must not vanish. The quotients are the same bits for weights that are all so many times as
/// large.
pub(crate) fn weights<F: Float>(weights: Option<ArrayView1<'_, F>>) -> Option<Vec<f64>> {
    let weights = weights?.into_iter().map(|&weight| Element::f64(weight));
    let largest = weights.clone().fold(0.0, f64::max);
    Some(weights.map(|weight| if largest > 0.0 { weight / largest } else { 0.0 }).collect())
}
