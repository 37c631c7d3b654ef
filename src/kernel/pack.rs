//! What is prepared before the scores are formed: the frame, and the packed centroids.

use super::bytes::Machine;
use super::coarse::Coarse;
use super::dispatch::OPTIMISED;
use super::element::{Element, Level, Vector, framed};
use super::margin::Margin;
use super::pieces::end_to_end;
use super::price::{Way, way};
use super::sampled::sampled;
use super::vector::Lanes;
use super::words::Words;
use super::{par, tile};
use fearless_simd::Simd;
use std::sync::OnceLock;

/// Columns up to which the rows lie in the lanes.
pub(crate) const FEW_COLUMNS: usize = 8;

/// The same where there are 32 vectors of 64 bytes: a vector of rows stays in registers.
pub(crate) const WIDE_FEW_COLUMNS: usize = 16;

/// Columns after which a dot product is accumulated anew, which keeps its error small.
pub(crate) const BLOCK: usize = 256;

/// The largest and smallest value of each column, and the least magnitude that is not zero.
#[derive(Clone)]
pub(crate) struct Range<F> {
    pub low: Vec<F>,
    pub high: Vec<F>,
    pub least: Vec<F>,
}

impl<F: Element> Range<F> {
    pub(crate) fn new(d: usize) -> Self {
        Range { low: vec![F::infinity(); d], high: vec![F::neg_infinity(); d], least: vec![F::infinity(); d] }
    }

    /// Widens this range by another of as many columns, or of a multiple: of several rows side by side.
    pub(crate) fn fold(&mut self, other: &Self) {
        let d = self.low.len();
        for i in 0..other.low.len() {
            self.low[i % d] = lesser(self.low[i % d], other.low[i]);
            self.high[i % d] = greater(self.high[i % d], other.high[i]);
            self.least[i % d] = lesser(self.least[i % d], other.least[i]);
        }
    }

    /// The largest magnitude in column t; 0 when nothing was seen.
    pub(crate) fn largest(&self, t: usize) -> f64 {
        self.high[t].f64().max(-self.low[t].f64()).max(0.0)
    }

    /// The squared diagonal of the box: no two points in it are further apart (squared).
    pub(crate) fn squared_diagonal(&self) -> f64 {
        self.low
            .iter()
            .zip(&self.high)
            .map(|(l, h)| (h.f64() - l.f64()).max(0.0))
            .map(|side| side * side)
            .sum()
    }
}

#[inline(always)]
fn lesser<F: Element>(a: F, b: F) -> F {
    if b < a { b } else { a }
}

#[inline(always)]
pub(super) fn greater<F: Element>(a: F, b: F) -> F {
    if b > a { b } else { a }
}

/// Widens the range by rows; false if a value is not finite. The range may be one of several rows side by side ([`Range::fold`]),
/// which keeps the vectors full when there are few columns.
#[inline(always)]
pub(crate) fn scan<S: Simd, F: Element>(simd: S, rows: &[F], range: &mut Range<F>) -> bool {
    let (d, len) = (range.low.len(), Vector::<S, F>::LEN);
    let zero = Vector::<S, F>::splat(simd, F::zero());
    let infinity = Vector::<S, F>::splat(simd, F::infinity());
    // Zero times anything finite is zero; the sum of these products is not a number as soon as one value is not finite.
    let (mut poison, mut scalar_poison) = (zero, F::zero());
    for row in rows.chunks(d) {
        let whole = row.len() - row.len() % len;
        for t in (0..whole).step_by(len) {
            let x = Vector::<S, F>::load(simd, &row[t..]);
            poison = x.mul_add(zero, poison);
            let magnitude = x.max(zero - x);
            let magnitude = magnitude.if_greater(zero, magnitude, infinity);
            let (low, high, least) = (&mut range.low[t..], &mut range.high[t..], &mut range.least[t..]);
            Vector::<S, F>::load(simd, low).min(x).store(low);
            Vector::<S, F>::load(simd, high).max(x).store(high);
            Vector::<S, F>::load(simd, least).min(magnitude).store(least);
        }
        for (t, &x) in row.iter().enumerate().skip(whole) {
            scalar_poison = scalar_poison + x * F::zero();
            range.low[t] = lesser(range.low[t], x);
            range.high[t] = greater(range.high[t], x);
            range.least[t] = lesser(range.least[t], if x == F::zero() { F::infinity() } else { x.abs() });
        }
    }
    poison.total() == F::zero() && scalar_poison == F::zero()
}

/// Where scores are formed: `x' = (x - offset) * scale`, scale a power of two.
#[derive(Clone)]
pub(crate) struct Frame<F> {
    pub offset: Vec<F>,
    pub scale: F,
}

/// Centroids so near to each other are not told apart in a frame, for the squares of the reference vanish. Data that extends no farther is refused.
const NARROW: f64 = f64::from_bits((1023 - 490) << 52);

impl<F: Element> Frame<F> {
    /// A frame in which everything in the range is of magnitude about one. Any centre is right; one that most rows are near is best.
    pub(crate) fn new(range: &Range<F>, centre: &[f64]) -> Self {
        let reach = |offset: &[F]| {
            let far =
                |t: usize| (range.high[t].f64() - offset[t].f64()).max(offset[t].f64() - range.low[t].f64());
            (0..offset.len()).map(far).fold(0.0, f64::max)
        };
        let mut offset: Vec<F> = centre.iter().map(|&c| F::of(c)).collect();
        if reach(&offset) > F::HUGE / 4.0 {
            offset.fill(F::default());
        }
        let reach = reach(&offset);
        let exponent = if reach > NARROW { -exponent(reach) } else { 0 };
        let (least, most) = F::EXPONENTS;
        Frame { offset, scale: F::of(power_of_two(exponent.clamp(least, most))) }
    }

    /// A frame for centroids alone, when the rows are not known yet.
    pub(crate) fn of_centroids(level: Level, centroids: &[F], d: usize) -> Self {
        let mut range = Range::new(d);
        F::scan(level, centroids, &mut range);
        Frame::new(&range, &middle(d, centroids.len() / d, |j| &centroids[j * d..][..d]))
    }
}

/// The middle of n rows of d values: the mean, column by column, of medians of three medians of three rows of a sample (the remedian of Rousseeuw and Bassett 1990), for one far
/// row must not take the centre away from all others.
pub(crate) fn middle<'a, F: Element>(d: usize, n: usize, row: impl Fn(usize) -> &'a [F]) -> Vec<f64> {
    const SAMPLE: usize = 63;
    let mut rows = end_to_end(sampled(n, SAMPLE).map(row));
    for _ in 0..2 {
        if rows.len() >= 9 * d {
            rows = rows.chunks_exact(3 * d).flat_map(|three| medians(three, d)).collect();
        }
    }
    let mut sums = vec![0.0; d];
    let count = (rows.len() / d) as f64;
    for row in rows.chunks_exact(d) {
        // Divided first, for a sum may be too large.
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x.f64() / count);
    }
    sums
}

/// The medians of three rows, column by column.
fn medians<F: Element>(three: &[F], d: usize) -> impl Iterator<Item = F> {
    let ((a, b), c) = (three[..2 * d].split_at(d), &three[2 * d..]);
    let median = |((&a, &b), &c)| greater(lesser(a, b), lesser(greater(a, b), c));
    a.iter().zip(b).zip(c).map(median)
}

/// The exponent e of a positive number in [2^e, 2^(e+1)); of the smallest normal number for anything below it.
pub(crate) fn exponent(value: f64) -> i32 {
    ((value.to_bits() >> 52) as i32 & 0x7ff).max(1) - 1023
}

/// 2^e for e in -1022..=1023.
pub(crate) fn power_of_two(e: i32) -> f64 {
    f64::from_bits(((e + 1023) as u64) << 52)
}

/// A power of two near the largest of some weights: in units of it their products neither overflow nor vanish.
pub(crate) fn unit(heaviest: f64) -> f64 {
    power_of_two(exponent(heaviest).clamp(-1022, 1022))
}

/// Centroids ready for the kernel, in the layout for their number of columns, with the bounds that certify a label.
#[derive(Clone)]
pub(crate) struct Packed<F> {
    pub d: usize,
    pub k: usize,
    pub frame: Frame<F>,
    /// The centroids as given, for the reference distance.
    pub centroids: Vec<F>,
    /// The optimistic scores of the frame's origin.
    pub starts: Vec<F>,
    /// Whether the rows lie in the lanes ([`super::lanes`]).
    pub in_lanes: bool,
    /// [`panels`] of one centroid each for those, else of as many as a tile has; or nothing where there are bytes.
    pub records: Vec<F>,
    pub coarse: Option<Coarse<F>>,
    /// For f32 only.
    pub(super) words: Option<Words>,
    /// E |c'|^2 of each centroid, doubled, rounded up.
    pub slack: Vec<F>,
    /// The largest slack.
    pub most_slack: F,
    /// The row's own part.
    pub margin: Margin<F>,
    /// The same centroids in f64, made when they are first asked for.
    doubles: OnceLock<Box<Packed<f64>>>,
}

impl<F: Element> Packed<F> {
    /// For the labels of rows.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unreachable_code))] // There are no bytes.
    pub(crate) fn new(level: Level, frame: &Frame<F>, centroids: &[F], d: usize) -> Self {
        let (mut packed, moved) = Self::bare(level, frame, centroids, d);
        match way::<F>(level, packed.k, d) {
            Way::Bytes(machine) if const { OPTIMISED } => {
                packed.coarse = Some(Coarse::new(level, machine, moved, &packed.starts));
            }
            Way::Words(machine) if const { OPTIMISED } => packed.take_words(machine, &moved),
            _ => {
                packed.in_lanes |= d <= WIDE_FEW_COLUMNS && F::width(level) * size_of::<F>() == 64;
                packed.records = packed.records_of(&moved);
            }
        }
        packed
    }

    fn take_words(&mut self, machine: Machine, moved: &[F]) {
        self.records = self.records_of(moved);
        self.words = Some(Words::new(machine, &self.records, self.d));
    }

    /// With words, whether they pay or not; if there can be any.
    #[cfg(test)]
    pub(crate) fn with_words(level: Level, frame: &Frame<F>, centroids: &[F], d: usize) -> Option<Self> {
        let machine = super::price::words_fit::<F>(level, centroids.len() / d, d)?;
        let (mut packed, moved) = Self::bare(level, frame, centroids, d);
        packed.take_words(machine, &moved);
        Some(packed)
    }

    /// For the scores themselves, in floats.
    pub(crate) fn with_records(level: Level, frame: &Frame<F>, centroids: &[F], d: usize) -> Self {
        let (mut packed, moved) = Self::bare(level, frame, centroids, d);
        packed.records = packed.records_of(&moved);
        packed
    }

    /// The same in panels of a [tile](super::tile), with any number of columns.
    pub(crate) fn in_tiles(level: Level, frame: &Frame<F>, centroids: &[F], d: usize) -> Self {
        let (mut packed, moved) = Self::bare(level, frame, centroids, d);
        packed.in_lanes = false;
        packed.records = packed.records_of(&moved);
        packed
    }

    /// Centroids that a row meets: all, or with few columns those whose records were chosen.
    pub(crate) fn candidates(&self) -> usize {
        if self.in_lanes { self.records.len() / (self.d + 2) } else { self.k }
    }

    /// Without any layout; and the centroids moved into the frame.
    pub(super) fn bare(level: Level, frame: &Frame<F>, centroids: &[F], d: usize) -> (Self, Vec<F>) {
        let (k, margin) = (centroids.len() / d, Margin::new(d));
        let zero = vec![F::default(); d];
        let (mut moved, mut norms) = (vec![F::default(); centroids.len()], vec![0.0; k]);
        let mut workers = vec![(); par::workers_for(centroids.len() as f64)];
        let points = k.div_ceil(workers.len() * 2).max(1);
        let parts =
            centroids.chunks(points * d).zip(moved.chunks_mut(points * d)).zip(norms.chunks_mut(points));
        par::share(&mut workers, parts, |(), ((centroids, moved), norms)| {
            for (centroid, moved) in centroids.chunks_exact(d).zip(moved.chunks_exact_mut(d)) {
                for ((moved, &c), &offset) in moved.iter_mut().zip(centroid).zip(&frame.offset) {
                    *moved = framed(c, offset, frame);
                }
            }
            F::own_distances(level, moved, &zero, d, None, norms);
        });
        let starts = norms.iter().map(|norm| F::above(margin.bound * norm - norm / 2.0)).collect();
        let slack: Vec<F> = norms.iter().map(|norm| F::above(2.0 * margin.bound * norm)).collect();
        let packed = Packed {
            d,
            k,
            frame: frame.clone(),
            centroids: centroids.to_vec(),
            starts,
            in_lanes: d <= FEW_COLUMNS,
            records: Vec::new(),
            coarse: None,
            words: None,
            most_slack: slack.iter().copied().fold(F::default(), greater),
            slack,
            margin,
            doubles: OnceLock::new(),
        };
        (packed, moved)
    }

    /// A row's own part of the margin, from its squared norm in the frame.
    #[inline(always)]
    pub(super) fn own_margin<S: Simd>(&self, simd: S, norm: Vector<S, F>) -> Vector<S, F> {
        let splat = |x: F| Vector::<S, F>::splat(simd, x);
        norm.mul_add(splat(self.margin.row_factor), splat(self.margin.row_floor))
    }

    /// Centroids of a panel.
    pub(super) fn width(&self) -> usize {
        if self.in_lanes { 1 } else { tile::CENTROIDS }
    }

    /// The panels for scores in floats; made when they are first asked for where there are bytes.
    pub(super) fn panels(&self) -> &[F] {
        match &self.coarse {
            Some(coarse) => coarse.panels.get_or_init(|| self.records_of(&coarse.moved)),
            None => &self.records,
        }
    }

    /// For rows that scores in f32 leave open.
    pub(super) fn doubles(&self, level: Level) -> &Packed<f64> {
        let made: &Box<_> = par::once(&self.doubles, || {
            let centroids: Vec<f64> = self.centroids.iter().map(|c| c.f64()).collect();
            // The same frame, so that squared distances have the same units.
            let offset = self.frame.offset.iter().map(|x| x.f64()).collect();
            let frame = Frame { offset, scale: self.frame.scale.f64() };
            Box::new(Packed::with_records(level, &frame, &centroids, self.d))
        });
        made
    }

    fn records_of(&self, moved: &[F]) -> Vec<F> {
        panels(self.width(), moved, &self.starts, self.d)
    }
}

/// Panels of at most so many centroids, each of about as many: coordinates column by column, then the starts, then the indices in the bits of numbers.
/// Each is filled up with centroids that never win; spread evenly, these are few in any panel.
pub(crate) fn panels<F: Element>(width: usize, moved: &[F], starts: &[F], d: usize) -> Vec<F> {
    let (k, size, count) = (starts.len(), width * (d + 2), starts.len().div_ceil(width));
    let mut panels = vec![F::default(); count * size];
    let mut given = (0..).zip(moved.chunks_exact(d).zip(starts));
    for (p, panel) in panels.chunks_exact_mut(size).enumerate() {
        let (coordinates, rest) = panel.split_at_mut(width * d);
        let (start, tag) = rest.split_at_mut(width);
        start.fill(F::neg_infinity());
        let some = k / count + usize::from(p < k % count);
        for (c, (j, (moved, &own))) in given.by_ref().take(some).enumerate() {
            (start[c], tag[c]) = (own, F::tag(j));
            let column = coordinates[c..].iter_mut().step_by(width);
            column.zip(moved).for_each(|(out, &x)| *out = x);
        }
    }
    panels
}
