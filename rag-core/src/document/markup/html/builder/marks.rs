//! What a page shows beside its words: numbers of lists, boxes that are ticked, readings of
//! characters.

use super::{Builder, PendingSpace};
use crate::document::markup::html::runs::TextRun;
use crate::document::markup::html::start_tag::StartTag;
use crate::document::vocabulary::BlockKind;
use crate::document::writing::roman::roman;

/// A list that is open.
pub(super) struct HtmlList {
    /// How many elements are open around it.
    pub(super) depth: usize,
    /// The number of its next item and how it is written; nothing if its items have none.
    number: Option<(i64, Style)>,
    step: i64,
}

/// How the numbers of a list are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Decimal,
    Letters { capital: bool },
    Roman { capital: bool },
}

/// Lists that are open at once; items of deeper ones have no numbers.
const MAX_LISTS: usize = 100;

impl Builder<'_> {
    /// Follows lists and their items, boxes and readings.
    pub(super) fn begin_marks(&mut self, tag: &StartTag) {
        match tag.name.as_slice() {
            b"ol" | b"ul" | b"menu" | b"dir" if self.lists.len() < MAX_LISTS => self.list(tag),
            b"li" => self.item(tag),
            b"input" => self.input_field(tag),
            _ => {}
        }
        let is_box = tag.get(b"role").is_some_and(|role| role == b"checkbox" || role == b"radio");
        if is_box && tag.name != b"input" {
            self.tick(tag.get(b"aria-checked") == Some(b"true"));
        }
    }

    fn list(&mut self, tag: &StartTag) {
        let start = tag.text(b"start").and_then(|start| start.parse().ok());
        let reversed = tag.get(b"reversed").is_some();
        let style = match tag.get(b"type") {
            Some(b"a") => Style::Letters { capital: false },
            Some(b"A") => Style::Letters { capital: true },
            Some(b"i") => Style::Roman { capital: false },
            Some(b"I") => Style::Roman { capital: true },
            _ => Style::Decimal,
        };
        let bare = tag.get(b"style").is_some_and(|style| {
            String::from_utf8_lossy(style).replace(' ', "").contains("list-style:none")
        });
        // Where a list counts down from is known only at its end.
        let known = tag.name == b"ol" && !bare && (!reversed || start.is_some());
        self.lists.push(HtmlList {
            depth: self.open.len(),
            number: known.then(|| (start.unwrap_or(1), style)),
            step: if reversed { -1 } else { 1 },
        });
    }

    fn item(&mut self, tag: &StartTag) {
        self.mark = None;
        let in_table = self.roles.last() == Some(&BlockKind::Table);
        let Some(HtmlList { number: Some((number, style)), step, .. }) = self.lists.last_mut()
        else {
            return;
        };
        if let Some(value) = tag.text(b"value").and_then(|value| value.parse().ok()) {
            *number = value;
        }
        let shown = style.shown(*number);
        *number = number.saturating_add(*step);
        self.mark = Some(format!("{shown}. ")).filter(|_| !in_table);
    }

    fn input_field(&mut self, tag: &StartTag) {
        let kind = tag.get(b"type").unwrap_or_default().to_ascii_lowercase();
        if (kind == b"checkbox" || kind == b"radio") && !self.is_hidden(tag) {
            self.tick(tag.get(b"checked").is_some());
        }
    }

    /// Writes a box as it stands.
    fn tick(&mut self, ticked: bool) {
        self.write_gap();
        self.page.text.push(if ticked { '\u{2611}' } else { '\u{2610}' });
        self.gap = PendingSpace::Space(None);
    }

    /// Takes the reading of a character, which stands apart from the word it is in.
    pub(super) fn reading(&mut self, piece: &TextRun<'_>) {
        let (reading, source) = self.reading.get_or_insert_with(Default::default);
        reading.push_str(piece.text.trim());
        if source.start == source.end {
            *source = piece.source.clone();
        }
        source.end = source.end.max(piece.source.end);
    }

    /// Writes the readings of a word after it.
    pub(super) fn end_ruby(&mut self) {
        let Some((reading, source)) = self.reading.take() else { return };
        if !reading.is_empty() {
            let shown = format!("({reading})");
            self.word(&shown, &TextRun { text: &shown, source, exact: false }, 0);
        }
    }
}

impl Style {
    fn shown(self, number: i64) -> String {
        match self {
            Style::Letters { capital } if (1..=26).contains(&number) => {
                let first = if capital { 'A' } else { 'a' };
                let letter =
                    u32::try_from(number - 1).ok().and_then(|n| char::from_u32(first as u32 + n));
                letter.unwrap_or(first).to_string()
            }
            Style::Roman { capital } if (1..=3999).contains(&number) => {
                let shown = roman(u32::try_from(number).unwrap_or_default());
                if capital { shown.to_uppercase() } else { shown }
            }
            _ => number.to_string(),
        }
    }
}
