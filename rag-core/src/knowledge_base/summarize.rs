//! Summaries with citations: of a document, or of what the documents say about a question.
//!
//! A generator takes in as many passages as it reads well, summarises each part, and then the summaries, until one is left (map and
//! reduce). Without a generator the summary is made of the most central sentences, word for word (centroid of sentence vectors:
//! Rossiello, Basile and Semeraro 2017; repetitions held back by maximal marginal relevance).

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::generate::{GenerateOptions, Generation, Generator};
use crate::guard::{Outlet, Refusal};
use crate::model::Rendered;
use crate::options::Options;
use crate::passage;
use crate::progress::{Call, CancelToken};
use crate::prompt::{self, SummaryRequest};
use crate::search::{self, Hit};

use super::ask::{Retrieved, Written, milliseconds, not_answered, not_found};
use super::types::{Answer, NotFoundReason, SummarizeOptions, Timings, Writer};
use super::{KnowledgeBase, check_question};

/// Most tokens of passages that are summarised at once: small models lose the thread in more.
const PART_TOKENS: usize = 1_500;
/// Most tokens of the summary of a part.
const PART_SUMMARY_TOKENS: usize = 160;
/// Most sentences that are weighed where no generator runs; of a longer document every second, third, ... one.
const MAX_SENTENCES: usize = 5_000;
/// How much a sentence is held back for saying what is said already.
const DIVERSITY: f32 = 0.3;

/// What to summarise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The document with this uri.
    Document(&'a str),
    /// What the passages found say about this.
    Question(&'a str),
}

impl KnowledgeBase {
    /// Summarises a document, or what the documents say about a question, with verified citations; with
    /// [`SummarizeOptions::default`].
    ///
    /// # Errors
    /// As [`KnowledgeBase::summarize_with`].
    pub fn summarize(&self, subject: Subject<'_>) -> Result<Answer> {
        self.summarize_with(subject, &SummarizeOptions::default(), Call::new())
    }

    /// Summarises a document, or what the documents say about a question, with verified citations.
    ///
    /// The result is an [`Answer`]: each sentence is marked with the passage that supports it; sentences that none supports are in the
    /// trace, and if none is supported the summary is withheld as not found. [`Call::on_piece`] gets the summary as it is written. The
    /// passages read are in [`Answer::hits`]: for a document, those that are cited. A long document takes as long as the generator
    /// needs to read it (docs/benchmarks.md).
    ///
    /// # Errors
    /// NotFound if there is no document with this uri; InvalidArgument for an empty question or options out of range;
    /// ContextOverflow if not even one passage fits the model; else as [`KnowledgeBase::ask`].
    pub fn summarize_with(
        &self,
        subject: Subject<'_>,
        options: &SummarizeOptions,
        mut call: Call<'_>,
    ) -> Result<Answer> {
        let (mut on_piece, call) = call.split();
        let cancel = call.token();
        if !(1..=50).contains(&options.max_sentences) {
            let reason = format!("{} is not from 1 to 50", options.max_sentences);
            return Err(Error::invalid("max_sentences", reason));
        }
        let (started, ask) = (Instant::now(), &options.ask);
        options.validate()?;
        let mut timings = Timings::default();
        let question = match subject {
            Subject::Document(_) => "",
            Subject::Question(question) => question,
        };
        let retrieved = match subject {
            Subject::Document(uri) => self.whole(uri)?,
            Subject::Question(question) => {
                check_question(question)?;
                if let Some(refusal) = self.refusal(question, ask, cancel)? {
                    timings.total_ms = milliseconds(started.elapsed());
                    return Ok(not_answered(question, timings, ask).refused(refusal));
                }
                let retrieved = self.retrieve(question, ask, cancel)?;
                timings.search_ms = milliseconds(started.elapsed());
                if let Some(reason) = retrieved.not_found(question) {
                    timings.total_ms = timings.search_ms;
                    return Ok(not_found(question, reason, retrieved, timings, ask));
                }
                retrieved
            }
        };
        // a file that was skipped is known and has no passages
        if retrieved.hits.is_empty() {
            timings.total_ms = milliseconds(started.elapsed());
            return Ok(not_found(question, NotFoundReason::Empty, retrieved, timings, ask));
        }
        let summary = match &ask.writer {
            Writer::Generator if self.models.has_generator() => {
                let mut writer = Summarizer::new(self, question, options, started, cancel)?;
                let summary = writer.write(&retrieved.hits, &mut on_piece)?;
                timings = Timings { search_ms: timings.search_ms, ..writer.timings };
                summary
            }
            _ => self.central(question, &retrieved.hits, options, &mut on_piece, cancel)?,
        };
        let hits = retrieved.hits.clone();
        let written = Written {
            text: summary.text.trim(),
            shown: &hits,
            prompt: &summary.prompt,
            generation: summary.generation.as_ref(),
        };
        let mut answer = self.cited(question, &written, retrieved, ask, cancel)?;
        if let Subject::Document(_) = subject {
            answer.keep_cited();
        }
        timings.total_ms = milliseconds(started.elapsed());
        answer.timings = timings;
        Ok(match summary.refusal {
            Some(refusal) => answer.refused(refusal),
            None => answer.masked(question, ask),
        })
    }

    /// Every passage of a document.
    fn whole(&self, uri: &str) -> Result<Retrieved> {
        let stores = self.stores();
        for (number, store) in stores.iter().enumerate() {
            if let Some(row) = store.document(uri)? {
                return Ok(Retrieved::given(search::whole(&stores, number, row.id)?));
            }
        }
        Err(Error::NotFound {
            what: "document",
            name: uri.to_owned(),
            hint: "documents go by the path or uri that hits show".to_owned(),
        })
    }

    /// The sentences that say best what all say, in their order.
    fn central(
        &self,
        question: &str,
        hits: &[Hit],
        options: &SummarizeOptions,
        on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
        cancel: &CancelToken,
    ) -> Result<Summary> {
        let mut sentences = sentences(hits);
        let step = sentences.len().div_ceil(MAX_SENTENCES).max(1);
        sentences = sentences.into_iter().step_by(step).collect();
        let mut chosen = Vec::new();
        if !sentences.is_empty() {
            let encoder = self.encoder()?;
            let vectors = encoder.encode_passages(&sentences, cancel)?;
            let rows: Vec<&[f32]> = vectors.rows().collect();
            let aim = match question {
                "" => search::centroid(&rows),
                asked => encoder.encode_queries(&[asked], cancel)?.data,
            };
            chosen = search::spread(&aim, &rows, options.max_sentences, DIVERSITY);
            chosen.sort_unstable();
        }
        let text = chosen.into_iter().map(|place| sentences[place].as_str()).collect::<Vec<_>>();
        let text = text.join(" ");
        let refusal = Outlet::new(&options.ask.guards, on_piece).whole(&text);
        Ok(Summary { text, prompt: String::new(), refusal, generation: None })
    }
}

/// What was written, and how.
struct Summary {
    text: String,
    prompt: String,
    refusal: Option<Refusal>,
    generation: Option<Generation>,
}

/// A generator that summarises texts of any length.
struct Summarizer<'a> {
    generator: &'a Generator,
    about: Option<&'a str>,
    options: &'a SummarizeOptions,
    started: Instant,
    cancel: &'a CancelToken,
    /// Most tokens of the texts of one prompt.
    part_tokens: usize,
    timings: Timings,
}

impl<'a> Summarizer<'a> {
    fn new(
        knowledge_base: &'a KnowledgeBase,
        question: &'a str,
        options: &'a SummarizeOptions,
        started: Instant,
        cancel: &'a CancelToken,
    ) -> Result<Self> {
        let (loading, was_loaded) = (Instant::now(), knowledge_base.models.generator_is_loaded());
        let generator = knowledge_base.generator()?;
        let mut timings = Timings::default();
        if !was_loaded {
            timings.load_ms = milliseconds(loading.elapsed());
        }
        let about = (!question.is_empty()).then_some(question);
        let mut summarizer =
            Self { generator, about, options, started, cancel, part_tokens: 0, timings };
        let frame_tokens = summarizer.rendered(&[])?.token_ids.len();
        let taken = frame_tokens.saturating_add(options.ask.generate.max_new_tokens);
        let context_len = generator.context_len();
        summarizer.part_tokens = context_len.saturating_sub(taken).min(PART_TOKENS);
        if summarizer.part_tokens == 0 {
            return Err(Error::ContextOverflow { needed_tokens: taken, context_len });
        }
        Ok(summarizer)
    }

    fn write(
        &mut self,
        hits: &[Hit],
        on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Summary> {
        let mut texts: Vec<String> = hits.iter().map(|hit| hit.text.trim().to_owned()).collect();
        loop {
            let parts = self.parts(&texts)?;
            if parts.len() <= 1 {
                return self.last(&texts, on_piece);
            }
            let mut summaries = Vec::with_capacity(parts.len());
            for part in &parts {
                summaries.push(self.summary_of(part)?);
            }
            // each round must leave less to read, or there would be no end
            if parts.len() >= texts.len() {
                let needed_tokens = self.part_tokens.saturating_mul(2);
                let context_len = self.generator.context_len();
                return Err(Error::ContextOverflow { needed_tokens, context_len });
            }
            texts = summaries;
        }
    }

    /// The texts cut into runs that fit a prompt.
    fn parts<'t>(&self, texts: &'t [String]) -> Result<Vec<&'t [String]>> {
        let mut parts = Vec::new();
        let (mut first, mut tokens) = (0, 0usize);
        for (place, text) in texts.iter().enumerate() {
            let needed_tokens = self.generator.chat().encode(text)?.len() + 2;
            if needed_tokens > self.part_tokens {
                return Err(Error::ContextOverflow {
                    needed_tokens,
                    context_len: self.part_tokens,
                });
            }
            if tokens + needed_tokens > self.part_tokens {
                parts.push(&texts[first..place]);
                (first, tokens) = (place, 0);
            }
            tokens += needed_tokens;
        }
        parts.push(&texts[first..]);
        Ok(parts)
    }

    /// The summary of a part, which nobody sees.
    fn summary_of(&mut self, texts: &[String]) -> Result<String> {
        let prompt = self.rendered(texts)?;
        let generate = &self.options.ask.generate;
        let max_new_tokens = generate.max_new_tokens.min(PART_SUMMARY_TOKENS);
        let short = GenerateOptions { max_new_tokens, ..generate.clone() };
        let mut unseen = |_: &str| ControlFlow::Continue(());
        Ok(self.generated(&prompt, &short, &mut unseen)?.0)
    }

    fn last(
        &mut self,
        texts: &[String],
        on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Summary> {
        let prompt = self.rendered(texts)?;
        let options = &self.options.ask;
        let mut outlet = Outlet::new(&options.guards, on_piece);
        let (text, generation) =
            self.generated(&prompt, &options.generate, &mut |piece| outlet.piece(piece))?;
        let refusal = outlet.finish(&text);
        Ok(Summary { text, prompt: prompt.text, refusal, generation: Some(generation) })
    }

    /// What the generator writes, ended where it says too much or again what it said.
    fn generated(
        &mut self,
        prompt: &Rendered,
        generate: &GenerateOptions,
        on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(String, Generation)> {
        let max_sentences = self.options.max_sentences;
        let mut text = String::new();
        let mut piece = |piece: &str| {
            let said = text.len();
            text.push_str(piece);
            let Some(end) = end_of(&text, max_sentences) else { return on_piece(piece) };
            text.truncate(end);
            // what the piece still says before the end
            if let Some(rest) = text.get(said..).filter(|rest| !rest.is_empty()) {
                let _ = on_piece(rest);
            }
            ControlFlow::Break(())
        };
        let before = self.started.elapsed();
        let call = Call::new().on_piece(&mut piece).cancel(self.cancel);
        let generation = self.generator.generate_with(&prompt.token_ids, generate, call)?;
        self.timings.add_generation(&generation, before);
        Ok((text.trim().to_owned(), generation))
    }

    fn rendered(&self, texts: &[String]) -> Result<Rendered> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let about = self.about.map(|about| self.options.ask.guards.told(about));
        self.generator.chat().render(&prompt::summary(&SummaryRequest {
            texts: &texts,
            about: about.as_deref(),
            system: self.options.ask.system.as_deref(),
            max_sentences: self.options.max_sentences,
        }))
    }
}

impl Answer {
    /// Leaves of the passages those that are cited.
    fn keep_cited(&mut self) {
        let cited: Vec<(usize, i64)> =
            self.citations.iter().map(|cited| (cited.store, cited.passage_id)).collect();
        let kept = |hit: &Hit| cited.contains(&(hit.store, hit.passage_id));
        self.hits.retain(kept);
        if let Some(trace) = &mut self.trace {
            trace.hits.retain(kept);
        }
    }
}

/// Where a summary ends, if it goes on beyond: after `max_sentences`, or before a sentence that was said already.
fn end_of(text: &str, max_sentences: usize) -> Option<usize> {
    let sentences = passage::sentences(text);
    // the last one may still grow
    let whole = sentences.len().saturating_sub(1);
    let said = |place: usize| text.get(sentences[place].clone()).unwrap_or_default();
    let repeated = (1..whole).find(|&place| (0..place).any(|before| said(before) == said(place)));
    let last = repeated.unwrap_or(max_sentences).min(max_sentences);
    (sentences.len() > last).then(|| last.checked_sub(1).map_or(0, |place| sentences[place].end))
}

/// Whether a text ends as sentences do, and headings and cells do not.
fn is_ended(sentence: &str) -> bool {
    let closing = ['"', '\'', ')', ']', '\u{201d}', '\u{bb}', ' ', '\u{a0}'];
    sentence.trim_end_matches(closing).ends_with(['.', '!', '?', '\u{2026}'])
}

/// The sentences of all hits, in order. Headings and fragments are left out, unless there is nothing else.
fn sentences(hits: &[Hit]) -> Vec<String> {
    let all = texts(hits);
    let ended: Vec<String> = all.iter().filter(|sentence| is_ended(sentence)).cloned().collect();
    if ended.is_empty() { all } else { ended }
}

/// Every sentence of four words or more, once.
fn texts(hits: &[Hit]) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    let mut said = HashSet::new();
    for hit in hits {
        for range in passage::sentences(&hit.text) {
            let words: Vec<&str> = hit.text[range].split_whitespace().collect();
            let sentence = words.join(" ");
            if words.len() >= 4 && said.insert(sentence.clone()) {
                sentences.push(sentence);
            }
        }
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_ends_where_it_says_too_much_or_repeats_itself() {
        let text = "One is here. Two is there. Three is away.";
        assert_eq!(end_of(text, 3), None);
        assert_eq!(end_of(text, 2).map(|end| &text[..end]), Some("One is here. Two is there."));
        let again = "One is here. Two is there. One is here. Two";
        assert_eq!(end_of(again, 9).map(|end| &again[..end]), Some("One is here. Two is there."));
        // it may still become another sentence
        assert_eq!(end_of("One is here. One is", 9), None);
        assert_eq!(end_of("", 1), None);
    }

    #[test]
    fn headings_are_not_sentences_unless_there_is_nothing_else() {
        let hit = |text: &str| Hit { text: text.to_owned(), ..Hit::default() };
        let mixed = hit(
            "The manual of the buoy\n\nAttach the chain before noon. Attach the chain before noon.",
        );
        assert_eq!(sentences(&[mixed]), ["Attach the chain before noon."]);
        let list = hit("The manual of the buoy\n\nThe manual of the lamp");
        assert_eq!(sentences(&[list]).len(), 2);
    }
}
