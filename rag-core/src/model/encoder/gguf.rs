//! An encoder in a GGUF file, as llama.cpp's converter writes BERT: its configuration, tokenizer
//! and weights under the names that a folder has.
//!
//! The converter takes `##` off pieces that go on with a word and puts U+2581 before those that
//! begin one; that is undone here. Text is lower-cased and loses its accents, as llama.cpp does
//! whatever the model was trained on.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::kernels::isa::Isa;
use crate::kernels::pool::Pool;
use crate::kernels::quantized::Matrix;
use crate::model::encoder::architecture::transformer_config;
use crate::model::encoder::{EncoderFiles, Pooling};
use crate::model::formats::files::{find_gguf, open_plain};
use crate::model::formats::gguf::{Gguf, TensorInfo};
use crate::model::formats::safetensors::Tensors;
use crate::model::formats::tensors::TensorSource;

const ARCHITECTURE: &str = "bert";
/// The mark of a piece that begins a word.
const BEGINS: char = '\u{2581}';
/// `tokenizer.ggml.token_type` of tokens that are no text.
const CONTROL: i64 = 3;
/// What a tensor of a GGUF file is called in a folder.
const NAMES: [(&str, &str); 3] = [
    ("token_embd.weight", "embeddings.word_embeddings.weight"),
    ("position_embd.weight", "embeddings.position_embeddings.weight"),
    ("token_types.weight", "embeddings.token_type_embeddings.weight"),
];
/// The same of layers, `blk.N.` and `encoder.layer.N.` left out, each with a weight and a bias.
const LAYER_NAMES: [(&str, &str); 8] = [
    ("attn_q", "attention.self.query"),
    ("attn_k", "attention.self.key"),
    ("attn_v", "attention.self.value"),
    ("attn_output", "attention.output.dense"),
    ("attn_output_norm", "attention.output.LayerNorm"),
    ("ffn_up", "intermediate.dense"),
    ("ffn_down", "output.dense"),
    ("layer_output_norm", "output.LayerNorm"),
];

/// Whether `path` is a GGUF file, or a folder with one, whose network makes vectors and no text.
#[must_use]
pub fn is_encoder_gguf(path: &Path) -> bool {
    let gguf = find_gguf(path).and_then(|file| Gguf::open(&file));
    gguf.is_ok_and(|gguf| {
        gguf.text("general.architecture").is_some_and(|name| name.contains("bert"))
    })
}

/// What the file says about its encoder.
///
/// # Errors
/// Model naming what is missing, wrong or not run here; Io.
pub(super) fn read(path: &Path) -> Result<EncoderFiles> {
    let path = find_gguf(path)?;
    let gguf = Gguf::open(&path)?;
    let name = gguf.text("general.architecture").unwrap_or("missing");
    if name != ARCHITECTURE {
        let reason =
            format!("architecture {name:?} is not an encoder this engine runs: {ARCHITECTURE}");
        return Err(gguf.bad(reason));
    }
    if gguf.flag("bert.attention.causal") == Some(true) {
        return Err(gguf.bad("an encoder whose tokens see only those before them is not run"));
    }
    let config_bytes = config(&gguf)?.to_string().into_bytes();
    let config = transformer_config(&path, &config_bytes)?;
    let trained = gguf.count("bert.context_length")?.unwrap_or(config.position_count);
    let max_tokens = trained.min(config.position_count);
    if max_tokens < 4 {
        return Err(gguf.bad(format!("bert.context_length is {max_tokens}")));
    }
    Ok(EncoderFiles {
        tokenizer_bytes: tokenizer(&gguf)?.to_string().into_bytes(),
        poolings: vec![pooling(&gguf)?],
        config,
        config_bytes,
        tokenizer_path: path.clone(),
        weights_path: path,
        denses: Vec::new(),
        query_prefix: String::new(),
        passage_prefix: String::new(),
        max_tokens,
    })
}

/// A folder's `config.json` from the metadata and the shapes of the tables.
fn config(gguf: &Gguf) -> Result<Value> {
    let count = |key: &str| {
        let key = format!("bert.{key}");
        gguf.count(&key)?.ok_or_else(|| gguf.bad(format!("{key} is missing")))
    };
    let hidden = count("embedding_length")?;
    let rows = |name: &str| {
        let info = gguf.tensors().get(name);
        let info = info.ok_or_else(|| gguf.bad(format!("tensor {name} is missing")))?;
        Ok::<usize, Error>(info.element_count() / hidden.max(1))
    };
    Ok(json!({
        "model_type": "bert",
        "hidden_act": "gelu",
        "vocab_size": rows("token_embd.weight")?,
        "hidden_size": hidden,
        "num_hidden_layers": count("block_count")?,
        "num_attention_heads": count("attention.head_count")?,
        "intermediate_size": count("feed_forward_length")?,
        "max_position_embeddings": rows("position_embd.weight")?,
        "type_vocab_size": rows("token_types.weight")?,
        "layer_norm_eps": gguf.number("bert.attention.layer_norm_epsilon")?.unwrap_or(1e-12),
    }))
}

fn pooling(gguf: &Gguf) -> Result<Pooling> {
    match gguf.count("bert.pooling_type")? {
        // a file that names none is taken as a folder that names none
        None | Some(0 | 1) => Ok(Pooling::Mean),
        Some(2) => Ok(Pooling::Cls),
        Some(3) => Ok(Pooling::Last),
        Some(4) => Err(gguf.bad("a cross-encoder in GGUF is not run: use safetensors")),
        Some(other) => Err(gguf.bad(format!("bert.pooling_type {other} is not known"))),
    }
}

/// A folder's `tokenizer.json` from the vocabulary.
fn tokenizer(gguf: &Gguf) -> Result<Value> {
    let kind = gguf.text("tokenizer.ggml.model").unwrap_or("missing");
    if kind != "bert" {
        return Err(
            gguf.bad(format!("a {kind:?} vocabulary is not one an encoder in GGUF has here: bert"))
        );
    }
    let missing = |what: &str| gguf.bad(format!("{what} is missing"));
    let tokens = gguf.texts("tokenizer.ggml.tokens");
    let tokens = tokens.ok_or_else(|| missing("tokenizer.ggml.tokens"))?;
    let kinds = gguf.integers("tokenizer.ggml.token_type").unwrap_or_default();
    let is_control = |id: usize, token: &str| match kinds.get(id) {
        Some(kind) => *kind == CONTROL,
        None => token.starts_with('[') && token.ends_with(']'),
    };
    let (mut vocab, mut added) = (Map::new(), Vec::new());
    for (id, token) in tokens.iter().enumerate() {
        let piece = match token.strip_prefix(BEGINS) {
            _ if is_control(id, token) => {
                added.push(json!({
                    "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": true,
                }));
                token.clone()
            }
            Some(begins) => begins.to_owned(),
            None => format!("##{token}"),
        };
        vocab.insert(piece, id.into());
    }
    let special = |keys: &[&str], name: &str| {
        let id = keys
            .iter()
            .find_map(|key| gguf.count(&format!("tokenizer.ggml.{key}_token_id")).transpose());
        let id = id.transpose()?.or_else(|| tokens.iter().position(|token| token == name));
        let token = id.and_then(|id| Some((tokens.get(id)?.clone(), id)));
        token.ok_or_else(|| missing(name))
    };
    // newer files call [CLS] the beginning of a text; "seperator" is written so
    let begin = special(&["cls", "bos"], "[CLS]")?;
    let end = special(&["seperator"], "[SEP]")?;
    let unknown = special(&["unknown"], "[UNK]")?.0;
    Ok(json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": true,
            "lowercase": true,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": [end.0, end.1], "cls": [begin.0, begin.1]},
        "decoder": null,
        "model": {
            "type": "WordPiece", "unk_token": unknown, "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocab,
        },
    }))
}

/// The weights in f32, under a folder's names.
///
/// # Errors
/// Model for a tensor that is damaged or of a kind that is not known; Io.
pub(super) fn tensors(path: &Path) -> Result<Tensors> {
    let gguf = Gguf::open(path)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(&mut open_plain(path)?).map_err(|source| Error::io(path, source))?;
    let pool = Pool::new(1);
    let mut all = Vec::new();
    for (name, info) in gguf.tensors() {
        let Some(new) = renamed(name) else { continue };
        let values = values(&gguf, name, info, &pool)?;
        // tables of one row are written without their first dimension
        let mut shape = info.shape.clone();
        if new.ends_with("embeddings.weight") && shape.len() == 1 {
            shape.insert(0, 1);
        }
        all.push((new, shape, values));
    }
    Tensors::of(path, all, hasher.finalize())
}

/// Rows of a tensor that are widened together.
const ROWS: usize = 1024;

/// A tensor in f32, through the tiles in which a decoder keeps its weights: they give each value
/// exactly.
fn values(gguf: &Gguf, name: &str, info: &TensorInfo, pool: &Pool) -> Result<Vec<f32>> {
    let columns = info.shape.last().copied().unwrap_or(1);
    let (rows, row_bytes) = (info.element_count() / columns.max(1), info.kind.row_bytes(columns));
    let refused = || gguf.bad(format!("no memory for tensor {name}, or a row is no whole blocks"));
    let mut values = vec![0.0; info.element_count()];
    let mut bytes = Vec::new();
    for (first, values) in (0..rows).step_by(ROWS).zip(values.chunks_mut(ROWS * columns)) {
        let count = ROWS.min(rows - first);
        gguf.read_part(name, first * row_bytes, count * row_bytes, &mut bytes)?;
        let mut matrix = Matrix::new(info.kind, count, columns).ok_or_else(refused)?;
        matrix.pack(pool, 0, &bytes);
        for (row, out) in values.chunks_mut(columns).enumerate() {
            matrix.row(Isa::detect(), row, out);
        }
    }
    Ok(values)
}

fn renamed(name: &str) -> Option<String> {
    if let Some((_, new)) = NAMES.iter().find(|(old, _)| *old == name) {
        return Some((*new).to_owned());
    }
    if let Some(end) = name.strip_prefix("token_embd_norm.") {
        return Some(format!("embeddings.LayerNorm.{end}"));
    }
    let (index, part) = name.strip_prefix("blk.")?.split_once('.')?;
    let (part, end) = part.rsplit_once('.')?;
    let (_, new) = LAYER_NAMES.iter().find(|(old, _)| *old == part)?;
    Some(format!("encoder.layer.{index}.{new}.{end}"))
}
