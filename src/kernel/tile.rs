//! Many columns: a tile of six rows by two vectors of centroids.
//!
//! The twelve accumulators stay in registers while the columns go by: two loads of centroids, six broadcasts and twelve fused
//! multiply-adds a column, which is what AVX2's sixteen registers hold and what two multiply-add units need to be kept busy.
//! The panel of 2 vectors of centroids is the outer loop over a chunk of rows, so it is read from memory once per chunk.
//! Best score, second best and best index are kept per lane, and reduced once per row at the end.

use super::assign::Scratch;
use super::bounds::{NO_RIVAL, RIVALS, Rivals};
use super::element::{Element, Vector, framed};
use super::exact::{in_range, nearest, squared_distance};
use super::pack::{BLOCK, Frame, Packed, greater};
use super::vector::{Lanes, all};
use fearless_simd::Simd;

/// Rows of a tile.
pub(crate) const ROWS: usize = 6;

/// The scores of a tile: `ROWS` rows of d numbers against one panel.
#[inline(always)]
pub(super) fn scores<S: Simd, F: Element>(
    simd: S,
    rows: &[F],
    panel: &[F],
    d: usize,
) -> [[Vector<S, F>; 2]; ROWS] {
    let len = Vector::<S, F>::LEN;
    let (start, panel) = panel.split_at(2 * len);
    let start = [Vector::<S, F>::load(simd, start), Vector::<S, F>::load(simd, &start[len..])];
    if d <= BLOCK {
        return block(simd, [start; ROWS], split(rows, d, 0, d), panel);
    }
    // Adding up block by block keeps the rounding error that of a sum of BLOCK terms.
    let mut total = [start; ROWS];
    let zero = Vector::<S, F>::splat(simd, F::default());
    let mut first = 0;
    for panel in panel.chunks(BLOCK * 2 * len) {
        let columns = panel.len() / (2 * len);
        let part = block(simd, [[zero; 2]; ROWS], split(rows, d, first, columns), panel);
        for r in 0..ROWS {
            total[r][0] = total[r][0] + part[r][0];
            total[r][1] = total[r][1] + part[r][1];
        }
        first += columns;
    }
    total
}

/// The given columns of each row of a tile. (Spelt out, for `array::from_fn` is not inlined for slices.)
#[inline(always)]
fn split<F>(rows: &[F], d: usize, first: usize, columns: usize) -> [&[F]; ROWS] {
    let row = |r: usize| &rows[r * d + first..][..columns];
    [row(0), row(1), row(2), row(3), row(4), row(5)]
}

#[inline(always)]
fn block<S: Simd, F: Element>(
    simd: S,
    mut sum: [[Vector<S, F>; 2]; ROWS],
    rows: [&[F]; ROWS],
    panel: &[F],
) -> [[Vector<S, F>; 2]; ROWS] {
    let len = Vector::<S, F>::LEN;
    let columns = panel.len() / (2 * len);
    let [a, b, c, d, e, f] = rows;
    let rows = [&a[..columns], &b[..columns], &c[..columns], &d[..columns], &e[..columns], &f[..columns]];
    for (t, centroids) in panel.chunks_exact(2 * len).enumerate() {
        let low = Vector::<S, F>::load(simd, centroids);
        let high = Vector::<S, F>::load(simd, &centroids[len..]);
        for r in 0..ROWS {
            let x = Vector::<S, F>::splat(simd, rows[r][t]);
            sum[r][0] = x.mul_add(low, sum[r][0]);
            sum[r][1] = x.mul_add(high, sum[r][1]);
        }
    }
    sum
}

/// Moves a row into the frame; its squared norm and its largest magnitude there.
#[inline(always)]
pub(super) fn frame_row<S: Simd, F: Element>(simd: S, frame: &Frame<F>, row: &[F], out: &mut [F]) -> (F, F) {
    let (d, len) = (row.len(), Vector::<S, F>::LEN);
    let scale = Vector::<S, F>::splat(simd, frame.scale);
    let zero = Vector::<S, F>::splat(simd, F::default());
    let (mut sum, mut largest) = (zero, zero);
    let whole = d - d % len;
    let (x, x_rest) = row.split_at(whole);
    let (offset, offset_rest) = frame.offset[..d].split_at(whole);
    let (y, y_rest) = out.split_at_mut(whole);
    for ((x, offset), y) in x.chunks_exact(len).zip(offset.chunks_exact(len)).zip(y.chunks_exact_mut(len)) {
        let moved = (Vector::<S, F>::load(simd, x) - Vector::<S, F>::load(simd, offset)) * scale;
        sum = moved.mul_add(moved, sum);
        largest = largest.max(moved.max(zero - moved));
        moved.store(y);
    }
    let (mut total, mut largest) = (sum.total(), largest.largest());
    for ((&x, &offset), y) in x_rest.iter().zip(offset_rest).zip(y_rest) {
        *y = framed(x, offset, frame);
        total = total + *y * *y;
        largest = greater(largest, y.abs());
    }
    (total, largest)
}

/// Moves rows into the frame and computes their squared norms.
#[inline(always)]
pub(super) fn frame_rows<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    rows: &[F],
    framed_rows: &mut [F],
    norms: &mut [F],
) {
    let d = packed.d;
    for ((row, out), norm) in rows.chunks_exact(d).zip(framed_rows.chunks_exact_mut(d)).zip(norms) {
        *norm = frame_row(simd, &packed.frame, row, out).0;
    }
}

/// The label of each row.
#[inline(always)]
pub(super) fn label<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    rows: &[F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) -> bool {
    let mut sound = true;
    let (d, len) = (packed.d, Vector::<S, F>::LEN);
    let tiles = labels.len().div_ceil(ROWS);
    let framed_rows = &mut scratch.framed[..tiles * ROWS * d];
    let norms = &mut scratch.norms[..labels.len()];
    frame_rows(simd, packed, rows, framed_rows, norms);
    let states = &mut scratch.state[..tiles * ROWS * 3 * len];
    let infinity = F::of(f64::NEG_INFINITY);
    for state in states.chunks_exact_mut(3 * len) {
        state[..2 * len].fill(infinity);
        state[2 * len..].fill(F::default());
    }
    for (p, panel) in (0..).zip(packed.panels(2 * len).chunks_exact(2 * len * (d + 1))) {
        let tags = [2 * p, 2 * p + 1].map(|v| Vector::<S, F>::splat(simd, F::tag(v)));
        let tiles = framed_rows.chunks_exact(ROWS * d).zip(states.chunks_exact_mut(ROWS * 3 * len));
        for (rows, states) in tiles {
            let scores = scores(simd, rows, panel, d);
            for (r, state) in states.chunks_exact_mut(3 * len).enumerate() {
                let (best_out, state) = state.split_at_mut(len);
                let (second_out, tag_out) = state.split_at_mut(len);
                let mut best = Vector::<S, F>::load(simd, best_out);
                let mut second = Vector::<S, F>::load(simd, second_out);
                let mut tag = Vector::<S, F>::load(simd, tag_out);
                for v in 0..2 {
                    let score = scores[r][v];
                    tag = score.if_greater(best, tags[v], tag);
                    second = second.max(score.min(best));
                    best = best.max(score);
                }
                best.store(best_out);
                second.store(second_out);
                tag.store(tag_out);
            }
        }
    }
    for (i, (label, state)) in labels.iter_mut().zip(states.chunks_exact(3 * len)).enumerate() {
        let best = Vector::<S, F>::load(simd, state);
        let second = Vector::<S, F>::load(simd, &state[len..]);
        let tags = &state[2 * len..];
        let top = best.largest();
        let lane = (best.equal(Vector::<S, F>::splat(simd, top)).trailing_zeros() as usize).min(len - 1);
        *label = tags[lane].untag() * len as u32 + lane as u32;
        // A row that is not finite has no best lane; settling finds it out.
        let winner = (*label as usize).min(packed.k - 1);
        let own = norms[i] * packed.margin.row_factor + packed.margin.row_floor;
        let margin = Vector::<S, F>::splat(simd, top - (own + packed.slack[winner]));
        // The best of the other lanes, or the second of any; if two lanes share the top, the row is not settled.
        let mut rival = Vector::<S, F>::splat(simd, top).if_greater(best, best, second).max(second).largest();
        let near = all(len) & !best.less(margin);
        let crowded = second.less(margin) != all(len);
        if crowded || near.count_ones() != 1 {
            let row = &rows[i * d..][..d];
            sound &= in_range(row);
            *label = settle(simd, packed, row, tags, near, crowded);
            rival = top;
        }
        // The norm's own rounding and that of these lines is less than the pad again.
        let two = F::of(2.0);
        let pad = (own + packed.slack[winner]) * two;
        scratch.near[i] = norms[i] - top * two + pad;
        scratch.next[i] = norms[i] - rival * two - pad;
        scratch.excess[i] = pad * (two + two);
        if !scratch.rivals.is_empty() {
            let (found, rest) =
                if rival == top { ([NO_RIVAL; RIVALS], top) } else { rivals(simd, best, second, tags, top) };
            scratch.rivals[i] = found;
            scratch.rest_square[i] = norms[i] - rest * two - pad;
        }
    }
    sound
}

/// The best of the lanes after the top one, as far as they beat the second of every lane; and the score that no other centroid exceeds.
#[inline(always)]
fn rivals<S: Simd, F: Element>(
    simd: S,
    best: Vector<S, F>,
    second: Vector<S, F>,
    tags: &[F],
    top: F,
) -> (Rivals, F) {
    let (len, floor) = (tags.len(), second.largest());
    let none = Vector::<S, F>::splat(simd, F::neg_infinity());
    let mut rivals = [NO_RIVAL; RIVALS];
    let mut last = Vector::<S, F>::splat(simd, top);
    for rival in &mut rivals {
        let score = last.if_greater(best, best, none).largest();
        last = Vector::<S, F>::splat(simd, score);
        let lanes = best.equal(last);
        if !(score > floor) || lanes.count_ones() != 1 {
            return (rivals, if score > floor { score } else { floor });
        }
        let lane = lanes.trailing_zeros() as usize;
        *rival = (tags[lane].untag() as usize * len + lane) as u16;
    }
    let score = last.if_greater(best, best, none).largest();
    (rivals, if score > floor { score } else { floor })
}

/// Decides by the reference distance: among the lanes' best when no lane holds two candidates, else by the whole search.
#[cold]
#[inline(never)]
fn settle<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    row: &[F],
    tags: &[F],
    near: u64,
    crowded: bool,
) -> u32 {
    simd.vectorize(
        #[inline(always)]
        || {
            if crowded {
                return nearest(row, &packed.centroids).0;
            }
            let mut best = (f64::INFINITY, 0);
            for (lane, tag) in (0..).zip(tags) {
                let j = tag.untag() * tags.len() as u32 + lane;
                if near >> lane & 1 == 1 && (j as usize) < packed.k {
                    let distance =
                        squared_distance(row, &packed.centroids[j as usize * packed.d..][..packed.d]);
                    if (distance, j) < best || best.0 == f64::INFINITY {
                        best = (distance, j);
                    }
                }
            }
            best.1
        },
    )
}
