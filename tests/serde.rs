//! Saving and loading models, and files that lie.
#![cfg(feature = "serde")]

use centroids::{Float, KMeans, KMeansModel, SeededRng};
use ndarray::{Array2, s};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn fitted<F: Float>() -> (Array2<F>, KMeansModel<F>) {
    let mut rng = SeededRng::new(4);
    let data = Array2::from_shape_fn((200, 3), |_| F::from(rng.uniform() * 1e3).unwrap());
    let model = KMeans::new(5).fit(&data).unwrap();
    (data, model)
}

fn survives<F: Float + serde::Serialize + DeserializeOwned>() {
    let (data, model) = fitted::<F>();
    let text = serde_json::to_string(&model).unwrap();
    let loaded: KMeansModel<F> = serde_json::from_str(&text).unwrap();
    assert!(loaded == model);
    assert_eq!(loaded.cluster_sizes(), model.cluster_sizes());
    assert_eq!(loaded.predict(&data).unwrap(), model.labels());
    assert_eq!(loaded.score(&data).unwrap().to_bits(), (-model.inertia()).to_bits());
}

#[test]
fn a_saved_model_is_the_same_when_loaded() {
    survives::<f32>();
    survives::<f64>();
}

#[test]
fn centroids_alone_make_a_model_that_labels_alike() {
    let (data, model) = fitted::<f32>();
    // Every other column of an array twice as wide: a view that is not contiguous.
    let wide = Array2::from_shape_fn((5, 6), |(j, t)| model.centroids()[(j, t / 2)]);
    let given = KMeansModel::from_centroids(&wide.slice(s![.., ..;2])).unwrap();
    assert_eq!(given.centroids(), model.centroids());
    assert_eq!(given.predict(&data).unwrap(), model.labels());
    assert_eq!(given.transform(&data).unwrap(), model.transform(&data).unwrap());
    assert_eq!(given.score(&data).unwrap(), -model.inertia());
    let row = data.row(7);
    assert_eq!(given.predictor().predict_one(row.as_slice().unwrap()).unwrap(), model.labels()[7]);
    assert_eq!((given.labels().len(), given.n_iter(), given.cluster_sizes()), (0, 0, &[0; 5][..]));
    let text = serde_json::to_string(&given).unwrap();
    assert!(serde_json::from_str::<KMeansModel<f32>>(&text).unwrap() == given);
}

#[test]
fn a_file_that_breaks_a_rule_is_an_error() {
    let (_, model) = fitted::<f32>();
    let sound = serde_json::to_value(&model).unwrap();
    assert!(serde_json::from_value::<KMeansModel<f32>>(sound.clone()).is_ok());
    let last = model.n_iter() - 1;
    let mut risen = serde_json::to_value(model.history()).unwrap();
    risen[last]["inertia"] = json!(1e30);
    let lies: [(&str, Value); 18] = [
        ("version", json!(1)),
        ("bits", json!(16)),
        ("labels", json!([])),
        ("history", json!([])),
        ("history", risen),
        ("n_clusters", json!(4)),
        ("n_clusters", json!(0)),
        ("n_features", json!(0)),
        ("n_features", json!(u64::MAX)),
        ("n_clusters", json!(u64::MAX / 2)),
        ("centroids", json!([])),
        ("centroids", json!(vec![1e300; 15])),
        ("labels", json!([5])),
        ("labels", json!([-1])),
        ("inertia", json!(-1.0)),
        ("inertia", json!(null)),
        ("stop_reason", json!("Bored")),
        (
            "history",
            json!([{"run": 0, "index": 7, "inertia": 0.0, "shift": 0.0, "relative_shift": 0.0, "reassigned": 0, "relocated": 0, "dropped": 0}]),
        ),
    ];
    for (field, lie) in lies {
        let mut file = sound.clone();
        file[field] = lie.clone();
        let loaded = serde_json::from_value::<KMeansModel<f32>>(file);
        assert!(loaded.is_err(), "{field} = {lie} was believed");
    }
    for field in ["version", "centroids", "labels", "history"] {
        let mut file = sound.clone();
        file.as_object_mut().unwrap().remove(field);
        assert!(serde_json::from_value::<KMeansModel<f32>>(file).is_err(), "{field} was not missed");
    }
}

/// A try of `refine` may move a row several times, so more than there are.
#[test]
fn refined_models_are_loaded() {
    for seed in 0..20 {
        let data = Array2::from_shape_fn((40, 2), |(i, t)| ((i * (7 + 6 * t)) % 31) as f64);
        let model = KMeans::new(8).seed(seed).refine(centroids::Refine::default()).fit(&data).unwrap();
        let text = serde_json::to_string(&model).unwrap();
        assert!(serde_json::from_str::<KMeansModel<f64>>(&text).unwrap() == model);
    }
}

/// Not every format reads the last bit as it was written.
#[test]
fn a_history_that_rounding_turned_around_is_sound() {
    let (_, model) = fitted::<f64>();
    let mut file = serde_json::to_value(&model).unwrap();
    let last = model.n_iter() - 1;
    file["history"][last]["inertia"] = json!(model.history()[last - 1].inertia.next_up());
    assert!(serde_json::from_value::<KMeansModel<f64>>(file).is_ok());
}

/// In a format that does not say what its numbers are, those of one type must not be read as of another.
#[test]
fn a_binary_file_of_another_type_is_an_error() {
    let centroids = ndarray::array![[1.0f64, 2.0], [3.0, 4.0], [10.0, 20.0], [30.0, 40.0]];
    let model = KMeansModel::from_centroids(&centroids).unwrap();
    let bytes = postcard::to_stdvec(&model).unwrap();
    assert!(postcard::from_bytes::<KMeansModel<f64>>(&bytes).unwrap() == model);
    assert!(postcard::from_bytes::<KMeansModel<f32>>(&bytes).is_err());
    let (_, model) = fitted::<f32>();
    let bytes = postcard::to_stdvec(&model).unwrap();
    assert!(postcard::from_bytes::<KMeansModel<f32>>(&bytes).unwrap() == model);
    assert!(postcard::from_bytes::<KMeansModel<f64>>(&bytes).is_err());
    // For people to read, they say it themselves.
    let text = serde_json::to_string(&model).unwrap();
    assert_eq!(serde_json::from_str::<KMeansModel<f64>>(&text).unwrap().labels(), model.labels());
}
