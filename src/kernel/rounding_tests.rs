//! Scores of bytes and words, which are rounded much: where that matters.

use super::assign::{self, Scratch};
use super::bytes::Machine;
use super::codes::Label;
use super::pack::{Frame, Packed};
use super::tests::{levels, ways};
use super::{Element, exact};
use crate::rng::SeededRng;

#[test]
fn thousands_of_centroids_are_told_apart() {
    // More than a score can name: sections of them are looked at in turn. The nearest may lie in any, or in several at once.
    let mut rng = SeededRng::new(21);
    let (n, d) = (70, 72);
    for (k, values) in [(4092, 1 << 20), (4093, 1 << 20), (9000, 1 << 20), (9000, 3), (20_000, 1 << 20)] {
        let mut value = || rng.below(values) as f32 / values as f32;
        let rows: Vec<f32> = (0..n * d).map(|_| value()).collect();
        let mut centroids: Vec<f32> = (0..k * d).map(|_| value()).collect();
        // Rows that are centroids, of which some come twice, in other sections.
        for (i, row) in rows.chunks(d).enumerate().step_by(3) {
            for j in [(i * 131) % k, (i * 131 + 5000) % k] {
                centroids[j * d..][..d].copy_from_slice(row);
            }
        }
        let expected: Vec<usize> =
            rows.chunks(d).map(|row| exact::nearest(row, &centroids).0 as usize).collect();
        for level in levels() {
            let frame = Frame::of_centroids(level, &centroids, d);
            for packed in ways(level, &frame, &centroids, d) {
                let mut labels = vec![0; n];
                assert!(assign::label_all(level, &packed, &rows, usize::codes(&mut labels)));
                assert_eq!(labels, expected, "{level:?}, k {k}, {values} values");
                let (mut labels, mut scratch) = (vec![0; n], Scratch::new(level, d).with_bounds(true));
                assert!(f32::label(level, &packed, &rows, &mut scratch, &mut labels));
                let labels: Vec<usize> = labels.iter().map(|&label| label as usize).collect();
                assert_eq!(labels, expected, "{level:?}, k {k}, {values} values, with bounds");
            }
        }
    }
}

#[test]
fn rows_that_bytes_or_words_do_not_tell_apart_are_labelled_by_floats() {
    let (n, k) = (500, 200);
    // Two clouds so far from each other that a step of a byte, or of a word, is wider than either; half of the centroids lie in each.
    for (level, d, away) in levels().into_iter().flat_map(|level| [(level, 120, 2e3), (level, 40, 1e5)]) {
        let mut rng = SeededRng::new(8);
        let cloud = |i: usize| if (i / d).is_multiple_of(2) { away } else { -away };
        let rows: Vec<f32> = (0..n * d).map(|i| (rng.uniform() + cloud(i)) as f32).collect();
        let centroids = &rows[..k * d];
        let frame = Frame::of_centroids(level, centroids, d);
        let packed = Packed::new(level, &frame, centroids, d);
        let served = Machine::new(level).is_some();
        assert_eq!(packed.coarse.is_some(), served && d == 120, "{level:?}");
        assert_eq!(packed.words.is_some(), served && d == 40, "{level:?}");
        let mut scratch = Scratch::new(level, d);
        for (values, first) in rows.chunks(100 * d).zip((0..).step_by(100)) {
            let mut labels = vec![0; 100];
            assert!(f32::label(level, &packed, values, &mut scratch, &mut labels));
            for (i, (row, label)) in values.chunks(d).zip(labels).enumerate() {
                assert_eq!(label, exact::nearest(row, centroids).0, "{level:?}, row {}", first + i);
            }
        }
        assert_eq!(
            scratch.coarse.pause > 0,
            served,
            "{level:?}, d {d}: bytes or words were asked again and again"
        );
    }
}

#[test]
fn rows_opposite_to_the_longest_centroid_do_not_overflow() {
    // The longest centroid's score is the least that words can come to: the start is half the square of its length, and the rows' step as small as it may be.
    let mut rng = SeededRng::new(12);
    for d in [9, 16, 128] {
        for k in [2, 40, 5000] {
            let mut centroids: Vec<f32> = (0..k * d).map(|_| 0.1 * rng.uniform() as f32 - 0.05).collect();
            centroids[d..2 * d].fill(1.0);
            // In the first tile of rows their own step is the least, in the others it would be less.
            let length = |i: usize| if i / d < 32 { 0.5 } else { 0.05 };
            let rows: Vec<f32> = (0..64 * d).map(|i| 1e-3 * rng.uniform() as f32 - length(i)).collect();
            for level in levels() {
                let frame = Frame { offset: vec![0.0; d], scale: 1.0 };
                for packed in ways(level, &frame, &centroids, d) {
                    let mut labels = vec![0; 64];
                    assert!(assign::label_all(level, &packed, &rows, usize::codes(&mut labels)));
                    for (i, (row, label)) in rows.chunks(d).zip(labels).enumerate() {
                        let nearest = exact::nearest(row, &centroids).0 as usize;
                        assert_eq!(label, nearest, "{level:?}, d {d}, k {k}, row {i}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_far_row_costs_those_beside_it_little() {
    let (n, k, d) = (640, 100, 20);
    let mut rng = SeededRng::new(9);
    let far = |i: usize| if (i / d) % 32 == 7 { 1e4 } else { 1.0 };
    let rows: Vec<f32> = (0..n * d).map(|i| (rng.uniform() * far(i)) as f32).collect();
    let centroids: Vec<f32> = (0..k * d).map(|_| rng.uniform() as f32).collect();
    for level in levels() {
        let frame = Frame::of_centroids(level, &centroids, d);
        let Some(packed) = Packed::with_words(level, &frame, &centroids, d) else { continue };
        let (mut scratch, mut labels) = (Scratch::new(level, d), vec![0; n]);
        assert!(f32::label(level, &packed, &rows, &mut scratch, &mut labels));
        assert_eq!(
            scratch.coarse.pause, 0,
            "{level:?}: a tile's rows share one step, and the far row must not set it"
        );
        for (i, (row, label)) in rows.chunks(d).zip(labels).enumerate() {
            assert_eq!(label, exact::nearest(row, &centroids).0, "{level:?}, row {i}");
        }
    }
}
