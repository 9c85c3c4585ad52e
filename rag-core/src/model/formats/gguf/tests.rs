#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::testing::{GgufWriter, file, string};
use super::*;
use crate::error::ErrorCode;
use crate::model::formats::files::find_gguf;
use crate::model::inspect;

fn sound() -> GgufWriter {
    GgufWriter::default()
        .text("general.architecture", "llama")
        .count("llama.block_count", 2)
        .texts("tokenizer.ggml.tokens", &["a", "b"])
        .floats("weight", &[32, 2], &[0.5; 64])
}

fn reason(bytes: &[u8]) -> String {
    let file = file(bytes);
    let error = Gguf::open(file.path()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Model, "{error}");
    error.to_string()
}

/// `bytes` with `with` written at `at`.
fn patched(mut bytes: Vec<u8>, at: usize, with: &[u8]) -> Vec<u8> {
    bytes[at..at + with.len()].copy_from_slice(with);
    bytes
}

#[test]
fn a_sound_file_is_read_as_written() {
    let file = sound().number("llama.scale", 0.5).raw("general.flag", 7, &[1]).file();
    let gguf = Gguf::open(file.path()).unwrap();
    assert_eq!(gguf.text("general.architecture"), Some("llama"));
    assert_eq!(gguf.count("llama.block_count").unwrap(), Some(2));
    assert_eq!(gguf.number("llama.scale").unwrap(), Some(0.5));
    assert_eq!(gguf.flag("general.flag"), Some(true));
    assert_eq!(gguf.texts("tokenizer.ggml.tokens").unwrap(), ["a", "b"]);
    assert_eq!(gguf.tensor("weight").unwrap(), (GgmlType::F32, &[2, 32][..]));
    let mut bytes = Vec::new();
    gguf.read_part("weight", 0, 4 * 64, &mut bytes).unwrap();
    assert_eq!(bytes, 0.5f32.to_le_bytes().repeat(64));
    assert!(
        gguf.read_part("other", 0, 1, &mut bytes)
            .unwrap_err()
            .to_string()
            .contains("other is missing")
    );
    assert!(gguf.count("general.architecture").is_err());
}

#[test]
fn hostile_headers_are_refused_with_the_reason() {
    let bytes = sound().bytes();
    let huge = u64::MAX.to_le_bytes();
    let empty = GgufWriter::default;
    let array = |kind: u32, count: u64| [&kind.to_le_bytes()[..], &count.to_le_bytes()].concat();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty file", vec![], "truncated"),
        ("three bytes", b"GGU".to_vec(), "truncated"),
        ("wrong magic", patched(bytes.clone(), 0, b"GGML"), "wrong magic"),
        ("version 1", patched(bytes.clone(), 4, &1u32.to_le_bytes()), "version 1"),
        ("version 0", patched(bytes.clone(), 4, &0u32.to_le_bytes()), "version 0"),
        ("version 99", patched(bytes.clone(), 4, &99u32.to_le_bytes()), "version 99"),
        ("big-endian", patched(bytes.clone(), 4, &3u32.to_be_bytes()), "big-endian"),
        ("tensor count 2^64-1", patched(bytes.clone(), 8, &huge), "tensor count"),
        (
            "tensor count over the file",
            patched(bytes.clone(), 8, &60_000u64.to_le_bytes()),
            "does not fit",
        ),
        ("metadata count 2^64-1", patched(bytes.clone(), 16, &huge), "metadata count"),
        (
            "metadata count over the file",
            patched(bytes.clone(), 16, &60_000u64.to_le_bytes()),
            "does not fit",
        ),
        ("key of 2^64-1 bytes", patched(bytes.clone(), 24, &huge), "string of"),
        (
            "key longer than the file",
            patched(bytes.clone(), 24, &100_000u64.to_le_bytes()),
            "string of",
        ),
        ("value of unknown type", empty().raw("k", 13, &[0; 8]).bytes(), "unknown type 13"),
        ("bool 2", empty().raw("k", 7, &[2]).bytes(), "expected 0 or 1"),
        ("array of 2^60 strings", empty().raw("k", 9, &array(8, 1 << 60)).bytes(), "more than fit"),
        (
            "array of 2^64-1 bytes",
            empty().raw("k", 9, &array(0, u64::MAX)).bytes(),
            "more than fit",
        ),
        ("array of arrays", empty().raw("k", 9, &array(9, 1)).bytes(), "array of arrays"),
        ("array of unknown type", empty().raw("k", 9, &array(77, 1)).bytes(), "unknown type 77"),
        ("key twice", sound().count("llama.block_count", 3).bytes(), "occurs twice"),
        ("tensor twice", sound().floats("weight", &[32], &[0.0; 32]).bytes(), "occurs twice"),
        ("alignment 0", sound().count("general.alignment", 0).bytes(), "power of two"),
        ("alignment 24", sound().count("general.alignment", 24).bytes(), "power of two"),
        ("alignment 2^31", sound().count("general.alignment", 1 << 31).bytes(), "power of two"),
        ("alignment a text", sound().text("general.alignment", "32").bytes(), "power of two"),
        ("no dimensions", empty().tensor("t", &[], 0, vec![0; 4]).bytes(), "0 dimensions"),
        ("five dimensions", empty().tensor("t", &[1; 5], 0, vec![0; 4]).bytes(), "5 dimensions"),
        ("dimension 0", empty().tensor("t", &[0, 4], 0, vec![0; 4]).bytes(), "shape"),
        (
            "2^64 elements",
            empty().tensor("t", &[1 << 32, 1 << 32], 0, vec![0; 32]).bytes(),
            "larger than",
        ),
        (
            "2^128 elements",
            empty().tensor("t", &[1 << 63, 1 << 63, 4], 0, vec![0; 32]).bytes(),
            "larger than",
        ),
        ("row not a block", empty().tensor("t", &[33], 8, vec![0; 68]).bytes(), "shape"),
        ("type IQ2_XXS", empty().tensor("t", &[256], 16, vec![0; 66]).bytes(), "IQ2_XXS"),
        ("type 4096", empty().tensor("t", &[32], 4096, vec![0; 66]).bytes(), "unknown type 4096"),
        (
            "more data than the file",
            empty().tensor("t", &[32, 3], 0, vec![0; 128]).bytes(),
            "larger than",
        ),
        ("data past the end", empty().tensor("t", &[32], 0, vec![0; 64]).bytes(), "past the end"),
    ];
    for (case, bytes, expected) in cases {
        let reason = reason(&bytes);
        assert!(reason.contains(expected), "{case}: {reason}");
    }
}

#[test]
fn offsets_that_lie_are_refused() {
    let bytes = GgufWriter::default().floats("t", &[32], &[0.0; 32]).bytes();
    let at =
        bytes.windows(9).position(|window| window == &string("t")[..]).unwrap() + 9 + 4 + 8 + 4;
    for (offset, expected) in
        [(1u64, "not aligned"), (1 << 40, "past the end"), (u64::MAX - 31, "past the end")]
    {
        let reason = reason(&patched(bytes.clone(), at, &offset.to_le_bytes()));
        assert!(reason.contains(expected), "{offset}: {reason}");
    }
}

#[test]
fn every_truncation_is_refused() {
    let bytes = sound().bytes();
    for len in 0..bytes.len() {
        reason(&bytes[..len]);
    }
}

#[test]
fn a_file_cut_after_opening_is_refused_not_a_fault() {
    let file = sound().file();
    let gguf = Gguf::open(file.path()).unwrap();
    file.as_file().set_len(file.as_file().metadata().unwrap().len() - 100).unwrap();
    let error = gguf.read_part("weight", 128, 128, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("ends inside tensor"), "{error}");
    let error = gguf.read_part("weight", 0, 257, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("shorter than asked"), "{error}");
}

#[test]
fn folders_hold_one_file_or_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(find_gguf(folder.path()).unwrap_err().to_string().contains("no .gguf file"));
    std::fs::write(folder.path().join("a.gguf"), sound().bytes()).unwrap();
    std::fs::write(folder.path().join("readme.md"), "x").unwrap();
    assert_eq!(find_gguf(folder.path()).unwrap(), folder.path().join("a.gguf"));
    std::fs::write(folder.path().join("b.GGUF"), sound().bytes()).unwrap();
    assert!(find_gguf(folder.path()).unwrap_err().to_string().contains("several"));
    assert_eq!(find_gguf(&folder.path().join("none")).unwrap_err().code(), ErrorCode::Io);
    assert_eq!(Gguf::open(folder.path()).unwrap_err().code(), ErrorCode::Model);
}

#[test]
fn a_summary_says_what_the_file_is() {
    let file = sound()
        .text("general.name", "Tiny")
        .text("general.license", "mit")
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", "qwen2")
        .count("llama.context_length", 512)
        .tensor("big", &[256, 2], 12, vec![0; 288])
        .file();
    let summary = inspect(file.path()).unwrap();
    assert_eq!(summary.architecture, "llama");
    assert_eq!(summary.name.as_deref(), Some("Tiny"));
    assert_eq!(summary.licence.as_deref(), Some("mit"));
    assert_eq!(summary.tokenizer.as_deref(), Some("gpt2/qwen2"));
    assert_eq!(summary.quantisation, "Q4_K");
    assert_eq!((summary.context_len, summary.parameter_count), (Some(512), 576));
    assert_eq!((summary.vocabulary_len, summary.has_chat_template), (Some(2), false));
    assert_eq!(serde_json::to_value(&summary).unwrap()["quantisation"], "Q4_K");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn no_mutation_panics_or_reads_past_the_file(
        at in prop::collection::vec((0usize..400, any::<u8>()), 1..6),
        cut in prop::option::of(0usize..400),
    ) {
        let mut bytes = sound().bytes();
        for (at, byte) in at {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut);
        }
        let file = file(&bytes);
        if let Ok(gguf) = Gguf::open(file.path()) {
            for (name, info) in gguf.tensors() {
                prop_assert!(gguf.read_part(name, 0, info.size_bytes, &mut Vec::new()).is_ok());
            }
        }
    }
}
