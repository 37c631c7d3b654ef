//! Rows taken from among others and put in order. One body for all who need it: iterator chains would be compiled again in each place.

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
    }
}
