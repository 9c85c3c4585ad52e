//! Plain Rust: the twin that the vector levels are tested against.

use half::{bf16, f16};

use super::simd::{LANES, Simd, Work};

/// Needs no proof.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

type Floats = [f32; LANES];

#[inline(always)]
fn map(a: Floats, f: impl Fn(f32) -> f32) -> Floats {
    std::array::from_fn(|lane| f(a[lane]))
}

#[inline(always)]
fn zip(a: Floats, b: Floats, f: impl Fn(f32, f32) -> f32) -> Floats {
    std::array::from_fn(|lane| f(a[lane], b[lane]))
}

/// Folds the upper half onto the lower one until one number is left.
#[inline(always)]
fn fold(mut a: Floats, f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            a[lane] = f(a[lane], a[lane + width]);
        }
        width /= 2;
    }
    a[0]
}

// SAFETY: it uses no instruction beyond the build target.
unsafe impl Simd for Portable {
    type Floats = Floats;
    type Ints = [i32; LANES];
    type Codes = [u8; 64];
    type Products = [i32; LANES];

    const MR: usize = 4;
    const NR: usize = 16;
    const PANEL_ROWS: usize = 4;
    const QUERIES: usize = 4;
    const SIGNED_SHIFT: u32 = 0;

    #[inline(always)]
    fn zero(self) -> Floats {
        [0.0; LANES]
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Floats {
        [value; LANES]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Floats {
        // SAFETY: sixteen elements by contract.
        unsafe { from.cast::<Floats>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, values: Floats) {
        // SAFETY: sixteen elements by contract.
        unsafe { to.cast::<Floats>().write_unaligned(values) }
    }

    #[inline(always)]
    unsafe fn load_half(self, from: *const u16) -> Floats {
        // SAFETY: sixteen elements by contract.
        let halves = unsafe { from.cast::<[u16; LANES]>().read_unaligned() };
        halves.map(|bits| f16::from_bits(bits).to_f32())
    }

    #[inline(always)]
    unsafe fn load_bfloat(self, from: *const u16) -> Floats {
        // SAFETY: sixteen elements by contract.
        let halves = unsafe { from.cast::<[u16; LANES]>().read_unaligned() };
        halves.map(|bits| bf16::from_bits(bits).to_f32())
    }

    #[inline(always)]
    unsafe fn load_bfloat_pairs(self, from: *const u32) -> [Floats; 2] {
        // SAFETY: sixteen elements by contract.
        let words = unsafe { from.cast::<[u32; LANES]>().read_unaligned() };
        [
            words.map(|word| f32::from_bits(word << 16)),
            words.map(|word| f32::from_bits(word & 0xffff_0000)),
        ]
    }

    #[inline(always)]
    unsafe fn store_half(self, to: *mut u16, values: Floats) {
        let largest = f16::MAX.to_f32();
        let halves = values.map(|value| f16::from_f32(value.min(largest).max(-largest)).to_bits());
        // SAFETY: sixteen elements by contract.
        unsafe { to.cast::<[u16; LANES]>().write_unaligned(halves) }
    }

    #[inline(always)]
    unsafe fn load_bytes(self, from: *const u8) -> Floats {
        // SAFETY: sixteen elements by contract.
        unsafe { from.cast::<[u8; LANES]>().read_unaligned() }.map(f32::from)
    }

    #[inline(always)]
    unsafe fn load_signed_bytes(self, from: *const u8) -> Floats {
        // SAFETY: sixteen elements by contract.
        unsafe { from.cast::<[i8; LANES]>().read_unaligned() }.map(f32::from)
    }

    #[inline(always)]
    fn add(self, a: Floats, b: Floats) -> Floats {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: Floats, b: Floats) -> Floats {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: Floats, b: Floats) -> Floats {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: Floats, b: Floats) -> Floats {
        zip(a, b, |a, b| a / b)
    }

    #[inline(always)]
    fn max(self, a: Floats, b: Floats) -> Floats {
        zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn min(self, a: Floats, b: Floats) -> Floats {
        zip(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn mul_add(self, a: Floats, b: Floats, c: Floats) -> Floats {
        // elsewhere `f32::mul_add` may be a library call
        if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
            std::array::from_fn(|lane| a[lane].mul_add(b[lane], c[lane]))
        } else {
            std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
        }
    }

    #[inline(always)]
    fn abs(self, a: Floats) -> Floats {
        map(a, f32::abs)
    }

    #[inline(always)]
    fn round(self, a: Floats) -> Floats {
        map(a, f32::round_ties_even)
    }

    #[inline(always)]
    fn power_of_two(self, a: Floats) -> Floats {
        map(a, |a| f32::from_bits(((a as i32 + 127) as u32) << 23))
    }

    #[inline(always)]
    fn keep(self, lanes: u16, a: Floats, other: Floats) -> Floats {
        std::array::from_fn(|lane| if lanes >> lane & 1 == 1 { a[lane] } else { other[lane] })
    }

    #[inline(always)]
    fn sum(self, a: Floats) -> f32 {
        fold(a, |a, b| a + b)
    }

    #[inline(always)]
    fn largest(self, a: Floats) -> f32 {
        fold(a, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    unsafe fn store_codes(self, to: *mut i8, values: Floats) -> i32 {
        let codes = values.map(|value| value.round_ties_even() as i8);
        // SAFETY: sixteen elements by contract.
        unsafe { to.cast::<[i8; LANES]>().write_unaligned(codes) };
        codes.iter().map(|code| i32::from(*code)).sum()
    }

    #[inline(always)]
    unsafe fn start(self, value: *const i32, shift: u32) -> [i32; LANES] {
        if shift == 0 {
            return [0; LANES];
        }
        // SAFETY: one element by contract.
        let value = unsafe { value.read_unaligned() };
        [value << shift; LANES]
    }

    #[inline(always)]
    fn add_ints(self, a: [i32; LANES], b: [i32; LANES]) -> [i32; LANES] {
        std::array::from_fn(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    fn to_floats(self, a: [i32; LANES]) -> Floats {
        a.map(|a| a as f32)
    }

    #[inline(always)]
    unsafe fn load_codes(self, from: *const u8) -> [u8; 64] {
        // SAFETY: 64 bytes by contract.
        unsafe { from.cast::<[u8; 64]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn save_codes(self, to: *mut u8, codes: [u8; 64]) {
        // SAFETY: 64 bytes by contract.
        unsafe { to.cast::<[u8; 64]>().write_unaligned(codes) }
    }

    #[inline(always)]
    fn bits<const N: i32>(self, codes: [u8; 64], mask: u8) -> [u8; 64] {
        codes.map(|code| if N >= 0 { code << N & mask } else { code >> -N & mask })
    }

    #[inline(always)]
    fn or(self, a: [u8; 64], b: [u8; 64]) -> [u8; 64] {
        std::array::from_fn(|at| a[at] | b[at])
    }

    #[inline(always)]
    fn look_up(self, table: &[u8; 16], codes: [u8; 64]) -> [u8; 64] {
        codes.map(|code| table[usize::from(code & 15)])
    }

    #[inline(always)]
    fn signed(self, codes: [u8; 64]) -> [u8; 64] {
        codes
    }

    #[inline(always)]
    fn steps(_bits: u32) -> usize {
        4
    }

    #[inline(always)]
    fn open(self, sums: [i32; LANES]) -> [i32; LANES] {
        sums
    }

    #[inline(always)]
    unsafe fn multiply(
        self,
        products: [i32; LANES],
        codes: [u8; 64],
        values: *const i8,
        bits: u32,
    ) -> [i32; LANES] {
        // SAFETY: four values by contract.
        let values = unsafe { values.cast::<[i8; 4]>().read_unaligned() };
        std::array::from_fn(|lane| {
            let product = |at: usize| {
                let code = codes[4 * lane + at];
                let code = if bits == 8 { i32::from(code as i8) } else { i32::from(code) };
                code * i32::from(values[at])
            };
            products[lane] + product(0) + product(1) + product(2) + product(3)
        })
    }

    #[inline(always)]
    fn close(self, _sums: [i32; LANES], products: [i32; LANES]) -> [i32; LANES] {
        products
    }

    #[inline(always)]
    fn splat_word(self, word: u32) -> [u8; 64] {
        let bytes = word.to_le_bytes();
        std::array::from_fn(|at| bytes[at % 4])
    }

    #[inline(always)]
    fn zero_ints(self) -> [i32; LANES] {
        [0; LANES]
    }

    #[inline(always)]
    fn add_quads(self, sums: [i32; LANES], a: [u8; 64], b: [u8; 64]) -> [i32; LANES] {
        std::array::from_fn(|lane| {
            let product = |at: usize| i32::from(a[at]) * i32::from(b[at].cast_signed());
            let first = 4 * lane;
            sums[lane]
                + product(first)
                + product(first + 1)
                + product(first + 2)
                + product(first + 3)
        })
    }

    #[inline(always)]
    fn zero_products(self) -> [i32; LANES] {
        [0; LANES]
    }

    #[inline(always)]
    fn add_pairs(self, products: [i32; LANES], a: [u8; 64], b: [u8; 64]) -> [i32; LANES] {
        std::array::from_fn(|lane| {
            let number = |codes: &[u8; 64], at: usize| {
                i32::from(i16::from_le_bytes([codes[at], codes[at + 1]]))
            };
            let product = |at: usize| number(&a, at) * number(&b, at);
            products[lane] + product(4 * lane) + product(4 * lane + 2)
        })
    }

    #[inline(always)]
    fn sum_pairs(self, products: [i32; LANES]) -> [i32; LANES] {
        products
    }

    #[inline(always)]
    fn prefetch(self, _at: *const u8) {}

    #[inline(always)]
    fn run<W: Work>(self, work: W) -> W::Out {
        work.run(self)
    }
}
