//! The XLM-RoBERTa tokenizer as a `tokenizer.json`.

use std::io::Read;

use flate2::read::DeflateDecoder;
use rag_core::{Error, Result};
use serde_json::{Value, json};

use super::reader::Source;

/// XLM-RoBERTa's character map; see `assets/README.md`.
const CHARACTER_MAP: &[u8] = include_bytes!("../../../../assets/xlmr_nmt_nfkc.charsmap.deflate");

/// The published normaliser, pre-tokenizer and template around the vocabulary of `source`.
pub(super) fn tokenizer(source: &Source<'_>) -> Result<Value> {
    let vocabulary = &source.vocabulary;
    let mask = vocabulary.pieces.len().saturating_sub(1);
    let mut specials = vec![
        (vocabulary.bos, "<s>"),
        (vocabulary.pad, "<pad>"),
        (vocabulary.eos, "</s>"),
        (vocabulary.unk, "<unk>"),
        (mask, "<mask>"),
    ];
    specials.sort_unstable();
    for (id, name) in &specials {
        if vocabulary.pieces.get(*id).map(|(piece, _)| *piece) != Some(name) {
            return Err(Error::model(source.path(), format!("piece {id} is not {name}")));
        }
    }
    let added = |(id, name): &(usize, &str)| {
        json!({
            "id": id, "content": name, "single_word": false, "lstrip": *name == "<mask>", "rstrip": false,
            "normalized": false, "special": true,
        })
    };
    let added: Vec<Value> = specials.iter().map(added).collect();
    let pieces: Vec<Value> =
        vocabulary.pieces.iter().map(|(piece, score)| json!([piece, f64::from(*score)])).collect();
    let spaces = json!({ "type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always", "split": true });
    Ok(json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": { "type": "Sequence", "normalizers": [
            { "type": "Precompiled", "precompiled_charsmap": base64(&character_map()?) },
            { "type": "Replace", "pattern": { "Regex": " {2,}" }, "content": " " },
        ]},
        "pre_tokenizer": spaces,
        "post_processor": template(vocabulary.bos, vocabulary.eos),
        "decoder": spaces,
        "model": { "type": "Unigram", "unk_id": vocabulary.unk, "vocab": pieces, "byte_fallback": false },
    }))
}

fn template(bos: usize, eos: usize) -> Value {
    let special = |name: &str| json!({ "SpecialToken": { "id": name, "type_id": 0 } });
    let text = |name: &str| json!({ "Sequence": { "id": name, "type_id": 0 } });
    let (start, end) = (special("<s>"), special("</s>"));
    json!({
        "type": "TemplateProcessing",
        "single": [start, text("A"), end],
        "pair": [start, text("A"), end, end, text("B"), end],
        "special_tokens": {
            "<s>": { "id": "<s>", "ids": [bos], "tokens": ["<s>"] },
            "</s>": { "id": "</s>", "ids": [eos], "tokens": ["</s>"] },
        },
    })
}

fn character_map() -> Result<Vec<u8>> {
    let mut map = Vec::new();
    let read = DeflateDecoder::new(CHARACTER_MAP).read_to_end(&mut map);
    read.map_err(|e| Error::internal_cause("the character map in this program is damaged", e))?;
    Ok(map)
}

/// Standard base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::sums::hex;
    use sha2::{Digest, Sha256};

    #[test]
    fn base64_equals_the_examples_of_the_standard() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn the_character_map_is_whole() {
        let hash = hex(&Sha256::digest(character_map().unwrap()));
        assert_eq!(hash, "0942789e0111452f1cc446f70036e26d24458c3c7858c53cc12ca4d87531279b");
    }
}
