//! The micro-kernel of AVX512-BF16, which some CPUs with AVX-512 have: `isa` compiles nothing for
//! it.
#![expect(unsafe_code, reason = "SIMD intrinsics behind the proofs of `isa`")]

use std::arch::x86_64::*;
use std::mem::transmute;

use super::microkernel::{Bf16, Lhs, MicroKernel, Rhs, Tile, by_height, check_operands};
use crate::kernels::isa::amx::AmxTiles;
use crate::kernels::isa::{Avx512, Simd};

/// The proof that this CPU multiplies pairs of bf16 in one instruction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bf16Vectors(());

impl Bf16Vectors {
    pub(super) fn of(vectors: Avx512) -> Option<Self> {
        vectors.has_bf16().then_some(Self(()))
    }

    /// Tiles are permitted only beside it.
    pub(super) fn beside(_: AmxTiles<'_>) -> Self {
        Self(())
    }
}

impl MicroKernel<Bf16> for Bf16Vectors {
    const ROWS: usize = Avx512::MR;
    const COLUMNS: usize = Avx512::NR;

    #[inline(always)]
    fn sums(self, lhs: Lhs<'_, u32>, rhs: Rhs<'_, u32>, out: &mut Tile) {
        check_operands::<Self, Bf16>(lhs, rhs);
        // SAFETY: `self` is the proof of the instructions; the lengths were checked.
        by_height!(lhs.rows, Avx512::MR, R => unsafe { multiply::<R>(lhs, rhs, out) });
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
fn step(a: __m512i, b: __m512i, sum: __m512) -> __m512 {
    // SAFETY: both types are 64 bytes without invalid values.
    let (a, b) = unsafe { (transmute::<__m512i, __m512bh>(a), transmute::<__m512i, __m512bh>(b)) };
    _mm512_dpbf16_ps(sum, a, b)
}

/// `R` rows times two registers of columns.
///
/// # Safety
/// The CPU has the instructions; `lhs` holds `R` rows and `rhs` `depth` steps, as `check_operands`
/// checks.
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx512bf16")]
unsafe fn multiply<const R: usize>(lhs: Lhs<'_, u32>, rhs: Rhs<'_, u32>, out: &mut Tile) {
    let (a, stride) = (lhs.words.as_ptr(), lhs.stride);
    let (b, depth) = (rhs.words.as_ptr(), rhs.depth);
    let mut sums = [[_mm512_setzero_ps(); 2]; R];
    for step_at in 0..depth {
        // SAFETY: `step_at < depth`, and `b` holds `depth` rows of two registers.
        let (left, right) = unsafe {
            let row = b.add(step_at * 2 * 16);
            (_mm512_loadu_si512(row.cast()), _mm512_loadu_si512(row.add(16).cast()))
        };
        for (r, sum) in sums.iter_mut().enumerate() {
            // SAFETY: `r < R` and `step_at < depth`, inside `a` by this function's contract.
            let word = _mm512_set1_epi32(unsafe { *a.add(r * stride + step_at) }.cast_signed());
            sum[0] = step(word, left, sum[0]);
            sum[1] = step(word, right, sum[1]);
        }
    }
    for (row, sum) in out.chunks_exact_mut(2 * 16).zip(sums) {
        // SAFETY: `row` is two registers long.
        unsafe {
            _mm512_storeu_ps(row.as_mut_ptr(), sum[0]);
            _mm512_storeu_ps(row.as_mut_ptr().add(16), sum[1]);
        }
    }
}
