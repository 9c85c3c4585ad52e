//! Fields of forms (ISO 32000-1, 12.7): their values, set beside the labels on the page.

use lopdf::{Dictionary, Document, Object};

use super::annotations::{text, text_of};
use super::line::Line;
use crate::document::one_line;
use crate::document::unread::{self, UnreadKind};

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
pub(super) struct Field {
    /// Left, bottom, right, top, in points.
    bounds: [f32; 4],
    /// What the form calls it, if that means something to a person.
    name: Option<String>,
    value: Value,
}

#[derive(Debug, PartialEq)]
enum Value {
    Text(String),
    /// A box to tick, with what its mark stands for.
    Box {
        is_ticked: bool,
        choice: Option<String>,
    },
}

impl Field {
    pub(super) fn is_filled(&self) -> bool {
        !matches!(self.value, Value::Box { is_ticked: false, .. })
    }
}

/// The field that a widget shows; nothing if it is empty or a button to press.
pub(super) fn read(file: &Document, widget: &Dictionary) -> Option<Field> {
    let kind = inherited(file, widget, b"FT").and_then(|kind| kind.as_name().ok())?;
    let flags = inherited(file, widget, b"Ff").and_then(|flags| flags.as_i64().ok()).unwrap_or(0);
    let value = match kind {
        b"Btn" if flags & PUSH_BUTTON != 0 => return None,
        b"Btn" => button(file, widget, flags & RADIO != 0),
        b"Tx" if flags & PASSWORD != 0 => {
            unread::note(UnreadKind::FormField, 1);
            return None;
        }
        b"Tx" => Value::Text(text_of(file, inherited(file, widget, b"V")?)?),
        b"Ch" => Value::Text(choices(file, widget)?),
        b"Sig" => Value::Text(signature(file, inherited(file, widget, b"V")?.as_dict().ok()?)),
        _ => return None,
    };
    let is_empty = matches!(&value, Value::Text(text) if text.is_empty());
    (!is_empty).then_some(())?;
    Some(Field { bounds: bounds(file, widget)?, name: name(file, widget), value })
}

/// Text that was typed onto the page.
pub(super) fn free_text(file: &Document, annotation: &Dictionary, text: &str) -> Option<Field> {
    let bounds = bounds(file, annotation)?;
    (!text.is_empty()).then(|| Field { bounds, name: None, value: Value::Text(text.to_owned()) })
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

/// What the form says to a person, else the name of the field if it is no number of a program's making.
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

fn button(file: &Document, widget: &Dictionary, is_radio: bool) -> Value {
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
    Value::Box { is_ticked, choice: choice.filter(|_| is_radio).filter(says) }
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

/// Points between a box and its label at most, in heights of the box.
const NEAR_BOX: f32 = 2.5;

/// Puts the values of a page beside its lines; what a line shows already is not shown again. Gives what has no line
/// beside it.
pub(super) fn place(fields: &[Field], lines: &mut [Line]) -> Vec<String> {
    let mut apart = Vec::new();
    for field in fields {
        match &field.value {
            Value::Text(text) => field.place_text(text, lines, &mut apart),
            Value::Box { is_ticked, choice } => {
                let mark = if *is_ticked { TICKED } else { UNTICKED };
                field.place_box(mark, choice.as_deref(), lines, &mut apart);
            }
        }
    }
    apart
}

impl Field {
    fn height(&self) -> f32 {
        self.bounds[3] - self.bounds[1]
    }

    /// Whether a line runs through the height of the field; of a high one, near its top.
    fn is_beside(&self, line: &Line) -> bool {
        let [_, bottom, _, top] = self.bounds;
        let floor = bottom.max(top - 2.5 * line.size) - 0.3 * line.size;
        line.direction.0 > 0.99 && line.height >= floor && line.height <= top
    }

    fn label_left<'a>(&self, lines: &'a mut [Line]) -> Option<&'a mut Line> {
        let left = self.bounds[0];
        let before = lines.iter_mut().filter(|line| self.is_beside(line));
        before
            .filter(|line| line.start < left && line.end <= left + 2.0 * line.size)
            .max_by(|a, b| a.end.total_cmp(&b.end))
    }

    fn place_text(&self, text: &str, lines: &mut [Line], apart: &mut Vec<String>) {
        let shown = lines.iter().any(|line| {
            self.is_beside(line) && line.end > self.bounds[0] && one_line(&line.text).contains(text)
        });
        if shown {
            return;
        }
        if let Some(label) = self.label_left(lines) {
            label.text = format!("{} {text}", label.text.trim_end_matches(['_', '.', ' ', '\t']));
            label.end = label.end.max(self.bounds[2]);
            return;
        }
        // A field inside a line of text, or under its label.
        let [left, _, right, top] = self.bounds;
        let above = lines.iter_mut().filter(|line| {
            let gap = line.height - top;
            let overlaps = line.start < right && line.end > left;
            line.direction.0 > 0.99 && overlaps && (0.0..1.2 * line.size).contains(&gap)
        });
        let above = above.min_by(|a, b| a.height.total_cmp(&b.height));
        match (above, &self.name) {
            (Some(label), _) if label.text.trim_end().ends_with(':') => {
                label.text = format!("{} {text}", label.text.trim_end());
            }
            (_, Some(name)) => apart.push(format!("{name}: {text}")),
            (Some(label), None) if label.text.chars().count() < 60 => {
                label.text = format!("{}: {text}", label.text.trim_end());
            }
            (_, None) => apart.push(text.to_owned()),
        }
    }

    fn place_box(
        &self,
        mark: &str,
        choice: Option<&str>,
        lines: &mut [Line],
        apart: &mut Vec<String>,
    ) {
        let [_, _, right, _] = self.bounds;
        let reach = right + NEAR_BOX * self.height().max(6.0);
        let after = lines.iter_mut().filter(|line| self.is_beside(line));
        let label = after
            .filter(|line| line.start >= right - 2.0 && line.start <= reach)
            .min_by(|a, b| a.start.total_cmp(&b.start));
        if let Some(label) = label {
            label.text = format!("{mark} {}", label.text);
            label.start = label.start.min(self.bounds[0]);
            return;
        }
        let said = [choice, self.name.as_deref()].into_iter().flatten().next().unwrap_or_default();
        let said = format!("{mark} {said}").trim_end().to_owned();
        match self.label_left(lines) {
            Some(label) => label.text = format!("{} {said}", label.text.trim_end()),
            None => apart.push(said),
        }
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
        crate::document::guard::tick();
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
