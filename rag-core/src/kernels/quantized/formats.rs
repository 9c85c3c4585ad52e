//! How each quantised type lies in a tile, and how a vector reads it.
//!
//! A block of 32 columns is eight groups of four; a line of 64 bytes holds one group's codes for
//! sixteen rows. Narrow codes stand in planes: the low four bits of groups `g` and `g + 4` share a
//! line, a fifth bit of group `g` is bit `g` of one more line, two more bits take two lines.
#![expect(unsafe_code, reason = "pointers into a checked tile")]
#![expect(non_camel_case_types, reason = "the names of ggml")]

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

/// Four-bit codes.
#[inline(always)]
unsafe fn nibbles<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
    // SAFETY: four lines by contract of the callers.
    let [a, b, c, d] = each!(4, line => unsafe { simd.load_codes(from.add(64 * line)) });
    [
        simd.bits::<0>(a, 15),
        simd.bits::<0>(b, 15),
        simd.bits::<0>(c, 15),
        simd.bits::<0>(d, 15),
        simd.bits::<-4>(a, 15),
        simd.bits::<-4>(b, 15),
        simd.bits::<-4>(c, 15),
        simd.bits::<-4>(d, 15),
    ]
}

/// Both sets of bits.
#[inline(always)]
fn join<S: Simd>(simd: S, a: [S::Codes; 8], b: [S::Codes; 8]) -> [S::Codes; 8] {
    each!(8, group => simd.or(a[group], b[group]))
}

/// Adds a fifth bit from one line.
#[inline(always)]
unsafe fn fifth_bits<S: Simd>(simd: S, codes: [S::Codes; 8], from: *const u8) -> [S::Codes; 8] {
    // SAFETY: one line by contract of the callers.
    let line = unsafe { simd.load_codes(from) };
    let bits = [
        simd.bits::<4>(line, 16),
        simd.bits::<3>(line, 16),
        simd.bits::<2>(line, 16),
        simd.bits::<1>(line, 16),
        simd.bits::<0>(line, 16),
        simd.bits::<-1>(line, 16),
        simd.bits::<-2>(line, 16),
        simd.bits::<-3>(line, 16),
    ];
    join(simd, codes, bits)
}

/// Two bits of each code from two lines, at bits 4 and 5.
#[inline(always)]
unsafe fn high_pairs<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
    // SAFETY: two lines by contract of the callers.
    let (a, b) = unsafe { (simd.load_codes(from), simd.load_codes(from.add(64))) };
    [
        simd.bits::<4>(a, 0x30),
        simd.bits::<2>(a, 0x30),
        simd.bits::<0>(a, 0x30),
        simd.bits::<-2>(a, 0x30),
        simd.bits::<4>(b, 0x30),
        simd.bits::<2>(b, 0x30),
        simd.bits::<0>(b, 0x30),
        simd.bits::<-2>(b, 0x30),
    ]
}

/// Two-bit codes from two lines.
#[inline(always)]
unsafe fn pairs<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
    // SAFETY: two lines by contract of the callers.
    let (a, b) = unsafe { (simd.load_codes(from), simd.load_codes(from.add(64))) };
    [
        simd.bits::<0>(a, 3),
        simd.bits::<-2>(a, 3),
        simd.bits::<-4>(a, 3),
        simd.bits::<-6>(a, 3),
        simd.bits::<0>(b, 3),
        simd.bits::<-2>(b, 3),
        simd.bits::<-4>(b, 3),
        simd.bits::<-6>(b, 3),
    ]
}

/// One scale per block.
#[inline(always)]
fn one<S: Simd>(simd: S, scale: S::Floats) -> Scales<S> {
    Scales { scales: [scale; 2], offsets: [simd.zero(); 2] }
}

/// A type whose blocks of 32 have a 16-bit scale, and maybe an offset like it.
macro_rules! simple {
    ($($name:ident: $bytes:literal, $bits:literal bits, zero $zero:literal, offsets $offsets:literal, $codes:expr;)*) => {$(
        pub(super) struct $name;

        impl BlockFormat for $name {
            const CODE_BYTES: usize = $bytes;
            const SCALE_BYTES: usize = if $offsets { 64 } else { 32 };
            const BITS: u32 = $bits;
            const ZERO_SHIFT: u32 = $zero;
            const OFFSETS: bool = $offsets;

            #[inline(always)]
            unsafe fn codes<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
                // SAFETY: passed on.
                unsafe { $codes(simd, from) }
            }

            #[inline(always)]
            unsafe fn scales<S: Simd>(simd: S, from: *const u8, _shared: *const u8) -> Scales<S> {
                // SAFETY: sixteen halves, and sixteen more if there are offsets.
                unsafe {
                    let mut scales = one(simd, simd.load_half(from.cast()));
                    if $offsets {
                        scales.offsets = [simd.load_half(from.add(32).cast()); 2];
                    }
                    scales
                }
            }
        }
    )*};
}

simple! {
    Q4_0: 256, 4 bits, zero 3, offsets false, nibbles;
    Q4_1: 256, 4 bits, zero 0, offsets true, nibbles;
    Q5_0: 320, 5 bits, zero 4, offsets false, five_bits;
    Q5_1: 320, 5 bits, zero 0, offsets true, five_bits;
    Q8_0: 512, 8 bits, zero 0, offsets false, bytes;
    IQ4_NL: 256, 8 bits, zero 0, offsets false, curve;
}

#[inline(always)]
unsafe fn five_bits<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
    // SAFETY: four lines and one by contract of the callers.
    unsafe { fifth_bits(simd, nibbles(simd, from), from.add(256)) }
}

#[inline(always)]
unsafe fn bytes<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
    // SAFETY: eight lines by contract of the callers.
    each!(8, line => unsafe { simd.signed(simd.load_codes(from.add(64 * line))) })
}

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

#[inline(always)]
unsafe fn curve<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
    // SAFETY: four lines by contract of the callers.
    let codes = unsafe { nibbles(simd, from) };
    each!(8, group => simd.signed(simd.look_up(&CURVE, codes[group])))
}

/// 256 codes under a 16-bit scale and offset, each block with a small multiple of both.
macro_rules! with_minimum {
    ($($name:ident: $bytes:literal, $bits:literal bits, $codes:expr;)*) => {$(
        pub(super) struct $name;

        impl BlockFormat for $name {
            const CODE_BYTES: usize = $bytes;
            const SCALE_BYTES: usize = 32;
            const SHARED_BYTES: usize = 64;
            const BITS: u32 = $bits;
            const OFFSETS: bool = true;

            #[inline(always)]
            unsafe fn codes<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
                // SAFETY: passed on.
                unsafe { $codes(simd, from) }
            }

            #[inline(always)]
            unsafe fn scales<S: Simd>(simd: S, from: *const u8, shared: *const u8) -> Scales<S> {
                // SAFETY: twice sixteen bytes, twice sixteen halves.
                unsafe {
                    let scale = simd.mul(simd.load_bytes(from), simd.load_half(shared.cast()));
                    let least = simd.load_half(shared.add(32).cast());
                    let least = simd.mul(simd.load_bytes(from.add(16)), least);
                    Scales { scales: [scale; 2], offsets: [simd.sub(simd.zero(), least); 2] }
                }
            }
        }
    )*};
}

with_minimum! {
    Q4_K: 256, 4 bits, nibbles;
    Q5_K: 320, 5 bits, five_bits;
}

/// Two bits, each half block with four-bit multiples of scale and offset.
pub(super) struct Q2_K;

impl BlockFormat for Q2_K {
    const CODE_BYTES: usize = 128;
    const SCALE_BYTES: usize = 64;
    const SHARED_BYTES: usize = 64;
    const BITS: u32 = 2;
    const HALVES: bool = true;
    const OFFSETS: bool = true;

    #[inline(always)]
    unsafe fn codes<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
        // SAFETY: passed on.
        unsafe { pairs(simd, from) }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(simd: S, from: *const u8, shared: *const u8) -> Scales<S> {
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
macro_rules! with_signed_halves {
    ($($name:ident: $bytes:literal, $bits:literal bits, zero $zero:literal, $codes:expr;)*) => {$(
        pub(super) struct $name;

        impl BlockFormat for $name {
            const CODE_BYTES: usize = $bytes;
            const SCALE_BYTES: usize = 32;
            const SHARED_BYTES: usize = 32;
            const BITS: u32 = $bits;
            const ZERO_SHIFT: u32 = $zero;
            const HALVES: bool = true;

            #[inline(always)]
            unsafe fn codes<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
                // SAFETY: passed on.
                unsafe { $codes(simd, from) }
            }

            #[inline(always)]
            unsafe fn scales<S: Simd>(simd: S, from: *const u8, shared: *const u8) -> Scales<S> {
                // SAFETY: twice sixteen bytes, sixteen halves.
                unsafe {
                    let scale = simd.load_half(shared.cast());
                    let first = simd.mul(simd.load_signed_bytes(from), scale);
                    let second = simd.mul(simd.load_signed_bytes(from.add(16)), scale);
                    Scales { scales: [first, second], offsets: [simd.zero(); 2] }
                }
            }
        }
    )*};
}

with_signed_halves! {
    Q3_K: 192, 3 bits, zero 2, three_bits;
    Q6_K: 384, 6 bits, zero 5, six_bits;
}

#[inline(always)]
unsafe fn three_bits<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
    // SAFETY: two lines and one by contract of the callers.
    unsafe {
        let low = pairs(simd, from);
        let line = simd.load_codes(from.add(128));
        let high = [
            simd.bits::<2>(line, 4),
            simd.bits::<1>(line, 4),
            simd.bits::<0>(line, 4),
            simd.bits::<-1>(line, 4),
            simd.bits::<-2>(line, 4),
            simd.bits::<-3>(line, 4),
            simd.bits::<-4>(line, 4),
            simd.bits::<-5>(line, 4),
        ];
        join(simd, low, high)
    }
}

#[inline(always)]
unsafe fn six_bits<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
    // SAFETY: four lines and two by contract of the callers.
    unsafe {
        let (low, high) = (nibbles(simd, from), high_pairs(simd, from.add(256)));
        join(simd, low, high)
    }
}

/// The non-linear levels with a signed multiple of a 16-bit scale per block.
pub(super) struct IQ4_XS;

impl BlockFormat for IQ4_XS {
    const CODE_BYTES: usize = 256;
    const SCALE_BYTES: usize = 16;
    const SHARED_BYTES: usize = 32;
    const BITS: u32 = 8;

    #[inline(always)]
    unsafe fn codes<S: Simd>(simd: S, from: *const u8) -> [S::Codes; 8] {
        // SAFETY: passed on.
        unsafe { curve(simd, from) }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(simd: S, from: *const u8, shared: *const u8) -> Scales<S> {
        // SAFETY: sixteen bytes, sixteen halves.
        unsafe {
            let factor = simd.load_signed_bytes(from);
            one(simd, simd.mul(factor, simd.load_half(shared.cast())))
        }
    }
}
