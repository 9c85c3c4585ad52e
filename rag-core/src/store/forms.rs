//! The forms of a word whose stem is not in the index: what a question of any language but French
//! and English is looked for by.
//!
//! Words that begin alike are forms of one word if what is alike is most of them: endings (German,
//! Spanish, Russian, Greek, Turkish, Finnish, Hindi), particles (Korean), a noun at the head of a
//! compound. Arabic and Hebrew write articles, prepositions and "and" in front as one word, so
//! these may be missing or added. The words of a file are looked through by their first letters, so
//! nothing but the question changes, and files of before are found as well.

/// Letters that a form must share from its start, and the most that it may have besides.
const MIN_SHARED: usize = 4;
/// As [`MIN_SHARED`], in scripts that leave vowels out or write them as marks.
const MIN_SHARED_SHORT: usize = 3;
/// Syllables of Korean that a form must share.
const MIN_SHARED_HANGUL: usize = 2;
/// Most syllables of particles behind a Korean word.
const MAX_PARTICLES: usize = 3;
/// The share of the longer word that must be alike, in tenths.
const SHARED_TENTHS: usize = 7;
/// Letters of a word looked at.
const MAX_LETTERS: usize = 32;

/// What Arabic writes in front of a word, the longest first.
const ARABIC: &[&str] = &[
    "\u{648}\u{627}\u{644}",
    "\u{628}\u{627}\u{644}",
    "\u{641}\u{627}\u{644}",
    "\u{643}\u{627}\u{644}",
    "\u{644}\u{644}",
    "\u{627}\u{644}",
    "\u{648}",
    "\u{628}",
    "\u{641}",
    "\u{643}",
    "\u{644}",
];
/// What Hebrew writes in front of a word, the longest first.
const HEBREW: &[&str] = &[
    "\u{5d5}\u{5d4}",
    "\u{5e9}\u{5d4}",
    "\u{5de}\u{5d4}",
    "\u{5db}\u{5e9}",
    "\u{5d4}",
    "\u{5d5}",
    "\u{5d1}",
    "\u{5dc}",
    "\u{5de}",
    "\u{5e9}",
    "\u{5db}",
];
/// Letters that must be left of a word without what is written in front.
const MIN_BASE: usize = 3;

/// The forms of each of some words that follow each other.
pub(super) type Phrase = Vec<Vec<String>>;

/// A word and what counts as a form of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WordForms {
    /// Its letters, without what its script writes in front.
    base: Vec<char>,
    script: Script,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Hangul,
    /// Arabic and Hebrew, with what they write in front.
    Joined(&'static [&'static str]),
    /// Indic and the like: vowels are marks, words have few letters.
    Marked,
    /// Latin, where the index holds stems of French and English.
    Latin,
    Other,
}

impl WordForms {
    /// The forms of a folded word; `None` if it has none: a number, a word too short to tell.
    pub(super) fn of(word: &str) -> Option<Self> {
        let script = script(word.chars().next()?);
        let mut base = letters(word);
        if let Script::Joined(front) = script {
            base = without_front(&base, front).to_vec();
        }
        let forms = Self { base, script };
        let enough = forms.base.len() >= forms.min_shared();
        (enough && forms.base.iter().all(|c| c.is_alphabetic())).then_some(forms)
    }

    /// Whether it may only stand in documents whose words are indexed as they are, without a stem.
    pub(super) fn is_latin(&self) -> bool {
        self.script == Script::Latin
    }

    /// What the words begin with that may be forms of it.
    pub(super) fn starts(&self) -> Vec<String> {
        let shared = match self.script {
            Script::Hangul => self.min_shared().max(self.base.len().saturating_sub(MAX_PARTICLES)),
            _ => self.min_shared().max((self.base.len() * SHARED_TENTHS).div_ceil(10)),
        };
        let shared: Vec<char> = self.base.iter().take(shared).copied().collect();
        let Script::Joined(front) = self.script else { return vec![shared.iter().collect()] };
        let mut starts = Vec::new();
        for first in spellings(shared[0]) {
            let rest: String = [first].iter().chain(&shared[1..]).collect();
            starts.extend(front.iter().map(|front| format!("{front}{rest}")));
            starts.push(rest);
        }
        starts
    }

    /// Whether a word of the index is a form of it.
    pub(super) fn holds(&self, word: &str) -> bool {
        let held = letters(word);
        let held = match self.script {
            Script::Joined(front) => without_front(&held, front),
            _ => held.as_slice(),
        };
        let shared = self.base.iter().zip(held).take_while(|(a, b)| a == b).count();
        let longest = self.base.len().max(held.len());
        shared >= self.min_shared()
            && match self.script {
                Script::Hangul => longest - shared <= MAX_PARTICLES,
                _ => shared * 10 >= longest * SHARED_TENTHS,
            }
    }

    fn min_shared(&self) -> usize {
        match self.script {
            Script::Hangul => MIN_SHARED_HANGUL,
            Script::Joined(_) | Script::Marked => MIN_SHARED_SHORT,
            Script::Latin | Script::Other => MIN_SHARED,
        }
    }
}

/// The letters of a word in the one spelling they are compared in: Arabic without vowel signs, one
/// form of alef, yeh and the feminine ending.
fn letters(word: &str) -> Vec<char> {
    let is_sign = |c: &char| matches!(c, '\u{64b}'..='\u{65f}' | '\u{640}' | '\u{670}' | '\u{591}'..='\u{5c7}');
    let plain = |c| match c {
        '\u{622}' | '\u{623}' | '\u{625}' => '\u{627}',
        '\u{649}' => '\u{64a}',
        '\u{629}' => '\u{647}',
        other => other,
    };
    word.chars().filter(|c| !is_sign(c)).map(plain).take(MAX_LETTERS).collect()
}

/// How the first letter of a word may be written that is compared as `letter`.
fn spellings(letter: char) -> Vec<char> {
    match letter {
        '\u{627}' => vec!['\u{627}', '\u{623}', '\u{625}', '\u{622}'],
        other => vec![other],
    }
}

fn without_front<'a>(word: &'a [char], front: &[&str]) -> &'a [char] {
    let cut = front.iter().find_map(|front| {
        let len = front.chars().count();
        let begins = word.iter().copied().take(len).eq(front.chars());
        (begins && word.len() >= len + MIN_BASE).then_some(len)
    });
    &word[cut.unwrap_or(0)..]
}

fn script(first: char) -> Script {
    match first {
        '\u{ac00}'..='\u{d7a3}' => Script::Hangul,
        '\u{600}'..='\u{6ff}' => Script::Joined(ARABIC),
        '\u{590}'..='\u{5ff}' => Script::Joined(HEBREW),
        '\u{900}'..='\u{dff}' => Script::Marked,
        '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Script::Latin,
        _ => Script::Other,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::fold::fold;

    /// Whether one is a form of the other, and is looked for where it stands.
    fn alike(asked: &str, held: &str) -> bool {
        let (asked, held) = (fold(asked), fold(held));
        let Some(forms) = WordForms::of(&asked) else { return false };
        let found = forms.starts().iter().any(|start| held.starts_with(start.as_str()));
        let holds = forms.holds(&held);
        assert!(found || !holds, "{asked} {held} is a form that is not looked for");
        holds
    }

    #[test]
    fn endings_particles_and_what_stands_in_front_make_forms() {
        for (asked, held) in [
            ("연체료", "연체료는"),
            ("연체료가", "연체료는"),
            ("관장이", "관장님은"),
            ("도서관", "도서관에서는"),
            ("Mahngeb\u{fc}hr", "Mahngeb\u{fc}hren"),
            ("Feiertag", "Feiertagen"),
            ("библиотека", "библиотеку"),
            ("βιβλιοθήκη", "βιβλιοθήκης"),
            ("k\u{fc}t\u{fc}phanenin", "k\u{fc}t\u{fc}phane"),
            ("مكتبة", "والمكتبة"),
            ("المدير", "مدير"),
            ("إدارة", "الادارة"),
            ("ספרייה", "בספרייה"),
            ("पुस्तक", "पुस्तकें"),
        ] {
            // a virama parts words of the index
            let first = |text: &str| text.split('\u{94d}').next().unwrap().to_owned();
            assert!(
                alike(&first(asked), &first(held)) || first(asked) == first(held),
                "{asked} {held}"
            );
        }
    }

    #[test]
    fn other_words_are_no_forms() {
        for (asked, held) in [
            ("연체료", "회원은"),
            ("Haus", "Hausordnung"),
            ("библиотека", "библия"),
            ("1995", "19951"),
            ("مكتبة", "مدرسة"),
            ("car", "care"),
        ] {
            assert!(!alike(asked, held), "{asked} {held}");
        }
    }
}
