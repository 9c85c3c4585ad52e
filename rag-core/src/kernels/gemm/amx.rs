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

use super::microkernel::{
    Bf16, Int8Quads, Lhs, MAX_COLUMNS, MAX_ROWS, MicroKernel, Rhs, Tile, Vectors, Words,
    in_registers,
};
use super::x86::Bf16Vectors;
use crate::kernels::isa::amx::{AmxTiles, SIDE};
use crate::kernels::isa::{Avx512, LANES};

/// Columns of a panel: two registers side by side.
const COLUMNS: usize = 2 * SIDE;
/// Bytes from row to row of a panel, and of a [`Tile`].
const ROW_BYTES: usize = COLUMNS * size_of::<u32>();

/// Where the rows of a product lie, in words.
#[derive(Clone, Copy)]
pub(super) struct TileRows<'a> {
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

impl<'a> TileRows<'a> {
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
        unsafe fn $name<const BOTH: bool>(a: TileRows<'_>, steps: usize, b: *const u32, out: *mut u32) {
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

/// Words that tiles multiply.
pub(super) trait TileWords: Words<Word = u32> {
    /// The micro-kernel for shapes that tiles do not take.
    type Beside: MicroKernel<Self>;

    fn beside(tiles: AmxTiles<'_>) -> Self::Beside;

    /// One register of sums, or with `BOTH` two, one below the other.
    ///
    /// # Safety
    /// As [`pairs_of_bf16`].
    unsafe fn multiply<const BOTH: bool>(
        a: TileRows<'_>,
        steps: usize,
        b: *const u32,
        out: *mut u32,
    );

    /// Makes finished sums f32.
    fn finish(sums: &mut [f32], vectors: Avx512);
}

impl TileWords for Bf16 {
    type Beside = Bf16Vectors;

    #[inline(always)]
    fn beside(tiles: AmxTiles<'_>) -> Bf16Vectors {
        Bf16Vectors::beside(tiles)
    }

    #[inline(always)]
    unsafe fn multiply<const BOTH: bool>(
        a: TileRows<'_>,
        steps: usize,
        b: *const u32,
        out: *mut u32,
    ) {
        // SAFETY: passed on.
        unsafe { pairs_of_bf16::<BOTH>(a, steps, b, out) }
    }

    #[inline(always)]
    fn finish(_: &mut [f32], _: Avx512) {}
}

impl TileWords for Int8Quads {
    type Beside = Vectors<Avx512>;

    #[inline(always)]
    fn beside(tiles: AmxTiles<'_>) -> Vectors<Avx512> {
        Vectors(tiles.vectors)
    }

    #[inline(always)]
    unsafe fn multiply<const BOTH: bool>(
        a: TileRows<'_>,
        steps: usize,
        b: *const u32,
        out: *mut u32,
    ) {
        // SAFETY: passed on.
        unsafe { quads_of_bytes::<BOTH>(a, steps, b, out) }
    }

    #[inline(always)]
    fn finish(sums: &mut [f32], _: Avx512) {
        for sums in sums.as_chunks_mut::<LANES>().0 {
            // SAFETY: the second argument is the proof of AVX-512; both are sixteen numbers of 32
            // bits, in any alignment.
            unsafe {
                let whole = _mm512_loadu_si512(sums.as_ptr().cast());
                _mm512_storeu_ps(sums.as_mut_ptr(), _mm512_cvtepi32_ps(whole));
            }
        }
    }
}

/// The product in tiles, if they take it: whole steps, and whole registers of rows to read.
#[inline(always)]
fn in_tiles<K: TileWords>(
    tiles: AmxTiles<'_>,
    a: TileRows<'_>,
    rhs: Rhs<'_, u32>,
    out: &mut Tile,
) -> bool {
    if !is_whole(a, rhs) {
        return false;
    }
    let (steps, b, place) = (rhs.depth / SIDE, rhs.words, out.as_mut_ptr().cast());
    // SAFETY: `tiles` is the proof that they are set up; `is_whole` compared the lengths, and a
    // `Tile` has 32 rows.
    unsafe {
        if a.count > SIDE {
            K::multiply::<true>(a, steps, b.as_ptr(), place);
        } else {
            K::multiply::<false>(a, steps, b.as_ptr(), place);
        }
    }
    K::finish(&mut out[..a.count * COLUMNS], tiles.vectors);
    true
}

/// The product of rows in pieces that vectors take.
#[inline(always)]
fn in_pieces<K: TileWords>(
    tiles: AmxTiles<'_>,
    lhs: Lhs<'_, u32>,
    rhs: Rhs<'_, u32>,
    out: &mut Tile,
) {
    let mut part: Tile = [0.0; MAX_ROWS * MAX_COLUMNS];
    let most = K::Beside::ROWS;
    for top in (0..lhs.rows).step_by(most) {
        let rows = most.min(lhs.rows - top);
        let piece = Lhs { words: &lhs.words[top * lhs.stride..], rows, ..lhs };
        K::beside(tiles).sums(piece, rhs, &mut part);
        out[top * COLUMNS..][..rows * COLUMNS].copy_from_slice(&part[..rows * COLUMNS]);
    }
}

/// Whether there are whole steps, and whole registers of rows to read.
#[inline(always)]
fn is_whole(a: TileRows<'_>, rhs: Rhs<'_, u32>) -> bool {
    let depth = rhs.depth;
    assert!((1..=2 * SIDE).contains(&a.count) && depth >= 1);
    let fits = depth.is_multiple_of(SIDE) && rhs.words.len() >= depth * COLUMNS;
    fits && a.hold(a.count.div_ceil(SIDE), depth / SIDE)
}

impl<K: TileWords> MicroKernel<K> for AmxTiles<'_> {
    const ROWS: usize = 2 * SIDE;
    const COLUMNS: usize = COLUMNS;
    const STEPS: usize = SIDE;
    const ROWS_READ: usize = SIDE;

    #[inline(always)]
    fn sums(self, lhs: Lhs<'_, u32>, rhs: Rhs<'_, u32>, out: &mut Tile) {
        if !in_tiles::<K>(self, TileRows::plain(lhs), rhs, out) {
            in_pieces::<K>(self, lhs, rhs, out);
        }
    }

    #[inline(always)]
    fn sums_of_inputs(self, lhs: Lhs<'_, u32>, rhs: Rhs<'_, u32>, out: &mut Tile) {
        if in_registers::<Self, K>(rhs.depth) {
            let is_whole = in_tiles::<K>(self, TileRows::in_registers(lhs, rhs.depth), rhs, out);
            assert!(is_whole, "inputs are laid out in whole registers");
        } else {
            MicroKernel::<K>::sums(self, lhs, rhs, out);
        }
    }
}
