//! Which micro-kernel multiplies which words on this CPU.

use std::marker::PhantomData;

use super::microkernel::{
    Bf16, F32, Int8Pairs, Int8Quads, Job, MicroKernel, VectorWords, Vectors, Words,
};
#[cfg(target_arch = "x86_64")]
use super::{amx, x86::Bf16Vectors};
#[cfg(target_arch = "x86_64")]
use crate::kernels::isa::amx::Amx;
use crate::kernels::isa::{Isa, Simd, Work};

/// Words that a CPU multiplies in one way or another.
pub(crate) trait Dispatch: Words {
    /// Runs `job` with the best micro-kernel that this CPU has for such words.
    fn run<J: Job<Self>>(isa: Isa, job: J);
}

impl Dispatch for F32 {
    fn run<J: Job<Self>>(isa: Isa, job: J) {
        isa.run(OnVectors { job, words: PhantomData::<Self> });
    }
}

impl Dispatch for Bf16 {
    fn run<J: Job<Self>>(isa: Isa, job: J) {
        #[cfg(target_arch = "x86_64")]
        match isa {
            Isa::Amx(tiles) => return in_tiles::<Self, _>(tiles, job),
            Isa::Avx512(vectors) => {
                if let Some(kernel) = Bf16Vectors::of(vectors) {
                    return vectors.run(With { kernel, job, words: PhantomData::<Self> });
                }
            }
            _ => {}
        }
        isa.run(OnVectors { job, words: PhantomData::<Self> });
    }
}

impl Dispatch for Int8Quads {
    fn run<J: Job<Self>>(isa: Isa, job: J) {
        #[cfg(target_arch = "x86_64")]
        if let Isa::Amx(tiles) = isa {
            return in_tiles::<Self, _>(tiles, job);
        }
        isa.run(OnVectors { job, words: PhantomData::<Self> });
    }
}

impl Dispatch for Int8Pairs {
    fn run<J: Job<Self>>(isa: Isa, job: J) {
        isa.run(OnVectors { job, words: PhantomData::<Self> });
    }
}

/// A job with the micro-kernel of vectors.
struct OnVectors<K, J> {
    job: J,
    words: PhantomData<K>,
}

impl<K: VectorWords, J: Job<K>> Work for OnVectors<K, J> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.job.run(simd, Vectors(simd));
    }
}

/// A job with a micro-kernel of its own.
#[cfg(target_arch = "x86_64")]
struct With<K, M, J> {
    kernel: M,
    job: J,
    words: PhantomData<K>,
}

#[cfg(target_arch = "x86_64")]
impl<K: Words, M: MicroKernel<K>, J: Job<K>> Work for With<K, M, J> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.job.run(simd, self.kernel);
    }
}

/// A job with this thread's tiles set up.
#[cfg(target_arch = "x86_64")]
fn in_tiles<K: amx::TileWords, J: Job<K>>(tiles: Amx, job: J) {
    let held = tiles.hold();
    tiles.vectors().run(With { kernel: held.tiles(), job, words: PhantomData::<K> });
}
