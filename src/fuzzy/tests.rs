//! The same bits at every SIMD level, and as they were.

use crate::FuzzyCMeans;
use crate::kernel::tests::levels;
use crate::rng::SeededRng;
use ndarray::Array2;

fn data(n: usize, d: usize) -> Array2<f64> {
    let mut rng = SeededRng::new(d as u64);
    Array2::from_shape_fn((n, d), |(i, _)| (i % 5) as f64 * 3.0 + rng.uniform())
}

#[test]
fn levels_change_no_bit() {
    for (d, k, m) in [
        (1, 3, 2.0),
        (3, 5, 2.0),
        (5, 4, 1.4),
        (8, 7, 2.0),
        (30, 6, 2.0),
        (13, 3, 2.7),
        (4, 6, 1.5),
        (9, 5, 3.0),
    ] {
        let data = data(701, d);
        let fuzzy = FuzzyCMeans::new(k).fuzzifier(m).max_iter(8).keep_memberships(true);
        let plain = fuzzy.clone().at_level(levels()[0]).fit(&data).unwrap();
        for level in levels() {
            let model = fuzzy.clone().at_level(level).fit(&data).unwrap();
            assert_eq!(model.centroids(), plain.centroids(), "{level:?}");
            assert_eq!(model.memberships(), plain.memberships(), "{level:?}");
            assert_eq!(model.history(), plain.history(), "{level:?}");
        }
    }
}
