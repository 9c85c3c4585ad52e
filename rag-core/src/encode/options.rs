//! How an encoder is loaded: precision, level, threads, length of vectors.

use std::num::NonZeroUsize;

use crate::kernels::KernelLevel;
use crate::kernels::level::Level;
use crate::kernels::linear::{Format, multiplies_bf16};
use crate::model::Backend;

/// The numbers that an encoder multiplies. Vectors of different precisions are close, not equal.
///
/// Against f32, largest differences of a cosine between a question and a passage of MiniLM: bf16 0.0024, int8 0.04.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Precision {
    /// bf16 where the CPU multiplies it (AMX or AVX512-BF16), else f32.
    #[default]
    Auto,
    /// f32 throughout.
    F32,
    /// Weights, inputs and attention rounded to bf16, sums in f32. Slow on a CPU without AVX512-BF16.
    Bf16,
    /// Weights rounded to int8 for each output, inputs for each token; attention in bf16 where the CPU multiplies it.
    Int8,
}

impl Precision {
    /// The word for it: `"auto"`, `"f32"`, `"bf16"` or `"int8"`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Precision::Auto => "auto",
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
            Precision::Int8 => "int8",
        }
    }

    pub(super) fn format(self, level: Level) -> Format {
        match self {
            Precision::Auto if multiplies_bf16(level) => Format::Bf16,
            Precision::Auto | Precision::F32 => Format::F32,
            Precision::Bf16 => Format::Bf16,
            Precision::Int8 => Format::Int8,
        }
    }
}

/// How an encoder is loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncoderOptions {
    /// Default: [`Precision::Auto`].
    pub precision: Precision,
    /// Instructions. Default: the best that this CPU has, with VNNI and BF16 where it has them. f32 has no use for AMX and
    /// runs AVX-512 then.
    pub level: Option<KernelLevel>,
    /// Most threads of a call. Default: one per CPU.
    pub thread_count: Option<NonZeroUsize>,
    /// Keep the first so many numbers of each vector and scale them to length 1 again, for models trained so that
    /// this costs little (Kusupati et al. 2022). Default: all.
    pub truncate_dim: Option<NonZeroUsize>,
    /// What runs it. candle's networks run BERT, RoBERTa, XLM-RoBERTa, CamemBERT, DistilBERT, ModernBERT and Nomic, in f32
    /// and on threads of their own; their vectors are those of our kernels in f32 up to rounding. Default
    /// [`Backend::Auto`]: our own kernels on the CPU.
    pub backend: Backend,
}
