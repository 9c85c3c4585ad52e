//! Formats that mark up text: HTML, Markdown, LaTeX, manual pages, reStructuredText, XML.

pub(super) mod html;
pub(super) mod latex;
pub(super) mod man;
pub(super) mod markdown;
pub(super) mod rst;
pub(super) mod xml;
pub(super) mod xml_text;
