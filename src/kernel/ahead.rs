//! Rows that are asked for before they are read. The only room that knows the crate for it.
//!
//! For rows of many columns that lie here and there: the first line of each would be waited for as long as a hundred whole vectors take. And for the next rows of a
//! [tile](super::tile), while the last ones are worked on. A row just before its turn, where rows follow one another, is not asked for: the
//! processor does it by itself, and to ask as well was slower.

use prefetch_index::prefetch_index;

/// How many rows before its turn a row is asked for.
pub(super) const AHEAD: usize = 4;

/// Bytes that come together.
const LINE: usize = 64;

/// Asks for a row.
#[inline(always)]
pub(super) fn fetch<F>(row: &[F]) {
    for at in (0..row.len()).step_by(LINE / size_of::<F>()) {
        prefetch_index(row, at);
    }
}
