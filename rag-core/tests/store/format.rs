//! The file as others see it: the reader printed in docs/format.md, and files of earlier versions.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use rag_core::CancelToken;
use rag_core::store::{Access, IndexMode, NewDocument, Seal, Store};

use crate::fixture::{Kb, passage, unit};

const DIM: usize = 8;

fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The program on the page, which knows nothing of this library.
fn reader() -> String {
    let page = std::fs::read_to_string(repository("docs/format.md")).unwrap();
    let program = page.split("```python\n").nth(1).unwrap();
    program.split("```").next().unwrap().to_owned()
}

/// What the reader must print.
fn expected(documents: u64) -> Vec<String> {
    let mut lines = vec![format!("encoder tiny, dim {DIM}, generation 1, segment graph")];
    let mut names: Vec<u64> = (0..documents).collect();
    names.sort_by_key(|number| format!("doc {number}"));
    for number in names {
        if number % 10 == 9 {
            lines.push(format!("doc {number}: skipped, cannot read doc {number}: locked"));
            continue;
        }
        lines.push(format!("doc {number}: None, {{'number': '{number}'}}"));
        for n in 0..2 {
            let id = (number - number / 10) * 2 + n + 1;
            let text = format!("passage {n} of {number}");
            let start = n * (text.len() as u64 + 1);
            let end = start + text.len() as u64;
            lines.push(format!("  {id} [{start}:{end}] page None, None: '{text}'"));
        }
    }
    let count = (documents - documents / 10) * 2;
    lines.push(format!("{count} passages sealed, up to id {count}"));
    lines
}

fn fill(kb: &Kb, documents: u64) {
    for number in 0..documents {
        let uri = format!("doc {number}");
        if number % 10 == 9 {
            kb.skip(&uri);
            continue;
        }
        let metadata = BTreeMap::from([("number".to_owned(), number.to_string())]);
        let text = format!("passage 0 of {number}\npassage 1 of {number}");
        let middle = text.find('\n').unwrap();
        let document = NewDocument {
            uri: &uri,
            size_bytes: text.len() as u64,
            mtime_ns: 1,
            hash: [1; 32],
            kind: "text",
            title: None,
            lang: None,
            text: &text,
            source_map: &[],
            metadata: &metadata,
            unread: &[],
        };
        let passages = [passage(0..middle, None), passage(middle + 1..text.len(), None)];
        let vectors = [unit(DIM, number * 2 + 1), unit(DIM, number * 2 + 2)].concat();
        kb.store.put_document(&document, &passages, &vectors).unwrap();
    }
    kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
}

/// Two hundred documents, or ten thousand with `RAG_LONG=1`.
#[test]
fn the_reader_on_the_page_agrees_with_the_library() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let documents = if std::env::var_os("RAG_LONG").is_some() { 10_000 } else { 200 };
    fill(&Kb::create(&path, DIM), documents);
    let output = match Command::new("python3").arg("-c").arg(reader()).arg(&path).output() {
        Ok(output) => output,
        Err(error) => return println!("SKIP the reader on the page: python3: {error}"),
    };
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = text.lines().collect();
    let expected = expected(documents);
    assert_eq!(lines[..expected.len()], expected[..]);
    let layers = &lines[expected.len()..];
    assert!(layers[0].starts_with(&format!("layer 0: {} nodes", (documents - documents / 10) * 2)));
}

/// A file written by any version opens for ever. Only a new version adds a file here:
/// `RAG_BLESS=1` writes one that is missing, and never touches one that is there.
#[test]
fn a_file_of_every_version_is_read_and_written() {
    for version in [1, 2] {
        let fixture = repository(&format!("tests/data/store/v{version}.rag"));
        if std::env::var_os("RAG_BLESS").is_some() && !fixture.exists() {
            let kb = Kb::create(&fixture, DIM);
            fill(&kb, 20);
            kb.store.remove_document("doc 3").unwrap();
            kb.put("later", &["a tail of one"], 5);
            kb.store.put_setting("floor", "0.5").unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kb.rag");
        std::fs::copy(&fixture, &path).unwrap();
        for access in [Access::ReadOnly, Access::ReadWrite] {
            let store = Store::open(&path, access).unwrap();
            assert_eq!(store.check(&CancelToken::new()).unwrap(), []);
            let is_older = version < 2 && access == Access::ReadOnly;
            assert_eq!(store.notices().len(), usize::from(is_older), "{:?}", store.notices());
            let info = store.info().unwrap();
            assert_eq!((info.document_count, info.skipped_count, info.passage_count), (18, 2, 35));
            assert_eq!(store.setting("floor").unwrap().as_deref(), Some("0.5"));
            for mode in [IndexMode::Flat, IndexMode::Hnsw] {
                let hits = store.nearest(&unit(DIM, 9), 3, mode).unwrap();
                assert_eq!(hits[0].0, 9, "{mode:?}");
                assert!((hits[0].1 - 1.0).abs() < 1e-6);
            }
            assert_eq!(store.lexical("tail", 5).unwrap().len(), 1);
            assert_eq!(store.passage(10).unwrap().unwrap().text, "passage 1 of 4");
            // a name is found by where the file has the words of names
            let is_named = version > 1 || access == Access::ReadWrite;
            assert_eq!(store.lexical("later", 5).unwrap().len(), usize::from(is_named));
        }
        let kb = Kb::create(&path, DIM);
        assert_eq!(kb.put("next", &["written now"], 6), [38]);
        kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
        assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
    }
}
