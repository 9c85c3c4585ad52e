//! Where something stands, as a person finds and opens it: bytes only where they are bytes of the
//! file, a line where it has lines, and else the page, row or message.

use std::env;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Command;

use rag_core::Error;
use rag_core::cite::{Citation, Status};
use rag_core::files::PlainFile;
use rag_core::search::Hit;

use crate::console::{Console, name};
use crate::failure::Failure;

/// Most bytes before a passage whose lines are counted.
const MAX_COUNTED_BYTES: u64 = 64 << 20;

/// A program to open files with, in the place of the system's: `code -g {path}:{line}`.
pub(crate) const OPENER: &str = "RAG_OPENER";

/// A place in a source.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    uri: String,
    spot: Spot,
}

#[derive(Debug, Clone, PartialEq)]
enum Spot {
    /// Bytes of the source, and the line that the first stands in, from 1.
    Bytes { start: u64, end: u64, line: Option<usize> },
    /// Page, row, slide, message.
    Part { words: String, page: Option<u32> },
    /// The document as a whole.
    Whole,
}

impl Place {
    /// Where a passage stands. The file itself is looked at only if the knowledge base is trusted.
    pub(crate) fn of_hit(hit: &Hit, is_trusted: bool) -> Self {
        let bytes = hit.source_start.zip(hit.source_end);
        let place = Self::new(&hit.uri, bytes, hit.place.as_deref(), hit.page);
        if is_trusted { place.with_line(&hit.text) } else { place }
    }

    /// Where a quote stands; its line only if it was found there as the answer was made.
    pub(crate) fn of_citation(citation: &Citation) -> Self {
        let bytes = citation.source_start.zip(citation.source_end);
        let place = Self::new(&citation.uri, bytes, citation.place.as_deref(), citation.page);
        if citation.status == Status::Ok { place.with_line(&citation.quote) } else { place }
    }

    fn new(uri: &str, bytes: Option<(u64, u64)>, place: Option<&str>, page: Option<u32>) -> Self {
        let spot = match (bytes, place) {
            (Some((start, end)), _) => Spot::Bytes { start, end, line: None },
            (None, Some(place)) => Spot::Part { words: place.to_owned(), page },
            (None, None) => Spot::Whole,
        };
        Self { uri: uri.to_owned(), spot }
    }

    /// With the line in which `text` begins.
    fn with_line(mut self, text: &str) -> Self {
        if let Spot::Bytes { start, line, .. } = &mut self.spot {
            *line = self::line(Path::new(&self.uri), *start, text);
        }
        self
    }

    /// Writes a line with the place in it.
    pub(crate) fn print(
        &self,
        before: &str,
        after: &str,
        console: &mut Console<'_>,
    ) -> Result<(), Failure> {
        console.linked([before, &self.to_string(), after], self.link().as_deref())
    }

    /// The address of the file for a terminal that knows links; `None` for a text that is no file.
    fn link(&self) -> Option<String> {
        let path = Path::new(&self.uri);
        if !path.is_absolute() {
            return None;
        }
        let mut url = String::from("file://");
        for byte in self.uri.bytes() {
            if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
                url.push(char::from(byte));
            } else {
                url.push_str(&format!("%{byte:02X}"));
            }
        }
        if let Spot::Part { page: Some(page), .. } = self.spot {
            url.push_str(&format!("#page={page}"));
        }
        Some(url)
    }

    /// Opens the file, at its line or page if the program can be told of it.
    ///
    /// # Errors
    /// InvalidArgument for a text that is no file; Io if it is gone or no program opens it.
    pub(crate) fn open(&self) -> rag_core::Result<()> {
        let path = Path::new(&self.uri);
        if !path.is_absolute() {
            return Err(Error::invalid("open", format!("{} is no file", name(&self.uri))));
        }
        let failed = |source| Error::io(path, source);
        if !std::fs::metadata(path).map_err(failed)?.is_file() {
            return Err(failed(io::Error::other("no regular file")));
        }
        match env::var(OPENER).ok().filter(|program| !program.trim().is_empty()) {
            Some(program) => self.run(&program).map_err(failed),
            None => open::that_detached(path).map_err(failed),
        }
    }

    /// Runs a program of the user's: words separated by spaces, with `{path}`, `{line}` and
    /// `{page}` written out in them.
    fn run(&self, program: &str) -> io::Result<()> {
        let number = |number: Option<u64>| number.unwrap_or(1).to_string();
        let (line, page) = match &self.spot {
            Spot::Bytes { line, .. } => (line.map(|line| line as u64), None),
            Spot::Part { page, .. } => (None, page.map(u64::from)),
            Spot::Whole => (None, None),
        };
        let filled = |word: &str| {
            // the path last: what it holds is not a place to fill
            let word = word.replace("{line}", &number(line)).replace("{page}", &number(page));
            word.replace("{path}", &self.uri)
        };
        let mut words: Vec<String> = program.split_whitespace().map(filled).collect();
        if !program.contains("{path}") {
            words.push(self.uri.clone());
        }
        let status = Command::new(words.remove(0)).args(words).status()?;
        if status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("{OPENER} ended with {status}")))
    }
}

/// `notes/tides.md:120-180 (line 7)`, `manual.pdf, page 2`; files below the current folder by their
/// path from there.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.uri))?;
        match &self.spot {
            Spot::Bytes { start, end, line } => {
                write!(f, ":{start}-{end}")?;
                line.map_or(Ok(()), |line| write!(f, " (line {line})"))
            }
            Spot::Part { words, .. } => write!(f, ", {}", name(words)),
            Spot::Whole => Ok(()),
        }
    }
}

/// The name of a document as people read it: a file below the current folder by its path from
/// there.
pub(crate) fn shown(uri: &str) -> String {
    name(&relative(uri, env::current_dir().ok()))
}

fn relative(uri: &str, folder: Option<PathBuf>) -> String {
    let below = folder
        .and_then(|folder| Path::new(uri).strip_prefix(folder).ok()?.to_str().map(str::to_owned));
    below.filter(|below| !below.is_empty()).unwrap_or_else(|| uri.to_owned())
}

/// The line of a file that its byte `start` stands in, from 1; `None` if the file is gone, holds
/// something else there now, or has no lines to speak of.
fn line(path: &Path, start: u64, text: &str) -> Option<usize> {
    if !path.is_absolute() || start > MAX_COUNTED_BYTES {
        return None;
    }
    let mut bytes = Vec::new();
    let file = PlainFile::open(path).ok()?;
    file.take(start + NEAR as u64).read_to_end(&mut bytes).ok()?;
    let start = usize::try_from(start).ok()?;
    let (before, after) = bytes.split_at_checked(start)?;
    let is_word = |word: &&str| word.len() > 2 && word.is_ascii();
    let first = text.split(|c: char| !c.is_alphanumeric()).find(is_word)?;
    let is_there = after.windows(first.len()).any(|bytes| bytes == first.as_bytes());
    (is_there && !before.contains(&0))
        .then(|| before.iter().filter(|byte| **byte == b'\n').count() + 1)
}

/// Bytes behind its beginning within which a passage must hold its first word.
const NEAR: usize = 4096;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn hit(uri: &Path, bytes: Option<(u64, u64)>, place: Option<&str>) -> Hit {
        Hit {
            uri: uri.to_string_lossy().into_owned(),
            text: "The buoy is green.".to_owned(),
            source_start: bytes.map(|bytes| bytes.0),
            source_end: bytes.map(|bytes| bytes.1),
            place: place.map(str::to_owned),
            ..Hit::default()
        }
    }

    #[test]
    fn bytes_are_told_with_their_line_where_the_file_still_holds_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b.txt");
        std::fs::write(&path, "one\ntwo\nThe buoy is green.\n").unwrap();
        let shown = |hit: &Hit| Place::of_hit(hit, true).to_string();
        let here = hit(&path, Some((8, 26)), Some("bytes 8-26"));
        assert!(shown(&here).ends_with("a b.txt:8-26 (line 3)"), "{}", shown(&here));
        // a file of somebody else's is not followed
        assert!(Place::of_hit(&here, false).to_string().ends_with("a b.txt:8-26"));
        assert!(Place::of_hit(&here, true).link().unwrap().ends_with("/a%20b.txt"));
        std::fs::write(&path, "another text\nof as many bytes").unwrap();
        assert!(shown(&here).ends_with("a b.txt:8-26"), "{}", shown(&here));
        std::fs::remove_file(&path).unwrap();
        assert!(shown(&here).ends_with("a b.txt:8-26"), "{}", shown(&here));
        assert!(Place::of_hit(&here, true).open().is_err());
    }

    #[test]
    fn what_has_no_bytes_is_told_by_its_part() {
        let mut paged = hit(Path::new("/docs/m.pdf"), None, Some("page 2"));
        paged.page = Some(2);
        assert_eq!(Place::of_hit(&paged, true).to_string(), "/docs/m.pdf, page 2");
        assert_eq!(Place::of_hit(&paged, true).link().unwrap(), "file:///docs/m.pdf#page=2");
        let row = hit(Path::new("/docs/b.xlsx"), None, Some("sheet Budget, row 12"));
        assert_eq!(Place::of_hit(&row, true).to_string(), "/docs/b.xlsx, sheet Budget, row 12");
        let note = hit(Path::new("invoice:118"), Some((0, 18)), None);
        assert_eq!(Place::of_hit(&note, true).to_string(), "invoice:118:0-18");
        assert_eq!(Place::of_hit(&note, true).link(), None);
        assert!(Place::of_hit(&note, true).open().unwrap_err().line().contains("no file"));
    }

    #[test]
    fn paths_below_the_folder_are_short() {
        assert_eq!(relative("/a/b/c.md", Some("/a".into())), "b/c.md");
        for folder in [None, Some("/b".into()), Some("/a/b/c.md".into())] {
            assert_eq!(relative("/a/b/c.md", folder), "/a/b/c.md");
        }
    }
}
