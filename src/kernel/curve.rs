//! The places of rows along a Hilbert curve, which passes through all of space without jumps: rows near each other on it are near each other in space.
//!
//! The algorithm is Skilling's (*Programming the Hilbert curve*, AIP Conference Proceedings 707, 2004). It is made of bit operations alone, so many rows are
//! taken at once.

use super::assign::Rows;
use super::element::{Element, Level};
use super::pieces::farthest_first;
use super::sampled::sampled;

/// Columns that the curve follows: with more, each would have too few bits.
const COLUMNS: usize = 4;
/// Rows that are taken at once.
const BLOCK: usize = 64;

/// A curve through the cube around most rows.
pub(crate) struct Curve<F> {
    columns: Vec<usize>,
    /// A corner of the cube, and steps for each unit of length; it is 2^32 steps wide.
    low: Vec<F>,
    scale: F,
}

impl<F: Element> Curve<F> {
    /// The cube is that of a sample without its outermost rows, for a few far ones must not leave all others in one place; twice as large, if the sample extends so
    /// far. The curve follows the columns in which it extends most.
    pub(crate) fn new(rows: Rows<'_, F>) -> Self {
        const SAMPLE: usize = 4096;
        const TRIMMED: usize = 128;
        let spans = (0..rows.d).map(|t| {
            let mut sample: Vec<f64> = sampled(rows.n(), SAMPLE).map(|i| rows.row(i)[t].f64()).collect();
            let mut at = |place: usize| *sample.select_nth_unstable_by(place, f64::total_cmp).1;
            let (last, trimmed) = (rows.n().min(SAMPLE) - 1, rows.n().min(SAMPLE) / TRIMMED);
            let [least, low, high, most] = [0, trimmed, last - trimmed, last].map(&mut at);
            let more = (high - low) / 2.0;
            (least.max(low - more), most.min(high + more))
        });
        let spans: Vec<(f64, f64)> = spans.collect();
        let width = |t: usize| spans[t].1 - spans[t].0;
        let mut widths: Vec<(f64, u32)> = (0..rows.d).map(|t| (width(t), t as u32)).collect();
        farthest_first(&mut widths);
        let widest = widths[0].0;
        let mut columns: Vec<usize> = widths.iter().map(|width| width.1 as usize).collect();
        columns.truncate(COLUMNS);
        // A column that says nothing takes bits from the others.
        let telling = columns.iter().filter(|&&t| width(t) > 0.0).count();
        columns.truncate(telling.max(1));
        let low = columns.iter().map(|&t| F::of(spans[t].0)).collect();
        Curve { low, columns, scale: F::of((1u64 << 32) as f64 / widest) }
    }

    /// How far rows are along one of the columns, of 2^bits steps: up to 16 bits.
    #[inline(always)]
    fn steps(&self, rows: &[F], d: usize, a: usize, bits: u32, out: &mut [u16; BLOCK]) {
        let mut column = [F::default(); BLOCK];
        for (x, row) in column.iter_mut().zip(rows.chunks_exact(d)) {
            *x = row[self.columns[a]];
        }
        let (low, scale) = (self.low[a], self.scale * F::of(2f64.powi(bits as i32 - 32)));
        // Added to this number, others leave the nearest integer in its last bits.
        let (last, whole) = (F::of(f64::from((1u32 << bits) - 1)), F::of((1u64 << F::DIGITS) as f64));
        for (out, x) in out.iter_mut().zip(column) {
            let steps = (x - low) * scale;
            let steps = if steps > F::default() { steps } else { F::default() };
            let steps = if steps < last { steps } else { last };
            *out = (steps + whole).untag() as u16;
        }
    }

    /// The place of each row. Rows outside the cube are put at its faces.
    pub(crate) fn places(&self, level: Level, rows: Rows<'_, F>, out: &mut [u32]) {
        F::places(level, self, rows, out);
    }
}

#[inline(always)]
pub(super) fn places<F: Element>(curve: &Curve<F>, rows: Rows<'_, F>, out: &mut [u32]) {
    macro_rules! few {
        ($($d:literal)*) => {
            match curve.columns.len() {
                $($d => places_of::<F, $d>(curve, rows, out),)*
                _ => unreachable!("the curve follows few columns"),
            }
        };
    }
    few!(1 2 3 4);
}

#[inline(always)]
fn places_of<F: Element, const D: usize>(curve: &Curve<F>, rows: Rows<'_, F>, out: &mut [u32]) {
    let (d, bits) = (rows.d, 32 / D as u32);
    for (rows, out) in rows.values.chunks(BLOCK * d).zip(out.chunks_mut(BLOCK)) {
        if D == 1 {
            // The curve is the line.
            for (out, row) in out.iter_mut().zip(rows.chunks_exact(d)) {
                *out = ((row[curve.columns[0]] - curve.low[0]) * curve.scale).f64() as u32;
            }
            continue;
        }
        let mut axes = [[0; BLOCK]; D];
        for (a, axis) in axes.iter_mut().enumerate() {
            curve.steps(rows, d, a, bits, axis);
        }
        transpose(&mut axes, bits);
        let mut places = [0; BLOCK];
        for (a, axis) in axes.iter().enumerate() {
            for (place, &x) in places.iter_mut().zip(axis) {
                *place |= spread::<D>(x.into()) << (D - 1 - a);
            }
        }
        // In the highest bits, however many there are.
        out.iter_mut().zip(places).for_each(|(out, place)| *out = place << (32 - bits * D as u32));
    }
}

/// The bits of a coordinate, moved D places apart.
#[inline(always)]
fn spread<const D: usize>(x: u32) -> u32 {
    let halvings: &[(u32, u32)] = match D {
        2 => &[(8, 0x00ff_00ff), (4, 0x0f0f_0f0f), (2, 0x3333_3333), (1, 0x5555_5555)],
        3 => &[(16, 0x0300_00ff), (8, 0x0300_f00f), (4, 0x030c_30c3), (2, 0x0924_9249)],
        _ => &[(12, 0x000f_000f), (6, 0x0303_0303), (3, 0x1111_1111)],
    };
    halvings.iter().fold(x, |x, &(shift, kept)| (x | x << shift) & kept)
}

/// Coordinates of so many bits into the bits of places along the curve, of which the first axis has the first, the second the second, and so on.
#[inline(always)]
fn transpose<const D: usize>(axes: &mut [[u16; BLOCK]; D], bits: u32) {
    for bit in (1..bits).rev() {
        let (one, below) = (1u16 << bit, (1u16 << bit) - 1);
        for a in 0..D {
            for i in 0..BLOCK {
                let (first, x) = (axes[0][i], axes[a][i]);
                let exchanged = (first ^ x) & below;
                let inverted = x & one != 0;
                axes[0][i] = first ^ if inverted { below } else { exchanged };
                if a > 0 {
                    axes[a][i] = x ^ if inverted { 0 } else { exchanged };
                }
            }
        }
    }
    for i in 0..BLOCK {
        for a in 1..D {
            axes[a][i] ^= axes[a - 1][i];
        }
        // Each bit becomes the parity of those above it.
        let mut parity = axes[D - 1][i] >> 1;
        for shift in [1, 2, 4, 8] {
            parity ^= parity >> shift;
        }
        for axis in axes.iter_mut() {
            axis[i] ^= parity;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tests::levels;

    /// Rows on a grid of 2^bits points along each axis; one more spans the cube.
    fn grid(d: usize, bits: usize) -> Vec<f64> {
        let points = 0..1usize << (bits * d);
        let mut rows: Vec<f64> =
            points.flat_map(|p| (0..d).map(move |t| (p >> (bits * t) & ((1 << bits) - 1)) as f64)).collect();
        rows.extend(vec![(1usize << bits) as f64; d]);
        rows
    }

    #[test]
    fn neighbours_on_the_curve_are_neighbours_in_space() {
        for (d, bits) in [(1, 10), (2, 1), (2, 5), (3, 3), (4, 2)] {
            let values = grid(d, bits);
            let rows = Rows { values: &values, d, weights: None };
            let mut places = vec![vec![0; rows.n()]; levels().len()];
            for (level, places) in levels().into_iter().zip(&mut places) {
                Curve::new(rows).places(level, rows, places);
            }
            assert!(places.windows(2).all(|two| two[0] == two[1]), "no level differs");
            let mut order: Vec<usize> = (0..rows.n() - 1).collect();
            order.sort_by_key(|&i| places[0][i]);
            for two in order.windows(2) {
                let apart = rows.row(two[0]).iter().zip(rows.row(two[1])).map(|(a, b)| (a - b).abs());
                assert_eq!(apart.sum::<f64>(), 1.0, "a step of the curve with {d} columns");
            }
        }
    }

    #[test]
    fn any_rows_have_places() {
        let level = Level::new();
        let spots = |values: &[f64], d: usize| {
            let rows = Rows { values, d, weights: None };
            let mut places = vec![0; rows.n()];
            Curve::new(rows).places(level, rows, &mut places);
            places.sort_unstable();
            places.dedup();
            places.len()
        };
        assert_eq!(spots(&[7.0; 600], 3), 1);
        // A few far rows leave the others apart.
        let mut rng = crate::rng::SeededRng::new(2);
        for d in 1..=4 {
            let mut values: Vec<f64> = (0..3000 * d).map(|_| rng.uniform()).collect();
            values[..5 * d].fill(1e9);
            assert!(spots(&values, d) > 1500, "{} places with {d} columns", spots(&values, d));
        }
        for values in [
            vec![7.0; 6],
            vec![-1e300, 1e300, 1e300, -1e300, 0.0, 0.0],
            vec![0.0, 1e-320, 1e-320, 0.0, 0.0, 0.0],
        ] {
            for d in [1, 2, 3, 6] {
                let rows = Rows { values: &values, d, weights: None };
                let mut places = vec![0; rows.n()];
                Curve::new(rows).places(level, rows, &mut places);
            }
        }
        // The widest columns count: here not the first two.
        let values: Vec<f64> =
            (0..600).map(|i| if i % 6 < 2 { 1e-3 } else { 1.0 } * f64::from(i * i % 37)).collect();
        let curve = Curve::new(Rows { values: &values, d: 6, weights: None });
        assert!(curve.columns.len() == COLUMNS && curve.columns.iter().all(|&t| t >= 2));
    }
}
