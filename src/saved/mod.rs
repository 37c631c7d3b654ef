//! Models as files: the forms they are saved in, and what is checked when one is loaded.
//!
//! A file may come from anywhere, so nothing in it is trusted: shapes, ranges and what a model's own methods rely on are checked again. That the numbers are those of a fit of some data, no
//! check can tell.

mod bisecting;
mod fuzzy;
mod kmeans;
mod medians;
mod medoids;
mod named;
mod wrapped;

use crate::float::Float;
use crate::kernel::Element;
use ndarray::Array2;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The version of a form. It comes first, so that another is refused for that, and not for what it lacks.
struct Form<const VERSION: u32>;

impl<const VERSION: u32> Serialize for Form<VERSION> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        VERSION.serialize(serializer)
    }
}

impl<'de, const VERSION: u32> Deserialize<'de> for Form<VERSION> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            found if found == VERSION => Ok(Form),
            found => Err(D::Error::custom(Flaw::Version { found, known: VERSION })),
        }
    }
}

/// What is wrong with a file.
#[derive(Debug, Error)]
enum Flaw {
    #[error("the model was saved in form {found}, and form {known} is the only one known")]
    Version { found: u32, known: u32 },
    #[error("the file has a {found}, not a {wanted}")]
    Model { found: String, wanted: &'static str },
    #[error("the model has numbers of {0} bits, which this format reads as such only")]
    Bits(u32),
    #[error("{found} values of {name} are not {rows} rows of {columns}")]
    Shape { name: &'static str, rows: usize, columns: usize, found: usize },
    #[error("value {at} of {name} is not finite, or too large")]
    Number { name: &'static str, at: usize },
    #[error("label {label} of row {row} names none of the {clusters} clusters")]
    Label { row: usize, label: u32, clusters: usize },
    #[error("{name} is {value}, which no fit gives")]
    Value { name: &'static str, value: f64 },
    #[error("{name} are {found}, and not {expected}")]
    Count { name: &'static str, found: usize, expected: usize },
    #[error("{clusters} clusters are not those of a fit of {rows} rows")]
    Rows { clusters: usize, rows: usize },
    #[error("{0}")]
    Said(&'static str),
    #[error("node {0} of the tree has no such place or size")]
    Node(usize),
    #[error("iteration {0} of the history cannot have happened")]
    History(usize),
    #[error(
        "{rows} labels, an inertia of {inertia} and {iterations} iterations are no fit, and not nothing either"
    )]
    Half { rows: usize, inertia: f64, iterations: usize },
}

fn bits<F>() -> u32 {
    8 * size_of::<F>() as u32
}

/// Values of so many bits, row by row, as a matrix of that shape. In a format that is readable for people they may be read as another type.
fn matrix<F: Float>(
    name: &'static str,
    stated: u32,
    (rows, columns): (usize, usize),
    values: Vec<F>,
    readable: bool,
) -> Result<Array2<F>, Flaw> {
    if stated != bits::<F>() && !(readable && [32, 64].contains(&stated)) {
        return Err(Flaw::Bits(stated));
    }
    let wrong = Flaw::Shape { name, rows, columns, found: values.len() };
    if rows == 0 || columns == 0 || rows.checked_mul(columns) != Some(values.len()) {
        return Err(wrong);
    }
    let sound = |x: &F| Element::f64(*x).abs() <= F::LIMIT;
    if let Some(at) = values.iter().position(|x| !sound(x)) {
        return Err(Flaw::Number { name, at });
    }
    Array2::from_shape_vec((rows, columns), values).map_err(|_| wrong)
}

/// Rows with each label, of a fit: it has no more clusters than rows.
fn sizes(labels: &[u32], clusters: usize) -> Result<Vec<usize>, Flaw> {
    if labels.len() < clusters {
        return Err(Flaw::Rows { clusters, rows: labels.len() });
    }
    let mut sizes = vec![0; clusters];
    for (row, &label) in labels.iter().enumerate() {
        *sizes.get_mut(label as usize).ok_or(Flaw::Label { row, label, clusters })? += 1;
    }
    Ok(sizes)
}

/// A finite number of at least 0.
fn amount(name: &'static str, value: f64) -> Result<(), Flaw> {
    if value.is_finite() && value >= 0.0 { Ok(()) } else { Err(Flaw::Value { name, value }) }
}

/// Whether a history is that of one run, from its start, with amounts that can be, of which the first never rises.
fn happened<T, const N: usize>(
    history: &[T],
    parts: impl Fn(&T) -> (usize, usize, [f64; N]),
) -> Result<(), Flaw> {
    let (run, _, amounts) = history.first().map(&parts).ok_or(Flaw::Said("the history is empty"))?;
    let mut least = amounts[0];
    for (number, it) in (1..).zip(history) {
        let (of, index, amounts) = parts(it);
        if of != run
            || index != number
            || amounts.iter().any(|x| amount("", *x).is_err())
            || amounts[0] > least
        {
            return Err(Flaw::History(number));
        }
        // A format that rounds what it reads may turn two that are as good as equal around.
        least = amounts[0] * (1.0 + 1e-12);
    }
    Ok(())
}
