//! Sentence transformers over ragged batches: no padding, no mask.
//!
//! Sequences are laid end to end; only attention knows where one stops. Owns the forward pass of
//! every family ([`weights`](super::weights) knows their names) and pooling. Sums are f32; the word
//! table keeps its file's type and rows are widened as they are read.

use crate::error::Result;
use crate::kernels::Heads;
use crate::kernels::attention::bidirectional::{Attention, AttentionScratch, Sequence};
use crate::kernels::elementwise::Glu;
use crate::kernels::elementwise::activation::Activation;
use crate::kernels::elementwise::norm::LayerNorm;
use crate::kernels::elementwise::rope::RotateRows;
use crate::kernels::gemm::linear::{Arithmetic, Inputs, NumberFormat, Product};
use crate::kernels::gemm::{BLOCK_ROWS, PostOp};
use crate::kernels::isa::Isa;
use crate::kernels::pool::Pool;
use crate::model::encoder::Pooling;
use crate::model::encoder::architecture::{Positions, TransformerConfig};
use crate::model::formats::safetensors::Tensors;

use super::positions::LayerPositions;
use super::weights::{EncoderLayer, Norm, Weights};

/// A transformer ready to run. Shared by any number of threads.
pub(crate) struct EncoderNetwork {
    level: Isa,
    attention: Attention,
    heads: Heads,
    hidden: usize,
    intermediate: usize,
    activation: Activation,
    is_gated: bool,
    /// Whether the rows added to tokens differ by position.
    has_table: bool,
    eps: f32,
    max_tokens: usize,
    positions: LayerPositions,
    weights: Weights,
}

/// A transformer, and how long its sequences may be.
#[derive(Clone, Copy)]
pub(crate) struct NetworkConfig<'a> {
    pub(crate) transformer: &'a TransformerConfig,
    pub(crate) max_tokens: usize,
}

/// Sequences of checked token ids.
#[derive(Clone, Copy)]
pub(crate) struct Batch<'a> {
    pub(crate) sequences: &'a [&'a [u32]],
    /// For each the token at which its second text begins; empty where each is one text.
    pub(crate) seconds: &'a [usize],
    /// For each how many of its first tokens are attended to; empty where all of them are.
    pub(crate) key_counts: &'a [usize],
}

impl<'a> Batch<'a> {
    /// Sequences of one text each, all of it attended to.
    pub(crate) fn of(sequences: &'a [&'a [u32]]) -> Self {
        Self { sequences, seconds: &[], key_counts: &[] }
    }

    /// The first `count` sequences, and the others.
    pub(super) fn split_at(self, count: usize) -> (Self, Self) {
        let part = |numbers: &'a [usize]| numbers.split_at(count.min(numbers.len()));
        let (sequences, others) = self.sequences.split_at(count);
        let (seconds, other_seconds) = part(self.seconds);
        let (key_counts, other_counts) = part(self.key_counts);
        let rest = Self { sequences: others, seconds: other_seconds, key_counts: other_counts };
        (Self { sequences, seconds, key_counts }, rest)
    }

    /// Where the second text of a sequence begins.
    pub(super) fn second(&self, index: usize) -> usize {
        self.seconds.get(index).copied().unwrap_or(usize::MAX)
    }

    /// How many tokens of a sequence of `len` are attended to.
    fn key_count(&self, index: usize, len: usize) -> usize {
        self.key_counts.get(index).map_or(len, |count| len.min(*count))
    }
}

/// Buffers of one thread, kept from batch to batch.
#[derive(Default)]
pub(crate) struct EncoderScratch {
    x: Vec<f32>,
    qkv: Vec<f32>,
    context: Vec<f32>,
    wide: Vec<f32>,
    up: Vec<f32>,
    attention: AttentionScratch,
    inputs: Inputs,
}

impl EncoderNetwork {
    /// Packs the weights.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) naming a tensor that is missing or shaped otherwise.
    pub(crate) fn load(
        tensors: &mut Tensors,
        NetworkConfig { transformer: config, max_tokens }: NetworkConfig<'_>,
        arithmetic: Arithmetic,
    ) -> Result<Self> {
        let Arithmetic { level, format } = arithmetic;
        let weights = Weights::load(tensors, config, arithmetic)?;
        let has_table =
            matches!(config.positions, Positions::Table { .. } | Positions::TableAndBuckets { .. });
        Ok(Self {
            level,
            attention: Attention {
                level,
                in_bf16: match format {
                    NumberFormat::F32 => false,
                    NumberFormat::Bf16 => true,
                    NumberFormat::Int8 => level.multiplies_bf16(),
                },
            },
            heads: Heads { count: config.head_count, dim: config.hidden_size / config.head_count },
            hidden: config.hidden_size,
            intermediate: config.intermediate_size,
            activation: config.activation,
            is_gated: config.family.layout().is_gated,
            has_table,
            eps: config.layer_norm_eps,
            max_tokens,
            positions: LayerPositions::new(config, max_tokens, &weights.buckets),
            weights,
        })
    }

    /// Numbers of a token's state.
    pub(crate) fn hidden(&self) -> usize {
        self.hidden
    }

    /// Rows of the word table; every token id must be below it.
    pub(crate) fn vocab_size(&self) -> usize {
        self.weights.words.shape.first().copied().unwrap_or(0)
    }

    /// Most tokens of a sequence.
    pub(crate) fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// The states of all tokens, sequence after sequence, `[tokens, hidden]`.
    ///
    /// With `threads`, they share each step: worth it where there is one batch.
    pub(crate) fn forward<'s>(
        &self,
        batch: Batch<'_>,
        threads: Option<&Pool>,
        scratch: &'s mut EncoderScratch,
    ) -> &'s [f32] {
        let sequences = batch.sequences;
        let tokens: usize = sequences.iter().map(|ids| ids.len()).sum();
        scratch.x.resize(tokens * self.hidden, 0.0);
        scratch.context.resize(tokens * self.hidden, 0.0);
        scratch.qkv.resize(tokens * 3 * self.hidden, 0.0);
        self.embed(batch, &mut scratch.x);
        for (index, layer) in self.weights.layers.iter().enumerate() {
            self.attention(index, batch, threads, scratch);
            self.feed_forward(layer, threads, scratch);
        }
        if let Some(norm) = &self.weights.final_norm {
            self.norm(norm, &mut scratch.x);
        }
        &scratch.x
    }

    fn embed(&self, batch: Batch<'_>, x: &mut [f32]) {
        let Weights { words, added, second_type, input_norm, .. } = &self.weights;
        let mut rows = x.chunks_exact_mut(self.hidden);
        for (index, ids) in batch.sequences.iter().enumerate() {
            let second = batch.second(index);
            for ((position, &id), row) in ids.iter().enumerate().zip(&mut rows) {
                words.read_f32(id as usize * self.hidden, row);
                let start = if self.has_table { position * self.hidden } else { 0 };
                let added = &added[start..start + self.hidden];
                row.iter_mut().zip(added).for_each(|(value, added)| *value += added);
                if position >= second {
                    row.iter_mut().zip(second_type).for_each(|(value, added)| *value += added);
                }
            }
        }
        self.norm(input_norm, x);
    }

    fn norm(&self, norm: &Norm, x: &mut [f32]) {
        let Norm { weight, bias } = norm;
        self.level.run(LayerNorm { rows: x, weight, bias, epsilon: self.eps });
    }

    /// `x`, or a normed copy of it in `buffer` where the norm stands first.
    fn normed<'a>(&self, norm: Option<&Norm>, x: &'a [f32], buffer: &'a mut [f32]) -> &'a [f32] {
        let Some(norm) = norm else { return x };
        let buffer = &mut buffer[..x.len()];
        buffer.copy_from_slice(x);
        self.norm(norm, buffer);
        buffer
    }

    fn attention(
        &self,
        index: usize,
        batch: Batch<'_>,
        threads: Option<&Pool>,
        scratch: &mut EncoderScratch,
    ) {
        let EncoderScratch { x, qkv, context, attention: buffers, inputs, .. } = scratch;
        let (layer, positions) = (&self.weights.layers[index], self.positions.of(index));
        let input = self.normed(layer.before_attention.as_ref(), x, context);
        let product = Product { lhs: input, post_op: PostOp::None, out: qkv };
        layer.qkv.run(product, threads, inputs);
        let (mut qkv, mut contexts) = (&mut qkv[..], &mut context[..]);
        for (row, ids) in batch.sequences.iter().enumerate() {
            let (own, rest) = qkv.split_at_mut(ids.len() * 3 * self.hidden);
            let (out, others) = contexts.split_at_mut(ids.len() * self.hidden);
            if let Some(table) = &positions.rotary {
                self.level.run(RotateRows { heads: self.heads, table, qkv: own });
            }
            let distances = positions.distances.as_ref();
            let key_count = batch.key_count(row, ids.len());
            let sequence = Sequence { heads: self.heads, distances, qkv: own, key_count };
            self.attention.run(sequence, threads, buffers, out);
            (qkv, contexts) = (rest, others);
        }
    }

    /// The rest of a layer, in blocks of rows, so that the wide middle stays in the second-level
    /// cache.
    fn feed_forward(
        &self,
        layer: &EncoderLayer,
        threads: Option<&Pool>,
        scratch: &mut EncoderScratch,
    ) {
        let EncoderScratch { x, qkv, wide, up, context, inputs, .. } = scratch;
        let block = BLOCK_ROWS * self.hidden;
        for (x, context) in x.chunks_mut(block).zip(context.chunks(block)) {
            let product = Product { lhs: context, post_op: PostOp::Sum, out: x };
            layer.attention_out.run(product, threads, inputs);
            if let Some(norm) = &layer.after_attention {
                self.norm(norm, x);
            }
            // the queries, keys and values were used up
            let input = self.normed(layer.before_up.as_ref(), x, qkv);
            let rows = x.len() / self.hidden;
            up.resize(rows * self.intermediate, 0.0);
            if self.is_gated {
                wide.resize(rows * 2 * self.intermediate, 0.0);
                let product = Product { lhs: input, post_op: PostOp::None, out: wide };
                layer.up.run(product, threads, inputs);
                let (width, by) = (self.intermediate, self.activation);
                self.level.run(Glu { wide, out: up, width, by });
            } else {
                let post_op = PostOp::Activation(self.activation);
                layer.up.run(Product { lhs: input, post_op, out: up }, threads, inputs);
            }
            let product = Product { lhs: up, post_op: PostOp::Sum, out: x };
            layer.down.run(product, threads, inputs);
            if let Some(norm) = &layer.after_down {
                self.norm(norm, x);
            }
        }
    }
}

/// One vector from the states of one sequence, as the folder's pooling says (Reimers and Gurevych
/// 2019, section 3).
pub(super) fn pool(pooling: Pooling, states: &[f32], out: &mut [f32]) {
    let dim = out.len();
    let rows = states.chunks_exact(dim);
    let count = rows.len().max(1) as f32;
    match pooling {
        Pooling::Cls => out.copy_from_slice(&states[..dim]),
        Pooling::Last => out.copy_from_slice(&states[states.len() - dim..]),
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
        Pooling::WeightedMean => {
            out.fill(0.0);
            for (row, weight) in rows.zip((1u16..).map(f32::from)) {
                out.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
            }
            let total = count * (count + 1.0) / 2.0;
            out.iter_mut().for_each(|sum| *sum /= total);
        }
        Pooling::Mean | Pooling::MeanSqrtLen => {
            out.fill(0.0);
            rows.for_each(|row| out.iter_mut().zip(row).for_each(|(sum, value)| *sum += value));
            let divisor = if pooling == Pooling::Mean { count } else { count.sqrt() };
            out.iter_mut().for_each(|sum| *sum /= divisor);
        }
    }
}
