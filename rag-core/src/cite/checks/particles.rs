//! The words that deny, in English and French, and the main ones of German, Spanish, Italian,
//! Portuguese and Dutch.

use super::tokens::{Gap, Token};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParticleKind {
    /// What follows in the clause: not, never, ne ... pas.
    Forward,
    /// A determiner: no, aucun, kein.
    Determiner,
    /// The few words after it: without, instead of.
    Phrase,
    /// As `Phrase`, and an exception to the rest.
    Exception,
    /// The whole clause: forbidden, not allowed.
    Whole,
}

/// Words that go along with a denial before them: one denial in many words.
pub(super) const CONCORD: &[&str] = &[
    "nunca", "jamas", "nadie", "ningun", "ninguna", "nessuno", "nessun", "nenhum", "nenhuma",
    "aucun", "aucune", "tampoco", "nulle", "guere", "ninguem",
];

const FORWARD: &[&str] = &[
    "not", "never", "nor", "neither", "hardly", "scarcely", "barely", "rarely", "seldom", "unable",
    "nicht", "niemals", "nunca", "jamas", "nao", "niet", "nooit", "tampoco", "weder", "failed",
    "fails", "nothing", "nobody", "nowhere", "none", "niemand", "nadie", "nessuno", "ninguem",
    "guere",
];

const DETERMINERS: &[&str] = &[
    "no", "aucun", "aucune", "nulle", "kein", "keine", "keinen", "keiner", "keinem", "keines",
    "ningun", "ninguna", "nenhum", "nenhuma", "nessun", "nessuna", "geen", "lack", "lacks",
    "lacked", "lacking", "devoid",
];

const PHRASES: &[&str] = &["without", "sans", "ohne", "senza", "sem", "zonder", "non", "lest"];

const EXCEPTIONS: &[&str] = &[
    "except",
    "excepting",
    "excluding",
    "sauf",
    "hormis",
    "excepte",
    "ausser",
    "excepto",
    "salvo",
    "unless",
    "tranne",
    "exceto",
    "behalve",
];

const PROHIBITIONS: &[&str] = &[
    "forbidden",
    "forbid",
    "forbids",
    "prohibited",
    "prohibit",
    "prohibits",
    "prohibiting",
    "banned",
    "bans",
    "outlawed",
    "disallowed",
    "disallows",
    "interdit",
    "interdite",
    "interdits",
    "interdites",
    "interdire",
    "interdisent",
    "interdiction",
    "prohibe",
    "prohibee",
    "proscrit",
    "proscrite",
    "deconseille",
    "deconseillee",
    "verboten",
    "untersagt",
    "prohibido",
    "prohibida",
    "vietato",
    "vietata",
    "proibido",
    "proibida",
    "verboden",
];

/// What makes a negation before it a prohibition.
pub(super) const PERMISSIONS: &[&str] = &[
    "allowed",
    "permitted",
    "authorised",
    "authorized",
    "allow",
    "permit",
    "autorise",
    "autorisee",
    "autorises",
    "autorisees",
    "permis",
    "permise",
    "erlaubt",
    "permitido",
    "admis",
    "recommended",
    "recommande",
    "recommandee",
    "possible",
    "acceptable",
];

/// Words after which a negation holds the clause after "that" too, and falls on it.
pub(super) const LIGHT: &[&str] = &[
    "evidence",
    "sign",
    "signs",
    "indication",
    "proof",
    "doubt",
    "known",
    "true",
    "case",
    "allowed",
    "able",
    "necessarily",
    "permitted",
    "possible",
    "longer",
    "clear",
    "certain",
    "always",
    "yet",
    "preuve",
    "signe",
    "vrai",
    "possible",
    "autorise",
    "autorisee",
    "permis",
    "necessairement",
    "toujours",
    "encore",
    "demontre",
    "prouve",
    "proven",
    "shown",
    "found",
    "required",
    "necessary",
    "obligatoire",
    "necessaire",
    "recommended",
    "recommande",
    "likely",
    "sure",
    "any",
    "attempt",
    "reason",
    "suggest",
    "think",
    "believe",
    "supposed",
    "authorized",
    "fact",
];

/// The negation whose first word stands at `index`: its kind and the first word after it.
pub(super) fn negation_at(tokens: &[Token], index: usize) -> Option<(ParticleKind, usize)> {
    let token = &tokens[index];
    let word = |place: usize| tokens.get(place).map_or("", |token| token.folded.as_str());
    let next = word(index + 1);
    let before = index.checked_sub(1).map_or("", word);
    match token.folded.as_str() {
        "ne" | "n" => french(tokens, index),
        "pas" | "jamais" if is_bare(before) => {
            let idiom = matches!(next, "seulement" | "uniquement" | "moins" | "plus");
            (!idiom).then_some((ParticleKind::Forward, index + 1))
        }
        "not" if matches!(next, "only" | "just" | "merely" | "solely" | "least") => None,
        "not" | "no"
            if matches!(
                next,
                "more"
                    | "less"
                    | "fewer"
                    | "later"
                    | "earlier"
                    | "sooner"
                    | "greater"
                    | "lower"
                    | "over"
                    | "above"
                    | "below"
                    | "exceed"
                    | "exceeding"
            ) =>
        {
            None
        }
        "not" if until_follows(tokens, index) => None,
        // nitric oxide
        "no" if token.is_upper && tokens.iter().any(|token| token.folded.starts_with("nitri")) => {
            None
        }
        "no" if matches!(next, "doubt" | "matter") => None,
        "no" if tokens
            .get(index + 1)
            .is_none_or(|next| next.folded.starts_with(|c: char| c.is_ascii_digit())) =>
        {
            None
        }
        "no" if tokens
            .get(index + 1)
            .is_some_and(|next| next.gap == Gap::Comma || next.gap == Gap::Stop) =>
        {
            None
        }
        "no" if next == "longer" => Some((ParticleKind::Forward, index + 2)),
        "no" if next == "one" => Some((ParticleKind::Forward, index + 2)),
        // "no" is the "not" of Spanish before a verb
        "no" if matches!(
            next,
            "es" | "se" | "debe" | "puede" | "fue" | "son" | "hay" | "esta" | "ha" | "tiene"
        ) =>
        {
            Some((ParticleKind::Forward, index + 1))
        }
        "non" if matches!(next, "seulement" | "" | "loin") => None,
        "non"
            if tokens
                .get(index + 1)
                .is_some_and(|next| matches!(next.gap, Gap::Comma | Gap::Stop)) =>
        {
            None
        }
        "non"
            if matches!(
                next,
                "e" | "sono" | "deve" | "puo" | "ha" | "si" | "era" | "puoi" | "devono"
            ) =>
        {
            Some((ParticleKind::Forward, index + 1))
        }
        "without" | "sans" if matches!(next, "doubt" | "doute") => None,
        "fail" | "echoue" if matches!(next, "to" | "a") => Some((ParticleKind::Forward, index + 2)),
        "failed" | "fails" if next != "to" => None,
        "defense" if next == "de" || next == "d" => Some((ParticleKind::Whole, index + 2)),
        "exclu" | "exclue" if before == "est" => Some((ParticleKind::Whole, index + 1)),
        "instead" | "rather" if matches!(next, "of" | "than") => {
            Some((ParticleKind::Phrase, index + 2))
        }
        "apart" if next == "from" => Some((ParticleKind::Exception, index + 2)),
        "other" if next == "than" => Some((ParticleKind::Exception, index + 2)),
        "but" if matches!(before, "all" | "every" | "everyone" | "everything" | "any") => {
            Some((ParticleKind::Exception, index + 1))
        }
        "l" if next == "exception" => Some((ParticleKind::Exception, index + 2)),
        "lieu" if matches!(next, "de" | "d") => Some((ParticleKind::Phrase, index + 2)),
        "plutot" if next == "que" || next == "qu" => Some((ParticleKind::Phrase, index + 2)),
        "moins" if before == "a" && matches!(next, "que" | "qu" | "de") => {
            Some((ParticleKind::Exception, index + 2))
        }
        "ni" => Some((ParticleKind::Forward, index + 1)),
        word => listed(word).map(|kind| (kind, index + 1)),
    }
}

fn listed(word: &str) -> Option<ParticleKind> {
    [
        (FORWARD, ParticleKind::Forward),
        (DETERMINERS, ParticleKind::Determiner),
        (PHRASES, ParticleKind::Phrase),
        (EXCEPTIONS, ParticleKind::Exception),
        (PROHIBITIONS, ParticleKind::Whole),
    ]
    .into_iter()
    .find(|(list, _)| list.contains(&word))
    .map(|(_, kind)| kind)
}

/// "Not until 1927" is "in 1927".
fn until_follows(tokens: &[Token], index: usize) -> bool {
    let rest = tokens.get(index + 1..).unwrap_or_default().iter().take(12);
    rest.take_while(|token| token.gap != Gap::Stop).any(|token| token.folded == "until")
}

/// Whether "pas" or "jamais" may deny alone: "pas ouvert", not "le pas", "ne ... pas" or "plus que
/// jamais".
fn is_bare(before: &str) -> bool {
    !matches!(
        before,
        "le" | "un"
            | "du"
            | "au"
            | "les"
            | "des"
            | "ce"
            | "son"
            | "premier"
            | "faux"
            | "si"
            | "que"
            | "a"
            | "de"
            | "leurs"
            | "ses"
    )
}

pub(super) const FRENCH_SECOND: &[&str] = &[
    "pas",
    "plus",
    "jamais",
    "rien",
    "personne",
    "aucun",
    "aucune",
    "guere",
    "nul",
    "nulle",
    "point",
    "nullement",
];

/// The denial that "ne" opens. With "que" alone it restricts, and alone it says nothing but before
/// a few verbs.
fn french(tokens: &[Token], index: usize) -> Option<(ParticleKind, usize)> {
    let reach = 7;
    let ahead = tokens.get(index + 1..).unwrap_or_default().iter().take(reach);
    let ahead: Vec<&Token> = ahead.take_while(|token| token.gap != Gap::Stop).collect();
    let second = ahead.iter().position(|token| token.is(FRENCH_SECOND));
    let restricts = ahead.iter().position(|token| token.is(&["que", "qu"]));
    let behind = tokens.get(index.saturating_sub(5)..index).unwrap_or_default();
    let opened = behind
        .iter()
        .rev()
        .take_while(|token| token.gap != Gap::Stop || token.range.start == 0)
        .any(|token| {
            token.is(&["aucun", "aucune", "personne", "rien", "nul", "nulle", "jamais", "ni"])
        });
    if opened {
        // counted where it was opened, or opened by a word that denies only with "ne"
        let words = ["personne", "rien", "nul"];
        let own = behind.iter().any(|token| token.is(&words));
        return own.then_some((ParticleKind::Forward, index + 1));
    }
    match (second, restricts) {
        (Some(place), Some(only)) if only < place => None,
        (Some(place), _) => {
            let word = ahead[place].folded.as_str();
            let next = ahead.get(place + 1).map_or("", |token| token.folded.as_str());
            let idiom = matches!(
                (word, next),
                ("pas", "seulement" | "uniquement" | "que") | ("plus", "que")
            );
            if idiom {
                return None;
            }
            // what stands between the two words is denied too
            let kind = if matches!(word, "aucun" | "aucune") {
                ParticleKind::Determiner
            } else {
                ParticleKind::Forward
            };
            let from =
                if kind == ParticleKind::Determiner { index + 1 + place + 1 } else { index + 1 };
            Some((kind, from))
        }
        (None, Some(_)) => None,
        (None, None) => {
            let verb = ahead.first().is_some_and(|token| {
                token.is(&[
                    "peut", "peuvent", "sait", "savent", "cesse", "cessent", "ose", "saurait",
                    "pouvait", "pourrait", "puis",
                ])
            });
            let then_ni = ahead.iter().any(|token| token.folded == "ni");
            (verb && !then_ni).then_some((ParticleKind::Forward, index + 1))
        }
    }
}
