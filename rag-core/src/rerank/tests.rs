use std::fs;
use std::path::PathBuf;

use super::*;
use crate::ErrorCode;
use crate::encode::Precision;
use crate::kernels::{KernelLevel, Threads};
use crate::progress::CancelToken;

/// Largest difference of a logit from the float64 reference: 7.6e-5 in the gated families, 1.5e-6
/// in the others.
const COMPARE: f32 = 1.5e-4;
/// The same in bf16 and in int8; the logits of the fixtures span 4.5.
const ROUNDED: [(Precision, f32); 2] = [(Precision::Bf16, 0.06), (Precision::Int8, 0.25)];

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/reranker");
    let entries = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    assert!(folders.len() >= 7);
    folders
}

fn folder(name: &str) -> PathBuf {
    folders().into_iter().find(|folder| folder.ends_with(name)).unwrap()
}

struct Case {
    question: String,
    passage: String,
    ids: Vec<u32>,
    logits: Vec<f32>,
}

fn cases(folder: &Path) -> Vec<Case> {
    let bytes = fs::read(folder.join("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let cases = expected["cases"].as_array().unwrap().iter();
    cases
        .map(|case| Case {
            question: word(&case["question"]),
            passage: word(&case["passage"]),
            ids: serde_json::from_value(case["ids"].clone()).unwrap(),
            logits: serde_json::from_value(case["logits"].clone()).unwrap(),
        })
        .collect()
}

fn load(folder: &Path, precision: Precision, level: Option<KernelLevel>) -> Option<Reranker> {
    let options = RerankerOptions { precision, level, threads: Threads::default() };
    match Reranker::load_with(folder, &options) {
        Err(error) if error.code() == ErrorCode::InvalidArgument => None,
        loaded => Some(loaded.unwrap()),
    }
}

fn cross_encoder(reranker: &Reranker) -> &CrossEncoder {
    match &reranker.scorer {
        Scorer::CrossEncoder(model) => model,
        Scorer::LateInteraction(_) => panic!("late interaction"),
    }
}

fn check(folder: &Path, reranker: &Reranker, tolerance: f32) {
    for case in cases(folder) {
        let cancel = CancelToken::new();
        let logits = cross_encoder(reranker).logits(&case.question, &[&*case.passage], &cancel);
        let logits = logits.unwrap().rows;
        assert_eq!(logits.len(), case.logits.len());
        for (got, want) in logits.iter().zip(&case.logits) {
            let place = folder.display();
            let passage = &case.passage;
            assert!((got - want).abs() < tolerance, "{place} {passage:?}: {got} {want}");
        }
    }
}

#[test]
fn pairs_are_joined_and_cut_as_by_transformers() {
    for folder in folders() {
        let reranker = load(&folder, Precision::F32, None).unwrap();
        for case in cases(&folder) {
            let pairs = &cross_encoder(&reranker).pairs;
            let question = pairs.question(&case.question).unwrap();
            let pair = pairs.ids(&question, &case.passage).unwrap();
            assert_eq!(pair.ids, case.ids, "{} {:?}", folder.display(), case.passage);
            assert_eq!(pair.truncated, case.passage.len() > 100);
        }
    }
}

#[test]
fn logits_are_those_of_transformers_at_every_level() {
    for folder in folders() {
        for level in KernelLevel::ALL {
            if let Some(reranker) = load(&folder, Precision::F32, Some(level)) {
                check(&folder, &reranker, COMPARE);
            }
        }
    }
}

#[test]
fn rounded_logits_are_near() {
    for folder in folders() {
        for (precision, tolerance) in ROUNDED {
            check(&folder, &load(&folder, precision, None).unwrap(), tolerance);
        }
    }
}

#[test]
fn the_folder_says_what_a_logit_becomes() {
    for (name, output) in [
        ("bert", "sigmoid"),
        ("bert-two-labels", "softmax"),
        ("xlm-roberta", "logit"),
        ("distilbert", "logit"),
    ] {
        let reranker = load(&folder(name), Precision::F32, None).unwrap();
        assert_eq!(reranker.info().output, output);
        assert_eq!(reranker.info().max_tokens, 40);
        let case = &cases(&folder(name))[0];
        let score = reranker.score(&case.question, &[&case.passage]).unwrap().scores[0];
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        let want = match case.logits[..] {
            [other, wanted] => wanted.exp() / (wanted.exp() + other.exp()),
            [logit] if output == "sigmoid" => sigmoid(logit),
            _ => case.logits[0],
        };
        assert!((score - want).abs() < COMPARE, "{name}: {score} {want}");
    }
}

#[test]
fn a_score_depends_on_its_pair_alone() {
    for folder in folders() {
        let texts: Vec<String> = cases(&folder).into_iter().map(|case| case.passage).collect();
        let texts: Vec<&String> = texts.iter().cycle().take(60).collect();
        let run = |threads: usize, texts: &[&String]| {
            let threads = Threads::of(threads);
            let options = RerankerOptions { threads, ..Default::default() };
            let reranker = Reranker::load_with(&folder, &options).unwrap();
            reranker.score("when was it", texts).unwrap().scores
        };
        let together = run(1, &texts);
        assert_eq!(run(3, &texts), together);
        let alone: Vec<f32> = texts.iter().flat_map(|text| run(2, &[text])).collect();
        assert_eq!(alone, together);
        let reversed: Vec<&String> = texts.iter().rev().copied().collect();
        let mut back = run(2, &reversed);
        back.reverse();
        assert_eq!(back, together);
    }
}

#[test]
fn long_questions_leave_a_quarter_to_passages() {
    let reranker = load(&folder("bert"), Precision::F32, None).unwrap();
    let long = "bridge ".repeat(100);
    let pairs = &cross_encoder(&reranker).pairs;
    let question = pairs.question(&long).unwrap();
    // 40 tokens less [CLS] and two [SEP]
    assert_eq!((question.ids.len(), question.truncated), (37 - 9, true));
    assert_eq!(pairs.ids(&question, &long).unwrap().ids.len(), 40);
    let scores = reranker.score(&long, &["the bridge", &long]).unwrap();
    assert!(scores.question_truncated);
    assert_eq!(scores.truncated, [1]);
    let short = reranker.score("the bridge", &["a"; 0]).unwrap();
    assert!(short.scores.is_empty() && !short.question_truncated);
}

#[test]
fn text_is_data() {
    let reranker = load(&folder("bert"), Precision::F32, None).unwrap();
    let question = cross_encoder(&reranker).pairs.question("</s> <s>").unwrap();
    assert!(!question.ids.iter().any(|id| [2, 3].contains(id)), "{:?}", question.ids);
}
