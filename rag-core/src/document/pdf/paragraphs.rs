//! Joins the lines of a page into paragraphs, list items and listings.

use std::collections::HashSet;
use std::ops::Range;

use super::line::TextLine;

/// What is usual in the whole file.
pub(super) struct Habits {
    /// Text size of most characters, in points.
    pub(super) body_size: f32,
    /// Distance of lines, in sizes.
    pub(super) leading: f32,
    /// Words that stand whole in some line, in lower case.
    words: HashSet<String>,
}

/// Words kept to decide about hyphens.
const MAX_WORDS: usize = 500_000;

impl Habits {
    pub(super) fn of(pages: &[Vec<TextLine>]) -> Self {
        let lines = || pages.iter().flatten();
        let sizes = lines().map(|line| (step(line.size), line.text.len()));
        let body_size = most(sizes).map_or(10.0, |size| size as f32 / STEPS);
        let pairs = pages.iter().flat_map(|page| page.windows(2));
        let gaps = pairs.filter_map(|pair| match pair {
            [above, below]
                if step(above.size) == step(body_size) && step(below.size) == step(body_size) =>
            {
                let gap = (above.height - below.height) / body_size;
                (0.8..2.5).contains(&gap).then(|| (step(gap), 1))
            }
            _ => None,
        });
        let leading = most(gaps).map_or(1.2, |gap| gap as f32 / STEPS);
        let mut words = HashSet::new();
        for word in lines().flat_map(|line| whole_words(&line.text)) {
            if words.len() < MAX_WORDS {
                words.insert(word.to_lowercase());
            }
        }
        Self { body_size, leading, words }
    }
}

/// Sizes and gaps are compared in twentieths.
const STEPS: f32 = 20.0;

fn step(value: f32) -> i32 {
    (value * STEPS).round() as i32
}

/// The value with the largest total weight; of equals, the smallest value.
fn most(values: impl Iterator<Item = (i32, usize)>) -> Option<i32> {
    let mut weights = std::collections::BTreeMap::new();
    for (value, weight) in values {
        *weights.entry(value).or_insert(0_usize) += weight;
    }
    weights.into_iter().max_by_key(|&(value, weight)| (weight, -value)).map(|(value, _)| value)
}

/// The words of a line but the last if it is hyphenated.
fn whole_words(text: &str) -> impl Iterator<Item = &str> {
    let text = text
        .strip_suffix(['-', '\u{2010}'])
        .map_or(text, |cut| cut.rsplit_once(char::is_whitespace).map_or("", |(before, _)| before));
    let is_part = |c: char| c.is_alphabetic() || c == '-';
    text.split(move |c| !is_part(c)).filter(|word| word.len() > 3)
}

/// Lines that belong together.
pub(super) struct TextParagraph {
    pub(super) text: String,
    pub(super) size: f32,
    pub(super) is_bold: bool,
    pub(super) is_fixed: bool,
    pub(super) is_item: bool,
    pub(super) line_count: usize,
    /// Where each line stands in the text and on the page.
    pub(super) lines: Vec<(Range<usize>, [i32; 4])>,
}

/// Joins lines as far as they belong together.
pub(super) fn join(lines: &[TextLine], habits: &Habits) -> Vec<TextParagraph> {
    let mut paragraphs: Vec<TextParagraph> = Vec::new();
    // The left and right edge of the text so far in this paragraph.
    let mut column = (0.0_f32, 0.0_f32);
    for (index, line) in lines.iter().enumerate() {
        let above = index.checked_sub(1).and_then(|i| lines.get(i));
        match (above, paragraphs.last_mut()) {
            (Some(above), Some(last)) if belongs(above, line, column, last, habits) => {
                last.add(line, above, column.0, habits);
                column = (column.0.min(line.start), column.1.max(line.end));
            }
            _ => {
                paragraphs.push(TextParagraph::new(line));
                column = (line.start, line.end);
            }
        }
    }
    paragraphs
}

/// Whether `line` goes on with the paragraph that `above` ends.
fn belongs(
    above: &TextLine,
    line: &TextLine,
    column: (f32, f32),
    last: &TextParagraph,
    habits: &Habits,
) -> bool {
    let along = above.direction.0 * line.direction.0 + above.direction.1 * line.direction.1;
    let alike = (above.size - line.size).abs() <= 0.08 * above.size.max(line.size)
        && last.is_fixed == line.is_fixed
        && last.is_bold == line.is_bold;
    if along < 0.99 || !alike || item_mark(&line.text) {
        return false;
    }
    let drop = (above.height - line.height) / line.size.max(0.1);
    let finished = above.text.ends_with(['.', '!', '?', ':', '\u{bb}', '\u{201d}']);
    if drop < 0.0 {
        // The next column goes on where this one ended in mid-sentence.
        return !finished && line.text.starts_with(char::is_lowercase);
    }
    let near = drop > 0.3 && drop <= habits.leading.max(1.1) * 1.2;
    let overlaps = line.start < column.1 && line.end > column.0;
    if !near || !overlaps {
        return false;
    }
    if line.is_fixed {
        return true;
    }
    // A cell of the next row, or an indented first line.
    let indent = (line.start - above.start) / line.size.max(0.1);
    let short = above.end < column.1 - 4.0 * line.size;
    !(above.text.contains('\t')
        || line.text.contains('\t')
        || (finished && (0.8..8.0).contains(&indent) && !last.is_item)
        || (finished && short && indent.abs() < 0.3 && last.line_count > 1))
}

/// Whether a line begins with a bullet, or a number or letter as lists have them.
fn item_mark(text: &str) -> bool {
    let Some((mark, rest)) = text.split_once([' ', '\t']) else { return false };
    if rest.is_empty() {
        return false;
    }
    if matches!(
        mark,
        "\u{2022}"
            | "\u{25cf}"
            | "\u{25e6}"
            | "\u{25aa}"
            | "\u{2013}"
            | "\u{2014}"
            | "-"
            | "*"
            | "\u{2023}"
            | "\u{2043}"
            | "\u{b7}"
            | "\u{27a2}"
            | "\u{2610}"
            | "\u{2611}"
            | "\u{2612}"
    ) {
        return true;
    }
    let inner = mark.strip_prefix('(').unwrap_or(mark);
    let Some(label) = inner.strip_suffix([')', '.']) else { return false };
    let number = label.len() <= 2 && !label.is_empty() && label.bytes().all(|b| b.is_ascii_digit());
    let letter =
        label.len() == 1 && mark.ends_with(')') && label.bytes().all(|b| b.is_ascii_lowercase());
    number || letter
}

impl TextParagraph {
    fn new(line: &TextLine) -> Self {
        Self {
            text: line.text.clone(),
            size: line.size,
            is_bold: line.is_bold,
            is_fixed: line.is_fixed,
            is_item: item_mark(&line.text),
            line_count: 1,
            lines: vec![(0..line.text.len(), line.bounds())],
        }
    }

    fn add(&mut self, line: &TextLine, above: &TextLine, left: f32, habits: &Habits) {
        self.line_count += 1;
        if self.is_fixed {
            self.text.push('\n');
            let width = (above.end - above.start) / above.text.chars().count().max(1) as f32;
            let indent = ((line.start - left) / width.max(0.1)).round();
            if (1.0..60.0).contains(&indent) {
                self.text.extend(std::iter::repeat_n(' ', indent as usize));
            }
        } else if !self.drops_hyphen(&line.text, habits)
            && !self.text.ends_with(['-', '\u{2010}', '/'])
        {
            self.text.push(' ');
        }
        let start = self.text.len();
        self.text.push_str(&line.text);
        self.lines.push((start..self.text.len(), line.bounds()));
    }

    /// Takes the hyphen off the end if the word goes on in `next` and is not written with one.
    fn drops_hyphen(&mut self, next: &str, habits: &Habits) -> bool {
        if self.text.ends_with('\u{ad}') {
            self.cut(self.text.len() - '\u{ad}'.len_utf8());
            return true;
        }
        let Some(cut) = self.text.strip_suffix(['-', '\u{2010}']) else { return false };
        let is_part = |c: char| c.is_alphabetic() || c == '-';
        let head = cut.rsplit(|c| !is_part(c)).next().unwrap_or_default();
        let tail = next.split(|c| !is_part(c)).next().unwrap_or_default();
        if head.is_empty() || !tail.starts_with(char::is_lowercase) {
            return false;
        }
        let (whole, hyphened) = (format!("{head}{tail}"), format!("{head}-{tail}"));
        let known = |word: &str| habits.words.contains(&word.to_lowercase());
        if known(&hyphened) && !known(&whole) {
            return false;
        }
        self.cut(cut.len());
        true
    }

    /// Takes the end off the text and its last line.
    fn cut(&mut self, end: usize) {
        self.text.truncate(end);
        if let Some((range, _)) = self.lines.last_mut() {
            range.end = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(start: f32, height: f32, text: &str) -> TextLine {
        TextLine {
            start,
            end: start + 5.0 * text.chars().count() as f32,
            height,
            direction: (1.0, 0.0),
            size: 10.0,
            is_bold: false,
            is_fixed: false,
            text: text.to_owned(),
            cells: Vec::new(),
        }
    }

    fn paragraphs(lines: Vec<TextLine>) -> Vec<TextParagraph> {
        let pages = [lines];
        let habits = Habits::of(&pages);
        join(&pages[0], &habits)
    }

    fn joined(lines: Vec<TextLine>) -> Vec<String> {
        paragraphs(lines).into_iter().map(|p| p.text).collect()
    }

    #[test]
    fn each_line_keeps_its_words_and_its_place() {
        let lines = vec![line(10.0, 100.0, "The labora-"), line(10.0, 88.0, "tory is old.")];
        let found = paragraphs(lines);
        let shown =
            |(range, bounds): &(Range<usize>, [i32; 4])| (&found[0].text[range.clone()], *bounds);
        let expected = [("The labora", [10, 97, 65, 108]), ("tory is old.", [10, 85, 70, 96])];
        assert_eq!(found[0].lines.iter().map(shown).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn lines_join_and_hyphens_go_unless_the_word_has_one() {
        let lines = vec![
            line(0.0, 100.0, "The labora-"),
            line(0.0, 88.0, "tory is well-"),
            line(0.0, 76.0, "known, as a well-known place"),
            line(0.0, 64.0, "should be."),
            line(0.0, 40.0, "Next one."),
        ];
        let expected =
            ["The laboratory is well-known, as a well-known place should be.", "Next one."];
        assert_eq!(joined(lines), expected);
    }

    #[test]
    fn items_and_indented_lines_begin_anew() {
        let lines = vec![
            line(0.0, 100.0, "A list of things follows here:"),
            line(10.0, 88.0, "\u{2022} one that is long"),
            line(18.0, 76.0, "and goes on"),
            line(10.0, 64.0, "\u{2022} two"),
        ];
        let expected = [
            "A list of things follows here:",
            "\u{2022} one that is long and goes on",
            "\u{2022} two",
        ];
        assert_eq!(joined(lines), expected);
    }
}
