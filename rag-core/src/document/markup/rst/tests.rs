#![allow(clippy::unwrap_used)]
use std::path::Path;

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Document {
    RstReader.read(&SourceFile::new(Path::new("a.rst"), text.as_bytes())).unwrap()
}

fn shown(document: &Document) -> Vec<(BlockKind, &str)> {
    document.blocks.iter().map(|b| (b.kind, &document.text[b.range.clone()])).collect()
}

const fn heading(level: u8) -> BlockKind {
    BlockKind::Heading { level }
}

#[test]
fn headings_paragraphs_and_listings() {
    let document = read(
        "=====\nGuide\n=====\n\n:Author: A. Nonym\n:Date: 2024\n\nPart *one*\n==========\n\nRun this::\n\n    make all\n\n    \
         make check\n\nand then go on\nwith `the manual <https://x.org>`_ (see :ref:`setup <s>`).\n\n.. note:: Beware\n   of dogs.\n",
    );
    let expected = [
        (heading(1), "Guide"),
        (BlockKind::ListItem, "Author: A. Nonym"),
        (BlockKind::ListItem, "Date: 2024"),
        (heading(2), "Part one"),
        (BlockKind::Paragraph, "Run this:"),
        (BlockKind::Code, "make all\n\nmake check"),
        (BlockKind::Paragraph, "and then go on with the manual (see setup)."),
        (BlockKind::Paragraph, "Beware"),
        (BlockKind::Paragraph, "of dogs."),
    ];
    assert_eq!(shown(&document), expected);
    assert_eq!(document.title.as_deref(), Some("Guide"));
    assert_eq!(document.metadata["author"], "A. Nonym");
}

#[test]
fn comments_targets_and_contents_are_left_out() {
    let document = read(
        ".. _top:\n\n.. a comment\n   of two lines\n\n.. toctree::\n   :maxdepth: 2\n\n   one\n   two\n\nWords.\n\n\
         .. code-block:: python\n   :linenos:\n\n   def f():\n       pass\n\n.. image:: a.png\n   :alt: A bridge\n\n.. [1] A note.\n",
    );
    let expected = [
        (BlockKind::Paragraph, "Words."),
        (BlockKind::Code, "def f():\n    pass"),
        (BlockKind::Paragraph, "A bridge"),
        (BlockKind::Paragraph, "A note."),
    ];
    assert_eq!(shown(&document), expected);
}

#[test]
fn tables_keep_their_cells() {
    let grid = read(
        "+------+-------+\n| Name | Age   |\n+======+=======+\n| Ada  | 36,   |\n|      | about |\n+------+-------+\n\nAfter.\n",
    );
    let expected =
        [(BlockKind::Table, "Name\tAge\nAda\t36, about"), (BlockKind::Paragraph, "After.")];
    assert_eq!(shown(&grid), expected);
    let simple =
        read("====  =====\nName  Age\n====  =====\nAda   36\nBob   7\n====  =====\n\nAfter.\n");
    assert_eq!(shown(&simple)[0], (BlockKind::Table, "Name\tAge\nAda\t36\nBob\t7"));
    assert_eq!(shown(&simple)[1], (BlockKind::Paragraph, "After."));
}

#[test]
fn items_terms_and_fields_stand_apart() {
    let document = read(
        "* one\n  goes on\n* two\n\n1. first\n#. next\n\nterm\n   What it means.\n\n:param x: a **number**\n",
    );
    let expected = [
        (BlockKind::ListItem, "one goes on"),
        (BlockKind::ListItem, "two"),
        (BlockKind::ListItem, "first"),
        (BlockKind::ListItem, "next"),
        (BlockKind::Paragraph, "term"),
        (BlockKind::Paragraph, "What it means."),
        (BlockKind::ListItem, "param x: a number"),
    ];
    assert_eq!(shown(&document), expected);
}

#[test]
fn marks_go_and_what_only_looks_like_one_stays() {
    let text = |input: &str| read(input).text;
    assert_eq!(
        text("A **bold** and ``x_*y`` :py:class:`~a.b.C` word_ snake_case 2*3*4 [1]_.\n"),
        "A bold and x_*y C word snake_case 2*3*4 [1]."
    );
    assert_eq!(
        text("escaped \\*star\\* and |name|\n\n.. |name| replace:: the name\n"),
        "escaped *star* and the name"
    );
    let picture = ".. |ci| image:: a.png\n   :alt: build passes\n.. _ci: https://x.org\n";
    assert_eq!(text(&format!("Status |ci|_.\n\n{picture}")), "Status build passes.");
    assert_eq!(text("`lonely and * also | this\n"), "`lonely and * also | this");
}

#[test]
fn every_word_is_found_in_the_source() {
    let source = "Title\n-----\n\nSome ``code`` and *emphasis* here.\n\n- item :ref:`one <x>`\n";
    let document = read(source);
    for word in ["Title", "code", "emphasis", "item", "one"] {
        let start = document.text.find(word).unwrap();
        let bytes = document.source_map.source_bytes(&(start..start + word.len())).unwrap();
        assert_eq!(&source[bytes.start as usize..bytes.end as usize], word);
    }
}

proptest! {
    #[test]
    fn any_text_is_read(text in "[a `*|_:.+=\\-\\\\\\n\\[\\]é\u{2019}]{0,200}") {
        let document = read(&text);
        for block in &document.blocks {
            prop_assert!(document.text.get(block.range.clone()).is_some());
        }
    }
}

#[test]
fn powers_are_no_digits_of_the_number() {
    let document = read("It is 10\\ :sup:`4` and H\\ :sub:`2`\\ O, with :sup:`14`\\ C.\n");
    assert_eq!(document.text, "It is 10\u{2074} and H\u{2082}O, with \u{b9}\u{2074}C.");
}
