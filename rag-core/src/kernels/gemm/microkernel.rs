//! The micro-kernel: some rows times a panel, in f32, pairs of bf16, or small whole numbers. One
//! step of a row or column is one word.
//!
//! Written once over [`Simd`]; `x86` and `amx` have those for which a CPU has more than vectors.
//! Sums of whole numbers are exact whatever multiplies them; sums of bf16 differ between kinds of
//! instructions in the order of rounding.
#![expect(unsafe_code, reason = "pointers into checked slices")]

use crate::kernels::isa::{LANES, Simd, Work, each};

/// Most rows that a micro-kernel takes.
pub(crate) const MAX_ROWS: usize = 32;
/// Most columns of a panel.
pub(crate) const MAX_COLUMNS: usize = 32;

/// Room for the sums of one micro-kernel; row `r` starts at `r * COLUMNS`.
pub(crate) type Tile = [f32; MAX_ROWS * MAX_COLUMNS];

/// The left-hand side of a micro-kernel: `rows` rows of words, of which row `r` begins at
/// `r * stride`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lhs<'a, W> {
    pub(crate) words: &'a [W],
    pub(crate) stride: usize,
    pub(crate) rows: usize,
}

/// The right-hand side: a panel, which holds the words of all its columns for each of `depth`
/// steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rhs<'a, W> {
    pub(crate) words: &'a [W],
    pub(crate) depth: usize,
}

/// The numbers of a product, and how they lie in words.
pub(crate) trait Words: Copy {
    /// One step of a row or of a column.
    type Word: Copy + Default + Send + Sync + std::fmt::Debug;
}

/// Work that needs a micro-kernel. `run` must be `#[inline(always)]`, as for [`Work`].
pub(crate) trait Job<K: Words> {
    /// Does it.
    fn run<S: Simd, M: MicroKernel<K>>(self, simd: S, kernel: M);
}

/// Multiplies some rows with a panel.
pub(crate) trait MicroKernel<K: Words>: Copy {
    /// Rows that it takes at most.
    const ROWS: usize;
    /// Columns of a panel.
    const COLUMNS: usize;
    /// Products are fastest over a multiple of so many words.
    const STEPS: usize = 1;
    /// Rows are read in groups of so many: a product's rows should be followed by others, of any
    /// value, up to a whole group.
    const ROWS_READ: usize = 1;

    /// Writes the product of 1 to `ROWS` rows with a panel of `COLUMNS` columns into `out`.
    ///
    /// Each number of the result is summed over the steps in order, on its own, so it depends on
    /// its row and column alone.
    fn sums(self, lhs: Lhs<'_, K::Word>, rhs: Rhs<'_, K::Word>, out: &mut Tile);

    /// As [`MicroKernel::sums`], of rows that lie as [`quantize`](super::quantize) lays inputs out.
    #[inline(always)]
    fn sums_of_inputs(self, lhs: Lhs<'_, K::Word>, rhs: Rhs<'_, K::Word>, out: &mut Tile) {
        self.sums(lhs, rhs, out);
    }
}

/// Whether inputs of `count` words a row lie in the order of registers: for each group of rows, for
/// each step of the product, the words of each row.
#[inline(always)]
pub(super) fn in_registers<M: MicroKernel<K>, K: Words>(count: usize) -> bool {
    M::STEPS == LANES && count.is_multiple_of(M::STEPS)
}

/// Checks once what a micro-kernel then relies on for every access.
#[inline(always)]
pub(super) fn check_operands<M: MicroKernel<K>, K: Words>(
    lhs: Lhs<'_, K::Word>,
    rhs: Rhs<'_, K::Word>,
) {
    assert!((1..=M::ROWS).contains(&lhs.rows) && rhs.depth >= 1);
    assert!(lhs.stride >= rhs.depth);
    assert!(lhs.words.len() >= (lhs.rows - 1) * lhs.stride + rhs.depth);
    assert!(rhs.words.len() >= rhs.depth * M::COLUMNS);
}

/// `$run` with the constant `$R` as many rows as there are: a micro-kernel compiled for each height
/// keeps its sums in registers.
macro_rules! by_height {
    ($rows:expr, $most:expr, $R:ident => $run:expr) => {
        by_height!(@ $rows, $most, $R, $run, 1 2 3 4 5 6 7 8 9 10 11 12)
    };
    (@ $rows:expr, $most:expr, $R:ident, $run:expr, $($height:literal)*) => {
        match $rows {
            $($height if $height <= $most => {
                const $R: usize = $height;
                $run
            })*
            _ => unreachable!("checked by check_operands"),
        }
    };
}
#[cfg(target_arch = "x86_64")]
pub(super) use by_height;

/// Words that the vectors of every level multiply.
pub(crate) trait VectorWords: Words {
    /// Words of sixteen columns, or one word sixteen times.
    type Vector<S: Simd>: Copy;
    /// Running sums of sixteen columns.
    type Sums<S: Simd>: Copy;

    fn zero<S: Simd>(simd: S) -> Self::Sums<S>;
    /// # Safety
    /// `from` holds sixteen words.
    unsafe fn load<S: Simd>(simd: S, from: *const Self::Word) -> Self::Vector<S>;
    fn splat<S: Simd>(simd: S, word: Self::Word) -> Self::Vector<S>;
    /// `sums` and the products of `a`, of the left-hand side, and `b`, of the right-hand side.
    fn step<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        sums: Self::Sums<S>,
    ) -> Self::Sums<S>;
    /// Finished sums, rounded to f32.
    fn finish<S: Simd>(simd: S, sums: Self::Sums<S>) -> S::Floats;
}

/// One f32 a word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct F32;

/// Two bf16 a word, the first in the low half.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bf16;

/// Four whole numbers a word: 0 to 255 on the left, -127 to 127 on the right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Int8Quads;

/// The same numbers, two a word in 16 bits each: for CPUs that cannot multiply bytes without
/// saturation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Int8Pairs;

impl Words for F32 {
    type Word = f32;
}

impl VectorWords for F32 {
    type Vector<S: Simd> = S::Floats;
    type Sums<S: Simd> = S::Floats;

    #[inline(always)]
    fn zero<S: Simd>(simd: S) -> S::Floats {
        simd.zero()
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(simd: S, from: *const f32) -> S::Floats {
        // SAFETY: by contract.
        unsafe { simd.load(from) }
    }

    #[inline(always)]
    fn splat<S: Simd>(simd: S, word: f32) -> S::Floats {
        simd.splat(word)
    }

    #[inline(always)]
    fn step<S: Simd>(simd: S, a: S::Floats, b: S::Floats, sums: S::Floats) -> S::Floats {
        simd.mul_add(a, b, sums)
    }

    #[inline(always)]
    fn finish<S: Simd>(_: S, sums: S::Floats) -> S::Floats {
        sums
    }
}

impl Words for Bf16 {
    type Word = u32;
}

impl VectorWords for Bf16 {
    /// The first numbers of the words, then the second.
    type Vector<S: Simd> = [S::Floats; 2];
    type Sums<S: Simd> = S::Floats;

    #[inline(always)]
    fn zero<S: Simd>(simd: S) -> S::Floats {
        simd.zero()
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(simd: S, from: *const u32) -> [S::Floats; 2] {
        // SAFETY: by contract.
        unsafe { simd.load_bfloat_pairs(from) }
    }

    #[inline(always)]
    fn splat<S: Simd>(simd: S, word: u32) -> [S::Floats; 2] {
        let (first, second) = (f32::from_bits(word << 16), f32::from_bits(word & 0xffff_0000));
        [simd.splat(first), simd.splat(second)]
    }

    #[inline(always)]
    fn step<S: Simd>(simd: S, a: [S::Floats; 2], b: [S::Floats; 2], sums: S::Floats) -> S::Floats {
        simd.mul_add(a[0], b[0], simd.mul_add(a[1], b[1], sums))
    }

    #[inline(always)]
    fn finish<S: Simd>(_: S, sums: S::Floats) -> S::Floats {
        sums
    }
}

impl Words for Int8Quads {
    type Word = u32;
}

impl VectorWords for Int8Quads {
    type Vector<S: Simd> = S::Codes;
    type Sums<S: Simd> = S::Ints;

    #[inline(always)]
    fn zero<S: Simd>(simd: S) -> S::Ints {
        simd.zero_ints()
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(simd: S, from: *const u32) -> S::Codes {
        // SAFETY: by contract.
        unsafe { simd.load_codes(from.cast()) }
    }

    #[inline(always)]
    fn splat<S: Simd>(simd: S, word: u32) -> S::Codes {
        simd.splat_word(word)
    }

    #[inline(always)]
    fn step<S: Simd>(simd: S, a: S::Codes, b: S::Codes, sums: S::Ints) -> S::Ints {
        simd.add_quads(sums, a, b)
    }

    #[inline(always)]
    fn finish<S: Simd>(simd: S, sums: S::Ints) -> S::Floats {
        simd.to_floats(sums)
    }
}

impl Words for Int8Pairs {
    type Word = u32;
}

impl VectorWords for Int8Pairs {
    type Vector<S: Simd> = S::Codes;
    type Sums<S: Simd> = S::Products;

    #[inline(always)]
    fn zero<S: Simd>(simd: S) -> S::Products {
        simd.zero_products()
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(simd: S, from: *const u32) -> S::Codes {
        // SAFETY: by contract.
        unsafe { simd.load_codes(from.cast()) }
    }

    #[inline(always)]
    fn splat<S: Simd>(simd: S, word: u32) -> S::Codes {
        simd.splat_word(word)
    }

    #[inline(always)]
    fn step<S: Simd>(simd: S, a: S::Codes, b: S::Codes, sums: S::Products) -> S::Products {
        simd.add_pairs(sums, a, b)
    }

    #[inline(always)]
    fn finish<S: Simd>(simd: S, sums: S::Products) -> S::Floats {
        simd.to_floats(simd.sum_pairs(sums))
    }
}

/// The micro-kernel that is made of a level's vectors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vectors<S>(pub(crate) S);

impl<S: Simd, K: VectorWords> MicroKernel<K> for Vectors<S> {
    const ROWS: usize = rows::<S, K>();
    const COLUMNS: usize = S::NR;

    #[inline(always)]
    fn sums(self, lhs: Lhs<'_, K::Word>, rhs: Rhs<'_, K::Word>, out: &mut Tile) {
        check_operands::<Self, K>(lhs, rhs);
        by_height!(lhs.rows, rows::<S, K>(), R => self.0.run(Height::<K, R> { lhs, rhs, out }));
    }
}

/// Rows whose sums fit into registers: fewer where sums or words are wider than f32.
const fn rows<S: Simd, K: VectorWords>() -> usize {
    let (sums, words) = (size_of::<K::Sums<S>>(), size_of::<K::Vector<S>>());
    let widest = if sums > words { sums } else { words };
    S::MR * size_of::<S::Floats>() / widest
}

/// A micro-kernel of `R` rows, with operands that [`check_operands`] has seen.
struct Height<'a, K: Words, const R: usize> {
    lhs: Lhs<'a, K::Word>,
    rhs: Rhs<'a, K::Word>,
    out: &'a mut Tile,
}

impl<K: VectorWords, const R: usize> Work for Height<'_, K, R> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // SAFETY: made by `Vectors::sums` only, which checked the lengths.
        unsafe {
            match S::NR / LANES {
                1 => multiply::<S, K, R, 1>(simd, self.lhs, self.rhs, self.out),
                _ => multiply::<S, K, R, 2>(simd, self.lhs, self.rhs, self.out),
            }
        }
    }
}

/// `R` rows times `V` vectors of columns.
///
/// # Safety
/// `lhs` holds `R` rows and `rhs` `depth` steps of `V` vectors, as [`check_operands`] checks.
#[inline(always)]
unsafe fn multiply<S: Simd, K: VectorWords, const R: usize, const V: usize>(
    simd: S,
    lhs: Lhs<'_, K::Word>,
    rhs: Rhs<'_, K::Word>,
    out: &mut Tile,
) {
    let (a, stride) = (lhs.words.as_ptr(), lhs.stride);
    let (b, depth) = (rhs.words.as_ptr(), rhs.depth);
    let mut sums = [[K::zero(simd); V]; R];
    for step in 0..depth {
        let columns: [K::Vector<S>; V] = each!(V, v => {
            // SAFETY: `step < depth`, and `b` holds `depth` rows of `V` vectors.
            unsafe { K::load(simd, b.add((step * V + v) * LANES)) }
        });
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `r < R` and `step < depth`, inside `a` by this function's contract.
            let word = K::splat(simd, unsafe { *a.add(r * stride + step) });
            for (sum, column) in sums.iter_mut().zip(columns) {
                *sum = K::step(simd, word, column, *sum);
            }
        }
    }
    for (row, sums) in out.chunks_exact_mut(V * LANES).zip(sums) {
        for (place, sum) in row.as_chunks_mut::<LANES>().0.iter_mut().zip(sums) {
            simd.write(place, K::finish(simd, sum));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::Dispatch;
    use super::*;
    use crate::kernels::isa::Isa;

    /// Multiplies once.
    struct Once<'a, W> {
        lhs: Lhs<'a, W>,
        rhs: Rhs<'a, W>,
        out: &'a mut Tile,
    }

    impl<K: Words> Job<K> for Once<'_, K::Word> {
        #[inline(always)]
        fn run<S: Simd, M: MicroKernel<K>>(self, _: S, kernel: M) {
            kernel.sums(self.lhs, self.rhs, self.out);
        }
    }

    /// Rows and columns of a micro-kernel.
    struct Shape<'a>(&'a mut [usize; 2]);

    impl<K: Words> Job<K> for Shape<'_> {
        #[inline(always)]
        fn run<S: Simd, M: MicroKernel<K>>(self, _: S, _: M) {
            *self.0 = [M::ROWS, M::COLUMNS];
        }
    }

    /// The scalar twin of a step, and words of a kind.
    trait Twin: Dispatch {
        /// By how much a step may differ, once rounded.
        const SLACK: f32 = 0.0;

        fn step(a: Self::Word, b: Self::Word, sum: f64) -> f64;
        fn word(bits: u32) -> Self::Word;
    }

    fn bf16(bits: u32) -> u32 {
        (bits & 0x8000) | 0x3e00 | (bits & 0x01ff)
    }

    impl Twin for F32 {
        const SLACK: f32 = 1e-6;

        fn step(a: f32, b: f32, sum: f64) -> f64 {
            sum + f64::from(a) * f64::from(b)
        }

        /// In (-2, 2).
        fn word(bits: u32) -> f32 {
            bits as f32 / (1u32 << 30) as f32 - 2.0
        }
    }

    impl Twin for Bf16 {
        const SLACK: f32 = 1e-5;

        fn step(a: u32, b: u32, sum: f64) -> f64 {
            let first = |word: u32| f64::from(f32::from_bits(word << 16));
            let second = |word: u32| f64::from(f32::from_bits(word & 0xffff_0000));
            sum + first(a) * first(b) + second(a) * second(b)
        }

        /// In (-2, 2).
        fn word(bits: u32) -> u32 {
            bf16(bits) | bf16(bits >> 16) << 16
        }
    }

    impl Twin for Int8Quads {
        fn step(a: u32, b: u32, sum: f64) -> f64 {
            let products = a.to_le_bytes().into_iter().zip(b.to_le_bytes());
            products.fold(sum, |sum, (a, b)| sum + f64::from(a) * f64::from(b.cast_signed()))
        }

        fn word(bits: u32) -> u32 {
            bits
        }
    }

    impl Twin for Int8Pairs {
        fn step(a: u32, b: u32, sum: f64) -> f64 {
            let first = |word: u32| f64::from(word as u16 as i16);
            let second = |word: u32| f64::from((word >> 16) as u16 as i16);
            sum + first(a) * first(b) + second(a) * second(b)
        }

        /// Of the sizes that occur.
        fn word(bits: u32) -> u32 {
            let signed = i16::from((bits >> 8) as u8 as i8);
            bits & 0xff | u32::from(signed.cast_unsigned()) << 16
        }
    }

    fn words<K: Twin>(count: usize, seed: u32) -> Vec<K::Word> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state
        };
        (0..count).map(|_| K::word(next())).collect()
    }

    fn assert_equals_its_twin<K: Twin>(isa: Isa, depth: usize) {
        let stride = depth + 3;
        let (a, b) = (words::<K>(MAX_ROWS * stride, 1), words::<K>(MAX_COLUMNS * depth, 2));
        let mut shape = [0; 2];
        K::run(isa, Shape(&mut shape));
        let [most, columns] = shape;
        for rows in 1..=most {
            let mut out = [0.0; MAX_ROWS * MAX_COLUMNS];
            let lhs = Lhs { words: &a[..], stride, rows };
            K::run(isa, Once { lhs, rhs: Rhs { words: &b, depth }, out: &mut out });
            for (at, got) in out.iter().enumerate().take(rows * columns) {
                let (row, column) = (at / columns, at % columns);
                let want = (0..depth).fold(0.0, |sum, step| {
                    K::step(a[row * stride + step], b[step * columns + column], sum)
                }) as f32;
                let slack = K::SLACK * depth as f32;
                assert!((got - want).abs() <= slack, "{isa:?} {rows}x{depth}: {got} {want}");
            }
        }
    }

    #[test]
    fn every_micro_kernel_equals_its_scalar_twin() {
        for isa in Isa::available() {
            for depth in [1, 2, 7, 16, 33, 48, 384] {
                assert_equals_its_twin::<F32>(isa, depth);
                assert_equals_its_twin::<Bf16>(isa, depth);
                assert_equals_its_twin::<Int8Quads>(isa, depth);
                assert_equals_its_twin::<Int8Pairs>(isa, depth);
            }
        }
    }

    #[test]
    fn the_largest_whole_numbers_do_not_saturate() {
        for isa in Isa::available() {
            let depth = 256;
            let mut out = [0.0; MAX_ROWS * MAX_COLUMNS];
            let (a, b) = (vec![u32::MAX; depth], vec![0x8181_8181; depth * MAX_COLUMNS]);
            let (lhs, rhs) =
                (Lhs { words: &a[..], stride: depth, rows: 1 }, Rhs { words: &b[..], depth });
            Int8Quads::run(isa, Once { lhs, rhs, out: &mut out });
            assert_eq!(out[0], -(4 * 256 * 255 * 127) as f32, "{isa:?}");
            let (a, b) = (vec![0x00ff_00ff; depth], vec![0xff81_ff81; depth * MAX_COLUMNS]);
            let (lhs, rhs) =
                (Lhs { words: &a[..], stride: depth, rows: 1 }, Rhs { words: &b[..], depth });
            Int8Pairs::run(isa, Once { lhs, rhs, out: &mut out });
            assert_eq!(out[0], -(2 * 256 * 255 * 127) as f32, "{isa:?}");
        }
    }
}
