//! One block: attention, then the feed-forward part, each added to the states.

use std::sync::Arc;

use crate::error::Result;
use crate::generate::engine::GeneratorEngine;
use crate::generate::kv::KvCache;
use crate::generate::weights::{Loader, QuantizedLinear};
use crate::kernels::attention::PAGE;
use crate::kernels::attention::causal::{KvView, attend};
use crate::kernels::attention::kv_page::{KeyBias, KvRow};
use crate::kernels::elementwise::norm::RmsNorm;
use crate::kernels::elementwise::rope::{RotaryTable, RotateHead};
use crate::kernels::elementwise::{Add, Gated};
use crate::kernels::pool::Pieces;
use crate::kernels::quantized::{
    GatedPair, GatedTarget, Input, QuantizedRows, multiply, multiply_gated,
};
use crate::model::generator::config::DecoderConfig;

/// Rows a task takes through a norm or a gate.
const ROWS: usize = 8;

/// The weights of a block.
pub(super) struct DecoderLayer {
    attention_norm: Vec<f32>,
    query: QuantizedLinear,
    key: QuantizedLinear,
    value: QuantizedLinear,
    query_norm: Option<Vec<f32>>,
    key_norm: Option<Vec<f32>>,
    output: QuantizedLinear,
    after_attention: Option<Vec<f32>>,
    feed_forward_norm: Vec<f32>,
    gate: QuantizedLinear,
    up: QuantizedLinear,
    down: QuantizedLinear,
    after_feed_forward: Option<Vec<f32>>,
}

/// One layer's turn: which it is, and what it runs with.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) layer: usize,
    pub(super) engine: &'a GeneratorEngine,
    pub(super) config: &'a DecoderConfig,
    /// `None` for a layer without positions.
    pub(super) rotary: Option<&'a RotaryTable>,
}

/// The rows of a span and what is worked out for them.
pub(super) struct Rows {
    /// `[rows, dim]`.
    pub(super) states: Vec<f32>,
    normed: Vec<f32>,
    rounded: QuantizedRows,
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    attended: QuantizedRows,
    gates: Vec<f32>,
    ups: Vec<f32>,
    gated: QuantizedRows,
    count: usize,
}

impl Rows {
    pub(super) fn new(config: &DecoderConfig, count: usize) -> Self {
        let zeros = |width: usize| vec![0.0; count * width];
        Self {
            states: zeros(config.dim),
            normed: zeros(config.dim),
            rounded: QuantizedRows::new(count, config.dim),
            queries: zeros(config.query_dim()),
            keys: zeros(config.key_dim()),
            values: zeros(config.key_dim()),
            attended: QuantizedRows::new(count, config.query_dim()),
            gates: zeros(config.feed_forward_dim),
            ups: zeros(config.feed_forward_dim),
            gated: QuantizedRows::new(count, config.feed_forward_dim),
            count,
        }
    }
}

impl DecoderLayer {
    pub(super) fn load(
        loader: &mut Loader<'_>,
        config: &DecoderConfig,
        index: usize,
    ) -> Result<Self> {
        let name = |part: &str| format!("blk.{index}.{part}");
        let (dim, hidden) = (config.dim, config.feed_forward_dim);
        let (query_dim, key_dim) = (config.query_dim(), config.key_dim());
        let mut part = |part: &str, own: (&str, usize), fused: (usize, usize)| {
            if config.is_fused {
                loader.linear_part(&name(part), [fused.1, dim], fused.0..fused.0 + own.1)
            } else {
                loader.linear(&name(own.0), own.1, dim)
            }
        };
        let all = query_dim + 2 * key_dim;
        let query = part("attn_qkv", ("attn_q", query_dim), (0, all))?;
        let key = part("attn_qkv", ("attn_k", key_dim), (query_dim, all))?;
        let value = part("attn_qkv", ("attn_v", key_dim), (query_dim + key_dim, all))?;
        let gate = part("ffn_up", ("ffn_gate", hidden), (0, 2 * hidden))?;
        let up = part("ffn_up", ("ffn_up", hidden), (hidden, 2 * hidden))?;
        let head = config.head_dim;
        Ok(Self {
            attention_norm: loader.vector(&name("attn_norm.weight"), dim)?,
            query,
            key,
            value,
            query_norm: loader.optional_vector(&name("attn_q_norm.weight"), head)?,
            key_norm: loader.optional_vector(&name("attn_k_norm.weight"), head)?,
            output: loader.linear(&name("attn_output"), dim, query_dim)?,
            after_attention: loader.optional_vector(&name("post_attention_norm.weight"), dim)?,
            feed_forward_norm: loader.vector(&name("ffn_norm.weight"), dim)?,
            gate,
            up,
            down: loader.linear(&name("ffn_down"), dim, hidden)?,
            after_feed_forward: loader.optional_vector(&name("post_ffw_norm.weight"), dim)?,
        })
    }

    /// Whether its keys have a bias and no norm after it.
    pub(super) fn has_plain_key_bias(&self) -> bool {
        !self.key.bias().is_empty() && self.key_norm.is_none()
    }

    pub(super) fn forward(&self, step: Step<'_>, rows: &mut Rows, cache: &mut KvCache) {
        let Step { layer, engine, config, .. } = step;
        let GeneratorEngine { pool, isa, .. } = engine;
        let count = rows.count;
        norm(engine, config, rows, &self.attention_norm);
        let input = Input { rows: count, values: &rows.normed, rounded: &rows.rounded };
        let mut targets = [
            self.query.to(&mut rows.queries),
            self.key.to(&mut rows.keys),
            self.value.to(&mut rows.values),
        ];
        multiply(pool, *isa, input, &mut targets);
        self.write_keys_and_values(step, rows, cache);
        let view = KvView {
            pages: cache.pages(),
            layer,
            first: cache.len(),
            group: config.group(),
            window: config.layers[layer].window,
            bias: if cache.shape().bias == KeyBias::Apart { self.key.bias() } else { &[] },
            cap: config.score_cap,
        };
        attend(pool, *isa, view, &mut rows.queries);
        round(engine, &rows.queries, config.query_dim(), &mut rows.attended);
        let input = Input { rows: count, values: &rows.queries, rounded: &rows.attended };
        let output = Residual { linear: &self.output, norm: self.after_attention.as_deref() };
        output.add(step, input, &mut rows.states, &mut rows.normed);
        norm(engine, config, rows, &self.feed_forward_norm);
        let input = Input { rows: count, values: &rows.normed, rounded: &rows.rounded };
        if let Some(pair) = self.gated_pair(config) {
            let target = GatedTarget { pair, out: &mut rows.gated };
            multiply_gated(pool, *isa, input, target);
        } else {
            let mut targets = [self.gate.to(&mut rows.gates), self.up.to(&mut rows.ups)];
            multiply(pool, *isa, input, &mut targets);
            gate(engine, config, rows);
        }
        let input = Input { rows: count, values: &rows.gates, rounded: &rows.gated };
        let down = Residual { linear: &self.down, norm: self.after_feed_forward.as_deref() };
        down.add(step, input, &mut rows.states, &mut rows.normed);
    }

    /// Gate and up, if their products can go straight into that of `down`.
    fn gated_pair(&self, config: &DecoderConfig) -> Option<GatedPair<'_>> {
        let pair = GatedPair { gate: self.gate.plain()?, up: self.up.plain()?, by: config.gate };
        (pair.is_fit() && self.down.is_quantised()).then_some(pair)
    }

    /// Norms and rotates queries and keys, and writes keys and values to the cache.
    fn write_keys_and_values(&self, step: Step<'_>, rows: &mut Rows, cache: &mut KvCache) {
        let Step { layer, engine, config, rotary } = step;
        let GeneratorEngine { pool, isa, .. } = engine;
        let (start, count, dim) = (cache.len(), rows.count, config.head_dim);
        let turn = |row: usize, heads: &mut [f32], weight: Option<&[f32]>, scale: f32| {
            let (cos, sin) = rotary.map_or((&[][..], &[][..]), |table| table.at(row));
            for head in heads.chunks_exact_mut(dim) {
                if let Some(weight) = weight {
                    isa.run(RmsNorm { row: head, weight, epsilon: config.norm_epsilon });
                }
                isa.run(RotateHead { head, cos, sin, pairs: config.pairs, scale });
            }
        };
        let is_apart = cache.shape().bias == KeyBias::Apart;
        let pages = cache.next_pages();
        let base = start / PAGE * PAGE;
        let key_rows = Pieces::new(&mut rows.keys, config.key_dim());
        let query_rows = Pieces::new(&mut rows.queries, config.query_dim());
        let page_count = pages.len();
        let pages = Pieces::new(pages, 1);
        let values = &rows.values;
        let task = |task: usize| {
            if task >= page_count {
                let row = task - page_count;
                let weight = self.query_norm.as_deref();
                return turn(row, query_rows.take(row), weight, config.query_scale);
            }
            let page = Arc::make_mut(&mut pages.take(task)[0]);
            let from = base + task * PAGE;
            for position in from.max(start)..(from + PAGE).min(start + count) {
                let row = position - start;
                let keys = key_rows.take(row);
                turn(row, keys, self.key_norm.as_deref(), 1.0);
                if is_apart && let Some(table) = rotary {
                    let (cos, sin) = table.at(row);
                    subtract_rotated(keys, self.key.bias(), cos, sin);
                    if layer == 0 {
                        page.write_angles(position - from, cos, sin);
                    }
                }
                let values = &values[row * config.key_dim()..][..config.key_dim()];
                page.write(*isa, layer, position - from, KvRow { keys, values });
            }
        };
        if count < ROWS {
            // too little to share
            (0..page_count + count).for_each(task);
        } else {
            pool.run(page_count + count, task);
        }
    }
}

/// Subtracts the bias, rotated as the keys are, from each head.
fn subtract_rotated(keys: &mut [f32], bias: &[f32], cos: &[f32], sin: &[f32]) {
    let pairs = cos.len();
    for (keys, bias) in keys.chunks_exact_mut(2 * pairs).zip(bias.chunks_exact(2 * pairs)) {
        for at in 0..pairs {
            let (a, b) = (bias[at], bias[at + pairs]);
            keys[at] -= a * cos[at] - b * sin[at];
            keys[at + pairs] -= a * sin[at] + b * cos[at];
        }
    }
}

/// `normed = norm(states)`, and rounded.
fn norm(engine: &GeneratorEngine, config: &DecoderConfig, rows: &mut Rows, weight: &[f32]) {
    let GeneratorEngine { pool, isa, .. } = engine;
    let (dim, epsilon, states) = (config.dim, config.norm_epsilon, &rows.states);
    let groups = rows.rounded.groups(ROWS);
    pool.pieces(&mut rows.normed, ROWS * dim, |index, normed| {
        normed.copy_from_slice(&states[index * ROWS * dim..][..normed.len()]);
        let mut rounded = groups.take(index);
        for row in normed.chunks_exact_mut(dim) {
            isa.run(RmsNorm { row, weight, epsilon });
            if let Some(rounded) = rounded.next() {
                rounded.round(*isa, row);
            }
        }
    });
}

fn round(engine: &GeneratorEngine, values: &[f32], width: usize, to: &mut QuantizedRows) {
    let GeneratorEngine { pool, isa, .. } = engine;
    let groups = to.groups(ROWS);
    pool.run(values.len().div_ceil(ROWS * width), |index| {
        let values = values[index * ROWS * width..].chunks_exact(width);
        for (rounded, values) in groups.take(index).zip(values) {
            rounded.round(*isa, values);
        }
    });
}

/// `gates = f(gates) * ups`, and rounded.
fn gate(engine: &GeneratorEngine, config: &DecoderConfig, rows: &mut Rows) {
    let GeneratorEngine { pool, isa, .. } = engine;
    let (width, ups) = (config.feed_forward_dim, &rows.ups);
    let groups = rows.gated.groups(ROWS);
    pool.pieces(&mut rows.gates, ROWS * width, |index, gates| {
        let ups = &ups[index * ROWS * width..][..gates.len()];
        isa.run(Gated { gates, ups, by: config.gate });
        for (rounded, values) in groups.take(index).zip(gates.chunks_exact(width)) {
            rounded.round(*isa, values);
        }
    });
}

/// A product that is added to the states, normed before if the family does that.
struct Residual<'a> {
    linear: &'a QuantizedLinear,
    norm: Option<&'a [f32]>,
}

impl Residual<'_> {
    fn add(&self, step: Step<'_>, input: Input<'_>, states: &mut [f32], spare: &mut [f32]) {
        let Step { engine: GeneratorEngine { pool, isa, .. }, config, .. } = step;
        let Some(weight) = self.norm else {
            return multiply(pool, *isa, input, &mut [self.linear.add_to(states)]);
        };
        multiply(pool, *isa, input, &mut [self.linear.to(spare)]);
        let (dim, epsilon) = (config.dim, config.norm_epsilon);
        let spare = Pieces::new(spare, dim);
        pool.pieces(states, dim, |index, row| {
            let values = spare.take(index);
            isa.run(RmsNorm { row: values, weight, epsilon });
            isa.run(Add { row, values });
        });
    }
}
