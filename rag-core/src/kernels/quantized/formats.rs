//! How each quantised type lies in a tile, and how a vector reads it.
//!
//! A block of 32 columns is eight groups of four; a line of 64 bytes holds one group's codes for
//! sixteen rows. Narrow codes stand in planes: the low four bits of groups `g` and `g + 4` share a
//! line, a fifth bit of group `g` is bit `g` of one more line, two more bits take two lines.
#![expect(unsafe_code, reason = "pointers into a checked tile")]
#![expect(non_camel_case_types, reason = "the names of ggml")]

use super::{BLOCK, LANES, Lanes, UNIT, unit_bytes, unit_start};
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
    unsafe fn codes<L: Lanes>(lanes: L, from: *const u8) -> [L::Codes; 8];

    /// Scales, then offsets, of the halves of a block; if the block is not halved, only the first
    /// of each counts.
    ///
    /// # Safety
    /// `from` holds `SCALE_BYTES`, `shared` `SHARED_BYTES`.
    unsafe fn scales<L: Lanes>(lanes: L, from: *const u8, shared: *const u8) -> Scales<L>;
}

/// What the codes of a block are multiplied by, and what is added.
pub(super) struct Scales<L: Lanes> {
    pub(super) scales: [L::Floats; 2],
    pub(super) offsets: [L::Floats; 2],
}

/// Logarithm of what the codes are too large by, as vectors of this level take them; 0 for nothing.
#[inline(always)]
pub(super) fn zero_shift<L: Lanes, F: BlockFormat>() -> u32 {
    if F::BITS == 8 { L::SIGNED_SHIFT } else { F::ZERO_SHIFT }
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
pub(super) fn open_block<L: Lanes, F: BlockFormat>(
    lanes: L,
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
        let groups = F::codes(lanes, start.add(codes));
        for (group, codes) in groups.iter().enumerate() {
            lanes.save_codes(open.codes.as_mut_ptr().add(64 * group), *codes);
        }
        let found = F::scales(lanes, start.add(scales), start.add(shared));
        for half in 0..2 {
            lanes.store(open.scales[half].as_mut_ptr(), found.scales[half]);
            lanes.store(open.offsets[half].as_mut_ptr(), found.offsets[half]);
        }
    }
    open
}

/// Four-bit codes.
#[inline(always)]
unsafe fn nibbles<L: Lanes>(lanes: L, from: *const u8) -> [L::Codes; 8] {
    // SAFETY: four lines by contract of the callers.
    let [a, b, c, d] = each!(4, line => unsafe { lanes.load_codes(from.add(64 * line)) });
    [
        lanes.bits::<0>(a, 15),
        lanes.bits::<0>(b, 15),
        lanes.bits::<0>(c, 15),
        lanes.bits::<0>(d, 15),
        lanes.bits::<-4>(a, 15),
        lanes.bits::<-4>(b, 15),
        lanes.bits::<-4>(c, 15),
        lanes.bits::<-4>(d, 15),
    ]
}

/// Both sets of bits.
#[inline(always)]
fn join<L: Lanes>(lanes: L, a: [L::Codes; 8], b: [L::Codes; 8]) -> [L::Codes; 8] {
    each!(8, group => lanes.or(a[group], b[group]))
}

/// Adds a fifth bit from one line.
#[inline(always)]
unsafe fn fifth_bits<L: Lanes>(lanes: L, codes: [L::Codes; 8], from: *const u8) -> [L::Codes; 8] {
    // SAFETY: one line by contract of the callers.
    let line = unsafe { lanes.load_codes(from) };
    let bits = [
        lanes.bits::<4>(line, 16),
        lanes.bits::<3>(line, 16),
        lanes.bits::<2>(line, 16),
        lanes.bits::<1>(line, 16),
        lanes.bits::<0>(line, 16),
        lanes.bits::<-1>(line, 16),
        lanes.bits::<-2>(line, 16),
        lanes.bits::<-3>(line, 16),
    ];
    join(lanes, codes, bits)
}

/// Two bits of each code from two lines, at bits 4 and 5.
#[inline(always)]
unsafe fn high_pairs<L: Lanes>(lanes: L, from: *const u8) -> [L::Codes; 8] {
    // SAFETY: two lines by contract of the callers.
    let (a, b) = unsafe { (lanes.load_codes(from), lanes.load_codes(from.add(64))) };
    [
        lanes.bits::<4>(a, 0x30),
        lanes.bits::<2>(a, 0x30),
        lanes.bits::<0>(a, 0x30),
        lanes.bits::<-2>(a, 0x30),
        lanes.bits::<4>(b, 0x30),
        lanes.bits::<2>(b, 0x30),
        lanes.bits::<0>(b, 0x30),
        lanes.bits::<-2>(b, 0x30),
    ]
}

/// Two-bit codes from two lines.
#[inline(always)]
unsafe fn pairs<L: Lanes>(lanes: L, from: *const u8) -> [L::Codes; 8] {
    // SAFETY: two lines by contract of the callers.
    let (a, b) = unsafe { (lanes.load_codes(from), lanes.load_codes(from.add(64))) };
    [
        lanes.bits::<0>(a, 3),
        lanes.bits::<-2>(a, 3),
        lanes.bits::<-4>(a, 3),
        lanes.bits::<-6>(a, 3),
        lanes.bits::<0>(b, 3),
        lanes.bits::<-2>(b, 3),
        lanes.bits::<-4>(b, 3),
        lanes.bits::<-6>(b, 3),
    ]
}

/// One scale per block.
#[inline(always)]
fn one<L: Lanes>(lanes: L, scale: L::Floats) -> Scales<L> {
    Scales { scales: [scale; 2], offsets: [lanes.zero(); 2] }
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
            unsafe fn codes<L: Lanes>(lanes: L, from: *const u8) -> [L::Codes; 8] {
                // SAFETY: passed on.
                unsafe { $codes(lanes, from) }
            }

            #[inline(always)]
            unsafe fn scales<L: Lanes>(lanes: L, from: *const u8, _shared: *const u8) -> Scales<L> {
                // SAFETY: sixteen halves, and sixteen more if there are offsets.
                unsafe {
                    let mut scales = one(lanes, lanes.load_half(from.cast()));
                    if $offsets {
                        scales.offsets = [lanes.load_half(from.add(32).cast()); 2];
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
unsafe fn five_bits<L: Lanes>(lanes: L, from: *const u8) -> [L::Codes; 8] {
    // SAFETY: four lines and one by contract of the callers.
    unsafe { fifth_bits(lanes, nibbles(lanes, from), from.add(256)) }
}

#[inline(always)]
unsafe fn bytes<L: Lanes>(lanes: L, from: *const u8) -> [L::Codes; 8] {
    // SAFETY: eight lines by contract of the callers.
    each!(8, line => unsafe { lanes.signed(lanes.load_codes(from.add(64 * line))) })
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
unsafe fn curve<L: Lanes>(lanes: L, from: *const u8) -> [L::Codes; 8] {
    // SAFETY: four lines by contract of the callers.
    let codes = unsafe { nibbles(lanes, from) };
    each!(8, group => lanes.signed(lanes.look_up(&CURVE, codes[group])))
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
            unsafe fn codes<L: Lanes>(lanes: L, from: *const u8) -> [L::Codes; 8] {
                // SAFETY: passed on.
                unsafe { $codes(lanes, from) }
            }

            #[inline(always)]
            unsafe fn scales<L: Lanes>(lanes: L, from: *const u8, shared: *const u8) -> Scales<L> {
                // SAFETY: twice sixteen bytes, twice sixteen halves.
                unsafe {
                    let scale = lanes.mul(lanes.load_bytes(from), lanes.load_half(shared.cast()));
                    let least = lanes.load_half(shared.add(32).cast());
                    let least = lanes.mul(lanes.load_bytes(from.add(16)), least);
                    Scales { scales: [scale; 2], offsets: [lanes.sub(lanes.zero(), least); 2] }
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
    unsafe fn codes<L: Lanes>(lanes: L, from: *const u8) -> [L::Codes; 8] {
        // SAFETY: passed on.
        unsafe { pairs(lanes, from) }
    }

    #[inline(always)]
    unsafe fn scales<L: Lanes>(lanes: L, from: *const u8, shared: *const u8) -> Scales<L> {
        // SAFETY: four times sixteen bytes, twice sixteen halves.
        unsafe {
            let (scale, least) =
                (lanes.load_half(shared.cast()), lanes.load_half(shared.add(32).cast()));
            let least = lanes.sub(lanes.zero(), least);
            Scales {
                scales: [
                    lanes.mul(lanes.load_bytes(from), scale),
                    lanes.mul(lanes.load_bytes(from.add(16)), scale),
                ],
                offsets: [
                    lanes.mul(lanes.load_bytes(from.add(32)), least),
                    lanes.mul(lanes.load_bytes(from.add(48)), least),
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
            unsafe fn codes<L: Lanes>(lanes: L, from: *const u8) -> [L::Codes; 8] {
                // SAFETY: passed on.
                unsafe { $codes(lanes, from) }
            }

            #[inline(always)]
            unsafe fn scales<L: Lanes>(lanes: L, from: *const u8, shared: *const u8) -> Scales<L> {
                // SAFETY: twice sixteen bytes, sixteen halves.
                unsafe {
                    let scale = lanes.load_half(shared.cast());
                    let first = lanes.mul(lanes.load_signed_bytes(from), scale);
                    let second = lanes.mul(lanes.load_signed_bytes(from.add(16)), scale);
                    Scales { scales: [first, second], offsets: [lanes.zero(); 2] }
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
unsafe fn three_bits<L: Lanes>(lanes: L, from: *const u8) -> [L::Codes; 8] {
    // SAFETY: two lines and one by contract of the callers.
    unsafe {
        let low = pairs(lanes, from);
        let line = lanes.load_codes(from.add(128));
        let high = [
            lanes.bits::<2>(line, 4),
            lanes.bits::<1>(line, 4),
            lanes.bits::<0>(line, 4),
            lanes.bits::<-1>(line, 4),
            lanes.bits::<-2>(line, 4),
            lanes.bits::<-3>(line, 4),
            lanes.bits::<-4>(line, 4),
            lanes.bits::<-5>(line, 4),
        ];
        join(lanes, low, high)
    }
}

#[inline(always)]
unsafe fn six_bits<L: Lanes>(lanes: L, from: *const u8) -> [L::Codes; 8] {
    // SAFETY: four lines and two by contract of the callers.
    unsafe {
        let (low, high) = (nibbles(lanes, from), high_pairs(lanes, from.add(256)));
        join(lanes, low, high)
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
    unsafe fn codes<L: Lanes>(lanes: L, from: *const u8) -> [L::Codes; 8] {
        // SAFETY: passed on.
        unsafe { curve(lanes, from) }
    }

    #[inline(always)]
    unsafe fn scales<L: Lanes>(lanes: L, from: *const u8, shared: *const u8) -> Scales<L> {
        // SAFETY: sixteen bytes, sixteen halves.
        unsafe {
            let factor = lanes.load_signed_bytes(from);
            one(lanes, lanes.mul(factor, lanes.load_half(shared.cast())))
        }
    }
}
