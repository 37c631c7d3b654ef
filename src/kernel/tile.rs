//! Many columns: a tile of two vectors of rows by six centroids.
//!
//! Rows are turned, so that a vector holds one column of as many rows as it has lanes. The twelve accumulators stay in registers while the columns go
//! by: two loads of rows, six broadcasts of centroids and twelve fused multiply-adds a column, which is what AVX2's sixteen
//! registers hold and what two multiply-add units need to be kept busy. The turned rows stay in the first cache, and the centroids
//! stream by once for each tile. Best score, second best and best index are kept per lane, so nothing is reduced at the end.

use super::ahead::fetch;
use super::assign::{Scratch, apart};
use super::bounds::{NO_RIVAL, RIVALS};
use super::element::{Element, Vector, framed};
use super::pack::{BLOCK, Frame, Packed, greater};
use super::settle::{Outcome, conclude, settle};
use super::vector::{Lanes, MOST_LANES};
use fearless_simd::Simd;

/// Vectors of rows of a tile.
pub(crate) const VECTORS: usize = 2;

/// Centroids of a tile.
pub(crate) const CENTROIDS: usize = 6;

/// A tile's scores, centroid by centroid.
pub(super) type Scores<S, F> = [[Vector<S, F>; VECTORS]; CENTROIDS];

/// The best scores of the tracks in falling order, with their tags, and the best of what is not the best of a track.
struct Tracks<V, const TRACKS: usize> {
    best: [[V; VECTORS]; TRACKS],
    tag: [[V; VECTORS]; TRACKS],
    floor: [V; VECTORS],
}

/// The scores of turned rows against one panel.
#[inline(always)]
pub(super) fn scores<S: Simd, F: Element>(simd: S, columns: &[F], panel: &[F], d: usize) -> Scores<S, F> {
    let (coordinates, starts) = panel[..CENTROIDS * (d + 1)].split_at(CENTROIDS * d);
    let columns = &columns[..d * VECTORS * Vector::<S, F>::LEN];
    let none = F::neg_infinity();
    // Places without a centroid are left out; fewer than four would not keep the units busy.
    match starts {
        [.., fifth, _] if *fifth == none => blocks::<S, F, 4>(simd, columns, coordinates, starts),
        [.., sixth] if *sixth == none => blocks::<S, F, 5>(simd, columns, coordinates, starts),
        _ => blocks::<S, F, CENTROIDS>(simd, columns, coordinates, starts),
    }
}

/// The same for the first centroids of the panel. Adding up block by block keeps the rounding error that of a sum of BLOCK terms.
#[inline(always)]
fn blocks<S: Simd, F: Element, const SOME: usize>(
    simd: S,
    columns: &[F],
    coordinates: &[F],
    starts: &[F],
) -> Scores<S, F> {
    let width = VECTORS * Vector::<S, F>::LEN;
    let mut blocks = columns.chunks(BLOCK * width).zip(coordinates.chunks(BLOCK * CENTROIDS));
    let mut total = [[Vector::<S, F>::splat(simd, F::neg_infinity()); VECTORS]; CENTROIDS];
    for c in 0..SOME {
        total[c] = [Vector::<S, F>::splat(simd, starts[c]); VECTORS];
    }
    if let Some((columns, coordinates)) = blocks.next() {
        add_products::<S, F, SOME>(simd, &mut total, columns, coordinates);
    }
    for (columns, coordinates) in blocks {
        let mut part = [[Vector::<S, F>::splat(simd, F::default()); VECTORS]; CENTROIDS];
        add_products::<S, F, SOME>(simd, &mut part, columns, coordinates);
        for c in 0..SOME {
            for v in 0..VECTORS {
                total[c][v] = total[c][v] + part[c][v];
            }
        }
    }
    total
}

#[inline(always)]
fn add_products<S: Simd, F: Element, const SOME: usize>(
    simd: S,
    sum: &mut Scores<S, F>,
    columns: &[F],
    coordinates: &[F],
) {
    let len = Vector::<S, F>::LEN;
    for (x, coordinates) in columns.chunks_exact(VECTORS * len).zip(coordinates.as_chunks::<CENTROIDS>().0) {
        let (low, high) = (Vector::<S, F>::load(simd, x), Vector::<S, F>::load(simd, &x[len..]));
        for r in 0..SOME {
            let c = Vector::<S, F>::splat(simd, coordinates[r]);
            sum[r][0] = low.mul_add(c, sum[r][0]);
            sum[r][1] = high.mul_add(c, sum[r][1]);
        }
    }
}

/// Room for the turned rows of a tile.
pub(crate) struct Turned<F> {
    columns: Vec<F>,
    /// The last rows of a chunk, filled up.
    last: Vec<F>,
}

impl<F: Element> Turned<F> {
    pub(super) fn new(width: usize, d: usize) -> Self {
        let size = VECTORS * width * d.next_multiple_of(width);
        Turned { columns: vec![F::default(); size], last: vec![F::default(); size + MOST_LANES] }
    }

    /// Moves the first rows into the frame and turns them; the columns and the squared norms. Lanes without a row are of no matter.
    #[inline(always)]
    pub(super) fn turn<S: Simd>(
        &mut self,
        simd: S,
        frame: &Frame<F>,
        rows: &[F],
    ) -> (&[F], [Vector<S, F>; VECTORS]) {
        let (d, len) = (frame.offset.len(), Vector::<S, F>::LEN);
        // Rows are read past their end.
        let rows = if rows.len() >= VECTORS * len * d + MOST_LANES {
            rows
        } else {
            self.last[..rows.len()].copy_from_slice(rows);
            &self.last
        };
        let zero = Vector::<S, F>::splat(simd, F::default());
        let scale = Vector::<S, F>::splat(simd, frame.scale);
        // What follows the last column is another row's, and becomes zero; or not a number, if that is none, and then no row is settled by its scores.
        let (whole, rest) = frame.offset.split_at(d - d % len);
        let mut edge = [[F::default(); MOST_LANES]; 2];
        edge[0][..rest.len()].copy_from_slice(rest);
        edge[1][..rest.len()].fill(frame.scale);
        let mut norms = [zero; VECTORS];
        for v in 0..VECTORS {
            let mut lines = [rows; MOST_LANES];
            for r in 0..len {
                lines[r] = &rows[(v * len + r) * d..][..d + MOST_LANES];
            }
            // Block by block, as the scores, or the error would grow past what bounds allow for.
            let mut block = zero;
            let squares = self.columns.chunks_exact_mut(VECTORS * len * len);
            for (columns, first) in squares.zip((0..d).step_by(len)) {
                if first % BLOCK == 0 {
                    norms[v] = norms[v] + block;
                    block = zero;
                }
                let (offset, scale) = if first < whole.len() {
                    (Vector::<S, F>::load(simd, &whole[first..]), scale)
                } else {
                    (Vector::<S, F>::load(simd, &edge[0]), Vector::<S, F>::load(simd, &edge[1]))
                };
                let mut square = [zero; MOST_LANES];
                for r in 0..len {
                    square[r] = (Vector::<S, F>::load(simd, &lines[r][first..]) - offset) * scale;
                }
                Vector::<S, F>::turn(&mut square);
                let mut part = zero;
                for t in 0..len {
                    square[t].store(&mut columns[(t * VECTORS + v) * len..]);
                    part = square[t].mul_add(square[t], part);
                }
                block = block + part;
            }
            norms[v] = norms[v] + block;
        }
        (&self.columns, norms)
    }
}

/// Moves a row into the frame; its squared norm and its largest magnitude there.
#[inline(always)]
pub(super) fn frame_row<S: Simd, F: Element>(simd: S, frame: &Frame<F>, row: &[F], out: &mut [F]) -> (F, F) {
    // Two of each, so that they do not wait for each other.
    const CHAINS: usize = 2;
    let (d, len) = (row.len(), Vector::<S, F>::LEN);
    let scale = Vector::<S, F>::splat(simd, frame.scale);
    let zero = Vector::<S, F>::splat(simd, F::default());
    let [mut sums, mut low, mut high] = [[zero; CHAINS]; 3];
    let whole = d - d % len;
    let (x, x_rest) = row.split_at(whole);
    let (offset, offset_rest) = frame.offset[..d].split_at(whole);
    let (y, y_rest) = out.split_at_mut(whole);
    let size = CHAINS * len;
    for ((x, offset), y) in x.chunks(size).zip(offset.chunks(size)).zip(y.chunks_mut(size)) {
        let vectors = x.chunks_exact(len).zip(offset.chunks_exact(len)).zip(y.chunks_exact_mut(len));
        for (c, ((x, offset), y)) in vectors.enumerate() {
            let moved = (Vector::<S, F>::load(simd, x) - Vector::<S, F>::load(simd, offset)) * scale;
            sums[c] = moved.mul_add(moved, sums[c]);
            (low[c], high[c]) = (low[c].min(moved), high[c].max(moved));
            moved.store(y);
        }
    }
    let (low, high) = (low[0].min(low[1]), high[0].max(high[1]));
    let (mut total, mut largest) = ((sums[0] + sums[1]).total(), high.max(zero - low).largest());
    for ((&x, &offset), y) in x_rest.iter().zip(offset_rest).zip(y_rest) {
        *y = framed(x, offset, frame);
        total = total + *y * *y;
        largest = greater(largest, y.abs());
    }
    (total, largest)
}

/// The label of each row.
#[inline(never)]
pub(super) fn label<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    rows: &[F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) -> bool {
    if scratch.rivals.is_empty() {
        apart(
            simd,
            #[inline(always)]
            || label_in::<S, F, 1>(simd, packed, rows, scratch, labels),
        )
    } else {
        apart(
            simd,
            #[inline(always)]
            || label_in::<S, F, CENTROIDS>(simd, packed, rows, scratch, labels),
        )
    }
}

/// With one track all centroids compete for the best and second best; with as many as a panel has centroids, those of each place in the panel compete among
/// themselves, and the best of the other tracks are the row's rivals.
#[inline(always)]
fn label_in<S: Simd, F: Element, const TRACKS: usize>(
    simd: S,
    packed: &Packed<F>,
    rows: &[F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) -> bool {
    let (d, len) = (packed.d, Vector::<S, F>::LEN);
    let group = VECTORS * len;
    let least = [Vector::<S, F>::splat(simd, F::neg_infinity()); VECTORS];
    let none = [Vector::<S, F>::splat(simd, F::default()); VECTORS];
    let mut sound = true;
    let panels = packed.panels();
    let count = panels.len() / (CENTROIDS * (d + 2));
    for (g, labels) in labels.chunks_mut(group).enumerate() {
        let after = &rows[g * group * d..];
        let (rows, later) = after.split_at(labels.len() * d);
        let mut later = later[..later.len().min(group * d)].chunks((group * d).div_ceil(count));
        let (columns, norm) = scratch.turned.turn(simd, &packed.frame, after);
        let (mut best, mut second, mut tag) = ([least; TRACKS], [least; TRACKS], [none; TRACKS]);
        for panel in panels.chunks_exact(CENTROIDS * (d + 2)) {
            // The next rows come while these are worked on.
            later.next().into_iter().for_each(fetch);
            let scores = scores(simd, columns, panel, d);
            let tags = &panel[CENTROIDS * (d + 1)..];
            for v in 0..VECTORS {
                for c in 0..CENTROIDS {
                    let (track, index) = (c % TRACKS, Vector::<S, F>::splat(simd, tags[c]));
                    let score = scores[c][v];
                    tag[track][v] = score.if_greater(best[track][v], index, tag[track][v]);
                    second[track][v] = second[track][v].max(score.min(best[track][v]));
                    best[track][v] = best[track][v].max(score);
                }
            }
        }
        // The tracks in falling order, by insertion.
        let mut floor = second[0];
        for v in 0..VECTORS {
            for t in 1..TRACKS {
                floor[v] = floor[v].max(second[t][v]);
                for at in (1..=t).rev() {
                    let (a, b) = (best[at - 1][v], best[at][v]);
                    let (tag_a, tag_b) = (tag[at - 1][v], tag[at][v]);
                    (tag[at - 1][v], tag[at][v]) =
                        (b.if_greater(a, tag_b, tag_a), b.if_greater(a, tag_a, tag_b));
                    (best[at - 1][v], best[at][v]) = (a.max(b), a.min(b));
                }
            }
        }
        let mut second = floor;
        if TRACKS > 1 {
            for v in 0..VECTORS {
                second[v] = floor[v].max(best[1][v]);
            }
        }
        let outcome = Outcome { norm, best: best[0], second, tag: tag[0] };
        sound &= conclude(simd, packed, rows, &outcome, g * group, scratch, labels);
        if TRACKS > 1 {
            keep_rivals(
                simd,
                packed,
                &outcome,
                &Tracks { best, tag, floor },
                g * group,
                scratch,
                labels.len(),
            );
        }
    }
    settle(simd, packed, rows, scratch, labels);
    sound
}

/// Writes down the best of the other tracks, as far as they beat what is not the best of a track, and a bound for all others.
#[inline(always)]
fn keep_rivals<S: Simd, F: Element, const TRACKS: usize>(
    simd: S,
    packed: &Packed<F>,
    outcome: &Outcome<Vector<S, F>, VECTORS>,
    Tracks { best, tag, floor }: &Tracks<Vector<S, F>, TRACKS>,
    first: usize,
    scratch: &mut Scratch<F>,
    count: usize,
) {
    let len = Vector::<S, F>::LEN;
    let splat = |x: F| Vector::<S, F>::splat(simd, x);
    for v in 0..VECTORS {
        let norm = outcome.norm[v];
        let own = norm.mul_add(splat(packed.margin.row_factor), splat(packed.margin.row_floor));
        let rest = floor[v].max(best[RIVALS + 1][v]) + own + splat(packed.most_slack);
        let first = first + v * len;
        (norm - rest * splat(F::of(2.0))).store(&mut scratch.rest_square[first..]);
        let mut tags = [[F::default(); MOST_LANES]; RIVALS + 1];
        let mut named = [u64::MAX; RIVALS + 1];
        for at in 0..=RIVALS {
            tag[at][v].store(&mut tags[at]);
            named[at] = best[at][v].greater(floor[v]);
        }
        let count = count.saturating_sub(v * len).min(len);
        for (i, rivals) in scratch.rivals.iter_mut().skip(first).take(count).enumerate() {
            for (at, rival) in (1..).zip(rivals) {
                *rival = if named[at] >> i & 1 == 1 { tags[at][i].untag() as u16 } else { NO_RIVAL };
            }
        }
    }
}
