//! Numbers written as words, in English and French, up to the thousands; ordinals too.

use super::tokens::{Gap, Token};

/// A number in words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Numeral {
    pub(super) amount: f64,
    pub(super) is_ordinal: bool,
    /// Words it takes.
    pub(super) length: usize,
}

/// Below a hundred, the words that add up.
const SMALL: &[(&str, f64)] = &[
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("thirteen", 13.0),
    ("fourteen", 14.0),
    ("fifteen", 15.0),
    ("sixteen", 16.0),
    ("seventeen", 17.0),
    ("eighteen", 18.0),
    ("nineteen", 19.0),
    ("deux", 2.0),
    ("trois", 3.0),
    ("quatre", 4.0),
    ("cinq", 5.0),
    ("sept", 7.0),
    ("huit", 8.0),
    ("neuf", 9.0),
    ("dix", 10.0),
    ("onze", 11.0),
    ("douze", 12.0),
    ("treize", 13.0),
    ("quatorze", 14.0),
    ("quinze", 15.0),
    ("seize", 16.0),
];

const TENS: &[(&str, f64)] = &[
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("forty", 40.0),
    ("fifty", 50.0),
    ("sixty", 60.0),
    ("seventy", 70.0),
    ("eighty", 80.0),
    ("ninety", 90.0),
    ("vingt", 20.0),
    ("vingts", 20.0),
    ("trente", 30.0),
    ("quarante", 40.0),
    ("cinquante", 50.0),
    ("soixante", 60.0),
    ("septante", 70.0),
    ("huitante", 80.0),
    ("nonante", 90.0),
];

/// Words that multiply what stands before them.
const LARGE: &[(&str, f64)] = &[
    ("dozen", 12.0),
    ("dozens", 12.0),
    ("douzaine", 12.0),
    ("hundred", 100.0),
    ("cent", 100.0),
    ("cents", 100.0),
    ("thousand", 1e3),
    ("mille", 1e3),
    ("million", 1e6),
    ("millions", 1e6),
    ("milliard", 1e9),
    ("milliards", 1e9),
    ("trillion", 1e12),
];

const ORDINALS: &[(&str, f64)] = &[
    ("third", 3.0),
    ("fourth", 4.0),
    ("fifth", 5.0),
    ("sixth", 6.0),
    ("seventh", 7.0),
    ("eighth", 8.0),
    ("ninth", 9.0),
    ("tenth", 10.0),
    ("eleventh", 11.0),
    ("twelfth", 12.0),
    ("thirteenth", 13.0),
    ("fourteenth", 14.0),
    ("fifteenth", 15.0),
    ("sixteenth", 16.0),
    ("seventeenth", 17.0),
    ("eighteenth", 18.0),
    ("nineteenth", 19.0),
    ("twentieth", 20.0),
    ("thirtieth", 30.0),
    ("deuxieme", 2.0),
    ("troisieme", 3.0),
    ("quatrieme", 4.0),
    ("cinquieme", 5.0),
    ("sixieme", 6.0),
    ("septieme", 7.0),
    ("huitieme", 8.0),
    ("neuvieme", 9.0),
    ("dixieme", 10.0),
    ("onzieme", 11.0),
    ("douzieme", 12.0),
    ("treizieme", 13.0),
    ("quatorzieme", 14.0),
    ("quinzieme", 15.0),
    ("seizieme", 16.0),
    ("dix-septieme", 17.0),
    ("vingtieme", 20.0),
];

/// The number that the words at the start of `tokens` write.
///
/// "One" and French "un" are counted only within larger numbers, since alone they are pronouns and
/// articles.
pub(super) fn leading(tokens: &[Token]) -> Option<Numeral> {
    let (mut total, mut part, mut length, mut seen) = (0.0_f64, 0.0_f64, 0, false);
    let mut is_ordinal = false;
    for (place, token) in tokens.iter().enumerate() {
        if place > 0 && !matches!(token.gap, Gap::Space | Gap::Hyphen) {
            break;
        }
        let word = token.folded.as_str();
        if let Some(amount) = ordinal(word, token.gap, part) {
            part += amount;
            (length, seen, is_ordinal) = (place + 1, true, true);
            break;
        }
        if let Some(amount) = amount(SMALL, word).or_else(|| one(word, tokens, place)) {
            // "four twenties and ten": a unit after a unit begins another number
            if part % 10.0 != 0.0 && part % 20.0 != 0.0
                || (part > 0.0 && part < 20.0 && part != 10.0)
            {
                break;
            }
            part += amount;
        } else if let Some(tens) = amount(TENS, word) {
            let is_french_eighty = part % 100.0 == 4.0 && word.starts_with("vingt");
            if is_french_eighty {
                part += 76.0;
            } else if part % 100.0 == 0.0 {
                part += tens;
            } else {
                break;
            }
        } else if let Some(scale) = amount(LARGE, word) {
            // "cent" alone is a hundred in French and a coin in English
            if part == 0.0 && !matches!(word, "hundred" | "thousand" | "cent" | "mille") {
                break;
            }
            if scale <= 100.0 {
                part = part.max(1.0) * scale;
            } else {
                total += part.max(1.0) * scale;
                part = 0.0;
            }
        } else if seen && matches!(word, "and" | "et") && joins(tokens, place, part) {
            continue;
        } else {
            break;
        }
        (length, seen) = (place + 1, true);
    }
    seen.then_some(Numeral { amount: total + part, is_ordinal, length })
}

fn amount(table: &[(&str, f64)], word: &str) -> Option<f64> {
    table.iter().find(|(name, _)| *name == word).map(|(_, amount)| *amount)
}

fn ordinal(word: &str, gap: Gap, part: f64) -> Option<f64> {
    let within = gap == Gap::Hyphen && part >= 20.0;
    match word {
        "first" | "unieme" if within => Some(1.0),
        "second" if within => Some(2.0),
        _ => amount(ORDINALS, word),
    }
}

/// One, where it is part of a larger number: "twenty-one", "one hundred", "vingt et un".
fn one(word: &str, tokens: &[Token], place: usize) -> Option<f64> {
    if !matches!(word, "one" | "un" | "une" | "a") {
        return None;
    }
    let next = tokens.get(place + 1).map_or("", |token| token.folded.as_str());
    let multiplies = amount(LARGE, next).is_some() && !matches!(next, "cent" | "cents");
    let before = place.checked_sub(1).and_then(|before| tokens.get(before));
    let completes = before.is_some_and(|before| {
        let joined = before.folded == "et" && place > 1;
        word != "a" && (joined || amount(TENS, &before.folded).is_some())
    });
    (multiplies || completes).then_some(1.0)
}

/// Whether an "and" stands inside a number: "two hundred and fifty", "vingt et un".
fn joins(tokens: &[Token], place: usize, part: f64) -> bool {
    let next = tokens.get(place + 1).map_or("", |token| token.folded.as_str());
    match tokens.get(place).map(|token| token.folded.as_str()) {
        Some("and") => part >= 100.0 && part % 100.0 == 0.0 && is_small(next),
        _ => part >= 20.0 && matches!(next, "un" | "une" | "onze"),
    }
}

fn is_small(word: &str) -> bool {
    amount(SMALL, word).or_else(|| amount(TENS, word)).is_some() || word == "one"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cite::checks::tokens::tokens;

    #[test]
    fn words_make_numbers_in_both_languages() {
        for (text, amount, length) in [
            ("two", 2.0, 1),
            ("twenty-five men", 25.0, 2),
            ("two hundred and fifty", 250.0, 4),
            ("nineteen hundred", 1900.0, 2),
            ("three thousand two hundred", 3200.0, 4),
            ("quatre-vingt-dix-sept", 97.0, 4),
            ("quatre-vingts", 80.0, 2),
            ("soixante et onze", 71.0, 3),
            ("soixante-dix-sept", 77.0, 3),
            ("vingt et un jours", 21.0, 3),
            ("deux cents", 200.0, 2),
            ("mille neuf cent", 1900.0, 3),
            ("a hundred men", 100.0, 2),
            ("twenty-first", 21.0, 2),
            ("two three", 2.0, 1),
        ] {
            let found = leading(&tokens(text)).map(|found| (found.amount, found.length));
            assert_eq!(found, Some((amount, length)), "{text}");
        }
        for text in ["one of them", "un chien", "a dog", "million"] {
            assert_eq!(leading(&tokens(text)), None, "{text}");
        }
    }
}
