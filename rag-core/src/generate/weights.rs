//! Weights in memory: read from their files a piece at a time and packed as they come.

use std::ops::Range;

use blake3::Hasher;

use crate::error::Result;
use crate::kernels::isa::Isa;
use crate::kernels::pool::Pool;
use crate::kernels::quantized::{GgmlType, Matrix, Target};
use crate::model::formats::tensors::TensorSource;

const SAMPLE_BYTES: usize = 4096;
/// Bytes read at a time.
const PIECE_BYTES: usize = 4 << 20;

/// Reads weights and hashes a sample of each, which tells models apart.
pub(super) struct Loader<'a> {
    source: &'a dyn TensorSource,
    pool: &'a Pool,
    /// Added to the weights of norms.
    norm_offset: f32,
    hasher: Hasher,
    piece: Vec<u8>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(source: &'a dyn TensorSource, pool: &'a Pool, norm_offset: f32) -> Self {
        let mut hasher = Hasher::new();
        source.identify(&mut hasher);
        Self { source, pool, norm_offset, hasher, piece: Vec::new() }
    }

    /// The hash of what was read: all that stands beside the weights, and the ends of each.
    pub(super) fn fingerprint(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }

    /// Whether the file holds this tensor.
    pub(super) fn has(&self, name: &str) -> bool {
        self.source.tensor(name).is_some()
    }

    /// A vector as f32.
    pub(super) fn vector(&mut self, name: &str, len: usize) -> Result<Vec<f32>> {
        self.check_shape(name, &[len])?;
        let matrix = self.pack(name, 0, 1, len)?;
        let mut values = vec![0.0; len];
        matrix.row(Isa::detect(), 0, &mut values);
        if name.ends_with("norm.weight") {
            values.iter_mut().for_each(|value| *value += self.norm_offset);
        }
        Ok(values)
    }

    /// A vector as f32 if the file has it.
    pub(super) fn optional_vector(&mut self, name: &str, len: usize) -> Result<Option<Vec<f32>>> {
        self.has(name).then(|| self.vector(name, len)).transpose()
    }

    /// A matrix `[rows, columns]` that maps `columns` inputs to `rows` outputs, with its bias if it
    /// has one.
    pub(super) fn linear(
        &mut self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<QuantizedLinear> {
        self.linear_part(name, [rows, columns], 0..rows)
    }

    /// Some rows of such a matrix, whose shape is `[rows, columns]`.
    pub(super) fn linear_part(
        &mut self,
        name: &str,
        shape: [usize; 2],
        rows: Range<usize>,
    ) -> Result<QuantizedLinear> {
        let weight = format!("{name}.weight");
        self.check_shape(&weight, &shape)?;
        let matrix = self.pack(&weight, rows.start, rows.len(), shape[1])?;
        let bias = match self.optional_vector(&format!("{name}.bias"), shape[0])? {
            Some(bias) => bias.get(rows).unwrap_or_default().to_vec(),
            None => Vec::new(),
        };
        Ok(QuantizedLinear { matrix, bias })
    }

    fn tensor(&self, name: &str) -> Result<(GgmlType, &'a [usize])> {
        let found = self.source.tensor(name);
        found.ok_or_else(|| self.source.bad(format!("tensor {name} is missing")))
    }

    fn check_shape(&self, name: &str, shape: &[usize]) -> Result<()> {
        let (_, found) = self.tensor(name)?;
        if found != shape {
            let reason = format!("tensor {name} has shape {found:?}, expected {shape:?}");
            return Err(self.source.bad(reason));
        }
        Ok(())
    }

    fn pack(&mut self, name: &str, first: usize, rows: usize, columns: usize) -> Result<Matrix> {
        let (kind, _) = self.tensor(name)?;
        let row_bytes = kind.row_bytes(columns);
        let mut matrix = Matrix::new(kind, rows, columns)
            .ok_or_else(|| self.source.bad(format!("no memory for tensor {name}")))?;
        // whole tiles of sixteen rows
        let step = (PIECE_BYTES / row_bytes.max(1) / 16).max(1) * 16;
        self.hasher.update(name.as_bytes());
        for row in (0..rows).step_by(step) {
            let count = step.min(rows - row);
            let from = (first + row) * row_bytes;
            self.source.read_part(name, from, count * row_bytes, &mut self.piece)?;
            if row == 0 {
                self.hasher.update(&self.piece[..self.piece.len().min(SAMPLE_BYTES)]);
            }
            if row + count == rows {
                let end = self.piece.len().saturating_sub(SAMPLE_BYTES);
                self.hasher.update(&self.piece[end..]);
            }
            matrix.pack(self.pool, row, &self.piece);
        }
        Ok(matrix)
    }
}

/// A linear map `y = W x + b`.
#[derive(Debug)]
pub(super) struct QuantizedLinear {
    matrix: Matrix,
    bias: Vec<f32>,
}

impl QuantizedLinear {
    /// Outputs.
    pub(super) fn rows(&self) -> usize {
        self.matrix.rows()
    }

    /// What is added to the product; empty for nothing.
    pub(super) fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// The product with some input, for `out` to take.
    pub(super) fn to<'a>(&'a self, out: &'a mut [f32]) -> Target<'a> {
        Target { matrix: &self.matrix, bias: &self.bias, out, add: false }
    }

    /// The product with some input, to be added to `out`.
    pub(super) fn add_to<'a>(&'a self, out: &'a mut [f32]) -> Target<'a> {
        Target { add: true, ..self.to(out) }
    }

    /// Whether it takes its input rounded.
    pub(super) fn is_quantised(&self) -> bool {
        self.matrix.is_quantised()
    }

    /// Its weights, if there is nothing to it but them.
    pub(super) fn plain(&self) -> Option<&Matrix> {
        self.bias.is_empty().then_some(&self.matrix)
    }

    /// The rows `ids` as f32, one after the other; each id is below the number of rows.
    pub(super) fn look_up(&self, pool: &Pool, isa: Isa, ids: &[u32], out: &mut [f32]) {
        pool.pieces(out, self.matrix.columns(), |index, out| {
            self.matrix.row(isa, ids[index] as usize, out);
        });
    }
}
