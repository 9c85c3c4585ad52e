//! Summaries with citations: of a document, or of what the documents say about a question.
//!
//! A generator takes in as many passages as it reads well, summarises each part, and then the
//! summaries, until one is left (map and reduce). Without a generator the summary is made of the
//! most central sentences, word for word (centroid of sentence vectors: Rossiello, Basile and
//! Semeraro 2017; repetitions held back by maximal marginal relevance).

use std::collections::HashSet;
use std::ops::ControlFlow;

use crate::error::{Error, Result};
use crate::generate::{GenerateOptions, Generation, Generator};
use crate::guard::{Outlet, Refusal};
use crate::model::Rendered;
use crate::options::Options;
use crate::passage;
use crate::progress::{Call, Retraction};
use crate::prompt::{self, SummaryRequest};
use crate::search::{self, Hit};
use crate::store::DocumentRow;

use super::run::{Retrieved, Run, Written};
use super::types::{Answer, NotFoundReason, SummarizeOptions, Writer};
use super::{KnowledgeBase, check_question};

/// Most tokens of passages that are summarised at once: small models lose the thread in more.
const PART_TOKENS: usize = 1_500;
/// Most tokens of the summary of a part.
const PART_SUMMARY_TOKENS: usize = 160;
/// Most sentences that are weighed where no generator runs; of a longer document every second,
/// third, ... one.
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
    /// Summarises a document, or what the documents say about a question, with verified citations;
    /// with
    /// [`SummarizeOptions::default`].
    ///
    /// # Errors
    /// As [`KnowledgeBase::summarize_with`].
    pub fn summarize(&self, subject: Subject<'_>) -> Result<Answer> {
        self.summarize_with(subject, &SummarizeOptions::default(), Call::new())
    }

    /// Summarises a document, or what the documents say about a question, with verified citations.
    ///
    /// The result is an [`Answer`]: each sentence is marked with the passage that supports it;
    /// sentences that none supports are in the trace, and if none is supported the summary is
    /// withheld as not found. [`Call::on_piece`] gets the summary as it is written, and with
    /// [`Stream::Raw`](super::Stream::Raw) [`Call::on_retract`] is told if it is withheld. The
    /// passages read are in [`Answer::hits`]: for a document, those that are cited. A long document
    /// takes as long as the generator needs to read it (docs/benchmarks.md).
    ///
    /// # Errors
    /// NotFound if there is no document with this uri; InvalidArgument for an empty question or
    /// options out of range; ContextOverflow if not even one passage fits the model; else as
    /// [`KnowledgeBase::ask`].
    pub fn summarize_with(
        &self,
        subject: Subject<'_>,
        options: &SummarizeOptions,
        mut call: Call<'_>,
    ) -> Result<Answer> {
        if !(1..=50).contains(&options.max_sentences) {
            let reason = format!("{} is not from 1 to 50", options.max_sentences);
            return Err(Error::invalid("max_sentences", reason));
        }
        options.validate()?;
        let question = match subject {
            Subject::Document(_) => "",
            Subject::Question(question) => question,
        };
        let ask = self.settled(&options.ask);
        let mut run = Run::new(self, question, &ask, call.lend());
        let retrieved = match subject {
            Subject::Document(uri) => self.whole(uri)?,
            Subject::Question(question) => {
                check_question(question)?;
                if let Some(refusal) = run.guard()? {
                    return Ok(run.refuse(refusal));
                }
                run.retrieve()?
            }
        };
        // a file that was skipped is known and has no passages
        let reason = match subject {
            Subject::Document(_) => retrieved.hits.is_empty().then_some(NotFoundReason::Empty),
            Subject::Question(_) => run.judge(&retrieved),
        };
        if let Some(reason) = reason {
            return Ok(run.not_found(reason, retrieved));
        }
        let (mut answer, refusal) = run.summarized(&retrieved, options)?;
        if let Subject::Document(_) = subject {
            answer.keep_cited();
        }
        Ok(run.finish(answer, refusal))
    }

    /// Every passage of a document.
    fn whole(&self, uri: &str) -> Result<Retrieved> {
        let stores = self.stores();
        for (number, store) in stores.iter().enumerate() {
            if let Some(row) = store.document(uri)? {
                return Ok(Retrieved::given(search::whole(&stores, number, row.id)?));
            }
        }
        let mut ends: Vec<(usize, DocumentRow)> = Vec::new();
        for (number, store) in stores.iter().enumerate() {
            let held = store.documents()?.into_iter();
            ends.extend(held.filter(|row| ends_with(&row.uri, uri)).map(|row| (number, row)));
        }
        match ends.as_slice() {
            [(number, only)] => Ok(Retrieved::given(search::whole(&stores, *number, only.id)?)),
            several => {
                let uris = several.iter().take(MAX_CANDIDATES).map(|(_, row)| row.uri.as_str());
                let hint = match several.is_empty() {
                    true => "documents go by the path or uri that hits show".to_owned(),
                    false => {
                        let more = several.len().saturating_sub(MAX_CANDIDATES);
                        let more =
                            if more > 0 { format!(" and {more} more") } else { String::new() };
                        format!("several end so: {}{more}", uris.collect::<Vec<_>>().join(", "))
                    }
                };
                Err(Error::NotFound { what: "document", name: uri.to_owned(), hint })
            }
        }
    }
}

/// Documents that are named where several are meant.
const MAX_CANDIDATES: usize = 5;

/// Whether a path ends with this name, at a folder.
fn ends_with(uri: &str, name: &str) -> bool {
    let name = name.strip_prefix("./").unwrap_or(name);
    let before = uri.strip_suffix(name).filter(|_| !name.is_empty());
    before.is_some_and(|before| before.ends_with(['/', '\\']))
}

impl Run<'_> {
    /// The summary of these passages, by whom the options say.
    fn summarized(
        &mut self,
        retrieved: &Retrieved,
        options: &SummarizeOptions,
    ) -> Result<(Answer, Option<Refusal>)> {
        match &options.ask.writer {
            Writer::Generator if self.knowledge_base.models.has_generator() => {
                Summarizer::new(self, options)?.write(retrieved)
            }
            _ => self.central(retrieved, options.max_sentences),
        }
    }

    /// The sentences that say best what all say, in their order.
    fn central(
        &mut self,
        retrieved: &Retrieved,
        max_sentences: usize,
    ) -> Result<(Answer, Option<Refusal>)> {
        let hits = &retrieved.hits;
        let mut sentences = sentences(hits);
        let step = sentences.len().div_ceil(MAX_SENTENCES).max(1);
        sentences = sentences.into_iter().step_by(step).collect();
        let mut chosen = Vec::new();
        if !sentences.is_empty() {
            let encoder = self.knowledge_base.encoder()?;
            let vectors =
                encoder.encode_passages_with(&sentences, Call::new().cancel(&self.cancel))?;
            let rows: Vec<&[f32]> = vectors.rows().collect();
            let aim = match self.question {
                "" => search::centroid(&rows),
                asked => {
                    encoder.encode_queries_with(&[asked], Call::new().cancel(&self.cancel))?.data
                }
            };
            chosen = search::spread(&aim, &rows, max_sentences, DIVERSITY);
            chosen.sort_unstable();
        }
        let text = chosen.into_iter().map(|place| sentences[place].as_str()).collect::<Vec<_>>();
        let text = text.join(" ");
        let refusal = self.hand_out(&text);
        let written = Written { text, shown: hits.clone(), ..Written::default() };
        Ok((self.cite(retrieved, &written)?, refusal))
    }
}

/// A generator that summarises texts of any length.
struct Summarizer<'r, 'a> {
    run: &'r mut Run<'a>,
    generator: &'a Generator,
    options: &'r SummarizeOptions,
    /// Most tokens of the texts of one prompt.
    part_tokens: usize,
}

impl<'r, 'a> Summarizer<'r, 'a> {
    fn new(run: &'r mut Run<'a>, options: &'r SummarizeOptions) -> Result<Self> {
        let generator = run.generator()?;
        let mut summarizer = Self { run, generator, options, part_tokens: 0 };
        let frame_tokens = summarizer.rendered(&[])?.token_ids.len();
        let taken = frame_tokens.saturating_add(options.ask.generate.max_new_tokens);
        let context_len = generator.context_len();
        summarizer.part_tokens = context_len.saturating_sub(taken).min(PART_TOKENS);
        if summarizer.part_tokens == 0 {
            return Err(Error::ContextOverflow { needed_tokens: taken, context_len });
        }
        Ok(summarizer)
    }

    fn write(&mut self, retrieved: &Retrieved) -> Result<(Answer, Option<Refusal>)> {
        let text = |hit: &Hit| hit.text.trim().to_owned();
        let mut texts: Vec<String> = retrieved.hits.iter().map(text).collect();
        loop {
            let parts = self.parts(&texts)?;
            if parts.len() <= 1 {
                return self.last(&texts, retrieved);
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
        let unseen = Call::new().cancel(&self.run.cancel);
        Ok(self.generated(&prompt, &short, unseen)?.0)
    }

    /// The summary that is handed on.
    fn last(
        &mut self,
        texts: &[String],
        retrieved: &Retrieved,
    ) -> Result<(Answer, Option<Refusal>)> {
        let prompt = self.rendered(texts)?;
        let options = &self.options.ask;
        let mut listeners = self.run.listeners();
        let on_retract = listeners.take_on_retract();
        let (mut on_piece, call) = listeners.split();
        let mut outlet = Outlet::new(&options.guards, &mut on_piece).retracting(on_retract);
        let mut hand_on = |piece: &str| outlet.piece(piece);
        let heard = call.on_piece(&mut hand_on);
        let (text, generation) = self.generated(&prompt, &options.generate, heard)?;
        let refusal = outlet.finish(&text);
        let (prompt, generation, shown) = (prompt.text, Some(generation), retrieved.hits.clone());
        let written = Written { text, prompt, generation, shown, ..Written::default() };
        let answer = self.run.cite(retrieved, &written)?;
        if !answer.found {
            outlet.retract(Retraction::Unsupported);
        }
        Ok((answer, refusal))
    }

    /// What the generator writes, ended where it says too much or again what it said.
    fn generated(
        &mut self,
        prompt: &Rendered,
        generate: &GenerateOptions,
        mut call: Call<'_>,
    ) -> Result<(String, Generation)> {
        let max_sentences = self.options.max_sentences;
        let (mut on_piece, call) = call.split();
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
        let before = self.run.started.elapsed();
        let call = call.on_piece(&mut piece);
        let generation = self.generator.generate_with(&prompt.token_ids, generate, call)?;
        self.run.timings.add_generation(&generation, before);
        Ok((text.trim().to_owned(), generation))
    }

    fn rendered(&self, texts: &[String]) -> Result<Rendered> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let question = self.run.question;
        let about = (!question.is_empty()).then(|| self.options.ask.guards.told(question));
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

/// Where a summary ends, if it goes on beyond: after `max_sentences`, or before a sentence that was
/// said already.
pub(super) fn end_of(text: &str, max_sentences: usize) -> Option<usize> {
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

/// The sentences of all hits, in order. Headings and fragments are left out, unless there is
/// nothing else.
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
