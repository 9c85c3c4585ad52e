//! Files that an office program packed into an object (MS-OLEDS 2.3.6), taken out again.

use std::borrow::Cow;
use std::path::Path;

use super::cfb::{Compound, SIGNATURE};
use super::{place_at, windows_1252};
use crate::document::vocabulary::SourceFile;

/// A file found inside another.
pub(in crate::document) struct Inside<'a> {
    /// Its own name where the object tells it.
    pub(in crate::document) name: String,
    pub(in crate::document) bytes: Cow<'a, [u8]>,
}

/// The file in the object `name`; the object itself where it holds none, which is a file of an
/// older office program.
pub(in crate::document) fn unwrapped<'a>(name: &str, bytes: &'a [u8]) -> Inside<'a> {
    let whole = || Inside { name: name.to_owned(), bytes: Cow::Borrowed(bytes) };
    if !bytes.starts_with(&SIGNATURE) {
        return whole();
    }
    let Ok(file) = Compound::open(&SourceFile::new(Path::new(name), bytes)) else { return whole() };
    if let Some((name, bytes)) = file.stream("\u{1}Ole10Native").and_then(|s| native(&s)) {
        return Inside { name, bytes: Cow::Owned(bytes) };
    }
    // Newer office files and PDF stand in a stream as they are.
    match file.stream("Package").or_else(|| file.stream("CONTENTS")) {
        Some(bytes) => Inside { name: name.to_owned(), bytes: Cow::Owned(bytes) },
        None => whole(),
    }
}

/// Label and content of a packed file.
fn native(stream: &[u8]) -> Option<(String, Vec<u8>)> {
    let (label, at) = text_at(stream, 6)?;
    let (_, at) = text_at(stream, at)?;
    // Two numbers, then the path it was copied to, after its length.
    let length = place_at(stream, at + 4)?;
    let at = at.checked_add(8)?.checked_add(length)?;
    let size = place_at(stream, at)?;
    let bytes = stream.get(at + 4..(at + 4).checked_add(size)?)?;
    let name = label.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    Some((name, bytes.to_vec()))
}

/// The text at `at` up to its zero, and what stands after it.
fn text_at(bytes: &[u8], at: usize) -> Option<(String, usize)> {
    let rest = bytes.get(at..)?;
    let end = rest.iter().position(|&byte| byte == 0)?;
    Some((windows_1252(rest.get(..end)?), at + end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_file_has_its_name_and_bytes() {
        let mut stream = vec![0, 0, 0, 0, 2, 0];
        stream.extend(b"C:\\plan.txt\0C:\\tmp\\plan.txt\0");
        stream.extend([0, 0, 3, 0, 5, 0, 0, 0]);
        stream.extend(b"temp\0");
        stream.extend([4, 0, 0, 0]);
        stream.extend(b"textmore");
        assert_eq!(native(&stream), Some(("plan.txt".to_owned(), b"text".to_vec())));
        assert_eq!(native(&stream[..20]), None);
        assert_eq!(unwrapped("a.docx", b"PK").name, "a.docx");
    }
}
