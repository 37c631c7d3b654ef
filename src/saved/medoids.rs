//! k-medoids, of rows and of a matrix.

use super::named::{Named, SavedLabels, SavedMatrix, read, write};
use super::{Flaw, amount, happened};
use crate::float::Float;
use crate::history::StopReason;
use crate::kernel::Level;
use crate::medoids::{KMedoidsModel, Medoids, MedoidsIteration, Metric};
use ndarray::ArrayView1;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
struct Saved<'a> {
    rows: Cow<'a, [usize]>,
    labels: SavedLabels,
    silhouettes: Vec<f64>,
    loss: f64,
    history: Cow<'a, [MedoidsIteration]>,
    stop_reason: StopReason,
}

#[derive(Serialize, Deserialize)]
struct SavedWithRows<'a, F> {
    medoids: Saved<'a>,
    centroids: SavedMatrix<F>,
    metric: Metric,
}

impl Named for Saved<'_> {
    const NAME: &'static str = "Medoids";
}

impl<F> Named for SavedWithRows<'_, F> {
    const NAME: &'static str = "KMedoidsModel";
}

fn saved(medoids: &Medoids) -> Saved<'_> {
    Saved {
        rows: Cow::Borrowed(&medoids.rows),
        labels: SavedLabels::of(&medoids.labels),
        silhouettes: medoids.silhouettes.to_vec(),
        loss: medoids.loss,
        history: Cow::Borrowed(&medoids.history),
        stop_reason: medoids.stop_reason,
    }
}

fn load(saved: Saved<'_>) -> Result<Medoids, Flaw> {
    let (n, k) = (saved.labels.len(), saved.rows.len());
    let (labels, cluster_sizes) = saved.labels.checked(k)?;
    let different: HashSet<usize> = saved.rows.iter().copied().filter(|&row| row < n).collect();
    if different.len() < k {
        return Err(Flaw::Count {
            name: "different rows among the medoids",
            found: different.len(),
            expected: k,
        });
    }
    if saved.silhouettes.len() != n {
        return Err(Flaw::Count { name: "silhouettes", found: saved.silhouettes.len(), expected: n });
    }
    if let Some(&value) = saved.silhouettes.iter().find(|value| !(0.0..=1.0).contains(*value)) {
        return Err(Flaw::Value { name: "a silhouette", value });
    }
    amount("the loss", saved.loss)?;
    // Each row is offered once a round. The model adds up the swaps.
    let all = |it: &MedoidsIteration| it.swaps > n;
    if let Some(at) = saved.history.iter().position(all) {
        return Err(Flaw::History(at + 1));
    }
    happened(&saved.history, |it| (it.run, it.index, [it.loss]))?;
    Ok(Medoids {
        rows: saved.rows.into_owned(),
        labels,
        cluster_sizes,
        silhouettes: saved.silhouettes.into(),
        loss: saved.loss,
        history: saved.history.into_owned(),
        stop_reason: saved.stop_reason,
    })
}

impl Serialize for Medoids {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(saved(self), serializer)
    }
}

impl<'de> Deserialize<'de> for Medoids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, |saved, _| load(saved))
    }
}

/// An error for a dissimilarity of the user's own: a closure cannot be saved.
impl<F: Float + Serialize> Serialize for KMedoidsModel<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let own = || S::Error::custom("a dissimilarity of your own cannot be saved, only the medoids");
        let metric = self.dissimilarity.usual().ok_or_else(own)?;
        let saved = SavedWithRows {
            medoids: saved(&self.medoids),
            centroids: SavedMatrix::of(&self.centroids),
            metric,
        };
        write(saved, serializer)
    }
}

impl<'de, F: Float + Deserialize<'de>> Deserialize<'de> for KMedoidsModel<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, |saved: SavedWithRows<'_, F>, readable| {
            let (medoids, centroids) =
                (load(saved.medoids)?, saved.centroids.checked("the centroids", readable)?);
            if centroids.nrows() != medoids.n_clusters() {
                let (found, expected) = (centroids.nrows(), medoids.n_clusters());
                return Err(Flaw::Count { name: "centroids", found, expected });
            }
            let zeros = |row: ArrayView1<'_, F>| row.iter().all(F::is_zero);
            if saved.metric == Metric::Cosine && centroids.rows().into_iter().any(zeros) {
                return Err(Flaw::Said("a medoid of zeros has no cosine"));
            }
            let dissimilarity = Arc::new(saved.metric);
            Ok(KMedoidsModel { medoids, centroids, dissimilarity, level: Level::new() })
        })
    }
}
