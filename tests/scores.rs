//! Scores of clusterings: scikit-learn's values (`tests/data/golden_scores.py` prints them), naive values, and bad input.

#![allow(clippy::unreadable_literal, reason = "golden values stand as they were printed")]

mod common;

use centroids::{Error, Float, KMeans, KMeansModel, select};
use common::{cast, groups, uniform, whole};
use ndarray::{Array1, Array2, ArrayView1, array, s};
use rayon::ThreadPoolBuilder;

fn iris() -> (Array2<f64>, Array1<usize>, Array1<usize>) {
    let rows = common::iris();
    let band = |x: f64| usize::from(x > 1.9) + usize::from(x > 4.5) + usize::from(x > 5.5);
    let bands = rows.column(2).mapv(band);
    (rows, Array1::from_shape_fn(150, |i| i / 50), bands)
}

/// The rows and labels of `golden_scores.py`.
fn generated() -> (Array2<f64>, Array1<usize>) {
    let mut state: u32 = 777;
    let mut below = |n: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from((state >> 16) % n)
    };
    let (mut rows, mut labels) = (Array2::zeros((300, 5)), Array1::zeros(300));
    for i in 0..300 {
        for t in 0..5 {
            rows[[i, t]] = 0.25 * below(24) + 4.0 * ((i % 6) * (t + 1) % 5) as f64;
        }
        labels[i] = if below(10) == 0.0 { (i + 1) % 6 } else { i % 6 };
    }
    (rows, labels)
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{found} instead of {expected}");
}

#[test]
fn scores_are_those_of_scikit_learn() {
    let (iris, species, bands) = iris();
    let (rows, labels) = generated();
    let mut alone = labels.clone();
    alone[5] = 9;
    // Mean silhouette, those of rows 0, 77 and the last, Calinski-Harabasz, Davies-Bouldin; by scikit-learn 1.9.1.
    let golden = [
        (
            (&iris, &species),
            [
                0.5034774406932961,
                0.8464691670128704,
                -0.18142961531657875,
                0.05397226935951996,
                487.33087637489984,
                0.7513707094756737,
            ],
        ),
        (
            (&iris, &bands),
            [
                0.45640804454517886,
                0.8359018984618289,
                0.45789318951606534,
                0.4632595391028703,
                482.6259719258389,
                0.85733651533934,
            ],
        ),
        (
            (&rows, &labels),
            [
                0.267196638076971,
                0.14583920126393415,
                -0.2319324804101636,
                -0.223329912396162,
                220.46398526456628,
                2.0422076438116843,
            ],
        ),
        (
            (&rows, &alone),
            [
                0.2317514276718479,
                0.14570311864132302,
                -0.23249527849534712,
                -0.22253382372147032,
                183.69870527818946,
                1.8864491397304215,
            ],
        ),
    ];
    for ((rows, labels), [mean, first, middle, last, variance_ratio, likeness]) in golden {
        let values = select::silhouette_values(rows, labels).unwrap();
        close(select::silhouette(rows, labels).unwrap(), mean);
        close(values[0], first);
        close(values[77], middle);
        close(values[values.len() - 1], last);
        close(select::calinski_harabasz(rows, labels).unwrap(), variance_ratio);
        close(select::davies_bouldin(rows, labels).unwrap(), likeness);
    }
    let values = select::silhouette_values(&rows, &alone).unwrap();
    assert_eq!(values[5], 0.0, "alone in its cluster");
}

#[test]
fn agreement_is_that_of_scikit_learn() {
    let (_, species, bands) = iris();
    let (_, labels) = generated();
    let by_six = Array1::from_shape_fn(300, |i| i % 6);
    let by_fifty = Array1::from_shape_fn(300, |i| i / 50);
    for (a, b, rand, information) in [
        (&species, &bands, 0.6731370357423878, 0.7337478417006772),
        (&by_six, &labels, 0.8284793497717372, 0.8526928470278106),
        (&by_six, &by_fifty, -0.016355918367346938, 0.0008817580390539847),
    ] {
        for (a, b) in [(a, b), (b, a)] {
            close(select::adjusted_rand_index(a, b).unwrap(), rand);
            let found = select::normalized_mutual_information(a, b).unwrap();
            assert!((found - information).abs() < 1e-12, "{found} instead of {information}");
        }
    }
    let none = Array1::<usize>::zeros(0);
    let (same, apart) = (array![4, 4, 4], array![usize::MAX, 0, 7]);
    for (a, b, expected) in
        [(&none, &none, 1.0), (&same, &same, 1.0), (&apart, &apart, 1.0), (&same, &apart, 0.0)]
    {
        assert_eq!(select::adjusted_rand_index(a, b).unwrap(), expected);
        assert_eq!(select::normalized_mutual_information(a, b).unwrap(), expected);
    }
    let uneven = array![3, 3, 3, 1, 0, 2, 3];
    assert_eq!(select::normalized_mutual_information(&uneven, &uneven).unwrap(), 1.0);
    let error = Error::LabelCount { expected: 3, found: 0 };
    assert_eq!(select::adjusted_rand_index(&same, &none).unwrap_err(), error);
    assert_eq!(select::normalized_mutual_information(&same, &none).unwrap_err(), error);
}

fn naive_simplified<F: Float>(data: &Array2<F>, centroids: &Array2<F>) -> f64 {
    let distance = |x: ArrayView1<'_, F>, c: ArrayView1<'_, F>| common::squared_distance(x, c).sqrt();
    let near: Vec<Vec<(f64, usize)>> = data
        .rows()
        .into_iter()
        .map(|x| {
            let mut all: Vec<_> =
                centroids.rows().into_iter().enumerate().map(|(j, c)| (distance(x, c), j)).collect();
            all.sort_by(|a, b| a.partial_cmp(b).unwrap());
            all
        })
        .collect();
    let alone = |j| near.iter().filter(|all| all[0].1 == j).count() == 1;
    let value = |all: &Vec<(f64, usize)>| {
        if alone(all[0].1) || all[1].0 == 0.0 { 0.0 } else { (all[1].0 - all[0].0) / all[1].0 }
    };
    near.iter().map(value).sum::<f64>() / near.len() as f64
}

fn simplified<F: Float>() {
    for (n, d, k) in [(1, 1, 2), (5, 2, 5), (90, 3, 2), (2_500, 7, 9), (700, 20, 300)] {
        let data: Array2<F> = groups::<F>(n, d, 7, 3).mapv(|x| x + cast(1e5));
        let centroids = if k <= n { data.slice(s![..k, ..]).to_owned() } else { uniform(k, d, 1) };
        let found = select::simplified_silhouette(&data, &centroids).unwrap();
        let expected = naive_simplified(&data, &centroids);
        assert!((found - expected).abs() < 1e-10, "{n} {d} {k}: {found} instead of {expected}");
    }
}

#[test]
fn the_simplified_silhouette_is_that_of_its_definition() {
    simplified::<f32>();
    simplified::<f64>();
}

/// Both rows are as near to the one as to the other, but for the order of additions. The labels are those of `predict`.
#[test]
fn a_row_that_has_its_centroid_alone_by_a_hair() {
    let (a, b) = (0.1, 0.7);
    let data = array![[a, a, a, a, b, b, a, a, b], [a, a, b, b, b, b, a, b, a]];
    let centroids = array![[a, b, b, a, a, b, a, b, a], [a, a, a, a, a, a, b, b, a]];
    assert_eq!(KMeansModel::from_centroids(&centroids).unwrap().predict(&data).unwrap(), array![1, 0]);
    assert_eq!(select::simplified_silhouette(&data, &centroids).unwrap(), 0.0);
}

#[test]
fn threads_and_layout_change_no_bit() {
    let wide: Array2<f32> = groups(4_000, 12, 9, 2);
    let data = wide.slice(s![..;2, 1..;3]);
    let copied = data.as_standard_layout().to_owned();
    let labels = Array1::from_shape_fn(2_000, |i| if i < 1_200 { 0 } else { 5 * (i % 4) });
    let centroids = copied.slice(s![..9, ..]).to_owned();
    let all = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut scores = select::silhouette_values(&data, &labels).unwrap().to_vec();
            let sampled = select::silhouette_sampled(&data, &labels, 300, 4).unwrap();
            scores.extend([sampled.mean, sampled.standard_error]);
            scores.push(select::calinski_harabasz(&copied, &labels).unwrap());
            scores.push(select::davies_bouldin(&data, &labels).unwrap());
            scores.push(select::simplified_silhouette(&data, &centroids).unwrap());
            scores
        })
    };
    let one = all(1);
    assert_eq!(one[..2_000], select::silhouette_values(&copied, &labels).unwrap().to_vec());
    assert!(one == all(2) && one == all(5));
}

#[test]
fn a_sample_estimates_the_silhouette_and_its_error() {
    let data: Array2<f64> = groups(900, 3, 5, 1);
    let labels = KMeans::new(4).fit(&data).unwrap().labels().clone();
    let exact = select::silhouette(&data, &labels).unwrap();
    let draws: Vec<_> =
        (0..200).map(|seed| select::silhouette_sampled(&data, &labels, 60, seed).unwrap()).collect();
    let inside = draws.iter().filter(|s| (s.mean - exact).abs() < 2.0 * s.standard_error).count();
    assert!((175..200).contains(&inside), "{inside} of 200 within two standard errors");
    let mean = draws.iter().map(|s| s.mean).sum::<f64>() / 200.0;
    assert!((mean - exact).abs() < 0.2 * draws[0].standard_error, "{mean} {exact}");
    let all = select::silhouette_sampled(&data, &labels, 5_000, 1).unwrap();
    assert_eq!((all.mean, all.standard_error, all.rows), (exact, 0.0, 900));
}

#[test]
fn degenerate_rows_have_the_values_documented() {
    let same = Array2::from_elem((6, 2), 0.1);
    let labels = array![0, 0, 1, 1, 2, 2];
    assert_eq!(select::silhouette(&same, &labels).unwrap(), 0.0);
    assert_eq!(select::calinski_harabasz(&same, &labels).unwrap(), 1.0);
    assert_eq!(select::davies_bouldin(&same, &labels).unwrap(), 0.0);
    assert_eq!(select::simplified_silhouette(&same, &Array2::from_elem((2, 2), 0.1)).unwrap(), 0.0);
    // Points without width, a constant column, and another far away.
    let points = array![[0.0, 7.0], [0.0, 7.0], [3.0, 7.0], [3.0, 7.0]];
    let labels = array![1, 1, 0, 0];
    assert_eq!(select::silhouette(&points, &labels).unwrap(), 1.0);
    assert_eq!(select::calinski_harabasz(&points, &labels).unwrap(), 1.0);
    assert_eq!(select::davies_bouldin(&points, &labels).unwrap(), 0.0);
    let far = points.mapv(|x| x * 1e30 + 1e36).mapv(|x| x as f32);
    assert!(select::silhouette(&far, &labels).unwrap() > 0.99);
    // Two clusters of the same mean cannot be told apart: they do not count.
    assert_eq!(select::davies_bouldin(&array![[0.0], [2.0], [-1.0], [3.0]], &labels).unwrap(), 0.0);
}

#[test]
fn bad_input_is_an_error() {
    let data: Array2<f64> = whole(5, 2, 9, 0.0, 1);
    let two = array![0, 0, 1, 1, 1];
    let every = |data: &Array2<f64>, labels: &Array1<usize>| {
        let errors = [
            select::silhouette(data, labels).unwrap_err(),
            select::silhouette_values(data, labels).unwrap_err(),
            select::silhouette_sampled(data, labels, 3, 0).unwrap_err(),
            select::calinski_harabasz(data, labels).unwrap_err(),
            select::davies_bouldin(data, labels).unwrap_err(),
        ];
        assert!(errors.iter().all(|&error| error == errors[0]), "{errors:?}");
        errors[0]
    };
    assert_eq!(every(&data, &array![0, 1]), Error::LabelCount { expected: 5, found: 2 });
    assert_eq!(every(&data, &array![3, 3, 3, 3, 3]), Error::ScoreClusters { clusters: 1, rows: 5 });
    assert_eq!(every(&data, &array![0, 1, 2, 3, 9]), Error::ScoreClusters { clusters: 5, rows: 5 });
    assert_eq!(every(&Array2::zeros((0, 2)), &Array1::zeros(0)), Error::NoRows);
    assert_eq!(every(&Array2::zeros((5, 0)), &two), Error::NoColumns);
    let mut bad = data.clone();
    bad[[3, 1]] = f64::NAN;
    assert_eq!(every(&bad, &two), Error::NotFinite { row: 3, column: 1 });
    let error = select::silhouette_sampled(&data, &two, 1, 0).unwrap_err();
    assert_eq!(error, Error::SmallSample { rows: 1, least: 2 });

    let simplified = |data: &Array2<f64>, centroids: &Array2<f64>| {
        select::simplified_silhouette(data, centroids).unwrap_err()
    };
    let centroids = uniform(3, 2, 1);
    assert_eq!(simplified(&bad, &centroids), Error::NotFinite { row: 3, column: 1 });
    bad[[3, 1]] = f64::INFINITY;
    assert_eq!(simplified(&bad, &centroids), Error::NotFinite { row: 3, column: 1 });
    bad[[3, 1]] = 1e300;
    assert!(matches!(simplified(&bad, &centroids), Error::TooLarge { row: 3, column: 1, .. }));
    assert_eq!(simplified(&data, &uniform(1, 2, 1)), Error::ScoreClusters { clusters: 1, rows: 5 });
    assert_eq!(simplified(&data, &uniform(2, 3, 1)), Error::ColumnMismatch { expected: 3, found: 2 });
    assert_eq!(simplified(&Array2::zeros((0, 2)), &centroids), Error::NoRows);
    assert_eq!(
        simplified(&data, &array![[0.0, 1.0], [2.0, f64::NAN]]),
        Error::CentroidNotFinite { cluster: 1, column: 1 }
    );
}
