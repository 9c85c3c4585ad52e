//! Reranking as a knowledge base does it, and folders that are no rerankers, on the small models of
//! tests/data.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use rag_core::encode::{Encoder, Precision};
use rag_core::generate::Generator;
use rag_core::rerank::{DEFAULT_COUNT, Reranker, RerankerOptions};
use rag_core::search::{Hit, Mode, SearchOptions};
use rag_core::{
    Abstain, AskOptions, Call, ComposeOptions, ErrorCode, Explain, KnowledgeBase, OpenOptions,
    Writer,
};

const QUESTION: &str = "when was the bridge opened ?";

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data").join(name)
}

fn name(path: &Path) -> Option<String> {
    path.to_str().map(str::to_owned)
}

fn knowledge_base(reranker: Option<&str>) -> KnowledgeBase {
    let options = OpenOptions {
        encoder: name(&data("encoder/families/bert")),
        reranker: reranker.and_then(|folder| name(&data("reranker").join(folder))),
        ..OpenOptions::default()
    };
    let knowledge_base = KnowledgeBase::open(":memory:", &options).unwrap();
    for number in 0..60 {
        let words = ["the bridge", "opened in 1902", "river water", "a light", "\u{e9}t\u{e9}"];
        let word = |step: usize| words[(number / step) % words.len()];
        let text = format!("{} {} {} number {number}", word(1), word(5), word(25));
        knowledge_base.add(&format!("{number}"), &text).unwrap();
    }
    knowledge_base
}

fn search(knowledge_base: &KnowledgeBase, top_k: usize, rerank: Option<usize>) -> Vec<Hit> {
    let options = SearchOptions { top_k, rerank, ..SearchOptions::default() };
    knowledge_base.search_with(QUESTION, &options, Call::new()).unwrap()
}

fn ids(hits: &[Hit]) -> Vec<i64> {
    hits.iter().map(|hit| hit.passage_id).collect()
}

#[test]
fn the_best_hits_are_sorted_by_the_cross_encoder() {
    let plain = search(&knowledge_base(None), 40, None);
    let reranked = knowledge_base(Some("xlm-roberta"));
    let reranker = reranked.reranker().unwrap().unwrap();
    let hits = search(&reranked, 40, None);
    // those beyond the reranked ones stay as they were
    assert_eq!(ids(&hits[DEFAULT_COUNT..]), ids(&plain[DEFAULT_COUNT..]));
    assert_eq!(hits[DEFAULT_COUNT..], plain[DEFAULT_COUNT..]);
    let texts: Vec<&str> = hits[..DEFAULT_COUNT].iter().map(|hit| hit.text.as_str()).collect();
    let scores = reranker.score(QUESTION, &texts).unwrap().scores;
    assert!(scores.is_sorted_by(|a, b| a >= b));
    for ((rank, hit), score) in (1..).zip(&hits).zip(scores) {
        assert_eq!((hit.ranks.rerank, hit.score), (Some(rank), score));
        let before = plain.iter().find(|found| found.passage_id == hit.passage_id).unwrap();
        assert_eq!((hit.ranks.dense, hit.cosine), (before.ranks.dense, before.cosine));
    }
    assert_ne!(ids(&hits), ids(&plain));
    // few are the first of many
    assert_eq!(search(&reranked, 3, None), hits[..3]);
    assert_eq!(ids(&search(&reranked, 2, Some(2)))[..2].len(), 2);
}

#[test]
fn reranking_can_be_switched_off_and_needs_a_reranker() {
    let (plain, reranked) = (knowledge_base(None), knowledge_base(Some("bert-two-labels")));
    assert_eq!(search(&reranked, 7, Some(0)), search(&plain, 7, None));
    assert_eq!(search(&plain, 7, Some(0)), search(&plain, 7, None));
    let options = SearchOptions { rerank: Some(5), ..SearchOptions::default() };
    let error = plain.search_with(QUESTION, &options, Call::new()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    let none = SearchOptions { top_k: 0, ..SearchOptions::default() };
    let error = reranked.search_with(QUESTION, &none, Call::new()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    let words = SearchOptions { mode: Mode::Lexical, ..SearchOptions::default() };
    let hits = reranked.search_with("bridge", &words, Call::new()).unwrap();
    assert!(hits.iter().all(|hit| hit.ranks.rerank.is_some() && (0.0..=1.0).contains(&hit.score)));
}

#[test]
fn answers_are_looked_for_in_the_reranked_passages() {
    let reranked = knowledge_base(Some("bert"));
    let options =
        AskOptions { abstain: Abstain::Never, writer: Writer::Passages, ..AskOptions::default() };
    let mut ignore = |_: &str| std::ops::ControlFlow::Continue(());
    let answer = reranked.ask_with(QUESTION, &options, Call::new().on_piece(&mut ignore)).unwrap();
    assert_eq!(ids(&answer.hits), ids(&search(&reranked, options.search.top_k, None)));
    assert!(answer.hits.iter().all(|hit| hit.ranks.rerank.is_some()));
}

/// A sum of late interaction has no midpoint: it sorts, and whether there is an answer is told by
/// words and vectors.
#[test]
fn late_interaction_sorts_hits_and_never_judges() {
    for folder in ["stanford", "pylate", "multi-vector"] {
        let reranked = knowledge_base(Some(&format!("../late_interaction/{folder}")));
        let hits = search(&reranked, 40, None);
        let scores: Vec<f32> = hits[..DEFAULT_COUNT].iter().map(|hit| hit.score).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
        for question in [QUESTION, "Who painted the ceiling of the chapel?"] {
            let writer = Writer::Passages;
            let options = AskOptions { writer, explain: Explain::Trace, ..AskOptions::default() };
            let answer = reranked.ask_with(question, &options, Call::new()).unwrap();
            let trace = answer.trace.as_ref().unwrap();
            assert_eq!((trace.relevance, trace.min_relevance), (None, None), "{question}");
            assert!(answer.hits.iter().all(|hit| hit.ranks.rerank.is_some()), "{question}");
        }
    }
    let info = |folder: &str| Reranker::inspect(&data(folder)).unwrap();
    assert!(info("reranker/bert").judges && !info("late_interaction/pylate").judges);
}

/// all-MiniLM-L6-v2 as PyLate saves a model of late interaction, under a projection whose rows add
/// up four numbers of a state each.
fn late_minilm(encoder: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"] {
        fs::copy(encoder.join(file), folder.path().join(file)).unwrap();
    }
    let write = |file: &str, bytes: &[u8]| fs::write(folder.path().join(file), bytes).unwrap();
    write(
        "modules.json",
        br#"[{"path":"","type":"sentence_transformers.models.Transformer"},
             {"path":"1_Dense","type":"pylate.models.Dense.Dense"}]"#,
    );
    write(
        "config_sentence_transformers.json",
        br#"{"model_type":"ColBERT","query_prefix":"[unused0]","document_prefix":"[unused1]"}"#,
    );
    fs::create_dir(folder.path().join("1_Dense")).unwrap();
    write(
        "1_Dense/config.json",
        br#"{"in_features":384,"out_features":96,"bias":false,
             "activation_function":"torch.nn.modules.linear.Identity"}"#,
    );
    let header = r#"{"linear.weight":{"dtype":"F32","shape":[96,384],"data_offsets":[0,147456]}}"#;
    let weight = |at: usize| if at % 384 / 4 == at / 384 { 1.0_f32 } else { 0.0 };
    let weights = (0..96 * 384).flat_map(|at| weight(at).to_le_bytes());
    let size = (header.len() as u64).to_le_bytes();
    let file: Vec<u8> = size.into_iter().chain(header.bytes()).chain(weights).collect();
    write("1_Dense/model.safetensors", &file);
    folder
}

/// PyLate 1.6.0 in float64, with its usual lengths and its usual list of tokens to skip.
#[test]
fn late_interaction_of_a_real_encoder_is_that_of_pylate() {
    let Some(encoder) = common::model("minilm") else { return };
    let folder = late_minilm(&encoder);
    let options = RerankerOptions { precision: Precision::F32, ..RerankerOptions::default() };
    let reranker = Reranker::load_with(folder.path(), &options).unwrap();
    let info = reranker.info();
    assert_eq!((info.dim, info.max_tokens, info.judges), (Some(96), 180, false));
    let scores = reranker.score(BERLIN, &CITIES).unwrap().scores;
    for (score, theirs) in scores.iter().zip([13.375_617_f32, 7.534_959, 11.556_441]) {
        assert!((score - theirs).abs() < 1e-3, "{score} {theirs}");
    }
}

const BERLIN: &str = "How many people live in Berlin?";
const CITIES: [&str; 3] = [
    "Berlin has a population of 3,520,031 registered inhabitants in an area of 891.82 square \
     kilometers.",
    "New York City is famous for the Metropolitan Museum of Art.",
    "Berlin is the capital of Germany.",
];

/// What ONNX Runtime 1.27 gives for the int8 file that the weights are taken from. It rounds what
/// goes from layer to layer to 8 bits, which we do not.
#[test]
fn ms_marco_scores_are_those_of_onnx_runtime_but_for_its_rounding() {
    let Some(folder) = common::model("ms-marco-minilm") else { return };
    let reranker = Reranker::load(&folder).unwrap();
    let scores = reranker.score(BERLIN, &CITIES).unwrap().scores;
    for (score, theirs) in scores.iter().zip([9.391_149_f32, -11.191_213, -2.237_942]) {
        assert!((score - theirs).abs() < 0.5, "{score} {theirs}");
    }
}

/// Words and vectors find a passage of the same subject; only who reads both knows that it does
/// not answer. In a language that the reranker does not read it has no say.
#[test]
fn a_reranker_tells_whether_there_is_an_answer_in_its_own_language() {
    let (Some(encoder), Some(reranker)) =
        (common::model("e5-small"), common::model("ms-marco-minilm"))
    else {
        return;
    };
    let options = OpenOptions {
        encoder: name(&encoder),
        reranker: name(&reranker),
        ..OpenOptions::default()
    };
    let knowledge_base = KnowledgeBase::open(":memory:", &options).unwrap();
    for (uri, text) in [
        ("en", "The stone bridge over the Velden was opened to traffic in 1871 by the mayor."),
        (
            "fr",
            "Le laboratoire a \u{e9}t\u{e9} cr\u{e9}\u{e9} en 1995 par douze chercheurs de Tours.",
        ),
    ] {
        knowledge_base.add(uri, text).unwrap();
    }
    let ask = |question: &str| {
        let writer = Writer::Passages;
        let options = AskOptions { writer, explain: Explain::Trace, ..AskOptions::default() };
        let answer = knowledge_base.ask_with(question, &options, Call::new()).unwrap();
        let trace = answer.trace.as_ref().unwrap();
        (answer.found, trace.relevance.is_some())
    };
    assert_eq!(ask("When was the stone bridge over the Velden opened?"), (true, true));
    assert_eq!(ask("How much did the stones of the bridge cost?"), (false, true));
    let question = "En quelle ann\u{e9}e le laboratoire a-t-il \u{e9}t\u{e9} cr\u{e9}\u{e9} ?";
    assert_eq!(ask(question), (true, false));
    // a task is no question
    let mut options = ComposeOptions::default();
    options.ask.writer = Writer::Passages;
    let task = "Write a synthesis on the stone bridge over the Velden.";
    assert!(knowledge_base.compose_with(task, &options, Call::new()).unwrap().found);
}

/// A copy of the small BERT cross-encoder with one file changed.
fn changed(file: &str, from: &str, to: &str) -> tempfile::TempDir {
    changed_copy("reranker/bert", file, from, to)
}

/// A copy of a small model with one file changed.
fn changed_copy(folder: &str, file: &str, from: &str, to: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_all(&data(folder), copy.path());
    let path = copy.path().join(file);
    let bytes = fs::read(&path).unwrap_or_default();
    let at = bytes.windows(from.len().max(1)).position(|part| part == from.as_bytes());
    let changed = match at {
        Some(at) => [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat(),
        None => {
            assert!(from.is_empty() && bytes.is_empty(), "{file} holds no {from}");
            to.as_bytes().to_vec()
        }
    };
    fs::write(path, changed).unwrap();
    copy
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, place) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy_all(&path, &place),
            false => drop(fs::copy(path, place).unwrap()),
        }
    }
}

fn refusal(folder: &Path) -> String {
    let error = Reranker::load(folder).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Model);
    error.line()
}

#[test]
fn each_kind_of_folder_is_told_from_the_others() {
    let line = Encoder::load(&data("reranker/bert"), "x").unwrap_err().line();
    assert!(line.contains("give it as reranker"), "{line}");
    let line = refusal(&data("encoder/families/bert"));
    assert!(line.contains("give it as encoder"), "{line}");
    let line = refusal(&data("generator/families/qwen2"));
    assert!(line.contains("give it as llm"), "{line}");
    // and where something that writes is wanted, or what writes is one file
    let generator = |folder: &str| Generator::load(&data(folder)).unwrap_err().line();
    assert!(generator("reranker/bert").contains("give it as reranker"));
    assert!(generator("encoder/families/bert").contains("give it as encoder"));
    let gguf = tempfile::tempdir().unwrap();
    std::fs::write(gguf.path().join("model.gguf"), "GGUF").unwrap();
    assert!(refusal(gguf.path()).contains("give it as llm"));
    let line = Encoder::load(gguf.path(), "x").unwrap_err().line();
    assert!(line.contains("give it as llm"), "{line}");
    assert!(rag_core::model::is_reranker(&data("reranker/gte")));
    assert!(!rag_core::model::is_reranker(&data("encoder/families/gte")));
    let newer = changed("modules.json", "", r#"[{"path":"","type":"a.modules.Transformer"}]"#);
    assert!(rag_core::model::is_reranker(newer.path()));
    assert!(Reranker::load(newer.path()).is_ok());
    for folder in ["stanford", "pylate", "multi-vector"] {
        let folder = data("late_interaction").join(folder);
        assert!(rag_core::model::is_reranker(&folder));
        let line = Encoder::load(&folder, "x").unwrap_err().line();
        assert!(line.contains("give it as reranker"), "{line}");
    }
    assert!(generator("late_interaction/stanford").contains("give it as reranker"));
}

#[test]
fn what_we_lack_is_refused_by_name() {
    let named = |file: &str, from: &str, to: &str, word: &str| {
        let line = refusal(changed(file, from, to).path());
        assert!(line.contains(word), "{line}");
    };
    let tanh = r#"{"activation_fn": "torch.nn.modules.activation.Tanh"}"#;
    named("config_sentence_transformers.json", "", tanh, "Tanh");
    let softmax = r#"{"activation_fn": "torch.nn.modules.activation.Softmax"}"#;
    named("config_sentence_transformers.json", "", softmax, "softmax of 1 labels");
    let dense = r#"[{"path":"","type":"Transformer"},{"path":"1","type":"Dense"}]"#;
    named("modules.json", "", dense, "Dense");
    named("config.json", "ForSequenceClassification", "ForTokenClassification", "TokenClass");
    named("config.json", "\"model_type\":\"bert\"", "\"model_type\":\"mpnet\"", "mpnet");
    named("tokenizer_config.json", "40", "5", "leave no room");
    named("config.json", "\"hidden_size\":16", "\"hidden_size\":18", "shape");
}

#[test]
fn a_broken_model_of_late_interaction_is_refused_with_what_is_wrong() {
    let named = |folder: &str, (file, from, to): (&str, &str, &str), words: &str| {
        let folder = format!("late_interaction/{folder}");
        let line = refusal(changed_copy(&folder, file, from, to).path());
        assert!(line.contains(words), "{line}");
    };
    let stanford = |from, to, words| named("stanford", ("artifact.metadata", from, to), words);
    stanford(r#""dim":8"#, r#""dim":9"#, "linear.weight has shape [8, 16]");
    stanford("cosine", "l2", "similarity \"l2\" is not supported: cosine is");
    stanford("\"colbert\"", "\"flipr\"", "flipr");
    stanford("[unused0]", "[unused9]", "holds no token \"[unused9]\"");
    stanford(r#""query_maxlen":12"#, r#""query_maxlen":60"#, "questions of 60 tokens");
    stanford(r#""doc_maxlen":20"#, r#""doc_maxlen":3"#, "leave no room for text");
    let weights = ("model.safetensors", "linear.weight", "linear.weigth");
    named("stanford", weights, "tensor linear.weight is missing");
    let pylate = |file, from, to, words| named("pylate", (file, from, to), words);
    let dense = r#",{"idx":1,"name":"1","path":"1_Dense","type":"pylate.models.Dense.Dense"}"#;
    pylate("modules.json", dense, "", "the projection is missing");
    pylate("1_Dense/config.json", "16", "18", "maps 18 numbers");
    pylate("1_Dense/config.json", r#""out_features":8"#, r#""out_features":9"#, "shape [8, 16]");
    pylate("1_Dense/config.json", "false}", "true}", "use_residual");
    pylate("1_Dense/config.json", "linear.Identity", "activation.GELU", "GELU");
    pylate("tokenizer_config.json", "\"[MASK]\"", "\"[MASS]\"", "holds no mask token");
    let settings = "config_sentence_transformers.json";
    pylate(settings, "MaxSim", "XTR", "XTR");
    pylate(settings, "[Q] ", "[R] ", "holds no token \"[R] \"");
    let attended = r#""query_length":14,"document_length":24,"attend_to_expansion_tokens":true"#;
    let far = |is_attended: bool| {
        let to = format!(r#""query_length":30,"attend_to_expansion_tokens":{is_attended}"#);
        changed_copy("late_interaction/pylate-modernbert", settings, attended, &to)
    };
    assert!(Reranker::load(far(true).path()).is_ok());
    assert!(refusal(far(false).path()).contains("in a window of 24"));
    let multi = |file, from, to, words| named("multi-vector", (file, from, to), words);
    let normalize = r#",{"idx":4,"name":"4","path":"4_Normalize","type":"sentence_transformers.base.modules.normalize.Normalize"}"#;
    multi("modules.json", normalize, "", "unit length");
    multi("sentence_bert_config.json", "\"min\"", "\"most\"", "strategy \"most\"");
    multi("3_MultiVectorMask/config.json", "null", "[7]", "keep_only_token_ids");
    multi("3_MultiVectorMask/config.json", "\"document\"", "\"query\"", "skiplist_tasks");
}
