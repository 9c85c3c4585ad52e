//! Matrices of quantised or plain weights in tiles of sixteen rows, at the size they have in a GGUF
//! file.
//!
//! A tile holds sixteen rows side by side, so that a vector lane is a row and every load is a full
//! line. Within a tile stand units of eight blocks of 32 columns: codes of all blocks, then their
//! scales, then what the whole unit shares. Nothing is lost: each value is scale times code plus
//! offset, exactly.

mod formats;
mod gated;
mod memory;
mod pack;
mod panel;
mod product;
mod rows;

use self::formats::BlockFormat;
pub(crate) use self::gated::{GatedPair, GatedTarget, multiply_gated};
use self::memory::Memory;
pub(crate) use self::product::{Input, Target, multiply};
pub(crate) use self::rows::QuantizedRows;
use super::isa::{Isa, LANES, Simd, Work};
use super::pool::Pool;

/// Columns that share a scale (or two).
pub(crate) const BLOCK: usize = 32;
/// Blocks of a unit.
const UNIT: usize = 8;
/// Bytes of a cache line, to which units are aligned.
const LINE: usize = 64;

/// How elements are stored in a GGUF file (ggml.h, `enum ggml_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(non_camel_case_types, reason = "the names of ggml")]
pub(crate) enum GgmlType {
    F32,
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2_K,
    Q3_K,
    Q4_K,
    Q5_K,
    Q6_K,
    IQ4_NL,
    IQ4_XS,
}

/// Runs `$quantised` with `$F` the format of a quantised kind, or `$plain` for plain floats.
macro_rules! with_format {
    ($kind:expr, $F:ident => $quantised:expr, $plain:expr) => {
        with_format!(@ $kind, $F, $quantised, $plain,
            Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS)
    };
    (@ $kind:expr, $F:ident, $quantised:expr, $plain:expr, $($name:ident)*) => {
        match $kind {
            $($crate::kernels::quantized::GgmlType::$name => {
                type $F = $crate::kernels::quantized::formats::$name;
                $quantised
            })*
            _ => $plain,
        }
    };
}
use with_format;

impl GgmlType {
    /// Every kind we read.
    pub(crate) const ALL: [Self; 15] = [
        Self::F32,
        Self::F16,
        Self::BF16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q2_K,
        Self::Q3_K,
        Self::Q4_K,
        Self::Q5_K,
        Self::Q6_K,
        Self::IQ4_NL,
        Self::IQ4_XS,
    ];

    /// The kind with this number in a file.
    pub(crate) fn from_ggml(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.facts().0 == number)
    }

    /// Number in a file, name as llama.cpp writes it, elements and bytes of a file block.
    fn facts(self) -> (u32, &'static str, usize, usize) {
        match self {
            Self::F32 => (0, "F32", 1, 4),
            Self::F16 => (1, "F16", 1, 2),
            Self::BF16 => (30, "BF16", 1, 2),
            Self::Q4_0 => (2, "Q4_0", 32, 18),
            Self::Q4_1 => (3, "Q4_1", 32, 20),
            Self::Q5_0 => (6, "Q5_0", 32, 22),
            Self::Q5_1 => (7, "Q5_1", 32, 24),
            Self::Q8_0 => (8, "Q8_0", 32, 34),
            Self::Q2_K => (10, "Q2_K", 256, 84),
            Self::Q3_K => (11, "Q3_K", 256, 110),
            Self::Q4_K => (12, "Q4_K", 256, 144),
            Self::Q5_K => (13, "Q5_K", 256, 176),
            Self::Q6_K => (14, "Q6_K", 256, 210),
            Self::IQ4_NL => (20, "IQ4_NL", 32, 18),
            Self::IQ4_XS => (23, "IQ4_XS", 256, 136),
        }
    }

    /// Its name as llama.cpp writes it, such as `"Q4_K"`.
    pub(crate) fn name(self) -> &'static str {
        self.facts().1
    }

    /// Elements of a block in the file.
    pub(crate) fn block_elements(self) -> usize {
        self.facts().2
    }

    /// Bytes of a block in the file.
    pub(crate) fn block_bytes(self) -> usize {
        self.facts().3
    }

    /// Whether products take inputs rounded to int8.
    pub(crate) fn is_quantised(self) -> bool {
        self.block_elements() > 1
    }

    /// Bytes of a row in the file.
    pub(crate) fn row_bytes(self, columns: usize) -> usize {
        columns / self.block_elements() * self.block_bytes()
    }

    /// Bytes of sixteen packed rows.
    fn tile_bytes(self, columns: usize) -> usize {
        with_format!(self, F => unit_start::<F>(columns / BLOCK, (columns / BLOCK).div_ceil(UNIT)), {
            (columns * LANES * self.block_bytes()).next_multiple_of(LINE)
        })
    }
}

/// Where unit `unit` of a tile of `blocks` blocks starts.
#[inline(always)]
fn unit_start<F: BlockFormat>(blocks: usize, unit: usize) -> usize {
    let full = unit_bytes::<F>(UNIT);
    let whole = blocks / UNIT;
    if unit <= whole { unit * full } else { whole * full + unit_bytes::<F>(blocks % UNIT) }
}

#[inline(always)]
fn unit_bytes<F: BlockFormat>(blocks: usize) -> usize {
    (blocks * (F::CODE_BYTES + F::SCALE_BYTES) + F::SHARED_BYTES).next_multiple_of(LINE)
}

/// What a tile of a matrix holds.
#[derive(Debug, Clone, Copy)]
struct TileShape {
    kind: GgmlType,
    columns: usize,
}

/// A matrix `[rows, columns]` in tiles.
pub(crate) struct Matrix {
    kind: GgmlType,
    rows: usize,
    columns: usize,
    tile_bytes: usize,
    data: Memory,
}

impl std::fmt::Debug for Matrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Matrix {{ {} [{}, {}] }}", self.kind.name(), self.rows, self.columns)
    }
}

impl Matrix {
    /// A matrix of zeros to be filled with [`Matrix::pack`], or `None` if memory is short or
    /// `columns` is not a whole number of blocks.
    pub(crate) fn new(kind: GgmlType, rows: usize, columns: usize) -> Option<Self> {
        if !columns.is_multiple_of(kind.block_elements()) {
            return None;
        }
        let tile_bytes = kind.tile_bytes(columns);
        let bytes = rows.div_ceil(LANES).checked_mul(tile_bytes)?;
        let data = Memory::zeroed(bytes, LINE)?;
        Some(Self { kind, rows, columns, tile_bytes, data })
    }

    /// Rows, which are outputs.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Columns, which are inputs.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Whether products take the rounded input.
    pub(crate) fn is_quantised(&self) -> bool {
        self.kind.is_quantised()
    }

    /// Fills rows `first..` from `bytes`, whole rows as they lie in the file. `first` is a multiple
    /// of 16, and so is the number of rows unless they are the last.
    pub(crate) fn pack(&mut self, pool: &Pool, first: usize, bytes: &[u8]) {
        let row_bytes = self.kind.row_bytes(self.columns);
        let count = bytes.len() / row_bytes;
        assert!(first.is_multiple_of(LANES) && first + count <= self.rows);
        assert!(count.is_multiple_of(LANES) || first + count == self.rows);
        let (kind, columns, tile_bytes) = (self.kind, self.columns, self.tile_bytes);
        let from = first / LANES * tile_bytes;
        let tiles = &mut self.data.bytes_mut()[from..][..count.div_ceil(LANES) * tile_bytes];
        pool.pieces(tiles, tile_bytes, |tile, out| {
            let rows = &bytes[tile * LANES * row_bytes..];
            pack::tile(
                TileShape { kind, columns },
                &rows[..rows.len().min(LANES * row_bytes)],
                out,
            );
        });
    }

    /// Writes row `row` as f32, exactly; `out` is one row long.
    pub(crate) fn row(&self, isa: Isa, row: usize, out: &mut [f32]) {
        assert!(row < self.rows && out.len() == self.columns);
        let (tile, lane) = (self.tile(row / LANES), row % LANES);
        with_format!(self.kind, F => {
            isa.run(WidenRow::<F> { tile, lane, out, format: std::marker::PhantomData });
        }, pack::plain_row(self.kind, tile, lane, out));
    }

    fn tile_count(&self) -> usize {
        self.rows.div_ceil(LANES)
    }

    fn tile(&self, index: usize) -> &[u8] {
        &self.data.bytes()[index * self.tile_bytes..][..self.tile_bytes]
    }
}

/// One row of a tile, widened to f32.
struct WidenRow<'a, F> {
    tile: &'a [u8],
    lane: usize,
    out: &'a mut [f32],
    format: std::marker::PhantomData<F>,
}

impl<F: BlockFormat> Work for WidenRow<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let blocks = self.out.len() / BLOCK;
        for (block, out) in self.out.chunks_exact_mut(BLOCK).enumerate() {
            let block = formats::open_block::<S, F>(simd, self.tile, blocks, block);
            let zero = if F::BITS == 8 { S::SIGNED_SHIFT } else { F::ZERO_SHIFT };
            let zero = if zero == 0 { 0 } else { 1 << zero };
            for (at, out) in out.iter_mut().enumerate() {
                let byte = block.codes[at / 4 * 64 + 4 * self.lane + at % 4];
                let signed = F::BITS == 8 && S::SIGNED_SHIFT == 0;
                let code = if signed { i32::from(byte as i8) } else { i32::from(byte) - zero };
                let half = if F::HALVES { at / 16 } else { 0 };
                let scale = block.scales[half][self.lane];
                *out = scale * code as f32;
                if F::OFFSETS {
                    *out += block.offsets[half][self.lane];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
