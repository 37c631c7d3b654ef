//! The reference: squared distances in f64, in one order of operations on every machine, and the naive search.
//!
//! `D(x, c) = sum over t of (f64(x_t) - f64(c_t))^2`, accumulated without fused multiply-add in eight interleaved partial sums
//! (t mod 8) that are joined in one fixed order. The label of x is the lowest j with the smallest `D(x, c_j)`.

use super::assign::Rows;
use super::dispatch::by_columns;
use super::element::Element;

/// Squared Euclidean distance in f64: the definition that every label and every inertia refers to.
#[inline(always)]
pub(crate) fn squared_distance<F: Element, G: Element>(x: &[F], c: &[G]) -> f64 {
    join(parts(x, c))
}

/// The same, for one distance after another that is compared: there the compiler makes pairs of the sums in the order in which they are joined, and
/// shuffles all that goes into them, unless they are hidden from it. Of many columns this takes a third of the time.
#[inline(always)]
pub(crate) fn lone_distance<F: Element>(x: &[F], c: &[F]) -> f64 {
    if x.len() < 8 { join(few_parts(x, c)) } else { join(std::hint::black_box(parts(x, c))) }
}

/// Of fewer than eight columns. One by one these stay in registers, where a loop over as many as there are would keep them in memory.
#[inline(always)]
fn few_parts<F: Element>(x: &[F], c: &[F]) -> [f64; 8] {
    let mut part = [0.0; 8];
    for t in 0..8 {
        if let (Some(a), Some(b)) = (x.get(t), c.get(t)) {
            let difference = a.f64() - b.f64();
            part[t] = difference * difference;
        }
    }
    part
}

#[inline(always)]
fn parts<F: Element, G: Element>(x: &[F], c: &[G]) -> [f64; 8] {
    let mut part = [0.0; 8];
    let (x_blocks, x_rest) = x.as_chunks::<8>();
    let (c_blocks, c_rest) = c.as_chunks::<8>();
    for (a, b) in x_blocks.iter().zip(c_blocks) {
        for t in 0..8 {
            let difference = a[t].f64() - b[t].f64();
            part[t] += difference * difference;
        }
    }
    for (part, (a, b)) in part.iter_mut().zip(x_rest.iter().zip(c_rest)) {
        let difference = a.f64() - b.f64();
        *part += difference * difference;
    }
    part
}

#[inline(always)]
fn join([a, b, c, d, e, f, g, h]: [f64; 8]) -> f64 {
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// The absolute differences in f64, gathered in eight lanes.
#[inline(always)]
fn differences<F: Element>(x: &[F], c: &[F], gather: impl Fn(&mut f64, f64)) -> [f64; 8] {
    let mut part = [0.0; 8];
    for (x, c) in x.chunks(8).zip(c.chunks(8)) {
        for (part, (a, b)) in part.iter_mut().zip(x.iter().zip(c)) {
            gather(part, (a.f64() - b.f64()).abs());
        }
    }
    part
}

/// The sum of the absolute differences.
pub(crate) fn manhattan<F: Element>(x: &[F], c: &[F]) -> f64 {
    join(differences(x, c, |sum, difference| *sum += difference))
}

/// The largest absolute difference.
pub(crate) fn chebyshev<F: Element>(x: &[F], c: &[F]) -> f64 {
    differences(x, c, |most, difference| *most = most.max(difference)).into_iter().fold(0.0, f64::max)
}

/// Whether every value is finite and small enough for its squared distances to be summed.
#[inline(always)]
pub(crate) fn in_range<F: Element>(row: &[F]) -> bool {
    // Some at a time, which the compiler makes a vector of.
    const TOGETHER: usize = 32;
    let limit = F::of(F::LIMIT);
    let (blocks, rest) = row.as_chunks::<TOGETHER>();
    let all = |values: &[F]| values.iter().fold(true, |sound, x| sound & (x.abs() <= limit));
    blocks.iter().all(|block| all(block)) && all(rest)
}

/// The lowest index of the nearest centroid, and its squared distance.
#[inline(always)]
pub(crate) fn nearest<F: Element>(row: &[F], centroids: &[F]) -> (u32, f64) {
    let mut best = (0, f64::INFINITY);
    for (j, centroid) in (0..).zip(centroids.chunks_exact(row.len())) {
        let distance = lone_distance(row, centroid);
        if distance < best.1 {
            best = (j, distance);
        }
    }
    best
}

/// The squared distance of each row to the centroid that its label names (to the first one without labels).
#[inline(always)]
pub(crate) fn own_distances<F: Element>(
    rows: &[F],
    centroids: &[F],
    d: usize,
    labels: Option<&[u32]>,
    out: &mut [f64],
) {
    by_columns!(
        d,
        [1 2 3 4 5 6 7],
        D => for (i, (row, out)) in rows.as_chunks::<D>().0.iter().zip(out).enumerate() {
            let j = labels.map_or(0, |labels| labels[i] as usize);
            *out = squared_distance(row, &centroids.as_chunks::<D>().0[j]);
        },
        else for (i, (row, out)) in rows.chunks_exact(d).zip(out).enumerate() {
            let j = labels.map_or(0, |labels| labels[i] as usize);
            *out = squared_distance(row, &centroids[j * d..][..d]);
        }
    );
}

/// The squared distance of one row to each centroid.
#[inline(always)]
pub(crate) fn all_distances<F: Element>(row: &[F], centroids: &[F], out: &mut [f64]) {
    by_columns!(
        row.len(),
        [1 2 3 4 5 6 7],
        D => for (centroid, out) in centroids.as_chunks::<D>().0.iter().zip(out) {
            *out = squared_distance(&row.as_chunks::<D>().0[0], centroid);
        },
        else for (centroid, out) in centroids.chunks_exact(row.len()).zip(out) {
            *out = squared_distance(row, centroid);
        }
    );
}

/// The squared distance of one row to some of the centroids.
#[inline(always)]
pub(crate) fn some_distances<F: Element>(row: &[F], centroids: &[F], which: &[u32], out: &mut [f64]) {
    for (&j, out) in which.iter().zip(out) {
        *out = squared_distance(row, &centroids[j as usize * row.len()..][..row.len()]);
    }
}

/// The squared distance of each row that is named to the centroid of its label.
#[inline(always)]
pub(crate) fn present_distances<F: Element>(
    rows: Rows<'_, F>,
    centroids: &[F],
    labels: &[u32],
    which: &[u32],
    out: &mut [f64],
) {
    for (&i, out) in which.iter().zip(out) {
        let own = labels[i as usize] as usize;
        *out = squared_distance(rows.row(i as usize), &centroids[own * rows.d..][..rows.d]);
    }
}
