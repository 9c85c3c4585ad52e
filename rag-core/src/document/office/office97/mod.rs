//! The formats that Office wrote before 2007, and Outlook still does: streams in a compound file.

pub(in crate::document) mod cfb;
pub(in crate::document) mod doc;
mod doc_looks;
mod doc_styles;
pub(in crate::document) mod ole;
pub(in crate::document) mod ppt;
pub(in crate::document) mod xls;
mod xls_strings;

/// The 16-bit number at `at`.
pub(in crate::document) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let number = bytes.get(at..at.checked_add(2)?)?;
    number.try_into().ok().map(u16::from_le_bytes)
}

/// The 32-bit number at `at`.
pub(in crate::document) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let number = bytes.get(at..at.checked_add(4)?)?;
    number.try_into().ok().map(u32::from_le_bytes)
}

/// The 32-bit number at `at`, as a length or place.
fn place_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32_at(bytes, at)?).ok()
}

/// Text in UTF-16, the low byte first.
pub(in crate::document) fn utf16(bytes: &[u8]) -> String {
    encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0.into_owned()
}

/// Text in the code page of Western Europe.
pub(in crate::document) fn windows_1252(bytes: &[u8]) -> String {
    encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
}
