//! Few columns, and rows that lie near those they follow, as the pixels of a picture do: they are labelled by strips.
//!
//! A strip is some rows in the order they come in. Few centroids can be nearest to a row in its box, by the sieve of [`super::filter`],
//! and its rows meet only these. Nothing is sorted, so what is left is more than for [`super::tiles`]; but rows that are labelled once do not repay sorting.

use super::assign::{Rows, Scratch};
use super::boxes::{Boxes, GROUP};
use super::element::{Element, Level};
use super::filter::{Candidates, Left};
use super::pack::Packed;
use super::sampled::sampled;

/// Rows of a strip.
const STRIP: usize = 64;
/// Columns up to which boxes may be small.
const COLUMNS: usize = 4;
/// Centroids that are worth a sieve, and those whose copies for each strip stay in the cache.
const CENTROIDS: std::ops::RangeInclusive<usize> = 32..=1024;

/// What a thread needs to label by strips.
#[derive(Clone)]
pub(crate) struct Strips<F> {
    level: Level,
    all: Candidates<F>,
    boxes: Boxes<F>,
    left: Left,
    /// What is left for each strip, as in [`Packed`].
    records: Vec<Vec<F>>,
    /// The centroids of which a strip's are chosen.
    packed: Packed<F>,
}

impl<F: Element> Strips<F> {
    /// None if the sieve would leave too many of the centroids for strips from all parts of the rows.
    pub(crate) fn new(level: Level, packed: &Packed<F>, rows: &[F]) -> Option<Self> {
        const ROWS: usize = 4096;
        /// The part of the centroids that may be left.
        const PART: f64 = 0.6;
        let (k, d, n) = (packed.k, packed.d, rows.len() / packed.d);
        if d > COLUMNS || n < ROWS || !CENTROIDS.contains(&k) {
            return None;
        }
        let mut strips = Strips {
            level,
            all: Candidates::all(packed),
            boxes: Boxes::new(d),
            left: Left::default(),
            records: vec![Vec::new(); GROUP],
            packed: packed.clone(),
        };
        strips.sieve(sampled(n / STRIP, GROUP).map(|s| &rows[s * STRIP * d..][..STRIP * d]));
        let left: u32 = strips.left.tiles.iter().map(|strips| strips.count_ones()).sum();
        (f64::from(left) < PART * (k * GROUP) as f64).then_some(strips)
    }

    fn sieve<'a>(&mut self, strips: impl Iterator<Item = &'a [F]>) {
        let d = self.packed.d;
        self.boxes.enclose(self.level, strips.map(|values| Rows { values, d, weights: None }));
        F::sieve_tiles(self.level, &self.packed, &self.boxes, &self.all, &mut self.left);
    }

    /// The label of each row of a chunk; false if a value is not finite, or too large.
    pub(super) fn label(&mut self, rows: &[F], scratch: &mut Scratch<F>, labels: &mut [u32]) -> bool {
        let (d, mut sound) = (self.packed.d, true);
        for (rows, labels) in rows.chunks(GROUP * STRIP * d).zip(labels.chunks_mut(GROUP * STRIP)) {
            self.sieve(rows.chunks(STRIP * d));
            self.deal();
            let strips = rows.chunks(STRIP * d).zip(labels.chunks_mut(STRIP)).zip(&mut self.records);
            for ((rows, labels), records) in strips {
                std::mem::swap(&mut self.packed.records, records);
                sound &= F::label(self.level, &self.packed, rows, scratch, labels);
                std::mem::swap(&mut self.packed.records, records);
            }
        }
        sound
    }

    /// Gives each strip the records of the centroids that are left for it.
    fn deal(&mut self) {
        let Strips { packed, left, records, .. } = self;
        macro_rules! few {
            ($($d:literal)*) => {
                match packed.d {
                    // Of constant size, a record is copied without a call.
                    $($d => deal::<F, { $d + 2 }>(packed.records.as_chunks().0, left, records),)*
                    _ => unreachable!("there are no strips"),
                }
            };
        }
        few!(1 2 3 4);
    }
}

fn deal<F: Element, const SIZE: usize>(from: &[[F; SIZE]], left: &Left, into: &mut [Vec<F>]) {
    into.iter_mut().for_each(Vec::clear);
    for (record, &strips) in from.iter().zip(&left.tiles) {
        let mut strips = strips;
        while strips != 0 {
            into[strips.trailing_zeros() as usize].extend_from_slice(record);
            strips &= strips - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::exact;
    use crate::kernel::pack::Frame;
    use crate::kernel::tests::{hard, levels};
    use crate::kernel::tiles::Sorted;
    use crate::rng::SeededRng;

    fn agree<F: Element>() {
        let mut rng = SeededRng::new(5);
        let mut made = 0;
        for (d, k) in [(1, 40), (2, 33), (2, 300), (3, 64), (4, 100)] {
            for kind in 0..10 {
                let n = 4096 + 70;
                let values: Vec<F> = hard(kind, n, d, &mut rng);
                let rows = Rows { values: &values, d, weights: None };
                let rows = Sorted::new(Level::new(), rows).values;
                let centroids: Vec<F> = (0..k).flat_map(|_| rows[rng.below(n) * d..][..d].to_vec()).collect();
                let expected: Vec<u32> =
                    rows.chunks(d).map(|row| exact::nearest(row, &centroids).0).collect();
                for level in levels() {
                    let frame = Frame::of_centroids(level, &centroids, d);
                    let packed = Packed::new(level, &frame, &centroids, d);
                    let Some(mut strips) = Strips::new(level, &packed, &rows) else { continue };
                    made += 1;
                    let mut scratch = Scratch::new(level, d);
                    let mut labels = vec![0; n];
                    assert!(strips.label(&rows, &mut scratch, &mut labels));
                    assert_eq!(labels, expected, "{level:?}, d {d}, k {k}, kind {kind}");
                    for bad in [F::nan(), F::infinity()] {
                        let mut rows = rows.clone();
                        rows[70 * d] = bad;
                        assert!(!strips.label(&rows, &mut scratch, &mut labels));
                    }
                }
            }
        }
        assert!(made > 30 * levels().len(), "strips were taken {made} times");
    }

    #[test]
    fn labels_by_strips_are_those_of_the_naive_search() {
        agree::<f32>();
        agree::<f64>();
    }

    #[test]
    fn rows_in_no_order_are_not_labelled_by_strips() {
        let mut rng = SeededRng::new(6);
        let rows: Vec<f32> = hard(0, 5000, 3, &mut rng);
        for level in levels() {
            let frame = Frame::of_centroids(level, &rows[..300], 3);
            let packed = Packed::new(level, &frame, &rows[..300], 3);
            assert!(Strips::new(level, &packed, &rows).is_none());
        }
    }
}
