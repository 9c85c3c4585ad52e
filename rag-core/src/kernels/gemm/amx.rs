//! Matrix tiles of x86 (AMX): sixteen rows by sixteen columns of bf16 pairs or bytes in one
//! instruction.
//!
//! `isa` owns the permission to use them and their setting on a thread. Eight registers of sixteen
//! rows of 64 bytes: four sums, two of rows, two of columns. A panel of packed weights is already
//! what an instruction takes on its right. Sums of bytes are those of every other level; of bf16,
//! each pair of products is added in f32.
#![expect(unsafe_code, reason = "instructions without intrinsics, behind run-time detection")]

use std::arch::asm;
use std::arch::x86_64::{_mm512_cvtepi32_ps, _mm512_loadu_si512, _mm512_storeu_ps};

use super::microkernel::{Bf16, Int8Pairs, Int8Quads, Tiles};
use super::quantize::in_registers;
use crate::kernels::isa::Avx512;
use crate::kernels::isa::amx::{AmxTiles as Amx, SIDE};
use crate::kernels::isa::level::{Lhs, MAX_COLUMNS, MAX_ROWS, Rhs, Simd, Tile};
use crate::kernels::isa::vectors::{LANES, Vectors};

/// Columns of a panel: two registers side by side.
const COLUMNS: usize = 2 * SIDE;
/// Bytes from row to row of a panel, and of a [`Tile`].
const ROW_BYTES: usize = COLUMNS * size_of::<u32>();

/// Where the rows of a product lie, in words.
#[derive(Clone, Copy)]
struct Rows<'a> {
    words: &'a [u32],
    /// How many.
    count: usize,
    /// From row to row within a register.
    stride: usize,
    /// From step to step.
    step: usize,
    /// From register to register below.
    below: usize,
}

impl<'a> Rows<'a> {
    /// One row after the other.
    #[inline(always)]
    fn plain(lhs: Lhs<'a, u32>) -> Self {
        let Lhs { words, stride, rows } = lhs;
        Self { words, count: rows, stride, step: SIDE, below: SIDE * stride }
    }

    /// In the order of registers, `depth` words a row.
    #[inline(always)]
    fn in_registers(lhs: Lhs<'a, u32>, depth: usize) -> Self {
        let Lhs { words, rows, .. } = lhs;
        Self { words, count: rows, stride: SIDE, step: SIDE * SIDE, below: SIDE * depth }
    }

    /// Whether all of this can be read.
    #[inline(always)]
    fn hold(self, registers: usize, steps: usize) -> bool {
        let last =
            (registers - 1) * self.below + (SIDE - 1) * self.stride + (steps - 1) * self.step;
        self.words.len() >= last + SIDE
    }
}

/// A product of up to two by two registers: `$instruction` sums up a step of sixteen words.
macro_rules! product {
    ($name:ident, $instruction:literal) => {
        /// # Safety
        /// The thread's tiles are set up; `a` holds one register of `steps` steps (with `BOTH`
        /// two), `b` as many steps of a panel, and `out` sixteen rows (32) of [`COLUMNS`] in 32
        /// bits.
        #[inline(always)]
        unsafe fn $name<const BOTH: bool>(a: Rows<'_>, steps: usize, b: *const u32, out: *mut u32) {
            let (row, stride, step) = (ROW_BYTES, a.stride * size_of::<u32>(), a.step * size_of::<u32>());
            let first = a.words.as_ptr();
            if BOTH {
                // SAFETY: by this function's contract; every pointer stays inside what it was
                // given.
                unsafe {
                    asm!(
                        "tilezero tmm0",
                        "tilezero tmm1",
                        "tilezero tmm2",
                        "tilezero tmm3",
                        "2:",
                        "tileloadd tmm6, [{b} + {row} * 1]",
                        "tileloadd tmm4, [{a} + {stride} * 1]",
                        concat!($instruction, " tmm0, tmm4, tmm6"),
                        "tileloadd tmm7, [{b} + {row} * 1 + 64]",
                        concat!($instruction, " tmm1, tmm4, tmm7"),
                        "tileloadd tmm5, [{below} + {stride} * 1]",
                        concat!($instruction, " tmm2, tmm5, tmm6"),
                        concat!($instruction, " tmm3, tmm5, tmm7"),
                        "add {a}, {step}",
                        "add {below}, {step}",
                        "add {b}, 2048",
                        "dec {steps}",
                        "jnz 2b",
                        "tilestored [{out} + {row} * 1], tmm0",
                        "tilestored [{out} + {row} * 1 + 64], tmm1",
                        "tilestored [{out} + {row} * 1 + 2048], tmm2",
                        "tilestored [{out} + {row} * 1 + 2112], tmm3",
                        a = inout(reg) first => _,
                        below = inout(reg) first.add(a.below) => _,
                        b = inout(reg) b => _,
                        steps = inout(reg) steps => _,
                        stride = in(reg) stride,
                        step = in(reg) step,
                        row = in(reg) row,
                        out = in(reg) out,
                        options(nostack),
                    );
                }
            } else {
                // SAFETY: as above.
                unsafe {
                    asm!(
                        "tilezero tmm0",
                        "tilezero tmm1",
                        "2:",
                        "tileloadd tmm6, [{b} + {row} * 1]",
                        "tileloadd tmm4, [{a} + {stride} * 1]",
                        concat!($instruction, " tmm0, tmm4, tmm6"),
                        "tileloadd tmm7, [{b} + {row} * 1 + 64]",
                        concat!($instruction, " tmm1, tmm4, tmm7"),
                        "add {a}, {step}",
                        "add {b}, 2048",
                        "dec {steps}",
                        "jnz 2b",
                        "tilestored [{out} + {row} * 1], tmm0",
                        "tilestored [{out} + {row} * 1 + 64], tmm1",
                        a = inout(reg) first => _,
                        b = inout(reg) b => _,
                        steps = inout(reg) steps => _,
                        stride = in(reg) stride,
                        step = in(reg) step,
                        row = in(reg) row,
                        out = in(reg) out,
                        options(nostack),
                    );
                }
            }
        }
    };
}

product!(pairs_of_bf16, "tdpbf16ps");
product!(quads_of_bytes, "tdpbusd");

impl Amx<'_> {
    /// Sums of bf16, if tiles take this product: whole steps, and whole registers of rows to read.
    #[inline(always)]
    fn bf16(self, a: Rows<'_>, rhs: Rhs<'_, u32>, out: &mut Tile) -> bool {
        if !is_whole(a, rhs) {
            return false;
        }
        let (steps, b, place) = (rhs.depth / SIDE, rhs.words, out.as_mut_ptr().cast());
        // SAFETY: `self` is the proof that tiles are set up; `is_whole` compared the lengths, and a
        // `Tile` has 32 rows.
        unsafe {
            if a.count > SIDE {
                pairs_of_bf16::<true>(a, steps, b.as_ptr(), place);
            } else {
                pairs_of_bf16::<false>(a, steps, b.as_ptr(), place);
            }
        }
        true
    }

    /// The same of bytes.
    #[inline(always)]
    fn bytes(self, a: Rows<'_>, rhs: Rhs<'_, u32>, out: &mut Tile) -> bool {
        if !is_whole(a, rhs) {
            return false;
        }
        let (steps, b, place) = (rhs.depth / SIDE, rhs.words, out.as_mut_ptr().cast());
        // SAFETY: as above.
        unsafe {
            if a.count > SIDE {
                quads_of_bytes::<true>(a, steps, b.as_ptr(), place);
            } else {
                quads_of_bytes::<false>(a, steps, b.as_ptr(), place);
            }
        }
        for sums in out[..a.count * COLUMNS].as_chunks_mut::<LANES>().0 {
            // SAFETY: this CPU has AVX-512; both are sixteen numbers of 32 bits, in any alignment.
            unsafe {
                let whole = _mm512_loadu_si512(sums.as_ptr().cast());
                _mm512_storeu_ps(sums.as_mut_ptr(), _mm512_cvtepi32_ps(whole));
            }
        }
        true
    }

    /// The rows in pieces that vectors take.
    #[inline(always)]
    fn in_pieces<W: Copy>(
        self,
        lhs: Lhs<'_, W>,
        out: &mut Tile,
        piece: impl Fn(Avx512, Lhs<'_, W>, &mut Tile),
    ) {
        let mut part: Tile = [0.0; MAX_ROWS * MAX_COLUMNS];
        for top in (0..lhs.rows).step_by(Avx512::ROWS) {
            let count = Avx512::ROWS.min(lhs.rows - top);
            piece(self.vectors, lhs.part(top, count), &mut part);
            out[top * COLUMNS..][..count * COLUMNS].copy_from_slice(&part[..count * COLUMNS]);
        }
    }
}

/// Whether there are whole steps, and whole registers of rows to read.
#[inline(always)]
fn is_whole(a: Rows<'_>, rhs: Rhs<'_, u32>) -> bool {
    let depth = rhs.depth;
    assert!((1..=Amx::ROWS).contains(&a.count) && depth >= 1);
    let fits = depth.is_multiple_of(SIDE) && rhs.words.len() >= depth * COLUMNS;
    fits && a.hold(a.count.div_ceil(SIDE), depth / SIDE)
}

impl Simd for Amx<'_> {
    const ROWS: usize = 2 * SIDE;
    const COLUMNS: usize = COLUMNS;
    const STEPS: usize = SIDE;
    const ROWS_READ: usize = SIDE;

    #[inline(always)]
    fn tile(self, lhs: Lhs<'_, f32>, rhs: Rhs<'_, f32>, out: &mut Tile) {
        self.in_pieces(lhs, out, |vectors, lhs, part| vectors.tile(lhs, rhs, part));
    }
}

/// Products of words, in tiles where they fit and in vectors elsewhere.
macro_rules! tiled {
    ($kind:ident, $method:ident) => {
        impl Tiles<$kind> for Amx<'_> {
            #[inline(always)]
            fn sums(self, lhs: Lhs<'_, u32>, rhs: Rhs<'_, u32>, out: &mut Tile) {
                if !self.$method(Rows::plain(lhs), rhs, out) {
                    self.in_pieces(lhs, out, |vectors, lhs, part| {
                        Tiles::<$kind>::sums(vectors, lhs, rhs, part);
                    });
                }
            }

            #[inline(always)]
            fn sums_of_inputs(self, lhs: Lhs<'_, u32>, rhs: Rhs<'_, u32>, out: &mut Tile) {
                if in_registers::<Self>(rhs.depth) {
                    let is_whole = self.$method(Rows::in_registers(lhs, rhs.depth), rhs, out);
                    assert!(is_whole, "inputs are laid out in whole registers");
                } else {
                    Tiles::<$kind>::sums(self, lhs, rhs, out);
                }
            }
        }
    };
}

tiled!(Bf16, bf16);
tiled!(Int8Quads, bytes);

impl Tiles<Int8Pairs> for Amx<'_> {
    #[inline(always)]
    fn sums(self, lhs: Lhs<'_, u32>, rhs: Rhs<'_, u32>, out: &mut Tile) {
        self.in_pieces(lhs, out, |vectors, lhs, part| {
            Tiles::<Int8Pairs>::sums(vectors, lhs, rhs, part);
        });
    }
}

/// Methods that are those of the vectors.
macro_rules! of_vectors {
    ($($name:ident($($arg:ident: $type:ty),*) $(-> $out:ty)?;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: $type),*) $(-> $out)? {
            self.vectors.$name($($arg),*)
        }
    )*};
}

impl Vectors for Amx<'_> {
    type Vector = <Avx512 as Vectors>::Vector;

    of_vectors! {
        mul_add(a: f32, b: f32, c: f32) -> f32;
        splat(value: f32) -> Self::Vector;
        load(from: &[f32; LANES]) -> Self::Vector;
        store(values: Self::Vector, to: &mut [f32; LANES]);
        add(a: Self::Vector, b: Self::Vector) -> Self::Vector;
        mul(a: Self::Vector, b: Self::Vector) -> Self::Vector;
        mul_add_all(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
        min(a: Self::Vector, b: Self::Vector) -> Self::Vector;
        max(a: Self::Vector, b: Self::Vector) -> Self::Vector;
        total(a: Self::Vector) -> f32;
        largest(a: Self::Vector) -> f32;
    }
}
