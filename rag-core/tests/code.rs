//! Programs as documents (feature `code`): sections, blocks and passages along their grammar.
#![cfg(feature = "code")]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

use proptest::prelude::*;
use rag_core::document::{self, Document, DocumentKind, ReadOptions};
use rag_core::passage::{Passage, SplitOptions, TokenRanges, split};
use rag_core::{CancelToken, ErrorCode, Result};

const EXTENSIONS: [&str; 12] =
    ["rs", "py", "c", "h", "cpp", "java", "js", "ts", "tsx", "go", "cs", "sh"];

/// A token every four bytes, at characters.
struct Quads;

impl TokenRanges for Quads {
    fn token_ranges(&self, text: &str) -> Result<Vec<Range<usize>>> {
        let at = |place: usize| text.floor_char_boundary(place);
        let ranges = (0..text.len()).step_by(4).map(|start| at(start)..at(start + 4));
        Ok(ranges.filter(|range| !range.is_empty()).collect())
    }
}

fn read(name: &str, bytes: impl AsRef<[u8]>) -> Document {
    document::read(Path::new(name), bytes.as_ref()).unwrap()
}

fn sample(name: &str) -> Document {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/code");
    read(name, fs::read(folder.join(name)).unwrap())
}

fn cut(document: &Document, max_tokens: usize) -> Vec<Passage> {
    let options = SplitOptions { max_tokens, ..SplitOptions::default() };
    split(document, &Quads, &options).unwrap()
}

fn body<'a>(document: &'a Document, range: &Range<usize>) -> &'a str {
    document.text.get(range.clone()).expect("cut inside a character")
}

/// The sections as paths.
fn paths(document: &Document) -> Vec<String> {
    let mut open: Vec<(usize, String)> = Vec::new();
    let mut paths = Vec::new();
    for section in &document.sections {
        open.retain(|(end, _)| *end > section.range.start);
        let path = match open.last() {
            Some((_, above)) => format!("{above} > {}", section.name),
            None => section.name.clone(),
        };
        open.push((section.range.end, path.clone()));
        paths.push(path);
    }
    paths
}

/// What holds for every document: blocks in order that cover the text, sections inside each other,
/// passages that cover it too.
fn check(document: &Document) {
    let is_parsed = document.metadata.contains_key("language");
    let mut end = 0;
    for block in &document.blocks {
        assert!(block.range.start >= end && !block.range.is_empty(), "{block:?} after {end}");
        if is_parsed {
            assert_eq!(body(document, &(end..block.range.start)).trim(), "");
            assert_eq!(body(document, &block.range).trim(), body(document, &block.range));
        }
        end = block.range.end;
    }
    assert!(!is_parsed || document.text[end..].trim().is_empty());
    let mut open: Vec<Range<usize>> = Vec::new();
    for section in &document.sections {
        assert!(!section.name.is_empty() && !section.name.contains('\n'), "{section:?}");
        assert!(!body(document, &section.range).is_empty());
        open.retain(|outer| outer.end > section.range.start);
        let is_inside = open.last().is_none_or(|outer| {
            outer.start <= section.range.start && section.range.end <= outer.end
        });
        assert!(is_inside, "{section:?} crosses {:?}", open.last());
        open.push(section.range.clone());
    }
    end = 0;
    for passage in cut(document, 60) {
        assert_eq!(body(document, &(end..passage.range.start)).trim(), "");
        assert!(!body(document, &passage.range).trim().is_empty());
        end = passage.range.end;
    }
    assert_eq!(document.text[end..].trim(), "");
}

#[test]
fn every_language_has_its_sections() {
    for (name, language, wanted) in [
        ("tide.rs", "rust", "Reading|Day|Day|Day > add|Day > high_water|fmt::Display for Day|fill"),
        ("buoy.py", "python", "Buoy|Buoy > __init__|Buoy > report|Buoy > distance|great_circle"),
        ("valve.c", "c", "valve_motion|valve|valve_step|valve_turns|valve_alarm"),
        ("valve.h", "c", "valve_log"),
        (
            "cable.hpp",
            "cpp",
            "mooring|mooring > Cable|mooring > Cable > Cable|mooring > Cable > tension|\
             mooring > clamp_tension|mooring::Cable::holds",
        ),
        (
            "Sampler.java",
            "java",
            "Sampler|Sampler > Sampler|Sampler > sample|Sampler > Storage|Sampler > discard",
        ),
        (
            "chart.js",
            "javascript",
            "draw|widthOf|Chart|Chart > constructor|Chart > add|module.exports.reset",
        ),
        (
            "station.ts",
            "typescript",
            "Station|byDepth|Network|Network > add|Network > withSensor|Limits",
        ),
        ("Panel.tsx", "typescript", "Panel"),
        ("winch.go", "go", "Winch|Winch.Lower|Speed"),
        (
            "Alarm.cs",
            "csharp",
            "Sea.Watch|Sea.Watch > Alarm|Sea.Watch > Alarm > Alarm|Sea.Watch > Alarm > Check|\
             Sea.Watch > Level",
        ),
        ("backup.sh", "bash", "link_is_up|copy_day"),
    ] {
        let document = sample(name);
        assert_eq!(document.kind, DocumentKind::Text);
        assert_eq!(document.metadata.get("language").map(String::as_str), Some(language), "{name}");
        assert_eq!(paths(&document).join("|"), wanted, "{name}");
        check(&document);
    }
}

#[test]
fn a_definition_is_a_passage_with_what_stands_above_it() {
    let document = sample("tide.rs");
    let passages = cut(&document, 400);
    let shown: Vec<(&str, &str)> = passages
        .iter()
        .map(|passage| {
            let first = body(&document, &passage.range).lines().next().unwrap();
            (passage.heading.as_deref().unwrap_or_default(), first)
        })
        .collect();
    let expected = [
        ("", "//! Heights of the tide at the jetty, from a gauge that reports every six minutes."),
        ("Reading", "/// One reading of the gauge."),
        (
            "Day",
            "/// All readings of a day, by minute. What the gauge sends twice is kept once; what it sends out of",
        ),
        ("Day", "impl Day {"),
        (
            "Day > add",
            "/// Adds a reading; one that is more than a metre from its neighbour is refused as noise.",
        ),
        ("Day > high_water", "/// The highest water of the day."),
        ("fmt::Display for Day", "impl fmt::Display for Day {"),
        (
            "fill",
            "/// Fills gaps of a day by a straight line between the readings beside them, as long as they are",
        ),
    ];
    assert_eq!(shown, expected);
    assert!(body(&document, &passages[5].range).ends_with("    }\n}"), "the impl's own bracket");
}

#[test]
fn decorators_and_comments_directly_above_belong_to_it() {
    let python = sample("buoy.py");
    let passages = cut(&python, 400);
    let report = passages.iter().find(|p| p.heading.as_deref() == Some("Buoy > report")).unwrap();
    assert!(body(&python, &report.range).starts_with("# Reports that jump"));
    let java = sample("Sampler.java");
    let passages = cut(&java, 400);
    let sample = passages.iter().find(|p| p.heading.as_deref() == Some("Sampler > sample"));
    assert!(body(&java, &sample.unwrap().range).starts_with("/**\n     * Fills a bottle"));
    let apart = read("a.rs", "// A licence.\n\nfn a() {}\n\nlet x; // of x\nfn b() {}\n");
    let starts: Vec<&str> =
        apart.sections.iter().map(|s| &apart.text[s.range.clone()][..4]).collect();
    assert_eq!(starts, ["fn a", "fn b"]);
}

#[test]
fn a_long_function_is_cut_at_statements_and_keeps_its_name() {
    let document = sample("tide.rs");
    let passages = cut(&document, 80);
    let pieces: Vec<&Passage> =
        passages.iter().filter(|p| p.heading.as_deref() == Some("fill")).collect();
    assert!(pieces.len() > 2, "{}", pieces.len());
    for piece in &pieces {
        let before = &document.text[..piece.range.start];
        assert!(
            before.trim_end_matches(' ').ends_with('\n'),
            "{:?}",
            body(&document, &piece.range)
        );
    }
    let starts = |word: &str| pieces.iter().any(|p| body(&document, &p.range).starts_with(word));
    assert!(starts("for pair") || starts("while minute") || starts("let mut minute"));
}

#[test]
fn small_sections_share_a_passage_where_that_is_asked_for() {
    let text = (0..8).fold(String::new(), |text, n| {
        format!("{text}\n/// Number {n}.\nfn f{n}() -> u32 {{\n    {n}\n}}\n")
    });
    let document = read("a.rs", &text);
    assert_eq!(cut(&document, 200).len(), 8);
    let options = SplitOptions { min_tokens: 40, ..SplitOptions::default() };
    let passages = split(&document, &Quads, &options).unwrap();
    assert!(passages.len() < 5, "{}", passages.len());
    assert_eq!(passages[0].heading.as_deref(), Some("f0"));
}

#[test]
fn spans_are_those_of_the_file_in_any_encoding() {
    let text = "/// H\u{f6}he \u{fc}ber Null.\r\nfn hoehe() -> u32 {\r\n    7\r\n}\r\n\r\nfn tiefe() {}\r\n";
    let latin: Vec<u8> = text.chars().map(|c| c as u32 as u8).collect();
    let marked = [b"\xEF\xBB\xBF".as_slice(), text.as_bytes()].concat();
    for bytes in [text.as_bytes(), &latin, &marked] {
        let document = read("a.rs", bytes);
        assert_eq!(paths(&document), ["hoehe", "tiefe"]);
        check(&document);
        let range = &document.sections[1].range;
        let source = document.source_map.source_bytes(range).unwrap();
        assert_eq!(&bytes[source.start as usize..source.end as usize], b"fn tiefe() {}");
        assert!(body(&document, &document.sections[0].range).starts_with("/// H\u{f6}he"));
    }
}

#[test]
fn broken_code_keeps_what_is_whole() {
    let whole = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/code/tide.rs"),
    )
    .unwrap();
    let broken = whole.replacen("self.refused += 1;", "self.refused += = (1;", 1);
    let document = read("a.rs", &broken);
    check(&document);
    assert!(paths(&document).contains(&"fill".to_owned()), "{:?}", paths(&document));
    for at in (0..whole.len()).step_by(7) {
        check(&read("a.rs", &whole[..whole.floor_char_boundary(at)]));
    }
}

#[test]
fn a_file_of_another_kind_is_what_it_was() {
    let prose = "Not a program.\n\nIt only says so: here, and there. (What else?\n\nAnd \"so on\n";
    for extension in EXTENSIONS {
        let document = read(&format!("a.{extension}"), prose);
        assert_eq!(document.text, prose);
        check(&document);
        let empty = read(&format!("a.{extension}"), "");
        assert!(empty.blocks.is_empty() && empty.sections.is_empty());
        check(&read(&format!("a.{extension}"), " \n\t\r\n"));
    }
    assert_eq!(read("a.txt", prose).metadata.get("language"), None);
    assert_eq!(read("a.rs", prose).metadata.get("language"), None);
    let video: Vec<u8> =
        (0..188_u32 * 40).map(|n| if n % 188 == 0 { 0x47 } else { (n * 37) as u8 }).collect();
    let refused = document::read(Path::new("clip.ts"), &video).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Document);
    let header = "namespace a {\nclass B {\n  void c() { d(); }\n};\n}\n";
    assert_eq!(read("a.h", header).metadata["language"], "cpp");
    assert_eq!(read("b.h", "int f(void);\n").metadata["language"], "c");
}

#[test]
fn nothing_is_too_deep() {
    let indented = (0..700).fold(String::new(), |text, n| text + &" ".repeat(n) + "if x:\n")
        + &" ".repeat(700)
        + "y = \"a\" + \"b\"\n";
    check(&read("a.py", indented));
    for (open, close) in
        [("(", ")"), ("{", "}"), ("[", "]"), ("f(", ")"), ("if x {", "}"), ("-", "")]
    {
        let text = format!("x = {}1{};\n", open.repeat(10_000), close.repeat(10_000));
        let unclosed = format!("fn f() {{\n{text}\n{}", open.repeat(10_000));
        for extension in EXTENSIONS {
            let start = Instant::now();
            check(&read(&format!("a.{extension}"), &text));
            check(&read(&format!("a.{extension}"), &unclosed));
            let took = start.elapsed();
            assert!(took.as_secs() < 20, "{extension} {open}: {took:?}");
        }
    }
}

#[test]
fn minified_code_is_one_line_of_blocks() {
    let text = "function a(b,c){return b+c}var d=a(1,2);".repeat(25_000);
    let start = Instant::now();
    let document = read("a.min.js", &text);
    assert!(document.sections.len() <= 1);
    check(&document);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn a_cancelled_reading_ends() {
    let text = "fn a() { b(1, 2, 3); }\n".repeat(50_000);
    let cancel = CancelToken::new();
    cancel.cancel();
    let read =
        document::read_with(Path::new("a.rs"), text.as_bytes(), &ReadOptions::default(), &cancel);
    assert_eq!(read.unwrap_err().code(), ErrorCode::Cancelled);
}

#[test]
fn our_own_sources_are_whole() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (mut count, mut plain) = (0, Vec::new());
    for folder in ["rag-core/src", "rag-cli/src", "rag-py", "rag-capi/src", "tests", "scripts"] {
        for path in sources(&root.join(folder)) {
            let bytes = fs::read(&path).unwrap();
            // what speaks of a PDF near its start is taken for one
            if bytes.windows(5).any(|window| window == b"%PDF-") {
                continue;
            }
            let document = document::read(&path, &bytes).unwrap();
            check(&document);
            count += 1;
            if !document.metadata.contains_key("language") {
                plain.push(path);
            }
        }
    }
    assert!(count > 300 && plain.is_empty(), "{plain:?} of {count}");
}

/// The programs below a folder that are parsed.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let is_source = |path: &PathBuf| {
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        EXTENSIONS.contains(&extension.as_str())
    };
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if is_source(&path) => found.push(path),
                false => {}
            }
        }
    }
    found
}

/// Words and marks of programs, in any order.
fn any_program() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("fn f() {\n"),
        Just("}\n"),
        Just("class A:\n"),
        Just("    def b(self):\n"),
        Just("        return 1\n"),
        Just("impl X for Y {\n"),
        Just("/// doc\n"),
        Just("# c\n"),
        Just("#[a]\n"),
        Just("@d\n"),
        Just("/* "),
        Just("*/"),
        Just("\""),
        Just("'"),
        Just("`"),
        Just("${"),
        Just("$\"{"),
        Just("R\"x("),
        Just(")x\""),
        Just("<<E\n"),
        Just("E\n"),
        Just("f\"{"),
        Just("r#\""),
        Just("\"#"),
        Just("namespace n {\n"),
        Just("struct S {\n"),
        Just("template <typename T>\n"),
        Just("typedef "),
        Just("};\n"),
        Just("#if A\n"),
        Just("#endif\n"),
        Just("export const a = () => {\n"),
        Just("<a b={c}>"),
        Just("</a>"),
        Just("func (w *W) F() {\n"),
        Just("type T "),
        Just("public void m() {\n"),
        Just("("),
        Just(")"),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(";\n"),
        Just(",\n"),
        Just("\t"),
        Just("  "),
        Just("\r\n"),
        Just("\n\n"),
        Just("\\\n"),
        Just("\u{e9}"),
        Just("\u{1F600}"),
        Just("case "),
        Just("$("),
        Just("=> "),
        Just("? "),
        Just(": "),
        Just("x = 1"),
        Just("a.b"),
        Just("\0"),
    ];
    prop::collection::vec(piece, 0..80).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_is_read_as_any_language(
        text in prop_oneof![any_program(), any_program().prop_map(|text| text.repeat(12)), "\\PC{0,400}"],
    ) {
        for extension in EXTENSIONS {
            if let Ok(document) = document::read(Path::new(&format!("a.{extension}")), text.as_bytes()) {
                check(&document);
            }
        }
    }
}
