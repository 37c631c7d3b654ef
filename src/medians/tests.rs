//! The same bits at every SIMD level.

use crate::KMedians;
use crate::kernel::tests::levels;
use crate::rng::SeededRng;
use ndarray::Array2;

#[test]
fn levels_change_no_bit() {
    for (d, k) in [(1, 3), (3, 5), (5, 4), (8, 7), (30, 6)] {
        let mut rng = SeededRng::new(d as u64);
        let data = Array2::from_shape_fn((701, d), |(i, _)| (i % 5) as f32 * 3.0 + rng.uniform() as f32);
        let medians = KMedians::new(k);
        let plain = medians.clone().at_level(levels()[0]).fit(&data).unwrap();
        for level in levels() {
            let model = medians.clone().at_level(level).fit(&data).unwrap();
            assert_eq!(model.centroids(), plain.centroids(), "{level:?}");
            assert_eq!(model.labels(), plain.labels(), "{level:?}");
            assert_eq!(model.history(), plain.history(), "{level:?}");
        }
    }
}
