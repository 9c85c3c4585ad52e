//! A conversation as tokens: who speaks, through which template, and back from tokens to text.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::model::formats::gguf::Gguf;
use crate::model::generator::folder::GeneratorFolder;
use crate::model::tokenizer::vocabulary::Vocabulary;

mod built_in;
mod message;
mod template;

pub use built_in::BuiltInTemplate;
use message::without_system;
pub use message::{Message, Role};
use template::{JinjaTemplate, TemplateSegment};

/// Which template wrote a conversation down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateSource {
    /// The model's own.
    Model,
    /// The model's own, with the system text put before the first question because it takes no
    /// system turn.
    ModelWithoutSystem,
    /// One of ours, because it was asked for or the model's own is missing or failed.
    BuiltIn(BuiltInTemplate),
}

impl TemplateSource {
    /// `"model"`, `"model_without_system"`, or the name of the built-in template.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TemplateSource::Model => "model",
            TemplateSource::ModelWithoutSystem => "model_without_system",
            TemplateSource::BuiltIn(template) => template.name(),
        }
    }
}

impl Serialize for TemplateSource {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A conversation as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rendered {
    /// The text, template included.
    pub text: String,
    /// Its tokens.
    pub token_ids: Vec<u32>,
    /// Where the template came from.
    pub template: TemplateSource,
}

/// The tokenizer and chat template of a generator. Any thread may use it.
#[derive(Debug)]
pub struct ChatModel {
    vocabulary: Vocabulary,
    own: Option<JinjaTemplate>,
    built_in: BuiltInTemplate,
}

/// What is known of a model besides its vocabulary and template.
struct ChatFamily<'a> {
    architecture: &'a str,
    finetune: &'a str,
    path: &'a std::path::Path,
}

impl ChatModel {
    /// Reads vocabulary and template. A template that does not compile is replaced by ours, which
    /// [`Rendered::template`] then says; so is any if `wanted` names one.
    ///
    /// # Errors
    /// Model for a vocabulary that we cannot use; InvalidArgument if `wanted` writes a control
    /// token that it lacks.
    pub(crate) fn from_gguf(gguf: &Gguf, wanted: Option<BuiltInTemplate>) -> Result<Self> {
        let named = |key| gguf.text(key).unwrap_or_default();
        let family = ChatFamily {
            architecture: named("general.architecture"),
            finetune: named("general.finetune"),
            path: gguf.path(),
        };
        let template = gguf.text("tokenizer.chat_template");
        Self::new(Vocabulary::from_gguf(gguf)?, template, wanted, &family)
    }

    /// As [`ChatModel::from_gguf`], of a `transformers` folder.
    pub(crate) fn from_folder(
        folder: &GeneratorFolder,
        wanted: Option<BuiltInTemplate>,
    ) -> Result<Self> {
        let template = folder.chat_template()?;
        let family =
            ChatFamily { architecture: folder.architecture(), finetune: "", path: folder.path() };
        Self::new(Vocabulary::from_folder(folder)?, template.as_deref(), wanted, &family)
    }

    fn new(
        vocabulary: Vocabulary,
        template: Option<&str>,
        wanted: Option<BuiltInTemplate>,
        family: &ChatFamily<'_>,
    ) -> Result<Self> {
        if let Some(wanted) = wanted {
            if let Some(name) = wanted.missing_token(&vocabulary) {
                let (wanted, path) = (wanted.name(), family.path.display());
                let reason = format!("{wanted} needs a token {name}, which {path} does not have");
                return Err(Error::invalid("template", reason));
            }
            return Ok(Self { vocabulary, own: None, built_in: wanted });
        }
        let own = template.and_then(|source| {
            JinjaTemplate::new(source, vocabulary.bos_text(), vocabulary.eos_text()).ok()
        });
        let built_in = BuiltInTemplate::of(&vocabulary, family.architecture, family.finetune);
        Ok(Self { vocabulary, own, built_in })
    }

    /// The tokens of a conversation, ready for the answer; control tokens come only from the
    /// template.
    ///
    /// The template is shown random marks in place of what is said; scaffold and content are
    /// tokenised apart. A template that fails is replaced by the built-in one that the vocabulary
    /// was made for, plain `User:` lines if none is; [`Rendered::template`] says which was used.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) if there is no message.
    pub fn render(&self, messages: &[Message]) -> Result<Rendered> {
        if messages.is_empty() {
            return Err(Error::invalid("messages", "at least one is needed"));
        }
        let (segments, template) = self.segments(messages);
        let mut text = String::new();
        let mut token_ids = Vec::new();
        for segment in &segments {
            let before = token_ids.last().copied();
            let (part, ids) = match segment {
                TemplateSegment::Scaffold(part) => {
                    (part, self.vocabulary.encode_scaffold(part, before)?)
                }
                TemplateSegment::Content(part) => (part, self.vocabulary.encode(part, before)?),
            };
            token_ids.extend(ids);
            text.push_str(part);
        }
        if let Some(id) = self.vocabulary.opening_id()
            && token_ids.first() != Some(&id)
        {
            token_ids.insert(0, id);
        }
        Ok(Rendered { text, token_ids, template })
    }

    /// The template that a conversation is written with, if it does not refuse it: see
    /// [`Rendered::template`].
    #[must_use]
    pub fn template(&self) -> TemplateSource {
        match self.own {
            Some(_) => TemplateSource::Model,
            None => TemplateSource::BuiltIn(self.built_in),
        }
    }

    fn segments(&self, messages: &[Message]) -> (Vec<TemplateSegment>, TemplateSource) {
        if let Some(own) = &self.own {
            if let Ok(segments) = own.segments(messages) {
                return (segments, TemplateSource::Model);
            }
            if let Some(merged) = without_system(messages)
                && let Ok(segments) = own.segments(&merged)
            {
                return (segments, TemplateSource::ModelWithoutSystem);
            }
        }
        let (bos, eos) = (self.vocabulary.bos_text(), self.vocabulary.eos_text());
        let segments = self.built_in.segments(messages, bos, eos);
        (segments, TemplateSource::BuiltIn(self.built_in))
    }

    /// The tokens of plain text, with the names of control tokens read as ordinary text.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::ErrorCode::Internal) if the tokenizer fails.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        self.vocabulary.encode(text, None)
    }

    /// The tokens of a prompt to continue as it is: the token that opens every prompt, if the model
    /// has one, then plain text, with the names of control tokens read as ordinary text.
    ///
    /// # Errors
    /// As [`ChatModel::encode`].
    pub fn encode_prompt(&self, text: &str) -> Result<Vec<u32>> {
        let mut ids = Vec::from_iter(self.vocabulary.opening_id().filter(|_| !text.is_empty()));
        // the token was put before the text, it is not part of it
        ids.extend(self.vocabulary.encode(text, None)?);
        Ok(ids)
    }

    /// The tokens of a prompt that the caller wrote in full: names of control tokens stand for
    /// them, and the token that opens every prompt is put first if the model has one. Never for
    /// text from documents.
    ///
    /// # Errors
    /// As [`ChatModel::encode`].
    pub fn encode_trusted(&self, prompt: &str) -> Result<Vec<u32>> {
        let mut ids = self.vocabulary.encode_scaffold(prompt, None)?;
        if let Some(id) = self.vocabulary.opening_id()
            && ids.first() != Some(&id)
        {
            ids.insert(0, id);
        }
        Ok(ids)
    }

    /// The text of tokens; control tokens are left out, bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) if an id is outside the vocabulary.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.check_ids(ids)?;
        Ok(self.vocabulary.decode(ids))
    }

    /// Whether `id` is a control token, or another that only the template may write.
    #[must_use]
    pub fn is_control_token(&self, id: u32) -> bool {
        self.vocabulary.is_special(id)
    }

    /// Names and ids of the tokens for which [`ChatModel::is_control_token`] holds, longest name
    /// first.
    #[must_use]
    pub fn control_tokens(&self) -> &[(String, u32)] {
        self.vocabulary.special()
    }

    /// Number of tokens in the vocabulary.
    #[must_use]
    pub fn vocabulary_len(&self) -> usize {
        self.vocabulary.len()
    }

    /// Fails on the first id outside the vocabulary.
    pub(crate) fn check_ids(&self, ids: &[u32]) -> Result<()> {
        match ids.iter().find(|id| **id as usize >= self.vocabulary.len()) {
            None => Ok(()),
            Some(id) => Err(Error::invalid(
                "token ids",
                format!("{id} is outside the vocabulary of {} tokens", self.vocabulary.len()),
            )),
        }
    }

    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }
}

#[cfg(test)]
mod tests;
