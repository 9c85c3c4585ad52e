//! Units of measure and money, each with what it measures and its size in the unit that all of that
//! kind are compared in.

use crate::fold::fold;

/// What a number counts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MeasureUnit {
    /// What is measured.
    pub(super) measure: String,
    /// Its size.
    pub(super) size: f64,
    /// Of a rate, what it is measured by, and the size of that: "per hour".
    per: Option<(String, f64)>,
}

impl MeasureUnit {
    pub(super) fn new(measure: &str, size: f64) -> Self {
        Self { measure: measure.to_owned(), size, per: None }
    }

    /// Whether both measure the same; plain degrees are those of any scale.
    fn measures_as(&self, other: &MeasureUnit) -> bool {
        let degrees = |unit: &MeasureUnit| {
            matches!(unit.measure.as_str(), "degree" | "celsius" | "fahrenheit")
        };
        let loose = self.measure == "degree" || other.measure == "degree";
        self.measure == other.measure || (loose && degrees(self) && degrees(other))
    }

    /// What an amount of `self` is multiplied by to be compared with one of `other`; `None` if they
    /// cannot be compared. A rate beside what is none is taken as that: "5 mg/day" and "5 mg
    /// daily".
    pub(super) fn factor(&self, other: &MeasureUnit) -> Option<f64> {
        if !self.measures_as(other) {
            return None;
        }
        match (&self.per, &other.per) {
            (Some((a, size)), Some((b, other))) => (a == b).then(|| other / size),
            _ => Some(1.0),
        }
    }
}

/// The unit at the start of `text`, a space or hyphen before it allowed, and its length with that.
pub(super) fn leading(text: &str) -> Option<(MeasureUnit, usize)> {
    let mut chars = text.chars();
    let lead = match chars.next()? {
        c if c == '-' || (c.is_whitespace() && c != '\n') => c.len_utf8(),
        _ => 0,
    };
    let (mut unit, length) = single(text.get(lead..)?)?;
    let mut end = lead + length;
    if let Some((per, length)) = text.get(end..).and_then(rate) {
        unit.per = Some((per.measure, per.size));
        end += length;
    }
    Some((unit, end))
}

/// What follows "per" or a slash.
fn rate(text: &str) -> Option<(MeasureUnit, usize)> {
    let marks = ["/", " / ", " per ", " par ", " pro ", " por "];
    let mark = marks.into_iter().find(|mark| text.starts_with(mark))?;
    let (unit, length) = single(text.get(mark.len()..)?)?;
    Some((unit, mark.len() + length))
}

fn single(text: &str) -> Option<(MeasureUnit, usize)> {
    if let Some(found) = powered(text) {
        return Some(found);
    }
    let is_letter = |c: char| {
        c.is_alphabetic()
            || matches!(c, '\u{b0}' | '%' | '\u{2030}' | '$' | '\u{20ac}' | '\u{a3}' | '\u{a5}')
    };
    let length = text.find(|c: char| !is_letter(c)).unwrap_or(text.len());
    let word = text.get(..length)?;
    if word.is_empty() {
        return None;
    }
    let mut end = length;
    let rest = text.get(end..)?;
    // digits and letters that go on make it a code: "5 m3x"
    let power = match rest.chars().next() {
        Some('\u{b2}') => 2,
        Some('\u{b3}') => 3,
        Some('2') if !goes_on(rest) => 2,
        Some('3') if !goes_on(rest) => 3,
        Some(c) if c.is_ascii_digit() => return None,
        _ => 1,
    };
    if power > 1 {
        end += rest.chars().next().map_or(0, char::len_utf8);
    }
    if word.starts_with('\u{b0}') {
        return degrees(text);
    }
    let unit = symbol(word).or_else(|| named(&fold(word)))?;
    Some((raised(unit, power), end))
}

fn goes_on(rest: &str) -> bool {
    rest.chars().nth(1).is_some_and(char::is_alphanumeric)
}

/// Degrees written with a space before the letter of the scale, or without one.
fn degrees(text: &str) -> Option<(MeasureUnit, usize)> {
    let sign = '\u{b0}'.len_utf8();
    let rest = text.get(sign..)?;
    let trimmed = rest.trim_start_matches([' ', '\u{a0}', '\u{202f}']);
    let lead = rest.len() - trimmed.len();
    let ends = trimmed.chars().nth(1).is_none_or(|c| !c.is_alphanumeric());
    match trimmed.chars().next() {
        Some('C') if ends => Some((MeasureUnit::new("celsius", 1.0), sign + lead + 1)),
        Some('F') if ends => Some((MeasureUnit::new("fahrenheit", 1.0), sign + lead + 1)),
        _ => Some((MeasureUnit::new("degree", 1.0), sign)),
    }
}

fn raised(unit: MeasureUnit, power: i32) -> MeasureUnit {
    if power == 1 {
        return unit;
    }
    MeasureUnit::new(&format!("{}^{power}", unit.measure), unit.size.powi(power))
}

/// "square kilometres", "cubic metres".
fn powered(text: &str) -> Option<(MeasureUnit, usize)> {
    let words = [("square ", 2), ("sq ", 2), ("cubic ", 3)];
    let (word, power) = words.into_iter().find(|(word, _)| text.starts_with(word))?;
    let (unit, length) = single(text.get(word.len()..)?)?;
    Some((raised(unit, power), word.len() + length))
}

/// Money, by its sign or code; `None` for what is none.
pub(super) fn currency(sign: &str) -> Option<MeasureUnit> {
    let code = match sign {
        "$" | "US$" | "USD" | "dollar" | "dollars" => "dollar",
        "\u{20ac}" | "EUR" | "euro" | "euros" => "euro",
        "\u{a3}" | "GBP" | "sterling" => "pound",
        "\u{a5}" | "JPY" | "yen" | "yens" => "yen",
        "CHF" => "franc",
        _ => return None,
    };
    Some(MeasureUnit::new(code, 1.0))
}

/// A symbol, in its own case.
fn symbol(word: &str) -> Option<MeasureUnit> {
    let (measure, size) = match word {
        "%" => ("percent", 1.0),
        "\u{2030}" => ("percent", 0.1),
        "bar" => ("pressure", 1e5),
        "mbar" => ("pressure", 100.0),
        "atm" => ("pressure", 101_325.0),
        "mmHg" => ("pressure", 133.322),
        "lb" | "lbs" => ("mass", 453.592_37),
        "oz" => ("mass", 28.349_523),
        "t" => ("mass", 1e6),
        "mcg" => ("mass", 1e-6),
        "mi" => ("length", 1_609.344),
        "ft" => ("length", 0.304_8),
        "yd" => ("length", 0.914_4),
        "h" | "hr" | "hrs" => ("time", 3600.0),
        "min" | "mn" => ("time", 60.0),
        "mph" => {
            return Some(MeasureUnit {
                per: Some(("time".to_owned(), 3600.0)),
                ..MeasureUnit::new("length", 1_609.344)
            });
        }
        "ha" => ("length^2", 1e4),
        "dB" => ("decibel", 1.0),
        "IU" | "UI" => ("iu", 1.0),
        "rpm" => ("rpm", 1.0),
        "Ko" => ("byte", 1e3),
        "Mo" => ("byte", 1e6),
        "Go" => ("byte", 1e9),
        "To" => ("byte", 1e12),
        "C" => ("celsius", 1.0),
        "F" => ("fahrenheit", 1.0),
        _ => return currency(word).or_else(|| prefixed(word)),
    };
    Some(MeasureUnit::new(measure, size))
}

/// Units that take the prefixes of the SI.
const BASES: &[(&str, &str, f64)] = &[
    ("mol", "amount", 1.0),
    ("cal", "calorie", 1.0),
    ("bit", "bit", 1.0),
    ("Wh", "energy", 3600.0),
    ("Hz", "frequency", 1.0),
    ("Pa", "pressure", 1.0),
    ("Gy", "gray", 1.0),
    ("Sv", "sievert", 1.0),
    ("Bq", "becquerel", 1.0),
    ("eV", "electronvolt", 1.0),
    ("g", "mass", 1.0),
    ("m", "length", 1.0),
    ("s", "time", 1.0),
    ("L", "volume", 1.0),
    ("l", "volume", 1.0),
    ("W", "power", 1.0),
    ("V", "voltage", 1.0),
    ("A", "current", 1.0),
    ("J", "energy", 1.0),
    ("N", "force", 1.0),
    ("K", "kelvin", 1.0),
    ("B", "byte", 1.0),
    ("M", "molar", 1.0),
];

const PREFIXES: &[(&str, f64)] = &[
    ("", 1.0),
    ("k", 1e3),
    ("K", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("h", 1e2),
    ("d", 1e-1),
    ("c", 1e-2),
    ("m", 1e-3),
    ("\u{b5}", 1e-6),
    ("\u{3bc}", 1e-6),
    ("u", 1e-6),
    ("n", 1e-9),
    ("p", 1e-12),
    ("f", 1e-15),
];

fn prefixed(word: &str) -> Option<MeasureUnit> {
    BASES.iter().find_map(|&(base, measure, size)| {
        let prefix = word.strip_suffix(base)?;
        // capital letters alone are too often something else: plan B, vitamin A, 5 M
        if prefix.is_empty() && matches!(base, "B" | "M" | "K") {
            return None;
        }
        let factor = PREFIXES.iter().find(|(name, _)| *name == prefix)?.1;
        Some(MeasureUnit::new(measure, size * factor))
    })
}

/// Names of units, folded and without their plural.
const NAMES: &[(&str, &str, f64)] = &[
    ("gram", "mass", 1.0),
    ("gramme", "mass", 1.0),
    ("gramm", "mass", 1.0),
    ("gramo", "mass", 1.0),
    ("ton", "mass", 1e6),
    ("tonne", "mass", 1e6),
    ("pound", "pound", 1.0),
    ("livre", "pound", 1.0),
    ("ounce", "mass", 28.349_523),
    ("meter", "length", 1.0),
    ("metre", "length", 1.0),
    ("metro", "length", 1.0),
    ("mile", "length", 1_609.344),
    ("foot", "length", 0.304_8),
    ("feet", "length", 0.304_8),
    ("inch", "length", 0.025_4),
    ("inche", "length", 0.025_4),
    ("yard", "length", 0.914_4),
    ("hectare", "length^2", 1e4),
    ("acre", "length^2", 4_046.856),
    ("liter", "volume", 1.0),
    ("litre", "volume", 1.0),
    ("litro", "volume", 1.0),
    ("second", "time", 1.0),
    ("seconde", "time", 1.0),
    ("minute", "time", 60.0),
    ("hour", "time", 3_600.0),
    ("heure", "time", 3_600.0),
    ("day", "time", 86_400.0),
    ("jour", "time", 86_400.0),
    ("tag", "time", 86_400.0),
    ("tage", "time", 86_400.0),
    ("week", "time", 604_800.0),
    ("semaine", "time", 604_800.0),
    ("woche", "time", 604_800.0),
    ("month", "months", 1.0),
    ("moi", "months", 1.0),
    ("monat", "months", 1.0),
    ("year", "months", 12.0),
    ("yr", "months", 12.0),
    ("an", "months", 12.0),
    ("annee", "months", 12.0),
    ("jahr", "months", 12.0),
    ("jahre", "months", 12.0),
    ("decade", "months", 120.0),
    ("hertz", "frequency", 1.0),
    ("watt", "power", 1.0),
    ("volt", "voltage", 1.0),
    ("ampere", "current", 1.0),
    ("amp", "current", 1.0),
    ("joule", "energy", 1.0),
    ("calorie", "calorie", 1.0),
    ("pascal", "pressure", 1.0),
    ("byte", "byte", 1.0),
    ("octet", "byte", 1.0),
    ("percent", "percent", 1.0),
    ("pct", "percent", 1.0),
    ("prozent", "percent", 1.0),
    ("degree", "degree", 1.0),
    ("degre", "degree", 1.0),
    ("grad", "degree", 1.0),
    ("celsiu", "celsius", 1.0),
    ("fahrenheit", "fahrenheit", 1.0),
    ("kelvin", "kelvin", 1.0),
    ("dollar", "dollar", 1.0),
    ("euro", "euro", 1.0),
    ("franc", "franc", 1.0),
    ("yen", "yen", 1.0),
];

const NAMED_PREFIXES: &[(&str, f64)] = &[
    ("", 1.0),
    ("kilo", 1e3),
    ("mega", 1e6),
    ("giga", 1e9),
    ("tera", 1e12),
    ("hecto", 1e2),
    ("deci", 1e-1),
    ("centi", 1e-2),
    ("milli", 1e-3),
    ("micro", 1e-6),
    ("nano", 1e-9),
];

fn named(folded: &str) -> Option<MeasureUnit> {
    let singular = folded.strip_suffix('s').unwrap_or(folded);
    if singular == "kilo" {
        return Some(MeasureUnit::new("mass", 1e3));
    }
    NAMES.iter().find_map(|&(name, measure, size)| {
        let prefix = singular.strip_suffix(name)?;
        let factor = NAMED_PREFIXES.iter().find(|(known, _)| *known == prefix)?.1;
        Some(MeasureUnit::new(measure, size * factor))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(String, f64)> {
        leading(text).map(|(unit, _)| (unit.measure, unit.size))
    }

    #[test]
    fn one_letter_and_the_case_of_it_count() {
        assert_eq!(found(" g"), Some(("mass".to_owned(), 1.0)));
        assert_eq!(found(" mg of it"), Some(("mass".to_owned(), 1e-3)));
        assert_eq!(found(" MW"), Some(("power".to_owned(), 1e6)));
        assert_eq!(found(" mW"), Some(("power".to_owned(), 1e-3)));
        assert_eq!(found(" men"), None);
    }

    #[test]
    fn names_and_symbols_are_one_unit() {
        for (a, b) in [
            (" milligrams", "mg"),
            ("-kilometre", " km"),
            (" heures", "h"),
            (" km/h", " kilometres per hour"),
            (" square kilometers", " km\u{b2}"),
            (" \u{b0}C", "\u{b0} C"),
            (" %", " percent"),
        ] {
            let (a, b) = (found(a).unwrap_or_default(), found(b).unwrap_or_default());
            assert_eq!(a.0, b.0);
            assert!((a.1 - b.1).abs() < 1e-9 * a.1, "{a:?} {b:?}");
        }
    }
}
