//! Fuzzy memberships of rows, from their squared distances to the centroids.
//!
//! With `D_j` the squared distance of a row to centroid j, `D` the smallest of them, and p = 1 / (m - 1), the memberships of fuzzy
//! c-means are `u_j = r_j / S` with `r_j = (D / D_j)^p` and `S = sum of r_j` (Bezdek 1981, theorem 11.1). Ratios to the nearest are at
//! most 1, so nothing overflows however far the row is. Where D is 0 the rows on a centroid share the membership: the ratios are then 1 or 0.
//!
//! The row's part of the objective, `sum of u_j^m D_j`, is `D S^(1-m)`, because `r_j^m D_j = D r_j`: all terms are at most D.
//!
//! For m = 3/2, 2 and 3 the powers are products and square roots, and lanes do them. Otherwise they go through logarithms:
//! `L_j = ln(D_j / D)`, by `ln_1p` where the two are close (m near 1 multiplies `L_j` by a large p) and as a difference of logarithms
//! where they are not (the quotient might overflow).
//! `ln S` is `ln k + ln_1p(mean of (r_j - 1))`, which keeps what tells rows apart when m is large and every `r_j` is close to 1.
//!
//! Exponentials and logarithms are those of the `libm` crate, for those of the platform differ in the last bit.

use super::block::{Lanes, ROWS};

/// The fuzzifier m, and p.
#[derive(Clone, Copy)]
pub(crate) struct Fuzzifier {
    pub(super) m: f64,
    pub(super) p: f64,
    pub(super) form: Form,
}

/// How memberships are computed.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Form {
    /// By division, products and square roots.
    Power(Power),
    /// By logarithms.
    Logarithms,
}

/// Fuzzifiers whose powers need no logarithm.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Power {
    ThreeHalves,
    Two,
    Three,
}

impl Power {
    /// `ratio^p`
    #[inline(always)]
    fn of_ratio(self, ratio: f64) -> f64 {
        match self {
            Power::ThreeHalves => ratio * ratio,
            Power::Two => ratio,
            Power::Three => ratio.sqrt(),
        }
    }

    /// `u^m`
    #[inline(always)]
    pub(super) fn of_membership(self, u: f64) -> f64 {
        match self {
            Power::ThreeHalves => u * u.sqrt(),
            Power::Two => u * u,
            Power::Three => u * u * u,
        }
    }

    /// `S^(1 - m)`, from `1 / S`.
    #[inline(always)]
    pub(super) fn of_inverse(self, inverse: f64) -> f64 {
        match self {
            Power::ThreeHalves => inverse.sqrt(),
            Power::Two => inverse,
            Power::Three => inverse * inverse,
        }
    }
}

impl Fuzzifier {
    pub(crate) fn new(m: f64) -> Self {
        let form = match m {
            1.5 => Form::Power(Power::ThreeHalves),
            2.0 => Form::Power(Power::Two),
            3.0 => Form::Power(Power::Three),
            _ => Form::Logarithms,
        };
        Fuzzifier { m, p: 1.0 / (m - 1.0), form }
    }
}

/// The smallest distance of each row.
#[inline(always)]
fn nearest(distances: &[Lanes]) -> Lanes {
    let mut near = [f64::INFINITY; ROWS];
    for distances in distances {
        for (near, &distance) in near.iter_mut().zip(distances) {
            *near = if distance < *near { distance } else { *near };
        }
    }
    near
}

/// Makes ratios of distances. Returns the nearest distance and the sum of the ratios.
#[inline(always)]
pub(super) fn divide(power: Power, ratios: &mut [Lanes]) -> (Lanes, Lanes) {
    let near = nearest(ratios);
    let mut sum = [0.0; ROWS];
    for ratios in ratios {
        for i in 0..ROWS {
            let ratio = power.of_ratio(near[i] / ratios[i]);
            ratios[i] = if ratios[i] == near[i] { 1.0 } else { ratio };
            sum[i] += ratios[i];
        }
    }
    (near, sum)
}

/// Makes `p ln(D_j / D)` of distances. Returns the nearest distance, and `ln(S / k)`.
#[inline(always)]
pub(super) fn logarithms(fuzzifier: Fuzzifier, logs: &mut [Lanes]) -> (Lanes, Lanes) {
    let near = nearest(logs);
    let log_near = near.map(libm::log);
    let mut less = [0.0; ROWS];
    for logs in logs.iter_mut() {
        for i in 0..ROWS {
            let distance = logs[i];
            let log = if distance == near[i] {
                0.0
            } else if distance < 2.0 * near[i] {
                libm::log1p((distance - near[i]) / near[i])
            } else {
                libm::log(distance) - log_near[i]
            };
            logs[i] = fuzzifier.p * log;
            less[i] += libm::expm1(-logs[i]);
        }
    }
    (near, less.map(|less| libm::log1p(less / logs.len() as f64)))
}

/// Replaces squared distances by memberships.
#[inline(always)]
pub(super) fn memberships(fuzzifier: Fuzzifier, ratios: &mut [Lanes]) {
    let k = ratios.len() as f64;
    if let Form::Power(power) = fuzzifier.form {
        let (_, sum) = divide(power, ratios);
        ratios.iter_mut().for_each(|ratios| (0..ROWS).for_each(|i| ratios[i] /= sum[i]));
    } else {
        let (_, log_sum) = logarithms(fuzzifier, ratios);
        let sum = log_sum.map(|log| libm::exp(log) * k);
        ratios.iter_mut().for_each(|logs| {
            // Rounding could take it past 1.
            (0..ROWS).for_each(|i| logs[i] = (libm::exp(-logs[i]) / sum[i]).min(1.0));
        });
    }
}
