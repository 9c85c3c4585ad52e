//! Which vector instructions this CPU has, and the matrix tile written for each.
//!
//! A value of [`Avx512`] or [`Avx2`] is the proof that the CPU was asked: only [`Level::detect`] makes one.
//! Everything else in the engine is plain Rust, compiled once per level by `per_level!`.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "SIMD intrinsics behind run-time detection")
)]

use super::KernelLevel;
use super::vectors::Vectors;
#[cfg(target_arch = "x86_64")]
use crate::kernels::gemm::amx::Permitted;

/// Most rows of a tile at any level.
pub(crate) const MAX_ROWS: usize = 32;
/// Most columns of a tile at any level.
pub(crate) const MAX_COLUMNS: usize = 32;

/// Room for one tile; row `r` starts at `r * COLUMNS`.
pub(crate) type Tile = [f32; MAX_ROWS * MAX_COLUMNS];

/// The left-hand side of a tile's product: `rows` rows of words, of which row `r` begins at `r * stride`.
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
    #[inline(always)]
    pub(crate) fn part(self, top: usize, rows: usize) -> Self {
        Self { words: &self.words[top * self.stride..], rows, ..self }
    }
}

/// The right-hand side: a panel, which holds the words of all its columns for each of `depth` steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rhs<'a, W> {
    pub(crate) words: &'a [W],
    pub(crate) depth: usize,
}

/// The instructions used. Results differ in the last bits between levels, never within one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// The same with tiles for bf16 and bytes (AMX).
    #[cfg(target_arch = "x86_64")]
    Amx(Permitted),
    /// AVX-512 F, VL, BW, DQ.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// Whatever the build target guarantees.
    Portable(Portable),
}

impl Level {
    /// The best level this CPU runs.
    #[cfg(test)]
    pub(crate) fn detect() -> Self {
        Self::available()[0]
    }

    /// The level asked for, or the best; `None` if this CPU does not run it.
    pub(crate) fn of(wanted: Option<KernelLevel>) -> Option<Self> {
        // what is portable here is compiled for NEON on AArch64
        let same = |wanted: KernelLevel, level: &Self| {
            let is_neon = cfg!(target_arch = "aarch64") && wanted == KernelLevel::Neon;
            wanted.name() == level.name() || is_neon && matches!(level, Self::Portable(_))
        };
        let fits = |level: &Self| wanted.is_none_or(|wanted| same(wanted, level));
        Self::available().into_iter().find(fits)
    }

    /// `"amx"`, `"avx512"`, `"avx2"` or `"portable"`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Level::Amx(_) => "amx",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) => "avx2",
            Level::Portable(_) => "portable",
        }
    }

    /// Every level this CPU runs, best first.
    pub(crate) fn available() -> Vec<Self> {
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq");
            if avx512 && avx2 {
                levels.extend(Permitted::detect(Avx512(())).map(Level::Amx));
                levels.push(Level::Avx512(Avx512(())));
            }
            if avx2 {
                levels.push(Level::Avx2(Avx2(())));
            }
        }
        levels.push(Level::Portable(Portable(())));
        levels
    }

    /// Columns of one packed panel of weights.
    pub(crate) fn columns(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Level::Amx(_) | Level::Avx512(_) => Avx512::COLUMNS,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) => Avx2::COLUMNS,
            Level::Portable(_) => Portable::COLUMNS,
        }
    }

    /// The vectors of this level alone: there are no tiles for f32.
    pub(crate) fn vectors(self) -> Self {
        match self {
            #[cfg(target_arch = "x86_64")]
            Level::Amx(tiles) => Level::Avx512(tiles.vectors()),
            other => other,
        }
    }
}

/// One level's arithmetic.
pub(crate) trait Simd: Vectors {
    /// Rows of a full tile.
    const ROWS: usize;
    /// Columns of a panel.
    const COLUMNS: usize;
    /// Products are fastest over a multiple of so many words.
    const STEPS: usize = 1;
    /// Rows are read in groups of so many: a product's rows should be followed by others, of any value, up to a whole
    /// group.
    const ROWS_READ: usize = 1;

    /// `a * b + c`, fused where the hardware does it at full speed.
    fn mul_add(self, a: f32, b: f32, c: f32) -> f32;

    /// Writes the product of 1 to `ROWS` rows with a panel of `COLUMNS` columns into `out`.
    ///
    /// Each number of the result is summed over the steps in order, on its own, so it depends on its row and column
    /// alone.
    fn tile(self, lhs: Lhs<'_, f32>, rhs: Rhs<'_, f32>, out: &mut Tile);
}

/// Proof that this CPU has AVX-512.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx512(());

/// Proof that this CPU also multiplies bf16 pairs (`vdpbf16ps`).
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx512Bf16(());

/// Proof that this CPU also multiplies int8 quadruples (`vpdpbusd`).
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx512Vnni(());

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    /// Whether the CPU has AVX512-BF16.
    pub(crate) fn bf16(self) -> Option<Avx512Bf16> {
        is_x86_feature_detected!("avx512bf16").then_some(Avx512Bf16(()))
    }

    /// Whether the CPU has AVX512-VNNI.
    pub(crate) fn vnni(self) -> Option<Avx512Vnni> {
        is_x86_feature_detected!("avx512vnni").then_some(Avx512Vnni(()))
    }
}

/// Proof that this CPU has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx2(());

/// Needs no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Portable(());

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
            // SAFETY: the proof in `self` says that the CPU has the instructions; `check_tile` checked the lengths.
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
        /// The CPU has the instructions; `lhs` holds `R` rows and `rhs` `depth` steps, as `check_tile` checks.
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
    fn mul_add(self, a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

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
    fn mul_add(self, a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn tile(self, lhs: Lhs<'_, f32>, rhs: Rhs<'_, f32>, out: &mut Tile) {
        by_height!(tile_avx2, (lhs, rhs, out), 1 2 3 4 5 6);
    }
}

impl Simd for Portable {
    const ROWS: usize = 4;
    const COLUMNS: usize = 8;

    #[inline(always)]
    fn mul_add(self, a: f32, b: f32, c: f32) -> f32 {
        // elsewhere `f32::mul_add` may be a library call
        if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
            a.mul_add(b, c)
        } else {
            a * b + c
        }
    }

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
        $vis fn $name(level: $crate::kernels::isa::level::Level, $($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
            fn amx(simd: $crate::kernels::gemm::amx::Amx<'_>, $($arg: $type),*) $(-> $out)? {
                $body(simd, $($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
            fn avx512(simd: $crate::kernels::isa::level::Avx512, $($arg: $type),*) $(-> $out)? {
                $body(simd, $($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2(simd: $crate::kernels::isa::level::Avx2, $($arg: $type),*) $(-> $out)? {
                $body(simd, $($arg),*)
            }
            match level {
                #[cfg(target_arch = "x86_64")]
                $crate::kernels::isa::level::Level::Amx(tiles) => {
                    let held = tiles.hold();
                    // SAFETY: tiles are permitted only beside AVX-512.
                    unsafe { amx(held.simd(), $($arg),*) }
                }
                #[cfg(target_arch = "x86_64")]
                // SAFETY: `simd` is the proof that this CPU has these instructions.
                $crate::kernels::isa::level::Level::Avx512(simd) => unsafe { avx512(simd, $($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                $crate::kernels::isa::level::Level::Avx2(simd) => unsafe { avx2(simd, $($arg),*) },
                $crate::kernels::isa::level::Level::Portable(simd) => $body(simd, $($arg),*),
            }
        }
    };
}
pub(crate) use per_level;
