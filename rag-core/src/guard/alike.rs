//! Characters that do not show, and those that look like others: what a reader sees, not what is
//! stored.
//!
//! Rules and masks both read texts through this, so that neither is passed by a disguise that the
//! other sees through.

use unicode_normalization::char::decompose_compatible;

/// The zeros of the decimal digits that have no compatible form in ASCII (Unicode 15, general
/// category Nd).
const ZEROS: &[char] = &[
    '\u{660}',
    '\u{6f0}',
    '\u{7c0}',
    '\u{966}',
    '\u{9e6}',
    '\u{a66}',
    '\u{ae6}',
    '\u{b66}',
    '\u{be6}',
    '\u{c66}',
    '\u{ce6}',
    '\u{d66}',
    '\u{de6}',
    '\u{e50}',
    '\u{ed0}',
    '\u{f20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17e0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19d0}',
    '\u{1a80}',
    '\u{1a90}',
    '\u{1b50}',
    '\u{1bb0}',
    '\u{1c40}',
    '\u{1c50}',
    '\u{a620}',
    '\u{a8d0}',
    '\u{a900}',
    '\u{a9d0}',
    '\u{a9f0}',
    '\u{aa50}',
    '\u{abf0}',
    '\u{104a0}',
    '\u{10d30}',
    '\u{11066}',
    '\u{110f0}',
    '\u{11136}',
    '\u{111d0}',
    '\u{112f0}',
    '\u{11450}',
    '\u{114d0}',
    '\u{11650}',
    '\u{116c0}',
    '\u{11730}',
    '\u{118e0}',
    '\u{11950}',
    '\u{11c50}',
    '\u{11d50}',
    '\u{11da0}',
    '\u{16a60}',
    '\u{16ac0}',
    '\u{16b50}',
    '\u{1e140}',
    '\u{1e2f0}',
    '\u{1e950}',
];

/// Letters of other scripts that are drawn like Latin ones, each before the one it is taken for
/// (Unicode Technical Standard 39, the whole-script pairs of Cyrillic, Greek and Armenian, and
/// three of Latin itself).
const LETTERS: &str = "\u{430}a\u{435}e\u{43e}o\u{440}p\u{441}c\u{443}y\u{445}x\u{455}s\u{456}i\u{458}j\u{4bb}h\u{501}d\u{51b}q\u{51d}w\
     \u{410}A\u{412}B\u{415}E\u{41a}K\u{41c}M\u{41d}H\u{41e}O\u{420}P\u{421}C\u{422}T\u{423}Y\u{425}X\u{405}S\u{406}I\u{408}J\u{51a}Q\u{51c}W\
     \u{3b1}a\u{3b9}i\u{3ba}k\u{3bd}v\u{3bf}o\u{3c1}p\u{3c5}u\u{3f2}c\u{3f3}j\
     \u{391}A\u{392}B\u{395}E\u{396}Z\u{397}H\u{399}I\u{39a}K\u{39c}M\u{39d}N\u{39f}O\u{3a1}P\u{3a4}T\u{3a5}Y\u{3a7}X\
     \u{585}o\u{578}n\u{57d}u\u{570}h\u{581}g\u{131}i\u{251}a\u{261}g";

/// Letters of a word that is written in look-alikes alone, at least; a shorter one is a word of its
/// own language.
const MIN_LETTERS: usize = 3;

/// Soft hyphens, zero-width and direction marks, joiners, fillers, variation selectors, tags.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e01ef}')
}

/// An accent of its own, which stands over the letter before it.
pub(super) fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// A number as an ornament of the text: raised, lowered, in a circle or in brackets. Such a one
/// counts notes and items.
pub(super) fn is_ornament(c: char) -> bool {
    matches!(c, '\u{b2}' | '\u{b3}' | '\u{b9}' | '\u{2070}'..='\u{209c}' | '\u{2460}'..='\u{24ff}'
        | '\u{2776}'..='\u{2793}' | '\u{3200}'..='\u{32ff}' | '\u{1f100}'..='\u{1f1ff}')
}

/// The one character that `c` is a variant of: its width, style or place set aside, accents taken
/// off, digits of any script as ASCII ones, hyphens of any length as `-`.
pub(super) fn compatible(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    let (mut base, mut count) = (c, 0);
    decompose_compatible(c, |part| {
        if !is_accent(part) {
            base = if count == 0 { part } else { c };
            count += 1;
        }
    });
    match base {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        _ => decimal(base).unwrap_or(base),
    }
}

/// A decimal digit of another script in ASCII.
fn decimal(c: char) -> Option<char> {
    let value =
        |zero: &char| u32::from(c).checked_sub(u32::from(*zero)).filter(|value| *value < 10);
    char::from_digit(ZEROS.iter().find_map(value)?, 10)
}

/// The Latin letter that `c` is drawn like.
fn letter(c: char) -> Option<char> {
    let mut pairs = LETTERS.chars();
    while let (Some(alike), Some(latin)) = (pairs.next(), pairs.next()) {
        if alike == c {
            return Some(latin);
        }
    }
    None
}

/// What a reader takes `c` for.
pub(super) fn seen_as(c: char) -> char {
    let base = compatible(c);
    if base.is_ascii() { base } else { letter(base).unwrap_or(base) }
}

/// The text with digits and look-alikes in Latin, or `None` if that changes nothing. A word with
/// any letter that is not drawn like a Latin one is a word of another script, and stays.
pub(super) fn in_latin(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let words: Vec<String> = text.split(' ').map(word_in_latin).collect();
    let latin = words.join(" ");
    (latin != text).then_some(latin)
}

fn word_in_latin(word: &str) -> String {
    let is_disguise = word.chars().all(|c| seen_as(c).is_ascii() || !c.is_alphabetic());
    let is_latin = word.chars().any(|c| c.is_ascii_alphabetic());
    let letter_count = word.chars().filter(|c| c.is_alphabetic()).count();
    if is_disguise && (is_latin || letter_count >= MIN_LETTERS) {
        return word.chars().map(seen_as).collect();
    }
    word.chars().map(|c| decimal(c).unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_seen_as_what_they_vary() {
        for (seen, variants) in [
            ('a', "a\u{e1}\u{ff41}\u{1d41a}\u{430}\u{3b1}\u{251}"),
            ('0', "0\u{ff10}\u{1d7ce}\u{660}\u{966}\u{2070}\u{24ea}"),
            ('7', "7\u{667}\u{6f7}\u{e57}\u{1d7f3}\u{1e957}"),
            ('@', "@\u{ff20}\u{fe6b}"),
            (' ', " \u{a0}\u{2003}\u{3000}\u{202f}"),
            ('-', "-\u{2010}\u{2011}\u{2013}\u{2212}\u{ff0d}"),
            ('\u{436}', "\u{436}"),
            ('\u{bd}', "\u{bd}"),
        ] {
            assert!(variants.chars().all(|c| seen_as(c) == seen), "{seen}: {variants}");
        }
        assert!(LETTERS.chars().count().is_multiple_of(2));
        assert!(ZEROS.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn only_disguised_words_become_latin() {
        assert_eq!(in_latin("p\u{430}ssw\u{43e}rd").as_deref(), Some("password"));
        assert_eq!(in_latin("\u{441}\u{43e}\u{440}\u{443} 1\u{662}3").as_deref(), Some("copy 123"));
        // "about the house", in Russian
        assert_eq!(in_latin("\u{43e} \u{434}\u{43e}\u{43c}\u{435}"), None);
        assert_eq!(in_latin("plain"), None);
    }
}
