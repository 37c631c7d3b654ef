//! Every call of the design's face, as a user would write it.

mod common;

use centroids::{
    Algorithm, All, Any, Convergence, EmptyCluster, Error, Float, Init, Iteration, KMeans, KMeansModel,
    KMeansPlusPlus, Label, Patience, Random, SeededRng, Stable, StopReason, Tolerance, init, select,
};
use common::groups;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, array, s};
use std::fmt::Debug;
use std::ops::ControlFlow;

#[test]
fn every_shape_of_data() {
    let data: Array2<f64> = groups(200, 4, 8, 1);
    let more: Array2<f64> = groups(20, 4, 8, 2);
    let model = KMeans::new(8).fit(&data).unwrap();
    let labels: Array1<usize> = model.predict(&more).unwrap();
    assert_eq!(labels.len(), 20);
    assert!(KMeans::new(8).fit(&data.view()).unwrap() == model);
    assert_eq!(KMeans::new(3).fit(&data.slice(s![..50, 1..3])).unwrap().n_features(), 2);
    assert_eq!(KMeans::new(3).fit(&data.t()).unwrap().n_features(), 200);
    let slice: &[f32] = &[0.0, 1.0, 8.0, 9.0];
    let rows = ArrayView2::from_shape((4, 1), slice).unwrap();
    assert_eq!(KMeans::new(2).fit(&rows).unwrap().cluster_sizes(), [2, 2]);
    assert_eq!(KMeans::new(2).fit(&data.clone().into_shared()).unwrap().n_clusters(), 2);
}

#[test]
fn every_setting() {
    let data: Array2<f64> = groups(300, 2, 8, 1);
    let kmeans = KMeans::new(8).seed(7).n_init(10).max_iter(300).tolerance(1e-4).algorithm(Algorithm::Auto);
    let kmeans = kmeans.empty_cluster(EmptyCluster::Relocate).init(KMeansPlusPlus::default());
    let model = kmeans.fit(&data).unwrap();
    for policy in [EmptyCluster::Relocate, EmptyCluster::Resample, EmptyCluster::Drop, EmptyCluster::Fail] {
        assert!(kmeans.clone().empty_cluster(policy).fit(&data).is_ok());
    }
    for algorithm in [Algorithm::Auto, Algorithm::Lloyd, Algorithm::Hamerly] {
        assert!(kmeans.clone().algorithm(algorithm).fit(&data).unwrap() == model);
    }
    assert!(KMeans::new(8).init(Random).fit(&data).is_ok());
    assert!(KMeans::new(8).init(KMeansPlusPlus::default().trials(1)).fit(&data).is_ok());
    let start: Array2<f64> = data.slice(s![..8, ..]).to_owned();
    assert!(KMeans::new(8).init(start).fit(&data).is_ok());
    let first = init::from_fn(|data, _, k, _| Ok(data.slice(s![..k, ..]).to_owned()));
    assert!(KMeans::new(8).init(first).fit(&data).is_ok());
    assert_eq!(kmeans.with_k(3).fit(&data).unwrap().n_clusters(), 3);
}

#[test]
fn every_criterion() {
    let data: Array2<f32> = groups(500, 2, 8, 1);
    let fit = |kmeans: KMeans<f32>| kmeans.init(Random).fit(&data).unwrap().n_iter();
    let stable = fit(KMeans::new(8).converge_when(Stable));
    assert!(fit(KMeans::new(8).converge_when(Tolerance(0.1))) < stable);
    assert!(fit(KMeans::new(8).converge_when(Patience { iterations: 1, gain: 0.5 })) < stable);
    assert_eq!(fit(KMeans::new(8).converge_when(All(Tolerance(0.1), Stable))), stable);
    assert_eq!(fit(KMeans::new(8).converge_when(Any(Stable, |history: &[Iteration]| history.len() == 2))), 2);
    assert_eq!(fit(KMeans::new(8).converge_when(|history: &[Iteration]| history.len() >= 3)), 3);
}

#[test]
fn weights_and_observers() {
    let data: Array2<f64> = groups(100, 2, 4, 1);
    let weights = Array1::from_shape_fn(100, |i| (i % 3) as f64);
    let weighted = KMeans::new(3).fit_weighted(&data, &weights.view()).unwrap();
    assert_eq!(weighted.score_weighted(&data, &weights).unwrap(), -weighted.inertia());
    let mut lines = Vec::new();
    let model = KMeans::new(3).fit_with(&data, |it| {
        lines.push(format!("{it}"));
        ControlFlow::Continue(())
    });
    assert_eq!(lines.len(), model.unwrap().n_iter());
    assert!(lines[0].starts_with("iteration 1: inertia "), "{}", lines[0]);
    let stopped = KMeans::new(3).n_init(5).fit_with(&data, |_| ControlFlow::Break(())).unwrap();
    assert_eq!((stopped.n_iter(), stopped.stop_reason()), (1, StopReason::Observer));
}

#[test]
fn everything_a_model_says() {
    let data = array![[0.0, 0.0], [0.0, 2.0], [10.0, 0.0], [10.0, 2.0]];
    let model: KMeansModel<f64> = KMeans::new(2).init(array![[0.0, 0.0], [10.0, 0.0]]).fit(&data).unwrap();
    assert_eq!(model.centroids(), &array![[0.0, 1.0], [10.0, 1.0]]);
    assert_eq!(model.labels(), &array![0, 0, 1, 1]);
    assert_eq!((model.inertia(), model.n_iter(), model.n_clusters(), model.n_features()), (4.0, 2, 2, 2));
    assert_eq!(model.cluster_sizes(), [2, 2]);
    let last: &Iteration = model.history().last().unwrap();
    assert_eq!((last.run, last.index, last.shift, last.relative_shift, last.reassigned), (0, 2, 0.0, 0.0, 0));
    assert_eq!(model.predict_one(&array![9.0, 9.0]).unwrap(), 1);
    assert_eq!(model.predict_one(&data.row(1)).unwrap(), 0);
    assert_eq!(model.transform(&array![[3.0, 5.0]]).unwrap(), array![[5.0, (49.0f64 + 16.0).sqrt()]]);
    assert_eq!(model.score(&array![[3.0, 5.0]]).unwrap(), -25.0);
    // As near to both: the lowest index.
    assert_eq!(model.predict(&array![[5.0, 1.0], [5.0, -7.0]]).unwrap(), array![0, 0]);
}

#[test]
fn the_elbow() {
    let data: Array2<f64> = groups(300, 2, 3, 4);
    let elbow = select::elbow(&KMeans::new(1).seed(7), 1..=12, &data).unwrap();
    let knee: Option<usize> = elbow.knee();
    assert_eq!(knee, Some(3));
    for point in elbow.points() {
        assert_eq!(point.inertia, point.model.inertia());
        assert!((0.0..=1.0).contains(&point.explained_variance) && point.model.n_clusters() == point.k);
    }
    assert!(format!("{elbow}").contains("<- knee"));
}

fn shared<T: Clone + Debug + Send + Sync + 'static>(_: &T) {}

#[test]
fn types_can_be_shared() {
    let kmeans = KMeans::<f32>::new(3);
    shared(&kmeans);
    shared(&KMeans::<f64>::new(3).fit(&array![[1.0], [2.0], [3.0]]).unwrap());
    shared(&Error::NoRows);
    assert!(format!("{kmeans:?}").contains("k: 3"));
    let error: Box<dyn std::error::Error + Send + Sync> = Error::NoRows.into();
    assert_eq!(error.to_string(), "the data has no rows");
}

#[test]
fn a_model_prints_its_first_and_last_labels_only() {
    let line = Array2::from_shape_fn((10_000, 1), |(row, _)| row as f64);
    let model = KMeans::new(3).fit(&line).unwrap();
    assert_eq!(model.labels().len(), 10_000);
    assert!(format!("{model:?}").len() < 10_000);
}

/// Rows spread over the data by their order in the first column.
struct Spread;

impl<F: Float> Init<F> for Spread {
    fn centroids(
        &self,
        data: ArrayView2<'_, F>,
        weights: Option<ArrayView1<'_, F>>,
        k: usize,
        rng: &mut SeededRng,
    ) -> Result<Array2<F>, Error> {
        assert!(weights.is_none() && rng.below(5) < 5);
        let mut order: Vec<usize> = (0..data.nrows()).collect();
        order.sort_by(|&a, &b| data[[a, 0]].partial_cmp(&data[[b, 0]]).expect("finite"));
        let rows: Vec<usize> = (0..k).map(|j| order[j * order.len() / k]).collect();
        Ok(data.select(ndarray::Axis(0), &rows))
    }
}

struct Slow<F>(F);

impl<F: Float> Convergence<F> for Slow<F> {
    fn is_met(&self, history: &[Iteration]) -> bool {
        history.last().is_some_and(|last| F::from(last.shift).is_some_and(|shift| shift < self.0))
    }
}

fn generic<F: Float>(data: &Array2<F>) -> Result<KMeansModel<F>, Error> {
    let scaled = data.mapv(|x| x * F::from(0.5).unwrap_or_else(F::one));
    KMeans::new(4).init(Spread).converge_when(Slow(F::from(0.1).unwrap())).fit(&scaled)
}

#[test]
fn extensions_of_a_user_work_for_both_types() {
    assert_eq!(generic::<f32>(&groups(80, 2, 4, 3)).unwrap().n_clusters(), 4);
    assert_eq!(generic::<f64>(&groups(80, 2, 4, 3)).unwrap().n_clusters(), 4);
}

/// Labels are the same in every type that has room for them.
#[test]
fn labels_of_every_type_are_those_of_predict() {
    fn same<L: Label + Default + TryInto<usize>>(
        model: &KMeansModel<f32>,
        data: &Array2<f32>,
        expected: &Array1<usize>,
    ) {
        let (mut labels, mut batch) = (vec![L::default(); data.nrows()], vec![L::default(); data.nrows()]);
        model.predict_into(data, &mut labels).unwrap();
        model.predictor().predict_into(data, &mut batch).unwrap();
        for labels in [labels, batch] {
            assert!(
                labels.into_iter().zip(expected).all(|(label, &wide)| label.try_into().ok() == Some(wide))
            );
        }
    }
    // Few rows and many, with few columns in cells and strips, and with many in bytes.
    for (n, d, k) in [(1, 1, 1), (3000, 2, 256), (40_000, 3, 16), (2500, 20, 100), (1000, 70, 256)] {
        let data = common::uniform::<f32>(n, d, 5);
        let model = KMeansModel::from_centroids(&common::uniform::<f32>(k, d, 6)).unwrap();
        let expected = model.predict(&data).unwrap();
        same::<u8>(&model, &data, &expected);
        same::<u16>(&model, &data, &expected);
        same::<u32>(&model, &data, &expected);
        same::<u64>(&model, &data, &expected);
        same::<usize>(&model, &data, &expected);
        same::<i32>(&model, &data, &expected);
        same::<i64>(&model, &data, &expected);
    }
    let model = KMeansModel::from_centroids(&common::uniform::<f32>(257, 2, 6)).unwrap();
    let mut codes = [7u8; 3];
    let error = model.predict_into(&common::uniform(3, 2, 5), &mut codes).unwrap_err();
    assert_eq!(error, Error::NarrowLabels { clusters: 257, largest: 255 });
    assert_eq!(codes, [7; 3], "nothing is written before");
}
