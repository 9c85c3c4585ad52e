//! The worked examples and instructions, in French and English. They are the same in every prompt,
//! so that their keys and values can be kept.

use super::Style;
use crate::words::Language;

/// A question answered the way we want it.
pub(super) struct BuiltInExample {
    pub(super) passages: &'static [&'static str],
    pub(super) question: &'static str,
    pub(super) answer: &'static str,
    /// The answer in a few words.
    pub(super) short: &'static str,
}

impl Language {
    pub(super) fn rules(self) -> &'static str {
        match self {
            Language::English => "You answer questions from the passages you are given.",
            Language::French => {
                "Tu r\u{e9}ponds aux questions \u{e0} partir des passages qui te sont donn\u{e9}s."
            }
        }
    }

    pub(super) fn question_label(self) -> &'static str {
        "Question:"
    }

    pub(super) fn examples(self) -> &'static [BuiltInExample] {
        match self {
            Language::English => ENGLISH,
            Language::French => FRENCH,
        }
    }
}

impl Style {
    /// Copied words can be checked against the passages; words of the model's own cannot.
    pub(super) fn instruction(self) -> &'static str {
        match (self.language, self.is_short) {
            (Language::English, false) => {
                "Answer in one or two short sentences, using only the passages above."
            }
            (Language::English, true) => {
                "Answer in as few words as possible, copied from the passages above."
            }
            (Language::French, false) => {
                "R\u{e9}ponds en fran\u{e7}ais, en une ou deux phrases courtes, en utilisant uniquement \
                 les passages ci-dessus."
            }
            (Language::French, true) => {
                "R\u{e9}ponds avec le moins de mots possible, copi\u{e9}s des passages ci-dessus."
            }
        }
    }
}

const ENGLISH: &[BuiltInExample] = &[
    BuiltInExample {
        passages: &[
            "The Harlow lighthouse stands on a rock two miles off the coast. It was lit for the first time in \
             1862 and has been automatic since 1984.",
            "Harlow has a fish market every Tuesday and Friday.",
        ],
        question: "Since when has the Harlow lighthouse been automatic?",
        answer: "The Harlow lighthouse has been automatic since 1984.",
        short: "1984",
    },
    BuiltInExample {
        passages: &[
            "Members may borrow up to six books for three weeks. Films are lent for one week.",
            "The reading room is on the second floor, next to the map collection.",
        ],
        question: "Where is the reading room?",
        answer: "The reading room is on the second floor, next to the map collection.",
        short: "on the second floor, next to the map collection",
    },
];

const FRENCH: &[BuiltInExample] = &[
    BuiltInExample {
        passages: &[
            "Le phare de Kerlan se dresse sur un rocher \u{e0} trois kilom\u{e8}tres de la c\u{f4}te. Il a \
             \u{e9}t\u{e9} allum\u{e9} pour la premi\u{e8}re fois en 1862 et il est automatique depuis 1984.",
            "Kerlan a un march\u{e9} aux poissons le mardi et le vendredi.",
        ],
        question: "Depuis quand le phare de Kerlan est-il automatique ?",
        answer: "Le phare de Kerlan est automatique depuis 1984.",
        short: "1984",
    },
    BuiltInExample {
        passages: &[
            "Les membres peuvent emprunter six livres pour trois semaines. Les films sont pr\u{ea}t\u{e9}s une \
             semaine.",
            "La salle de lecture est au deuxi\u{e8}me \u{e9}tage, \u{e0} c\u{f4}t\u{e9} des cartes.",
        ],
        question: "O\u{f9} est la salle de lecture ?",
        answer: "La salle de lecture est au deuxi\u{e8}me \u{e9}tage, \u{e0} c\u{f4}t\u{e9} des cartes.",
        short: "au deuxi\u{e8}me \u{e9}tage, \u{e0} c\u{f4}t\u{e9} des cartes",
    },
];
