#![allow(clippy::unwrap_used)]
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::document::{self, Block, BlockKind, DocumentKind, SourceMap};

/// One token a word.
struct Words;

impl TokenRanges for Words {
    fn token_ranges(&self, text: &str) -> Result<Vec<Range<usize>>> {
        let mut ranges = Vec::new();
        let mut start = None;
        for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
            match (c.is_whitespace(), start) {
                (true, Some(first)) => {
                    ranges.push(first..at);
                    start = None;
                }
                (false, None) => start = Some(at),
                _ => {}
            }
        }
        Ok(ranges)
    }
}

/// A token every three bytes, inside characters or not.
struct Triples;

impl TokenRanges for Triples {
    fn token_ranges(&self, text: &str) -> Result<Vec<Range<usize>>> {
        Ok((0..text.len()).step_by(3).map(|at| at..(at + 3).min(text.len())).collect())
    }
}

fn options(max_tokens: usize, overlap_tokens: usize, max_heading_tokens: usize) -> SplitOptions {
    SplitOptions { max_tokens, min_tokens: 0, overlap_tokens, max_heading_tokens }
}

fn markdown(text: &str) -> Document {
    document::read(Path::new("a.md"), text.as_bytes()).unwrap()
}

fn texts<'a>(document: &'a Document, passages: &[Passage]) -> Vec<&'a str> {
    passages.iter().map(|p| document.text.get(p.range.clone()).unwrap()).collect()
}

#[test]
fn a_section_that_fits_is_one_passage_with_its_heading() {
    let document =
        markdown("# Lab\n\nIntro text.\n\n## History\n\nFounded in 1995.\n\n- one\n- two\n");
    let passages = split(&document, &Words, &options(20, 0, 8)).unwrap();
    let expected = ["# Lab\n\nIntro text.", "## History\n\nFounded in 1995.\n\n- one\n- two"];
    assert_eq!(texts(&document, &passages), expected);
    assert_eq!(passages[0].heading, None);
    assert_eq!(passages[1].heading.as_deref(), Some("Lab"));
    assert_eq!(passages[0].token_count, 4);
}

#[test]
fn later_passages_of_a_section_carry_the_whole_path() {
    let text =
        "# Lab\n\n## History\n\nOne two three. Four five six. Seven eight nine.\n\n# Other\n\nx\n";
    let document = markdown(text);
    let passages = split(&document, &Words, &options(10, 0, 4)).unwrap();
    let expected = [
        ("# Lab\n\n## History\n\nOne two three. Four five six.", None),
        ("Seven eight nine.", Some("Lab > History")),
        ("# Other\n\nx", None),
    ];
    let found: Vec<_> = texts(&document, &passages)
        .into_iter()
        .zip(passages.iter().map(|p| p.heading.as_deref()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn paragraphs_are_kept_whole_where_they_fit() {
    let paragraph = "Word ".repeat(7).trim_end().to_owned() + ".";
    let text = [paragraph.as_str(); 5].join("\n\n");
    let document = markdown(&text);
    let passages = split(&document, &Words, &options(16, 0, 0)).unwrap();
    let two = format!("{paragraph}\n\n{paragraph}");
    assert_eq!(texts(&document, &passages), [two.as_str(), &two, &paragraph]);
}

#[test]
fn a_heading_is_not_left_alone_even_if_the_next_block_is_long() {
    let text = format!("# Title\n\n{}", "many words without a stop ".repeat(20));
    let document = markdown(&text);
    for passage in texts(&document, &split(&document, &Words, &options(12, 0, 4)).unwrap()) {
        assert!(passage.split_whitespace().count() > 2, "{passage}");
    }
}

#[test]
fn code_breaks_at_lines() {
    let code: String = (0..12).map(|i| format!("let x{i} = {i};\n")).collect();
    let text = format!("```\n{code}```\n");
    let document = markdown(&text);
    for passage in texts(&document, &split(&document, &Words, &options(11, 0, 0)).unwrap()) {
        assert!(passage.ends_with([';', '`']) && passage.starts_with(['l', '`']), "{passage:?}");
    }
}

#[test]
fn every_part_of_a_table_carries_the_header_row() {
    let document = markdown(
        "# Lab\n\n| name | year |\n|---|---|\n| laser | 1998 |\n| prism | 2001 |\n| lens | 2004 |\n",
    );
    let passages = split(&document, &Words, &options(18, 0, 8)).unwrap();
    assert!(passages.len() > 1);
    assert_eq!(passages[0].heading, None);
    for passage in &passages[1..] {
        assert_eq!(passage.heading.as_deref(), Some("Lab > name | year"));
    }
}

#[test]
fn a_heading_path_over_its_budget_keeps_the_innermost() {
    let text = "# One very long outermost heading\n\n## Short\n\na b c d e f g h i j k l m n o p\n";
    let document = markdown(text);
    let passages = split(&document, &Words, &options(9, 0, 3)).unwrap();
    assert_eq!(passages.last().unwrap().heading.as_deref(), Some("Short"));
}

#[test]
fn overlap_repeats_the_end_of_the_passage_before() {
    let text = "One two three. Four five six. Seven eight nine. Ten eleven twelve. Last one here.";
    let document = markdown(text);
    let passages = split(&document, &Words, &options(6, 3, 0)).unwrap();
    let found = texts(&document, &passages);
    assert_eq!(found[0], "One two three. Four five six.");
    assert_eq!(found[1], "Four five six. Seven eight nine.");
    assert_eq!(*found.last().unwrap(), "Ten eleven twelve. Last one here.");
}

#[test]
fn sentences_cover_the_text() {
    let text = "  M. Martin vient. Il\nreste !\n\nFin ";
    let found: Vec<_> = sentences(text).into_iter().map(|range| &text[range]).collect();
    assert_eq!(found, ["M. Martin vient.", "Il\nreste !", "Fin"]);
    assert!(sentences(" \n ").is_empty());
}

#[test]
fn options_without_room_are_refused() {
    let document = markdown("text");
    for bad in [options(0, 0, 0), options(8, 0, 8), options(8, 5, 0)] {
        let error = split(&document, &Words, &bad).unwrap_err();
        assert_eq!(error.code(), crate::ErrorCode::InvalidArgument);
    }
    let emoji = markdown("\u{1F600}\u{1F600}");
    let error = split(&emoji, &Triples, &options(1, 0, 0)).unwrap_err();
    assert!(error.line().contains("one character"), "{}", error.line());
}

#[test]
fn one_endless_word_is_cut_and_cannot_make_a_giant_passage() {
    let document = markdown(&"x".repeat(100_000));
    let passages = split(&document, &Words, &options(100, 0, 0)).unwrap();
    assert!(passages.iter().all(|p| p.range.len() <= 2400));
}

#[test]
fn a_megabyte_without_line_end_takes_linear_time() {
    let document = markdown(&"A sentence of six words only. ".repeat(40_000));
    let start = std::time::Instant::now();
    split(&document, &Words, &SplitOptions::default()).unwrap();
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

prop_compose! {
    /// Any text with any cut into blocks of any kind.
    fn any_document()(
        text in prop_oneof!["\\PC{0,300}", "([a-z\u{e9}]{1,9}[ .\n]{0,2}|\u{1F600}|e\u{301}|\u{4e2d}|\u{3002}| \n\n|```\n|# ){0,120}"],
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..8), 0..12),
    ) -> Document {
        let mut ends: Vec<(usize, u8)> = cuts.iter().map(|(at, kind)| (text.floor_char_boundary(at.index(text.len() + 1)), *kind)).collect();
        ends.sort_unstable();
        let mut blocks = Vec::new();
        let mut start = 0;
        for (end, kind) in ends {
            let kind = match kind {
                0 => BlockKind::Heading { level: 1 },
                1 => BlockKind::Heading { level: 2 },
                2 => BlockKind::ListItem,
                3 => BlockKind::Table,
                4 => BlockKind::Code,
                5 => BlockKind::Quote,
                6 => { start = end; continue }
                _ => BlockKind::Paragraph,
            };
            if start < end {
                blocks.push(Block { kind, range: start..end });
            }
            start = end;
        }
        Document { kind: DocumentKind::Text, title: None, lang: None, source_map: SourceMap::identity(text.len()), text, blocks, sections: Vec::new(), metadata: BTreeMap::new(), unread: Vec::new() }
    }
}

fn check_passages(document: &Document, tokens: &dyn TokenRanges, options: &SplitOptions) {
    let passages = split(document, tokens, options).unwrap();
    let text = &document.text;
    let mut covered = vec![0_u32; text.len()];
    let (mut start, mut end) = (0, 0);
    for passage in &passages {
        let body = text.get(passage.range.clone()).expect("cut inside a character");
        assert_eq!(body.trim(), body);
        assert!(!body.is_empty());
        let count = tokens.token_ranges(&passage.encoder_text(text)).unwrap().len();
        assert!(count <= options.max_tokens, "{count} tokens: {body:?}");
        assert_eq!(passage.token_count, tokens.token_ranges(body).unwrap().len());
        assert!(passage.range.start >= start && passage.range.end > end, "out of order");
        if options.overlap_tokens == 0 {
            assert!(passage.range.start >= end, "overlap");
        }
        (start, end) = (passage.range.start, passage.range.end);
        for at in passage.range.clone() {
            covered[at] += 1;
        }
    }
    for (at, c) in text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
        assert!(covered[at] >= 1, "{c:?} at {at} is in no passage");
    }
    assert_eq!(passages, split(document, tokens, options).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn passages_cover_fit_and_stay_in_order(
        document in any_document(),
        max in 4_usize..40,
        heading in 0_usize..4,
        overlap in prop_oneof![Just(0_usize), 0_usize..8],
    ) {
        let heading = heading.min(max - 3);
        let overlap = overlap.min((max - heading) / 2);
        check_passages(&document, &Words, &options(max, overlap, heading));
        check_passages(&document, &Triples, &options(max, overlap, heading));
    }
}

#[test]
fn small_sections_share_a_passage_up_to_an_outer_heading() {
    let document = markdown(
        "# A\n\nfirst one.\n\n## A1\n\ntwo.\n\n## A2\n\nthree four five.\n\n# B\n\nsix.\n\n## B1\n\nseven.\n",
    );
    let cut = |min_tokens| {
        let options = SplitOptions { min_tokens, ..options(20, 0, 8) };
        let passages = split(&document, &Words, &options).unwrap();
        let shown = |p: &Passage| document.text[p.range.clone()].replace('\n', " ");
        let shown: Vec<_> = passages.iter().map(shown).collect();
        (shown, passages.into_iter().map(|p| p.heading).collect::<Vec<_>>())
    };
    assert_eq!(cut(0).0.len(), 5);
    // `## A1` and `## A2` are inner to `# A`; `# B` is its equal and joins as well while too little
    // was taken
    let (shown, _) = cut(10);
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(shown[0].ends_with("three four five.") && shown[1].ends_with("seven."), "{shown:?}");
    // an inner section ends where its parent does
    let document =
        markdown("# A\n\none two three four five six.\n\n## A1\n\nseven.\n\n# B\n\neight.\n");
    let options = SplitOptions { min_tokens: 6, ..options(20, 0, 8) };
    let passages = split(&document, &Words, &options).unwrap();
    let expected = ["# A\n\none two three four five six.", "## A1\n\nseven.", "# B\n\neight."];
    assert_eq!(texts(&document, &passages), expected);
    assert_eq!(passages[1].heading.as_deref(), Some("A"));
    let refused = SplitOptions { min_tokens: 11, ..options };
    assert!(split(&document, &Words, &refused).is_err());
}

#[test]
fn a_heading_is_told_from_what_it_stands_over() {
    let headings = |text: &str| -> Vec<String> {
        let all = sentences(text).into_iter();
        all.filter(|range| is_heading(text, range.clone())).map(|r| text[r].to_owned()).collect()
    };
    assert_eq!(headings("# Nightly backup\n\nThe job starts at one."), ["# Nightly backup"]);
    assert_eq!(headings("# A\n\n## B\n\nText"), ["# A", "## B"]);
    assert_eq!(
        headings("Nightly backup\n==============\n\nIt runs."),
        ["Nightly backup\n=============="]
    );
    assert_eq!(headings("Nightly backup\n\nThe job starts at one."), ["Nightly backup"]);
    assert_eq!(
        headings("Sauvegarde de nuit\n\nElle commence \u{e0} une heure."),
        ["Sauvegarde de nuit"]
    );
    assert_eq!(headings("Sales of May\n\nregion\tsum\nNorth\t12"), ["Sales of May"]);
    for text in [
        "Owner: Jadwiga Nowak\n\nThe job starts at one.",
        "Open 9 to 5\n\nThe shop is in the yard.",
        "- Jadwiga Nowak\n\nThe job starts at one.",
        "# A\nThe job starts at one.",
        "Nightly backup",
        "Apples\n\nPears\n\nPlums",
        "It runs.\n\nIt ends.",
        "#hashtag of the day",
    ] {
        assert_eq!(headings(text), [""; 0], "{text}");
    }
}
