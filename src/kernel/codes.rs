//! Labels as the caller wants them written.

use super::Level;
use super::dispatch::dispatch;
use super::par;

/// A number that labels can be written as: `u8`, `u16`, `u32`, `u64`, `usize`, `i32` or `i64`. Sealed. Where a model has more clusters
/// than the type has numbers, from 0 on, that is [`Error::NarrowLabels`](crate::Error::NarrowLabels).
///
/// ```
/// # let data = ndarray::array![[0.0], [1.0], [8.0], [9.0]];
/// let model = centroids::KMeans::new(2).fit(&data)?;
/// let mut codes = vec![0u8; 4];      // a byte a row, as codes of a product quantiser are kept
/// model.predict_into(&data, &mut codes)?;
/// assert!(model.labels().iter().zip(codes).all(|(&label, code)| label == usize::from(code)));
/// # Ok::<(), centroids::Error>(())
/// ```
pub trait Label: Copy {
    #[doc(hidden)]
    #[allow(missing_docs, reason = "sealed")]
    fn codes(room: &mut [Self]) -> Codes<'_>;
}

macro_rules! codes {
    ($($Variant:ident $type:ident),*) => {
        /// Room for labels, one a row.
        #[allow(missing_docs, reason = "no user can name it")]
        pub enum Codes<'a> {
            $($Variant(&'a mut [$type])),*
        }

        $(impl Label for $type {
            fn codes(room: &mut [Self]) -> Codes<'_> {
                Codes::$Variant(room)
            }
        })*

        impl<'a> Codes<'a> {
            pub(crate) fn len(&self) -> usize {
                match self {
                    $(Codes::$Variant(room) => room.len()),*
                }
            }

            /// The largest label that has room.
            pub(crate) fn largest(&self) -> usize {
                match self {
                    $(Codes::$Variant(_) => usize::try_from($type::MAX).unwrap_or(usize::MAX)),*
                }
            }

            fn split_at(self, n: usize) -> (Self, Self) {
                match self {
                    $(Codes::$Variant(room) => {
                        let (first, rest) = room.split_at_mut(n);
                        (Codes::$Variant(first), Codes::$Variant(rest))
                    }),*
                }
            }

            /// Fills the room with labels, of which none may be larger than the [`largest`](Self::largest).
            #[allow(clippy::cast_lossless, reason = "one cast for all types")]
            pub(crate) fn write(self, level: Level, labels: &[u32]) {
                match self {
                    $(Codes::$Variant(room) => dispatch!(
                        level,
                        _simd => room.iter_mut().zip(labels).for_each(|(code, &label)| *code = label as $type)
                    )),*
                }
            }
        }
    };
}

codes!(U8 u8, U16 u16, U32 u32, U64 u64, Usize usize, I32 i32, I64 i64);

impl<'a> Codes<'a> {
    /// Room for n labels at a time.
    pub(super) fn chunks(self, n: usize) -> impl Iterator<Item = Codes<'a>> + Send {
        let mut rest = Some(self);
        std::iter::from_fn(move || {
            let room = rest.take().filter(|room| room.len() > 0)?;
            let n = room.len().min(n);
            let (first, after) = room.split_at(n);
            rest = Some(after);
            Some(first)
        })
    }
}

/// The labels as the models have them.
pub(crate) fn widen(labels: &[u32]) -> Vec<usize> {
    const CHUNK: usize = 1 << 16;
    let mut wide = vec![0; labels.len()];
    let mut workers = vec![(); par::workers_for(par::fresh(size_of_val(&*wide)))];
    let pieces = usize::codes(&mut wide).chunks(CHUNK).zip(labels.chunks(CHUNK));
    par::share(&mut workers, pieces, |(), (wide, labels)| wide.write(Level::new(), labels));
    wide
}
