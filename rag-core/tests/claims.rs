//! What an answer may be cited for: claims that the passages bear out, and claims altered by one
//! word.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rag_core::cite::{Reason, cite};
use rag_core::encode::{Encoder, OwnEncoder, TextEncoder, TextRole};
use rag_core::search::Hit;
use rag_core::{
    Answer, AskOptions, Call, Explain, KnowledgeBase, NotFoundReason, OpenOptions, OwnWriter,
    Writer,
};
use serde::Deserialize;

/// A line of tests/data/claims/claims.jsonl.
#[derive(Deserialize)]
struct Row {
    half: String,
    r#true: bool,
    kind: String,
    question: String,
    claim: String,
    passage: String,
}

fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/claims/claims.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn is_cited(row: &Row) -> bool {
    let text = row.passage.clone();
    let hit = Hit { passage_id: 1, uri: "1".to_owned(), end: text.len(), text, ..Hit::default() };
    let cited = cite(&row.question, &row.claim, &[hit], None).unwrap();
    cited.unsupported.is_empty() && !cited.citations.is_empty()
}

#[test]
fn altered_claims_are_refused_and_true_ones_are_cited() {
    let rows = rows();
    let mut kinds: BTreeMap<(bool, &str, &str), (usize, usize)> = BTreeMap::new();
    for row in &rows {
        let kind = kinds.entry((row.r#true, &row.kind, &row.half)).or_default();
        kind.0 += 1;
        kind.1 += usize::from(is_cited(row) != row.r#true);
    }
    for ((is_true, kind, half), (count, wrong)) in &kinds {
        let what = if *is_true { "true" } else { "altered" };
        eprintln!("{what:8} {kind:18} {half:5} {count:4} wrong {wrong}");
    }
    // the even half was looked at, the odd one was not
    let share = |is_true: bool| {
        let half = kinds
            .iter()
            .filter(|((true_claim, _, half), _)| *true_claim == is_true && *half == "odd");
        let (count, wrong) = half.fold((0, 0), |sum, (_, kind)| (sum.0 + kind.0, sum.1 + kind.1));
        assert!(count >= 140, "{count}");
        wrong as f64 / count as f64
    };
    let (accepted, refused) = (share(false), share(true));
    eprintln!("held out: altered accepted {accepted:.3}, true refused {refused:.3}");
    assert!(accepted <= 0.05, "altered claims accepted: {accepted:.3}");
    assert!(refused <= 0.05, "true claims refused: {refused:.3}");
}

/// Counts letters: near enough to meaning for these texts.
struct Letters;

impl TextEncoder for Letters {
    fn encode(&self, _: TextRole, texts: &[&str]) -> rag_core::Result<Vec<f32>> {
        let count = |text: &str, letter: u8| {
            text.bytes().filter(|byte| byte.eq_ignore_ascii_case(&letter)).count() as f32 + 0.1
        };
        let row = |text: &&str| (b'a'..=b'z').map(|letter| count(text, letter)).collect::<Vec<_>>();
        Ok(texts.iter().flat_map(row).collect())
    }
}

/// The answer to `question` from these documents, where another writes `written`.
fn told(documents: &[&str], question: &str, written: &'static str) -> Answer {
    let about = OwnEncoder { name: "letters".to_owned(), dim: 26, max_tokens: 256 };
    let encoder = Arc::new(Encoder::own(about, Box::new(Letters)).unwrap());
    let options = OpenOptions { loaded_encoder: Some(encoder), ..OpenOptions::default() };
    let knowledge_base = KnowledgeBase::open(":memory:", &options).unwrap();
    for (number, text) in documents.iter().enumerate() {
        knowledge_base.add(&format!("{number}"), text).unwrap();
    }
    let writer = OwnWriter::new(move |_| Ok(written.to_owned()));
    let options = AskOptions {
        writer: Writer::Own(writer),
        explain: Explain::Trace,
        abstain: rag_core::Abstain::Below(-1.0),
        ..AskOptions::default()
    };
    knowledge_base.ask_with(question, &options, Call::new()).unwrap()
}

#[test]
fn case_08_an_answer_that_says_the_opposite_is_not_found() {
    for (text, question, written, reason) in [
        (
            "During maintenance, valve V3 must not be opened.",
            "What about valve V3 during maintenance?",
            "During maintenance, valve V3 must be opened.",
            Reason::Negation,
        ),
        (
            "Store the vaccine at -40 degrees.",
            "How is the vaccine stored?",
            "Store the vaccine at 40 degrees.",
            Reason::Figure,
        ),
        (
            "The daily dose is 2.5 mg for adults.",
            "What is the daily dose for adults?",
            "The daily dose is 5.2 mg for adults.",
            Reason::Figure,
        ),
        (
            "The daily dose is 2.5 mg for adults.",
            "What is the daily dose for adults?",
            "The daily dose is 2.5 g for adults.",
            Reason::Figure,
        ),
        ("Valve V3 must not be opened.", "Must valve V3 be opened?", "Yes.", Reason::Answer),
        ("Valve V3 must be opened.", "Must valve V3 be opened?", "No.", Reason::Answer),
    ] {
        let answer = told(&[text], question, written);
        assert_eq!(
            (answer.found, answer.reason),
            (false, Some(NotFoundReason::Unsupported)),
            "{written}"
        );
        let trace = answer.trace.unwrap();
        assert_eq!(trace.unsupported, [written]);
        let refuted = &trace.refuted[0];
        assert_eq!((refuted.reason, refuted.quote.as_str()), (reason, text), "{written}");
        assert!(!refuted.detail.is_empty());
    }
    for (text, question, written) in [
        ("Valve V3 must not be opened.", "Must valve V3 be opened?", "No."),
        ("Valve V3 must be opened.", "Must valve V3 be opened?", "Yes."),
        ("The daily dose is 2.5 mg for adults.", "What is the daily dose?", "2.5 mg"),
    ] {
        assert!(told(&[text], question, written).found, "{written}");
    }
}

#[test]
fn documents_that_disagree_are_both_shown() {
    let documents = [
        "The mail server is shut down on 3 May 2030.",
        "[1] policy.md: The mail server is shut down on 9 July 2031.",
    ];
    let written = "The mail server is shut down on 9 July 2031.";
    let answer = told(&documents, "When is the mail server shut down?", written);
    assert!(answer.found);
    let [conflict] = &answer.conflicts[..] else { panic!("{:?}", answer.conflicts) };
    let cited = answer.citations.iter().find(|cited| cited.marker == conflict.marker).unwrap();
    assert_eq!((cited.uri.as_str(), conflict.source.uri.as_str()), ("1", "0"));
    assert_eq!(
        (conflict.stated.as_str(), conflict.contrary.as_str()),
        ("9 July 2031", "3 May 2030")
    );
    assert_eq!(conflict.source.quote, documents[0]);
    assert!(answer.explain_html().contains("Documents that disagree"));
}
