//! The kernel: slices in, slices out. It knows rows, centroids and lanes, and nothing of k-means.
//!
//! # The nearest centroid, fast and exact
//!
//! The plain loop asks, for each of n rows, which of k centroids is nearest: n k d subtractions, squarings and
//! additions in f64. [`exact`] holds that loop; its answer *is* the label, ties to the lowest index. Everything else
//! here computes the same answer sooner:
//!
//! 1. **Scores instead of distances.** `|x - c|^2 = |x|^2 - 2 (x . c - |c|^2 / 2)`, and `|x|^2` is the same for every
//!    centroid, so the nearest centroid has the largest score `x . c - |c|^2 / 2`: one fused multiply-add per
//!    coordinate, with the accumulator started at `-|c|^2 / 2` so that nothing is left to subtract.
//! 2. **In the caller's type, at any lane width.** Scores are formed in f32 for f32 data, in whatever order suits the
//!    machine. They are therefore only approximate, and differ between machines.
//! 3. **Certified.** Every score comes with a proven bound on its error ([`pack`]). The kernel keeps the best and the
//!    second best score of a row; when they are further apart than the bound, the best one is the label. Otherwise
//!    the row's candidates within the bound are settled by the f64 distance ([`settle`]). So the label does not depend on the
//!    machine, and few rows need the second look.
//! 4. **Centred and scaled.** The scores lose accuracy when the data sits far from the origin, so rows and centroids
//!    are moved by a fixed offset and scaled by a power of two on their way into the kernel ([`pack::Frame`]).
//! 5. **Two shapes of one loop.** The rows lie in the lanes, so nothing is reduced across them. With few columns a group of rows stays in registers and meets one
//!    centroid after another ([`lanes`]); with many columns two vectors of rows meet six centroids ([`tile`]). Both end in [`settle`]. No n-by-k matrix ever exists.
//! 6. **Bytes before floats.** With more than 16 columns, on machines that multiply bytes fast, rows and centroids are rounded to bytes first, whose
//!    products are exact and several times cheaper. What rounding took is bounded, so most centroids are ruled out before a
//!    float is multiplied, and the best is measured as above ([`coarse`], [`bytes`], [`coarse_label`]).
//! 7. **Words between.** From 9 to 128 columns of f32, on the same machines, the tile's scores are formed of 16-bit words: with AVX-512 half the
//!    multiplications, exact, and rounded so little that hardly a row is left open ([`words`]).
//!
//! [`price`] knows what each way costs and takes the cheapest.
//!
//! # Doing less of it
//!
//! What the loop above computes can often be known without it, and stays exact because every shortcut is proven with outward rounding:
//!
//! * rows whose bounds outlive the centroids' moves are passed over ([`bounds`], [`drift`], [`doubt`]);
//! * with few columns, rows are put in order along a curve through space ([`curve`]) and cut into tiles ([`tiles`]), and a tile's box ([`boxes`]) answers for all its
//!   rows, in assignment ([`filter`]) and seeding ([`fence`]);
//! * labelled once, such rows are looked up in a grid whose cells know the centroids that may be nearest there ([`cells`]), or strip by strip where they come
//!   in a good order ([`strips`]);
//! * candidates of the seeding meet each row's distance so far as a threshold ([`screen`]).
//!
//! # Past a local minimum
//!
//! [`standing`] prices the move of any centroid to any row by what each row would lose or gain; [`trial`] finds out what comes of it, looking at rows near
//! both places only. Here f64 arithmetic in a fixed order is enough: what is found is a state, to be judged by the exact sums.
//!
//! # Sums that do not depend on order
//!
//! [`moments`] accumulates coordinates as integers on a grid fixed in advance. Integer addition is exact, so any
//! number of threads, any chunking, and adding or subtracting single rows give the same bits.
//!
//! # Why the work goes through `Element`
//!
//! The loops are compiled once here, for f32 and f64 and each SIMD level, as the methods of the sealed trait
//! [`Element`]. A user's crate links them instead of compiling them again, and
//! `[profile.dev.package.centroids] opt-level = 3` makes a debug build run at full speed.

mod ahead;
mod aligned;
pub(crate) mod approach;
pub(crate) mod assign;
pub(crate) mod block;
pub(crate) mod bounds;
mod boxes;
mod bytes;
mod cells;
mod coarse;
mod coarse_label;
pub(crate) mod codes;
pub(crate) mod costs;
mod curve;
mod digits;
mod dispatch;
pub(crate) mod distances;
pub(crate) mod double;
pub(crate) mod doubt;
pub(crate) mod drift;
mod element;
pub(crate) mod exact;
pub(crate) mod exchange;
pub(crate) mod fence;
pub(crate) mod filter;
pub(crate) mod fuzzy;
pub(crate) mod lanes;
pub(crate) mod manhattan;
mod margin;
pub(crate) mod means;
pub(crate) mod membership;
pub(crate) mod moments;
mod moves;
pub(crate) mod nearest_two;
pub(crate) mod pack;
pub(crate) mod par;
pub(crate) mod pieces;
mod price;
#[cfg(test)]
mod rounding_tests;
pub(crate) mod sampled;
pub(crate) mod screen;
mod settle;
pub(crate) mod silhouette;
pub(crate) mod single;
pub(crate) mod standing;
mod strips;
#[cfg(test)]
mod swap_tests;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod tile;
pub(crate) mod tile_labels;
pub(crate) mod tiles;
pub(crate) mod trial;
mod turned;
mod vector;
mod words;

#[allow(unreachable_pub)]
// A supertrait of the public `Float`, in a private module: that is what seals it.
pub use element::Element;
pub(crate) use element::Level;
