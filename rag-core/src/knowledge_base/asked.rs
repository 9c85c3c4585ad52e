//! What a long message asks: the last question in it, which is what is searched for.
//!
//! Mails and chats tell a story and ask at their end. An encoder reads the beginning of a text, and
//! the words of a story find what the story is about, so a message that is longer than either leg
//! takes is searched for by its question alone.

use std::ops::Range;

use crate::encode::Encoder;
use crate::error::Result;
use crate::passage;
use crate::search::{self, Mode};
use crate::words::words;

use super::KnowledgeBase;

/// Fewest telling words of a question that needs no sentence before it to be understood.
const MIN_TELLING_WORDS: usize = 3;

/// Marks that ask, of all scripts; in Greek a semicolon does.
const ASKING: &[char] = &['?', '\u{ff1f}', '\u{61f}', '\u{37e}', '\u{55e}', '\u{1367}'];

/// What may stand behind the mark.
const CLOSERS: &[char] =
    &[')', ']', '"', '\'', '\u{201d}', '\u{2019}', '\u{bb}', '!', '.', ' ', '\n', '\r', '\t'];

impl KnowledgeBase {
    /// What of `question` is searched for; `None` if all of it is.
    pub(super) fn cut_question(&self, question: &str, mode: Mode) -> Result<Option<String>> {
        let encoder = match mode {
            Mode::Lexical => None,
            Mode::Dense | Mode::Hybrid => Some(self.encoder()?),
        };
        let fits = |text: &str| fits(encoder, text);
        if fits(question)? {
            return Ok(None);
        }
        let asked = essence(question);
        if fits(&question[asked.clone()])? {
            return Ok(Some(question[asked].trim().to_owned()));
        }
        shortened(&question[asked], &fits).map(Some)
    }
}

/// Whether both legs take all of a question.
fn fits(encoder: Option<&Encoder>, question: &str) -> Result<bool> {
    if search::word_count(question) > search::MAX_QUESTION_WORDS {
        return Ok(false);
    }
    match encoder {
        // a token is a byte or more
        Some(encoder) if question.len() > encoder.passage_budget_tokens() => {
            Ok(encoder.token_count(question)? <= encoder.passage_budget_tokens())
        }
        _ => Ok(true),
    }
}

/// The last sentences of a message that ask, with the one before where they alone say too little;
/// its last sentences if none asks.
fn essence(message: &str) -> Range<usize> {
    let sentences = passage::sentences(message);
    let asks = |range: &Range<usize>| {
        let sentence = message[range.clone()].trim_end_matches(CLOSERS);
        sentence.ends_with(ASKING) || (sentence.ends_with(';') && is_greek(sentence))
    };
    let Some(last) = sentences.iter().rposition(asks) else {
        return tail(message, &sentences, sentences.len());
    };
    let mut first = last;
    while first > 0 && asks(&sentences[first - 1]) {
        first -= 1;
    }
    let telling = |first: usize| words(&message[sentences[first].start..sentences[last].end]).len();
    if first > 0 && telling(first) < MIN_TELLING_WORDS {
        first -= 1;
    }
    let asked = sentences[first].start..sentences[last].end;
    match search::word_count(&message[asked.clone()]) <= search::MAX_QUESTION_WORDS {
        true => asked,
        false => tail(message, &sentences, last + 1),
    }
}

/// The sentences before the `end`th that have room for half as many words as a question may have,
/// one at least.
fn tail(message: &str, sentences: &[Range<usize>], end: usize) -> Range<usize> {
    let Some(last) = sentences[..end].last() else { return 0..message.len() };
    let most = search::MAX_QUESTION_WORDS / 2;
    let room =
        |sentence: &&Range<usize>| search::word_count(&message[sentence.start..last.end]) <= most;
    let first = sentences[..end].iter().rev().take_while(room).last().unwrap_or(last);
    first.start..last.end
}

/// The end of a question that does not fit, as long as can be.
fn shortened(question: &str, fits: &dyn Fn(&str) -> Result<bool>) -> Result<String> {
    let mut rest = question.trim();
    while !fits(rest)? {
        let eighth = rest.ceil_char_boundary((rest.len() / 8).max(1));
        let next = rest[eighth..].find(char::is_whitespace).map_or(eighth, |at| eighth + at);
        rest = match rest[next..].trim_start() {
            "" => rest[eighth..].trim_start(),
            shorter => shorter,
        };
    }
    Ok(rest.to_owned())
}

fn is_greek(sentence: &str) -> bool {
    sentence
        .chars()
        .rev()
        .nth(1)
        .is_some_and(|c| matches!(c, '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn asked(message: &str) -> &str {
        message[essence(message)].trim()
    }

    #[test]
    fn the_last_question_is_what_a_message_asks() {
        let story = "We walked to the mill and talked about prices. ".repeat(20);
        for question in [
            "Where does the spare key of the boathouse hang?",
            "鍵はどこに掛かっていますか？",
            "أين يوجد مفتاح القارب الاحتياطي؟",
            "Πού κρέμεται το κλειδί του σπιτιού;",
        ] {
            assert_eq!(asked(&format!("{story}{question}")), question);
            assert_eq!(asked(&format!("{story}{question} Thank you. Yours, Ann.")), question);
        }
        let two = "Who has the key? Where does the spare key of the boathouse hang?";
        assert_eq!(asked(&format!("Are you well? {story}{two}")), two);
        // a question that says nothing by itself
        let short = "The spare key of the boathouse is gone. Where is it?";
        assert_eq!(asked(&format!("{story}{short}")), short);
    }

    #[test]
    fn a_message_that_asks_nothing_is_searched_by_its_end() {
        let day = |n| format!("On day {n} we walked to mill {n}0 and met {n}1 people. ");
        let story: String = (100..200).map(day).collect();
        let message = format!("{story}Tell me where the spare key hangs.");
        let found = asked(&message);
        assert!(found.ends_with("Tell me where the spare key hangs.") && found.len() < 1000);
        assert_eq!(asked(""), "");
    }

    #[test]
    fn one_endless_question_loses_its_beginning() {
        let question = format!("{} where is the key?", "word ".repeat(1000));
        let short = |text: &str| Ok(text.len() <= 100);
        let kept = shortened(&question, &short).unwrap();
        assert!(kept.ends_with("where is the key?") && kept.len() > 50, "{kept}");
        let kept = shortened(&"\u{e01}".repeat(5000), &short).unwrap();
        assert!(!kept.is_empty() && kept.len() <= 100);
    }
}
