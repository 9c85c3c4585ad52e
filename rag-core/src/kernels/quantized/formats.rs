//! How each quantised type lies in a tile, and how a vector reads it.
//!
//! A block of 32 columns is eight groups of four; a line of 64 bytes holds one group's codes for
//! sixteen rows. Narrow codes stand in planes: the low four bits of groups `g` and `g + 4` share a
//! line, a fifth bit of group `g` is bit `g` of one more line, two more bits take two lines.
#![expect(unsafe_code, reason = "pointers into a checked tile")]
#![expect(non_camel_case_types, reason = "the names of ggml")]

use std::marker::PhantomData;

use super::{BLOCK, LANES, Simd, UNIT, unit_bytes, unit_start};
use crate::kernels::isa::each;

/// One quantised type.
pub(super) trait BlockFormat: Send + Sync {
    /// Bytes of the codes of a block, sixteen rows.
    const CODE_BYTES: usize;
    /// Bytes of its scales.
    const SCALE_BYTES: usize;
    /// Bytes that the blocks of a unit share.
    const SHARED_BYTES: usize = 0;
    /// Width of a code; 8 means signed.
    const BITS: u32;
    /// Logarithm of what is subtracted from an unsigned code; 0 for nothing.
    const ZERO_SHIFT: u32 = 0;
    /// Whether each half of a block has its own scale.
    const HALVES: bool = false;
    /// Whether values have an offset.
    const OFFSETS: bool = false;

    /// The eight groups of a block.
    ///
    /// # Safety
    /// `from` holds `CODE_BYTES`.
    unsafe fn codes<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8];

    /// Scales, then offsets, of the halves of a block; if the block is not halved, only the first
    /// of each counts.
    ///
    /// # Safety
    /// `from` holds `SCALE_BYTES`, `shared` `SHARED_BYTES`.
    unsafe fn scales<S: Simd>(simd: S, from: *const u8, shared: *const u8) -> Scales<S>;
}

/// What the codes of a block are multiplied by, and what is added.
pub(super) struct Scales<S: Simd> {
    pub(super) scales: [S::Floats; 2],
    pub(super) offsets: [S::Floats; 2],
}

/// Logarithm of what the codes are too large by, as vectors of this level take them; 0 for nothing.
#[inline(always)]
pub(super) fn zero_shift<S: Simd, F: BlockFormat>() -> u32 {
    if F::BITS == 8 { S::SIGNED_SHIFT } else { F::ZERO_SHIFT }
}

/// A block written out.
pub(super) struct OpenBlock {
    pub(super) codes: [u8; 512],
    pub(super) scales: [[f32; LANES]; 2],
    pub(super) offsets: [[f32; LANES]; 2],
}

/// Where the parts of a block lie in its tile: codes, scales, shared.
#[inline(always)]
pub(super) fn places<F: BlockFormat>(blocks: usize, block: usize) -> [usize; 3] {
    let start = unit_start::<F>(blocks, block / UNIT);
    let count = UNIT.min(blocks - block / UNIT * UNIT);
    let scales = start + count * F::CODE_BYTES;
    let at = block % UNIT;
    [start + at * F::CODE_BYTES, scales + at * F::SCALE_BYTES, scales + count * F::SCALE_BYTES]
}

/// Block `block` of a tile of `blocks` blocks.
#[inline(always)]
pub(super) fn open_block<S: Simd, F: BlockFormat>(
    simd: S,
    tile: &[u8],
    blocks: usize,
    block: usize,
) -> OpenBlock {
    assert!(block < blocks && tile.len() >= blocks / UNIT * unit_bytes::<F>(UNIT));
    assert!(tile.len() >= unit_start::<F>(blocks, blocks.div_ceil(UNIT)));
    let [codes, scales, shared] = places::<F>(blocks, block);
    let mut open =
        OpenBlock { codes: [0; 16 * BLOCK], scales: [[0.0; LANES]; 2], offsets: [[0.0; LANES]; 2] };
    // SAFETY: the places of a block lie within its unit, and the tile holds all units (asserted
    // above); each store has room for one vector.
    unsafe {
        let start = tile.as_ptr();
        let groups = F::codes(simd, start.add(codes));
        for (group, codes) in groups.iter().enumerate() {
            simd.save_codes(open.codes.as_mut_ptr().add(64 * group), *codes);
        }
        let found = F::scales(simd, start.add(scales), start.add(shared));
        for half in 0..2 {
            simd.store(open.scales[half].as_mut_ptr(), found.scales[half]);
            simd.store(open.offsets[half].as_mut_ptr(), found.offsets[half]);
        }
    }
    open
}

/// How the codes of a block lie.
pub(super) trait CodeLayout: Send + Sync {
    /// See [`BlockFormat::CODE_BYTES`].
    const BYTES: usize;
    /// See [`BlockFormat::BITS`].
    const BITS: u32;

    /// See [`BlockFormat::codes`].
    ///
    /// # Safety
    /// `from` holds `BYTES`.
    unsafe fn read<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8];
}

/// How the scales and offsets of a block lie.
pub(super) trait ScaleLayout: Send + Sync {
    /// See [`BlockFormat::SCALE_BYTES`].
    const BYTES: usize;
    /// See [`BlockFormat::SHARED_BYTES`].
    const SHARED_BYTES: usize = 0;
    /// See [`BlockFormat::HALVES`].
    const HALVES: bool = false;
    /// See [`BlockFormat::OFFSETS`].
    const OFFSETS: bool = false;

    /// See [`BlockFormat::scales`].
    ///
    /// # Safety
    /// `from` holds `BYTES`, `shared` `SHARED_BYTES`.
    unsafe fn read<S: Simd>(simd: S, from: *const u8, shared: *const u8) -> Scales<S>;
}

/// A quantised type: its codes, less two to the power of `ZERO` unless that is 0, and its scales.
pub(super) struct CodedBlock<C, T, const ZERO: u32>(PhantomData<(C, T)>);

impl<C: CodeLayout, T: ScaleLayout, const ZERO: u32> BlockFormat for CodedBlock<C, T, ZERO> {
    const CODE_BYTES: usize = C::BYTES;
    const SCALE_BYTES: usize = T::BYTES;
    const SHARED_BYTES: usize = T::SHARED_BYTES;
    const BITS: u32 = C::BITS;
    const ZERO_SHIFT: u32 = ZERO;
    const HALVES: bool = T::HALVES;
    const OFFSETS: bool = T::OFFSETS;

    #[inline(always)]
    unsafe fn codes<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
        // SAFETY: passed on.
        unsafe { C::read(simd, from) }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(simd: S, from: *const u8, shared: *const u8) -> Scales<S> {
        // SAFETY: passed on.
        unsafe { T::read(simd, from, shared) }
    }
}

pub(super) type Q4_0 = CodedBlock<Nibbles, OneScale, 3>;
pub(super) type Q4_1 = CodedBlock<Nibbles, ScaleAndOffset, 0>;
pub(super) type Q5_0 = CodedBlock<FiveBits, OneScale, 4>;
pub(super) type Q5_1 = CodedBlock<FiveBits, ScaleAndOffset, 0>;
pub(super) type Q8_0 = CodedBlock<Bytes, OneScale, 0>;
pub(super) type Q2_K = CodedBlock<TwoBits, HalvesWithMinimum, 0>;
pub(super) type Q3_K = CodedBlock<ThreeBits, SignedHalves, 2>;
pub(super) type Q4_K = CodedBlock<Nibbles, WithMinimum, 0>;
pub(super) type Q5_K = CodedBlock<FiveBits, WithMinimum, 0>;
pub(super) type Q6_K = CodedBlock<SixBits, SignedHalves, 5>;
pub(super) type IQ4_NL = CodedBlock<Curve, OneScale, 0>;
pub(super) type IQ4_XS = CodedBlock<Curve, SignedMultiple, 0>;

/// The bits of each plane that a line holds: for each shift the line, shifted, less what is not in
/// the mask.
macro_rules! planes {
    ($simd:expr, $mask:literal, $($line:expr => $($shift:literal)*),+) => {
        [$($($simd.bits::<{ $shift }>($line, $mask)),*),+]
    };
}

/// Both sets of bits.
#[inline(always)]
fn join<S: Simd>(simd: S, a: [S::Codes; 8], b: [S::Codes; 8]) -> [S::Codes; 8] {
    each!(8, group => simd.or(a[group], b[group]))
}

/// Four-bit codes.
pub(super) struct Nibbles;

impl CodeLayout for Nibbles {
    const BYTES: usize = 256;
    const BITS: u32 = 4;

    #[inline(always)]
    unsafe fn read<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
        // SAFETY: four lines by contract.
        let [a, b, c, d] = each!(4, line => unsafe { simd.load_codes(from.add(64 * line)) });
        planes!(simd, 15, a => 0, b => 0, c => 0, d => 0, a => -4, b => -4, c => -4, d => -4)
    }
}

/// Four bits, and a fifth from one more line.
pub(super) struct FiveBits;

impl CodeLayout for FiveBits {
    const BYTES: usize = 320;
    const BITS: u32 = 5;

    #[inline(always)]
    unsafe fn read<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
        // SAFETY: four lines and one by contract.
        let (low, line) = unsafe { (Nibbles::read(simd, from), simd.load_codes(from.add(256))) };
        join(simd, low, planes!(simd, 16, line => 4 3 2 1 0 -1 -2 -3))
    }
}

/// Signed bytes.
pub(super) struct Bytes;

impl CodeLayout for Bytes {
    const BYTES: usize = 512;
    const BITS: u32 = 8;

    #[inline(always)]
    unsafe fn read<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
        // SAFETY: eight lines by contract.
        each!(8, line => unsafe { simd.signed(simd.load_codes(from.add(64 * line))) })
    }
}

/// Places in [`CURVE`], four bits each.
pub(super) struct Curve;

/// The levels of llama.cpp's non-linear four-bit types (`kvalues_iq4nl`).
const CURVE: [u8; 16] = {
    let levels = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113i8];
    let mut bytes = [0; 16];
    let mut at = 0;
    while at < 16 {
        bytes[at] = levels[at] as u8;
        at += 1;
    }
    bytes
};

impl CodeLayout for Curve {
    const BYTES: usize = 256;
    const BITS: u32 = 8;

    #[inline(always)]
    unsafe fn read<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
        // SAFETY: passed on.
        let codes = unsafe { Nibbles::read(simd, from) };
        each!(8, group => simd.signed(simd.look_up(&CURVE, codes[group])))
    }
}

/// Two-bit codes.
pub(super) struct TwoBits;

impl CodeLayout for TwoBits {
    const BYTES: usize = 128;
    const BITS: u32 = 2;

    #[inline(always)]
    unsafe fn read<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
        // SAFETY: two lines by contract.
        let (a, b) = unsafe { (simd.load_codes(from), simd.load_codes(from.add(64))) };
        planes!(simd, 3, a => 0 -2 -4 -6, b => 0 -2 -4 -6)
    }
}

/// Two bits, and a third from one more line.
pub(super) struct ThreeBits;

impl CodeLayout for ThreeBits {
    const BYTES: usize = 192;
    const BITS: u32 = 3;

    #[inline(always)]
    unsafe fn read<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
        // SAFETY: two lines and one by contract.
        let (low, line) = unsafe { (TwoBits::read(simd, from), simd.load_codes(from.add(128))) };
        join(simd, low, planes!(simd, 4, line => 2 1 0 -1 -2 -3 -4 -5))
    }
}

/// Four bits, and two more from two lines.
pub(super) struct SixBits;

impl CodeLayout for SixBits {
    const BYTES: usize = 384;
    const BITS: u32 = 6;

    #[inline(always)]
    unsafe fn read<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
        // SAFETY: four lines and two by contract.
        unsafe {
            let low = Nibbles::read(simd, from);
            let (a, b) = (simd.load_codes(from.add(256)), simd.load_codes(from.add(320)));
            join(simd, low, planes!(simd, 0x30, a => 4 2 0 -2, b => 4 2 0 -2))
        }
    }
}

/// One scale per block.
#[inline(always)]
fn one<S: Simd>(simd: S, scale: S::Floats) -> Scales<S> {
    Scales { scales: [scale; 2], offsets: [simd.zero(); 2] }
}

/// A 16-bit scale.
pub(super) struct OneScale;

impl ScaleLayout for OneScale {
    const BYTES: usize = 32;

    #[inline(always)]
    unsafe fn read<S: Simd>(simd: S, from: *const u8, _: *const u8) -> Scales<S> {
        // SAFETY: sixteen halves.
        one(simd, unsafe { simd.load_half(from.cast()) })
    }
}

/// A 16-bit scale and an offset like it.
pub(super) struct ScaleAndOffset;

impl ScaleLayout for ScaleAndOffset {
    const BYTES: usize = 64;
    const OFFSETS: bool = true;

    #[inline(always)]
    unsafe fn read<S: Simd>(simd: S, from: *const u8, _: *const u8) -> Scales<S> {
        // SAFETY: twice sixteen halves.
        let (scale, offset) =
            unsafe { (simd.load_half(from.cast()), simd.load_half(from.add(32).cast())) };
        Scales { scales: [scale; 2], offsets: [offset; 2] }
    }
}

/// 256 codes under a 16-bit scale and offset, each block with a small multiple of both.
pub(super) struct WithMinimum;

impl ScaleLayout for WithMinimum {
    const BYTES: usize = 32;
    const SHARED_BYTES: usize = 64;
    const OFFSETS: bool = true;

    #[inline(always)]
    unsafe fn read<S: Simd>(simd: S, from: *const u8, shared: *const u8) -> Scales<S> {
        // SAFETY: twice sixteen bytes, twice sixteen halves.
        unsafe {
            let scale = simd.mul(simd.load_bytes(from), simd.load_half(shared.cast()));
            let least = simd.load_half(shared.add(32).cast());
            let least = simd.mul(simd.load_bytes(from.add(16)), least);
            Scales { scales: [scale; 2], offsets: [simd.sub(simd.zero(), least); 2] }
        }
    }
}

/// The same, each half block with multiples of its own.
pub(super) struct HalvesWithMinimum;

impl ScaleLayout for HalvesWithMinimum {
    const BYTES: usize = 64;
    const SHARED_BYTES: usize = 64;
    const HALVES: bool = true;
    const OFFSETS: bool = true;

    #[inline(always)]
    unsafe fn read<S: Simd>(simd: S, from: *const u8, shared: *const u8) -> Scales<S> {
        // SAFETY: four times sixteen bytes, twice sixteen halves.
        unsafe {
            let (scale, least) =
                (simd.load_half(shared.cast()), simd.load_half(shared.add(32).cast()));
            let least = simd.sub(simd.zero(), least);
            Scales {
                scales: [
                    simd.mul(simd.load_bytes(from), scale),
                    simd.mul(simd.load_bytes(from.add(16)), scale),
                ],
                offsets: [
                    simd.mul(simd.load_bytes(from.add(32)), least),
                    simd.mul(simd.load_bytes(from.add(48)), least),
                ],
            }
        }
    }
}

/// A 16-bit scale for 256 codes, with a signed multiple for each half block.
pub(super) struct SignedHalves;

impl ScaleLayout for SignedHalves {
    const BYTES: usize = 32;
    const SHARED_BYTES: usize = 32;
    const HALVES: bool = true;

    #[inline(always)]
    unsafe fn read<S: Simd>(simd: S, from: *const u8, shared: *const u8) -> Scales<S> {
        // SAFETY: twice sixteen bytes, sixteen halves.
        unsafe {
            let scale = simd.load_half(shared.cast());
            let first = simd.mul(simd.load_signed_bytes(from), scale);
            let second = simd.mul(simd.load_signed_bytes(from.add(16)), scale);
            Scales { scales: [first, second], offsets: [simd.zero(); 2] }
        }
    }
}

/// The same, one multiple for each block.
pub(super) struct SignedMultiple;

impl ScaleLayout for SignedMultiple {
    const BYTES: usize = 16;
    const SHARED_BYTES: usize = 32;

    #[inline(always)]
    unsafe fn read<S: Simd>(simd: S, from: *const u8, shared: *const u8) -> Scales<S> {
        // SAFETY: sixteen bytes, sixteen halves.
        unsafe {
            let factor = simd.load_signed_bytes(from);
            one(simd, simd.mul(factor, simd.load_half(shared.cast())))
        }
    }
}
