//! Every fast path against the naive search, on every SIMD level of this machine, on data made to be hard.

use super::assign::{self, Scratch, chunk_rows};
use super::cells::Cells;
use super::codes::Label;
use super::margin::Margin;
use super::pack::{Frame, Packed, Range};
use super::single::Single;
use super::{Element, Level, distances, exact};
use crate::rng::SeededRng;

/// Every level this machine has, the scalar one included.
pub(crate) fn levels() -> Vec<Level> {
    let best = Level::new();
    let mut levels = vec![Level::fallback()];
    #[cfg(target_arch = "x86_64")]
    {
        levels.extend(best.as_sse2().map(Level::Sse2));
        levels.extend(best.as_avx2().map(Level::Avx2));
        levels.extend(best.as_avx512().map(Level::Avx512));
    }
    #[cfg(not(target_arch = "x86_64"))]
    levels.push(best);
    levels
}

/// Rows that make scores lie: ties, duplicates, offsets, wide ranges, tiny numbers.
pub(crate) fn hard<F: Element>(kind: usize, n: usize, d: usize, rng: &mut SeededRng) -> Vec<F> {
    let mut value = |i: usize| match kind {
        0 => rng.uniform() - 0.5,
        1 => rng.below(3) as f64,
        2 => 1e7 + rng.below(20) as f64,
        3 => (rng.uniform() - 0.5) * 10f64.powi(rng.below(30) as i32 - 15),
        4 => (rng.uniform() - 0.5) * 1e30,
        5 => rng.uniform() * 1e-40,
        6 => {
            if i.is_multiple_of(d) {
                1e6 * rng.uniform()
            } else {
                4.0
            }
        }
        7 => (i / d) as f64,
        8 => 1e4 + rng.uniform(),
        _ => {
            if rng.below(50) == 0 {
                1e18 * rng.uniform()
            } else {
                rng.uniform()
            }
        }
    };
    (0..n * d).map(|i| F::of(value(i))).collect()
}

/// Scores the cheapest way, and of words, if there can be any.
pub(super) fn ways<F: Element>(level: Level, frame: &Frame<F>, centroids: &[F], d: usize) -> Vec<Packed<F>> {
    let words = Packed::with_words(level, frame, centroids, d);
    words.into_iter().chain([Packed::new(level, frame, centroids, d)]).collect()
}

fn agree<F: Element + PartialEq>() {
    let mut rng = SeededRng::new(11);
    for d in [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 64, 100, 300, 520] {
        for k in [1, 2, 7, 16, 33, 90, 300] {
            for kind in 0..10 {
                let n = 61 + rng.below(40);
                let rows: Vec<F> = hard(kind, n, d, &mut rng);
                // Some centroids are rows, some lie between two, some are far away, some coincide.
                let centroids: Vec<F> = (0..k)
                    .flat_map(|j| {
                        let (a, b) = (rng.below(n), rng.below(n));
                        let mix = [0.0, 0.0, 0.5, 0.3][j % 4];
                        let far = if j % 17 == 16 { 1e5 } else { 1.0 };
                        let rows = &rows;
                        (0..d).map(move |t| {
                            F::of(((1.0 - mix) * rows[a * d + t].f64() + mix * rows[b * d + t].f64()) * far)
                        })
                    })
                    .collect();
                let expected: Vec<_> =
                    rows.chunks(d).map(|row| exact::nearest(row, &centroids).0 as usize).collect();
                for level in levels() {
                    let mut range = Range::new(d);
                    assert!(F::scan(level, &rows, &mut range) && F::scan(level, &centroids, &mut range));
                    let centre: Vec<f64> = (0..d).map(|t| rows[t].f64()).collect();
                    for frame in [Frame::new(&range, &centre), Frame::of_centroids(level, &centroids, d)] {
                        for packed in ways(level, &frame, &centroids, d) {
                            let mut labels = vec![9; n];
                            assert!(assign::label_all(level, &packed, &rows, usize::codes(&mut labels)));
                            assert_eq!(labels, expected, "{level:?}, d {d}, k {k}, kind {kind}");
                        }
                    }
                    let single = Single::new(level, &centroids, d);
                    for (row, &expected) in rows.chunks(d).zip(&expected).step_by(7) {
                        assert_eq!(
                            F::label_one(level, &single, row),
                            Some(expected as u32),
                            "{level:?}, {d}, {k}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn f32_labels_are_those_of_the_naive_search() {
    agree::<f32>();
}

#[test]
fn f64_labels_are_those_of_the_naive_search() {
    agree::<f64>();
}

#[test]
fn few_rows_need_the_reference_search() {
    // The bound is only useful if it is small: random rows must nearly all be settled by their scores. A chunk of rows is
    // labelled with centroids whose reference copies are spoilt, so a row that falls back shows as a wrong label.
    let mut rng = SeededRng::new(5);
    for d in [2, 8, 16, 64, 384, 768] {
        let rows: Vec<f32> = (0..2000 * d).map(|_| 1e4 + rng.uniform() as f32).collect();
        let centroids: Vec<f32> = rows[..100 * d].to_vec();
        let level = Level::new();
        let frame = Frame::of_centroids(level, &centroids, d);
        let mut packed = Packed::new(level, &frame, &centroids, d);
        let mut expected = vec![0; 2000];
        assert!(assign::label_all(level, &packed, &rows, usize::codes(&mut expected)));
        packed.centroids.fill(0.0);
        let mut scratch = Scratch::new(level, d);
        let mut labels = vec![0; 2000];
        for (rows, labels) in rows.chunks(chunk_rows(d) * d).zip(labels.chunks_mut(chunk_rows(d))) {
            f32::label(level, &packed, rows, &mut scratch, labels);
        }
        let fallen = labels.iter().zip(&expected).filter(|(a, b)| **a as usize != **b).count();
        assert!(fallen <= 20, "{fallen} of 2000 rows fell back at d {d}");
    }
}

#[test]
fn bounds_hold_with_thousands_of_columns() {
    // Far from the frame's origin, where a distance is a small difference of large sums that all round the same way.
    let mut rng = SeededRng::new(4);
    let (n, k, d) = (40, 3, 9001);
    for base in [0.57, 0.61, 0.71, 0.83, 0.97] {
        let rows: Vec<f32> = (0..n * d).map(|_| base + 1e-3 * rng.uniform() as f32).collect();
        let centroids = &rows[..k * d];
        for level in levels() {
            let mut range = Range::new(d);
            assert!(f32::scan(level, &rows, &mut range));
            let frame = Frame::new(&range, &vec![0.0; d]);
            let packed = Packed::new(level, &frame, centroids, d);
            let mut scratch = Scratch::new(level, d).with_bounds(false);
            let mut labels = vec![0; n];
            assert!(f32::label(level, &packed, &rows, &mut scratch, &mut labels));
            for (i, row) in rows.chunks(d).enumerate() {
                let distance = |j: usize| exact::squared_distance(row, &centroids[j * d..][..d]).sqrt();
                let mut distances = [distance(0), distance(1), distance(2)].map(|x| x * frame.scale.f64());
                distances.sort_unstable_by(f64::total_cmp);
                let bounds = [scratch.least[i], scratch.upper[i], scratch.lower[i]].map(f64::from);
                let hold =
                    bounds[0] <= distances[0] && distances[0] <= bounds[1] && bounds[2] <= distances[1];
                assert!(hold, "{level:?}, {base}, row {i}: {bounds:?} of {distances:?}");
            }
        }
    }
}

#[test]
fn bounds_hold_for_rows_that_scores_leave_open() {
    // Clusters much nearer to each other than the data extends, too few for bytes.
    let mut rng = SeededRng::new(14);
    let (n, k) = (300, 40);
    for d in [2, 6, 10, 24, 40] {
        let far: Vec<f64> = (0..5 * d).map(|_| 1e3 * rng.uniform()).collect();
        let mut row = |i: usize| -> Vec<f32> {
            (0..d).map(|t| (far[i % 5 * d + t] + 0.02 * rng.uniform()) as f32).collect()
        };
        let rows: Vec<f32> = (0..n).flat_map(&mut row).collect();
        let centroids: Vec<f32> = (0..k).flat_map(&mut row).collect();
        for level in levels() {
            let frame = Frame::of_centroids(level, &centroids, d);
            let words = Packed::with_words(level, &frame, &centroids, d);
            let packed = words.into_iter().chain([Packed::with_records(level, &frame, &centroids, d)]);
            for (packed, rivals) in packed.flat_map(|packed| [(packed.clone(), false), (packed, true)]) {
                let mut scratch = Scratch::new(level, d).with_bounds(rivals);
                for rows in rows.chunks(100 * d) {
                    let mut labels = vec![0; 100];
                    assert!(f32::label(level, &packed, rows, &mut scratch, &mut labels));
                    for (i, (row, &label)) in rows.chunks(d).zip(&labels).enumerate() {
                        let distance = |j: u32| {
                            exact::squared_distance(row, &centroids[j as usize * d..][..d]).sqrt()
                                * frame.scale.f64()
                        };
                        let mut others: Vec<u32> = (0..k as u32).collect();
                        others.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)).then(a.cmp(&b)));
                        assert_eq!(label, others.remove(0), "{level:?}, d {d}, row {i}");
                        let own = distance(label);
                        assert!(f64::from(scratch.least[i]) <= own && own <= f64::from(scratch.upper[i]));
                        assert!(f64::from(scratch.lower[i]) <= distance(others[0]));
                        if rivals && !packed.in_lanes {
                            others.retain(|&j| !scratch.rivals[i].contains(&(j as u16)));
                            assert!(f64::from(scratch.rest[i]) <= distance(others[0]));
                        }
                    }
                }
                assert_eq!(scratch.doubles.is_some(), d > 8, "rows are left open");
            }
        }
    }
}

#[test]
fn a_far_row_does_not_move_the_centre_away() {
    let mut rng = SeededRng::new(3);
    let mut rows: Vec<f64> = (0..500 * 3).map(|_| 5.0 + rng.uniform()).collect();
    rows[30..33].fill(1e12);
    for (n, tolerance) in [(500, 0.2), (50, 0.2)] {
        let centre = super::pack::middle(3, n, |i| &rows[i * 3..][..3]);
        assert!(centre.iter().all(|c| (c - 5.5).abs() < tolerance), "{centre:?}");
    }
}

/// With so many columns and centroids that scores are of bytes where they can be; and of words.
fn odd_rows<F: Element + PartialEq>(huge: f64) {
    let mut rng = SeededRng::new(6);
    let (n, k, d) = (40, 300, 100);
    let plain: Vec<F> = (0..n * d).map(|_| F::of(rng.uniform())).collect();
    let centroids: Vec<F> = (0..k * d).map(|_| F::of(rng.uniform())).collect();
    let frame = |level| Frame::of_centroids(level, &centroids, d);
    let packed = |level| ways(level, &frame(level), &centroids, d).into_iter().map(move |way| (level, way));
    for (level, packed) in levels().into_iter().flat_map(packed) {
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, huge, -huge, 1e-300] {
            let mut rows = plain.clone();
            rows[17 * d + 5] = F::of(odd);
            let mut labels = vec![0; n];
            let sound = assign::label_all(level, &packed, &rows, usize::codes(&mut labels));
            assert_eq!(sound, odd.is_finite(), "{level:?}, {odd}");
            for (i, (row, label)) in rows.chunks(d).zip(labels).enumerate() {
                if odd.is_finite() || i != 17 {
                    assert_eq!(
                        label,
                        exact::nearest(row, &centroids).0 as usize,
                        "{level:?}, {odd}, row {i}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_row_that_is_not_finite_is_found_out_and_spoils_no_other() {
    odd_rows::<f32>(1e30);
    odd_rows::<f64>(1e100);
}

fn cells_agree<F: Element>() {
    let mut rng = SeededRng::new(3);
    let mut made = 0;
    for (d, k) in [(1, 2), (1, 300), (2, 1), (2, 40), (2, 600), (3, 5), (3, 300)] {
        for kind in 0..10 {
            let n = 640;
            let rows: Vec<F> = hard(kind, n, d, &mut rng);
            // Rows, points between rows, and some twice.
            let centroids: Vec<F> = (0..k)
                .flat_map(|j| {
                    let (a, b) = (rng.below(n), rng.below(n));
                    let mix = F::of([0.0, 0.5, 0.0, 0.25][j % 4]);
                    let rows = &rows;
                    (0..d).map(move |t| rows[a * d + t] + (rows[b * d + t] - rows[a * d + t]) * mix)
                })
                .collect();
            let expected: Vec<u32> = rows.chunks(d).map(|row| exact::nearest(row, &centroids).0).collect();
            for level in levels() {
                let frame = Frame::of_centroids(level, &centroids, d);
                let packed = Packed::new(level, &frame, &centroids, d);
                // Some from all rows, and some from a few that leave others outside. Rows of no number come to the kernel.
                for (seen, many) in [(n, 20), (n / 16, 300)] {
                    let sample: Vec<F> =
                        rows[..seen * d].iter().copied().cycle().take(many * n * d).collect();
                    let Some(cells) = Cells::new(level, &packed, &sample) else { continue };
                    made += 1;
                    let mut scratch = Scratch::new(level, d);
                    let mut labels = vec![0; n];
                    assert!(assign::label_by_cells(level, &packed, &cells, &rows, &mut scratch, &mut labels));
                    assert_eq!(labels, expected, "{level:?}, d {d}, k {k}, kind {kind}");
                    let mut bad = rows.clone();
                    bad[7 * d] = F::nan();
                    assert!(!assign::label_by_cells(level, &packed, &cells, &bad, &mut scratch, &mut labels));
                }
            }
        }
    }
    assert!(made > 80 * levels().len(), "{made} sets of cells were made");
}

#[test]
fn labels_by_cells_are_those_of_the_naive_search() {
    cells_agree::<f32>();
    cells_agree::<f64>();
}

#[test]
fn margins_hold_no_subnormal_numbers() {
    // They are addends of fused multiply-adds, which would call microcode on some CPUs.
    for d in 1..2000 {
        assert!(Margin::<f32>::new(d).row_floor.is_normal() && Margin::<f64>::new(d).row_floor.is_normal());
    }
}

fn transforms_agree<F: Element>() {
    let mut rng = SeededRng::new(8);
    for d in [1, 3, 4, 5, 16, 21] {
        for (n, k) in [(1, 1), (2, 300), (7, 5), (16, 257), (75, 3)] {
            for kind in [0, 1, 2, 5] {
                let rows: Vec<F> = hard(kind, n, d, &mut rng);
                let centroids: Vec<F> = hard(kind, k, d, &mut rng);
                let pairs = rows.chunks(d).flat_map(|row| centroids.chunks(d).map(move |c| (row, c)));
                let expected: Vec<F> =
                    pairs.map(|(x, c)| F::of(exact::squared_distance(x, c).sqrt())).collect();
                for level in levels() {
                    let mut out = vec![F::nan(); n * k];
                    assert!(distances::transform(level, &rows, &centroids, d, &mut out));
                    assert!(out == expected, "{level:?}, {n} rows of {d}, k {k}, kind {kind}");
                }
            }
        }
    }
}

#[test]
fn distances_are_the_same_at_every_level() {
    transforms_agree::<f32>();
    transforms_agree::<f64>();
}

#[cfg(target_arch = "x86_64")]
#[test]
fn what_lacks_avx2_is_served_by_sse2() {
    if let Some(level) = Level::new().as_sse4_2().map(Level::Sse4_2) {
        assert_eq!((f32::width(level), f64::width(level)), (4, 2));
    }
}
