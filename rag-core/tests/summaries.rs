//! Summaries with and without a generator, and what is searched when the generator rewrites the
//! question.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;

use std::ops::ControlFlow;

use rag_core::cite::Status;
use rag_core::generate::GenerateOptions;
use rag_core::model::{Message, Role};
use rag_core::prompt::{Example, Order};
use rag_core::{
    Answer, AskOptions, Call, CancelToken, ErrorCode, Explain, KnowledgeBase, NO_LLM,
    NotFoundReason, OpenOptions, Rewrite, Subject, SummarizeOptions,
};

const LAB: &str = include_str!("../../tests/data/documents/lab.txt");

fn knowledge_base(llm: Option<&str>) -> Option<KnowledgeBase> {
    let path = |name: &str| Some(common::model(name)?.to_str().unwrap().to_owned());
    let options = OpenOptions {
        encoder: Some(path("minilm")?),
        llm: Some(match llm {
            Some(name) => path(name)?,
            None => NO_LLM.to_owned(),
        }),
        ..OpenOptions::default()
    };
    let knowledge_base = KnowledgeBase::open(":memory:", &options).unwrap();
    for (uri, text) in [("lab", LAB), ("mill", "The old mill grinds rye on Sundays.")] {
        knowledge_base.add(uri, text).unwrap();
    }
    Some(knowledge_base)
}

fn summarize(
    knowledge_base: &KnowledgeBase,
    subject: Subject<'_>,
    options: &SummarizeOptions,
) -> rag_core::Result<(Answer, String)> {
    let mut said = String::new();
    let mut on_piece = |piece: &str| {
        said.push_str(piece);
        ControlFlow::Continue(())
    };
    let summary =
        knowledge_base.summarize_with(subject, options, Call::new().on_piece(&mut on_piece))?;
    Ok((summary, said))
}

#[test]
fn without_a_generator_a_summary_is_sentences_of_the_document_in_order() {
    let Some(base) = knowledge_base(None) else { return };
    let options = SummarizeOptions { max_sentences: 3, ..SummarizeOptions::default() };
    let (summary, said) = summarize(&base, Subject::Document("lab"), &options).unwrap();
    assert!(summary.found && !said.is_empty());
    assert!(!summary.citations.is_empty() && summary.citations.len() <= 3);
    let starts: Vec<usize> = summary.citations.iter().map(|cited| cited.start).collect();
    assert!(starts.is_sorted(), "{starts:?}");
    for cited in &summary.citations {
        assert_eq!((cited.uri.as_str(), cited.status), ("lab", Status::Ok));
        assert_eq!(&LAB[cited.start..cited.end], cited.quote);
    }
    assert!(summary.hits.iter().all(|hit| hit.uri == "lab"));
    let again = summarize(&base, Subject::Document("lab"), &options).unwrap().0;
    assert_eq!(summary.text, again.text);
}

#[test]
fn a_question_is_summarized_from_what_is_found() {
    let Some(base) = knowledge_base(None) else { return };
    let options = SummarizeOptions::default();
    let about = Subject::Question("What does the old mill grind?");
    let (summary, _) = summarize(&base, about, &options).unwrap();
    assert!(summary.text.contains("rye"), "{}", summary.text);
    let off = Subject::Question("How many goals did the midfielder score during the tournament?");
    let (summary, said) = summarize(&base, off, &options).unwrap();
    assert!(!summary.found && said.is_empty());
    assert!(matches!(summary.reason, Some(NotFoundReason::Uncovered | NotFoundReason::BelowFloor)));
}

#[test]
fn nonsense_is_refused_by_name() {
    let Some(base) = knowledge_base(None) else { return };
    let code = |subject, options: &SummarizeOptions| {
        summarize(&base, subject, options).unwrap_err().code()
    };
    let default = SummarizeOptions::default();
    assert_eq!(code(Subject::Document("nowhere"), &default), ErrorCode::NotFound);
    assert_eq!(code(Subject::Question(" "), &default), ErrorCode::InvalidArgument);
    for max_sentences in [0, 51] {
        let options = SummarizeOptions { max_sentences, ..SummarizeOptions::default() };
        assert_eq!(code(Subject::Document("lab"), &options), ErrorCode::InvalidArgument);
    }
}

#[test]
fn a_generator_summarizes_part_by_part() {
    let Some(base) = knowledge_base(Some("qwen2.5-0.5b")) else { return };
    // longer than one part
    let report: String = (1..=60)
        .map(|week| {
            format!(
                "In week {week} the crew of the dredger cleared {} metres of the Aven canal between the lock \
                 and the iron bridge, and the weather stayed dry on most days.\n\n",
                week * 7
            )
        })
        .collect();
    base.add("report", &report).unwrap();
    let mut options = SummarizeOptions { max_sentences: 2, ..SummarizeOptions::default() };
    options.ask.generate = GenerateOptions { max_new_tokens: 80, ..GenerateOptions::default() };
    options.ask.explain = Explain::Trace;
    let (summary, said) = summarize(&base, Subject::Document("report"), &options).unwrap();
    let trace = summary.trace.unwrap();
    assert_eq!(said.trim(), trace.raw_text.trim());
    assert!(summary.timings.prompt_token_count > 2_000, "{:?}", summary.timings);
    assert!(trace.raw_text.to_lowercase().contains("dredger"), "{}", trace.raw_text);
    let said = rag_core::passage::sentences(&trace.raw_text);
    assert!((1..=2).contains(&said.len()), "{}", trace.raw_text);
    for cited in &summary.citations {
        assert_eq!((cited.uri.as_str(), cited.status), ("report", Status::Ok));
    }
    let cancelled = CancelToken::new();
    cancelled.cancel();
    let error =
        base.summarize_with(Subject::Document("report"), &options, Call::new().cancel(&cancelled));
    assert_eq!(error.unwrap_err().code(), ErrorCode::Cancelled);
}

fn traced(base: &KnowledgeBase, question: &str, options: AskOptions) -> rag_core::Trace {
    let options = AskOptions {
        explain: Explain::Trace,
        generate: GenerateOptions { max_new_tokens: 8, ..GenerateOptions::default() },
        ..options
    };
    base.ask_with(question, &options, Call::new()).unwrap().trace.unwrap()
}

#[test]
fn the_generator_writes_what_is_searched() {
    let Some(base) = knowledge_base(Some("qwen2.5-0.5b")) else { return };
    let turn = |role, content: &str| Message { role, content: content.to_owned() };
    let history =
        vec![turn(Role::User, "Who runs the old mill?"), turn(Role::Assistant, "Nobody says.")];
    let follow_up = AskOptions {
        history: history.clone(),
        rewrite: Rewrite::Standalone,
        ..AskOptions::default()
    };
    let trace = traced(&base, "And what does it grind?", follow_up);
    // whatever so small a model makes of it, the passage is found
    assert!(trace.rewritten.len() == 1 && trace.hits[0].uri == "mill", "{:?}", trace.rewritten);
    assert_eq!(trace.left_out_turns, 0);
    // a first question stands alone already
    let first = AskOptions { rewrite: Rewrite::Standalone, ..AskOptions::default() };
    assert!(traced(&base, "What does the old mill grind?", first).rewritten.is_empty());
    let variants = AskOptions { rewrite: Rewrite::Variants(2), ..AskOptions::default() };
    let trace = traced(&base, "What does the old mill grind?", variants);
    assert!((1..=2).contains(&trace.rewritten.len()), "{:?}", trace.rewritten);
    assert_eq!(trace.hits[0].uri, "mill");
    let guess = AskOptions { rewrite: Rewrite::Hypothetical, ..AskOptions::default() };
    let trace = traced(&base, "What does the old mill grind?", guess);
    assert!(trace.rewritten.len() == 1 && trace.hits[0].uri == "mill", "{:?}", trace.rewritten);
}

#[test]
fn the_prompt_shows_the_examples_and_the_order_that_are_asked_for() {
    let Some(base) = knowledge_base(Some("smollm2")) else { return };
    let question = "What does the old mill grind?";
    let prompt = |options| traced(&base, question, options).prompt;
    let ours = prompt(AskOptions::default());
    assert!(ours.contains("Harlow"));
    let none = prompt(AskOptions { examples: Some(Vec::new()), ..AskOptions::default() });
    assert!(!none.contains("Harlow") && none.len() < ours.len());
    let example = Example {
        passages: vec!["Tilia means linden.".to_owned()],
        question: "What is Tilia?".to_owned(),
        answer: "Tilia is the linden.".to_owned(),
    };
    let own = prompt(AskOptions { examples: Some(vec![example]), ..AskOptions::default() });
    assert!(own.contains("[1] Tilia means linden.") && own.contains("Tilia is the linden."));
    let place = |prompt: &str| (prompt.find("grinds rye").unwrap(), prompt.rfind("[2]").unwrap());
    let (best, second) = place(&ours);
    assert!(best > second, "{ours}");
    let first = prompt(AskOptions { order: Order::BestFirst, ..AskOptions::default() });
    let (best, second) = place(&first);
    assert!(best < second, "{first}");
}

#[test]
fn a_rewrite_without_a_generator_says_so() {
    let Some(base) = knowledge_base(None) else { return };
    let options = AskOptions { rewrite: Rewrite::Variants(2), ..AskOptions::default() };
    let error = base.ask_with("What is it?", &options, Call::new()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
    let options = AskOptions { rewrite: Rewrite::Variants(9), ..AskOptions::default() };
    let error = base.ask_with("What is it?", &options, Call::new()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
}
