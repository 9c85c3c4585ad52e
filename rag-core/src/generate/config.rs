//! What a GGUF file says about its network, checked before any weight is read.

use crate::error::Result;
use crate::model::gguf::Gguf;

const MAX_LAYERS: usize = 512;
const MAX_WIDTH: usize = 1 << 17;
const MAX_CONTEXT_LEN: usize = 1 << 20;

/// How queries and keys are rotated by position (Su et al. 2021, RoFormer).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RopeKind {
    /// Neighbouring components form a pair; llama.cpp stores Llama weights permuted for this.
    Interleaved,
    /// Component `i` pairs with `i + head_dim / 2`.
    Halves,
}

/// Shape and constants of a decoder.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Config {
    pub(super) architecture: &'static str,
    pub(super) layer_count: usize,
    pub(super) dim: usize,
    pub(super) feed_forward_dim: usize,
    pub(super) head_count: usize,
    pub(super) kv_head_count: usize,
    pub(super) head_dim: usize,
    pub(super) context_len: usize,
    pub(super) norm_epsilon: f32,
    pub(super) rope: RopeKind,
    pub(super) rope_base: f64,
    /// Positions are divided by this (linear scaling); 1 is none.
    pub(super) rope_divisor: f64,
}

/// The architectures we run and how each rotates.
const ARCHITECTURES: &[(&str, RopeKind)] =
    &[("llama", RopeKind::Interleaved), ("qwen2", RopeKind::Halves)];

impl Config {
    /// Reads and checks the metadata.
    ///
    /// # Errors
    /// Model, naming what is missing, contradictory or not supported.
    pub(super) fn from_gguf(gguf: &Gguf) -> Result<Self> {
        let (architecture, rope) = architecture(gguf)?;
        let keys = Keys { gguf, architecture };
        let head_count = keys.required("attention.head_count", MAX_WIDTH)?;
        let dim = keys.required("embedding_length", MAX_WIDTH)?;
        let config = Self {
            architecture,
            layer_count: keys.required("block_count", MAX_LAYERS)?,
            dim,
            feed_forward_dim: keys.required("feed_forward_length", 8 * MAX_WIDTH)?,
            head_count,
            kv_head_count: keys.optional("attention.head_count_kv")?.unwrap_or(head_count),
            head_dim: keys.optional("attention.key_length")?.unwrap_or(dim / head_count),
            context_len: keys.context_len()?,
            norm_epsilon: keys.number("attention.layer_norm_rms_epsilon")?.unwrap_or(1e-5) as f32,
            rope,
            rope_base: keys.number("rope.freq_base")?.unwrap_or(10_000.0),
            rope_divisor: keys.rope_divisor()?,
        };
        config.check(&keys)?;
        Ok(config)
    }

    /// Query heads that share one key head.
    pub(super) fn group(&self) -> usize {
        self.head_count / self.kv_head_count
    }

    fn check(&self, keys: &Keys<'_>) -> Result<()> {
        let heads_fit = self.kv_head_count > 0
            && self.kv_head_count <= self.head_count
            && self.head_count.is_multiple_of(self.kv_head_count);
        if !heads_fit {
            return Err(keys.gguf.bad(format!(
                "{} heads cannot share {} key heads",
                self.head_count, self.kv_head_count
            )));
        }
        if self.head_dim == 0 || self.head_dim > 4096 || !self.head_dim.is_multiple_of(2) {
            return Err(keys.gguf.bad(format!("head width {} is not supported", self.head_dim)));
        }
        let constants = [f64::from(self.norm_epsilon), self.rope_base, self.rope_divisor];
        if constants.iter().any(|number| !number.is_finite() || *number <= 0.0) {
            return Err(keys.gguf.bad("norm epsilon, rope base and scale must be positive"));
        }
        for (key, expected) in
            [("attention.value_length", self.head_dim), ("rope.dimension_count", self.head_dim)]
        {
            if let Some(found) = keys.optional(key)?
                && found != expected
            {
                let reason =
                    format!("{key} {found} differs from head width {expected}: not supported");
                return Err(keys.gguf.bad(reason));
            }
        }
        if keys.optional("expert_count")?.is_some_and(|count| count > 0) {
            return Err(keys.gguf.bad("mixtures of experts are not supported"));
        }
        Ok(())
    }
}

fn architecture(gguf: &Gguf) -> Result<(&'static str, RopeKind)> {
    let name = gguf
        .text("general.architecture")
        .ok_or_else(|| gguf.bad("general.architecture is missing"))?;
    ARCHITECTURES.iter().find(|(known, _)| *known == name).copied().ok_or_else(|| {
        let known: Vec<_> = ARCHITECTURES.iter().map(|(known, _)| *known).collect();
        gguf.bad(format!(
            "architecture {name:?} is not supported, supported are {}",
            known.join(", ")
        ))
    })
}

struct Keys<'a> {
    gguf: &'a Gguf,
    architecture: &'static str,
}

impl Keys<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture)
    }

    fn optional(&self, name: &str) -> Result<Option<usize>> {
        self.gguf.count(&self.key(name))
    }

    fn number(&self, name: &str) -> Result<Option<f64>> {
        self.gguf.number(&self.key(name))
    }

    fn required(&self, name: &str, max: usize) -> Result<usize> {
        let key = self.key(name);
        let count =
            self.gguf.count(&key)?.ok_or_else(|| self.gguf.bad(format!("{key} is missing")))?;
        if count == 0 || count > max {
            return Err(self.gguf.bad(format!("{key} is {count}, expected 1 to {max}")));
        }
        Ok(count)
    }

    /// A sliding window shortens the context: within the window, full attention is exact.
    fn context_len(&self) -> Result<usize> {
        let context_len = self.required("context_length", usize::MAX)?.min(MAX_CONTEXT_LEN);
        let window = self.optional("attention.sliding_window")?.filter(|window| *window > 0);
        Ok(window.map_or(context_len, |window| window.min(context_len)))
    }

    fn rope_divisor(&self) -> Result<f64> {
        let kind = self.gguf.text(&self.key("rope.scaling.type"));
        let factor = match self.number("rope.scaling.factor")? {
            Some(factor) => Some(factor),
            None => self.number("rope.scale_linear")?,
        };
        match kind {
            Some("none") => Ok(1.0),
            None | Some("linear") => Ok(factor.unwrap_or(1.0)),
            Some(other) => {
                Err(self.gguf.bad(format!("rope scaling {other:?} is not supported, linear is")))
            }
        }
    }
}
