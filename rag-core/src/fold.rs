//! Letters as they are compared, whatever their case, accents and widths.

use unicode_normalization::UnicodeNormalization;

/// Lower case without accents, compatibility forms and ligatures written out.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).nfc() {
        for c in c.to_lowercase() {
            match c {
                '\u{153}' => folded.push_str("oe"),
                '\u{e6}' => folded.push_str("ae"),
                '\u{df}' => folded.push_str("ss"),
                '\u{300}'..='\u{36f}' => {}
                _ => folded.push(c),
            }
        }
    }
    folded
}
