//! Buffers that begin at a cache line. Allocators begin large blocks 16 bytes past one, and then each vector of 64 bytes lies in two lines and is loaded twice.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line.
const LINE: usize = 64;

/// Values from the start of a cache line on.
#[derive(Default)]
pub(crate) struct Aligned<T> {
    /// Longer than needed, for the start of a line to be among the first values.
    held: Vec<T>,
    first: usize,
    len: usize,
}

/// Values that may precede the start of a line.
const fn spare<T>() -> usize {
    const { assert!(LINE.is_multiple_of(size_of::<T>()), "values that fill a line") };
    LINE / size_of::<T>() - 1
}

impl<T: Copy + Default> Aligned<T> {
    pub(super) fn new(len: usize) -> Self {
        let held = vec![T::default(); len + spare::<T>()];
        Aligned { first: held.as_ptr().align_offset(LINE).min(spare::<T>()), held, len }
    }

    /// Makes room for so many values. Those held before may be lost.
    pub(super) fn fit(&mut self, len: usize) {
        if self.first + len > self.held.len() {
            *self = Self::new(len);
        }
        self.len = len;
    }
}

impl<T: Clone> From<&[T]> for Aligned<T> {
    fn from(values: &[T]) -> Self {
        let mut held: Vec<T> = Vec::with_capacity(values.len() + spare::<T>());
        // Places before the start of the line hold anything.
        let before = held.as_ptr().align_offset(LINE).min(spare::<T>());
        held.extend(values.iter().cycle().take(before).cloned());
        let first = held.len();
        held.extend_from_slice(values);
        Aligned { held, first, len: values.len() }
    }
}

impl<T: Clone> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.held[self.first..][..self.len]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.held[self.first..][..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts_a_line<T: Copy + Default + PartialEq + std::fmt::Debug>(one: T) {
        for len in [1, 7, 64, 1000, 100_000] {
            let mut aligned = Aligned::<T>::new(len);
            aligned.fill(one);
            let copy = aligned.clone();
            assert_eq!((&*aligned, &*copy), (&*vec![one; len], &*vec![one; len]));
            aligned.fit(2 * len);
            assert_eq!(aligned.len(), 2 * len);
            for start in [aligned.as_ptr(), copy.as_ptr(), Aligned::from(&*copy).as_ptr()] {
                assert_eq!(start.addr() % LINE, 0, "{len} values");
            }
        }
    }

    #[test]
    fn buffers_start_a_cache_line() {
        assert!(Aligned::<f32>::from(&[][..]).clone().is_empty());
        starts_a_line(1u8);
        starts_a_line(1.0f32);
        starts_a_line(1.0f64);
    }
}
