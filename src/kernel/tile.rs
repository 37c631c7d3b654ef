//! Many columns: a tile of two vectors of rows by six centroids.
//!
//! Rows are turned, so that a vector holds one column of as many rows as it has lanes. The twelve accumulators stay in registers while the columns go
//! by: two loads of rows, six broadcasts of centroids and twelve fused multiply-adds a column, which is what AVX2's sixteen
//! registers hold and what two multiply-add units need to be kept busy. The turned rows stay in the first cache, and the centroids
//! stream by once for each tile. Best score, second best and best index are kept per lane, so nothing is reduced at the end.

use super::ahead::fetch;
use super::assign::{Scratch, apart};
use super::bounds::{NO_RIVAL, RIVALS};
use super::bytes::Machine;
use super::coarse_label::PAUSE;
use super::dispatch::OPTIMISED;
use super::element::{Element, Vector};
use super::pack::{BLOCK, Packed};
use super::settle::{Outcome, conclude, settle};
use super::vector::{Lanes, MOST_LANES};
use super::words::{self, Words};
use fearless_simd::Simd;

/// Vectors of rows of a tile.
pub(crate) const VECTORS: usize = 2;

/// Centroids of a tile.
pub(crate) const CENTROIDS: usize = 6;

/// A tile's scores, centroid by centroid.
pub(super) type Scores<S, F> = [[Vector<S, F>; VECTORS]; CENTROIDS];

/// The best scores of the tracks in falling order, with their tags, and the best of what is not the best of a track.
struct Tracks<V, const TRACKS: usize> {
    best: [[V; VECTORS]; TRACKS],
    tag: [[V; VECTORS]; TRACKS],
    floor: [V; VECTORS],
}

/// The scores of turned rows against one panel.
#[inline(always)]
pub(super) fn scores<S: Simd, F: Element>(simd: S, columns: &[F], panel: &[F], d: usize) -> Scores<S, F> {
    let (coordinates, starts) = panel[..CENTROIDS * (d + 1)].split_at(CENTROIDS * d);
    let columns = &columns[..d * VECTORS * Vector::<S, F>::LEN];
    let none = F::neg_infinity();
    // Places without a centroid are left out; fewer than four would not keep the units busy.
    match starts {
        [.., fifth, _] if *fifth == none => blocks::<S, F, 4>(simd, columns, coordinates, starts),
        [.., sixth] if *sixth == none => blocks::<S, F, 5>(simd, columns, coordinates, starts),
        _ => blocks::<S, F, CENTROIDS>(simd, columns, coordinates, starts),
    }
}

/// The same for the first centroids of the panel. Adding up block by block keeps the rounding error that of a sum of BLOCK terms.
#[inline(always)]
fn blocks<S: Simd, F: Element, const SOME: usize>(
    simd: S,
    columns: &[F],
    coordinates: &[F],
    starts: &[F],
) -> Scores<S, F> {
    let width = VECTORS * Vector::<S, F>::LEN;
    let mut blocks = columns.chunks(BLOCK * width).zip(coordinates.chunks(BLOCK * CENTROIDS));
    let mut total = [[Vector::<S, F>::splat(simd, F::neg_infinity()); VECTORS]; CENTROIDS];
    for c in 0..SOME {
        total[c] = [Vector::<S, F>::splat(simd, starts[c]); VECTORS];
    }
    if let Some((columns, coordinates)) = blocks.next() {
        add_products::<S, F, SOME>(simd, &mut total, columns, coordinates);
    }
    for (columns, coordinates) in blocks {
        let mut part = [[Vector::<S, F>::splat(simd, F::default()); VECTORS]; CENTROIDS];
        add_products::<S, F, SOME>(simd, &mut part, columns, coordinates);
        for c in 0..SOME {
            for v in 0..VECTORS {
                total[c][v] = total[c][v] + part[c][v];
            }
        }
    }
    total
}

#[inline(always)]
fn add_products<S: Simd, F: Element, const SOME: usize>(
    simd: S,
    sum: &mut Scores<S, F>,
    columns: &[F],
    coordinates: &[F],
) {
    let len = Vector::<S, F>::LEN;
    for (x, coordinates) in columns.chunks_exact(VECTORS * len).zip(coordinates.as_chunks::<CENTROIDS>().0) {
        let (low, high) = (Vector::<S, F>::load(simd, x), Vector::<S, F>::load(simd, &x[len..]));
        for r in 0..SOME {
            let c = Vector::<S, F>::splat(simd, coordinates[r]);
            sum[r][0] = low.mul_add(c, sum[r][0]);
            sum[r][1] = high.mul_add(c, sum[r][1]);
        }
    }
}

/// The label of each row.
#[inline(never)]
pub(super) fn label<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    rows: &[F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) -> bool {
    let words = packed.words.as_ref().filter(|_| !scratch.coarse.paused());
    let mut sound = label_by::<S, F>(simd, packed, words, rows, scratch, labels);
    if words.is_some() && scratch.open.len() > FEW_OPEN + labels.len() / OPEN {
        scratch.open.clear();
        scratch.coarse.pause = PAUSE;
        sound = label_by::<S, F>(simd, packed, None, rows, scratch, labels);
    }
    settle(simd, packed, rows, scratch, labels);
    sound
}

/// The part of a chunk's rows that words may leave open, as one in so many, for such a row is looked at once more, in f64; and how many more, for a chunk may be
/// small.
const OPEN: usize = 8;
const FEW_OPEN: usize = 8;

/// The best centroid of each row by scores of words or of floats; what these do not certify is left open.
#[inline(never)]
fn label_by<S: Simd, F: Element>(
    simd: S,
    packed: &Packed<F>,
    words: Option<&Words>,
    rows: &[F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) -> bool {
    if const { !OPTIMISED } || scratch.rivals.is_empty() {
        apart(
            simd,
            #[inline(always)]
            || label_in::<S, F, 1>(simd, packed, words, rows, scratch, labels),
        )
    } else {
        apart(
            simd,
            #[inline(always)]
            || label_in::<S, F, CENTROIDS>(simd, packed, words, rows, scratch, labels),
        )
    }
}

/// The best scores of the rows of a tile in each track with their tags, and the second best.
struct Contest<V, const TRACKS: usize> {
    best: [[V; VECTORS]; TRACKS],
    second: [[V; VECTORS]; TRACKS],
    tag: [[V; VECTORS]; TRACKS],
}

/// Lets all centroids compete by scores in floats.
#[inline(always)]
fn compete<S: Simd, F: Element, const TRACKS: usize>(
    simd: S,
    packed: &Packed<F>,
    columns: &[F],
    mut meanwhile: impl FnMut(),
) -> Contest<Vector<S, F>, TRACKS> {
    let d = packed.d;
    let least = [Vector::<S, F>::splat(simd, F::neg_infinity()); VECTORS];
    let none = [Vector::<S, F>::splat(simd, F::default()); VECTORS];
    let (mut best, mut second, mut tag) = ([least; TRACKS], [least; TRACKS], [none; TRACKS]);
    for panel in packed.panels().chunks_exact(CENTROIDS * (d + 2)) {
        meanwhile();
        let scores = scores(simd, columns, panel, d);
        let tags = &panel[CENTROIDS * (d + 1)..];
        for v in 0..VECTORS {
            for c in 0..CENTROIDS {
                let (track, index) = (c % TRACKS, Vector::<S, F>::splat(simd, tags[c]));
                let score = scores[c][v];
                tag[track][v] = score.if_greater(best[track][v], index, tag[track][v]);
                second[track][v] = second[track][v].max(score.min(best[track][v]));
                best[track][v] = best[track][v].max(score);
            }
        }
    }
    Contest { best, second, tag }
}

/// The same by scores of words, for f32. What these are off by is added to the rows' own part of the margin.
#[inline(always)]
fn compete_by_words<S: Simd, F: Element, const TRACKS: usize>(
    simd: S,
    packed: &Packed<F>,
    words: &Words,
    (columns, norm): (&[F], [Vector<S, F>; VECTORS]),
    block: &mut words::Block,
    own: &mut [Vector<S, F>; VECTORS],
    meanwhile: impl FnMut(),
) -> Contest<Vector<S, F>, TRACKS> {
    let mut norms = [F::default(); VECTORS * MOST_LANES];
    for v in 0..VECTORS {
        norm[v].store(&mut norms[v * MOST_LANES..]);
    }
    // All of these are f32, so the first stay where they are, and the others are only copied.
    let [mut a, mut b] = [(); 2].map(|()| Vec::new());
    let (columns, norms) = (F::singles(columns, &mut a), F::singles(&norms, &mut b));
    let rows = words::Rows { columns, norms, d: packed.d };
    let mut tracks = [words::Track::default(); TRACKS];
    words.compete(simd, &rows, block, &mut tracks, meanwhile);
    let (number, tag) = (|x: f32| F::of(f64::from(x)), |tag: f32| F::tag(tag.untag()));
    let doubt = vectors(simd, &block.doubt, number);
    for v in 0..VECTORS {
        own[v] = own[v] + doubt[v];
    }
    let none = [[Vector::<S, F>::splat(simd, F::default()); VECTORS]; TRACKS];
    let mut contest = Contest { best: none, second: none, tag: none };
    for (t, track) in tracks.iter().enumerate() {
        contest.best[t] = vectors(simd, &track.best, number);
        contest.second[t] = vectors(simd, &track.second, number);
        contest.tag[t] = vectors(simd, &track.tag, tag);
    }
    contest
}

/// Vectors of what is made of the values.
#[inline(always)]
fn vectors<S: Simd, F: Element>(
    simd: S,
    values: &[f32; VECTORS * MOST_LANES],
    make: impl Fn(f32) -> F,
) -> [Vector<S, F>; VECTORS] {
    let mut vectors = [Vector::<S, F>::splat(simd, F::default()); VECTORS];
    for (vector, values) in vectors.iter_mut().zip(values.as_chunks::<MOST_LANES>().0) {
        let mut made = [F::default(); MOST_LANES];
        for (made, &value) in made.iter_mut().zip(values) {
            *made = make(value);
        }
        *vector = Vector::<S, F>::load(simd, &made);
    }
    vectors
}

/// With one track all centroids compete for the best and second best; with as many as a panel has centroids, those of each place in the panel compete among
/// themselves, and the best of the other tracks are the row's rivals. What scores do not certify is left open.
#[inline(always)]
fn label_in<S: Simd, F: Element, const TRACKS: usize>(
    simd: S,
    packed: &Packed<F>,
    words: Option<&Words>,
    rows: &[F],
    scratch: &mut Scratch<F>,
    labels: &mut [u32],
) -> bool {
    let (d, len) = (packed.d, Vector::<S, F>::LEN);
    let group = VECTORS * len;
    let mut sound = true;
    // The next rows come while these are worked on: a piece of them at each panel, or at each vector of words.
    let pieces = if words.is_some() { VECTORS * d.div_ceil(2) } else { packed.k.div_ceil(CENTROIDS) };
    for (g, labels) in labels.chunks_mut(group).enumerate() {
        let after = &rows[g * group * d..];
        let (rows, later) = after.split_at(labels.len() * d);
        let mut later = later[..later.len().min(group * d)].chunks((group * d).div_ceil(pieces));
        let meanwhile = || later.next().into_iter().for_each(fetch);
        let (columns, norm) = scratch.turned.turn(simd, &packed.frame, after);
        let mut own = norm;
        for own in &mut own {
            *own = packed.own_margin(simd, *own);
        }
        // Words are for these alone, and are not compiled for others.
        let contest = if const { Machine::possible::<Vector<S, F>>() && size_of::<F>() == size_of::<f32>() }
            && let Some(words) = words
        {
            let (turned, block) = ((columns, norm), &mut scratch.words);
            compete_by_words::<S, F, TRACKS>(simd, packed, words, turned, block, &mut own, meanwhile)
        } else {
            compete::<S, F, TRACKS>(simd, packed, columns, meanwhile)
        };
        let Contest { mut best, second, mut tag } = contest;
        // The tracks in falling order, by insertion.
        let mut floor = second[0];
        for v in 0..VECTORS {
            for t in 1..TRACKS {
                floor[v] = floor[v].max(second[t][v]);
                for at in (1..=t).rev() {
                    let (a, b) = (best[at - 1][v], best[at][v]);
                    let (tag_a, tag_b) = (tag[at - 1][v], tag[at][v]);
                    (tag[at - 1][v], tag[at][v]) =
                        (b.if_greater(a, tag_b, tag_a), b.if_greater(a, tag_a, tag_b));
                    (best[at - 1][v], best[at][v]) = (a.max(b), a.min(b));
                }
            }
        }
        let mut second = floor;
        if TRACKS > 1 {
            for v in 0..VECTORS {
                second[v] = floor[v].max(best[1][v]);
            }
        }
        let outcome = Outcome { norm, own, best: best[0], second, tag: tag[0] };
        sound &= conclude(simd, packed, rows, &outcome, g * group, scratch, labels);
        if TRACKS > 1 {
            keep_rivals(
                simd,
                packed,
                &outcome,
                &Tracks { best, tag, floor },
                g * group,
                scratch,
                labels.len(),
            );
        }
    }
    sound
}

/// Writes down the best of the other tracks, as far as they beat what is not the best of a track, and a bound for all others.
#[inline(always)]
fn keep_rivals<S: Simd, F: Element, const TRACKS: usize>(
    simd: S,
    packed: &Packed<F>,
    outcome: &Outcome<Vector<S, F>, VECTORS>,
    Tracks { best, tag, floor }: &Tracks<Vector<S, F>, TRACKS>,
    first: usize,
    scratch: &mut Scratch<F>,
    count: usize,
) {
    let len = Vector::<S, F>::LEN;
    let splat = |x: F| Vector::<S, F>::splat(simd, x);
    for v in 0..VECTORS {
        let (norm, own) = (outcome.norm[v], outcome.own[v]);
        let rest = floor[v].max(best[RIVALS + 1][v]) + own + splat(packed.most_slack);
        let first = first + v * len;
        (norm - rest * splat(F::of(2.0))).store(&mut scratch.rest_square[first..]);
        let mut tags = [[F::default(); MOST_LANES]; RIVALS + 1];
        let mut named = [u64::MAX; RIVALS + 1];
        for at in 0..=RIVALS {
            tag[at][v].store(&mut tags[at]);
            named[at] = best[at][v].greater(floor[v]);
        }
        let count = count.saturating_sub(v * len).min(len);
        for (i, rivals) in scratch.rivals.iter_mut().skip(first).take(count).enumerate() {
            for (at, rival) in (1..).zip(rivals) {
                *rival = if named[at] >> i & 1 == 1 { tags[at][i].untag() as u16 } else { NO_RIVAL };
            }
        }
    }
}
