//! TNEF (MS-OXTNEF): the attachment `winmail.dat` into which Outlook packs a formatted message and
//! its files.

use crate::document::limits;
use crate::document::mail::{add_fuller, add_text, html, lzfu};
use crate::document::office::office97::{u16_at, u32_at, utf16};
use crate::document::office::rtf::RtfReader;
use crate::document::text::declared::declared_encoding;
use crate::document::text::encoding;
use crate::document::vocabulary::{
    Document, DocumentKind, Reader, SourceFile, Unit, UnreadKind, unread,
};
use crate::document::writing::draft::{DocumentDraft, part};
use crate::error::{Error, Result, Unreadable};

/// Reads TNEF.
pub(in crate::document) struct TnefReader;

/// The first bytes of every such file.
pub(in crate::document) const SIGNATURE: [u8; 4] = [0x78, 0x9F, 0x3E, 0x22];

/// Attributes of the message (MS-OXTNEF, 2.1.3.2), their types left out.
mod attribute {
    pub(in crate::document) const SUBJECT: u16 = 0x8004;
    pub(in crate::document) const BODY: u16 = 0x800C;
    pub(in crate::document) const MESSAGE_PROPERTIES: u16 = 0x9003;
    pub(in crate::document) const ATTACH_RENDER: u16 = 0x9002;
    pub(in crate::document) const ATTACH_TITLE: u16 = 0x8010;
    pub(in crate::document) const ATTACH_DATA: u16 = 0x800F;
    pub(in crate::document) const ATTACH_PROPERTIES: u16 = 0x9005;
    pub(in crate::document) const CODE_PAGE: u16 = 0x9007;
}

/// Properties of MAPI (MS-OXPROPS).
mod property {
    pub(in crate::document) const SUBJECT: u16 = 0x0037;
    pub(in crate::document) const BODY: u16 = 0x1000;
    pub(in crate::document) const RTF: u16 = 0x1009;
    pub(in crate::document) const HTML: u16 = 0x1013;
    pub(in crate::document) const ATTACH_DATA: u16 = 0x3701;
    pub(in crate::document) const ATTACH_NAME: u16 = 0x3707;
    pub(in crate::document) const ATTACH_SHORT_NAME: u16 = 0x3704;
}

/// Bytes before the data of an embedded message: the interface it is stored by.
const INTERFACE_BYTES: usize = 16;

#[derive(Default)]
struct TnefMessage {
    subject: String,
    plain: String,
    html: Option<Vec<u8>>,
    rtf: Option<Vec<u8>>,
    files: Vec<AttachedFile>,
    /// Of the 8-bit texts.
    code_page: u32,
}

#[derive(Default)]
struct AttachedFile {
    title: String,
    name: String,
    data: Option<Vec<u8>>,
}

impl Reader for TnefReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let message = TnefMessage::parse(source.bytes)
            .ok_or_else(|| Error::document(source.path, Unreadable::Broken, "broken TNEF file"))?;
        let mut draft = DocumentDraft::default();
        let place = part(Unit::Message, 1, None);
        draft.heading(1, &message.subject, &place);
        draft.note("title", &message.subject);
        let (rich, notes) = unread::set_aside(|| message.rich(source));
        match rich {
            Some(rich) => {
                unread::keep(notes);
                add_fuller(&mut draft, &message.plain, &rich, &place);
            }
            None => add_text(&mut draft, &message.plain, &place),
        }
        add_files(&mut draft, &message.files, source);
        draft.finish(DocumentKind::Tnef, source)
    }
}

fn add_files(draft: &mut DocumentDraft, files: &[AttachedFile], source: &SourceFile<'_>) {
    let mut names = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let name = if file.name.is_empty() { &file.title } else { &file.name };
        let data = file.data.as_deref().unwrap_or_default();
        // a message inside the message
        let data = match data.get(INTERFACE_BYTES..) {
            Some(inner) if inner.starts_with(&SIGNATURE) => inner,
            _ => data,
        };
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        draft.attach(source, data, number, name);
        names.extend(Some(name.clone()).filter(|name| !name.is_empty()));
    }
    draft.note("attachments", &names.join(", "));
}

impl TnefMessage {
    fn parse(bytes: &[u8]) -> Option<Self> {
        bytes.starts_with(&SIGNATURE).then_some(())?;
        let mut message = Self::default();
        let mut at = SIGNATURE.len() + 2;
        // level, attribute, length, data, sum of the data; what is cut off is left out
        while let Some(id) = u16_at(bytes, at + 1) {
            limits::tick();
            let Some(length) =
                u32_at(bytes, at + 5).and_then(|length| usize::try_from(length).ok())
            else {
                break;
            };
            let start = at + 9;
            let Some(end) = start.checked_add(length) else { break };
            let Some(data) = bytes.get(start..end.min(bytes.len())) else { break };
            if end > bytes.len() {
                unread::note(UnreadKind::BrokenPart, 1);
            }
            message.take(id, data);
            at = end.saturating_add(2);
        }
        Some(message)
    }

    fn take(&mut self, id: u16, data: &[u8]) {
        match id {
            attribute::CODE_PAGE => self.code_page = u32_at(data, 0).unwrap_or(0),
            attribute::SUBJECT => self.subject = self.narrow(data),
            attribute::BODY => self.plain = self.narrow(data),
            attribute::MESSAGE_PROPERTIES => self.take_properties(data),
            attribute::ATTACH_RENDER => self.files.push(AttachedFile::default()),
            attribute::ATTACH_TITLE => {
                let title = self.narrow(data);
                self.file().title = title;
            }
            attribute::ATTACH_DATA => self.file().data = Some(data.to_vec()),
            attribute::ATTACH_PROPERTIES => self.take_file_properties(data),
            _ => {}
        }
    }

    /// The file that is being described.
    fn file(&mut self) -> &mut AttachedFile {
        if self.files.is_empty() {
            self.files.push(AttachedFile::default());
        }
        let last = self.files.len() - 1;
        &mut self.files[last]
    }

    fn take_properties(&mut self, data: &[u8]) {
        for property in MapiProperties::new(data) {
            match property.id {
                property::SUBJECT if self.subject.is_empty() => {
                    self.subject = self.text(&property);
                }
                property::BODY => self.plain = self.text(&property),
                property::HTML => self.html = Some(property.data.to_vec()),
                property::RTF => self.rtf = lzfu::unpack(property.data),
                _ => {}
            }
        }
    }

    fn take_file_properties(&mut self, data: &[u8]) {
        for property in MapiProperties::new(data) {
            let text = self.text(&property);
            let file = self.file();
            match property.id {
                property::ATTACH_NAME => file.name = text,
                property::ATTACH_SHORT_NAME if file.name.is_empty() => file.name = text,
                property::ATTACH_DATA if file.data.is_none() => {
                    file.data = Some(property.data.to_vec());
                }
                _ => {}
            }
        }
    }

    fn text(&self, property: &Property<'_>) -> String {
        match property.kind {
            MapiProperties::WIDE => utf16(property.data).trim_end_matches('\0').to_owned(),
            _ => self.narrow(property.data),
        }
    }

    fn narrow(&self, data: &[u8]) -> String {
        let end = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
        let data = data.get(..end).unwrap_or_default();
        let label = match self.code_page {
            65001 => "utf-8".to_owned(),
            0 => "windows-1252".to_owned(),
            932 => "shift_jis".to_owned(),
            936 => "gbk".to_owned(),
            949 => "euc-kr".to_owned(),
            950 => "big5".to_owned(),
            page => format!("windows-{page}"),
        };
        let encoding = encoding_rs::Encoding::for_label(label.as_bytes());
        encoding.unwrap_or(encoding_rs::WINDOWS_1252).decode(data).0.into_owned()
    }

    /// The formatted body.
    fn rich(&self, source: &SourceFile<'_>) -> Option<Document> {
        if let Some(bytes) = &self.html {
            let page = SourceFile { bytes, ..*source };
            let declared = declared_encoding(bytes);
            let decoded = encoding::decode(&page, declared).ok()?;
            return html(&decoded.text, source);
        }
        RtfReader.read(&SourceFile { bytes: self.rtf.as_ref()?, ..*source }).ok()
    }
}

/// A property of MAPI with one value, or the first of several.
struct Property<'a> {
    id: u16,
    kind: u16,
    data: &'a [u8],
}

/// Walks through the properties of a message or file.
struct MapiProperties<'a> {
    bytes: &'a [u8],
    at: usize,
    left: u32,
}

impl<'a> MapiProperties<'a> {
    const NARROW: u16 = 0x1E;
    const WIDE: u16 = 0x1F;
    const OBJECT: u16 = 0x0D;
    const BINARY: u16 = 0x0102;
    const SEVERAL: u16 = 0x1000;
    /// From here on properties have names of their own.
    const NAMED: u16 = 0x8000;

    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 4, left: u32_at(bytes, 0).unwrap_or(0) }
    }

    fn number(&mut self) -> Option<usize> {
        let number = u32_at(self.bytes, self.at)?;
        self.at += 4;
        usize::try_from(number).ok()
    }

    /// Data behind its length, filled up to four bytes.
    fn sized(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        let data = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length.checked_next_multiple_of(4)?;
        Some(data)
    }

    fn skip_name(&mut self) -> Option<()> {
        self.at = self.at.checked_add(16)?;
        match self.number()? {
            0 => self.at += 4,
            _ => {
                self.sized()?;
            }
        }
        Some(())
    }
}

impl<'a> Iterator for MapiProperties<'a> {
    type Item = Property<'a>;

    fn next(&mut self) -> Option<Property<'a>> {
        self.left = self.left.checked_sub(1)?;
        limits::tick();
        let (kind, id) = (u16_at(self.bytes, self.at)?, u16_at(self.bytes, self.at + 2)?);
        self.at += 4;
        if id >= Self::NAMED {
            self.skip_name()?;
        }
        let is_several = kind & Self::SEVERAL != 0;
        let kind = kind & !Self::SEVERAL;
        let is_sized = matches!(kind, Self::NARROW | Self::WIDE | Self::OBJECT | Self::BINARY);
        let count = if is_several || is_sized { self.number()? } else { 1 };
        let mut data: &[u8] = &[];
        for index in 0..count {
            let value = match kind {
                _ if is_sized => self.sized()?,
                // numbers, switches, moments, identifiers
                _ => {
                    let length = match kind {
                        0x05 | 0x06 | 0x07 | 0x14 | 0x40 => 8,
                        0x48 => 16,
                        _ => 4,
                    };
                    let value = self.bytes.get(self.at..self.at.checked_add(length)?)?;
                    self.at += length;
                    value
                }
            };
            if index == 0 {
                data = value;
            }
        }
        Some(Property { id, kind, data })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::document::source_file;

    fn attribute(level: u8, id: u16, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![level];
        bytes.extend(id.to_le_bytes());
        bytes.extend([0, 0]);
        bytes.extend((data.len() as u32).to_le_bytes());
        bytes.extend(data);
        bytes.extend([0, 0]);
        bytes
    }

    fn property(kind: u16, id: u16, data: &[u8]) -> Vec<u8> {
        let mut bytes = [kind.to_le_bytes(), id.to_le_bytes()].concat();
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend((data.len() as u32).to_le_bytes());
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn file() -> Vec<u8> {
        let number = [0x03, 0, 0x17, 0, 1, 0, 0, 0];
        let wide: Vec<u8> = "Berth\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let page = b"<p>The ferry Calypso moves to berth 9 on Friday.</p>";
        let properties = [
            3_u32.to_le_bytes().to_vec(),
            number.to_vec(),
            property(0x1F, property::SUBJECT, &wide),
            property(0x0102, property::HTML, page),
        ];
        [
            SIGNATURE.to_vec(),
            vec![1, 0],
            attribute(1, attribute::MESSAGE_PROPERTIES, &properties.concat()),
            attribute(2, attribute::ATTACH_RENDER, &[0; 14]),
            attribute(2, attribute::ATTACH_TITLE, b"tides.txt\0"),
            attribute(2, attribute::ATTACH_DATA, b"High tide is at 06:42."),
            attribute(2, attribute::ATTACH_RENDER, &[0; 14]),
            attribute(2, attribute::ATTACH_TITLE, b"plan.dwg\0"),
            attribute(2, attribute::ATTACH_DATA, b"\0\x01\x02AC1027"),
        ]
        .concat()
    }

    #[test]
    fn message_and_files_are_text_and_what_is_not_is_noted() {
        let bytes = file();
        let document = TnefReader.read(&source_file(Path::new("winmail.dat"), &bytes)).unwrap();
        assert_eq!(
            document.text,
            "Berth\n\nThe ferry Calypso moves to berth 9 on Friday.\n\nHigh tide is at 06:42."
        );
        assert_eq!(document.metadata["attachments"], "tides.txt, plan.dwg");
        assert_eq!(unread::take()[0].to_string(), "1 attachment (plan.dwg)");
    }

    #[test]
    fn a_cut_or_damaged_file_is_read_as_far_as_it_goes() {
        let bytes = file();
        for end in 4..bytes.len() {
            let _ = TnefReader.read(&source_file(Path::new("a"), &bytes[..end]));
            let mut damaged = bytes.clone();
            damaged[end] = 0xFF;
            let _ = TnefReader.read(&source_file(Path::new("a"), &damaged));
        }
        unread::take();
    }
}
