use std::fs;

use super::*;
use crate::ErrorCode;
use crate::encode::Precision;
use crate::kernels::{KernelLevel, Threads};
use crate::rerank::{Reranker, RerankerOptions, Scorer};

/// Largest difference of a score from the float64 reference, of sums of up to 16 cosines.
const COMPARE: f32 = 2e-4;
/// The same in bf16 and in int8; the weights are far larger than those of a trained model.
const ROUNDED: [(Precision, f32); 2] = [(Precision::Bf16, 0.5), (Precision::Int8, 2.0)];
/// Layouts of all three libraries, questions filled up and not, attended to and not.
const FOLDERS: [&str; 5] =
    ["stanford", "pylate", "pylate-modernbert", "pylate-no-expansion", "multi-vector"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/late_interaction").join(name)
}

struct Case {
    question: String,
    passage: String,
    question_ids: Vec<u32>,
    passage_ids: Vec<u32>,
    score: f32,
}

fn cases(name: &str) -> Vec<Case> {
    let bytes = fs::read(folder(name).join("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let ids = |value: &serde_json::Value| serde_json::from_value(value.clone()).unwrap();
    let cases = expected["cases"].as_array().unwrap().iter();
    cases
        .map(|case| Case {
            question: word(&case["question"]),
            passage: word(&case["passage"]),
            question_ids: ids(&case["question_ids"]),
            passage_ids: ids(&case["passage_ids"]),
            score: serde_json::from_value(case["score"].clone()).unwrap(),
        })
        .collect()
}

fn load(name: &str, precision: Precision, level: Option<KernelLevel>) -> Option<Reranker> {
    let options = RerankerOptions { precision, level, threads: Threads::default() };
    match Reranker::load_with(&folder(name), &options) {
        Err(error) if error.code() == ErrorCode::InvalidArgument => None,
        loaded => Some(loaded.unwrap()),
    }
}

fn model(reranker: &Reranker) -> &LateInteraction {
    match &reranker.scorer {
        Scorer::LateInteraction(model) => model,
        Scorer::CrossEncoder(_) => panic!("cross-encoder"),
    }
}

fn check(name: &str, reranker: &Reranker, tolerance: f32) {
    for Case { question, passage, score, .. } in cases(name) {
        let got = reranker.score(&question, &[&passage]).unwrap().scores[0];
        assert!((got - score).abs() < tolerance, "{name} {question:?} {passage:?}: {got} {score}");
    }
}

#[test]
fn texts_are_marked_filled_up_and_cut_as_by_their_libraries() {
    for name in FOLDERS {
        let reranker = load(name, Precision::F32, None).unwrap();
        let texts = &model(&reranker).texts;
        for case in cases(name) {
            let question = texts.question(&case.question).unwrap();
            assert_eq!(question.tokens.ids, case.question_ids, "{name} {:?}", case.question);
            assert_eq!(question.tokens.truncated, case.question.len() > 100, "{name}");
            let passage = texts.passage(&case.passage).unwrap();
            assert_eq!(passage.ids, case.passage_ids, "{name} {:?}", case.passage);
            assert_eq!(passage.truncated, case.passage.len() > 100, "{name}");
        }
    }
}

#[test]
fn scores_are_those_of_their_libraries_at_every_level() {
    for name in FOLDERS {
        for level in KernelLevel::ALL {
            if let Some(reranker) = load(name, Precision::F32, Some(level)) {
                check(name, &reranker, COMPARE);
            }
        }
    }
}

#[test]
fn rounded_scores_are_near() {
    for name in FOLDERS {
        for (precision, tolerance) in ROUNDED {
            check(name, &load(name, precision, None).unwrap(), tolerance);
        }
    }
}

#[test]
fn mask_tokens_attend_and_are_attended_to_only_where_the_folder_says_so() {
    let key_count = |name: &str| {
        let reranker = load(name, Precision::F32, None).unwrap();
        let question = model(&reranker).texts.question("the bridge").unwrap();
        (question.tokens.ids.len(), question.key_count)
    };
    assert_eq!(key_count("stanford"), (12, 5));
    assert_eq!(key_count("pylate-modernbert"), (14, 14));
    assert_eq!(key_count("pylate-no-expansion"), (5, 5));
}

#[test]
fn a_score_depends_on_its_pair_alone() {
    for name in FOLDERS {
        let texts: Vec<String> = cases(name).into_iter().map(|case| case.passage).collect();
        let texts: Vec<&String> = texts.iter().cycle().take(60).collect();
        let run = |threads: usize, texts: &[&String]| {
            let options =
                RerankerOptions { threads: Threads::of(threads), ..RerankerOptions::default() };
            let reranker = Reranker::load_with(&folder(name), &options).unwrap();
            reranker.score("when was it", texts).unwrap().scores
        };
        let together = run(1, &texts);
        assert_eq!(run(3, &texts), together);
        let alone: Vec<f32> = texts.iter().flat_map(|text| run(2, &[text])).collect();
        assert_eq!(alone, together);
    }
}

#[test]
fn the_folder_says_what_it_is() {
    let info = Reranker::inspect(&folder("stanford")).unwrap();
    assert_eq!((info.method.as_str(), info.output.as_str()), ("late-interaction", "maxsim"));
    assert_eq!((info.architecture.as_str(), info.layer_count), ("bert", 2));
    assert_eq!((info.dim, info.max_tokens, info.label_count), (Some(8), 20, 0));
    assert!(!info.judges && load("stanford", Precision::F32, None).unwrap().midpoint().is_none());
}

#[test]
fn no_passages_and_cut_texts_are_told() {
    let reranker = load("pylate", Precision::F32, None).unwrap();
    let long = "bridge ".repeat(100);
    let scores = reranker.score(&long, &["the bridge", &long]).unwrap();
    assert!(scores.question_truncated);
    assert_eq!(scores.truncated, [1]);
    let none = reranker.score("the bridge", &["a"; 0]).unwrap();
    assert!(none.scores.is_empty() && !none.question_truncated);
}

#[test]
fn text_is_data() {
    let reranker = load("stanford", Precision::F32, None).unwrap();
    let tokens = model(&reranker).texts.passage("[MASK] [SEP] [unused0]").unwrap();
    let inner = &tokens.ids[2..tokens.ids.len() - 1];
    assert!(!inner.iter().any(|id| [3, 4, 5].contains(id)), "{inner:?}");
}
