//! The encoder against published vectors, against candle's models, and against bad folders.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "encoder/candle.rs"]
mod candle;
#[path = "encoder/families.rs"]
mod families;
#[path = "encoder/gguf.rs"]
mod gguf;
#[path = "encoder/tiny.rs"]
mod tiny;

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use rag_core::encode::{Embeddings, Encoder, EncoderOptions, Precision};
use rag_core::kernels::KernelLevel;
use rag_core::passage::TokenRanges;
use rag_core::{Call, CancelToken, ErrorCode};

use tiny::{Family, TinyFolder};

fn model(name: &str) -> Option<PathBuf> {
    let models = std::env::var_os("RAG_TEST_MODELS").map(PathBuf::from);
    let models =
        models.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache/rag/models")));
    let found = models.map(|models| models.join(name)).filter(|path| path.exists());
    let required = std::env::var_os("RAG_REQUIRE_MODELS").is_some_and(|value| value == "1");
    assert!(found.is_some() || !required, "model {name} is missing");
    if found.is_none() {
        eprintln!("SKIP: model {name} is missing");
    }
    found
}

fn data(name: &str) -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/encoder").join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn vector(value: &serde_json::Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn passages(encoder: &Encoder, texts: &[&str]) -> Embeddings {
    encoder.encode_passages(texts).unwrap()
}

/// The level that `RAG_TEST_LEVEL` names, for all of these tests; else the best.
fn options() -> EncoderOptions {
    let name = std::env::var("RAG_TEST_LEVEL").unwrap_or_default();
    let level = KernelLevel::parse(&name).ok();
    assert!(name.is_empty() || level.is_some(), "RAG_TEST_LEVEL={name} is no level");
    if level.is_some_and(|level| !level.is_available()) {
        eprintln!("SKIP: this CPU does not have {name}");
    }
    EncoderOptions { level: level.filter(|level| level.is_available()), ..Default::default() }
}

/// A folder or file as a user would load it.
fn open(path: &Path, name: &str) -> rag_core::Result<Encoder> {
    Encoder::load_with(path, name, &options())
}

fn load(folder: &Path, precision: Precision) -> Encoder {
    let options = EncoderOptions { precision, ..options() };
    Encoder::load_with(folder, "x", &options).unwrap()
}

const PRECISIONS: [Precision; 3] = [Precision::F32, Precision::Bf16, Precision::Int8];

fn one(encoder: &Encoder, text: &str) -> Vec<f32> {
    passages(encoder, &[text]).data
}

const TEXTS: [&str; 9] = [
    "The bridge was built in 1902.",
    "",
    "   ",
    "What is Deep Learning?",
    "L'\u{153}uvre d'\u{c9}mile Zola d\u{e9}crit la gr\u{e8}ve des mineurs.",
    "[CLS] [SEP] [MASK] <s> </s> <mask> are text here",
    "\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{30c6}\u{30ad}\u{30b9}\u{30c8} \u{1f600} e\u{301}",
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen \
     eighteen nineteen twenty twenty-one twenty-two twenty-three twenty-four twenty-five twenty-six",
    "a\u{0}b",
];

#[test]
fn minilm_vectors_are_the_published_ones() {
    let Some(folder) = model("minilm") else { return };
    let encoder = load(&folder, Precision::F32);
    let published = data("minilm.json");
    for case in published["text_embeddings_inference"].as_array().unwrap() {
        let ours = one(&encoder, case["text"].as_str().unwrap());
        let cosine = cosine(&ours, &vector(&case["mean"]));
        assert!((cosine - 1.0).abs() < 1e-5, "{cosine}");
    }
    let first = vector(&published["fastembed_hello_world_first5"]);
    for (ours, theirs) in one(&encoder, "hello world").iter().zip(first) {
        assert!((ours - theirs).abs() < 2e-5, "{ours} {theirs}");
    }
    assert_eq!(encoder.identity().max_tokens, 256, "not the 128 inside tokenizer.json");
    assert_eq!(encoder.passage_budget_tokens(), 254);
}

#[test]
fn e5_vectors_are_those_of_the_reference_forward_pass() {
    let Some(folder) = model("e5-small") else { return };
    let encoder = load(&folder, Precision::F32);
    for case in data("e5-small.json")["texts"].as_array().unwrap() {
        let text = [case["text"].as_str().unwrap()];
        let ours = match case["kind"].as_str().unwrap() {
            "query" => encoder.encode_queries(&text).unwrap(),
            _ => encoder.encode_passages(&text).unwrap(),
        };
        let cosine = cosine(&ours.data, &vector(&case["vector"]));
        assert!((cosine - 1.0).abs() < 1e-5, "{text:?}: {cosine}");
    }
    assert_eq!(encoder.identity().max_tokens, 512);
}

#[test]
fn tiny_models_give_candles_vectors() {
    for family in [Family::Bert, Family::XlmRoberta, Family::JinaBert] {
        let folder = TinyFolder::new(family);
        let encoder = load(folder.path(), Precision::F32);
        for text in
            ["one", "one two three", "seven six five four three two one", "unknown words here", ""]
        {
            let cosine = cosine(&one(&encoder, text), &folder.candle_mean(text));
            assert!((cosine - 1.0).abs() < 1e-6, "{family:?} {text:?}: {cosine}");
        }
    }
}

/// Lowest cosine of a rounded vector with its f32 one, over texts of all lengths.
#[test]
fn rounded_vectors_are_near_those_of_f32() {
    let tiny = TinyFolder::new(Family::Bert);
    for folder in [model("minilm"), Some(tiny.path().to_owned())].into_iter().flatten() {
        let exact = passages(&load(&folder, Precision::F32), &TEXTS);
        for (precision, least) in [(Precision::Bf16, 0.9997), (Precision::Int8, 0.98)] {
            let rounded = passages(&load(&folder, precision), &TEXTS);
            for (a, b) in rounded.rows().zip(exact.rows()) {
                assert!(cosine(a, b) > least, "{precision:?}: {}", cosine(a, b));
            }
        }
    }
}

#[test]
fn shorter_vectors_are_beginnings_of_length_one() {
    let tiny = TinyFolder::new(Family::Bert);
    let cut = |dim| EncoderOptions { truncate_dim: NonZeroUsize::new(dim), ..options() };
    let whole = open(tiny.path(), "x").unwrap();
    let short = Encoder::load_with(tiny.path(), "x", &cut(10)).unwrap();
    assert_eq!(short.identity().dim, 10);
    assert_ne!(short.identity().fingerprint, whole.identity().fingerprint);
    let (long, cut_row) = (one(&whole, "one two"), one(&short, "one two"));
    assert!((cosine(&long[..10], &cut_row) - 1.0).abs() < 1e-6);
    assert!((cut_row.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-5);
    let error = Encoder::load_with(tiny.path(), "x", &cut(33)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
}

#[test]
fn dense_layers_are_applied_after_pooling() {
    let tiny = TinyFolder::new(Family::Bert);
    let plain = load(tiny.path(), Precision::F32);
    tiny.add_dense();
    let encoder = load(tiny.path(), Precision::F32);
    assert_eq!(encoder.identity().dim, 2);
    assert_ne!(encoder.identity().fingerprint, plain.identity().fingerprint);
    // the layer doubles the first number of the mean and takes the second away from it
    let mean = tiny.candle_mean("one two three");
    let want = [(2.0 * mean[0] + 0.1).tanh(), (mean[0] - mean[1] - 0.2).tanh()];
    assert!((cosine(&one(&encoder, "one two three"), &want) - 1.0).abs() < 1e-6);
}

#[test]
fn f32_and_bf16_share_a_fingerprint_and_int8_has_its_own() {
    let tiny = TinyFolder::new(Family::Bert);
    let [f32, bf16, int8] =
        PRECISIONS.map(|precision| load(tiny.path(), precision).identity().fingerprint.clone());
    assert_eq!(f32, bf16);
    assert_ne!(f32, int8);
}

#[test]
fn every_level_and_precision_runs_and_a_vector_depends_on_its_text_alone() {
    let tiny = TinyFolder::new(Family::Bert);
    let levels = [None].into_iter().chain(KernelLevel::ALL.map(Some));
    for (level, precision) in
        levels.flat_map(|level| PRECISIONS.map(|precision| (level, precision)))
    {
        let options = EncoderOptions { precision, level, ..Default::default() };
        match Encoder::load_with(tiny.path(), "x", &options) {
            Ok(encoder) => depends_on_its_text_alone(encoder),
            Err(error) => assert_eq!(error.code(), ErrorCode::InvalidArgument, "{level:?}"),
        }
    }
    if let Some(folder) = model("minilm") {
        for precision in PRECISIONS {
            depends_on_its_text_alone(load(&folder, precision));
        }
    }
}

fn depends_on_its_text_alone(encoder: Encoder) {
    let alone: Vec<Vec<f32>> = TEXTS.iter().map(|text| one(&encoder, text)).collect();
    let backwards: Vec<&str> = TEXTS.iter().rev().copied().collect();
    let many: Vec<&str> = TEXTS.iter().cycle().take(100).copied().collect();
    let encoder = encoder.with_threads(NonZeroUsize::new(3).unwrap());
    for (row, alone) in passages(&encoder, &backwards).rows().zip(alone.iter().rev()) {
        assert_eq!(row, alone);
    }
    let encoder = encoder.with_threads(NonZeroUsize::MIN);
    for (row, alone) in passages(&encoder, &many).rows().zip(alone.iter().cycle()) {
        assert_eq!(row, alone);
    }
}

#[test]
fn vectors_have_length_one_and_empty_text_has_a_vector() {
    let tiny = TinyFolder::new(Family::Bert);
    for folder in
        [model("minilm"), model("e5-small"), Some(tiny.path().to_owned())].into_iter().flatten()
    {
        let encoder = open(&folder, "x").unwrap();
        let embeddings = passages(&encoder, &TEXTS);
        assert_eq!(embeddings.len(), TEXTS.len());
        for row in embeddings.rows() {
            let length: f64 = row.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
            assert!((length - 1.0).abs() < 1e-5);
        }
        assert!(passages(&encoder, &[]).is_empty());
    }
}

#[test]
fn long_text_is_cut_and_reported() {
    let tiny = TinyFolder::new(Family::Bert);
    for folder in [model("minilm"), Some(tiny.path().to_owned())].into_iter().flatten() {
        let encoder = open(&folder, "x").unwrap();
        let budget = encoder.passage_budget_tokens();
        let (fits, long) = ("one ".repeat(budget), "one ".repeat(budget + 1));
        let embeddings = passages(&encoder, &["one", &long, &fits]);
        assert_eq!(embeddings.truncated, [1]);
        let rows: Vec<&[f32]> = embeddings.rows().collect();
        assert_eq!(rows[1], rows[2], "the beginning is what is encoded");
        let huge = "word ".repeat(200_000);
        assert_eq!(passages(&encoder, &[&huge]).truncated, [0]);
    }
}

#[test]
fn token_ranges_are_in_order_and_inside_the_text() {
    let tiny = TinyFolder::new(Family::Bert);
    for folder in
        [model("minilm"), model("e5-small"), Some(tiny.path().to_owned())].into_iter().flatten()
    {
        let encoder = open(&folder, "x").unwrap();
        for text in TEXTS {
            let ranges = encoder.token_ranges(text).unwrap();
            assert_eq!(encoder.token_count(text).unwrap(), ranges.len());
            for pair in ranges.windows(2) {
                assert!(
                    pair[0].start <= pair[1].start && pair[0].end <= pair[1].end,
                    "{text:?} {ranges:?}"
                );
            }
            for range in ranges {
                assert!(text.get(range.clone()).is_some(), "{text:?} {range:?}");
            }
        }
        let ranges = encoder.token_ranges("one two").unwrap();
        assert_eq!((ranges[0].start, ranges[ranges.len() - 1].end), (0, 7));
    }
}

#[test]
fn special_tokens_in_text_stay_text() {
    for (name, special) in [("minilm", "[SEP]"), ("e5-small", "</s>")] {
        let Some(folder) = model(name) else { continue };
        let encoder = open(&folder, name).unwrap();
        assert!(encoder.token_count(special).unwrap() > 1);
        assert_ne!(one(&encoder, special), one(&encoder, ""));
    }
}

#[test]
fn batches_give_the_vectors_of_one_call_and_read_no_more_than_they_encode() {
    let folder = TinyFolder::new(Family::Bert);
    let encoder = load(folder.path(), Precision::F32);
    let cancel = CancelToken::new();
    let mut read = 0;
    let texts = TEXTS.iter().inspect(|_| read += 1);
    let mut batches = encoder.passage_batches(texts, 4);
    let mut data = batches.next().unwrap().unwrap().data;
    for batch in batches {
        data.extend(batch.unwrap().data);
    }
    assert_eq!(read, TEXTS.len());
    assert_eq!(data, passages(&encoder, &TEXTS).data);
    let mut first = encoder.passage_batches_with(TEXTS, 0, Call::new().cancel(&cancel));
    assert_eq!(first.next().unwrap().unwrap().len(), 1);
    cancel.cancel();
    assert_eq!(first.next().unwrap().unwrap_err().code(), ErrorCode::Cancelled);
}

#[test]
fn a_cancelled_call_stops() {
    let tiny = TinyFolder::new(Family::Bert);
    let encoder = open(tiny.path(), "tiny").unwrap();
    let cancel = CancelToken::new();
    cancel.cancel();
    let error = encoder.encode_passages_with(&["one"], Call::new().cancel(&cancel)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
}

#[test]
fn the_fingerprint_follows_everything_that_changes_vectors() {
    let base = TinyFolder::new(Family::Bert);
    let of = |folder: &TinyFolder| open(folder.path(), "x").unwrap().identity().fingerprint.clone();
    assert_eq!(of(&base), of(&TinyFolder::new(Family::Bert)));
    type Change = fn(&TinyFolder);
    let changes: [Change; 5] = [
        |folder| folder.edit("config.json", |json| json["layer_norm_eps"] = 1e-6.into()),
        |folder| {
            folder.edit("1_Pooling/config.json", |json| {
                json["pooling_mode_mean_tokens"] = false.into();
                json["pooling_mode_cls_token"] = true.into();
            });
        },
        |folder| {
            folder.edit("sentence_bert_config.json", |json| json["max_seq_length"] = 20.into())
        },
        |folder| {
            folder.edit("config_sentence_transformers.json", |json| {
                json["prompts"]["query"] = "two ".into()
            })
        },
        |folder| folder.flip_weight(),
    ];
    for (index, change) in changes.iter().enumerate() {
        let changed = TinyFolder::new(Family::Bert);
        change(&changed);
        assert_ne!(of(&base), of(&changed), "change {index}");
    }
}

#[test]
fn prefixes_are_put_before_questions_and_passages() {
    let folder = TinyFolder::new(Family::Bert);
    folder.edit("config_sentence_transformers.json", |json| {
        json["prompts"] = serde_json::json!({"query": "two ", "document": "three "});
    });
    let encoder = load(folder.path(), Precision::F32);
    let query = encoder.encode_queries(&["one"]).unwrap().data;
    assert!((cosine(&query, &folder.candle_mean("two one")) - 1.0).abs() < 1e-6);
    assert!((cosine(&one(&encoder, "one"), &folder.candle_mean("three one")) - 1.0).abs() < 1e-6);
    assert_eq!(encoder.passage_budget_tokens(), encoder.identity().max_tokens - 3);
}

#[test]
fn poolings_differ_and_plain_folders_get_the_mean() {
    let mean = TinyFolder::new(Family::Bert);
    let expected = one(&open(mean.path(), "x").unwrap(), "one two");
    let plain = TinyFolder::new(Family::Bert);
    fs::remove_file(plain.path().join("modules.json")).unwrap();
    assert_eq!(one(&open(plain.path(), "x").unwrap(), "one two"), expected);
    for mode in ["cls_token", "max_tokens"] {
        let other = TinyFolder::new(Family::Bert);
        other.edit("1_Pooling/config.json", |json| {
            json["pooling_mode_mean_tokens"] = false.into();
            json[format!("pooling_mode_{mode}")] = true.into();
        });
        let vector = one(&open(other.path(), "x").unwrap(), "one two");
        assert!(cosine(&vector, &expected) < 0.9999, "{mode}");
    }
}

#[test]
fn several_poolings_lie_side_by_side_in_the_order_of_sentence_transformers() {
    let pooled = |config: serde_json::Value| {
        let folder = TinyFolder::new(Family::Bert);
        folder.edit("1_Pooling/config.json", |json| *json = config.clone());
        let encoder = load(folder.path(), Precision::F32);
        (one(&encoder, "one two three"), Encoder::inspect(folder.path()).unwrap())
    };
    let (mean, _) = pooled(serde_json::json!({"pooling_mode": "mean"}));
    let (cls, _) = pooled(serde_json::json!({"pooling_mode": "cls"}));
    let old = serde_json::json!({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true});
    let new = serde_json::json!({"pooling_mode": ["mean", "cls"]});
    for (config, parts, name) in
        [(old, [&cls, &mean], "cls+mean"), (new, [&mean, &cls], "mean+cls")]
    {
        let (both, info) = pooled(config);
        assert_eq!((&info.pooling[..], info.dim), (name, 2 * mean.len()));
        let (first, second) = both.split_at(mean.len());
        assert!((cosine(first, parts[0]) - 1.0).abs() < 1e-6);
        assert!((cosine(second, parts[1]) - 1.0).abs() < 1e-6);
        assert!((cosine(&both, &both) - 1.0).abs() < 1e-6);
    }
    for bad in [serde_json::json!({}), serde_json::json!({"pooling_mode": ["mean", "mean"]})] {
        let line = refusal(|folder| folder.edit("1_Pooling/config.json", |json| *json = bad));
        assert!(line.contains("pooling"), "{line}");
    }
}

fn refusal(change: impl FnOnce(&TinyFolder)) -> String {
    let folder = TinyFolder::new(Family::Bert);
    change(&folder);
    let error = open(folder.path(), "x").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Model, "{error}");
    error.line()
}

#[test]
fn a_missing_file_is_named() {
    for file in ["config.json", "tokenizer.json", "model.safetensors", "1_Pooling/config.json"] {
        let line = refusal(|folder| fs::remove_file(folder.path().join(file)).unwrap());
        assert!(line.contains(file.rsplit('/').next().unwrap()), "{line}");
    }
    let error = open(Path::new("/nowhere/at/all"), "x").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Model);
}

#[test]
fn what_we_do_not_run_is_refused_by_name() {
    type Change = fn(&mut serde_json::Value);
    let cases: [(&str, Change, &str); 11] = [
        ("config.json", |json| json["model_type"] = "deberta".into(), "deberta"),
        ("config.json", |json| json["hidden_act"] = "silu".into(), "silu"),
        (
            "config.json",
            |json| json["position_embedding_type"] = "relative_key".into(),
            "relative_key",
        ),
        ("config.json", |json| json["intermediate_size"] = 24.into(), "shape"),
        ("config.json", |json| json["num_attention_heads"] = 3.into(), "heads"),
        ("config.json", |json| json["vocab_size"] = 5.into(), "word_embeddings"),
        ("config.json", |json| json["num_hidden_layers"] = 3.into(), "encoder.layer.2"),
        ("config.json", |json| json["hidden_size"] = 0.into(), "hidden_size"),
        ("modules.json", |json| json[1]["type"] = "sentence_transformers.models.CNN".into(), "CNN"),
        ("1_Pooling/config.json", |json| json["pooling_mode_median"] = true.into(), "median"),
        ("modules.json", |json| json[1]["path"] = "../secret".into(), "leads out"),
    ];
    for (file, change, word) in cases {
        let line = refusal(|folder| folder.edit(file, change));
        assert!(line.contains(word), "{file}: {line}");
    }
}

#[test]
fn damaged_files_are_refused() {
    for file in [
        "config.json",
        "tokenizer.json",
        "model.safetensors",
        "modules.json",
        "1_Pooling/config.json",
    ] {
        for damage in [0, 1, 2] {
            refusal(|folder| {
                let path = folder.path().join(file);
                let bytes = fs::read(&path).unwrap();
                let damaged = match damage {
                    0 => Vec::new(),
                    1 => bytes[..bytes.len() / 2].to_vec(),
                    _ => b"{\"a\": [1, 2".to_vec(),
                };
                fs::write(path, damaged).unwrap();
            });
        }
    }
}
