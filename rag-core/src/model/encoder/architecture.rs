//! Which transformer a `config.json` describes: family, sizes, positions, activation.
//!
//! Owns the reading of each family's own names for the same sizes, and the check of every number;
//! how a family lays out its tensors is `family`'s.
//! What a configuration asks for and the engine lacks is refused by name.

use std::path::Path;

use serde_json::Value;

use super::family::{EncoderFamily, KNOWN};
use crate::error::{Error, Result};
use crate::kernels::elementwise::activation::Activation;

/// Rotation of queries and keys (Su et al. 2021).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rotary {
    pub(crate) theta: f32,
    /// Every frequency is divided by this.
    pub(crate) divisor: f32,
}

/// How a transformer knows where a token stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Positions {
    /// A table; the first token has row `first`.
    Table { first: usize },
    /// A table, and a bias on scores by the bucket of the distance (MPNet).
    TableAndBuckets { first: usize, buckets: usize },
    /// Rotation; layers that see only `window` tokens to each side may turn otherwise.
    Rotary { global: Rotary, local: Rotary, window: usize, global_every: usize },
    /// A bias on scores that falls with the distance (Press et al. 2022).
    Linear,
}

/// The checked shape of a transformer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TransformerConfig {
    /// `model_type`, such as `bert`.
    pub(crate) model_type: String,
    pub(crate) family: EncoderFamily,
    pub(crate) vocab_size: usize,
    pub(crate) hidden_size: usize,
    pub(crate) layer_count: usize,
    pub(crate) head_count: usize,
    pub(crate) intermediate_size: usize,
    pub(crate) activation: Activation,
    pub(crate) positions: Positions,
    /// Rows of the position table, or the most tokens of a sequence without one.
    pub(crate) position_count: usize,
    /// Rows of the token type table; 0: there is none.
    pub(crate) type_count: usize,
    pub(crate) layer_norm_eps: f32,
}

/// Reads and checks a `config.json`.
///
/// # Errors
/// [`ErrorCode::Model`](crate::ErrorCode::Model) naming what is wrong or not run here.
pub(crate) fn transformer_config(path: &Path, bytes: &[u8]) -> Result<TransformerConfig> {
    let value: Value =
        serde_json::from_slice(bytes).map_err(|e| Error::model_cause(path, "not JSON", e))?;
    let config = Fields { path, value: &value };
    let model_type = config.word("model_type").unwrap_or("missing");
    let is_alibi = config.word("position_embedding_type") == Some("alibi");
    let family = EncoderFamily::of(model_type, is_alibi).ok_or_else(|| {
        let reason =
            format!("model_type {model_type:?} is not an encoder this engine runs: {KNOWN}");
        Error::model(path, reason)
    })?;
    let checked = config.checked(family, model_type)?;
    check_whole(path, &checked)?;
    Ok(checked)
}

fn check_whole(path: &Path, config: &TransformerConfig) -> Result<()> {
    let (hidden, heads) = (config.hidden_size, config.head_count);
    if !hidden.is_multiple_of(heads) {
        let reason = format!("hidden_size {hidden} does not divide into {heads} heads");
        return Err(Error::model(path, reason));
    }
    if matches!(config.positions, Positions::Rotary { .. }) && !(hidden / heads).is_multiple_of(2) {
        return Err(Error::model(path, format!("heads of {} cannot be rotated", hidden / heads)));
    }
    if config.position_count < config.first_position() + 4 {
        let reason = format!("max_position_embeddings is {}", config.position_count);
        return Err(Error::model(path, reason));
    }
    if !(0.0..1.0).contains(&config.layer_norm_eps) {
        return Err(Error::model(path, format!("layer_norm_eps is {}", config.layer_norm_eps)));
    }
    Ok(())
}

impl TransformerConfig {
    /// Row of the first token in the position table: 0 for BERT, `pad_token_id + 1` for the RoBERTa
    /// family.
    pub(crate) fn first_position(&self) -> usize {
        match self.positions {
            Positions::Table { first } | Positions::TableAndBuckets { first, .. } => first,
            Positions::Rotary { .. } | Positions::Linear => 0,
        }
    }
}

/// A configuration whose numbers are not trusted yet.
#[derive(Clone, Copy)]
struct Fields<'a> {
    path: &'a Path,
    value: &'a Value,
}

impl<'a> Fields<'a> {
    fn word(self, name: &str) -> Option<&'a str> {
        self.value.get(name).and_then(Value::as_str)
    }

    /// The value under the first of these names that is there and not null.
    fn any(self, names: &[&str]) -> Option<&'a Value> {
        names.iter().find_map(|name| self.value.get(*name).filter(|value| !value.is_null()))
    }

    fn size(self, names: &[&str], most: u64) -> Result<usize> {
        let found = self.any(names);
        let size = found.and_then(Value::as_u64).filter(|size| (1..=most).contains(size));
        size.and_then(|size| usize::try_from(size).ok()).ok_or_else(|| {
            let found = found.map_or_else(|| "missing".to_owned(), Value::to_string);
            let reason = format!("{} is {found}, expected 1 to {most}", names[0]);
            Error::model(self.path, reason)
        })
    }

    fn float(self, names: &[&str], default: f64) -> Result<f32> {
        match self.any(names) {
            None => Ok(default as f32),
            Some(value) => value
                .as_f64()
                .filter(|value| value.is_finite())
                .map(|value| value as f32)
                .ok_or_else(|| {
                    Error::model(self.path, format!("{} is {value}, expected a number", names[0]))
                }),
        }
    }

    /// Refuses a configuration in which `name` is there and is none of `allowed`.
    fn only(self, name: &str, allowed: &[Value]) -> Result<()> {
        match self.any(&[name]).filter(|value| !allowed.contains(value)) {
            Some(value) => Err(Error::model(self.path, format!("{name} {value} is not supported"))),
            None => Ok(()),
        }
    }

    fn checked(self, family: EncoderFamily, model_type: &str) -> Result<TransformerConfig> {
        let hidden_size = self.size(&["hidden_size", "n_embd", "dim"], 1 << 14)?;
        let intermediate = ["intermediate_size", "n_inner", "hidden_dim"];
        let intermediate_size = match family {
            EncoderFamily::NomicBert if self.any(&intermediate).is_none() => 4 * hidden_size,
            _ => self.size(&intermediate, 1 << 17)?,
        };
        Ok(TransformerConfig {
            model_type: model_type.to_owned(),
            family,
            vocab_size: self.size(&["vocab_size"], 1 << 24)?,
            hidden_size,
            layer_count: self.size(&["num_hidden_layers", "n_layer", "n_layers"], 1 << 10)?,
            head_count: self.size(&["num_attention_heads", "n_head", "n_heads"], 1 << 10)?,
            intermediate_size,
            activation: self.activation(family)?,
            positions: self.positions(family, model_type)?,
            position_count: self.size(&["max_position_embeddings", "n_positions"], 1 << 20)?,
            type_count: self.type_count(family)?,
            layer_norm_eps: self.float(
                &["layer_norm_eps", "layer_norm_epsilon", "norm_eps"],
                if family == EncoderFamily::ModernBert { 1e-5 } else { 1e-12 },
            )?,
        })
    }

    fn type_count(self, family: EncoderFamily) -> Result<usize> {
        match (family, self.any(&["type_vocab_size"])) {
            (EncoderFamily::DistilBert | EncoderFamily::Mpnet | EncoderFamily::ModernBert, _) => {
                Ok(0)
            }
            (EncoderFamily::Bert | EncoderFamily::JinaBert, None) => {
                self.size(&["type_vocab_size"], 1 << 10)
            }
            (_, Some(value)) if value.as_u64() != Some(0) => {
                self.size(&["type_vocab_size"], 1 << 10)
            }
            _ => Ok(0),
        }
    }

    fn activation(self, family: EncoderFamily) -> Result<Activation> {
        let names = ["hidden_act", "hidden_activation", "activation_function", "activation"];
        let default = match family {
            EncoderFamily::NomicBert => "swiglu",
            _ => "gelu",
        };
        if family == EncoderFamily::JinaBert {
            self.only("feed_forward_type", &["geglu".into()])?;
        }
        match self.any(&names).and_then(Value::as_str).unwrap_or(default) {
            "swiglu" | "silu" if family == EncoderFamily::NomicBert => Ok(Activation::Silu),
            "geglu" if family == EncoderFamily::NomicBert => Ok(Activation::Gelu),
            other if family == EncoderFamily::NomicBert => Err(Error::model(
                self.path,
                format!("activation_function {other:?} is not supported"),
            )),
            other => activation_named(other).ok_or_else(|| {
                Error::model(self.path, format!("hidden_act {other:?} is not supported"))
            }),
        }
    }

    fn positions(self, family: EncoderFamily, model_type: &str) -> Result<Positions> {
        let first = || {
            let pad = self.any(&["pad_token_id"]).and_then(Value::as_u64).unwrap_or(1);
            let first = usize::try_from(pad.saturating_add(1)).unwrap_or(usize::MAX);
            Ok(first.min(1 << 20))
        };
        match family {
            EncoderFamily::Bert => {
                self.only("position_embedding_type", &["absolute".into()])?;
                Ok(Positions::Table { first: if model_type == "bert" { 0 } else { first()? } })
            }
            EncoderFamily::DistilBert => Ok(Positions::Table { first: 0 }),
            EncoderFamily::Mpnet => Ok(Positions::TableAndBuckets {
                first: first()?,
                buckets: match self.any(&["relative_attention_num_buckets"]) {
                    Some(_) => self.size(&["relative_attention_num_buckets"], 1 << 12)?,
                    None => 32,
                },
            }),
            EncoderFamily::JinaBert => {
                self.only("position_embedding_type", &["alibi".into()])?;
                Ok(Positions::Linear)
            }
            EncoderFamily::ModernBert => self.modern_positions(),
            EncoderFamily::NomicBert => self.nomic_positions(),
            EncoderFamily::Gte => self.gte_positions(),
        }
    }

    fn modern_positions(self) -> Result<Positions> {
        for name in ["attention_bias", "mlp_bias", "norm_bias"] {
            self.only(name, &[false.into()])?;
        }
        let nested = |kind: &str| {
            self.value.get("rope_parameters")?.get(kind)?.get("rope_theta").and_then(Value::as_f64)
        };
        let theta = |kind: &str, name: &str, default: f64| {
            self.float(&[name], nested(kind).unwrap_or(default)).map(plain_rotary)
        };
        let every = match self.any(&["global_attn_every_n_layers"]) {
            Some(_) => self.size(&["global_attn_every_n_layers"], 1 << 10)?,
            None => self.every_from_types()?,
        };
        Ok(Positions::Rotary {
            global: theta("full_attention", "global_rope_theta", 160_000.0)?,
            local: theta("sliding_attention", "local_rope_theta", 10_000.0)?,
            window: self.size(&["local_attention", "sliding_window"], 1 << 20)? / 2,
            global_every: every,
        })
    }

    /// `layer_types` as a period: the first layer is global, and then every so many.
    fn every_from_types(self) -> Result<usize> {
        let Some(types) = self.any(&["layer_types"]).and_then(Value::as_array) else {
            return Ok(3);
        };
        let global: Vec<bool> = types.iter().map(|kind| kind == "full_attention").collect();
        let period =
            global.iter().skip(1).position(|&global| global).map_or(types.len(), |at| at + 1);
        let regular =
            global.iter().enumerate().all(|(at, &global)| global == at.is_multiple_of(period));
        if !regular || period == 0 {
            return Err(Error::model(self.path, "layer_types in this order are not supported"));
        }
        Ok(period)
    }

    fn nomic_positions(self) -> Result<Positions> {
        let no = Value::from(false);
        for name in [
            "prenorm",
            "qkv_proj_bias",
            "mlp_fc1_bias",
            "mlp_fc2_bias",
            "use_rms_norm",
            "rotary_emb_interleaved",
            "causal",
            "parallel_block",
        ] {
            self.only(name, std::slice::from_ref(&no))?;
        }
        self.only("rotary_emb_fraction", &[1.0.into(), 1.into()])?;
        self.only("num_experts", &[0.into(), 1.into()])?;
        self.only("moe_every_n_layers", &[0.into()])?;
        let theta = self.rope_theta(&["rotary_emb_base", "rope_theta"])?;
        Ok(everywhere(plain_rotary(theta)))
    }

    /// The base of the rotation under one of `names`, or in `rope_parameters`; 10,000 if there is
    /// none.
    fn rope_theta(self, names: &[&str]) -> Result<f32> {
        let Some(rope) = self.any(&["rope_parameters"]) else { return self.float(names, 10_000.0) };
        let inner = Fields { path: self.path, value: rope };
        inner.only("rope_type", &["default".into()])?;
        inner.only("partial_rotary_factor", &[1.0.into(), 1.into()])?;
        inner.float(&["rope_theta"], 10_000.0)
    }

    fn gte_positions(self) -> Result<Positions> {
        self.only("position_embedding_type", &["rope".into()])?;
        self.only("layer_norm_type", &["layer_norm".into()])?;
        self.only("pack_qkv", &[true.into()])?;
        self.only("logn_attention_scale", &[false.into()])?;
        let theta = self.rope_theta(&["rope_theta"])?;
        let Some(scaling) = self.any(&["rope_scaling"]) else {
            return Ok(everywhere(plain_rotary(theta)));
        };
        let factor = scaling.get("factor").and_then(Value::as_f64).filter(|factor| *factor >= 1.0);
        match (scaling.get("type").and_then(Value::as_str), factor, scaling.get("mixed_b")) {
            (Some("ntk"), Some(factor), None | Some(Value::Null)) => {
                let heads = self.size(&["num_attention_heads"], 1 << 10)?;
                let dim = self.size(&["hidden_size"], 1 << 14)? / heads.max(1);
                let divisor = factor.powf(2.0 / dim.max(1) as f64) as f32;
                Ok(everywhere(Rotary { theta: theta * factor as f32, divisor }))
            }
            _ => Err(Error::model(self.path, format!("rope_scaling {scaling} is not supported"))),
        }
    }
}

/// The function that `transformers` calls so.
pub(crate) fn activation_named(name: &str) -> Option<Activation> {
    match name {
        "gelu" => Some(Activation::Gelu),
        "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Some(Activation::GeluTanh),
        "relu" => Some(Activation::Relu),
        _ => None,
    }
}

fn plain_rotary(theta: f32) -> Rotary {
    Rotary { theta, divisor: 1.0 }
}

fn everywhere(rotary: Rotary) -> Positions {
    Positions::Rotary { global: rotary, local: rotary, window: 0, global_every: 1 }
}
