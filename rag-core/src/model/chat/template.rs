//! Chat templates: the model's own Jinja source, run with fuel and an output cap.
//!
//! A template only ever sees random sentinels in place of what people and documents say. Its output
//! is cut at the sentinels into scaffold and content, so that content is never read for control
//! tokens.

use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::io;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error as JinjaError, ErrorKind, context};

use crate::model::chat::message::Message;

const FUEL: u64 = 1_000_000;
const MAX_SOURCE_BYTES: usize = 256 << 10;
const MAX_OUTPUT_BYTES: usize = 1 << 20;
const MAX_JSON_DEPTH: usize = 32;
/// Put around each sentinel to learn whether the template trims what is said.
const PAD: &str = " \n ";

/// A part of a rendered conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TemplateSegment {
    /// Written by the template; may name control tokens.
    Scaffold(String),
    /// Said by someone; plain text.
    Content(String),
}

/// A chat template that comes with a model.
#[derive(Debug)]
pub(crate) struct JinjaTemplate {
    environment: Environment<'static>,
    bos: String,
    eos: String,
}

impl JinjaTemplate {
    /// Compiles `source`. `bos` and `eos` are what the template may write at the ends.
    ///
    /// # Errors
    /// The compiler's complaint.
    pub(crate) fn new(source: &str, bos: &str, eos: &str) -> Result<Self, JinjaError> {
        if source.len() > MAX_SOURCE_BYTES {
            return Err(refusal("template is longer than 256 KiB"));
        }
        let mut environment = Environment::new();
        // As transformers compiles chat templates.
        environment
            .set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(64);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise_exception);
        environment.add_function("strftime_now", fixed_date);
        environment.add_filter("tojson", to_json);
        environment.add_template_owned("chat", without_generation_marks(source))?;
        Ok(Self { environment, bos: bos.to_owned(), eos: eos.to_owned() })
    }

    /// The conversation cut into scaffold and content, ready for the answer.
    ///
    /// # Errors
    /// The template's own refusal, out of fuel, too much output, or a turn that it leaves out.
    pub(crate) fn segments(
        &self,
        messages: &[Message],
    ) -> Result<Vec<TemplateSegment>, JinjaError> {
        let marks: Vec<String> = messages.iter().map(|_| sentinel()).collect();
        let turns: Vec<Value> = messages
            .iter()
            .zip(&marks)
            .map(|(message, mark)| {
                context! { role => message.role.name(), content => format!("{PAD}{mark}{PAD}") }
            })
            .collect();
        let text = self.render(context! {
            messages => turns,
            add_generation_prompt => true,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
            tools => (),
            documents => (),
        })?;
        cut(&text, &marks, messages)
    }

    /// The template's output for `values`, as it is.
    ///
    /// # Errors
    /// The template's own refusal, out of fuel, or more than 1 MiB of output.
    pub(crate) fn render(&self, values: Value) -> Result<String, JinjaError> {
        let mut output = Capped(Vec::new());
        self.environment.get_template("chat")?.render_captured_to(values, &mut output)?;
        String::from_utf8(output.0).map_err(|_| refusal("output is not UTF-8"))
    }
}

/// Splits `text` at the sentinels; sentinel `i` stands for what `messages[i]` says.
fn cut(
    text: &str,
    marks: &[String],
    messages: &[Message],
) -> Result<Vec<TemplateSegment>, JinjaError> {
    let mut found: Vec<(usize, usize)> = marks
        .iter()
        .enumerate()
        .flat_map(|(index, mark)| text.match_indices(mark.as_str()).map(move |(at, _)| (at, index)))
        .collect();
    found.sort_unstable();
    if (0..marks.len()).any(|index| found.iter().all(|(_, other)| *other != index)) {
        return Err(refusal("the template leaves out a turn"));
    }
    let mut segments = Vec::new();
    let mut rest_from = 0;
    for (at, index) in found {
        let before = &text[rest_from..at];
        let after = &text[at + marks[index].len()..];
        let mut said = messages[index].content.as_str();
        let scaffold = before.strip_suffix(PAD).unwrap_or_else(|| {
            said = said.trim_start();
            before
        });
        rest_from = at + marks[index].len();
        if after.starts_with(PAD) {
            rest_from += PAD.len();
        } else {
            said = said.trim_end();
        }
        segments.push(TemplateSegment::Scaffold(scaffold.to_owned()));
        segments.push(TemplateSegment::Content(said.to_owned()));
    }
    segments.push(TemplateSegment::Scaffold(text[rest_from..].to_owned()));
    Ok(segments)
}

/// 128 random bits that no text holds by chance; `RandomState` is seeded by the operating system.
fn sentinel() -> String {
    let (high, low) = (RandomState::new().hash_one(0), RandomState::new().hash_one(1));
    format!("q{high:016x}{low:016x}q")
}

struct Capped(Vec<u8>);

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT_BYTES {
            return Err(io::Error::other("template writes more than 1 MiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `{% generation %}` marks training spans in Hugging Face templates; here it is a comment.
fn without_generation_marks(source: &str) -> String {
    let mut output = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(open) = rest.find("{%") {
        let Some(close) = rest[open..].find("%}").map(|at| open + at) else { break };
        let inside = &rest[open + 2..close];
        let name = inside.trim_matches(|c: char| c.is_whitespace() || c == '-' || c == '+');
        output.push_str(&rest[..open]);
        if matches!(name, "generation" | "endgeneration") {
            let _ = write!(output, "{{#{}#}}", inside.replace(name, ""));
        } else {
            output.push_str(&rest[open..close + 2]);
        }
        rest = &rest[close + 2..];
    }
    output.push_str(rest);
    output
}

fn refusal(reason: impl Into<String>) -> JinjaError {
    JinjaError::new(ErrorKind::InvalidOperation, reason.into())
}

fn raise_exception(reason: String) -> Result<Value, JinjaError> {
    Err(refusal(reason))
}

/// Templates that ask for today get the day Llama 3.2's own falls back to: answers must not change
/// by the day.
fn fixed_date(format: String) -> String {
    [("%d", "26"), ("%m", "07"), ("%b", "Jul"), ("%B", "July"), ("%Y", "2024")]
        .iter()
        .fold(format, |date, (code, value)| date.replace(code, value))
}

/// `tojson` as Hugging Face sets it up: Python's `json.dumps` with `ensure_ascii=False`, no HTML
/// escapes.
fn to_json(value: Value, options: Kwargs) -> Result<Value, JinjaError> {
    let indent: Option<usize> = options.get("indent")?;
    let indent = indent.map(|width| width.min(16));
    let mut json = Json { text: String::new(), indent, depth: 0 };
    json.value(&value)?;
    Ok(Value::from(json.text))
}

/// JSON as it is written.
struct Json {
    text: String,
    /// Blanks before what stands in a list or a map, for each that it stands in; none for one line.
    indent: Option<usize>,
    /// In how many it stands.
    depth: usize,
}

impl Json {
    fn value(&mut self, value: &Value) -> Result<(), JinjaError> {
        if self.depth > MAX_JSON_DEPTH || self.text.len() > MAX_OUTPUT_BYTES {
            return Err(refusal("value is too large for JSON"));
        }
        match value.kind() {
            ValueKind::Map => {
                return self.items(value, ['{', '}'], |json, key| {
                    let _ = write!(json.text, "{}: ", serde_json::Value::from(key.to_string()));
                    json.value(&value.get_item(&key)?)
                });
            }
            ValueKind::Seq | ValueKind::Iterable => {
                return self.items(value, ['[', ']'], |json, item| json.value(&item));
            }
            ValueKind::Undefined | ValueKind::None => self.text.push_str("null"),
            ValueKind::Bool => self.text.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => self.text.push_str(&value.to_string()),
            _ => self.text.push_str(&serde_json::Value::from(value.to_string()).to_string()),
        }
        Ok(())
    }

    /// The items of a list, or the keys of a map with what `write_item` makes of each.
    fn items(
        &mut self,
        value: &Value,
        [open, close]: [char; 2],
        mut write_item: impl FnMut(&mut Self, Value) -> Result<(), JinjaError>,
    ) -> Result<(), JinjaError> {
        self.text.push(open);
        self.depth += 1;
        let mut is_empty = true;
        for item in value.try_iter()? {
            if !std::mem::take(&mut is_empty) {
                self.text.push_str(if self.indent.is_some() { "," } else { ", " });
            }
            self.line();
            write_item(self, item)?;
        }
        self.depth -= 1;
        if !is_empty {
            self.line();
        }
        self.text.push(close);
        Ok(())
    }

    /// Begins a line, where there are lines.
    fn line(&mut self) {
        if let Some(width) = self.indent {
            let _ = write!(self.text, "\n{:1$}", "", width * self.depth);
        }
    }
}

#[cfg(test)]
mod tests;
