//! A folder's `config.json` and weights as candle's networks take them.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::kernels::quantized::GgmlType;
use crate::model::generator::folder::GeneratorFolder;

/// Longest context, if no window is shorter: candle makes tables for all of it while it loads.
pub(super) const MAX_CONTEXT_LEN: usize = 1 << 15;
const MAX_LAYERS: u64 = 512;
const MAX_HEAD_DIM: usize = 512;
/// Settings that say how much there is of something, each with the most we believe.
const COUNTS: &[(&str, u64)] = &[
    ("num_hidden_layers", MAX_LAYERS),
    ("num_attention_heads", 1 << 10),
    ("num_key_value_heads", 1 << 10),
    ("hidden_size", 1 << 17),
    ("intermediate_size", 1 << 20),
    ("head_dim", 1 << 12),
    ("num_experts", 1 << 12),
    ("num_local_experts", 1 << 12),
    ("vocab_size", 1 << 22),
];
/// What candle asks for and `transformers` leaves out where it is the usual.
const USUAL: &[(&str, bool)] = &[
    ("use_cache", true),
    ("use_flash_attn", false),
    ("tie_word_embeddings", false),
    ("attention_bias", false),
    ("mlp_bias", false),
];

/// Numbers as they are computed with on a device.
pub(super) fn dtype(device: &Device) -> DType {
    if device.is_cpu() { DType::F32 } else { device.bf16_default_to_f32() }
}

/// A checked `config.json`.
pub(super) struct Settings<'a> {
    folder: &'a GeneratorFolder,
    map: Map<String, Value>,
    /// Longest prompt and answer together.
    pub(super) context_len: usize,
}

impl<'a> Settings<'a> {
    /// # Errors
    /// Model for sizes that no model has, and for kinds of positions that candle would pass over.
    pub(super) fn read(folder: &'a GeneratorFolder, scales_positions: bool) -> Result<Self> {
        let mut map = folder.config().clone();
        map.retain(|_, value| !value.is_null());
        if let Some(Value::Object(rope)) = map.remove("rope_parameters") {
            let kind = rope.get("rope_type").and_then(Value::as_str).unwrap_or("default");
            if kind != "default" {
                map.insert("rope_scaling".to_owned(), Value::Object(rope.clone()));
            }
            for (key, value) in rope {
                map.entry(key).or_insert(value);
            }
        }
        let settings = Self { folder, map, context_len: 0 };
        if settings.map.contains_key("rope_scaling") && !scales_positions {
            return Err(settings.bad("rope_scaling is not supported for this architecture"));
        }
        for (key, most) in COUNTS {
            let value = settings.map.get(*key).map(|value| (value, value.as_u64()));
            if let Some((value, count)) = value
                && !count.is_some_and(|count| (1..=*most).contains(&count))
            {
                return Err(settings.bad(&format!("{key} is {value}, expected 1 to {most}")));
            }
        }
        settings.complete()
    }

    /// Adds what candle asks for.
    fn complete(mut self) -> Result<Self> {
        let known = self.count("max_position_embeddings");
        let known = known.ok_or_else(|| self.bad("max_position_embeddings is missing"))?;
        // candle does not see through windows as its models do: a context no longer than the window
        // needs none
        let is_windowed = self.map.get("use_sliding_window") != Some(&Value::Bool(false));
        let window = self.count("sliding_window").filter(|_| is_windowed);
        self.context_len = known.min(window.unwrap_or(known)).clamp(1, MAX_CONTEXT_LEN);
        for key in ["max_position_embeddings", "sliding_window", "max_window_layers"] {
            self.map.insert(key.to_owned(), json!(self.context_len));
        }
        self.map.insert("use_sliding_window".to_owned(), json!(false));
        for (key, value) in USUAL {
            self.map.entry(*key).or_insert(json!(value));
        }
        Ok(self)
    }

    /// Holds the sizes that candle makes tables by against the weights.
    ///
    /// # Errors
    /// Model if there is no embedding, it has another shape, or a head is wider than any model's.
    pub(super) fn check_sizes(&self, embedding: &str) -> Result<()> {
        let stored = self.folder.stored().find(|(name, ..)| *name == embedding);
        let shape = stored.map(|(_, _, shape)| shape);
        let shape = shape.ok_or_else(|| self.bad(&format!("tensor {embedding} is missing")))?;
        let (rows, columns) = (self.count("vocab_size"), self.count("hidden_size"));
        if shape.len() != 2 || (rows, columns) != (Some(shape[0]), Some(shape[1])) {
            let given = [rows, columns].map(|count| count.unwrap_or(0));
            let reason = format!(
                "vocab_size and hidden_size are {given:?}, tensor {embedding} has shape {shape:?}"
            );
            return Err(self.bad(&reason));
        }
        let width = self.head_dim();
        if !(1..=MAX_HEAD_DIM).contains(&width) {
            return Err(self.bad(&format!("heads are {width} wide, expected 1 to {MAX_HEAD_DIM}")));
        }
        Ok(())
    }

    fn head_dim(&self) -> usize {
        let heads = self.count("num_attention_heads").unwrap_or(1).max(1);
        let width = self.count("head_dim");
        width.unwrap_or(self.count("hidden_size").unwrap_or(0) / heads)
    }

    /// Adds a setting if it is not there.
    pub(super) fn or(mut self, key: &str, value: Value) -> Self {
        self.map.entry(key).or_insert(value);
        self
    }

    /// A count, if it is there and one.
    pub(super) fn count(&self, key: &str) -> Option<usize> {
        self.map.get(key)?.as_u64().and_then(|count| usize::try_from(count).ok())
    }

    /// Whether a setting is there and true.
    pub(super) fn is(&self, key: &str) -> bool {
        self.map.get(key) == Some(&Value::Bool(true))
    }

    /// Keys and values of a token in all layers.
    pub(super) fn kv_numbers_per_token(&self) -> usize {
        let layers = self.count("num_hidden_layers").unwrap_or(0);
        let heads = self.count("num_key_value_heads").or(self.count("num_attention_heads"));
        2 * layers * self.head_dim() * heads.unwrap_or(1)
    }

    /// The settings as a network takes them.
    ///
    /// # Errors
    /// Model if one is missing or of another type.
    pub(super) fn parse<C: DeserializeOwned>(&self) -> Result<C> {
        serde_json::from_value(Value::Object(self.map.clone()))
            .map_err(|cause| Error::model_cause(&self.path(), "not a configuration of it", cause))
    }

    /// The weights, in the numbers that the device computes with. An embedding that scores tokens
    /// too stands under both names.
    ///
    /// # Errors
    /// Model if a file ends early; Io.
    pub(super) fn weights(
        &self,
        device: &Device,
        embedding: &str,
        dtype: DType,
    ) -> Result<VarBuilder<'static>> {
        let mut tensors = HashMap::new();
        let mut bytes = Vec::new();
        for (name, kind, shape) in self.folder.stored() {
            self.folder.read_stored(name, 0, self.folder.stored_bytes(name), &mut bytes)?;
            let stored = match kind {
                GgmlType::F16 => DType::F16,
                GgmlType::BF16 => DType::BF16,
                _ => DType::F32,
            };
            let tensor = Tensor::from_raw_buffer(&bytes, stored, shape, device)
                .and_then(|tensor| tensor.to_dtype(dtype))
                .map_err(|cause| super::bad(self.folder.path(), cause))?;
            tensors.insert(name.to_owned(), tensor);
        }
        if !tensors.contains_key("lm_head.weight")
            && let Some(tied) = tensors.get(embedding).cloned()
        {
            tensors.insert("lm_head.weight".to_owned(), tied);
        }
        Ok(VarBuilder::from_tensors(tensors, dtype, device))
    }

    /// Whether a setting is a list with something in it.
    pub(super) fn has_entries(&self, key: &str) -> bool {
        self.map.get(key).and_then(Value::as_array).is_some_and(|entries| !entries.is_empty())
    }

    /// The error of a network that cannot be made of these files.
    pub(super) fn failed(&self, cause: candle_core::Error) -> Error {
        super::bad(self.folder.path(), cause)
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("config.json")
    }

    pub(super) fn bad(&self, reason: &str) -> Error {
        Error::model(&self.path(), reason)
    }
}
