//! The Llama block (Touvron et al. 2023) with the variations of its relatives, from tokens to
//! logits.
//!
//! Every step works on each token's row by itself: products, attention and norms give a row the
//! same bits whatever stands beside it. So a token's result does not depend on how a prompt was
//! cut, on what was in the cache before, or on the number of threads.

mod layer;

use std::ops::Range;

use self::layer::{DecoderLayer, Rows, Step};
use super::engine::GeneratorEngine;
use super::kv::KvCache;
use super::weights::{Loader, QuantizedLinear};
use crate::error::{Error, Result};
use crate::kernels::attention::kv_page::{CacheShape, KeyBias, KvPrecision};
use crate::kernels::elementwise::Cap;
use crate::kernels::elementwise::norm::RmsNorm;
use crate::kernels::elementwise::rope::{self, RotaryPairs, RotaryTable};
use crate::kernels::quantized::{Input, QuantizedRows, multiply};
use crate::model::formats::tensors::TensorSource;
use crate::model::generator::config::{DecoderConfig, Rotation};
use crate::progress::CancelToken;

/// Tokens that go through a layer together, so that each weight is unpacked once for all of them.
pub(super) const SPAN: usize = 512;

/// A decoder-only transformer.
pub(super) struct Decoder {
    config: DecoderConfig,
    engine: GeneratorEngine,
    embedding: QuantizedLinear,
    /// `None` if the embedding scores tokens too.
    head: Option<QuantizedLinear>,
    layers: Vec<DecoderLayer>,
    norm: Vec<f32>,
    /// For each rotation, radians per position, one per pair of components.
    frequencies: Vec<Vec<f64>>,
    fingerprint: String,
}

impl Decoder {
    /// Reads the weights; `vocabulary_len` is the tokenizer's.
    ///
    /// # Errors
    /// Model if a tensor is missing or has another shape.
    pub(super) fn load(
        config: DecoderConfig,
        source: &dyn TensorSource,
        vocabulary_len: usize,
        engine: GeneratorEngine,
    ) -> Result<Self> {
        let mut loader = Loader::new(source, &engine.pool, config.norm_offset);
        let embedding = loader.linear("token_embd", vocabulary_len, config.dim)?;
        let head = loader
            .has("output.weight")
            .then(|| loader.linear("output", vocabulary_len, config.dim))
            .transpose()?;
        let norm = loader.vector("output_norm.weight", config.dim)?;
        let layers = (0..config.layers.len())
            .map(|index| DecoderLayer::load(&mut loader, &config, index))
            .collect::<Result<_>>()?;
        let frequencies = frequencies(&mut loader, &config)?;
        let fingerprint = loader.fingerprint();
        Ok(Self { config, engine, embedding, head, layers, norm, frequencies, fingerprint })
    }

    pub(super) fn config(&self) -> &DecoderConfig {
        &self.config
    }

    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// What it runs on.
    pub(super) fn engine(&self) -> &GeneratorEngine {
        &self.engine
    }

    /// An empty cache for this decoder.
    pub(super) fn new_cache(&self) -> KvCache {
        KvCache::new(self.cache_shape())
    }

    /// What its caches hold.
    pub(super) fn cache_shape(&self) -> CacheShape {
        CacheShape {
            layers: self.config.layers.len(),
            heads: self.config.kv_head_count,
            dim: self.config.head_dim,
            precision: self.engine.kv,
            bias: self.key_bias(),
        }
    }

    /// QuantizedRows keys are kept without a bias if all of it is turned by position alone.
    fn key_bias(&self) -> KeyBias {
        let config = &self.config;
        let is_turned = config.pairs == RotaryPairs::Halves
            && config.rotations.len() == 1
            && config.rotated_dim == config.head_dim
            && config.layers.iter().all(|layer| layer.rotation.is_some());
        let is_apart = self.engine.kv == KvPrecision::Q8
            && is_turned
            && self.layers.iter().all(DecoderLayer::has_plain_key_bias);
        if is_apart { KeyBias::Apart } else { KeyBias::Within }
    }

    /// Takes in `ids` after what `cache` holds and returns the logits that follow each of the last
    /// `last` of them, `[last, vocabulary]`. When it fails the cache may be truncated to what it
    /// held before and used again.
    ///
    /// # Errors
    /// Cancelled within a layer of [`SPAN`] tokens; Internal if there are fewer than `last` ids, or
    /// none.
    pub(super) fn forward(
        &self,
        ids: &[u32],
        cache: &mut KvCache,
        last: usize,
        cancel: &CancelToken,
    ) -> Result<Vec<f32>> {
        if ids.is_empty() || last > ids.len() {
            return Err(Error::internal("fewer tokens to take in than logits asked for"));
        }
        let from = ids.len() - last;
        let mut wanted = Vec::with_capacity(last * self.config.dim);
        for (index, span) in ids.chunks(SPAN).enumerate() {
            let states = self.span(span, cache, cancel)?;
            let skipped = from.saturating_sub(index * SPAN).min(span.len());
            wanted.extend_from_slice(&states[skipped * self.config.dim..]);
        }
        Ok(self.logits(wanted))
    }

    /// Runs tokens through all layers; returns their states.
    fn span(&self, ids: &[u32], cache: &mut KvCache, cancel: &CancelToken) -> Result<Vec<f32>> {
        let GeneratorEngine { pool, isa, .. } = &self.engine;
        let start = cache.len();
        cache.reserve(start + ids.len());
        let tables = self.rotary_tables(start..start + ids.len());
        let mut rows = Rows::new(&self.config, ids.len());
        self.embedding.look_up(pool, *isa, ids, &mut rows.states);
        if self.config.embedding_scale != 1.0 {
            rows.states.iter_mut().for_each(|value| *value *= self.config.embedding_scale);
        }
        for (index, layer) in self.layers.iter().enumerate() {
            // Checked here, on the caller's thread: some hosts see interrupts on that one alone.
            cancel.check()?;
            let rotary = self.config.layers[index].rotation.map(|rotation| &tables[rotation]);
            let (engine, config) = (&self.engine, &self.config);
            layer.forward(Step { layer: index, engine, config, rotary }, &mut rows, cache);
        }
        cache.advance(ids.len());
        Ok(rows.states)
    }

    /// The logits after each of some states.
    fn logits(&self, mut states: Vec<f32>) -> Vec<f32> {
        let GeneratorEngine { pool, isa, .. } = &self.engine;
        let dim = self.config.dim;
        let count = states.len() / dim;
        let mut rounded = QuantizedRows::new(count, dim);
        let groups = rounded.groups(1);
        pool.pieces(&mut states, dim, |index, row| {
            isa.run(RmsNorm { row, weight: &self.norm, epsilon: self.config.norm_epsilon });
            groups.take(index).for_each(|rounded| rounded.round(*isa, row));
        });
        drop(groups);
        let head = self.head.as_ref().unwrap_or(&self.embedding);
        let mut logits = vec![0.0; count * head.rows()];
        let input = Input { rows: count, values: &states, rounded: &rounded };
        multiply(pool, *isa, input, &mut [head.to(&mut logits)]);
        if self.config.logit_cap > 0.0 {
            pool.pieces(&mut logits, 4096, |_, values| {
                isa.run(Cap { values, cap: self.config.logit_cap });
            });
        }
        logits
    }

    /// Cosines and sines of some positions, for each rotation.
    fn rotary_tables(&self, positions: Range<usize>) -> Vec<RotaryTable> {
        let table = |(rotation, frequencies): (&Rotation, &Vec<f64>)| {
            let scale = self.config.rotation_scale;
            RotaryTable::new(frequencies.len(), positions.clone(), scale, |position, pair| {
                position as f64 / rotation.divisor * frequencies[pair]
            })
        };
        self.config.rotations.iter().zip(&self.frequencies).map(table).collect()
    }
}

/// Rotation speeds; Llama 3.1 and later (`rope_freqs`) and Phi-3 divide each by a factor of its
/// own.
fn frequencies(loader: &mut Loader<'_>, config: &DecoderConfig) -> Result<Vec<Vec<f64>>> {
    let pairs = config.rotated_dim / 2;
    let mut stored = None;
    for name in ["rope_freqs.weight", "rope_factors_short.weight"] {
        stored = loader.optional_vector(name, pairs)?.or(stored);
    }
    let speeds = |rotation: &Rotation| {
        let factors = stored.as_ref().or(rotation.factors.as_ref());
        let speeds = rope::frequencies(config.rotated_dim, rotation.base).enumerate();
        let speed = |(pair, speed): (usize, f64)| {
            factors.map_or(speed, |factors| speed / f64::from(factors[pair]))
        };
        speeds.map(speed).collect()
    };
    Ok(config.rotations.iter().map(speeds).collect())
}

#[cfg(test)]
mod families;
#[cfg(test)]
mod tests;
