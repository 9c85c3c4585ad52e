//! From a question to a cited answer, or to "not found".

use std::ops::ControlFlow;

use crate::error::{Error, Result};
use crate::guard::{Outlet, Refusal};
use crate::model::Message;
use crate::options::Options;
use crate::progress::{Call, Retraction};
use crate::prompt::{self, AnswerLength, Prompt, Request};
use crate::search::Hit;

use super::history::told_history;
use super::run::{Retrieved, Run, Written};
use super::tabled::Tabled;
use super::types::{Answer, AskOptions, OwnWriter, Writer};
use super::{KnowledgeBase, check_question};

impl KnowledgeBase {
    /// Answers `question` from the documents, with verified citations, or says that they do not
    /// know; with
    /// [`AskOptions::default`].
    ///
    /// # Errors
    /// As [`KnowledgeBase::ask_with`].
    pub fn ask(&self, question: &str) -> Result<Answer> {
        self.ask_with(question, &AskOptions::default(), Call::new())
    }

    /// Answers `question` from the documents, with verified citations, or says that they do not
    /// know. A question to the assistant or about the conversation is answered from
    /// [`AskOptions::system`] or the user's own turns where they tell it: [`Answer::told_by`].
    ///
    /// [`Call::on_piece`] gets the answer as it is written, without markers, from the first sentence
    /// on that a passage supports; returning `Break` ends it there. What has arrived is then the
    /// answer, but with [`Abstain::Never`](super::Abstain::Never), a constraint or a writer of the
    /// caller's, whose pieces come as they are written. With [`Stream::Raw`](super::Stream::Raw)
    /// all pieces do, and [`Call::on_retract`] is told where they turn out not to be the answer.
    /// [`Call::on_progress`] is told how much of the prompt the generator has taken in. A question
    /// or answer that the guards refuse is an answer too, with
    /// [`Outcome::Refused`](super::Outcome::Refused).
    ///
    /// # Errors
    /// InvalidArgument for an empty question or options out of range; ContextOverflow if the
    /// question alone exceeds the model; Cancelled within one token; NotFound or Model if a model
    /// cannot be loaded; Store.
    pub fn ask_with(
        &self,
        question: &str,
        options: &AskOptions,
        mut call: Call<'_>,
    ) -> Result<Answer> {
        check_question(question)?;
        options.validate()?;
        let options = self.settled(options);
        let mut run = Run::new(self, question, &options, call.lend());
        if let Some(refusal) = run.guard()? {
            return Ok(run.refuse(refusal));
        }
        let told = run.told_of();
        if let Some(told) = told.as_ref().filter(|told| told.is_own()) {
            return run.answer_told(told);
        }
        let mut retrieved = run.retrieve()?;
        match run.tabled(&mut retrieved)? {
            Tabled::Answered(answer, refusal) => return Ok(run.finish(*answer, refusal)),
            Tabled::Refused(reason) => return Ok(run.not_found(reason, retrieved)),
            Tabled::Other => {}
        }
        let retrieved = run.retrieve_again(retrieved)?;
        let reason = run.judge(&retrieved);
        if let Some(told) = told.filter(|told| told.stands_for(&retrieved.hits, reason)) {
            return run.answer_told(&told);
        }
        if let Some(reason) = reason {
            return Ok(run.not_found(reason, retrieved));
        }
        let (answer, refusal) = run.answer(&retrieved)?;
        Ok(run.finish(answer, refusal))
    }

    /// The prompt that [`KnowledgeBase::ask`] would give the model for this question, text and
    /// tokens, without generating; what it is made from is found as for an answer. Whether the
    /// passages would pass for an answer is not judged.
    ///
    /// # Errors
    /// As [`KnowledgeBase::ask`].
    pub fn prompt(&self, question: &str) -> Result<Prompt> {
        self.prompt_with(question, &AskOptions::default(), Call::new())
    }

    /// As [`KnowledgeBase::prompt`], for [`KnowledgeBase::ask_with`].
    ///
    /// # Errors
    /// As [`KnowledgeBase::ask_with`].
    pub fn prompt_with(
        &self,
        question: &str,
        options: &AskOptions,
        mut call: Call<'_>,
    ) -> Result<Prompt> {
        check_question(question)?;
        let options = self.settled(options);
        let mut run = Run::new(self, question, &options, call.lend());
        let retrieved = run.retrieve()?;
        let shown = run.shown(&retrieved)?;
        self.prompt_of(question, &shown, &options)
    }

    /// As [`KnowledgeBase::prompt_with`], for hits of the caller's.
    ///
    /// # Errors
    /// ContextOverflow if the question alone exceeds the model; InvalidArgument if `max_new_tokens`
    /// fills the context; NotFound or Model if the generator cannot be loaded.
    pub fn prompt_of(&self, question: &str, hits: &[Hit], options: &AskOptions) -> Result<Prompt> {
        let generator = self.generator()?;
        let context_len = generator.context_len();
        let max_new_tokens = options.generate.max_new_tokens;
        let budget_tokens = context_len.checked_sub(max_new_tokens).filter(|budget| *budget > 0);
        let budget_tokens = budget_tokens.ok_or_else(|| {
            let reason = format!("{max_new_tokens} leaves no room in a context of {context_len}");
            Error::invalid("max_new_tokens", reason)
        })?;
        let history = told_history(generator.chat(), options, budget_tokens)?;
        let question = options.guards.told(question);
        let request = Request { budget_tokens, ..request(&question, hits, &history, options) };
        prompt::build(generator.chat(), &request)
    }
}

impl Run<'_> {
    /// What is written about the passages, by whom the options say, and why it may not be seen, if
    /// so.
    fn answer(&mut self, retrieved: &Retrieved) -> Result<(Answer, Option<Refusal>)> {
        match &self.options.writer {
            Writer::Own(own) => self.told(retrieved, own),
            Writer::Generator if self.knowledge_base.models.has_generator() => {
                self.drafted(retrieved)
            }
            _ => self.extracted(retrieved),
        }
    }

    /// What the caller's own model writes.
    fn told(
        &mut self,
        retrieved: &Retrieved,
        own: &OwnWriter,
    ) -> Result<(Answer, Option<Refusal>)> {
        let mut listeners = self.listeners();
        let on_retract = listeners.take_on_retract();
        let (mut on_piece, _) = listeners.split();
        let mut outlet = Outlet::new(&self.options.guards, &mut on_piece).retracting(on_retract);
        let (written, refusal) = self.told_by(retrieved, own, &mut outlet)?;
        let answer = self.cite(retrieved, &written)?;
        if !answer.found {
            outlet.retract(Retraction::Unsupported);
        }
        Ok((answer, refusal))
    }

    /// The same before it is judged.
    pub(super) fn told_by(
        &mut self,
        retrieved: &Retrieved,
        own: &OwnWriter,
        outlet: &mut Outlet<'_>,
    ) -> Result<(Written, Option<Refusal>)> {
        let (shown, options) = (self.shown(retrieved)?, self.options);
        let told = |turn: &Message| Message {
            content: options.guards.told(&turn.content).into_owned(),
            role: turn.role,
        };
        let history: Vec<Message> = options.history.iter().map(told).collect();
        let question = options.guards.told(self.question);
        let messages = prompt::messages(&request(&question, &shown, &history, options));
        let text = own.write(&messages, &mut |piece| match self.cancel.is_cancelled() {
            true => ControlFlow::Break(()),
            false => outlet.piece(piece),
        })?;
        self.cancel.check()?;
        let refusal = outlet.finish(&text);
        let turns: Vec<&str> = messages.iter().map(|turn| turn.content.as_str()).collect();
        let written = Written { text, shown, prompt: turns.join("\n\n"), ..Written::default() };
        Ok((written, refusal))
    }
}

/// What a prompt is made from; it may be as long as it likes.
pub(super) fn request<'a>(
    question: &'a str,
    hits: &'a [Hit],
    history: &'a [Message],
    options: &'a AskOptions,
) -> Request<'a> {
    Request {
        question,
        hits,
        history,
        system: options.system.as_deref(),
        budget_tokens: usize::MAX,
        fence: options.fence,
        order: options.order,
        examples: options.examples.as_deref(),
        answer_length: match (&options.writer, options.answer_length) {
            // a model of the caller's may be asked for more than a few words
            (Writer::Own(_), AnswerLength::Auto) => AnswerLength::Sentences,
            (_, length) => length,
        },
    }
}
