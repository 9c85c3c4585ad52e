//! A text shown as it is written.

use std::cell::RefCell;
use std::io::{self, Write};
use std::ops::ControlFlow;

use rag_core::Retraction;

use crate::console::{Console, visible};
use crate::failure::Failure;

/// Writes an answer as it comes; a reader that leaves ends the generation.
pub(crate) struct Pieces<'a> {
    out: &'a mut dyn Write,
    /// Columns of a terminal on which what is withdrawn is erased; else it is said.
    columns: Option<usize>,
    /// What was written and not withdrawn.
    shown: String,
    failed: Option<io::Error>,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, columns: None, shown: String::new(), failed: None }
    }

    /// On standard output, for two listeners.
    pub(crate) fn of(console: &'a mut Console<'_>) -> RefCell<Self> {
        let columns = console.columns();
        RefCell::new(Self { columns, ..Self::new(console.out()) })
    }

    pub(crate) fn write(&mut self, piece: &str) -> ControlFlow<()> {
        let text = visible(piece);
        self.shown.push_str(&text);
        self.put(&text);
        if self.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// What was shown is not the answer: takes it off the terminal, or says so on a line.
    pub(crate) fn retract(&mut self, why: Retraction) {
        let shown = std::mem::take(&mut self.shown);
        match self.columns {
            Some(columns) => {
                let up = match rows_below(&shown, columns) {
                    0 => String::new(),
                    rows => format!("\x1b[{rows}A"),
                };
                self.put(&format!("\r{up}\x1b[J"));
            }
            None => self.put(&format!("\n(withdrawn: {why})\n")),
        }
    }

    fn put(&mut self, text: &str) {
        if self.failed.is_none() {
            let written = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
            self.failed = written.err();
        }
    }

    /// Ends the line.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        if !self.shown.is_empty() {
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }
}

/// How many rows a text that begins in the first column ends below its first.
fn rows_below(text: &str, columns: usize) -> usize {
    let rows = |line: &str| width(line).div_ceil(columns.max(1)).max(1);
    text.split('\n').map(rows).sum::<usize>() - 1
}

/// Columns of a line; a tab ends at the next eighth.
fn width(line: &str) -> usize {
    let mut parts = line.split('\t').map(::console::measure_text_width);
    let first = parts.next().unwrap_or(0);
    parts.fold(first, |column, part| (column / 8 + 1) * 8 + part)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// What is written of a text, of its retraction and of what takes its place.
    fn written(text: &str, instead: &str, columns: Option<usize>) -> String {
        let mut out = Vec::new();
        let mut pieces = Pieces { columns, ..Pieces::new(&mut out) };
        assert!(pieces.write(text).is_continue());
        pieces.retract(Retraction::Unsure);
        if !instead.is_empty() {
            assert!(pieces.write(instead).is_continue());
        }
        assert!(pieces.finish().is_ok());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_withdrawn_is_said_on_a_line_of_its_own() {
        assert_eq!(written("one", "two", None), "one\n(withdrawn: unsure)\ntwo\n");
        assert_eq!(written("one", "", None), "one\n(withdrawn: unsure)\n");
    }

    #[test]
    fn on_a_terminal_it_is_erased() {
        assert_eq!(written("one", "two", Some(80)), "one\r\x1b[Jtwo\n");
        assert_eq!(written("a\nb", "", Some(80)), "a\nb\r\x1b[1A\x1b[J");
        assert_eq!(
            written(&"a".repeat(21), "", Some(10)).split_once('\r').unwrap().1,
            "\x1b[2A\x1b[J"
        );
    }

    #[test]
    fn rows_are_counted_as_a_terminal_breaks_lines() {
        // a full row does not begin the next
        assert_eq!((rows_below("", 10), rows_below(&"a".repeat(10), 10)), (0, 0));
        assert_eq!((rows_below("a\n\nb\n", 10), rows_below(&"a".repeat(11), 10)), (3, 1));
        // two columns each
        assert_eq!(rows_below("\u{6c34}\u{6c34}\u{6c34}", 4), 1);
        assert_eq!((width("a\tb"), width("\t"), width("12345678\tb")), (9, 8, 17));
    }
}
