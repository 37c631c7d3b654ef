//! Models as files: the forms they are saved in, and what is checked when one is loaded.
//!
//! A file may come from anywhere, so nothing in it is trusted: every rule that a fit establishes and that needs no data is checked again.

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

/// The version of the form of [`KMeansModel`], written first.
const VERSION: u32 = 2;

#[derive(Serialize, Deserialize)]
struct Saved<'a, F: Clone> {
    version: u32,
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
    #[error("{found} coordinates are not {clusters} centroids of {features}")]
    Shape { clusters: usize, features: usize, found: usize },
    #[error("coordinate {0} of the centroids is not finite, or too large")]
    Coordinate(usize),
    #[error("label {label} of row {row} names none of the {clusters} clusters")]
    Label { row: usize, label: u32, clusters: usize },
    #[error("{name} is {value}, which no fit gives")]
    Value { name: &'static str, value: f64 },
    #[error("{found} {name} are not one for each of {expected}")]
    Count { name: &'static str, found: usize, expected: usize },
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
            version: VERSION,
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
        let described = deserializer.is_human_readable();
        let model = model(Saved::deserialize(deserializer)?, described).map_err(D::Error::custom)?;
        falls(&model.history, |it| it.inertia).map_err(D::Error::custom)?;
        Ok(model)
    }
}

/// The model of a file, if all in it but the course of the inertia is sound. Whether the format writes numbers so that they may be read as another type is `described`.
fn model<F: Float>(saved: Saved<'_, F>, described: bool) -> Result<KMeansModel<F>, Flaw> {
    if saved.version != VERSION {
        return Err(Flaw::Version { found: saved.version, known: VERSION });
    }
    let shape = (saved.n_clusters, saved.n_features);
    let centroids = matrix(saved.bits, shape, saved.centroids.into_owned(), described)?;
    let cluster_sizes = sizes(&saved.labels, saved.n_clusters)?;
    amount("the inertia", saved.inertia)?;
    let (rows, iterations, inertia) = (saved.labels.len(), saved.history.len(), saved.inertia);
    // A fit has both labels and a history, and centroids from elsewhere have neither.
    if (rows == 0) != (iterations == 0) || rows == 0 && inertia > 0.0 {
        return Err(Flaw::Half { rows, inertia, iterations });
    }
    if iterations > 0 {
        happened(&saved.history, |it| (it.run, it.index, [it.inertia, it.shift, it.relative_shift]))?;
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

/// Values of so many bits, row by row, as a matrix of that shape.
fn matrix<F: Float>(
    stated: u32,
    (rows, columns): (usize, usize),
    values: Vec<F>,
    described: bool,
) -> Result<Array2<F>, Flaw> {
    if stated != bits::<F>() && !(described && [32, 64].contains(&stated)) {
        return Err(Flaw::Bits(stated));
    }
    let wrong = Flaw::Shape { clusters: rows, features: columns, found: values.len() };
    if rows == 0 || columns == 0 || rows.checked_mul(columns) != Some(values.len()) {
        return Err(wrong);
    }
    let sound = |x: &F| crate::kernel::Element::f64(*x).abs() <= F::LIMIT;
    if let Some(at) = values.iter().position(|x| !sound(x)) {
        return Err(Flaw::Coordinate(at));
    }
    Array2::from_shape_vec((rows, columns), values).map_err(|_| wrong)
}

/// Rows with each label.
fn sizes(labels: &[u32], clusters: usize) -> Result<Vec<usize>, Flaw> {
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

/// Whether a history is that of one run, from its start, with amounts that can be.
fn happened<T, const N: usize>(
    history: &[T],
    parts: impl Fn(&T) -> (usize, usize, [f64; N]),
) -> Result<(), Flaw> {
    let (run, ..) = history.first().map(&parts).ok_or(Flaw::History(1))?;
    for (number, it) in (1..).zip(history) {
        let (of, index, amounts) = parts(it);
        if of != run || index != number || amounts.iter().any(|x| amount("", *x).is_err()) {
            return Err(Flaw::History(number));
        }
    }
    Ok(())
}

/// Whether what a fit minimises never rises. A format that rounds what it reads may turn two that are as good as equal around.
fn falls<T>(history: &[T], value: impl Fn(&T) -> f64) -> Result<(), Flaw> {
    match history.windows(2).position(|pair| value(&pair[1]) > value(&pair[0]) * (1.0 + 1e-12)) {
        Some(at) => Err(Flaw::History(at + 2)),
        None => Ok(()),
    }
}
