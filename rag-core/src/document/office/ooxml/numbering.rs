//! Numbers and bullets of lists and headings (ECMA-376 part 1, 17.9).

use std::collections::HashMap;

use crate::document::archive::package::Package;
use crate::document::markup::xml::{Tag, Visit, Xml};
use crate::document::vocabulary::SourceFile;
use crate::document::writing::roman::roman;
use crate::error::Result;

/// Levels of a list.
const LEVELS: usize = 9;

#[derive(Clone)]
struct ListLevel {
    start: u32,
    format: String,
    /// `%1.%2` stands for the numbers of levels 1 and 2.
    pattern: String,
    /// Whether the numbers of all levels are shown in digits.
    is_legal: bool,
}

impl Default for ListLevel {
    fn default() -> Self {
        Self { start: 1, format: "decimal".to_owned(), pattern: String::new(), is_legal: false }
    }
}

/// The lists of a document and how far each has counted.
#[derive(Default)]
pub(super) struct Numbering {
    /// By abstract id.
    kinds: HashMap<String, Vec<ListLevel>>,
    /// By list id.
    lists: HashMap<String, NumberedList>,
    counts: HashMap<String, [u32; LEVELS]>,
    /// Lists whose own starts were already used.
    begun: std::collections::HashSet<String>,
}

/// A list that is made from a kind of list.
#[derive(Default)]
struct NumberedList {
    /// The abstract id.
    kind: String,
    /// Where its levels start, if they differ.
    starts: [Option<u32>; LEVELS],
    /// Levels that it shapes anew.
    levels: HashMap<usize, ListLevel>,
}

/// What stands before a paragraph.
pub(super) enum Label {
    Bullet,
    Number(String),
}

impl Numbering {
    pub(super) fn read(package: &mut Package<'_>, source: &SourceFile<'_>) -> Result<Self> {
        let part = "word/numbering.xml";
        let mut numbering = Self::default();
        let Some(text) = package.text(part)? else { return Ok(numbering) };
        let mut xml = Xml::new(source.path, part, &text);
        // Kinds that a list style names, and those that only name it.
        let (mut named, mut linked) = (HashMap::new(), Vec::new());
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "abstractNum" => {
                    let id = tag.attribute("abstractNumId").unwrap_or_default();
                    let kind = kind(xml)?;
                    named.extend(kind.names.map(|style| (style, id.clone())));
                    linked.extend(kind.follows.map(|style| (id.clone(), style)));
                    numbering.kinds.insert(id, kind.levels);
                    Visit::Done
                }
                "num" => {
                    let id = tag.attribute("numId").unwrap_or_default();
                    numbering.lists.insert(id, list(xml)?);
                    Visit::Done
                }
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})?;
        for (id, style) in linked {
            let levels = named.get(&style).and_then(|id| numbering.kinds.get(id)).cloned();
            numbering.kinds.extend(levels.map(|levels| (id, levels)));
        }
        Ok(numbering)
    }

    /// Counts a paragraph of `list` at `level`; gives its label, or nothing if the list is unknown.
    pub(super) fn next(&mut self, list: &str, level: usize) -> Option<Label> {
        let level = level.min(LEVELS - 1);
        let own = self.lists.get(list)?;
        let (kind, starts) = (&own.kind, &own.starts);
        let levels = self.kinds.get(kind)?;
        let of = |index: usize| own.levels.get(&index).or_else(|| levels.get(index));
        let begin = |index: usize| of(index).map_or(1, |level| level.start);
        let fresh = std::array::from_fn(|index| begin(index).saturating_sub(1));
        let counts = self.counts.entry(kind.clone()).or_insert(fresh);
        if self.begun.insert(list.to_owned()) {
            for (count, start) in counts.iter_mut().zip(starts) {
                *count = start.map_or(*count, |start| start.saturating_sub(1));
            }
        }
        for (index, count) in counts.iter_mut().enumerate() {
            match index.cmp(&level) {
                std::cmp::Ordering::Less => *count = (*count).max(begin(index)),
                std::cmp::Ordering::Equal => *count = count.saturating_add(1),
                std::cmp::Ordering::Greater => *count = begin(index).saturating_sub(1),
            }
        }
        let shape = of(level)?;
        match shape.format.as_str() {
            "bullet" => return Some(Label::Bullet),
            "none" => return Some(Label::Number(String::new())),
            _ => {}
        }
        let mut label = shape.pattern.clone();
        for (index, count) in counts.iter().enumerate() {
            let place = format!("%{}", index + 1);
            if label.contains(&place) {
                let format = match of(index) {
                    Some(level) if !shape.is_legal => level.format.as_str(),
                    _ => "decimal",
                };
                label = label.replace(&place, &numeral(*count, format));
            }
        }
        Some(Label::Number(label))
    }
}

/// How a paragraph of a slide is numbered (ECMA-376 part 1, 21.1.2.4.1).
#[derive(PartialEq)]
pub(super) struct AutoNumber {
    /// The numerals and what stands around them, such as `arabicPeriod` or `alphaLcParenR`.
    pub(super) format: String,
    pub(super) start: u32,
}

/// How far the lists of a text body have counted.
#[derive(Default)]
pub(super) struct AutoNumbers<'a> {
    /// By level.
    open: Vec<Option<(&'a AutoNumber, u32)>>,
}

impl<'a> AutoNumbers<'a> {
    /// The label of the next paragraph. One that has none, or another format, ends the lists of its
    /// level and below.
    pub(super) fn next(&mut self, level: usize, number: Option<&'a AutoNumber>) -> Option<String> {
        let level = level.min(LEVELS - 1);
        self.open.resize(level + 1, None);
        let open = self.open.last_mut()?;
        let Some(number) = number else {
            *open = None;
            return None;
        };
        let count = match open {
            Some((last, count)) if **last == *number => count.saturating_add(1),
            _ => number.start,
        };
        *open = Some((number, count));
        Some(auto_label(count, &number.format))
    }
}

fn auto_label(number: u32, format: &str) -> String {
    let numerals = [
        ("alphaLc", "lowerLetter"),
        ("alphaUc", "upperLetter"),
        ("romanLc", "lowerRoman"),
        ("romanUc", "upperRoman"),
    ];
    let known = numerals.iter().find(|(prefix, _)| format.starts_with(prefix));
    let numeral = numeral(number, known.map_or("decimal", |(_, format)| format));
    if format.ends_with("ParenBoth") {
        format!("({numeral})")
    } else if format.ends_with("ParenR") {
        format!("{numeral})")
    } else if format.ends_with("Plain") {
        numeral
    } else if format.ends_with("Minus") {
        format!("{numeral}-")
    } else {
        format!("{numeral}.")
    }
}

/// A kind of list as it is written.
#[derive(Default)]
struct AbstractNumbering {
    levels: Vec<ListLevel>,
    /// The list style it stands for.
    names: Option<String>,
    /// The list style whose levels it has.
    follows: Option<String>,
}

fn kind(xml: &mut Xml<'_>) -> Result<AbstractNumbering> {
    let mut kind = AbstractNumbering::default();
    let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
        match tag.name() {
            "lvl" if kind.levels.len() < LEVELS => kind.levels.push(ListLevel::default()),
            "styleLink" => kind.names = tag.attribute("val"),
            "numStyleLink" => kind.follows = tag.attribute("val"),
            _ => {}
        }
        if let Some(level) = kind.levels.last_mut() {
            level.apply(tag);
        }
        Ok(Visit::Enter)
    };
    xml.each(child, |_| {})?;
    Ok(kind)
}

impl ListLevel {
    /// Takes what an element inside a level says.
    fn apply(&mut self, tag: &Tag<'_>) {
        let value = tag.attribute("val").unwrap_or_default();
        match tag.name() {
            "start" => self.start = value.parse().unwrap_or(1),
            "numFmt" => self.format = value,
            "lvlText" => self.pattern = value,
            "isLgl" => self.is_legal = super::is_on(tag, "val"),
            _ => {}
        }
    }
}

/// The kind of a list, and what it says itself of its levels.
fn list(xml: &mut Xml<'_>) -> Result<NumberedList> {
    let (mut list, mut index) = (NumberedList::default(), 0);
    let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
        match tag.name() {
            "abstractNumId" => list.kind = tag.attribute("val").unwrap_or_default(),
            "lvlOverride" => index = tag.number("ilvl").unwrap_or(0),
            "lvl" => {
                list.levels.insert(index, ListLevel::default());
            }
            "startOverride" => {
                if let Some(start) = list.starts.get_mut(index) {
                    *start = tag.number("val");
                }
            }
            _ => {
                if let Some(level) = list.levels.get_mut(&index) {
                    level.apply(tag);
                }
            }
        }
        Ok(Visit::Enter)
    };
    xml.each(child, |_| {})?;
    Ok(list)
}

/// A number as the list writes it.
pub(in crate::document) fn numeral(number: u32, format: &str) -> String {
    match format {
        "lowerLetter" => letters(number),
        "upperLetter" => letters(number).to_uppercase(),
        "lowerRoman" => roman(number),
        "upperRoman" => roman(number).to_uppercase(),
        "decimalZero" => format!("{number:02}"),
        "ordinal" => format!("{number}{}", ordinal(number)),
        "numberInDash" => format!("- {number} -"),
        "decimalEnclosedCircle" if (1..=20).contains(&number) => {
            char::from_u32(0x245F + number).map(String::from).unwrap_or_default()
        }
        _ => number.to_string(),
    }
}

/// The ending of 1st, 2nd, 3rd.
fn ordinal(number: u32) -> &'static str {
    match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}

/// 1 is `a`, 26 `z`, 27 `aa`, 28 `bb`.
fn letters(number: u32) -> String {
    let index = number.saturating_sub(1);
    let letter = char::from(b'a' + (index % 26) as u8);
    std::iter::repeat_n(letter, (index / 26 + 1).min(8) as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_list_says() {
        assert_eq!(numeral(4, "upperRoman"), "IV");
        assert_eq!(numeral(28, "lowerLetter"), "bb");
        assert_eq!(numeral(3, "decimalZero"), "03");
        assert_eq!(numeral(1999, "lowerRoman"), "mcmxcix");
        assert_eq!(
            (numeral(22, "ordinal"), numeral(12, "ordinal")),
            ("22nd".into(), "12th".into())
        );
        assert_eq!(numeral(3, "decimalEnclosedCircle"), "\u{2462}");
    }

    #[test]
    fn slides_count_by_level_until_another_paragraph_comes() {
        let number = |format: &str, start| AutoNumber { format: format.to_owned(), start };
        let (arabic, letters) = (number("arabicPeriod", 1), number("alphaLcParenBoth", 3));
        let paragraphs = [
            (0, Some(&arabic)),
            (1, Some(&letters)),
            (1, Some(&letters)),
            (0, Some(&arabic)),
            (1, Some(&letters)),
            (0, None),
            (0, Some(&arabic)),
        ];
        let mut numbers = AutoNumbers::default();
        let labels: Vec<_> = paragraphs.map(|(level, number)| numbers.next(level, number)).into();
        let shown: Vec<_> = labels.iter().map(|label| label.as_deref().unwrap_or("-")).collect();
        assert_eq!(shown, ["1.", "(c)", "(d)", "2.", "(c)", "-", "1."]);
        assert_eq!(auto_label(4, "romanUcParenR"), "IV)");
    }

    #[test]
    fn lower_levels_begin_anew_under_each_number() {
        let level =
            |pattern: &str| ListLevel { pattern: pattern.to_owned(), ..ListLevel::default() };
        let mut numbering = Numbering::default();
        numbering.kinds.insert("0".to_owned(), vec![level("%1."), level("%1.%2")]);
        numbering.lists.insert(
            "7".to_owned(),
            NumberedList { kind: "0".to_owned(), ..NumberedList::default() },
        );
        let mut labels = Vec::new();
        for level in [0, 1, 1, 0, 1] {
            if let Some(Label::Number(label)) = numbering.next("7", level) {
                labels.push(label);
            }
        }
        assert_eq!(labels, ["1.", "1.1", "1.2", "2.", "2.1"]);
        assert!(numbering.next("8", 0).is_none());
    }
}
