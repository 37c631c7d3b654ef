//! Models that are those of k-means with rules of their own.

use super::named::{read, write};
use super::{Flaw, Saved, falls, model};
use crate::balanced::BalancedKMeansModel;
use crate::float::Float;
use crate::kernel::Element;
use crate::spherical::SphericalKMeansModel;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const SPHERICAL: &str = "SphericalKMeansModel";
const BALANCED: &str = "BalancedKMeansModel";

/// How far the squared length of a direction may be from 1: more than rounding to f32, and in a format for people, leaves.
const ROUNDING: f64 = 1e-5;

impl<F: Float + Serialize> Serialize for SphericalKMeansModel<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(SPHERICAL, &self.0, serializer)
    }
}

impl<'de, F: Float + Deserialize<'de>> Deserialize<'de> for SphericalKMeansModel<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(SPHERICAL, deserializer, |saved: Saved<'_, F>, described| {
            let model = model(saved, described)?;
            falls(&model.history, |it| it.inertia)?;
            for centroid in model.centroids.rows() {
                let value = centroid.iter().map(|x| Element::f64(*x).powi(2)).sum::<f64>();
                if (value - 1.0).abs() > ROUNDING {
                    return Err(Flaw::Value { name: "the squared length of a direction", value });
                }
            }
            Ok(SphericalKMeansModel(model))
        })
    }
}

impl<F: Float + Serialize> Serialize for BalancedKMeansModel<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(BALANCED, &self.0, serializer)
    }
}

impl<'de, F: Float + Deserialize<'de>> Deserialize<'de> for BalancedKMeansModel<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Beside a row much farther than the rest the recorded inertia, rounded, may rise.
        read(BALANCED, deserializer, |saved: Saved<'_, F>, described| {
            Ok(BalancedKMeansModel(model(saved, described)?))
        })
    }
}
