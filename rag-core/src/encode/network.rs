//! The transformer of BERT and its RoBERTa relatives, over ragged batches: no padding, no mask.
//!
//! Sequences are laid end to end; only attention knows where one stops. Devlin et al. 2018 (BERT), Liu et al.
//! 2019 (RoBERTa); post-layer-norm as in the published checkpoints. f32 throughout; the word table keeps its
//! file's type and rows are widened as they are read.

use crate::error::Result;
use crate::kernels::gemm::{After, AttentionScratch, Heads, Packed, attention, linear};
use crate::kernels::level::Level;
use crate::kernels::rows::{layer_norm, normalize};
use crate::model::folder::{Activation, Pooling, TransformerConfig};
use crate::model::safetensors::{Tensor, Tensors};

struct Linear {
    weight: Packed,
    bias: Vec<f32>,
}

struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    eps: f32,
}

struct Layer {
    /// Queries (already divided by the root of the head's size), keys and values in one product.
    qkv: Linear,
    attention_out: Linear,
    attention_norm: Norm,
    up: Linear,
    down: Linear,
    out_norm: Norm,
}

/// A transformer ready to run. Shared by any number of threads.
pub(crate) struct Network {
    level: Level,
    heads: Heads,
    hidden: usize,
    intermediate: usize,
    activation: Activation,
    words: Tensor,
    /// Position plus type 0, one row per usable position.
    positions: Vec<f32>,
    input_norm: Norm,
    layers: Vec<Layer>,
}

/// Buffers of one thread, kept from batch to batch.
#[derive(Default)]
pub(crate) struct Scratch {
    x: Vec<f32>,
    qkv: Vec<f32>,
    context: Vec<f32>,
    up: Vec<f32>,
    attention: AttentionScratch,
}

/// Takes a model's tensors out of a file, whatever prefix their names carry.
struct Source<'a> {
    tensors: &'a mut Tensors,
    prefix: String,
    eps: f32,
}

impl Source<'_> {
    fn values(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.tensors.take_f32(&format!("{}{name}", self.prefix), shape)
    }

    fn norm(&mut self, name: &str, dim: usize) -> Result<Norm> {
        // checkpoints converted from TensorFlow say gamma and beta
        let old = self.tensors.contains(&format!("{}{name}.gamma", self.prefix));
        let (weight, bias) = if old { ("gamma", "beta") } else { ("weight", "bias") };
        Ok(Norm {
            weight: self.values(&format!("{name}.{weight}"), &[dim])?,
            bias: self.values(&format!("{name}.{bias}"), &[dim])?,
            eps: self.eps,
        })
    }

    /// Weight rows and bias of a linear layer, both multiplied by `scale`.
    fn rows(&mut self, name: &str, shape: [usize; 2], scale: f32) -> Result<(Vec<f32>, Vec<f32>)> {
        let mut weight = self.values(&format!("{name}.weight"), &shape)?;
        let mut bias = self.values(&format!("{name}.bias"), &shape[..1])?;
        weight.iter_mut().chain(&mut bias).for_each(|value| *value *= scale);
        Ok((weight, bias))
    }

    fn linear(&mut self, level: Level, name: &str, shape: [usize; 2]) -> Result<Linear> {
        let (weight, bias) = self.rows(name, shape, 1.0)?;
        Ok(Linear { weight: Packed::from_rows(level, &weight, shape[1]), bias })
    }

    fn layer(&mut self, level: Level, index: usize, config: &TransformerConfig) -> Result<Layer> {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        let scale = 1.0 / ((hidden / config.head_count) as f32).sqrt();
        let (mut weight, mut bias) =
            self.rows(&name("attention.self.query"), [hidden, hidden], scale)?;
        for part in ["key", "value"] {
            let (rows, more) =
                self.rows(&name(&format!("attention.self.{part}")), [hidden, hidden], 1.0)?;
            weight.extend(rows);
            bias.extend(more);
        }
        Ok(Layer {
            qkv: Linear { weight: Packed::from_rows(level, &weight, hidden), bias },
            attention_out: self.linear(level, &name("attention.output.dense"), [hidden, hidden])?,
            attention_norm: self.norm(&name("attention.output.LayerNorm"), hidden)?,
            up: self.linear(level, &name("intermediate.dense"), [wide, hidden])?,
            down: self.linear(level, &name("output.dense"), [hidden, wide])?,
            out_norm: self.norm(&name("output.LayerNorm"), hidden)?,
        })
    }
}

impl Network {
    /// Packs the weights for `level`.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) naming a tensor that is missing or shaped otherwise.
    pub(crate) fn load(
        tensors: &mut Tensors,
        config: &TransformerConfig,
        level: Level,
    ) -> Result<Self> {
        let first = "embeddings.word_embeddings.weight";
        let prefixes = ["", "bert.", "roberta.", "model."].map(str::to_owned);
        let prefix =
            prefixes.into_iter().find(|prefix| tensors.contains(&format!("{prefix}{first}")));
        let prefix = prefix.unwrap_or_default();
        let words =
            tensors.take(&format!("{prefix}{first}"), &[config.vocab_size, config.hidden_size])?;
        let mut source = Source { tensors, prefix, eps: config.layer_norm_eps };
        let hidden = config.hidden_size;
        let input_norm = source.norm("embeddings.LayerNorm", hidden)?;
        let positions = positions(&mut source, config)?;
        let layers = (0..config.layer_count).map(|index| source.layer(level, index, config));
        Ok(Self {
            level,
            heads: Heads { count: config.head_count, dim: hidden / config.head_count },
            hidden,
            intermediate: config.intermediate_size,
            activation: config.activation,
            layers: layers.collect::<Result<_>>()?,
            words,
            positions,
            input_norm,
        })
    }

    /// Length of a vector.
    pub(crate) fn dim(&self) -> usize {
        self.hidden
    }

    /// Rows of the word table; every token id must be below it.
    pub(crate) fn vocab_size(&self) -> usize {
        self.words.shape.first().copied().unwrap_or(0)
    }

    /// Most tokens of a sequence.
    pub(crate) fn position_count(&self) -> usize {
        self.positions.len() / self.hidden
    }

    /// Encodes sequences of checked token ids into unit rows of `out`, one after the other.
    pub(crate) fn forward(
        &self,
        sequences: &[&[u32]],
        pooling: Pooling,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let tokens: usize = sequences.iter().map(|ids| ids.len()).sum();
        scratch.x.resize(tokens * self.hidden, 0.0);
        scratch.context.resize(tokens * self.hidden, 0.0);
        scratch.qkv.resize(tokens * 3 * self.hidden, 0.0);
        self.embed(sequences, &mut scratch.x);
        for layer in &self.layers {
            self.attention(layer, sequences, scratch);
            self.feed_forward(layer, scratch);
        }
        let mut rest = &scratch.x[..];
        for (ids, row) in sequences.iter().zip(out.chunks_exact_mut(self.hidden)) {
            let (states, after) = rest.split_at(ids.len() * self.hidden);
            pool(pooling, states, row);
            normalize(row);
            rest = after;
        }
    }

    fn embed(&self, sequences: &[&[u32]], x: &mut [f32]) {
        let mut rows = x.chunks_exact_mut(self.hidden);
        for ids in sequences {
            let positions = self.positions.chunks_exact(self.hidden);
            for ((&id, position), row) in ids.iter().zip(positions).zip(&mut rows) {
                self.words.read_f32(id as usize * self.hidden, row);
                row.iter_mut().zip(position).for_each(|(value, position)| *value += position);
            }
        }
        self.norm(&self.input_norm, x);
    }

    fn norm(&self, norm: &Norm, x: &mut [f32]) {
        layer_norm(self.level, x, &norm.weight, &norm.bias, norm.eps);
    }

    fn attention(&self, layer: &Layer, sequences: &[&[u32]], scratch: &mut Scratch) {
        let Scratch { x, qkv, context, attention: buffers, .. } = scratch;
        linear(self.level, x, &layer.qkv.weight, &layer.qkv.bias, After::Nothing, qkv);
        let (mut qkv, mut contexts) = (&qkv[..], &mut context[..]);
        for ids in sequences {
            let (own, rest) = qkv.split_at(ids.len() * 3 * self.hidden);
            let (out, others) = contexts.split_at_mut(ids.len() * self.hidden);
            attention(self.level, self.heads, own, buffers, out);
            (qkv, contexts) = (rest, others);
        }
        // the context's buffer is read in full before `out` is written: use the qkv buffer for the sum
        let sum = &mut scratch.qkv[..scratch.x.len()];
        let Linear { weight, bias } = &layer.attention_out;
        linear(self.level, &scratch.context, weight, bias, After::Add(&scratch.x), sum);
        scratch.x.copy_from_slice(sum);
        self.norm(&layer.attention_norm, &mut scratch.x);
    }

    /// In blocks of rows, so that the wide middle stays in the second-level cache.
    fn feed_forward(&self, layer: &Layer, scratch: &mut Scratch) {
        const BLOCK_ROWS: usize = 96;
        let Scratch { x, up, context, .. } = scratch;
        let after = match self.activation {
            Activation::Gelu => After::Gelu,
            Activation::Relu => After::Relu,
        };
        for x in x.chunks_mut(BLOCK_ROWS * self.hidden) {
            up.resize(x.len() / self.hidden * self.intermediate, 0.0);
            linear(self.level, x, &layer.up.weight, &layer.up.bias, after, up);
            let sum = &mut context[..x.len()];
            linear(self.level, up, &layer.down.weight, &layer.down.bias, After::Add(x), sum);
            x.copy_from_slice(sum);
            self.norm(&layer.out_norm, x);
        }
    }
}

/// Rows of the position table from the first used one on, with the row of token type 0 added.
fn positions(source: &mut Source<'_>, config: &TransformerConfig) -> Result<Vec<f32>> {
    let hidden = config.hidden_size;
    let name = "embeddings.position_embeddings.weight";
    let mut positions = source.values(name, &[config.position_count, hidden])?;
    let types =
        source.values("embeddings.token_type_embeddings.weight", &[config.type_count, hidden])?;
    positions.drain(..config.first_position * hidden);
    for row in positions.chunks_exact_mut(hidden) {
        row.iter_mut().zip(&types).for_each(|(value, kind)| *value += kind);
    }
    Ok(positions)
}

/// One vector from the states of one sequence, as the folder's pooling says (Reimers and Gurevych 2019, section 3).
fn pool(pooling: Pooling, states: &[f32], out: &mut [f32]) {
    let dim = out.len();
    let rows = states.chunks_exact(dim);
    let count = rows.len().max(1) as f32;
    match pooling {
        Pooling::Cls => out.copy_from_slice(&states[..dim]),
        Pooling::Max => {
            out.fill(f32::NEG_INFINITY);
            rows.for_each(|row| {
                out.iter_mut().zip(row).for_each(|(max, &value)| {
                    // a NaN stays, to be found later
                    if value > *max || value.is_nan() {
                        *max = value;
                    }
                })
            });
        }
        Pooling::Mean | Pooling::MeanSqrtLen => {
            out.fill(0.0);
            rows.for_each(|row| out.iter_mut().zip(row).for_each(|(sum, value)| *sum += value));
            let divisor = if pooling == Pooling::Mean { count } else { count.sqrt() };
            out.iter_mut().for_each(|sum| *sum /= divisor);
        }
    }
}
