//! Answers without a generator on a real encoder: what is answered, from which language, and what is not.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rag_core::cite::Status;
use rag_core::{
    Answer, AskOptions, CancelToken, Explain, KnowledgeBase, NO_LLM, NotFoundReason, OpenOptions,
};

fn knowledge_base(texts: &[&str]) -> Option<KnowledgeBase> {
    let options = OpenOptions {
        encoder: Some(common::model("e5-small")?.to_str().unwrap().to_owned()),
        llm: Some(NO_LLM.to_owned()),
        ..OpenOptions::default()
    };
    let knowledge_base = KnowledgeBase::open(":memory:", &options).unwrap();
    for (number, text) in texts.iter().enumerate() {
        let uri = format!("{number}");
        knowledge_base.add(&uri, text, &BTreeMap::new(), &CancelToken::new()).unwrap();
    }
    Some(knowledge_base)
}

fn ask(knowledge_base: &KnowledgeBase, question: &str) -> Answer {
    let options = AskOptions { explain: Explain::Trace, ..AskOptions::default() };
    let mut said = String::new();
    let mut on_piece = |piece: &str| {
        said.push_str(piece);
        ControlFlow::Continue(())
    };
    let answer =
        knowledge_base.ask(question, &options, &mut on_piece, &CancelToken::new()).unwrap();
    assert!(!answer.found || !said.is_empty());
    answer
}

const MILL: &str = "The old mill on the Orne was restored in 2004. It grinds rye on Sundays.";
const BARN: &str = "The barn beside the road holds hay for the winter and two tractors.";
const SCHOOL: &str = "The village school has three classes and a garden with apple trees.";

#[test]
fn the_best_sentence_is_the_answer_and_cites_itself() {
    let Some(village) = knowledge_base(&[MILL, BARN, SCHOOL]) else { return };
    let answer = ask(&village, "When was the old mill restored?");
    assert!(answer.found && answer.text.contains("2004") && !answer.text.contains("rye"));
    assert_eq!(answer.citations.len(), 1);
    assert_eq!(answer.citations[0].status, Status::Ok);
    assert_eq!(
        &MILL[answer.citations[0].start..answer.citations[0].end].trim(),
        &answer.citations[0].quote.trim()
    );
}

#[test]
fn a_question_whose_words_are_nowhere_is_not_answered() {
    let Some(village) = knowledge_base(&[MILL, BARN, SCHOOL]) else { return };
    let answer = ask(&village, "How many goals did the midfielder score during the tournament?");
    let trace = answer.trace.unwrap();
    assert!(!answer.found);
    assert!(trace.coverage.unwrap() < trace.min_coverage.unwrap());
    assert!(matches!(answer.reason, Some(NotFoundReason::Uncovered | NotFoundReason::BelowFloor)));
}

/// An answer in the other language shares no words with the question, whatever else was found beside it.
#[test]
fn an_english_question_is_answered_from_a_french_passage_among_english_ones() {
    let french = "L'atelier de poterie ouvre \u{e0} neuf heures le mercredi et ferme \u{e0} midi pour les enfants du village.";
    let Some(village) = knowledge_base(&[french, BARN, SCHOOL]) else { return };
    let answer = ask(&village, "At what time does the pottery workshop open on Wednesday?");
    assert!(answer.found, "{:?} {:?}", answer.reason, answer.trace);
    assert!(answer.text.contains("neuf heures"));
    let trace = answer.trace.unwrap();
    assert_eq!(trace.coverage, None, "words cannot tell");
    assert!(trace.floor.unwrap() < trace.best.unwrap());
}
