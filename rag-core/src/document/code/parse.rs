//! A syntax tree of any text, within limits.

use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

use super::grammar::Grammar;
use crate::document::limits;

/// Bytes of a file that is parsed: a larger one was made by a program, and its tree would take a
/// gigabyte.
const MAX_BYTES: usize = 16 << 20;

/// Looks at the progress of the parser that each byte may cost, and that every file may; there is
/// one for a hundred of its steps. Ordinary code takes 0.01 a byte.
const LOOKS_PER_BYTE: usize = 1;
const LEAST_LOOKS: usize = 10_000;

/// Columns of indentation above which Python is not parsed: its scanner keeps open levels in a
/// buffer of 1,024 bytes, two each, and the process would end if they did not fit.
const MAX_INDENT: usize = 480;

/// The tree of `text`, with nodes for what the grammar does not understand; nothing if it is too
/// large, or takes too long.
pub(super) fn parse(grammar: &Grammar, text: &str) -> Option<Tree> {
    if text.len() > MAX_BYTES || grammar.is_indented && widest_indent(text) > MAX_INDENT {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(&grammar.language.into()).ok()?;
    let bytes = text.as_bytes();
    let mut looks = text.len() * LOOKS_PER_BYTE + LEAST_LOOKS;
    limits::asking(|is_to_stop| {
        let mut look = |_: &ParseState| {
            looks = looks.saturating_sub(1);
            match looks == 0 || is_to_stop() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let options = ParseOptions::new().progress_callback(&mut look);
        let mut rest = |at: usize, _| bytes.get(at..).unwrap_or_default();
        parser.parse_with_options(&mut rest, None, Some(options))
    })
}

/// The most columns of white space before anything, as Python counts them: a tab is eight, and a
/// line end after a backslash does not end a line.
fn widest_indent(text: &str) -> usize {
    let (mut widest, mut columns, mut is_joined) = (0, 0, false);
    for byte in text.bytes() {
        match byte {
            b' ' => columns += 1,
            b'\t' => columns += 8,
            b'\\' => is_joined = true,
            b'\n' if is_joined => is_joined = false,
            b'\r' if is_joined => {}
            b'\n' | b'\r' | b'\x0c' => columns = 0,
            _ => (columns, is_joined) = (0, false),
        }
        widest = widest.max(columns);
    }
    widest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indentation_is_counted_as_the_scanner_counts() {
        assert_eq!(widest_indent("if x:\n    y\n\n  \n"), 4);
        assert_eq!(widest_indent("\t\tx"), 16);
        assert_eq!(widest_indent("  \\\n  \\\r\n  x = 1"), 6);
    }
}
