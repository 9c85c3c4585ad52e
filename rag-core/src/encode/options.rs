//! How an encoder is loaded: precision, level, threads, length of vectors.

use crate::kernels::gemm::linear::NumberFormat;
use crate::kernels::isa::Isa;
pub use crate::options::encoder::{EncoderOptions, Precision};

impl Precision {
    pub(super) fn format(self, level: Isa) -> NumberFormat {
        match self {
            Precision::Auto if level.multiplies_bf16() => NumberFormat::Bf16,
            Precision::Auto | Precision::F32 => NumberFormat::F32,
            Precision::Bf16 => NumberFormat::Bf16,
            Precision::Int8 => NumberFormat::Int8,
        }
    }
}
