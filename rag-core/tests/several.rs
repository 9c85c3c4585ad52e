//! Several knowledge bases asked as one, on a real encoder.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;

use std::path::{Path, PathBuf};

use rag_core::cite::Status;
use rag_core::search::SearchOptions;
use rag_core::{Answer, AskOptions, Call, ErrorCode, KnowledgeBase, NO_LLM, OpenOptions, Subject};

const MILL: &str = "The old mill on the Orne was restored in 2004. It grinds rye on Sundays.";
const BARN: &str = "The barn beside the road holds hay for the winter and two tractors.";
const SCHOOL: &str = "The village school has three classes and a garden with apple trees.";
const POOL: &str = "The swimming pool opens at ten o'clock and closes at seven in the evening.";

fn open(path: &Path, encoder: &Path, also: &[PathBuf]) -> rag_core::Result<KnowledgeBase> {
    let options = OpenOptions {
        encoder: Some(encoder.to_str().unwrap().to_owned()),
        llm: Some(NO_LLM.to_owned()),
        also: also.to_vec(),
        ..OpenOptions::default()
    };
    KnowledgeBase::open(path, &options)
}

fn fill(path: &Path, encoder: &Path, texts: &[(&str, &str)]) {
    let knowledge_base = open(path, encoder, &[]).unwrap();
    for (uri, text) in texts {
        knowledge_base.add(uri, text).unwrap();
    }
}

fn ask(knowledge_base: &KnowledgeBase, question: &str) -> Answer {
    let options = AskOptions::default();
    knowledge_base.ask_with(question, &options, Call::new()).unwrap()
}

#[test]
fn an_answer_comes_from_whichever_file_holds_it() {
    let Some(encoder) = common::model("minilm") else { return };
    let folder = tempfile::tempdir().unwrap();
    let [first, second, whole] = ["a.rag", "b.rag", "c.rag"].map(|name| folder.path().join(name));
    fill(&first, &encoder, &[("mill", MILL), ("barn", BARN)]);
    fill(&second, &encoder, &[("school", SCHOOL), ("pool", POOL)]);
    fill(&whole, &encoder, &[("mill", MILL), ("barn", BARN), ("school", SCHOOL), ("pool", POOL)]);
    let both = open(&first, &encoder, std::slice::from_ref(&second)).unwrap();
    let one = open(&whole, &encoder, &[]).unwrap();
    assert_eq!(both.also(), [second.as_path()]);
    for question in ["When was the old mill restored?", "When does the pool open?", "hay"] {
        let scores = |knowledge_base: &KnowledgeBase| -> Vec<(String, f32)> {
            let options = SearchOptions::default();
            let hits = knowledge_base.search_with(question, &options, Call::new()).unwrap();
            hits.into_iter().map(|hit| (hit.uri, hit.score)).collect()
        };
        assert_eq!(scores(&both), scores(&one), "{question}");
        let (said, expected) = (ask(&both, question), ask(&one, question));
        assert_eq!((said.found, said.text), (expected.found, expected.text), "{question}");
    }
    let pool = ask(&both, "When does the swimming pool open?");
    assert!(pool.found && pool.text.contains("ten"), "{pool:?}");
    let cited = &pool.citations[0];
    assert_eq!((cited.uri.as_str(), cited.store, cited.status), ("pool", 1, Status::Ok));
    assert_eq!(both.verify(cited).unwrap(), Status::Ok);
    assert_eq!(one.verify(cited).unwrap_err().code(), ErrorCode::InvalidArgument);
    assert_eq!(pool.hits[0].store, 1);
    let json = serde_json::to_value(&pool).unwrap();
    assert_eq!(json["citations"][0]["store"], 1);

    // the second file is only read: what is written goes into the first
    both.add("pool", "The pool is closed.").unwrap();
    assert_eq!(open(&second, &encoder, &[]).unwrap().info().unwrap().document_count, 2);
    let summary = both.summarize(Subject::Document("school")).unwrap();
    assert!(summary.found && summary.citations.iter().all(|cited| cited.store == 1));
}

#[test]
fn a_file_that_changes_is_asked_as_it_is_now() {
    let Some(encoder) = common::model("minilm") else { return };
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["a.rag", "b.rag"].map(|name| folder.path().join(name));
    fill(&first, &encoder, &[("barn", BARN)]);
    fill(&second, &encoder, &[("school", SCHOOL)]);
    let both = open(&first, &encoder, std::slice::from_ref(&second)).unwrap();
    assert!(!ask(&both, "When was the old mill restored?").text.contains("2004"));
    fill(&second, &encoder, &[("mill", MILL)]);
    assert!(ask(&both, "When was the old mill restored?").text.contains("2004"));
}

#[test]
fn files_that_cannot_be_one_are_refused() {
    let Some(encoder) = common::model("minilm") else { return };
    let Some(other) = common::model("e5-small") else { return };
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["a.rag", "b.rag"].map(|name| folder.path().join(name));
    fill(&first, &encoder, &[("barn", BARN)]);
    fill(&second, &other, &[("school", SCHOOL)]);
    let refused = |also: &[PathBuf]| open(&first, &encoder, also).unwrap_err();
    let mismatch = refused(std::slice::from_ref(&second));
    assert_eq!(mismatch.code(), ErrorCode::ModelMismatch);
    assert!(mismatch.to_string().contains("b.rag"), "{mismatch}");
    assert_eq!(refused(std::slice::from_ref(&first)).code(), ErrorCode::InvalidArgument);
    let missing = folder.path().join("missing.rag");
    assert_eq!(refused(std::slice::from_ref(&missing)).code(), ErrorCode::Io);
    assert!(!missing.exists());
    // a file without documents takes the encoder of the others
    let empty = folder.path().join("empty.rag");
    let named =
        OpenOptions { also: vec![second], llm: Some(NO_LLM.to_owned()), ..OpenOptions::default() };
    let dirs = other.parent().unwrap().to_owned();
    let mut named = named;
    named.model_dirs.model_dirs.push(dirs);
    let knowledge_base = KnowledgeBase::open(&empty, &named).unwrap();
    assert!(ask(&knowledge_base, "How many classes has the village school?").found);
}
