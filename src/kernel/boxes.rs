//! The smallest boxes around rows that lie together.

use super::assign::{Rows, apart};
use super::dispatch::by_columns;
use super::element::{Element, Level, Vector};
use super::vector::{Lanes, MOST_LANES};
use fearless_simd::Simd;

/// Boxes of a group, which are looked at together.
pub(crate) const GROUP: usize = 16;

/// Boxes around up to [`GROUP`] tiles of rows.
#[derive(Clone)]
pub(crate) struct Boxes<F> {
    /// Column by column, [`GROUP`] values each; what is missing at the end lies in the box around all.
    pub low: Vec<F>,
    pub high: Vec<F>,
    /// The box around all.
    pub whole: [Vec<F>; 2],
}

impl<F: Element> Boxes<F> {
    pub(crate) fn new(d: usize) -> Self {
        let zeros = |n: usize| vec![F::default(); n];
        Boxes { low: zeros(GROUP * d), high: zeros(GROUP * d), whole: [zeros(d), zeros(d)] }
    }

    /// Encloses tiles; at least one.
    pub(crate) fn enclose<'a>(&mut self, level: Level, mut tiles: impl Iterator<Item = Rows<'a, F>>) {
        let Boxes { low, high, whole: [least, most] } = self;
        least.fill(F::infinity());
        most.fill(F::neg_infinity());
        let (mut tile_low, mut tile_high) = (least.clone(), most.clone());
        for i in 0..GROUP {
            if let Some(rows) = tiles.next() {
                F::enclose(level, rows, &mut tile_low, &mut tile_high);
            }
            for t in 0..least.len() {
                (low[t * GROUP + i], high[t * GROUP + i]) = (tile_low[t], tile_high[t]);
                (least[t], most[t]) = (least[t].min(tile_low[t]), most[t].max(tile_high[t]));
            }
        }
    }
}

/// The smallest box around rows. If a value is not a number, it may leave out others.
#[inline(always)]
pub(super) fn enclose<S: Simd, F: Element>(simd: S, rows: Rows<'_, F>, low: &mut [F], high: &mut [F]) {
    by_columns!(
        rows.d,
        [1 2 3 4],
        D => apart(
            simd,
            #[inline(always)]
            || enclose_few::<S, F, D>(simd, rows.values, low, high),
        ),
        else {
            low.fill(F::infinity());
            high.fill(F::neg_infinity());
            rows.values.chunks_exact(rows.d).for_each(|row| widen(row, low, high));
        }
    );
}

/// As many rows as there are lanes lie side by side.
#[inline(always)]
fn enclose_few<S: Simd, F: Element, const D: usize>(simd: S, rows: &[F], low: &mut [F], high: &mut [F]) {
    let len = Vector::<S, F>::LEN;
    let mut least = [Vector::<S, F>::splat(simd, F::infinity()); D];
    let mut most = [Vector::<S, F>::splat(simd, F::neg_infinity()); D];
    let blocks = rows.chunks_exact(len * D);
    let rest = blocks.remainder();
    for block in blocks {
        for v in 0..D {
            let x = Vector::<S, F>::load(simd, &block[v * len..]);
            (least[v], most[v]) = (least[v].min(x), most[v].max(x));
        }
    }
    let (mut lows, mut highs) = ([[F::default(); D]; MOST_LANES], [[F::default(); D]; MOST_LANES]);
    for v in 0..D {
        least[v].store(&mut lows.as_flattened_mut()[v * len..]);
        most[v].store(&mut highs.as_flattened_mut()[v * len..]);
    }
    widen(rest, lows.as_flattened_mut(), highs.as_flattened_mut());
    let zero = Vector::<S, F>::splat(simd, F::default());
    let (lows, highs) = (Vector::<S, F>::columns(simd, &lows), Vector::<S, F>::columns(simd, &highs));
    for t in 0..D {
        (low[t], high[t]) = (-(zero - lows[t]).largest(), highs[t].largest());
    }
}

/// Widens a box by as many values.
#[inline(always)]
fn widen<F: Element>(values: &[F], low: &mut [F], high: &mut [F]) {
    for ((&x, low), high) in values.iter().zip(low).zip(high) {
        *low = if x < *low { x } else { *low };
        *high = if x > *high { x } else { *high };
    }
}
