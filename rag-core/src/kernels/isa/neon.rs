//! NEON in four registers, with or without the dot products of ARMv8.2.

use std::arch::aarch64::*;

use super::simd::{LARGEST_HALF, Simd, Work, at_pointer, safe};

/// NEON, which every AArch64 CPU has; with `DOT` the proof that this one has dot products of bytes
/// too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neon<const DOT: bool>(());

impl Neon<true> {
    pub(super) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("dotprod").then_some(Self(()))
    }
}

impl Neon<false> {
    /// Needs no proof.
    pub(super) const PLAIN: Self = Self(());
}

type Floats = [float32x4_t; 4];
type Ints = [int32x4_t; 4];
type Codes = [uint8x16_t; 4];

/// `f` of each register of one, two or three vectors.
macro_rules! quad {
    ($f:expr; $($a:expr),+) => {
        [quad!(@ 0, $f; $($a),+), quad!(@ 1, $f; $($a),+), quad!(@ 2, $f; $($a),+), quad!(@ 3, $f; $($a),+)]
    };
    (@ $i:literal, $f:expr; $($a:expr),+) => { $f($($a[$i]),+) };
}

/// Sixteen whole numbers of 16 bits as f32.
#[inline(always)]
unsafe fn widened(low: int16x8_t, high: int16x8_t) -> Floats {
    // SAFETY: every AArch64 CPU has NEON.
    unsafe {
        let ints = [
            vmovl_s16(vget_low_s16(low)),
            vmovl_high_s16(low),
            vmovl_s16(vget_low_s16(high)),
            vmovl_high_s16(high),
        ];
        quad!(vcvtq_f32_s32; ints)
    }
}

// SAFETY: only `detect` makes a value with dot products.
unsafe impl<const DOT: bool> Simd for Neon<DOT> {
    type Floats = Floats;
    type Ints = Ints;
    type Codes = Codes;
    /// One sum for each row; without dot products one for each half of a row's four codes.
    type Products = [[int32x4_t; 2]; 4];

    // six rows of four registers leave eight of the 32 for a row of the panel and a number
    const MR: usize = 6;
    const NR: usize = 16;
    const PANEL_ROWS: usize = 2;
    const QUERIES: usize = 4;
    const SIGNED_SHIFT: u32 = 0;

    safe! {
        zero() -> Floats = [vdupq_n_f32(0.0); 4];
        splat(value: f32) -> Floats = [vdupq_n_f32(value); 4];
        add(a: Floats, b: Floats) -> Floats = quad!(vaddq_f32; a, b);
        sub(a: Floats, b: Floats) -> Floats = quad!(vsubq_f32; a, b);
        mul(a: Floats, b: Floats) -> Floats = quad!(vmulq_f32; a, b);
        div(a: Floats, b: Floats) -> Floats = quad!(vdivq_f32; a, b);
        max(a: Floats, b: Floats) -> Floats = quad!(vmaxq_f32; a, b);
        min(a: Floats, b: Floats) -> Floats = quad!(vminq_f32; a, b);
        mul_add(a: Floats, b: Floats, c: Floats) -> Floats = quad!(vfmaq_f32; c, a, b);
        abs(a: Floats) -> Floats = quad!(vabsq_f32; a);
        round(a: Floats) -> Floats = quad!(vrndnq_f32; a);
        power_of_two(a: Floats) -> Floats = {
            let exponents = quad!(vcvtnq_s32_f32; a);
            let biased = quad!(vaddq_s32; exponents, [vdupq_n_s32(127); 4]);
            quad!(vreinterpretq_f32_s32; quad!(vshlq_n_s32::<23>; biased))
        };
        keep(lanes: u16, a: Floats, other: Floats) -> Floats = {
            let bits = vld1q_u32([1, 2, 4, 8].as_ptr());
            let mask = |quarter: u32| vtstq_u32(vdupq_n_u32(u32::from(lanes) >> (4 * quarter)), bits);
            quad!(vbslq_f32; [mask(0), mask(1), mask(2), mask(3)], a, other)
        };
        sum(a: Floats) -> f32 = {
            let four = vaddq_f32(vaddq_f32(a[0], a[2]), vaddq_f32(a[1], a[3]));
            let two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
            vget_lane_f32::<0>(two) + vget_lane_f32::<1>(two)
        };
        largest(a: Floats) -> f32 =
            vmaxvq_f32(vmaxq_f32(vmaxq_f32(a[0], a[2]), vmaxq_f32(a[1], a[3])));
        add_ints(a: Ints, b: Ints) -> Ints = quad!(vaddq_s32; a, b);
        to_floats(a: Ints) -> Floats = quad!(vcvtq_f32_s32; a);
        or(a: Codes, b: Codes) -> Codes = quad!(vorrq_u8; a, b);
        look_up(table: &[u8; 16], codes: Codes) -> Codes = {
            let table = vld1q_u8(table.as_ptr());
            quad!(vqtbl1q_u8; [table; 4], codes)
        };
        splat_word(word: u32) -> Codes = [vreinterpretq_u8_u32(vdupq_n_u32(word)); 4];
        zero_ints() -> Ints = [vdupq_n_s32(0); 4];
        add_quads(sums: Ints, a: Codes, b: Codes) -> Ints =
            quad!(quads; sums, a, quad!(vreinterpretq_s8_u8; b));
        zero_products() -> [[int32x4_t; 2]; 4] = [[vdupq_n_s32(0); 2]; 4];
        add_pairs(products: [[int32x4_t; 2]; 4], a: Codes, b: Codes) -> [[int32x4_t; 2]; 4] =
            quad!(pairs; products, quad!(vreinterpretq_s16_u8; a), quad!(vreinterpretq_s16_u8; b));
        sum_pairs(products: [[int32x4_t; 2]; 4]) -> Ints = {
            let [a, b, c, d] = products;
            let sums = |[low, high]: [int32x4_t; 2]| vpaddq_s32(low, high);
            [sums(a), sums(b), sums(c), sums(d)]
        };
        prefetch(at: *const u8) -> () = std::arch::asm!(
            "prfm pldl1keep, [{}]", in(reg) at, options(nostack, preserves_flags, readonly)
        );
    }

    at_pointer! {
        load(from: *const f32) -> Floats =
            [vld1q_f32(from), vld1q_f32(from.add(4)), vld1q_f32(from.add(8)), vld1q_f32(from.add(12))];
        store(to: *mut f32, values: Floats) = {
            vst1q_f32(to, values[0]);
            vst1q_f32(to.add(4), values[1]);
            vst1q_f32(to.add(8), values[2]);
            vst1q_f32(to.add(12), values[3]);
        };
        load_half(from: *const u16) -> Floats = {
            let halves = [vld1_u16(from), vld1_u16(from.add(4)), vld1_u16(from.add(8)), vld1_u16(from.add(12))];
            quad!(vcvt_f32_f16; quad!(vreinterpret_f16_u16; halves))
        };
        load_bfloat(from: *const u16) -> Floats = {
            let halves = [vld1_u16(from), vld1_u16(from.add(4)), vld1_u16(from.add(8)), vld1_u16(from.add(12))];
            quad!(vreinterpretq_f32_u32; quad!(vshll_n_u16::<16>; halves))
        };
        load_bfloat_pairs(from: *const u32) -> [Floats; 2] = {
            let words = [vld1q_u32(from), vld1q_u32(from.add(4)), vld1q_u32(from.add(8)), vld1q_u32(from.add(12))];
            let high = quad!(vandq_u32; words, [vdupq_n_u32(0xffff_0000); 4]);
            [
                quad!(vreinterpretq_f32_u32; quad!(vshlq_n_u32::<16>; words)),
                quad!(vreinterpretq_f32_u32; high),
            ]
        };
        store_half(to: *mut u16, values: Floats) = {
            let values = quad!(vminq_f32; values, [vdupq_n_f32(LARGEST_HALF); 4]);
            let values = quad!(vmaxq_f32; values, [vdupq_n_f32(-LARGEST_HALF); 4]);
            let halves = quad!(vreinterpret_u16_f16; quad!(vcvt_f16_f32; values));
            vst1_u16(to, halves[0]);
            vst1_u16(to.add(4), halves[1]);
            vst1_u16(to.add(8), halves[2]);
            vst1_u16(to.add(12), halves[3]);
        };
        load_bytes(from: *const u8) -> Floats = {
            let bytes = vld1q_u8(from);
            let low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(bytes)));
            widened(low, vreinterpretq_s16_u16(vmovl_high_u8(bytes)))
        };
        load_signed_bytes(from: *const u8) -> Floats = {
            let bytes = vld1q_s8(from.cast());
            widened(vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes))
        };
        store_codes(to: *mut i8, values: Floats) -> i32 = {
            let ints = quad!(vcvtnq_s32_f32; values);
            let low = vqmovn_high_s32(vqmovn_s32(ints[0]), ints[1]);
            let high = vqmovn_high_s32(vqmovn_s32(ints[2]), ints[3]);
            vst1q_s8(to, vqmovn_high_s16(vqmovn_s16(low), high));
            vaddvq_s32(vaddq_s32(vaddq_s32(ints[0], ints[1]), vaddq_s32(ints[2], ints[3])))
        };
        start(value: *const i32, shift: u32) -> Ints = if shift == 0 {
            [vdupq_n_s32(0); 4]
        } else {
            [vdupq_n_s32(value.read_unaligned() << shift); 4]
        };
        load_codes(from: *const u8) -> Codes =
            [vld1q_u8(from), vld1q_u8(from.add(16)), vld1q_u8(from.add(32)), vld1q_u8(from.add(48))];
        save_codes(to: *mut u8, codes: Codes) = {
            vst1q_u8(to, codes[0]);
            vst1q_u8(to.add(16), codes[1]);
            vst1q_u8(to.add(32), codes[2]);
            vst1q_u8(to.add(48), codes[3]);
        };
    }

    #[inline(always)]
    fn signed(self, codes: Codes) -> Codes {
        codes
    }

    #[inline(always)]
    fn bits<const N: i32>(self, codes: Codes, mask: u8) -> Codes {
        // SAFETY: every AArch64 CPU has NEON.
        unsafe {
            let shifted = quad!(vshlq_u8; codes, [vdupq_n_s8(N as i8); 4]);
            quad!(vandq_u8; shifted, [vdupq_n_u8(mask); 4])
        }
    }

    #[inline(always)]
    fn steps(_bits: u32) -> usize {
        4
    }

    #[inline(always)]
    fn open(self, sums: Ints) -> [[int32x4_t; 2]; 4] {
        // SAFETY: every AArch64 CPU has NEON.
        unsafe {
            let zero = vdupq_n_s32(0);
            if DOT {
                return [[sums[0], zero], [sums[1], zero], [sums[2], zero], [sums[3], zero]];
            }
            [[zero; 2]; 4]
        }
    }

    #[inline(always)]
    unsafe fn multiply(
        self,
        products: [[int32x4_t; 2]; 4],
        codes: Codes,
        values: *const i8,
        _bits: u32,
    ) -> [[int32x4_t; 2]; 4] {
        // SAFETY: every AArch64 CPU has NEON, and this one dot products if `DOT`; four values by
        // contract.
        unsafe {
            let values = vreinterpretq_s8_s32(vdupq_n_s32(values.cast::<i32>().read_unaligned()));
            let codes = quad!(vreinterpretq_s8_u8; codes);
            quad!(if DOT { dotted } else { doubled }; products, codes, [values; 4])
        }
    }

    #[inline(always)]
    fn close(self, sums: Ints, products: [[int32x4_t; 2]; 4]) -> Ints {
        let [a, b, c, d] = products;
        if DOT {
            return [a[0], b[0], c[0], d[0]];
        }
        // SAFETY: every AArch64 CPU has NEON.
        unsafe {
            let rows = [
                vpaddq_s32(a[0], a[1]),
                vpaddq_s32(b[0], b[1]),
                vpaddq_s32(c[0], c[1]),
                vpaddq_s32(d[0], d[1]),
            ];
            quad!(vaddq_s32; sums, rows)
        }
    }

    #[inline(always)]
    fn run<W: Work>(self, work: W) -> W::Out {
        #[target_feature(enable = "neon,dotprod")]
        fn with_dots<W: Work, S: Simd>(simd: S, work: W) -> W::Out {
            work.run(simd)
        }
        if DOT {
            // SAFETY: `self` is the proof that this CPU has the instructions.
            unsafe { with_dots(self, work) }
        } else {
            work.run(self)
        }
    }
}

/// Four products added to each of four sums.
///
/// # Safety
/// The CPU has dot products.
#[inline(always)]
unsafe fn dotted(sums: [int32x4_t; 2], codes: int8x16_t, values: int8x16_t) -> [int32x4_t; 2] {
    let mut sum = sums[0];
    // the intrinsic is not stable yet
    // SAFETY: by contract; nothing but the registers named is touched.
    unsafe {
        std::arch::asm!(
            "sdot {sum:v}.4s, {codes:v}.16b, {values:v}.16b",
            sum = inout(vreg) sum,
            codes = in(vreg) codes,
            values = in(vreg) values,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    [sum, sums[1]]
}

/// The same with two sums for each row.
#[inline(always)]
unsafe fn doubled(sums: [int32x4_t; 2], codes: int8x16_t, values: int8x16_t) -> [int32x4_t; 2] {
    // SAFETY: every AArch64 CPU has NEON.
    unsafe {
        let low = vmull_s8(vget_low_s8(codes), vget_low_s8(values));
        [vpadalq_s16(sums[0], low), vpadalq_s16(sums[1], vmull_high_s8(codes, values))]
    }
}

/// The products of four times two 16-bit numbers, in two sums for each of the four.
#[inline(always)]
unsafe fn pairs(sums: [int32x4_t; 2], a: int16x8_t, b: int16x8_t) -> [int32x4_t; 2] {
    // SAFETY: every AArch64 CPU has NEON.
    unsafe {
        let low = vmlal_s16(sums[0], vget_low_s16(a), vget_low_s16(b));
        [low, vmlal_high_s16(sums[1], a, b)]
    }
}

/// The products of four times four bytes: unsigned ones with signed ones, which baseline NEON has
/// no instruction for.
#[inline(always)]
unsafe fn quads(sums: int32x4_t, a: uint8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: every AArch64 CPU has NEON.
    unsafe {
        let low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(a)));
        let high = vreinterpretq_s16_u16(vmovl_high_u8(a));
        let zero = [vdupq_n_s32(0); 2];
        let [first, second] = pairs(zero, low, vmovl_s8(vget_low_s8(b)));
        let [third, fourth] = pairs(zero, high, vmovl_high_s8(b));
        let halves = vpaddq_s32(vpaddq_s32(first, second), vpaddq_s32(third, fourth));
        vaddq_s32(sums, halves)
    }
}
