//! The Llama block (Touvron et al. 2023) with the variations of its family, from tokens to logits.
//!
//! A prompt is taken in chunks of [`CHUNK`] positions counted from its start. A chunk's arithmetic depends on
//! nothing but the tokens up to its end, so a cached prefix of whole chunks gives the same bits as a fresh one.

use std::sync::Arc;

use candle_core::quantized::QTensor;
use candle_core::{CpuStorage, Device, InplaceOp1, InplaceOp2, Layout, Tensor};
use candle_nn::ops::rms_norm;
use candle_nn::rotary_emb::{rope, rope_i};
use rayon::prelude::*;

use super::config::{Config, RopeKind};
use super::kv::KvCache;
use super::weights::{Linear, Loader};
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
    embedding: Arc<QTensor>,
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

/// Where a chunk stands and how its positions rotate.
struct Place {
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
        let embedding = loader.matrix("token_embd.weight", vocabulary_len, config.dim)?;
        let head = if loader.has("output.weight") {
            Linear::new(loader.matrix("output.weight", vocabulary_len, config.dim)?)
        } else {
            Linear::new(embedding.clone())
        };
        let norm = loader.vector("output_norm.weight", config.dim)?;
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

    /// Takes `ids` in after what `cache` holds and returns the logits that follow the last of them. When it
    /// fails the cache may be truncated to what it held before and used again.
    ///
    /// # Errors
    /// Cancelled; Internal if candle fails.
    pub(super) fn forward(
        &self,
        ids: &[u32],
        cache: &mut KvCache,
        cancel: &CancelToken,
    ) -> Result<Vec<f32>> {
        cancel.check()?;
        self.logits(ids, cache, cancel)
            .map_err(|cause| if cancel.is_cancelled() { Error::Cancelled } else { internal(cause) })
    }

    fn logits(
        &self,
        ids: &[u32],
        cache: &mut KvCache,
        cancel: &CancelToken,
    ) -> CandleResult<Vec<f32>> {
        let mut last = None;
        for span in ids.chunks(SPAN) {
            last = self.span(span, cache, cancel)?.pop();
        }
        let Some(last) = last else { candle_core::bail!("no tokens") };
        let last = last.narrow(0, last.dim(0)? - 1, 1)?.contiguous()?;
        let last = rms_norm(&last, &self.norm, self.config.norm_epsilon)?;
        let mut logits = self.head.forward(&[last], cancel)?;
        match logits.pop() {
            Some(logits) => logits.flatten_all()?.to_vec1(),
            None => candle_core::bail!("no logits"),
        }
    }

    /// Runs up to [`SPAN`] tokens through all layers; returns their states, one tensor per chunk.
    fn span(
        &self,
        ids: &[u32],
        cache: &mut KvCache,
        cancel: &CancelToken,
    ) -> CandleResult<Vec<Tensor>> {
        let start = cache.len();
        cache.reserve(start + ids.len())?;
        let mut places = Vec::new();
        let mut states = Vec::new();
        for chunk in ids.chunks(CHUNK) {
            let place = self.place(start + places.len() * CHUNK, chunk.len())?;
            places.push(place);
            states.push(self.embedding.embedding(&Tensor::new(chunk, &Device::Cpu)?)?);
        }
        for (index, layer) in self.layers.iter().enumerate() {
            states = layer.forward(index, states, &places, &self.config, cache, cancel)?;
        }
        cache.advance(ids.len());
        Ok(states)
    }

    fn place(&self, start: usize, rows: usize) -> CandleResult<Place> {
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
        Ok(Place { start, cos: tensor(f64::cos)?, sin: tensor(f64::sin)? })
    }
}

impl Layer {
    fn load(loader: &mut Loader<'_>, config: &Config, index: usize) -> Result<Self> {
        let name = |part: &str| format!("blk.{index}.{part}");
        let (dim, hidden) = (config.dim, config.feed_forward_dim);
        let query_dim = config.head_count * config.head_dim;
        let key_dim = config.kv_head_count * config.head_dim;
        Ok(Self {
            attention_norm: loader.vector(&name("attn_norm.weight"), dim)?,
            query: loader.linear(&name("attn_q"), query_dim, dim)?,
            key: loader.linear(&name("attn_k"), key_dim, dim)?,
            value: loader.linear(&name("attn_v"), key_dim, dim)?,
            output: loader.linear(&name("attn_output"), dim, query_dim)?,
            feed_forward_norm: loader.vector(&name("ffn_norm.weight"), dim)?,
            gate: loader.linear(&name("ffn_gate"), hidden, dim)?,
            up: loader.linear(&name("ffn_up"), hidden, dim)?,
            down: loader.linear(&name("ffn_down"), dim, hidden)?,
        })
    }

    fn forward(
        &self,
        index: usize,
        states: Vec<Tensor>,
        places: &[Place],
        config: &Config,
        cache: &mut KvCache,
        cancel: &CancelToken,
    ) -> CandleResult<Vec<Tensor>> {
        let normed = norms(&states, &self.attention_norm, config)?;
        let queries = self.query.forward(&normed, cancel)?;
        let keys = self.key.forward(&normed, cancel)?;
        let values = self.value.forward(&normed, cancel)?;
        let mut mixed = Vec::with_capacity(states.len());
        for (place, ((query, key), value)) in
            places.iter().zip(queries.iter().zip(&keys).zip(&values))
        {
            let key = place.rotate(&heads(key, config)?, config.rope)?;
            cache.write(index, place.start, &key, &heads(value, config)?)?;
            let query = place.rotate(&heads(query, config)?, config.rope)?;
            mixed.push(attend(&query, index, place.start, config, cache)?);
        }
        let states = add(&states, &self.output.forward(&mixed, cancel)?)?;
        let normed = norms(&states, &self.feed_forward_norm, config)?;
        let gates = self.gate.forward(&normed, cancel)?;
        let ups = self.up.forward(&normed, cancel)?;
        for (gate, up) in gates.iter().zip(&ups) {
            gate.inplace_op2(up, &SiluTimes)?;
        }
        add(&states, &self.down.forward(&gates, cancel)?)
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

fn norms(states: &[Tensor], weight: &Tensor, config: &Config) -> CandleResult<Vec<Tensor>> {
    states.iter().map(|state| rms_norm(state, weight, config.norm_epsilon)).collect()
}

fn add(left: &[Tensor], right: &[Tensor]) -> CandleResult<Vec<Tensor>> {
    left.iter().zip(right).map(|(left, right)| left + right).collect()
}

/// Rotation speeds; Llama 3.1 and later divide each by a factor of its own (`rope_freqs`).
fn frequencies(loader: &mut Loader<'_>, config: &Config) -> Result<Vec<f64>> {
    let pairs = config.head_dim / 2;
    let mut frequencies: Vec<f64> = (0..pairs)
        .map(|pair| config.rope_base.powf(-(2.0 * pair as f64) / config.head_dim as f64))
        .collect();
    if loader.has("rope_freqs.weight") {
        let factors = loader.vector("rope_freqs.weight", pairs)?;
        let factors: Vec<f32> = factors.to_vec1().map_err(internal)?;
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
