//! The Llama block (Touvron et al. 2023) with the variations of its family, from tokens to logits.
//!
//! The attention of a prompt is worked out in chunks of [`CHUNK`] positions counted from its start, all else row
//! by row. So nothing depends on more than the tokens up to a chunk's end, and a cached prefix of whole chunks
//! gives the same bits as a fresh one.

use candle_core::{CpuStorage, Device, InplaceOp1, InplaceOp2, Layout, Tensor};
use candle_nn::ops::rms_norm;
use candle_nn::rotary_emb::{rope, rope_i};
use rayon::prelude::*;

use super::config::{Config, RopeKind};
use super::kv::KvCache;
use super::weights::{Linear, Loader, Path, Table};
use crate::error::{Error, Result};
use crate::model::gguf::Gguf;
use crate::progress::CancelToken;

type CandleResult<T> = candle_core::Result<T>;

/// Positions per chunk of a prompt.
pub(super) const CHUNK: usize = 128;
/// Positions that go through a layer together, so that each weight is widened once for all of them.
const SPAN: usize = 4 * CHUNK;

/// A decoder-only transformer.
pub(super) struct Decoder {
    config: Config,
    embedding: Table,
    layers: Vec<Layer>,
    norm: Tensor,
    head: Linear,
    /// Radians per position, one per pair of components.
    frequencies: Vec<f64>,
    fingerprint: String,
}

struct Layer {
    attention_norm: Tensor,
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    feed_forward_norm: Tensor,
    gate: Linear,
    up: Linear,
    down: Linear,
}

/// Where the rows of a span stand, how they rotate, and how weights are applied to them.
struct Place {
    path: Path,
    start: usize,
    cos: Tensor,
    sin: Tensor,
}

impl Decoder {
    /// Reads the weights; `vocabulary_len` is the tokenizer's.
    ///
    /// # Errors
    /// Model if a tensor is missing, has another shape, or the architecture is not supported.
    pub(super) fn from_gguf(gguf: &Gguf, vocabulary_len: usize) -> Result<Self> {
        let config = Config::from_gguf(gguf)?;
        let mut loader = Loader::new(gguf);
        let embedding = loader.table("token_embd.weight", vocabulary_len, config.dim)?;
        let head = if loader.has("output.weight") {
            loader.linear("output", vocabulary_len, config.dim)?
        } else {
            embedding.to_linear(vocabulary_len)
        };
        let norm = vector(&mut loader, "output_norm.weight", config.dim)?;
        let layers = (0..config.layer_count)
            .map(|index| Layer::load(&mut loader, &config, index))
            .collect::<Result<_>>()?;
        let frequencies = frequencies(&mut loader, &config)?;
        let fingerprint = loader.fingerprint();
        Ok(Self { config, embedding, layers, norm, head, frequencies, fingerprint })
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// An empty cache for this decoder.
    ///
    /// # Errors
    /// Internal if candle fails.
    pub(super) fn new_cache(&self) -> Result<KvCache> {
        let config = &self.config;
        KvCache::new(config.layer_count, config.kv_head_count, config.head_dim).map_err(internal)
    }

    /// Takes in a part of a prompt after what `cache` holds, which must be a whole number of chunks, and returns
    /// the logits that follow its last token. When it fails the cache may be truncated to what it held before
    /// and used again.
    ///
    /// # Errors
    /// Cancelled within a layer of [`SPAN`] tokens; Internal if candle fails.
    pub(super) fn take_in(
        &self,
        ids: &[u32],
        cache: &mut KvCache,
        cancel: &CancelToken,
    ) -> Result<Vec<f32>> {
        let mut last = None;
        for span in ids.chunks(SPAN) {
            last = Some(self.span(span, Path::Prompt, cache, cancel)?);
        }
        let last = last.ok_or_else(|| Error::internal("no tokens to take in"))?;
        self.logits(&last).map_err(internal)
    }

    /// Takes in one token of an answer and returns the logits that follow it.
    ///
    /// # Errors
    /// Cancelled; Internal if candle fails.
    pub(super) fn step(
        &self,
        id: u32,
        cache: &mut KvCache,
        cancel: &CancelToken,
    ) -> Result<Vec<f32>> {
        let states = self.span(&[id], Path::Step, cache, cancel)?;
        self.logits(&states).map_err(internal)
    }

    /// The logits after the last of `states`.
    fn logits(&self, states: &Tensor) -> CandleResult<Vec<f32>> {
        let last = states.narrow(0, states.dim(0)? - 1, 1)?.contiguous()?;
        let last = rms_norm(&last, &self.norm, self.config.norm_epsilon)?;
        in_pool(|| self.head.forward(&last, Path::Step))?.flatten_all()?.to_vec1()
    }

    /// Runs tokens through all layers; returns their states.
    fn span(
        &self,
        ids: &[u32],
        path: Path,
        cache: &mut KvCache,
        cancel: &CancelToken,
    ) -> Result<Tensor> {
        let start = cache.len();
        cache.reserve(start + ids.len()).map_err(internal)?;
        let place = self.place(path, start, ids.len()).map_err(internal)?;
        let shape = (ids.len(), self.config.dim);
        let mut states =
            Tensor::from_vec(self.embedding.rows(ids), shape, &Device::Cpu).map_err(internal)?;
        for (index, layer) in self.layers.iter().enumerate() {
            // Checked here, on the caller's thread: some hosts see interrupts on that one alone.
            cancel.check()?;
            states = in_pool(|| layer.forward(index, &states, &place, &self.config, cache))
                .map_err(internal)?;
        }
        cache.advance(ids.len());
        Ok(states)
    }

    fn place(&self, path: Path, start: usize, rows: usize) -> CandleResult<Place> {
        let angles: Vec<f64> = (start..start + rows)
            .flat_map(|position| {
                let position = position as f64 / self.config.rope_divisor;
                self.frequencies.iter().map(move |frequency| position * frequency)
            })
            .collect();
        let shape = (rows, self.frequencies.len());
        let tensor = |function: fn(f64) -> f64| {
            let values: Vec<f32> = angles.iter().map(|angle| function(*angle) as f32).collect();
            Tensor::from_vec(values, shape, &Device::Cpu)
        };
        Ok(Place { path, start, cos: tensor(f64::cos)?, sin: tensor(f64::sin)? })
    }
}

/// Runs `work` as a task of the rayon pool, so that a busy neighbour delays only what it has taken on.
fn in_pool<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::join(work, || ()).0
}

impl Layer {
    fn load(loader: &mut Loader<'_>, config: &Config, index: usize) -> Result<Self> {
        let name = |part: &str| format!("blk.{index}.{part}");
        let (dim, hidden) = (config.dim, config.feed_forward_dim);
        let query_dim = config.head_count * config.head_dim;
        let key_dim = config.kv_head_count * config.head_dim;
        Ok(Self {
            attention_norm: vector(loader, &name("attn_norm.weight"), dim)?,
            query: loader.linear(&name("attn_q"), query_dim, dim)?,
            key: loader.linear(&name("attn_k"), key_dim, dim)?,
            value: loader.linear(&name("attn_v"), key_dim, dim)?,
            output: loader.linear(&name("attn_output"), dim, query_dim)?,
            feed_forward_norm: vector(loader, &name("ffn_norm.weight"), dim)?,
            gate: loader.linear(&name("ffn_gate"), hidden, dim)?,
            up: loader.linear(&name("ffn_up"), hidden, dim)?,
            down: loader.linear(&name("ffn_down"), dim, hidden)?,
        })
    }

    fn forward(
        &self,
        index: usize,
        states: &Tensor,
        place: &Place,
        config: &Config,
        cache: &mut KvCache,
    ) -> CandleResult<Tensor> {
        let normed = rms_norm(states, &self.attention_norm, config.norm_epsilon)?;
        let query = heads(&self.query.forward(&normed, place.path)?, config)?;
        let key = heads(&self.key.forward(&normed, place.path)?, config)?;
        let value = heads(&self.value.forward(&normed, place.path)?, config)?;
        let query = place.rotate(&query, config.rope)?;
        cache.write(index, place.start, &place.rotate(&key, config.rope)?, &value)?;
        let mixed = place.attend(&query, index, config, cache)?;
        let states = (states + self.output.forward(&mixed, place.path)?)?;
        let normed = rms_norm(&states, &self.feed_forward_norm, config.norm_epsilon)?;
        let gate = self.gate.forward(&normed, place.path)?;
        let up = self.up.forward(&normed, place.path)?;
        gate.inplace_op2(&up, &SiluTimes)?;
        states + self.down.forward(&gate, place.path)?
    }
}

impl Place {
    /// Rotates `[heads, rows, head_dim]` by position.
    fn rotate(&self, heads: &Tensor, kind: RopeKind) -> CandleResult<Tensor> {
        let heads = heads.unsqueeze(0)?;
        let rotated = match kind {
            RopeKind::Interleaved => rope_i(&heads, &self.cos, &self.sin)?,
            RopeKind::Halves => rope(&heads, &self.cos, &self.sin)?,
        };
        rotated.squeeze(0)
    }

    /// Attention of all rows of a span, chunk by chunk: `query` is `[heads, rows, head_dim]`, the result
    /// `[rows, heads * head_dim]`.
    fn attend(
        &self,
        query: &Tensor,
        layer: usize,
        config: &Config,
        cache: &KvCache,
    ) -> CandleResult<Tensor> {
        let rows = query.dim(1)?;
        let mut mixed = Vec::new();
        for from in (0..rows).step_by(CHUNK) {
            let chunk = query.narrow(1, from, CHUNK.min(rows - from))?.contiguous()?;
            mixed.push(attend(&chunk, layer, self.start + from, config, cache)?);
        }
        match mixed.as_slice() {
            [only] => Ok(only.clone()),
            chunks => Tensor::cat(chunks, 0),
        }
    }
}

/// Causal attention of `query` `[heads, rows, head_dim]`, whose first row stands at `start`, over the cache.
/// Query heads that share a key head are stacked as rows, so keys are never repeated (Ainslie et al. 2023).
/// Returns `[rows, heads * head_dim]`.
fn attend(
    query: &Tensor,
    layer: usize,
    start: usize,
    config: &Config,
    cache: &KvCache,
) -> CandleResult<Tensor> {
    let rows = query.dim(1)?;
    let (keys, values) = cache.read(layer, start + rows)?;
    let stacked = (config.kv_head_count, config.group() * rows, config.head_dim);
    let weights = query.reshape(stacked)?.matmul(&keys.t()?)?;
    let scale = 1.0 / (config.head_dim as f32).sqrt();
    weights.inplace_op1(&CausalSoftmax { scale, start, rows })?;
    weights
        .matmul(&values)?
        .reshape((config.head_count, rows, config.head_dim))?
        .transpose(0, 1)?
        .reshape((rows, config.head_count * config.head_dim))
}

/// `[rows, heads * head_dim]` to `[heads, rows, head_dim]`.
fn heads(states: &Tensor, config: &Config) -> CandleResult<Tensor> {
    let (rows, width) = states.dims2()?;
    states.reshape((rows, width / config.head_dim, config.head_dim))?.transpose(0, 1)?.contiguous()
}

fn vector(loader: &mut Loader<'_>, name: &str, len: usize) -> Result<Tensor> {
    Tensor::from_vec(loader.vector(name, len)?, len, &Device::Cpu).map_err(internal)
}

/// Rotation speeds; Llama 3.1 and later divide each by a factor of its own (`rope_freqs`).
fn frequencies(loader: &mut Loader<'_>, config: &Config) -> Result<Vec<f64>> {
    let pairs = config.head_dim / 2;
    let mut frequencies: Vec<f64> = (0..pairs)
        .map(|pair| config.rope_base.powf(-(2.0 * pair as f64) / config.head_dim as f64))
        .collect();
    if loader.has("rope_freqs.weight") {
        let factors = loader.vector("rope_freqs.weight", pairs)?;
        for (frequency, factor) in frequencies.iter_mut().zip(factors) {
            *frequency /= f64::from(factor);
        }
    }
    Ok(frequencies)
}

fn internal(cause: candle_core::Error) -> Error {
    Error::internal_cause("the decoder failed", cause)
}

/// Scales, masks and normalises attention weights in place; row `r` of each head sees `start + r + 1` keys.
struct CausalSoftmax {
    scale: f32,
    start: usize,
    rows: usize,
}

impl InplaceOp1 for CausalSoftmax {
    fn name(&self) -> &'static str {
        "causal-softmax"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> CandleResult<()> {
        let len = self.start + self.rows;
        let weights = contiguous(storage, layout)?;
        weights.par_chunks_mut(len).with_min_len(8).enumerate().for_each(|(index, weights)| {
            let (seen, unseen) = weights.split_at_mut(self.start + index % self.rows + 1);
            let largest = seen.iter().fold(f32::NEG_INFINITY, |largest, value| largest.max(*value));
            let mut sum = 0.0;
            for weight in seen.iter_mut() {
                *weight = ((*weight - largest) * self.scale).exp();
                sum += *weight;
            }
            let share = 1.0 / sum;
            seen.iter_mut().for_each(|weight| *weight *= share);
            unseen.fill(0.0);
        });
        Ok(())
    }
}

/// `gate = gate * sigmoid(gate) * up`, in place (Shazeer 2020, SwiGLU).
struct SiluTimes;

impl InplaceOp2 for SiluTimes {
    fn name(&self) -> &'static str {
        "silu-times"
    }

    fn cpu_fwd(
        &self,
        gates: &mut CpuStorage,
        gates_layout: &Layout,
        ups: &CpuStorage,
        ups_layout: &Layout,
    ) -> CandleResult<()> {
        let gates = contiguous(gates, gates_layout)?;
        let Some((from, to)) = ups_layout.contiguous_offsets() else {
            candle_core::bail!("up projection is not contiguous");
        };
        let ups = &ups.as_slice::<f32>()?[from..to];
        gates.par_chunks_mut(8192).zip(ups.par_chunks(8192)).for_each(|(gates, ups)| {
            for (gate, up) in gates.iter_mut().zip(ups) {
                *gate = *gate / (1.0 + (-*gate).exp()) * up;
            }
        });
        Ok(())
    }
}

fn contiguous<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> CandleResult<&'a mut [f32]> {
    let (CpuStorage::F32(values), Some((from, to))) = (storage, layout.contiguous_offsets()) else {
        candle_core::bail!("expected contiguous f32 values");
    };
    Ok(&mut values[from..to])
}

#[cfg(test)]
mod tests;
