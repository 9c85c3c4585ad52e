//! Arguments that say what may be asked and answered.

use rag_core::guard::{Guards, Mask, Rules, Topics};
use rag_core::{Answer, Result};

use crate::console::Console;

/// What may be asked and answered, and whether personal data is masked.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Guards")]
pub(crate) struct GuardArgs {
    /// Refuse questions that match; case and accents do not count; may be given more than once
    #[arg(long, value_name = "REGEX", value_parser = parse_rule)]
    deny: Vec<String>,
    /// Refuse questions that match none of these; may be given more than once
    #[arg(long, value_name = "REGEX", value_parser = parse_rule)]
    allow: Vec<String>,
    /// Refuse answers that match; the answer is then shown only when it is complete
    #[arg(long, value_name = "REGEX", value_parser = parse_rule)]
    deny_answer: Vec<String>,
    /// An example of what may be asked: questions that are like none are refused; may be given more than once
    #[arg(long, value_name = "TEXT")]
    topic: Vec<String>,
    /// An example of what may not be asked: questions like it are refused; may be given more than once
    #[arg(long, value_name = "TEXT")]
    off_topic: Vec<String>,
    /// Centred cosine to the nearest --topic below which a question is refused [default: 0.25]
    #[arg(long, value_name = "COSINE", allow_negative_numbers = true)]
    topic_min: Option<f32>,
    /// Centred cosine to the nearest --off-topic above which a question is refused [default: 0.4]
    #[arg(long, value_name = "COSINE", allow_negative_numbers = true)]
    off_topic_max: Option<f32>,
    /// Longest question, in characters [default: 100000]
    #[arg(long, value_name = "N")]
    max_question_chars: Option<usize>,
    /// Mask e-mail addresses, phone, card, account and social security numbers; alone it means both
    #[arg(long, value_name = "question|answer|both", value_parser = parse_mask, num_args = 0..=1,
          require_equals = true, default_missing_value = "both")]
    mask: Option<Mask>,
}

impl GuardArgs {
    pub(crate) fn guards(&self) -> Result<Guards> {
        let default = Guards::default();
        Ok(Guards {
            max_question_chars: self.max_question_chars.unwrap_or(default.max_question_chars),
            deny: Rules::parse(&self.deny)?,
            allow: Rules::parse(&self.allow)?,
            topics: Topics {
                allowed: self.topic.clone(),
                denied: self.off_topic.clone(),
                min_allowed: self.topic_min.unwrap_or(default.topics.min_allowed),
                max_denied: self.off_topic_max.unwrap_or(default.topics.max_denied),
            },
            deny_answer: Rules::parse(&self.deny_answer)?,
            mask: self.mask.unwrap_or(default.mask),
        })
    }
}

fn parse_rule(text: &str) -> std::result::Result<String, String> {
    Rules::parse(&[text]).map(|_| text.to_owned()).map_err(|error| error.line())
}

fn parse_mask(name: &str) -> std::result::Result<Mask, String> {
    Mask::parse(name).map_err(|error| error.reason())
}

/// Says on standard error how much was masked.
pub(crate) fn note_masked(answer: &Answer, console: &mut Console<'_>) {
    let Some(masked) = &answer.masked else { return };
    for (place, counts) in [("question", masked.question), ("answer", masked.answer)] {
        let kinds = [
            ("e-mail", counts.email),
            ("phone", counts.phone),
            ("IBAN", counts.iban),
            ("card", counts.card),
            ("NIR", counts.nir),
        ];
        let found = kinds.iter().filter(|(_, count)| *count > 0);
        let words: Vec<String> = found.map(|(kind, count)| format!("{count} {kind}")).collect();
        if !words.is_empty() {
            console.note(format_args!("masked in the {place}: {}", words.join(", ")));
        }
    }
}
