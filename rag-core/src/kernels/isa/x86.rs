//! AVX-512 with VNNI in one register, AVX2 in two.

use std::arch::x86_64::*;

use super::simd::{LARGEST_HALF, Simd, Work, at_pointer, safe};

/// The proof that this CPU has AVX-512 F, VL, BW, DQ and VNNI, and with them AVX2, FMA and F16C.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(());

/// The proof that this CPU has AVX2, FMA and F16C.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx512 {
    /// Whether this CPU also multiplies pairs of bf16 (AVX512-BF16).
    pub(crate) fn has_bf16(self) -> bool {
        is_x86_feature_detected!("avx512bf16")
    }

    pub(super) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vnni");
        (found && Avx2::detect().is_some()).then_some(Self(()))
    }
}

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        found.then_some(Self(()))
    }
}

// SAFETY: only `detect` makes a value.
unsafe impl Simd for Avx512 {
    type Floats = __m512;
    type Ints = __m512i;
    type Codes = __m512i;
    type Products = __m512i;

    // 24 sums, two registers of columns and a number: 27 of 32. Two products a cycle at a latency
    // of four need eight sums under way; the rest saves loads (Goto and van de Geijn 2008)
    const MR: usize = 12;
    const NR: usize = 32;
    const PANEL_ROWS: usize = 8;
    const QUERIES: usize = 8;
    const SIGNED_SHIFT: u32 = 7;

    safe! {
        zero() -> __m512 = _mm512_setzero_ps();
        splat(value: f32) -> __m512 = _mm512_set1_ps(value);
        add(a: __m512, b: __m512) -> __m512 = _mm512_add_ps(a, b);
        sub(a: __m512, b: __m512) -> __m512 = _mm512_sub_ps(a, b);
        mul(a: __m512, b: __m512) -> __m512 = _mm512_mul_ps(a, b);
        div(a: __m512, b: __m512) -> __m512 = _mm512_div_ps(a, b);
        max(a: __m512, b: __m512) -> __m512 = _mm512_max_ps(a, b);
        min(a: __m512, b: __m512) -> __m512 = _mm512_min_ps(a, b);
        mul_add(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fmadd_ps(a, b, c);
        abs(a: __m512) -> __m512 = _mm512_abs_ps(a);
        round(a: __m512) -> __m512 =
            _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a);
        power_of_two(a: __m512) -> __m512 = {
            let exponent = _mm512_add_epi32(_mm512_cvtps_epi32(a), _mm512_set1_epi32(127));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(exponent))
        };
        keep(lanes: u16, a: __m512, other: __m512) -> __m512 =
            _mm512_mask_blend_ps(lanes, other, a);
        sum(a: __m512) -> f32 = {
            let (low, high) = (_mm512_castps512_ps256(a), _mm512_extractf32x8_ps::<1>(a));
            sum_of_eight(_mm256_add_ps(low, high))
        };
        largest(a: __m512) -> f32 = _mm512_reduce_max_ps(a);
        add_ints(a: __m512i, b: __m512i) -> __m512i = _mm512_add_epi32(a, b);
        to_floats(a: __m512i) -> __m512 = _mm512_cvtepi32_ps(a);
        or(a: __m512i, b: __m512i) -> __m512i = _mm512_or_si512(a, b);
        look_up(table: &[u8; 16], codes: __m512i) -> __m512i = {
            let table = _mm_loadu_si128(table.as_ptr().cast());
            _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), codes)
        };
        splat_word(word: u32) -> __m512i = _mm512_set1_epi32(word.cast_signed());
        zero_ints() -> __m512i = _mm512_setzero_si512();
        add_quads(sums: __m512i, a: __m512i, b: __m512i) -> __m512i = _mm512_dpbusd_epi32(sums, a, b);
        zero_products() -> __m512i = _mm512_setzero_si512();
        add_pairs(products: __m512i, a: __m512i, b: __m512i) -> __m512i =
            _mm512_add_epi32(products, _mm512_madd_epi16(a, b));
        signed(codes: __m512i) -> __m512i = _mm512_xor_si512(codes, _mm512_set1_epi8(i8::MIN));
        prefetch(at: *const u8) -> () = _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }

    at_pointer! {
        load(from: *const f32) -> __m512 = _mm512_loadu_ps(from);
        store(to: *mut f32, values: __m512) = _mm512_storeu_ps(to, values);
        load_half(from: *const u16) -> __m512 = _mm512_cvtph_ps(_mm256_loadu_si256(from.cast()));
        load_bfloat(from: *const u16) -> __m512 = {
            let wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(wide))
        };
        load_bfloat_pairs(from: *const u32) -> [__m512; 2] = {
            let words = _mm512_loadu_si512(from.cast());
            let second = _mm512_and_si512(words, _mm512_set1_epi32(0xffff_0000_u32.cast_signed()));
            [_mm512_castsi512_ps(_mm512_slli_epi32::<16>(words)), _mm512_castsi512_ps(second)]
        };
        store_half(to: *mut u16, values: __m512) = {
            let values = _mm512_min_ps(values, _mm512_set1_ps(LARGEST_HALF));
            let values = _mm512_max_ps(values, _mm512_set1_ps(-LARGEST_HALF));
            let halves = _mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(values);
            _mm256_storeu_si256(to.cast(), halves);
        };
        load_bytes(from: *const u8) -> __m512 =
            _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast())));
        load_signed_bytes(from: *const u8) -> __m512 =
            _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(from.cast())));
        store_codes(to: *mut i8, values: __m512) -> i32 = {
            let codes = _mm512_cvtps_epi32(values);
            _mm_storeu_si128(to.cast(), _mm512_cvtsepi32_epi8(codes));
            _mm512_reduce_add_epi32(codes)
        };
        start(value: *const i32, shift: u32) -> __m512i = match shift {
            0 => _mm512_setzero_si512(),
            2 => _mm512_slli_epi32::<2>(_mm512_set1_epi32(value.read_unaligned())),
            3 => _mm512_slli_epi32::<3>(_mm512_set1_epi32(value.read_unaligned())),
            4 => _mm512_slli_epi32::<4>(_mm512_set1_epi32(value.read_unaligned())),
            5 => _mm512_slli_epi32::<5>(_mm512_set1_epi32(value.read_unaligned())),
            _ => _mm512_slli_epi32::<7>(_mm512_set1_epi32(value.read_unaligned())),
        };
        load_codes(from: *const u8) -> __m512i = _mm512_loadu_si512(from.cast());
        save_codes(to: *mut u8, codes: __m512i) = _mm512_storeu_si512(to.cast(), codes);
    }

    #[inline(always)]
    fn sum_pairs(self, products: __m512i) -> __m512i {
        products
    }

    #[inline(always)]
    fn bits<const N: i32>(self, codes: __m512i, mask: u8) -> __m512i {
        // SAFETY: `self` is the proof that this CPU has the instructions.
        unsafe {
            let shifted = match N {
                0 => codes,
                1 => _mm512_slli_epi16::<1>(codes),
                2 => _mm512_slli_epi16::<2>(codes),
                3 => _mm512_slli_epi16::<3>(codes),
                4 => _mm512_slli_epi16::<4>(codes),
                -1 => _mm512_srli_epi16::<1>(codes),
                -2 => _mm512_srli_epi16::<2>(codes),
                -3 => _mm512_srli_epi16::<3>(codes),
                -4 => _mm512_srli_epi16::<4>(codes),
                -5 => _mm512_srli_epi16::<5>(codes),
                _ => _mm512_srli_epi16::<6>(codes),
            };
            _mm512_and_si512(shifted, _mm512_set1_epi8(mask as i8))
        }
    }

    #[inline(always)]
    fn steps(_bits: u32) -> usize {
        4
    }

    #[inline(always)]
    fn open(self, sums: __m512i) -> __m512i {
        sums
    }

    #[inline(always)]
    unsafe fn multiply(
        self,
        products: __m512i,
        codes: __m512i,
        values: *const i8,
        _bits: u32,
    ) -> __m512i {
        // SAFETY: `self` is the proof that this CPU has the instructions; four values by contract.
        unsafe {
            let values = _mm512_set1_epi32(values.cast::<i32>().read_unaligned());
            _mm512_dpbusd_epi32(products, codes, values)
        }
    }

    #[inline(always)]
    fn close(self, _sums: __m512i, products: __m512i) -> __m512i {
        products
    }

    #[inline(always)]
    fn run<W: Work>(self, work: W) -> W::Out {
        #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx512vnni,avx2,fma,f16c")]
        fn inner<W: Work>(simd: Avx512, work: W) -> W::Out {
            work.run(simd)
        }
        // SAFETY: `self` is the proof that this CPU has the instructions.
        unsafe { inner(self, work) }
    }
}

/// As the portable level folds: eight to four, to two, to one.
#[inline(always)]
unsafe fn sum_of_eight(a: __m256) -> f32 {
    // SAFETY: the callers hold the proof of AVX2.
    unsafe {
        let four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    }
}

/// As [`sum_of_eight`] for the largest.
#[inline(always)]
unsafe fn largest_of_eight(a: __m256) -> f32 {
    // SAFETY: the callers hold the proof of AVX2.
    unsafe {
        let four = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
        let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)))
    }
}

type Pair = [__m256; 2];
type IntPair = [__m256i; 2];

/// Applies an intrinsic to both halves.
macro_rules! both {
    ($f:path, $a:expr) => {{
        let a = $a;
        [$f(a[0]), $f(a[1])]
    }};
    ($f:path, $a:expr, $b:expr) => {{
        let (a, b) = ($a, $b);
        [$f(a[0], b[0]), $f(a[1], b[1])]
    }};
    ($f:path, $a:expr, $b:expr, $c:expr) => {{
        let (a, b, c) = ($a, $b, $c);
        [$f(a[0], b[0], c[0]), $f(a[1], b[1], c[1])]
    }};
}

// SAFETY: only `detect` makes a value.
unsafe impl Simd for Avx2 {
    type Floats = Pair;
    type Ints = IntPair;
    type Codes = IntPair;
    type Products = IntPair;

    // twelve sums, two registers of columns and a number: 15 of 16
    const MR: usize = 6;
    const NR: usize = 16;
    const PANEL_ROWS: usize = 1;
    const QUERIES: usize = 4;
    const SIGNED_SHIFT: u32 = 0;

    safe! {
        zero() -> Pair = [_mm256_setzero_ps(); 2];
        splat(value: f32) -> Pair = [_mm256_set1_ps(value); 2];
        add(a: Pair, b: Pair) -> Pair = both!(_mm256_add_ps, a, b);
        sub(a: Pair, b: Pair) -> Pair = both!(_mm256_sub_ps, a, b);
        mul(a: Pair, b: Pair) -> Pair = both!(_mm256_mul_ps, a, b);
        div(a: Pair, b: Pair) -> Pair = both!(_mm256_div_ps, a, b);
        max(a: Pair, b: Pair) -> Pair = both!(_mm256_max_ps, a, b);
        min(a: Pair, b: Pair) -> Pair = both!(_mm256_min_ps, a, b);
        mul_add(a: Pair, b: Pair, c: Pair) -> Pair = both!(_mm256_fmadd_ps, a, b, c);
        abs(a: Pair) -> Pair = both!(_mm256_andnot_ps, [_mm256_set1_ps(-0.0); 2], a);
        round(a: Pair) -> Pair = [round_eight(a[0]), round_eight(a[1])];
        power_of_two(a: Pair) -> Pair = [power_of_two_eight(a[0]), power_of_two_eight(a[1])];
        keep(lanes: u16, a: Pair, other: Pair) -> Pair = [
            _mm256_blendv_ps(other[0], a[0], mask_of_eight(lanes as u8)),
            _mm256_blendv_ps(other[1], a[1], mask_of_eight((lanes >> 8) as u8)),
        ];
        sum(a: Pair) -> f32 = sum_of_eight(_mm256_add_ps(a[0], a[1]));
        largest(a: Pair) -> f32 = largest_of_eight(_mm256_max_ps(a[0], a[1]));
        add_ints(a: IntPair, b: IntPair) -> IntPair = both!(_mm256_add_epi32, a, b);
        to_floats(a: IntPair) -> Pair = both!(_mm256_cvtepi32_ps, a);
        or(a: IntPair, b: IntPair) -> IntPair = both!(_mm256_or_si256, a, b);
        look_up(table: &[u8; 16], codes: IntPair) -> IntPair = {
            let table = _mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast()));
            both!(_mm256_shuffle_epi8, [table; 2], codes)
        };
        splat_word(word: u32) -> IntPair = [_mm256_set1_epi32(word.cast_signed()); 2];
        zero_ints() -> IntPair = [_mm256_setzero_si256(); 2];
        // `vpmaddubsw` would saturate: 255 * 127 * 2 takes 17 bits
        add_quads(sums: IntPair, a: IntPair, b: IntPair) -> IntPair = {
            let bytes = [_mm256_set1_epi16(0xff); 2];
            let even = both!(_mm256_srai_epi16::<8>, both!(_mm256_slli_epi16::<8>, b));
            let even = both!(_mm256_madd_epi16, both!(_mm256_and_si256, a, bytes), even);
            let odd = both!(_mm256_srai_epi16::<8>, b);
            let odd = both!(_mm256_madd_epi16, both!(_mm256_srli_epi16::<8>, a), odd);
            both!(_mm256_add_epi32, sums, both!(_mm256_add_epi32, even, odd))
        };
        zero_products() -> IntPair = [_mm256_setzero_si256(); 2];
        add_pairs(products: IntPair, a: IntPair, b: IntPair) -> IntPair =
            both!(_mm256_add_epi32, products, both!(_mm256_madd_epi16, a, b));
        open(_sums: IntPair) -> IntPair = [_mm256_setzero_si256(); 2];
        close(sums: IntPair, products: IntPair) -> IntPair = {
            let pairs = both!(_mm256_madd_epi16, products, [_mm256_set1_epi16(1); 2]);
            both!(_mm256_add_epi32, sums, pairs)
        };
        prefetch(at: *const u8) -> () = _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }

    at_pointer! {
        load(from: *const f32) -> Pair = [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))];
        store(to: *mut f32, values: Pair) = {
            _mm256_storeu_ps(to, values[0]);
            _mm256_storeu_ps(to.add(8), values[1]);
        };
        load_half(from: *const u16) -> Pair = [
            _mm256_cvtph_ps(_mm_loadu_si128(from.cast())),
            _mm256_cvtph_ps(_mm_loadu_si128(from.add(8).cast())),
        ];
        load_bfloat(from: *const u16) -> Pair = {
            let low = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast()));
            let high = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.add(8).cast()));
            both!(_mm256_castsi256_ps, both!(_mm256_slli_epi32::<16>, [low, high]))
        };
        load_bfloat_pairs(from: *const u32) -> [Pair; 2] = {
            let words = [_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(8).cast())];
            let high = [_mm256_set1_epi32(0xffff_0000_u32.cast_signed()); 2];
            [
                both!(_mm256_castsi256_ps, both!(_mm256_slli_epi32::<16>, words)),
                both!(_mm256_castsi256_ps, both!(_mm256_and_si256, words, high)),
            ]
        };
        store_half(to: *mut u16, values: Pair) = {
            let values = both!(_mm256_min_ps, values, [_mm256_set1_ps(LARGEST_HALF); 2]);
            let values = both!(_mm256_max_ps, values, [_mm256_set1_ps(-LARGEST_HALF); 2]);
            let halves = both!(_mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>, values);
            _mm_storeu_si128(to.cast(), halves[0]);
            _mm_storeu_si128(to.add(8).cast(), halves[1]);
        };
        load_bytes(from: *const u8) -> Pair = {
            let bytes = _mm_loadu_si128(from.cast());
            let high = _mm_srli_si128::<8>(bytes);
            both!(_mm256_cvtepi32_ps, both!(_mm256_cvtepu8_epi32, [bytes, high]))
        };
        load_signed_bytes(from: *const u8) -> Pair = {
            let bytes = _mm_loadu_si128(from.cast());
            let high = _mm_srli_si128::<8>(bytes);
            both!(_mm256_cvtepi32_ps, both!(_mm256_cvtepi8_epi32, [bytes, high]))
        };
        store_codes(to: *mut i8, values: Pair) -> i32 = {
            let codes = both!(_mm256_cvtps_epi32, values);
            let lanes = _mm256_permute4x64_epi64::<0xD8>(_mm256_packs_epi32(codes[0], codes[1]));
            let bytes = _mm_packs_epi16(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256::<1>(lanes));
            _mm_storeu_si128(to.cast(), bytes);
            let eight = _mm256_add_epi32(codes[0], codes[1]);
            let four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256::<1>(eight));
            let two = _mm_add_epi32(four, _mm_srli_si128::<8>(four));
            _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_srli_si128::<4>(two)))
        };
        start(value: *const i32, shift: u32) -> IntPair = if shift == 0 {
            [_mm256_setzero_si256(); 2]
        } else {
            [_mm256_set1_epi32(value.read_unaligned() << shift); 2]
        };
        load_codes(from: *const u8) -> IntPair = [
            _mm256_loadu_si256(from.cast()),
            _mm256_loadu_si256(from.add(32).cast()),
        ];
        save_codes(to: *mut u8, codes: IntPair) = {
            _mm256_storeu_si256(to.cast(), codes[0]);
            _mm256_storeu_si256(to.add(32).cast(), codes[1]);
        };
    }

    #[inline(always)]
    fn signed(self, codes: IntPair) -> IntPair {
        codes
    }

    #[inline(always)]
    fn sum_pairs(self, products: IntPair) -> IntPair {
        products
    }

    #[inline(always)]
    fn bits<const N: i32>(self, codes: IntPair, mask: u8) -> IntPair {
        // SAFETY: `self` is the proof that this CPU has the instructions.
        unsafe {
            let shifted = match N {
                0 => codes,
                1 => both!(_mm256_slli_epi16::<1>, codes),
                2 => both!(_mm256_slli_epi16::<2>, codes),
                3 => both!(_mm256_slli_epi16::<3>, codes),
                4 => both!(_mm256_slli_epi16::<4>, codes),
                -1 => both!(_mm256_srli_epi16::<1>, codes),
                -2 => both!(_mm256_srli_epi16::<2>, codes),
                -3 => both!(_mm256_srli_epi16::<3>, codes),
                -4 => both!(_mm256_srli_epi16::<4>, codes),
                -5 => both!(_mm256_srli_epi16::<5>, codes),
                _ => both!(_mm256_srli_epi16::<6>, codes),
            };
            both!(_mm256_and_si256, shifted, [_mm256_set1_epi8(mask as i8); 2])
        }
    }

    /// `vpmaddubsw` adds two products in 16 bits: 63 * 127 * 2 leaves room for two of them, 31 *
    /// 127 * 2 for four.
    #[inline(always)]
    fn steps(bits: u32) -> usize {
        match bits {
            0..=5 => 4,
            6 | 7 => 2,
            _ => 1,
        }
    }

    #[inline(always)]
    unsafe fn multiply(
        self,
        products: IntPair,
        codes: IntPair,
        values: *const i8,
        bits: u32,
    ) -> IntPair {
        // SAFETY: `self` is the proof that this CPU has the instructions; four values by contract.
        unsafe {
            let values = [_mm256_set1_epi32(values.cast::<i32>().read_unaligned()); 2];
            let pairs = if bits == 8 {
                // signed codes: the sign moves to the values, so that 128 * 127 * 2 fits
                let signs = both!(_mm256_sign_epi8, values, codes);
                both!(_mm256_maddubs_epi16, both!(_mm256_abs_epi8, codes), signs)
            } else {
                both!(_mm256_maddubs_epi16, codes, values)
            };
            both!(_mm256_add_epi16, products, pairs)
        }
    }

    #[inline(always)]
    fn run<W: Work>(self, work: W) -> W::Out {
        #[target_feature(enable = "avx2,fma,f16c")]
        fn inner<W: Work>(simd: Avx2, work: W) -> W::Out {
            work.run(simd)
        }
        // SAFETY: `self` is the proof that this CPU has the instructions.
        unsafe { inner(self, work) }
    }
}

#[inline(always)]
unsafe fn round_eight(a: __m256) -> __m256 {
    // SAFETY: the callers hold the proof of AVX2.
    unsafe { _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
}

#[inline(always)]
unsafe fn power_of_two_eight(a: __m256) -> __m256 {
    // SAFETY: the callers hold the proof of AVX2.
    unsafe {
        let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(a), _mm256_set1_epi32(127));
        _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent))
    }
}

/// All bits of lane `i` set where bit `i` is.
#[inline(always)]
unsafe fn mask_of_eight(lanes: u8) -> __m256 {
    // SAFETY: the callers hold the proof of AVX2.
    unsafe {
        let bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        let found = _mm256_and_si256(_mm256_set1_epi32(i32::from(lanes)), bits);
        _mm256_castsi256_ps(_mm256_cmpeq_epi32(found, bits))
    }
}
