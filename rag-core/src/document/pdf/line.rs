//! Joins shown strings into lines, with spaces where the gap between them is as wide as one.

use unicode_normalization::UnicodeNormalization;

use crate::document::writing::script::{self, MAX_SCRIPT_CHARS, Script};

/// Text shown by one operation.
pub(super) struct Fragment {
    /// Along the direction of writing, in points.
    pub(super) start: f32,
    pub(super) end: f32,
    /// Across it; larger is higher on the page.
    pub(super) height: f32,
    /// How much of it the text was raised by, on a line of its own.
    pub(super) rise: f32,
    /// Unit vector of the direction of writing.
    pub(super) direction: (f32, f32),
    pub(super) size: f32,
    pub(super) is_bold: bool,
    pub(super) is_fixed: bool,
    pub(super) text: String,
}

/// A line of text.
#[derive(Debug, Clone)]
pub(super) struct TextLine {
    pub(super) start: f32,
    pub(super) end: f32,
    pub(super) height: f32,
    pub(super) direction: (f32, f32),
    /// Of most of its characters, in points.
    pub(super) size: f32,
    pub(super) is_bold: bool,
    pub(super) is_fixed: bool,
    pub(super) text: String,
    /// Where each of its cells begins and ends, along the line.
    pub(super) cells: Vec<(f32, f32)>,
}

impl TextLine {
    /// The rectangle around it, on the page and in points: left, bottom, right, top. Letters reach
    /// a quarter of their size below the line that they stand on, and three quarters above it.
    pub(super) fn bounds(&self) -> [i32; 4] {
        let (x, y) = self.direction;
        let corners = [self.start, self.end].into_iter().flat_map(|along| {
            let heights = [self.height - 0.25 * self.size, self.height + 0.75 * self.size];
            heights.map(|across| (along * x - across * y, along * y + across * x))
        });
        let reach = corners.fold(
            [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY],
            |[left, bottom, right, top], (x, y)| {
                [left.min(x), bottom.min(y), right.max(x), top.max(y)]
            },
        );
        let [left, bottom, right, top] = reach;
        // casts from float stay inside i32; no page is larger than 14,400 points (ISO 32000-1,
        // annex C)
        [left.floor(), bottom.floor(), right.ceil(), top.ceil()].map(|side| side as i32)
    }
}

/// A gap this wide, in sizes, is a space. Word spaces are 0.2 and more, kerning stays below 0.1.
const SPACE: f32 = 0.15;

/// A gap this wide, in sizes, parts cells of a table.
const CELL: f32 = 2.5;

/// As a share of the line's size: how large the letters of superscripts and subscripts are at most,
/// how far they are raised or lowered at least, and how far if they are as large as the others.
const SCRIPT_SIZE: f32 = 0.85;
const RISE: f32 = 0.15;
const DROP: f32 = 0.08;
const FULL_SIZE_RISE: f32 = 0.25;

/// As a share of the line's size: how high superscripts are raised at most.
const HIGHEST: f32 = 0.65;

/// A gap this wide, in sizes, parts a superscript from what it stands at.
const SCRIPT_GAP: f32 = 0.5;

/// Collects fragments into lines.
#[derive(Default)]
pub(super) struct Lines {
    done: Vec<TextLine>,
    current: Option<OpenLine>,
    /// What parts cells that stand near each other, on the page: left, bottom, right, top.
    partings: Vec<[f32; 4]>,
}

struct OpenLine {
    line: TextLine,
    last_start: f32,
    last_text: String,
    /// Characters that are bold, of a fixed-width font, and all.
    counts: [usize; 3],
    size_chars: usize,
    /// The superscript or subscript that is being written.
    script: Option<(Script, String)>,
}

impl Lines {
    pub(super) fn add(&mut self, fragment: Fragment) {
        let finite =
            fragment.start.is_finite() && fragment.end.is_finite() && fragment.height.is_finite();
        if fragment.text.is_empty() || !finite {
            return;
        }
        match &mut self.current {
            Some(open) if open.takes(&fragment) => {
                let is_parted = self.partings.iter().any(|area| open.is_parted(&fragment, area));
                open.append(&fragment, is_parted);
            }
            _ => {
                self.end_line();
                if !fragment.text.trim().is_empty() {
                    self.current = Some(OpenLine::new(fragment));
                }
            }
        }
    }

    fn end_line(&mut self) {
        self.done.extend(self.current.take().and_then(OpenLine::finish));
    }

    /// Begins a page on which these areas part what is left of them from what is right.
    pub(super) fn part_at(&mut self, partings: Vec<[f32; 4]>) {
        self.partings = partings;
    }

    /// The lines so far; starts anew.
    pub(super) fn take(&mut self) -> Vec<TextLine> {
        self.end_line();
        self.partings.clear();
        std::mem::take(&mut self.done)
    }
}

impl OpenLine {
    fn new(fragment: Fragment) -> Self {
        let count = fragment.text.chars().count();
        let flag = |is: bool| if is { count } else { 0 };
        Self {
            last_start: fragment.start,
            last_text: fragment.text.clone(),
            counts: [flag(fragment.is_bold), flag(fragment.is_fixed), count],
            size_chars: count,
            script: None,
            line: TextLine {
                start: fragment.start,
                end: fragment.end,
                height: fragment.height,
                direction: fragment.direction,
                size: fragment.size,
                is_bold: false,
                is_fixed: false,
                text: fragment.text,
                cells: vec![(fragment.start, fragment.end)],
            },
        }
    }

    /// Whether the fragment goes on with the line: same direction, about the same height, to the
    /// right.
    fn takes(&self, fragment: &Fragment) -> bool {
        if self.is_doubled_by(fragment) {
            return true;
        }
        let line = &self.line;
        let along =
            line.direction.0 * fragment.direction.0 + line.direction.1 * fragment.direction.1;
        let size = line.size.max(fragment.size);
        let drift = (line.height - fragment.height + fragment.rise).abs();
        // a superscript that is set high, close behind what it stands at
        let gap = (fragment.start - line.end).abs() / size.max(0.1);
        let is_raised = fragment.size <= SCRIPT_SIZE * line.size && gap < SCRIPT_GAP;
        along > 0.99
            && drift < size * if is_raised { HIGHEST } else { 0.45 }
            && fragment.start > line.end - size.max(0.3 * (line.end - line.start).min(3.0 * size))
    }

    /// Whether the fragment is the last one drawn again to look bold.
    fn is_doubled_by(&self, fragment: &Fragment) -> bool {
        let near = |a: f32, b: f32| (a - b).abs() < fragment.size * 0.2;
        fragment.text == self.last_text
            && near(fragment.start, self.last_start)
            && near(fragment.height, self.line.height)
    }

    /// Whether an area lies between the line so far and the fragment.
    fn is_parted(&self, fragment: &Fragment, area: &[f32; 4]) -> bool {
        let [left, bottom, right, top] = *area;
        let middle = (left + right) / 2.0;
        (self.line.end - 1.0..fragment.start + 1.0).contains(&middle)
            && (bottom - 0.3 * self.line.size..top).contains(&self.line.height)
    }

    fn append(&mut self, fragment: &Fragment, is_parted: bool) {
        if self.is_doubled_by(fragment) {
            return;
        }
        let gap = (fragment.start - self.line.end) / self.line.size.max(fragment.size).max(0.1);
        let script = self.script_of(fragment, gap);
        let goes_on = script.is_some() && self.script.as_ref().map(|open| open.0) == script;
        if !goes_on {
            self.end_script(&fragment.text);
        }
        let written = self.script.as_ref().map_or(&self.line.text, |(_, content)| content);
        let spaced = written.ends_with(char::is_whitespace)
            || fragment.text.starts_with(char::is_whitespace);
        let parted = match gap {
            gap if gap > CELL || is_parted => "\t",
            gap if gap > SPACE && !spaced => " ",
            _ => "",
        };
        match (script, &mut self.script) {
            (Some(_), Some((_, content))) => content.extend([parted, &fragment.text]),
            (Some(script), open) => {
                self.line.text.push_str(parted);
                *open = Some((script, fragment.text.clone()));
            }
            (None, _) => self.line.text.extend([parted, &fragment.text]),
        }
        match self.line.cells.last_mut().filter(|_| parted != "\t") {
            Some(cell) => cell.1 = cell.1.max(fragment.end),
            None => self.line.cells.push((fragment.start, fragment.end)),
        }
        let count = fragment.text.chars().count();
        self.counts[0] += if fragment.is_bold { count } else { 0 };
        self.counts[1] += if fragment.is_fixed { count } else { 0 };
        self.counts[2] += count;
        if count > self.size_chars && script.is_none() {
            self.size_chars = count;
            self.line.size = fragment.size;
            self.line.height = fragment.height;
        }
        self.line.end = self.line.end.max(fragment.end);
        self.last_start = fragment.start;
        self.last_text.clone_from(&fragment.text);
    }

    /// How a fragment is set off the line, if it is: by its height, and by its size where that says
    /// so too.
    fn script_of(&self, fragment: &Fragment, gap: f32) -> Option<Script> {
        let size = self.line.size.max(0.1);
        let rise = (fragment.height - self.line.height) / size;
        let is_small = fragment.size <= SCRIPT_SIZE * size;
        let is_short = fragment.text.chars().count() <= MAX_SCRIPT_CHARS;
        (is_short && gap < SCRIPT_GAP && !fragment.text.trim().is_empty()).then_some(())?;
        let is_moved = fragment.rise.abs() > 0.1 * size;
        if is_moved && rise.abs() > 0.1 {
            return Some(if rise > 0.0 { Script::Superscript } else { Script::Subscript });
        }
        if (is_small && rise > RISE) || (fragment.size <= 1.05 * size && rise > FULL_SIZE_RISE) {
            return Some(Script::Superscript);
        }
        (is_small && rise < -DROP).then_some(Script::Subscript)
    }

    /// Writes a superscript or subscript that is whole; `next` goes on behind it.
    fn end_script(&mut self, next: &str) {
        let Some((script, content)) = self.script.take() else { return };
        let text = &mut self.line.text;
        let bars = ['/', '\u{2044}'];
        if next.trim_start().starts_with(bars) && script == Script::Superscript {
            // a fraction, which a whole number may stand before
            if text.ends_with(|c: char| c.is_ascii_digit()) {
                text.push(' ');
            }
            text.push_str(&content);
        } else if text.ends_with(bars) && script == Script::Subscript {
            text.push_str(&content);
        } else {
            let shown = script::shown(script, &content, text);
            text.push_str(&shown);
            if content.ends_with(char::is_whitespace) {
                text.push(' ');
            }
        }
    }

    fn finish(mut self) -> Option<TextLine> {
        self.end_script("");
        let [bold, fixed, all] = self.counts;
        let mut line = self.line;
        line.text = clean(&line.text);
        if line.text.split('\t').count() != line.cells.len() {
            line.cells = vec![(line.start, line.end)];
        }
        line.is_bold = bold * 10 >= all * 9;
        line.is_fixed = fixed * 10 >= all * 9;
        (!line.text.is_empty()).then_some(line)
    }
}

/// Ligatures as letters, accents on their letters, no control characters, single spaces, tabs
/// between cells.
fn clean(text: &str) -> String {
    if text.is_ascii() && !text.contains(|c: char| c.is_control() && c != '\t') {
        return squeeze(text);
    }
    let mut letters = String::with_capacity(text.len());
    let mut accent = None;
    for c in text.chars() {
        if let Some(ligature) = ligature(c) {
            letters.push_str(ligature);
            continue;
        }
        let c = match c {
            '\u{f0b7}' | '\u{f0a7}' => '\u{2022}',
            '\u{fffd}' | '\u{feff}' => continue,
            c if c.is_control() && c != '\t' => ' ',
            c => c,
        };
        if let Some(combining) = combining(c) {
            accent = Some((c, combining));
            continue;
        }
        letters.push(c);
        if let Some((spacing, combining)) = accent.take() {
            if c.is_alphabetic() {
                letters.push(combining);
            } else {
                letters.pop();
                letters.extend([spacing, c]);
            }
        }
    }
    letters.extend(accent.map(|(spacing, _)| spacing));
    squeeze(&letters.nfc().collect::<String>())
}

fn ligature(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{fb00}' => "ff",
        '\u{fb01}' => "fi",
        '\u{fb02}' => "fl",
        '\u{fb03}' => "ffi",
        '\u{fb04}' => "ffl",
        '\u{fb05}' | '\u{fb06}' => "st",
        _ => return None,
    })
}

/// Old TeX fonts show an accent, then its letter.
fn combining(c: char) -> Option<char> {
    Some(match c {
        '\u{b4}' => '\u{301}',
        '\u{2c6}' => '\u{302}',
        '\u{a8}' => '\u{308}',
        '\u{b8}' => '\u{327}',
        '\u{2dc}' => '\u{303}',
        _ => return None,
    })
}

/// An entry of a table of contents and its page number, around a row of dots.
fn leader(text: &str) -> Option<(&str, &str)> {
    let is_leader = |c: char| matches!(c, '.' | ' ' | '\t' | '\u{b7}' | '\u{2026}');
    let (cut, page) = text.trim_end().rsplit_once(is_leader)?;
    let entry = cut.trim_end_matches(is_leader);
    let dots = cut.get(entry.len()..)?.chars().filter(|c| matches!(c, '.' | '\u{b7}')).count();
    (dots >= 4 && !entry.is_empty() && !page.is_empty()).then_some((entry, page))
}

fn squeeze(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    let without_leader;
    let text = match leader(text) {
        Some((entry, page)) => {
            without_leader = format!("{entry}\t{page}");
            without_leader.as_str()
        }
        None => text,
    };
    for c in text.trim().chars() {
        let last_white = squeezed.ends_with([' ', '\t']);
        match c {
            '\t' => {
                squeezed.truncate(squeezed.trim_end().len());
                squeezed.push('\t');
            }
            c if c.is_whitespace() && c != '\u{a0}' && c != '\u{202f}' => {
                if !last_white {
                    squeezed.push(' ');
                }
            }
            c => squeezed.push(c),
        }
    }
    squeezed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(start: f32, height: f32, text: &str) -> Fragment {
        Fragment {
            start,
            end: start + 5.0 * text.chars().count() as f32,
            height,
            rise: 0.0,
            direction: (1.0, 0.0),
            size: 10.0,
            is_bold: false,
            is_fixed: false,
            text: text.to_owned(),
        }
    }

    fn lines(fragments: Vec<Fragment>) -> Vec<String> {
        let mut lines = Lines::default();
        fragments.into_iter().for_each(|fragment| lines.add(fragment));
        lines.take().into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn gaps_become_spaces_and_tabs() {
        let shown = vec![
            fragment(0.0, 0.0, "Un"),
            fragment(10.5, 0.0, "e"),
            fragment(18.0, 0.0, "ligne"),
            fragment(90.0, 0.0, "3"),
            fragment(0.0, -12.0, "deux"),
        ];
        assert_eq!(lines(shown), ["Une ligne\t3", "deux"]);
    }

    #[test]
    fn raised_and_lowered_letters_are_scripts() {
        let small = |start: f32, height: f32, text: &str| Fragment {
            size: 7.0,
            end: start + 3.5 * text.chars().count() as f32,
            ..fragment(start, height, text)
        };
        let shown = vec![
            fragment(0.0, 0.0, "10"),
            small(10.0, 3.6, "4"),
            fragment(14.0, 0.0, " cells, 10"),
            small(64.0, 3.6, "\u{2212}"),
            small(67.5, 3.6, "9"),
            fragment(71.0, 0.0, " H"),
            small(81.0, -1.5, "2"),
            fragment(84.5, 0.0, "O"),
            fragment(0.0, -14.0, "2"),
            fragment(5.0, -11.0, "30"),
            fragment(0.0, -30.0, "10"),
            Fragment { rise: 5.0, ..fragment(10.0, -25.0, "5") },
            fragment(15.0, -30.0, " tonnes, m"),
            small(65.0, -24.0, "2"),
        ];
        let fraction = vec![
            fragment(0.0, 0.0, "5"),
            small(5.0, 3.6, "1"),
            fragment(8.5, 0.0, "\u{2044}"),
            small(13.5, -1.5, "4"),
            fragment(17.0, 0.0, " inch"),
        ];
        assert_eq!(lines(fraction), ["5 1\u{2044}4 inch"]);
        let expected = [
            "10\u{2074} cells, 10\u{207b}\u{2079} H\u{2082}O",
            "2\u{b3}\u{2070}",
            "10\u{2075} tonnes, m\u{b2}",
        ];
        assert_eq!(lines(shown), expected);
    }

    #[test]
    fn text_drawn_twice_counts_once() {
        assert_eq!(
            lines(vec![fragment(0.0, 0.0, "Titre"), fragment(0.3, 0.0, "Titre")]),
            ["Titre"]
        );
    }

    #[test]
    fn dots_before_a_page_number_are_a_tab() {
        assert_eq!(clean("2.1 Entry . . . . . . . 5"), "2.1 Entry\t5");
        assert_eq!(clean("Preface.......... ix"), "Preface\tix");
        assert_eq!(clean("and so on... 5"), "and so on... 5");
    }

    #[test]
    fn ligatures_and_accents_are_letters() {
        assert_eq!(
            clean("\u{fb01}n \u{b4}et\u{b4}e  e\u{301}\u{0} \u{a8}"),
            "fin \u{e9}t\u{e9} \u{e9} \u{a8}"
        );
    }
}
