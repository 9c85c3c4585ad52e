//! The `config.json` of a `transformers` folder, in the form of version 5 and in the older one.

use std::f64::consts::PI;

use serde_json::{Map, Value};

use super::{
    DecoderConfig, DecoderFamily, FAMILIES, LayerConfig, MAX_CONTEXT_LEN, MAX_LAYERS, MAX_WIDTH,
    Rotation,
};
use crate::error::{Error, Result};
use crate::kernels::elementwise::activation::Activation;
use crate::kernels::elementwise::rope::RotaryPairs;
use crate::model::generator::folder::GeneratorFolder;

/// `model_type`, the family it is of, and the rope base that `transformers` takes if none is given.
const MODEL_TYPES: &[(&str, &str, f64)] = &[
    ("llama", "llama", 1e4),
    ("mistral", "llama", 1e4),
    ("smollm3", "smollm3", 2e6),
    ("qwen2", "qwen2", 1e4),
    ("qwen3", "qwen3", 1e4),
    ("gemma", "gemma", 1e4),
    ("gemma2", "gemma2", 1e4),
    ("gemma3_text", "gemma3", 1e6),
    ("phi3", "phi3", 1e4),
];
/// Base of windowed layers in Gemma 3 if none is given.
const LOCAL_BASE: f64 = 1e4;

/// How positions turn components: for layers that see everything, or for windowed ones where they
/// differ.
struct Rope<'a> {
    base: f64,
    scaling: Option<&'a Map<String, Value>>,
}

impl Rope<'_> {
    fn kind(&self) -> &str {
        let kind = self.scaling.and_then(|map| map.get("rope_type").or_else(|| map.get("type")));
        kind.and_then(Value::as_str).unwrap_or("default")
    }

    fn is_long(&self) -> bool {
        matches!(self.kind(), "longrope" | "su")
    }
}

impl DecoderConfig {
    /// Reads and checks the configuration. `elsewhere` names the families that others than our own
    /// decoder run, for the error about one that it does not.
    ///
    /// # Errors
    /// Model, naming what is missing, contradictory or not supported.
    pub(crate) fn from_folder(folder: &GeneratorFolder, elsewhere: &str) -> Result<Self> {
        let settings = Settings { folder, map: folder.config() };
        let (model_type, family, base) = settings.model_type(elsewhere)?;
        let is_gemma = family.scales_embedding;
        let head_count = settings.required("num_attention_heads", MAX_WIDTH)?;
        let dim = settings.required("hidden_size", MAX_WIDTH)?;
        let layer_count = settings.required("num_hidden_layers", MAX_LAYERS)?;
        let head_dim = match settings.count("head_dim")? {
            None if is_gemma || family.name == "qwen3" => {
                settings.required("head_dim", MAX_WIDTH)?
            }
            found => found.unwrap_or(dim / head_count),
        };
        let epsilon = settings.number("rms_norm_eps")?;
        let ropes = settings.ropes(family, base)?;
        let rotated_dim = settings.rotated_dim(&ropes, head_dim)?;
        let rotations = ropes.iter().map(|rope| settings.rotation(rope, rotated_dim));
        let rotations: Vec<Rotation> = rotations.collect::<Result<_>>()?;
        let scalar = settings.number("query_pre_attn_scalar")?.unwrap_or(head_dim as f64);
        let config = Self {
            architecture: family.name,
            dim,
            feed_forward_dim: settings.required("intermediate_size", 8 * MAX_WIDTH)?,
            head_count,
            kv_head_count: settings.count("num_key_value_heads")?.unwrap_or(head_count),
            head_dim,
            context_len: settings.context_len(&ropes)?,
            norm_epsilon: epsilon.ok_or_else(|| settings.bad("rms_norm_eps is missing"))? as f32,
            norm_offset: if is_gemma { 1.0 } else { 0.0 },
            embedding_scale: if is_gemma { (dim as f32).sqrt() } else { 1.0 },
            query_scale: 1.0 / scalar.sqrt() as f32,
            score_cap: settings.cap("attn_logit_softcapping", family, 50.0)?,
            logit_cap: settings.cap("final_logit_softcapping", family, 30.0)?,
            gate: settings.gate(family)?,
            pairs: RotaryPairs::Halves,
            rotated_dim,
            rotation_scale: settings.rotation_scale(&ropes)?,
            layers: settings.layers(model_type, family, layer_count, rotations.len())?,
            rotations,
            is_fused: family.is_fused,
        };
        if !(config.query_scale.is_finite() && config.query_scale > 0.0) {
            return Err(settings.bad("query_pre_attn_scalar must be positive"));
        }
        config.check(&|reason| settings.bad(reason))?;
        Ok(config)
    }
}

struct Settings<'a> {
    folder: &'a GeneratorFolder,
    map: &'a Map<String, Value>,
}

impl<'a> Settings<'a> {
    fn bad(&self, reason: impl Into<String>) -> Error {
        Error::model(&self.folder.path().join("config.json"), reason)
    }

    fn model_type(&self, elsewhere: &str) -> Result<(&'static str, &'static DecoderFamily, f64)> {
        let found = self.value("model_type").and_then(Value::as_str);
        let found = found.ok_or_else(|| self.bad("model_type is missing"))?;
        let known = MODEL_TYPES.iter().find_map(|(name, family, base)| {
            let family = FAMILIES.iter().find(|known| known.name == *family)?;
            (*name == found).then_some((*name, family, *base))
        });
        known.ok_or_else(|| {
            let known: Vec<_> = MODEL_TYPES.iter().map(|(name, ..)| *name).collect();
            let known = known.join(", ");
            self.bad(format!(
                "model_type {found:?} is not supported, supported are {known}; by way of candle {elsewhere}"
            ))
        })
    }

    /// A value that is there and not null.
    fn value(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn object(&self, key: &str) -> Result<Option<&'a Map<String, Value>>> {
        let object = self.value(key).map(|value| {
            value.as_object().ok_or_else(|| self.bad(format!("{key} is not an object")))
        });
        object.transpose()
    }

    fn count(&self, key: &str) -> Result<Option<usize>> {
        let count = self.value(key).map(|value| {
            let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
            count.ok_or_else(|| self.bad(format!("{key} is {value}, expected a count")))
        });
        count.transpose()
    }

    fn required(&self, key: &str, max: usize) -> Result<usize> {
        let count = self.count(key)?.ok_or_else(|| self.bad(format!("{key} is missing")))?;
        if count == 0 || count > max {
            return Err(self.bad(format!("{key} is {count}, expected 1 to {max}")));
        }
        Ok(count)
    }

    fn number(&self, key: &str) -> Result<Option<f64>> {
        self.number_in(self.map, key)
    }

    fn number_in(&self, map: &Map<String, Value>, key: &str) -> Result<Option<f64>> {
        let value = map.get(key).filter(|value| !value.is_null());
        let number = value.map(|value| {
            let number = value.as_f64().filter(|number| number.is_finite());
            number.ok_or_else(|| self.bad(format!("{key} is {value}, expected a number")))
        });
        number.transpose()
    }

    fn required_in(&self, map: &Map<String, Value>, key: &str) -> Result<f64> {
        self.number_in(map, key)?.ok_or_else(|| self.bad(format!("rope: {key} is missing")))
    }

    /// A cap; one that is not mentioned is Gemma 2's own.
    fn cap(&self, key: &str, family: &DecoderFamily, default: f64) -> Result<f32> {
        let is_default = !self.map.contains_key(key) && family.name == "gemma2";
        let cap = if is_default { default } else { self.number(key)?.unwrap_or(0.0) };
        if cap >= 0.0 { Ok(cap as f32) } else { Err(self.bad(format!("{key} is {cap}"))) }
    }

    fn gate(&self, family: &DecoderFamily) -> Result<Activation> {
        let name = self.value("hidden_activation").or_else(|| self.value("hidden_act"));
        let name = name.and_then(Value::as_str).unwrap_or("unnamed");
        let fits = match family.gate {
            Activation::Silu => matches!(name, "silu" | "swish"),
            // Gemma 1 said "gelu" and meant the other
            Activation::GeluTanh => matches!(name, "gelu_pytorch_tanh" | "gelu_new" | "gelu"),
            // of no family that we run
            Activation::Gelu | Activation::Relu => false,
        };
        if fits {
            Ok(family.gate)
        } else {
            Err(self.bad(format!("activation {name:?} is not supported in {}", family.name)))
        }
    }

    /// Version 5 keeps all in `rope_parameters`, for Gemma 3 by kind of layer; before, the base
    /// stood beside.
    fn ropes(&self, family: &DecoderFamily, base: f64) -> Result<Vec<Rope<'a>>> {
        let base = self.number("rope_theta")?.unwrap_or(base);
        let is_double = family.name == "gemma3";
        let Some(parameters) = self.object("rope_parameters")? else {
            let mut ropes = vec![Rope { base, scaling: self.object("rope_scaling")? }];
            if is_double {
                let base = self.number("rope_local_base_freq")?.unwrap_or(LOCAL_BASE);
                ropes.push(Rope { base, scaling: None });
            }
            return Ok(ropes);
        };
        let rope = |map: &'a Map<String, Value>, base: f64| {
            let base = self.number_in(map, "rope_theta")?.unwrap_or(base);
            Ok(Rope { base, scaling: Some(map) })
        };
        if !is_double {
            return Ok(vec![rope(parameters, base)?]);
        }
        let part = |key: &str| {
            let part = parameters.get(key).and_then(Value::as_object);
            part.ok_or_else(|| self.bad(format!("rope_parameters.{key} is missing")))
        };
        Ok(vec![
            rope(part("full_attention")?, base)?,
            rope(part("sliding_attention")?, LOCAL_BASE)?,
        ])
    }

    /// Components of a head that rotate.
    fn rotated_dim(&self, ropes: &[Rope<'_>], head_dim: usize) -> Result<usize> {
        const KEY: &str = "partial_rotary_factor";
        let inside = ropes.iter().filter_map(|rope| rope.scaling);
        let share = match inside.map(|map| self.number_in(map, KEY)).next().transpose()?.flatten() {
            Some(share) => share,
            None => self.number(KEY)?.unwrap_or(1.0),
        };
        if !(0.0..=1.0).contains(&share) {
            return Err(self.bad(format!("{KEY} is {share}, expected 0 to 1")));
        }
        Ok((head_dim as f64 * share) as usize)
    }

    fn rotation(&self, rope: &Rope<'_>, rotated_dim: usize) -> Result<Rotation> {
        let plain = Rotation { base: rope.base, divisor: 1.0, factors: None };
        let Some(map) = rope.scaling else { return Ok(plain) };
        match rope.kind() {
            "default" => Ok(plain),
            "linear" => Ok(Rotation { divisor: self.required_in(map, "factor")?, ..plain }),
            "llama3" => {
                let factors = self.llama3_factors(map, rope.base, rotated_dim)?;
                Ok(Rotation { factors: Some(factors), ..plain })
            }
            "longrope" | "su" => {
                let factors = map.get("short_factor").and_then(Value::as_array).map(|factors| {
                    factors.iter().map(|factor| factor.as_f64().map(|factor| factor as f32))
                });
                let factors = factors.and_then(Iterator::collect);
                let factors =
                    factors.ok_or_else(|| self.bad("rope: short_factor is not a list of numbers"))?;
                Ok(Rotation { factors: Some(factors), ..plain })
            }
            other => Err(self.bad(format!(
                "rope type {other:?} is not supported, supported are default, linear, llama3, longrope"
            ))),
        }
    }

    /// Slow turns are divided by a factor, fast ones are not, those between by something between
    /// (Llama 3.1; Dubey et al. 2024 and the model's code).
    fn llama3_factors(
        &self,
        map: &Map<String, Value>,
        base: f64,
        rotated_dim: usize,
    ) -> Result<Vec<f32>> {
        let value = |key: &str| self.required_in(map, key);
        let (factor, original) = (value("factor")?, value("original_max_position_embeddings")?);
        let (low, high) = (value("low_freq_factor")?, value("high_freq_factor")?);
        let divisor = |pair: usize| {
            let speed = base.powf(-(2.0 * pair as f64) / rotated_dim as f64);
            let turns = original * speed / (2.0 * PI);
            if turns < low {
                factor
            } else if turns > high {
                1.0
            } else {
                let share = (turns - low) / (high - low);
                1.0 / ((1.0 - share) / factor + share)
            }
        };
        Ok((0..rotated_dim / 2).map(|pair| divisor(pair) as f32).collect())
    }

    /// The length up to which the short factors of a long rope hold.
    fn original_len(&self, rope: &Rope<'_>) -> Result<Option<usize>> {
        const KEY: &str = "original_max_position_embeddings";
        let inside = rope.scaling.and_then(|map| map.get(KEY)).and_then(Value::as_u64);
        let inside = inside.and_then(|len| usize::try_from(len).ok());
        Ok(inside.or(self.count(KEY)?).filter(|_| rope.is_long()))
    }

    /// The trained length; the original one where longer contexts need other rotations.
    fn context_len(&self, ropes: &[Rope<'_>]) -> Result<usize> {
        let len = self.required("max_position_embeddings", usize::MAX)?;
        let mut len = len.min(MAX_CONTEXT_LEN);
        for rope in ropes {
            len = len.min(self.original_len(rope)?.unwrap_or(len));
        }
        if len == 0 { Err(self.bad("the context is 0 tokens long")) } else { Ok(len) }
    }

    /// A long rope makes rotated components larger by the root of 1 + ln(times longer) /
    /// ln(original length) (Ding et al. 2024, LongRoPE; Phi-3's code).
    fn rotation_scale(&self, ropes: &[Rope<'_>]) -> Result<f64> {
        let Some(rope) = ropes.iter().find(|rope| rope.is_long()) else { return Ok(1.0) };
        let given = rope.scaling.map(|map| self.number_in(map, "attention_factor"));
        if let Some(given) = given.transpose()?.flatten() {
            return Ok(given);
        }
        let len = self.required("max_position_embeddings", usize::MAX)? as f64;
        let original = self.original_len(rope)?.map_or(len, |len| len as f64);
        let factor = len / original;
        Ok(if factor > 1.0 { (1.0 + factor.ln() / original.ln()).sqrt() } else { 1.0 })
    }

    fn layers(
        &self,
        model_type: &str,
        family: &DecoderFamily,
        layer_count: usize,
        rotation_count: usize,
    ) -> Result<Vec<LayerConfig>> {
        let window = self.window(model_type)?;
        let windowed = self.windowed(model_type, family, layer_count)?;
        let unrotated = self.unrotated(family, layer_count)?;
        let layer = |(is_windowed, is_unrotated): (bool, bool)| {
            let window = window.filter(|_| is_windowed);
            let rotation = if window.is_some() { rotation_count - 1 } else { 0 };
            LayerConfig {
                window: window.unwrap_or(usize::MAX),
                rotation: (!is_unrotated).then_some(rotation),
            }
        };
        Ok(windowed.into_iter().zip(unrotated).map(layer).collect())
    }

    /// Positions that a windowed layer sees.
    fn window(&self, model_type: &str) -> Result<Option<usize>> {
        // Mistral's first version had one without saying so
        if model_type == "mistral" && !self.map.contains_key("sliding_window") {
            return Ok(Some(4096));
        }
        let is_switch = matches!(model_type, "qwen2" | "qwen3" | "smollm3");
        if model_type == "llama"
            || is_switch && self.value("use_sliding_window") != Some(&Value::Bool(true))
        {
            return Ok(None);
        }
        Ok(self.count("sliding_window")?.filter(|window| *window > 0))
    }

    /// Which layers are windowed.
    fn windowed(
        &self,
        model_type: &str,
        family: &DecoderFamily,
        count: usize,
    ) -> Result<Vec<bool>> {
        if let Some(types) = self.list("layer_types", count)? {
            let windowed = types.iter().map(|kind| match kind.as_str() {
                Some("sliding_attention") => Ok(true),
                Some("full_attention") => Ok(false),
                _ => Err(self.bad(format!("layers of type {kind} are not supported"))),
            });
            return windowed.collect();
        }
        let first = match model_type {
            "qwen2" | "qwen3" => self.count("max_window_layers")?.unwrap_or(28),
            _ => 0,
        };
        let every = self.count("sliding_window_pattern")?.unwrap_or(family.full_every);
        let is_full = |layer: usize| every > 0 && (layer + 1).is_multiple_of(every);
        Ok((0..count).map(|layer| layer >= first && !is_full(layer)).collect())
    }

    /// Which layers know no positions: 0 in `no_rope_layers`.
    fn unrotated(&self, family: &DecoderFamily, count: usize) -> Result<Vec<bool>> {
        if family.unrotated_every == 0 {
            return Ok(vec![false; count]);
        }
        if let Some(rotated) = self.list("no_rope_layers", count)? {
            return Ok(rotated.iter().map(|rotated| rotated.as_u64() == Some(0)).collect());
        }
        let every = self.count("no_rope_layer_interval")?.unwrap_or(family.unrotated_every);
        Ok((0..count).map(|layer| every > 0 && (layer + 1).is_multiple_of(every)).collect())
    }

    /// A list with something for each layer.
    fn list(&self, key: &str, count: usize) -> Result<Option<&'a Vec<Value>>> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let list = value.as_array().filter(|list| list.len() == count);
        list.map(Some)
            .ok_or_else(|| self.bad(format!("{key} is not a list of {count}, one per layer")))
    }
}
