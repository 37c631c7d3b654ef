//! Every broken rule is its own error, with its numbers, at every door.

use centroids::{
    All, Any, Convergence, EmptyCluster, Error, Init, Iteration, KMeans, KMeansModel, KMeansPlusPlus,
    Patience, Random, SeededRng, Stable, Tolerance, init, select,
};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, array};
use std::ops::ControlFlow;

fn rows() -> Array2<f64> {
    array![[0.0, 1.0], [2.0, 3.0], [4.0, 9.0], [8.0, 7.0]]
}

/// The error of each door through which data enters a fit.
fn every_fit(kmeans: &KMeans<f64>, data: &Array2<f64>, expected: Error) {
    let weights = Array1::ones(data.nrows());
    assert_eq!(kmeans.fit(data).unwrap_err(), expected);
    assert_eq!(kmeans.fit_weighted(data, &weights).unwrap_err(), expected);
    assert_eq!(kmeans.fit_with(data, |_| ControlFlow::Continue(())).unwrap_err(), expected);
    assert_eq!(
        kmeans.fit_weighted_with(data, &weights, |_| ControlFlow::Continue(())).unwrap_err(),
        expected
    );
}

/// A criterion with a tolerance that is negative or not a number.
fn bad(criterion: impl Convergence<f64> + 'static) {
    let error = KMeans::new(2).converge_when(criterion).fit(&rows()).unwrap_err();
    assert!(matches!(error, Error::Tolerance { tolerance } if !(tolerance >= 0.0)), "{error}");
}

#[test]
fn settings() {
    every_fit(&KMeans::new(0), &rows(), Error::ZeroClusters);
    every_fit(&KMeans::new(5), &rows(), Error::TooManyClusters { k: 5, rows: 4 });
    every_fit(&KMeans::new(usize::MAX), &rows(), Error::TooManyClusters { k: usize::MAX, rows: 4 });
    every_fit(&KMeans::new(2).max_iter(0), &rows(), Error::ZeroIterations);
    every_fit(&KMeans::new(2).n_init(0), &rows(), Error::ZeroRuns);
    every_fit(&KMeans::new(2).tolerance(-0.5), &rows(), Error::Tolerance { tolerance: -0.5 });
    for trials in [0, 33] {
        let kmeans = KMeans::new(2).init(KMeansPlusPlus::default().trials(trials));
        every_fit(&kmeans, &rows(), Error::Trials { trials, limit: 32 });
    }
    bad(Tolerance(f64::NAN));
    bad(Any(Stable, Tolerance(-1.0)));
    bad(All(Tolerance(-1.0), |_: &[Iteration]| true));
    bad(All(Tolerance(1.0), Patience { iterations: 3, gain: -1.0 }));
    let endless = Patience { iterations: usize::MAX, gain: 0.0 };
    assert!(KMeans::new(2).converge_when(endless).fit(&rows()).is_ok());
}

#[test]
fn data() {
    every_fit(&KMeans::new(1), &Array2::zeros((0, 2)), Error::NoRows);
    every_fit(&KMeans::new(1), &Array2::zeros((3, 0)), Error::NoColumns);
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut data = rows();
        data[[2, 1]] = bad;
        every_fit(&KMeans::new(2), &data, Error::NotFinite { row: 2, column: 1 });
        // Even where the row has no weight.
        let error = KMeans::new(2).fit_weighted(&data, &array![1.0, 1.0, 0.0, 1.0]).unwrap_err();
        assert_eq!(error, Error::NotFinite { row: 2, column: 1 });
    }
    let mut data = rows();
    data[[3, 0]] = 1e300;
    let error = KMeans::new(2).fit(&data).unwrap_err();
    assert!(matches!(error, Error::TooLarge { row: 3, column: 0, limit } if limit > 1e144), "{error}");
    let tiny = rows() * 1e-200;
    assert!(
        matches!(KMeans::new(2).fit(&tiny).unwrap_err(), Error::TooSmall { spread, .. } if spread == 8e-200)
    );
    assert!(KMeans::new(2).fit(&rows().mapv(|x| (x * 1e30) as f32)).is_ok());
}

#[test]
fn weights() {
    let fit = |weights: Array1<f64>| KMeans::new(2).fit_weighted(&rows(), &weights).unwrap_err();
    assert_eq!(fit(array![1.0, 1.0, 1.0]), Error::WeightCount { expected: 4, found: 3 });
    assert_eq!(fit(array![1.0, f64::NAN, 1.0, 1.0]), Error::WeightNotFinite { row: 1 });
    assert_eq!(fit(array![1.0, 1.0, f64::INFINITY, 1.0]), Error::WeightNotFinite { row: 2 });
    assert_eq!(fit(array![1.0, 1.0, 1.0, -2.0]), Error::NegativeWeight { row: 3 });
    assert_eq!(fit(array![0.0, 0.0, 0.0, 0.0]), Error::ZeroWeights { rows: 4 });
    assert_eq!(fit(array![0.0, 0.0, 0.0, 1.0]), Error::TooManyClusters { k: 2, rows: 1 });
    assert!(matches!(
        fit(array![1e38, 1.0, 1.0, 1.0]),
        Error::WeightRange { lightest: 1.0, heaviest: 1e38, .. }
    ));
    assert!(matches!(fit(Array1::from_elem(4, 1e307)), Error::WeightsTooLarge { heaviest: 1e307 }));
    // Equal weights of any size are no weights.
    let plain = KMeans::new(2).fit(&rows()).unwrap();
    assert_eq!(
        KMeans::new(2).fit_weighted(&rows(), &Array1::from_elem(4, 1e-300)).unwrap().centroids(),
        plain.centroids()
    );
}

struct Infinite;
impl Init<f64> for Infinite {
    fn centroids(
        &self,
        data: ArrayView2<'_, f64>,
        _: Option<ArrayView1<'_, f64>>,
        k: usize,
        _: &mut SeededRng,
    ) -> Result<Array2<f64>, Error> {
        Ok(Array2::from_elem((k, data.ncols()), f64::INFINITY))
    }
}

#[test]
fn centroids_from_elsewhere() {
    let error = |centroids: &Array2<f64>| KMeansModel::from_centroids(centroids).unwrap_err();
    assert_eq!(error(&Array2::zeros((0, 2))), Error::ZeroClusters);
    assert_eq!(error(&Array2::zeros((2, 0))), Error::NoColumns);
    assert_eq!(error(&array![[0.0], [f64::NAN]]), Error::CentroidNotFinite { cluster: 1, column: 0 });
    assert_eq!(error(&array![[0.0, 1e200]]), Error::CentroidNotFinite { cluster: 0, column: 1 });
    let many = Array2::<f32>::zeros((1, 1));
    let many = many.broadcast((1 << 32, 1)).unwrap();
    assert_eq!(
        KMeansModel::from_centroids(&many).unwrap_err(),
        Error::TooBig { rows: 0, columns: 1, k: 1 << 32 }
    );
}

#[test]
fn starting_centroids() {
    let shape = Error::CentroidShape { expected: (2, 2), found: (3, 2) };
    every_fit(&KMeans::new(2).init(Array2::zeros((3, 2))), &rows(), shape);
    every_fit(
        &KMeans::new(2).init(array![[0.0, 0.0], [1.0, f64::NAN]]),
        &rows(),
        Error::CentroidNotFinite { cluster: 1, column: 1 },
    );
    every_fit(
        &KMeans::new(2).init(array![[1e200, 0.0], [1.0, 0.0]]),
        &rows(),
        Error::CentroidNotFinite { cluster: 0, column: 0 },
    );
    let liar = init::from_fn(|_, _, _, _| Ok(Array2::zeros((2, 3))));
    every_fit(&KMeans::new(2).init(liar), &rows(), Error::CentroidShape { expected: (2, 2), found: (2, 3) });

    every_fit(
        &KMeans::new(2).n_init(3).init(Infinite),
        &rows(),
        Error::CentroidNotFinite { cluster: 0, column: 0 },
    );
    let unable =
        init::from_fn(|_, _, _, _| Err(Error::Initialiser { reason: "the file of starts is empty" }));
    let error = KMeans::new(2).init(unable).fit(&rows()).unwrap_err();
    assert_eq!(error.to_string(), "the initialiser failed: the file of starts is empty");
    let refusing = init::from_fn(|_, _, _, _| Err(Error::ZeroRuns));
    every_fit(&KMeans::new(2).init(refusing), &rows(), Error::ZeroRuns);
}

#[test]
fn labels_that_are_there() {
    let model = KMeans::new(2).fit(&rows()).unwrap();
    let mut labels = [7; 4];
    for n in [0, 3, 5] {
        let more = Array2::<f64>::zeros((n, 2));
        let error = Error::LabelCount { expected: n, found: 4 };
        assert_eq!(model.predict_into(&more, &mut labels).unwrap_err(), error);
    }
    let wide = Array2::<f64>::zeros((4, 3));
    let error = Error::ColumnMismatch { expected: 2, found: 3 };
    assert_eq!(model.predict_into(&wide, &mut labels).unwrap_err(), error);
    assert_eq!(labels, [7; 4]);
    model.predict_into(&rows(), &mut labels).unwrap();
    assert_eq!(labels, model.labels().as_slice().unwrap());
    model.predict_into(&Array2::zeros((0, 2)), &mut [0usize; 0]).unwrap();
}

#[test]
fn rows_for_a_model() {
    let model = KMeans::new(2).fit(&rows()).unwrap();
    let mismatch = Error::ColumnMismatch { expected: 2, found: 3 };
    let wide = Array2::<f64>::zeros((5, 3));
    assert_eq!(model.predict(&wide).unwrap_err(), mismatch);
    assert_eq!(model.predict_one(&wide.row(0)).unwrap_err(), mismatch);
    assert_eq!(model.transform(&wide).unwrap_err(), mismatch);
    assert_eq!(model.score(&wide).unwrap_err(), mismatch);
    assert_eq!(model.score_weighted(&wide, &Array1::ones(5)).unwrap_err(), mismatch);
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for n in [1, 7, 3000] {
            let mut more = Array2::<f64>::zeros((n, 2));
            more[[n / 2, 1]] = bad;
            let not_finite = Error::NotFinite { row: n / 2, column: 1 };
            assert_eq!(model.predict(&more).unwrap_err(), not_finite);
            let batch = model.predictor().predict_into(&more, &mut vec![0u8; n]);
            assert_eq!(batch.unwrap_err(), not_finite);
            assert_eq!(model.transform(&more).unwrap_err(), not_finite);
            assert_eq!(model.score(&more).unwrap_err(), not_finite);
            assert_eq!(
                model.predict_one(&more.row(n / 2)).unwrap_err(),
                Error::NotFinite { row: 0, column: 1 }
            );
        }
    }
    let huge = Array2::from_elem((2, 2), 1e300);
    assert!(matches!(model.predict(&huge).unwrap_err(), Error::TooLarge { row: 0, column: 0, .. }));
    let none = Array2::<f64>::zeros((0, 2));
    assert_eq!(model.predict(&none).unwrap().len(), 0);
    assert_eq!(model.transform(&none).unwrap().dim(), (0, 2));
    assert_eq!(model.score(&none).unwrap_err(), Error::NoRows);
    assert_eq!(
        model.score_weighted(&rows(), &array![1.0]).unwrap_err(),
        Error::WeightCount { expected: 4, found: 1 }
    );

    // With many columns the kernel is another one.
    let many = Array2::from_shape_fn((40, 30), |(i, t)| (i * t) as f64);
    let model = KMeans::new(3).fit(&many).unwrap();
    let mut more = many.clone();
    more[[17, 29]] = f64::NAN;
    assert_eq!(model.predict(&more).unwrap_err(), Error::NotFinite { row: 17, column: 29 });
    assert_eq!(
        model.predict_into(&more, &mut [0; 40]).unwrap_err(),
        Error::NotFinite { row: 17, column: 29 }
    );
    let far = KMeans::new(1).init(array![[-3e38f32]]).max_iter(1).fit(&array![[-3e38f32]]).unwrap();
    assert_eq!(
        far.transform(&array![[3e38f32]]).unwrap_err(),
        Error::DistanceTooLarge { row: 0, cluster: 0 }
    );
}

#[test]
fn policies_and_sweeps() {
    let kmeans = KMeans::new(2).init(array![[0.0, 0.0], [1e6, 0.0]]).empty_cluster(EmptyCluster::Fail);
    every_fit(&kmeans, &rows(), Error::EmptyCluster { cluster: 1, iteration: 1 });
    let sweep = |ks: &[usize]| select::elbow(&KMeans::new(1), ks.iter().copied(), &rows()).unwrap_err();
    assert_eq!(sweep(&[]), Error::EmptySweep);
    assert_eq!(sweep(&[3, 1, 3]), Error::RepeatedClusters { k: 3 });
    assert_eq!(sweep(&[1, 0]), Error::ZeroClusters);
    assert_eq!(sweep(&[1, 9]), Error::TooManyClusters { k: 9, rows: 4 });
    assert!(KMeans::new(4).init(Random).fit_weighted(&rows(), &array![1.0, 2.0, 3.0, 4.0]).is_ok());
}

#[test]
fn sizes_that_overflow() {
    // One number, seen as many: no memory is needed until it is read.
    let one = array![[0.5f64]];
    let view = |rows, columns| one.broadcast((rows, columns)).unwrap();
    let (rows, columns) = (1usize << 31, 1usize << 31);
    assert_eq!(
        KMeans::new(3).fit(&view(1 << 32, 1)).unwrap_err(),
        Error::TooBig { rows: 1 << 32, columns: 1, k: 3 }
    );
    assert_eq!(KMeans::new(3).fit(&view(rows, columns)).unwrap_err(), Error::TooBig { rows, columns, k: 3 });
    let model = KMeans::new(1).fit(&one).unwrap();
    let endless = view(1 << 62, 1);
    let error = Error::TooBig { rows: 1 << 62, columns: 1, k: 1 };
    assert_eq!(model.predict(&endless).unwrap_err(), error);
    assert_eq!(model.transform(&endless).unwrap_err(), error);
    assert_eq!(model.score(&endless).unwrap_err(), error);
}

#[test]
fn messages_hold_the_numbers() {
    let shown = [
        (Error::TooManyClusters { k: 31, rows: 17 }, &["31", "17"][..]),
        (Error::NotFinite { row: 31, column: 17 }, &["31", "17"]),
        (Error::CentroidShape { expected: (31, 17), found: (19, 23) }, &["31", "17", "19", "23"]),
        (Error::Trials { trials: 33, limit: 32 }, &["33", "32"]),
        (Error::EmptyCluster { cluster: 31, iteration: 17 }, &["31", "17"]),
    ];
    for (error, numbers) in shown {
        let text = error.to_string();
        assert!(numbers.iter().all(|number| text.contains(number)), "{text}");
    }
}

#[test]
fn the_data_of_the_caller_is_not_changed() {
    let data = rows();
    KMeans::new(2).n_init(3).fit(&data).unwrap();
    assert_eq!(data, rows());
}

#[test]
fn bad_rows_for_a_predictor() {
    let model = KMeans::new(2).fit(&array![[0.0f32, 1.0], [5.0, 6.0]]).unwrap();
    let predictor = model.predictor();
    assert_eq!(predictor.predict_one(&[1.0]), Err(Error::ColumnMismatch { expected: 2, found: 1 }));
    assert_eq!(predictor.predict_one(&[1.0, f32::NAN]), Err(Error::NotFinite { row: 0, column: 1 }));
    assert_eq!(predictor.predict_one(&[f32::INFINITY, 0.0]), Err(Error::NotFinite { row: 0, column: 0 }));
    // Far beyond the training rows, where scores overflow, the reference decides.
    let far = array![f32::MAX, -f32::MAX];
    assert_eq!(predictor.predict_one(far.as_slice().unwrap()), model.predict_one(&far));

    let mut labels = [7u8; 2];
    let mut bad = |rows: Array2<f32>| predictor.predict_into(&rows, &mut labels).unwrap_err();
    assert_eq!(bad(Array2::zeros((2, 3))), Error::ColumnMismatch { expected: 2, found: 3 });
    assert_eq!(bad(Array2::zeros((3, 2))), Error::LabelCount { expected: 3, found: 2 });
    assert_eq!(bad(array![[0.0, 1.0], [f32::NAN, 1.0]]), Error::NotFinite { row: 1, column: 0 });
    let many = KMeansModel::from_centroids(&Array2::<f32>::zeros((257, 2))).unwrap().predictor();
    let narrow = many.predict_into(&Array2::zeros((2, 2)), &mut labels);
    assert_eq!(narrow, Err(Error::NarrowLabels { clusters: 257, largest: 255 }));
}
