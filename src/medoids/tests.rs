//! What cannot be seen from outside, or only with much memory.

use super::matrix::Matrix;
use super::{KMedoids, start};
use crate::error::Error;
use crate::rng::SeededRng;
use ndarray::Array2;

#[test]
fn samples_are_bounded_for_any_k() {
    let samples = |k, n| KMedoids::<f32>::new(k).samples_of(n);
    assert_eq!(samples(10, 20_000), (1, 20_000));
    assert_eq!(samples(10, 20_001), (5, 2_000));
    assert_eq!(samples(300, 1_000_000), (5, 6_000));
    assert_eq!(samples(1_100, 21_000), (5, 20_000));
    assert_eq!(samples(5_000, 200_000), (5, 20_000));
    // Fewer rows would leave a search too little to choose from.
    assert_eq!(samples(15_000, 200_000), (5, 30_000));
    assert_eq!(samples(usize::MAX, 200_000), (5, usize::MAX));
    assert_eq!(KMedoids::<f32>::new(9).sampled(2, 50).samples_of(100_000), (2, 50));
}

#[test]
fn rows_beside_the_given_are_equally_likely() {
    const DRAWS: usize = 40_000;
    for given in [&[][..], &[0, 1], &[5, 2], &[3]] {
        let count = given.len() + 2;
        let mut rng = SeededRng::new(4);
        let mut seen = [0; 6];
        for _ in 0..DRAWS {
            let mut rows = start::distinct(6, count, given, &mut rng);
            assert_eq!(&rows[..given.len()], given);
            rows[given.len()..].iter().for_each(|&row| seen[row] += 1);
            rows.sort_unstable();
            rows.dedup();
            assert_eq!(rows.len(), count);
        }
        let share = 2.0 / (6 - given.len()) as f64;
        for row in (0..6).filter(|row| !given.contains(row)) {
            let found = f64::from(seen[row]) / DRAWS as f64;
            // Four standard errors are 0.01.
            assert!(
                (found - share).abs() < 0.01,
                "given {given:?}: row {row} in {found} of the draws, not {share}"
            );
        }
        assert!(given.iter().all(|&row| seen[row] == 0));
    }
    assert_eq!(start::distinct(4, 4, &[2, 0], &mut SeededRng::new(1)).len(), 4);
}

/// The first flaw in the order of the rows is named, wherever in the squares it lies.
#[test]
fn the_first_flaw_of_a_matrix_is_named() {
    let n = 150;
    let good = Array2::from_shape_fn((n, n), |(i, j)| i.abs_diff(j) as f64);
    assert!(Matrix::square(good.view(), 2).is_ok());
    let places = [(0, 149), (3, 40), (3, 70), (31, 32), (33, 2), (64, 64), (100, 149), (149, 0), (149, 149)];
    for (p, &(row, column)) in places.iter().enumerate() {
        let mut bad = good.clone();
        for &(i, j) in &places[p..] {
            bad[[i, j]] = -1.0;
        }
        // Met earlier, but only as the mirror image of a value that fits.
        let expected = (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).find_map(|(row, column)| {
            let (value, mirrored) = (bad[[row, column]], bad[[column, row]]);
            if value < 0.0 {
                Some(Error::Dissimilarity { row, column, value })
            } else {
                (column > row && value != mirrored).then_some(Error::Asymmetric {
                    row,
                    column,
                    value,
                    mirrored,
                })
            }
        });
        assert_eq!(Matrix::square(bad.view(), 2).err(), expected, "from ({row}, {column})");
        assert_eq!(Matrix::square(bad.t().to_owned().t(), 2).err(), expected);
    }
}
