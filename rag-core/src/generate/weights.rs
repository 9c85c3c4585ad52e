//! Weights in memory: read from a GGUF file, converted where that is exact, multiplied two ways.
//!
//! Few rows go through candle's quantised dot products; many rows through a weight that is widened to f32 for
//! the time of one product, since the quantised path decodes every weight again for every row.

use std::sync::Arc;

use blake3::Hasher;
use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Tensor};
use half::f16;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::model::gguf::Gguf;
use crate::progress::CancelToken;

/// Up to this many rows the quantised product is faster (Qwen2.5-0.5B, 2 threads).
pub(super) const QUANTISED_ROWS: usize = 8;

const BLOCK: usize = 32;
const Q8_0_BYTES: usize = 34;
const SAMPLE_BYTES: usize = 4096;

/// Reads weights and hashes a sample of each, which tells models apart.
pub(super) struct Loader<'a> {
    gguf: &'a Gguf,
    hasher: Hasher,
}

impl<'a> Loader<'a> {
    pub(super) fn new(gguf: &'a Gguf) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(format!("{:?}", gguf.metadata()).as_bytes());
        hasher.update(&gguf.size_bytes().to_le_bytes());
        Self { gguf, hasher }
    }

    /// The hash of what was read: all metadata, and the ends of each weight.
    pub(super) fn fingerprint(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }

    /// Whether the file holds this tensor.
    pub(super) fn has(&self, name: &str) -> bool {
        self.gguf.tensors().contains_key(name)
    }

    /// A vector as f32.
    pub(super) fn vector(&mut self, name: &str, len: usize) -> Result<Tensor> {
        let weight = self.tensor(name, &[len])?;
        weight.dequantize(&Device::Cpu).map_err(|cause| self.refused(name, cause))
    }

    /// A matrix `[rows, columns]` that maps `columns` inputs to `rows` outputs, with its bias if it has one.
    pub(super) fn linear(&mut self, name: &str, rows: usize, columns: usize) -> Result<Linear> {
        let weight = self.matrix(&format!("{name}.weight"), rows, columns)?;
        let bias = format!("{name}.bias");
        let bias = if self.has(&bias) { Some(self.vector(&bias, rows)?) } else { None };
        Ok(Linear { weight, bias })
    }

    /// A matrix `[rows, columns]`.
    pub(super) fn matrix(
        &mut self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Arc<QTensor>> {
        self.tensor(name, &[rows, columns]).map(Arc::new)
    }

    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<QTensor> {
        let (info, bytes) = self.gguf.read_tensor(name)?;
        if info.shape != shape {
            let reason = format!("tensor {name} has shape {:?}, expected {shape:?}", info.shape);
            return Err(self.gguf.bad(reason));
        }
        self.hasher.update(name.as_bytes());
        self.hasher.update(&bytes[..bytes.len().min(SAMPLE_BYTES)]);
        self.hasher.update(&bytes[bytes.len().saturating_sub(SAMPLE_BYTES)..]);
        let (dtype, bytes) = to_fast_type(info.dtype, bytes);
        if !(bytes.as_ptr() as usize).is_multiple_of(align_of::<f32>()) {
            return Err(Error::internal("the allocator returned unaligned memory"));
        }
        QStorage::from_data(bytes.into(), &Device::Cpu, dtype)
            .and_then(|storage| QTensor::new(storage, shape))
            .map_err(|cause| self.refused(name, cause))
    }

    fn refused(&self, name: &str, cause: candle_core::Error) -> Error {
        Error::model_cause(self.gguf.path(), format!("tensor {name} cannot be used"), cause)
    }
}

/// A linear map `y = W x + b`.
pub(super) struct Linear {
    weight: Arc<QTensor>,
    bias: Option<Tensor>,
}

impl Linear {
    /// A map without bias.
    pub(super) fn new(weight: Arc<QTensor>) -> Self {
        Self { weight, bias: None }
    }

    /// Applies the map to each chunk `[rows, columns]`. Each chunk's result depends on that chunk alone, so
    /// that it is the same bits whatever the others are.
    pub(super) fn forward(
        &self,
        chunks: &[Tensor],
        cancel: &CancelToken,
    ) -> candle_core::Result<Vec<Tensor>> {
        let mut wide = None;
        let mut outputs = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            if cancel.is_cancelled() {
                candle_core::bail!("cancelled");
            }
            let output = if chunk.dim(0)? <= QUANTISED_ROWS {
                chunk.apply_op1_no_bwd(self.weight.as_ref())?
            } else {
                if wide.is_none() {
                    wide = Some(widen(&self.weight)?.t()?);
                }
                match &wide {
                    Some(wide) => chunk.matmul(wide)?,
                    None => candle_core::bail!("weight was not widened"),
                }
            };
            outputs.push(match &self.bias {
                Some(bias) => output.broadcast_add(bias)?,
                None => output,
            });
        }
        Ok(outputs)
    }
}

/// The weight as f32, exactly.
fn widen(weight: &QTensor) -> candle_core::Result<Tensor> {
    if weight.dtype() != GgmlDType::Q8_0 {
        return weight.dequantize(&Device::Cpu);
    }
    let bytes = weight.data()?;
    let mut values = vec![0f32; weight.shape().elem_count()];
    values.par_chunks_mut(256 * BLOCK).zip(bytes.par_chunks(256 * Q8_0_BYTES)).for_each(
        |(values, bytes)| {
            for (values, block) in
                values.chunks_exact_mut(BLOCK).zip(bytes.chunks_exact(Q8_0_BYTES))
            {
                let scale = scale_at(block, 0);
                for (value, byte) in values.iter_mut().zip(&block[2..]) {
                    *value = scale * f32::from(i8::from_le_bytes([*byte]));
                }
            }
        },
    );
    Tensor::from_vec(values, weight.shape().clone(), &Device::Cpu)
}

/// Brings types for which candle has no SIMD product to Q8_0: Q4_0 and Q5_0 exactly (same scales, the integers
/// fit), Q4_1 and Q5_1 rounded to 1/254 of each block's largest weight, a tenth of what they lost when
/// they were quantised. Ggml's block layouts are those of llama.cpp, `ggml-common.h`.
fn to_fast_type(dtype: GgmlDType, bytes: Vec<u8>) -> (GgmlDType, Vec<u8>) {
    let (block_bytes, convert): (usize, fn(&[u8], &mut [u8])) = match dtype {
        GgmlDType::Q4_0 => (18, |block, out| shifted(block, 2, None, 8, out)),
        GgmlDType::Q5_0 => (22, |block, out| shifted(block, 6, Some(2), 16, out)),
        GgmlDType::Q4_1 => (20, |block, out| rounded(block, 4, None, out)),
        GgmlDType::Q5_1 => (24, |block, out| rounded(block, 8, Some(4), out)),
        other => return (other, bytes),
    };
    let mut converted = vec![0u8; bytes.len() / block_bytes * Q8_0_BYTES];
    converted
        .par_chunks_exact_mut(256 * Q8_0_BYTES)
        .zip(bytes.par_chunks_exact(256 * block_bytes))
        .for_each(|(out, blocks)| convert_blocks(blocks, block_bytes, out, convert));
    let done = bytes.len() / (256 * block_bytes);
    convert_blocks(
        &bytes[done * 256 * block_bytes..],
        block_bytes,
        &mut converted[done * 256 * Q8_0_BYTES..],
        convert,
    );
    (GgmlDType::Q8_0, converted)
}

fn convert_blocks(
    blocks: &[u8],
    block_bytes: usize,
    out: &mut [u8],
    convert: fn(&[u8], &mut [u8]),
) {
    for (block, out) in blocks.chunks_exact(block_bytes).zip(out.chunks_exact_mut(Q8_0_BYTES)) {
        convert(block, out);
    }
}

/// The unsigned integers of a block: low four bits in bytes from `low_at`, fifth bits in four bytes.
fn integers(block: &[u8], low_at: usize, high_at: Option<usize>) -> [u8; BLOCK] {
    let high = high_at.map_or(0, |at| {
        u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]])
    });
    let mut integers = [0; BLOCK];
    for (index, integer) in integers.iter_mut().enumerate() {
        let byte = block[low_at + index % 16];
        let low = if index < 16 { byte & 0x0F } else { byte >> 4 };
        *integer = low | (((high >> index) & 1) as u8) << 4;
    }
    integers
}

fn shifted(block: &[u8], low_at: usize, high_at: Option<usize>, zero: u8, out: &mut [u8]) {
    out[..2].copy_from_slice(&block[..2]);
    for (out, integer) in out[2..].iter_mut().zip(integers(block, low_at, high_at)) {
        *out = integer.wrapping_sub(zero);
    }
}

fn rounded(block: &[u8], low_at: usize, high_at: Option<usize>, out: &mut [u8]) {
    let (scale, least) = (scale_at(block, 0), scale_at(block, 2));
    let values = integers(block, low_at, high_at).map(|integer| scale * f32::from(integer) + least);
    let largest = values.iter().fold(0f32, |largest, value| largest.max(value.abs()));
    let step = f16::from_f32(largest / 127.0);
    out[..2].copy_from_slice(&step.to_le_bytes());
    let step = step.to_f32();
    for (out, value) in out[2..].iter_mut().zip(values) {
        let integer = if step > 0.0 { (value / step).round().clamp(-127.0, 127.0) } else { 0.0 };
        *out = (integer as i8).to_le_bytes()[0];
    }
}

fn scale_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

#[cfg(test)]
mod tests;
