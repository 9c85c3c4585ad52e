//! Guesses the language of a text from its most frequent short words.
//!
//! Languages beside French and English are listed so that they are not mistaken for these two.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Where French stands in the list.
const FRENCH: usize = 1;

/// Letters that of these languages only French uses often.
const FRENCH_LETTERS: [char; 5] = ['\u{ea}', '\u{ee}', '\u{fb}', '\u{153}', '\u{eb}'];

/// Bytes of the text looked at, at up to three places.
const SAMPLE_BYTES: usize = 16 << 10;

/// Short words of each language, separated by spaces. A word that several languages share counts
/// for each.
const WORDS: [(&str, &str); 6] = [
    (
        "en",
        "the of and to is that for with are this was be by it from which not or you have an as at can \
         when what how who where does did do why there were has had i my your his her their its",
    ),
    (
        "fr",
        "le la les des et est une dans pour que qui du au aux sur par pas avec ce sont ou un cette il \
         elle nous vous ne se \u{e0} \u{e9}t\u{e9} o\u{f9} ses son sa leur dont mais je tu on a l d qu es c n \
         quel quelle quels quelles quand comment pourquoi combien en",
    ),
    (
        "de",
        "der die das und ist nicht ein eine mit von zu den auf f\u{fc}r im sich auch wird werden dem des \
         als war was wer wie wo",
    ),
    (
        "es",
        "el los las y es una por para con del se como m\u{e1}s pero su al la que un en no lo qu\u{e9} \
         cu\u{e1}l qui\u{e9}n",
    ),
    (
        "it",
        "il di che e \u{e8} per una della sono non con del gli nel alla anche pi\u{f9} la un si dei chi \
         quando",
    ),
    (
        "pt",
        "o os as da do das dos e que uma n\u{e3}o para com em mais na no s\u{e3}o um por ao a quem qual \
         quando",
    ),
];

/// For each listed word the languages it is listed for, a bit each.
static LANGUAGES_OF: LazyLock<HashMap<&'static str, u8>> = LazyLock::new(|| {
    let mut languages = HashMap::new();
    for (language, (_, list)) in WORDS.iter().enumerate() {
        for word in list.split(' ') {
            *languages.entry(word).or_default() |= 1 << language;
        }
    }
    languages
});

/// Fewest listed words that make a guess.
const MIN_WORDS: usize = 2;

/// The language as an ISO 639-1 code, or nothing if the text is short or undecided.
pub(crate) fn guess(text: &str) -> Option<&'static str> {
    // A table of contents at the start says little.
    let third = text.len() / 3;
    [0, third, 2 * third].into_iter().find_map(|start| {
        let start = text.ceil_char_boundary(start);
        let end = text.floor_char_boundary(start.saturating_add(SAMPLE_BYTES));
        let sample = text.get(start..end)?;
        // the rest of a word that was cut may be a word of another language
        let whole = match start {
            0 => 0,
            _ => sample.find(char::is_whitespace)?,
        };
        guess_sample(&sample[whole..])
    })
}

fn guess_sample(sample: &str) -> Option<&'static str> {
    let mut counts = [0_usize; WORDS.len()];
    let mut total = 0_usize;
    for word in sample.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        total += 1;
        if word.len() > 8 {
            continue;
        }
        let word = word.to_lowercase();
        counts[FRENCH] += usize::from(word.contains(FRENCH_LETTERS));
        let listed = LANGUAGES_OF.get(word.as_str()).copied().unwrap_or(0);
        for (language, count) in counts.iter_mut().enumerate() {
            *count += usize::from(listed >> language & 1);
        }
    }
    let best = (0..counts.len()).max_by_key(|&index| counts[index])?;
    let runner_up = (0..counts.len()).filter(|&i| i != best).map(|i| counts[i]).max()?;
    // One listed word in ten is far below prose in any of these languages (about four in ten).
    let sure = counts[best] >= MIN_WORDS
        && counts[best] * 2 >= runner_up * 3
        && counts[best] * 10 >= total;
    sure.then_some(WORDS[best].0)
}

/// The ISO 639-1 part of a language tag such as `fr-CA`.
pub(in crate::document) fn primary_language(tag: &str) -> Option<String> {
    let code = tag.trim().split(['-', '_']).next()?.to_ascii_lowercase();
    (code.len() == 2 && code.bytes().all(|b| b.is_ascii_lowercase())).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_told_apart() {
        let english = "The laboratory was founded in 1995 and it is part of the university.";
        let french = "Le laboratoire a \u{e9}t\u{e9} cr\u{e9}\u{e9} en 1995 et il est rattach\u{e9} \u{e0} une universit\u{e9} dans la ville.";
        let german = "Das Labor ist im Jahr 1995 von der Universit\u{e4}t gegr\u{fc}ndet worden und wird nicht mit dem Institut verwechselt.";
        let spanish = "El laboratorio fue fundado en 1995 por la universidad y es uno de los m\u{e1}s grandes para los estudiantes del pa\u{ed}s.";
        assert_eq!(guess(english), Some("en"));
        assert_eq!(guess(french), Some("fr"));
        assert_eq!(guess(german), Some("de"));
        assert_eq!(guess(spanish), Some("es"));
    }

    #[test]
    fn short_questions_are_told_apart() {
        for question in [
            "Qui es-tu et en quelle ann\u{e9}e a \u{e9}t\u{e9} cr\u{e9}\u{e9} le laboratoire ?",
            "Quelle est la capitale ?",
            "O\u{f9} se trouve le laboratoire ?",
            "Comment installer un paquet Debian ?",
            "Qu'est-ce que la rocade ?",
            "Combien de chercheurs y a-t-il ?",
        ] {
            assert_eq!(guess(question), Some("fr"), "{question}");
        }
        for question in [
            "When was the lab founded?",
            "Who founded the laboratory?",
            "How do I install a package?",
            "What does Debian policy require?",
            "Is it an open question?",
        ] {
            assert_eq!(guess(question), Some("en"), "{question}");
        }
    }

    #[test]
    fn unsure_is_nothing() {
        assert_eq!(guess(""), None);
        assert_eq!(guess("alpha beta gamma 12 34"), None);
        assert_eq!(guess("fn main() { let x = 1; }"), None);
        // cut after a third, "Aikuisten" would end as a French word
        let finnish = "Uimahalli avataan arkisin kello seitsem\u{e4}n. Aikuisten p\u{e4}\u{e4}sylippu maksaa viisi euroa. \
                       Uimalakkeja lainataan kassalta. Uinninvalvojan nimi on Pekka Laine.";
        assert_eq!(guess(finnish), None);
    }
}
