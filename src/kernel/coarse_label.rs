//! The label of each row, by scores of bytes first ([`super::coarse`]).
//!
//! The best centroid by these is measured in floats; usually no other comes up to that, and the label is proven. If the next one or two do,
//! they are measured as well. The rows where more do go through the bytes once more, for a list of all that do.
//! In doubt the reference decides.

use super::ahead::{AHEAD, fetch};
use super::assign::{Rows, Scratch};
use super::bounds::{NO_RIVAL, above};
use super::bytes::{Block, KEPT};
use super::coarse::Coarse;
use super::digits::MOST_ROWS;
use super::element::Element;
use super::exact::{in_range, squared_distance};
use super::pack::Packed;
use super::tile;
use fearless_simd::Simd;

/// The label of each row.
#[inline(always)]
pub(super) fn label<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    coarse: &Coarse<F>,
    rows: &[F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) -> bool {
    let (d, count) = (packed.d, coarse.machine.rows());
    let buffers = &mut scratch.coarse;
    if buffers.paused() {
        return tile::label(simd, packed, rows, scratch, labels);
    }
    buffers.fit(coarse, labels.len(), d);
    buffers.known.clear();
    let mut blocks = rows.chunks(count * d).enumerate().peekable();
    while let Some((b, block)) = blocks.next() {
        let mut later = blocks.peek().map_or(&[][..], |next| next.1).chunks(d);
        for (i, row) in (b * count..).zip(block.chunks_exact(d)) {
            // The next rows come while these are worked on.
            later.next().into_iter().for_each(fetch);
            let sizes = buffers.frame(simd, packed, row);
            scratch.norms[i] = sizes.0;
            buffers.seat(simd, coarse, sizes, i);
        }
        buffers.meet(simd, coarse, b, block.len() / d);
    }
    prove(
        simd,
        packed,
        coarse,
        #[inline(always)]
        |i| &rows[i * d..][..d],
        scratch,
        labels,
    )
}

/// The labels of some rows where they lie. If their own labels are given, those that their distance to the own centroid leaves without doubt are passed over.
#[inline(always)]
pub(super) fn label_some<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    rows: Rows<'_, F>,
    some: &[u32],
    own: Option<&[u32]>,
    mut proven: impl FnMut(u32, f32) -> bool,
    scratch: &mut Scratch<F>,
) {
    let Some(coarse) = &packed.coarse else { return };
    let (count, buffers) = (coarse.machine.rows(), &mut scratch.coarse);
    buffers.fit(coarse, some.len(), packed.d);
    buffers.picked.clear();
    buffers.known.clear();
    let paused = buffers.paused();
    for (at, &row) in some.iter().enumerate() {
        if let Some(&next) = some.get(at + AHEAD) {
            fetch(rows.row(next as usize));
        }
        let values = rows.row(row as usize);
        let sizes = buffers.frame(simd, packed, values);
        if let Some(own) = own.map(|own| own[row as usize]) {
            let score = coarse.score_in_frame(simd, packed, &buffers.moved, own);
            let pad = (margin(packed, sizes.0) + packed.slack[own as usize]) * F::of(2.0);
            let square = sizes.0 - score * F::of(2.0) + pad;
            if proven(row, above(square.max(F::zero()).sqrt().f64() as f32)) {
                continue;
            }
            buffers.known.push((own, score));
        }
        let i = buffers.picked.len();
        buffers.picked.push(row);
        if paused {
            continue;
        }
        scratch.norms[i] = sizes.0;
        buffers.seat(simd, coarse, sizes, i);
        if (i + 1).is_multiple_of(count) {
            buffers.meet(simd, coarse, i / count, count);
        }
    }
    let picked = std::mem::take(&mut buffers.picked);
    let mut labels = std::mem::take(&mut buffers.labels);
    labels.resize(picked.len(), 0);
    let row_of = |i: usize| rows.row(picked[i] as usize);
    if paused {
        in_floats(simd, packed, row_of, scratch, &mut labels);
    } else {
        if !picked.len().is_multiple_of(count) {
            buffers.meet(simd, coarse, picked.len() / count, picked.len() % count);
        }
        prove(simd, packed, coarse, row_of, scratch, &mut labels);
    }
    (scratch.coarse.picked, scratch.coarse.labels) = (picked, labels);
}

/// The row's own part of the margin.
#[inline(always)]
fn margin<F: Element>(packed: &Packed<F>, norm: F) -> F {
    norm * packed.margin.row_factor + packed.margin.row_floor
}

/// The labels of rows whose best scores are known.
#[inline(always)]
fn prove<'a, S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    coarse: &Coarse<F>,
    row_of: impl Fn(usize) -> &'a [F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) -> bool {
    let lanes = coarse.machine.rows();
    // Whoever asks for bounds wants them tight.
    let bounded = !scratch.upper.is_empty();
    let mut sound = true;
    scratch.coarse.doubtful.clear();
    scratch.coarse.thresholds.clear();
    for (i, label) in labels.iter_mut().enumerate() {
        let (found, lane) = (&scratch.coarse.found[i / lanes], i % lanes);
        let tags = found.names.each_ref().map(|names| (names[lane] as u32).min(packed.k as u32 - 1));
        let scores = found.scores.each_ref().map(|scores| F::of(f64::from(scores[lane])));
        let (row, own) = (row_of(i), margin(packed, scratch.norms[i]));
        let slack = own + packed.slack[tags[0] as usize];
        if !bounded
            && scores[1]
                < F::of(f64::from(coarse.least(&scratch.coarse, i, found, lane))) - slack * F::of(2.0)
        {
            *label = tags[0];
            continue;
        }
        let top = match scratch.coarse.known.get(i) {
            Some(&(own, score)) if own == tags[0] => score,
            _ => coarse.score(simd, packed, row, tags[0]),
        };
        let margin = top - slack;
        let near = scores[1..].iter().take_while(|&&score| !(score < margin)).count();
        let mut verdict = Verdict { label: tags[0], best: top, next: scores[1] };
        if near == KEPT {
            scratch.coarse.doubtful.push(i as u32);
            scratch.coarse.thresholds.push(-f32::above(-margin.f64()));
            sound &= in_range(row);
        } else if near > 0 || bounded {
            let measured = near.max(1);
            let candidates = &mut scratch.coarse.scores;
            candidates.clear();
            candidates.push((tags[0], top));
            for &j in &tags[1..=measured] {
                candidates.push((j, coarse.score(simd, packed, row, j)));
            }
            verdict = decide(packed, row, own, tags[0], candidates);
            verdict.next = verdict.next.max(scores[measured + 1]);
        }
        *label = verdict.label;
        verdict.keep(packed, own, i, scratch);
        if !scratch.rivals.is_empty() {
            let mut others = tags.iter().filter(|&&j| j != verdict.label);
            scratch.rivals[i].fill_with(|| others.next().map_or(NO_RIVAL, |&j| j as u16));
            let pad = (own + packed.slack[verdict.label as usize]) * F::of(2.0);
            scratch.rest_square[i] = scratch.norms[i] - scores[KEPT] * F::of(2.0) - pad;
        }
    }
    if !again(simd, packed, coarse, &row_of, scratch, labels) {
        scratch.coarse.pause = PAUSE;
        return in_floats(simd, packed, row_of, scratch, labels);
    }
    sound
}

/// Chunks for which bytes (or words) are not asked after they told too little.
pub(super) const PAUSE: u32 = 31;

/// The labels by scores in floats, of copies of the rows.
#[cold]
#[inline(never)]
fn in_floats<'a, S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    row_of: impl Fn(usize) -> &'a [F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) -> bool {
    let mut copies = std::mem::take(&mut scratch.coarse.copies);
    copies.clear();
    (0..labels.len()).for_each(|i| copies.extend_from_slice(row_of(i)));
    let sound = tile::label(simd, packed, &copies, scratch, labels);
    scratch.coarse.copies = copies;
    sound
}

/// What was found for a row: its label, the best score, and one that no other centroid exceeds.
struct Verdict<F> {
    label: u32,
    best: F,
    next: F,
}

impl<F: Element> Verdict<F> {
    /// Bounds of the distances, as in [`super::settle`].
    #[inline(always)]
    fn keep(&self, packed: &Packed<F>, own: F, i: usize, scratch: &mut Scratch<F>) {
        let two = F::of(2.0);
        let pad = (own + packed.slack[self.label as usize]) * two;
        scratch.near[i] = scratch.norms[i] - self.best * two + pad;
        scratch.next[i] = scratch.norms[i] - self.next * two - pad;
        scratch.excess[i] = pad * (two + two);
    }
}

/// The nearest of some candidates with their scores, in rising order where two may be equally near: by the reference distance where the scores do not tell.
#[inline(always)]
fn decide<F: Element>(
    packed: &Packed<F>,
    row: &[F],
    own: F,
    likely: u32,
    candidates: &[(u32, F)],
) -> Verdict<F> {
    let least = F::neg_infinity();
    let mut verdict = Verdict { label: likely, best: least, next: least };
    for &(j, score) in candidates {
        if score > verdict.best {
            verdict = Verdict { label: j, best: score, next: verdict.best };
        } else {
            verdict.next = verdict.next.max(score);
        }
    }
    let margin = verdict.best - (own + packed.slack[verdict.label as usize]);
    if !(verdict.next < margin) {
        let mut nearest = (f64::INFINITY, verdict.label);
        for &(j, _) in candidates.iter().filter(|candidate| !(candidate.1 < margin)) {
            let distance = squared_distance(row, &packed.centroids[j as usize * packed.d..][..packed.d]);
            if (distance, j) < nearest {
                nearest = (distance, j);
            }
        }
        verdict = Verdict { label: nearest.1, next: verdict.best, ..verdict };
    }
    verdict
}

/// The rows in doubt, side by side, once more: all centroids that may be the nearest are listed and measured. False, and nothing is done, if these are so many
/// that scores in floats are cheaper.
#[inline(always)]
fn again<'a, S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    coarse: &Coarse<F>,
    row_of: &impl Fn(usize) -> &'a [F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) -> bool {
    let (words, lanes) = (coarse.words(), coarse.machine.rows());
    let mut buffers = std::mem::take(&mut scratch.coarse);
    for (doubtful, least) in buffers.doubtful.chunks(lanes).zip(buffers.thresholds.chunks(lanes)) {
        let (mut step, mut reach) = ([0.0; MOST_ROWS], [0.0; MOST_ROWS]);
        let mut thresholds = [f32::INFINITY; MOST_ROWS];
        for (l, (&i, &least)) in doubtful.iter().zip(least).enumerate() {
            let i = i as usize;
            (step[l], reach[l], thresholds[l]) = (buffers.step[i], buffers.reach[i], least);
            let from = &buffers.digits[i / lanes * lanes * words..][..lanes * words];
            for w in 0..words {
                buffers.again[w * lanes + l] = from[w * lanes + i % lanes];
            }
            buffers.passed[l].clear();
        }
        let block = Block { digits: &buffers.again, step: &step, reach: &reach };
        coarse.machine.passing(&block, &coarse.bytes, &buffers.surplus, &thresholds, &mut buffers.passed);
        let listed: usize = buffers.passed[..doubtful.len()].iter().map(Vec::len).sum();
        if listed * buffers.doubtful.len() > doubtful.len() * labels.len() * packed.k / 8 {
            scratch.coarse = buffers;
            return false;
        }
        for ((&i, &least), passed) in doubtful.iter().zip(least).zip(&buffers.passed) {
            let i = i as usize;
            let row = row_of(i);
            buffers.scores.clear();
            // The last panel may be filled up.
            for &j in passed.iter().filter(|&&j| (j as usize) < packed.k) {
                buffers.scores.push((j, coarse.score(simd, packed, row, j)));
            }
            let own = margin(packed, scratch.norms[i]);
            let mut verdict = decide(packed, row, own, labels[i], &buffers.scores);
            verdict.next = verdict.next.max(F::of(f64::from(least)));
            labels[i] = verdict.label;
            verdict.keep(packed, own, i, scratch);
            if !scratch.rivals.is_empty() {
                scratch.rivals[i].fill(NO_RIVAL);
                scratch.rest_square[i] = scratch.next[i];
            }
        }
    }
    scratch.coarse = buffers;
    true
}
