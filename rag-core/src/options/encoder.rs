//! Options of loading an encoder.

use std::num::NonZeroUsize;

use super::{options, words};
use crate::kernels::{KernelLevel, Threads};
use crate::model::Backend;

words! {
    /// The numbers that an encoder multiplies. Vectors of different precisions are close, not equal.
    ///
    /// Against f32, largest differences of a cosine between a question and a passage of MiniLM: bf16 0.0024, int8 0.04.
    #[derive(Default)]
    #[non_exhaustive]
    pub enum Precision("precision") {
        /// bf16 where the CPU multiplies it (AMX or AVX512-BF16), else f32.
        #[default]
        Auto = "auto",
        /// f32 throughout.
        F32 = "f32",
        /// Weights, inputs and attention rounded to bf16, sums in f32. Slow on a CPU without AVX512-BF16.
        Bf16 = "bf16",
        /// Weights rounded to int8 for each output, inputs for each token; attention in bf16 where the CPU multiplies it.
        Int8 = "int8",
    }
}

options! {
    /// How an encoder is loaded.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct EncoderOptions("encoder") {
        /// The numbers it multiplies: auto is bf16 where the CPU multiplies it, else f32.
        precision: Precision = Precision::Auto;
        /// Vector instructions. f32 has no use for AMX and runs AVX-512 then.
        level: Option<KernelLevel> = None, unset("the best that this CPU has"), unset_word("best");
        /// Most threads of a call.
        threads: Threads = Threads::default(), range(1.0, 256.0), unit("threads"), unset("one per CPU");
        /// Keep the first so many numbers of each vector and scale them to length 1 again, for models trained so that this costs
        /// little (Kusupati et al. 2022).
        truncate_dim: Option<NonZeroUsize> = None, unit("numbers"), unset("all");
        /// What runs it: our own kernels (auto), candle on the CPU, or candle on a GPU. candle runs BERT, RoBERTa, XLM-RoBERTa,
        /// CamemBERT, DistilBERT, ModernBERT and Nomic, in f32 and on threads of its own.
        backend: Backend = Backend::Auto;
    }
    check(|_| Ok(()))
}
