//! Whether a sentence says yes or no to a question, where that is beyond doubt.
//!
//! A wrong "yes" is worse than none. So the question must begin as one of yes or no does, the
//! sentence must hold its words in their order and forms, in one clause and with nothing between
//! that may turn them (another subject, another verb, a condition, another tense), and both must
//! agree in all that [`super::fault`] looks at but the negation.

use crate::document;

use super::negation::Stand;
use super::tokens::{FINITE, Gap, Token, tokens};
use super::{ClaimContext, Decimal, Polar, Reading, Reason, core_fault, polar};

/// A question of yes or no.
struct Whether {
    yes: &'static str,
    no: &'static str,
    /// The verb that it begins with, folded; empty where a pronoun behind the verb asks.
    lead: String,
    /// Its words, without those that only ask.
    tokens: Vec<Token>,
}

const ENGLISH: &[&str] = &[
    "is", "are", "was", "were", "do", "does", "did", "can", "could", "may", "must", "should",
    "will", "has", "have",
];
/// Those of them that another language begins a question with.
const SHARED: &[&str] = &["was", "will", "has", "do", "may", "have"];
const ENGLISH_SECOND: &[&str] = &[
    "the", "a", "an", "it", "he", "she", "they", "there", "this", "these", "those", "we", "you",
    "i", "any", "all", "its", "his", "her", "their", "our",
];
const GERMAN: &[&str] = &[
    "ist", "sind", "war", "waren", "hat", "haben", "kann", "konnen", "darf", "durfen", "muss",
    "mussen", "gibt", "wird",
];
const GERMAN_SECOND: &[&str] = &[
    "der", "die", "das", "den", "ein", "eine", "einen", "es", "er", "sie", "man", "ich", "wir",
    "dieser", "diese", "dieses",
];
const SPANISH: &[&str] =
    &["es", "son", "esta", "estan", "hay", "tiene", "tienen", "puede", "pueden", "fue", "era"];
/// Pronouns that ask behind a French verb.
const INVERTED: &[&str] = &["il", "elle", "ils", "elles", "on"];

const COPULAS: &[&str] = &[
    "is", "are", "was", "were", "est", "sont", "etait", "etaient", "ist", "sind", "war", "waren",
    "es", "son", "esta", "estan", "fue", "era",
];
const PAST: &[&str] = &[
    "was", "were", "had", "did", "been", "etait", "etaient", "fut", "furent", "avait", "avaient",
    "war", "waren", "hatte", "wurde", "wurden", "fue", "fueron", "era", "eran",
];
const PRESENT: &[&str] =
    &["is", "are", "est", "sont", "ist", "sind", "es", "son", "esta", "estan", "wird"];
const MODALS: &[&str] = &[
    "can", "could", "may", "might", "must", "should", "shall", "will", "would", "need", "peut",
    "peuvent", "pourra", "doit", "doivent", "devra", "faut", "kann", "konnen", "darf", "durfen",
    "muss", "mussen", "soll", "sollen", "puede", "pueden", "debe", "deben",
];
const DETERMINERS: &[&str] = &[
    "a", "an", "the", "this", "these", "its", "his", "her", "their", "our", "un", "une", "le",
    "la", "les", "l", "ce", "cette", "ces", "son", "sa", "ses", "der", "die", "das", "den", "dem",
    "ein", "eine", "einen", "el", "los", "las", "una",
];
const DENIALS: &[&str] =
    &["not", "no", "never", "n", "ne", "pas", "jamais", "aucun", "aucune", "nicht", "kein"];
const PREPOSITIONS: &[&str] = &[
    "over", "near", "between", "across", "under", "through", "during", "after", "before", "sur",
    "entre", "pres", "sous", "pendant", "von", "uber", "im", "am", "um", "zu", "mit", "fur", "con",
    "para", "por", "sobre",
];
/// Words that leave open whether something is so, or say it of a part or of another time.
const OPEN: &[&str] = &[
    "if",
    "whether",
    "unless",
    "except",
    "only",
    "maybe",
    "perhaps",
    "possibly",
    "sometimes",
    "rarely",
    "seldom",
    "almost",
    "nearly",
    "partly",
    "hardly",
    "soon",
    "until",
    "formerly",
    "once",
    "yet",
    "false",
    "true",
    "said",
    "says",
    "say",
    "claim",
    "claims",
    "claimed",
    "believed",
    "believes",
    "believe",
    "thought",
    "thinks",
    "hopes",
    "hoped",
    "wants",
    "wanted",
    "plans",
    "planned",
    "proposed",
    "proposes",
    "intends",
    "allegedly",
    "reportedly",
    "denied",
    "denies",
    "some",
    "few",
    "most",
    "or",
    "but",
    "si",
    "sauf",
    "seulement",
    "uniquement",
    "parfois",
    "rarement",
    "presque",
    "peutetre",
    "jusqu",
    "autrefois",
    "bientot",
    "pense",
    "pensent",
    "dit",
    "affirme",
    "prevoit",
    "prevu",
    "propose",
    "veut",
    "espere",
    "certains",
    "certaines",
    "quelques",
    "plupart",
    "ou",
    "mais",
    "que",
    "qu",
    "wenn",
    "falls",
    "nur",
    "ausser",
    "ob",
    "vielleicht",
    "manchmal",
    "fast",
    "bis",
    "fruher",
    "bald",
    "einige",
    "oder",
    "aber",
    "solo",
    "salvo",
    "excepto",
    "quizas",
    "hasta",
    "algunos",
    "algunas",
    "pero",
];

/// Whether `question` asks yes or no beyond doubt.
pub(crate) fn asks_whether(question: &str) -> bool {
    Whether::of(question).is_some()
}

/// What an answer in the words of `sentence` may begin with: "Yes:", "Oui :", "Nein:"; `None` where
/// nobody can tell.
pub(crate) fn polar_lead(question: &str, sentence: &str) -> Option<&'static str> {
    let asked = Whether::of(question)?;
    let polar = asked.said_by(question, sentence)?;
    Some(if polar == Polar::Yes { asked.yes } else { asked.no })
}

impl Whether {
    fn of(question: &str) -> Option<Self> {
        let question = question.trim();
        if !question.ends_with('?') {
            return None;
        }
        let all = tokens(question);
        let (first, second) = (all.first()?.folded.clone(), all.get(1)?);
        let asks = |token: &Token| polar::ASKING.contains(&token.folded.as_str());
        let is_choice = |token: &Token| token.is(&["or", "ou", "oder", "o", "u"]);
        if all.iter().skip(1).any(|token| asks(token) || is_choice(token)) {
            return None;
        }
        let speaks = |language: &str| document::guess_any_lang(question) == Some(language);
        let is = |any: &[&str]| any.contains(&first.as_str());
        let (yes, no, skipped) = if is(GERMAN) && (second.is(GERMAN_SECOND) || speaks("de")) {
            ("Ja:", "Nein:", 1)
        } else if is(ENGLISH) && (!is(SHARED) || second.is(ENGLISH_SECOND) || speaks("en")) {
            ("Yes:", "No:", 1)
        } else if is(SPANISH) && question.starts_with('\u{bf}') {
            ("S\u{ed}:", "No:", 1)
        } else if first == "est" && second.is(&["ce"]) {
            ("Oui :", "Non :", 3)
        } else if all.iter().any(|token| token.gap == Gap::Hyphen && token.is(INVERTED))
            && !is(&["que", "qu"])
            && !is(polar::ASKING)
        {
            ("Oui :", "Non :", 0)
        } else {
            return None;
        };
        let lead = if skipped == 1 { first } else { String::new() };
        Some(Self { yes, no, lead, tokens: all.into_iter().skip(skipped).collect() })
    }

    fn said_by(&self, question: &str, sentence: &str) -> Option<Polar> {
        let sentence = sentence.trim();
        let core = Reading::new(&polar::core(question), Decimal::Point);
        let span = Reading::new(sentence, Decimal::Point);
        let is_open = span.tokens.iter().any(|token| token.is(OPEN));
        if core.negation_count > 0 || is_denied(question) || is_open || sentence.ends_with('?') {
            return None;
        }
        if !self.is_of_one_time(&span.tokens) || !self.has_same_modals(&span.tokens) {
            return None;
        }
        self.stands_in(&span.tokens)?;
        let asked = Reading::new(question, Decimal::Point);
        let context =
            ClaimContext { question: &asked, titles: Vec::new(), passage: sentence, span_start: 0 };
        match (core_fault(&core, &span, &context), span.negation_count) {
            (None, 0) => Some(Polar::Yes),
            (Some(fault), 1) if fault.reason == Reason::Negation => Some(Polar::No),
            _ => None,
        }
    }

    /// The words of the question that tell, each with what it is compared by.
    fn telling(&self) -> Vec<(&Token, &str)> {
        self.tokens.iter().filter_map(|token| Some((token, compared(token)?))).collect()
    }

    /// `Some` if the words stand in one clause in their order and forms, and nothing that may turn
    /// them stands before, between or behind them.
    fn stands_in(&self, said: &[Token]) -> Option<()> {
        let telling = self.telling();
        let mut places: Vec<usize> = Vec::with_capacity(telling.len());
        for (token, key) in &telling {
            let from = places.last().map_or(0, |place| place + 1);
            let is_it = |other: &Token| compared(other) == Some(*key);
            let place = from + said.get(from..)?.iter().position(is_it)?;
            if !self.is_same_form(&token.folded, &said[place].folded) {
                return None;
            }
            places.push(place);
        }
        let (first, last) = (*places.first()?, *places.last()?);
        let clause = said[first].clause;
        if places.len() < 2 || said[first..=last].iter().any(|token| token.clause != clause) {
            return None;
        }
        let is_asked = |token: &Token| self.tokens.iter().any(|own| own.folded == token.folded);
        let is_small = |token: &Token| token.is(DETERMINERS) || token.is(DENIALS);
        let may_precede = |place: usize| {
            let token = &said[place];
            places.contains(&place) || is_small(token) || token.is(FINITE) || is_asked(token)
        };
        let may_follow = |place: usize| {
            let token = &said[place];
            places.contains(&place)
                || compared(token).is_none()
                || token.is(PREPOSITIONS)
                || token.is(FINITE)
        };
        // "the door of the laboratory" is another subject
        let begins = said[..first].iter().rposition(|token| token.clause != clause);
        let before = &said[begins.map_or(0, |place| place + 1)..first];
        let is_own = before.iter().all(|token| compared(token).is_some() || is_small(token));
        let are_close = places[1..].iter().all(|place| may_precede(place - 1))
            && places[..places.len() - 1].iter().all(|place| may_follow(place + 1))
            && before.iter().filter(|token| compared(token).is_some()).count() <= 1;
        let did =
            self.lead != "did" || places.iter().any(|place| said[*place].folded.ends_with("ed"));
        (is_own && are_close && did && self.is_told_by_copula(said, &places)).then_some(())
    }

    /// Where the question asks what something is: whether the sentence says it with such a verb,
    /// and the words follow that one.
    fn is_told_by_copula(&self, said: &[Token], places: &[usize]) -> bool {
        let is_copular = COPULAS.contains(&self.lead.as_str())
            || self.tokens.iter().any(|token| token.is(COPULAS));
        if !is_copular {
            return true;
        }
        let is_small = |token: &Token| token.is(DETERMINERS) || token.is(DENIALS);
        places.windows(2).any(|pair| {
            let between = &said[pair[0] + 1..pair[1]];
            let copula = between.iter().rposition(|token| token.is(COPULAS));
            copula.is_some_and(|at| between[at + 1..].iter().all(is_small))
        })
    }

    /// "open" is asked with "does" and said as "opens", with "did" and said as "opened".
    fn is_same_form(&self, asked: &str, said: &str) -> bool {
        asked == said
            || match self.lead.as_str() {
                "does" => said.strip_prefix(asked).is_some_and(|end| end == "s" || end == "es"),
                "did" => said.ends_with("ed"),
                _ => false,
            }
    }

    fn is_of_one_time(&self, said: &[Token]) -> bool {
        let asked_past = PAST.contains(&self.lead.as_str()) || is_past(&self.tokens);
        let (said_past, said_present) = (is_past(said), said.iter().any(|token| token.is(PRESENT)));
        if said_past { asked_past } else { !asked_past || !said_present }
    }

    fn has_same_modals(&self, said: &[Token]) -> bool {
        let modals = |tokens: &[Token]| -> Vec<String> {
            let found = tokens.iter().filter(|token| token.is(MODALS));
            found.map(|token| token.folded.clone()).collect()
        };
        let mut asked = modals(&self.tokens);
        asked.extend(Some(self.lead.clone()).filter(|lead| MODALS.contains(&lead.as_str())));
        asked == modals(said)
    }
}

/// What a word that tells is compared by: its key, or its digits.
fn compared(token: &Token) -> Option<&str> {
    if token.folded.bytes().any(|byte| byte.is_ascii_digit()) {
        return Some(&token.folded);
    }
    let is_small = [FINITE, MODALS, DETERMINERS, DENIALS, COPULAS, PAST];
    let tells = token.is_content() && !is_small.iter().any(|any| token.is(any));
    tells.then_some(token.key.as_str())
}

/// Whether these words are of the past: "was", "a \u{e9}t\u{e9}".
fn is_past(tokens: &[Token]) -> bool {
    let has_been = |pair: &[Token]| {
        pair[1].is(&["ete"]) && pair[0].is(&["a", "ont", "t", "il", "elle", "ils", "elles"])
    };
    tokens.iter().any(|token| token.is(PAST)) || tokens.windows(2).any(has_been)
}

/// Whether a question denies something: "Isn't it open?".
fn is_denied(question: &str) -> bool {
    let reading = Reading::new(question, Decimal::Point);
    reading.negation_count > 0 || reading.stands.iter().any(|stand: &Stand| stand.denied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_says_yes_or_no_in_the_language_of_the_question() {
        for (question, sentence, lead) in [
            ("Is the laboratory open on Sundays?", "The laboratory is open on Sundays.", "Yes:"),
            ("Is the laboratory open on Sundays?", "The laboratory is not open on Sundays.", "No:"),
            (
                "Was the bridge opened in 1871?",
                "The stone bridge over the Velden river was opened to traffic in 1871.",
                "Yes:",
            ),
            ("Did the council close the pool?", "The council closed the pool in June.", "Yes:"),
            (
                "Le laboratoire est-il ouvert le dimanche ?",
                "Le laboratoire est ouvert le dimanche.",
                "Oui :",
            ),
            (
                "Est-ce que le laboratoire est ouvert le dimanche ?",
                "Le laboratoire n'est pas ouvert le dimanche.",
                "Non :",
            ),
        ] {
            assert_eq!(polar_lead(question, sentence), Some(lead), "{question} {sentence}");
        }
    }

    #[test]
    fn what_is_in_doubt_is_left_open() {
        for (question, sentence) in [
            ("Is the laboratory open on Sundays?", "The laboratory is closed on Sundays."),
            ("Is the laboratory open on Sundays?", "The laboratory was open on Sundays."),
            (
                "Is the laboratory open on Sundays?",
                "The door of the laboratory is open on Sundays.",
            ),
            (
                "Is the laboratory open on Sundays?",
                "The laboratory is open only on Sundays in May.",
            ),
            ("Is the laboratory open on Sundays?", "If the laboratory is open on Sundays, knock."),
            ("Isn't the laboratory open on Sundays?", "The laboratory is open on Sundays."),
            ("Is the laboratory a museum?", "The laboratory stands beside a museum."),
            ("Is the laboratory a museum?", "The laboratory is in a museum."),
            ("Does the council close the pool?", "The council wants to close the pool."),
            ("Does the council own the bridge?", "The council owned the bridge."),
            ("Do visitors bring dogs?", "Visitors may bring dogs."),
            ("Is the bridge open or closed?", "The bridge is open."),
            ("Which laboratory is open on Sundays?", "The laboratory is open on Sundays."),
            ("Le conseil ferme-t-il la piscine ?", "Le conseil fermait la piscine."),
            ("Le conseil ferme-t-il la piscine ?", "Le conseil veut fermer la piscine."),
            ("Was kostet das Labor?", "Das Labor kostet nichts."),
        ] {
            assert_eq!(polar_lead(question, sentence), None, "{question} {sentence}");
        }
    }

    #[test]
    fn questions_of_yes_or_no_are_told_by_how_they_begin() {
        for question in
            ["Is it open?", "Peut-on venir ?", "Ist das Labor offen?", "¿Está abierto el museo?"]
        {
            assert!(asks_whether(question), "{question}");
        }
        for question in ["When is it open?", "Tell me.", "Quand peut-on venir ?", "Was ist das?"] {
            assert!(!asks_whether(question), "{question}");
        }
    }
}
