//! Files of every format, read and split through the public API.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rag_core::document::{self, Block, BlockKind, Document, Kind};
use rag_core::passage::{self, SplitOptions, TokenRanges};
use rag_core::walk::{self, WalkOptions};
use rag_core::{ErrorCode, Result};

/// One token a word.
struct Words;

impl TokenRanges for Words {
    fn token_ranges(&self, text: &str) -> Result<Vec<Range<usize>>> {
        let start = |word: &str| word.as_ptr().addr() - text.as_ptr().addr();
        Ok(text.split_whitespace().map(|word| start(word)..start(word) + word.len()).collect())
    }
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/documents")
}

fn read(name: &str) -> Document {
    let path = samples().join(name);
    document::read(&path, &fs::read(&path).unwrap()).unwrap()
}

fn blocks_of(document: &Document, kind: BlockKind) -> Vec<&str> {
    let of_kind = document.blocks.iter().filter(|block| block.kind == kind);
    of_kind.map(|block: &Block| document.text.get(block.range.clone()).unwrap()).collect()
}

/// The bytes of the file that `part` of the text came from.
fn source_of(document: &Document, name: &str, part: &str) -> Vec<u8> {
    let start = document.text.find(part).unwrap();
    let range = document.source_map.source_bytes(&(start..start + part.len())).unwrap();
    fs::read(samples().join(name)).unwrap()[range.start as usize..range.end as usize].to_vec()
}

const HEADING_1: BlockKind = BlockKind::Heading { level: 1 };
const HEADING_2: BlockKind = BlockKind::Heading { level: 2 };

#[test]
fn utf8_text_is_the_file_byte_for_byte() {
    let document = read("lab.txt");
    assert_eq!(document.kind, Kind::Text);
    assert_eq!(document.lang.as_deref(), Some("en"));
    assert_eq!(document.text.as_bytes(), fs::read(samples().join("lab.txt")).unwrap());
    assert_eq!(document.blocks.len(), 3);
    assert_eq!(source_of(&document, "lab.txt", "Dr. Martin"), b"Dr. Martin");
}

#[test]
fn other_encodings_give_the_same_text_and_point_into_the_file() {
    let plain = read("laboratoire-bom.txt");
    assert_eq!(plain.lang.as_deref(), Some("fr"));
    assert_eq!(read("laboratoire-utf16.txt").text, plain.text);
    let legacy = read("laboratoire-cp1252.txt");
    assert!(legacy.text.starts_with(&plain.text));
    assert!(legacy.text.ends_with("12 \u{20ac} par \u{ab} visite \u{bb}.\n"));
    assert_eq!(legacy.metadata["encoding"], "windows-1252");
    assert_eq!(source_of(&plain, "laboratoire-bom.txt", "Orsay"), b"Orsay");
    assert_eq!(source_of(&legacy, "laboratoire-cp1252.txt", "Orsay"), b"Orsay");
    let line = source_of(&read("laboratoire-utf16.txt"), "laboratoire-utf16.txt", "Orsay");
    let units: Vec<u16> =
        line.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    assert!(String::from_utf16(&units).unwrap().contains("Orsay"));
}

#[test]
fn markdown_keeps_its_structure() {
    let document = read("laboratoire.md");
    assert_eq!(document.title.as_deref(), Some("Le laboratoire"));
    assert_eq!(document.lang.as_deref(), Some("fr"));
    assert_eq!(blocks_of(&document, HEADING_1), ["# Pr\u{e9}sentation"]);
    assert_eq!(blocks_of(&document, BlockKind::ListItem).len(), 5);
    assert_eq!(blocks_of(&document, BlockKind::Table).len(), 1);
    assert!(!document.text.contains("author"));
    assert_eq!(source_of(&document, "laboratoire.md", "Cinq"), b"Cinq");
}

#[test]
fn html_gives_the_page_without_its_furniture() {
    let document = read("laboratoire.html");
    assert_eq!(document.title.as_deref(), Some("Le laboratoire"));
    assert_eq!(document.metadata["author"], "Une \u{e9}quipe");
    assert_eq!(blocks_of(&document, HEADING_2), ["\u{c9}quipes"]);
    assert_eq!(blocks_of(&document, BlockKind::Table), ["instrument\tann\u{e9}e\nlaser\t1998"]);
    assert_eq!(blocks_of(&document, BlockKind::Code), ["mesure --dur\u{e9}e 10\n  fin"]);
    for gone in ["Accueil", "ne pas lire", "cach\u{e9}e", "Publicit\u{e9}", "Mentions"] {
        assert!(!document.text.contains(gone), "{gone}");
    }
    assert_eq!(source_of(&document, "laboratoire.html", "cr\u{e9}\u{e9}"), b"cr&eacute;&eacute;");
}

#[test]
fn pdf_gives_paragraphs_headings_and_pages() {
    let document = read("rapport.pdf");
    assert_eq!(document.title.as_deref(), Some("Rapport d'activit\u{e9}"));
    assert_eq!(document.metadata["page_count"], "4");
    assert_eq!(document.lang.as_deref(), Some("fr"));
    assert_eq!(blocks_of(&document, HEADING_1), ["Pr\u{e9}sentation", "Conclusion"]);
    assert_eq!(blocks_of(&document, HEADING_2), ["1.1 Les \u{e9}quipes", "1.2 Les instruments"]);
    assert!(document.text.contains("dans l'ancienne institution de physique"));
    assert!(!document.text.contains("Rapport"), "running title: {}", document.text);
    let budget = document.text.find("budget").unwrap();
    assert_eq!(document.source_map.page(&(budget..budget + 6)), Some(2));
    let passages = passage::split(&document, &Words, &SplitOptions::default()).unwrap();
    let last = passages.last().unwrap();
    assert_eq!(last.page, Some(4));
}

#[test]
fn a_folder_is_read_file_by_file_and_each_bad_one_says_why() {
    let listing = walk::walk(&samples(), &WalkOptions::default()).unwrap();
    let mut refused = Vec::new();
    for candidate in &listing.candidates {
        let name = candidate.path.file_name().unwrap().to_str().unwrap();
        match document::read(&candidate.path, &fs::read(&candidate.path).unwrap()) {
            Ok(document) => check_passages(&document),
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::Document);
                refused.push((name.to_owned(), error.line()));
            }
        }
    }
    let names: Vec<&str> = refused.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["binary.txt", "broken.pdf", "scanned.pdf"]);
    for ((_, line), reason) in refused.iter().zip(["binary", "broken PDF", "no text (scanned?)"]) {
        assert!(line.contains(reason), "{line}");
    }
}

fn check_passages(document: &Document) {
    let options = SplitOptions { max_tokens: 24, overlap_tokens: 0, max_heading_tokens: 8 };
    let passages = passage::split(document, &Words, &options).unwrap();
    let mut covered = String::new();
    for passage in &passages {
        let count = Words.token_ranges(&passage.encoder_text(&document.text)).unwrap().len();
        assert!(count <= options.max_tokens);
        covered.push_str(document.text.get(passage.range.clone()).unwrap());
        covered.push(' ');
    }
    let expected: Vec<&str> = document.text.split_whitespace().collect();
    assert_eq!(covered.split_whitespace().collect::<Vec<_>>(), expected);
}

/// Broken and malicious files that others collected: each is read or refused, soon.
#[test]
fn hostile_files_are_read_or_refused() {
    let shared = std::env::var_os("RAG_SHARED").map(PathBuf::from);
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder = shared.unwrap_or(default).join("data/hostile");
    if !folder.is_dir() {
        eprintln!("SKIP hostile_files_are_read_or_refused: no {}", folder.display());
        return;
    }
    let listing = walk::walk(&folder, &WalkOptions::default()).unwrap();
    for candidate in &listing.candidates {
        let start = Instant::now();
        if let Ok(document) = document::read(&candidate.path, &fs::read(&candidate.path).unwrap()) {
            passage::split(&document, &Words, &SplitOptions::default()).unwrap();
        }
        assert!(start.elapsed().as_secs() < 20, "{} took too long", candidate.path.display());
    }
    assert!(!listing.candidates.is_empty());
}
