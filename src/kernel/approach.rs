//! Rows and the points that come near them in batches: the oversampling of k-means||.

use super::assign::{Rows, Scratch, chunk_rows};
use super::element::{Element, Level};
use super::pack::Packed;
use super::par;

/// For each row the nearest point so far: its number, and the squared distance.
pub(crate) struct Approach {
    pub owner: Vec<u32>,
    pub distances: Vec<f64>,
}

impl Approach {
    /// No point yet.
    pub(crate) fn new(n: usize) -> Self {
        Approach { owner: vec![0; n], distances: vec![f64::INFINITY; n] }
    }

    /// More points, numbered from `first`. A row keeps the one it has if the nearest of these is as far.
    pub(crate) fn meet<F: Element>(
        &mut self,
        level: Level,
        points: &Packed<F>,
        rows: Rows<'_, F>,
        first: u32,
    ) {
        let (d, chunk) = (rows.d, chunk_rows(rows.d));
        let workers = par::workers_for(rows.values.len() as f64 * points.k as f64);
        let worker = || (Scratch::new(level, d), vec![0; chunk], vec![0.0; chunk]);
        let mut workers: Vec<_> = (0..workers).map(|_| worker()).collect();
        let known = self.owner.chunks_mut(chunk).zip(self.distances.chunks_mut(chunk));
        let pieces = rows.values.chunks(chunk * d).zip(known);
        par::share(&mut workers, pieces, |(scratch, labels, found), (values, (owner, distances))| {
            let (labels, found) = (&mut labels[..owner.len()], &mut found[..owner.len()]);
            F::label(level, points, values, scratch, labels);
            F::own_distances(level, values, &points.centroids, d, Some(labels), found);
            for (i, &distance) in found.iter().enumerate() {
                if distance < distances[i] {
                    (owner[i], distances[i]) = (first + labels[i], distance);
                }
            }
        });
    }
}
