//! A model's tensors by the names its family gives them, rounded and packed for the kernels.
//!
//! What the names are and in which order the parts stand is `model::encoder::family`'s to say.

use crate::error::Result;
use crate::kernels::gemm::linear::{Arithmetic, Linear};
use crate::model::encoder::architecture::{Positions, TransformerConfig};
use crate::model::encoder::family::EncoderLayout;
use crate::model::formats::safetensors::{Tensor, Tensors};

/// Weight and bias of a layer normalisation.
pub(super) struct Norm {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// One layer; which norms are there says whether they stand before or after the two halves.
pub(super) struct EncoderLayer {
    pub(super) before_attention: Option<Norm>,
    /// Queries (already divided by the root of the head's size), keys and values in one product.
    pub(super) qkv: Linear,
    pub(super) attention_out: Linear,
    pub(super) after_attention: Option<Norm>,
    pub(super) before_up: Option<Norm>,
    /// Twice as wide where the second half is multiplied by the activated first.
    pub(super) up: Linear,
    pub(super) down: Linear,
    pub(super) after_down: Option<Norm>,
}

/// Everything read from a weights file.
pub(super) struct Weights {
    pub(super) words: Tensor,
    /// Added to every token by position: position row plus the row of type 0. One row if there is
    /// no table.
    pub(super) added: Vec<f32>,
    /// What a token of type 1 has added beside that: row 1 less row 0. Empty if there is one type.
    pub(super) second_type: Vec<f32>,
    pub(super) input_norm: Norm,
    pub(super) layers: Vec<EncoderLayer>,
    pub(super) final_norm: Option<Norm>,
    /// MPNet's bias of scores, `[buckets, heads]`.
    pub(super) buckets: Vec<f32>,
}

/// Takes a model's tensors out of a file, whatever prefix their names carry.
pub(super) struct WeightSource<'a> {
    tensors: &'a mut Tensors,
    prefix: &'static str,
    pub(super) config: &'a TransformerConfig,
    pub(super) names: &'static EncoderLayout,
}

impl<'a> WeightSource<'a> {
    /// Finds the prefix that the names carry.
    pub(super) fn new(tensors: &'a mut Tensors, config: &'a TransformerConfig) -> Self {
        let names = config.family.layout();
        let is_there = |prefix: &&&str| tensors.contains(&format!("{prefix}{}", names.words));
        let prefix = names.prefixes.iter().find(is_there).copied().unwrap_or_default();
        Self { tensors, prefix, config, names }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.contains(&format!("{}{name}", self.prefix))
    }

    pub(super) fn values(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.tensors.take_f32(&format!("{}{name}", self.prefix), shape)
    }

    pub(super) fn norm(&mut self, name: &str) -> Result<Norm> {
        let dim = self.config.hidden_size;
        // checkpoints converted from TensorFlow say gamma and beta
        let old = self.has(&format!("{name}.gamma"));
        let (weight, bias) = if old { ("gamma", "beta") } else { ("weight", "bias") };
        let weight = self.values(&format!("{name}.{weight}"), &[dim])?;
        let bias = if self.names.norms_first {
            vec![0.0; dim]
        } else {
            self.values(&format!("{name}.{bias}"), &[dim])?
        };
        Ok(Norm { weight, bias })
    }

    /// Weight rows and bias of a linear layer.
    pub(super) fn rows(
        &mut self,
        name: &str,
        shape: [usize; 2],
        bias: bool,
    ) -> Result<(Vec<f32>, Vec<f32>)> {
        let weight = self.values(&format!("{name}.weight"), &shape)?;
        let bias = match bias {
            true => self.values(&format!("{name}.bias"), &shape[..1])?,
            false => vec![0.0; shape[0]],
        };
        Ok((weight, bias))
    }

    /// Several layers over the same input as one, their outputs side by side.
    fn joined(
        &mut self,
        names: &[String],
        shape: [usize; 2],
        bias: bool,
    ) -> Result<(Vec<f32>, Vec<f32>)> {
        let (mut weight, mut biases) = (Vec::new(), Vec::new());
        for name in names {
            let (rows, more) = self.rows(name, [shape[0] / names.len(), shape[1]], bias)?;
            weight.extend(rows);
            biases.extend(more);
        }
        Ok((weight, biases))
    }

    fn linear(&mut self, name: &str, shape: [usize; 2], arithmetic: Arithmetic) -> Result<Linear> {
        let (weight, bias) = self.rows(name, shape, self.names.has_biases)?;
        Ok(Linear::new(arithmetic, &weight, shape[1], bias))
    }

    fn layer(&mut self, index: usize, arithmetic: Arithmetic) -> Result<EncoderLayer> {
        let names = self.names;
        let hidden = self.config.hidden_size;
        let name = |part: &str| format!("{}.{index}.{part}", names.layer);
        let first = self.names.norms_first;
        // ModernBERT's first layer takes the normed embeddings as they are
        let attention_norm = match first && index == 0 && !self.has(&name("attn_norm.weight")) {
            true => None,
            false => Some(self.norm(&name(names.attention_norm))?),
        };
        let out_norm = Some(self.norm(&name(names.out_norm))?);
        let (before_attention, after_attention, before_up, after_down) = match first {
            true => (attention_norm, None, out_norm, None),
            false => (None, attention_norm, None, out_norm),
        };
        Ok(EncoderLayer {
            before_attention,
            qkv: self.qkv(name, arithmetic)?,
            attention_out: self.linear(&name(names.attention_out), [hidden, hidden], arithmetic)?,
            after_attention,
            before_up,
            up: self.up(name, arithmetic)?,
            down: self.down(name, arithmetic)?,
            after_down,
        })
    }

    fn qkv(&mut self, name: impl Fn(&str) -> String, arithmetic: Arithmetic) -> Result<Linear> {
        let hidden = self.config.hidden_size;
        let names: Vec<String> = self.names.qkv.iter().map(|part| name(part)).collect();
        let bias = self.names.has_biases;
        let (mut weight, mut bias) = self.joined(&names, [3 * hidden, hidden], bias)?;
        let scale = 1.0 / ((hidden / self.config.head_count) as f32).sqrt();
        let queries = weight[..hidden * hidden].iter_mut().chain(&mut bias[..hidden]);
        queries.for_each(|value| *value *= scale);
        Ok(Linear::new(arithmetic, &weight, hidden, bias))
    }

    fn up(&mut self, name: impl Fn(&str) -> String, arithmetic: Arithmetic) -> Result<Linear> {
        let (hidden, layout) = (self.config.hidden_size, self.names);
        let wide = self.config.intermediate_size * if layout.is_gated { 2 } else { 1 };
        let names: Vec<String> = layout.up.iter().map(|part| name(part)).collect();
        let (mut weight, bias) = self.joined(&names, [wide, hidden], layout.has_up_bias)?;
        if layout.has_gate_last {
            weight.rotate_left(wide / 2 * hidden);
        }
        Ok(Linear::new(arithmetic, &weight, hidden, bias))
    }

    fn down(&mut self, name: impl Fn(&str) -> String, arithmetic: Arithmetic) -> Result<Linear> {
        let (hidden, wide) = (self.config.hidden_size, self.config.intermediate_size);
        self.linear(&name(self.names.down), [hidden, wide], arithmetic)
    }

    /// Rows of the position table from the first used one on, each with the row of token type 0
    /// added; and the row of type 1 less that of type 0.
    fn added(&mut self) -> Result<(Vec<f32>, Vec<f32>)> {
        let hidden = self.config.hidden_size;
        let mut added = match self.config.positions {
            Positions::Table { first } | Positions::TableAndBuckets { first, .. } => {
                let shape = [self.config.position_count, hidden];
                let mut rows = self.values(self.names.positions, &shape)?;
                rows.drain(..first * hidden);
                rows
            }
            Positions::Rotary { .. } | Positions::Linear => vec![0.0; hidden],
        };
        let mut second = Vec::new();
        if self.config.type_count > 0 {
            let types = self.values(self.names.types, &[self.config.type_count, hidden])?;
            for row in added.chunks_exact_mut(hidden) {
                row.iter_mut().zip(&types).for_each(|(value, kind)| *value += kind);
            }
            let (zero, others) = types.split_at(hidden);
            second = others.iter().zip(zero).map(|(one, zero)| one - zero).collect();
        }
        Ok((added, second))
    }
}

impl Weights {
    /// Takes and packs everything that `config` asks for.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) naming a tensor that is missing or shaped otherwise.
    pub(super) fn load(
        tensors: &mut Tensors,
        config: &TransformerConfig,
        arithmetic: Arithmetic,
    ) -> Result<Self> {
        let mut source = WeightSource::new(tensors, config);
        let names = source.names;
        let shape = [config.vocab_size, config.hidden_size];
        let words = source.tensors.take(&format!("{}{}", source.prefix, names.words), &shape)?;
        let buckets = match config.positions {
            Positions::TableAndBuckets { buckets, .. } => source
                .values("encoder.relative_attention_bias.weight", &[buckets, config.head_count])?,
            _ => Vec::new(),
        };
        let (added, second_type) = source.added()?;
        Ok(Self {
            words,
            added,
            second_type,
            input_norm: source.norm(names.input_norm)?,
            layers: (0..config.layer_count)
                .map(|index| source.layer(index, arithmetic))
                .collect::<Result<_>>()?,
            final_norm: match names.norms_first {
                true => Some(source.norm("final_norm")?),
                false => None,
            },
            buckets,
        })
    }
}
