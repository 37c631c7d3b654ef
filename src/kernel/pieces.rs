//! Rows taken from among others and put in order. One body for all who need it: iterator chains would be compiled again in each place.

use std::cmp::Ordering;
use std::ops::Range;

/// The slices end to end.
pub(crate) fn end_to_end<'a, T: Clone + 'a>(slices: impl Iterator<Item = &'a [T]>) -> Vec<T> {
    let mut all = Vec::new();
    for slice in slices {
        all.extend_from_slice(slice);
    }
    all
}

/// The rows of `d` values that `keep` names.
pub(crate) fn kept<T: Clone>(rows: &[T], d: usize, keep: &[bool]) -> Vec<T> {
    end_to_end(rows.chunks_exact(d).zip(keep).filter(|part| *part.1).map(|part| part.0))
}

/// Puts rows with their distances in order: the farthest first, of equals the lowest.
pub(crate) fn farthest_first(rows: &mut [(f64, u32)]) {
    rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
}

/// Likewise, but of equals the one with the smallest coordinates, so that it does not matter in which order the rows came.
pub(crate) fn farthest_of<T: PartialOrd>(rows: &mut [(f64, u32)], values: &[T], d: usize) {
    let row = |i: u32| &values[i as usize * d..][..d];
    rows.sort_unstable_by(|a, b| {
        let by_value = || row(a.1).partial_cmp(row(b.1)).unwrap_or(Ordering::Equal);
        b.0.total_cmp(&a.0).then_with(by_value).then(a.1.cmp(&b.1))
    });
}

/// The places of all rows equal to the one at this place: in the order of [`farthest_of`] they are neighbours.
pub(crate) fn equals<T: PartialEq>(
    rows: &[(f64, u32)],
    values: &[T],
    d: usize,
    place: usize,
) -> Range<usize> {
    let row = |at: usize| &values[rows[at].1 as usize * d..][..d];
    let other = |at: &usize| row(*at) != row(place);
    let first = (0..place).rev().find(other).map_or(0, |at| at + 1);
    first..(place..rows.len()).find(other).unwrap_or(rows.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_kept_whole_and_in_order() {
        assert_eq!(kept(&[1, 2, 3, 4, 5, 6], 2, &[true, false, true]), [1, 2, 5, 6]);
        assert_eq!(kept::<f32>(&[], 2, &[]), [0.0; 0]);
        let mut rows = [(1.0, 3), (2.0, 9), (1.0, 0), (f64::INFINITY, 4)];
        farthest_first(&mut rows);
        assert_eq!(rows.map(|row| row.1), [4, 9, 0, 3]);
        let mut rows = [(1.0, 0), (1.0, 1), (2.0, 2), (1.0, 3)];
        farthest_of(&mut rows, &[5, 7, 5, 2, 9, 9, 5, 2], 2);
        assert_eq!(rows.map(|row| row.1), [2, 1, 3, 0]);
        let values = [1, 7, 1, 7, 7];
        let rows = [(1.0, 0), (1.0, 2), (1.0, 1), (1.0, 3), (1.0, 4)];
        let found: Vec<_> = (0..5).map(|place| equals(&rows, &values, 1, place)).collect();
        assert_eq!(found, [0..2, 0..2, 2..5, 2..5, 2..5]);
    }
}
