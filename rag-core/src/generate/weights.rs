//! Weights in memory: read from a GGUF file, taken apart without loss, multiplied two ways.
//!
//! One row at a time goes through integer products on the codes. The rows of a prompt go through f32 products,
//! for which a weight is widened panel by panel, never as a whole.

use blake3::Hasher;
use candle_core::quantized::GgmlDType;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};
use half::{bf16, f16};
use rayon::prelude::*;

use super::blocks::{Format, Out};
use crate::error::Result;
use crate::kernels::codes::Codes;
use crate::kernels::gemm::{After, Packed, linear};
use crate::kernels::level::Level;
use crate::model::gguf::Gguf;

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
    pub(super) fn vector(&mut self, name: &str, len: usize) -> Result<Vec<f32>> {
        let (dtype, bytes) = self.read(name, &[len])?;
        let mut values = vec![0.0; len];
        widen_bytes(dtype, &bytes, &mut values);
        Ok(values)
    }

    /// A matrix `[rows, columns]` that maps `columns` inputs to `rows` outputs, with its bias if it has one.
    pub(super) fn linear(&mut self, name: &str, rows: usize, columns: usize) -> Result<Linear> {
        let weight = self.matrix(&format!("{name}.weight"), rows, columns)?;
        let bias = format!("{name}.bias");
        let bias = if self.has(&bias) { self.vector(&bias, rows)? } else { vec![0.0; rows] };
        Ok(Linear { weight, bias, rows, columns, level: Level::detect() })
    }

    /// A matrix `[rows, columns]` ready for products.
    fn matrix(&mut self, name: &str, rows: usize, columns: usize) -> Result<Weight> {
        let (dtype, bytes) = self.read(name, &[rows, columns])?;
        let Some(format) = Format::of(dtype) else {
            let mut values = vec![0.0; rows * columns];
            widen_bytes(dtype, &bytes, &mut values);
            return Ok(Weight::Floats(values));
        };
        Ok(Weight::Codes(take_apart(format, columns, &bytes)))
    }

    /// A table whose rows are looked up, kept as it lies in the file.
    pub(super) fn table(&mut self, name: &str, rows: usize, columns: usize) -> Result<Table> {
        let (dtype, bytes) = self.read(name, &[rows, columns])?;
        Ok(Table { dtype, bytes, columns })
    }

    fn read(&mut self, name: &str, shape: &[usize]) -> Result<(GgmlDType, Vec<u8>)> {
        let (info, bytes) = self.gguf.read_tensor(name)?;
        if info.shape != shape {
            let reason = format!("tensor {name} has shape {:?}, expected {shape:?}", info.shape);
            return Err(self.gguf.bad(reason));
        }
        self.hasher.update(name.as_bytes());
        self.hasher.update(&bytes[..bytes.len().min(SAMPLE_BYTES)]);
        self.hasher.update(&bytes[bytes.len().saturating_sub(SAMPLE_BYTES)..]);
        Ok((info.dtype, bytes))
    }
}

/// A matrix in the file's own form.
pub(super) struct Table {
    dtype: GgmlDType,
    bytes: Vec<u8>,
    columns: usize,
}

impl Table {
    /// The rows `ids`, one after the other; each id is below the number of rows.
    pub(super) fn rows(&self, ids: &[u32]) -> Vec<f32> {
        let row_bytes = self.columns / self.dtype.block_size() * self.dtype.type_size();
        let mut values = vec![0.0; ids.len() * self.columns];
        for (id, values) in ids.iter().zip(values.chunks_exact_mut(self.columns)) {
            let bytes = &self.bytes[*id as usize * row_bytes..][..row_bytes];
            widen_bytes(self.dtype, bytes, values);
        }
        values
    }

    /// The map that scores a state against each row, for models whose output layer is their input table.
    pub(super) fn to_linear(&self, rows: usize) -> Linear {
        let columns = self.columns;
        let weight = match Format::of(self.dtype) {
            Some(format) => Weight::Codes(take_apart(format, columns, &self.bytes)),
            None => {
                let mut values = vec![0.0; rows * columns];
                widen_bytes(self.dtype, &self.bytes, &mut values);
                Weight::Floats(values)
            }
        };
        let bias = vec![0.0; rows];
        Linear { weight, bias, rows, columns, level: Level::detect() }
    }
}

enum Weight {
    Codes(Codes),
    Floats(Vec<f32>),
}

/// A linear map `y = W x + b`.
pub(super) struct Linear {
    weight: Weight,
    bias: Vec<f32>,
    rows: usize,
    columns: usize,
    level: Level,
}

/// How rows are multiplied. The caller says, not the number of rows: results must not depend on how a prompt
/// was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// Weights widened to f32, for many rows. Each row's result is the same bits whatever the others are.
    Prompt,
    /// Rows rounded to int8, one by one.
    Step,
}

impl Linear {
    /// Applies the map to each row of `states` `[count, columns]`.
    pub(super) fn forward(&self, states: &Tensor, path: Path) -> candle_core::Result<Tensor> {
        states.apply_op1_no_bwd(&Apply { linear: self, path })
    }

    fn step(&self, states: &[f32], out: &mut [f32]) {
        for (state, out) in states.chunks_exact(self.columns).zip(out.chunks_exact_mut(self.rows)) {
            match &self.weight {
                Weight::Codes(codes) => {
                    codes.times(self.level, state, out);
                    out.iter_mut().zip(&self.bias).for_each(|(out, bias)| *out += bias);
                }
                Weight::Floats(_) => self.prompt(state, out),
            }
        }
    }

    /// Panels of outputs in parallel, each with its part of the weight widened and packed, then put in rows.
    fn prompt(&self, states: &[f32], out: &mut [f32]) {
        let count = states.len() / self.columns;
        let width = self.level.columns();
        let mut panels = vec![0.0; out.len()];
        panels.par_chunks_mut(count * width).enumerate().for_each(|(panel, out)| {
            let first = panel * width;
            let mut rows = vec![0.0; out.len() / count * self.columns];
            match &self.weight {
                Weight::Codes(codes) => codes.widen(self.level, first, &mut rows),
                Weight::Floats(values) => {
                    let len = rows.len();
                    rows.copy_from_slice(&values[first * self.columns..][..len]);
                }
            }
            let packed = Packed::from_rows(self.level, &rows, self.columns);
            let bias = &self.bias[first..first + out.len() / count];
            linear(self.level, states, &packed, bias, After::Nothing, out);
        });
        out.par_chunks_exact_mut(self.rows).enumerate().for_each(|(row, out)| {
            for (out, panel) in out.chunks_mut(width).zip(panels.chunks(count * width)) {
                out.copy_from_slice(&panel[row * out.len()..][..out.len()]);
            }
        });
    }
}

struct Apply<'a> {
    linear: &'a Linear,
    path: Path,
}

impl CustomOp1 for Apply<'_> {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        storage: &CpuStorage,
        layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (count, columns) = layout.shape().dims2()?;
        let Some((from, to)) = layout.contiguous_offsets() else {
            candle_core::bail!("linear map of states that are not contiguous");
        };
        if columns != self.linear.columns {
            candle_core::bail!("linear map of {} columns got {columns}", self.linear.columns);
        }
        let states = &storage.as_slice::<f32>()?[from..to];
        let mut out = vec![0.0; count * self.linear.rows];
        match self.path {
            Path::Step => self.linear.step(states, &mut out),
            Path::Prompt => self.linear.prompt(states, &mut out),
        }
        Ok((CpuStorage::F32(out), (count, self.linear.rows).into()))
    }
}

/// Codes, scales and offsets of whole rows, in parallel.
fn take_apart(format: Format, columns: usize, bytes: &[u8]) -> Codes {
    let elements = bytes.len() / format.bytes * format.elements;
    let scales = elements / format.block;
    let mut codes = Codes {
        columns,
        block: format.block,
        codes: vec![0; elements],
        scales: vec![0.0; scales],
        offsets: vec![0.0; if format.has_offsets { scales } else { 0 }],
    };
    // Blocks per task: enough to outweigh its cost.
    let task = 64 * 256 / format.elements;
    let parts = codes
        .codes
        .par_chunks_mut(task * format.elements)
        .zip(codes.scales.par_chunks_mut(task * format.elements / format.block))
        .zip(bytes.par_chunks(task * format.bytes));
    if format.has_offsets {
        parts.zip(codes.offsets.par_chunks_mut(task * format.elements / format.block)).for_each(
            |(((codes, scales), bytes), offsets)| {
                format.unpack(bytes, &mut Out { codes, scales, offsets });
            },
        );
    } else {
        parts.for_each(|((codes, scales), bytes)| {
            format.unpack(bytes, &mut Out { codes, scales, offsets: &mut [] });
        });
    }
    codes
}

/// The values of whole blocks, exactly.
fn widen_bytes(dtype: GgmlDType, bytes: &[u8], values: &mut [f32]) {
    match dtype {
        GgmlDType::F32 => {
            for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                *value = f32::from_le_bytes(*bytes);
            }
        }
        GgmlDType::F16 => {
            for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                *value = f16::from_le_bytes(*bytes).to_f32();
            }
        }
        GgmlDType::BF16 => {
            for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                *value = bf16::from_le_bytes(*bytes).to_f32();
            }
        }
        quantised => {
            let Some(format) = Format::of(quantised) else { return };
            let codes = take_apart(format, values.len(), bytes);
            codes.widen(Level::detect(), 0, values);
        }
    }
}
