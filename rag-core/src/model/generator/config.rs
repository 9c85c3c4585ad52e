//! What a file says about its network, checked before any weight is read.

mod folder;

use crate::error::{Error, Result};
use crate::kernels::elementwise::activation::Activation;
use crate::kernels::elementwise::rope::RotaryPairs;
use crate::model::formats::gguf::Gguf;

const MAX_LAYERS: usize = 512;
const MAX_WIDTH: usize = 1 << 17;
const MAX_CONTEXT_LEN: usize = 1 << 20;

/// Shape and constants of a decoder.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DecoderConfig {
    pub(crate) architecture: &'static str,
    pub(crate) dim: usize,
    pub(crate) feed_forward_dim: usize,
    pub(crate) head_count: usize,
    pub(crate) kv_head_count: usize,
    pub(crate) head_dim: usize,
    pub(crate) context_len: usize,
    pub(crate) norm_epsilon: f32,
    /// Added to the weights of norms as they are stored (Gemma, outside GGUF).
    pub(crate) norm_offset: f32,
    /// Factor of a token's embedding.
    pub(crate) embedding_scale: f32,
    /// Factor of a query before it meets the keys.
    pub(crate) query_scale: f32,
    /// Attention scores go through `cap * tanh(score / cap)`; 0 for no cap.
    pub(crate) score_cap: f32,
    /// The same for the logits.
    pub(crate) logit_cap: f32,
    pub(crate) gate: Activation,
    pub(crate) pairs: RotaryPairs,
    /// Components of a head that rotate.
    pub(crate) rotated_dim: usize,
    /// Factor of rotated components (Phi-3, `rope.scaling.attn_factor`).
    pub(crate) rotation_scale: f64,
    /// Rotations in use; layers name them by index.
    pub(crate) rotations: Vec<Rotation>,
    pub(crate) layers: Vec<LayerConfig>,
    /// Queries, keys and values stand in one tensor, gates and ups in another (Phi-3).
    pub(crate) is_fused: bool,
}

/// How fast components rotate with position.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rotation {
    pub(crate) base: f64,
    /// Positions are divided by this (linear scaling); 1 is none.
    pub(crate) divisor: f64,
    /// Each pair's own divisor, one per pair of rotated components.
    pub(crate) factors: Option<Vec<f32>>,
}

/// What differs from layer to layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LayerConfig {
    /// Positions a query sees, its own included.
    pub(crate) window: usize,
    /// Index of its rotation; `None` for a layer without positions.
    pub(crate) rotation: Option<usize>,
}

/// What a family does in its own way.
struct DecoderFamily {
    name: &'static str,
    pairs: RotaryPairs,
    gate: Activation,
    /// Embeddings are multiplied by the root of their width.
    scales_embedding: bool,
    /// Every so many layers one sees everything, the others through the window; 0: all see through
    /// the window.
    full_every: usize,
    /// Every so many layers one has no rotation; 0: all rotate.
    unrotated_every: usize,
    is_fused: bool,
}

const LLAMA: DecoderFamily = DecoderFamily {
    name: "llama",
    pairs: RotaryPairs::Neighbours,
    gate: Activation::Silu,
    scales_embedding: false,
    full_every: 0,
    unrotated_every: 0,
    is_fused: false,
};

/// The architectures we run (names as in llama.cpp, `llama-arch.cpp`).
const FAMILIES: &[DecoderFamily] = &[
    LLAMA,
    DecoderFamily { name: "mistral3", ..LLAMA },
    DecoderFamily { name: "smollm3", unrotated_every: 4, ..LLAMA },
    DecoderFamily { name: "qwen2", pairs: RotaryPairs::Halves, ..LLAMA },
    DecoderFamily { name: "qwen3", pairs: RotaryPairs::Halves, ..LLAMA },
    DecoderFamily { name: "phi3", pairs: RotaryPairs::Halves, is_fused: true, ..LLAMA },
    DecoderFamily { name: "gemma", full_every: 0, ..GEMMA },
    DecoderFamily { name: "gemma2", full_every: 2, ..GEMMA },
    DecoderFamily { name: "gemma3", full_every: 6, ..GEMMA },
];

const GEMMA: DecoderFamily = DecoderFamily {
    pairs: RotaryPairs::Halves,
    gate: Activation::GeluTanh,
    scales_embedding: true,
    ..LLAMA
};

impl DecoderConfig {
    /// Reads and checks the metadata.
    ///
    /// # Errors
    /// Model, naming what is missing, contradictory or not supported.
    pub(crate) fn from_gguf(gguf: &Gguf) -> Result<Self> {
        let family = family(gguf)?;
        let keys = Keys { gguf, architecture: family.name };
        let head_count = keys.required("attention.head_count", MAX_WIDTH)?;
        let dim = keys.required("embedding_length", MAX_WIDTH)?;
        let layer_count = keys.required("block_count", MAX_LAYERS)?;
        let head_dim = keys.optional("attention.key_length")?.unwrap_or(dim / head_count);
        let rotations = keys.rotations(family)?;
        // Gemma 2 and 3 at 27 billion weights scale by the width over the heads, all others by the
        // head's width
        let is_largest = matches!((family.name, layer_count), ("gemma2", 46) | ("gemma3", 62));
        let scale = keys.query_scale(if is_largest { dim / head_count } else { head_dim })?;
        let config = Self {
            architecture: family.name,
            dim,
            feed_forward_dim: keys.required("feed_forward_length", 8 * MAX_WIDTH)?,
            head_count,
            kv_head_count: keys.optional("attention.head_count_kv")?.unwrap_or(head_count),
            head_dim,
            context_len: keys.context_len()?,
            norm_epsilon: keys.number("attention.layer_norm_rms_epsilon")?.unwrap_or(1e-5) as f32,
            norm_offset: 0.0,
            embedding_scale: if family.scales_embedding { (dim as f32).sqrt() } else { 1.0 },
            query_scale: scale,
            score_cap: keys.cap("attn_logit_softcapping", family.name == "gemma2", 50.0)?,
            logit_cap: keys.cap("final_logit_softcapping", family.name == "gemma2", 30.0)?,
            gate: family.gate,
            pairs: family.pairs,
            rotated_dim: keys.optional("rope.dimension_count")?.unwrap_or(head_dim),
            rotation_scale: keys.number("rope.scaling.attn_factor")?.unwrap_or(1.0),
            layers: keys.layers(family, layer_count, rotations.len())?,
            rotations,
            is_fused: family.is_fused,
        };
        config.check(&|reason| gguf.bad(reason))?;
        if let Some(found) = keys.optional("attention.value_length")?
            && found != head_dim
        {
            return Err(gguf.bad(format!(
                "attention.value_length {found} differs from head width {head_dim}: not supported"
            )));
        }
        if keys.optional("expert_count")?.is_some_and(|count| count > 0) {
            return Err(gguf.bad("mixtures of experts in GGUF are not supported: use safetensors"));
        }
        Ok(config)
    }

    /// Query heads that share one key head.
    pub(crate) fn group(&self) -> usize {
        self.head_count / self.kv_head_count
    }

    /// Numbers of all query heads.
    pub(crate) fn query_dim(&self) -> usize {
        self.head_count * self.head_dim
    }

    /// Numbers of all key heads.
    pub(crate) fn key_dim(&self) -> usize {
        self.kv_head_count * self.head_dim
    }

    fn check(&self, bad: &dyn Fn(String) -> Error) -> Result<()> {
        let heads_fit = self.kv_head_count > 0
            && self.kv_head_count <= self.head_count
            && self.head_count.is_multiple_of(self.kv_head_count);
        if !heads_fit {
            return Err(bad(format!(
                "{} heads cannot share {} key heads",
                self.head_count, self.kv_head_count
            )));
        }
        if self.head_dim == 0 || self.head_dim > 4096 || !self.head_dim.is_multiple_of(2) {
            return Err(bad(format!("head width {} is not supported", self.head_dim)));
        }
        let factors = |rope: &Rotation| rope.factors.clone().unwrap_or_default();
        let factors = self.rotations.iter().flat_map(factors).map(f64::from);
        let rotations = self.rotations.iter().flat_map(|rope| [rope.base, rope.divisor]);
        let others = [f64::from(self.norm_epsilon), self.rotation_scale];
        let mut constants = rotations.chain(factors).chain(others);
        if constants.any(|number| !number.is_finite() || number <= 0.0) {
            return Err(bad("norm epsilon, rope base and scale must be positive".to_owned()));
        }
        if self.rotated_dim > self.head_dim || !self.rotated_dim.is_multiple_of(2) {
            return Err(bad(format!(
                "{} of {} components of a head rotate: not supported",
                self.rotated_dim, self.head_dim
            )));
        }
        let pairs = self.rotated_dim / 2;
        let lengths = self.rotations.iter().filter_map(|rope| rope.factors.as_ref());
        if let Some(found) = lengths.map(Vec::len).find(|len| *len != pairs) {
            return Err(bad(format!("{found} rope factors for {pairs} pairs of components")));
        }
        Ok(())
    }
}

fn family(gguf: &Gguf) -> Result<&'static DecoderFamily> {
    let name = gguf
        .text("general.architecture")
        .ok_or_else(|| gguf.bad("general.architecture is missing"))?;
    FAMILIES.iter().find(|family| family.name == name).ok_or_else(|| {
        let known: Vec<_> = FAMILIES.iter().map(|family| family.name).collect();
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

    /// The trained length; the original one where longer contexts need other rotations (Phi-3's
    /// long factors).
    fn context_len(&self) -> Result<usize> {
        let context_len = self.required("context_length", usize::MAX)?.min(MAX_CONTEXT_LEN);
        let original = self.optional("rope.scaling.original_context_length")?;
        let has_long_factors = self.gguf.tensors().contains_key("rope_factors_long.weight");
        Ok(original
            .filter(|len| has_long_factors && *len > 0)
            .unwrap_or(context_len)
            .min(context_len))
    }

    /// That of the file, or one over the root of `width`.
    fn query_scale(&self, width: usize) -> Result<f32> {
        let scale = self.number("attention.scale")?.filter(|scale| *scale > 0.0);
        Ok(scale.map_or(1.0 / (width as f32).sqrt(), |scale| scale as f32))
    }

    fn cap(&self, name: &str, is_capped: bool, default: f32) -> Result<f32> {
        let cap = self.number(name)?.map(|cap| cap as f32);
        let cap = cap.unwrap_or(if is_capped { default } else { 0.0 });
        if cap.is_finite() && cap >= 0.0 {
            Ok(cap)
        } else {
            Err(self.gguf.bad(format!("{} is {cap}, expected 0 or more", self.key(name))))
        }
    }

    /// The rotation of layers that see everything, then that of windowed ones where it differs
    /// (Gemma 3).
    fn rotations(&self, family: &DecoderFamily) -> Result<Vec<Rotation>> {
        let base = self.number("rope.freq_base")?.unwrap_or(10_000.0);
        let mut rotations = vec![Rotation { base, divisor: self.rope_divisor()?, factors: None }];
        if family.name == "gemma3" {
            let base = self.number("rope.freq_base_swa")?.unwrap_or(10_000.0);
            rotations.push(Rotation { base, divisor: 1.0, factors: None });
        }
        Ok(rotations)
    }

    fn layers(
        &self,
        family: &DecoderFamily,
        layer_count: usize,
        rotation_count: usize,
    ) -> Result<Vec<LayerConfig>> {
        let window = self.optional("attention.sliding_window")?.filter(|window| *window > 0);
        let full_every = match self.optional("attention.sliding_window_pattern") {
            Ok(Some(every)) => every,
            _ => family.full_every,
        };
        let ends_period =
            |index: usize, every: usize| every > 0 && (index + 1).is_multiple_of(every);
        Ok((0..layer_count)
            .map(|index| {
                let window = window.filter(|_| !ends_period(index, full_every));
                let rotation = if window.is_some() { rotation_count - 1 } else { 0 };
                let is_rotated = !ends_period(index, family.unrotated_every);
                LayerConfig {
                    window: window.unwrap_or(usize::MAX),
                    rotation: is_rotated.then_some(rotation),
                }
            })
            .collect())
    }

    fn rope_divisor(&self) -> Result<f64> {
        let kind = self.gguf.text(&self.key("rope.scaling.type"));
        let factor = match self.number("rope.scaling.factor")? {
            Some(factor) => Some(factor),
            None => self.number("rope.scale_linear")?,
        };
        match kind {
            // Phi-3's factors come as a tensor, and within the original context nothing else
            // changes
            Some("none" | "longrope") => Ok(1.0),
            None | Some("linear") => Ok(factor.unwrap_or(1.0)),
            Some(other) => {
                Err(self.gguf.bad(format!("rope scaling {other:?} is not supported, linear is")))
            }
        }
    }
}
