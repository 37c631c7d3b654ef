//! What it costs to find the nearest centroid of a row, each way there is, and which way is the cheapest.
//!
//! In nanoseconds, from measurements (AMD Zen 4; of words and of f64 on Intel Emerald Rapids; of words and bytes with AVX2, beside floats, on Intel Skylake-SP); only
//! ratios matter.

use super::bytes::Machine;
use super::digits::MOST_ROWS;
use super::element::{Element, Level};
use super::pack::FEW_COLUMNS;

/// What scores are made of.
#[derive(Clone, Copy)]
pub(super) enum Way {
    Floats,
    /// See [`super::words`].
    Words(Machine),
    /// See [`super::coarse`].
    Bytes(Machine),
}

/// Columns that words may serve: more than lie in the lanes, and so few that a tile's turned rows and their words stay in the first cache.
const WORDS: std::ops::RangeInclusive<usize> = FEW_COLUMNS + 1..=128;

/// Centroids that a score of words may name: the names of more would double what rounding takes.
const NAMED: usize = 1 << 16;

/// Columns from which bytes may pay, and up to which the sums of their products fit.
const BYTES: std::ops::RangeInclusive<usize> = 17..=4096;

/// The size of a value, in values of f32: to move, round or multiply values takes about so much longer.
pub(crate) fn relative_size<F: Element>() -> f64 {
    size_of::<F>() as f64 / size_of::<f32>() as f64
}

/// About what it costs to make bytes of a row.
pub(super) fn rounding_nanoseconds<F: Element>(d: usize) -> f64 {
    relative_size::<F>() * (45.0 + 0.25 * d as f64)
}

/// The scores of one row for k centroids, in floats.
fn floats<F: Element>(k: usize, d: usize) -> f64 {
    let (k, columns) = (k as f64, d as f64);
    let ones = if d < *BYTES.start() {
        k * (0.1 + 0.02 * columns)
    } else {
        // Rows are turned first.
        4.0 + 0.25 * columns + k * (0.06 + 0.018 * columns)
    };
    relative_size::<F>() * ones
}

/// The same in words.
fn words(machine: Machine, k: usize, d: usize) -> f64 {
    let (k, columns) = (k as f64, d as f64);
    if wide(machine) {
        8.0 + 0.36 * columns + k * (0.02 + 0.0087 * columns)
    } else {
        8.0 + 0.4 * columns + k * (0.04 + 0.0135 * columns)
    }
}

/// The same by bytes.
fn bytes<F: Element>(machine: Machine, k: usize, d: usize) -> f64 {
    let (k, columns) = (k as f64, d as f64);
    if wide(machine) {
        rounding_nanoseconds::<F>(d) + k * (0.15 + 0.0056 * columns)
    } else {
        // Five instructions for two of AVX-512, on vectors half as long.
        40.0 + relative_size::<F>() * (20.0 + 0.5 * columns) + k * (0.2 + 0.0087 * columns)
    }
}

/// Whether the machine is that of AVX-512.
fn wide(machine: Machine) -> bool {
    machine.rows() == MOST_ROWS
}

/// What multiplies words, if they can serve: for f32.
pub(super) fn words_fit<F: Element>(level: Level, k: usize, d: usize) -> Option<Machine> {
    let fit = WORDS.contains(&d) && k <= NAMED && size_of::<F>() == size_of::<f32>();
    Machine::new(level).filter(|_| fit)
}

/// The cheapest way, and what it costs.
fn cheapest<F: Element>(level: Level, k: usize, d: usize) -> (f64, Way) {
    let mut best = (floats::<F>(k, d), Way::Floats);
    if let Some(machine) = words_fit::<F>(level, k, d) {
        let price = words(machine, k, d);
        if price < best.0 {
            best = (price, Way::Words(machine));
        }
    }
    if let Some(machine) = Machine::new(level).filter(|_| BYTES.contains(&d)) {
        let price = bytes::<F>(machine, k, d);
        if price < best.0 {
            best = (price, Way::Bytes(machine));
        }
    }
    best
}

/// The cheapest way to the scores of a row.
pub(super) fn way<F: Element>(level: Level, k: usize, d: usize) -> Way {
    cheapest::<F>(level, k, d).1
}

/// Whether that is by bytes.
pub(super) fn bytes_pay<F: Element>(level: Level, k: usize, d: usize) -> bool {
    matches!(way::<F>(level, k, d), Way::Bytes(_))
}

/// The scores of one row, the cheapest way.
pub(crate) fn score_nanoseconds<F: Element>(level: Level, k: usize, d: usize) -> f64 {
    cheapest::<F>(level, k, d).0
}
