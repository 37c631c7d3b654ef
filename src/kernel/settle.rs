//! From scores to labels: what the scores certify, the bounds that follow from them, and the search for the rest, by the reference or by scores in f64 first.
//!
//! Both shapes of the loop over the centroids ([`super::lanes`], [`super::tile`]) end here, with rows in the lanes.

use super::assign::{Scratch, apart};
use super::bounds::{NO_RIVAL, RIVALS};
use super::element::{Element, Level, Vector, framed};
use super::exact::{in_range, lone_distance};
use super::pack::{BLOCK, FEW_COLUMNS, Packed};
use super::tile::CENTROIDS;
use super::vector::{Lanes, MOST_LANES, all};
use fearless_simd::Simd;

/// Numbers of each row of a group that [`leave_open`] asks for.
pub(super) const STATES: usize = 4;

/// What the lanes hold of a group of rows when all centroids have gone by: squared norms in the frame, the rows' own part of the margin, the best and the
/// second best score, and the [tag](Element::tag) of the best.
#[derive(Clone, Copy)]
pub(super) struct Outcome<V, const B: usize> {
    pub norm: [V; B],
    pub own: [V; B],
    pub best: [V; B],
    pub second: [V; B],
    pub tag: [V; B],
}

/// Labels the rows of a group, of which the first is so far into the chunk, and bounds their distances, if there are to be bounds. What scores do not certify
/// is left open for [`settle`]. False if a value is not finite, or too large.
#[inline(always)]
pub(super) fn conclude<S: Simd, F: Element, const B: usize>(
    simd: S,
    packed: &Packed<F>,
    rows: &[F],
    outcome: &Outcome<Vector<S, F>, B>,
    first: usize,
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) -> bool {
    let len = Vector::<S, F>::LEN;
    let splat = |x: F| Vector::<S, F>::splat(simd, x);
    let slack = splat(packed.most_slack);
    let Outcome { own, best, second, tag, .. } = outcome;
    let mut unsettled = 0;
    for b in 0..B {
        tag[b].store(&mut scratch.state[b * len..]);
        let settled = (best[b] - second[b]).greater(own[b] + slack);
        unsettled |= (all(len) & !settled) << (b * len);
    }
    for (label, tag) in labels.iter_mut().zip(&scratch.state) {
        *label = tag.untag();
    }
    if unsettled == 0 && scratch.upper.is_empty() {
        return true;
    }
    // A copy, for what is lent to a function is kept in memory.
    let outcome = *outcome;
    apart(
        simd,
        #[inline(always)]
        || bound(simd, packed, &outcome, first, unsettled > 0, scratch),
    );
    unsettled == 0 || leave_open(packed, rows, unsettled, first, scratch, labels)
}

/// Bounds the distances of the rows of a group, if there are to be bounds, and writes down what [`leave_open`] will ask for.
#[inline(always)]
fn bound<S: Simd, F: Element, const B: usize>(
    simd: S,
    packed: &Packed<F>,
    Outcome { norm, own, best, second, .. }: &Outcome<Vector<S, F>, B>,
    first: usize,
    unsettled: bool,
    scratch: &mut Scratch<F>,
) {
    let len = Vector::<S, F>::LEN;
    let splat = |x: F| Vector::<S, F>::splat(simd, x);
    let (slack, two) = (splat(packed.most_slack), splat(F::of(2.0)));
    if !scratch.upper.is_empty() {
        for b in 0..B {
            let first = first + b * len;
            // The norm's own rounding and that of these lines is less than the pads again.
            let pad = (own[b] + slack) * two;
            (norm[b] - best[b] * two + pad).store(&mut scratch.near[first..]);
            (norm[b] - second[b] * two - pad).store(&mut scratch.next[first..]);
            (pad * two * two).store(&mut scratch.excess[first..]);
        }
    }
    if !unsettled {
        return;
    }
    let part = scratch.state.len() / STATES;
    let state = scratch.state.chunks_exact_mut(part);
    for (vectors, out) in [norm, own, best, second].into_iter().zip(state) {
        for b in 0..B {
            vectors[b].store(&mut out[b * len..]);
        }
    }
}

/// Writes down the rows of the mask that the best centroid's own slack does not certify either. False if one has a value that is not finite or too large; its norm is
/// not a number then, or infinite, which brings it here.
#[cold]
#[inline(never)]
fn leave_open<F: Element>(
    packed: &Packed<F>,
    rows: &[F],
    unsettled: u64,
    first: usize,
    scratch: &mut Scratch<F>,
    labels: &[u32],
) -> bool {
    let mut sound = true;
    let part = scratch.state.len() / STATES;
    let [norm, own, best, second]: [_; STATES] =
        std::array::from_fn(|at| &scratch.state[at * part..][..part]);
    for (i, (label, row)) in labels.iter().zip(rows.chunks_exact(packed.d)).enumerate() {
        if unsettled >> i & 1 == 1 && !(best[i] - second[i] > own[i] + packed.slack[*label as usize]) {
            scratch.open.push((first + i) as u32);
            // Another centroid may be as near as the best score allows.
            scratch.next[first + i] = norm[i] - (best[i] + own[i] + packed.most_slack) * F::of(2.0);
            sound &= in_range(row);
        }
    }
    sound
}

/// Rows of few columns that are worth a look at all centroids with rows in the lanes. There are many where clusters lie much nearer to each other than
/// the data extends.
const SEVERAL: usize = 3;
/// The same for many columns, where scores in f64 are worth their while; and the centroids for each such row that are worth a copy in f64.
const MANY: usize = 8;
const COPIED: usize = 32;

/// Labels the rows of a chunk that [`conclude`] left open. There may be many, but not of f64 and many columns.
#[inline(always)]
pub(super) fn settle<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    rows: &[F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) {
    if !scratch.open.is_empty() {
        settle_open(simd, packed, rows, scratch, labels);
    }
}

#[cold]
#[inline(never)]
fn settle_open<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    rows: &[F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) {
    let d = packed.d;
    let open = std::mem::take(&mut scratch.open);
    let mut found = std::mem::take(&mut scratch.found);
    found.clear();
    if d <= FEW_COLUMNS && open.len() >= SEVERAL {
        simd.vectorize(
            #[inline(always)]
            || together(simd, packed, rows, &open, &mut found),
        );
    } else if d > FEW_COLUMNS
        && size_of::<F>() < size_of::<f64>()
        && (packed.words.is_some() || open.len() >= MANY.max(packed.k / COPIED))
    {
        let doubles = scratch.doubles.get_or_insert_with(|| Box::new(Doubles::new(simd.level(), d)));
        doubles.label(simd.level(), packed, rows, &open, &mut found);
    } else {
        simd.vectorize(
            #[inline(always)]
            || {
                found.extend(open.iter().map(|&i| {
                    let i = i as usize;
                    let label = among(packed, &rows[i * d..][..d], labels[i]);
                    Found { label, reach: None }
                }));
            },
        );
    }
    for (&i, &Found { label, reach }) in open.iter().zip(&found) {
        let i = i as usize;
        let before = std::mem::replace(&mut labels[i], label);
        if scratch.upper.is_empty() {
            continue;
        }
        if let Some(Reach { least, most, next }) = reach {
            scratch.near[i] = F::above(most);
            scratch.excess[i] = F::above(scratch.near[i].f64() - least);
            scratch.next[i] = -F::above(-next);
        }
        if (before != label || reach.is_some()) && !scratch.rivals.is_empty() {
            // The bound is for all but one.
            scratch.rivals[i] = [NO_RIVAL; RIVALS];
            scratch.rest_square[i] = scratch.next[i];
        }
    }
    scratch.open = open;
    scratch.open.clear();
    scratch.found = found;
}

/// What was found out about a row.
pub(super) struct Found {
    label: u32,
    reach: Option<Reach>,
}

/// At least and at most the squared distance to the nearest centroid, and at least that to any other, in the frame's units.
#[derive(Clone, Copy)]
struct Reach {
    least: f64,
    most: f64,
    next: f64,
}

/// Labels rows by scores in f64.
pub(super) struct Doubles {
    rows: Vec<f64>,
    labels: Vec<u32>,
    scratch: Scratch<f64>,
}

impl Doubles {
    fn new(level: Level, d: usize) -> Self {
        let scratch = Scratch::new(level, d).with_bounds(false);
        Doubles { rows: Vec::new(), labels: Vec::new(), scratch }
    }

    fn label<F: Element>(
        &mut self,
        level: Level,
        packed: &Packed<F>,
        rows: &[F],
        open: &[u32],
        found: &mut Vec<Found>,
    ) {
        let (d, scratch) = (packed.d, &mut self.scratch);
        self.rows.clear();
        open.iter().for_each(|&i| self.rows.extend(rows[i as usize * d..][..d].iter().map(|x| x.f64())));
        self.labels.resize(open.len(), 0);
        f64::label(level, packed.doubles(level), &self.rows, scratch, &mut self.labels);
        found.extend(self.labels.iter().enumerate().map(|(i, &label)| {
            let (most, next) = (scratch.near[i], scratch.next[i]);
            Found { label, reach: Some(Reach { least: most - scratch.excess[i], most, next }) }
        }));
    }
}

/// The nearest of the packed centroids to each of the rows named, by the reference: of few columns each has a partial sum of its own.
#[inline(always)]
fn together<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    rows: &[F],
    open: &[u32],
    found: &mut Vec<Found>,
) {
    let (d, len) = (packed.d, Vector::<S, f64>::LEN);
    let splat = |x: f64| Vector::<S, f64>::splat(simd, x);
    for open in open.chunks(len) {
        let mut columns = [[0.0; MOST_LANES]; FEW_COLUMNS];
        for (lane, &i) in open.iter().enumerate() {
            for (column, x) in columns.iter_mut().zip(&rows[i as usize * d..][..d]) {
                column[lane] = x.f64();
            }
        }
        let mut x = [splat(0.0); FEW_COLUMNS];
        for (x, column) in x.iter_mut().zip(&columns) {
            *x = Vector::<S, f64>::load(simd, column);
        }
        let (mut least, mut tag) = (splat(f64::INFINITY), splat(0.0));
        for record in packed.records.chunks_exact(d + 2) {
            let j = record[d + 1].untag();
            let mut part = [splat(0.0); FEW_COLUMNS];
            for (part, (x, c)) in part.iter_mut().zip(x.iter().zip(&packed.centroids[j as usize * d..][..d]))
            {
                let difference = *x - splat(c.f64());
                *part = difference * difference;
            }
            let [a, b, c, d, e, f, g, h] = part;
            let distance = ((a + b) + (c + d)) + ((e + f) + (g + h));
            tag = least.if_greater(distance, splat(f64::tag(j)), tag);
            least = least.min(distance);
        }
        let mut tags = [0.0; MOST_LANES];
        tag.store(&mut tags);
        found.extend(tags[..open.len()].iter().map(|tag| Found { label: tag.untag(), reach: None }));
    }
}

/// The nearest of the packed centroids, by the reference: those that their scores do not show to be farther than the likely one are measured.
#[inline(always)]
fn among<F: Element>(packed: &Packed<F>, row: &[F], likely: u32) -> u32 {
    let (mut few, mut many) = ([F::default(); MOST_LANES], Vec::new());
    let moved = if let Some(few) = few.get_mut(..row.len()) {
        few
    } else {
        many.resize(row.len(), F::default());
        &mut many[..]
    };
    for ((moved, &x), &offset) in moved.iter_mut().zip(row).zip(&packed.frame.offset) {
        *moved = framed(x, offset, &packed.frame);
    }
    if packed.in_lanes {
        among_panels::<F, 1>(packed, row, moved, likely)
    } else {
        among_panels::<F, CENTROIDS>(packed, row, moved, likely)
    }
}

/// The same for panels of so many centroids, with the row in the frame as well.
#[inline(always)]
fn among_panels<F: Element, const WIDTH: usize>(
    packed: &Packed<F>,
    row: &[F],
    moved: &[F],
    likely: u32,
) -> u32 {
    let d = packed.d;
    let distance = |j: u32| lone_distance(row, &packed.centroids[j as usize * d..][..d]);
    let norm: f64 = moved.iter().map(|x| x.f64() * x.f64()).sum();
    let threshold = packed.margin.threshold(norm, distance(likely), &packed.frame);
    let mut best = (f64::INFINITY, likely);
    for panel in packed.panels().as_chunks::<WIDTH>().0.chunks_exact(d + 2) {
        let (coordinates, [starts, tags]) = panel.split_at(d) else { continue };
        let mut scores = *starts;
        for (coordinates, moved) in coordinates.chunks(BLOCK).zip(moved.chunks(BLOCK)) {
            let mut part = [F::default(); WIDTH];
            for (c, &x) in coordinates.iter().zip(moved) {
                part.iter_mut().zip(c).for_each(|(part, &c)| *part = *part + c * x);
            }
            scores.iter_mut().zip(part).for_each(|(score, part)| *score = *score + part);
        }
        for ((&score, &tag), &start) in scores.iter().zip(tags).zip(starts) {
            // Also if it is not a number; the panel may be filled up.
            if !(score < threshold) && start > F::neg_infinity() {
                let distance = distance(tag.untag());
                if distance < best.0 {
                    best = (distance, tag.untag());
                }
            }
        }
    }
    best.1
}
