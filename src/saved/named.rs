//! What the forms of all models but that of k-means have in common.

use super::{Flaw, Form, bits, matrix, sizes};
use crate::float::Float;
use ndarray::{Array1, Array2};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::marker::PhantomData;

/// What is saved of a fit, by the name of its model.
pub(super) trait Named {
    const NAME: &'static str;
}

/// The name. It comes first, so that another model's file is refused for that, and not for what it lacks.
struct Name<T>(PhantomData<T>);

impl<T: Named> Serialize for Name<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        T::NAME.serialize(serializer)
    }
}

impl<'de, T: Named> Deserialize<'de> for Name<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = Cow::<'_, str>::deserialize(deserializer)?;
        if found == T::NAME {
            return Ok(Name(PhantomData));
        }
        Err(D::Error::custom(Flaw::Model { found: found.into_owned(), wanted: T::NAME }))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(bound(serialize = "T: Named + Serialize", deserialize = "T: Named + Deserialize<'de>"))]
struct File<T> {
    model: Name<T>,
    version: Form<1>,
    fit: T,
}

pub(super) fn write<S: Serializer, T: Named + Serialize>(fit: T, serializer: S) -> Result<S::Ok, S::Error> {
    File { model: Name(PhantomData), version: Form, fit }.serialize(serializer)
}

/// A model from the fit in a file; `load` is told whether the format is readable for people.
pub(super) fn read<'de, D: Deserializer<'de>, T: Named + Deserialize<'de>, M>(
    deserializer: D,
    load: impl FnOnce(T, bool) -> Result<M, Flaw>,
) -> Result<M, D::Error> {
    let readable = deserializer.is_human_readable();
    let file = File::<T>::deserialize(deserializer)?;
    load(file.fit, readable).map_err(D::Error::custom)
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedMatrix<F> {
    /// Of a value: formats that do not say it would read numbers of one type as such of the other.
    bits: u32,
    shape: (usize, usize),
    /// Row by row.
    values: Vec<F>,
}

impl<F: Float> SavedMatrix<F> {
    pub(super) fn of(matrix: &Array2<F>) -> Self {
        SavedMatrix { bits: bits::<F>(), shape: matrix.dim(), values: matrix.iter().copied().collect() }
    }

    pub(super) fn checked(self, name: &'static str, readable: bool) -> Result<Array2<F>, Flaw> {
        matrix(name, self.bits, self.shape, self.values, readable)
    }
}

/// One for each row of a fit.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedLabels(Vec<u32>);

impl SavedLabels {
    pub(super) fn of(labels: &Array1<usize>) -> Self {
        SavedLabels(labels.iter().map(|&label| label as u32).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// With the number of rows that have each.
    pub(super) fn checked(self, clusters: usize) -> Result<(Array1<usize>, Vec<usize>), Flaw> {
        let sizes = sizes(&self.0, clusters)?;
        Ok((self.0.into_iter().map(|label| label as usize).collect(), sizes))
    }
}
