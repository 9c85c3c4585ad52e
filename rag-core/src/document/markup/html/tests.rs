#![allow(clippy::unwrap_used)]
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::document::vocabulary::{Block, BlockKind, Location};

fn read(html: &str) -> Document {
    read_bytes(html.as_bytes())
}

fn read_bytes(bytes: &[u8]) -> Document {
    HtmlReader.read(&SourceFile::new(Path::new("a.html"), bytes)).unwrap()
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
fn empty_cells_keep_the_columns_of_those_after_them() {
    let html = "<table><caption>Fees</caption><tr><th></th><th>2019</th><th>2020</th></tr>
<tr><td>Orsay</td><td></td><td>2</td></tr><tr><td> </td><td>1<br>a</td><td></td></tr>
<tr><td colspan=2></td><td>7</td></tr><tr><td>x<td><td>y</table><p>end";
    let text = "Fees\n\t2019\t2020\nOrsay\t\t2\n\t1 a\n\t\t7\nx\t\ty\n\nend";
    assert_eq!(read(html).text, text);
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

#[test]
fn powers_ordinals_and_note_marks_are_told_apart() {
    for (html, text) in [
        ("10<sup>4</sup> per m<sup>3</sup>", "10\u{2074} per m\u{b3}"),
        ("5 &times; 10<sup>&minus;9</sup>mbar", "5 \u{d7} 10\u{207b}\u{2079}mbar"),
        ("H<sub>2</sub>O and T<sub>max</sub>", "H\u{2082}O and T_max"),
        ("the 1<sup>st</sup> and 2<sup>e</sup>", "the 1st and 2e"),
        ("a pump<sup>3</sup> runs", "a pump[3] runs"),
        ("in 40<sup><a href='#fn1'>2</a></sup>.", "in 40[2]."),
        ("in 40<a href='#fn1'><sup>2</sup></a>.", "in 40[2]."),
        ("in 40<a epub:type='noteref' href='n.xhtml#n'>2</a>.", "in 40[2]."),
        ("<a href='#x'>5 m<sup>2</sup></a>", "5 m\u{b2}"),
        (
            "said<sup class=reference><a href='#c'><span>[</span>7<span>]</span></a></sup>",
            "said[7]",
        ),
        ("2<span style='vertical-align: super'>10</span>", "2\u{b9}\u{2070}"),
        ("10<sup>4 </sup>per", "10\u{2074} per"),
        ("a<sup>unclosed <p>b", "a^(unclosed)\n\nb"),
    ] {
        assert_eq!(read(&format!("<p>{html}</p>")).text, text, "{html}");
    }
    let long = format!("<p>see <sup>{}</sup> end", "many words ".repeat(20));
    assert_eq!(read(&long).text.matches("many words").count(), 20);
    let html = "<p>10<sup>-9</sup> x";
    assert_eq!(source_of(&read(html), html.as_bytes(), "\u{207b}\u{2079}"), b"-9");
}

fn text(html: &str) -> String {
    read(html).text
}

#[test]
fn warnings_attributions_and_folded_parts_are_text() {
    let warning = "<aside class=warning><p>Never open the valve under pressure.</p></aside>";
    assert_eq!(text(&format!("<p>a</p>{warning}")), "a\n\nNever open the valve under pressure.");
    assert_eq!(text("<div role=alert>Hot!</div>"), "Hot!");
    let quote = "<blockquote><p>Know it.</p><footer>Ana Lee</footer></blockquote><p>x";
    assert_eq!(text(quote), "Know it.\n\nAna Lee\n\nx");
    let tabs = "<a role=tab aria-controls=t2>Two</a><div id=t2 hidden><p>Second tab.</div><div id=t3 hidden>no</div>";
    assert_eq!(text(tabs), "Two\n\nSecond tab.");
    let accordion = "<button data-bs-target='#q'>Q</button><div id=q class='accordion-collapse' style='display: none'>The answer.</div><p>x";
    assert_eq!(text(accordion), "The answer.\n\nx");
    assert_eq!(text("<details><summary>More</summary>Inside.</details>"), "More\n\nInside.");
}

#[test]
fn furniture_is_taken_back_and_noted() {
    let page = "<p>before<aside><a href=/a>Other things</a> <a href=/b>to read today</a></aside>after \
<footer>&copy; 2024 A company with a long name. All rights reserved.</footer><nav><a href=/>Home</a></nav>\
<div hidden>secret</div><script>x</script><img src=a.png alt='A map'><iframe src=b.html></iframe><p>end";
    crate::document::vocabulary::unread::take();
    let document = read(page);
    assert_eq!(document.text, "before\n\nafter\n\nend");
    let notes: Vec<String> =
        crate::document::vocabulary::unread::take().iter().map(ToString::to_string).collect();
    let expected = [
        "1 picture (A map)",
        "1 embedded file (b.html)",
        "1 piece of hidden text",
        "3 pieces of page furniture",
        "1 script",
    ];
    assert_eq!(notes, expected);
    assert_eq!(source_of(&document, page.as_bytes(), "after"), b"after");
}

#[test]
fn struck_out_text_is_left_out() {
    let html = "<p>Now <del>14 euros</del> <ins>19 euros</ins>, <s>a</s><span style='text-decoration: line-through'>b</span>c.<p>x";
    let document = read(html);
    assert_eq!(document.text, "Now 19 euros, c.\n\nx");
    assert_eq!(source_of(&document, html.as_bytes(), "19 euros"), b"19 euros");
    let open = format!("<p>a <s>b{}", "<p>many words that were never struck".repeat(200));
    assert!(text(&open).contains("never struck"));
}

#[test]
fn numbers_boxes_and_readings_are_kept() {
    let list = "<ol start=3><li>c<li value=7>g<li>h</ol><ol type=a reversed start=2><li>b<li>a</ol><ul><li>u</ul>";
    assert_eq!(text(list), "3. c\n7. g\n8. h\nb. b\na. a\nu");
    assert_eq!(text("<ol type=I><li>x<ol><li>y</ol><li>z</ol>"), "I. x\n1. y\nII. z");
    let boxes = "<ul><li><input type=checkbox checked> done<li><input type=checkbox> open</ul>";
    assert_eq!(text(boxes), "\u{2611} done\n\u{2610} open");
    let ruby = "<p><ruby>\u{6f22}<rp>(</rp><rt>\u{304b}\u{3093}</rt><rp>)</rp>\u{5b57}<rt>\u{3058}</ruby>\u{3092}";
    assert_eq!(text(ruby), "\u{6f22}\u{5b57}(\u{304b}\u{3093}\u{3058})\u{3092}");
}

#[test]
fn formulas_keep_their_shape() {
    let math = "<p>So <math><mi>E</mi><mo>=</mo><mi>m</mi><msup><mi>c</mi><mn>2</mn></msup><mo>+</mo><mfrac><mn>1</mn><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow></mfrac><annotation encoding='application/x-tex'>E=mc^2</annotation></math> holds.";
    assert_eq!(text(math), "So E = mc\u{b2}+1/(a+b) holds.");
    assert_eq!(text("<p>a <math><mi>x</mi><p>b"), "a x\n\nb");
}
