//! What must be, may be, must not be and need not be: not to be taken for one another.

use super::tokens::Token;
use super::{Disagreement, Reading, Reason};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Obligation,
    Permission,
    Prohibition,
    /// Need not.
    Freedom,
}

const MUST: &[&str] = &[
    "must",
    "shall",
    "should",
    "ought",
    "required",
    "obliged",
    "mandatory",
    "doit",
    "doivent",
    "devra",
    "devront",
    "devrait",
    "devraient",
    "faut",
    "faudra",
    "tenu",
    "tenus",
    "oblige",
    "obliges",
    "obligee",
    "obligatoire",
    "imperatif",
    "muss",
    "mussen",
    "soll",
    "debe",
    "deben",
    "deve",
    "devono",
    "devem",
    "moet",
    "moeten",
];

const NEED: &[&str] = &[
    "need",
    "needs",
    "needed",
    "necessary",
    "necessaire",
    "have",
    "has",
    "had",
    "a",
    "ont",
    "braucht",
];

const MAY: &[&str] = &[
    "may",
    "can",
    "could",
    "might",
    "allowed",
    "permitted",
    "optional",
    "peut",
    "peuvent",
    "pourra",
    "pourront",
    "pourrait",
    "pourraient",
    "permis",
    "autorise",
    "autorisee",
    "autorises",
    "facultatif",
    "darf",
    "kann",
    "konnen",
    "durfen",
    "puede",
    "pueden",
    "puo",
    "possono",
    "pode",
    "podem",
    "mag",
    "mogen",
    "kan",
];

const DENIALS: &[&str] = &["not", "no", "never", "pas", "nicht", "non", "n", "ne", "nao", "niet"];

/// How far after a modal its verb stands at most, and how far before a verb its modal.
const REACH: usize = 7;

/// The fault of a claim whose verb stands under another modal than in the span.
pub(super) fn find(claim: &Reading, span: &Reading) -> Option<Disagreement> {
    for (index, token) in claim.tokens.iter().enumerate() {
        let Some(mode) = mode_at(&claim.tokens, index) else { continue };
        let verbs = claim.tokens.iter().skip(index + 1).take(REACH);
        let verbs = verbs.take_while(|verb| verb.clause == token.clause);
        for verb in verbs.filter(|verb| verb.is_content() && !verb.is(MUST) && !verb.is(MAY)) {
            let modes: Vec<Mode> = modes_of(span, &verb.key);
            if modes.is_empty() {
                continue;
            }
            let agrees = modes.contains(&mode);
            let text = format!(
                "{:?} is {} in the claim and {} in the passage",
                verb.folded,
                mode.name(),
                modes[0].name()
            );
            if !agrees {
                return Some(Disagreement::new(Reason::Modality, text));
            }
            break;
        }
    }
    None
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Mode::Obligation => "what must be",
            Mode::Permission => "what may be",
            Mode::Prohibition => "what must not be",
            Mode::Freedom => "what need not be",
        }
    }
}

/// The modes under which a word stands in the span, one per occurrence that has any.
fn modes_of(span: &Reading, key: &str) -> Vec<Mode> {
    let places = span.tokens.iter().enumerate().filter(|(_, token)| token.key == key);
    places
        .filter_map(|(place, token)| {
            let from = place.saturating_sub(REACH);
            (from..place)
                .rev()
                .filter(|&at| span.tokens[at].clause == token.clause)
                .find_map(|at| mode_at(&span.tokens, at))
        })
        .collect()
}

/// The mode that the word at `index` sets.
fn mode_at(tokens: &[Token], index: usize) -> Option<Mode> {
    let token = &tokens[index];
    let next = tokens.get(index + 1).map_or("", |token| token.folded.as_str());
    let after_next = tokens.get(index + 2).map_or("", |token| token.folded.as_str());
    let denies = |distance: usize| {
        let word = index.checked_sub(distance).and_then(|at| tokens.get(at));
        word.is_some_and(|word| word.clause == token.clause && word.is(DENIALS))
    };
    let not_after = matches!(next, "not" | "never" | "pas" | "jamais" | "nicht")
        || (matches!(next, "en" | "y" | "t" | "il" | "on")
            && matches!(after_next, "pas" | "jamais"));
    if token.is(NEED) {
        let is_need = match token.folded.as_str() {
            "have" | "has" | "had" => next == "to",
            "a" | "ont" => denies(1) && not_after && after_next == "a",
            _ => true,
        };
        return is_need.then_some(if denies(1) || denies(2) || not_after {
            Mode::Freedom
        } else {
            Mode::Obligation
        });
    }
    if token.is(MUST) {
        let is_participle = token.is(&[
            "required",
            "obliged",
            "mandatory",
            "tenu",
            "tenus",
            "oblige",
            "obliges",
            "obligee",
            "obligatoire",
        ]);
        return Some(
            match (denies(1) || not_after || (is_participle && denies(2)), is_participle) {
                (true, true) => Mode::Freedom,
                (true, false) => Mode::Prohibition,
                (false, _) => Mode::Obligation,
            },
        );
    }
    token.is(MAY).then_some(if denies(1) || not_after {
        Mode::Prohibition
    } else {
        Mode::Permission
    })
}
