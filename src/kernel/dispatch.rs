//! What loops are compiled for: SIMD levels, and numbers of columns.
//!
//! Without optimisation neither wide vectors nor constants gain anything, but all that is compiled takes time, in each debug build of a user's crate. There AVX2 and SSE2 are all
//! levels, one loop serves every number of columns where it can, and floats serve for words and bytes: half of the code, with the same results.

/// Whether this crate is built with optimisation (the cfg is `src/build.rs`'s).
pub(super) const OPTIMISED: bool = !cfg!(unoptimised);

/// Does the work with the vectors of a level, in a function that has its instructions. On x86-64 a CPU without AVX2 is served by SSE2: a fit takes 0.97 to 1.13 of the time that it takes
/// with SSE4.2, and a level more is a tenth of the time to compile. The cfgs `disable_dispatch_*` are those of `fearless_simd`, which leave out a level.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
macro_rules! dispatch {
    ($level:expr, $simd:pat => $work:expr) => {{
        macro_rules! with {
            ($token:expr) => {{
                let token = $token;
                let $simd = token;
                fearless_simd::Simd::vectorize(
                    token,
                    #[inline(always)]
                    || $work,
                )
            }};
        }
        let level = $level;
        #[cfg(any(unoptimised, disable_dispatch_avx512))]
        let level = level.as_avx2().map_or(level, fearless_simd::Level::Avx2);
        match level {
            #[cfg(not(any(unoptimised, disable_dispatch_avx512)))]
            fearless_simd::Level::Avx512(avx512) => with!(avx512),
            #[cfg(not(disable_dispatch_avx2))]
            fearless_simd::Level::Avx2(avx2) => with!(avx2),
            // Only tests ask for it: `Level::new` finds SSE2 at least.
            #[cfg(test)]
            fearless_simd::Level::Fallback(scalar) => with!(scalar),
            level => with!(level.as_sse2().expect("no level of x86-64 lacks it")),
        }
    }};
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
macro_rules! dispatch {
    ($level:expr, $simd:pat => $work:expr) => {
        fearless_simd::dispatch!($level, $simd => $work)
    };
}

/// Loops without vectors of their own, which the compiler makes vectors of: compiled for AVX2, and once for all that lacks it. Without optimisation there are no vectors to make.
macro_rules! plain {
    ($level:expr, $work:expr) => {{
        #[cfg(all(not(unoptimised), any(target_arch = "x86", target_arch = "x86_64")))]
        if let Some(avx2) = $level.as_avx2() {
            return fearless_simd::Simd::vectorize(
                avx2,
                #[inline(always)]
                || $work,
            );
        }
        let _ = $level;
        $work
    }};
}

/// Code for some numbers of columns as constants, of which the optimiser makes straight code; or for any other number.
macro_rules! by_columns {
    ($d:expr, [$($few:literal)*], $D:ident => $straight:expr, else $any:expr) => {
        match $d {
            $($few if const { $crate::kernel::dispatch::OPTIMISED } => {
                const $D: usize = $few;
                $straight
            })*
            _ => $any,
        }
    };
}

pub(super) use {by_columns, dispatch, plain};
