//! Persons of an address book.

use super::lines::ContentLine;
use super::{CardsText, components, dates};
use crate::document::limits;
use crate::document::vocabulary::{UnreadKind, unread};

/// Fields that are shown, with what they are called.
const FIELDS: [(&str, &str); 22] = [
    ("NICKNAME", "Nickname"),
    ("ORG", "Organization"),
    ("TITLE", "Title"),
    ("ROLE", "Role"),
    ("TEL", "Phone"),
    ("EMAIL", "Email"),
    ("ADR", "Address"),
    ("LABEL", "Address"),
    ("URL", "URL"),
    ("IMPP", "Messenger"),
    ("BDAY", "Birthday"),
    ("ANNIVERSARY", "Anniversary"),
    ("X-ANNIVERSARY", "Anniversary"),
    ("GENDER", "Gender"),
    ("LANG", "Language"),
    ("TZ", "Time zone"),
    ("GEO", "Position"),
    ("RELATED", "Related"),
    ("MEMBER", "Member"),
    ("CATEGORIES", "Categories"),
    ("X-SOCIALPROFILE", "Profile"),
    ("NOTE", "Note"),
];

pub(super) fn write(lines: &[ContentLine], page: &mut CardsText) {
    for (_, own) in components(lines, &["VCARD"]) {
        limits::tick();
        page.entry_count += 1;
        card(&own, page);
    }
}

fn card(own: &[&ContentLine], page: &mut CardsText) {
    let find = |name: &str| {
        own.iter().copied().find(|line| line.name == name && !line.text().trim().is_empty())
    };
    let name = find("N").map(|line| (name_of(line), line)).filter(|(name, _)| !name.is_empty());
    let shown = find("FN").map(|line| (line.text(), line));
    let head = shown.clone().or_else(|| name.clone());
    let head = head.or_else(|| find("ORG").map(|line| (joined(&line.parts(';')), line)));
    match head.clone() {
        Some((text, line)) => page.heading(1, &text, Some(line)),
        None => page.heading(1, "Contact", own.first().copied()),
    }
    // a name that is written otherwise in full
    if let (Some((full, line)), Some((shown, _))) = (name, shown)
        && full != shown.trim()
    {
        page.field("Name", &full, line);
    }
    for (key, label) in FIELDS {
        for line in own.iter().filter(|line| line.name == key) {
            page.field(&labelled(label, line, own), &value(key, line), line);
        }
    }
    for (key, kind) in [
        ("PHOTO", UnreadKind::Picture),
        ("LOGO", UnreadKind::Picture),
        ("SOUND", UnreadKind::Media),
    ] {
        let count = own.iter().filter(|line| line.name == key).count();
        unread::note(kind, count as u64);
    }
}

fn value(key: &str, line: &ContentLine) -> String {
    match key {
        "ORG" | "ADR" | "GENDER" => joined(&line.parts(';')),
        "BDAY" | "ANNIVERSARY" | "X-ANNIVERSARY" => dates::shown(line),
        "CATEGORIES" | "NICKNAME" => joined(&line.parts(',')),
        "TEL" | "IMPP" => line.text().trim_start_matches("tel:").to_owned(),
        _ => line.text(),
    }
}

/// `Prefix Given Additional Family, Suffix` of a name in five parts.
fn name_of(line: &ContentLine) -> String {
    let parts = line.parts(';');
    let part = |index: usize| parts.get(index).map(String::as_str).unwrap_or_default();
    let words = [part(3), part(1), part(2), part(0), part(4)];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn joined(parts: &[String]) -> String {
    let filled = parts.iter().map(|part| part.replace('\n', ", ")).filter(|part| !part.is_empty());
    filled.collect::<Vec<_>>().join(", ")
}

/// The label with what the card calls the field, else its types: `Phone (cell, work)`.
fn labelled(label: &str, line: &ContentLine, own: &[&ContentLine]) -> String {
    let is_own = |other: &&&ContentLine| {
        other.name == "X-ABLABEL" && !line.group.is_empty() && other.group == line.group
    };
    let named = own
        .iter()
        .find(is_own)
        .map(|other| other.text().trim_start_matches("_$!<").trim_end_matches(">!$_").to_owned());
    let technical = ["pref", "internet", "voice", "uri", "dom", "intl", "postal", "parcel", "x400"];
    let types: Vec<String> =
        line.types().into_iter().filter(|kind| !technical.contains(&kind.as_str())).collect();
    match named.or_else(|| (!types.is_empty()).then(|| types.join(", "))) {
        Some(more) => format!("{label} ({more})"),
        None => label.to_owned(),
    }
}
