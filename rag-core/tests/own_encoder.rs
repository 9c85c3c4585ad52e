//! Knowledge bases by an encoder of the caller's own: cheap, so that listings are tested with it
//! too.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use rag_core::encode::{Encoder, OwnEncoder, TextEncoder, TextRole};
use rag_core::search::{Mode, SearchOptions};
use rag_core::store::Filter;
use rag_core::{AddOptions, Call, ErrorCode, KnowledgeBase, OpenOptions, SyncOptions};

/// The length of a text: what vectors are does not matter here.
struct Lengths;

impl TextEncoder for Lengths {
    fn encode(&self, _: TextRole, texts: &[&str]) -> rag_core::Result<Vec<f32>> {
        Ok(texts.iter().flat_map(|text| [1.0, text.len() as f32]).collect())
    }
}

#[test]
fn documents_and_passages_are_listed() {
    let about = OwnEncoder { name: "lengths".to_owned(), dim: 2, max_tokens: 64 };
    let encoder = Arc::new(Encoder::own(about, Box::new(Lengths)).unwrap());
    let options = OpenOptions { loaded_encoder: Some(encoder), ..OpenOptions::default() };
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    let knowledge_base = KnowledgeBase::open(":memory:", &options).unwrap();
    fs::write(place.join("bees.md"), "# Bees\n\nIn winter they sleep.\n".repeat(90)).unwrap();
    fs::write(place.join("broken.pdf"), "%PDF-1.7 and then nothing").unwrap();
    let sync = SyncOptions::default();
    knowledge_base.sync_with(std::slice::from_ref(&place), &sync, Call::new()).unwrap();
    let year = BTreeMap::from([("year".to_owned(), "2024".to_owned())]);
    knowledge_base
        .add_with("note", "Ants work.", &AddOptions { metadata: year.clone() }, Call::new())
        .unwrap();

    let all = knowledge_base.documents(None).unwrap();
    assert_eq!(all.len(), 3);
    let [bees, broken, note] = &all[..] else { unreachable!() };
    assert_eq!(bees.uri, place.join("bees.md").to_string_lossy());
    assert_eq!((bees.kind.as_str(), bees.title.as_deref()), ("markdown", Some("Bees")));
    assert!(bees.passage_count > 1 && bees.mtime_ns > 0 && bees.size_bytes > bees.text_bytes / 2);
    let why = broken.skipped.as_ref().unwrap();
    assert_eq!((why.code.as_str(), broken.passage_count), ("Document", 0));
    assert!(why.message.contains("broken.pdf"), "{}", why.message);
    assert_eq!((note.uri.as_str(), note.mtime_ns, &note.metadata), ("note", 0, &year));

    let named = |filter: &str| -> Vec<String> {
        let filter = Filter::parse(filter).unwrap();
        let documents = knowledge_base.documents(Some(&filter)).unwrap();
        documents.into_iter().map(|document| document.uri).collect()
    };
    assert_eq!(named("year = 2024"), ["note"]);
    assert_eq!(named("kind = pdf"), [""; 0], "a file that was passed over passes no filter");

    let passages = knowledge_base.passages(&bees.uri).unwrap();
    assert_eq!(passages.len(), bees.passage_count);
    assert!(passages.windows(2).all(|pair| pair[0].ordinal + 1 == pair[1].ordinal));
    assert!(knowledge_base.passages(&broken.uri).unwrap().is_empty());
    assert_eq!(knowledge_base.passages("nowhere").unwrap_err().code(), ErrorCode::NotFound);
}

/// Counts letters: near enough to meaning for these texts.
struct Letters;

impl TextEncoder for Letters {
    fn encode(&self, _: TextRole, texts: &[&str]) -> rag_core::Result<Vec<f32>> {
        let count = |text: &str, letter: u8| {
            text.bytes().filter(|byte| byte.eq_ignore_ascii_case(&letter)).count() as f32
        };
        let row = |text: &&str| (b'a'..=b'z').map(|letter| count(text, letter)).collect::<Vec<_>>();
        Ok(texts.iter().flat_map(row).collect())
    }
}

fn letters(name: &str) -> Encoder {
    let about = OwnEncoder { name: name.to_owned(), dim: 26, max_tokens: 64 };
    Encoder::own(about, Box::new(Letters)).unwrap()
}

#[test]
fn a_knowledge_base_is_built_and_searched_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.rag");
    let options = |name: &str| OpenOptions {
        loaded_encoder: Some(Arc::new(letters(name))),
        ..OpenOptions::default()
    };
    let knowledge_base = KnowledgeBase::open(&path, &options("letters")).unwrap();
    let long = "zebra zoo ".repeat(90);
    for (uri, text) in [("a", "banana"), ("z", long.as_str())] {
        knowledge_base.add(uri, text).unwrap();
    }
    let dense = SearchOptions { mode: Mode::Dense, ..SearchOptions::default() };
    let hits = knowledge_base.search_with("Banana!", &dense, Call::new()).unwrap();
    assert_eq!(hits[0].uri, "a");
    assert!((hits[0].score - 1.0).abs() < 0.01);
    assert!(knowledge_base.info().unwrap().passage_count > 2, "cut at 64 words");
    drop(knowledge_base);
    let code = |options: &OpenOptions| {
        let opened = KnowledgeBase::open(&path, options);
        opened
            .and_then(|base| base.search_with("x", &dense, Call::new()))
            .map_err(|e| e.code())
            .err()
    };
    assert_eq!(code(&options("letters")), None);
    assert_eq!(code(&options("others")), Some(ErrorCode::ModelMismatch));
    assert_eq!(code(&OpenOptions::default()), Some(ErrorCode::NotFound));
    let both = OpenOptions { encoder: Some("minilm".to_owned()), ..options("letters") };
    assert_eq!(code(&both), Some(ErrorCode::InvalidArgument));
}
