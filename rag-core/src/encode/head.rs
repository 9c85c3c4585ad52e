//! From a pooled state to a unit vector: dense layers, truncation, length 1.

use crate::error::{Error, Result};
use crate::kernels::elementwise::norm::normalize;
use crate::kernels::gemm::PostOp;
use crate::kernels::gemm::linear::{Arithmetic, Inputs, Linear, NumberFormat, Product};
use crate::kernels::isa::Isa;
use crate::model::encoder::DenseFolder;
use crate::model::fingerprint::Fingerprint;
use crate::model::formats::safetensors::Tensors;

/// What comes after pooling. Always f32.
pub(super) struct EncoderHead {
    denses: Vec<Dense>,
    pooled_dim: usize,
    dim: usize,
}

/// A linear layer with a file of its own (sentence-transformers' `Dense`).
pub(crate) struct Dense {
    linear: Linear,
    in_features: usize,
    has_tanh: bool,
}

impl Dense {
    /// Takes the layer out of its weights.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) naming a tensor that is missing or shaped otherwise.
    pub(crate) fn load(folder: &DenseFolder, tensors: &mut Tensors, level: Isa) -> Result<Self> {
        let shape = [folder.out_features, folder.in_features];
        let weight = tensors.take_f32("linear.weight", &shape)?;
        let bias = match folder.has_bias {
            true => tensors.take_f32("linear.bias", &shape[..1])?,
            false => vec![0.0; folder.out_features],
        };
        let arithmetic = Arithmetic { level, format: NumberFormat::F32 };
        Ok(Self {
            linear: Linear::new(arithmetic, &weight, folder.in_features, bias),
            in_features: folder.in_features,
            has_tanh: folder.has_tanh,
        })
    }

    /// Numbers of a row after it.
    pub(crate) fn width(&self) -> usize {
        self.linear.width()
    }

    /// The rows after it, of any number before it.
    pub(crate) fn run(&self, rows: &[f32], inputs: &mut Inputs) -> Vec<f32> {
        let mut out = vec![0.0; rows.len() / self.in_features * self.width()];
        let product = Product { lhs: rows, post_op: PostOp::None, out: &mut out };
        self.linear.run(product, None, inputs);
        if self.has_tanh {
            out.iter_mut().for_each(|value| *value = value.tanh());
        }
        out
    }
}

/// Lengths of rows before and after a head.
#[derive(Clone, Copy)]
pub(super) struct HeadDims {
    /// Numbers of a pooled state.
    pub(super) pooled: usize,
    /// Vectors keep so many of their first numbers; `None` for all.
    pub(super) truncated: Option<usize>,
}

impl EncoderHead {
    /// Loads the dense layers and adds them to the fingerprint.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) for a bad weights file;
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) if vectors are shorter than they are to be cut to.
    pub(super) fn load(
        folders: &[DenseFolder],
        dims: HeadDims,
        level: Isa,
        fingerprint: &mut Fingerprint,
    ) -> Result<Self> {
        let HeadDims { pooled: pooled_dim, truncated: truncate_dim } = dims;
        let mut denses = Vec::with_capacity(folders.len());
        let mut dim = pooled_dim;
        for folder in folders {
            let mut tensors = Tensors::read(&folder.weights_path)?;
            fingerprint.part("dense", tensors.hash.as_bytes());
            fingerprint.part("dense activation", &[u8::from(folder.has_tanh)]);
            denses.push(Dense::load(folder, &mut tensors, level)?);
            dim = folder.out_features;
        }
        if let Some(shorter) = truncate_dim {
            if shorter > dim {
                let reason = format!("{shorter}, but vectors of this model have {dim} numbers");
                return Err(Error::invalid("truncate_dim", reason));
            }
            dim = shorter;
            fingerprint.part("truncate dim", &(shorter as u64).to_le_bytes());
        }
        Ok(Self { denses, pooled_dim, dim })
    }

    /// Length of a vector.
    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    /// Turns pooled rows into unit rows of `out`.
    pub(super) fn run(&self, pooled: &[f32], out: &mut [f32]) {
        let mut inputs = Inputs::default();
        for (pooled, out) in
            pooled.chunks_exact(self.pooled_dim).zip(out.chunks_exact_mut(self.dim))
        {
            let mut row = pooled.to_vec();
            for dense in &self.denses {
                row = dense.run(&row, &mut inputs);
            }
            out.copy_from_slice(&row[..self.dim]);
            normalize(out);
        }
    }
}
