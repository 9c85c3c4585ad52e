//! What this CPU has, asked in one place, and sixteen numbers at a time: the arithmetic under the
//! decoder's kernels, written once per instruction set.
//!
//! Every level works on sixteen lanes in the same order, so results differ between levels only
//! where the portable one has no fused multiply-add. Kernels are generic over [`Lanes`] and
//! compiled per level.
#![expect(
    unsafe_code,
    reason = "pointers into checked slices, and calls behind run-time detection"
)]

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
pub(crate) mod level;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
pub(crate) mod vectors;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::options::words;

#[cfg(target_arch = "x86_64")]
use self::amx::Amx;
#[cfg(target_arch = "aarch64")]
pub(crate) use self::neon::Neon;
pub(crate) use self::portable::Portable;
#[cfg(target_arch = "x86_64")]
pub(crate) use self::x86::{Avx2, Avx512};

/// Lanes of every vector here.
pub(crate) const LANES: usize = 16;

words! {
    /// The instructions that encoders and generators use, best first.
    pub enum KernelLevel("level") {
        /// AVX-512 with its bf16 and bytes, and matrix tiles (AMX) for an encoder in bf16 or int8.
        /// Generators run AVX-512.
        Amx = "amx",
        /// AVX-512 F, VL, BW, DQ and VNNI.
        Avx512 = "avx512",
        /// AVX2, FMA and F16C.
        Avx2 = "avx2",
        /// NEON, with dot products of bytes where the CPU has them.
        Neon = "neon",
        /// Whatever the build target guarantees.
        Portable = "portable",
    }
}

impl KernelLevel {
    /// The best level this CPU runs.
    #[must_use]
    pub fn detect() -> Self {
        Isa::detect().level()
    }

    /// Whether this CPU runs it.
    #[must_use]
    pub fn is_available(self) -> bool {
        Isa::of(Some(self)).is_some()
    }
}

/// Instructions that this CPU has: only asking it makes a value. Results differ in the last bits
/// between levels, never within one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Isa {
    /// AVX-512 with its bf16, and tiles for bf16 and bytes.
    #[cfg(target_arch = "x86_64")]
    Amx(Amx),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "aarch64")]
    Neon(Neon<true>),
    #[cfg(target_arch = "aarch64")]
    NeonPlain(Neon<false>),
    Portable(Portable),
}

impl Isa {
    /// The best of this CPU.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(amx) = Avx512::detect().and_then(Amx::detect) {
            return Self::Amx(amx);
        }
        Self::detect_vectors()
    }

    /// The best vectors of this CPU, whether or not it has tiles; cheap enough to be asked for each
    /// dot product.
    pub(crate) fn detect_vectors() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(vectors) = Avx512::detect() {
                return Self::Avx512(vectors);
            }
            if let Some(vectors) = Avx2::detect() {
                return Self::Avx2(vectors);
            }
            Self::Portable(Portable)
        }
        #[cfg(target_arch = "aarch64")]
        {
            Neon::detect().map_or(Self::NeonPlain(Neon::PLAIN), Self::Neon)
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        {
            Self::Portable(Portable)
        }
    }

    /// All that this CPU runs, best first.
    pub(crate) fn available() -> Vec<Self> {
        let mut all = Vec::with_capacity(4);
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(Avx512::detect().and_then(Amx::detect).map(Self::Amx));
            all.extend(Avx512::detect().map(Self::Avx512));
            all.extend(Avx2::detect().map(Self::Avx2));
        }
        #[cfg(target_arch = "aarch64")]
        {
            all.extend(Neon::detect().map(Self::Neon));
            all.push(Self::NeonPlain(Neon::PLAIN));
        }
        all.push(Self::Portable(Portable));
        all
    }

    /// The level asked for, or the best; `None` if this CPU does not run it.
    pub(crate) fn of(wanted: Option<KernelLevel>) -> Option<Self> {
        let fits = |isa: &Self| wanted.is_none_or(|wanted| wanted == isa.level());
        Self::available().into_iter().find(fits)
    }

    /// Its public name.
    pub(crate) fn level(self) -> KernelLevel {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Amx(_) => KernelLevel::Amx,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => KernelLevel::Avx512,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => KernelLevel::Avx2,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) | Self::NeonPlain(_) => KernelLevel::Neon,
            Self::Portable(_) => KernelLevel::Portable,
        }
    }

    /// The same without tiles: there are none for f32, nor for a decoder.
    pub(crate) fn vectors(self) -> Self {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Amx(tiles) => Self::Avx512(tiles.vectors()),
            other => other,
        }
    }

    /// Columns of one packed panel of an encoder's weights.
    pub(crate) fn columns(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Amx(_) | Self::Avx512(_) => <Avx512 as level::Simd>::COLUMNS,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => <Avx2 as level::Simd>::COLUMNS,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) | Self::NeonPlain(_) => <Portable as level::Simd>::COLUMNS,
            Self::Portable(_) => <Portable as level::Simd>::COLUMNS,
        }
    }

    /// Whether products of bf16 are faster than those of f32.
    pub(crate) fn multiplies_bf16(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Amx(_) => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(vectors) => vectors.has_bf16(),
            _ => false,
        }
    }

    /// Whether bytes are multiplied four at a time, without saturation.
    pub(crate) fn multiplies_bytes(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Amx(_) | Self::Avx512(_) => true,
            _ => false,
        }
    }
}

/// One level's arithmetic.
///
/// Pointers given to `load_*` and `store_*` hold sixteen elements (64 bytes for codes), in any
/// alignment.
///
/// # Safety
/// A value is the proof that the CPU has the instructions its methods use.
pub(crate) unsafe trait Lanes: Copy + Send + Sync + std::fmt::Debug {
    /// Sixteen f32.
    type Floats: Copy;
    /// Sixteen i32.
    type Ints: Copy;
    /// 64 bytes: four codes for each of sixteen rows.
    type Codes: Copy;
    /// Running integer products, folded into [`Lanes::Ints`] before they can overflow.
    type Products: Copy;

    /// Rows that a product with an unpacked tile takes together; divides 8.
    const PANEL_ROWS: usize;
    /// Queries that attention takes together.
    const QUERIES: usize;
    /// Logarithm of what [`Lanes::signed`] adds to a code; 0 for nothing.
    const SIGNED_SHIFT: u32;

    fn zero(self) -> Self::Floats;
    fn splat(self, value: f32) -> Self::Floats;
    unsafe fn load(self, from: *const f32) -> Self::Floats;
    unsafe fn store(self, to: *mut f32, values: Self::Floats);
    /// Sixteen 16-bit floats, widened.
    unsafe fn load_half(self, from: *const u16) -> Self::Floats;
    /// Sixteen bfloat16, widened.
    unsafe fn load_bfloat(self, from: *const u16) -> Self::Floats;
    /// Rounds to 16-bit floats; too large becomes the largest.
    unsafe fn store_half(self, to: *mut u16, values: Self::Floats);
    /// Sixteen bytes as numbers from 0 to 255.
    unsafe fn load_bytes(self, from: *const u8) -> Self::Floats;
    /// Sixteen bytes as numbers from -128 to 127.
    unsafe fn load_signed_bytes(self, from: *const u8) -> Self::Floats;
    fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn sub(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn mul(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn div(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn max(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn min(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a * b + c`, fused if the hardware does.
    fn mul_add(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    fn abs(self, a: Self::Floats) -> Self::Floats;
    /// To the nearest whole number, ties to even.
    fn round(self, a: Self::Floats) -> Self::Floats;
    /// Two to the power of whole numbers from -126 to 127.
    fn power_of_two(self, a: Self::Floats) -> Self::Floats;
    /// Keeps lane `i` where bit `i` of `lanes` is set, else takes `other`.
    fn keep(self, lanes: u16, a: Self::Floats, other: Self::Floats) -> Self::Floats;
    /// The sum of all lanes, halves first.
    fn sum(self, a: Self::Floats) -> f32;
    /// The largest lane.
    fn largest(self, a: Self::Floats) -> f32;

    /// Rounds to int8, stores sixteen codes, returns their sum.
    unsafe fn store_codes(self, to: *mut i8, values: Self::Floats) -> i32;
    /// One number in all lanes, times two to the power of `shift`; nothing if `shift` is 0.
    unsafe fn start(self, value: *const i32, shift: u32) -> Self::Ints;
    fn add_ints(self, a: Self::Ints, b: Self::Ints) -> Self::Ints;
    fn to_floats(self, a: Self::Ints) -> Self::Floats;

    unsafe fn load_codes(self, from: *const u8) -> Self::Codes;
    unsafe fn save_codes(self, to: *mut u8, codes: Self::Codes);
    /// Each byte shifted left (`N > 0`) or right (`N < 0`), then only the bits of `mask`; the bits
    /// that come over from a neighbour must not be in it.
    fn bits<const N: i32>(self, codes: Self::Codes, mask: u8) -> Self::Codes;
    fn or(self, a: Self::Codes, b: Self::Codes) -> Self::Codes;
    /// Bytes 0 to 15 replaced by those of `table`.
    fn look_up(self, table: &[u8; 16], codes: Self::Codes) -> Self::Codes;
    /// Signed bytes in the form [`Lanes::multiply`] takes with `bits` 8.
    fn signed(self, codes: Self::Codes) -> Self::Codes;

    /// Steps of [`Lanes::multiply`] between [`Lanes::open`] and [`Lanes::close`] for codes of this
    /// width.
    fn steps(bits: u32) -> usize;
    fn open(self, sums: Self::Ints) -> Self::Products;
    /// Adds the products of four codes per lane with four int8 values, -127 to 127, the same for
    /// all lanes. `bits` is the width of the codes and known when compiled.
    unsafe fn multiply(
        self,
        products: Self::Products,
        codes: Self::Codes,
        values: *const i8,
        bits: u32,
    ) -> Self::Products;
    fn close(self, sums: Self::Ints, products: Self::Products) -> Self::Ints;
    /// Asks for the cache line at `at`, which may be anywhere.
    fn prefetch(self, at: *const u8);

    /// Runs `work` compiled with this level's instructions.
    fn run<W: Work>(self, work: W) -> W::Out;
}

/// `[e; n]` with `e` worked out anew for each index `i`. A closure would not be compiled for the
/// level.
macro_rules! each {
    ($n:expr, $i:ident => $e:expr) => {{
        let mut all = [{
            let $i = 0usize;
            $e
        }; $n];
        let mut $i = 1usize;
        while $i < $n {
            all[$i] = $e;
            $i += 1;
        }
        all
    }};
}
pub(crate) use each;

/// Methods that are one expression of intrinsics.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! safe {
    ($($name:ident($($arg:ident: $type:ty),*) -> $out:ty = $body:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: $type),*) -> $out {
            // SAFETY: `self` is the proof that this CPU has the instructions; none touches memory.
            unsafe { $body }
        }
    )*};
}

/// The same for methods that load or store at a pointer.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! at_pointer {
    ($($name:ident($($arg:ident: $type:ty),*) $(-> $out:ty)? = $body:expr;)*) => {$(
        #[inline(always)]
        unsafe fn $name(self, $($arg: $type),*) $(-> $out)? {
            // SAFETY: `self` is the proof that this CPU has the instructions; the caller vouches
            // for the pointer.
            unsafe { $body }
        }
    )*};
}
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use {at_pointer, safe};

/// The largest 16-bit float.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const LARGEST_HALF: f32 = 65504.0;

/// Something to compile once per level. `run` must be `#[inline(always)]`, and all it calls;
/// closures cannot be, so none may hold vectors.
pub(crate) trait Work {
    /// What it gives.
    type Out;
    /// Does it.
    fn run<L: Lanes>(self, lanes: L) -> Self::Out;
}

impl Isa {
    /// Runs `work` with this level's instructions.
    pub(crate) fn run<W: Work>(self, work: W) -> W::Out {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Amx(tiles) => tiles.vectors().run(work),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(lanes) => lanes.run(work),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(lanes) => lanes.run(work),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(lanes) => lanes.run(work),
            #[cfg(target_arch = "aarch64")]
            Self::NeonPlain(lanes) => lanes.run(work),
            Self::Portable(lanes) => lanes.run(work),
        }
    }
}

#[cfg(test)]
mod tests;
