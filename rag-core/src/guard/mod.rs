//! What may be asked and what may be answered, by rules of the caller: length, deny and allow
//! rules, topics, and the masking of personal data.
//!
//! A question that may not be asked is refused, which is a result with its reason and not an error.
//! All guards but the one on length are off until they are asked for. What the documents can answer
//! is not decided here.

mod alike;
mod mask;
mod outlet;
mod rules;
mod topic;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::error::Result;
pub use crate::options::guards::{Guards, Topics};
use crate::options::words;

pub use mask::{Mask, MaskCounts, MaskKind, MaskStream, mask};
pub(crate) use outlet::Outlet;
pub use rules::Rules;
pub(crate) use topic::TopicGate;

words! {
    /// A guard that can refuse.
    pub enum Guard("guard") {
        /// The question is too long.
        Length = "length",
        /// The question matches a deny rule.
        Deny = "deny",
        /// The question matches no allow rule.
        Allow = "allow",
        /// The question is close to an example of what may not be asked.
        OffTopic = "off_topic",
        /// The question is close to no example of what may be asked.
        Topic = "topic",
        /// The answer matches a rule on answers.
        DenyAnswer = "deny_answer",
    }
}

/// Which guard refused, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The guard.
    pub guard: Guard,
    /// Why, for whoever set the guard up: it names the rule or the nearest example.
    pub reason: String,
}

impl Guards {
    /// Why the question is refused by its letters alone. Topics need an encoder and are the
    /// facade's to check.
    #[must_use]
    pub fn check_question(&self, question: &str) -> Option<Refusal> {
        let char_count = question.chars().count();
        if char_count > self.max_question_chars {
            let most = self.max_question_chars;
            return refusal(Guard::Length, format!("{char_count} characters, at most {most}"));
        }
        if let Some(pattern) = self.deny.find(question) {
            return refusal(Guard::Deny, format!("the question matches {pattern:?}"));
        }
        if !self.allow.is_empty() && self.allow.find(question).is_none() {
            return refusal(
                Guard::Allow,
                "the question matches no rule of what may be asked".into(),
            );
        }
        None
    }

    /// Why the answer is refused.
    #[must_use]
    pub fn check_answer(&self, answer: &str) -> Option<Refusal> {
        let pattern = self.deny_answer.find(answer)?;
        refusal(Guard::DenyAnswer, format!("the answer matches {pattern:?}"))
    }

    /// Whether question and earlier turns are masked.
    #[must_use]
    pub fn masks_question(&self) -> bool {
        matches!(self.mask, Mask::Question | Mask::Both)
    }

    /// Whether what is handed out is masked.
    #[must_use]
    pub fn masks_answer(&self) -> bool {
        matches!(self.mask, Mask::Answer | Mask::Both)
    }

    /// What the model is told of `text`, a question or an earlier turn.
    #[must_use]
    pub fn told<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.masks_question() { Cow::Owned(mask(text).0) } else { Cow::Borrowed(text) }
    }
}

fn refusal(guard: Guard, reason: String) -> Option<Refusal> {
    Some(Refusal { guard, reason })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn guard(guards: &Guards, question: &str) -> Option<Guard> {
        guards.check_question(question).map(|refusal| refusal.guard)
    }

    #[test]
    fn only_the_length_is_guarded_by_default() {
        let guards = Guards::default();
        assert_eq!(guard(&guards, &"\u{e9}".repeat(100_000)), None);
        let refusal = guards.check_question(&"\u{e9}".repeat(100_001)).unwrap();
        assert_eq!(refusal.guard, Guard::Length);
        assert_eq!(refusal.reason, "100001 characters, at most 100000");
        assert_eq!(guards.told("jo@site.fr"), "jo@site.fr");
        assert!(guards.check_answer("anything").is_none());
    }

    #[test]
    fn the_first_guard_that_refuses_decides() {
        let rules = |pattern: &str| Rules::parse(&[pattern]).unwrap();
        let guards =
            Guards { deny: rules("salaire"), allow: rules("conges|salaire"), ..Guards::default() };
        assert_eq!(guard(&guards, "Quel est son SALAIRE ?"), Some(Guard::Deny));
        assert_eq!(guard(&guards, "Quel temps fait-il ?"), Some(Guard::Allow));
        assert_eq!(guard(&guards, "Combien de cong\u{e9}s ?"), None);
    }

    #[test]
    fn options_out_of_range_are_refused() {
        use crate::options::Options;
        let none = Guards { max_question_chars: 0, ..Guards::default() };
        assert!(none.validate().is_err());
        let with = |topics| Guards { topics, ..Guards::default() }.validate().is_err();
        assert!(with(Topics { min_allowed: f32::NAN, ..Topics::default() }));
        assert!(with(Topics { max_denied: 1.5, ..Topics::default() }));
        assert!(with(Topics { denied: vec![" ".to_owned()], ..Topics::default() }));
        assert!(!with(Topics::default()));
    }
}
