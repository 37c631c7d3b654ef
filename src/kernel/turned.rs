//! Many columns: rows are moved into the frame, and for a [tile](super::tile) turned, so that a vector holds one column of as many rows as it has lanes.

use super::aligned::Aligned;
use super::assign::apart;
use super::element::{Element, Vector, framed};
use super::pack::{BLOCK, Frame, greater};
use super::tile::VECTORS;
use super::vector::{Lanes, MOST_LANES};
use fearless_simd::Simd;

/// Room for the turned rows of a tile.
pub(crate) struct Turned<F> {
    columns: Aligned<F>,
    /// The last rows of a chunk, filled up.
    last: Vec<F>,
}

impl<F: Element> Turned<F> {
    pub(super) fn new(width: usize, d: usize) -> Self {
        let size = VECTORS * width * d.next_multiple_of(width);
        Turned { columns: Aligned::new(size), last: vec![F::default(); size + MOST_LANES] }
    }

    /// Moves the first rows into the frame and turns them; the columns and the squared norms. Lanes without a row are of no matter.
    #[inline(always)]
    pub(super) fn turn<S: Simd>(
        &mut self,
        simd: S,
        frame: &Frame<F>,
        rows: &[F],
    ) -> (&[F], [Vector<S, F>; VECTORS]) {
        let norms = apart(
            simd,
            #[inline(always)]
            || self.fill(simd, frame, rows),
        );
        (&self.columns, norms)
    }

    /// Writes the columns, and returns the norms.
    #[inline(always)]
    fn fill<S: Simd>(&mut self, simd: S, frame: &Frame<F>, rows: &[F]) -> [Vector<S, F>; VECTORS] {
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
        norms
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
