//! MSG (MS-OXMSG): a message of Outlook, its properties as streams.

use std::collections::BTreeSet;

use super::cfb::Compound;
use super::{utf16, windows_1252};
use crate::document::draft::{Draft, part};
use crate::document::mail::{add_html, add_text};
use crate::document::place::Unit;
use crate::document::{BlockKind, Document, Kind, Reader, Source, encoding, read_inside};
use crate::error::Result;

/// Reads messages of Outlook.
pub(in crate::document) struct MsgReader;

impl Reader for MsgReader {
    fn read(&self, source: &Source<'_>) -> Result<Document> {
        let file = Compound::open(source)?;
        let mut draft = Draft::default();
        let place = part(Unit::Message, 1, None);
        let subject = text(&file, "", "0037").unwrap_or_default();
        draft.heading(1, &subject, &place);
        draft.note("title", &subject);
        let name = text(&file, "", "0C1A").or_else(|| text(&file, "", "0042"));
        // The SMTP address counts before the one inside an organisation.
        let address = text(&file, "", "5D01").or_else(|| text(&file, "", "0C1F"));
        let sender = match (name, address) {
            (Some(name), Some(address)) if name != address => format!("{name} <{address}>"),
            (name, address) => name.or(address).unwrap_or_default(),
        };
        let to = text(&file, "", "0E04").unwrap_or_default();
        let mut header = Vec::new();
        for (word, key, value) in [("From", "author", sender), ("To", "to", to)] {
            let value = value.trim_end_matches('\0').trim().to_owned();
            if !value.is_empty() {
                draft.note(key, &value);
                header.push(format!("{word}: {value}"));
            }
        }
        draft.block(BlockKind::Paragraph, &header.join("\n"), &place);
        match text(&file, "", "1000").filter(|body| !body.trim().is_empty()) {
            Some(body) => add_text(&mut draft, &body, &place),
            None => add_page(&mut draft, &file, source, &place),
        }
        add_attachments(&mut draft, &file, source);
        draft.finish(Kind::Msg, source)
    }
}

/// The text property `id` of the message or attachment in `folder`.
fn text(file: &Compound<'_>, folder: &str, id: &str) -> Option<String> {
    let path = |kind: &str| format!("{folder}__substg1.0_{id}{kind}");
    let wide = file.stream(&path("001F")).map(|bytes| utf16(&bytes));
    wide.or_else(|| file.stream(&path("001E")).map(|bytes| windows_1252(&bytes)))
}

/// The body as a page.
fn add_page(
    draft: &mut Draft,
    file: &Compound<'_>,
    source: &Source<'_>,
    place: &crate::document::Location,
) {
    let Some(bytes) = file.stream("__substg1.0_10130102") else { return };
    let page = Source { bytes: &bytes, ..*source };
    let declared = crate::document::html::declared_encoding(&bytes);
    if let Ok(decoded) = encoding::decode(&page, declared) {
        add_html(draft, &decoded.text, source, place);
    }
}

fn add_attachments(draft: &mut Draft, file: &Compound<'_>, source: &Source<'_>) {
    let folders: BTreeSet<String> = file
        .paths()
        .filter_map(|path| path.split_once('/'))
        .filter(|(folder, _)| folder.starts_with("__attach"))
        .map(|(folder, _)| format!("{folder}/"))
        .collect();
    let mut names = Vec::new();
    for (index, folder) in folders.iter().enumerate() {
        let name = text(file, folder, "3707").or_else(|| text(file, folder, "3704"));
        let name = name.unwrap_or_default().trim_end_matches('\0').to_owned();
        if let Some(bytes) = file.stream(&format!("{folder}__substg1.0_37010102"))
            && let Ok(document) = read_inside(source, &name, &bytes)
        {
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            draft.append(&document, Unit::Attachment, number, &name);
        }
        names.extend(Some(name).filter(|name| !name.is_empty()));
    }
    draft.note("attachments", &names.join(", "));
}
