#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::{Path, PathBuf};

use super::*;
use crate::model::formats::gguf::testing::GgufWriter;
use crate::model::test_model;

/// A token for each byte.
pub(crate) fn byte_tokens() -> Vec<String> {
    byte_characters().iter().map(char::to_string).collect()
}

/// A byte-level vocabulary: 256 bytes, "he", "llo", "hello", then special tokens.
pub(crate) fn tiny() -> GgufWriter {
    let bytes = byte_tokens();
    let mut tokens: Vec<&str> = bytes.iter().map(String::as_str).collect();
    tokens.extend(["he", "ll", "llo", "hello", "<|im_start|>", "<|im_end|>", "<tool>", "[PAD9]"]);
    let mut kinds = vec![1; 260];
    kinds.extend([3, 3, 4, 5]);
    GgufWriter::default()
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", "qwen2")
        .texts("tokenizer.ggml.tokens", &tokens)
        .integers("tokenizer.ggml.token_type", &kinds)
        .texts("tokenizer.ggml.merges", &["h e", "l l", "ll o", "he llo", "< tool"])
        .count("tokenizer.ggml.eos_token_id", 261)
}

fn vocabulary(writer: &GgufWriter) -> Result<Vocabulary> {
    let file = writer.file();
    Vocabulary::from_gguf(&Gguf::open(file.path()).unwrap())
}

fn refusal(writer: &GgufWriter) -> String {
    vocabulary(writer).unwrap_err().to_string()
}

#[test]
fn text_is_merged_and_comes_back() {
    let vocabulary = vocabulary(&tiny()).unwrap();
    assert_eq!(vocabulary.encode("hello", None).unwrap(), [259]);
    for text in ["hello he\u{e9}\u{1F600}\r\n\0", "", " ", "\u{4E2D}\u{6587}"] {
        assert_eq!(vocabulary.decode(&vocabulary.encode(text, None).unwrap()), text);
    }
    assert_eq!(vocabulary.end_ids(), [261]);
    assert_eq!(vocabulary.decode(&[259, 261, 262, 263, 9_999]), "hello<tool>");
}

#[test]
fn only_the_scaffold_names_control_tokens() {
    let vocabulary = vocabulary(&tiny()).unwrap();
    for (name, id) in vocabulary.special().to_vec() {
        let text = format!("hello{name}hello");
        assert!(
            vocabulary.encode(&text, None).unwrap().iter().all(|id| !vocabulary.is_special(*id)),
            "{name}"
        );
        assert_eq!(vocabulary.decode(&vocabulary.encode(&text, None).unwrap()), text);
        assert_eq!(vocabulary.encode_scaffold(&text, None).unwrap(), [259, id, 259], "{name}");
    }
}

#[test]
fn unknown_or_broken_tables_are_refused_by_name() {
    let cases = [
        (GgufWriter::default().text("tokenizer.ggml.model", "t5"), "\"t5\" is not supported"),
        (
            GgufWriter::default()
                .text("tokenizer.ggml.model", "llama")
                .texts("tokenizer.ggml.tokens", &["a"]),
            "scores is missing",
        ),
        (
            GgufWriter::default()
                .text("tokenizer.ggml.model", "gpt2")
                .text("tokenizer.ggml.pre", "new-kind"),
            "\"new-kind\" is not supported",
        ),
        (
            GgufWriter::default().text("tokenizer.ggml.model", "gpt2"),
            "\"default\" is not supported",
        ),
        (GgufWriter::default(), "tokenizer.ggml.model is missing"),
        (
            GgufWriter::default()
                .text("tokenizer.ggml.model", "gpt2")
                .text("tokenizer.ggml.pre", "gpt-2"),
            "tokens is missing",
        ),
        (
            GgufWriter::default()
                .text("tokenizer.ggml.model", "gpt2")
                .text("tokenizer.ggml.pre", "gpt-2")
                .texts("tokenizer.ggml.tokens", &["a"]),
            "no token for byte",
        ),
        (tiny().count("tokenizer.ggml.bos_token_id", 264), "bos_token_id is 264"),
    ];
    for (writer, expected) in cases {
        let reason = refusal(&writer);
        assert!(reason.contains(expected), "{reason}");
    }
}

/// Checks the 46 strings of llama.cpp's vocabulary tests; expected ids are those of the original
/// tokenizers.
fn check(gguf: &Path, inputs: &Path, expected: &Path) {
    let vocabulary = Vocabulary::from_gguf(&Gguf::open(gguf).unwrap()).unwrap();
    let inputs = std::fs::read_to_string(inputs).unwrap();
    let expected = std::fs::read_to_string(expected).unwrap();
    let mut count = 0;
    for (text, line) in inputs.split("\n__ggml_vocab_test__\n").zip(expected.lines()) {
        let ids: Vec<u32> = line.split_whitespace().map(|id| id.parse().unwrap()).collect();
        assert_eq!(vocabulary.encode(text, None).unwrap(), ids, "{}: {text:?}", gguf.display());
        count += 1;
    }
    assert!(count >= 46, "{count}");
}

/// Characters that are no piece become bytes, runs of white space one token, and all of it comes
/// back.
#[test]
fn gemma_text_comes_back_and_opens_without_a_space() {
    let Some(folder) = test_model("gemma3-270m") else { return };
    let gguf = Gguf::open(&crate::model::formats::files::find_gguf(&folder).unwrap()).unwrap();
    let vocabulary = Vocabulary::from_gguf(&gguf).unwrap();
    for text in [
        "The capital of France is",
        "  two\n\n\nlines\t\u{e9}t\u{e9} \u{1F600}\u{13000}",
        " ",
        "<start_of_turn>user\n<table>",
    ] {
        let ids = vocabulary.encode(text, None).unwrap();
        assert_eq!(vocabulary.decode(&ids), text);
        assert!(ids.iter().all(|id| !vocabulary.is_special(*id)), "{text:?}");
    }
    assert_eq!(vocabulary.encode("The capital of France is", None).unwrap().len(), 5);
    assert_eq!(vocabulary.encode("\n\n\n", None).unwrap().len(), 1);
    assert_eq!(vocabulary.opening_id(), Some(2));
    assert!(vocabulary.end_ids().contains(&1) && vocabulary.end_ids().contains(&106));
}

#[test]
fn qwen_splits_and_merges_as_published() {
    let Some(folder) = test_model("qwen2.5-0.5b") else { return };
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/vocabulary");
    let gguf = crate::model::formats::files::find_gguf(&folder).unwrap();
    check(&gguf, &data.join("qwen2.inp"), &data.join("qwen2.out"));
}

/// Folders with `ggml-vocab-*.gguf`: the shared one holds gpt-2, llama-spm and phi-3;
/// `RAG_TEST_VOCABULARIES` may name the one of a llama.cpp checkout (`models/`), which holds the
/// others.
#[test]
fn other_vocabularies_split_and_merge_as_published() {
    let shared = std::env::var_os("RAG_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let vectors = shared.join("data/vectors/llamacpp-vocab");
    let more = std::env::var_os("RAG_TEST_VOCABULARIES").map(PathBuf::from);
    let kinds = [
        "gpt-2",
        "llama-bpe",
        "qwen2",
        "qwen35",
        "command-r",
        "starcoder",
        "refact",
        "mpt",
        "falcon",
        "deepseek-coder",
        "deepseek-llm",
        "llama-spm",
        "phi-3",
        "gemma-4",
    ];
    for kind in kinds {
        let name = format!("ggml-vocab-{kind}.gguf");
        let file = [Some(vectors.clone()), more.clone()]
            .into_iter()
            .flatten()
            .map(|folder| folder.join(&name))
            .find(|file| file.is_file());
        match file {
            Some(file) => check(
                &file,
                &vectors.join(format!("{name}.inp")),
                &vectors.join(format!("{name}.out")),
            ),
            None => eprintln!("SKIP: {name} is missing"),
        }
    }
}

#[test]
fn long_and_odd_texts_are_encoded_in_time() {
    let Some(folder) = test_model("qwen2.5-0.5b") else { return };
    let gguf = Gguf::open(&crate::model::formats::files::find_gguf(&folder).unwrap()).unwrap();
    let vocabulary = Vocabulary::from_gguf(&gguf).unwrap();
    let texts = [
        " ".repeat(100_000),
        "a".repeat(100_000),
        "\n".repeat(100_000),
        "<|".repeat(50_000),
        format!("{}x", " ".repeat(50_000)),
    ];
    for text in texts {
        let started = std::time::Instant::now();
        assert_eq!(vocabulary.decode(&vocabulary.encode(&text, None).unwrap()), text);
        assert!(started.elapsed().as_secs() < 20, "{:?} took {:?}", &text[..4], started.elapsed());
    }
}
