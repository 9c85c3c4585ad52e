//! Who does what to whom, what is compared with what, and from where to where.

use super::tokens::{Gap, Token};
use super::{Disagreement, Reading, Reason};

/// The fault of a claim that turns around who does something and to whom, or from where to where.
pub(super) fn find(claim: &Reading, span: &Reading) -> Option<Disagreement> {
    (0..claim.tokens.len())
        .find_map(|index| verb_turned(claim, span, index))
        .or_else(|| compared(claim, span))
        .or_else(|| way_turned(claim, span))
}

/// Verbs whose sides may be exchanged.
const SYMMETRIC: &[&str] = &[
    "met",
    "meet",
    "meets",
    "married",
    "marry",
    "played",
    "play",
    "plays",
    "faced",
    "face",
    "joined",
    "equals",
    "equal",
    "resembles",
    "fought",
    "borders",
    "bordered",
    "accompanied",
    "epouse",
    "rencontre",
    "including",
    "include",
    "includes",
    "called",
    "named",
    "known",
    "like",
    "near",
    "versus",
    "between",
];

fn verb_turned(claim: &Reading, span: &Reading, index: usize) -> Option<Disagreement> {
    let verb = &claim.tokens[index];
    if !verb.is_content() || verb.is_capital || verb.is(SYMMETRIC) {
        return None;
    }
    let only = |same: &dyn Fn(&Token) -> bool| {
        let mut places = span.tokens.iter().enumerate().filter(|(_, token)| same(token));
        places.next().filter(|_| places.next().is_none()).map(|(place, _)| place)
    };
    let by_form = || only(&|token: &Token| token.folded == verb.folded);
    let place = only(&|token: &Token| token.key == verb.key).or_else(by_form)?;
    let (subject, object) = (side(claim, index, false), side(claim, index, true));
    let (other_subject, other_object) = (side(span, place, false), side(span, place, true));
    let (Some(doer), Some(done)) = (subject.first(), object.first()) else { return None };
    let turned = is_passive(claim, index)? != is_passive(span, place)?;
    let (expected_subject, expected_object) =
        if turned { (&other_object, &other_subject) } else { (&other_subject, &other_object) };
    let swapped = expected_object.contains(doer)
        && expected_subject.contains(done)
        && !expected_subject.contains(doer)
        && !expected_object.contains(done);
    swapped.then(|| {
        Disagreement::new(
            Reason::Role,
            format!("{doer:?} and {done:?} stand on the other sides of {:?}", claim.word(index)),
        )
    })
}

/// The words of meaning next to a verb on one side, nearest first; a list has no sides.
fn side(reading: &Reading, index: usize, after: bool) -> Vec<String> {
    let clause = reading.tokens[index].clause;
    let places: Vec<usize> = if after {
        (index + 1..reading.tokens.len().min(index + 8)).collect()
    } else {
        (index.saturating_sub(7)..index).rev().collect()
    };
    let mut keys = Vec::new();
    for at in places {
        let token = &reading.tokens[at];
        // the gap stands before its word
        let gap = if after { token.gap } else { reading.tokens[at + 1].gap };
        if token.clause != clause
            || matches!(gap, Gap::Comma | Gap::Stop)
            || token.is(&["and", "or", "et", "ou"])
        {
            break;
        }
        if token.is_content() {
            keys.push(token.key.clone());
        }
        if keys.len() == 4 {
            break;
        }
    }
    keys
}

/// Whether something is done by someone, by a form of "be" before the verb and a "by" after it;
/// `None` where only one of them stands there.
fn is_passive(reading: &Reading, verb: usize) -> Option<bool> {
    let clause = reading.tokens[verb].clause;
    let be = [
        "is", "are", "was", "were", "be", "been", "being", "est", "sont", "fut", "furent", "ete",
        "etait", "etaient", "wurde", "wird", "fue", "fu", "werd",
    ];
    let by = ["by", "par", "von", "por", "da", "dal", "door"];
    let before = reading.tokens[verb.saturating_sub(3)..verb].iter();
    let has_be = before.filter(|token| token.clause == clause).any(|token| token.is(&be));
    let after = reading.tokens.iter().skip(verb + 1).take(12);
    let has_by = after.take_while(|token| token.clause == clause).any(|token| token.is(&by));
    (has_be == has_by).then_some(has_be)
}

/// "A is larger than B" where the span says it of B and A.
fn compared(claim: &Reading, span: &Reading) -> Option<Disagreement> {
    let (left, word, right) = comparison(claim)?;
    let (other_left, other_word, other_right) = comparison(span)?;
    let same_word = word == other_word;
    let turned =
        (left == other_right || right == other_left) && left != other_left && right != other_right;
    (same_word && turned).then(|| {
        Disagreement::new(
            Reason::Role,
            format!("{left:?} and {right:?} are compared the other way round"),
        )
    })
}

/// What stands before a comparative, the comparative, and what it is compared with.
fn comparison(reading: &Reading) -> Option<(String, String, String)> {
    let than = reading
        .tokens
        .iter()
        .position(|token| token.is(&["than"]) || is_french_than(reading, token))
        .or_else(|| {
            reading.tokens.iter().position(|token| token.is(&["before", "after", "avant", "apres"]))
        })?;
    let relation = reading.tokens[than].is(&["before", "after", "avant", "apres"]);
    let mut content = (0..than).rev().filter(|&at| counts(&reading.tokens[at]));
    let word = if relation { than } else { content.next()? };
    // the subject, not what stands between
    let clause = reading.tokens[than].clause;
    let left = (0..word)
        .filter(|&at| reading.tokens[at].clause == clause)
        .find(|&at| counts(&reading.tokens[at]))?;
    let right = (than + 1..reading.tokens.len()).find(|&at| counts(&reading.tokens[at]))?;
    let key = |at: usize| match reading.tokens[at].key.as_str() {
        "" => reading.tokens[at].folded.clone(),
        key => key.to_owned(),
    };
    Some((key(left), key(word), key(right)))
}

fn is_french_than(reading: &Reading, token: &Token) -> bool {
    let at = reading.tokens.iter().position(|other| std::ptr::eq(other, token)).unwrap_or(0);
    let before = reading.tokens.get(at.saturating_sub(3)..at).unwrap_or_default();
    token.is(&["que", "qu"]) && before.iter().any(|token| token.is(&["plus", "moins"]))
}

fn counts(token: &Token) -> bool {
    token.is_content() || token.folded.starts_with(|c: char| c.is_ascii_digit())
}

/// "From A to B" where the span says from B to A.
fn way_turned(claim: &Reading, span: &Reading) -> Option<Disagreement> {
    let (claimed, held) = (ways(claim), ways(span));
    let (from, to) = claimed.into_iter().find(|(from, to)| {
        held.contains(&(to.clone(), from.clone())) && !held.contains(&(from.clone(), to.clone()))
    })?;
    Some(Disagreement::new(Reason::Role, format!("it is from {to:?} to {from:?}")))
}

fn ways(reading: &Reading) -> Vec<(String, String)> {
    let mut ways = Vec::new();
    for (at, token) in reading.tokens.iter().enumerate() {
        if !token.is(&["from", "de", "du", "von"]) {
            continue;
        }
        let near = reading.tokens.iter().enumerate().skip(at + 2).take(4);
        let to = near
            .filter(|(_, token)| token.is(&["to", "a", "au", "nach", "vers"]))
            .map(|(at, _)| at)
            .next();
        let first = |from: usize| {
            reading.tokens.get(from + 1..)?.iter().take(3).find(|token| counts(token))
        };
        let ends = to.and_then(|to| Some((first(at)?, first(to)?)));
        if let Some((from, to)) = ends {
            ways.push((from.folded.clone(), to.folded.clone()));
        }
    }
    ways
}
