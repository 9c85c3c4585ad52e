//! What this CPU has, asked in one place, and the arithmetic of each instruction set.
//!
//! A kernel is a [`Work`], generic over [`Simd`]; [`Isa::run`] is the one place where a level is
//! chosen. Every level works on sixteen numbers in the same order, so results differ between levels
//! only where the portable one has no fused multiply-add.
#![expect(
    unsafe_code,
    reason = "pointers into checked slices, and calls behind run-time detection"
)]

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod simd;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::options::words;

#[cfg(target_arch = "x86_64")]
use self::amx::Amx;
#[cfg(target_arch = "aarch64")]
pub(crate) use self::neon::Neon;
pub(crate) use self::portable::Portable;
pub(crate) use self::simd::{LANES, Simd, Work, each};
#[cfg(target_arch = "x86_64")]
pub(crate) use self::x86::{Avx2, Avx512};

words! {
    /// The instructions that encoders and generators use, best first.
    pub enum KernelLevel("level") {
        /// AVX-512 with its bf16 and bytes, and matrix tiles (AMX) for an encoder in bf16 or int8.
        /// Generators run AVX-512.
        Amx = "amx",
        /// AVX-512 F, VL, BW, DQ and VNNI.
        Avx512 = "avx512",
        /// AVX2, FMA and F16C.
        Avx2 = "avx2",
        /// NEON, with dot products of bytes where the CPU has them.
        Neon = "neon",
        /// Whatever the build target guarantees.
        Portable = "portable",
    }
}

impl KernelLevel {
    /// The best level this CPU runs.
    #[must_use]
    pub fn detect() -> Self {
        Isa::detect().level()
    }

    /// Whether this CPU runs it.
    #[must_use]
    pub fn is_available(self) -> bool {
        Isa::of(Some(self)).is_some()
    }
}

/// Instructions that this CPU has: only asking it makes a value. Results differ in the last bits
/// between levels, never within one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Isa {
    /// AVX-512 with its bf16, and tiles for bf16 and bytes.
    #[cfg(target_arch = "x86_64")]
    Amx(Amx),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "aarch64")]
    Neon(Neon<true>),
    #[cfg(target_arch = "aarch64")]
    NeonPlain(Neon<false>),
    Portable(Portable),
}

impl Isa {
    /// The best of this CPU.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(amx) = Avx512::detect().and_then(Amx::detect) {
            return Self::Amx(amx);
        }
        Self::detect_vectors()
    }

    /// The best vectors of this CPU, whether or not it has tiles; cheap enough to be asked for each
    /// dot product.
    pub(crate) fn detect_vectors() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(vectors) = Avx512::detect() {
                return Self::Avx512(vectors);
            }
            if let Some(vectors) = Avx2::detect() {
                return Self::Avx2(vectors);
            }
            Self::Portable(Portable)
        }
        #[cfg(target_arch = "aarch64")]
        {
            Neon::detect().map_or(Self::NeonPlain(Neon::PLAIN), Self::Neon)
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        {
            Self::Portable(Portable)
        }
    }

    /// All that this CPU runs, best first.
    pub(crate) fn available() -> Vec<Self> {
        let mut all = Vec::with_capacity(4);
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(Avx512::detect().and_then(Amx::detect).map(Self::Amx));
            all.extend(Avx512::detect().map(Self::Avx512));
            all.extend(Avx2::detect().map(Self::Avx2));
        }
        #[cfg(target_arch = "aarch64")]
        {
            all.extend(Neon::detect().map(Self::Neon));
            all.push(Self::NeonPlain(Neon::PLAIN));
        }
        all.push(Self::Portable(Portable));
        all
    }

    /// The level asked for, or the best; `None` if this CPU does not run it.
    pub(crate) fn of(wanted: Option<KernelLevel>) -> Option<Self> {
        let fits = |isa: &Self| wanted.is_none_or(|wanted| wanted == isa.level());
        Self::available().into_iter().find(fits)
    }

    /// Its public name.
    pub(crate) fn level(self) -> KernelLevel {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Amx(_) => KernelLevel::Amx,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => KernelLevel::Avx512,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => KernelLevel::Avx2,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) | Self::NeonPlain(_) => KernelLevel::Neon,
            Self::Portable(_) => KernelLevel::Portable,
        }
    }

    /// The same without tiles: there are none for f32, nor for a decoder.
    pub(crate) fn vectors(self) -> Self {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Amx(tiles) => Self::Avx512(tiles.vectors()),
            other => other,
        }
    }

    /// Whether products of bf16 are faster than those of f32.
    pub(crate) fn multiplies_bf16(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Amx(_) => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(vectors) => vectors.has_bf16(),
            _ => false,
        }
    }

    /// Whether bytes are multiplied four at a time, without saturation.
    pub(crate) fn multiplies_bytes(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Amx(_) | Self::Avx512(_) => true,
            _ => false,
        }
    }
}

impl Isa {
    /// Runs `work` compiled for this level; matrix tiles are for those who ask for them.
    pub(crate) fn run<W: Work>(self, work: W) -> W::Out {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Amx(tiles) => tiles.vectors().run(work),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(simd) => simd.run(work),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => simd.run(work),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(simd) => simd.run(work),
            #[cfg(target_arch = "aarch64")]
            Self::NeonPlain(simd) => simd.run(work),
            Self::Portable(simd) => simd.run(work),
        }
    }
}

#[cfg(test)]
mod tests;
