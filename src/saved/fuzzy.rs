//! Fuzzy c-means.

use super::named::{Labels, Matrix, read, write};
use super::{Flaw, amount, falls, happened};
use crate::float::Float;
use crate::fuzzy::{FuzzyCMeansModel, FuzzyIteration};
use crate::history::StopReason;
use crate::kernel::Level;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

const NAME: &str = "FuzzyCMeansModel";

#[derive(Serialize, Deserialize)]
struct Saved<'a, F> {
    centroids: Matrix<F>,
    labels: Labels,
    memberships: Option<Matrix<F>>,
    fuzzifier: f64,
    objective: f64,
    partition_coefficient: f64,
    partition_entropy: f64,
    xie_beni: Option<f64>,
    distinct: usize,
    history: Cow<'a, [FuzzyIteration]>,
    stop_reason: StopReason,
}

impl<F: Float + Serialize> Serialize for FuzzyCMeansModel<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let saved = Saved {
            centroids: Matrix::of(&self.centroids),
            labels: Labels::of(&self.labels),
            memberships: self.memberships.as_ref().map(Matrix::of),
            fuzzifier: self.fuzzifier,
            objective: self.objective,
            partition_coefficient: self.partition_coefficient,
            partition_entropy: self.partition_entropy,
            xie_beni: self.xie_beni,
            distinct: self.distinct,
            history: Cow::Borrowed(&self.history),
            stop_reason: self.stop_reason,
        };
        write(NAME, saved, serializer)
    }
}

impl<'de, F: Float + Deserialize<'de>> Deserialize<'de> for FuzzyCMeansModel<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(NAME, deserializer, |saved: Saved<'_, F>, described| {
            let centroids = saved.centroids.checked(described)?;
            let (n, k) = (saved.labels.len(), centroids.nrows());
            let (labels, _) = saved.labels.checked(k)?;
            let memberships = saved.memberships.map(|matrix| matrix.checked(described)).transpose()?;
            if let Some(memberships) = memberships.as_ref().filter(|matrix| matrix.dim() != (n, k)) {
                let (expected, found) = (n * k, memberships.len());
                return Err(Flaw::Count { name: "memberships", found, expected });
            }
            let between = |name, value: f64, least, most| match value {
                value if (least..=most).contains(&value) => Ok(()),
                value => Err(Flaw::Value { name, value }),
            };
            for &share in memberships.iter().flatten() {
                between("a membership", share.to_f64().unwrap_or(f64::NAN), 0.0, 1.0)?;
            }
            between("the fuzzifier", saved.fuzzifier, 1.0f64.next_up(), f64::MAX)?;
            between("the partition coefficient", saved.partition_coefficient, 0.0, 1.0)?;
            amount("the partition entropy", saved.partition_entropy)?;
            amount("the index of Xie and Beni", saved.xie_beni.unwrap_or(0.0))?;
            between("the number of distinct centroids", saved.distinct as f64, 1.0, k as f64)?;
            amount("the objective", saved.objective)?;
            happened(&saved.history, |it| (it.run, it.index, [it.objective, it.shift, it.relative_shift]))?;
            falls(&saved.history, |it| it.objective)?;
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
