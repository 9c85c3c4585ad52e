//! What a person types wrong is answered with the next step.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::path::Path;

use common::{Place, json, rag};

fn encoder() -> String {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/encoder/families/bert");
    data.canonicalize().unwrap().to_str().unwrap().to_owned()
}

/// A knowledge base of three documents, two of one name.
fn knowledge_base() -> (Place, String) {
    let place = Place::new();
    fs::remove_dir_all(place.path("docs")).unwrap();
    fs::create_dir_all(place.path("docs/old")).unwrap();
    place.write("history.md", "---\nauthor: Ada\n---\nThe dam was built in 1931.\n");
    place.write("notes.md", "The buoy drifts in a storm.\n");
    place.write("old/notes.md", "The mill stands still.\n");
    let (kb, docs) = (place.path("kb.rag"), place.path("docs"));
    json(&["sync", &kb, &docs, "--encoder", &encoder(), "--json"], 0);
    (place, kb)
}

/// Exit code and what was said on standard error.
fn said(arguments: &[&str]) -> (Option<i32>, String) {
    let output = rag(arguments).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn mistakes_are_answered_with_the_next_step() {
    let (place, kb) = knowledge_base();
    let (none, docs, encoder) = (place.path("nope.rag"), place.path("docs"), encoder());
    let makes = format!("there is no such file; `rag sync {none} FOLDER` makes one");
    for (arguments, code, wanted) in [
        (&["ask", &none, "storm"][..], 1, makes.as_str()),
        (&["search", &kb, "storm", "--encoder", "e5-smal"], 1, "did you mean e5-small?"),
        (
            &["ask", &kb, "storm", "--encoder", &encoder, "--llm", "Qwen/Qwen2.5-0.5B-Instruct"],
            1,
            "a model of a hub has to be on this machine",
        ),
        (
            &["search", &kb, "storm", "--encoder", &encoder, "--filter", "kindd = pdf"],
            2,
            "unknown key kindd; known: kind, path, title, lang, size, modified, author",
        ),
        (&["sync", &docs, &kb], 2, "the knowledge base comes first"),
        (&["remove", &kb], 2, "or several by --filter"),
        (
            &["summarize", &kb, "--document", "notes.md", "--encoder", &encoder, "--extract"],
            1,
            "several end so: ",
        ),
        (
            &["summarize", &kb, "--document", "tales.md", "--encoder", &encoder, "--extract"],
            1,
            "documents go by the path or uri that hits show",
        ),
    ] {
        let (found, line) = said(arguments);
        assert!(found == Some(code) && line.contains(wanted), "{arguments:?}: {found:?} {line}");
    }
}

#[test]
fn what_can_only_mean_one_thing_is_taken_for_it() {
    let (_place, kb) = knowledge_base();
    let encoder = encoder();
    // the end of a path that no other has
    for name in ["history.md", "old/notes.md", "./history.md"] {
        let arguments = ["summarize", &kb, "--document", name, "--encoder", &encoder, "--extract"];
        assert_eq!(said(&arguments).0, Some(0), "{name}");
    }
    // even where a file of that name lies that is none of the documents
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("history.md"), "Another history.").unwrap();
    let typed = ["summarize", &kb, "--document", "history.md", "--encoder", &encoder, "--extract"];
    let output = rag(&typed).current_dir(elsewhere.path()).output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1931"));
    // a question need not be quoted
    for verb in ["search", "ask"] {
        let typed = [verb, &kb, "buoy", "in", "a", "storm", "--encoder", &encoder];
        let more: &[&str] = if verb == "ask" { &["--extract", "--abstain", "never"] } else { &[] };
        let output = rag(&[&typed[..], more].concat()).output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && out.contains("drifts"), "{verb}: {out}");
    }
}

#[test]
fn a_search_that_finds_nothing_says_so_by_its_exit_code() {
    let (_place, kb) = knowledge_base();
    let encoder = encoder();
    let typed = ["search", &kb, "\"no such phrase\"", "--encoder", &encoder];
    assert_eq!(said(&typed), (Some(3), "rag: no passage found\n".to_owned()));
    let found = json(&[&typed[..], &["--json"]].concat(), 0);
    assert_eq!(found["hits"].as_array().unwrap().len(), 0);
}
