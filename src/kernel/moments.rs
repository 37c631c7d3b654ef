//! Sums that do not depend on order: counts, weights and coordinates of each cluster, and single numbers such as the inertia.
//!
//! A value is rounded to a grid fixed in advance, and the grid points are added up as integers. Integer addition is exact, so it may
//! be done in any order, split over threads, files and machines, and undone row by row. Adding `1.5 * 2^52` times the grid's step
//! to a float leaves the number of steps in the low bits of the result (the pre-rounding of Demmel and Nguyen 2013, with integers in
//! place of floats: 63 bits for a sum instead of 53), so a term costs one float addition and one integer addition. What the first
//! grid rounded away goes to a second, finer one; together they hold at least 90 bits below the largest possible sum.

use super::assign::Rows;
use super::dispatch::by_columns;
pub(crate) use super::double::Double;
use super::element::Element;
pub(crate) use super::moves::{Moves, NOWHERE};
use super::pack::{Range, exponent, power_of_two};
use super::par;
use super::pieces::kept;

/// Two grids: the floats that round to them, and the exponents of their steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    coarse: f64,
    fine: f64,
    coarse_step: i32,
    fine_step: i32,
    /// The largest magnitude a term may have.
    pub largest: f64,
}

/// Terms below this magnitude are too small for the grid; nothing that is squared in f64 is.
const SMALLEST: f64 = f64::from_bits(53 << 52);

impl Grid {
    /// For terms of at most the given magnitude, whose sum (of magnitudes) is at most `total`, in at most `rows` terms.
    pub(crate) fn new(largest: f64, total: f64, rows: usize) -> Self {
        // A term has at most 51 bits on its grid, a sum at most 62.
        let term = exponent(largest.max(SMALLEST)) + 1 - 51;
        let sum = exponent(total.max(SMALLEST)) + 1 - 62;
        let coarse_step = term.max(sum);
        let rows = (usize::BITS - rows.leading_zeros()) as i32;
        let fine_step = coarse_step + (rows - 62).max(-51);
        let magic = |step: i32| 1.5 * power_of_two(52 + step);
        Grid { coarse: magic(coarse_step), fine: magic(fine_step), coarse_step, fine_step, largest }
    }

    /// The value of a pair of sums of `count` terms, as an unevaluated sum of two floats.
    fn value(&self, coarse: u64, fine: u64, count: u64) -> Double {
        let (coarse, fine) = (steps(coarse, count, self.coarse), steps(fine, count, self.fine));
        let Double { high, low } = joined(coarse, fine, self.coarse_step - self.fine_step);
        let [half, rest] = self.unit();
        Double { high: high * half * rest, low: low * half * rest }
    }

    /// The finer step, in two factors, for it may lie below the smallest normal power of two.
    fn unit(&self) -> [f64; 2] {
        let half = self.fine_step / 2;
        [power_of_two(half), power_of_two(self.fine_step - half)]
    }
}

/// How many steps `count` terms are together.
#[inline(always)]
fn steps(sum: u64, count: u64, magic: f64) -> i64 {
    sum.wrapping_sub(count.wrapping_mul(magic.to_bits())) as i64
}

/// Sums on both grids together, in steps of the second, which are finer by a power of two: the nearest float, and the nearest to what is left.
pub(super) fn joined(coarse: i64, fine: i64, finer: i32) -> Double {
    let sum = (i128::from(coarse) << finer) + i128::from(fine);
    let high = sum as f64;
    Double { high, low: (sum - high as i128) as f64 }
}

/// The sum of single numbers.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Sum {
    coarse: u64,
    fine: u64,
    count: u64,
}

impl Sum {
    #[inline(always)]
    pub(crate) fn add(&mut self, grid: &Grid, value: f64) {
        let (coarse, fine) = split(value, 0.0, grid.coarse, grid.fine);
        self.coarse = self.coarse.wrapping_add(coarse);
        self.fine = self.fine.wrapping_add(fine);
        self.count += 1;
    }

    /// Adds terms that are not negative, and returns the largest. Integers have no order of addition to keep, so the compiler makes vectors of them.
    #[inline(always)]
    pub(super) fn add_all(&mut self, grid: &Grid, values: &[f64]) -> f64 {
        let mut largest = 0i64;
        for &value in values {
            self.add(grid, value);
            // The bits are in the order of the values.
            largest = largest.max(value.to_bits() as i64);
        }
        f64::from_bits(largest as u64)
    }

    pub(crate) fn merge(&mut self, other: &Sum) {
        self.coarse = self.coarse.wrapping_add(other.coarse);
        self.fine = self.fine.wrapping_add(other.fine);
        self.count += other.count;
    }

    pub(crate) fn value(&self, grid: &Grid) -> f64 {
        grid.value(self.coarse, self.fine, self.count).value()
    }
}

/// The steps of `value + low` on the two grids; `low` is what rounding took from the value.
#[inline(always)]
fn split(value: f64, low: f64, coarse: f64, fine: f64) -> (u64, u64) {
    let up = value + coarse;
    let rest = value - (up - coarse) + low;
    (up.to_bits(), (rest + fine).to_bits())
}

/// The grids of all columns and of the weights.
pub(crate) struct Grids {
    coarse: Vec<f64>,
    fine: Vec<f64>,
    pub(super) columns: Vec<Grid>,
    weight: Grid,
    /// The second grids' steps, in two factors; how much finer than the first grids' they are, as the exponent of a power of two.
    pub(super) units: Vec<[f64; 2]>,
    pub(super) finer: i32,
    /// Whether the first grid alone loses nothing: every value in the data is a multiple of its step.
    single: bool,
}

impl Grids {
    /// For rows within the range, of which `rows` count, with weights of at most `heaviest` and of the given total.
    pub(crate) fn new<F: Element>(
        range: &Range<F>,
        weighted: bool,
        rows: usize,
        heaviest: f64,
        total: f64,
    ) -> Self {
        let d = range.low.len();
        let columns: Vec<Grid> =
            (0..d).map(|t| range.largest(t)).map(|x| Grid::new(heaviest * x, total * x, rows)).collect();
        let on_grid = |(grid, least): (&Grid, &F)| {
            !(least.f64() < f64::INFINITY) || exponent(least.f64()) - F::DIGITS >= grid.coarse_step
        };
        Grids {
            single: !weighted && columns.iter().zip(&range.least).all(on_grid),
            coarse: columns.iter().map(|g| g.coarse).collect(),
            fine: columns.iter().map(|g| g.fine).collect(),
            weight: Grid::new(heaviest, total, rows),
            units: columns.iter().map(Grid::unit).collect(),
            // The number of rows says, which is the same for all columns.
            finer: columns.first().map_or(0, |grid| grid.coarse_step - grid.fine_step),
            columns,
        }
    }
}

/// Sums of the rows of each cluster.
#[derive(Clone)]
pub(crate) struct RowSums {
    /// Per cluster: the sums on the first grids of the columns, then those on the second.
    sums: Vec<u64>,
    /// Rows that count: those with a positive weight.
    counts: Vec<u64>,
    weights: Vec<[u64; 2]>,
    /// Clusters whose sums were touched since they were last taken.
    touched: Vec<bool>,
    stride: usize,
}

/// The sums of some clusters.
struct Part<'a> {
    sums: &'a mut [u64],
    counts: &'a mut [u64],
    weights: &'a mut [[u64; 2]],
    touched: &'a mut [bool],
}

impl Part<'_> {
    /// Takes over what the same clusters have elsewhere, and leaves them empty there.
    fn absorb(&mut self, other: Part<'_>, stride: usize) {
        let take = |into: &mut u64, from: &mut u64| *into = into.wrapping_add(std::mem::take(from));
        for j in (0..self.counts.len()).filter(|&j| std::mem::take(&mut other.touched[j])) {
            self.touched[j] = true;
            take(&mut self.counts[j], &mut other.counts[j]);
            let row = j * stride..(j + 1) * stride;
            self.sums[row.clone()]
                .iter_mut()
                .zip(&mut other.sums[row])
                .for_each(|(into, from)| take(into, from));
            self.weights[j].iter_mut().zip(&mut other.weights[j]).for_each(|(into, from)| take(into, from));
        }
    }
}

#[inline(always)]
fn turn<const OUT: bool>(sum: &mut u64, term: u64) {
    *sum = if OUT { sum.wrapping_sub(term) } else { sum.wrapping_add(term) };
}

impl RowSums {
    pub(crate) fn new(k: usize, grids: &Grids) -> Self {
        let stride = grids.columns.len() * if grids.single { 1 } else { 2 };
        RowSums {
            sums: vec![0; k * stride],
            counts: vec![0; k],
            weights: vec![[0; 2]; k],
            touched: vec![false; k],
            stride,
        }
    }

    pub(crate) fn clusters(&self) -> usize {
        self.counts.len()
    }

    /// Rows of cluster j that count.
    pub(crate) fn count(&self, j: usize) -> u64 {
        self.counts[j]
    }

    /// Whether a cluster has no row that counts.
    pub(crate) fn any_empty(&self) -> bool {
        self.counts.contains(&0)
    }

    #[inline(always)]
    pub(super) fn add<F: Element, const OUT: bool>(
        &mut self,
        grids: &Grids,
        weighted: bool,
        j: usize,
        row: &[F],
        weight: f64,
    ) {
        let d = row.len();
        self.touched[j] = true;
        turn::<OUT>(&mut self.counts[j], 1);
        let coarse_grids = &grids.coarse[..d];
        if grids.single {
            let sums = &mut self.sums[j * d..][..d];
            for t in 0..d {
                turn::<OUT>(&mut sums[t], (row[t].f64() + coarse_grids[t]).to_bits());
            }
            return;
        }
        let fine_grids = &grids.fine[..d];
        let (coarse_sums, fine_sums) = self.sums[j * 2 * d..][..2 * d].split_at_mut(d);
        if weighted {
            for t in 0..d {
                // Exact, so that a weight is as good as copies: two f32 have their product in f64, two f64 in two.
                let x = row[t].f64();
                let product = Double { high: weight * x, low: 0.0 };
                let Double { high, low } = if F::DIGITS < 26 { product } else { Double::product(weight, x) };
                let (coarse, fine) = split(high, low, coarse_grids[t], fine_grids[t]);
                turn::<OUT>(&mut coarse_sums[t], coarse);
                turn::<OUT>(&mut fine_sums[t], fine);
            }
            let (coarse, fine) = split(weight, 0.0, grids.weight.coarse, grids.weight.fine);
            turn::<OUT>(&mut self.weights[j][0], coarse);
            turn::<OUT>(&mut self.weights[j][1], fine);
        } else {
            for t in 0..d {
                let (coarse, fine) = split(row[t].f64(), 0.0, coarse_grids[t], fine_grids[t]);
                turn::<OUT>(&mut coarse_sums[t], coarse);
                turn::<OUT>(&mut fine_sums[t], fine);
            }
        }
    }

    /// Adds rows to cluster j, all of them: with few columns the sums stay in registers meanwhile.
    #[inline(always)]
    pub(super) fn add_rows<F: Element>(&mut self, rows: Rows<'_, F>, grids: &Grids, j: usize) {
        let weighted = rows.weights.is_some();
        let mut one_by_one = || {
            for i in 0..rows.n() {
                if rows.weight(i) > 0.0 {
                    self.add::<F, false>(grids, weighted, j, rows.row(i), rows.weight(i));
                }
            }
        };
        if weighted {
            return one_by_one();
        }
        by_columns!(rows.d, [1 2 3 4], D => self.add_few::<F, D>(rows.values.as_chunks().0, grids, j), else one_by_one());
    }

    #[inline(always)]
    fn add_few<F: Element, const D: usize>(&mut self, rows: &[[F; D]], grids: &Grids, j: usize) {
        let column = |grids: &[f64]| -> [f64; D] { std::array::from_fn(|t| grids[t]) };
        let (coarse_grids, fine_grids) = (column(&grids.coarse), column(&grids.fine));
        let (mut coarse_sums, mut fine_sums) = ([0u64; D], [0u64; D]);
        for row in rows {
            for t in 0..D {
                let (coarse, fine) = split(row[t].f64(), 0.0, coarse_grids[t], fine_grids[t]);
                coarse_sums[t] = coarse_sums[t].wrapping_add(coarse);
                fine_sums[t] = fine_sums[t].wrapping_add(fine);
            }
        }
        self.touched[j] = true;
        self.counts[j] = self.counts[j].wrapping_add(rows.len() as u64);
        // There are no second sums where the first grid alone loses nothing.
        let terms = coarse_sums.iter().chain(&fine_sums);
        for (sum, term) in self.sums[j * self.stride..][..self.stride].iter_mut().zip(terms) {
            *sum = sum.wrapping_add(*term);
        }
    }

    /// Moves all that cluster `part` of other sums holds from one cluster to another; `NOWHERE` is none.
    pub(super) fn transfer(&mut self, other: &RowSums, part: usize, from: u32, to: u32) {
        for (j, out) in [(from, true), (to, false)] {
            if j == NOWHERE {
                continue;
            }
            let j = j as usize;
            let turn = |sum: &mut u64, term: u64| {
                *sum = if out { sum.wrapping_sub(term) } else { sum.wrapping_add(term) };
            };
            self.touched[j] = true;
            turn(&mut self.counts[j], other.counts[part]);
            let terms = &other.sums[part * self.stride..][..self.stride];
            self.sums[j * self.stride..][..self.stride]
                .iter_mut()
                .zip(terms)
                .for_each(|(sum, &term)| turn(sum, term));
            self.weights[j].iter_mut().zip(other.weights[part]).for_each(|(sum, term)| turn(sum, term));
        }
    }

    /// Takes over what other sums gathered, and leaves those empty.
    pub(crate) fn absorb(&mut self, others: Vec<&mut RowSums>) {
        let stride = self.stride;
        let mut workers = vec![(); par::workers_for((self.sums.len() * others.len()) as f64 * 2.0)];
        let clusters = self.clusters().div_ceil(workers.len() * 4);
        let mut others: Vec<_> = others.into_iter().map(|other| other.parts(clusters)).collect();
        let pieces = self.parts(clusters).map(|part| {
            let others: Vec<Part<'_>> = others.iter_mut().filter_map(Iterator::next).collect();
            (part, others)
        });
        par::share(&mut workers, pieces, |(), (mut part, others)| {
            others.into_iter().for_each(|other| part.absorb(other, stride));
        });
    }

    /// So many clusters each, in turn.
    fn parts(&mut self, clusters: usize) -> impl Iterator<Item = Part<'_>> + Send {
        let sums = self.sums.chunks_mut(clusters * self.stride);
        let counts = self.counts.chunks_mut(clusters).zip(self.weights.chunks_mut(clusters));
        let parts = sums.zip(counts).zip(self.touched.chunks_mut(clusters));
        parts.map(|((sums, (counts, weights)), touched)| Part { sums, counts, weights, touched })
    }

    /// Whether cluster j changed since this was last asked.
    pub(crate) fn take_touched(&mut self, j: usize) -> bool {
        std::mem::take(&mut self.touched[j])
    }

    /// Removes the clusters that `keep` does not name.
    pub(crate) fn retain(&mut self, keep: &[bool]) {
        self.sums = kept(&self.sums, self.stride, keep);
        self.counts = kept(&self.counts, 1, keep);
        self.weights = kept(&self.weights, 1, keep);
        self.touched = kept(&self.touched, 1, keep);
    }

    /// The weight of cluster j.
    pub(crate) fn weight(&self, j: usize, grids: &Grids, weighted: bool) -> Double {
        if weighted {
            grids.weight.value(self.weights[j][0], self.weights[j][1], self.counts[j])
        } else {
            Double { high: self.counts[j] as f64, low: 0.0 }
        }
    }

    /// The sums of cluster j on both grids of columns from the first on, in steps; none on the second where there are none.
    #[inline(always)]
    pub(super) fn steps(&self, j: usize, grids: &Grids, first: usize, coarse: &mut [i64], fine: &mut [i64]) {
        let (part, count) = (first..first + coarse.len(), self.counts[j]);
        let sums = self.sums[j * self.stride..][..self.stride].split_at(grids.columns.len());
        for (out, sums, magics) in [(coarse, sums.0, &grids.coarse), (fine, sums.1, &grids.fine)] {
            let sums = sums.get(part.clone()).unwrap_or_default();
            for ((out, &sum), &magic) in out.iter_mut().zip(sums).zip(&magics[part.clone()]) {
                *out = steps(sum, count, magic);
            }
        }
    }
}
