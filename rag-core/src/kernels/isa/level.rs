//! The matrix tile of each level, and what is written once for all and compiled for each by
//! `per_level!`.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "SIMD intrinsics behind run-time detection")
)]

use super::Portable;
use super::vectors::Vectors;
#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512};

/// Most rows of a tile at any level.
pub(crate) const MAX_ROWS: usize = 32;
/// Most columns of a tile at any level.
pub(crate) const MAX_COLUMNS: usize = 32;

/// Room for one tile; row `r` starts at `r * COLUMNS`.
pub(crate) type Tile = [f32; MAX_ROWS * MAX_COLUMNS];

/// The left-hand side of a tile's product: `rows` rows of words, of which row `r` begins at
/// `r * stride`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lhs<'a, W> {
    pub(crate) words: &'a [W],
    pub(crate) stride: usize,
    pub(crate) rows: usize,
}

impl<'a, W> Lhs<'a, W> {
    /// The first `depth` words of row `row`; of the last one for rows past it.
    #[inline(always)]
    pub(crate) fn row(self, row: usize, depth: usize) -> &'a [W] {
        &self.words[row.min(self.rows - 1) * self.stride..][..depth]
    }

    /// The `rows` rows from `top` on.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) fn part(self, top: usize, rows: usize) -> Self {
        Self { words: &self.words[top * self.stride..], rows, ..self }
    }
}

/// The right-hand side: a panel, which holds the words of all its columns for each of `depth`
/// steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rhs<'a, W> {
    pub(crate) words: &'a [W],
    pub(crate) depth: usize,
}

/// One level's arithmetic.
pub(crate) trait Simd: Vectors {
    /// Rows of a full tile.
    const ROWS: usize;
    /// Columns of a panel.
    const COLUMNS: usize;
    /// Products are fastest over a multiple of so many words.
    const STEPS: usize = 1;
    /// Rows are read in groups of so many: a product's rows should be followed by others, of any
    /// value, up to a whole group.
    const ROWS_READ: usize = 1;

    /// Writes the product of 1 to `ROWS` rows with a panel of `COLUMNS` columns into `out`.
    ///
    /// Each number of the result is summed over the steps in order, on its own, so it depends on
    /// its row and column alone.
    fn tile(self, lhs: Lhs<'_, f32>, rhs: Rhs<'_, f32>, out: &mut Tile);
}

/// Checks once what a tile then relies on for every access.
#[inline(always)]
pub(crate) fn check_tile<S: Simd, W>(lhs: Lhs<'_, W>, rhs: Rhs<'_, W>) {
    assert!((1..=S::ROWS).contains(&lhs.rows) && rhs.depth >= 1);
    assert!(lhs.stride >= rhs.depth);
    assert!(lhs.words.len() >= (lhs.rows - 1) * lhs.stride + rhs.depth);
    assert!(rhs.words.len() >= rhs.depth * S::COLUMNS);
}

/// Calls `$tile::<n>` for `n` rows, so that each height keeps its sums in registers.
#[cfg(target_arch = "x86_64")]
macro_rules! by_height {
    ($tile:path, ($lhs:expr, $rhs:expr, $out:expr), $($height:literal)*) => {{
        use $tile as tile;
        check_tile::<Self, _>($lhs, $rhs);
        match $lhs.rows {
            // SAFETY: the proof in `self` says that the CPU has the instructions; `check_tile`
            // checked the lengths.
            $($height => unsafe { tile::<$height>($lhs, $rhs, $out) },)*
            _ => unreachable!("checked by check_tile"),
        }
    }};
}
#[cfg(target_arch = "x86_64")]
pub(crate) use by_height;

/// A tile two registers wide.
#[cfg(target_arch = "x86_64")]
macro_rules! x86_tile {
    ($name:ident, $features:literal, $lanes:literal, $zero:ident, $load:ident, $splat:ident, $fma:ident, $store:ident) => {
        /// # Safety
        /// The CPU has the instructions; `lhs` holds `R` rows and `rhs` `depth` steps, as
        /// `check_tile` checks.
        #[target_feature(enable = $features)]
        unsafe fn $name<const R: usize>(lhs: Lhs<'_, f32>, rhs: Rhs<'_, f32>, out: &mut Tile) {
            use std::arch::x86_64::*;
            let (a, stride) = (lhs.words.as_ptr(), lhs.stride);
            let (b, depth) = (rhs.words.as_ptr(), rhs.depth);
            let mut sums = [[$zero(); 2]; R];
            for step in 0..depth {
                // SAFETY: `step < depth`, and `b` holds `depth` rows of two registers.
                let (left, right) = unsafe {
                    let row = b.add(step * 2 * $lanes);
                    ($load(row), $load(row.add($lanes)))
                };
                for (r, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: `r < R` and `step < depth`, inside `a` by this function's contract.
                    let value = $splat(unsafe { *a.add(r * stride + step) });
                    sum[0] = $fma(value, left, sum[0]);
                    sum[1] = $fma(value, right, sum[1]);
                }
            }
            for (row, sum) in out.chunks_exact_mut(2 * $lanes).zip(sums) {
                // SAFETY: `row` is two registers long.
                unsafe {
                    $store(row.as_mut_ptr(), sum[0]);
                    $store(row.as_mut_ptr().add($lanes), sum[1]);
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
x86_tile!(
    tile_avx512,
    "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma",
    16,
    _mm512_setzero_ps,
    _mm512_loadu_ps,
    _mm512_set1_ps,
    _mm512_fmadd_ps,
    _mm512_storeu_ps
);
#[cfg(target_arch = "x86_64")]
x86_tile!(
    tile_avx2,
    "avx2,fma",
    8,
    _mm256_setzero_ps,
    _mm256_loadu_ps,
    _mm256_set1_ps,
    _mm256_fmadd_ps,
    _mm256_storeu_ps
);

#[cfg(target_arch = "x86_64")]
impl Simd for Avx512 {
    const ROWS: usize = 12;
    const COLUMNS: usize = 32;

    #[inline(always)]
    fn tile(self, lhs: Lhs<'_, f32>, rhs: Rhs<'_, f32>, out: &mut Tile) {
        by_height!(tile_avx512, (lhs, rhs, out), 1 2 3 4 5 6 7 8 9 10 11 12);
    }
}

#[cfg(target_arch = "x86_64")]
impl Simd for Avx2 {
    const ROWS: usize = 6;
    const COLUMNS: usize = 16;

    #[inline(always)]
    fn tile(self, lhs: Lhs<'_, f32>, rhs: Rhs<'_, f32>, out: &mut Tile) {
        by_height!(tile_avx2, (lhs, rhs, out), 1 2 3 4 5 6);
    }
}

impl Simd for Portable {
    const ROWS: usize = 4;
    const COLUMNS: usize = 8;

    #[inline(always)]
    fn tile(self, lhs: Lhs<'_, f32>, rhs: Rhs<'_, f32>, out: &mut Tile) {
        check_tile::<Self, _>(lhs, rhs);
        let depth = rhs.depth;
        let mut sums = [[0.0f32; Portable::COLUMNS]; Portable::ROWS];
        // rows past the last repeat it; their sums are not written
        let row = |r: usize| lhs.row(r, depth);
        let (a0, a1, a2, a3) = (row(0), row(1), row(2), row(3));
        let panel = &rhs.words.as_chunks::<{ Portable::COLUMNS }>().0[..depth];
        for (step, b) in panel.iter().enumerate() {
            for (sum, value) in sums.iter_mut().zip([a0[step], a1[step], a2[step], a3[step]]) {
                for (sum, &b) in sum.iter_mut().zip(b) {
                    *sum = self.mul_add(value, b, *sum);
                }
            }
        }
        for (out, sum) in out.chunks_exact_mut(Portable::COLUMNS).zip(&sums[..lhs.rows]) {
            out.copy_from_slice(sum);
        }
    }
}

/// Declares a function that runs `$body(simd, args...)` compiled for the level it is given.
macro_rules! per_level {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? = $body:path) => {
        $(#[$doc])*
        #[allow(unsafe_code)]
        $vis fn $name(level: $crate::kernels::isa::Isa, $($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
            fn amx(simd: $crate::kernels::isa::amx::AmxTiles<'_>, $($arg: $type),*) $(-> $out)? {
                $body(simd, $($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
            fn avx512(simd: $crate::kernels::isa::Avx512, $($arg: $type),*) $(-> $out)? {
                $body(simd, $($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2(simd: $crate::kernels::isa::Avx2, $($arg: $type),*) $(-> $out)? {
                $body(simd, $($arg),*)
            }
            match level {
                #[cfg(target_arch = "x86_64")]
                $crate::kernels::isa::Isa::Amx(tiles) => {
                    let held = tiles.hold();
                    // SAFETY: tiles are permitted only beside AVX-512.
                    unsafe { amx(held.tiles(), $($arg),*) }
                }
                #[cfg(target_arch = "x86_64")]
                // SAFETY: `simd` is the proof that this CPU has these instructions.
                $crate::kernels::isa::Isa::Avx512(simd) => unsafe { avx512(simd, $($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                $crate::kernels::isa::Isa::Avx2(simd) => unsafe { avx2(simd, $($arg),*) },
                #[cfg(target_arch = "aarch64")]
                // the build target has NEON, so what is portable is compiled for it
                $crate::kernels::isa::Isa::Neon(_) | $crate::kernels::isa::Isa::NeonPlain(_) => {
                    $body($crate::kernels::isa::Portable, $($arg),*)
                }
                $crate::kernels::isa::Isa::Portable(simd) => $body(simd, $($arg),*),
            }
        }
    };
}
pub(crate) use per_level;
