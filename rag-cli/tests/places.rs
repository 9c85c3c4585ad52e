//! Where a passage stands is printed as a person finds it, and opened there.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{Place, json, rag};

fn data(name: &str) -> String {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data").join(name);
    data.canonicalize().unwrap().to_str().unwrap().to_owned()
}

/// A knowledge base of the documents of the tests, and of a page with a few lines.
fn knowledge_base() -> (Place, String) {
    let place = Place::new();
    for entry in fs::read_dir(data("documents")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        place.write(&name, fs::read(path).unwrap());
    }
    place.write("page.html", "<html>\n<body>\n<h1>Buoys</h1>\n<p>The northern &amp; green buoy\ndrifts.</p></body>\n</html>\n");
    let (kb, docs) = (place.path("kb.rag"), place.path("docs"));
    let encoder = data("encoder/families/bert");
    let done = rag(&["sync", &kb, &docs, "--encoder", &encoder]).output().unwrap();
    assert!(matches!(done.status.code(), Some(0 | 4)), "{done:?}");
    (place, kb)
}

/// What a search prints for people, in the folder of the documents or elsewhere.
fn printed(kb: &str, typed: &str, folder: &str) -> String {
    let arguments = ["search", kb, typed, "-k", "1", "--mode", "lexical"];
    let output = rag(&arguments).current_dir(folder).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_format_is_found_where_it_is_told_to_stand() {
    let (place, kb) = knowledge_base();
    let docs = fs::canonicalize(place.path("docs")).unwrap();
    let (mut bytes, mut parts) = (0, 0);
    for entry in fs::read_dir(&docs).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let typed = format!("file:{name}");
        let found = json(&["search", &kb, &typed, "-k", "1", "--mode", "lexical", "--json"], 0);
        let Some(hit) = found["hits"].get(0) else { continue };
        let line = printed(&kb, &typed, "/");
        let whole = fs::read(&path).unwrap();
        match (hit["source_start"].as_u64(), hit["source_end"].as_u64(), hit["place"].as_str()) {
            (Some(start), Some(end), _) => {
                bytes += 1;
                assert!(end <= whole.len() as u64 && start < end, "{name}");
                assert!(line.contains(&format!("{name}:{start}-{end}")), "{name}: {line}");
                // a line that is told is the one the first byte stands in
                if let Some((_, told)) = line.split_once("(line ") {
                    let told: usize = told.split(')').next().unwrap().parse().unwrap();
                    let lines: Vec<&[u8]> = whole.split(|byte| *byte == b'\n').collect();
                    let above: usize = lines[..told - 1].iter().map(|line| line.len() + 1).sum();
                    let below = above + lines[told - 1].len() + 1;
                    assert!((above..below).contains(&(start as usize)), "{name} {told}: {line}");
                }
            }
            (_, _, Some(words)) => {
                parts += 1;
                assert!(line.contains(&format!("{name}, {words}")), "{name}: {line}");
                // offsets of the extracted text would open at another place
                assert!(!line.contains(&format!("{name}:")), "{name}: {line}");
            }
            _ => assert!(line.contains(name), "{name}: {line}"),
        }
    }
    assert!(bytes >= 5 && parts >= 8, "{bytes} {parts}");
    let page = printed(&kb, "buoy file:page.html", docs.to_str().unwrap());
    assert!(page.contains("  page.html:"), "{page}");
    assert!(page.contains("(line 3)") || page.contains("(line 4)"), "{page}");
}

#[test]
fn what_was_found_is_opened_there() {
    let (place, kb) = knowledge_base();
    let program = place.path("editor.sh");
    let told = place.path("told.txt");
    fs::write(&program, format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > '{told}'\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let open = |arguments: &[&str], program: &str| {
        let _ = fs::remove_file(&told);
        let output = rag(arguments).env("RAG_OPENER", program).output().unwrap();
        let told = fs::read_to_string(&told).unwrap_or_default();
        (output.status.code(), told, String::from_utf8(output.stderr).unwrap())
    };
    let with = |arguments: &str| format!("{program} {arguments}");
    let search = |typed: &'static str, open: &'static str| {
        vec!["search", kb.as_str(), typed, "--mode", "lexical", open]
    };
    let (code, told_now, _) = open(&search("file:page.html", "--open"), &with("-g {path}:{line}"));
    let lines: Vec<&str> = told_now.lines().collect();
    assert_eq!(code, Some(0));
    assert!(lines[0] == "-g" && lines[1].contains("/page.html:"), "{lines:?}");
    // the path stands at the end where nothing says where
    let (_, told_now, _) = open(&search("file:rapport.pdf", "--open=1"), &with("--page {page}"));
    let lines: Vec<&str> = told_now.lines().collect();
    assert!(lines[..2] == ["--page", "1"] && lines[2].ends_with("/rapport.pdf"), "{lines:?}");
    let (code, told_now, said) = open(&search("file:page.html", "--open=9"), &with("{path}"));
    assert!(
        code == Some(1) && told_now.is_empty() && said.contains("9, but 1 were found"),
        "{said}"
    );
    let (code, _, said) = open(&search("file:page.html", "--open"), "/no/such/program");
    assert!(code == Some(1) && said.contains("page.html"), "{said}");
    let mut untrusted = search("file:page.html", "--open");
    untrusted.push("--untrusted");
    let (code, told_now, said) = open(&untrusted, &with("{path}"));
    assert!(code == Some(1) && told_now.is_empty() && said.contains("not followed"), "{said}");
    let (code, _, said) = open(&search("file:page.html", "--open=0"), &with("{path}"));
    assert!(code == Some(2), "{said}");
}

#[test]
fn passages_are_drawn_on_a_page() {
    let (place, kb) = knowledge_base();
    let page = place.path("map.html");
    let drawn = json(&["map", &kb, "--out", &page, "--question", "Which <buoy>?", "--json"], 0);
    let points = drawn["points"].as_array().unwrap().len();
    assert!(points > 10 && drawn["passage_count"] == points, "{points}");
    let html = fs::read_to_string(&page).unwrap();
    assert_eq!(html.matches("<circle").count(), points);
    assert!(html.contains("Which &lt;buoy&gt;?") && !html.contains("<script"));
    let some = json(&["map", &kb, "--filter", "kind = html", "--json"], 0);
    assert!(some["points"].as_array().unwrap().len() < points);
    // it says where to draw, and never over a knowledge base
    assert_eq!(rag(&["map", &kb]).output().unwrap().status.code(), Some(2));
    let over = rag(&["map", &kb, "--out", &kb]).output().unwrap();
    assert_eq!(over.status.code(), Some(1), "{over:?}");
    assert!(json(&["info", &kb, "--json"], 0)["passage_count"].as_u64().unwrap() > 10);
}
