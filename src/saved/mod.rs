//! Models as files: the forms they are saved in, and what is checked when one is loaded.
//!
//! A file may come from anywhere, so nothing in it is trusted: shapes, ranges and what a model's own methods rely on are checked again. That the numbers are those of a fit of some data, no
//! check can tell.

mod bisecting;
mod fuzzy;
mod medians;
mod medoids;
mod named;
mod wrapped;

use crate::float::Float;
use crate::history::{Iteration, StopReason};
use crate::kernel::Level;
use crate::lloyd::Algorithm;
use crate::model::{KMeansModel, Labels};
use ndarray::Array2;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
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

#[derive(Serialize, Deserialize)]
struct Saved<'a, F: Clone> {
    version: Form<2>,
    /// Of a coordinate: formats that do not say it would read numbers of one type as such of the other.
    bits: u32,
    n_clusters: usize,
    n_features: usize,
    /// Row by row.
    centroids: Cow<'a, [F]>,
    labels: Cow<'a, [u32]>,
    inertia: f64,
    history: Cow<'a, [Iteration]>,
    stop_reason: StopReason,
    algorithm: Algorithm,
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
    #[error(
        "{clusters} clusters are not those of a fit of {rows} rows, or one of them is empty that should not be"
    )]
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

impl<F: Float + Serialize> Serialize for KMeansModel<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let saved = Saved {
            version: Form,
            bits: bits::<F>(),
            n_clusters: self.n_clusters(),
            n_features: self.n_features(),
            centroids: self.centroids.iter().copied().collect(),
            labels: Cow::Borrowed(&self.labels.narrow),
            inertia: self.inertia,
            history: Cow::Borrowed(&self.history),
            stop_reason: self.stop_reason,
            algorithm: self.algorithm,
        };
        saved.serialize(serializer)
    }
}

impl<'de, F: Float + Deserialize<'de>> Deserialize<'de> for KMeansModel<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let readable = deserializer.is_human_readable();
        model(Saved::deserialize(deserializer)?, readable).map_err(D::Error::custom)
    }
}

/// The model of a file, from a format that is readable for people or not.
fn model<F: Float>(saved: Saved<'_, F>, readable: bool) -> Result<KMeansModel<F>, Flaw> {
    let shape = (saved.n_clusters, saved.n_features);
    let centroids = matrix("the centroids", saved.bits, shape, saved.centroids.into_owned(), readable)?;
    let cluster_sizes =
        if saved.labels.is_empty() { vec![0; shape.0] } else { sizes(&saved.labels, shape.0)? };
    amount("the inertia", saved.inertia)?;
    let (rows, iterations, inertia) = (saved.labels.len(), saved.history.len(), saved.inertia);
    // A fit has both labels and a history, and centroids from elsewhere have neither.
    if (rows == 0) != (iterations == 0) || rows == 0 && inertia > 0.0 {
        return Err(Flaw::Half { rows, inertia, iterations });
    }
    if iterations > 0 {
        happened(&saved.history, |it| (it.run, it.index, [it.inertia, it.shift, it.relative_shift]))?;
    }
    if saved.algorithm == Algorithm::Auto {
        return Err(Flaw::Said("the algorithm is not what Auto chose, but Auto"));
    }
    Ok(KMeansModel {
        centroids,
        labels: Labels::new(saved.labels.into_owned()),
        cluster_sizes,
        inertia,
        history: saved.history.into_owned(),
        stop_reason: saved.stop_reason,
        algorithm: saved.algorithm,
        level: Level::new(),
    })
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
    let sound = |x: &F| crate::kernel::Element::f64(*x).abs() <= F::LIMIT;
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
