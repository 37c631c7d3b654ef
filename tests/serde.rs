//! Saving and loading models, and files that lie.
#![cfg(feature = "serde")]

use centroids::{
    BalancedKMeans, BalancedKMeansModel, BisectingKMeans, BisectingKMeansModel, Float, FuzzyCMeans,
    FuzzyCMeansModel, KMeans, KMeansModel, KMedians, KMediansModel, KMedoids, KMedoidsModel, Medoids, Metric,
    SeededRng, SphericalKMeans, SphericalKMeansModel,
};
use ndarray::{Array2, ArrayView1, s};
use serde::Serialize;
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
    let lies: [(&str, Value); 20] = [
        ("algorithm", json!("Auto")),
        ("labels", json!([0, 1, 2, 3])),
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

/// A model of each kind, by the name that its file says.
struct Family {
    data: Array2<f32>,
    spherical: SphericalKMeansModel<f32>,
    balanced: BalancedKMeansModel<f32>,
    bisecting: BisectingKMeansModel<f32>,
    fuzzy: FuzzyCMeansModel<f32>,
    medians: KMediansModel<f32>,
    medoids: KMedoidsModel<f32>,
}

fn family() -> Family {
    let (data, _) = fitted::<f32>();
    Family {
        spherical: SphericalKMeans::new(5).fit(&data).unwrap(),
        balanced: BalancedKMeans::new(5).fit(&data).unwrap(),
        bisecting: BisectingKMeans::new(5).fit(&data).unwrap(),
        fuzzy: FuzzyCMeans::new(5).keep_memberships(true).fit(&data).unwrap(),
        medians: KMedians::new(5).fit(&data).unwrap(),
        medoids: KMedoids::new(5).metric(Metric::Manhattan).fit(&data).unwrap(),
        data,
    }
}

/// The model after it was written and read, by JSON and by a binary format, which must agree.
fn again<M: Serialize + DeserializeOwned>(model: &M) -> M {
    let text = serde_json::to_string(model).unwrap();
    let bytes = postcard::to_stdvec(model).unwrap();
    let (one, other): (M, M) = (serde_json::from_str(&text).unwrap(), postcard::from_bytes(&bytes).unwrap());
    assert_eq!(serde_json::to_string(&one).unwrap(), text);
    assert_eq!(postcard::to_stdvec(&other).unwrap(), bytes);
    one
}

#[test]
fn models_of_the_family_are_the_same_when_loaded() {
    let Family { data, spherical, balanced, bisecting, fuzzy, medians, medoids } = family();
    assert!(again(&spherical) == spherical);
    assert!(again(&balanced) == balanced);
    assert_eq!(again(&balanced).labels(), balanced.labels());
    let loaded = again(&bisecting);
    assert!(loaded == bisecting);
    assert!(loaded.cut(3).unwrap() == bisecting.cut(3).unwrap());
    assert_eq!(loaded.predict(&data).unwrap(), bisecting.labels());
    let loaded = again(&fuzzy);
    assert_eq!(loaded.memberships(), fuzzy.memberships());
    assert_eq!(loaded.predict_memberships(&data).unwrap(), fuzzy.memberships().unwrap());
    assert_eq!((loaded.xie_beni(), loaded.history()), (fuzzy.xie_beni(), fuzzy.history()));
    let loaded = again(&medians);
    assert_eq!(loaded.predict(&data).unwrap(), medians.labels());
    assert_eq!((loaded.loss(), loaded.cluster_sizes()), (medians.loss(), medians.cluster_sizes()));
    let loaded = again(&medoids);
    assert!(*loaded == *medoids);
    assert_eq!(loaded.predict(&data).unwrap(), medoids.labels());
    let alone: &Medoids = &medoids;
    assert!(again(alone) == *alone);
}

/// One cluster, one row, a division that an observer ended: the smallest models are sound, too.
#[test]
fn the_smallest_models_are_loaded() {
    let data = ndarray::array![[3.0f64, 4.0]];
    again(&SphericalKMeans::new(1).fit(&data).unwrap());
    again(&BalancedKMeans::new(1).fit(&data).unwrap());
    again(&BisectingKMeans::new(1).fit(&data).unwrap());
    again(&FuzzyCMeans::new(1).fit(&data).unwrap());
    again(&KMedians::new(1).fit(&data).unwrap());
    again(&KMedoids::new(1).fit(&data).unwrap());
}

/// Beside an outlier the inertia has few digits, but what is recorded does not rise.
#[test]
fn balanced_models_beside_an_outlier_are_loaded() {
    for seed in 0..20 {
        let mut data = Array2::from_shape_fn((30, 2), |(i, t)| ((i * (7 + 6 * t)) % 31) as f64);
        data[[3, 1]] = 1e9;
        again(&BalancedKMeans::new(4).seed(seed).fit(&data).unwrap());
    }
}

#[test]
fn a_dissimilarity_of_ones_own_is_not_saved() {
    let (data, _) = fitted::<f64>();
    let own = |a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>| (a[0] - b[0]).abs();
    let model = KMedoids::new(3).metric(own).fit(&data).unwrap();
    let error = serde_json::to_string(&model).unwrap_err().to_string();
    assert!(error.contains("dissimilarity"), "{error}");
    let alone: &Medoids = &model;
    assert!(again(alone) == *alone);
}

/// Puts a lie at a path into a file that is sound without it.
fn refuses<M: Serialize + DeserializeOwned>(model: &M, lies: &[(&str, Value)]) {
    let sound = serde_json::to_value(model).unwrap();
    assert!(serde_json::from_value::<M>(sound.clone()).is_ok());
    let others = [("/model", json!("KMeansModel")), ("/version", json!(2))];
    for (path, lie) in lies.iter().chain(&others) {
        let mut file = sound.clone();
        *file.pointer_mut(path).unwrap_or_else(|| panic!("no {path} in {sound}")) = lie.clone();
        assert!(serde_json::from_value::<M>(file).is_err(), "{path} = {lie} was believed");
    }
    let Value::Object(fit) = &sound["fit"] else { panic!("{sound}") };
    for field in fit.keys().filter(|field| !matches!(field.as_str(), "memberships" | "xie_beni")) {
        let mut file = sound.clone();
        file["fit"].as_object_mut().unwrap().remove(field);
        assert!(serde_json::from_value::<M>(file).is_err(), "{field} was not missed");
    }
    // What is cut off anywhere is an error and no panic.
    let bytes = postcard::to_stdvec(model).unwrap();
    for end in 0..bytes.len() {
        assert!(postcard::from_bytes::<M>(&bytes[..end]).is_err());
    }
    // So is one byte that is another; it may be sound by chance.
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] ^= flip;
            let _: Result<M, _> = postcard::from_bytes(&bytes);
        }
    }
}

fn last(field: &str, n_iter: usize) -> String {
    format!("/fit/history/{}/{field}", n_iter - 1)
}

#[test]
fn a_file_of_the_family_that_breaks_a_rule_is_an_error() {
    let Family { spherical, balanced, bisecting, fuzzy, .. } = family();
    refuses(
        &spherical,
        &[
            ("/fit/centroids/0", json!(0.0)),
            ("/fit/labels/3", json!(5)),
            ("/fit/inertia", json!(-1.0)),
            (&last("inertia", spherical.n_iter()), json!(1e9)),
        ],
    );
    let empty = || ("/fit/labels", json!(vec![0; 200]));
    refuses(
        &balanced,
        &[
            empty(),
            ("/fit/n_clusters", json!(3)),
            ("/fit/labels", json!([])),
            ("/fit/algorithm", json!("Auto")),
            (&last("inertia", balanced.n_iter()), json!(1e9)),
        ],
    );
    refuses(
        &bisecting,
        &[
            ("/fit/divided/0", json!(1)),
            ("/fit/divided/1", json!(0)),
            ("/fit/divided/3", json!(u64::MAX)),
            ("/fit/divided", json!([0])),
            ("/fit/sizes/0", json!(199)),
            ("/fit/sizes/4", json!(u64::MAX)),
            ("/fit/inertias/2", json!(-1.0)),
            ("/fit/inertias", json!([1.0])),
            ("/fit/labels/3", json!(5)),
            ("/fit/labels/3", json!((bisecting.labels()[3] + 1) % 5)),
            ("/fit/labels", json!([])),
            ("/fit/inertias", json!(vec![1e308; 9])),
            ("/fit/stop_reason", json!("MaxIterations")),
            ("/fit/centroids/shape", json!([9, 2])),
            ("/fit/centroids/bits", json!(16)),
        ],
    );
    refuses(
        &fuzzy,
        &[
            ("/fit/fuzzifier", json!(1.0)),
            ("/fit/memberships/values/2", json!(1.5)),
            ("/fit/memberships/shape", json!([100, 10])),
            ("/fit/memberships/values/2", json!(0.9)),
            ("/fit/partition_coefficient", json!(0.1)),
            ("/fit/partition_entropy", json!(-0.1)),
            ("/fit/partition_entropy", json!(1.7)),
            ("/fit/xie_beni", json!(-1.0)),
            ("/fit/distinct", json!(0)),
            ("/fit/distinct", json!(6)),
            ("/fit/objective", json!(-1.0)),
            ("/fit/history", json!([])),
            (&last("objective", fuzzy.n_iter()), json!(1e30)),
            ("/fit/history/0/index", json!(2)),
        ],
    );
}

#[test]
fn a_file_of_medians_or_medoids_that_breaks_a_rule_is_an_error() {
    let Family { medians, medoids, .. } = family();
    refuses(
        &medians,
        &[
            ("/fit/centroids/values/0", json!(1e300)),
            ("/fit/labels/0", json!(5)),
            ("/fit/labels", json!([0, 1, 2, 3])),
            ("/fit/loss", json!(-1.0)),
            ("/fit/history", json!([])),
            (&last("loss", medians.n_iter()), json!(1e30)),
            ("/fit/history/0/run", json!(7)),
        ],
    );
    refuses(
        &medoids,
        &[
            ("/fit/medoids/rows/0", json!(medoids.medoids()[1])),
            ("/fit/medoids/rows/0", json!(200)),
            ("/fit/medoids/rows", json!([1])),
            ("/fit/medoids/labels/0", json!(5)),
            ("/fit/medoids/silhouettes/0", json!(1.5)),
            ("/fit/medoids/silhouettes", json!([])),
            ("/fit/medoids/loss", json!(-1.0)),
            ("/fit/medoids/history", json!([])),
            ("/fit/medoids/history/0/swaps", json!(201)),
            ("/fit/metric", json!("Hamming")),
            ("/fit/centroids/shape", json!([3, 5])),
        ],
    );
}

/// And not for what it lacks.
#[test]
fn a_file_of_another_model_or_form_is_refused_for_that() {
    let Family { medians, medoids, .. } = family();
    let other = serde_json::to_string(&medoids).unwrap();
    let error = serde_json::from_str::<KMediansModel<f32>>(&other).unwrap_err();
    assert!(error.to_string().contains("has a KMedoidsModel, not a KMediansModel"), "{error}");
    let bytes = postcard::to_stdvec(&medoids).unwrap();
    assert!(postcard::from_bytes::<Medoids>(&bytes).is_err());
    let bytes = postcard::to_stdvec(&medians).unwrap();
    assert!(postcard::from_bytes::<KMediansModel<f64>>(&bytes).is_err());
    let later = json!({"model": "Medoids", "version": 2, "other": 0});
    let error = serde_json::from_value::<Medoids>(later).unwrap_err();
    assert!(error.to_string().contains("form 2, and form 1 is the only"), "{error}");
}

#[test]
fn a_medoid_of_zeros_is_refused_where_zeros_have_no_cosine() {
    let (data, _) = fitted::<f32>();
    let cosine = KMedoids::new(2).metric(Metric::Cosine).fit(&data).unwrap();
    let mut file = serde_json::to_value(&cosine).unwrap();
    file["fit"]["centroids"]["values"] = json!(vec![0.0; 6]);
    assert!(serde_json::from_value::<KMedoidsModel<f32>>(file).is_err());
}
