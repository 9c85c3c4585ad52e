//! What office programs and book readers write: Office Open XML, the binary formats before it,
//! OpenDocument, RTF, EPUB.

pub(super) mod epub;
pub(super) mod odf;
pub(super) mod office97;
pub(super) mod ooxml;
pub(super) mod rtf;
mod runs;
mod sheet;
mod symbols;
