//! Names that a claim brings in.

use super::tokens::{Gap, Token};
use super::{ClaimContext, Disagreement, Reading, Reason};

/// The fault of a claim that names what neither span nor question name.
pub(super) fn find(
    claim: &Reading,
    span: &Reading,
    context: &ClaimContext<'_>,
) -> Option<Disagreement> {
    if is_capitalised_throughout(claim) || is_german(claim) {
        return None;
    }
    let missing = (0..claim.tokens.len())
        .filter(|&index| is_name(claim, index, context))
        .find(|&index| !is_known(claim, index, span, context))?;
    Some(Disagreement::new(Reason::Entity, format!("{:?} is not named there", claim.word(missing))))
}

/// A title, or a language in which capitals say little.
fn is_capitalised_throughout(claim: &Reading) -> bool {
    let content: Vec<&Token> = claim.tokens.iter().filter(|token| token.is_content()).collect();
    let capital = content.iter().filter(|token| token.is_capital).count();
    content.len() >= 5 && capital * 10 >= content.len() * 9
}

fn is_german(claim: &Reading) -> bool {
    let small = [
        "der", "die", "das", "und", "ist", "nicht", "den", "dem", "ein", "eine", "wird", "im",
        "zu", "von",
    ];
    claim.tokens.iter().filter(|token| token.is(&small)).count() >= 2
}

fn is_name(claim: &Reading, index: usize, context: &ClaimContext<'_>) -> bool {
    let token = &claim.tokens[index];
    if !token.is_capital
        || !token.is_content()
        || token.folded.len() < 2
        || MONTHS_AND_SUCH.contains(&token.folded.as_str())
    {
        return false;
    }
    let begins = index == 0 || claim.begins_sentence(index);
    if !begins {
        return true;
    }
    let next = claim.tokens.get(index + 1);
    let goes_on =
        next.is_some_and(|next| next.gap == Gap::Space && next.is_capital && next.is_content());
    goes_on || is_name_alone(token, context)
}

/// Whether a word that begins a sentence is a name: it has no ending of a common word and is
/// nowhere written small.
fn is_name_alone(token: &Token, context: &ClaimContext<'_>) -> bool {
    let endings = [
        "s", "ing", "ed", "ly", "ion", "ment", "ity", "ite", "ance", "ence", "ness", "er", "eur",
        "ure", "age", "al", "ive", "ous", "ique", "able", "ible", "ist", "ism",
    ];
    let common = endings.iter().any(|ending| token.folded.ends_with(ending))
        || COMMON_OPENERS.contains(&token.folded.as_str());
    !common && !context.writes_small(&token.folded) && context.has_other_name(&token.folded)
}

/// Words with a capital that the figures look after, or that address.
const MONTHS_AND_SUCH: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "mr",
    "mrs",
    "ms",
    "dr",
    "prof",
    "sir",
    "yes",
    "no",
    "oui",
    "non",
    "am",
    "pm",
    "ii",
    "monsieur",
    "madame",
];

/// Words that open sentences of an answer.
const COMMON_OPENERS: &[&str] = &[
    "according",
    "however",
    "therefore",
    "moreover",
    "furthermore",
    "both",
    "each",
    "every",
    "all",
    "many",
    "most",
    "several",
    "during",
    "between",
    "among",
    "after",
    "before",
    "under",
    "over",
    "overall",
    "here",
    "now",
    "today",
    "additionally",
    "based",
    "given",
    "because",
    "since",
    "while",
    "although",
    "selon",
    "apres",
    "avant",
    "pendant",
    "depuis",
    "entre",
    "chaque",
    "plusieurs",
    "lors",
    "cependant",
    "ensuite",
    "enfin",
    "sous",
    "chez",
    "certain",
    "tout",
    "toute",
    "people",
    "use",
    "open",
    "close",
    "call",
    "take",
    "keep",
    "make",
    "find",
    "let",
    "please",
    "note",
    "answer",
    "question",
    "context",
    "document",
    "passage",
    "text",
    "author",
    "reponse",
    "article",
    "one",
];

fn is_known(claim: &Reading, index: usize, span: &Reading, context: &ClaimContext<'_>) -> bool {
    let token = &claim.tokens[index];
    let in_span = || span.tokens.iter().any(|other| is_same_name(token, other));
    let asked = || context.question.tokens.iter().any(|other| is_same_name(token, other));
    in_span()
        || asked()
        || is_acronym(token, span)
        || spells_out(claim, index, span)
        || context.titles.iter().any(|title| {
            title.split(|c: char| !c.is_alphanumeric()).any(|word| word == token.folded)
        })
        || completes(claim, index, span, context)
        || (refers_back(span) && context.before_span(&token.folded))
}

/// Equal but for the ending: Europe, European.
fn is_same_name(a: &Token, b: &Token) -> bool {
    if a.folded == b.folded || (a.is_content() && a.key == b.key) {
        return true;
    }
    let shared = a.folded.bytes().zip(b.folded.bytes()).take_while(|(a, b)| a == b).count();
    let shorter = a.folded.len().min(b.folded.len());
    let related = [
        ("franc", "french"),
        ("brit", "brit"),
        ("spain", "spanish"),
        ("engl", "engl"),
        ("dane", "danish"),
        ("poland", "polish"),
        ("wales", "welsh"),
        ("greece", "greek"),
        ("scot", "scot"),
        ("turk", "turk"),
        ("irland", "irland"),
    ];
    let in_table = related.iter().any(|(x, y)| {
        (a.folded.starts_with(x) && b.folded.starts_with(y))
            || (a.folded.starts_with(y) && b.folded.starts_with(x))
    });
    in_table || (shorter >= 5 && shared + 1 >= shorter)
}

/// NFL for the National Football League.
fn is_acronym(token: &Token, span: &Reading) -> bool {
    let letters: Vec<char> = token.folded.chars().collect();
    let initials: Vec<char> =
        span.tokens.iter().filter_map(|other| other.folded.chars().next()).collect();
    let capitals: Vec<char> = span
        .tokens
        .iter()
        .filter(|other| other.is_capital)
        .filter_map(|other| other.folded.chars().next())
        .collect();
    letters.len() >= 2
        && (initials.windows(letters.len()).any(|window| window == letters)
            || capitals.windows(letters.len()).any(|window| window == letters))
}

/// The words of a long name whose letters stand in the span as one word.
fn spells_out(claim: &Reading, index: usize, span: &Reading) -> bool {
    let is_part = |token: &Token| token.is_capital && token.is_content();
    let first =
        (0..=index).rev().take_while(|&at| is_part(&claim.tokens[at])).last().unwrap_or(index);
    let run = claim.tokens.iter().skip(first).take_while(|token| is_part(token));
    let initials: String = run.filter_map(|token| token.folded.chars().next()).collect();
    initials.len() >= 2 && span.tokens.iter().any(|token| token.folded == initials)
}

/// A first name or a surname beside the part of the name that stands in the span, as elsewhere in
/// the passage.
fn completes(claim: &Reading, index: usize, span: &Reading, context: &ClaimContext<'_>) -> bool {
    let token = &claim.tokens[index];
    let neighbours = [index.checked_sub(1), Some(index + 1)];
    neighbours.into_iter().flatten().filter_map(|at| claim.tokens.get(at)).any(|other| {
        other.is_capital
            && span.tokens.iter().any(|held| held.folded == other.folded)
            && context.side_by_side(&token.folded, &other.folded)
    })
}

/// Whether the span begins with a word for something named before it.
fn refers_back(span: &Reading) -> bool {
    let words = [
        "he", "she", "it", "they", "his", "her", "their", "its", "this", "these", "il", "elle",
        "ils", "elles", "son", "sa", "ses", "leur", "leurs", "ce", "cette", "ces", "celui",
        "celle",
    ];
    span.tokens.iter().take(8).any(|token| token.is(&words))
}

/// The fault of a claim that names what a span in another language does not. Names of places and
/// peoples differ between languages, so half of a claim's names are asked for, and a name within it
/// that is written alike.
pub(super) fn foreign(claim: &Reading, span: &Reading) -> Option<Disagreement> {
    let named = |reading: &Reading| -> Vec<String> {
        let names = reading
            .tokens
            .iter()
            .enumerate()
            .filter(|(at, token)| *at > 0 && token.is_capital && token.is_content());
        names
            .filter(|(at, _)| !reading.begins_sentence(*at))
            .map(|(_, token)| token.folded.clone())
            .collect()
    };
    let claimed: Vec<String> =
        named(claim).into_iter().filter(|name| !MONTHS_AND_SUCH.contains(&name.as_str())).collect();
    let start = |name: &str| name.chars().take(4).collect::<String>();
    let held: Vec<String> = span.tokens.iter().map(|token| start(&token.folded)).collect();
    let missing: Vec<&String> =
        claimed.iter().filter(|name| !held.contains(&start(name))).collect();
    let first = missing.first()?;
    (missing.len() * 2 > claimed.len())
        .then(|| Disagreement::new(Reason::Entity, format!("{first:?} is not named there")))
}

/// Whether a text names what the other does not, anywhere but at the start of a sentence.
pub(super) fn brings_own(reading: &Reading, other: &Reading) -> bool {
    let names = reading.tokens.iter().enumerate().filter(|(at, token)| {
        *at > 0 && token.is_capital && token.is_content() && !reading.begins_sentence(*at)
    });
    names
        .filter(|(_, token)| !MONTHS_AND_SUCH.contains(&token.folded.as_str()))
        .any(|(_, token)| !other.tokens.iter().any(|held| is_same_name(token, held)))
}
