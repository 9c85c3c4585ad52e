//! Characters of the fonts that Office draws signs with: Symbol, Wingdings.

/// The box of a check box.
pub(in crate::document) fn tick(is_on: bool) -> &'static str {
    if is_on { "\u{2611}" } else { "\u{2610}" }
}

/// The sign `code` of the font `font`, where Unicode has one.
pub(in crate::document) fn sign(font: &str, code: u32) -> Option<char> {
    let font = font.to_ascii_lowercase();
    // The fonts show their 8-bit codes in the private use area.
    let byte = code & 0xFF;
    if !(0xF000..=0xF0FF).contains(&code) && (!is_sign_font(&font) || code > 0xFF) {
        return char::from_u32(code).filter(|c| !('\u{e000}'..='\u{f8ff}').contains(c));
    }
    match font.as_str() {
        "symbol" => Some(greek(char::from_u32(code)?)).filter(|c| *c < '\u{e000}'),
        "wingdings 2" => Some(match byte {
            0x50 => '\u{2713}',
            0x4F => '\u{2717}',
            0x52 => '\u{2611}',
            0x51 | 0x53 | 0x54 => '\u{2612}',
            0xA3 | 0x30 => '\u{2610}',
            _ => return None,
        }),
        _ => Some(match byte {
            0xB7 | 0xA7 | 0x6C | 0x6E | 0x9F => '\u{2022}',
            0xE0 | 0xE8 | 0xF0 => '\u{2192}',
            0xDF | 0xEF => '\u{2190}',
            0xFC | 0x50 => '\u{2713}',
            0xFB => '\u{2717}',
            0xFE => '\u{2611}',
            0xFD | 0x78 => '\u{2612}',
            0xA8 | 0x6F | 0x71 | 0x72 => '\u{2610}',
            0x4A => '\u{263a}',
            0x4C => '\u{2639}',
            _ => return None,
        }),
    }
}

fn is_sign_font(font: &str) -> bool {
    font == "symbol" || font.starts_with("wingdings") || font == "webdings"
}

/// A character of the font Symbol; one that has no counterpart stays as it is.
///
/// Unicode, Mappings/VENDORS/ADOBE/symbol.txt.
pub(in crate::document) fn greek(c: char) -> char {
    const CAPITALS: &str = "\u{391}\u{392}\u{3a7}\u{394}\u{395}\u{3a6}\u{393}\u{397}\u{399}\u{3d1}\
        \u{39a}\u{39b}\u{39c}\u{39d}\u{39f}\u{3a0}\u{398}\u{3a1}\u{3a3}\u{3a4}\u{3a5}\u{3c2}\u{3a9}\
        \u{39e}\u{3a8}\u{396}";
    const SMALL: &str = "\u{3b1}\u{3b2}\u{3c7}\u{3b4}\u{3b5}\u{3c6}\u{3b3}\u{3b7}\u{3b9}\u{3d5}\
        \u{3ba}\u{3bb}\u{3bc}\u{3bd}\u{3bf}\u{3c0}\u{3b8}\u{3c1}\u{3c3}\u{3c4}\u{3c5}\u{3d6}\u{3c9}\
        \u{3be}\u{3c8}\u{3b6}";
    let code = u32::from(c);
    let byte = if (0xF000..=0xF0FF).contains(&code) { code - 0xF000 } else { code };
    let letter = |letters: &str, first: u32| {
        letters.chars().nth(usize::try_from(byte - first).unwrap_or(usize::MAX)).unwrap_or(c)
    };
    match byte {
        0x41..=0x5A => letter(CAPITALS, 0x41),
        0x61..=0x7A => letter(SMALL, 0x61),
        0x2D => '\u{2212}',
        0x22 => '\u{2200}',
        0x24 => '\u{2203}',
        0x27 => '\u{220d}',
        0x20..=0x7E => char::from_u32(byte).unwrap_or(c),
        0xA3 => '\u{2264}',
        0xA5 => '\u{221e}',
        0xAB => '\u{2194}',
        0xAC => '\u{2190}',
        0xAD => '\u{2191}',
        0xAE => '\u{2192}',
        0xAF => '\u{2193}',
        0xB0 => '\u{b0}',
        0xB1 => '\u{b1}',
        0xB2 => '\u{2033}',
        0xB3 => '\u{2265}',
        0xB4 => '\u{d7}',
        0xB5 => '\u{221d}',
        0xB6 => '\u{2202}',
        0xB7 => '\u{2022}',
        0xB8 => '\u{f7}',
        0xB9 => '\u{2260}',
        0xBA => '\u{2261}',
        0xBB => '\u{2248}',
        0xBC => '\u{2026}',
        0xC5 => '\u{2295}',
        0xC6 => '\u{2205}',
        0xC7 => '\u{2229}',
        0xC8 => '\u{222a}',
        0xCE => '\u{2208}',
        0xD1 => '\u{2207}',
        0xD6 => '\u{221a}',
        0xDE => '\u{21d2}',
        0xE5 => '\u{2211}',
        0xF2 => '\u{222b}',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_symbol_fonts_have_characters_of_their_own() {
        assert_eq!(sign("Symbol", 0xF06D), Some('\u{3bc}'));
        assert_eq!(sign("Symbol", 0xF0B3), Some('\u{2265}'));
        assert_eq!(sign("Wingdings", 0xF0FE), Some('\u{2611}'));
        assert_eq!(sign("Wingdings 2", 0x52), Some('\u{2611}'));
        assert_eq!(sign("Wingdings", 0xF001), None);
        assert_eq!(sign("Segoe UI Symbol", 0x2612), Some('\u{2612}'));
        assert_eq!(sign("Arial", 0xE123), None);
        let text: String = "5 \u{f06d}m, W".chars().map(greek).collect();
        assert_eq!(text, "5 \u{3bc}\u{3bc}, \u{3a9}");
    }
}
