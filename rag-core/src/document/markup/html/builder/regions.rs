//! Parts of a page that may not belong to its text: they are written, judged at their end by what
//! stands in them and where, and taken back or kept.
//!
//! A tag alone says little: an aside may be a warning or an advertisement, a footer may name the
//! author of a quotation. What is in doubt is kept; what is taken back is noted.

use super::{Builder, PendingSpace};
use crate::document::markup::html::start_tag::StartTag;
use crate::document::markup::html::tags::{self, Suspect};
use crate::document::vocabulary::{BlockKind, UnreadKind, unread};

/// A suspect that is open, and all that its end may take back.
pub(super) struct Region {
    pub(super) suspect: Suspect,
    /// How many elements are open around it.
    pub(super) depth: usize,
    text: usize,
    blocks: usize,
    links: usize,
    block: Option<(BlockKind, usize)>,
    gap: PendingSpace,
    close_to_previous: bool,
    /// Whether it stands inside the text of the page, and inside a quotation or figure.
    inside: bool,
    quoted: bool,
}

/// Bytes of text below which an aside or footer says nothing.
const FEW_BYTES: usize = 25;
const FEW_FOOTER_BYTES: usize = 40;

/// Bytes of text without a link that no menu has.
const NO_MENU_BYTES: usize = 100;

/// Bytes of struck-out text; more is a tag that was never closed.
const MAX_DELETED_BYTES: usize = 4000;

/// Suspects that are open at once.
const MAX_REGIONS: usize = 64;

impl Builder<'_> {
    /// Opens a region if `tag` begins a suspect.
    pub(super) fn begin_region(&mut self, tag: &StartTag) {
        let Some(suspect) = self.suspect(tag).filter(|_| self.regions.len() < MAX_REGIONS) else {
            return;
        };
        self.end_raised();
        let within = |names: &[&[u8]]| {
            names.iter().any(|name| self.open_count.get(*name).is_some_and(|&count| count > 0))
        };
        self.regions.push(Region {
            suspect,
            depth: self.open.len(),
            text: self.page.text.len(),
            blocks: self.page.blocks.len(),
            links: self.link_bytes,
            block: self.block,
            gap: self.gap.clone(),
            close_to_previous: self.close_to_previous,
            inside: within(&[b"article", b"main", b"details", b"td", b"dd"]),
            quoted: within(&[b"blockquote", b"figure"]),
        });
    }

    fn suspect(&self, tag: &StartTag) -> Option<Suspect> {
        match tag.name.as_slice() {
            b"del" | b"s" | b"strike" => return Some(Suspect::Deleted),
            _ if tag.get(b"style").is_some_and(tags::strikes) => return Some(Suspect::Deleted),
            _ if self.is_hidden(tag) => return self.is_opened(tag).then_some(Suspect::Folded),
            _ => {}
        }
        if self.boilerplate == super::Boilerplate::Keep || tag.name == b"body" {
            return None;
        }
        let role = tag.get(b"role").unwrap_or_default();
        if role.starts_with(b"doc-") || tag.get(b"epub:type").is_some() {
            return None;
        }
        let by_role = tags::suspect_role(role);
        let mut classes = tag.get(b"class").unwrap_or_default().split(u8::is_ascii_whitespace);
        let by_class = || classes.any(tags::is_boilerplate_class).then_some(Suspect::Menu);
        by_role.or_else(by_class).or(match tag.name.as_slice() {
            b"nav" => Some(Suspect::Menu),
            b"aside" => Some(Suspect::Aside),
            b"footer" => Some(Suspect::Footer),
            _ => None,
        })
    }

    /// Whether the page holds something that shows a hidden element.
    fn is_opened(&self, tag: &StartTag) -> bool {
        let classes = tag.get(b"class").unwrap_or_default().split(u8::is_ascii_whitespace);
        let is_panel = tag.get(b"role") == Some(b"tabpanel")
            || classes.into_iter().any(tags::is_folded_class)
            || tag.get(b"hidden") == Some(b"until-found");
        let id = tag.get(b"id").and_then(|id| std::str::from_utf8(id).ok());
        is_panel || id.is_some_and(|id| self.opened.contains(id))
    }

    /// Judges the innermost region, whose element ends.
    pub(super) fn end_region(&mut self) {
        self.end_raised();
        let Some(region) = self.regions.pop() else { return };
        let text = self.page.text.get(region.text..).unwrap_or_default();
        let links = self.link_bytes - region.links;
        if text.trim().is_empty() || !region.is_furniture(text, links) {
            return;
        }
        unread::note(
            match region.suspect {
                Suspect::Deleted => UnreadKind::DeletedText,
                Suspect::Folded => UnreadKind::HiddenText,
                _ => UnreadKind::RepeatedText,
            },
            1,
        );
        self.page.text.truncate(region.text);
        self.page.blocks.truncate(region.blocks);
        self.page.map.truncate(region.text);
        self.link_bytes = region.links;
        self.block = region.block;
        self.gap = region.gap;
        self.close_to_previous = region.close_to_previous;
    }
}

impl Region {
    /// Whether what stands in it, with `links` bytes in links, is not about the subject of the
    /// page.
    fn is_furniture(&self, text: &str, links: usize) -> bool {
        let length = text.trim().len();
        let share = links as f64 / length.max(1) as f64;
        match self.suspect {
            Suspect::Menu => links > 0 || length < NO_MENU_BYTES,
            Suspect::Aside => {
                share > 0.4 || (!self.inside && length < FEW_BYTES) || is_consent(text)
            }
            Suspect::Footer if self.quoted => false,
            Suspect::Footer if self.inside => share > 0.5 || is_imprint(text),
            Suspect::Footer => share > 0.2 || length < FEW_FOOTER_BYTES || is_imprint(text),
            Suspect::Dialog => share > 0.4 || is_consent(text),
            Suspect::Folded => share > 0.5 || is_consent(text),
            Suspect::Deleted => length <= MAX_DELETED_BYTES,
        }
    }
}

/// What the foot of a site says on each page.
fn is_imprint(text: &str) -> bool {
    const WORDS: [&str; 9] = [
        "\u{a9}",
        "(c) ",
        "copyright",
        "rights reserved",
        "droits r\u{e9}serv\u{e9}s",
        "privacy",
        "imprint",
        "mentions l\u{e9}gales",
        "impressum",
    ];
    let lower = text.to_lowercase();
    WORDS.iter().any(|word| lower.contains(word)) || is_consent(&lower)
}

/// Words of a question for consent to cookies.
fn is_consent(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.contains("cookie") && lower.len() < 2000
}

/// The ids of elements that something on the page opens: tabs, buttons, links to a place in it.
pub(super) fn opened(input: &str) -> std::collections::HashSet<String> {
    let mut ids = std::collections::HashSet::new();
    if !input.contains("hidden") && !input.contains("display") {
        return ids;
    }
    for mark in ["aria-controls=", "data-target=", "data-bs-target=", "href="] {
        for (at, _) in input.match_indices(mark) {
            let rest = input.get(at + mark.len()..).unwrap_or_default();
            let rest = rest.trim_start_matches(['"', '\'']);
            let is_place = rest.starts_with('#');
            if mark == "href=" && !is_place {
                continue;
            }
            let end = |c: char| c == '"' || c == '\'' || c == '>' || c.is_whitespace();
            let id = rest.split(end).next().unwrap_or_default().trim_start_matches('#');
            if !id.is_empty() && id.len() <= 200 {
                ids.insert(id.to_owned());
            }
        }
    }
    ids
}
