//! Fuzzy c-means.

use super::named::{Named, SavedLabels, SavedMatrix, read, write};
use super::{Flaw, amount, happened};
use crate::float::Float;
use crate::fuzzy::{FuzzyCMeansModel, FuzzyIteration};
use crate::history::StopReason;
use crate::kernel::{Element, Level};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// What rounding, and a format for people, may change of a sum of memberships.
const ROUNDING: f64 = 1e-3;

#[derive(Serialize, Deserialize)]
struct Saved<'a, F> {
    centroids: SavedMatrix<F>,
    labels: SavedLabels,
    memberships: Option<SavedMatrix<F>>,
    fuzzifier: f64,
    objective: f64,
    partition_coefficient: f64,
    partition_entropy: f64,
    xie_beni: Option<f64>,
    distinct: usize,
    history: Cow<'a, [FuzzyIteration]>,
    stop_reason: StopReason,
}

impl<F> Named for Saved<'_, F> {
    const NAME: &'static str = "FuzzyCMeansModel";
}

impl<F: Float + Serialize> Serialize for FuzzyCMeansModel<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let saved = Saved {
            centroids: SavedMatrix::of(&self.centroids),
            labels: SavedLabels::of(&self.labels),
            memberships: self.memberships.as_ref().map(SavedMatrix::of),
            fuzzifier: self.fuzzifier,
            objective: self.objective,
            partition_coefficient: self.partition_coefficient,
            partition_entropy: self.partition_entropy,
            xie_beni: self.xie_beni,
            distinct: self.distinct,
            history: Cow::Borrowed(&self.history),
            stop_reason: self.stop_reason,
        };
        write(saved, serializer)
    }
}

impl<'de, F: Float + Deserialize<'de>> Deserialize<'de> for FuzzyCMeansModel<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, |saved: Saved<'_, F>, readable| {
            let centroids = saved.centroids.checked("the centroids", readable)?;
            let (n, k) = (saved.labels.len(), centroids.nrows());
            let (labels, _) = saved.labels.checked(k)?;
            let checked = |matrix: SavedMatrix<F>| matrix.checked("the memberships", readable);
            let memberships = saved.memberships.map(checked).transpose()?;
            if let Some(memberships) = memberships.as_ref().filter(|matrix| matrix.dim() != (n, k)) {
                let found = memberships.len();
                return Err(Flaw::Shape { name: "the memberships", rows: n, columns: k, found });
            }
            let between = |name, value: f64, least, most| match value {
                value if (least..=most).contains(&value) => Ok(()),
                value => Err(Flaw::Value { name, value }),
            };
            for row in memberships.iter().flat_map(|memberships| memberships.rows()) {
                row.iter().try_for_each(|share| between("a membership", Element::f64(*share), 0.0, 1.0))?;
                let sum = row.iter().map(|share| Element::f64(*share)).sum::<f64>();
                between("the sum of a row's memberships", sum, 1.0 - ROUNDING, 1.0 + ROUNDING)?;
            }
            between("the fuzzifier", saved.fuzzifier, 1.0f64.next_up(), f64::MAX)?;
            between(
                "the partition coefficient",
                saved.partition_coefficient,
                (1.0 - ROUNDING) / k as f64,
                1.0,
            )?;
            between("the partition entropy", saved.partition_entropy, 0.0, libm::log(k as f64) + ROUNDING)?;
            amount("the index of Xie and Beni", saved.xie_beni.unwrap_or(0.0))?;
            if k == 1 && saved.xie_beni.is_some() {
                return Err(Flaw::Said("one cluster has no index of Xie and Beni"));
            }
            between("the number of distinct centroids", saved.distinct as f64, 1.0, k as f64)?;
            amount("the objective", saved.objective)?;
            happened(&saved.history, |it| (it.run, it.index, [it.objective, it.shift, it.relative_shift]))?;
            Ok(FuzzyCMeansModel {
                centroids,
                labels,
                memberships,
                fuzzifier: saved.fuzzifier,
                objective: saved.objective,
                partition_coefficient: saved.partition_coefficient,
                partition_entropy: saved.partition_entropy,
                xie_beni: saved.xie_beni,
                distinct: saved.distinct,
                history: saved.history.into_owned(),
                stop_reason: saved.stop_reason,
                level: Level::new(),
            })
        })
    }
}
