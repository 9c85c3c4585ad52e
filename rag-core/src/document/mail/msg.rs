//! MSG (MS-OXMSG): a message of Outlook, its properties as streams; also one inside another.

use std::collections::BTreeSet;

use crate::document::data::cards::filetime;
use crate::document::mail::{add_fuller, add_text, html, lzfu};
use crate::document::office::office97::cfb::Compound;
use crate::document::office::office97::{u32_at, utf16, windows_1252};
use crate::document::office::rtf::RtfReader;
use crate::document::text::declared::declared_encoding;
use crate::document::text::encoding;
use crate::document::vocabulary::{
    BlockKind, Document, DocumentKind, Location, MAX_FILE_DEPTH, Reader, SourceFile, Unit,
    UnreadKind, unread,
};
use crate::document::writing::draft::{DocumentDraft, part};
use crate::error::Result;

/// Reads messages of Outlook.
pub(in crate::document) struct MsgReader;

impl Reader for MsgReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let file = Compound::open(source)?;
        read_message(&MsgMessage { file: &file, folder: String::new() }, source)
    }
}

/// A message, and the folder its properties lie in; nothing for the outermost one.
struct MsgMessage<'a> {
    file: &'a Compound<'a>,
    folder: String,
}

fn read_message(message: &MsgMessage<'_>, source: &SourceFile<'_>) -> Result<Document> {
    let mut draft = DocumentDraft::default();
    let place = part(Unit::Message, 1, None);
    let subject = message.text("", "0037").unwrap_or_default();
    draft.heading(1, &subject, &place);
    draft.note("title", &subject);
    let mut header = Vec::new();
    let fields = [
        ("From", "author", message.sender()),
        ("To", "to", message.text("", "0E04").unwrap_or_default()),
        ("Cc", "cc", message.text("", "0E03").unwrap_or_default()),
        ("Date", "date", message.date().unwrap_or_default()),
    ];
    for (word, key, value) in fields {
        let value = value.trim();
        if !value.is_empty() {
            draft.note(key, value);
            header.push(format!("{word}: {value}"));
        }
    }
    draft.block(BlockKind::Paragraph, &header.join("\n"), &place);
    message.add_body(&mut draft, source, &place);
    message.add_attachments(&mut draft, source);
    draft.finish(DocumentKind::Msg, source)
}

impl MsgMessage<'_> {
    fn stream(&self, folder: &str, property: &str) -> Option<Vec<u8>> {
        self.file.stream(&format!("{}{folder}__substg1.0_{property}", self.folder))
    }

    /// The text property `id` of the message, or of the attachment in `folder`.
    fn text(&self, folder: &str, id: &str) -> Option<String> {
        let wide = self.stream(folder, &format!("{id}001F")).map(|bytes| utf16(&bytes));
        let narrow = || self.stream(folder, &format!("{id}001E")).map(|bytes| windows_1252(&bytes));
        Some(wide.or_else(narrow)?.trim_end_matches('\0').to_owned())
    }

    fn sender(&self) -> String {
        let name = self.text("", "0C1A").or_else(|| self.text("", "0042"));
        // The SMTP address counts before the one inside an organisation.
        let address = self.text("", "5D01").or_else(|| self.text("", "0C1F"));
        match (name, address) {
            (Some(name), Some(address)) if name != address => format!("{name} <{address}>"),
            (name, address) => name.or(address).unwrap_or_default(),
        }
    }

    /// When it was sent, else when it arrived (MS-OXMSG, 2.4: entries of 16 bytes behind a header).
    fn date(&self) -> Option<String> {
        let bytes = self.file.stream(&format!("{}__properties_version1.0", self.folder))?;
        let header = if self.folder.is_empty() { 32 } else { 24 };
        let entries = || bytes.get(header..).unwrap_or_default().chunks_exact(16);
        let of = |tag: u32| {
            let entry = entries().find(|entry| u32_at(entry, 0) == Some(tag))?;
            entry.get(8..16)?.try_into().ok().map(u64::from_le_bytes)
        };
        filetime(of(0x0039_0040).or_else(|| of(0x0E06_0040))?)
    }

    /// The version that says more: plain, or formatted as a page or RTF.
    fn add_body(&self, draft: &mut DocumentDraft, source: &SourceFile<'_>, place: &Location) {
        let plain = self.text("", "1000").unwrap_or_default();
        let (rich, notes) = unread::set_aside(|| self.page(source).or_else(|| self.rtf(source)));
        match rich {
            Some(rich) => {
                unread::keep(notes);
                add_fuller(draft, &plain, &rich, place);
            }
            None => add_text(draft, &plain, place),
        }
    }

    fn page(&self, source: &SourceFile<'_>) -> Option<Document> {
        let text = self.text("", "1013");
        if let Some(text) = text {
            return html(&text, source);
        }
        let bytes = self.stream("", "10130102")?;
        let declared = declared_encoding(&bytes);
        let decoded = encoding::decode(&SourceFile { bytes: &bytes, ..*source }, declared).ok()?;
        html(&decoded.text, source)
    }

    fn rtf(&self, source: &SourceFile<'_>) -> Option<Document> {
        let bytes = lzfu::unpack(&self.stream("", "10090102")?)?;
        RtfReader.read(&SourceFile { bytes: &bytes, ..*source }).ok()
    }

    fn add_attachments(&self, draft: &mut DocumentDraft, source: &SourceFile<'_>) {
        let mut names = Vec::new();
        for (index, folder) in self.attachments().iter().enumerate() {
            let name = self.text(folder, "3707").or_else(|| self.text(folder, "3704"));
            let name = name.or_else(|| self.text(folder, "3001")).unwrap_or_default();
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            match self.stream(folder, "37010102") {
                Some(bytes) => draft.attach(source, &bytes, number, &name),
                None => self.add_message(draft, source, folder, number, &name),
            }
            names.extend(Some(name).filter(|name| !name.is_empty()));
        }
        draft.note("attachments", &names.join(", "));
    }

    /// The folders of what is attached to this message, not to one inside it.
    fn attachments(&self) -> BTreeSet<String> {
        let paths = self.file.paths().filter_map(|path| path.strip_prefix(&self.folder));
        let folders = paths.filter_map(|path| path.split_once('/')).map(|(folder, _)| folder);
        folders.filter(|f| f.starts_with("__attach")).map(|f| format!("{f}/")).collect()
    }

    /// A message that lies in this one as a folder.
    fn add_message(
        &self,
        draft: &mut DocumentDraft,
        source: &SourceFile<'_>,
        folder: &str,
        number: u32,
        name: &str,
    ) {
        let inner = format!("{}{folder}__substg1.0_3701000D/", self.folder);
        let is_there = self.file.paths().any(|path| path.starts_with(&inner));
        if !is_there || source.depth >= MAX_FILE_DEPTH {
            return unread::note_named(UnreadKind::Attachment, name);
        }
        let deeper = SourceFile { depth: source.depth + 1, ..*source };
        match read_message(&MsgMessage { file: self.file, folder: inner }, &deeper) {
            Ok(document) => draft.append(&document, Unit::Attachment, number, name),
            Err(_) => unread::note_named(UnreadKind::Attachment, name),
        }
    }
}
