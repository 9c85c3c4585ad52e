//! Events, tasks and notes of a calendar.

use super::lines::ContentLine;
use super::{CardsText, components, dates};
use crate::document::limits;
use crate::document::vocabulary::{UnreadKind, unread};

pub(super) fn write(lines: &[ContentLine], page: &mut CardsText) {
    for (_, own) in components(lines, &["VCALENDAR"]) {
        let find = |name: &str| own.iter().find(|line| line.name == name);
        if let Some(line) = find("X-WR-CALNAME").or_else(|| find("NAME")) {
            page.title.get_or_insert_with(|| line.text());
            page.heading(1, &line.text(), Some(line));
        }
        // What a mail with a calendar asks for: an invitation, an answer, a cancellation.
        if let Some(line) =
            find("METHOD").filter(|line| !line.value.eq_ignore_ascii_case("PUBLISH"))
        {
            page.field("Method", &line.value.to_lowercase(), line);
        }
    }
    for (kind, own) in components(lines, &["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"]) {
        limits::tick();
        page.entry_count += 1;
        entry(kind, &own, page);
    }
}

/// Fields that are shown, with what they are called.
const FIELDS: [(&str, &str); 15] = [
    ("LOCATION", "Location"),
    ("RDATE", "Also on"),
    ("EXDATE", "Not on"),
    ("RECURRENCE-ID", "Instead of"),
    ("DUE", "Due"),
    ("COMPLETED", "Completed"),
    ("PERCENT-COMPLETE", "Per cent done"),
    ("STATUS", "Status"),
    ("FREEBUSY", "Busy"),
    ("RESOURCES", "Resources"),
    ("CATEGORIES", "Categories"),
    ("CONTACT", "Contact"),
    ("URL", "URL"),
    ("COMMENT", "Comment"),
    ("CONFERENCE", "Conference"),
];

fn entry(kind: &str, own: &[&ContentLine], page: &mut CardsText) {
    let find = |name: &str| own.iter().copied().find(|line| line.name == name);
    let summary = find("SUMMARY").filter(|line| !line.text().trim().is_empty());
    let unnamed = match kind.to_ascii_uppercase().as_str() {
        "VTODO" => "Task",
        "VJOURNAL" => "Journal",
        "VFREEBUSY" => "Busy times",
        _ => "Event",
    };
    let title = summary.map_or_else(|| unnamed.to_owned(), ContentLine::text);
    page.heading(2, &title, summary.or(own.first().copied()));
    if let Some(start) = find("DTSTART") {
        let span = dates::span(start, find("DTEND"));
        let lasting = find("DURATION").and_then(|line| dates::duration(&line.value));
        let lasting = lasting.map(|lasting| format!(", for {lasting}")).unwrap_or_default();
        page.field("When", &format!("{span}{lasting}"), start);
    }
    if let Some(rule) = find("RRULE") {
        page.field("Repeats", &dates::repetition(&rule.value), rule);
    }
    for (name, label) in FIELDS {
        for line in own.iter().filter(|line| line.name == name) {
            let text = match name {
                "RDATE" | "EXDATE" | "RECURRENCE-ID" | "DUE" | "COMPLETED" | "FREEBUSY" => {
                    dates::shown(line)
                }
                "STATUS" => line.value.to_lowercase(),
                _ => line.text(),
            };
            page.field(label, &text, line);
        }
    }
    people(own, page);
    let described = find("DESCRIPTION").filter(|line| !line.text().trim().is_empty());
    if let Some(line) = described {
        page.field("Description", &line.text(), line);
    } else if let Some(line) = find("X-ALT-DESC") {
        page.field("Description", &without_tags(&line.text()), line);
    }
    attached(own, page);
}

/// Organizer and attendees, with what they answered.
fn people(own: &[&ContentLine], page: &mut CardsText) {
    for (name, label) in [("ORGANIZER", "Organizer"), ("ATTENDEE", "Attendee")] {
        for line in own.iter().filter(|line| line.name == name) {
            let address = line.value.trim();
            let address = match address.get(..7) {
                Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => address.get(7..),
                _ => Some(address),
            };
            let address = address.unwrap_or_default();
            let shown = match line.parameter("CN").filter(|name| !name.is_empty()) {
                Some(name) if name != address => format!("{name} <{address}>"),
                _ => address.to_owned(),
            };
            let answer = line.parameter("PARTSTAT").map(str::to_lowercase);
            let answer = answer.filter(|answer| answer != "needs-action");
            let answer = answer.map(|answer| format!(" ({answer})")).unwrap_or_default();
            page.field(label, &format!("{shown}{answer}"), line);
        }
    }
}

/// Files in the calendar are noted, links to files shown.
fn attached(own: &[&ContentLine], page: &mut CardsText) {
    for line in own.iter().filter(|line| line.name == "ATTACH") {
        let is_inside = line.parameter("ENCODING").is_some() || line.value.starts_with("data:");
        let name = line.parameter("FILENAME").or_else(|| line.parameter("X-FILENAME"));
        if is_inside {
            unread::note_named(UnreadKind::Attachment, name.unwrap_or_default());
        } else {
            page.field("Attachment", &line.value, line);
        }
    }
}

/// A page of HTML on one line as its words.
fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for c in html.chars() {
        match c {
            '<' => is_tag = true,
            '>' if is_tag => {
                is_tag = false;
                text.push(' ');
            }
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    text.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
