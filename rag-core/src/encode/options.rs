//! How an encoder is loaded: precision, level, threads, length of vectors.

use crate::kernels::level::Level;
use crate::kernels::linear::{Format, multiplies_bf16};
pub use crate::options::encoder::{EncoderOptions, Precision};

impl Precision {
    pub(super) fn format(self, level: Level) -> Format {
        match self {
            Precision::Auto if multiplies_bf16(level) => Format::Bf16,
            Precision::Auto | Precision::F32 => Format::F32,
            Precision::Bf16 => Format::Bf16,
            Precision::Int8 => Format::Int8,
        }
    }
}
