//! What the forms of all models but that of k-means have in common.

use super::{Flaw, bits, matrix, sizes};
use crate::float::Float;
use ndarray::{Array1, Array2};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// The version of all these forms.
const VERSION: u32 = 1;

/// A fit under the name of its model, so that it is not read as another.
#[derive(Serialize, Deserialize)]
struct Named<'a, T> {
    model: Cow<'a, str>,
    version: u32,
    fit: T,
}

pub(super) fn write<S: Serializer>(
    name: &'static str,
    fit: impl Serialize,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    Named { model: name.into(), version: VERSION, fit }.serialize(serializer)
}

/// A model from the fit in a file; `load` is told whether the format is for people to read.
pub(super) fn read<'de, D: Deserializer<'de>, T: Deserialize<'de>, M>(
    wanted: &'static str,
    deserializer: D,
    load: impl FnOnce(T, bool) -> Result<M, Flaw>,
) -> Result<M, D::Error> {
    let described = deserializer.is_human_readable();
    let Named { model, version, fit } = Named::<T>::deserialize(deserializer)?;
    let checked = if model != wanted {
        Err(Flaw::Model { found: model.into_owned(), wanted })
    } else if version != VERSION {
        Err(Flaw::Version { found: version, known: VERSION })
    } else {
        load(fit, described)
    };
    checked.map_err(D::Error::custom)
}

#[derive(Serialize, Deserialize)]
pub(super) struct Matrix<F> {
    /// Of a value: formats that do not say it would read numbers of one type as such of the other.
    bits: u32,
    shape: (usize, usize),
    /// Row by row.
    values: Vec<F>,
}

impl<F: Float> Matrix<F> {
    pub(super) fn of(matrix: &Array2<F>) -> Self {
        Matrix { bits: bits::<F>(), shape: matrix.dim(), values: matrix.iter().copied().collect() }
    }

    pub(super) fn checked(self, described: bool) -> Result<Array2<F>, Flaw> {
        matrix(self.bits, self.shape, self.values, described)
    }
}

/// One for each row of a fit.
#[derive(Serialize, Deserialize)]
pub(super) struct Labels(Vec<u32>);

impl Labels {
    pub(super) fn of(labels: &Array1<usize>) -> Self {
        Labels(labels.iter().map(|&label| label as u32).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// With the number of rows that have each.
    pub(super) fn checked(self, clusters: usize) -> Result<(Array1<usize>, Vec<usize>), Flaw> {
        if self.0.is_empty() {
            return Err(Flaw::Count { name: "labels", found: 0, expected: 1 });
        }
        let sizes = sizes(&self.0, clusters)?;
        Ok((self.0.into_iter().map(|label| label as usize).collect(), sizes))
    }
}
