//! `include/rag.h` is what the sources say, and is for C and C++ alike.

use std::fs;
use std::path::{Path, PathBuf};

/// Order of the sources in the header.
const SOURCES: [&str; 31] = [
    "version",
    "error",
    "progress",
    "handles",
    "own",
    "options/open",
    "options/sync",
    "options/search",
    "options/generate",
    "options/guards",
    "options/ask",
    "options/encoder",
    "options/reranker",
    "options/generator",
    "kb",
    "compose",
    "care",
    "info",
    "documents",
    "tables",
    "map",
    "locations",
    "hits",
    "answer",
    "guards",
    "chat",
    "report",
    "encoder",
    "reranker",
    "generator",
    "functions",
];

fn generated() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("config is valid");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(root.join("src").join(source).with_extension("rs"));
    }
    let mut header = Vec::new();
    builder.generate().expect("sources can be read").write(&mut header);
    String::from_utf8(header).expect("sources are UTF-8")
}

fn header_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../include/rag.h")
}

#[test]
fn the_header_is_what_the_sources_say() {
    let path = header_path();
    let generated = generated();
    if std::env::var_os("RAG_BLESS").is_some() {
        fs::write(&path, &generated).expect("header can be written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let differing = generated.lines().zip(kept.lines()).find(|(ours, theirs)| ours != theirs);
    assert!(
        generated == kept,
        "include/rag.h is out of date, first at {differing:?}: run RAG_BLESS=1 cargo test -p rag-capi"
    );
}

#[test]
fn every_function_of_the_header_is_exported_by_a_source_and_named_rag() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let header = generated();
    let mut count = 0;
    for source in SOURCES {
        let text = fs::read_to_string(root.join(source).with_extension("rs")).expect("a source");
        for part in text.split("extern \"C\" fn ").skip(1) {
            let Some(name) = part.split('(').next().filter(|name| !name.is_empty()) else {
                continue; // a callback type
            };
            assert!(name.starts_with("rag_"), "{name}");
            assert!(header.contains(&format!("{name}(")), "{name} is not in the header");
            count += 1;
        }
    }
    assert!(count > 50, "only {count} functions found");
}
