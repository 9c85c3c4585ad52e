//! Files inside a PDF (ISO 32000-1, 7.11.4): attachments, portfolios.

use std::collections::HashSet;

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::values::text_of;
use crate::document::limits;
use crate::document::vocabulary::{SourceFile, UnreadKind, unread};
use crate::document::writing::draft::DocumentDraft;

/// Files that are read.
const MAX_FILES: usize = 1000;

/// Levels of the tree of names.
const MAX_DEPTH: usize = 16;

/// Bytes that one file may unpack to.
const MAX_FILE_BYTES: usize = 64 << 20;

/// Adds the files of the document and those attached to its pages; gives their names.
pub(super) fn add(
    draft: &mut DocumentDraft,
    file: &Document,
    on_pages: &[ObjectId],
    source: &SourceFile<'_>,
) -> Vec<String> {
    let mut found = FoundFile { file, seen: HashSet::new(), files: Vec::new() };
    found.of_document();
    let specifications = on_pages.iter().filter_map(|id| file.get_object(*id).ok());
    specifications.for_each(|object| found.specification(object, None));
    let mut names = Vec::new();
    for (index, (name, stream)) in found.files.into_iter().enumerate() {
        limits::tick();
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        match stream.get_plain_content_with_limit(MAX_FILE_BYTES) {
            Ok(bytes) => draft.attach(source, &bytes, number, &name),
            Err(_) => unread::note_named(UnreadKind::Attachment, &name),
        }
        names.push(name);
    }
    names
}

struct FoundFile<'a> {
    file: &'a Document,
    /// Streams that were found, and nodes that were walked.
    seen: HashSet<ObjectId>,
    files: Vec<(String, &'a lopdf::Stream)>,
}

impl<'a> FoundFile<'a> {
    fn of_document(&mut self) {
        let Ok(catalog) = self.file.catalog() else { return };
        let names = catalog.get_deref(b"Names", self.file).and_then(Object::as_dict);
        let tree = names.and_then(|names| names.get_deref(b"EmbeddedFiles", self.file));
        if let Ok(tree) = tree.and_then(Object::as_dict) {
            self.tree(tree, 0);
        }
        let associated = catalog.get_deref(b"AF", self.file).and_then(Object::as_array);
        associated.into_iter().flatten().for_each(|object| self.specification(object, None));
    }

    fn tree(&mut self, node: &'a Dictionary, depth: usize) {
        limits::tick();
        let list = |key: &[u8]| node.get_deref(key, self.file).and_then(Object::as_array).ok();
        let (names, kids) = (list(b"Names"), list(b"Kids"));
        for pair in names.map(|names| names.chunks_exact(2)).into_iter().flatten() {
            if let [name, object] = pair {
                self.specification(object, text_of(self.file, name));
            }
        }
        for kid in kids.into_iter().flatten().filter(|_| depth < MAX_DEPTH) {
            let is_new = kid.as_reference().is_ok_and(|id| self.seen.insert(id));
            if let Ok((_, Object::Dictionary(kid))) = self.file.dereference(kid)
                && is_new
            {
                self.tree(kid, depth + 1);
            }
        }
    }

    /// Adds the file that a specification holds, once.
    fn specification(&mut self, object: &'a Object, name: Option<String>) {
        self.file_of(object, name);
    }

    fn file_of(&mut self, object: &'a Object, name: Option<String>) -> Option<()> {
        let specification = self.file.dereference(object).ok()?.1.as_dict().ok()?;
        let embedded = specification.get_deref(b"EF", self.file).and_then(Object::as_dict).ok()?;
        let key = [b"UF".as_slice(), b"F", b"Unix", b"DOS", b"Mac"];
        let stream = key.iter().find_map(|key| embedded.get(key).ok())?;
        let is_new = stream.as_reference().is_ok_and(|id| self.seen.insert(id));
        let stream = self.file.dereference(stream).ok()?.1.as_stream().ok().filter(|_| is_new)?;
        let own = key.iter().find_map(|key| text_of(self.file, specification.get(key).ok()?));
        let name = own.filter(|own| !own.is_empty()).or(name).unwrap_or_default();
        if self.files.len() < MAX_FILES {
            self.files.push((name, stream));
        } else {
            unread::note_named(UnreadKind::Attachment, &name);
        }
        Some(())
    }
}
