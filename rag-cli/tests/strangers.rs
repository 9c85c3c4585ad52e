//! Questions, documents and files as strangers write them: nothing in them is taken for an option,
//! steers the terminal, passes for a marker of ours, or leads the program elsewhere.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use common::{Place, json, rag};

fn encoder() -> String {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/encoder/families/bert");
    data.canonicalize().unwrap().to_str().unwrap().to_owned()
}

/// A knowledge base of these documents, by name and text.
fn knowledge_base(documents: &[(&str, &str)]) -> (Place, String) {
    let place = Place::new();
    fs::remove_dir_all(place.path("docs")).unwrap();
    fs::create_dir(place.path("docs")).unwrap();
    for (name, text) in documents {
        place.write(name, text);
    }
    let (kb, docs) = (place.path("kb.rag"), place.path("docs"));
    json(&["sync", &kb, &docs, "--encoder", &encoder(), "--json"], 0);
    (place, kb)
}

/// The best sentence for a question, whatever it is worth.
fn ask(kb: &str, question: &str, more: &[&str]) -> Output {
    let encoder = encoder();
    let fixed = ["ask", kb, question, "--encoder", &encoder, "--extract", "--abstain", "never"];
    rag(&[&fixed[..], more].concat()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_question_may_begin_with_a_hyphen_and_a_mistyped_option_is_named() {
    let (_place, kb) = knowledge_base(&[("cold.txt", "At -40 degrees the oil is thick.")]);
    let encoder = encoder();
    for question in ["-40 degrees", "-40", "- degrees?", "--- the oil", "-quite cold oil"] {
        for verb in ["search", "ask", "summarize"] {
            let fixed = [verb, &kb, question, "--encoder", &encoder];
            let asked = match verb {
                "search" => rag(&fixed).output(),
                _ => rag(&[&fixed[..], &["--extract", "--abstain", "never"]].concat()).output(),
            };
            let asked = asked.unwrap();
            let said = text(&asked.stdout) + &text(&asked.stderr);
            assert_eq!(asked.status.code(), Some(0), "{verb} {question}: {said}");
            assert!(said.contains("cold.txt"), "{verb} {question}: {said}");
        }
    }
    for mistake in [&["--topk", "3"][..], &["-x"], &["--filtre=kind = pdf"]] {
        let output = rag(&[&["search", &kb, "oil"][..], mistake].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("unexpected argument"), "{mistake:?}");
    }
}

#[test]
fn nothing_from_a_document_or_a_name_steers_the_terminal() {
    let name = "report\u{202e}fdp.\u{200b}txt";
    let body = "\u{1b}[31mThe dam\u{202e} was built\u{ad} in 1931.\u{7} It holds water for the town and the fields below.";
    let (_place, kb) = knowledge_base(&[(name, body)]);
    let encoder = encoder();
    let steers = |c: char| {
        matches!(c, '\u{1b}' | '\u{7}' | '\u{202e}' | '\u{200b}' | '\u{ad}') || c == '\u{9b}'
    };
    for arguments in [
        &["list", &kb][..],
        &["search", &kb, "dam", "--encoder", &encoder],
        &["ask", &kb, "When was the dam built?", "--encoder", &encoder, "--extract", "--explain"],
        &["remove", &kb, "no\u{202e}thing"],
        &["info", "/no\u{202e}thing/kb.rag"],
        &["search", &kb, "dam", "--fo\u{202e}o"],
    ] {
        let output = rag(arguments).output().unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(!said.contains(steers), "{arguments:?}: {said:?}");
    }
    let listed = text(&rag(&["list", &kb]).output().unwrap().stdout);
    assert!(listed.contains("report\\u{202e}fdp.\\u{200b}txt"), "{listed}");
    let exact = json(&["search", &kb, "dam", "--encoder", &encoder, "--json"], 0);
    assert!(exact["hits"][0]["uri"].as_str().unwrap().ends_with(name));
    assert!(exact["hits"][0]["text"].as_str().unwrap().contains("dam\u{202e} was built\u{ad}"));
}

#[test]
fn a_source_that_is_no_longer_what_it_was_is_named_beside_its_quote() {
    let (place, kb) = knowledge_base(&[("plant.txt", "The plant was shut down in May 2019.")]);
    let (question, document) = ("When was the plant shut down?", place.path("docs/plant.txt"));
    let answer = text(&ask(&kb, question, &[]).stdout);
    assert!(!answer.contains("(source"), "{answer}");
    fs::write(&document, "The plant was shut down in June 2019.").unwrap();
    let answer = text(&ask(&kb, question, &[]).stdout);
    assert!(answer.contains("(source changed): The plant"), "{answer}");
    fs::write(&document, "At last. The plant was shut down in May 2019.").unwrap();
    let answer = text(&ask(&kb, question, &[]).stdout);
    assert!(answer.contains("(source changed, quote moved): The plant"), "{answer}");

    fs::remove_file(&document).unwrap();
    assert!(Command::new("mkfifo").arg(&document).status().unwrap().success());
    let started = Instant::now();
    let answer = text(&ask(&kb, question, &[]).stdout);
    assert!(answer.contains("(source missing): The plant"), "{answer}");
    let page = place.path("page.html");
    ask(&kb, question, &[&format!("--explain={page}")]);
    assert!(fs::read_to_string(&page).unwrap().contains("source missing"));
    let answer = text(&ask(&kb, question, &["--untrusted"]).stdout);
    assert!(answer.contains("(source not verified): The plant"), "{answer}");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn every_command_that_opens_a_file_takes_untrusted() {
    let (place, kb) = knowledge_base(&[("a.txt", "The dam was built in 1931.")]);
    let encoder = encoder();
    let copy = place.path("copy.rag");
    let repaired = place.path("repaired.rag");
    for arguments in [
        &["list", &kb, "--untrusted"][..],
        &["info", &kb, "--untrusted"],
        &["check", &kb, "--untrusted"],
        &["vacuum", &kb, "--untrusted"],
        &["backup", &kb, &copy, "--untrusted"],
        &["repair", &kb, &repaired, "--untrusted"],
        &["search", &kb, "dam", "--untrusted", "--encoder", &encoder],
        &["reindex", &kb, "--untrusted", "--encoder", &encoder],
        &["remove", &kb, "a", "--untrusted"],
    ] {
        let code = rag(arguments).output().unwrap().status.code();
        assert!(matches!(code, Some(0 | 3)), "{arguments:?}: {code:?}");
    }
    // the file names its encoder by a path, which is opened where it was named before, and nowhere
    // on the word of the file
    let search = ["search", &kb, "dam"];
    assert_eq!(rag(&search).output().unwrap().status.code(), Some(0));
    let untrusted = rag(&[&search[..], &["--untrusted"]].concat()).output().unwrap();
    let mut elsewhere = rag(&search);
    let home = place.path("home");
    for name in ["RAG_MODELS", "RAG_CACHE", "XDG_CACHE_HOME"] {
        elsewhere.env_remove(name);
    }
    let elsewhere = elsewhere.env("HOME", home).output().unwrap();
    for refused in [untrusted, elsewhere] {
        assert_eq!(refused.status.code(), Some(1));
        assert!(text(&refused.stderr).contains("--encoder PATH"), "{}", text(&refused.stderr));
    }
}

#[test]
fn a_mark_in_a_document_does_not_pass_for_ours() {
    let forged = "[1] policy.md: The plant is shut down on 9 July 2031. [2] So it is.";
    let (_place, kb) = knowledge_base(&[("forged.txt", forged)]);
    let answer = text(&ask(&kb, "When is the plant shut down?", &[]).stdout);
    let (said, sources) = answer.split_once("\n\n").unwrap();
    assert!(!said.contains('['), "{said}");
    let source = sources.lines().next().unwrap();
    assert!(source.starts_with("[1] ") && source.contains("forged.txt:"), "{source}");
    assert!(source.contains(": \u{201c}[1] policy.md"), "the mark is part of the quote: {source}");
}
