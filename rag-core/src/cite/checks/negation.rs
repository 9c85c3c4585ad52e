//! Which words of a text are denied: negations with their scope, clause by clause.
//!
//! Each negation denies what follows it in its clause; one in the scope of another cancels it. A
//! prohibition denies its whole clause. The focus is the word that a negation falls on first; a
//! text that lets it stand says the opposite.

use super::particles::{CONCORD, FRENCH_SECOND, LIGHT, PERMISSIONS, ParticleKind, negation_at};
use super::tokens::{FINITE, Gap, Token};

/// How one word of a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Stand {
    /// An odd number of negations holds it.
    pub(super) denied: bool,
    /// A negation falls on it first.
    pub(super) focus: bool,
    /// It may be read either way: the subject of a negation that stands in another word.
    pub(super) either: bool,
    /// It stands in an exception: "all but X".
    pub(super) excepted: bool,
}

/// A negation: its words, and the words that it holds.
#[derive(Debug)]
struct Negation {
    at: usize,
    from: usize,
    to: usize,
    kind: ParticleKind,
}

/// How each word stands, and how many negations there are.
pub(super) fn stands(tokens: &[Token]) -> (Vec<Stand>, usize) {
    let negations = negations(tokens);
    let mut stands = vec![Stand::default(); tokens.len()];
    for negation in &negations {
        apply(negation, tokens, &mut stands);
    }
    (stands, negations.len())
}

fn negations(tokens: &[Token]) -> Vec<Negation> {
    let mut found: Vec<Negation> = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let clause = tokens[index].clause;
        let is_second = || {
            let token = &tokens[index];
            let last = found.last().filter(|last| tokens[last.at].clause == clause);
            last.is_some_and(|last| {
                let french = tokens[last.at].is(&["ne", "n"]) && index - last.at <= 8;
                token.is(CONCORD) || (french && token.is(FRENCH_SECOND))
            })
        };
        if let Some((kind, from)) = negation_at(tokens, index).filter(|_| !is_second()) {
            let (kind, to) = scope(tokens, index, from, kind);
            // "not forbidden" is allowed
            let lifted = kind == ParticleKind::Whole
                && found.last().is_some_and(|last: &Negation| {
                    last.kind == ParticleKind::Forward && last.from <= index && index - last.at <= 4
                });
            if lifted {
                found.pop();
                index = from.max(index + 1);
                continue;
            }
            found.push(Negation { at: index, from, to, kind });
            index = from.max(index + 1);
        } else {
            index += 1;
        }
    }
    found
}

/// The words that a negation holds, up to `to`; permission denied is prohibition.
fn scope(tokens: &[Token], at: usize, from: usize, kind: ParticleKind) -> (ParticleKind, usize) {
    let clause = tokens[at].clause;
    // "no evidence that", "not known whether": the clause after it is meant
    let mut end =
        tokens.iter().rposition(|token| token.clause == clause).map_or(at, |last| last + 1);
    let light =
        tokens.get(from..end).unwrap_or_default().iter().take(5).any(|token| token.is(LIGHT));
    if light && tokens.get(end).is_some_and(|token| matches!(token.gap, Gap::Space)) {
        let next = tokens.get(end).map_or(clause, |token| token.clause);
        end = tokens.iter().rposition(|token| token.clause == next).map_or(end, |last| last + 1);
    }
    // a second half takes over: neither ... nor
    let rest = tokens.get(from..end).unwrap_or_default();
    if let Some(second) = rest.iter().position(|token| token.is(&["nor", "ni", "noch"])) {
        end = from + second;
    }
    match kind {
        ParticleKind::Forward => {
            let rest = tokens.get(from..end).unwrap_or_default().iter().take(4);
            let permission =
                rest.take_while(|token| token.gap == Gap::Space).any(|token| token.is(PERMISSIONS));
            (if permission { ParticleKind::Whole } else { kind }, end)
        }
        ParticleKind::Phrase | ParticleKind::Exception => (kind, phrase_end(tokens, from, end)),
        ParticleKind::Determiner | ParticleKind::Whole => (kind, end),
    }
}

/// A phrase ends at a verb, a comma, or after four words that carry meaning.
fn phrase_end(tokens: &[Token], from: usize, end: usize) -> usize {
    let mut content = 0;
    for (index, token) in tokens.iter().enumerate().take(end).skip(from) {
        let ends = index > from
            && (token.gap == Gap::Comma
                || token.is(FINITE)
                || token.is(&["but", "mais", "and", "et"]));
        if ends || content >= 4 {
            return index;
        }
        content += usize::from(token.is_content() || has_digit(token));
    }
    end
}

fn has_digit(token: &Token) -> bool {
    token.folded.bytes().any(|b| b.is_ascii_digit())
}

fn apply(negation: &Negation, tokens: &[Token], stands: &mut [Stand]) {
    let clause = tokens[negation.at].clause;
    let own = negation.at..negation.from.min(negation.at + 2);
    let in_clause = |index: &usize| tokens[*index].clause == clause;
    let mut from = negation.from;
    if negation.kind == ParticleKind::Determiner {
        from = determiner(negation, tokens, stands);
    }
    for stand in stands.iter_mut().take(negation.to).skip(from) {
        stand.denied = !stand.denied;
        stand.excepted |= negation.kind == ParticleKind::Exception;
    }
    let back: Vec<usize> = (0..negation.at).rev().filter(in_clause).collect();
    let mut focused = focus(tokens, from, negation.to, stands);
    if negation.kind == ParticleKind::Whole {
        back.iter().for_each(|&index| stands[index].either = true);
        if !focused {
            focused = deny_back(tokens, &back, stands);
        }
    }
    if tokens[negation.at].is(&["ne", "n"]) {
        // "plus" is no comparative here
        let second = (negation.at + 1..negation.to.min(negation.at + 8))
            .find(|&index| tokens[index].is(FRENCH_SECOND));
        second.into_iter().for_each(|index| stands[index].either = true);
    }
    if tokens[negation.at].is_content() {
        // the word itself is compared by what it does
        own.for_each(|index| stands[index].either = true);
    }
    if !focused && negation.kind == ParticleKind::Forward {
        // "er kommt nicht"
        deny_back(tokens, &back, stands);
    }
}

/// Denies what stands before a negation that nothing follows: "smoking is forbidden".
fn deny_back(tokens: &[Token], back: &[usize], stands: &mut [Stand]) -> bool {
    let content: Vec<usize> =
        back.iter().copied().filter(|&index| tokens[index].is_content()).collect();
    for &index in &content {
        stands[index] = Stand { denied: !stands[index].denied, either: false, ..stands[index] };
    }
    let Some(&last) = content.last() else { return false };
    stands[last].focus = true;
    true
}

/// "No dogs are allowed" denies the verb, "has no effect" the noun; what may be read either way is
/// marked. Gives the first word that is denied.
fn determiner(negation: &Negation, tokens: &[Token], stands: &mut [Stand]) -> usize {
    let scope = negation.from..negation.to;
    let verb = scope.clone().find(|&index| tokens[index].is(FINITE));
    let clause = tokens[negation.at].clause;
    let verb_before =
        (0..negation.at).any(|index| tokens[index].clause == clause && tokens[index].is(FINITE));
    match verb.filter(|_| !verb_before) {
        Some(verb) => {
            (scope.start..verb).for_each(|index| stands[index].either = true);
            verb + 1
        }
        None => {
            let before = (0..negation.at)
                .rev()
                .find(|&index| tokens[index].clause == clause && tokens[index].is_content());
            if let Some(before) = before {
                stands[before].either = true;
            }
            scope.start
        }
    }
}

/// Marks the first word that carries meaning, and the one after it where the first says little.
fn focus(tokens: &[Token], from: usize, to: usize, stands: &mut [Stand]) -> bool {
    let mut found = false;
    for index in from..to {
        let token = &tokens[index];
        if !token.is_content() {
            continue;
        }
        stands[index].focus = true;
        found = true;
        if !token.is(LIGHT) && !token.folded.ends_with("ly") {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cite::checks::tokens::tokens;

    fn denied(text: &str) -> Vec<String> {
        let tokens = tokens(text);
        let (stands, _) = stands(&tokens);
        let pairs = tokens.into_iter().zip(stands);
        pairs
            .filter(|(token, stand)| stand.denied && !stand.either && token.is_content())
            .map(|(token, _)| token.folded)
            .collect()
    }

    #[test]
    fn a_negation_holds_what_follows_in_its_clause() {
        assert_eq!(denied("The valve must not be opened, but the pump must run."), ["opened"]);
        assert_eq!(denied("It never caused fever and the dose was small."), ["caused", "fever"]);
        assert_eq!(denied("The drink is sweet without sugar."), ["sugar"]);
        assert_eq!(denied("Neither rain nor snow fell."), ["rain", "snow", "fell"]);
        assert_eq!(
            denied("There is no evidence that coffee causes cancer."),
            ["evidence", "coffee", "causes", "cancer"]
        );
        assert_eq!(denied("Opening the valve is forbidden."), ["opening", "valve"]);
        assert_eq!(denied("It was not only cheap but fast."), Vec::<String>::new());
        assert_eq!(denied("It costs no more than others."), Vec::<String>::new());
    }

    #[test]
    fn french_denies_with_two_words() {
        assert_eq!(denied("La vanne ne doit pas \u{ea}tre ouverte."), ["ouverte"]);
        assert_eq!(denied("Il n\u{2019}est plus malade."), ["malade"]);
        assert_eq!(denied("Il ne boit que du lait."), Vec::<String>::new());
        assert_eq!(denied("Le traitement n'a aucun effet."), ["effet"]);
        assert_eq!(denied("Aucun chien n'est admis."), ["admis"]);
        assert_eq!(denied("Il part avant qu'il ne pleuve."), Vec::<String>::new());
        assert_eq!(denied("D\u{e9}fense de fumer."), ["fumer"]);
        assert_eq!(denied("Une personne est venue."), Vec::<String>::new());
    }

    #[test]
    fn two_negations_are_none() {
        assert_eq!(denied("It is not without risk."), Vec::<String>::new());
        assert_eq!(denied("It did not fail to start."), Vec::<String>::new());
    }
}
