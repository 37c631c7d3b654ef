//! What the benches share: clocks, the peak of the machine, and data, generated, so that they need no files.
#![allow(
    missing_docs,
    clippy::must_use_candidate,
    clippy::missing_panics_doc,
    reason = "only the benches see it"
)]

use centroids::SeededRng;
use fearless_simd::{Level, Simd, SimdBase, SimdFloat, SimdFloatElement, dispatch};
use ndarray::{Array2, Axis};
use std::hint::black_box;
use std::time::Instant;

/// What the rows look like.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Round groups, as many as given, that overlap a little.
    Groups(usize),
    /// No structure: nothing can be pruned.
    Uniform,
    /// As embeddings: unit rows of 400 overlapping topics, whose variance falls from direction to direction.
    Embeddings,
}

pub struct Shape {
    pub name: &'static str,
    pub kind: Kind,
    pub n: usize,
    pub d: usize,
    pub k: usize,
}

/// The shapes of the README.
pub const SHAPES: [Shape; 10] = [
    shape("groups", Kind::Groups(50), 1_000_000, 2, 50),
    shape("groups", Kind::Groups(50), 1_000_000, 2, 1000),
    shape("colours", Kind::Groups(300), 273_280, 3, 16),
    shape("colours", Kind::Groups(300), 273_280, 3, 256),
    shape("groups", Kind::Groups(100), 200_000, 16, 100),
    shape("uniform", Kind::Uniform, 100_000, 64, 256),
    shape("groups", Kind::Groups(256), 100_000, 128, 256),
    shape("embeddings", Kind::Embeddings, 60_000, 384, 128),
    shape("embeddings", Kind::Embeddings, 60_000, 384, 1024),
    shape("groups", Kind::Groups(512), 50_000, 768, 512),
];

const fn shape(name: &'static str, kind: Kind, n: usize, d: usize, k: usize) -> Shape {
    Shape { name, kind, n, d, k }
}

impl Shape {
    pub fn rows(&self) -> Array2<f32> {
        let mut rng = SeededRng::new(1);
        let mut normal = move || (0..4).map(|_| rng.uniform() as f32 - 0.5).sum::<f32>() * 1.7;
        let (n, d) = (self.n, self.d);
        match self.kind {
            Kind::Uniform => {
                let mut rng = SeededRng::new(1);
                Array2::from_shape_fn((n, d), |_| rng.uniform() as f32)
            }
            Kind::Groups(groups) => {
                let centres = Array2::from_shape_fn((groups, d), |_| 4.0 * normal());
                Array2::from_shape_fn((n, d), |(i, t)| centres[[i * 7919 % groups, t]] + normal())
            }
            Kind::Embeddings => {
                let scale: Vec<f32> = (0..d).map(|t| 1.0 / (1.0 + t as f32 / 12.0)).collect();
                let topics = Array2::from_shape_fn((400, d), |(_, t)| scale[t] * normal());
                let mut rows = Array2::from_shape_fn((n, d), |(i, t)| {
                    topics[[i * 7919 % 400, t]] + 0.7 * scale[t] * normal()
                });
                for mut row in rows.rows_mut() {
                    let length = row.dot(&row).sqrt();
                    row.mapv_inplace(|x| x / length);
                }
                rows
            }
        }
    }

    /// One row out of each of k equal parts.
    pub fn start(&self, rows: &Array2<f32>) -> Array2<f32> {
        let (mut rng, part) = (SeededRng::new(2), self.n / self.k);
        let chosen: Vec<usize> = (0..self.k).map(|j| j * part + rng.below(part)).collect();
        rows.select(Axis(0), &chosen)
    }
}

pub fn seconds<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let clock = Instant::now();
    let result = black_box(work());
    (clock.elapsed().as_secs_f64(), result)
}

/// Whether a name was asked for on the command line; all are if none was.
pub fn wanted(name: &str) -> bool {
    let asked: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    asked.is_empty() || asked.iter().any(|part| name.contains(part.as_str()))
}

/// Floating-point operations of one call: 2 per lane and fused multiply-add.
pub fn multiply_adds<F: SimdFloatElement>(rounds: usize) -> f64 {
    #[inline(always)]
    fn run<S: Simd, F: SimdFloatElement>(simd: S, rounds: usize) -> f64 {
        const CHAINS: usize = 12;
        let one = F::from(1i8);
        let mut sums: [F::Native<S>; CHAINS] = [F::Native::<S>::splat(simd, one); CHAINS];
        let (x, y) =
            (F::Native::<S>::splat(simd, black_box(one)), F::Native::<S>::splat(simd, black_box(one)));
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = x.mul_add(y, *sum);
            }
        }
        black_box(sums);
        (2 * rounds * CHAINS * F::Native::<S>::LEN) as f64
    }
    dispatch!(Level::new(), simd => run::<_, F>(simd, rounds))
}

/// Operations a second of all threads at once that do nothing but fused multiply-adds of f32: what bounds the scores of many columns.
pub fn peak() -> f64 {
    const ROUNDS: usize = 2_000_000;
    let (time, operations) = seconds(|| rayon::broadcast(|_| multiply_adds::<f32>(ROUNDS)));
    operations.iter().sum::<f64>() / time
}
