//! k-medians.

use super::named::{Labels, Matrix, read, write};
use super::{amount, falls, happened};
use crate::float::Float;
use crate::history::StopReason;
use crate::kernel::Level;
use crate::medians::{KMediansModel, MediansIteration};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

const NAME: &str = "KMediansModel";

#[derive(Serialize, Deserialize)]
struct Saved<'a, F> {
    centroids: Matrix<F>,
    labels: Labels,
    loss: f64,
    history: Cow<'a, [MediansIteration]>,
    stop_reason: StopReason,
}

impl<F: Float + Serialize> Serialize for KMediansModel<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let saved = Saved {
            centroids: Matrix::of(&self.centroids),
            labels: Labels::of(&self.labels),
            loss: self.loss,
            history: Cow::Borrowed(&self.history),
            stop_reason: self.stop_reason,
        };
        write(NAME, saved, serializer)
    }
}

impl<'de, F: Float + Deserialize<'de>> Deserialize<'de> for KMediansModel<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(NAME, deserializer, |saved: Saved<'_, F>, described| {
            let centroids = saved.centroids.checked(described)?;
            let (labels, cluster_sizes) = saved.labels.checked(centroids.nrows())?;
            amount("the loss", saved.loss)?;
            happened(&saved.history, |it| (it.run, it.index, [it.loss, it.shift]))?;
            falls(&saved.history, |it| it.loss)?;
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
