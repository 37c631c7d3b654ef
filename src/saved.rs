//! Models as files: the form they are saved in, and what is checked when one is loaded.
//!
//! A file may come from anywhere, so nothing in it is trusted: every rule that a fit establishes is checked again.

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

/// The version of the form, written first.
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
    #[error("the model was saved in form {0}, and form {VERSION} is the only one known")]
    Version(u32),
    #[error("the model has numbers of {0} bits, which this format reads as such only")]
    Bits(u32),
    #[error("{found} coordinates are not {clusters} centroids of {features}")]
    Shape { clusters: usize, features: usize, found: usize },
    #[error("coordinate {0} of the centroids is not finite, or too large")]
    Coordinate(usize),
    #[error("label {label} of row {row} names none of the {clusters} clusters")]
    Label { row: usize, label: u32, clusters: usize },
    #[error("the inertia {0} is not a finite number of at least 0")]
    Inertia(f64),
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
        let saved = Saved::deserialize(deserializer)?;
        check(&saved, described).map_err(D::Error::custom)?;
        let mut cluster_sizes = vec![0; saved.n_clusters];
        saved.labels.iter().for_each(|&label| cluster_sizes[label as usize] += 1);
        let shape = (saved.n_clusters, saved.n_features);
        Ok(KMeansModel {
            centroids: Array2::from_shape_vec(shape, saved.centroids.into_owned())
                .map_err(D::Error::custom)?,
            labels: Labels::new(saved.labels.into_owned()),
            cluster_sizes,
            inertia: saved.inertia,
            history: saved.history.into_owned(),
            stop_reason: saved.stop_reason,
            algorithm: saved.algorithm,
            level: Level::new(),
        })
    }
}

fn bits<F>() -> u32 {
    8 * size_of::<F>() as u32
}

/// Whether the format writes numbers so that they may be read as another type is `described`.
fn check<F: Float>(saved: &Saved<'_, F>, described: bool) -> Result<(), Flaw> {
    let (clusters, features, found) = (saved.n_clusters, saved.n_features, saved.centroids.len());
    if saved.version != VERSION {
        return Err(Flaw::Version(saved.version));
    }
    if saved.bits != bits::<F>() && !(described && [32, 64].contains(&saved.bits)) {
        return Err(Flaw::Bits(saved.bits));
    }
    if clusters == 0 || features == 0 || clusters.checked_mul(features) != Some(found) {
        return Err(Flaw::Shape { clusters, features, found });
    }
    let sound = |x: &F| crate::kernel::Element::f64(*x).abs() <= F::LIMIT;
    if let Some(at) = saved.centroids.iter().position(|x| !sound(x)) {
        return Err(Flaw::Coordinate(at));
    }
    let named = |label: u32| (label as usize) < clusters;
    if let Some((row, &label)) = saved.labels.iter().enumerate().find(|label| !named(*label.1)) {
        return Err(Flaw::Label { row, label, clusters });
    }
    let amount = |x: f64| x.is_finite() && x >= 0.0;
    if !amount(saved.inertia) {
        return Err(Flaw::Inertia(saved.inertia));
    }
    let (rows, iterations, inertia) = (saved.labels.len(), saved.history.len(), saved.inertia);
    // A fit has both labels and a history, and centroids from elsewhere have neither.
    if (rows == 0) != (iterations == 0) || rows == 0 && inertia > 0.0 {
        return Err(Flaw::Half { rows, inertia, iterations });
    }
    let (mut last, run) = (f64::INFINITY, saved.history.first().map_or(0, |it| it.run));
    for (index, it) in (1..).zip(saved.history.iter()) {
        let amounts = amount(it.inertia) && amount(it.shift) && amount(it.relative_shift);
        let counts = it.run == run && it.index == index;
        if !amounts || !counts || it.inertia > last {
            return Err(Flaw::History(index));
        }
        // A format that rounds what it reads may turn two that are as good as equal around.
        last = it.inertia * (1.0 + 1e-12);
    }
    Ok(())
}
