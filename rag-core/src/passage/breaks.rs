//! Where text may be cut: sentences, lines, words, characters.
//!
//! Each function gives the last place in `(from, to]`; what stands after `to` is looked at, never
//! cut.

/// Abbreviations after which a full stop does not end a sentence, in lower case without their last
/// stop.
const ABBREVIATIONS: &[&str] = &[
    "mm",
    "mme",
    "mmes",
    "mlle",
    "dr",
    "pr",
    "prof",
    "st",
    "ste",
    "mr",
    "mrs",
    "ms",
    "jr",
    "sr",
    "vs",
    "cf",
    "art",
    "al",
    "fig",
    "no",
    "nos",
    "vol",
    "chap",
    "p",
    "pp",
    "ed",
    "eds",
    "\u{e9}d",
    "env",
    "ex",
    "e.g",
    "i.e",
    "p.ex",
    "inc",
    "ltd",
    "co",
    "corp",
    "dept",
    "approx",
    "av",
    "bd",
    "tel",
    "t\u{e9}l",
    "ref",
    "r\u{e9}f",
    "sec",
    "eq",
    "op",
    "gen",
    "col",
    "rev",
    "hon",
    "gov",
    "sen",
    "rep",
    "jan",
    "feb",
    "mar",
    "apr",
    "jun",
    "jul",
    "aug",
    "sep",
    "sept",
    "oct",
    "nov",
    "dec",
    "janv",
    "f\u{e9}vr",
    "juil",
    "d\u{e9}c",
    "viz",
    "resp",
    "usw",
    "bzw",
    "z.b",
    "d.h",
];

/// The last start of a sentence.
pub(super) fn sentence_start(text: &str, from: usize, to: usize) -> Option<usize> {
    let mut last = None;
    let mut place = from;
    while let Some(found) = next_sentence_start(text, place, to) {
        last = Some(found);
        place = found;
    }
    last
}

/// The first start of a sentence after `from`, up to `to`.
pub(super) fn next_sentence_start(text: &str, from: usize, to: usize) -> Option<usize> {
    let slice = text.get(from..to)?;
    for (index, c) in slice.char_indices() {
        let start = match c {
            '.' | '!' | '?' | '\u{2026}' => after_stop(text, from + index, c),
            '\u{3002}' | '\u{ff01}' | '\u{ff1f}' | '\u{ff61}' => {
                Some(after_closers(text, from + index + c.len_utf8()))
            }
            _ if is_full_mark(c) || is_greek_question(slice, index) => {
                after_mark(text, from + index + c.len_utf8())
            }
            ' ' => after_clause(text, from, from + index),
            '\n' => after_blank_line(text, from + index + 1),
            _ => None,
        };
        if let Some(start) = start.filter(|&start| start > from) {
            if start <= to {
                return Some(start);
            }
            return None;
        }
    }
    None
}

/// The start of the sentence after the stop `stop` at `index`, if it ends one.
fn after_stop(text: &str, index: usize, stop: char) -> Option<usize> {
    let after = after_closers(text, index + stop.len_utf8());
    let rest = text.get(after..)?;
    let next = rest.trim_start();
    if next.len() == rest.len() || next.is_empty() {
        return None;
    }
    let first = next.chars().next()?;
    if first.is_lowercase() || (stop == '.' && is_abbreviation(text, index)) {
        return None;
    }
    Some(text.len() - next.len())
}

/// Marks that end a sentence and nothing else: danda, Arabic, Armenian, Ethiopic, Tibetan, Burmese
/// and Khmer stops.
fn is_full_mark(c: char) -> bool {
    matches!(
        c,
        '\u{964}'
            | '\u{965}'
            | '\u{61f}'
            | '\u{6d4}'
            | '\u{589}'
            | '\u{1362}'
            | '\u{1367}'
            | '\u{f0d}'
            | '\u{f0e}'
            | '\u{104b}'
            | '\u{17d4}'
            | '\u{17d5}'
            | '\u{37e}'
    )
}

/// Whether the character at `index` is a semicolon behind a Greek word, which asks.
fn is_greek_question(slice: &str, index: usize) -> bool {
    let is_greek = |c: char| matches!(c, '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}');
    let (before, rest) = slice.split_at(index);
    rest.starts_with(';') && before.ends_with(is_greek)
}

/// The start of what stands after a mark, with or without a space between.
fn after_mark(text: &str, at: usize) -> Option<usize> {
    let next = text.get(after_closers(text, at)..)?.trim_start_matches(' ');
    (!next.is_empty()).then_some(text.len() - next.len())
}

/// Letters of a clause from which a space in Thai or Lao, which write no stops, may end a sentence.
const MIN_CLAUSE_CHARS: usize = 40;

/// The start of the clause after the space at `index`: Thai and Lao part sentences with a space and
/// words with none.
fn after_clause(text: &str, from: usize, index: usize) -> Option<usize> {
    let is_letter = |c: char| matches!(c, '\u{e00}'..='\u{eff}');
    let before = text.get(from..index)?;
    let next = text.get(index..)?.trim_start_matches(' ');
    let is_long = || before.chars().count() >= MIN_CLAUSE_CHARS;
    (before.ends_with(is_letter) && next.starts_with(is_letter) && is_long())
        .then_some(text.len() - next.len())
}

/// Past further stops, closing brackets and quotes, and a French closing quote after a space.
fn after_closers(text: &str, mut at: usize) -> usize {
    while let Some(rest) = text.get(at..) {
        let mut chars = rest.chars();
        match chars.next() {
            Some(c)
                if ".!?\u{2026})]}\"'\u{201d}\u{2019}\u{bb}\u{203a}\u{300d}\u{300f}"
                    .contains(c) =>
            {
                at += c.len_utf8();
            }
            Some(c @ (' ' | '\u{a0}' | '\u{202f}')) if chars.next() == Some('\u{bb}') => {
                at += c.len_utf8() + '\u{bb}'.len_utf8();
            }
            _ => break,
        }
    }
    at
}

/// Whether the full stop at `index` belongs to an abbreviation, an initial or the number of a list
/// item.
fn is_abbreviation(text: &str, index: usize) -> bool {
    let before =
        text.get(text.floor_char_boundary(index.saturating_sub(16))..index).unwrap_or_default();
    let is_edge = |c: char| c.is_whitespace() || "('\"\u{2019}\u{ab}[/-".contains(c);
    let cut = before.char_indices().rev().find(|&(_, c)| is_edge(c));
    let word = before.get(cut.map_or(0, |(at, c)| at + c.len_utf8())..).unwrap_or_default();
    let mut chars = word.chars();
    let single = chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none();
    let starts_line = word.len() == before.len() || cut.is_some_and(|(_, c)| c == '\n');
    let item = word.len() <= 3 && !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    let known = || ABBREVIATIONS.contains(&word.to_lowercase().as_str());
    single || (item && starts_line) || known()
}

/// The start of text after a blank line; `at` is just past the end of the line above.
fn after_blank_line(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let next = rest.trim_start();
    let white = rest.get(..rest.len() - next.len())?;
    (white.contains('\n') && !next.is_empty()).then_some(text.len() - next.len())
}

/// The last start of a line, after a blank line if there is one in the last half.
pub(super) fn line_start(text: &str, from: usize, to: usize) -> Option<usize> {
    let slice = text.get(from..to)?;
    let line = slice.rfind('\n')? + 1;
    let blank = slice.rfind("\n\n").map(|at| at + 2).filter(|&at| at >= slice.len() / 2);
    Some(from + blank.unwrap_or(line))
}

/// The last line of code that begins something: not indented, no closing bracket, best after a
/// blank line; looked for in the last half, else as [`line_start`].
pub(super) fn code_start(text: &str, from: usize, to: usize) -> Option<usize> {
    let slice = text.get(from..to)?;
    let half = slice.len() / 2;
    let mut best = None;
    for (at, _) in slice.match_indices('\n') {
        let start = at + 1;
        if start <= half {
            continue;
        }
        let next = text.get(from + start..).and_then(|rest| rest.chars().next());
        let opens = next.is_some_and(|c| !c.is_whitespace() && !")]}".contains(c));
        let blank = slice.get(..at).is_some_and(|before| before.ends_with('\n'));
        let rank = (usize::from(opens) + usize::from(opens && blank), start);
        if opens && best.is_none_or(|best| rank > best) {
            best = Some(rank);
        }
    }
    best.map(|(_, start)| from + start).or_else(|| line_start(text, from, to))
}

/// The last start of a word: after white space, or between characters of scripts without spaces.
pub(super) fn word_start(text: &str, from: usize, to: usize) -> Option<usize> {
    let slice = text.get(from..to)?;
    let next = text.get(to..)?.chars().next();
    let previous = slice.chars().next_back()?;
    if next.is_none_or(char::is_whitespace) || previous.is_whitespace() {
        return Some(to);
    }
    if next.is_some_and(is_unspaced) && is_unspaced(previous) {
        return Some(to);
    }
    let (at, white) = slice.char_indices().rev().find(|(_, c)| c.is_whitespace())?;
    Some(from + at + white.len_utf8())
}

/// Letters of scripts written without spaces: Thai, Lao, Khmer, Myanmar, kana and Han.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// `to`, moved back so that no accent or joined emoji loses its base, but not to `from`.
pub(super) fn character_start(text: &str, from: usize, to: usize) -> usize {
    let mut at = to;
    for _ in 0..16 {
        let Some(next) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
        let previous = text.get(from..at).and_then(|before| before.chars().next_back());
        let Some(previous) = previous else { break };
        if !(is_joined(next) || previous == '\u{200d}') {
            return at;
        }
        at -= previous.len_utf8();
    }
    if at > from && at < to && text.get(at..).is_some_and(|r| !r.starts_with(is_joined)) {
        at
    } else {
        to
    }
}

/// Characters that continue the one before: accents, joiners, variation selectors, skin tones.
fn is_joined(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sentences(text: &str) -> Vec<&str> {
        let mut starts = vec![0];
        let mut at = 0;
        while let Some(next) = next_sentence_start(text, at, text.len()) {
            starts.push(next);
            at = next;
        }
        starts.push(text.len());
        starts.windows(2).map(|pair| text[pair[0]..pair[1]].trim_end()).collect()
    }

    #[test]
    fn english_sentences() {
        let text = "Dr. Smith met J. Doe at 3.14 p.m. in Paris. \"Really?\" he said. Yes! It was.";
        let expected = [
            "Dr. Smith met J. Doe at 3.14 p.m. in Paris.",
            "\"Really?\" he said.",
            "Yes!",
            "It was.",
        ];
        assert_eq!(sentences(text), expected);
    }

    #[test]
    fn french_sentences() {
        let text = "M. Dupont habite \u{e0} Orsay, cf. p. 12. Il a dit : \u{ab} Qui \u{ea}tes-vous ? \u{bb} Puis il est parti\u{2026} Mme. Durand aussi. \u{c0} demain !";
        let expected = [
            "M. Dupont habite \u{e0} Orsay, cf. p. 12. Il a dit : \u{ab} Qui \u{ea}tes-vous ? \u{bb}",
            "Puis il est parti\u{2026}",
            "Mme. Durand aussi.",
            "\u{c0} demain !",
        ];
        let found = sentences(text);
        assert_eq!(found.len(), expected.len() + 1, "{found:?}");
        assert_eq!(found[2..], expected[1..]);
    }

    #[test]
    fn items_years_and_blank_lines() {
        assert_eq!(sentences("Founded in 1995. It grew."), ["Founded in 1995.", "It grew."]);
        assert_eq!(sentences("1. Install\n2. Run it"), ["1. Install\n2. Run it"]);
        assert_eq!(sentences("no stop\n\nnext"), ["no stop", "next"]);
        assert_eq!(
            sentences("\u{3053}\u{308c}\u{3002}\u{305d}\u{308c}"),
            ["\u{3053}\u{308c}\u{3002}", "\u{305d}\u{308c}"]
        );
    }

    #[test]
    fn every_script_ends_its_sentences_in_its_own_way() {
        for text in [
            "\u{92f}\u{939} \u{90f}\u{915} \u{939}\u{948}\u{964} |\u{92f}\u{939} \u{926}\u{94b}\u{964}",
            "\u{623}\u{64a}\u{646}\u{61f} |\u{647}\u{646}\u{627}.",
            "\u{6cc}\u{6c1} \u{6c1}\u{6d2}\u{6d4} |\u{648}\u{6c1}\u{6d4}",
            "\u{3a0}\u{3bf}\u{3cd}; |\u{395}\u{3b4}\u{3ce}.",
            "\u{1780}\u{17d4} |\u{1781}\u{17d4}",
            "\u{c5d0} \u{c5fd}\u{b2c8}\u{b2e4}. |\u{c5f0}\u{ccb4}\u{b8cc}.",
        ] {
            let wanted: Vec<&str> = text.split('|').map(str::trim_end).collect();
            assert_eq!(sentences(&text.replace('|', "")), wanted);
        }
        // Thai: a space after a clause ends it, one beside a number or a short word does not
        let clause = "\u{e2b}\u{e49}\u{e2d}\u{e07}\u{e2a}\u{e21}\u{e38}\u{e14}".repeat(6);
        let text = format!("{clause} {clause} 15 {clause}");
        assert_eq!(sentences(&text), [clause.clone(), format!("{clause} 15 {clause}")]);
        assert_eq!(sentences("\u{e01}\u{e02} \u{e01}\u{e02}").len(), 1);
    }

    #[test]
    fn words_lines_and_characters() {
        assert_eq!(word_start("one two three", 0, 9), Some(8));
        assert_eq!(word_start("one two three", 0, 7), Some(7));
        assert_eq!(word_start("onetwo", 0, 3), None);
        assert_eq!(line_start("a\nb\nc d", 0, 6), Some(4));
        assert_eq!(line_start("aa\n\nb\nc d", 0, 6), Some(4));
        let code = "fn a() {\n    1\n}\n\nfn b() {\n    2\n}\n";
        assert_eq!(code_start(code, 0, code.len()), code.find("fn b"));
        assert_eq!(code_start(code, 0, code.len() - 2), code.find("fn b"));
        assert_eq!(character_start("ae\u{301}b", 0, 2), 1);
    }
}
