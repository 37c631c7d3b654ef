//! Pairs of floats, for the few places where 53 bits are too few.

/// A float as the sum of two of at most 26 bits each.
#[inline(always)]
fn split(x: f64) -> (f64, f64) {
    let wide = 134_217_729.0 * x;
    let high = wide - (wide - x);
    (high, x - high)
}

/// `high + low`, unevaluated: about 106 bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Double {
    pub high: f64,
    pub low: f64,
}

impl Double {
    pub(crate) const ZERO: Double = Double { high: 0.0, low: 0.0 };

    #[inline(always)]
    pub(crate) fn of(value: f64) -> Self {
        Double { high: value, low: 0.0 }
    }

    #[inline(always)]
    pub(super) fn sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let part = high - a;
        Double { high, low: (a - (high - part)) + (b - part) }
    }

    /// Dekker's product: exact, and the same on machines without fused multiply-add.
    #[inline(always)]
    pub(super) fn product(a: f64, b: f64) -> Self {
        let ((a_high, a_low), (b_high, b_low)) = (split(a), split(b));
        let high = a * b;
        Double { high, low: a_low * b_low - (((high - a_high * b_high) - a_low * b_high) - a_high * b_low) }
    }

    #[inline(always)]
    pub(crate) fn plus(self, other: Double) -> Self {
        let sum = Self::sum(self.high, other.high);
        Self::sum(sum.high, sum.low + (self.low + other.low))
    }

    #[inline(always)]
    pub(super) fn less(self, value: f64) -> Self {
        self.plus(Double::of(-value))
    }

    #[inline(always)]
    pub(crate) fn times(self, other: Double) -> Self {
        let product = Self::product(self.high, other.high);
        Self::sum(product.high, product.low + (self.high * other.low + self.low * other.high))
    }

    #[inline(always)]
    pub(crate) fn over(self, other: Double) -> Self {
        let first = self.high / other.high;
        let back = Self::product(first, other.high);
        let rest = ((self.high - back.high) - back.low) + (self.low - first * other.low);
        Self::sum(first, rest / other.high)
    }

    #[inline(always)]
    pub(crate) fn value(self) -> f64 {
        self.high + self.low
    }
}
