//! Jupyter notebooks (nbformat 4 and 3): cells in order, code with its text output.

use serde_json::Value;

use crate::document::markup::html;
use crate::document::markup::markdown::{MarkdownReader, plain_heading};
use crate::document::text::inline_data;
use crate::document::vocabulary::{
    BlockKind, Document, DocumentKind, Location, Reader, SourceFile, Unit, UnreadKind, unread,
};
use crate::document::writing::draft::{DocumentDraft, part};
use crate::error::{Error, Result, Unreadable};

/// Reads notebooks.
pub(in crate::document) struct NotebookReader;

/// Characters of the output of one cell.
const MAX_OUTPUT_CHARS: usize = 4000;

impl Reader for NotebookReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let broken = |error: serde_json::Error| Error::Document {
            path: source.path.to_owned(),
            unreadable: Unreadable::Broken,
            reason: "broken notebook".to_owned(),
            source: Some(error.into()),
        };
        let book: Value = serde_json::from_slice(source.bytes).map_err(broken)?;
        let sheets = book.pointer("/worksheets/0/cells");
        let cells = book.get("cells").or(sheets).and_then(Value::as_array);
        let cells = cells.ok_or_else(|| {
            Error::document(source.path, Unreadable::Broken, "notebook without cells")
        })?;
        let mut draft = DocumentDraft::default();
        for (index, cell) in cells.iter().enumerate() {
            add_cell(&mut draft, cell, source, &part(Unit::Cell, index + 1, None));
        }
        for (key, path) in [
            ("title", "/metadata/title"),
            ("author", "/metadata/authors/0/name"),
            ("kernel", "/metadata/kernelspec/display_name"),
        ] {
            draft.note(key, book.pointer(path).and_then(Value::as_str).unwrap_or_default());
        }
        draft.note("cell_count", &cells.len().to_string());
        draft.finish(DocumentKind::Notebook, source)
    }
}

fn add_cell(draft: &mut DocumentDraft, cell: &Value, source: &SourceFile<'_>, place: &Location) {
    let content = inline_data::cut_text(joined(cell.get("source").or(cell.get("input"))));
    let attached = cell.get("attachments").and_then(Value::as_object);
    attached.into_iter().flatten().for_each(|(name, _)| {
        unread::note_named(UnreadKind::Picture, name);
    });
    match cell.get("cell_type").and_then(Value::as_str) {
        Some("markdown") => add_markdown(draft, &content, source, place),
        Some("heading") => {
            let level = cell.get("level").and_then(Value::as_u64).unwrap_or(1);
            draft.heading(u8::try_from(level).unwrap_or(6), &content, place);
        }
        Some("raw") => draft.block(BlockKind::Paragraph, &content, place),
        _ => {
            draft.block(BlockKind::Code, &content, place);
            for output in cell.get("outputs").and_then(Value::as_array).into_iter().flatten() {
                add_output(draft, output, source, place);
            }
        }
    }
}

/// What a cell gave: its text, or the text of its page where there is no other. Pictures are noted.
fn add_output(
    draft: &mut DocumentDraft,
    output: &Value,
    source: &SourceFile<'_>,
    place: &Location,
) {
    let data = output.get("data").and_then(Value::as_object);
    let kinds = data.into_iter().flatten().map(|(kind, _)| kind.as_str());
    // nbformat 3 keeps pictures beside the text.
    let older = ["png", "jpeg", "svg"].into_iter().filter(|kind| output.get(kind).is_some());
    let pictures = kinds.filter(|kind| kind.starts_with("image/")).count() + older.count();
    unread::note(UnreadKind::Picture, pictures as u64);
    let text = joined(output.get("text").or(output.pointer("/data/text~1plain")));
    let page = joined(output.pointer("/data/text~1html"));
    let read_page =
        || html::HtmlReader.read(&SourceFile { bytes: page.as_bytes(), ..*source }).ok();
    let from_page = if text.trim().is_empty() { read_page() } else { None };
    let text = from_page.map_or_else(|| inline_data::cut_text(text), |document| document.text);
    let shown: String = text.chars().take(MAX_OUTPUT_CHARS).collect();
    unread::note(UnreadKind::BeyondLimit, u64::from(shown.len() < text.len()));
    draft.block(BlockKind::Code, &shown, place);
}

/// The blocks of a Markdown cell; its headings lose their marks, as those of other formats have
/// none.
fn add_markdown(
    draft: &mut DocumentDraft,
    content: &str,
    source: &SourceFile<'_>,
    place: &Location,
) {
    let inner = SourceFile { bytes: content.as_bytes(), ..*source };
    let Ok(document) = MarkdownReader.read(&inner) else { return };
    for block in &document.blocks {
        let text = document.text.get(block.range.clone()).unwrap_or_default();
        match block.kind {
            BlockKind::Heading { level } => {
                draft.heading(level, &plain_heading(text), place);
            }
            kind => draft.block(kind, text, place),
        }
    }
}

/// A text that may be written as a list of lines.
fn joined(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(lines)) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::document::source_file;

    #[test]
    fn cells_and_their_output_are_blocks_with_numbers() {
        let json = r##"{"cells": [
            {"cell_type": "markdown", "source": ["# Title\n", "\n", "- item\n"]},
            {"cell_type": "code", "source": "print(1)", "outputs": [{"text": ["1\n"]}, {"data": {"image/png": "AAAA"}}]}],
            "metadata": {"kernelspec": {"display_name": "Python 3"}}, "nbformat": 4}"##;
        let source = source_file(Path::new("a.ipynb"), json.as_bytes());
        let document = NotebookReader.read(&source).unwrap();
        assert_eq!(document.text, "Title\n\n- item\n\nprint(1)\n\n1");
        assert_eq!(document.title.as_deref(), Some("Title"));
        assert_eq!(unread::take()[0].count, 1);
        let code = document.text.find("print").unwrap();
        assert_eq!(document.source_map.place(&(code..code + 5)).as_deref(), Some("cell 2"));
    }
}
