//! k-means.

use super::{Flaw, Form, amount, bits, happened, matrix, sizes};
use crate::float::Float;
use crate::history::{Iteration, StopReason};
use crate::kernel::Level;
use crate::lloyd::Algorithm;
use crate::model::{KMeansModel, Labels};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

#[derive(Serialize, Deserialize)]
pub(super) struct Saved<'a, F: Clone> {
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
pub(super) fn model<F: Float>(saved: Saved<'_, F>, readable: bool) -> Result<KMeansModel<F>, Flaw> {
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
