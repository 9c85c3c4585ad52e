//! How an encoder is loaded: precision, level, threads, length of vectors.

use crate::kernels::gemm::linear::{NumberFormat, multiplies_bf16};
use crate::kernels::isa::level::Level;
pub use crate::options::encoder::{EncoderOptions, Precision};

impl Precision {
    pub(super) fn format(self, level: Level) -> NumberFormat {
        match self {
            Precision::Auto if multiplies_bf16(level) => NumberFormat::Bf16,
            Precision::Auto | Precision::F32 => NumberFormat::F32,
            Precision::Bf16 => NumberFormat::Bf16,
            Precision::Int8 => NumberFormat::Int8,
        }
    }
}
