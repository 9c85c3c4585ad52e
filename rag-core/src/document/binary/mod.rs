//! The formats that Office wrote before 2007, and Outlook still does: streams in a compound file.

pub(super) mod cfb;
pub(super) mod doc;
mod doc_looks;
mod doc_styles;
pub(super) mod lzfu;
pub(super) mod msg;
pub(super) mod ole;
pub(super) mod ppt;
pub(super) mod xls;
mod xls_strings;

/// The 16-bit number at `at`.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let number = bytes.get(at..at.checked_add(2)?)?;
    number.try_into().ok().map(u16::from_le_bytes)
}

/// The 32-bit number at `at`.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let number = bytes.get(at..at.checked_add(4)?)?;
    number.try_into().ok().map(u32::from_le_bytes)
}

/// The 32-bit number at `at`, as a length or place.
fn place_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32_at(bytes, at)?).ok()
}

pub(super) fn utf16(bytes: &[u8]) -> String {
    encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0.into_owned()
}

fn windows_1252(bytes: &[u8]) -> String {
    encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
}
