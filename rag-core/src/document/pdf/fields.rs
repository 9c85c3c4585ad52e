//! Fields of forms (ISO 32000-1, 12.7): their values, set beside the labels on the page.

use lopdf::{Dictionary, Document, Object};

use super::line::TextLine;
use super::values::{text, text_of};
use crate::document::vocabulary::{UnreadKind, one_line, unread};

/// Levels of the tree of fields.
const MAX_DEPTH: usize = 32;

/// Flags of buttons (table 226) and of text (table 228).
const RADIO: i64 = 1 << 15;
const PUSH_BUTTON: i64 = 1 << 16;
const PASSWORD: i64 = 1 << 13;

const TICKED: &str = "\u{2611}";
const UNTICKED: &str = "\u{2610}";

/// A field on a page.
#[derive(Debug)]
pub(super) struct FormField {
    /// Left, bottom, right, top, in points.
    pub(super) bounds: [f32; 4],
    /// What the form calls it, if that means something to a person.
    name: Option<String>,
    value: FieldValue,
}

#[derive(Debug, PartialEq)]
enum FieldValue {
    Text(String),
    /// A box to tick, with what its mark stands for.
    Box {
        is_ticked: bool,
        choice: Option<String>,
    },
}

impl FormField {
    pub(super) fn is_filled(&self) -> bool {
        !matches!(self.value, FieldValue::Box { is_ticked: false, .. })
    }
}

/// The field that a widget shows; nothing if it is empty or a button to press.
pub(super) fn read(file: &Document, widget: &Dictionary) -> Option<FormField> {
    let kind = inherited(file, widget, b"FT").and_then(|kind| kind.as_name().ok())?;
    let flags = inherited(file, widget, b"Ff").and_then(|flags| flags.as_i64().ok()).unwrap_or(0);
    let value = match kind {
        b"Btn" if flags & PUSH_BUTTON != 0 => return None,
        b"Btn" => button(file, widget, flags & RADIO != 0),
        b"Tx" if flags & PASSWORD != 0 => {
            unread::note(UnreadKind::FormField, 1);
            return None;
        }
        b"Tx" => FieldValue::Text(text_of(file, inherited(file, widget, b"V")?)?),
        b"Ch" => FieldValue::Text(choices(file, widget)?),
        b"Sig" => FieldValue::Text(signature(file, inherited(file, widget, b"V")?.as_dict().ok()?)),
        _ => return None,
    };
    let is_empty = matches!(&value, FieldValue::Text(text) if text.is_empty());
    (!is_empty).then_some(())?;
    Some(FormField { bounds: bounds(file, widget)?, name: name(file, widget), value })
}

/// Text that was typed onto the page.
pub(super) fn free_text(file: &Document, annotation: &Dictionary, text: &str) -> Option<FormField> {
    let bounds = bounds(file, annotation)?;
    (!text.is_empty()).then(|| FormField {
        bounds,
        name: None,
        value: FieldValue::Text(text.to_owned()),
    })
}

fn bounds(file: &Document, annotation: &Dictionary) -> Option<[f32; 4]> {
    let numbers = annotation.get_deref(b"Rect", file).and_then(Object::as_array).ok()?;
    let number = |index: usize| {
        let (_, number) = file.dereference(numbers.get(index)?).ok()?;
        number.as_float().ok().filter(|number| number.is_finite())
    };
    let [left, bottom, right, top] = [number(0)?, number(1)?, number(2)?, number(3)?];
    Some([left.min(right), bottom.min(top), left.max(right), bottom.max(top)])
}

/// A property of the field or of the nearest one above it that has it.
fn inherited<'a>(file: &'a Document, field: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
    let mut node = field;
    for _ in 0..MAX_DEPTH {
        if let Ok(found) = node.get_deref(key, file) {
            return Some(found);
        }
        node = node.get_deref(b"Parent", file).and_then(Object::as_dict).ok()?;
    }
    None
}

/// What the form says to a person, else the name of the field if it is no number of a program's
/// making.
fn name(file: &Document, widget: &Dictionary) -> Option<String> {
    let shown = inherited(file, widget, b"TU").and_then(|name| text_of(file, name));
    let own = || inherited(file, widget, b"T").and_then(|name| text_of(file, name));
    let made = |name: &String| {
        let lower = name.to_lowercase();
        let stem = lower.trim_end_matches(|c: char| !c.is_alphabetic());
        let generic =
            ["text", "textfield", "field", "check box", "checkbox", "group", "untitled", "fill"];
        name.contains('[')
            || name.starts_with("undefined")
            || stem.len() < 2
            || (generic.contains(&stem) && stem.len() < lower.len())
    };
    shown.filter(|name| !name.is_empty()).or_else(|| own().filter(|name| !made(name)))
}

fn button(file: &Document, widget: &Dictionary, is_radio: bool) -> FieldValue {
    let state = widget.get_deref(b"AS", file).and_then(Object::as_name).ok();
    let value = || inherited(file, widget, b"V").and_then(|value| value.as_name().ok());
    let on = on_state(file, widget);
    let is_ticked = match state {
        Some(state) => state != b"Off",
        None => value().is_some_and(|value| value != b"Off" && on.is_none_or(|on| on == value)),
    };
    let choice =
        on.or(state.filter(|_| is_ticked)).map(|on| String::from_utf8_lossy(on).into_owned());
    let plain = ["yes", "on", "off", "true", "oui", "ja", "si", "x"];
    let says = |choice: &String| {
        !plain.contains(&choice.to_lowercase().as_str()) && choice.chars().any(char::is_alphabetic)
    };
    FieldValue::Box { is_ticked, choice: choice.filter(|_| is_radio).filter(says) }
}

/// The state of a button's appearance that is not off.
fn on_state<'a>(file: &'a Document, widget: &'a Dictionary) -> Option<&'a [u8]> {
    let looks = widget.get_deref(b"AP", file).and_then(Object::as_dict).ok()?;
    let normal = looks.get_deref(b"N", file).and_then(Object::as_dict).ok()?;
    normal.iter().map(|(name, _)| name.as_slice()).find(|name| *name != b"Off")
}

/// What was chosen, as the form shows it.
fn choices(file: &Document, widget: &Dictionary) -> Option<String> {
    let value = inherited(file, widget, b"V")?;
    let values = match value {
        Object::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    let options = inherited(file, widget, b"Opt").and_then(|options| options.as_array().ok());
    let shown = |value: &Object| {
        let value = text_of(file, value)?;
        let pair = options.into_iter().flatten().find_map(|option| {
            let (_, option) = file.dereference(option).ok()?;
            let [exported, shown] = option.as_array().ok()?.as_slice() else { return None };
            (text_of(file, exported)? == value).then(|| text_of(file, shown)).flatten()
        });
        Some(pair.unwrap_or(value))
    };
    Some(values.iter().filter_map(shown).collect::<Vec<_>>().join(", "))
}

/// Who signed, when and why.
fn signature(file: &Document, value: &Dictionary) -> String {
    let who = text(file, value, b"Name").filter(|name| !name.is_empty());
    let date = text(file, value, b"M").and_then(|date| {
        let date = date.trim_start_matches("D:").get(..8)?.to_owned();
        Some(format!("{}-{}-{}", date.get(..4)?, date.get(4..6)?, date.get(6..8)?))
    });
    let reason = text(file, value, b"Reason").filter(|reason| !reason.is_empty());
    let signed = who.map_or("signed".to_owned(), |who| format!("signed by {who}"));
    [Some(signed), date, reason].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// How far a label may be from a box, in heights of the box; and from a value, in points.
const NEAR_BOX: f32 = 2.5;
const NEAR_VALUE: f32 = 300.0;

/// Puts the values of a page beside its lines; what a line shows already is not shown again. Gives
/// what has no line beside it.
pub(super) fn place(fields: &[FormField], lines: &mut [TextLine]) -> Vec<String> {
    let mut apart = Vec::new();
    let last_box = |line: &TextLine| {
        let boxes = fields
            .iter()
            .filter(|f| matches!(f.value, FieldValue::Box { .. }) && f.is_beside(line));
        boxes.map(|field| field.bounds[2]).fold(f32::NEG_INFINITY, f32::max)
    };
    // Labels stand right of their boxes if anything stands right of the last one.
    let are_right: Vec<bool> = lines
        .iter()
        .map(|line| line.cells.iter().any(|cell| cell.0 >= last_box(line) - 2.0))
        .collect();
    for field in fields {
        let said = match &field.value {
            FieldValue::Text(text) => field.place_text(text, lines),
            FieldValue::Box { is_ticked, choice } => {
                let mark = if *is_ticked { TICKED } else { UNTICKED };
                field.place_box(mark, choice.as_deref(), lines, &are_right)
            }
        };
        apart.extend(said);
    }
    apart
}

/// A cell of a line, by the numbers of both, and where it begins and ends.
#[derive(Clone, Copy)]
struct PageCell {
    line: usize,
    number: usize,
    start: f32,
    end: f32,
}

impl PageCell {
    fn text(self, lines: &[TextLine]) -> &str {
        let line = lines.get(self.line).map(|line| line.text.as_str());
        line.and_then(|text| text.split('\t').nth(self.number)).unwrap_or_default()
    }

    /// Writes the cell anew; it then reaches from `start` to `end` at least.
    fn rewrite(self, lines: &mut [TextLine], text: &str, start: f32, end: f32) {
        let Some(line) = lines.get_mut(self.line) else { return };
        let cells = line.text.split('\t').enumerate();
        let cells: Vec<&str> =
            cells.map(|(number, cell)| if number == self.number { text } else { cell }).collect();
        line.text = cells.join("\t");
        line.start = line.start.min(start);
        line.end = line.end.max(end);
        if let Some(cell) = line.cells.get_mut(self.number) {
            *cell = (cell.0.min(start), cell.1.max(end));
        }
    }
}

fn cells(lines: &[TextLine]) -> impl Iterator<Item = (PageCell, &TextLine)> {
    lines.iter().enumerate().flat_map(|(index, line)| {
        let cells = line.cells.iter().enumerate();
        cells.map(move |(number, &(start, end))| {
            (PageCell { line: index, number, start, end }, line)
        })
    })
}

/// What fills the place of a value on paper.
fn is_filler(c: char) -> bool {
    matches!(c, '_' | '.' | '\u{2026}' | ' ')
}

impl FormField {
    /// Whether a line runs through the height of the field; of a high one, near its top.
    fn is_beside(&self, line: &TextLine) -> bool {
        let [_, bottom, _, top] = self.bounds;
        let floor = bottom.max(top - 2.5 * line.size) - 0.3 * line.size;
        line.direction.0 > 0.99 && line.height >= floor && line.height <= top
    }

    /// The nearest cell that ends where the field begins.
    fn label_left(&self, lines: &[TextLine]) -> Option<PageCell> {
        let left = self.bounds[0];
        let before = cells(lines).filter(|(cell, line)| {
            let ends = cell.end <= left + 0.5 * line.size || cell.text(lines).ends_with(is_filler);
            self.is_beside(line) && cell.start < left && ends && left - cell.end < NEAR_VALUE
        });
        before.map(|(cell, _)| cell).max_by(|a, b| a.end.total_cmp(&b.end))
    }

    /// Puts a text behind its label; gives it back with the name of the field if there is none.
    fn place_text(&self, text: &str, lines: &mut [TextLine]) -> Option<String> {
        let [left, _, right, top] = self.bounds;
        let is_shown = cells(lines).filter(|(_, line)| self.is_beside(line)).any(|(cell, _)| {
            cell.end > left && cell.start < right && one_line(cell.text(lines)).contains(text)
        });
        if is_shown {
            return None;
        }
        if let Some(label) = self.label_left(lines) {
            let written = format!("{} {text}", label.text(lines).trim_end_matches(is_filler));
            label.rewrite(lines, &written, left, right);
            return None;
        }
        // The label stands over the field.
        let above = cells(lines).filter(|(cell, line)| {
            let gap = line.height - top;
            let overlaps = cell.start < right && cell.end > left;
            line.direction.0 > 0.99 && overlaps && (0.0..1.2 * line.size).contains(&gap)
        });
        let above = above.min_by(|a, b| a.1.height.total_cmp(&b.1.height)).map(|(cell, _)| cell);
        let label = above.filter(|cell| cell.text(lines).chars().count() < 60);
        match (label, &self.name) {
            (Some(label), _) => {
                let said = label.text(lines).trim_end_matches(is_filler).trim_end_matches(':');
                let written = format!("{said}: {text}");
                label.rewrite(lines, &written, label.start, label.end);
                None
            }
            (None, Some(name)) => Some(format!("{name}: {text}")),
            (None, None) => Some(text.to_owned()),
        }
    }

    /// Puts a mark before its label, or behind one that stands left of it; gives it back with what
    /// it means if there is none.
    fn place_box(
        &self,
        mark: &str,
        choice: Option<&str>,
        lines: &mut [TextLine],
        are_right: &[bool],
    ) -> Option<String> {
        let [left, bottom, right, top] = self.bounds;
        let reach = right + NEAR_BOX * (top - bottom).max(6.0);
        let after = cells(lines).filter(|(cell, line)| {
            let is_right = are_right.get(cell.line).copied().unwrap_or(false);
            is_right && self.is_beside(line) && cell.start >= right - 2.0 && cell.start <= reach
        });
        let label = after.map(|(cell, _)| cell).min_by(|a, b| a.start.total_cmp(&b.start));
        if let Some(label) = label {
            let written = format!("{mark} {}", label.text(lines));
            label.rewrite(lines, &written, left, label.end);
            return None;
        }
        let meaning = choice.or(self.name.as_deref()).unwrap_or_default();
        let Some(label) = self.label_left(lines) else {
            return Some(format!("{mark} {meaning}").trim_end().to_owned());
        };
        let said = label.text(lines).trim_end();
        let is_said = said.contains(meaning);
        let written = format!("{said} {mark} {}", if is_said { "" } else { meaning });
        label.rewrite(lines, written.trim_end(), left, right);
        None
    }
}

/// Values of a form that has no fields but a template of XML (XFA): its data as `name: value`.
pub(super) fn xfa(file: &Document) -> Option<Vec<String>> {
    let form = file.catalog().ok()?.get_deref(b"AcroForm", file).and_then(Object::as_dict).ok()?;
    let has_fields = form
        .get_deref(b"Fields", file)
        .and_then(Object::as_array)
        .is_ok_and(|fields| !fields.is_empty());
    let parts = form.get_deref(b"XFA", file).ok().filter(|_| !has_fields)?;
    let parts = parts.as_array().map(Vec::as_slice).unwrap_or_default();
    let data = parts.chunks_exact(2).find(|part| {
        part.first().and_then(|name| text_of(file, name)).is_some_and(|name| name == "datasets")
    });
    let stream = data.and_then(|part| file.dereference(part.get(1)?).ok()?.1.as_stream().ok());
    let bytes = stream.and_then(|stream| stream.get_plain_content_with_limit(8 << 20).ok());
    let values = bytes.map(|bytes| values(&String::from_utf8_lossy(&bytes))).unwrap_or_default();
    if values.is_empty() {
        unread::note_named(UnreadKind::FormField, "XFA");
    }
    Some(values)
}

/// Elements without elements inside them, with their text.
fn values(xml: &str) -> Vec<String> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut values, mut name, mut text) = (Vec::new(), None, String::new());
    loop {
        crate::document::limits::tick();
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                name = Some(start.local_name().as_ref().to_owned());
                text.clear();
            }
            Ok(Event::Text(piece)) => text.push_str(&piece),
            Ok(Event::GeneralRef(piece)) => match piece.as_ref() {
                "amp" => text.push('&'),
                "lt" => text.push('<'),
                "gt" => text.push('>'),
                _ => {}
            },
            Ok(Event::End(_)) => {
                let value = one_line(&text);
                if let Some(name) = name.take().filter(|_| !value.is_empty()) {
                    values.push(format!("{name}: {value}"));
                }
                text.clear();
            }
            Ok(Event::Eof) | Err(_) => return values,
            Ok(_) => {}
        }
    }
}
