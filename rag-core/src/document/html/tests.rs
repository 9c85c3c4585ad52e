#![allow(clippy::unwrap_used)]
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::document::{Block, BlockKind, Location};

fn read(html: &str) -> Document {
    read_bytes(html.as_bytes())
}

fn read_bytes(bytes: &[u8]) -> Document {
    HtmlReader.read(&Source::new(Path::new("a.html"), bytes)).unwrap()
}

fn shown(document: &Document) -> Vec<(BlockKind, &str)> {
    let show = |b: &Block| (b.kind, document.text.get(b.range.clone()).unwrap());
    document.blocks.iter().map(show).collect::<Vec<_>>()
}

/// The source of `part`, as the map says.
fn source_of<'a>(document: &Document, bytes: &'a [u8], part: &str) -> &'a [u8] {
    let start = document.text.find(part).unwrap();
    let range = document.source_map.source_bytes(&(start..start + part.len())).unwrap();
    &bytes[range.start as usize..range.end as usize]
}

#[test]
fn blocks_of_a_page_without_its_furniture() {
    let html = "<!DOCTYPE html><html lang=\"fr-FR\"><head><title>Le  labo</title><style>p{}</style>
<meta name=author content='Ana'></head><body><nav><p>Menu</nav><header><h1>Le <em>labo</em></h1></header>
<script>var p = '<p>no';</script><p>Un   texte<br>ici.<p hidden>secret<p>Deux.
<ul><li>un<li>deux <ul><li>trois</ul></ul><blockquote>dit</blockquote>
<table><tr><th>a<th>b<tr><td>1<td>2</table><pre>
  let x = 1;
  y
</pre><aside>pub</aside><footer>pied</footer></body></html>";
    let document = read(html);
    let expected = [
        (BlockKind::Heading { level: 1 }, "Le labo"),
        (BlockKind::Paragraph, "Un texte\nici."),
        (BlockKind::Paragraph, "Deux."),
        (BlockKind::ListItem, "un"),
        (BlockKind::ListItem, "deux"),
        (BlockKind::ListItem, "trois"),
        (BlockKind::Quote, "dit"),
        (BlockKind::Table, "a\tb\n1\t2"),
        (BlockKind::Code, "let x = 1;\n  y"),
    ];
    assert_eq!(shown(&document), expected);
    assert_eq!(document.title.as_deref(), Some("Le labo"));
    assert_eq!(document.lang.as_deref(), Some("fr"));
    assert_eq!(document.metadata["author"], "Ana");
    assert!(document.text.contains("un\ndeux\ntrois"));
}

#[test]
fn text_maps_to_its_exact_bytes() {
    let html =
        "<p>Caf&eacute; &amp; th&#233; &notit; na&iuml;ve</p>\n<p>a&amp;amp;b x &unknown; y</p>";
    let document = read(html);
    let bytes = html.as_bytes();
    assert_eq!(document.text, "Caf\u{e9} & th\u{e9} \u{ac}it; na\u{ef}ve\n\na&amp;b x &unknown; y");
    assert_eq!(source_of(&document, bytes, "Caf\u{e9}"), b"Caf&eacute;");
    assert_eq!(source_of(&document, bytes, "&"), b"&amp;");
    assert_eq!(source_of(&document, bytes, "ve"), b"ve");
    assert_eq!(source_of(&document, bytes, "amp;b"), b"amp;b");
    assert_eq!(source_of(&document, bytes, "unknown; y"), b"unknown; y");
    assert_eq!(source_of(&document, bytes, "th\u{e9} \u{ac}it; na"), b"th&#233; &notit; na");
}

#[test]
fn a_declared_encoding_is_obeyed_and_mapped() {
    let html =
        "<html><meta charset=windows-1251><p>\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}, world</p>";
    let (bytes, _, _) = encoding_rs::WINDOWS_1251.encode(html);
    let document = read_bytes(&bytes);
    assert_eq!(document.text, "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}, world");
    assert_eq!(document.metadata["encoding"], "windows-1251");
    assert_eq!(source_of(&document, &bytes, "world"), b"world");
    assert_eq!(source_of(&document, &bytes, "\u{41f}").len(), 6);
}

#[test]
fn an_unclosed_part_that_is_left_out_ends_with_its_parent() {
    assert_eq!(read("<div><nav>menu</div><p>text").text, "text");
    assert_eq!(read("<title>t</title><nav>only menu").text, "only menu");
    assert_eq!(read("<head><title>t</title><p>body without tag").text, "body without tag");
}

#[test]
fn navigation_by_class_is_left_out_and_boxes_stay() {
    let html = "<ul class='docnav top'><li>Next</ul><div class=sidebar><p>A tip.</div><div class=navheader>x</div>";
    assert_eq!(read(html).text, "A tip.");
}

#[test]
fn deep_nesting_takes_linear_time() {
    let html = format!("{}x{}", "<div>".repeat(200_000), "</span></div>".repeat(200_000));
    let start = std::time::Instant::now();
    assert_eq!(read(&html).text, "x");
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

proptest! {
    #[test]
    fn the_map_never_lies(html in "(<p>|</p>|<b>|</b>|<pre>|</pre>|<td>|<tr>|<table>|</table>|<h2>|</h2>|<br>|<li>|<!-- x -->|&eacute;|&amp;|&lt|&#10;|\r\n|\n| |  |a|\u{e9}|\u{ad}|b;|&|<|\u{1F600}){0,40}") {
        let document = read(&html);
        let mut end = 0;
        for block in &document.blocks {
            prop_assert!(block.range.start >= end && !block.range.is_empty());
            let text = document.text.get(block.range.clone()).unwrap();
            prop_assert!(!text.trim().is_empty());
            end = block.range.end;
        }
        for (range, location) in &document.source_map.segments {
            let Location::Bytes(source) = location else { panic!("no pages here") };
            let text = &document.text[range.clone()];
            let bytes = &html.as_bytes()[source.start as usize..source.end as usize];
            let spaced = |c: char| if c.is_ascii_whitespace() { ' ' } else { c };
            let same = std::str::from_utf8(bytes).is_ok_and(|b| b.chars().map(spaced).eq(text.chars().map(spaced)));
            prop_assert!(same || bytes.contains(&b'&') || text.trim().is_empty(), "{:?} from {:?}", text, bytes);
        }
    }
}

#[test]
fn merged_cells_stand_in_every_row_and_column_they_cover() {
    let html =
        "<table><tr><th rowspan=2>a</th><th colspan=2>b</th></tr><tr><td>c</td><td>d</td></tr>
<tr><td>e<td>f<td rowspan=9>g<tr><td>h<td>i</table><p>end";
    let document = read(html);
    assert_eq!(document.text, "a\tb\tb\na\tc\td\ne\tf\tg\nh\ti\tg\n\nend");
    let last = document.text.rfind('g').unwrap();
    let source = document.source_map.source_bytes(&(last..last + 1)).unwrap();
    assert_eq!(&html[source.start as usize..source.end as usize], "g");
}

#[test]
fn merged_cells_of_a_hostile_table_cost_linear_time_and_memory() {
    let cell = format!("<td colspan=30 rowspan=30>{}</td>", "x".repeat(190));
    let rows = format!("<tr>{}{}", cell.repeat(40), "<tr>".repeat(30));
    let html = format!("<table>{}</table>", rows.repeat(40));
    let document = read(&html);
    assert!(document.text.len() < 3 * html.len() + (200 << 10), "{}", document.text.len());
}
