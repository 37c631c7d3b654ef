//! Few columns: rows in the lanes, centroids broadcast.
//!
//! A group of `B` vectors of rows is turned so that each vector holds one column, and then meets the centroids one after
//! another: D fused multiply-adds and five operations that keep the best score, the second best and the best index,
//! all per lane. Nothing is reduced across lanes, and B independent chains hide the latency.

use super::assign::Scratch;
use super::element::{Element, Vector, framed};
use super::exact::{in_range, squared_distance};
use super::pack::{Frame, Packed, WIDE_FEW_COLUMNS};
use super::vector::{Lanes, MOST_LANES, all};
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
    let (mut sound, bounds) = (true, !scratch.upper.is_empty());
    let zero = Vector::<S, F>::splat(simd, F::default());
    let least = Vector::<S, F>::splat(simd, F::of(f64::NEG_INFINITY));
    let factor = Vector::<S, F>::splat(simd, packed.margin.row_factor);
    let floor = Vector::<S, F>::splat(simd, packed.margin.row_floor);
    let slack = Vector::<S, F>::splat(simd, packed.most_slack);
    let [tags, norms, owns, bests, seconds] = {
        let mut parts = scratch.state.chunks_mut(group);
        std::array::from_fn(|_| parts.next().expect("room for five"))
    };
    let two = Vector::<S, F>::splat(simd, F::of(2.0));
    for (g, (rows, labels)) in rows.chunks(group * D).zip(labels.chunks_mut(group)).enumerate() {
        // Whole groups only, for with constant bounds the loops over them leave everything in registers.
        let whole = if rows.len() == group * D {
            rows
        } else {
            scratch.framed[..rows.len()].copy_from_slice(rows);
            &scratch.framed[..group * D]
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
        let (mut norm, mut own) = ([zero; B], [zero; B]);
        let mut unsettled = 0;
        for b in 0..B {
            norm[b] = x[b].iter().fold(zero, |norm, &x| x.mul_add(x, norm));
            own[b] = norm[b].mul_add(factor, floor);
            tag[b].store(&mut tags[b * len..]);
            let settled = (best[b] - second[b]).greater(own[b] + slack);
            unsettled |= (all(len) & !settled) << (b * len);
        }
        for (label, tag) in labels.iter_mut().zip(&*tags) {
            *label = tag.untag();
        }
        if bounds {
            for b in 0..B {
                let first = g * group + b * len;
                // The norm's own rounding and that of these lines is less than the pads again.
                let pad = (own[b] + slack) * two;
                (norm[b] - best[b] * two + pad).store(&mut scratch.near[first..]);
                (norm[b] - second[b] * two - pad).store(&mut scratch.next[first..]);
                (pad * two * two).store(&mut scratch.excess[first..]);
            }
        }
        if unsettled != 0 {
            for b in 0..B {
                norm[b].store(&mut norms[b * len..]);
                own[b].store(&mut owns[b * len..]);
                best[b].store(&mut bests[b * len..]);
                second[b].store(&mut seconds[b * len..]);
            }
            let state = [&*norms, owns, bests, seconds];
            sound &= settle(simd, packed, rows, state, unsettled, labels, &mut scratch.next[g * group..]);
        }
    }
    sound
}

/// The rows named by the mask: some the best centroid's own slack certifies, the rest go through the reference search. False if a row has
/// a value that is not finite or too large; its norm is not a number then, or infinite, which leaves it unsettled.
#[cold]
#[inline(never)]
fn settle<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    rows: &[F],
    [norm, own, best, second]: [&[F]; 4],
    unsettled: u64,
    labels: &mut [u32],
    next: &mut [F],
) -> bool {
    simd.vectorize(
        #[inline(always)]
        || {
            let mut sound = true;
            for (i, (label, row)) in labels.iter_mut().zip(rows.chunks_exact(packed.d)).enumerate() {
                if unsettled >> i & 1 == 1 && !(best[i] - second[i] > own[i] + packed.slack[*label as usize])
                {
                    *label = among(packed, row, *label);
                    // Another centroid may be as near as the best score allows.
                    next[i] = norm[i] - (best[i] + own[i] + packed.most_slack) * F::of(2.0);
                    sound &= in_range(row);
                }
            }
            sound
        },
    )
}

/// The nearest of the packed centroids, by the reference: those that their scores do not show to be farther than the likely one are measured.
#[inline(always)]
fn among<F: Element>(packed: &Packed<F>, row: &[F], likely: u32) -> u32 {
    let d = packed.d;
    let distance = |j: u32| squared_distance(row, &packed.centroids[j as usize * d..][..d]);
    let mut moved = [F::default(); WIDE_FEW_COLUMNS];
    for (moved, (&x, &offset)) in moved.iter_mut().zip(row.iter().zip(&packed.frame.offset)) {
        *moved = framed(x, offset, &packed.frame);
    }
    let norm: f64 = moved.iter().map(|x| x.f64() * x.f64()).sum();
    let threshold = packed.margin.threshold(norm, distance(likely), &packed.frame);
    let mut best = (f64::INFINITY, likely);
    for record in packed.records.chunks_exact(d + 2) {
        let score = record[..d].iter().zip(&moved).fold(record[d], |score, (&c, &x)| score + c * x);
        if score < threshold {
            continue;
        }
        let j = record[d + 1].untag();
        let distance = distance(j);
        if distance < best.0 {
            best = (distance, j);
        }
    }
    best.1
}
