//! k-medians.

use super::named::{Named, SavedLabels, SavedMatrix, read, write};
use super::{amount, happened};
use crate::float::Float;
use crate::history::StopReason;
use crate::kernel::Level;
use crate::medians::{KMediansModel, MediansIteration};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

#[derive(Serialize, Deserialize)]
struct Saved<'a, F> {
    centroids: SavedMatrix<F>,
    labels: SavedLabels,
    loss: f64,
    history: Cow<'a, [MediansIteration]>,
    stop_reason: StopReason,
}

impl<F> Named for Saved<'_, F> {
    const NAME: &'static str = "KMediansModel";
}

impl<F: Float + Serialize> Serialize for KMediansModel<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let saved = Saved {
            centroids: SavedMatrix::of(&self.centroids),
            labels: SavedLabels::of(&self.labels),
            loss: self.loss,
            history: Cow::Borrowed(&self.history),
            stop_reason: self.stop_reason,
        };
        write(saved, serializer)
    }
}

impl<'de, F: Float + Deserialize<'de>> Deserialize<'de> for KMediansModel<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, |saved: Saved<'_, F>, readable| {
            let centroids = saved.centroids.checked("the centroids", readable)?;
            let (labels, cluster_sizes) = saved.labels.checked(centroids.nrows())?;
            amount("the loss", saved.loss)?;
            happened(&saved.history, |it| (it.run, it.index, [it.loss, it.shift]))?;
            Ok(KMediansModel {
                centroids,
                labels,
                cluster_sizes,
                loss: saved.loss,
                history: saved.history.into_owned(),
                stop_reason: saved.stop_reason,
                level: Level::new(),
            })
        })
    }
}
