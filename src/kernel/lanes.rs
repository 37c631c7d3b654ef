//! Few columns: rows in the lanes, centroids broadcast.
//!
//! A group of `B` vectors of rows is turned so that each vector holds one column, and then meets the centroids one after
//! another: D fused multiply-adds and five operations that keep the best score, the second best and the best index,
//! all per lane. Nothing is reduced across lanes, and B independent chains hide the latency.

use super::assign::Scratch;
use super::element::{Element, Vector};
use super::pack::{Frame, Packed};
use super::settle::{Outcome, conclude, settle};
use super::vector::{Lanes, MOST_LANES};
use fearless_simd::Simd;

/// A vector of rows of `D` values each, moved into the frame: a vector per column. Lanes without a row are of no matter.
#[inline(always)]
pub(super) fn columns<S: Simd, F: Element, const D: usize>(
    simd: S,
    rows: &[F],
    frame: &Frame<F>,
) -> [Vector<S, F>; D] {
    let rows = rows.as_chunks::<D>().0;
    let mut columns = if rows.len() < Vector::<S, F>::LEN {
        let mut filled = [[F::default(); D]; MOST_LANES];
        filled[..rows.len()].copy_from_slice(rows);
        Vector::<S, F>::columns(simd, &filled)
    } else {
        Vector::<S, F>::columns(simd, rows)
    };
    let scale = Vector::<S, F>::splat(simd, frame.scale);
    for (column, &offset) in columns.iter_mut().zip(&frame.offset) {
        *column = (*column - Vector::<S, F>::splat(simd, offset)) * scale;
    }
    columns
}

/// The label of each row.
#[inline(always)]
pub(super) fn label<S: Simd, F: Element, const D: usize, const B: usize>(
    simd: S,
    packed: &Packed<F>,
    rows: &[F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) -> bool {
    let len = Vector::<S, F>::LEN;
    let group = B * len;
    let mut sound = true;
    let zero = Vector::<S, F>::splat(simd, F::default());
    let least = Vector::<S, F>::splat(simd, F::of(f64::NEG_INFINITY));
    for (g, (rows, labels)) in rows.chunks(group * D).zip(labels.chunks_mut(group)).enumerate() {
        // Whole groups only, for with constant bounds the loops over them leave everything in registers.
        let whole = if rows.len() == group * D {
            rows
        } else {
            scratch.group[..rows.len()].copy_from_slice(rows);
            &scratch.group[..group * D]
        };
        let mut x = [[zero; D]; B];
        for b in 0..B {
            x[b] = columns(simd, &whole[b * len * D..][..len * D], &packed.frame);
        }
        let (mut best, mut second, mut tag) = ([least; B], [least; B], [zero; B]);
        for record in packed.records.chunks_exact(D + 2) {
            let start = Vector::<S, F>::splat(simd, record[D]);
            let index = Vector::<S, F>::splat(simd, record[D + 1]);
            let mut score = [start; B];
            for t in 0..D {
                let c = Vector::<S, F>::splat(simd, record[t]);
                for b in 0..B {
                    score[b] = x[b][t].mul_add(c, score[b]);
                }
            }
            for b in 0..B {
                tag[b] = score[b].if_greater(best[b], index, tag[b]);
                second[b] = second[b].max(score[b].min(best[b]));
                best[b] = best[b].max(score[b]);
            }
        }
        let [mut norm, mut own] = [[zero; B]; 2];
        for b in 0..B {
            for x in x[b] {
                norm[b] = x.mul_add(x, norm[b]);
            }
            own[b] = packed.own_margin(simd, norm[b]);
        }
        let outcome = Outcome { norm, own, best, second, tag };
        sound &= conclude(simd, packed, rows, &outcome, g * group, scratch, labels);
    }
    settle(simd, packed, rows, scratch, labels);
    sound
}
