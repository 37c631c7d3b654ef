//! Rows that change their cluster.

use super::dispatch::by_columns;
use super::element::Element;
use super::moments::{Grids, RowSums};
use super::vector::all;
use fearless_simd::{Simd, SimdBase, SimdMask};

/// A change of labels: each row leaves the cluster of its old label and enters that of its new one.
pub(crate) struct Moves<'a, F> {
    pub rows: &'a [F],
    pub weights: Option<&'a [f64]>,
    pub to: &'a [u32],
    pub grids: &'a Grids,
}

/// The label of a row that belongs to no cluster yet.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// Applies the moves to the sums, overwrites the labels, and counts the rows that moved (and count).
#[inline(always)]
pub(super) fn apply<S: Simd, F: Element>(
    simd: S,
    moves: &Moves<'_, F>,
    labels: &mut [u32],
    sums: &mut RowSums,
) -> usize {
    by_columns!(
        moves.grids.columns.len(),
        [1 2 3 4],
        D => apply_columns::<S, F, D>(simd, moves, labels, sums),
        else apply_columns::<S, F, 0>(simd, moves, labels, sums)
    )
}

/// With `D` columns; with any number if `D` is 0.
#[inline(always)]
fn apply_columns<S: Simd, F: Element, const D: usize>(
    simd: S,
    moves: &Moves<'_, F>,
    labels: &mut [u32],
    sums: &mut RowSums,
) -> usize {
    const CHUNK: usize = 64;
    let d = if D == 0 { moves.grids.columns.len() } else { D };
    let weighted = moves.weights.is_some();
    let mut moved = 0;
    for (g, (labels, to)) in labels.chunks_mut(CHUNK).zip(moves.to.chunks(CHUNK)).enumerate() {
        // Most rows stay, and which ones go no branch can foresee.
        let mut left = differing(simd, labels, to);
        while left != 0 {
            let at = left.trailing_zeros() as usize;
            left &= left - 1;
            let (i, to) = (g * CHUNK + at, to[at]);
            let from = std::mem::replace(&mut labels[at], to);
            let weight = moves.weights.map_or(1.0, |weights| weights[i]);
            if weight == 0.0 {
                continue;
            }
            moved += 1;
            let row = &moves.rows[i * d..][..d];
            if from != NOWHERE {
                sums.add::<F, true>(moves.grids, weighted, from as usize, row, weight);
            }
            if to != NOWHERE {
                sums.add::<F, false>(moves.grids, weighted, to as usize, row, weight);
            }
        }
    }
    moved
}

/// A bit for each of up to 64 places where the values differ.
#[inline(always)]
fn differing<S: Simd>(simd: S, a: &[u32], b: &[u32]) -> u64 {
    let mut mask = 0;
    let whole = a.len() - a.len() % S::u32s::LEN;
    for i in (0..whole).step_by(S::u32s::LEN) {
        let a = S::u32s::from_slice(simd, &a[i..][..S::u32s::LEN]);
        let b = S::u32s::from_slice(simd, &b[i..][..S::u32s::LEN]);
        mask |= (all(S::u32s::LEN) & !a.simd_eq(b).to_bitmask()) << i;
    }
    for i in whole..a.len() {
        mask |= u64::from(a[i] != b[i]) << i;
    }
    mask
}
