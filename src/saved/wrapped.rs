//! Models that are those of k-means with rules of their own.

use super::Flaw;
use super::kmeans::{Saved, model};
use super::named::{Named, read, write};
use crate::balanced::BalancedKMeansModel;
use crate::float::Float;
use crate::kernel::Element;
use crate::model::KMeansModel;
use crate::spherical::SphericalKMeansModel;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How far the squared length of a direction may be from 1: more than rounding to f32, and in a format for people, leaves.
const ROUNDING: f64 = 1e-5;

#[derive(Serialize, Deserialize)]
struct Spherical<T>(T);

impl<T> Named for Spherical<T> {
    const NAME: &'static str = "SphericalKMeansModel";
}

#[derive(Serialize, Deserialize)]
struct Balanced<T>(T);

impl<T> Named for Balanced<T> {
    const NAME: &'static str = "BalancedKMeansModel";
}

/// Unlike centroids from elsewhere, a fit has rows.
fn fitted<F: Float>(saved: Saved<'_, F>, readable: bool) -> Result<KMeansModel<F>, Flaw> {
    let model = model(saved, readable)?;
    if model.history.is_empty() {
        return Err(Flaw::Rows { clusters: model.n_clusters(), rows: 0 });
    }
    Ok(model)
}

impl<F: Float + Serialize> Serialize for SphericalKMeansModel<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(Spherical(&self.0), serializer)
    }
}

impl<'de, F: Float + Deserialize<'de>> Deserialize<'de> for SphericalKMeansModel<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, |Spherical(saved): Spherical<Saved<'_, F>>, readable| {
            let model = fitted(saved, readable)?;
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
        write(Balanced(&self.0), serializer)
    }
}

impl<'de, F: Float + Deserialize<'de>> Deserialize<'de> for BalancedKMeansModel<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, |Balanced(saved): Balanced<Saved<'_, F>>, readable| {
            let model = fitted(saved, readable)?;
            if model.cluster_sizes.contains(&0) {
                return Err(Flaw::Said("a cluster is empty, which none of a balanced model is"));
            }
            Ok(BalancedKMeansModel(model))
        })
    }
}
