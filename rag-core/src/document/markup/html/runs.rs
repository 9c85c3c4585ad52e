//! Which bytes of the file each part of a decoded text run came from.

use std::collections::HashMap;
use std::ops::Range;

use html5gum::{Token, Tokenizer};

/// A part of a text run: its text, its bytes in the input, and whether they are the same bytes.
pub(super) struct TextRun<'a> {
    pub(super) text: &'a str,
    pub(super) source: Range<usize>,
    pub(super) exact: bool,
}

/// Character references already decoded.
#[derive(Default)]
pub(super) struct References {
    known: HashMap<String, String>,
}

impl References {
    /// Splits `value`, which the tokenizer read from `span` of `input`, into pieces in order.
    ///
    /// A run whose parts cannot be told apart is one piece that maps as a whole.
    pub(super) fn pieces<'a>(
        &mut self,
        input: &str,
        value: &'a str,
        span: Range<usize>,
    ) -> Vec<TextRun<'a>> {
        let raw = input.get(span.clone()).unwrap_or_default();
        if raw == value {
            return vec![TextRun { text: value, source: span, exact: true }];
        }
        self.split(raw, value, span.start)
            .unwrap_or_else(|| vec![TextRun { text: value, source: span, exact: false }])
    }

    fn split<'a>(&mut self, raw: &str, value: &'a str, start: usize) -> Option<Vec<TextRun<'a>>> {
        let mut pieces = Vec::new();
        let (mut at, mut value_at) = (0, 0);
        while at < raw.len() {
            let rest = raw.get(at..)?;
            let plain = rest.find(['&', '\r']).unwrap_or(rest.len());
            let (source_length, text_length, exact) = if plain > 0 {
                value
                    .get(value_at..)?
                    .starts_with(rest.get(..plain)?)
                    .then_some((plain, plain, true))?
            } else {
                let reference = rest.get(..special_length(rest))?;
                let text = self.decode(reference);
                let matches = value.get(value_at..)?.starts_with(text);
                matches.then_some((reference.len(), text.len(), reference == text))?
            };
            let source = start + at..start + at + source_length;
            let text = value.get(value_at..value_at + text_length)?;
            pieces.push(TextRun { text, source, exact });
            at += source_length;
            value_at += text_length;
        }
        (value_at == value.len()).then_some(pieces)
    }

    /// What a character reference or a carriage return becomes.
    fn decode(&mut self, raw: &str) -> &str {
        if raw.starts_with('\r') {
            return "\n";
        }
        self.known.entry(raw.to_owned()).or_insert_with(|| {
            let strings = Tokenizer::new(raw).flatten().filter_map(|token| match token {
                Token::String(text) => String::from_utf8(text.value.to_vec()).ok(),
                _ => None,
            });
            strings.collect()
        })
    }
}

/// Bytes of the character reference or line end that `rest` begins with: the longest run that could
/// belong to a reference, so that decoding it alone gives what decoding it in place gives.
fn special_length(rest: &str) -> usize {
    if rest.starts_with("\r\n") {
        return 2;
    }
    if rest.starts_with('\r') {
        return 1;
    }
    let body = rest.get(1..).unwrap_or_default();
    let name = body.find(|c: char| !(c.is_ascii_alphanumeric() || c == '#')).unwrap_or(body.len());
    let semicolon = usize::from(body.get(name..).is_some_and(|after| after.starts_with(';')));
    1 + name + semicolon
}
