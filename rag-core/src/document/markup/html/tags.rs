//! What each element does to the text around it.

use crate::document::vocabulary::BlockKind;
use crate::document::writing::script::Script;

/// The effect of an element on the flow of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ElementEffect {
    /// None: its text runs on.
    Inline,
    /// Ends the block before it and, at its end, its own.
    Block,
    /// As `Block`, with a role of its own.
    Role(BlockKind),
    /// A list item or term: as `Role(ListItem)`, set off by one line feed.
    Item,
    /// A table.
    Table,
    /// A row of a table.
    Row,
    /// A cell of a row.
    Cell,
    /// A line break.
    Break,
    /// Nothing in it is text to read.
    Skip,
    /// The document head: only its title counts.
    Head,
}

/// What a part of a page may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Suspect {
    /// Navigation: links to other pages.
    Menu,
    /// Something beside the text.
    Aside,
    /// The foot of the page, or of a part of it.
    Footer,
    /// A box over the page.
    Dialog,
    /// Hidden until something on the page opens it: a tab, an accordion.
    Folded,
    /// Struck out.
    Deleted,
}

/// The effect of the element `name` (lower case).
pub(super) fn effect(name: &[u8]) -> ElementEffect {
    match name {
        b"h1" => heading(1),
        b"h2" => heading(2),
        b"h3" => heading(3),
        b"h4" => heading(4),
        b"h5" => heading(5),
        b"h6" => heading(6),
        b"p" | b"div" | b"section" | b"article" | b"main" | b"header" | b"figure" | b"body"
        | b"figcaption" | b"address" | b"form" | b"fieldset" | b"center" | b"details" | b"html"
        | b"summary" | b"legend" | b"dl" | b"ul" | b"ol" | b"menu" | b"hr" | b"hgroup"
        | b"dialog" | b"dir" | b"nav" | b"footer" | b"aside" => ElementEffect::Block,
        b"blockquote" => ElementEffect::Role(BlockKind::Quote),
        b"pre" | b"listing" | b"xmp" | b"plaintext" => ElementEffect::Role(BlockKind::Code),
        b"li" | b"dt" | b"dd" => ElementEffect::Item,
        b"table" => ElementEffect::Table,
        b"tr" | b"caption" => ElementEffect::Row,
        b"td" | b"th" => ElementEffect::Cell,
        b"br" => ElementEffect::Break,
        b"script" | b"style" | b"template" | b"noscript" | b"iframe" | b"object" | b"svg"
        | b"canvas" | b"audio" | b"video" | b"select" | b"textarea" | b"button" | b"datalist"
        | b"noembed" | b"noframes" | b"applet" | b"map" => ElementEffect::Skip,
        b"head" => ElementEffect::Head,
        _ => ElementEffect::Inline,
    }
}

fn heading(level: u8) -> ElementEffect {
    ElementEffect::Role(BlockKind::Heading { level })
}

/// Elements that never have an end tag.
pub(super) fn is_void(name: &[u8]) -> bool {
    matches!(
        name,
        b"area"
            | b"base"
            | b"br"
            | b"col"
            | b"embed"
            | b"hr"
            | b"img"
            | b"input"
            | b"link"
            | b"meta"
            | b"param"
            | b"source"
            | b"track"
            | b"wbr"
            | b"basefont"
            | b"frame"
    )
}

/// The elements that a start tag `name` ends without their end tags, and those that shield them
/// (HTML standard, 13.1.2.4).
pub(super) fn implied_ends(name: &[u8]) -> (&'static [&'static [u8]], &'static [&'static [u8]]) {
    match name {
        b"li" => (&[b"li"], &[b"ul", b"ol", b"menu", b"table"]),
        b"dt" | b"dd" => (&[b"dt", b"dd"], &[b"dl", b"table"]),
        b"tr" => (&[b"tr"], &[b"table"]),
        b"td" | b"th" => (&[b"td", b"th"], &[b"tr", b"table"]),
        b"rt" | b"rp" | b"rb" | b"rtc" => (&[b"rt", b"rp", b"rb"], &[b"ruby"]),
        b"body" => (&[b"head"], &[b"body"]),
        _ => match effect(name) {
            ElementEffect::Block | ElementEffect::Role(_) | ElementEffect::Table => {
                (&[b"p", b"head"], &[b"div", b"td", b"th", b"li", b"table", b"section", b"body"])
            }
            _ => (&[], &[]),
        },
    }
}

/// What ARIA roles say of a part that may not be about the subject of the page. An alert is a
/// warning to read.
pub(super) fn suspect_role(role: &[u8]) -> Option<Suspect> {
    match role {
        b"navigation" | b"banner" | b"search" | b"menu" | b"menubar" | b"toolbar" => {
            Some(Suspect::Menu)
        }
        b"contentinfo" => Some(Suspect::Footer),
        b"complementary" => Some(Suspect::Aside),
        b"dialog" => Some(Suspect::Dialog),
        _ => None,
    }
}

/// Class names of parts that common frameworks fold away until someone opens them.
pub(super) fn is_folded_class(class: &[u8]) -> bool {
    matches!(
        class,
        b"tab-pane"
            | b"tabpanel"
            | b"tab-content"
            | b"tabcontent"
            | b"tab-panel"
            | b"accordion-body"
            | b"accordion-content"
            | b"accordion-collapse"
            | b"accordion-panel"
            | b"panel-collapse"
            | b"collapse"
            | b"collapsible"
            | b"spoiler"
    )
}

/// Elements that a browser does not show although there may be text in them.
pub(super) fn is_unseen(name: &[u8]) -> bool {
    matches!(name, b"noscript" | b"template" | b"noembed" | b"noframes")
}

/// Whether a style attribute strikes the element out.
pub(super) fn strikes(style: &[u8]) -> bool {
    says(style, b"text-decoration:line-through")
        || says(style, b"text-decoration-line:line-through")
}

/// Class names under which common generators put navigation. Not `sidebar`: DocBook calls boxes so
/// that belong to the text.
pub(super) fn is_boilerplate_class(class: &[u8]) -> bool {
    matches!(
        class,
        b"docnav"
            | b"navbar"
            | b"navigation"
            | b"navheader"
            | b"navfooter"
            | b"breadcrumb"
            | b"breadcrumbs"
            | b"pagination"
            | b"sphinxsidebar"
    )
}

/// Class names of marks of notes.
pub(super) fn is_note_class(class: &[u8]) -> bool {
    matches!(
        class,
        b"reference" | b"footnote" | b"footnote-ref" | b"footnote-reference" | b"noteref" | b"fn"
    )
}

/// Whether a style attribute hides the element.
pub(super) fn hides(style: &[u8]) -> bool {
    says(style, b"display:none") || says(style, b"visibility:hidden")
}

/// Whether a style attribute sets the element above or below its line.
pub(super) fn raises(style: &[u8]) -> Option<Script> {
    match () {
        () if says(style, b"vertical-align:super") => Some(Script::Superscript),
        () if says(style, b"vertical-align:sub") => Some(Script::Subscript),
        () => None,
    }
}

/// Whether a style attribute holds `declaration`, which has no blanks.
fn says(style: &[u8], declaration: &[u8]) -> bool {
    let mut compact = style.to_ascii_lowercase();
    compact.retain(|b| !b.is_ascii_whitespace());
    compact.windows(declaration.len()).any(|window| window == declaration)
}
