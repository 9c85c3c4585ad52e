#![allow(clippy::print_stderr)]

use super::*;
use crate::model::test_model;

/// Numbers from a small generator (xorshift, Marsaglia 2003).
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state >> 20
}

fn both(json: &str) -> (TokenizerModel, ModelWrapper) {
    let ours: TokenizerModel = serde_json::from_str(json).unwrap();
    assert!(matches!(ours, TokenizerModel::Pieces(_)));
    (ours, serde_json::from_str(json).unwrap())
}

fn assert_same(ours: &TokenizerModel, theirs: &ModelWrapper, text: &str) {
    match (ours.tokenize(text), theirs.tokenize(text)) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs, "{text:?}"),
        (Err(ours), Err(theirs)) => assert_eq!(ours.to_string(), theirs.to_string()),
        (ours, theirs) => panic!("{text:?}: {ours:?}, the crate says {theirs:?}"),
    }
}

#[test]
fn random_vocabularies_give_the_tokens_of_the_crate() {
    const CHARS: [char; 7] = ['a', 'b', 'c', '\u{e9}', '\u{4e2d}', '\u{1f600}', '_'];
    let mut state = 7;
    for round in 0..300 {
        let text = |state: &mut u64, most: u64| -> String {
            let count = 1 + random(state) % most;
            (0..count).map(|_| CHARS[random(state) as usize % CHARS.len()]).collect()
        };
        let mut vocab = vec![serde_json::json!(["<unk>", 0.0])];
        for _ in 0..1 + random(&mut state) % 40 {
            // few scores, so that paths tie; pieces may come twice
            let score = -((random(&mut state) % 4) as f64) - 0.5;
            vocab.push(serde_json::json!([text(&mut state, 4), score]));
        }
        if round % 3 == 0 {
            vocab.extend(
                (0..=255).map(|byte: u8| serde_json::json!([format!("<0x{byte:02X}>"), -9.0])),
            );
        }
        let unk_id = if round % 7 == 6 { serde_json::Value::Null } else { 0.into() };
        let json = serde_json::json!({
            "type": "Unigram", "unk_id": unk_id, "byte_fallback": round % 2 == 0, "vocab": vocab,
        });
        let (ours, theirs) = both(&json.to_string());
        assert_eq!(ours.get_vocab_size(), theirs.get_vocab_size());
        assert_eq!(ours.get_vocab(), theirs.get_vocab());
        for _ in 0..50 {
            let text = text(&mut state, 30);
            assert_same(&ours, &theirs, &text);
            assert_eq!(ours.token_to_id(&text), theirs.token_to_id(&text));
        }
        assert_same(&ours, &theirs, "");
        assert_same(&ours, &theirs, "<unk>");
        for id in 0..ours.get_vocab_size() as u32 + 2 {
            assert_eq!(ours.id_to_token(id), theirs.id_to_token(id));
        }
    }
}

#[test]
fn bad_vocabularies_are_refused() {
    for json in [
        r#"{"type":"Unigram","unk_id":0,"vocab":[]}"#,
        r#"{"type":"Unigram","unk_id":2,"vocab":[["a",0.0],["b",0.0]]}"#,
        r#"{"type":"Unigram","unk_id":0,"vocab":[["a"]]}"#,
        r#"{"type":"Unigram","unk_id":0,"vocab":[["a",0.0,1]]}"#,
        r#"{"type":"Unigram","unk_id":0,"vocab":[[1,0.0]]}"#,
        r#"{"type":"Unigram","unk_id":-1,"vocab":[["a",0.0]]}"#,
        r#"{"type":"Unigram","unk_id":0}"#,
        r#"{"type":"Bigram"}"#,
        "[]",
    ] {
        assert!(serde_json::from_str::<TokenizerModel>(json).is_err(), "{json}");
    }
    let empty: TokenizerModel = serde_json::from_str(r#"{"type":"Unigram","vocab":[]}"#).unwrap();
    assert!(empty.tokenize("a").is_err() && empty.tokenize("").unwrap().is_empty());
}

#[test]
fn a_real_vocabulary_gives_the_tokens_of_the_crate() {
    let Some(folder) = test_model("e5-small") else {
        eprintln!("SKIP: model e5-small is missing");
        return;
    };
    let file: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("tokenizer.json")).unwrap()).unwrap();
    let (ours, theirs) = both(&file["model"].to_string());
    let mut state = 11;
    for document in
        ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "rag-core/src/encode/mod.rs"]
    {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(document);
        let text = std::fs::read_to_string(path).unwrap().replace([' ', '\n'], "\u{2581}");
        assert_same(&ours, &theirs, &text);
    }
    for _ in 0..3000 {
        // stretches of pieces, broken at random, and any characters between them
        let mut text = String::new();
        for _ in 0..1 + random(&mut state) % 6 {
            let id = (random(&mut state) % 250_001) as u32;
            let piece = ours.id_to_token(id).unwrap_or_default();
            text.extend(piece.chars().skip(random(&mut state) as usize % 2));
            if random(&mut state).is_multiple_of(4) {
                text.extend(char::from_u32(random(&mut state) as u32 % 0x11_0000));
            }
        }
        assert_same(&ours, &theirs, &text);
    }
}
