//! Sixteen numbers at a time: the one trait over which kernels are written, and what is compiled
//! once for each instruction set.
//!
//! Sixteen, whatever a register holds: results then have one order of summation at every level, and
//! what a compiler made of plain loops over sixteen numbers were pieces of two and four.

/// Numbers of every vector here.
pub(crate) const LANES: usize = 16;

/// One level's arithmetic.
///
/// Pointers given to `load_*` and `store_*` hold sixteen elements (64 bytes for codes), in any
/// alignment.
///
/// # Safety
/// A value is the proof that the CPU has the instructions its methods use.
pub(crate) unsafe trait Simd: Copy + Send + Sync + std::fmt::Debug {
    /// Sixteen f32.
    type Floats: Copy;
    /// Sixteen i32.
    type Ints: Copy;
    /// 64 bytes: a word of four bytes, or of two 16-bit numbers, for each of sixteen rows or
    /// columns.
    type Codes: Copy;
    /// Running integer products, folded into [`Simd::Ints`] before they can overflow.
    type Products: Copy;

    /// Rows of the encoder's micro-kernel (BLIS's m_r): as many sums as registers hold beside a row
    /// of the panel and a number of the left-hand side.
    const MR: usize;
    /// Columns of it (n_r), one vector or two.
    const NR: usize;
    /// Rows that a product with an unpacked tile takes together; divides 8.
    const PANEL_ROWS: usize;
    /// Queries that attention takes together.
    const QUERIES: usize;
    /// Logarithm of what [`Simd::signed`] adds to a code; 0 for nothing.
    const SIGNED_SHIFT: u32;

    fn zero(self) -> Self::Floats;
    fn splat(self, value: f32) -> Self::Floats;
    unsafe fn load(self, from: *const f32) -> Self::Floats;
    unsafe fn store(self, to: *mut f32, values: Self::Floats);

    /// As [`Simd::load`].
    #[inline(always)]
    fn read(self, from: &[f32; LANES]) -> Self::Floats {
        // SAFETY: sixteen elements.
        unsafe { self.load(from.as_ptr()) }
    }

    /// As [`Simd::store`].
    #[inline(always)]
    fn write(self, to: &mut [f32; LANES], values: Self::Floats) {
        // SAFETY: sixteen elements.
        unsafe { self.store(to.as_mut_ptr(), values) }
    }

    /// Sixteen 16-bit floats, widened.
    unsafe fn load_half(self, from: *const u16) -> Self::Floats;
    /// Sixteen bfloat16, widened.
    unsafe fn load_bfloat(self, from: *const u16) -> Self::Floats;
    /// Sixteen pairs of bfloat16, widened: the first of each, which are the low halves of words,
    /// then the second.
    unsafe fn load_bfloat_pairs(self, from: *const u32) -> [Self::Floats; 2];
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
    /// The larger; a `b` that is not a number stays.
    fn max(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// The smaller; a `b` that is not a number stays.
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
    /// Signed bytes in the form [`Simd::multiply`] takes with `bits` 8.
    fn signed(self, codes: Self::Codes) -> Self::Codes;

    /// Steps of [`Simd::multiply`] between [`Simd::open`] and [`Simd::close`] for codes of this
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

    /// One word in all lanes.
    fn splat_word(self, word: u32) -> Self::Codes;
    fn zero_ints(self) -> Self::Ints;
    /// Adds, in each lane, the products of four bytes from 0 to 255 with four from -127 to 127.
    fn add_quads(self, sums: Self::Ints, a: Self::Codes, b: Self::Codes) -> Self::Ints;
    fn zero_products(self) -> Self::Products;
    /// Adds, in each lane, the products of two 16-bit numbers with two others.
    fn add_pairs(self, products: Self::Products, a: Self::Codes, b: Self::Codes) -> Self::Products;
    /// What [`Simd::add_pairs`] added up.
    fn sum_pairs(self, products: Self::Products) -> Self::Ints;

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
pub(super) use {at_pointer, safe};

/// The largest 16-bit float.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) const LARGEST_HALF: f32 = 65504.0;

/// Something to compile once per level. `run` must be `#[inline(always)]`, and all it calls;
/// closures cannot be, so none may hold vectors.
pub(crate) trait Work {
    /// What it gives.
    type Out;
    /// Does it.
    fn run<S: Simd>(self, simd: S) -> Self::Out;
}
