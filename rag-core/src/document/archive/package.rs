//! Zip containers, unpacked in memory under limits: parts, bytes of a part, bytes of all, ratio.
//!
//! Names of parts are only compared, never used as paths on disk.

use std::io::{Cursor, Read};
use std::path::Path;

use zip::ZipArchive;

use crate::document::markup::xml::Xml;
use crate::document::text::encoding;
use crate::document::vocabulary::SourceFile;
use crate::error::{Error, Result, Unreadable};

/// Parts of one container.
const MAX_PARTS: usize = 10_000;

/// Bytes that one part may unpack to.
const MAX_PART_BYTES: u64 = 64 << 20;

/// Bytes that all parts that are read may unpack to.
const MAX_TOTAL_BYTES: u64 = 256 << 20;

/// A part that grows more than this many times is a bomb, once it is larger than
/// `RATIO_FROM_BYTES`.
const MAX_RATIO: u64 = 100;

/// XML of spreadsheets packs up to 50 times and small parts more.
const RATIO_FROM_BYTES: u64 = 4 << 20;

/// An open container.
pub(in crate::document) struct Package<'a> {
    path: &'a Path,
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl<'a> Package<'a> {
    /// # Errors
    /// [`Error::Document`] if the bytes are no zip file or hold too many parts.
    pub(in crate::document) fn open(source: &SourceFile<'a>) -> Result<Self> {
        let path = source.path;
        let broken = |error: zip::result::ZipError| Error::Document {
            path: path.to_owned(),
            unreadable: Unreadable::Broken,
            reason: "broken zip container".to_owned(),
            source: Some(error.into()),
        };
        if claimed_parts(source.bytes) > MAX_PARTS {
            return Err(Error::document(
                path,
                Unreadable::TooLarge,
                format!("more than {MAX_PARTS} parts"),
            ));
        }
        let archive = ZipArchive::new(Cursor::new(source.bytes)).map_err(broken)?;
        if archive.len() > MAX_PARTS {
            let reason = format!("{} parts, the cap is {MAX_PARTS}", archive.len());
            return Err(Error::document(path, Unreadable::TooLarge, reason));
        }
        Ok(Self { path, archive, left: MAX_TOTAL_BYTES })
    }

    /// The names of all parts.
    pub(in crate::document) fn names(&self) -> Vec<String> {
        self.archive.file_names().flatten().map(|name| name.into_owned()).collect()
    }

    /// Whether there is such a part.
    pub(in crate::document) fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(name).is_some()
    }

    /// The bytes of a part, or nothing if there is none of that name.
    ///
    /// # Errors
    /// [`Error::Document`] if it is encrypted, damaged or over a limit.
    pub(in crate::document) fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(index) = self.archive.index_for_name(name) else { return Ok(None) };
        self.bytes_at(index, name).map(Some)
    }

    fn bytes_at(&mut self, index: usize, name: &str) -> Result<Vec<u8>> {
        let path = self.path;
        let failed = |error: zip::result::ZipError| {
            let encrypted = matches!(&error, zip::result::ZipError::UnsupportedArchive(what)
                if what.to_lowercase().contains("password"));
            let (unreadable, what) = match encrypted {
                true => (Unreadable::Encrypted, "encrypted part"),
                false => (Unreadable::Broken, "broken part"),
            };
            Error::document_cause(path, unreadable, format!("{what} {name}"), error)
        };
        let part = self.archive.by_index(index).map_err(failed)?;
        let cap = MAX_PART_BYTES.min(self.left);
        let ratio_cap = part.compressed_size().saturating_mul(MAX_RATIO).max(RATIO_FROM_BYTES);
        let limit = cap.min(ratio_cap);
        let mut bytes = Vec::new();
        // The size that the header claims may be a lie; the vector grows with what is really there.
        let result = part.take(limit + 1).read_to_end(&mut bytes);
        if bytes.len() as u64 > limit {
            let reason = format!("part {name} unpacks to more than {limit} bytes");
            return Err(Error::document(path, Unreadable::TooLarge, reason));
        }
        result.map_err(|error| failed(error.into()))?;
        self.left -= bytes.len() as u64;
        Ok(bytes)
    }

    /// The text of an XML part, or nothing if there is none of that name.
    pub(in crate::document) fn text(&mut self, name: &str) -> Result<Option<String>> {
        let Some(bytes) = self.bytes(name)? else { return Ok(None) };
        if let Ok(text) = std::str::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes))
        {
            return Ok(Some(text.to_owned()));
        }
        let source = SourceFile::new(self.path, &bytes);
        Ok(Some(encoding::decode(&source, None)?.text))
    }

    /// The text of an XML part that the format requires.
    pub(in crate::document) fn required(&mut self, name: &str) -> Result<String> {
        let missing = || {
            Error::document(self.path, Unreadable::Broken, format!("broken file: it has no {name}"))
        };
        self.text(name)?.ok_or_else(missing)
    }

    /// What `part` refers to: id, target resolved against the folder of the part, kind.
    pub(in crate::document) fn relations(&mut self, part: &str) -> Result<Vec<Relation>> {
        let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
        let name = format!("{folder}/_rels/{file}.rels");
        let name = name.trim_start_matches('/').to_owned();
        let Some(text) = self.text(&name)? else { return Ok(Vec::new()) };
        let mut relations = Vec::new();
        let mut xml = Xml::new(self.path, &name, &text);
        let child = |_: &mut Xml<'_>, tag: &crate::document::markup::xml::Tag<'_>| {
            if tag.name() == "Relationship"
                && tag.attribute("TargetMode").is_none_or(|mode| mode != "External")
                && let (Some(id), Some(target)) = (tag.attribute("Id"), tag.attribute("Target"))
            {
                let kind = tag.attribute("Type").unwrap_or_default();
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                relations.push(Relation { id, target: resolve(folder, &target), kind });
            }
            Ok(crate::document::markup::xml::Visit::Enter)
        };
        xml.each(child, |_| {})?;
        Ok(relations)
    }
}

/// A reference from one part of an office file to another (ECMA-376 part 2, 9.3).
pub(in crate::document) struct Relation {
    pub(in crate::document) id: String,
    pub(in crate::document) target: String,
    /// The last word of its type: `slide`, `hyperlink`.
    pub(in crate::document) kind: String,
}

/// `target` as a name of a part, seen from `folder`.
pub(in crate::document) fn resolve(folder: &str, target: &str) -> String {
    let (base, target) = match target.strip_prefix('/') {
        Some(absolute) => ("", absolute),
        None => (folder, target),
    };
    let mut parts: Vec<&str> = Vec::new();
    for step in base.split('/').chain(target.split('/')) {
        match step {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            step => parts.push(step),
        }
    }
    parts.join("/")
}

/// The count of parts that the end record claims (APPNOTE 4.3.16), before the directory is read.
fn claimed_parts(bytes: &[u8]) -> usize {
    let tail_start = bytes.len().saturating_sub(65_557);
    let tail = bytes.get(tail_start..).unwrap_or_default();
    let end = tail.windows(4).rposition(|window| window == b"PK\x05\x06");
    let count = end.and_then(|at| tail.get(at + 10..at + 12)?.try_into().ok());
    count.map_or(0, |count| usize::from(u16::from_le_bytes(count)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use zip::write::SimpleFileOptions;

    use super::*;

    fn container(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in parts {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn open(bytes: &[u8]) -> Result<Package<'_>> {
        Package::open(&SourceFile::new(Path::new("a.docx"), bytes))
    }

    #[test]
    fn a_part_that_grows_too_much_is_refused() {
        let bytes = container(&[("bomb.xml", &vec![b' '; 20 << 20]), ("a.xml", b"<a/>")]);
        let mut package = open(&bytes).unwrap();
        let error = package.text("bomb.xml").unwrap_err();
        assert!(error.line().contains("part bomb.xml unpacks to more than"), "{}", error.line());
        assert_eq!(package.text("a.xml").unwrap().as_deref(), Some("<a/>"));
        assert_eq!(package.text("b.xml").unwrap(), None);
    }

    #[test]
    fn relations_are_resolved_inside_the_container() {
        let rels = b"<Relationships><Relationship Id='r1' Type='http://x/slide' Target='../s/1.xml'/>\
            <Relationship Id='r2' Type='http://x/hyperlink' Target='http://e' TargetMode='External'/></Relationships>";
        let bytes = container(&[("ppt/_rels/p.xml.rels", rels)]);
        let relations = open(&bytes).unwrap().relations("ppt/p.xml").unwrap();
        assert_eq!(relations.len(), 1);
        assert_eq!(
            (relations[0].target.as_str(), relations[0].kind.as_str()),
            ("s/1.xml", "slide")
        );
        assert_eq!(resolve("a/b", "../../../../etc/passwd"), "etc/passwd");
        assert_eq!(resolve("a", "/w/d.xml"), "w/d.xml");
    }

    #[test]
    fn what_is_no_zip_is_broken() {
        assert!(open(b"PK\x03\x04 nothing").err().unwrap().line().contains("broken zip"));
    }
}
