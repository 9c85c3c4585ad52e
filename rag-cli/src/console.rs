//! Where a command's data, notes and progress go.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rag_core::{Progress, Stage};
use serde::Serialize;

use crate::failure::Failure;
use crate::interrupt::{Interrupt, Job};

/// What standard output holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// Text for people.
    Human,
    /// JSON.
    Json,
}

/// The two streams of a command, and whether it may be chatty.
pub(crate) struct Console<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    output: Output,
    quiet: bool,
    interrupt: &'a Interrupt,
}

impl<'a> Console<'a> {
    pub(crate) fn new(
        out: &'a mut dyn Write,
        err: &'a mut dyn Write,
        output: Output,
        quiet: bool,
        interrupt: &'a Interrupt,
    ) -> Self {
        Self { out, err, output, quiet, interrupt }
    }

    pub(crate) fn output(&self) -> Output {
        self.output
    }

    pub(crate) fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    /// Whether notes are left out.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Starts a job that Ctrl-C stops.
    pub(crate) fn job(&self) -> Job {
        self.interrupt.begin()
    }

    /// Standard output, for what is neither a line nor JSON.
    pub(crate) fn out(&mut self) -> &mut dyn Write {
        self.out
    }

    /// Standard error, for machine-readable progress.
    pub(crate) fn err(&mut self) -> &mut dyn Write {
        self.err
    }

    /// One line of data for people.
    pub(crate) fn line(&mut self, line: fmt::Arguments<'_>) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{}", visible(&line.to_string()))?)
    }

    /// One line of data for people; its second part leads to `url`, where the terminal knows links.
    pub(crate) fn linked(&mut self, parts: [&str; 3], url: Option<&str>) -> Result<(), Failure> {
        let [before, shown, after] = parts.map(visible);
        let shown = match url.filter(|_| self.shows_links()) {
            Some(url) => format!("\x1b]8;;{url}\x1b\\{shown}\x1b]8;;\x1b\\"),
            None => shown,
        };
        Ok(writeln!(self.out, "{before}{shown}{after}")?)
    }

    /// How wide the terminal is from which what is withdrawn is erased; `None` where standard
    /// output is no terminal, or one that gets plain text alone.
    pub(crate) fn columns(&self) -> Option<usize> {
        let terminal = ::console::Term::stdout();
        let is_dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
        if is_plain() || is_dumb || !terminal.is_term() {
            return None;
        }
        terminal.size_checked().map(|(_, columns)| usize::from(columns))
    }

    /// Whether standard output is a terminal that knows links (OSC 8).
    fn shows_links(&self) -> bool {
        !is_plain() && supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout)
    }

    /// One JSON value on a line of its own.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.out, value).map_err(io::Error::from)?;
        Ok(self.out.write_all(b"\n")?)
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }

    /// A line on standard error that people may want to know.
    pub(crate) fn note(&mut self, line: fmt::Arguments<'_>) {
        if !self.quiet {
            // A closed standard error is no reason to stop the work.
            let _ = writeln!(self.err, "rag: {}", one_line(&line.to_string()));
        }
    }

    /// What was found as a knowledge base was opened.
    pub(crate) fn notices(&mut self, notices: &[String]) {
        for notice in notices {
            self.note(format_args!("{}", one_line(notice)));
        }
    }

    /// Asks a question that is answered yes or no; no where nobody is there to ask.
    pub(crate) fn confirm(&mut self, question: fmt::Arguments<'_>) -> bool {
        let is_alone = self.quiet
            || self.is_json()
            || !io::stdin().is_terminal()
            || !io::stderr().is_terminal();
        if is_alone {
            return false;
        }
        let _ = write!(self.err, "rag: {question} [y/N] ").and_then(|()| self.err.flush());
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        let answer = answer.trim().to_lowercase();
        read.is_ok() && ["y", "yes", "o", "oui"].contains(&answer.as_str())
    }

    /// Why the command failed; never silenced.
    pub(crate) fn error(&mut self, line: &str) {
        let _ = writeln!(self.err, "rag: {}", one_line(line));
    }

    /// A bar on standard error, hidden when that is not a terminal or the user wants quiet.
    pub(crate) fn bar(&self, message: &'static str, total: Option<u64>) -> Bar {
        self.styled_bar(message, total, if total.is_some() { COUNTED } else { OPEN })
    }

    /// A bar that counts bytes; its length comes with the first report.
    pub(crate) fn byte_bar(&self, message: &'static str) -> Bar {
        self.styled_bar(message, Some(0), BYTES)
    }

    fn styled_bar(&self, message: &'static str, total: Option<u64>, template: &str) -> Bar {
        let target = if self.quiet || !io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(total, target).with_message(message);
        bar.set_style(style(template));
        bar.enable_steady_tick(Duration::from_millis(200));
        Bar { bar }
    }
}

impl fmt::Debug for Console<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("output", &self.output).finish_non_exhaustive()
    }
}

/// Whether the terminal gets plain text alone.
fn is_plain() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// What is being done, how fast, and how long the rest takes.
fn rate(progress: &Progress) -> String {
    let per_second = progress.passages_per_second();
    let left = progress.remaining().map_or_else(String::new, |left| {
        let seconds = left.as_secs_f64().round() as u64;
        format!(", {}:{:02} left", seconds / 60, seconds % 60)
    });
    format!("indexing, {per_second:.0} passages/s{left}")
}

const COUNTED: &str = "{msg} [{bar:30}] {pos}/{len}";
const OPEN: &str = "{spinner} {msg} {pos}";
const BYTES: &str = "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";

fn style(template: &str) -> ProgressStyle {
    // The templates are ours; the default style is a fair answer should they ever be wrong.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A progress bar that is cleared when dropped.
#[derive(Debug)]
pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// Shows what the library reports.
    pub(crate) fn show(&self, progress: &Progress) {
        let message = match progress.stage {
            Stage::Scan => "scanning",
            Stage::Index => "indexing",
            Stage::Seal => "building the vector index",
            Stage::Prefill => "reading the prompt",
        };
        self.bar.set_message(message);
        if let Some(total) = progress.total
            && self.bar.length() != Some(total as u64)
        {
            self.bar.set_length(total as u64);
            self.bar.set_style(style(COUNTED));
        }
        self.bar.set_position(progress.done as u64);
        if progress.stage == Stage::Index {
            self.bar.set_message(rate(progress));
        }
    }

    /// Says how much is done.
    pub(crate) fn set(&self, done: usize) {
        self.bar.set_position(done as u64);
    }

    /// Says how much of how much is done.
    pub(crate) fn set_of(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// `text` on one line, runs of white space as one space, without characters that steer a terminal.
pub(crate) fn one_line(text: &str) -> String {
    visible(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `text` without characters that steer a terminal or hide: documents are data.
pub(crate) fn visible(text: &str) -> String {
    rag_core::visible::text(text)
}

/// The name of a file or a model, on one line, with what steers or hides in it written out.
pub(crate) fn name(name: &str) -> String {
    rag_core::visible::name(name)
}

/// The beginning of `text`, on one line.
pub(crate) fn shorten(text: &str, max_chars: usize) -> String {
    let line = one_line(text);
    match line.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or(&line).trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_documents_cannot_steer_the_terminal() {
        assert_eq!(one_line("a\x1b[31m\r\n  b\u{9b}1m"), "a\u{fffd}[31m b\u{fffd}1m");
        assert_eq!(visible("a\n\tb\x07"), "a\n\tb\u{fffd}");
    }

    #[test]
    fn the_bar_tells_rate_and_time_left() {
        let progress = Progress {
            stage: Stage::Index,
            done: 1,
            total: Some(4),
            passage_count: 60,
            path: None,
            done_bytes: 100,
            total_bytes: 1100,
            elapsed: Duration::from_secs(12),
        };
        assert_eq!(rate(&progress), "indexing, 5 passages/s, 2:00 left");
    }

    #[test]
    fn shortening_counts_characters() {
        assert_eq!(shorten("\u{e9}t\u{e9} chaud", 3), "\u{e9}t\u{e9}...");
        assert_eq!(shorten("short", 10), "short");
    }
}
