//! Which questions of a conversation can be understood alone, and what the others are about.
//!
//! A follow-up ("And on Sundays?", "Comment s'appelle sa femme ?") is searched together with the
//! questions before it. A question that needs none of them is searched alone: with them it would
//! find what was asked before. What tells is what the words of French and English point at; no
//! generator is asked, because a small one repeats the question or answers it (`rewrite` has one
//! write it all the same). In other languages nobody can tell, and the question before is kept.

use crate::fold::fold;
use crate::model::{Message, Role};
use crate::search;
use crate::words::{Word, WordKind, words};

/// Most questions that a follow-up is searched with.
pub(super) const MAX_BEFORE: usize = 3;
/// The least that the telling words of a question weigh that can be understood alone: three words,
/// or a name or a number and another.
const MIN_WEIGHT: usize = 3;

/// A question as it is searched: alone, or behind the questions that say what it is about.
pub(super) fn follow_up(question: &str, history: &[Message]) -> String {
    let mut texts = vec![question];
    let users = history.iter().rev().filter(|message| message.role == Role::User);
    for before in users.take(MAX_BEFORE) {
        let last = texts[texts.len() - 1];
        // in another language nobody knows where the subject was named: one question, as a guess
        if stands_alone(last) || (texts.len() > 1 && !is_known(last)) {
            break;
        }
        texts.push(&before.content);
    }
    texts.reverse();
    texts.join("\n")
}

/// Whether a question can be understood without those before it.
pub(super) fn stands_alone(question: &str) -> bool {
    if !is_known(question) || points_back(question) {
        return false;
    }
    let weigh = |kind| if kind == WordKind::Other { 1 } else { 2 };
    telling(question).map(|word| weigh(word.kind)).sum::<usize>() >= MIN_WEIGHT
}

/// Whether no word of a question tells what it asks about: "And when?".
pub(super) fn says_nothing(question: &str) -> bool {
    telling(question).next().is_none()
}

fn telling(question: &str) -> impl Iterator<Item = Word> {
    words(question).into_iter().filter(|word| !ASKING.contains(&word.key.as_str()))
}

/// Whether a text may be in a language whose pronouns are known here.
fn is_known(text: &str) -> bool {
    search::spoken(text).is_stemmed()
}

/// Words that begin a question which goes on with the one before.
const CONNECTIVES: &[&str] =
    &["and", "or", "but", "so", "then", "et", "ou", "mais", "alors", "puis", "sinon"];

/// Words that ask, which are no subject.
const ASKING: &[&str] = &["comment", "quand", "pourquoi"];

/// Words that stand for something said before.
const POINTERS: &[&str] = &[
    "it", "its", "he", "him", "his", "she", "her", "hers", "they", "them", "their", "theirs",
    "these", "those", "this", "same", "elle", "elles", "ils", "lui", "eux", "son", "sa", "ses",
    "leur", "leurs", "celui", "celle", "ceux", "celles", "cela", "ca", "ceci", "cet", "cette",
    "ces",
];

/// Pronouns that French puts behind its verb; where a noun stands before them they repeat it:
/// "la ville a-t-elle grandi ?".
const INVERTED: &[&str] = &["il", "elle", "ils", "elles"];

/// Words behind which a noun says only what kind of answer is wanted.
const KINDS: &[&str] = &["quel", "quelle", "quels", "quelles", "combien", "de", "d"];

fn points_back(question: &str) -> bool {
    let folded = fold(question).replace('\u{2019}', "'");
    let separate = |c: char| !c.is_alphanumeric();
    let tokens: Vec<(&str, bool)> = folded
        .split_inclusive(separate)
        .map(|piece| (piece.trim_end_matches(separate), piece.ends_with('-')))
        .filter(|(word, _)| !word.is_empty())
        .collect();
    let word = |place: usize| tokens.get(place).map_or("", |token| token.0);
    // with its accents: "o\u{f9}" asks, "ou" goes on
    let first = question.split_whitespace().next().unwrap_or_default().to_lowercase();
    if CONNECTIVES.contains(&first.trim_matches(|c: char| c.is_ascii_punctuation())) {
        return true;
    }
    (0..tokens.len()).any(|place| {
        let before = place.checked_sub(1).map_or("", word);
        let is_inverted = place > 0 && tokens[place - 1].1;
        match word(place) {
            pronoun if is_inverted && INVERTED.contains(&pronoun) => {
                !is_impersonal(&tokens, place) && !has_noun(&tokens, place)
            }
            "il" => !["a", "y", "faut", "avait"].contains(&word(place + 1)),
            "there" => !["is", "are", "was", "were", "be"].contains(&before),
            "that" => place + 1 == tokens.len(),
            word => POINTERS.contains(&word),
        }
    })
}

/// Whether an inverted pronoun stands for nothing: "faut-il", "y a-t-il", "y avait-il".
fn is_impersonal(tokens: &[(&str, bool)], pronoun: usize) -> bool {
    let before = |count: usize| pronoun.checked_sub(count).map_or("", |place| tokens[place].0);
    let verb = if before(1) == "t" { 2 } else { 1 };
    before(verb) == "faut" || before(verb + 1) == "y"
}

/// Whether a noun that the pronoun repeats stands before its verb.
fn has_noun(tokens: &[(&str, bool)], pronoun: usize) -> bool {
    let is_tied = |place: &usize| tokens[*place].1;
    let verb = (0..pronoun).rev().take_while(is_tied).last().unwrap_or(pronoun);
    (0..verb).any(|place| {
        let is_kind = place > 0 && KINDS.contains(&tokens[place - 1].0);
        let is_small = KINDS.contains(&tokens[place].0) || ASKING.contains(&tokens[place].0);
        !is_kind && !is_small && !words(tokens[place].0).is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_points_back_does_not_stand_alone() {
        for question in [
            "And when?",
            "And on Sundays?",
            "Where is it?",
            "How long did he rule?",
            "On which days do they meet?",
            "How are graphs encoded there?",
            "Why did the council vote for that?",
            "Et le dimanche ?",
            "Et les Zirides ?",
            "Quand a-t-elle \u{e9}t\u{e9} construite ?",
            "En quelle ann\u{e9}e a-t-il \u{e9}t\u{e9} adapt\u{e9} au cin\u{e9}ma ?",
            "Combien de places a-t-elle ?",
            "\u{c0} quoi sert-elle ?",
            "Comment s'appelle sa femme ?",
            "Qui est-il ?",
            "De quoi avait-il \u{e9}t\u{e9} accus\u{e9} ?",
            "Comment sont-elles nomm\u{e9}es en Nouvelle-Angleterre ?",
            // too little is said
            "What is the price?",
            "Combien ?",
            // in a language whose pronouns are not known
            "Wie lange hat der Kaiser dort regiert?",
        ] {
            assert!(!stands_alone(question), "{question}");
        }
    }

    #[test]
    fn a_question_with_a_subject_of_its_own_stands_alone() {
        for question in [
            "What does code E21 mean?",
            "When was Gegeen Khan emperor?",
            "Who laid the first buoys in the bay?",
            "How many extended metropolitan areas are there?",
            "Quand la basilique Notre-Dame a-t-elle \u{e9}t\u{e9} construite ?",
            "En quelle ann\u{e9}e les Zirides reconnaissent-ils les califes abbassides ?",
            "Y a-t-il un parking pour les visiteurs du laboratoire ?",
            "Que faut-il porter dans l'atelier de chimie ?",
            "O\u{f9} Langalibalele a-t-il \u{e9}t\u{e9} emprisonn\u{e9} ?",
            // the accent as a letter of its own
            "Ou\u{300} Langalibalele a-t-il \u{e9}t\u{e9} emprisonn\u{e9} ?",
        ] {
            assert!(stands_alone(question), "{question}");
        }
    }

    #[test]
    fn what_only_asks_says_nothing() {
        for question in ["And when?", "Et quand ?", "Pourquoi ?", "Who?"] {
            assert!(says_nothing(question), "{question}");
        }
        assert!(!says_nothing("And on Sundays?") && !says_nothing("1995?"));
    }

    #[test]
    fn a_follow_up_is_searched_with_the_questions_it_goes_on_with() {
        let turn = |role, content: &str| Message { role, content: content.to_owned() };
        let history = [
            turn(Role::User, "Who founded the ocean laboratory?"),
            turn(Role::Assistant, "Ada."),
            turn(Role::User, "And when?"),
            turn(Role::Assistant, "In 1995."),
        ];
        let whole = "Who founded the ocean laboratory?\nAnd when?\nAnd where?";
        assert_eq!(follow_up("And where?", &history), whole);
        assert_eq!(follow_up("And when?", &[]), "And when?");
        let turns = ["Wer regierte?", "Wo lag die Stadt?", "Und wann?"];
        let foreign = turns.map(|text| turn(Role::User, text));
        assert_eq!(follow_up("Wie lange?", &foreign), "Und wann?\nWie lange?");
        let other = "What does code E21 mean?";
        assert_eq!(follow_up(other, &history), other);
    }
}
