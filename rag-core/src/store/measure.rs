//! Figures with their units: `5 km` and `5km` are one measure, written with a space or without.

use super::forms::Phrase;

/// Units that are written behind a figure, folded.
const UNITS: &[&str] = &[
    "a", "ah", "b", "bar", "bit", "bits", "cal", "cd", "cl", "cm", "cv", "db", "dl", "dm", "dpi",
    "eur", "fps", "ft", "g", "gb", "gbp", "ghz", "gib", "gw", "gwh", "h", "ha", "hp", "hpa", "hz",
    "in", "j", "k", "kb", "kbps", "kcal", "kg", "khz", "kib", "kj", "km", "kmh", "kn", "kpa", "kt",
    "kv", "kva", "kw", "kwh", "l", "lb", "lbs", "lm", "lx", "m", "ma", "mah", "mb", "mbps", "mg",
    "mhz", "mib", "min", "ml", "mm", "mol", "mpa", "mph", "ms", "mv", "mw", "mwh", "n", "nm", "ns",
    "oz", "pa", "pb", "ppb", "ppm", "psi", "px", "rpm", "s", "t", "tb", "tib", "twh", "us", "usd",
    "v", "va", "w", "wh", "\u{3bc}g", "\u{3bc}l", "\u{3bc}m", "\u{3bc}s",
];

/// Letters of the longest unit.
const MAX_UNIT: usize = 5;

/// The word at `place` of `words` together with the figure before it or the unit behind it.
pub(super) fn joined(words: &[&str], place: usize) -> Option<String> {
    let word = *words.get(place)?;
    if is_figure(word) {
        let unit = words.get(place + 1).filter(|unit| is_unit(unit))?;
        return Some(format!("{word}{unit}"));
    }
    let figure = place.checked_sub(1).and_then(|before| words.get(before))?;
    (is_figure(figure) && is_unit(word)).then(|| format!("{figure}{word}"))
}

/// A figure and its unit that are written as one word, as a phrase of two.
pub(super) fn apart(word: &str) -> Option<Phrase> {
    let end = word.find(|c: char| !c.is_ascii_digit())?;
    let (figure, unit) = word.split_at(end);
    let is_measure = is_figure(figure) && is_unit(unit);
    is_measure.then(|| vec![vec![figure.to_owned()], vec![unit.to_owned()]])
}

fn is_figure(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_unit(word: &str) -> bool {
    word.len() <= MAX_UNIT && UNITS.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_is_one_with_a_space_or_without() {
        assert!(UNITS.is_sorted());
        let words = ["within", "5", "km", "of", "12", "buoys"];
        let joined: Vec<_> = (0..words.len()).filter_map(|place| joined(&words, place)).collect();
        assert_eq!(joined, ["5km", "5km"]);
        let phrase = |words: [&str; 2]| Some(words.map(|word| vec![word.to_owned()]).to_vec());
        assert_eq!(apart("5km"), phrase(["5", "km"]));
        for word in ["km", "5", "5buoys", "b12", "2nd", ""] {
            assert_eq!(apart(word), None, "{word}");
        }
    }
}
