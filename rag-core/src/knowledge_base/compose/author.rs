//! What a generator, or the caller's own model, writes of a draft: one part at a time.

use std::ops::ControlFlow;

use crate::cite;
use crate::error::Result;
use crate::fold::fold;
use crate::generate::GenerateOptions;
use crate::passage;
use crate::progress::Call;
use crate::prompt::{self, ComposeRequest};

use super::draft::DraftVerdict;
use super::plan::one_line;
use super::quality;
use crate::knowledge_base::run::Run;
use crate::knowledge_base::types::Writer;

/// Most tokens of a sentence; what a model writes beyond is cut.
const TOKENS_PER_SENTENCE: usize = 48;
/// Most words of the name of an option.
const OPTION_WORDS: usize = 14;

/// How random a second attempt is.
const SECOND_TEMPERATURE: f32 = 0.8;

/// Whether something was written for a part before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    First,
    Second,
}

/// Who writes the parts of a draft that no document holds.
pub(super) struct Author<'r, 'a> {
    run: &'r mut Run<'a>,
    facts: Vec<String>,
    task: String,
    /// What was said in the draft so far, folded.
    met: Vec<String>,
}

impl<'r, 'a> Author<'r, 'a> {
    /// `None` where nobody writes: without a generator, or if only sentences of documents are
    /// wanted.
    pub(super) fn of(run: &'r mut Run<'a>, facts: Vec<String>, task: &str) -> Option<Self> {
        let writes = match &run.options.writer {
            Writer::Passages => false,
            Writer::Own(_) => true,
            Writer::Generator => run.knowledge_base.models.has_generator(),
        };
        let task = run.options.guards.told(task).into_owned();
        // what the documents say stands in the draft already
        let met = facts.iter().map(|fact| fold(fact)).collect();
        writes.then_some(Self { run, facts, task, met })
    }

    /// Sentences that were not said before, `most` at most.
    pub(super) fn sentences(&mut self, instruction: &str, most: usize) -> Result<Vec<String>> {
        let written = self.write(instruction, most, Attempt::First)?;
        let new = self.new_of(sentences(&written), most);
        if !new.is_empty() {
            return Ok(new);
        }
        let written = self.write(instruction, most, Attempt::Second)?;
        Ok(self.new_of(sentences(&written), most))
    }

    /// Three ways to go.
    pub(super) fn options(&mut self, words: &prompt::DraftWords) -> Result<Vec<String>> {
        let written = self.write(words.ask.options, 3, Attempt::First)?;
        let named = prompt::lines(&written);
        let named = named.iter().map(|line| option_name(line, words.option));
        let usual = words.usual_options.iter().map(|option| (*option).to_owned());
        let mut options: Vec<String> = Vec::new();
        let is_name = |name: &String| (2..=OPTION_WORDS).contains(&quality::word_count(name));
        let is_copied = |name: &String| words.holds_example(name);
        for option in named.filter(is_name).filter(|name| !is_copied(name)).chain(usual) {
            let is_new = options.iter().all(|other| fold(other) != fold(&option));
            if options.len() < 3 && is_new {
                options.push(option);
            }
        }
        Ok(options)
    }

    /// Yes, no or unclear, and the reason.
    pub(super) fn verdict(
        &mut self,
        instruction: &str,
        most: usize,
    ) -> Result<(DraftVerdict, Vec<String>)> {
        let written = self.write(instruction, most, Attempt::First)?;
        let (verdict, reason) = verdict_of(&written);
        // a reason that is in the documents' own words is the best there is
        Ok((verdict, sentences(reason).into_iter().take(most).collect()))
    }

    fn new_of(&mut self, said: Vec<String>, most: usize) -> Vec<String> {
        let mut new = Vec::new();
        for sentence in said {
            let folded = fold(&sentence);
            if new.len() < most && !self.met.contains(&folded) {
                self.met.push(folded);
                new.push(sentence);
            }
        }
        new
    }

    fn write(&mut self, instruction: &str, sentences: usize, attempt: Attempt) -> Result<String> {
        let options = self.run.options;
        let messages = prompt::compose(&ComposeRequest {
            facts: &self.facts,
            task: &self.task,
            instruction,
            system: options.system.as_deref(),
        });
        if let Writer::Own(own) = &options.writer {
            let cancel = self.run.cancel.clone();
            let mut hear = |_: &str| match cancel.is_cancelled() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            };
            let text = own.write(&messages, &mut hear)?;
            self.run.cancel.check()?;
            return Ok(text);
        }
        let generator = self.run.generator()?;
        let prompt = generator.chat().render(&messages)?;
        let most = (sentences + 1).saturating_mul(TOKENS_PER_SENTENCE);
        let max_new_tokens = options.generate.max_new_tokens.min(most);
        let mut generate = GenerateOptions { max_new_tokens, ..options.generate.clone() };
        if attempt == Attempt::Second {
            // the likeliest text said nothing new; the seed makes this one the same each time too
            generate.sampling.temperature = generate.sampling.temperature.max(SECOND_TEMPERATURE);
            generate.beams = 1;
        }
        let before = self.run.started.elapsed();
        let call = Call::new().cancel(&self.run.cancel);
        let generation = generator.generate_with(&prompt.token_ids, &generate, call)?;
        self.run.timings.add_generation(&generation, before);
        Ok(generation.text)
    }
}

/// The sentences of what was written, without the marks of lists and headings that models put
/// there, and without one that the limit cut off.
fn sentences(written: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    for line in prompt::lines(written) {
        let line = line.replace("**", "").replace('`', "");
        let line = line.trim_start_matches(['#', ' ']);
        if line.ends_with(':') {
            continue;
        }
        for range in passage::sentences(line) {
            let sentence = one_line(&cite::without_markers(&line[range]));
            if quality::is_plain(&sentence) {
                sentences.push(capitalised(&sentence));
            }
        }
    }
    let is_cut =
        sentences.last().is_some_and(|last: &String| !last.ends_with(['.', '!', '?', '\u{3002}']));
    if is_cut && sentences.len() > 1 {
        sentences.pop();
    }
    sentences
}

/// The name of an option, without `Option 1:` before it.
fn option_name(line: &str, label: &str) -> String {
    let line = line.replace("**", "");
    let rest = match fold(&line).starts_with(&fold(label)) {
        true => line.split_once(':').map_or(line.as_str(), |(_, rest)| rest),
        false => line.as_str(),
    };
    one_line(rest).trim_end_matches(['.', ';', ',', ':']).to_owned()
}

fn capitalised(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// The verdict that a text begins with, and the rest of it; unclear if it begins with none.
fn verdict_of(written: &str) -> (DraftVerdict, &str) {
    let text = written.trim_start_matches(|c: char| !c.is_alphanumeric());
    let end = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
    let verdict = match fold(&text[..end]).as_str() {
        "yes" | "oui" => DraftVerdict::Yes,
        "no" | "non" => DraftVerdict::No,
        "unclear" | "incertain" => DraftVerdict::Unclear,
        _ => return (DraftVerdict::Unclear, written),
    };
    let rest = &text[end..];
    (verdict, rest.trim_start_matches(|c: char| !c.is_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_model_writes_is_cleaned_to_sentences() {
        let written = "## For\n1. **The hall is dry.** It is cheap [3].\nReasons:\n- The roof is new. And the";
        assert_eq!(sentences(written), ["The hall is dry.", "It is cheap.", "The roof is new."]);
        assert!(sentences("").is_empty());
        assert_eq!(sentences("One without an end"), ["One without an end"]);
    }

    #[test]
    fn a_verdict_is_read_from_the_first_word() {
        assert_eq!(verdict_of("Yes, nine is less."), (DraftVerdict::Yes, "nine is less."));
        assert_eq!(verdict_of("**Non.** Le plafond."), (DraftVerdict::No, "Le plafond."));
        assert_eq!(verdict_of("The rule says"), (DraftVerdict::Unclear, "The rule says"));
        assert_eq!(verdict_of("").0, DraftVerdict::Unclear);
    }

    #[test]
    fn an_option_goes_by_its_name() {
        assert_eq!(option_name("Option 1: **Open on Sundays.**", "Option"), "Open on Sundays");
        assert_eq!(option_name("Open on Sundays", "Option"), "Open on Sundays");
    }
}
