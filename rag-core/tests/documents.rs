//! Files of every format, read and split through the public API.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rag_core::document::{
    self, Block, BlockKind, Document, DocumentKind, Picture, PictureFormat, ReadOptions, Recognizer,
};
use rag_core::passage::{self, SplitOptions, TokenRanges};
use rag_core::walk::{self, WalkOptions};
use rag_core::{CancelToken, ErrorCode, Result, Unreadable};

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
    assert_eq!(document.kind, DocumentKind::Text);
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
    let front =
        "title: \"Le laboratoire\"\n\nlang: fr\n\nauthor: Une \u{e9}quipe\n\n# Pr\u{e9}sentation";
    assert!(document.text.starts_with(front), "{}", document.text);
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

/// Says what it was given instead of looking at it.
struct Namer;

impl Recognizer for Namer {
    fn recognize(&self, picture: &Picture<'_>) -> Result<String> {
        let head = match picture.format {
            PictureFormat::Jpeg => b"\xff\xd8\xff".as_slice(),
            PictureFormat::Tiff => b"II*\0",
            PictureFormat::Png => b"\x89PNG",
            other => panic!("{other:?}"),
        };
        assert!(picture.bytes.starts_with(head));
        Ok(format!(
            "Picture {} on page {:?}.\n\nIts end.",
            picture.format.media_type(),
            picture.page
        ))
    }
}

#[test]
fn pictures_and_scanned_pages_are_read_by_what_the_caller_brings() {
    let options = ReadOptions { recognizer: Some(Arc::new(Namer)), ..ReadOptions::default() };
    let read = |name: &str, options: &ReadOptions| {
        let path = samples().join(name);
        document::read_with(&path, &fs::read(&path).unwrap(), options, &CancelToken::new())
    };
    let scan = read("pictures.pdf", &options).unwrap();
    let expected = "Picture image/tiff on page Some(1).\n\nIts end.\n\nPicture image/jpeg on page Some(2).\n\nIts \
                    end.\n\nPicture image/jpeg on page Some(3).\n\nIts end.";
    assert_eq!(scan.text, expected);
    let third = scan.text.rfind("Picture").unwrap();
    assert_eq!(scan.source_map.page(&(third..third + 7)), Some(3));
    assert_eq!(scan.metadata["recognized_pages"], "1-3");
    let picture = read("picture.png", &options).unwrap();
    assert_eq!((picture.kind, picture.blocks.len()), (DocumentKind::Picture, 2));
    let without = ReadOptions::default();
    let why = |name| read(name, &without).unwrap_err().unreadable();
    assert_eq!(why("pictures.pdf"), Some(Unreadable::NoText));
    assert_eq!(why("picture.png"), Some(Unreadable::Unsupported));
}

#[test]
fn rst_gives_headings_tables_and_words_without_marks() {
    let document = read("ci.rst");
    assert_eq!(
        (document.kind, document.title.as_deref()),
        (DocumentKind::Rst, Some("Continuous Integration"))
    );
    assert_eq!(headings(&document).len(), 7);
    let tables = blocks_of(&document, BlockKind::Table);
    assert!(
        tables[0].starts_with("OS\tdocs\tlint")
            && tables[0].ends_with("macOS\tGitHub\tGitHub\tGitHub\tGitHub")
    );
    assert!(tables[1].contains("Windows\tx64\tCP3.7\tGitHub\tGitHub"), "{}", tables[1]);
    assert!(document.text.contains("lint (defined in .pre-commit-config.yaml)"));
    assert!(!document.text.contains("https://github.com/pypa/pip/issues/7279"));
    assert_eq!(source_of(&document, "ci.rst", "tracking issue"), b"tracking issue");
}

/// Where the first stretch that begins like `part` stands, in words.
fn place_of(document: &Document, part: &str) -> String {
    let start = document.text.find(part).unwrap_or_else(|| panic!("{part} in {}", document.text));
    document.source_map.place(&(start..start + part.len())).unwrap()
}

fn headings(document: &Document) -> Vec<&str> {
    let is_heading = |b: &&Block| matches!(b.kind, BlockKind::Heading { .. });
    let found = document.blocks.iter().filter(is_heading);
    found.map(|b| document.text.get(b.range.clone()).unwrap()).collect()
}

#[test]
fn docx_keeps_merged_tables_and_numbered_headings() {
    let document = read("tables.docx");
    assert_eq!(
        (document.kind, document.title.as_deref()),
        (DocumentKind::Docx, Some("Test with tables"))
    );
    let tables = blocks_of(&document, BlockKind::Table);
    assert_eq!(tables.len(), 7);
    assert_eq!(tables[0].lines().next(), Some("Header 0.0\tHeader 0.1\tHeader 0.2"));
    assert!(tables[1].contains("Cell 1.0\tMerged Cell 1.1 1.2\tMerged Cell 1.1 1.2"));
    assert!(tables[3].contains("Cell 2.0\tMerged Cell 1.1 2.1\tCell 2.2"), "{}", tables[3]);
    assert_eq!(place_of(&document, "Cell 2.2"), "table 1, row 3");
    assert_eq!(document.metadata["author"], "Cesar Berrospi Ramis");
    let numbered = read("numbered.docx");
    let found = headings(&numbered);
    assert_eq!(
        found[..4],
        ["Test Document", "1. Section 1", "1.1. Section 1.1", "1.2. Section 1.2"]
    );
    assert!(blocks_of(&numbered, HEADING_2).contains(&"1.1. Section 1.1"));
    assert_eq!(place_of(&numbered, "Paragraph 1.1\n"), "paragraph 5");
}

#[test]
fn slides_keep_their_titles_lists_tables_and_notes() {
    for (name, kind) in [("slides.pptx", DocumentKind::Pptx), ("slides.odp", DocumentKind::Odp)] {
        let document = read(name);
        assert_eq!(document.kind, kind);
        assert_eq!(headings(&document), ["Test Table Slide", "Second slide title"], "{name}");
        let table = blocks_of(&document, BlockKind::Table);
        assert!(table[0].contains("A merged with B\tA merged with B\tC\tA\tB\tC"), "{}", table[0]);
        assert!(blocks_of(&document, BlockKind::ListItem).len() >= 12);
        assert_eq!(place_of(&document, "Some notes on"), "slide 2");
        let item = document.text.find("List item5").unwrap();
        assert_eq!(document.source_map.page(&(item..item + 4)), Some(3));
    }
}

#[test]
fn sheets_keep_their_names_rows_and_charts() {
    let chart = read("chart.xlsx");
    assert_eq!(headings(&chart), ["Duck Observations", "Duck Chart"]);
    assert!(chart.text.contains("2021\t150\t100\t250"));
    assert!(chart.text.contains(
        "Wild Duck Observations by Year\n\n\tFreshwater Ducks\tSaltwater Ducks\n2019\t120\t80"
    ));
    assert_eq!(place_of(&chart, "2021"), "sheet Duck Observations, row 4");
    let old = read("sheets.xls");
    assert_eq!(headings(&old), ["Sheet1", "09060124-b5e7-4717-9d07-3c046eb"]);
    assert!(old.text.contains("58\t6ff4173b-42a5-4784-9b19-f49caff4d93d\t22\t9"));
    assert_eq!(place_of(&old, "6ff4173b"), "sheet Sheet1, row 14");
    let open = read("sheet.ods");
    assert!(open.text.contains("\tYear\tFreshwater Ducks\n\t2019\t120\n"));
    assert_eq!(place_of(&open, "2019"), "sheet Sheet1, row 5");
}

#[test]
fn old_and_open_text_documents_keep_their_structure() {
    let old = read("table.doc");
    assert_eq!(
        blocks_of(&old, BlockKind::Table),
        ["Header Col 1\tHeader Col 2\nA bold italic bold-italic example\tA Link example"]
    );
    assert_eq!(place_of(&old, "I am a normal text."), "paragraph 4");
    let rich = read("table.rtf");
    assert_eq!(headings(&rich), ["My First Heading"]);
    assert_eq!(blocks_of(&rich, BlockKind::Table)[0].lines().count(), 3);
    assert_eq!(place_of(&rich, "Row 2, Cell 1"), "table 1, row 3");
    let open = read("text.odt");
    assert_eq!(open.title.as_deref(), Some("Title"));
    assert!(headings(&open).contains(&"Heading level 2: A"), "{:?}", headings(&open));
    assert!(blocks_of(&open, BlockKind::ListItem).len() >= 6);
    assert!(place_of(&open, "Contrary to popular").starts_with("paragraph "));
}

#[test]
fn mail_is_read_with_what_is_attached() {
    for (name, kind) in [("attached.eml", DocumentKind::Mail), ("attached.msg", DocumentKind::Msg)]
    {
        let document = read(name);
        assert_eq!(
            (document.kind, document.title.as_deref()),
            (kind, Some("Email with Attachment"))
        );
        assert_eq!(document.metadata["author"], "Alice Example <alice@example.com>");
        assert!(document.text.contains("This email contains an attachment."));
        let place = place_of(&document, "It contains some dummy content.");
        assert_eq!(place, "attachment 1 (test.txt)", "{name}");
    }
}

#[test]
fn books_notebooks_articles_and_tables_point_into_their_files() {
    let book = read("book.epub");
    assert_eq!(headings(&book), ["Chapter 1: Test Content", "Chapter 2: More Content"]);
    assert_eq!(place_of(&book, "Here's a second"), "chapter 2 (Chapter 2: More Content)");
    let notebook = read("notebook.ipynb");
    assert_eq!(blocks_of(&notebook, BlockKind::Code)[0], "print(\"markitdown\")");
    assert_eq!(place_of(&notebook, "markitdown\n"), "cell 2");
    let article = read("article.tex");
    assert_eq!(headings(&article)[0], "Math Examples");
    assert!(
        article.text.contains("E = mc^2") && article.text.contains("\\int_0"),
        "{}",
        article.text
    );
    assert!(blocks_of(&article, BlockKind::Table)[0].contains("Alice\t25\tBoston"));
    assert_eq!(source_of(&article, "article.tex", "Boston"), b"Boston");
    let table = read("semicolon.csv");
    assert_eq!(table.metadata["row_count"], "6");
    assert_eq!(source_of(&table, "semicolon.csv", "Antigua and Barbuda"), b"Antigua and Barbuda");
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
    assert_eq!(names, ["binary.txt", "broken.pdf", "picture.png", "pictures.pdf", "scanned.pdf"]);
    let scanned = "no text (scanned?)";
    let reasons = ["binary", "broken PDF", "no reader for image/png", scanned, scanned];
    for ((_, line), reason) in refused.iter().zip(reasons) {
        assert!(line.contains(reason), "{line}");
    }
}

fn check_passages(document: &Document) {
    let options = SplitOptions { max_tokens: 24, max_heading_tokens: 8, ..SplitOptions::default() };
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
///
/// `benches/documents.py hostile` runs them and mutations of good files one by one in processes
/// with limits.
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
        assert!(start.elapsed().as_secs() < 10, "{} took too long", candidate.path.display());
    }
    assert!(!listing.candidates.is_empty());
}

#[test]
#[cfg(not(feature = "parquet"))]
fn parquet_is_passed_over_with_the_feature_that_reads_it() {
    let bytes = b"PAR1\x15\x04\x15\x10 and so on PAR1";
    let error = document::read(Path::new("a.parquet"), bytes).unwrap_err();
    assert_eq!(error.unreadable(), Some(Unreadable::Unsupported));
    assert!(error.line().contains("feature `parquet`"), "{}", error.line());
}
