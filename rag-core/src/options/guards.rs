//! Options of what may be asked and answered.

use super::value::{Fault, Value};
use super::{Kind, OptionValue, options, words};
use crate::error::{Error, Result};
use crate::guard::Rules;

/// Most example sentences of a kind.
const MAX_EXAMPLES: usize = 1000;

words! {
    /// Which texts are masked; true is both.
    #[derive(Default)]
    pub enum Mask("mask", Off or Both) {
        /// None.
        #[default]
        Off = "off",
        /// What the model is told of the person: question and earlier turns.
        Question = "question",
        /// What is handed out: the answer, its pieces, quotes and passages.
        Answer = "answer",
        /// Both.
        Both = "both",
    }
}

impl OptionValue for Rules {
    const KIND: Kind = Kind::List(&Kind::Form { name: "rule", syntax: "a regular expression" });

    fn read(value: Value) -> std::result::Result<Self, Fault> {
        let patterns = Vec::<String>::read(value)?;
        Self::parse(&patterns).map_err(|error| Fault::Value(error.reason()))
    }

    fn show(&self) -> Value {
        Value::List(self.patterns().map(Value::from).collect())
    }
}

options! {
    /// Example sentences of what may, and what may not, be asked. Without any, everything may.
    ///
    /// Closeness is the centred cosine: the mean of 32 everyday questions is taken from both vectors before their cosine
    /// (after Mu and Viswanath 2018). Encoders that put all texts close together and those that do not then share a
    /// scale, so that one default serves both.
    ///
    /// The defaults were found on 32 questions about four subjects (English and French, five examples each) and 128 about
    /// something else, `tests/data/guards/topics.json`. At 0.25 a gate of allowed examples keeps 97 % of the questions
    /// on the subject with minilm and 100 % with e5-small, and turns away 79 % and 71 % of the others. At 0.4 a gate of
    /// denied examples turns away 56 % and 72 % of those like them, and 5 % and 6 % of the others. Both lean towards
    /// answering; a subject of your own deserves numbers of its own.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Topics("guards") {
        /// Examples of what may be asked: questions that are like none are refused.
        allowed: Vec<String> = Vec::new(), name("topics"), singular("topic");
        /// Examples of what may not be asked: questions like them are refused.
        denied: Vec<String> = Vec::new(), name("off_topics"), singular("off_topic");
        /// Centred cosine to the nearest of the topics below which a question is refused.
        min_allowed: f32 = 0.25, name("topic_min"), range(-1.0, 1.0);
        /// Centred cosine to the nearest of the off-topics above which a question is refused.
        max_denied: f32 = 0.4, name("off_topic_max"), range(-1.0, 1.0);
    }
    check(Self::check)
}

impl Topics {
    /// Whether there is no example.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.allowed.is_empty() && self.denied.is_empty()
    }

    fn check(&self) -> Result<()> {
        for (option, examples) in [("topics", &self.allowed), ("off_topics", &self.denied)] {
            if examples.len() > MAX_EXAMPLES {
                let reason = format!("{} examples, at most {MAX_EXAMPLES}", examples.len());
                return Err(Error::invalid(option, reason));
            }
            if examples.iter().any(|example| example.trim().is_empty()) {
                return Err(Error::invalid(option, "an example is empty"));
            }
        }
        Ok(())
    }
}

options! {
    /// The guards of a call. They run in the order of the fields; the first that refuses decides.
    #[derive(Debug, Clone)]
    pub struct Guards("guards") {
        /// Longest question, in characters.
        max_question_chars: usize = 100_000, range(1.0, f64::INFINITY), unit("characters");
        /// Refuse questions that match one of these; case and accents do not count.
        deny: Rules = Rules::default(), singular("deny");
        /// Refuse questions that match none of these.
        allow: Rules = Rules::default(), singular("allow");
        /// Refuse answers that match one of these; the answer is then shown only when it is complete.
        deny_answer: Rules = Rules::default(), singular("deny_answer");
        /// Mask e-mail addresses, phone, card, account and social security numbers in question, answer, or both.
        mask: Mask = Mask::Off;
    }
    parts {
        /// What questions may be about.
        topics: Topics = Topics::default(), renames(&[]);
    }
    check(|_| Ok(()))
}
